import asyncio
import math
import os
import signal
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from importlib import import_module
from types import SimpleNamespace

import pandas as pd
import pytest
import redis
from histories import same
from refused import no_room
from streams import publish
from telling import telling
from waiting import our_threads, until

import mastermind_lab as lab
from mastermind_lab.archive import Archiver
from mastermind_lab.arena import Arena, payloads
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.frames import FRAMES, Account, entry_ids
from mastermind_lab.live.batches import batches
from mastermind_lab.live.source import Store
from mastermind_lab.stats import Confidence, Margin, Votes
from mastermind_lab.stream import Gap, StreamUpdate
from mastermind_lab.widget.redraw import RepeatingThread

DAY = 1_795_392_000_000


@pytest.fixture(scope="module")
def envelopes():
    return list(payloads(Arena(3), 300, malformed=0.05))


@pytest.fixture(scope="module")
def numbered(envelopes):
    return [(f"{1_700_000_000_000 + 1_000 * place}-0", one) for place, one in enumerate(envelopes)]


def drip(url, entries):
    """Publish one by one, as an arena does."""
    with redis.Redis.from_url(url) as raw:
        for one in entries:
            publish(raw, [one])
            time.sleep(0.002)


def unstarted(**options):
    return lab.Follower("redis://localhost:1", **options)


def fed(numbered, sizes, **options):
    follower, start = unstarted(**options), 0
    for size in sizes:
        follower.feed(numbered[start : start + size])
        start += size
    return follower


