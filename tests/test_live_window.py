"""What a follower keeps, shows and wakes for, in corners that a run in a notebook seldom reaches."""

import asyncio
import json
import math
import threading
import time
from datetime import timedelta
from inspect import signature
from statistics import median

import numpy as np
import pytest
from waiting import our_threads, until

import mastermind_lab as lab
from mastermind_lab.frames import entry_ids, newest
from mastermind_lab.live.batches import batches
from mastermind_lab.live.window import Window
from mastermind_lab.stream import StreamUpdate

pytestmark = pytest.mark.once

ONE = b'{"decision": {"recommendation": "a", "confidence": 0.5}}'
WITH_META = b'{"decision": {"recommendation": "a", "confidence": 0.5}, "meta": {"late": "x"}}'


def unstarted(**options):
    return lab.Follower("redis://localhost:1", **options)


def entries(first, count, payload=ONE):
    """One a second."""
    return [(f"{1_700_000_000_000 + 1_000 * place}-0", payload) for place in range(first, first + count)]


def test_memory_is_bounded_by_how_long_is_kept():
    follower = unstarted(keep="10min")
    follower.feed(entries(0, 5_000))
    for start in range(5_000, 20_000, 1_000):
        follower.feed(entries(start, 1_000))
    [window] = follower._windows.values()
    assert window.dropped >= 5_000
    assert len(follower.history()) == 601
    assert follower.history().coverage["left_out"].isna().tolist() == [True]


HOURS = 3_600_000
LAST_HOUR = [f"{1_700_000_000_000 + 9 * HOURS + place}-0" for place in range(50)]


@pytest.mark.parametrize("what", ["nothing before", "rejects before", "an end before", "begun again"])
@pytest.mark.parametrize("payload", [ONE, b"no envelope"], ids=["decisions", "rejects"])
def test_memory_is_bounded_by_how_long_is_kept_whatever_comes(monkeypatch, what, payload):
    monkeypatch.setattr("mastermind_lab.live.window._CHUNK", 20)
    monkeypatch.setattr("mastermind_lab.live.window._SMALL", 4)
    follower, epoch = unstarted(keep="59min"), "@1" if what == "begun again" else ""
    before = {"nothing before": [], "rejects before": [b"no envelope"] * 200,
              "an end before": [ONE] * 30, "begun again": [ONE, b"no envelope"] * 50}[what]  # fmt: skip
    start = 1_700_000_000_000 + (1_000 if epoch else -5) * HOURS
    follower.feed([(f"{start + place}-0", one) for place, one in enumerate(before)])
    for hour in range(10):
        for first in range(0, 50, 5):
            ids = (f"{1_700_000_000_000 + hour * HOURS + first + place}-0{epoch}" for place in range(5))
            follower.feed([(entry_id, payload) for entry_id in ids])
    [window], history = follower._windows.values(), follower.history()
    ids = [*history.decisions["stream_id"], *history.rejects["stream_id"]]
    assert ids == [entry_id + epoch for entry_id in LAST_HOUR]
    assert sum(chunk.entries for chunk in window._all()) <= 50 + 3 * 80
    assert history.coverage["entries"].tolist() == [50]


def test_a_stream_that_begins_again_at_the_present_time_ends_nothing():
    follower = unstarted(keep="1h")
    follower.feed(entries(0, 10))
    follower.feed([(f"{1_700_000_060_000 + place}-0@1", ONE) for place in range(10)])
    assert len(follower.history()) == 20


def test_lines_of_files_come_no_earlier_than_those_before_them(monkeypatch):
    def line(day):
        decision = {"recommendation": "a", "confidence": 0.5}
        return json.dumps({"decision": decision, "published_at": f"2026-11-{day:02}T00:00:00Z"})

    monkeypatch.setattr("mastermind_lab.live.window._CHUNK", 1)
    days = [1, 20, 29, 30, 2, 3, 4, 6, 9]  # a second file's days behind the first one's
    follower = lab.Follower(lab.replay([line(day) for day in days]), keep="3d")
    for number, day in enumerate(days, 1):
        follower.feed([(f"0-{number}", line(day)), (f"0-{number + 100}", "broken")])
    assert follower.history().decisions["published_at"].dt.day.tolist() == [29, 30, 2, 3, 4, 6, 9]
    assert len(follower.history().rejects) >= 6


