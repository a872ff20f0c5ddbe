"""Rows into Arrow tables, Arrow tables into DataFrames, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..decode import Batch, Column, Rows
from . import open as opened
from .declared import ARROW, COVERAGE, DECLARED, FRAMES, OPEN, PAYLOADS, schema
from .ids import id_key, id_parts, order

Tables = dict[str, pa.Table]
"""Frame name -> Arrow table, for the five frames and, where they were kept, the payloads."""

_PANDAS = {
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.null(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype(na_value=np.nan),
}
_LAST_MOMENT = 253_402_300_799_999  # ms: the end of the year 9999, beyond which no datetime can be shown


def tables(batch: Batch, *, numbered: bool = False) -> Tables:
    """Build the Arrow tables of one batch.

    Parameters
    ----------
    batch
        Decoded entries.
    numbered
        The ids are our own numbering of a source without ids, so they hold no time.
    """
    ids = [row[0] for row in batch.decisions.rows]
    names = [*schema("decisions").names[:1], *schema("decisions").names[2:]]
    types = [schema("decisions").field(name) for name in names]
    extra = [pa.field(column.name, ARROW[column.type]) for column in batch.columns]
    decisions = _table(batch.decisions, [*types, *extra])
    built = {"decisions": decisions.add_column(1, "streamed_at", _times(ids, numbered))}
    rest = [*FRAMES[1:], PAYLOADS] if batch.keep_payloads else FRAMES[1:]
    return built | {frame: _table(getattr(batch, frame), list(schema(frame))) for frame in rest}


def _table(rows: Rows, declared: Sequence[pa.Field]) -> pa.Table:
    columns = list(zip(*rows.rows, strict=True)) or [()] * len(declared)
    arrays = [pa.array(column, one.type) for column, one in zip(columns, declared, strict=True)]
    found = [opened.column(path, len(rows.rows), *rows.open[path]) for path in sorted(rows.open)]
    fields = [*declared, *(described for described, _ in found)]
    return pa.table([*arrays, *(array for _, array in found)], pa.schema(fields))


def _times(ids: Sequence[str], numbered: bool) -> pa.Array:
    if numbered:
        return pa.nulls(len(ids), ARROW["datetime64[us, UTC]"])
    milliseconds = id_parts(ids)[:, 1]
    beyond = milliseconds > _LAST_MOMENT
    microseconds = np.where(beyond, 0, milliseconds).astype(np.int64) * 1000
    return pa.array(microseconds, mask=beyond).cast(ARROW["datetime64[us, UTC]"])


def merge(parts: Iterable[Tables], columns: Iterable[Column] = ()) -> Tables:
    """Put the tables of several batches one behind the other; open columns become the union of all.

    ``columns`` are the extra columns that must be there even where no batch is.
    """
    batches = list(parts) or [tables(Batch(columns))]
    frames = [*FRAMES, PAYLOADS] if all(PAYLOADS in batch for batch in batches) else FRAMES
    return {frame: _stack(frame, [batch[frame] for batch in batches]) for frame in frames}


def _stack(frame: str, parts: Sequence[pa.Table]) -> pa.Table:
    if all(part.schema.equals(parts[0].schema, check_metadata=True) for part in parts):
        return pa.concat_tables(parts)
    names = _in_order(frame, {name: None for part in parts for name in part.column_names})
    fields, arrays = zip(*(_stack_column(name, parts) for name in names), strict=True)
    return pa.table(list(arrays), pa.schema(fields))


def _in_order(frame: str, names: Iterable[str]) -> list[str]:
    """Declared columns first, extra ones as they came, then the open ones by name."""
    declared = DECLARED[frame]
    is_open = {name: name.startswith(OPEN.get(frame, ("\0",))) for name in names}
    extra = [name for name in is_open if name not in declared and not is_open[name]]
    return [*declared, *extra, *sorted(name for name in is_open if is_open[name])]


def _stack_column(name: str, parts: Sequence[pa.Table]) -> tuple[pa.Field, pa.ChunkedArray]:
    absent = pa.field(name, pa.null())
    has = [name in part.column_names for part in parts]
    fields = [part.schema.field(name) if there else absent for there, part in zip(has, parts, strict=True)]
    columns = [
        part[name] if there else pa.chunked_array([pa.nulls(part.num_rows)])
        for there, part in zip(has, parts, strict=True)
    ]
    known = [one for one in fields if not pa.types.is_null(one.type)]
    if known and all(one.equals(known[0], check_metadata=True) for one in known):
        described = known[0]
        arrays = [pc.cast(column, described.type) for column in columns]
    else:
        kinds = [opened.kind_of_field(one) for one in fields]
        kind = opened.widest(list(zip(kinds, columns, strict=True)))
        described = opened.field(name, kind)
        arrays = [opened.widen(a, old, kind) for old, a in zip(kinds, columns, strict=True)]
    return described, pa.chunked_array([c for a in arrays for c in a.chunks], described.type)


def join(left: Tables, right: Tables) -> Tables:
    """Merge two histories by stream id: entries of ``right`` that ``left`` has already are dropped."""
    known = pa.array(entry_ids(left), pa.string())
    fresh = {name: part.filter(pc.invert(pc.is_in(part["stream_id"], known))) for name, part in right.items()}
    both = merge([left, fresh])
    return {frame: _sorted(table) for frame, table in both.items()}


def entry_ids(parts: Tables) -> list[str]:
    """List the ids of all entries, rejects included, oldest first."""
    ids = [*parts["decisions"]["stream_id"].to_pylist(), *parts["rejects"]["stream_id"].to_pylist()]
    return sorted(ids, key=id_key)


def renumber(parts: Tables, files: Mapping[int, int]) -> Tables:
    """Give the lines of some files new file numbers; other entries keep their ids."""
    return {frame: _renumbered(table, files) for frame, table in parts.items()}


def _renumbered(table: pa.Table, files: Mapping[int, int]) -> pa.Table:
    split = [stream_id.split("-") for stream_id in table["stream_id"].to_pylist()]
    moved = [f"{files.get(int(file), file)}-{line}" for file, line in split]
    return table.set_column(0, "stream_id", pa.array(moved, pa.string()))


def _sorted(table: pa.Table) -> pa.Table:
    place = order(id_parts(table["stream_id"].to_pylist()))
    return table if (np.diff(place) == 1).all() else table.take(place)


def to_pandas(parts: Mapping[str, pa.Table]) -> dict[str, pd.DataFrame]:
    """Make the DataFrames, once, at the end."""
    return {frame: table.to_pandas(types_mapper=_PANDAS.get) for frame, table in parts.items()}


def json_columns(parts: Mapping[str, pa.Table]) -> frozenset[str]:
    """Name the open columns that hold JSON text; a name belongs to one frame only."""
    fields = [one for table in parts.values() for one in table.schema]
    return frozenset(one.name for one in fields if (one.metadata or {}).keys() & opened.JSON.keys())


def from_pandas(frames: Mapping[str, pd.DataFrame], json: frozenset[str]) -> Tables:
    """Turn frames back into Arrow tables, with the JSON columns marked."""
    return {frame: _from_pandas(frame, data, json) for frame, data in frames.items()}


def _from_pandas(frame: str, data: pd.DataFrame, json: frozenset[str]) -> pa.Table:
    declared = schema(frame)
    fields = [
        declared.field(name) if name in declared.names else _field(frame, data[name], json) for name in data
    ]
    arrays = [
        pa.nulls(len(data))
        if pa.types.is_null(one.type)
        else pa.array(data[one.name], one.type, from_pandas=True)
        for one in fields
    ]
    return pa.table(arrays, pa.schema(fields))


def _field(frame: str, column: pd.Series, json: frozenset[str]) -> pa.Field:
    name = str(column.name)
    if name.startswith(OPEN.get(frame, ("\0",))) and column.isna().all():
        return pa.field(name, pa.null())
    return pa.field(name, ARROW[str(column.dtype)], metadata=opened.JSON if name in json else None)


def coverage_frame(rows: Sequence[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """Make a coverage frame of some rows; what a row does not say is missing."""
    table = pa.Table.from_pylist([dict(row) for row in rows], schema(COVERAGE))
    return to_pandas({COVERAGE: table})[COVERAGE]
