"""A table in memory, whoever made it, as Arrow columns of types that frames have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..decode import json_text
from ..errors import OptionError, doubled
from ..frames import MEMORY, first_changed, shown_columns
from ..spelling import plain_value
from .columns import Column, known_type, of_values, texts_in, with_marks


@dataclass(frozen=True)
class Records:
    """The rows of a table, and those that could not be read.

    Attributes
    ----------
    table
        Columns of types that frames have, or times.
    source
        Where they came from, in words.
    numbers
        The number of each row, from 1; None where they are numbered as they stand.
    rejects
        What could not be read, with numbers of its own.
    joined
        How many rows became part of another's ballot.
    said
        What else is to be said of these.
    """

    table: pa.Table
    source: str
    numbers: Sequence[int] | None = None
    rejects: list[tuple[int, str, str, bytes]] = field(default_factory=list)
    joined: int = 0
    said: str = ""

    @staticmethod
    def as_json(table: pa.Table, place: int) -> bytes:
        """Return a row as JSON."""
        [values] = table.select(shown_columns(table.column_names)).slice(place, 1).to_pylist()
        return json_text(values).encode(errors="replace")


def in_memory(data: Any, name: str, names: Collection[str] = ()) -> Records:
    """Read a pandas frame, or anything that has ``__arrow_c_stream__``.

    Parameters
    ----------
    data
        The table.
    name
        What the caller calls it.
    names
        Columns of what names something: rows in which one has no spelling are rejects.

    Raises
    ------
    OptionError
        It is neither, two columns have one name, or a column holds what cannot be read.
    """
    if isinstance(data, pd.DataFrame):
        return _of_frame(with_index(data), name, names)
    try:
        table = pa.table(data) if hasattr(data, "__arrow_c_stream__") else None
    except (pa.ArrowException, TypeError, ValueError):  # a series has such a stream, too
        table = None
    if table is None and (fault := _unreadable(data)):
        raise OptionError(f"{name}: {fault}")
    if table is None:
        hint = ": .collect() makes it a table" if hasattr(data, "collect") else ""
        if isinstance(data, list | tuple | dict):
            hint = ": pandas.DataFrame makes a table of rows or columns, pandas.concat one of several tables"
        raise OptionError(
            f"{name} is a {type(data).__name__}{hint}; expected a pandas frame, a table of Polars, DuckDB or "
            "Arrow (anything with __arrow_c_stream__), or the path of a CSV, Parquet or JSON lines file"
        )
    columns = (
        (str(one), known_type(str(one), _copied(table[place])))
        for place, one in enumerate(table.column_names)
    )
    return Records(of_columns(columns, name), f"{name} ({type(data).__module__.partition('.')[0]})")


def _unreadable(data: Any) -> str:
    """Name the column of a table that Arrow has no type for; nothing where it is no table."""
    for column in data.columns if hasattr(data, "__arrow_c_stream__") and hasattr(data, "columns") else ():
        try:
            pa.table(data[[column]])
        except (pa.ArrowException, NotImplementedError) as error:
            return (
                f"column {column!r:.80} is of a type that Arrow cannot read ({error!s:.100}): cast it to "
                "another, such as a whole number of 64 bits, or text"
            )
        except (TypeError, ValueError, LookupError):  # no table whose columns can be chosen so
            return ""
    return ""


def _copied(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Copy numbers, which may be somebody's numpy array and changed afterwards; of chunks one is made."""
    if column.num_chunks != 1 or not pa.types.is_primitive(column.type):
        return column
    return pa.chunked_array([pa.concat_arrays(column.chunks, memory_pool=MEMORY)])


def of_columns(columns: Iterable[tuple[str, Sequence[tuple[pa.Field, Any]]]], name: str) -> pa.Table:
    """Make a table of columns, each with what stands beside it."""
    named = list(columns)
    if (twice := doubled(one for one, _ in named)) is not None:
        raise OptionError(f"{name} has several columns {twice!r:.80}: give each a name of its own")
    found = [one for _, some in named for one in some]
    return pa.table([array for _, array in found], pa.schema([described for described, _ in found]))


def of_rows(rows: Sequence[dict[str, Any]], name: str, columns: Iterable[str] = ()) -> pa.Table:
    """Make a table of rows that need not have the same columns; ``columns`` are there in any case."""
    names = dict.fromkeys([*columns, *(key for row in rows for key in row)])
    return of_columns(((one, of_values(one, [row.get(one) for row in rows])) for one in names), name)


