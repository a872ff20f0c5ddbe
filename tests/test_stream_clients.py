"""Clients that have no one address: of Sentinel, of a cluster; and what else is a Redis URL."""

import asyncio
import os
import signal
import subprocess
from contextlib import aclosing, asynccontextmanager, contextmanager

import pytest
import redis
from envelopes import envelope
from histories import sample
from redis import asyncio as aio
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.crc import key_slot
from redis.sentinel import Sentinel
from streams import publish
from waiting import until

import mastermind_lab as lab
from mastermind_lab.arena import server as server_module
from mastermind_lab.arena.server import Server
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.frames import entry_ids
from mastermind_lab.stream import address, follow_envelopes, publish_payloads, read_envelopes
from mastermind_lab.stream.connection import connect


def fill(server, *ids, stream=STREAM):
    with redis.Redis.from_url(server.url) as raw:
        publish(raw, [(one, envelope()) for one in ids], stream)


def ids_of(history):
    return entry_ids(history.tables())


async def followed(client, count, stream=STREAM):
    async with aclosing(follow_envelopes(client, stream, last_id="0-0")) as entries:
        return [(await anext(entries))[0] for _ in range(count)]


@asynccontextmanager
async def managed(*ports):
    """An asyncio client of the master ``arena``, closed as its user would."""
    sentinel = AsyncSentinel([("127.0.0.1", port) for port in ports])
    async with sentinel.master_for("arena") as client:
        yield client
    for one in sentinel.sentinels:
        await one.aclose()


@contextmanager
def sentinel_of(program, server, folder):
    """Start a sentinel that watches a server as ``arena``; yields its port."""
    for _ in range(3):
        port = server_module._free_port()
        settings = folder / f"sentinel-{port}.conf"
        settings.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor arena 127.0.0.1 {server.port} 1\n"
        )
        process = subprocess.Popen([*program, settings, "--sentinel"], stdout=subprocess.DEVNULL)
        try:
            with redis.Redis(port=port) as raw:
                until(lambda process=process, raw=raw: process.poll() is not None or is_up(raw))
                if process.poll() is None:
                    yield port
                    return
        finally:
            process.kill()
            process.wait()


def is_up(raw):
    try:
        return raw.ping()
    except redis.ConnectionError:
        return False


@pytest.fixture
def sentinel(server, tmp_path):
    with sentinel_of(server._program, server, tmp_path) as port:
        yield port


