"""Redis streams against real servers: four functions, every kind of client, and coverage."""

import asyncio
import json
import os
import signal
import threading
from types import SimpleNamespace

import pytest
import redis
from envelopes import CORE
from redis import asyncio as aio
from waiting import blocked, until

import mastermind_lab as lab
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.stream import address, publish_batches, publish_payloads

VALID = json.dumps({"decision": CORE})

CLIENTS = {
    "bytes": {"protocol": 2},
    "decoded": {"decode_responses": True},
    "resp3": {"protocol": 3},
    "resp3 decoded": {"protocol": 3, "decode_responses": True},
}
if "legacy_responses" in redis.Redis.__init__.__annotations__:
    CLIENTS["unified"] = {"legacy_responses": False}
    CLIENTS["unified resp3"] = {"legacy_responses": False, "protocol": 3}


@pytest.fixture(params=CLIENTS)
async def client(request, redis_url):
    async with aio.from_url(redis_url, **CLIENTS[request.param]) as made:
        yield made


def envelope(text="ship"):
    return lab.DecisionEnvelope(decision=lab.Decision(recommendation=text, confidence=0.5))


async def take(following, n):
    found = []
    async for entry_id, one in following:
        found.append((entry_id, one.decision.recommendation))
        if len(found) == n:
            break
    await following.aclose()
    return found


class TestPublish:
    async def test_one_entry_with_one_field(self, client, raw):
        entry_id = await lab.publish_envelope(client, "s", envelope("größer"))
        assert isinstance(entry_id, str)
        [(found_id, fields)] = raw.xrange("s")
        assert found_id.decode() == entry_id
        assert list(fields) == [b"data"]
        assert json.loads(fields[b"data"])["decision"]["recommendation"] == "größer"

    async def test_what_is_published_is_read(self, client):
        sent = envelope()
        entry_id = await lab.publish_envelope(client, "s", sent)
        assert await lab.read_envelopes(client, "s", 1) == [(entry_id, sent)]


class TestReadEnvelopes:
    async def test_the_latest_newest_first(self, client, raw):
        ids = [raw.xadd("s", {"data": VALID}).decode() for _ in range(5)]
        assert [one for one, _ in await lab.read_envelopes(client, "s", 3)] == ids[:1:-1]

    async def test_bad_entries_are_skipped_with_a_warning(self, client, raw, caplog):
        good = raw.xadd("s", {"data": VALID}).decode()
        for fields in ({"data": b"\xff"}, {"other": "x"}, {"data": "{"}, {"data": '{"schema_version": "2"}'}):
            raw.xadd("s", fields)
        assert [one for one, _ in await lab.read_envelopes(client, "s", 10)] == [good]
        assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 4

    @pytest.mark.parametrize("count", [0, -1])
    async def test_none_asked_for(self, client, raw, count):
        raw.xadd("s", {"data": VALID})
        assert await lab.read_envelopes(client, "s", count) == []

    async def test_no_stream(self, client):
        assert await lab.read_envelopes(client, "none", 5) == []


