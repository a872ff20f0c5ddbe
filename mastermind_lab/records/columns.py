"""Columns of other people's tables, brought to the types that frames have, without loss.

A column that no frame has a type for, lists say, or numbers among texts, becomes an open one: its JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..decode import json_text
from ..errors import OptionError
from ..frames import ARROW, IS_TEXT, check_times, kind_of_field, mixed_value, open_column
from ..spelling import as_name, moment_texts, plain_value, text_of
from .text_bytes import has_empty

Flags = NDArray[np.bool_]
Column = tuple[pa.Field, pa.Array]

TEXT, FLOAT, WHOLE, MOMENT = (ARROW[kind] for kind in ("str", "float64", "Int64", "datetime64[us, UTC]"))

NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*", re.ASCII)
_EXACT = 15  # decimal digits that a float always keeps
ENDLESS = float(np.finfo(np.float64).max)
"""The bound of what may be any finite number."""
EXACT_WHOLE = 2.0**53 - 1
"""The bound of whole numbers that are read as floats: of larger ones two may be one."""
_IN_A_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_FIRST_SECOND, _END_SECOND = 978_307_200, 4_133_980_800  # of the years 2001 to 2100, and behind them
_FIRST_MOMENT, _LAST_MOMENT = (
    pa.scalar(one.replace(tzinfo=UTC), MOMENT) for one in (datetime.min, datetime.max)
)
_ADVICE = "make text or numbers of it, or leave it out"

A_MOMENT = (
    "a time, ISO 8601 (pandas.to_datetime makes times of what is written otherwise), or a number, Unix time "
    "in seconds from 2001 to 2100 (of milliseconds, divide the column by 1,000)"
)
"""What :func:`moments` reads, in words."""


class Fault(NamedTuple):
    """What may be wrong with a row: a reject's reason, of which column, and what was expected."""

    reason: str
    column: str
    expected: str
    wrong: Flags


class Checked(NamedTuple):
    """The values of a column as they were wanted, and where one was there that is none such."""

    values: pa.Array
    wrong: Flags


def known_type(name: str, column: pa.ChunkedArray) -> list[Column]:
    """Bring a column to a type that frames have; times stay times, and spans become seconds.

    NaN is a missing number, and of the two zeros there is one.
    """
    kind = column.type
    _check_known(name, column)
    try:
        if pa.types.is_dictionary(kind):
            return known_type(name, _without_dictionary(column))
        found = _brought(column)
        if found is None:
            return of_values(name, column.to_pylist())
    except (pa.ArrowException, UnicodeError) as error:
        if pa.types.is_integer(kind):  # of more than 63 bits
            return open_column(name, len(column), range(len(column)), column.to_pylist())
        raise _unreadable(name, kind, error) from error
    whole = in_one_piece(found)
    whole = _plain_floats(whole) if whole.type == FLOAT else whole
    return [(pa.field(name, whole.type), whole)]


def _check_known(name: str, column: pa.ChunkedArray) -> None:
    """Refuse times that have no text; hours have one, whatever their unit."""
    try:
        if not pa.types.is_time(column.type):
            check_times(column)
    except ValueError as error:
        raise _unreadable(name, column.type, error) from error


def _unreadable(name: str, kind: pa.DataType, error: Exception) -> OptionError:
    return OptionError(f"column {name!r:.80} of type {kind} cannot be read: {error!s:.200}: {_ADVICE}")


def _plain_floats(column: pa.Array) -> pa.Array:
    values = column.to_numpy(zero_copy_only=False)
    if np.isnan(values).any():
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, FLOAT), column)
    has_negative_zero = (np.signbit(values) & (values == 0)).any()
    return pc.add(column, 0.0) if has_negative_zero else column


def _without_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values of categories; Arrow casts no dictionary of the texts that Polars has.

    Texts get long offsets: of few in the dictionary there may come more than 2 GiB.
    """
    kind = column.type.value_type
    held = TEXT if pa.types.is_string_view(kind) or pa.types.is_string(kind) else kind
    return pa.chunked_array([one.dictionary.cast(held).take(one.indices) for one in column.chunks], held)


def _brought(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Bring a column to the type that holds all of its values without loss; None where there is none."""
    if pa.types.is_decimal(column.type):
        return _of_decimals(column)
    if getattr(column.type, "extension_name", "") == "pandas.period":  # Arrow knows but its number
        return pa.chunked_array([pa.array(column.to_pandas().astype("str").tolist(), TEXT, from_pandas=True)])
    if pa.types.is_duration(column.type):
        spans = column.cast(pa.int64()).cast(FLOAT, safe=False)
        return pc.divide(spans, pa.scalar(_IN_A_SECOND[column.type.unit], FLOAT))
    wanted = _wanted(column.type)
    return None if wanted is None else column if column.type == wanted else column.cast(wanted)


