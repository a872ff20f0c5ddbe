"""Many streams on one connection, streams that cannot be read among them, and large entries beside them."""

import asyncio
import time
from itertools import chain, islice
from types import SimpleNamespace

import pytest
import redis
from redis import asyncio as aio
from waiting import until

import mastermind_lab as lab
from mastermind_lab.cli.dashboard import _facts
from mastermind_lab.cli.following import Events
from mastermind_lab.stream import Behind, Cursor, StreamReader, StreamUpdate, follow_envelopes
from mastermind_lab.stream import schedule as schedule_module
from mastermind_lab.stream.schedule import Schedule
from mastermind_lab.widget.text import status_items, status_line

pytestmark = pytest.mark.once

PAYLOAD = b'{"decision": {"recommendation": "ship", "confidence": 0.8}}'
LARGE = PAYLOAD.replace(b"ship", b"x" * 1_500_000)


def add(raw, stream, *numbers, payload=PAYLOAD):
    with raw.pipeline(transaction=False) as pipe:
        for number in numbers:
            pipe.xadd(stream, {"data": payload}, f"{number}-0")
        pipe.execute()


def names(count):
    return [f"arena:{number}" for number in range(count)]


def read(updates, enough):
    """Collect updates until there are enough."""
    found, end = [], time.monotonic() + 30
    while not enough(found):
        assert time.monotonic() < end, found[-3:]
        found.append(next(updates))
    return found


def ids(found, stream=None):
    return [one for update in found if stream in (None, update.stream) for one, _ in update.entries]


def rows(follower):
    coverage = follower.history().coverage.set_index("stream")
    return {name: (row["entries"], row["missing"], row["certainty"]) for name, row in coverage.iterrows()}


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("mastermind_lab.stream.schedule.LOOK", 0.05)
    monkeypatch.setattr("mastermind_lab.stream.schedule._REFUSED", 0.05)