def with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Make columns of a named index: what groups were made of is often left in it."""
    names = [*enumerate(frame.index.names)]
    levels = [place for place, one in names if one is not None and one not in frame.columns]
    return frame.reset_index(level=levels, allow_duplicates=True) if levels else frame


def _of_frame(frame: pd.DataFrame, name: str, names: Collection[str]) -> Records:
    series = [(str(one), frame.iloc[:, place]) for place, one in enumerate(frame.columns)]
    table = of_columns(((one, _of_series(one, values)) for one, values in series), name)
    source = f"{name} (pandas)"
    wrong = _without_spelling((one, values) for one, values in series if one in names)
    if not wrong:
        return Records(table, source)
    rejects = [
        (place + 1, "invalid", f"{said}: make text of it", Records.as_json(table, place))
        for place, said in sorted(wrong.items())
    ]
    kept = np.array([place not in wrong for place in range(len(frame))])
    numbers = (np.flatnonzero(kept) + 1).tolist()
    return Records(table.filter(pa.array(kept)), source, numbers, rejects)


def _without_spelling(series: Iterable[tuple[str, pd.Series]]) -> dict[int, str]:
    """Say of rows in which a value is none that could be spelled."""
    found: dict[int, str] = {}
    for name, values in series:
        if values.dtype != object and values.dtype.kind != "c":
            continue
        odd = {kind for kind in set(map(type, values)) if not _has_spelling(kind)}
        for place, value in enumerate(values) if odd else ():
            if type(value) in odd:
                said = f"{name:.80}: expected a value that has a spelling, there is one of type "
                found.setdefault(place, said + f"{type(value).__name__:.80}")
    return found


def _has_spelling(kind: type) -> bool:
    """Tell whether values of a type are spelled as JSON does, or as the type itself says how.

    Where it does not, Python spells out how they are made, or where they are in memory.
    """
    if issubclass(kind, complex | np.complexfloating):
        return False
    return issubclass(kind, _SPELLED) or kind.__str__ is not object.__str__


_SPELLED = (NoneType, int, float, list, tuple, dict, set, frozenset, np.ndarray, type(pd.NA), type(pd.NaT))


def _of_series(name: str, values: pd.Series) -> list[tuple[pa.Field, pa.Array]]:
    kinds = set(map(type, values.dropna())) if values.dtype == object else set()
    if len(kinds) > 1 or kinds & {set, frozenset}:
        return of_values(name, [*map(_as_json, values)])
    try:
        # A copy, as below. NaN becomes missing in the next step, where it is quicker.
        made = pa.array(values.copy(), from_pandas=values.dtype.kind != "f")
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return of_values(name, [*map(_as_json, values)])
    if kinds and (pa.types.is_nested(made.type) or first_changed(values, made)):
        return of_values(name, [*map(_as_json, values)])
    return known_type(name, made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made]))


def _as_json(value: Any) -> Any:
    """Return a value as one that JSON has, and so what is in it; a set is a list, always in one order."""
    if isinstance(value, dict):
        return {key: _as_json(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    if isinstance(value, list | tuple | np.ndarray):
        return [*map(_as_json, value)]
    return value if type(value) in (str, int, bool, bytes) else plain_value(value)


def as_texts(values: pd.Series, name: str) -> pa.Array:
    """Spell the values of a column as choices are spelled.

    Raises
    ------
    OptionError
        Some are lists or objects.
    """
    return _one_text_each({one.name: (one, held) for one, held in _of_series(name, values)}, name)


def check_texts(table: pa.Table, name: str) -> None:
    """Refuse a column that has lists or objects among its values.

    Raises
    ------
    OptionError
        With the first of them.
    """
    _one_text_each(with_marks(table, name), name)


def _one_text_each(columns: Mapping[str, Column], name: str) -> pa.Array:
    spelled, wrong = texts_in(columns, name)
    if wrong.any():
        place = int(wrong.argmax())
        raise OptionError(
            f"column {name!r:.80} holds lists or objects, {int(wrong.sum()):,} of them, the first "
            f"in row {place + 1:,}, {spelled[place].as_py()!r:.80}: expected one value in each row"
        )
    return spelled