class TestFollow:
    async def test_from_an_id_then_live(self, client, raw):
        first, second = (raw.xadd("s", {"data": VALID}).decode() for _ in range(2))
        following = lab.follow_envelopes(client, "s", last_id=first)
        later = asyncio.get_running_loop().call_later(
            0.1, lambda: raw.xadd("s", {"data": VALID}, "99999999999999-0")
        )
        assert [one for one, _ in await asyncio.wait_for(take(following, 2), 5)] == [
            second,
            "99999999999999-0",
        ]
        later.cancel()

    async def test_the_dollar_is_resolved_once(self, client, raw):
        raw.xadd("s", {"data": VALID})
        following = lab.follow_envelopes(client, "s", block_ms=20)
        task = asyncio.create_task(take(following, 200))
        await asyncio.to_thread(blocked, raw)
        ids = []
        for _ in range(100):  # bursts, so that entries arrive between two reads
            ids += [raw.xadd("s", {"data": VALID}).decode() for _ in range(2)]
            await asyncio.sleep(0)
        assert [one for one, _ in await asyncio.wait_for(task, 40)] == ids

    async def test_a_stream_that_does_not_exist_yet_is_read_from_its_first_entry(self, client, raw):
        task = asyncio.create_task(take(lab.follow_envelopes(client, "late"), 1))
        await asyncio.to_thread(blocked, raw)
        entry_id = raw.xadd("late", {"data": VALID}).decode()
        assert [one for one, _ in await asyncio.wait_for(task, 40)] == [entry_id]

    async def test_milliseconds_alone_are_the_first_id_of_theirs(self, client, raw):
        ids = [raw.xadd("s", {"data": VALID}, one).decode() for one in ("5-0", "5-1")]
        found = await asyncio.wait_for(take(lab.follow_envelopes(client, "s", last_id="5"), 1), 40)
        assert [one for one, _ in found] == ids[1:]

    @pytest.mark.parametrize("last_id", ["+", "-", "abc", "5-", "99999999999999999999"])
    async def test_what_is_no_id_is_refused_at_once(self, client, last_id):
        with pytest.raises(lab.OptionError, match="last_id="):
            await asyncio.wait_for(take(lab.follow_envelopes(client, "s", last_id=last_id), 1), 40)

    async def test_what_an_emptied_stream_held_before_is_not_missed(self, client, raw, caplog):
        for _ in range(2):
            raw.xadd("s", {"data": VALID})
        raw.xtrim("s", 0)
        task = asyncio.create_task(take(lab.follow_envelopes(client, "s"), 1))
        await asyncio.to_thread(blocked, raw)
        entry_id = raw.xadd("s", {"data": VALID}).decode()
        assert [one for one, _ in await asyncio.wait_for(task, 40)] == [entry_id]
        assert not caplog.messages

    async def test_bad_entries_are_skipped(self, client, raw):
        raw.xadd("s", {"data": b"\xff"})
        good = raw.xadd("s", {"data": VALID}).decode()
        found = await asyncio.wait_for(take(lab.follow_envelopes(client, "s", last_id="0"), 1), 40)
        assert [one for one, _ in found] == [good]

    async def test_it_waits_for_ever(self, client):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(take(lab.follow_envelopes(client, "silent", block_ms=0), 1), 2.5)

    async def test_an_emptied_stream_that_begins_again_with_lower_ids(self, client, raw, caplog):
        raw.xadd("s", {"data": VALID}, "500-0")
        task = asyncio.create_task(take(lab.follow_envelopes(client, "s"), 1))
        await asyncio.to_thread(blocked, raw)
        raw.delete("s")
        raw.xadd("s", {"data": VALID}, "7-0")
        assert [one for one, _ in await asyncio.wait_for(task, 40)] == ["7-0"]
        assert "began again" in caplog.text

    async def test_a_gap_is_said_with_its_number(self, raw, redis_url, caplog):
        raw.xadd("s", {"data": VALID}, "1-0")
        async with aio.from_url(redis_url) as client:
            following = lab.follow_envelopes(client, "s", last_id="0")
            assert (await anext(following))[0] == "1-0"
            for number in range(2, 12):
                raw.xadd("s", {"data": VALID}, f"{number}-0", maxlen=3, approximate=False)
            assert (await anext(following))[0] == "9-0"
            await following.aclose()
        assert "7 entries" in caplog.text

    async def test_nothing_is_left_behind(self, redis_url, raw):
        async with aio.from_url(redis_url) as client:
            raw.xadd("s", {"data": VALID})
            await take(lab.follow_envelopes(client, "s", last_id="0"), 1)
        await asyncio.to_thread(until, lambda: len(raw.client_list()) == 1)


