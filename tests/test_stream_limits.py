"""Reading does a server no harm, needs few rights and little memory, and ends when it is told to."""

import asyncio
import gc
import json
import re
import signal
import threading
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
import redis
from redis import asyncio as aio
from redis import exceptions as fault
from streams import answering, publish

import mastermind_lab as lab
from mastermind_lab.arena.server import Server
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.stream import Pages, StreamReader, follow_envelopes, read_envelopes
from mastermind_lab.stream.bounded import PAGE_LIMIT, REPLY_LIMIT, Allowance, ReplyTooLargeError
from mastermind_lab.stream.pages import PAGE_BYTES

DECISION = {"recommendation": "a", "confidence": 0.5}
PAYLOAD = json.dumps({"decision": DECISION}).encode()


def of_size(size):
    return json.dumps({"decision": DECISION | {"rationale": "x" * size}}).encode()


def names(*numbers):
    return [f"{number}-0" for number in numbers]


def read_on(url, wanted):
    """Follow from the stream's beginning until so many entries have come; returns ids and sizes of pages."""
    ids, sizes = [], []
    reader = StreamReader(url, (STREAM,), since="0")
    for update in reader:
        assert update.transient_error is None, update
        ids += [entry_id for entry_id, _ in update.entries]
        sizes.append(sum(len(payload) for _, payload in update.entries))
        if len(ids) >= wanted:
            break
    reader.close()
    return ids, sizes


async def follow_on(url, wanted, **settings):
    ids = []
    async with aio.from_url(url, **settings) as client:
        following = follow_envelopes(client, STREAM, last_id="0-0")
        async for entry_id, _ in following:
            ids.append(entry_id)
            if len(ids) >= wanted:
                break
        await following.aclose()
    return ids


async def latest(url, count):
    async with aio.from_url(url) as client:
        return [entry_id for entry_id, _ in await read_envelopes(client, STREAM, count)]


COUNT = 2_000


@pytest.fixture(scope="module")
def full():
    with Server("--maxmemory-policy", "allkeys-lru") as server, redis.Redis.from_url(server.url) as raw:
        publish(raw, [of_size(3_000)] * COUNT)
        raw.config_set("maxmemory", raw.info("memory")["used_memory"] + 1_000_000)
        yield server.url


class TestAServerAtItsLimit:
    """A server that evicts, with a megabyte left: what it evicts is the stream, its one large key."""

    @pytest.mark.parametrize(
        "way",
        [
            lambda url: len(lab.read(url)),
            lambda url: sum(map(len, lab.scan(url))),
            lambda url: len(read_on(url, COUNT)[0]),
            lambda url: sum(len(one.entries) for one in backfilled(url, COUNT)),
            lambda url: len(asyncio.run(latest(url, COUNT))),
            lambda url: len(asyncio.run(follow_on(url, COUNT))),
        ],
        ids=["read", "scan", "follow", "backfill", "read_envelopes", "follow_envelopes"],
    )
    def test_it_keeps_the_stream(self, full, way):
        assert way(full) == COUNT
        with redis.Redis.from_url(full) as raw:
            assert raw.xlen(STREAM) == COUNT
            assert raw.info("stats")["evicted_keys"] == 0


def backfilled(url, count):
    reader = StreamReader(url, (STREAM,), backfill=count)
    for update in reader:
        yield update
        if update.account:
            reader.close()


