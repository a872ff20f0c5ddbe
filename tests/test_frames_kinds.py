"""Kinds of open columns: the narrowest that holds all values without loss, in one batch and in several."""

import pyarrow as pa
import pytest

import mastermind_lab as lab
from mastermind_lab.frames import open_columns as opened
from mastermind_lab.frames import schema_union

LARGE = 2**53 + 1


def built(values, length=None, places=None):
    [(described, array), *marks] = opened.column(
        "x", length or len(values), range(len(values)) if places is None else places, values
    )
    return opened.kind_of_field(described), array.to_pylist(), [mark.to_pylist() for _, mark in marks]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None], "null"),
        ([True, None], "boolean"),
        ([1, None], "Int64"),
        ([LARGE, LARGE + 2], "Int64"),
        ([2**63 - 1, -(2**63)], "Int64"),
        ([2**63], "float64"),
        ([2**63 + 1], "json"),
        ([-(2**63) - 1], "json"),
        ([-(2**63) - 1, 0], "json"),
        ([1, 0.5], "float64"),
        ([2**53, 0.5], "float64"),
        ([LARGE, 0.5], "json"),
        ([True, 1], "json"),
        (["a", None], "str"),
        (["a", 1], "mixed"),
        ([[1]], "json"),
    ],
)
def test_the_narrowest_kind_loses_nothing(values, kind):
    assert opened.kind_of(values) == kind
    if kind not in ("json", "mixed"):
        assert built(values)[1] == values


def test_values_at_some_places():
    assert built([LARGE, 2], 4, [1, 3]) == ("Int64", [None, LARGE, None, 2], [])
    assert built([1, 0.5], 3, [2, 0]) == ("float64", [0.5, None, 1.0], [])


@pytest.mark.parametrize(
    ("kind", "values", "found"),
    [
        ("Int64", [1, 2**53], "Int64"),
        ("Int64", [LARGE], schema_union._LARGE),
        ("float64", [0.5], "float64"),
        ("str", ["a"], "str"),
        ("boolean", [True], "boolean"),
        ("json", ["[1]"], "json"),
    ],
)
def test_a_batch_says_whether_its_whole_numbers_are_large(kind, values, found):
    described = opened.field("x", kind)
    assert schema_union._kind(described, pa.chunked_array([pa.array(values, described.type)])) == found


@pytest.mark.parametrize(
    ("kinds", "widest"),
    [
        (["null"], "null"),
        (["null", "Int64"], "Int64"),
        (["Int64", "float64"], "float64"),
        (["Int64", schema_union._LARGE], "Int64"),
        ([schema_union._LARGE, "float64"], "json"),
        (["str", "null"], "str"),
        (["str", "Int64"], "mixed"),
        (["boolean", "Int64"], "json"),
    ],
)
def test_the_kind_of_several_batches(kinds, widest):
    assert schema_union._widest(frozenset(kinds)) == widest


@pytest.mark.parametrize(
    ("number", "is_one"),
    [
        *[(one, True) for one in (2**53, -(2**53), 0, LARGE + 1, 2**60, -(2**63))],
        *[(one, False) for one in (LARGE, -LARGE, 2**60 + 1, 2**63 - 1)],
    ],
)
def test_a_float_holds_it_exactly(number, is_one):
    assert opened.are_floats(pa.chunked_array([[number, None]], pa.int64())) == is_one
    assert opened.kind_of([number, 0.5]) == ("float64" if is_one else "json")


@pytest.mark.parametrize("number", [2**60, LARGE + 1, -(2**63), LARGE])
def test_what_several_hold_is_what_one_would(number):
    entries = [
        f'{{"decision": {{"recommendation": "x", "confidence": 1}}, "meta": {{"p": {value}}}}}'
        for value in (number, 0.5)
    ]
    whole, added = lab.read(entries), lab.read(entries[:1]) + lab.read(entries[1:])
    assert whole.decisions["meta.p"].tolist() == added.decisions["meta.p"].tolist()
    assert whole.decisions["meta.p"].dtype == added.decisions["meta.p"].dtype