class TestFaults:
    async def test_a_killed_server_is_waited_for(self, server):
        async with aio.from_url(server.url) as client:
            with redis.Redis.from_url(server.url) as raw:
                raw.xadd("s", {"data": VALID}, "1-0")
                task = asyncio.create_task(take(lab.follow_envelopes(client, "s"), 2))
                await asyncio.to_thread(blocked, raw)
            os.kill(server.pid, signal.SIGKILL)
            await asyncio.sleep(0.3)
            server.start()
            with redis.Redis.from_url(server.url) as raw:
                raw.xadd("s", {"data": VALID}, "2-0")
                raw.xadd("s", {"data": VALID}, "3-0")
            assert [one for one, _ in await asyncio.wait_for(task, 40)] == ["2-0", "3-0"]

    async def test_a_killed_connection_loses_nothing(self, redis_url, raw):
        async with aio.from_url(redis_url) as client:
            raw.xadd("s", {"data": VALID}, "1-0")
            task = asyncio.create_task(take(lab.follow_envelopes(client, "s"), 1))
            await asyncio.to_thread(blocked, raw)
            with raw.pipeline(transaction=True) as both:
                both.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                both.xadd("s", {"data": VALID}, "2-0")
                both.execute()
            assert [one for one, _ in await asyncio.wait_for(task, 40)] == ["2-0"]

    async def test_a_hundred_killed_connections_leave_a_line_of_log_each(
        self, redis_url, raw, caplog, monkeypatch
    ):
        waited = []  # after how many failures in a row
        monkeypatch.setattr(
            "mastermind_lab.stream.contract.backoff_delay", lambda failures: waited.append(failures) or 0
        )
        raw.xadd("s", {"data": VALID}, "1-0")
        async with aio.from_url(redis_url) as client:
            following = lab.follow_envelopes(client, "s", last_id="0-0")
            await anext(following)
            files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
            for number in range(2, 102):
                raw.client_kill_filter(_type="normal", skipme=True)
                raw.xadd("s", {"data": VALID}, f"{number}-0")
                assert (await asyncio.wait_for(anext(following), 40))[0] == f"{number}-0"
            assert len(os.listdir("/proc/self/fd")) <= files + 1
            assert threading.active_count() <= threads
            await following.aclose()
        assert len(caplog.messages) <= 100
        assert 1 in waited

    async def test_a_key_of_another_type_is_a_lasting_error(self, redis_url, raw):
        raw.set("s", "text")
        async with aio.from_url(redis_url) as client:
            with pytest.raises(lab.SourceError, match="'s' is not a stream"):
                await take(lab.follow_envelopes(client, "s"), 1)

    async def test_a_wrong_password_is_a_lasting_error(self, make_server):
        server = make_server("--requirepass", "right")
        wrong = server.url.replace("//", "//:canary@")
        async with aio.from_url(wrong) as client:
            with pytest.raises(lab.SourceError, match="password") as caught:
                await asyncio.wait_for(take(lab.follow_envelopes(client, "s"), 1), 2)
        assert "canary" not in str(caught.value)

    async def test_without_the_right_to_multi_and_xinfo_it_still_follows(self, server):
        with redis.Redis.from_url(server.url) as raw:
            raw.xadd("s", {"data": VALID}, "1-0")
            raw.acl_setuser(
                "poor", enabled=True, passwords=["+p"], keys=["*"], commands=["+xread", "+xrange"]
            )
            async with aio.from_url(server.url.replace("//", "//poor:p@")) as client:
                assert await asyncio.wait_for(take(lab.follow_envelopes(client, "s", last_id="0"), 1), 40)