class TestRights:
    """What a user may not do is done in the next best way, and never again and again without a pause."""

    @pytest.fixture
    def poor(self, server):
        """Makes users who may do all but some commands."""
        with redis.Redis.from_url(server.url) as raw:

            def made(*refused):
                commands = ["+@all", *(f"-{one}" for one in refused)]
                raw.acl_setuser("poor", enabled=True, passwords=["+p"], keys=["*"], commands=commands)
                return server.url.replace("//", "//poor:p@")

            publish(raw, [("1-0", PAYLOAD)])
            made.raw = raw
            yield made

    REFUSED = (("multi",), ("exec",), ("@transaction",), ("xread",), ("xread", "multi"), ("multi", "xinfo"))

    @pytest.mark.parametrize("refused", REFUSED, ids="-".join)
    def test_followed_and_archived_all_the_same(self, poor, refused, tmp_path):
        url = poor(*refused)
        poor.raw.config_resetstat()
        reader = StreamReader(url, (STREAM,), backfill=5)
        updates, ids, found = iter(reader), [], []
        for number, update in enumerate(updates):
            assert update.transient_error is None
            found.append(update)
            ids += [entry_id for entry_id, _ in update.entries]
            if number == 1:
                publish(poor.raw, [("2-0", PAYLOAD), ("3-0", PAYLOAD)])
                began = time.monotonic()
            if len(ids) == 3 and time.monotonic() - began > 0.6:
                break
        reader.close()
        assert ids == names(1, 2, 3)
        assert poor.raw.info("commandstats")["cmdstat_xrange"]["calls"] < 40
        lab.archive(url, tmp_path / "a")
        [row] = lab.read(tmp_path / "a").coverage.to_dict("records")
        known = "xinfo" not in refused
        assert (row["entries"], row["certainty"]) == (3, "exact" if known else "not verified")

    @pytest.mark.parametrize("refused", REFUSED, ids="-".join)
    async def test_asyncio_code_too(self, poor, refused):
        publish(poor.raw, [("2-0", PAYLOAD)])
        assert await asyncio.wait_for(follow_on(poor(*refused), 2), 5) == names(1, 2)

    def test_what_is_missing_is_counted_without_transactions(self, poor):
        url = poor("multi")
        reader = StreamReader(url, (STREAM,), backfill=5)
        updates = iter(reader)
        next(updates)
        publish(poor.raw, [(f"{number}-0", PAYLOAD) for number in range(2, 31)])
        poor.raw.xtrim(STREAM, maxlen=10, approximate=False)
        gaps = [update.gap for update in (next(updates), next(updates)) if update.gap]
        assert [(gap.missing, gap.certainty) for gap in gaps] == [(19, "at most")]
        publish(poor.raw, [(f"{number}-0", PAYLOAD) for number in range(31, 34)])
        poor.raw.xdel(STREAM, "32-0")
        gaps = [update.gap for update in (next(updates) for _ in range(4)) if update.gap]
        assert [(gap.missing, gap.certainty) for gap in gaps] == [(1, "at most")]
        reader.close()

    @pytest.mark.parametrize("refused", [("xrange",), ("xrange", "multi"), ("xrange", "xread")], ids="-".join)
    def test_no_right_to_the_entries_is_a_lasting_fault(self, poor, refused):
        reader = StreamReader(poor(*refused), (STREAM,), since="0")
        with pytest.raises(lab.SourceError, match="may not read"):
            list(reader)

    @pytest.mark.parametrize(
        "read",
        [
            lab.read,
            lambda url: list(StreamReader(url, (STREAM,), since="0")),
            lambda url: asyncio.run(follow_on(url, 1)),
        ],
        ids=["read", "follow", "asyncio"],
    )
    def test_a_stream_on_another_node_is_a_lasting_fault(self, read):
        with (
            answering(b"-MOVED 866 127.0.0.1:7001\r\n") as url,
            pytest.raises(lab.SourceError, match=r"Connect to redis://127\.0\.0\.1:7001"),
        ):
            read(url)


