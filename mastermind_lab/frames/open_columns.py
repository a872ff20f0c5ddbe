"""Open columns: the narrowest of boolean, Int64, float64, str that holds every value without loss.

What none of them holds is text. Where texts are among the values, the column is mixed: a text stays as it
is, and anything else stands there as its JSON. Where none are, lists say, all of it is JSON text. Either is
marked in the Arrow field, so that it merges with others, and turns back into values, without guessing.

A text of a mixed column may read as JSON, "7" beside 7. Where one does, a column beside it, which frames do
not show, marks the rows of such texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..decode import json_texts
from ..spelling import is_float, one_spelling
from .declared import MEMORY

JSON = {b"mastermind_lab.json": b"1"}
"""Marks a field whose strings are JSON text."""

MIXED = {b"mastermind_lab.mixed": b"1"}
"""Marks a field whose strings are texts as they came and, of what is no text, the JSON."""

IS_TEXT = "..is_text"
"""Ends the name of the column that marks the texts of a mixed one that read as JSON.

No path of an envelope ends so, since an empty step is quoted.
"""

Columns = list[tuple[pa.Field, Any]]

_KINDS = {bool: "boolean", int: "Int64", float: "float64", str: "str"}
_MARKS = {"json": JSON, "mixed": MIXED}
_TYPES = {"boolean": pa.bool_(), "Int64": pa.int64(), "float64": pa.float64(), "str": pa.large_string()}

KINDS = ("null", *_TYPES, *_MARKS)
"""What an open column may hold."""


def field(name: str, kind: str) -> pa.Field:
    """Return the Arrow field of an open column: of the four types, ``null``, ``json`` or ``mixed``."""
    if kind == "null":
        return pa.field(name, pa.null())
    if kind in _MARKS:
        return pa.field(name, _TYPES["str"], metadata=_MARKS[kind])
    return pa.field(name, _TYPES[kind])


def kind_of_field(described: pa.Field) -> str | None:
    """Return the kind an Arrow field stands for; None for a user's own column of another type."""
    if pa.types.is_null(described.type):
        return "null"
    marked = described.metadata or {}
    for kind, mark in _MARKS.items():
        if marked.keys() & mark.keys():
            return kind
    return next((kind for kind, arrow in _TYPES.items() if described.type == arrow), None)


def kind_of(values: Sequence[Any]) -> str:
    """Return the narrowest kind that holds Python values without loss."""
    types = set(map(type, values)) - {type(None)}
    if len(types) <= 1:
        kind = _KINDS.get(types.pop(), "json") if types else "null"
        if kind != "Int64" or _fits(values):
            return kind
    elif types != {int, float}:
        return "mixed" if str in types else "json"
    return "float64" if all(is_float(value) for value in values if type(value) is int) else "json"


def _fits(integers: Sequence[int | None]) -> bool:
    there = [value for value in integers if value is not None]
    return min(there) >= -(2**63) and max(there) < 2**63


def column(name: str, length: int, places: Sequence[int], values: Sequence[Any]) -> Columns:
    """Build an open column of ``length`` rows from the values at some places; the rest is missing.

    Beside a mixed one stands, where it is needed, the column of its marks.
    """
    kind = kind_of(values)
    described, is_text = field(name, kind), _marks(values) if kind == "mixed" else []
    if kind in _MARKS:
        values = _texts(values, kind)
    elif kind == "float64" and int in map(type, values):
        # Arrow refuses integers above 2**53, exact or not.
        values = [None if value is None else float(value) for value in values]
    built = [(described, _array(length, places, values, described.type))]
    if any(is_text):
        built.append((pa.field(name + IS_TEXT, pa.bool_()), _array(length, places, is_text, pa.bool_())))
    return built


