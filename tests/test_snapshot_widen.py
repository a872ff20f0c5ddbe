"""All parts of a folder get the same columns, in place, and our own reader loses nothing by it."""

import json
import sys

import pandas as pd
import polars as pl
import pytest
from evolving import BEGAN, DAY, envelope, evolving, vote
from histories import same, sample
from streams import publish

import mastermind_lab as lab
from mastermind_lab.archive import Archiver
from mastermind_lab.frames import FRAMES
from mastermind_lab.snapshot import commit, narrow, ranges
from mastermind_lab.stream import StreamUpdate

S = "s"
FEW = [{"a": 1}, {"a": "7", "b": "text"}, {"a": 2.5, "c": [1]}]
"""What ``meta`` of three ranges holds; a text that reads as a number stays a text."""


def entries(*numbers):
    """Entries of a day each, whose columns differ."""
    return [
        (f"{BEGAN + n * DAY}-0", envelope(FEW[n % 3], [vote(**{f"x{n % 4}": n})]).encode()) for n in numbers
    ]


def update(*numbers):
    return StreamUpdate(S, entries(*numbers), ordinal=max(numbers, default=0) + 1)


def grown(folder, days=3):
    """A folder whose parts have different columns, as one has that an archiver left when it was killed."""
    before = ""
    for day in range(days):
        [(stream_id, payload)] = entries(day)
        rows = lab.read([payload], payloads=True).tables()
        for name, table in rows.items():
            ids = pd.Series([stream_id] * len(table), dtype="str")
            rows[name] = table.set_column(0, table.schema.field(0), [pl.Series(ids).to_arrow()])
        before = commit(folder, rows, {"stream": S, "source": "there", "after": before}).last_id
    return folder


def written(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}


@pytest.mark.further
def test_the_same_history_as_of_the_stream(redis_url, tmp_path):
    """Types, texts and which columns are mixed; limits, batches and compaction change nothing of it."""
    folder = evolving(redis_url, tmp_path / "archive")
    there = lab.read(redis_url, payloads=True)
    assert there.mixed_columns
    for _ in range(2):
        same(lab.read(folder, payloads=True), there, FRAMES)
        assert [*lab.read(folder).encoded()] == [*lab.read(redis_url).encoded()]
        same(sum(lab.scan(folder)), lab.read(folder), FRAMES)
        last = lab.read(folder, last=2).decisions
        assert last["meta.mixed"].tolist() == there.decisions["meta.mixed"].tolist()[-1:]
        assert lab.verify(folder).empty
        lab.compact(folder)


def test_only_what_is_narrower_is_written_again(raw, redis_url, tmp_path):
    def run(*numbers):
        publish(raw, entries(*numbers), S)
        lab.archive(redis_url, tmp_path, stream=S)
        assert not narrow(ranges(tmp_path))
        return written(tmp_path)

    before, after = run(0), run(1)
    assert {path.parts[-3] for path in before if before[path] != after[path]} == {"decisions", "votes"}
    assert run(4 * 3).items() > after.items()  # nothing in it is new, and it has what all before it have


class TestAFollower:
    def test_older_parts_get_new_columns_when_a_day_is_over(self, tmp_path):
        with Archiver(tmp_path, stream=S, part_bytes=1) as sink:
            for day in range(3):
                sink.take(update(day))
            sink.flush()
            assert len(narrow(ranges(tmp_path))) == 2
            for left in (1, 0, 0):  # one a step, so that the stream need not wait for all
                sink.take(update())
                assert len(narrow(ranges(tmp_path))) == left
        assert lab.verify(tmp_path).empty

    def test_what_a_killed_one_left_is_done_by_the_next(self, tmp_path):
        grown(tmp_path)
        with Archiver(tmp_path, stream=S) as sink:
            for left in (2, 1, 0):
                sink.take(update())
                assert len(narrow(ranges(tmp_path))) == left

    def test_or_at_its_end(self, tmp_path):
        with Archiver(grown(tmp_path), stream=S):
            assert len(narrow(ranges(tmp_path))) == 3
        assert not narrow(ranges(tmp_path))
        assert len(pl.read_parquet(tmp_path / "votes")) == 3

    def test_an_old_part_that_is_damaged_stops_no_stream(self, tmp_path):
        next((grown(tmp_path) / "votes").rglob("*.parquet")).write_bytes(b"")
        sink = Archiver(tmp_path, stream=S)
        sink.take(update())
        sink.take(update(5))
        with pytest.raises(lab.SourceError, match="verify"):
            sink.close()
        assert ranges(tmp_path)[-1].last_id == entries(5)[0][0]

    def test_on_an_object_store(self):
        folder = "memory://growing"
        with Archiver(folder, stream=S, part_bytes=1) as sink:
            for day in range(3):
                sink.take(update(day))
        assert not narrow(ranges(folder))
        assert lab.read(folder).mixed_columns == {"meta.a"}