class TestWithoutAThread:
    """Built, never started, and fed by hand."""

    @pytest.mark.further
    def test_however_it_comes_it_is_the_same_history(self, raw, redis_url, numbered):
        publish(raw, numbered)
        read = lab.read(redis_url)
        for sizes in ([300], [1] * 300, [7, 1, 200, 92]):
            same(fed(numbered, sizes).history(), read, FRAMES)

    @pytest.mark.once
    @pytest.mark.parametrize("keep", telling([1, 10, 79, 80, 1_000], "10", "80"))
    def test_it_keeps_so_many_entries(self, numbered, keep):
        numbered = numbered[:80]
        history = fed(numbered, [1] * 80, keep=keep).history()
        whole = fed(numbered, [80]).history()
        ids = [entry_id for entry_id, _ in numbered[-keep:]]
        assert sorted([*history.decisions["stream_id"], *history.rejects["stream_id"]]) == sorted(ids)
        kept = whole.votes[whole.votes["stream_id"].isin(ids)].reset_index(drop=True)
        pd.testing.assert_frame_equal(history.votes, kept[history.votes.columns])

    @pytest.mark.thorough
    def test_memory_is_bounded_by_what_is_kept(self, numbered):
        follower = unstarted(keep=5_000)
        for round_ in range(40):
            follower.feed((f"{int(i[:-2]) + round_ * 1_000_000}-0", one) for i, one in numbered)
        [window] = follower._windows.values()
        held = sum(chunk.entries for chunk in window._all())
        assert 5_000 <= held <= 5_000 + 3 * 4_096
        assert window.dropped + held == 40 * 300

    @pytest.mark.parametrize(
        ("seconds", "sizes"),
        [(1, [50] * 6), (30, [1] * 200 + [100]), (250, [50] * 6), (1_000, [1] * 200 + [100])],
    )
    @pytest.mark.further
    def test_it_keeps_so_long_a_time(self, numbered, seconds, sizes):
        follower = fed(numbered, sizes, keep=timedelta(seconds=seconds))
        history, [window] = follower.history(), follower._windows.values()
        newest = history.decisions["streamed_at"].max()
        times = [pd.Timestamp(int(entry_id[:-2]), unit="ms", tz="UTC") for entry_id, _ in numbered]
        expected = sum(time >= newest - pd.Timedelta(seconds, "s") for time in times)
        assert len(history.decisions) + len(history.rejects) == expected
        assert window.dropped == 0 or seconds < 250

    def test_what_is_younger_than_it_keeps_is_kept(self, numbered, monkeypatch):
        monkeypatch.setattr("mastermind_lab.live.window._SMALL", 1)
        monkeypatch.setattr("mastermind_lab.live.window._CHUNK", 1)
        newest = int(numbered[-1][0][:-2])
        young = sum(int(entry_id[:-2]) >= newest - 100_000 for entry_id, _ in numbered)
        follower = fed(numbered, [1] * 300, keep=timedelta(seconds=100))
        assert sum(one.entries for window in follower._windows.values() for one in window._all()) >= young
        assert follower.history().rows("decisions") + follower.history().rows("rejects") == young

    def test_the_last_of_it(self, numbered):
        follower = fed(numbered, [9] * 30)
        assert len(follower.history(last=20).decisions) + len(follower.history(last=20).rejects) == 20
        assert len(follower.history(last=timedelta(seconds=5)).decisions) <= 6

    @pytest.mark.once
    @pytest.mark.further
    def test_as_it_was_then(self, numbered):
        follower, then = unstarted(), {}
        for start in range(0, 300, 20):
            follower.feed(numbered[start : start + 20])
            then[numbered[start + 19][0]] = follower.history()
        for entry_id, history in then.items():
            same(follower.history(as_of=entry_id), history, FRAMES)

    @pytest.mark.further
    def test_a_running_summary_is_that_of_the_history(self, numbered):
        follower = unstarted()
        early = follower.summary(Confidence, by="meta.model")
        assert early.table().empty
        for start in range(0, 300, 10):
            follower.feed(numbered[start : start + 10])
            if start == 100:
                follower.summary(Votes)
        whole = follower.history()
        for kind, options in ((Confidence, {"by": "meta.model"}), (Votes, {}), (Margin, {})):
            running = follower.summary(kind, **options).table()
            pd.testing.assert_frame_equal(running, kind.of(whole, **options).table())

    def test_a_summary_by_a_column_that_comes_late(self):
        follower = unstarted()
        follower.summary(Confidence, by="meta.model")
        plain = b'{"decision": {"recommendation": "a", "confidence": 0.5}%s}'
        for number, more in enumerate([b"", b"", b', "meta": {"model": "m"}', b""], 1):
            follower.feed([(f"{number}-0", plain % more)])
            table = follower.summary(Confidence, by="meta.model").table()
        assert table["n"].tolist() == [1, 3]

    def test_a_summary_by_several_columns(self, numbered):
        follower, by = unstarted(), ["meta.model", "meta.category"]
        follower.summary(Confidence, by=by)
        follower.feed(numbered)
        found = follower.summary(Confidence, by=by).table()
        assert len(follower._summaries) == 1
        pd.testing.assert_frame_equal(found, Confidence.of(follower.history(), by=by).table())

    @pytest.mark.parametrize("sizes", [[300], [1] * 300, [90, 3, 70, 1, 136]])
    def test_the_newest_rows_of_a_frame(self, numbered, sizes):
        follower = fed(numbered, sizes)
        history = follower.history()
        for count in (1, 60, 200):
            for frame in ("decisions", "votes"):
                expected = getattr(history, frame)["stream_id"].tail(count).tolist()
                assert follower.latest(frame, count)["stream_id"].tolist() == expected

    def test_as_it_was_needs_one_stream(self, numbered):
        follower = unstarted(stream=["a", "b"])
        follower.take(StreamUpdate("a", numbered[:50]))
        with pytest.raises(lab.OptionError, match="as_of needs a follower of one stream"):
            follower.history(as_of=numbered[20][0])

    @pytest.mark.parametrize("asked", [{"as_of": 5}, {"as_of": "soon"}, {"last": 0}, {"last": "soon"}])
    def test_a_part_that_makes_no_sense(self, numbered, asked):
        [(name, value)] = asked.items()
        with pytest.raises(lab.OptionError, match=f"^{name}={value!r}: expected"):
            fed(numbered, [9]).history(**asked)

    def test_the_rate_is_of_the_last_seconds(self, numbered, monkeypatch):
        monkeypatch.setattr("mastermind_lab.live.status._RATE_OVER", 0.1)
        follower = fed(numbered, [5, 5])
        until(lambda: follower.status.rate == 0)
        follower.feed(numbered[10:13])
        assert len(follower._tracker._arrivals) == 1

    def test_status_counts(self, numbered):
        follower = fed(numbered, [100, 200])
        follower.take(StreamUpdate(STREAM, []))  # nothing came
        status, history = follower.status, follower.history()
        assert (status.received, status.rejected) == (300, len(history.rejects))
        assert status.last_id == numbered[-1][0]
        assert status.rate == pytest.approx(30)

    def test_what_was_there_at_the_start_arrived_at_no_rate(self, numbered):
        follower = unstarted()
        follower.take(StreamUpdate(STREAM, numbered[:40]))  # a page; the account comes with the last one
        follower.take(StreamUpdate(STREAM, numbered[40:100], account=Account(missing=0, certainty="exact")))
        assert (follower.status.received, follower.status.rate) == (100, 0)
        follower.take(StreamUpdate(STREAM, numbered[100:120]))
        assert follower.status.rate == pytest.approx(2)

    def test_the_lag_stays_until_another_is_known(self):
        published = '"published_at": "2023-11-14T22:13:18Z", '
        one = "{%s" + '"decision": {"recommendation": "a", "confidence": 0.5}}'
        follower = unstarted()
        follower.feed([("1700000000000-0", one % published)])
        assert follower.status.lag == 2
        follower.feed([("1700000001000-0", one % ""), ("1700000002000-0", "broken")])
        assert follower.status.lag == 2

    @pytest.mark.parametrize(
        ("seconds", "said"),
        [
            (0.1, "0.10 s"), (119.9, "119.90 s"), (120, "2 min"), (7_199, "120 min"), (7_200, "2 h"),
            (172_799, "48 h"), (172_800, "2 d"), (864_000_000, "10,000 d"), (-7_200, "-2 h"),
        ],
    )  # fmt: skip
    def test_a_duration_is_said_in_the_unit_that_reads_best(self, seconds, said):
        assert lab.live.duration(seconds) == said

    def test_gaps_and_resets_are_in_the_coverage(self, numbered):
        follower = unstarted()
        follower.take(
            StreamUpdate(
                STREAM,
                [],
                account=Account(left_out=7, missing=2, certainty="exact"),
            )
        )
        follower.take(StreamUpdate(STREAM, numbered[:10]))
        follower.take(
            StreamUpdate(STREAM, numbered[15:20], gap=Gap(numbered[9][0], numbered[15][0], 5, "at most"))
        )
        [row] = follower.history().coverage.to_dict("records")
        assert (row["entries"], row["left_out"], row["missing"], row["certainty"]) == (15, 7, 7, "at most")
        assert (row["first_id"], row["last_id"]) == (numbered[0][0], numbered[19][0])
        follower.take(StreamUpdate(STREAM, [], reset=True))
        [row] = follower.history().coverage.to_dict("records")
        assert (row["entries"], row["left_out"], row["certainty"]) == (15, 7, "not verified")
        assert pd.isna(row["missing"])
        assert "began again once" in row["note"]
        [then] = follower.history(as_of=numbered[9][0]).coverage.to_dict("records")
        assert (then["entries"], then["missing"]) == (10, 2)
        assert (follower.status.trimmed, follower.status.resets) == (5, 1)

    @pytest.mark.once
    def test_however_many_gaps_there_were_few_are_added_up(self, numbered):
        follower = unstarted(keep=1_000)
        begun = Account(left_out=0, missing=0, certainty="exact")
        follower.take(StreamUpdate(STREAM, numbered[:1], account=begun))
        for place in range(1, 290):
            gap = Gap(numbered[place - 1][0], numbered[place][0], 2, "exact")
            follower.take(StreamUpdate(STREAM, numbered[place : place + 1], gap=gap))
        [record] = follower._tracker._streams.values()
        assert len(record.losses) <= 100

        def said(**asked):
            [row] = follower.history(**asked).coverage.to_dict("records")
            return row["certainty"], row["missing"]

        assert said() == ("exact", 2 * 289)
        assert said(as_of=numbered[0][0]) == ("exact", 0)
        for place in range(289 - 50, 290):
            assert said(as_of=numbered[place][0]) == ("exact", 2 * place)
        certainty, missing = said(as_of=numbered[100][0])
        assert certainty == "not verified"
        assert pd.isna(missing)

    def test_what_is_not_shown_is_left_out(self, numbered):
        follower = unstarted(keep=100)
        follower.take(
            StreamUpdate(
                STREAM,
                [],
                account=Account(left_out=7, missing=0, certainty="exact"),
            )
        )
        follower.feed(numbered)

        def counted(**asked):
            [row] = follower.history(**asked).coverage.to_dict("records")
            return row["entries"], row["left_out"]

        assert counted() == (100, 7 + 200)
        assert counted(last=30) == (30, 7 + 270)
        assert counted(as_of=numbered[249][0]) == (100, 7 + 150)
        assert counted(last=30, as_of=numbered[249][0]) == (30, 7 + 220)

    @pytest.mark.thorough
    def test_a_summary_that_cannot_be_counted_harms_nothing_else(self):
        follower = unstarted()
        follower.summary(Votes)
        follower.summary(Confidence)
        vote = '"votes": [{"voter": "v", "choice": "%s"}]'
        one = '{"decision": {"recommendation": "a", "confidence": 0.5, ' + vote + "}}"
        for start in range(0, 24_000, 4_000):
            follower.feed((f"{n + 1}-0", (one % n).encode()) for n in range(start, start + 4_000))
        for _ in range(2):
            with pytest.raises(lab.OptionError, match="groups"):
                follower.summary(Votes)
        assert (follower.status.received, follower.summary(Confidence).mean.n) == (24_000, 24_000)
        votes, confidence, by = follower.summaries(
            [(Votes, {}), (Confidence, {}), (Confidence, {"by": "meta.a"})]
        )
        assert isinstance(votes, lab.OptionError)
        assert confidence.mean.n == by.table()["n"].sum() == 24_000
        begun = Account(left_out=0, missing=0, certainty="exact")
        again = StreamUpdate(STREAM, [("1-0", (one % "a").encode())], rewound=True, account=begun)
        follower.take(again)
        assert follower.history().coverage[["entries", "left_out"]].to_numpy().tolist() == [[1, 0]]
        assert follower.summary(Votes).table()["n"].tolist() == [1]
        assert (follower.status.received, follower.summary(Confidence).mean.n) == (1, 1)

    def test_what_nobody_asks_for_is_counted_when_two_thousand_entries_wait(self):
        follower, counted = unstarted(), []

        class Counting(Confidence):
            @classmethod
            def of(cls, history, **options):
                counted.append(len(history))
                return Confidence.of(history, **options)

        follower.summary(Counting)
        one = b'{"decision": {"recommendation": "a", "confidence": 0.5}}'
        entries = [
            (f"{n}-0", payload) for n, payload in enumerate([one] * 1_500 + ["broken"] * 500 + [one], 1)
        ]
        follower.feed(entries[:1_999])
        assert counted == [0]
        follower.feed(entries[1_999:2_000])
        follower.feed(entries[2_000:])
        assert counted == [0, 1_500]
        assert follower.summary(Counting).mean.n == 1_501
        assert follower.summary(Counting) is follower.summary(Counting)
        assert counted == [0, 1_500, 1]

    def test_columns_of_ones_own(self):
        follower = unstarted(columns=[lab.Column("cost", "meta.cost", "float64")])
        follower.feed(
            [("1-0", b'{"decision": {"recommendation": "a", "confidence": 0.5}, "meta": {"cost": 2}}')]
        )
        assert follower.history().decisions["cost"].tolist() == [2.0]
        with pytest.raises(lab.OptionError, match="confidence"):
            unstarted(columns=[lab.Column("confidence", "meta.cost", "float64")])

    def test_ids_of_several_streams_stay_apart_when_they_begin_again(self):
        follower = unstarted(stream=["a", "b"])
        one = b'{"decision": {"recommendation": "a", "confidence": 0.5}}'
        for stream in ("a", "b"):
            follower.take(StreamUpdate(stream, [("5-0", one), ("5-0@1", one), ("6-0@1", "broken")]))
        ids = follower.history().decisions.set_index("stream_id")["stream"]
        assert ids.to_dict() == {"5-0": "a", "5-0@1": "b", "5-0@2": "a", "5-0@3": "b"}
        assert follower.history().rejects["stream_id"].tolist() == ["6-0@2", "6-0@3"]
        assert follower.history().rejects["stream"].tolist() == ["a", "b"]

    def test_batches_are_told_and_a_bad_listener_ends_nothing(self, numbered):
        follower, told = unstarted(), []
        leave = follower.on_batch(lambda batch: told.append(len(batch) + len(batch.rejects)))
        follower.on_batch(lambda batch: 1 / 0)
        follower.feed(numbered[:10])
        leave()
        follower.feed(numbered[10:20])
        assert told == [10]
        assert "ZeroDivisionError" in follower.status.error

    def test_who_begins_to_listen_while_a_batch_is_counted_hears_of_it_once(self):
        follower, kept, told = unstarted(), [], []

        class Listening(Confidence):
            @classmethod
            def of(cls, history, **options):
                if len(history):
                    kept.append(follower._listen(told.append)[0])
                return Confidence.of(history, **options)

        follower.summary(Listening)
        follower.on_batch(lambda batch: None)
        one = b'{"decision": {"recommendation": "a", "confidence": 0.5}}'
        follower.feed((f"{number}-0", one) for number in range(1, 2_001))
        assert ([len(one) for one in kept], told) == ([2_000], [])

    @pytest.mark.parametrize(
        ("options", "wrong"),
        [
            ({"keep": 0}, "keep=0"), ({"keep": True}, "keep=True"), ({"keep": timedelta(0)}, "keep="),
            ({"backfill": -1}, "backfill=-1"), ({"stream": []}, "stream="), ({"stream": [1]}, "stream="),
        ],
    )  # fmt: skip
    def test_options_that_make_no_sense(self, options, wrong):
        with pytest.raises(lab.OptionError, match=wrong):
            unstarted(**options)

    def test_a_file_is_to_be_replayed(self):
        with pytest.raises(lab.OptionError, match=r"lab\.replay"):
            lab.Follower("data/arena.ndjson.gz")

    def test_several_streams(self, numbered):
        follower = unstarted(stream=["a", "b"])
        for stream in ("a", "b"):
            follower.take(StreamUpdate(stream, numbered[:50]))
        history = follower.history()
        assert history.decisions["stream_id"].is_unique
        assert history.decisions["stream"].value_counts().nunique() == 1
        assert len(history.coverage) == 2
        assert len(history.votes) == 2 * len(fed(numbered, [50]).history().votes)
        assert Confidence.of(history, by="stream").table()["n"].tolist() == [len(history) / 2] * 2