class TestRead:
    """``read`` on a stream: bounds, and an account of every entry."""

    def fill(self, raw, n=50):
        for number in range(1, n + 1):
            raw.xadd(STREAM, {"data": VALID}, f"{number}-0")

    def account(self, history):
        [row] = history.coverage.to_dict(orient="records")
        return row

    @pytest.mark.parametrize("kind", [redis.Redis, aio.Redis, str])
    def test_from_a_url_and_from_clients(self, kind, raw, redis_url):
        self.fill(raw)
        source = redis_url if kind is str else kind.from_url(redis_url, decode_responses=True)
        assert lab.read(source).decisions["stream_id"].tolist() == [f"{n}-0" for n in range(1, 51)]

    async def test_from_an_asyncio_client_in_its_loop(self, redis_url, raw):
        self.fill(raw)
        async with aio.from_url(redis_url) as client:
            assert len(await lab.aread(client)) == 50

    @pytest.mark.parametrize(
        ("limits", "first", "last"),
        [
            ({}, 1, 50), ({"last": 7}, 44, 50), ({"last": 0}, None, None), ({"last": 999}, 1, 50),
            ({"since": "10-0"}, 10, 50), ({"since": "0000000000010"}, 10, 50), ({"until": "10-0"}, 1, 10),
            ({"until": "0000000000010"}, 1, 10), ({"last": 3, "since": "10-0", "until": "20-0"}, 18, 20),
            ({"since": "1970-01-01T00:00:00.0105"}, 11, 50), ({"until": "1970-01-01T00:00:00.0105Z"}, 1, 10),
            ({"since": "60-0"}, None, None),
        ],
    )  # fmt: skip
    def test_limits(self, raw, redis_url, limits, first, last):
        self.fill(raw)
        history = lab.read(redis_url, **limits)
        expected = [f"{n}-0" for n in range(first, last + 1)] if first else []
        assert history.decisions["stream_id"].tolist() == expected
        account = self.account(history)
        assert (account["entries"], account["left_out"]) == (len(expected), 50 - len(expected))
        assert account["limits"] == ", ".join(f"{name}={value}" for name, value in limits.items())

    def test_every_entry_ever_added_is_accounted_for(self, raw, redis_url):
        self.fill(raw)
        raw.xtrim(STREAM, maxlen=20, approximate=False)
        account = self.account(lab.read(redis_url, last=5))
        assert (account["entries"], account["left_out"], account["missing"]) == (5, 15, 30)
        assert account["certainty"] == "exact"

    def test_deleted_entries_make_it_at_most(self, raw, redis_url):
        self.fill(raw)
        raw.xdel(STREAM, "25-0")
        account = self.account(lab.read(redis_url))
        assert (account["entries"], account["missing"], account["certainty"]) == (49, 1, "at most")

    def test_trimming_meanwhile_is_counted(self, raw, redis_url, monkeypatch):
        from mastermind_lab.stream import pages

        self.fill(raw)
        found = pages.Pages(redis_url, STREAM)
        reading = iter(found)
        read = len(next(reading))
        raw.xtrim(STREAM, maxlen=10, approximate=False)
        read += sum(len(page) for page in reading)
        assert read + found.account().missing == 50

    def test_what_is_added_meanwhile_is_not_read(self, raw, redis_url):
        from mastermind_lab.stream import pages

        self.fill(raw)
        reading = iter(pages.Pages(redis_url, STREAM))
        page = next(reading)
        raw.xadd(STREAM, {"data": VALID}, "99-0")
        rest = [entry_id for page in reading for entry_id, _ in page]
        assert len(page) + len(rest) == 50
        assert "99-0" not in rest

    def test_a_stream_begun_again_meanwhile_is_an_error(self, raw, redis_url):
        from mastermind_lab.stream import pages

        self.fill(raw)
        reading = iter(pages.Pages(redis_url, STREAM))
        next(reading)
        raw.delete(STREAM)
        raw.xadd(STREAM, {"data": VALID}, "3-0")
        with pytest.raises(lab.SourceError, match="begun again"):
            list(reading)

    def test_an_old_server_is_not_verified(self, old_server):
        with redis.Redis.from_url(old_server.url) as raw:
            self.fill(raw)
        account = self.account(lab.read(old_server.url, last=5))
        assert (account["entries"], account["left_out"], account["certainty"]) == (5, 45, "not verified")

    def test_without_the_right_to_xinfo(self, server):
        with redis.Redis.from_url(server.url) as raw:
            self.fill(raw)
            raw.acl_setuser("poor", enabled=True, passwords=["+p"], keys=["*"], commands=["+xrevrange"])
        history = lab.read(server.url.replace("//", "//poor:p@"))
        assert len(history) == 50
        assert self.account(history)["certainty"] == "not verified"

    def test_ids_at_the_limits(self, raw, redis_url):
        ids = ["0-1", "9-18446744073709551615", "10-0", "18446744073709551615-18446744073709551615"]
        for one in ids:
            raw.xadd(STREAM, {"data": VALID}, one)
        history = lab.read(redis_url)
        assert history.decisions["stream_id"].tolist() == ids
        assert history.decisions["streamed_at"].isna().tolist() == [False, False, False, True]

    def test_no_stream_is_an_empty_history_that_says_so(self, redis_url):
        history = lab.read(redis_url, stream="typo")
        assert len(history) == 0
        assert "no stream 'typo'" in self.account(history)["note"]

    def test_an_emptied_stream(self, raw, redis_url):
        self.fill(raw, 3)
        raw.xtrim(STREAM, maxlen=0)
        account = self.account(lab.read(redis_url))
        assert (account["entries"], account["missing"]) == (0, 3)

    def test_entries_of_every_kind(self, raw, redis_url):
        raw.xadd(STREAM, {"data": VALID, "more": "ignored"}, "1-0")
        raw.xadd(STREAM, {"other": "x"}, "2-0")
        raw.xadd(STREAM, {"data": b""}, "3-0")
        raw.xadd(STREAM, {"data": b"\x00\xff"}, "4-0")
        history = lab.read(redis_url)
        assert history.decisions["stream_id"].tolist() == ["1-0"]
        found = history.rejects[["stream_id", "reason", "payload"]].to_records(index=False).tolist()
        assert found == [("2-0", "no_data", None), ("3-0", "not_json", b""), ("4-0", "not_utf8", b"\x00\xff")]

    def test_progress_shows_a_bar(self, raw, redis_url, capsys):
        self.fill(raw)
        lab.read(redis_url, progress=True)
        assert "50/50" in capsys.readouterr().err

    def test_nothing_is_left_behind(self, raw, redis_url):
        self.fill(raw)
        lab.read(redis_url)
        assert len(raw.client_list()) == 1


