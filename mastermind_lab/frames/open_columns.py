"""Open columns: the narrowest of boolean, Int64, float64, str that holds every value without loss.

Anything mixed, and any list, becomes JSON text; a column of JSON text is marked in its Arrow field, so that
it merges with others, and turns back into values, without guessing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..decode import json_texts
from .declared import MEMORY

JSON = {b"mastermind_lab.json": b"1"}
"""Marks a field whose strings are JSON text."""

_KINDS = {bool: "boolean", int: "Int64", float: "float64", str: "str"}
_TYPES = {"boolean": pa.bool_(), "Int64": pa.int64(), "float64": pa.float64(), "str": pa.large_string()}

KINDS = ("null", *_TYPES, "json")
"""What an open column may hold."""


def field(name: str, kind: str) -> pa.Field:
    """Return the Arrow field of an open column of one kind (``null`` and ``json`` beside the four types)."""
    if kind == "null":
        return pa.field(name, pa.null())
    if kind == "json":
        return pa.field(name, _TYPES["str"], metadata=JSON)
    return pa.field(name, _TYPES[kind])


def kind_of_field(described: pa.Field) -> str | None:
    """Return the kind an Arrow field stands for; None for a user's own column of another type."""
    if pa.types.is_null(described.type):
        return "null"
    if (described.metadata or {}).keys() & JSON.keys():
        return "json"
    return next((kind for kind, arrow in _TYPES.items() if described.type == arrow), None)


def kind_of(values: Sequence[Any]) -> str:
    """Return the narrowest kind that holds Python values without loss."""
    types = set(map(type, values)) - {type(None)}
    if len(types) <= 1:
        kind = _KINDS.get(types.pop(), "json") if types else "null"
        if kind != "Int64" or _fits(values):
            return kind
    elif types != {int, float}:
        return "json"
    return "float64" if all(_is_float(value) for value in values if type(value) is int) else "json"


def _fits(integers: Sequence[int | None]) -> bool:
    there = [value for value in integers if value is not None]
    return min(there) >= -(2**63) and max(there) < 2**63


def _is_float(value: int) -> bool:
    try:
        return float(value) == value
    except OverflowError:
        return False


def column(name: str, length: int, places: Sequence[int], values: Sequence[Any]) -> tuple[pa.Field, pa.Array]:
    """Build an open column of ``length`` rows from the values at some places; the rest is missing."""
    kind = kind_of(values)
    if kind == "json":
        values = _texts(values)
    elif kind == "float64" and int in map(type, values):
        # Arrow refuses integers above 2**53, exact or not.
        values = [None if value is None else float(value) for value in values]
    described = field(name, kind)
    if places == range(length):
        return described, pa.array(values, described.type, memory_pool=MEMORY)
    dense = [None] * length
    for place, value in zip(places, values, strict=True):
        dense[place] = value
    return described, pa.array(dense, described.type, memory_pool=MEMORY)


def widest(columns: Sequence[tuple[str, pa.ChunkedArray]]) -> str:
    """Return the narrowest kind that holds columns of several kinds without loss."""
    kinds = {kind for kind, _ in columns} - {"null"}
    if len(kinds) <= 1:
        return kinds.pop() if kinds else "null"
    if kinds == {"Int64", "float64"} and all(are_floats(a) for kind, a in columns if kind == "Int64"):
        return "float64"
    return "json"


def are_floats(integers: pa.ChunkedArray) -> bool:
    """Tell whether a float64 holds each of some whole numbers exactly."""
    # Arrow's checked cast refuses an integer that a float64 cannot hold exactly.
    try:
        integers.cast(pa.float64(), safe=True)
    except pa.ArrowInvalid:
        return False
    return True


def widen(array: pa.ChunkedArray, kind: str, to: str) -> pa.ChunkedArray:
    """Turn a column of one kind into a wider one."""
    if kind == to:
        return array
    if kind == "null" or to == "float64":
        return pc.cast(array, field("", to).type)
    return pa.chunked_array([pa.array(_texts(array.to_pylist()), pa.large_string())])


def _texts(values: Sequence[Any]) -> list[str | None]:
    has_numbers = not {int, float}.isdisjoint(map(type, values))
    return json_texts([*map(_one_spelling, values)] if has_numbers else values)


def _one_spelling(value: Any) -> Any:
    """Spell equal numbers alike: a float64 column forgets whether 1 or 1.0 was said.

    So JSON text is the same whichever batch a value came in: whole numbers below 2**64 without a fraction,
    larger ones as floats where a float holds them.
    """
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) < 2**64 and str(value) != "-0.0" else value
    if type(value) is int and abs(value) >= 2**64 and _is_float(value):
        return float(value)
    return value