class TestFollowing:
    def test_backfill_and_then_on_without_gap_or_double(self, raw, redis_url, envelopes):
        publish(raw, envelopes[:100])
        publisher = threading.Thread(target=publish, args=(raw, envelopes[100:]))
        with lab.Follower(redis_url, backfill=50) as follower:
            publisher.start()
            until(lambda: follower.status.last_id == raw.xinfo_stream(STREAM)["last-generated-id"].decode())
            publisher.join()
            until(lambda: follower.status.last_id == raw.xinfo_stream(STREAM)["last-generated-id"].decode())
            history = follower.history()
            assert follower.status.state == "live"
        assert follower.status.state == "stopped"
        same(history, lab.read(redis_url, last=follower.status.received), FRAMES)
        [row] = history.coverage.to_dict("records")
        assert (row["entries"] + row["left_out"], row["missing"]) == (300, 0)
        assert row["entries"] >= 50

    def test_nothing_is_left_behind_however_often(self, raw, redis_url, envelopes):
        publish(raw, envelopes[:10])
        files = len(os.listdir("/proc/self/fd"))
        follower = lab.Follower(redis_url)
        for _ in range(5):
            follower.start()
            follower.start()
            until(lambda: follower.status.state == "live")
            assert our_threads() == ["mastermind-follower"]
            follower.stop()
            follower.stop()
        assert follower.status.received == 10
        assert our_threads() == []
        until(lambda: len(raw.client_list()) == 1)
        assert len(os.listdir("/proc/self/fd")) <= files + 1

    def test_stopped_and_started_again_it_goes_on(self, raw, redis_url, envelopes):
        publish(raw, envelopes[:10])
        with lab.Follower(redis_url, backfill=5) as follower:
            until(lambda: follower.status.received == 5)
        publish(raw, envelopes[10:20])
        with follower:
            until(lambda: follower.status.received == 15)
        assert len(lab.read(redis_url, last=15)) == len(follower.history())

    def test_a_pause_loses_nothing(self, raw, redis_url, envelopes):
        with lab.Follower(redis_url) as follower:
            until(lambda: follower.status.state == "live")
            follower.pause()
            assert follower.status.state == "paused"
            publish(raw, envelopes[:20])
            time.sleep(1.3)
            seen = follower.status.received
            follower.resume()
            until(lambda: follower.status.received == 20)
        assert seen == 0

    def test_a_server_that_comes_late_and_goes_and_comes(self, server, envelopes):
        server.stop()
        with lab.Follower(server.url) as follower:
            until(lambda: follower.status.state == "reconnecting")
            assert "no Redis answers" in follower.status.error
            server.start()
            with redis.Redis.from_url(server.url) as raw:
                publish(raw, envelopes[:10])
                until(lambda: follower.status.received == 10)
                assert follower.status.state == "live"
                os.kill(server.pid, signal.SIGKILL)
                until(lambda: follower.status.state == "reconnecting")
                server.start()
                until(lambda: follower.status.state == "live")
                publish(raw, envelopes[10:15])
                until(lambda: follower.status.received == 15)
        assert follower.status.resets == 1

    def test_a_lasting_fault_is_shown_not_raised(self, make_server):
        server = make_server("--requirepass", "right")
        with lab.Follower(server.url.replace("//", "//:canary@")) as follower:
            until(lambda: follower.status.state == "failed")
            with redis.Redis.from_url(server.url.replace("//", "//:right@")) as raw:
                raw.config_set("requirepass", "canary")
            follower.start()
            until(lambda: follower.status.state == "live")
            assert follower.status.error is None
            with redis.Redis.from_url(server.url.replace("//", "//:canary@")) as raw:
                raw.config_set("requirepass", "another")
                raw.client_kill_filter(_type="normal", skipme=True)
            until(lambda: follower.status.state == "failed")
        assert "password" in follower.status.error
        assert "canary" not in repr(follower.status) + str(follower.history().coverage.to_dict())
        assert follower.status.state == "failed"

    @pytest.mark.once
    @pytest.mark.further
    def test_a_large_envelope_and_a_flood_of_rejects(self, raw, redis_url):
        big = b'{"decision": {"recommendation": "%s", "confidence": 1}}' % (b"x" * 20_000_000)
        with lab.Follower(redis_url, keep=1_000) as follower:
            until(lambda: follower.status.state == "live")  # or all but the latest would be left out
            publish(raw, [b"no"] * 5_000)
            publish(raw, [big])
            until(lambda: follower.status.received == 5_001, 30)
        assert follower.status.rejected == 5_000
        assert len(follower.history().rejects) == 999

    @pytest.mark.parametrize("come", [0, 10, 30])
    async def test_a_loop_begins_with_what_has_come_and_goes_on(self, raw, redis_url, envelopes, come):
        publish(raw, envelopes[:come])
        ids = []
        async with lab.Follower(redis_url) as follower:
            await asyncio.to_thread(until, lambda: follower.status.received == come)
            publishing = asyncio.create_task(asyncio.to_thread(drip, redis_url, envelopes[come:60]))
            async with asyncio.timeout(60):
                async for batch in follower:
                    ids += entry_ids(batch.tables())
                    if len(ids) >= 60:
                        break
            await publishing
        assert ids == entry_ids(lab.read(redis_url).tables())
        assert not follower.is_running

    async def test_a_loop_that_begins_late_is_told_what_is_not_kept(self, raw, redis_url, envelopes):
        async with lab.Follower(redis_url, keep=10) as follower:
            await asyncio.to_thread(until, lambda: follower.status.state == "live")
            for size in (100, 200):
                publish(raw, envelopes[:100])
                await asyncio.to_thread(until, lambda size=size: follower.status.received == size)
            batches = aiter(follower)
            first = await anext(batches)
            publish(raw, envelopes[:1])
            then = await anext(batches)
            await batches.aclose()
        published = entry_ids(lab.read(redis_url).tables())
        assert entry_ids(first.tables()) + entry_ids(then.tables()) == published[-11:]
        assert first.coverage[["left_out", "limits"]].values.tolist() == [[190, "backfill=1000, keep=10"]]

    async def test_a_loop_that_is_slow_misses_nothing(self, redis_url, envelopes):
        ids = []
        async with lab.Follower(redis_url, keep=10) as follower:
            await asyncio.to_thread(until, lambda: follower.status.state == "live")
            publishing = asyncio.create_task(asyncio.to_thread(drip, redis_url, envelopes[:60]))
            async for batch in follower:
                ids += entry_ids(batch.tables())
                if len(ids) >= 60:
                    break
                await asyncio.sleep(0.05)
            await publishing
        assert ids == entry_ids(lab.read(redis_url).tables())

    @pytest.mark.once
    async def test_loops_that_begin_at_any_moment_miss_and_double_nothing(self, redis_url, envelopes):
        async def heard(follower, wait):
            await asyncio.sleep(wait)
            ids = []
            async for batch in follower:
                ids += entry_ids(batch.tables())
                if len(ids) >= 300:
                    return ids

        async with lab.Follower(redis_url) as follower:
            await asyncio.to_thread(until, lambda: follower.status.state == "live")
            publishing = asyncio.create_task(asyncio.to_thread(drip, redis_url, envelopes))
            heard_by_all = await asyncio.gather(*(heard(follower, place / 20) for place in range(10)))
            await publishing
        published = entry_ids(lab.read(redis_url).tables())
        assert all(ids == published for ids in heard_by_all)

    async def test_a_slow_reader_holds_up_the_following_and_misses_nothing(self):
        one = b'{"decision": {"recommendation": "a", "confidence": 0.5}}'
        sent, told, left, thread = [lab.read([one] * n) for n in range(1, 11)], [], [], None

        def listen(hand_over):
            def tell():
                for batch in sent:
                    hand_over(batch)
                    told.append(batch)

            nonlocal thread
            thread = threading.Thread(target=tell)
            thread.start()
            return lab.read([]), lambda: left.append(1)

        coming = batches(listen, lambda: len(told) < 10, lambda: True)
        found = [await anext(coming)]
        await asyncio.to_thread(until, lambda: len(told) >= 3)
        await asyncio.sleep(0.1)
        assert len(told) <= 4
        found += [batch async for batch in coming]
        thread.join()
        assert [len(batch) for batch in found] == list(range(1, 11))
        assert left == [1]

    async def test_a_batch_that_comes_just_before_the_end_is_told(self, sample):
        hearing, is_alive = [], [True]

        def listen(hand_over):
            hearing.append(hand_over)
            return lab.read([]), hearing.clear

        def ends():
            if is_alive.pop():
                hearing[0](sample)
                is_alive.append(False)
            return False

        assert [batch async for batch in batches(listen, ends, lambda: False)] == [sample]

    async def test_asked_to_end_it_tells_what_was_being_taken(self, raw, redis_url, envelopes):
        slow = threading.Event()
        async with lab.Follower(redis_url) as follower:
            await asyncio.to_thread(until, lambda: follower.status.state == "live")
            follower.on_batch(lambda _: slow.wait(30))
            coming = aiter(follower)
            first = asyncio.create_task(anext(coming))
            await asyncio.sleep(0.1)
            publish(raw, envelopes[:1])
            await asyncio.to_thread(until, lambda: follower.status.received == 1)
            follower.stop(wait=False)
            await asyncio.sleep(1)
            slow.set()
            assert entry_ids((await first).tables()) == entry_ids(lab.read(redis_url).tables())
            assert [batch async for batch in coming] == []

    async def test_asyncio_hears_of_a_failure(self, raw, redis_url):
        raw.set(STREAM, "text")
        async with lab.Follower(redis_url) as follower:
            with pytest.raises(lab.LabError, match="not a stream"):
                await anext(aiter(follower))

    @pytest.mark.once
    @pytest.mark.further
    def test_a_thousand_decisions_a_second(self, raw, redis_url, envelopes):
        with lab.Follower(redis_url) as follower:
            for _ in range(10):
                publish(raw, envelopes)
            until(lambda: follower.status.received == 3_000)
            assert len(follower.history()) + len(follower.history().rejects) == 3_000