class TestLargeEntries:
    """Small entries and then large ones: no reply is larger than a page may be."""

    MOST = 400_000

    @pytest.fixture(params=["small, large", "large", "large, small", "one huge"])
    def stream(self, request, raw, redis_url, monkeypatch):
        monkeypatch.setattr("mastermind_lab.stream.connection.PAGE_LIMIT", self.MOST)
        small, large = [PAYLOAD] * 1_500, [of_size(60_000)] * 30
        sent = {
            "small, large": small + large,
            "large": large,
            "large, small": large + small,
            "one huge": [*small, of_size(3_000_000), *small],
        }[request.param]
        publish(raw, [(f"{number}-0", payload) for number, payload in enumerate(sent, 1)])
        return redis_url, names(*range(1, len(sent) + 1))

    def test_pages(self, stream):
        url, ids = stream
        pages = list(Pages(url, STREAM))
        assert [entry_id for page in reversed(pages) for entry_id, _ in page] == ids
        assert all(sum(len(one) for _, one in page) < self.MOST for page in pages if len(page) > 1)

    @pytest.mark.further
    def test_following(self, stream):
        url, ids = stream
        read, sizes = read_on(url, len(ids))
        assert read == ids
        assert [size for size in sizes if size > self.MOST] in ([], [len(of_size(3_000_000))])

    @pytest.mark.further
    async def test_asyncio_code(self, stream):
        url, ids = stream
        assert await follow_on(url, len(ids)) == ids


async def test_asyncio_code_reads_one_that_is_larger_than_a_page(raw, redis_url):
    publish(raw, [("1-0", PAYLOAD), ("2-0", of_size(PAGE_LIMIT + 1_000)), ("3-0", PAYLOAD)])
    assert await follow_on(redis_url, 3) == names(1, 2, 3)


