"""Columns of other people's tables, brought to types that frames have: values at the edges of each."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum, auto
from uuid import UUID

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from dateutil.tz import tzoffset

import mastermind_lab as lab
from mastermind_lab.errors import OptionError
from mastermind_lab.records import columns, text_bytes
from mastermind_lab.records.columns import FLOAT, MOMENT, TEXT, WHOLE

FIELD = pa.field("x", FLOAT)
DAY = "1970-01-01"


def brought(values, kind=None):
    [(described, held)] = columns.known_type("x", pa.chunked_array([pa.array(values, kind)]))
    assert described.name == "x"
    assert described.type == held.type
    return held.type, held.to_pylist()


@pytest.mark.parametrize(
    ("values", "kind", "wanted", "found"),
    [
        ([1, None], pa.int8(), WHOLE, [1, None]),
        ([2**63 - 1], pa.uint64(), WHOLE, [2**63 - 1]),
        ([0.5, float("nan"), None], pa.float32(), FLOAT, [0.5, None, None]),
        ([0.5, float("nan")], FLOAT, FLOAT, [0.5, None]),
        ([Decimal("1.5")], None, FLOAT, [1.5]),
        ([True, None], pa.bool_(), pa.bool_(), [True, None]),
        ([2**53 + 1], pa.duration("ns"), FLOAT, [(2**53 + 1) / 10**9]),
        ([None], pa.null(), pa.null(), [None]),
        (["a", None], pa.string(), TEXT, ["a", None]),
        (["a"], pa.string_view(), TEXT, ["a"]),
        ([b"a"], pa.binary(), TEXT, ["a"]),
        ([b"a"], pa.large_binary(), TEXT, ["a"]),
        ([date(2026, 1, 2)], pa.date32(), TEXT, ["2026-01-02"]),
        ([datetime(2026, 1, 2)], pa.timestamp("s"), pa.timestamp("s"), [datetime(2026, 1, 2)]),
        (["a", "b"], pa.dictionary(pa.int8(), pa.string()), TEXT, ["a", "b"]),
        ([[1], None], pa.list_(pa.int8()), TEXT, ["[1]", None]),
    ],
)
def test_known_types(values, kind, wanted, found):
    assert brought(values, kind) == (wanted, found)


def test_whole_numbers_beyond_63_bits_are_kept():
    assert brought([2**64 - 1, 1], pa.uint64())[1] in ([2.0**64, 1.0], ["18446744073709551615", "1"])


def test_bytes_that_are_no_text_are_refused_by_name():
    with pytest.raises(OptionError, match=r"column 'x' of type binary cannot be read: .*UTF8"):
        brought([b"\xff"], pa.binary())


def test_chunks_are_put_together():
    column = pa.chunked_array([["a"], ["b"], []], TEXT)
    assert columns.in_one_piece(column).to_pylist() == ["a", "b"]
    assert columns.in_one_piece(pa.chunked_array([], TEXT)).to_pylist() == []
    one = pa.array(["a"], TEXT)
    assert columns.in_one_piece(pa.chunked_array([one])).equals(one)


@pytest.mark.parametrize(
    ("values", "kind", "spelled"),
    [
        ([7.0, 0.5, 1e21, None], FLOAT, ["7", "0.5", str(10**21), None]),
        ([7, -1], WHOLE, ["7", "-1"]),
        ([True, False], pa.bool_(), ["true", "false"]),
        ([None], pa.null(), [None]),
        (["7.0", ""], TEXT, ["7.0", ""]),
        ([datetime(2026, 1, 2)], pa.timestamp("us"), ["2026-01-02"]),
        ([datetime(2026, 1, 2, 3)], pa.timestamp("us"), ["2026-01-02 03:00:00"]),
        ([datetime(2026, 1, 2, 3, 4, 5, 600_000)], pa.timestamp("ns"), ["2026-01-02 03:04:05.6"]),
        ([datetime(2026, 1, 2, 3, 4, 5, 6, UTC)], MOMENT, ["2026-01-02 03:04:05.000006Z"]),
        ([datetime(2026, 1, 2, 3, 4, 5, 0, UTC)], MOMENT, ["2026-01-02 03:04:05Z"]),
        ([datetime(2026, 1, 2, tzinfo=UTC)], MOMENT, ["2026-01-02"]),
        ([datetime(2026, 1, 2, 3, tzinfo=UTC)], pa.timestamp("us", "Etc/UTC"), ["2026-01-02 03:00:00Z"]),
        ([datetime(2026, 1, 2, tzinfo=UTC)], pa.timestamp("ns", "Zulu"), ["2026-01-02"]),
        ([datetime(2026, 1, 1, 22, tzinfo=UTC)], pa.timestamp("us", "+02:00"), ["2026-01-02 00:00:00+0200"]),
    ],
)
def test_texts(values, kind, spelled):
    found = columns.texts(FIELD, pa.array(values, kind))
    assert found.values.to_pylist() == spelled
    assert found.values.type == TEXT
    assert not found.wrong.any()


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1), (" 1 ", 1), ("+2", 2), ("-3", -3), ("1e3", 1000), ("1E-2", 0.01), (".5", 0.5), ("5.", 5),
        ("a", None), ("1 2", None), ("0x1", None), ("1_0", None), ("nan", None), ("inf", None), (".", None),
        ("1,5", None), ("1e", None), ("++1", None),
    ],
)  # fmt: skip
def test_numbers_in_texts(text, number):
    found = columns.numbers(pa.array([text, "", None], TEXT))
    assert found.values.to_pylist() == [number, None, None]
    assert found.wrong.tolist() == [number is None, False, False]


def test_numbers():
    assert columns.numbers(pa.array([2**53 + 1, None])).values.to_pylist() == [2.0**53, None]
    assert columns.numbers(pa.array([0.5])).values.to_pylist() == [0.5]
    assert columns.numbers(pa.nulls(2)).wrong.tolist() == [False, False]
    found = columns.numbers(pa.array([True, None]))
    assert (found.values.to_pylist(), found.wrong.tolist()) == ([None, None], [True, False])


@pytest.mark.parametrize(("whole", "wrong"), [(False, []), (True, [1])])
def test_bounds_are_within(whole, wrong):
    found = columns.within(columns.numbers(pa.array([0.0, 0.5, 1.0, None])), 0, 1, whole=whole)
    assert np.flatnonzero(found.wrong).tolist() == wrong
    for outside in (-0.001, 1.001):
        found = columns.within(columns.numbers(pa.array([0.0, outside, None])), 0, 1, whole=whole)
        assert found.wrong.tolist() == [False, True, False]


def moments(values, kind=None):
    found = columns.moments(pa.array(values, kind))
    assert found.values.type == MOMENT
    return [one and f"{one:%FT%T.%f}" for one in found.values.to_pylist()], found.wrong.tolist()


def test_moments_of_several_zones_and_of_none_are_of_one():
    texts = [
        "2026-01-01T01:00:00+02:00",
        "2026-01-01T00:00Z",
        "2026-01-01 00:00",
        "2026-01-01",
        "x",
        "",
        None,
    ]
    start = "2026-01-01T00:00:00.000000"
    expected = ["2025-12-31T23:00:00.000000", start, start, start, None, None, None]
    assert moments(texts, TEXT) == (expected, [False] * 4 + [True, False, False])


@pytest.mark.parametrize("text", ["now", "today", "-2026-11-01", "0000-01-01", "9999-12-31T23:00-10:00"])
def test_what_is_no_moment_of_our_years_is_no_moment(text):
    start = "2026-11-01T00:00:00.000000"
    assert moments([text, "2026-11-01"], TEXT) == ([None, start], [True, False])


def test_a_time_that_nobody_said_is_a_reject_and_breaks_nothing(tmp_path):
    """In a card, a page, a file: Python has no word for the years before the first."""
    times = ["0000-01-01", "now", "2026-11-01"]
    frame = pd.DataFrame({"k": [1, 2, 3], "w": "a", "a": "p", "t": times})
    history = lab.from_votes(frame, **NAMED, time="t")
    assert history.rejects["stream_id"].tolist() == ["0-1", "0-2"]
    assert history.rejects["detail"].str.contains("expected a time, ISO 8601").all()
    assert "2026-11-01" in history.to_csv(tmp_path / "votes.csv").read_text()
    assert "2026-11-01" in str(history.decision("0-3")) + repr(history) + history._repr_html_()
    with pytest.raises(OptionError, match="published_at holds '0000-01-01', and 2 such: expected a time"):
        lab.from_votes(frame, **NAMED, decisions=frame[["k"]].assign(published_at=times))


@pytest.mark.parametrize("unit", ["s", "us"])
def test_times_of_which_another_zone_has_no_word_are_none(unit):
    last = pa.array([253_402_300_799 * 10 ** (6 * (unit == "us")), 0], pa.int64()).view(
        pa.timestamp(unit, "+05:00")
    )
    assert columns.moments(last).wrong.tolist() == [False, False]
    beyond = pa.array([253_402_300_800 * 10 ** (6 * (unit == "us")), 0], pa.int64()).view(
        pa.timestamp(unit, "-05:00")
    )
    assert columns.moments(beyond).wrong.tolist() == [True, False]


def test_a_moment_is_one_however_exact_those_beside_it_are():
    texts = ["9999-12-31", "0001-01-01", "2026-11-01T10:00:00.123456789"]
    expected = ["9999-12-31T00:00:00.000000", "0001-01-01T00:00:00.000000", "2026-11-01T10:00:00.123456"]
    assert moments(texts, TEXT)[1] == [False] * 3
    found = columns.moments(pa.array(texts, TEXT)).values.to_pylist()
    assert [one.isoformat(timespec="microseconds").removesuffix("+00:00") for one in found] == expected


def test_moments_of_seconds():
    """From the first second of 2001 to the last of 2100."""
    expected = ["2001-01-01T00:00:00.000000", None, "2017-07-14T02:40:00.250000", None, None]
    given = [978_307_200.0, 978_307_199.0, 1_500_000_000.25, 4_133_980_800.0, None]
    assert moments(given) == (expected, [False, True, False, True, False])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "+02:00"])
def test_moments_of_times(unit, zone):
    hour = 22 if zone == "+02:00" else 0
    day = "2025-12-31" if hour else "2026-01-01"
    local = pd.Series(pd.to_datetime(["2026-01-01"])).dt.as_unit(unit).dt.tz_localize(zone)
    found = columns.moments(pa.array(local))
    assert f"{found.values.to_pylist()[0]:%F %H}" == f"{day} {hour:02}"


def test_moments_and_texts_of_them_may_stand_in_one_column():
    times = pd.Series([pd.Timestamp("2026-01-02 03:00"), "2026-01-02T03:00Z", date(2026, 1, 2)], dtype=object)
    frame = pd.DataFrame({"k": [1, 2, 3], "w": ["a"] * 3, "a": ["p"] * 3, "t": times})
    published = lab.from_votes(frame, **NAMED, time="t").decisions["published_at"]
    assert published.dt.hour.tolist() == [3, 3, 0]


def test_a_time_of_decisions_is_when_they_were_published_and_nothing_else():
    rows = {
        "q": [1, 1, 2],
        "v": ["a", "b", "a"],
        "c": ["x", "y", "x"],
        "at": ["2026-01-01", "2026-01-01", None],
    }
    history = lab.from_votes(pd.DataFrame(rows), decision="q", voter="v", choice="c", time="at")
    assert history.decisions["published_at"].dt.strftime("%F").tolist()[:1] == ["2026-01-01"]
    for frame in (history.decisions, history.votes):
        assert not [name for name in frame if name.endswith(".at")]


@pytest.mark.parametrize("value", [np.nan, pd.NA, pd.NaT, None, np.float64("nan")])
def test_what_is_missing(value):
    assert columns.plain_value(value) is None
    assert columns.plain_value(np.int8(3)) == 3
    assert columns.plain_value(np.array([1, 2])) == [1, 2]


def test_an_empty_text_says_nothing():
    assert columns.is_given(pa.array(["a", "", None], TEXT)).tolist() == [True, False, False]
    assert columns.is_given(pa.array(["a", "b"], TEXT)).tolist() == [True, True]
    assert columns.is_given(pa.array([], TEXT)).tolist() == []
    assert columns.is_given(pa.array([0, None])).tolist() == [True, False]


NAMED = {"decision": "k", "voter": "w", "choice": "a"}
LONG = [f"12345678901234567890.{last}" for last in "12"]


def test_whole_numbers_of_any_length_tell_decisions_apart():
    rows = "(values (9007199254740993, 'a', 'p'), (9007199254740992, 'a', 'q')) t(k, w, a)"
    history = lab.from_votes(duckdb.sql(f"select k::hugeint k, w, a from {rows}"), **NAMED)
    assert history.decisions["decision.k"].tolist() == [2**53 + 1, 2**53]


def test_whole_numbers_of_any_length_are_spelled_alike_wherever_they_stand():
    long = pd.Series([2**70, 2**70 + 1, 2**70 + 2**20], dtype=object)
    frame = pd.DataFrame({"k": long, "w": ["a"] * 3, "a": long, "r": [json.dumps([2**70, 1])] * 3})
    history = lab.from_votes(frame, **NAMED, abstain=2**70, ranking="r")
    assert history.decisions["decision.k"].tolist() == [*map(str, long)]
    assert history.votes["choice"].tolist()[1:] == [*map(str, long[1:])]
    assert history.votes["vote.abstained"].tolist()[0] == str(2**70)
    assert history.votes["vote.ranking"].tolist() == ['["1180591620717411303424","1"]'] * 3
    judged = lab.with_outcomes(history, pd.DataFrame({"k": long, "a": long}), on="k", correct="a")
    assert judged.decisions["correct_choice"].tolist() == [*map(str, long)]


@pytest.mark.parametrize("role", ["k", "w", "a"])
@pytest.mark.parametrize("kind", [None, pa.decimal128(30, 1), pa.decimal256(60, 5)])
def test_decimals_stay_apart_and_keep_their_digits(role, kind):
    values = pa.array([*map(Decimal, [*LONG, "5.0"])], kind)
    table = pa.table({"k": ["x"] * 3, "w": ["a", "b", "c"], "a": ["p"] * 3} | {role: values})
    history = lab.from_votes(table, **NAMED)
    frame, name = {
        "k": (history.decisions, "decision.k"),
        "w": (history.votes, "voter"),
        "a": (history.votes, "choice"),
    }[role]
    assert frame[name].tolist() == [*LONG, "5"]


@pytest.mark.parametrize("values", [["5.00", "1.10", "-0.30"], ["5.00"], ["0.10", "1234567890123.45"]])
@pytest.mark.parametrize("kind", [pa.decimal128(17, 2), pa.decimal256(50, 2)])
def test_decimals_that_floats_hold_are_floats(values, kind):
    found, held = brought([*map(Decimal, values)], kind)
    assert (found, held) == (FLOAT, [*map(float, values)])


def test_what_is_right_may_be_a_decimal():
    both = pa.array([*map(Decimal, LONG)])
    history = lab.from_votes(pa.table({"k": both, "w": ["a", "b"], "a": both}), **NAMED)
    outcomes = pa.table({"k": both, "truth": both})
    joined = lab.with_outcomes(history, outcomes, on="k", correct="truth")
    assert joined.decisions["correct_choice"].tolist() == LONG


def test_scores_and_confidences_may_have_more_digits_than_floats():
    long = pa.array([Decimal("0.123456789012345678"), Decimal("0.5")])
    table = pa.table({"k": ["x", "x"], "w": ["a", "b"], "a": ["p", "q"], "c": long})
    history = lab.from_votes(table, **NAMED, confidence="c", score="c")
    assert history.votes["confidence"].tolist() == history.votes["vote.score"].tolist()
    assert history.votes["confidence"].tolist() == [0.12345678901234568, 0.5]


VIEWS = pa.array(["a", "b", None]).cast(pa.string_view())
CATEGORIES = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None, 0]), VIEWS)


@pytest.mark.parametrize("start", [0, 1])
def test_categories_of_views_are_texts(start):
    [(described, held)] = columns.known_type("x", pa.chunked_array([CATEGORIES[start:], CATEGORIES[:1]]))
    assert (described.type, held.to_pylist()) == (TEXT, [*["a", "b", None, None, "a"][start:], "a"])
    assert columns.known_type("x", pa.chunked_array([], CATEGORIES.type))[0][1].to_pylist() == []


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["x", "y", "p", "q", "a", "b"])])
def test_categories_of_polars_are_read_wherever_they_stand(kind):
    def table(**columns):
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, kind))

    votes = table(k=["x", "x", "y"], w=["a", "b", "a"], a=["p", "q", "q"], extra=["x", None, "y"])
    facts = {
        "decisions": table(k=["x", "y"], fact=["p", "q"]),
        "voters": table(w=["b", "a"], kind=["x", "y"]),
    }
    history = lab.from_votes(votes, **NAMED, **facts)
    history = lab.with_outcomes(history, table(k=["y"], truth=["q"]), on="k", correct="truth")
    assert history.votes["choice"].tolist() == ["p", "q", "q"]
    assert history.votes["vote.kind"].tolist() == ["y", "x", "y"]
    assert history.decisions["decision.fact"].tolist() == ["p", "q"]
    assert history.decisions["correct_choice"].tolist()[1:] == ["q"]


class Size(StrEnum):
    small = auto()


class Rank(IntEnum):
    first = auto()


@pytest.mark.once
@pytest.mark.parametrize(
    ("values", "spelled"),
    [
        ([Decimal("1"), 1], ["1", "1"]),
        ([Decimal("1.10"), "a"], ["1.1", "a"]),
        ([Decimal(LONG[0]), 1], [LONG[0], "1"]),
        ([UUID(int=1), UUID(int=2)], [str(UUID(int=1)), str(UUID(int=2))]),
        ([Size.small, "small", 3], ["small", "small", "3"]),
        ([Rank.first, 1, True], ["1", "1", "true"]),
        ([date(2026, 1, 2), "2026-01-02"], ["2026-01-02", "2026-01-02"]),
        ([datetime(2026, 1, 2), date(2026, 1, 2), "x"], ["2026-01-02", "2026-01-02", "x"]),
        ([datetime(2026, 1, 2, 3, tzinfo=UTC), pd.NaT, "x"], ["2026-01-02 03:00:00Z", None, "x"]),
        (
            [np.datetime64("2026-01-02T03:00", "ns"), pd.Timestamp("2026-01-02 03:00"), 1],
            ["2026-01-02 03:00:00", "2026-01-02 03:00:00", "1"],
        ),
        (
            [pd.Timestamp(1), pd.Timestamp(2), "x"],
            [f"{DAY} 00:00:00.000000001", f"{DAY} 00:00:00.000000002", "x"],
        ),
        ([pd.Timestamp(1), pd.Timestamp(2)], [f"{DAY} 00:00:00.000000001", f"{DAY} 00:00:00.000000002"]),
        ([np.datetime64(1, "ns"), datetime(1970, 1, 1)], [f"{DAY} 00:00:00.000000001", DAY]),
        ([datetime(1970, 1, 1, 1, tzinfo=tzoffset("x", 3600)), 1], [f"{DAY} 01:00:00+0100", "1"]),
        ([timedelta(minutes=1), np.timedelta64(90, "s"), np.datetime64("NaT")], ["60", "90", None]),
        ([2**70, 1], ["1180591620717411303424", "1"]),
        ([Decimal(2**70), -(2**70)], ["1180591620717411303424", "-1180591620717411303424"]),
        ([2**70, "a", 2.0**70], ["1180591620717411303424", "a", "1180591620717411303424"]),
        ([1e21, 10**21, True], [str(10**21), str(10**21), "true"]),
        ([1e308, Decimal(int(1e308)), int(1e308)], [str(int(1e308))] * 3),
        ([1e21, 0.5, 1e-7], [str(10**21), "0.5", "1e-07"]),
        ([Decimal("1e400"), Decimal("1e-400"), 1], ["1E+400", "1E-400", "1"]),
        ([Decimal("-0"), 0, -0.0], ["0", "0", "0"]),
        ([b"yes", "yes"], ["yes", "yes"]),
        ([b"yes", 1], ["yes", "1"]),
        ([-0.0, 0.0, 0.5], ["0", "0", "0.5"]),
        (np.array([7, np.nan, 0.5], np.longdouble), ["7", None, "0.5"]),
        ([np.longdouble(7), 0.1, np.longdouble(0.1)], ["7", "0.1", "0.1"]),
        ([-0.0, 0.0, "a"], ["0", "0", "a"]),
        ([b"yes", None], ["yes", None]),
    ],
)
@pytest.mark.parametrize("role", ["w", "a"])
def test_values_of_several_types_are_spelled_as_those_of_one(values, spelled, role):
    many = len(values)
    rows = {"k": ["x"] * many, "w": [*"abc"][:many], "a": ["p"] * many, role: pd.Series(values, dtype=object)}
    given = [one for one in spelled if one is not None]
    assert lab.from_votes(pd.DataFrame(rows), **NAMED).votes[NAMED_OF[role]].tolist() == given


NAMED_OF = {"w": "voter", "a": "choice"}


class TestATextThatReadsAsAList:
    """Beside a number it stays the text that it is, and is no list."""

    VALUES = ("[0,1]", 7, "x")

    def test_as_what_is_named(self):
        rows = dict.fromkeys(("q", "w", "a", "r", "why"), self.VALUES)
        named = {"decision": "q", "voter": "w", "choice": "a", "recommendation": "r", "rationale": "why"}
        history = lab.from_votes(pd.DataFrame(rows), **named)
        assert history.rejects.empty
        said = history.votes[["voter", "choice", "rationale"]].assign(r=history.decisions["recommendation"])
        assert said.values.tolist() == [[one] * 4 for one in ("[0,1]", "7", "x")]
        voters = pd.DataFrame({"w": self.VALUES, "z": self.VALUES})
        assert [*lab.from_votes(pd.DataFrame(rows), **named, voters=voters).votes][-1] == "vote.z"

    def test_as_what_tells_decisions_apart(self):
        history = lab.from_votes(pd.DataFrame(dict.fromkeys("kwa", self.VALUES)), **NAMED)
        told = [one.decision.model_dump()["k"] for _, one in history.envelopes(derive="plurality")]
        assert told == [*self.VALUES]

    def test_a_list_among_them_is_no_choice(self):
        rows = {"k": 1, "w": list("abcd"), "a": [*self.VALUES, [0, 1]]}
        history = lab.from_votes(pd.DataFrame(rows), **NAMED)
        assert history.votes["choice"].tolist() == ["[0,1]", "7", "x"]
        assert history.rejects["stream_id"].tolist() == ["0-4"]

    def test_with_a_rank(self):
        ranks = {"k": 1, "w": [*"aabb"], "a": [*self.VALUES[:2]] * 2, "rank": [1, 2, 2, 1]}
        history = lab.from_votes(pd.DataFrame(ranks), **NAMED, ranking="rank")
        assert history.votes["choice"].tolist() == ["[0,1]", "7"]
        places = {"k": 1, "w": [*"abc"], "first": self.VALUES}
        history = lab.from_votes(pd.DataFrame(places), decision="k", voter="w", ranking=["first"])
        assert history.votes["choice"].tolist() == ["[0,1]", "7", "x"]

    def test_as_a_fact_or_an_outcome(self, tmp_path):
        rows = pd.DataFrame({"k": [1, 2, 3], "w": [*"abc"], "a": ["[0,1]"] * 3})
        facts = pd.DataFrame({"k": [1, 2, 3], "rationale": self.VALUES})
        history = lab.from_votes(rows, **NAMED, decisions=facts)
        assert history.decisions["rationale"].tolist() == ["[0,1]", "7", "x"]
        known = pd.DataFrame({"decision_id": [*"123"], "truth": self.VALUES})
        known.to_json(tmp_path / "known.jsonl", orient="records", lines=True)
        for outcomes in (known, tmp_path / "known.jsonl"):
            right = lab.with_outcomes(history, outcomes, on="decision_id", correct="truth")
            assert right.decisions["correct_choice"].tolist() == ["[0,1]", "7", "x"]

    def test_it_is_another_value_than_the_list_or_the_number(self):
        rows = {"k": 1, "w": [*"abcd"], "a": "x", "m": ["[0,1]", [0, 1], "7", 7], "n": [7, 7, 7, 7]}
        rows["one"] = ["7", "7", "7", 7]
        history = lab.from_votes(pd.DataFrame(rows), **NAMED)
        assert [*history.votes][-2:] == ["vote.m", "vote.one"]
        [[_, envelope]] = history.envelopes(derive="plurality")
        assert [one.model_dump()["m"] for one in envelope.decision.votes] == rows["m"]
        assert [one.model_dump()["one"] for one in envelope.decision.votes] == rows["one"]

    def test_its_marks_are_no_column_of_their_own(self):
        some = ["7", 7, "x"]
        rows = pd.DataFrame({"k": ["7", 8, "x"], "w": [*"abc"], "a": [*"xyx"], "question": some, "t": some})
        facts = pd.DataFrame({"k": ["7", 8, "x"], "rationale": some})
        history = lab.from_votes(rows, **NAMED, decisions=facts)
        assert history.decisions["question"].tolist() == ["7", "7", "x"]
        assert [*history.decisions][-3:] == ["n_arguments", "decision.k", "decision.t"]


def test_abstentions_are_spelled_as_choices():
    table = pd.DataFrame({"k": ["x", "x"], "w": ["a", "b"], "a": [0.0, 1.5]})
    for said in (-0.0, Decimal("0.00"), 0):
        assert lab.from_votes(table, **NAMED, abstain=said).votes["vote.abstained"].tolist()[0] == "0"
    with pytest.raises(OptionError, match=r"column 'a' cannot be read: .*utf-8"):
        lab.from_votes(table.assign(a=pd.Series([b"\xff", "a"], dtype=object)), **NAMED)
    with pytest.raises(OptionError, match="abstain="):
        lab.from_votes(table, **NAMED, abstain=b"\xff")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_spans_of_time_are_seconds_whatever_their_unit(unit):
    spans = pd.Series(pd.to_timedelta([90, None, 2], unit="s")).dt.as_unit(unit)
    frame = pd.DataFrame({"case": "a", "voter": ["Ada", "Bo", "Chi"], "choice": "yes", "took": spans})
    for votes in (frame, pa.Table.from_pandas(frame)):
        took = lab.from_votes(votes, decision="case", voter="voter", choice="choice").votes["vote.took"]
        assert took.dtype == "float64"
        assert took.fillna(-1).tolist() == [90, -1, 2]


def test_periods_are_spelled_and_not_numbered(tmp_path):
    months = pd.PeriodIndex(["2026-01", "2026-01", None, "2026-11"], freq="M")
    frame = pd.DataFrame({"month": months, "voter": ["Ada", "Bo", "Chi", "Ada"], "choice": "yes"})
    frame.to_parquet(tmp_path / "votes.parquet")
    for votes in (frame, tmp_path / "votes.parquet"):
        history = lab.from_votes(votes, decision="month", voter="voter", choice="choice")
        assert history.decisions["decision.month"].tolist() == ["2026-01", "2026-11"]
        assert history.rejects["reason"].tolist() == ["no_decision"]


def test_values_that_have_no_spelling_are_rejects_and_objects_keep_their_own_keys():
    odd = pd.Series(["x", 2 + 0j, object(), "y"], dtype=object)
    frame = pd.DataFrame({"q": [1, 1, 1, 1], "w": [*"abcd"], "c": odd, "o": [{"a": 1}, {}, {}, {"b": 2}]})
    frame.loc[4] = [None, "e", "z", {}]
    history = lab.from_votes(frame, decision="q", voter="w", choice="c")
    assert history.votes["vote.o"].tolist() == ['{"a":1}', '{"b":2}']
    assert history.rejects["stream_id"].tolist() == ["0-2", "0-3", "0-5"]
    assert "there is one of type complex" in history.rejects["detail"][0]


@pytest.mark.parametrize(
    ("texts", "is_spelled"),
    [(["a", "b"], True), (["a", None], False), (["x" * 500], False), (["x" * 200, *"ab" * 20], False)],
    ids=["short", "missing", "long", "one of them long"],
)
def test_texts_are_spelled_in_numbers_where_all_are_there_and_short(texts, is_spelled):
    assert (text_bytes.spelled(pa.array(texts, TEXT)) is not None) is is_spelled