class TestErrors:
    def test_no_server(self):
        with pytest.raises(lab.SourceError, match="no Redis answers at redis://localhost:1/0"):
            lab.read("redis://me:canary@localhost:1")

    @pytest.mark.parametrize(
        "url", ["redis://me:canary@localhost:port", "redis://:canary@localhost/?socket_timeout=x"]
    )
    def test_a_url_that_cannot_be_read(self, url):
        with pytest.raises(lab.OptionError, match="redis://") as caught:
            lab.read(url)
        assert "canary" not in str(caught.value)

    def test_a_wrong_password(self, make_server):
        server = make_server("--requirepass", "right")
        for wrong in ("//:canary@", "//me:canary@", "//"):
            with pytest.raises(lab.SourceError, match="password") as caught:
                lab.read(server.url.replace("//", wrong))
            assert "canary" not in str(caught.value)

    def test_a_key_of_another_type(self, raw, redis_url):
        raw.rpush("s", "x")
        with pytest.raises(lab.SourceError, match="'s' is not a stream"):
            lab.read(redis_url, stream="s")

    def test_no_right_to_read(self, server):
        with redis.Redis.from_url(server.url) as raw:
            raw.xadd(STREAM, {"data": VALID})
            raw.acl_setuser("poor", enabled=True, passwords=["+p"], keys=["*"], commands=["+xinfo"])
        with pytest.raises(lab.SourceError, match="may not read the stream"):
            lab.read(server.url.replace("//", "//poor:p@"))

    def test_an_address_never_shows_a_password(self):
        for url in ("redis://me:canary@h:1/2", "rediss://:canary@h/", "unix:///run/r.sock?password=canary"):
            assert "canary" not in address(url)


class TestPublishPayloads:
    def test_payloads_go_out_as_they_are(self, raw, redis_url):
        sent = [b"{}", b"\xff", b""]
        assert list(publish_payloads(redis_url, "s", sent)) == [3]
        assert [fields[b"data"] for _, fields in raw.xrange("s")] == sent

    def test_at_a_rate_what_was_late_is_made_up_for(self, redis_url, monkeypatch):
        now, naps = iter([100.0, 100.01, 100.2, 100.12]), []
        clock = SimpleNamespace(monotonic=lambda: next(now), sleep=naps.append)
        monkeypatch.setattr("mastermind_lab.stream.publish.time", clock)
        assert list(publish_payloads(redis_url, "s", [b"x"] * 3, rate=20)) == [1, 2, 3]
        assert naps == pytest.approx([0.04, 0, 0.03])

    def test_in_batches_each_as_soon_as_it_comes(self, raw, redis_url):
        def batches():
            yield [b"1", b"2"]
            assert raw.xlen("s") == 2
            yield []
            yield [b"3"]

        assert list(publish_batches(redis_url, "s", batches())) == [2, 2, 3]
        assert [fields[b"data"] for _, fields in raw.xrange("s")] == [b"1", b"2", b"3"]