def test_figures_that_bring_large_entries_are_not_asked_for_each_time(raw, redis_url):
    publish(raw, [("1-0", of_size(PAGE_LIMIT // 2))])
    reader = StreamReader(redis_url, (STREAM,), since="0")
    news = (update.entries for update in reader if update.entries)
    assert len(next(news)) == 1
    raw.config_resetstat()
    publish(raw, [("2-0", PAYLOAD)])
    assert len(next(news)) == 1
    assert "cmdstat_xinfo|stream" not in raw.info("commandstats")
    reader.close()


async def test_asyncio_code_asks_for_less_without_a_word(raw, redis_url, caplog):
    large = of_size(PAGE_BYTES - 1_000)  # of which pages have few entries from then on
    publish(raw, [("1-0", PAYLOAD), ("2-0", large), ("3-0", large), ("4-0", PAYLOAD)])
    async with aio.from_url(redis_url) as client:
        following = follow_envelopes(client, STREAM, last_id="0-0")
        assert [(await anext(following))[0] for _ in range(4)] == names(1, 2, 3, 4)
        with raw.pipeline(transaction=True) as both:
            both.xadd(STREAM, {"data": of_size(PAGE_LIMIT + 1_000)}, "5-0")
            both.xadd(STREAM, {"data": PAYLOAD}, "6-0")
            both.execute()
        assert [(await anext(following))[0] for _ in range(2)] == names(5, 6)
        await following.aclose()
    assert caplog.messages == []


async def test_the_latest_in_pages(raw, redis_url):
    publish(raw, [(f"{number}-0", PAYLOAD) for number in range(1, 301)])
    raw.config_resetstat()
    assert await latest(redis_url, 250) == names(*range(300, 50, -1))
    assert raw.info("commandstats")["cmdstat_xrevrange"]["calls"] > 3


@pytest.mark.once
@pytest.mark.parametrize("last_id", ["$", "0-0"])
async def test_cancelled_at_any_moment_it_ends(raw, redis_url, last_id):
    publish(raw, [(f"{number}-0", PAYLOAD) for number in range(1, 3_001)])
    random = Random(3)

    async def follow(client):
        async for entry_id, _ in follow_envelopes(client, STREAM, last_id=last_id):
            if int(entry_id.partition("-")[0]) % 50 == 0:
                await asyncio.sleep(0)

    async with aio.from_url(redis_url) as client:
        for _ in range(30):
            task = asyncio.create_task(follow(client))
            await asyncio.sleep(random.choice([0, 0.0005, 0.002, 0.004, 0.01, 0.02]))
            task.cancel()
            await asyncio.wait([task], timeout=40)
            assert task.cancelled()


@pytest.mark.thorough
async def test_a_cancelled_read_hands_its_reply_to_nobody_else(raw, redis_url, effort):
    for stream in range(4):
        publish(raw, [(f"{1000 * stream + number}-0", PAYLOAD) for number in range(1, 41)], str(stream))
    random, read = Random(5), 0

    async def check(client, stream):
        found = await read_envelopes(client, str(stream), 40)
        assert [entry_id for entry_id, _ in found] == names(*range(1000 * stream + 40, 1000 * stream, -1))

    async with aio.from_url(redis_url) as client:
        for _ in range(50 * effort):
            tasks = [asyncio.create_task(check(client, stream)) for stream in range(4)]
            await asyncio.sleep(random.choice([0, 0.0002, 0.0005, 0.001, 0.002, 0.004]))
            tasks[random.randrange(4)].cancel()
            for done in await asyncio.gather(*tasks, return_exceptions=True):
                assert done is None or isinstance(done, asyncio.CancelledError), done
                read += done is None
    assert read >= 150 * effort


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:Exception ignored in")  # the client's, where the signal came just then
def test_an_interrupted_read_hands_its_reply_to_nobody_else(raw, redis_url, effort):
    for stream in range(2):
        publish(raw, [(f"{1000 * stream + number}-0", PAYLOAD) for number in range(1, 401)], str(stream))
    random, interrupted = Random(6), 0
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with redis.Redis.from_url(redis_url) as client:
            for number in range(50 * effort):
                ids = None
                with suppress(KeyboardInterrupt):
                    signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.008))
                    try:
                        ids = lab.read(client, stream=str(number % 2)).decisions["stream_id"].tolist()
                    except lab.SourceError as error:
                        if not isinstance(error.__context__, RuntimeError):  # from a lock of the client's
                            raise
                    finally:
                        signal.setitimer(signal.ITIMER_REAL, 0)
                interrupted += ids is None
                assert ids in (None, names(*range(1000 * (number % 2) + 1, 1000 * (number % 2) + 401)))
    finally:
        signal.signal(signal.SIGALRM, before)
        gc.collect()  # or the warning of a socket that was being made comes with another test
    assert interrupted >= 20 * effort
    left = [thread for thread in threading.enumerate() if thread.name == "mastermind-pages"]
    assert len(left) <= effort  # a signal may come in the very step that would have ended one


class TestRepliesWithoutAnEnd:
    @pytest.mark.parametrize("begins", [b"+", b"$999999999999\r\n", b"-ERR "])
    def test_given_up(self, begins):
        with answering(begins + b"x" * (2 << 20)) as url:
            for read in (lab.read, lambda url: next(iter(StreamReader(url, (STREAM,), since="0")))):
                began = time.monotonic()
                try:
                    update = read(url)
                    said = str(update.transient_error)
                except lab.SourceError as error:
                    said = str(error)
                assert "more than 1 MB was given up" in said or "cannot be read" in said, said
                assert time.monotonic() - began < 5

    @pytest.mark.parametrize("reply", [b":7\r\n", b"$3\r\nabc\r\n", b"*2\r\n:1\r\n:2\r\n", b"+OK\r\n"])
    async def test_a_reply_to_something_else_is_told_in_our_words(self, reply, caplog):
        said = "a reply to something else"
        with answering(reply) as url:
            with pytest.raises(lab.SourceError, match=f"answered what cannot be read .{said}"):
                lab.read(url)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(follow_on(url, 1), 0.3)
            async with aio.Redis.from_url(url) as client:
                with pytest.raises(fault.InvalidResponse, match=said):
                    await read_envelopes(client, STREAM, 3)
        assert f"{said}; following goes on" in caplog.text

    @pytest.mark.once
    @pytest.mark.parametrize(
        "before", [b"", b"*1\r\n", b"*2\r\n$3\r\nabc\r\n", b"*3\r\n:1\r\n$-1\r\n*0\r\n+OK\r\n"]
    )
    @pytest.mark.parametrize("claim", [b"*", b"%", b"~", b">", b"|", b"$", b"=", b"!"])
    def test_a_claim_is_given_up_at_once(self, before, claim):
        began = time.process_time()
        for number in (b"600000000", b"4000000000", b"9" * 30):
            with answering(before + claim + number + b"\r\n") as url:
                for read in (lab.read, lambda url: list(StreamReader(url, (STREAM,)).up_to_now())):
                    with pytest.raises(lab.SourceError, match="was given up"):
                        read(url)
        assert time.process_time() - began < 3

    @pytest.mark.parametrize("claim", [b"*600000000\r\n", b"$600000000\r\n", b"*1\r\n>600000000\r\n"])
    async def test_a_claim_to_asyncio_code(self, claim, caplog):
        with answering(claim) as url, pytest.raises(TimeoutError):
            await asyncio.wait_for(follow_on(url, 1), 0.3)
        assert "was given up" in caplog.text

    async def test_a_payload_may_look_like_a_claim(self, raw, redis_url):
        odd = [b"\r\n*600000000\r\n", b"*600000000\r\n$600000000\r\n" * 3_000, b"\r", b"\r\n", b""]
        publish(raw, [(f"{number}-0", payload) for number, payload in enumerate(odd * 20, 1)])
        assert [payload for page in reversed([*Pages(redis_url, STREAM)]) for _, payload in page] == odd * 20
        publish(raw, [(f"{number}-0", PAYLOAD) for number in (1_000_000_000_000, 1_000_000_000_001)])
        assert await follow_on(redis_url, 2) == names(1_000_000_000_000, 1_000_000_000_001)

    def test_however_a_reply_is_cut_up(self):
        entry = b"*2\r\n$15\r\n1700000000000-0\r\n*2\r\n$4\r\ndata\r\n$18\r\n\r\n*600000000\r\n:1\r\n\r\n"
        fine = (
            b"*3\r\n"
            + entry
            + b"*0\r\n+"
            + b"t" * 50
            + b"\r\n"
            + entry.replace(b"15", b"16").replace(b"-0", b"-10")
        )
        random = Random(5)
        for _ in range(300):
            allowance, reply = Allowance(), fine + b"*2000000\r\n"
            cuts = sorted(random.randrange(len(reply) + 1) for _ in range(random.choice([0, 1, 5, 60])))
            pieces = [reply[a:b] for a, b in pairwise([0, *cuts, len(reply)])]
            with pytest.raises(ReplyTooLargeError, match="2,000,000 elements"):
                [allowance.spend(piece) for piece in pieces]
            allowance.renew()
            [allowance.spend(reply[a : min(b, len(fine))]) for a, b in pairwise([0, *cuts, len(reply)])]

    def test_one_that_only_its_size_makes_bad(self, raw, redis_url, monkeypatch):
        monkeypatch.setattr("mastermind_lab.stream.connection.REPLY_LIMIT", 500_000)
        publish(raw, [("1-0", of_size(1_000_000))])
        with pytest.raises(lab.SourceError, match="a reply of more than"):
            lab.read(redis_url)
        reader = StreamReader(redis_url, (STREAM,), since="0")
        assert "a reply of more than" in str(next(iter(reader)).transient_error)
        reader.close()


def test_an_entry_may_be_as_large_as_the_readme_says():
    said = Path(__file__).parents[1].joinpath("README.md").read_text()
    [megabytes] = re.findall(r"an entry of more than (\d+) MB", said)
    assert int(megabytes) * 2**20 * 4 == REPLY_LIMIT