class TestSentinel:
    def test_every_way_to_read(self, server, sentinel, tmp_path):
        fill(server, "1-0", "2-0")
        client = Sentinel([("127.0.0.1", sentinel)], decode_responses=True).master_for("arena")
        assert ids_of(lab.read(client)) == ["1-0", "2-0"]
        assert lab.read(client).coverage["source"].tolist() == [
            f"redis+sentinel://127.0.0.1:{sentinel}/arena/0"
        ]
        assert sum(len(batch) for batch in lab.scan(client)) == 2
        assert lab.archive(client, tmp_path / "archive").last_id == "2-0"
        with lab.Follower(client) as follower:
            until(lambda: follower.status.received == 2)
        assert [*publish_payloads(client, STREAM, [envelope().encode()])] == [1]
        assert ids_of(lab.read(client, last=1)) != ["2-0"]

    async def test_an_asyncio_client(self, server, sentinel):
        fill(server, "1-0", "2-0")
        async with managed(sentinel) as client:
            assert ids_of(await lab.aread(client)) == ["1-0", "2-0"]
            assert await asyncio.wait_for(followed(client, 2), 30) == ["1-0", "2-0"]
            assert [entry for entry, _ in await read_envelopes(client, STREAM, 1)] == ["2-0"]

    async def test_the_sentinels_are_asked_once_a_connection(self, server, sentinel):
        fill(server, *[f"{number}-0" for number in range(1, 3_001)])
        with redis.Redis(port=sentinel) as raw:
            before = raw.info("stats")["total_connections_received"]
            assert len(lab.read(Sentinel([("127.0.0.1", sentinel)]).master_for("arena"))) == 3_000
            async with managed(sentinel) as client:
                await asyncio.wait_for(followed(client, 3_000), 30)
            assert raw.info("stats")["total_connections_received"] - before == 3

    def test_a_client_for_replicas_takes_the_master_where_there_is_none(self, server, sentinel):
        fill(server, "1-0")
        assert ids_of(lab.read(Sentinel([("127.0.0.1", sentinel)]).slave_for("arena"))) == ["1-0"]

    async def test_after_a_failover_it_is_followed_to_the_new_master(self, server, make_server, sentinel):
        fill(server, "1-0")
        heir = make_server()
        fill(heir, "1-0", "2-0")
        client = Sentinel([("127.0.0.1", sentinel)]).master_for("arena")
        async with managed(sentinel) as asynchronous, lab.Follower(client) as follower:
            following = asyncio.create_task(followed(asynchronous, 2))
            await asyncio.to_thread(until, lambda: follower.status.received == 1)
            with redis.Redis(port=sentinel) as raw:
                raw.sentinel_remove("arena")
                raw.sentinel_monitor("arena", "127.0.0.1", heir.port, 1)
            server.stop()
            await asyncio.to_thread(until, lambda: follower.status.received == 2)
            assert await asyncio.wait_for(following, 30) == ["1-0", "2-0"]
            assert follower.status.resets == 0

    @pytest.mark.thorough
    async def test_a_real_failover(self, server, make_server, sentinel):
        fill(server, *[f"{number}-0" for number in range(1, 101)])
        heir = make_server("--replicaof", "127.0.0.1", str(server.port))
        # A client that tries again: sentinels end all connections to the one they make the master.
        with redis.Redis(port=sentinel) as watching, redis.Redis(port=heir.port) as raw:
            watching.sentinel_set("arena", "down-after-milliseconds", 1_000)
            await asyncio.to_thread(until, lambda: raw.info("replication")["master_link_status"] == "up")
            await asyncio.to_thread(until, lambda: watching.sentinel_master("arena")["num-slaves"])
            client = Sentinel([("127.0.0.1", sentinel)]).master_for("arena")
            assert len(lab.read(Sentinel([("127.0.0.1", sentinel)]).slave_for("arena"))) == 100
            async with managed(sentinel) as asynchronous, lab.Follower(client) as follower:
                following = asyncio.create_task(followed(asynchronous, 150))
                await asyncio.to_thread(until, lambda: follower.status.received == 100)
                os.kill(server.pid, signal.SIGKILL)
                await asyncio.to_thread(until, lambda: raw.info("replication")["role"] == "master")
                fill(heir, *[f"{number}-0" for number in range(101, 151)])
                await asyncio.to_thread(until, lambda: follower.status.received == 150)
                assert len(set(await asyncio.wait_for(following, 30))) == 150
                assert follower.history().coverage[["missing", "certainty"]].values.tolist() == [[0, "exact"]]

    def test_a_sentinel_that_is_gone_is_passed_over(self, server, sentinel):
        fill(server, "1-0")
        sentinels = [("127.0.0.1", server_module._free_port()), ("127.0.0.1", sentinel)]
        assert ids_of(lab.read(Sentinel(sentinels).master_for("arena"))) == ["1-0"]

    def test_no_master_is_said_without_a_password(self, sentinel):
        client = Sentinel([("127.0.0.1", sentinel)], password="cAnArY").master_for("elsewhere")
        with pytest.raises(
            lab.SourceError, match="of 1 sentinels none names a master of 'elsewhere'"
        ) as caught:
            lab.read(client)
        assert "cAnArY" not in str(caught.value)

    def test_a_replica_takes_no_entries(self, make_server):
        replica = make_server("--replicaof", "127.0.0.1", "1")
        with pytest.raises(lab.SourceError, match="What was counted has arrived; publish to its master"):
            list(publish_payloads(replica.url, STREAM, [b"x"]))

    def test_what_is_no_sentinel_is_told(self, server):
        with pytest.raises(lab.SourceError, match="SENTINEL"):
            lab.read(Sentinel([("127.0.0.1", server.port)]).master_for("arena"))


@contextmanager
def cluster_of(monkeypatch):
    """Start two servers of one cluster; the first has all slots but one."""
    free = server_module._free_port

    def port():  # a cluster's own port is 10,000 above
        return next(one for one in iter(free, None) if one < 55_000)

    monkeypatch.setattr(server_module, "_free_port", port)
    servers = [Server("--cluster-enabled", "yes") for _ in range(2)]
    try:
        for one, slots in zip(servers, [(0, 16_382), (16_383, 16_383)], strict=True):
            one.start()
            with redis.Redis.from_url(one.url) as raw:
                raw.execute_command("CLUSTER", "ADDSLOTSRANGE", *slots)
                raw.execute_command("CLUSTER", "MEET", "127.0.0.1", servers[0].port)
        for one in servers:
            with redis.Redis.from_url(one.url) as raw:
                until(lambda raw=raw: is_whole(raw.execute_command("CLUSTER", "INFO")))
        yield servers
    finally:
        for one in servers:
            one.stop()


def is_whole(facts):
    return facts.startswith(b"cluster_state:ok") and b"slots_assigned:16384" in facts


