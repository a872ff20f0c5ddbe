"""Values that a user put into a frame: they come back as they were, or the column is refused by its name."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from bombs import said_of, written

import mastermind_lab as lab
from mastermind_lab import snapshot

INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))
NAIVE, AWARE = dt.datetime(2026, 1, 2), dt.datetime(2026, 1, 2, tzinfo=INDIA)
BIG = 2**53 + 1  # no float holds it
REFUSED = {
    "times with a zone and without": ([NAIVE, AWARE], r"'mine' of .* 00:00:00\+05:30 would become"),
    "hours with a zone": ([dt.time(1, tzinfo=dt.UTC), None], "'mine' of decisions .* would become 01:00:00"),
    "times far away": (np.array(["20000-01-01", "NaT"], "datetime64[s]"), "'mine' .* no word for"),
    "one of them": (np.array(["2026-01-01", "20000-01-01"], "datetime64[s]"), "'mine' .* no word for"),
}
JSON = {
    "dicts with keys of their own": ([{"id": BIG}, {"x": 1}], ['{"id":9007199254740993}', '{"x":1}']),
    "numbers beside a missing one": ([{"id": BIG}, {"id": None}], ['{"id":9007199254740993}', '{"id":null}']),
    "numbers of numpy": (
        [{"a": np.int64(1), "b": np.float32(0.5)}, {"c": np.bool_(True)}],
        ['{"a":1,"b":0.5}', '{"c":true}'],
    ),
    "lists of them": ([[BIG, None], [1]], ["[9007199254740993,null]", "[1]"]),
    "arrays of them": ([np.array([BIG, None]), np.array([1])], ["[9007199254740993,null]", "[1]"]),
    "lists of times": ([[NAIVE], [AWARE]], ['["2026-01-02 00:00:00"]', '["2026-01-02 00:00:00+05:30"]']),
}


def with_own(values):
    history = lab.sample(last=2)
    history.decisions["mine"] = pd.Series(values, dtype=None if hasattr(values, "dtype") else object).array
    return history


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED)
def test_what_would_become_another_value_is_refused(tmp_path, values, message):
    history = with_own(values)
    with pytest.raises(lab.OptionError, match=message):
        history.save(tmp_path / "s")
    with pytest.raises(lab.OptionError, match=message):
        history.to_ndjson(tmp_path / "s.ndjson")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(("values", "texts"), JSON.values(), ids=JSON)
def test_lists_and_dicts_that_no_column_holds_are_their_json(tmp_path, values, texts):
    history = with_own(values)
    assert lab.read(history.save(tmp_path / "s")).decisions["mine"].tolist() == texts


def test_dicts_are_in_an_envelope_what_they_were(tmp_path):
    history = with_own(JSON["dicts with keys of their own"][0])
    read = lab.read(history.to_ndjson(tmp_path / "s.ndjson")).decisions
    assert read["decision.mine.id"].tolist() == [BIG, pd.NA]
    assert read["decision.mine.x"].tolist() == [pd.NA, 1]


@pytest.mark.parametrize("values", [[{"a": 1}, {"a": 2}], [dt.date(2026, 1, 1), None], [AWARE, AWARE]])
def test_what_comes_back_stays_what_it_is(tmp_path, values):
    read = lab.read(with_own(values).save(tmp_path / "s")).decisions["mine"]
    assert [*read] == values


def test_times_without_a_zone_are_of_utc_where_a_time_is_declared(tmp_path):
    history = lab.sample(last=2)
    history.decisions["published_at"] = pd.Series([NAIVE, AWARE], dtype=object)
    read = lab.read(history.save(tmp_path / "s")).decisions["published_at"]
    assert [*read] == [NAIVE.replace(tzinfo=dt.UTC), AWARE]


def test_nanoseconds_are_written(tmp_path):
    history = lab.sample(last=2)
    history.decisions["at"] = pd.to_datetime(["2026-10-25T00:30:00.123456789Z", None]).array
    history.decisions["for"] = pd.to_timedelta(["1ns", None]).array
    read = lab.read(history.to_ndjson(tmp_path / "s.ndjson")).decisions
    assert read.loc[0, "decision.at"] == "2026-10-25T00:30:00.123456789+00:00"
    assert read.loc[0, "decision.for"] == "P0DT0H0M0.000000001S"


def test_times_in_somebodys_table_keep_their_zones():
    votes = pd.DataFrame({"q": ["x", "x"], "w": ["A", "B"], "a": ["yes", "no"]})
    votes["seen"] = pd.Series([NAIVE, AWARE], dtype=object)
    history = lab.from_votes(votes, decision="q", voter="w", choice="a")
    assert history.votes["vote.seen"].tolist() == ["2026-01-02", "2026-01-02 00:00:00+0530"]


UNTOLD = {
    "of an unknown zone": (pa.timestamp("us", "Mars/Base"), 0, "is 'Mars/Base' a zone"),
    "beyond the last year": (pa.timestamp("ms"), 2**55, "no word for"),
    "before the first": (pa.timestamp("us", "UTC"), -(2**62), "no word for"),
    "days beyond it": (pa.date32(), 2**31 - 1, "no word for"),
    "behind the day's end": (pa.time32("s"), 90_000, "no word for"),
}


@pytest.mark.parametrize(("kind", "number", "message"), UNTOLD.values(), ids=UNTOLD)
@pytest.mark.parametrize("nested", [False, True])
def test_times_in_a_strangers_part_that_python_has_no_word_for(tmp_path, kind, number, message, nested):
    folder = lab.sample(last=2).save(tmp_path / "s")
    [one] = snapshot.ranges(folder)
    rows = snapshot.read_range(one, ["decisions"])["decisions"]
    times = pa.array([number, None], pa.int32() if kind.bit_width == 32 else pa.int64()).view(kind)
    column = pa.array([[one] for one in times]) if nested else times
    rows = rows.append_column("own", column)
    Path(one.path).write_bytes(written(rows, said_of(one), store_schema=True))
    assert lab.verify(folder)["detail"].str.contains(f"column 'own': .*{message}").tolist() == [True]
    for act in (lambda: repr(lab.read(folder).decisions), lambda: lab.read(folder).save(tmp_path / "t")):
        with pytest.raises(lab.SourceError, match=f"column 'own': .*{message}"):
            act()


def test_a_declared_time_is_one_too(tmp_path):
    folder = lab.sample(last=2).save(tmp_path / "s")
    [one] = snapshot.ranges(folder)
    rows = snapshot.read_range(one, ["decisions"])["decisions"]
    place = rows.column_names.index("published_at")
    times = pa.array([2**62, None]).view(rows.schema.field(place).type)
    Path(one.path).write_bytes(written(rows.set_column(place, rows.field(place), times), said_of(one)))
    with pytest.raises(lab.SourceError, match="column 'published_at': it holds"):
        repr(lab.read(folder))