class TestRounds:
    def test_one_wait_a_round_however_many_rang(self, raw, redis_url, monkeypatch):
        streams = names(40)
        reader = StreamReader(redis_url, streams, cursors={name: Cursor() for name in streams}, pace=7)
        waited = []
        monkeypatch.setattr(reader._closed, "wait", waited.append)
        for name in streams:
            add(raw, name, 1)
        updates = iter(reader)
        assert len(ids(islice(updates, 40))) == 40
        next(updates)
        assert waited == [7]
        reader.close()

    def test_only_where_it_rang(self, raw, redis_url):
        streams = names(20)
        for name in streams:
            add(raw, name, 1)
        reader = StreamReader(redis_url, streams, backfill=1)
        updates, began = iter(reader), time.monotonic()
        read(updates, lambda found: len(ids(found)) == 20)
        before = raw.info("commandstats")["cmdstat_xrange"]["calls"]
        for number in range(2, 62):
            add(raw, streams[3], number)
            read(updates, lambda found: ids(found))
        looks = raw.info("commandstats")["cmdstat_xrange"]["calls"] - before
        assert looks <= 60 + 20 * (time.monotonic() - began + 1)
        reader.close()

    def test_idle_streams_are_looked_at_together(self, raw, redis_url):
        streams = names(64)
        raw.config_resetstat()
        reader = StreamReader(redis_url, streams, cursors={name: Cursor() for name in streams})
        read(iter(reader), lambda found: {one.stream for one in found} == {*streams})
        stats = raw.info("commandstats")
        assert stats["cmdstat_xrange"]["calls"] >= 64
        assert stats["cmdstat_exec"]["calls"] <= stats["cmdstat_xrange"]["calls"] / 10
        reader.close()

    def test_what_has_more_starves_nobody_and_is_read_to_its_end(self, raw, redis_url):
        streams = names(30)
        for name in streams[:-1]:
            add(raw, name, *range(1, 201))
        reader = StreamReader(redis_url, streams, cursors={name: Cursor() for name in streams})
        updates, found = iter(reader), []
        while len(ids(found)) < 29 * 200:
            found += islice(updates, 10)
            add(raw, streams[-1], len(found))
            turns = read(updates, lambda new: ids(new, streams[-1]))
            # Its own round, at most, and the one that was under way.
            assert len(turns) <= 2 * 29
            found += turns
        reader.close()
        for name in streams[:-1]:
            assert ids(found, name) == [f"{number}-0" for number in range(1, 201)]

    def test_those_that_have_more_take_turns(self):
        schedule = Schedule("abcdefgh")
        for name in "abcdef":
            schedule.looked(name, has_more=True)
        turns = []
        for _ in range(3):
            [turn] = schedule.turn({"g", "h"})
            assert {*turn[:2]} == {"g", "h"}
            turns += turn[2:]
            for name in turn:
                schedule.looked(name, has_more=name in "abcdef")
        assert turns == [*"abcdefabcdef"]

    def test_one_that_is_refused_is_left_for_longer(self, monkeypatch):
        now = [100.0]
        monkeypatch.setattr(schedule_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
        schedule, turns = Schedule("ab"), []
        schedule.looked("a")
        schedule.refused("b")
        for later in (0, schedule_module.LOOK, schedule_module._REFUSED):
            now[0] = 100 + later
            turns.append([*chain.from_iterable(schedule.turn(()))])
        assert turns == [[], ["a"], ["a", "b"]]

    def test_those_that_do_not_ring_take_turns(self, monkeypatch):
        monkeypatch.setattr(schedule_module, "LOOK", 0.0)  # each may be looked at again at once
        schedule, seen = Schedule(names(100)), set()
        for _ in range(4):  # of 32
            for stream in chain.from_iterable(schedule.turn(())):
                seen.add(stream)
                schedule.looked(stream)
        assert seen == {*names(100)}

    def test_a_stream_that_begins_again_below_is_noticed_among_many(self, raw, redis_url, impatient):
        streams = names(50)
        for name in streams:
            add(raw, name, 5)
        reader = StreamReader(redis_url, streams, backfill=1)
        updates = iter(reader)
        read(updates, lambda found: len(ids(found)) == 50)
        raw.delete(streams[7])
        add(raw, streams[7], 1, 2)
        found = read(updates, lambda found: len(ids(found)) == 2)
        reader.close()
        assert ids(found) == ["1-0@1", "2-0@1"]
        assert [one.stream for one in found if one.reset] == [streams[7]]

    def test_a_name_that_stands_for_an_option(self, raw, redis_url):
        for name in ("COUNT", "BLOCK", "STREAMS"):
            add(raw, name, 1)
            with lab.Follower(redis_url, stream=name) as follower:
                until(lambda: follower.status.received == 1)
                add(raw, name, 2)
                until(lambda: follower.status.received == 2)

    def test_a_stream_named_twice(self):
        with pytest.raises(lab.OptionError, match="named twice"):
            lab.Follower("redis://localhost:1", stream=["a", "b", "a"])


class TestBehind:
    def test_entries_and_seconds(self, raw, redis_url):
        add(raw, "s", *range(1_000, 401_000, 1_000))
        reader = StreamReader(redis_url, ["s"], cursors={"s": Cursor()})
        for update in reader:
            read_so_far = int(update.entries[-1][0].partition("-")[0]) // 1_000
            assert update.behind == Behind(400 - read_so_far, 400.0 - read_so_far)
            if not update.behind.entries:
                break
        reader.close()

    def test_what_is_not_known_is_not_said(self, old_server):
        with redis.Redis.from_url(old_server.url) as raw:
            add(raw, "s", *range(1_000, 101_000, 1_000))
        reader = StreamReader(old_server.url, ["s"], cursors={"s": Cursor()})
        assert next(iter(reader)).behind == Behind(None, 95.0)
        reader.close()

    def test_a_follower_says_so_and_loses_nothing_unseen(self, raw, redis_url):
        """One stream of several gets far ahead of a slow follower, and is trimmed."""
        streams = names(5)
        follower = lab.Follower(redis_url, stream=streams, backfill=1)
        assert follower.status.behind == Behind(None, None)
        follower.on_batch(lambda batch: time.sleep(0.02))
        with follower:
            until(lambda: follower.status.behind == Behind(0, 0.0))
            for first in range(1, 4_001, 1_000):
                add(raw, streams[0], *range(first, first + 1_000))
                until(lambda: follower.status.behind.entries)
                raw.xtrim(streams[0], maxlen=100, approximate=False)
                add(raw, streams[1], first)
            until(lambda: follower.status.received + follower.status.trimmed == 4_004)
            until(lambda: follower.status.behind == Behind(0, 0.0))
            found = rows(follower)
        assert follower.status.trimmed > 0
        assert found[streams[0]][0] + found[streams[0]][1] == 4_000
        assert found[streams[1]] == (4, 0, "exact")

    def test_histories_of_many_streams_cost_in_proportion(self):
        """So that asking for one does not hold up the following."""
        seconds = {}
        for count in (8, 64):
            follower = lab.Follower("redis://localhost:1", stream=names(count))
            for name in names(count):
                follower.take(StreamUpdate(name, [("1-0", PAYLOAD)]))
            seconds[count] = min(_timed(follower.history) for _ in range(3))
            assert len(follower.history()) == count
        assert seconds[64] < 25 * seconds[8]


def _timed(work):
    began = time.thread_time()
    work()
    return time.thread_time() - began


class TestSomeCannotBeRead:
    """The others are followed, and it is said."""

    @pytest.fixture
    def secretive(self, server):
        """A server and the URL of a user who may not read one stream."""
        with redis.Redis.from_url(server.url) as raw:
            raw.acl_setuser(
                "me", enabled=True, passwords=["+p"], keys=["arena*", "text*"], commands=["+@all"]
            )
            yield raw, server.url.replace("//", "//me:p@")

    def test_the_others_are_followed_and_it_is_said(self, secretive, impatient):
        raw, url = secretive
        add(raw, "arena", 1, 2)
        add(raw, "secret", 1, 2)
        raw.set("text", "no stream")
        with lab.Follower(url, stream=["secret", "arena", "text", "arena:later"]) as follower:
            until(lambda: follower.status.received == 2)
            add(raw, "arena", 3)
            add(raw, "arena:later", 1)
            until(lambda: follower.status.received == 4)
            assert follower.status.state == "live"
            coverage = follower.history().coverage.set_index("stream")
            assert "may not read the stream 'secret'" in coverage["note"]["secret"]
            assert "'text' is not a stream" in coverage["note"]["text"]
            assert coverage["left_out"].isna().to_dict() == {
                "secret": True, "arena": False, "text": True, "arena:later": False,
            }  # fmt: skip
            assert rows(follower)["arena"] == (3, 0, "exact")
            assert follower.status.error

            follower.stop()  # or rights may be given between two questions of one beginning
            raw.delete("text")
            add(raw, "text", 1)
            raw.acl_setuser("me", enabled=True, keys=["secret"])
            follower.start()
            until(lambda: follower.status.received == 7)
            assert set(rows(follower).values()) == {(3, 0, "exact"), (1, 0, "exact"), (2, 0, "exact")}
            assert follower.history().coverage["note"].isna().all()

    def test_one_that_becomes_no_stream_meanwhile(self, raw, redis_url, impatient):
        streams = names(3)
        for name in streams:
            add(raw, name, 1)
        with lab.Follower(redis_url, stream=streams) as follower:
            until(lambda: follower.status.received == 3)
            raw.set(streams[1], "text")
            until(lambda: follower.status.error)
            add(raw, streams[2], 2)
            until(lambda: follower.status.received == 4)
            assert "is not a stream" in follower.status.error
            assert rows(follower)[streams[1]][2] == "not verified"
            assert rows(follower)[streams[2]] == (2, 0, "exact")

    @pytest.mark.parametrize("streams", [["text"], ["text", "text:2"]])
    def test_where_none_can_be_read_it_is_a_lasting_fault(self, raw, redis_url, streams):
        for name in streams:
            raw.set(name, "no stream")
        with pytest.raises(lab.SourceError, match="is not a stream"):
            list(StreamReader(redis_url, streams))
        with pytest.raises(lab.SourceError, match="is not a stream"):
            list(StreamReader(redis_url, streams).up_to_now())

    def test_up_to_now_ends_beside_them(self, raw, redis_url):
        add(raw, "arena", 1)
        raw.set("text", "no stream")
        streams = ("text", "arena", "nothing")
        found = [*StreamReader(redis_url, streams, cursors={name: Cursor() for name in streams}).up_to_now()]
        assert ids(found) == ["1-0"]
        assert [one.stream for one in found if one.refused] == ["text"]

    def test_one_that_cannot_be_read_is_not_asked_for_all_the_time(self, raw, redis_url):
        raw.set("text", "no stream")
        raw.config_resetstat()
        streams = ("text", "arena")
        reader = StreamReader(redis_url, streams, cursors={name: Cursor() for name in streams})
        for number, _ in enumerate(islice(reader, 30)):
            add(raw, "arena", number + 1)
        assert raw.info("errorstats")["errorstat_WRONGTYPE"]["count"] < 10

    def test_without_the_right_to_a_doorbell_or_transactions(self, server):
        with redis.Redis.from_url(server.url) as raw:
            raw.acl_setuser(
                "poor",
                enabled=True,
                passwords=["+p"],
                keys=["*"],
                commands=["+xrange", "+xrevrange", "+xinfo"],
            )
            url, streams = server.url.replace("//", "//poor:p@"), names(3)
            with lab.Follower(url, stream=streams) as follower:
                until(lambda: follower.status.state == "live")
                for name in streams:
                    add(raw, name, 1, 2)
                until(lambda: follower.status.received == 6)
                assert set(rows(follower).values()) == {(2, 0, "exact")}

    def test_one_that_may_not_be_read_spoils_no_transaction(self, secretive):
        raw, url = secretive
        streams = [*names(3), "secret"]
        for name in streams:
            add(raw, name, 1)
        reader = StreamReader(url, streams, cursors={name: Cursor() for name in streams})
        updates = iter(reader)
        read(updates, lambda found: len(ids(found)) == 3 and any(one.refused for one in found))
        with raw.pipeline(transaction=True) as at_once:
            for number in range(2, 9):
                at_once.xadd(streams[0], {"data": PAYLOAD}, f"{number}-0")
            at_once.xtrim(streams[0], maxlen=2, approximate=False)
            at_once.execute()
        gap = read(updates, lambda found: any(one.gap for one in found))[-1].gap
        assert (gap.missing, gap.certainty) == (5, "at most")
        assert raw.info("commandstats")["cmdstat_exec"]["calls"] > 3
        reader.close()

    def test_it_is_said_where_people_look(self, capsys):
        refused = StreamUpdate("b", [], refused=lab.SourceError("the key 'b' is not a stream"))
        Events(["a", "b"]).tell(refused)
        assert "b: not read: the key 'b' is not a stream" in capsys.readouterr().err
        follower = lab.Follower("redis://localhost:1", stream=["a", "b"])
        follower.take(refused)
        follower.take(StreamUpdate("a", [], behind=Behind(1_200, 3.5)))
        assert follower.status.behind == Behind(1_200, 3.5)
        line = status_line(
            follower.status, status_items(follower.status, "redis://localhost", ("a", "b"), "")
        )
        assert "1,200 entries (3.50 s) behind" in line
        assert "is not a stream" in line
        assert "1,200 entries (3.50 s) behind" in [*_facts(follower.status)]


class TestLargeEntries:
    """What is large comes with each look at the figures: so there are fewer of these."""

    def sent(self, raw):
        return raw.info("stats")["total_net_output_bytes"]

    def test_an_idle_reader_beside_one(self, raw, redis_url, impatient):
        add(raw, "s", 1, payload=LARGE)
        reader = StreamReader(redis_url, ["s"], backfill=1)
        updates = iter(reader)
        read(updates, lambda found: len(found) == 2)
        before = self.sent(raw)
        # It still says each time that there is nothing: an archiver's part has its time.
        assert len(ids(islice(updates, 20))) == 0
        assert self.sent(raw) - before < len(LARGE)
        reader.close()

    async def test_idle_asyncio_code_beside_one(self, raw, redis_url):
        add(raw, "s", 1, payload=LARGE)
        raw.config_resetstat()
        async with aio.Redis.from_url(redis_url) as client:
            updates = follow_envelopes(client, "s", block_ms=20)
            waiting = asyncio.ensure_future(anext(updates))
            while raw.info("commandstats").get("cmdstat_exec", {"calls": 0})["calls"] < 1:
                await asyncio.sleep(0.01)
            before, asked = self.sent(raw), raw.info("commandstats")["cmdstat_xread"]["calls"]
            while raw.info("commandstats")["cmdstat_xread"]["calls"] < asked + 20:
                await asyncio.sleep(0.01)
            assert self.sent(raw) - before < len(LARGE)
            add(raw, "s", 2)
            assert (await waiting)[0] == "2-0"
            await updates.aclose()

    @staticmethod
    def behind_a_large_one(raw, redis_url):
        """Return a reader that has read a large entry and a small one behind it, and its updates."""
        add(raw, "s", 1, payload=LARGE)
        reader = StreamReader(redis_url, ["s"], backfill=1)
        updates = iter(reader)
        read(updates, lambda found: len(ids(found)) == 1)
        add(raw, "s", 2)
        read(updates, lambda found: len(ids(found)) == 1)
        return reader, updates

    def test_small_ones_behind_one(self, raw, redis_url):
        reader, updates = self.behind_a_large_one(raw, redis_url)
        before = self.sent(raw)
        for number in range(3, 33):
            add(raw, "s", number)
            found = read(updates, lambda found: ids(found))
            assert ids(found) == [f"{number}-0"]
        assert self.sent(raw) - before < 4 * len(LARGE)
        assert reader.cursors["s"].ordinal == 32
        reader.close()

    def test_the_account_stays_exact(self, raw, redis_url, monkeypatch):
        monkeypatch.setattr("mastermind_lab.stream.schedule._LONGEST", 1.5)
        add(raw, "s", 1, payload=LARGE)
        with lab.Follower(redis_url, stream="s") as follower:
            until(lambda: follower.status.received == 1)
            for first in range(2, 42, 10):
                add(raw, "s", *range(first, first + 5))
                until(lambda first=first: follower.status.last_id == f"{first + 4}-0")
                with raw.pipeline(transaction=True) as at_once:
                    for number in range(first + 5, first + 10):
                        at_once.xadd("s", {"data": PAYLOAD}, f"{number}-0")
                    at_once.xdel("s", f"{first + 5}-0", f"{first + 6}-0")
                    at_once.execute()
                until(lambda first=first: follower.status.last_id == f"{first + 9}-0")
            raw.xtrim("s", maxlen=0)
            until(lambda: follower.status.trimmed == 8)
            assert rows(follower)["s"][:2] == (33, 8)

    def test_another_stream_in_its_place_is_noticed(self, raw, redis_url):
        reader, updates = self.behind_a_large_one(raw, redis_url)
        raw.delete("s")
        add(raw, "s", 2, payload=PAYLOAD + b" ")
        add(raw, "s", 3)
        found = read(updates, lambda found: len(ids(found)) == 2)
        assert ids(found) == ["2-0@1", "3-0@1"]
        reader.close()
