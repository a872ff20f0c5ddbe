"""What ``since`` and ``until`` keep of a stream that is archived, and what is said of the rest."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import redis
import waiting
from command_line import run

import mastermind_lab as lab
from mastermind_lab.archive import Archiving
from mastermind_lab.archive.extent import Extent
from mastermind_lab.frames import entry_ids
from mastermind_lab.snapshot import ranges
from mastermind_lab.stream import StreamUpdate

pytestmark = pytest.mark.once

S = "s"
DAY = 1_795_392_000_000  # 2026-11-23
HOUR = 3_600_000


def name(number, epoch=0):
    return f"{DAY + number}-0" + (f"@{epoch}" if epoch else "")


def names(*numbers):
    return [name(number) for number in numbers]


PAYLOAD = json.dumps({"decision": {"recommendation": "x", "confidence": 0.5}}).encode()


def add(raw, *numbers):
    with raw.pipeline(transaction=False) as pipe:
        for one in numbers:
            pipe.xadd(S, {"data": PAYLOAD}, name(one))
        pipe.execute()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def put(redis_url, folder):
    return lambda **limits: lab.archive(redis_url, folder, stream=S, **limits)


def ids(folder):
    return entry_ids(lab.read(folder).tables())


def said(folder):
    [row] = lab.read(folder).coverage[["limits", "left_out", "missing", "certainty"]].itertuples(index=False)
    return tuple(row)


@pytest.mark.parametrize(
    "limits",
    [
        {"since": name(4)},
        {"since": datetime.fromtimestamp((DAY + 4) / 1000, UTC)},
        {"since": name(4), "until": name(6)},
        {"since": "2026-11-23", "until": "2026-11-23"},
        {"until": name(100)},
    ],
    ids=str,
)
def test_the_same_history_as_reading_the_stream_within_the_same_limits(raw, redis_url, folder, put, limits):
    add(raw, *range(1, 11))
    raw.xtrim(S, maxlen=9, approximate=False)
    done = put(**limits)
    read = lab.read(redis_url, stream=S, **limits)
    archived = lab.read(folder)
    assert archived.decisions.equals(read.decisions)
    assert archived.coverage.to_dict("records") == read.coverage.to_dict("records")
    assert (done.entries, done.left_out) == (len(read.decisions), read.coverage["left_out"].sum())


@pytest.mark.parametrize(
    "limits", [{"since": "2027"}, {"until": "2025"}, {"since": name(4), "until": name(4)}]
)
def test_nothing_is_between(raw, folder, put, limits):
    add(raw, 1, 2, 7)
    done = put(**limits)
    assert (done.entries, done.left_out, done.last_id) == (0, 3, None)
    assert not list(folder.rglob("*.parquet"))


def test_what_came_is_kept_unless_one_says_otherwise(raw, put, folder):
    add(raw, 1, 2)
    put()
    assert len(lab.redecode(folder)) == 2
    put(payloads=False)
    add(raw, 3)
    assert put(payloads=False).entries == 1
    with pytest.raises(lab.OptionError, match="payload"):
        lab.redecode(folder)


def test_a_time_back_is_from_now():
    begin = Extent.of("1h", None, None, "folder").since
    assert time.time() - int(begin.partition("-")[0]) / 1_000 == pytest.approx(3_600, abs=60)


def test_a_part_says_where_a_run_ends_if_it_ends():
    assert (Extent(None, None, "", "").metadata(), Extent(None, None, "", "").left_out) == ({}, 0)
    assert Extent("3-0", None, "since=3-0", "").metadata() == {"since": "3-0"}
    ends = Extent(None, "5-0", "", "until=5-0", behind=2)
    assert ends.metadata() == {"until": [{"limits": "until=5-0", "left_out": 2}]}


@pytest.mark.parametrize(("name_", "value"), [("since", "soon"), ("until", 1990), ("until", "last week")])
def test_what_no_bound_is_is_refused_before_anything_is_touched(folder, put, name_, value):
    with pytest.raises(lab.OptionError, match="expected part of a date"):
        put(**{name_: value})
    assert not folder.exists()


def test_bounds_that_cross(folder, put):
    with pytest.raises(lab.OptionError, match="nothing is between"):
        put(since="2026-12", until="2026-11")
    assert not folder.exists()


def test_a_duration_counts_back_from_now_and_says_so(raw, folder, put):
    now = int(datetime.now(UTC).timestamp() * 1000) - DAY
    add(raw, now - 3 * HOUR, now - HOUR)
    done = put(since="2h")
    assert (done.entries, done.left_out) == (1, 1)
    limits, left_out, *_ = said(folder)
    assert limits.startswith("since=2h, back from now at 20")
    assert left_out == 1
    for back in (timedelta(hours=2), timedelta(hours=9)):  # it is no other beginning, as time goes on
        assert put(since=back).entries == 0


class TestAFolderThatHasEntries:
    def test_it_goes_on_where_it_ends_and_still_says_where_it_began(self, raw, folder, put):
        add(raw, *range(1, 6))
        put(since=name(3))
        add(raw, 6, 7)
        for limits in ({}, {"since": name(3)}, {"since": name(5)}, {"since": "0s"}):
            put(**limits)
        assert ids(folder) == names(3, 4, 5, 6, 7)
        assert said(folder) == (f"since={name(3)}", 2, 0, "exact")

    def test_a_beginning_behind_its_end_would_leave_a_hole(self, raw, folder, put):
        add(raw, *range(1, 6))
        put()
        add(raw, 6, 7)
        with pytest.raises(lab.OptionError, match=rf"since='{name(7)}'.*ends at {name(5)}.*missing for good"):
            put(since=name(7))
        assert ids(folder) == names(*range(1, 6))

    def test_a_beginning_before_its_own_cannot_be_added(self, raw, folder, put):
        add(raw, *range(1, 6))
        put(since=name(3))
        with pytest.raises(lab.OptionError, match=rf"since='{name(2)}'.*begins at {name(3)}"):
            put(since=name(2))

    def test_an_end_holds_until_it_goes_on(self, raw, folder, put):
        add(raw, *range(1, 11))
        put(until=name(4))
        assert said(folder) == (f"until={name(4)}", 6, 0, "exact")
        assert put(until=name(4)).entries == 0
        put(until=name(7))
        assert said(folder) == (f"until={name(7)}", 3, 0, "exact")
        lab.compact(folder)
        assert said(folder) == (f"until={name(7)}", 3, 0, "exact")
        assert put(until=name(2)).entries == 0
        put()
        assert said(folder) == ("", 0, 0, "exact")
        assert ids(folder) == names(*range(1, 11))

    def test_both_ends_and_compacted(self, raw, folder, put):
        add(raw, *range(1, 11))
        for end in (5, 6, 7):
            put(since=name(3), until=name(end))
        expected = (f"since={name(3)}, until={name(7)}", 5, 0, "exact")
        assert said(folder) == expected
        lab.compact(folder)
        assert said(folder) == expected
        assert said(lab.read(folder).save(folder.parent / "copy")) == expected


def test_many_pages_and_parts(raw, folder, put):
    add(raw, *range(1, 1_201))
    done = put(since=name(301), until=name(900), part_bytes=4_000)
    assert done.parts > 1
    assert done.limits == f"since={name(301)}, until={name(900)}"
    assert ids(folder) == names(*range(301, 901))
    assert said(folder) == (f"since={name(301)}, until={name(900)}", 600, 0, "exact")
    assert lab.verify(folder).empty


def test_entries_trimmed_between_two_runs_are_counted_though_it_began_late(raw, folder, put):
    add(raw, *range(1, 11))
    put(since=name(4))
    add(raw, *range(11, 21))
    raw.xtrim(S, maxlen=5, approximate=False)
    put()
    assert said(folder) == (f"since={name(4)}", 3, 5, "at most")


def test_a_follower_ends_with_the_first_entry_behind_its_end(raw, redis_url, folder):
    run = Archiving(redis_url, folder, stream=S, follow=True, since=name(3), until=name(5))
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(run))
    add(raw, 1)
    thread.start()
    try:
        waiting.until(lambda: seen)
        add(raw, 2, 3, 4, 5)
        waiting.until(lambda: seen[-1].waiting == 3)
        add(raw, 6, 7)
        thread.join(20)
        assert not thread.is_alive()
    finally:
        run.stop()
        thread.join()
    assert ids(folder) == names(3, 4, 5)
    assert said(folder)[0] == f"since={name(3)}, until={name(5)}"
    assert seen[-1].left_out == 4 == said(folder)[1]


def test_a_stream_that_begins_again_is_held_to_the_same_limits(folder):
    with lab.Archiver(folder, stream=S, since=name(3), until=name(6)) as sink:
        sink.take(StreamUpdate(S, [(name(n), PAYLOAD) for n in (3, 4)], ordinal=4))
        sink.take(StreamUpdate(S, [], reset=True))
        sink.take(StreamUpdate(S, [(name(n, epoch=1), PAYLOAD) for n in (2, 5, 7)], ordinal=3))
    assert ids(folder) == [name(3), name(4), name(5, epoch=1)]


def test_an_archiver_that_reads_nothing_itself_does_not_know_what_lies_before(folder):
    with lab.Archiver(folder, stream=S, since=name(3)) as sink:
        assert str(sink.cursors()[S]) == f"{DAY + 2}-{2**64 - 1}"
        sink.take(StreamUpdate(S, [(name(3), PAYLOAD)]))
    limits, left_out, missing, certainty = said(folder)
    assert (limits, certainty) == (f"since={name(3)}", "not verified")
    assert left_out is missing is pd.NA


def test_an_old_server_tells_what_it_can(old_server, folder):
    with redis.Redis.from_url(old_server.url) as raw:
        add(raw, *range(1, 6))
    done = lab.archive(old_server.url, folder, stream=S, since=name(3))
    assert (done.entries, done.left_out) == (3, 2)
    assert lab.read(folder).coverage["certainty"].tolist() == ["not verified"]


def test_ranges_say_where_the_archive_began(raw, folder, put):
    add(raw, 1, 2, 3)
    put(since=name(2))
    assert [one.metadata["since"] for one in ranges(folder)] == [name(2)]


def test_on_the_command_line(raw, redis_url, folder):
    add(raw, *range(1, 6))
    command = ["archive", redis_url, folder, "--stream", S]
    done = run(*command, "--since", name(2), "--until", name(4))
    assert done.returncode == 0
    out = " ".join(done.stdout.split())
    assert f"it ends at {name(4)}; 2 were left out (--since {name(2)}, --until {name(4)})" in out
    refused = run(*command, "--since", "soon")
    assert refused.returncode == 2
    assert "--since 'soon': expected part of a date" in " ".join(refused.stderr.split())


def test_payloads_are_kept_unless_the_command_line_says_otherwise(raw, redis_url, tmp_path):
    add(raw, *range(1, 6))
    for words, kept in [([], True), (["--payloads"], True), (["--no-payloads"], False)]:
        folder = tmp_path / "".join(["to", *words])
        assert run("archive", redis_url, folder, "--stream", S, *words).returncode == 0
        assert any((folder / "payloads").rglob("*.parquet")) == kept