def test_a_history_that_was_listed_before_is_read(tmp_path):
    """Its frames are read when they are first looked at."""
    before, expected = lab.read(grown(tmp_path)), lab.read(tmp_path)
    expected.tables()
    scan = iter(lab.scan(tmp_path))
    first = next(scan)
    lab.compact(tmp_path, size=1)
    same(before, expected)
    same(sum(scan, first), expected, FRAMES)


def test_another_range_of_the_same_entries_is_not_taken_for_it(tmp_path):
    history = sample(9)
    before = lab.read(history.save(tmp_path / "snap"))
    history.votes["voter"] = "somebody else"
    history.save(tmp_path / "snap", overwrite=True)
    with pytest.raises(lab.SourceError, match="SHA-256"):
        _ = before.votes


@pytest.mark.parametrize("name", ["votes", "decisions"])
def test_a_part_that_is_neither_the_old_nor_the_new_one_is_damaged(tmp_path, name):
    folder = grown(tmp_path)
    lab.compact(folder, size=1)
    part = next((folder / name).rglob("*.parquet"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    with pytest.raises(lab.SourceError, match="SHA-256"):
        lab.read(folder).tables()
    assert lab.verify(folder)["kind"].tolist() == ["unreadable"]


def test_whole_numbers_that_no_float_holds_stay_exact(tmp_path):
    """With a number that is none beside them, they become text."""
    for day, cost in enumerate([2**53 + 1, 1, 0.5]):
        with Archiver(tmp_path, stream=S) as sink:
            sink.take(StreamUpdate(S, [(f"{BEGAN + day * DAY}-0", envelope({"cost": cost}).encode())]))
    assert lab.read(tmp_path).decisions["meta.cost"].tolist() == [str(2**53 + 1), "1", "0.5"]
    assert pl.read_parquet(tmp_path / "decisions")["meta.cost"].to_list() == [str(2**53 + 1), "1", "0.5"]


def test_large_ones_that_a_float_holds_are_numbers(tmp_path):
    for day, cost in enumerate([2**60, 1, 0.5]):
        with Archiver(tmp_path, stream=S) as sink:
            sink.take(StreamUpdate(S, [(f"{BEGAN + day * DAY}-0", envelope({"cost": cost}).encode())]))
    assert lab.read(tmp_path).decisions["meta.cost"].tolist() == [2.0**60, 1.0, 0.5]
    assert pl.read_parquet(tmp_path / "decisions")["meta.cost"].to_list() == [2.0**60, 1.0, 0.5]


DATES = {
    "a file": (["2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z"], ["2026-11-23"]),
    "a first line without a time": ([None, "2026-11-24T00:00:00Z"], ["2026-11-24"]),
    "of several ranges some tell no time": (
        [None, None, "2026-11-24T00:00:00Z", None],
        ["2026-11-24"] * 2,
    ),
    "odd times": (["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"], ["0001-01-01"]),
    "no times": ([None] * 3, ["unknown"] * 2),
    "nothing": ([], ["unknown"]),
}


@pytest.mark.parametrize("kind", DATES)
def test_the_day_of_numbered_lines(tmp_path, kind, monkeypatch):
    times, dates = DATES[kind]
    monkeypatch.setattr(sys.modules["mastermind_lab.snapshot.save"], "_ENTRIES_A_RANGE", 2)
    folder = lab.read([envelope(at=at) for at in times]).save(tmp_path / "snap")
    assert [one.date for one in ranges(folder)] == dates
    assert len(pd.read_parquet(folder / "decisions")) == len(times)


@pytest.mark.parametrize(
    ("first", "date"),
    [("5-0", "1970-01-01"), ("1795392000000-0@3", "2026-11-23"), (f"{2**64 - 1}-0", "9999-12-31")],
)
def test_the_day_of_a_streams_entries(tmp_path, first, date):
    with Archiver(tmp_path, stream=S) as sink:
        sink.take(StreamUpdate(S, [(first, b"broken")]))
    assert [one.date for one in ranges(tmp_path)] == [date]
    assert pd.read_parquet(tmp_path / "rejects")["date"].astype(str).tolist() == [date]


@pytest.mark.parametrize("name", ["date", "DATE"])
def test_a_column_of_ones_own_that_is_named_like_the_day(tmp_path, name):
    history = sample(3)
    history.decisions[name] = history.decisions["date_"] = ["a", "b", "c"]
    folder = history.save(tmp_path / "snap")
    pd.testing.assert_frame_equal(lab.read(folder).decisions, history.decisions)
    assert pd.read_parquet(folder / "decisions")["date"].astype(str).str.startswith("2026-").all()


def test_a_column_with_nothing_in_it_is_not_written_and_comes_back(tmp_path):
    history = lab.read(
        [json.dumps({"decision": {"recommendation": "x", "confidence": 1}, "meta": {"a": None}})]
    )
    folder = history.save(tmp_path / "snap")
    assert "meta.a" not in pl.read_parquet(folder / "decisions").columns
    same(lab.read(folder), history)