def test_the_newest_are_those_that_a_list_of_all_would_end_with():
    random = np.random.default_rng(5)
    for _ in range(40):
        decided = random.random(random.integers(1, 12)) < random.random()
        times = 1_700_000_000_000 + random.integers(0, 9, len(decided)).cumsum() * 1_000
        epochs = np.sort(random.integers(0, 2, len(decided)))
        times -= 20_000 * epochs * random.integers(0, 2)
        ids = [
            f"{when}-{place}@{epoch}" for place, (when, epoch) in enumerate(zip(times, epochs, strict=True))
        ]
        ids = sorted(ids, key=lab.id_key)
        tables = fed(zip(ids, np.where(decided, ONE, b"no"), strict=True))
        for count in range(1, 14):
            assert entry_ids(newest(tables, count)) == ids[-count:]
            moments = [lab.id_key(entry_id)[1] for entry_id in ids]
            past = [place for place, when in enumerate(moments, 1) if when < moments[-1] - 1_000 * count]
            expected = ids[max(past, default=0) :]
            assert entry_ids(newest(tables, timedelta(seconds=count))) == expected


def fed(some):
    follower = unstarted()
    follower.feed([(entry_id, bytes(payload)) for entry_id, payload in some])
    [window] = follower._windows.values()
    return window.tables()[0]


@pytest.mark.parametrize("keep", [1, 10, 99, 200, "5s", "1h"])
def test_the_newest_rows_are_of_what_is_kept(keep):
    follower = unstarted(keep=keep)
    follower.feed(entries(0, 100))
    follower.feed([(f"1700000099000-{place}", b"no envelope") for place in range(1, 4)])
    history = follower.history()
    for frame in ("decisions", "rejects"):
        for count in (2, 50, 500):
            expected = history[frame]["stream_id"].tail(count).tolist()
            assert follower.latest(frame, count)["stream_id"].tolist() == expected