@pytest.fixture(scope="module")
def two_nodes():
    with pytest.MonkeyPatch.context() as monkeypatch, cluster_of(monkeypatch) as servers:
        yield servers


@pytest.fixture
def cluster(two_nodes):
    """Two nodes of a cluster; the first has all streams, and they are empty."""
    with redis.Redis.from_url(two_nodes[0].url) as raw:
        raw.flushall()
    return two_nodes


@pytest.fixture(params=[0, 1])
def client(request, cluster):
    """A client of the cluster that was given either of its nodes."""
    with redis.RedisCluster(host="127.0.0.1", port=cluster[request.param].port) as client:
        yield client


class TestCluster:
    def test_every_way_to_read_one_stream(self, cluster, client, tmp_path):
        fill(cluster[0], "1-0", "2-0")
        assert ids_of(lab.read(client)) == ["1-0", "2-0"]
        assert lab.read(client).coverage["certainty"].tolist() == ["exact"]
        assert sum(len(batch) for batch in lab.scan(client)) == 2
        assert lab.archive(client, tmp_path / "archive").last_id == "2-0"
        with lab.Follower(client) as follower:
            until(lambda: follower.status.received == 2)
            fill(cluster[0], "3-0")
            until(lambda: follower.status.received == 3)

    def test_addresses_are_mapped_as_the_client_maps_them(self, cluster):
        """As behind a proxy: what the cluster calls a node is not where it is reached."""
        fill(cluster[0], "1-0")
        asked = []

        def remap(place):
            asked.append(place)
            return ("localhost", place[1])

        with redis.RedisCluster(host="127.0.0.1", port=cluster[1].port, address_remap=remap) as client:
            asked.clear()
            client.nodes_manager.nodes_cache = {
                name: node
                for name, node in client.nodes_manager.nodes_cache.items()
                if node.port == cluster[1].port
            }
            client.nodes_manager.startup_nodes = client.nodes_manager.nodes_cache
            assert ids_of(lab.read(client)) == ["1-0"]
            assert asked
            assert set(asked) == {("127.0.0.1", cluster[0].port)}

    @pytest.mark.further
    def test_publishing(self, cluster, client):
        assert [*publish_payloads(client, STREAM, [envelope().encode()] * 250)] == [200, 250]
        assert len(lab.read(client)) == 250

    def test_nodes_that_send_from_one_to_another_are_left_for_a_while(self, cluster, client, monkeypatch):
        monkeypatch.setattr("mastermind_lab.stream.connection.MOST_MOVES", 1)
        monkeypatch.setattr("mastermind_lab.stream.publish.MOST_MOVES", 1)
        last = next(name for name in map(str, range(10**6)) if key_slot(name.encode()) == 16_383)
        elsewhere = STREAM if cluster[1].port < cluster[0].port else last  # the lower port is tried first
        for use in (lab.read, lambda client, stream: [*publish_payloads(client, stream, [b"x"])]):
            with pytest.raises(lab.SourceError, match="its nodes send from one to another"):
                use(client, stream=elsewhere)

    @pytest.mark.parametrize("given", [0, 1])
    async def test_an_asyncio_client(self, cluster, given):
        fill(cluster[0], "1-0", "2-0")
        async with aio.RedisCluster(host="127.0.0.1", port=cluster[given].port) as client:
            assert ids_of(await lab.aread(client)) == ["1-0", "2-0"]
            assert await asyncio.wait_for(followed(client, 2), 30) == ["1-0", "2-0"]
            assert [entry for entry, _ in await read_envelopes(client, STREAM, 1)] == ["2-0"]

    def test_a_url_of_another_node_is_told_where_it_is(self, cluster):
        fill(cluster[0], "1-0")
        assert ids_of(lab.read(cluster[0].url)) == ["1-0"]
        told = rf"Connect to {cluster[0].url}, or give a redis\.RedisCluster"
        for use in (lab.read, failed, lambda url: [*publish_payloads(url, STREAM, [b"x"])]):
            with pytest.raises(lab.SourceError, match=told):
                use(cluster[1].url)

    def test_several_streams_are_refused(self, cluster, client):
        fill(cluster[0], "1-0", stream="a")
        with pytest.raises(lab.SourceError, match="each by itself"):
            failed(client, ["a", "b"])
        with redis.Redis.from_url(cluster[0].url) as raw:
            raw.xadd("{a}b", {"data": envelope()}, "2-0")
        with lab.Follower(client, stream=["a", "{a}b"]) as follower:  # these are in one place
            until(lambda: follower.status.received == 2)

    def test_a_stream_that_moves_is_followed(self, cluster, client):
        fill(cluster[0], "1-0", stream="moving")
        here, there = (redis.Redis.from_url(one.url) for one in cluster)
        names = [one.execute_command("CLUSTER", "MYID") for one in (here, there)]
        slot = here.execute_command("CLUSTER", "KEYSLOT", "moving")
        with here, there, lab.Follower(client, stream="moving") as follower:
            until(lambda: follower.status.received == 1)
            for one, other in ((here, there), (there, here)):
                mine, theirs = names if one is here else names[::-1]
                other.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", mine)
                one.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", theirs)
                port = other.connection_pool.connection_kwargs["port"]
                one.execute_command("MIGRATE", "127.0.0.1", port, "moving", 0, 5_000)
                with pytest.raises(lab.SourceError, match="is moving it to another node"):
                    lab.read(client, stream="moving")
                until(lambda: follower.status.state == "reconnecting")
                for node in (other, one):
                    node.execute_command("CLUSTER", "SETSLOT", slot, "NODE", theirs)
                before = follower.status.received
                other.xadd("moving", {"data": envelope()}, f"{before + 1}-0")
                until(lambda before=before: follower.status.received == before + 1)
            assert follower.status.resets == follower.status.trimmed == 0

    def test_a_cluster_that_is_down_is_waited_for(self, cluster, client):
        fill(cluster[0], "1-0")
        with redis.Redis.from_url(cluster[0].url) as raw:
            slot = raw.execute_command("CLUSTER", "KEYSLOT", STREAM)
            with lab.Follower(client) as follower:
                until(lambda: follower.status.received == 1)
                asked = raw.info("stats")["total_connections_received"]
                raw.execute_command("CLUSTER", "DELSLOTS", slot)
                until(lambda: follower.status.state == "reconnecting")
                with pytest.raises(lab.SourceError, match="cannot serve it now"):
                    lab.read(client)
                raw.execute_command("CLUSTER", "ADDSLOTS", slot)
                until(lambda: raw.execute_command("CLUSTER", "INFO").startswith(b"cluster_state:ok"))
                raw.xadd(STREAM, {"data": envelope()}, "2-0")
                until(lambda: follower.status.received == 2)
                assert raw.info("stats")["total_connections_received"] - asked < 100  # no spin