@pytest.fixture(scope="module")
def sample():
    return lab.sample(last=60)


class TestArchiving:
    """A follower that keeps an archive: its window and the folder are one and the same."""

    @pytest.mark.further
    def test_it_archives_what_it_follows_and_goes_on_where_the_folder_ends(
        self, raw, redis_url, envelopes, tmp_path
    ):
        publish(raw, envelopes[:50])
        for upto in (50, 80, 120):
            publish(raw, envelopes[raw.xlen(STREAM) : upto])
            with lab.Follower(redis_url, archive=tmp_path / "kept") as follower:
                until(
                    lambda: raw.xinfo_stream(STREAM)["last-generated-id"].decode() == follower.status.last_id
                )
            same(lab.read(tmp_path / "kept"), lab.read(redis_url))
        assert follower.status.received == 40

    def test_two_on_one_folder(self, raw, redis_url, envelopes, tmp_path):
        publish(raw, envelopes[:5], "other")
        with lab.Follower(redis_url, stream="other", archive=tmp_path / "kept") as first:
            until(lambda: first.status.received == 5)
            with lab.Follower(redis_url, stream="other", archive=tmp_path / "kept") as second:
                until(lambda: second.status.state == "failed")
        assert "kept" in second.status.error
        assert {*lab.read(tmp_path / "kept").coverage["stream"]} == {"other"}

    def test_both_account_for_the_same(self, raw, redis_url, envelopes, tmp_path):
        publish(raw, envelopes[:50])
        raw.xtrim(STREAM, maxlen=40, approximate=False)
        for upto, trimmed in ((50, 10), (90, 10), (120, 10)):
            publish(raw, envelopes[50 + raw.xinfo_stream(STREAM)["entries-added"] - 50 : upto])
            with lab.Follower(redis_url, archive=tmp_path / "kept") as follower:
                until(
                    lambda: raw.xinfo_stream(STREAM)["last-generated-id"].decode() == follower.status.last_id
                )
                row = follower.history().coverage.iloc[0]
            kept = lab.read(tmp_path / "kept").coverage.iloc[0]
            assert row["entries"] + row["left_out"] == kept["entries"] == upto - trimmed
            assert (row["missing"], row["certainty"]) == (kept["missing"], kept["certainty"]) == (10, "exact")

    @pytest.mark.parametrize("trimmed", [0, 5])
    def test_what_others_archive_while_it_is_stopped_is_left_out_and_counted(
        self, raw, redis_url, envelopes, tmp_path, trimmed
    ):
        folder = tmp_path / "kept"
        follower = lab.Follower(redis_url, archive=folder)
        for published, upto in ((0, 10), (30, 30), (30, 40)):
            with follower:
                publish(raw, envelopes[published:upto])
                came = min(upto, 10) + max(upto - 30, 0)  # 20 are archived by somebody else
                until(lambda came=came: follower.status.state == "live" and follower.status.received == came)
            if upto == 10:
                publish(raw, envelopes[10:30])
                raw.xtrim(STREAM, maxlen=20 - trimmed, approximate=False)
                lab.archive(redis_url, folder)
        [row] = follower.history().coverage.to_dict("records")
        assert (row["entries"], row["left_out"], row["missing"]) == (20, 20 - trimmed, trimmed)
        kept = lab.read(folder).coverage.iloc[0]
        assert (kept["entries"], kept["missing"], kept["certainty"]) == (
            40 - trimmed,
            trimmed,
            row["certainty"],
        )

    def test_of_a_gap_that_others_archived_some_may_have_been_read_here(self, tmp_path):
        entry = (f"{DAY + 6}-0", b'{"decision": {"recommendation": "ship", "confidence": 0.8}}')
        gap = Gap(f"{DAY + 3}-0", entry[0], 2, "exact")
        with Archiver(tmp_path, stream="s") as archiver:
            archiver.take(StreamUpdate("s", [entry], gap=gap, ordinal=6))
        with Archiver(tmp_path, stream="s") as archiver:
            found = [Store({"s": archiver}).archived_behind("s", f"{DAY + read}-0") for read in (3, 5, 6)]
        known = [one and (one.left_out, one.missing, one.certainty) for one in found]
        assert known == [(1, 2, "exact"), (1, 2, "at most"), None]

    def test_who_does_not_want_to_wait_for_its_end_does_not(self, raw, redis_url, envelopes):
        follower, goes_on, came = lab.Follower(redis_url), threading.Event(), threading.Event()
        follower.on_batch(lambda *_: (came.set(), goes_on.wait(30)))
        follower.start()
        publish(raw, envelopes[:1])
        assert came.wait(30)
        began = time.monotonic()
        follower.stop(wait=False)
        assert time.monotonic() - began < 5
        goes_on.set()
        follower.stop()
        assert not follower.is_running

    def test_begun_before_its_arena_it_knows_of_no_gaps(self, raw, redis_url, envelopes):
        with lab.Follower(redis_url) as follower:
            until(lambda: follower.status.state == "live")
            assert (follower.status.trimmed, follower.status.certainty) == (0, "not verified")
            publish(raw, envelopes[:3])
            until(lambda: follower.status.received == 3)
            assert (follower.status.trimmed, follower.status.certainty) == (0, "exact")

    def test_what_was_begun_by_hand_since_no_user_ends(self, redis_url):
        follower = lab.Follower(redis_url)
        follower.begin_for("a view")
        follower.stop()
        follower.start()
        follower.end_for("a view")()
        assert follower.is_running
        follower.stop()

    def test_all_that_others_archived_is_counted(self, tmp_path):
        payload = b'{"decision": {"recommendation": "ship", "confidence": 0.8}}'
        for numbers in ((3, 4), (5,), (6, 7)):
            with Archiver(tmp_path, stream="s") as archiver:
                archiver.take(StreamUpdate("s", [(f"{DAY + number}-0", payload) for number in numbers]))
        with Archiver(tmp_path, stream="s") as archiver:
            found = [Store({"s": archiver}).archived_behind("s", f"{DAY + read}-0") for read in (2, 3, 5, 7)]
        assert [one and one.left_out for one in found] == [5, 4, 2, None]

    def test_of_a_gap_that_began_before_its_last_entry_it_does_not_know_how_much_it_has_read(self, tmp_path):
        entry = (f"{DAY + 9}-0", b'{"decision": {"recommendation": "ship", "confidence": 0.8}}')
        gap = Gap(f"{DAY + 3}-0", entry[0], 5, "exact")
        update = StreamUpdate("s", [entry], gap=gap, ordinal=9)
        with Archiver(tmp_path, stream="s") as archiver:
            found = [Store({"s": archiver}).unread(update, f"{DAY + read}-0") for read in (3, 5, 9)]
        assert [one.gap and (one.gap.missing, one.gap.certainty) for one in found] == [
            (5, "exact"),
            (5, "at most"),
            None,
        ]
        assert [len(one.entries) for one in found] == [1, 1, 0]

    def test_what_came_before_a_pause_is_archived_when_it_begins(self, raw, redis_url, envelopes, tmp_path):
        with lab.Follower(redis_url, archive=tmp_path / "kept") as follower:
            publish(raw, envelopes[:3])
            until(lambda: follower.status.received == 3)
            follower.pause()
            until(lambda: lab.read(tmp_path / "kept").coverage["entries"].sum() == 3)

    def test_started_while_it_is_paused_it_says_so(self, redis_url):
        follower = lab.Follower(redis_url)
        follower.pause()
        with follower:
            assert follower.status.state == "paused"
            follower.resume()
            until(lambda: follower.status.state == "live")

    def test_a_server_that_counts_nothing(self, old_server, envelopes, tmp_path):
        with redis.Redis.from_url(old_server.url) as raw:
            publish(raw, envelopes[:5])
        with lab.Follower(old_server.url, archive=tmp_path / "kept") as follower:
            until(lambda: follower.status.received == 5)
            [certainty] = follower.history().coverage["certainty"]
        assert certainty == "not verified"
        assert lab.read(tmp_path / "kept").coverage["certainty"].tolist() == [certainty]

    @pytest.mark.further
    def test_a_replay_has_none(self, sample, tmp_path):
        with pytest.raises(lab.OptionError, match="archive="):
            lab.Follower(lab.replay(sample), archive=tmp_path)