def _array(length: int, places: Sequence[int], values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if places == range(length):
        return pa.array(values, kind, memory_pool=MEMORY)
    dense = [None] * length
    for place, value in zip(places, values, strict=True):
        dense[place] = value
    return pa.array(dense, kind, memory_pool=MEMORY)


def widest(columns: Sequence[tuple[str, pa.ChunkedArray]]) -> str:
    """Return the narrowest kind that holds columns of several kinds without loss."""
    kinds = {kind for kind, _ in columns} - {"null"}
    if len(kinds) <= 1:
        return kinds.pop() if kinds else "null"
    if kinds == {"Int64", "float64"} and all(are_floats(a) for kind, a in columns if kind == "Int64"):
        return "float64"
    return "mixed" if kinds & {"str", "mixed"} else "json"


def are_floats(integers: pa.ChunkedArray) -> bool:
    """Tell whether a float64 holds each of some whole numbers exactly."""
    try:
        integers.cast(pa.float64(), safe=True)
    except pa.ArrowInvalid:  # it refuses all above 2**53, exact or not
        large = integers.filter(pc.or_(pc.less(integers, -(2**53)), pc.greater(integers, 2**53)))
        return all(map(is_float, large.to_pylist()))
    return True


def widen(array: pa.ChunkedArray, kind: str, to: str) -> pa.ChunkedArray:
    """Turn a column of one kind into a wider one."""
    described = field("", to)
    if to == "float64":
        return pc.cast(array, described.type, safe=False)  # of whole numbers, those that are floats
    if kind == to or kind == "null" or array.type == described.type:
        return pc.cast(array, described.type)  # texts and JSON text are spelled alike in a mixed column
    return pa.chunked_array([pa.array(_texts(array.to_pylist(), to), described.type)])


def marks_of(name: str, table: pa.Table) -> pa.ChunkedArray:
    """Return the marks of a column that is, or becomes, mixed."""
    if name + IS_TEXT in table.column_names and pa.types.is_boolean(table[name + IS_TEXT].type):
        return table[name + IS_TEXT]
    is_text = name in table.column_names and kind_of_field(table.schema.field(name)) == "str"
    return pa.chunked_array([marks(table[name]) if is_text else pa.nulls(table.num_rows, pa.bool_())])


def marks(texts: pa.ChunkedArray) -> pa.Array:
    """Return the marks of texts: true where one reads as JSON, else null."""
    return pa.array(_marks(texts.to_pylist()), pa.bool_())


def shown(names: Iterable[str]) -> list[str]:
    """Leave out the columns of marks."""
    there = dict.fromkeys(names)
    return [name for name in there if not (name.endswith(IS_TEXT) and name.removesuffix(IS_TEXT) in there)]


def value_of(text: str) -> Any:
    """Return the value whose JSON a text is, or the text itself where it is of none but a text."""
    return _loaded(text) if text.startswith(_BEGINNINGS) else text


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


# Of all values but texts; null is a missing one.
_BEGINNINGS = ("-", *"0123456789", "[", "{", "true", "false", "NaN", "Infinity")


def _marks(values: Sequence[Any]) -> list[bool | None]:
    return [(type(value) is str and type(value_of(value)) is not str) or None for value in values]


def with_plain_texts(table: pa.Table) -> pa.Table:
    """Make mixed columns of JSON text with quoted texts in it, as older snapshots hold it."""
    built: Columns = []
    for described, held in zip(table.schema, table.columns, strict=True):
        if kind_of_field(described) == "json" and pc.any(pc.starts_with(held, '"')).as_py():
            values = [text and _loaded(text) for text in held.to_pylist()]
            built += column(described.name, len(values), range(len(values)), values)
        else:
            built.append((described, held))
    return pa.table([held for _, held in built], pa.schema([described for described, _ in built]))


def _texts(values: Sequence[Any], kind: str) -> list[str | None]:
    others = [value for value in values if type(value) is not str] if kind == "mixed" else values
    has_numbers = not {int, float}.isdisjoint(map(type, others))
    texts = json_texts([*map(one_spelling, others)] if has_numbers else others)
    if kind == "json":
        return texts
    spelled = iter(texts)
    return [value if type(value) is str else next(spelled) for value in values]