def failed(source, stream=STREAM):
    """Follow until it fails, and raise what the follower says."""
    with lab.Follower(source, stream=stream) as follower:
        until(lambda: follower.status.error)
        raise lab.SourceError(follower.status.error)


class TestUrls:
    def test_valkey_is_redis_everywhere(self, raw, redis_url, tmp_path):
        url = redis_url.replace("redis://", "valkey://")
        publish(raw, [("1-0", envelope())])
        assert ids_of(lab.read(url)) == ids_of(lab.read([url])) == ["1-0"]
        assert sum(len(batch) for batch in lab.scan(url)) == 1
        assert lab.archive(url, tmp_path / "archive").last_id == "1-0"
        assert ids_of(lab.read([tmp_path / "archive", url])) == ["1-0"]
        assert [*publish_payloads(url, STREAM, [envelope().encode()])] == [1]
        with lab.Follower(url) as follower:
            until(lambda: follower.status.received == 2)
        assert address(url) == address(redis_url)

    def test_in_capitals(self, raw, redis_url):
        publish(raw, [("1-0", envelope())])
        url = redis_url.replace("redis://", "VALKEY://")
        assert ids_of(lab.read(url)) == ["1-0"]
        assert address(url) == address(redis_url)

    def test_valkeys_asks_for_tls(self, redis_url):
        assert address("valkeys://me:secret@host/1") == "rediss://host:6379/1"
        with pytest.raises(lab.SourceError, match="rediss:// asks for TLS"):
            lab.read(redis_url.replace("redis://", "valkeys://"))

    @pytest.mark.parametrize("use", [lab.verify, lab.compact, lambda folder: sample(1).save(folder)])
    def test_where_a_folder_is_expected_it_is_told(self, use):
        with pytest.raises(lab.OptionError, match="is a Redis server"):
            use("valkey://host:6379")


@pytest.mark.parametrize("several", [["a", "b"], ("a",), {"a": "0"}, b"a", None])
def test_several_streams_where_one_is_possible(several, redis_url):
    for use in (lab.read, lab.scan):
        with pytest.raises(lab.OptionError, match="expected one stream's name"):
            use(redis_url, stream=several)


def test_on_our_connections_nothing_comes_that_was_not_asked_for(redis_url):
    """With the newer protocol, which clients take by themselves, a server may push."""
    with connect(redis_url) as client:
        assert int(client.client_info()["resp"]) == 2