@pytest.mark.once
class TestArchivingWithoutRoom:
    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch):
        small = partial(Archiver, part_bytes=2_000, part_seconds=0.05)
        monkeypatch.setattr("mastermind_lab.live.source.Archiver", small)
        small.flush = Archiver.flush
        monkeypatch.setattr("mastermind_lab.live.follower._RETRY_AFTER", 0.05)

    @pytest.fixture
    def entries(self):
        return [(f"{number}-0", b'{"decision":{"recommendation":"%0500d","confidence":0.5}}' % number)
                for number in range(1, 1_001)]  # fmt: skip

    @contextmanager
    def filled(self, follower, raw, entries):
        """Publish more than there is room for, and wait until the follower says so."""
        with no_room():
            publish(raw, entries)
            until(lambda: "the stream keeps the rest" in (follower.status.error or ""))
            yield

    def test_little_is_in_memory_and_nothing_is_lost(self, raw, redis_url, entries, tmp_path):
        with lab.Follower(redis_url, archive=tmp_path / "kept") as follower:
            until(lambda: follower.status.state == "live")
            with self.filled(follower, raw, entries):
                assert "kept" in follower.status.error
                held = follower.status.received
                time.sleep(0.3)
                assert follower.status.received == held < 200
            until(lambda: follower.status.received == 1_000)
        assert follower.history().decisions["stream_id"].tolist() == [one for one, _ in entries]
        same(lab.read(tmp_path / "kept"), lab.read(redis_url))

    def test_what_was_trimmed_meanwhile_is_counted_in_both(self, raw, redis_url, entries, tmp_path):
        with lab.Follower(redis_url, archive=tmp_path / "kept") as follower:
            until(lambda: follower.status.state == "live")
            with self.filled(follower, raw, entries):
                raw.xtrim(STREAM, maxlen=100, approximate=False)
            until(lambda: follower.status.last_id == "1000-0")
            row = follower.history().coverage.iloc[0]
        kept = lab.read(tmp_path / "kept").coverage.iloc[0]
        told = ["entries", "left_out", "missing", "certainty"]
        assert row[told].tolist() == kept[told].tolist()
        assert row["entries"] + row["missing"] == 1_000

    def test_stopped_meanwhile_and_begun_again(self, raw, redis_url, entries, tmp_path):
        publish(raw, entries[:10])
        follower = lab.Follower(redis_url, archive=tmp_path / "kept").start()
        until(lambda: follower.status.received == 10)
        with no_room():
            publish(raw, entries[10:])
            until(lambda: "the stream keeps the rest" in (follower.status.error or ""))
            follower.stop()
        assert follower.status.state == "failed"
        with follower:
            until(lambda: follower.status.last_id == "1000-0")
        assert follower.history().decisions["stream_id"].tolist() == [one for one, _ in entries]
        assert follower.history().coverage["missing"].tolist() == [0]
        same(lab.read(tmp_path / "kept"), lab.read(redis_url))