def _of_decimals(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Make whole numbers or floats of decimals, if they are spelled as these are."""
    scale = column.type.scale
    try:
        if scale <= 0:
            return column.cast(WHOLE)
        return column.cast(pa.decimal128(_EXACT, scale)).cast(TEXT).cast(FLOAT)
    except pa.ArrowInvalid:  # of more digits
        return None


def _wanted(kind: pa.DataType) -> pa.DataType | None:
    types = pa.types
    if types.is_null(kind) or types.is_boolean(kind) or types.is_timestamp(kind):
        return kind
    if types.is_integer(kind):
        return WHOLE
    if types.is_floating(kind):
        return FLOAT
    is_text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    is_bytes = types.is_binary(kind) or types.is_large_binary(kind)
    return TEXT if is_text or is_bytes or types.is_temporal(kind) else None


def in_one_piece(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, without copying it where it is one."""
    if column.num_chunks == 1:
        return column.chunk(0)
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


def of_values(name: str, values: Sequence[Any]) -> list[Column]:
    """Make a column of Python values of any kinds."""
    try:
        plain = [plain_value(value) for value in values]
        if not {str, bool}.isdisjoint(map(type, plain)):
            plain = [*map(as_name, plain)]
        return open_column(name, len(plain), range(len(plain)), plain)
    except (UnicodeError, TypeError, ValueError) as error:
        row = f", in row {place + 1:,}" if (place := _first_unreadable(values)) is not None else ""
        raise OptionError(f"column {name!r:.80} cannot be read: {error!s:.200}{row}: {_ADVICE}") from error


def _first_unreadable(values: Sequence[Any]) -> int | None:
    for place, value in enumerate(values):
        try:
            json_text(plain_value(value)).encode()
        except (UnicodeError, TypeError, ValueError):
            return place
    return None


def is_given(column: pa.Array) -> Flags:
    """Tell where something was said: an empty text says nothing."""
    may_be_empty = column.type == TEXT and has_empty(column)
    if not column.null_count and not may_be_empty:
        return np.ones(len(column), bool)
    there = pc.is_valid(column)
    if may_be_empty:
        there = pc.and_kleene(there, pc.fill_null(pc.not_equal(column, ""), False))
    return _flags(there)


def columns_of(table: pa.Table) -> dict[str, Column]:
    """Return the columns of a table by their names, each in one piece."""
    return {
        one.name: (one, in_one_piece(column)) for one, column in zip(table.schema, table.columns, strict=True)
    }


def with_marks(table: pa.Table, name: str) -> dict[str, Column]:
    """Return a column of a table, and the marks of its texts where there are any."""
    return columns_of(table.select([one for one in (name, name + IS_TEXT) if one in table.column_names]))


def taken_out(columns: dict[str, Column], name: str) -> Column:
    """Take a column out of others, and the marks of its texts with it."""
    columns.pop(name + IS_TEXT, None)
    return columns.pop(name)


def texts_in(columns: Mapping[str, Column], name: str) -> Checked:
    """Spell a column among others as texts; one that is marked as text there is no list."""
    found = texts(*columns[name])
    if found.wrong.any() and name + IS_TEXT in columns:
        is_text = _flags(pc.fill_null(columns[name + IS_TEXT][1], False))
        return Checked(found.values, found.wrong & ~is_text)
    return found


def texts(described: pa.Field, column: pa.Array) -> Checked:
    """Spell values as texts: texts stay, 7.0 is 7, true is true, a midnight its day. Lists are no text."""
    none = np.zeros(len(column), bool)
    if kind_of_field(described) in ("json", "mixed"):
        return Checked(column, _lists(column))
    if column.type == TEXT:
        return Checked(column, none)
    if pa.types.is_null(column.type):
        return Checked(column.cast(TEXT), none)
    if pa.types.is_timestamp(column.type):
        return Checked(moment_texts(column), none)
    if column.type != FLOAT:
        return Checked(column.cast(TEXT), none)
    encoded = pc.dictionary_encode(column)
    spelled = pa.array(map(text_of, encoded.dictionary.to_pylist()), TEXT)
    return Checked(spelled.take(encoded.indices), none)


def _lists(column: pa.Array) -> Flags:
    encoded = pc.dictionary_encode(column)
    other = [isinstance(mixed_value(text or ""), list | dict) for text in encoded.dictionary.to_pylist()]
    return _flags(pc.fill_null(pa.array(other, pa.bool_()).take(encoded.indices), False))


def numbers(column: pa.Array) -> Checked:
    """Read a column as floats; a text may be a number."""
    none = np.zeros(len(column), bool)
    if column.type in (FLOAT, WHOLE) or pa.types.is_null(column.type):
        return Checked(column.cast(FLOAT, safe=False), none)
    if column.type != TEXT:
        return Checked(pa.nulls(len(column), FLOAT), _flags(pc.is_valid(column)))
    fits = pc.fill_null(pc.match_substring_regex(column, NUMBER), False)
    trimmed = pc.utf8_trim_whitespace(pc.if_else(fits, column, pa.scalar(None, TEXT)))
    values = pc.replace_substring_regex(trimmed, r"^\+", "").cast(FLOAT)
    return Checked(values, is_given(column) & ~_flags(fits))


def comma_advice(value: Any) -> str:
    """Say of a text that is a number but for a comma in it what to do."""
    if not isinstance(value, str) or not _COMMA.fullmatch(value):
        return ""
    text = value.strip()
    whole, _, rest = text.partition(",")
    thousands = f", or {whole}{rest} if it divides thousands" * (
        len(rest) == 3 and len(whole.lstrip("+-")) < 4
    )
    return (
        f", with a comma where a decimal point is read: write {text.replace(',', '.')}{thousands} "
        '(pandas.read_csv(path, sep=";", decimal=",") makes numbers of such a column)'
    )


def time_advice(value: Any) -> str:
    """Say of a text that is a number why it was not read as a time."""
    if not isinstance(value, str) or not re.fullmatch(NUMBER, value):
        return ""
    return (
        ", a number in a column that mixes texts and numbers, or has but texts, in which a time is ISO 8601: "
        "make numbers of the whole column, or ISO 8601"
    )


def within(checked: Checked, low: float, high: float, *, whole: bool = False) -> Checked:
    """Take for wrong what lies outside of two bounds, or is no whole number where it must be one."""
    values = checked.values.to_numpy(zero_copy_only=False)
    outside = (values < low) | (values > high)
    if whole:
        outside |= ~np.isnan(values) & (np.trunc(values) != values)
    return Checked(checked.values, checked.wrong | outside)


def moments(column: pa.Array) -> Checked:
    """Read times: times, ISO 8601 in text, and Unix time in seconds; UTC where no zone is said."""
    if pa.types.is_timestamp(column.type):
        zoned = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        return _within_the_years(zoned.cast(MOMENT), np.zeros(len(column), bool))
    if column.type == TEXT:
        values = _of_iso(column)
        return _within_the_years(values, is_given(column) & _flags(pc.is_null(values)))
    seconds = within(numbers(column), _FIRST_SECOND, np.nextafter(_END_SECOND, 0))
    given = np.where(seconds.wrong, np.nan, seconds.values.to_numpy(zero_copy_only=False))
    there = ~np.isnan(given)
    spans = np.where(there, np.round(np.where(there, given, 0) * 1e6), 0).astype(np.int64)
    return Checked(pa.array(spans, mask=~there).cast(MOMENT), seconds.wrong)


def _of_iso(column: pa.Array) -> pa.Array:
    """Read ISO 8601; what is none is missing, also the words of which pandas makes the present."""
    dated = pc.if_else(pc.match_substring_regex(column, r"^\s*\d"), column, pa.scalar(None, TEXT))
    found = _parsed(dated)
    if found.dt.unit == "ns":  # which has the years 1678 to 2262 alone
        found = _parsed(pc.replace_substring_regex(dated, r"(\.\d{6})\d+", r"\1"))
    return pa.array(found.dt.as_unit("us"), from_pandas=True).cast(MOMENT)


def _parsed(dated: pa.Array) -> pd.Series:
    given = pd.Series(dated.to_pandas(), dtype=object)
    return pd.to_datetime(given, utc=True, errors="coerce", format="ISO8601")


def _within_the_years(values: pa.Array, wrong: Flags) -> Checked:
    """Take for wrong what lies outside of the years 1 to 9999, for which Python has no word."""
    outside = pc.or_(pc.less(values, _FIRST_MOMENT), pc.greater(values, _LAST_MOMENT))
    outside = pc.fill_null(outside, False)
    return Checked(pc.if_else(outside, pa.scalar(None, MOMENT), values), wrong | _flags(outside))


def as_open(name: str, described: pa.Field, column: pa.Array) -> Column:
    """Return a column under the name of an open one; times, which no open column holds, become text."""
    held = moment_texts(column) if pa.types.is_timestamp(column.type) else column
    return pa.field(name, held.type, metadata=described.metadata), held


def _flags(values: Any) -> Flags:
    found: Flags = values.to_numpy(zero_copy_only=False)
    return found