def test_what_cannot_be_read_is_let_go_of_too(monkeypatch):
    monkeypatch.setattr("mastermind_lab.live.window._CHUNK", 1)
    follower = unstarted(keep=2)
    for start in (0, 20, 40):
        follower.feed(entries(start, 20 - start // 4, b"no envelope"))
    [window] = follower._windows.values()
    assert (window.dropped, window.tables()[1]) == (35, 43)


def test_a_column_that_came_later_was_not_there_then():
    follower = unstarted()
    follower.feed(entries(0, 2))
    follower.feed(entries(2, 1, WITH_META))
    assert "meta.late" in follower.history().decisions
    then = follower.history(as_of=entries(1, 1)[0][0])
    assert (len(then), "meta.late" in then.decisions) == (2, False)
    assert "meta.late" in follower.history(as_of=entries(2, 1)[0][0]).decisions


def test_the_last_of_it_is_no_more_than_is_kept():
    window = Window(5)
    follower = unstarted(keep=5)
    follower.feed(entries(0, 100))
    assert (window.tables()[1], len(follower.history(last=50)), len(follower.history(last=2))) == (0, 5, 2)
    assert len(follower.history(last="3s")) == 4
    for size in (1, 65, 130):
        many = unstarted(keep=1_000)
        for place in range(size):
            many.feed(entries(place, 1))
        for last in (1, 64, 65, 128):
            assert len(many.history(last=last)) == min(size, last)
            assert len(many.latest("decisions", last)) == min(size, last)


async def test_a_batch_is_handed_over_when_it_comes():
    handing = []

    def listen(hand_over):
        handing.append(hand_over)
        return lab.read([]), lambda: handing.clear()

    coming, batch, took = batches(listen, lambda: bool(handing), lambda: True), lab.read([ONE]), []
    for number in range(20):
        began = time.monotonic()
        asyncio.get_running_loop().call_later(
            0.001, lambda: threading.Thread(target=lambda: handing[0](batch)).start()
        )
        assert len(await anext(coming)) == 1, number
        took.append(time.monotonic() - began)
    assert median(took) < 0.3  # and not half a second, whatever else a busy machine does now and then
    await coming.aclose()
    assert handing == []


async def test_a_loop_that_is_left_holds_up_nothing_any_more():
    left, batch = threading.Event(), lab.read([ONE])
    thread = None

    def listen(hand_over):
        nonlocal thread
        thread = threading.Thread(target=lambda: [hand_over(batch) for _ in range(12) if not left.is_set()])
        thread.start()
        return lab.read([]), left.set

    coming = batches(listen, lambda: True, lambda: True)
    await anext(coming)
    await coming.aclose()
    thread.join(30)
    assert not thread.is_alive()


def test_states_that_a_pause_leaves_alone():
    follower = unstarted()
    follower._set(state="stopped")
    follower.pause()
    follower.resume()
    assert follower.status.state == "stopped"
    for before in ("starting", "live", "reconnecting"):
        follower._set(state=before)
        follower.pause()
        assert follower.status.state == "paused"
        follower.resume()
        assert follower.status.state == "live"
    follower._set(state="reconnecting")
    follower.resume()
    assert follower.status.state == "reconnecting"


def test_a_follower_that_is_stopped_while_paused_ends():
    with lab.Follower(lab.replay([ONE] * 3, speed=math.inf)) as follower:
        follower.pause()
    assert our_threads() == []
    assert follower.status.state == "stopped"


def test_its_last_fault_stays_until_it_is_started_again():
    follower = lab.Follower(lab.replay([ONE], speed=math.inf))
    follower.take(StreamUpdate("replay", [], transient_error=lab.SourceError("no answer")))
    follower.take(StreamUpdate("replay", [("1-1", ONE)]))
    assert (follower.status.state, follower.status.error) == ("starting", "no answer")
    with follower:
        until(lambda: not follower.is_running)
        assert follower.status.error is None


def test_what_is_taken_twice_from_a_listener_harms_nothing():
    follower, told = unstarted(), []
    leave = follower.on_batch(told.append)
    leave()
    leave()
    follower.feed(entries(0, 1))
    assert (told, follower.status.error) == ([], None)


def test_a_listener_that_leaves_while_it_is_told_hears_no_more():
    follower, told = unstarted(), []
    ends = []
    ends.append(follower.on_batch(lambda batch: [end() for end in ends]))
    ends.append(follower.on_batch(told.append))
    follower.feed(entries(0, 1))
    assert told == []


class TestReplay:
    @pytest.fixture
    def replay(self, monkeypatch):
        """Paused behind its first entry, and in no hurry to look again."""
        monkeypatch.setitem(lab.live.Replay._due.__globals__, "_LONGEST_WAIT", 200)
        follower = unstarted()
        follower.feed(entries(0, 1) + entries(100_000, 2))
        replay = lab.replay(follower.history(), speed=0.001)
        replay.pause()
        replay.played = []
        thread = threading.Thread(target=lambda: replay.played.extend(replay))
        yield thread, replay
        replay.close()
        thread.join(60)

    @pytest.mark.parametrize("what", ["close", "resume", "seek", "speed"])
    def test_it_goes_on_at_once(self, replay, what):
        thread, replay = replay
        replay.seek("1700000000000-0")
        if what == "resume":
            replay.speed = math.inf
        elif what == "speed":
            replay.resume()
        thread.start()
        until(lambda: replay._changed._waiters)  # it has played what is due, and waits
        if what == "seek":
            replay.seek("0s")
        elif what == "speed":
            replay.speed = math.inf
        else:
            getattr(replay, what)()
        thread.join(60)
        assert not thread.is_alive()
        assert sum(len(update.entries) for update in replay.played) == (1 if what == "close" else 3)

    def test_many_entries_come_a_page_at_a_time(self):
        replay = lab.replay([ONE] * 4_500, speed=math.inf)
        sizes = [len(update.entries) for update in replay if update.entries]
        assert (sum(sizes), max(sizes)) == (4_500, 2_000)

    def test_paused_at_full_speed_it_plays_no_more(self, monkeypatch):
        monkeypatch.setitem(lab.live.Replay._due.__globals__, "_LONGEST_WAIT", 0)
        follower = unstarted()
        follower.feed(entries(0, 4_500))
        replay = lab.replay(follower.history(), speed=math.inf)
        updates = iter(replay)
        assert len(next(updates).entries) == 2_000
        replay.pause()
        assert next(updates).entries == []
        replay.resume()
        assert sum(len(update.entries) for update in updates) == 2_500

    def test_far_apart_in_time_one_comes_with_the_one_before_it(self):
        follower = unstarted()
        follower.feed([("1-0", ONE), *entries(0, 50)])
        replay = lab.replay(follower.history(), speed=1)
        assert replay._times == [1_700_000_000.0] + [1_700_000_000.0 + place for place in range(50)]

    def test_it_says_what_it_plays(self):
        assert lab.replay([ONE]).where == "replay of payloads"
        merged = lab.read([ONE]) + lab.Follower("redis://localhost:1").history()
        assert lab.replay(merged).where == "replay of payloads, redis://localhost:1/0"

    def test_nothing_is_played_and_ends(self):
        replay = lab.replay([])
        replay.seek("5s")
        assert (list(replay), replay.now, replay.total) == ([], None, 0)


def test_streams_are_named_by_texts():
    for wrong in ([], [1], ["a", 1], [None]):
        with pytest.raises(lab.OptionError, match="expected a stream's name, or several"):
            unstarted(stream=wrong)


def test_a_duration_or_a_count_above_nothing():
    for wrong in (0, -1, "0s", timedelta(0), timedelta(-1), 1.5, "soon", None, True):
        with pytest.raises(lab.OptionError, match="expected a number of entries, or a duration"):
            lab.live.count_or_duration("keep", wrong)
    assert lab.live.count_or_duration("keep", 1) == 1
    assert lab.live.count_or_duration("keep", "1h") == timedelta(hours=1)


def test_what_it_does_unless_it_is_asked_otherwise():
    def defaults(function):
        found = signature(function).parameters.values()
        return {one.name: one.default for one in found if isinstance(one.default, int | float | str)}

    assert defaults(lab.Follower) == {"stream": lab.DEFAULT_STREAM_NAME, "backfill": 1_000, "keep": 100_000}
    assert defaults(lab.replay)["speed"] == 10
    follow = {"refresh": 20, "threshold": 0.5, **defaults(lab.Follower)}
    assert {name: value for name, value in defaults(lab.follow).items() if name in follow} == follow


def test_a_source_that_fails_as_nobody_foresaw_is_shown():
    class Broken(lab.live.Replay):
        def __iter__(self):
            raise ZeroDivisionError("boom")
            yield

    with lab.Follower(Broken(lab.read([ONE]))) as follower:
        until(lambda: follower.status.state == "failed")
    assert (follower.status.state, follower.status.error) == ("failed", "ZeroDivisionError: boom")


def test_it_says_what_it_follows_and_how_much_of_it():
    follower = unstarted(stream=["a", "b"], backfill=3, keep="2h")
    follower.take(StreamUpdate("b", entries(0, 2)))
    coverage = follower.history().coverage.set_index("stream")
    assert coverage["entries"].to_dict() == {"a": 0, "b": 2}
    assert coverage["limits"].tolist() == ["backfill=3, keep=2h"] * 2
    assert coverage["source"].tolist() == ["redis://localhost:1/0"] * 2
    assert coverage["certainty"].tolist() == ["not verified"] * 2
    assert follower.source.backfill == 3