@pytest.mark.once
class TestReplay:
    def test_at_full_speed_it_is_the_same_history(self, sample):
        with lab.Follower(lab.replay(sample, speed=math.inf)) as follower:
            until(lambda: follower.status.state == "stopped" or follower.status.received >= 60)
            history = follower.history()
        pd.testing.assert_frame_equal(
            history.decisions[["stream_id", "confidence", "published_at"]],
            sample.decisions[["stream_id", "confidence", "published_at"]],
        )
        follower.take(StreamUpdate("replay", [], rewound=True))
        assert (follower.status.state, follower.status.received) == ("stopped", 0)

    def test_a_raw_payload_is_played_as_it_came(self):
        history = lab.sample(last=20, payloads=True)
        played = dict(entry for update in lab.replay(history, speed=math.inf) for entry in update.entries)
        assert [played[one] for one in history.payloads["stream_id"]] == list(history.payloads["payload"])

    def test_the_clock(self, sample):
        when = sample.decisions["published_at"]
        whole = (when.max() - when.min()).total_seconds()
        began = time.monotonic()
        updates = list(lab.replay(sample, speed=whole / 0.5))
        assert 0.4 < time.monotonic() - began < 20
        assert sum(bool(update.entries) for update in updates) > 3  # as they become due, not all at the end
        assert len(updates) < 1_000  # and it waits in between

    def test_paused_it_plays_nothing(self, sample):
        replay = lab.replay(sample, speed=1)
        replay.pause()
        updates = iter(replay)
        first = len(next(updates).entries)
        assert first in (0, 1)
        assert next(updates).entries == []
        replay.resume()
        replay.speed = math.inf
        assert first + sum(len(one.entries) for one in updates) == 60

    def test_seeking_forward_and_back(self, sample):
        ids = sample.decisions["stream_id"]
        replay = lab.replay(sample, speed=1)
        replay.pause()
        follower, updates = lab.Follower(replay), iter(replay)
        for target, count in ((ids[40], 41), (ids[10], 11), (sample.decisions["published_at"][20], 21)):
            replay.seek(target)
            for _ in range(2):
                follower.take(next(updates))
            assert len(follower.history()) == count
        with pytest.raises(lab.OptionError, match="moment='soon': expected part of a date"):
            replay.seek("soon")

    def test_behind_its_end_it_is_stopped_and_goes_on_from_where_it_is_moved_to(self, sample):
        ids = sample.decisions["stream_id"]
        follower = lab.Follower(lab.replay(sample, speed=math.inf)).start()
        for moved_to in (ids[40], ids[10]):
            until(lambda: not our_threads())
            follower.pause()
            follower.resume()
            assert (follower.status.state, len(follower.history())) == ("stopped", 60)
            follower.source.seek(moved_to)
            follower.start()
        until(lambda: not our_threads())
        assert (follower.status.state, follower.status.received) == ("stopped", 60)
        follower.stop()
        assert follower.status.state == "stopped"

    def test_what_it_says_of_itself_and_where_it_is_moved_to(self):
        one = b'{"decision": {"recommendation": "a", "confidence": 0.5}}'
        follower = unstarted()
        follower.feed(
            [(f"17000000{second:02}000-0", one) for second in (0, 10, 20)] + [("1700000010000-1", "x")]
        )
        replay = lab.replay(follower.history(), speed=2)
        replay.pause()
        assert (replay.total, replay.speed, replay.numbered) == (4, 2, False)
        assert replay.where == "replay of redis://localhost:1/0"
        began, player = pd.Timestamp(1_700_000_000, unit="s", tz="UTC"), lab.Follower(replay)
        updates = iter(replay)
        for moment, second, played in [
            ("1700000010000-0", 10, 3), ("12s", 8, 1), (began, 0, 1), ("1700000010000-1", 10, 3),
            ("0-1", 0, 1), ("1900000000000-0", 20, 4), (began + pd.Timedelta("15s"), 15, 3), ("0s", 20, 4),
        ]:  # fmt: skip
            replay.seek(moment)
            assert replay.now == began + pd.Timedelta(second, "s"), moment
            player.take(next(updates))
            assert len(player.history()) + len(player.history().rejects) == played, moment
        replay.speed = 4
        assert (replay.speed, replay.now) == (4, began + pd.Timedelta("20s"))

    def test_it_waits_as_long_as_is_left_at_its_speed(self, monkeypatch):
        one, now = b'{"decision": {"recommendation": "a", "confidence": 0.5}}', [100.0]
        clock = SimpleNamespace(monotonic=lambda: now[0])
        monkeypatch.setattr(import_module("mastermind_lab.live.replay"), "time", clock)
        follower = unstarted()
        follower.feed([(f"17000000{second:02}000-0", one) for second in (0, 10)])
        replay = lab.replay(follower.history(), speed=4)
        next(iter(replay))
        for later, left in ((0, 0.5), (2.1, 0.4), (2.4, 0.1), (2.6, 0)):
            now[0] = 100 + later
            assert replay._until_next() == pytest.approx(left)

    def test_without_times_it_is_played_at_once(self):
        one = b'{"decision": {"recommendation": "a", "confidence": 0.5}}'
        replay = lab.replay([one, one], speed=0.01)
        assert (replay.now, replay.numbered) == (None, True)
        assert sum(len(update.entries) for update in replay) == 2

    @pytest.mark.parametrize("speed", [0, -1, True, "10", math.nan])
    def test_a_speed_that_makes_no_sense(self, sample, speed):
        with pytest.raises(lab.OptionError, match="speed="):
            lab.replay(sample, speed=speed)


@pytest.mark.once
class TestRepeatingThread:
    def test_it_calls_and_ends(self):
        beats = []
        thread = RepeatingThread(lambda: beats.append(1), 50, beats.append)
        thread.start()
        until(lambda: len(beats) > 3)
        thread.stop()
        thread.stop()
        assert our_threads() == []

    def test_an_error_is_handed_on_and_it_goes_on(self):
        errors = []
        thread = RepeatingThread(lambda: 1 / 0, 50, errors.append)
        thread.start()
        until(lambda: len(errors) > 3)
        thread.stop()
        assert isinstance(errors[0], ZeroDivisionError)
