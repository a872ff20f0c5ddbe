"""Rows into Arrow tables, Arrow tables into DataFrames, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..decode import Batch, Column, Rows, SchemaCache, collector_paused, is_shared, rows
from ..envelope import Entry
from ..errors import OptionError
from . import open_columns as opened
from .declared import ARROW, DECLARED, FRAMES, MEMORY, PAYLOADS, TEXT, is_open, schema
from .ids import id_parts, order
from .shared_columns import with_own_columns

Tables = dict[str, pa.Table]
"""Frame name -> Arrow table, for the five frames and, where they were kept, the payloads."""

_PANDAS = {
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.null(): pd.BooleanDtype(),
    pa.large_string(): TEXT,
}
_SCHEMAS = {frame: schema(frame) for frame in FRAMES}
_LAST_MOMENT = 253_402_300_799_999  # ms: the end of the year 9999, beyond which no datetime can be shown


def decoded(
    entries: Iterable[Entry],
    *,
    columns: Iterable[Column] = (),
    payloads: bool = False,
    schema_cache: SchemaCache | None = None,
    numbered: bool = False,
) -> Tables:
    """Decode one batch of entries into Arrow tables.

    Parameters
    ----------
    entries
        What a source gives.
    columns, payloads, schema_cache
        Those of :class:`mastermind_lab.decode.Batch`.
    numbered
        As for :func:`tables`.
    """
    batch = Batch(columns, payloads, schema_cache)
    with collector_paused():
        for entry_id, payload, fault in entries:
            if fault:
                batch.reject(entry_id, fault, payload)
            else:
                batch.add(entry_id, payload)
        made = tables(batch, numbered=numbered)
        del batch  # or the collector would walk through it before it goes
    return made


def tables(batch: Batch, *, numbered: bool = False) -> Tables:
    """Build the Arrow tables of one batch.

    Parameters
    ----------
    batch
        Decoded entries.
    numbered
        The ids are our own numbering of a source without ids, so they hold no time.
    """
    texts = [envelope.stream_id for envelope in batch.decoded]
    ids, made = pa.array(texts, pa.large_string(), memory_pool=MEMORY), rows(batch, DECLARED)
    of_decisions = {"stream_id": ids, "streamed_at": _times(texts, numbered)} | made["decisions"].declared
    extra = [pa.field(column.name, ARROW[column.type]) for column in batch.columns]
    built = {"decisions": _table([*_SCHEMAS["decisions"], *extra], of_decisions, made["decisions"], len(ids))}
    for frame in ("votes", "citations", "arguments"):
        below = made[frame]
        declared = {"stream_id": pc.take(ids, below.owners, memory_pool=MEMORY)} | below.declared
        built[frame] = _table(_SCHEMAS[frame], declared, below, len(below.owners))
    built["rejects"] = _plain("rejects", batch.rejects)
    if batch.keep_payloads:
        built[PAYLOADS] = pa.table([ids, pa.array(batch.payloads, pa.binary())], schema(PAYLOADS))
    return built


def _table(fields: Iterable[pa.Field], declared: Mapping[str, Any], rows: Rows, length: int) -> pa.Table:
    columns = [(field, _array(field, declared[field.name])) for field in fields]
    for path in sorted(rows.open):
        columns += opened.column(path, length, *rows.open[path])
    return pa.table([array for _, array in columns], pa.schema([field for field, _ in columns]))


def _array(described: pa.Field, values: Any) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    if pa.types.is_timestamp(described.type):  # spans since 1970
        return pa.array(values, pa.duration("us"), memory_pool=MEMORY).view(described.type)
    # A root has no parent: -1 in the rows, missing in the table.
    missing = values < 0 if described.name == "parent" else None
    return pa.array(values, described.type, mask=missing, memory_pool=MEMORY)


def _plain(frame: str, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(_SCHEMAS[frame])
    arrays = [pa.array(values, field.type) for values, field in zip(columns, _SCHEMAS[frame], strict=True)]
    return pa.table(arrays, _SCHEMAS[frame])


def _times(ids: Sequence[str], numbered: bool) -> pa.Array:
    if numbered:
        return pa.nulls(len(ids), ARROW["datetime64[us, UTC]"], memory_pool=MEMORY)
    return streamed_at(np.array([int(stream_id.partition("-")[0]) for stream_id in ids], np.uint64))


def streamed_at(milliseconds: NDArray[np.uint64]) -> pa.Array:
    """Return the moments that ids name; none where it lies beyond the year 9999."""
    beyond = milliseconds > _LAST_MOMENT
    microseconds = np.where(beyond, 0, milliseconds).astype(np.int64) * 1000
    return pa.array(microseconds, mask=beyond).cast(ARROW["datetime64[us, UTC]"])


def concat(parts: Iterable[Tables], columns: Iterable[Column] = (), payloads: bool = False) -> Tables:
    """Put the tables of several batches one behind the other; open columns become the union of all.

    ``columns`` are the extra columns, and ``payloads`` the table, that must be there even where no batch is.
    """
    batches = list(parts) or [tables(Batch(columns, payloads))]
    frames = [*FRAMES, PAYLOADS] if all(PAYLOADS in batch for batch in batches) else FRAMES
    return {frame: stacked(frame, [batch[frame] for batch in batches]) for frame in frames}


def stacked(frame: str, parts: Sequence[pa.Table]) -> pa.Table:
    """Put the tables of one frame one behind the other; the result has the columns of all."""
    if all(part.schema.equals(parts[0].schema, check_metadata=True) for part in parts):
        return pa.concat_tables(parts)
    names = _in_order(frame, {name: None for part in parts for name in opened.shown(part.column_names)})
    if any(map(is_shared, names)):
        parts = [with_own_columns(part, names) for part in parts]
    places = [{name: place for place, name in enumerate(part.column_names)} for part in parts]
    columns = chain.from_iterable(_stack_column(name, parts, places) for name in names)
    fields, arrays = zip(*columns, strict=True)
    return pa.table(list(arrays), pa.schema(fields))


def _in_order(frame: str, names: Iterable[str]) -> list[str]:
    """Declared columns first, extra ones as they came, then the open ones by name."""
    declared = DECLARED[frame]
    others = [name for name in names if name not in declared]
    extra = [name for name in others if not is_open(frame, name)]
    return [*declared, *extra, *sorted(name for name in others if is_open(frame, name))]


def _stack_column(name: str, parts: Sequence[pa.Table], places: Sequence[dict[str, int]]) -> opened.Columns:
    """Stack one column; ``places`` says where each part has which, since a table looks through all names."""
    absent = pa.field(name, pa.null())
    at = [(part, there.get(name)) for part, there in zip(parts, places, strict=True)]
    fields = [absent if place is None else part.schema.field(place) for part, place in at]
    columns = [
        pa.chunked_array([pa.nulls(part.num_rows)]) if place is None else part.column(place)
        for part, place in at
    ]
    known = [one for one in fields if not pa.types.is_null(one.type)]
    if known and all(one.equals(known[0], check_metadata=True) for one in known):
        described = known[0]
        arrays = [pc.cast(column, described.type) for column in columns]
    else:
        kinds = [kind for one in fields if (kind := opened.kind_of_field(one))]
        if len(kinds) < len(fields):
            return [_stack_own(name, fields, columns)]
        kind = opened.widest(list(zip(kinds, columns, strict=True)))
        described = opened.field(name, kind)
        arrays = [opened.widen(a, old, kind) for old, a in zip(kinds, columns, strict=True)]
    stacked = [(described, pa.chunked_array([c for a in arrays for c in a.chunks], described.type))]
    return stacked + _stack_marks(name, parts) if opened.kind_of_field(described) == "mixed" else stacked


def _stack_marks(name: str, parts: Sequence[pa.Table]) -> opened.Columns:
    chunks = [chunk for part in parts for chunk in opened.marks_of(name, part).chunks]
    marks = pa.chunked_array(chunks, pa.bool_())
    return [(pa.field(name + opened.IS_TEXT, marks.type), marks)] if marks.null_count < len(marks) else []


def _stack_own(
    name: str, fields: Sequence[pa.Field], columns: Sequence[pa.ChunkedArray]
) -> tuple[pa.Field, pa.ChunkedArray]:
    """Stack a user's own column, of types that Arrow may bring together."""
    try:
        schemas = [pa.schema([one.remove_metadata()]) for one in fields]
        described = pa.unify_schemas(schemas, promote_options="permissive").field(0)
        arrays = [column.cast(described.type) for column in columns]
    except pa.ArrowException as error:
        types = ", ".join(sorted({str(one.type) for one in fields}))
        raise OptionError(f"column {name!r:.80} is of types that do not go together: {types}") from error
    return described, pa.chunked_array([c for a in arrays for c in a.chunks], described.type)


def union(left: Tables, right: Tables) -> Tables:
    """Merge two histories by stream id: entries of ``right`` that ``left`` has already are dropped."""
    known = pa.array(entry_ids(left), pa.large_string())
    fresh = {name: part.filter(pc.invert(pc.is_in(part["stream_id"], known))) for name, part in right.items()}
    both = concat([left, fresh])
    return {frame: oldest_first(table) for frame, table in both.items()}


def combine_chunks(parts: Tables) -> Tables:
    """Copy tables of many small pieces into tables of one; ``parts`` is emptied, so that no two are whole."""
    return {frame: _combine_chunks(parts.pop(frame)) for frame in [*parts]}


def _combine_chunks(table: pa.Table) -> pa.Table:
    described, columns = table.schema, table.columns
    del table
    for place, column in enumerate(columns):
        columns[place] = pa.table([column], [""]).combine_chunks(memory_pool=MEMORY)[0]
    return pa.table(columns, described)


def entry_ids(parts: Tables) -> list[str]:
    """List the ids of all entries, rejects included, oldest first."""
    listed: list[str] = ids_in_order(parts).to_pylist()
    return listed


def ids_in_order(parts: Tables) -> pa.Array:
    """Return the ids of all entries, rejects included, oldest first, without making an object of each."""
    chunks = [*parts["decisions"]["stream_id"].chunks, *parts["rejects"]["stream_id"].chunks]
    ids = pa.chunked_array(chunks, pa.large_string()).combine_chunks()
    place = order(id_parts(ids))
    return ids if (np.diff(place) == 1).all() else ids.take(pa.array(place))


def renumber(parts: Tables, files: Mapping[int, int]) -> Tables:
    """Give the lines of some files new file numbers; other entries keep their ids."""
    return {frame: _renumbered(table, files) for frame, table in parts.items()}


def _renumbered(table: pa.Table, files: Mapping[int, int]) -> pa.Table:
    split = [stream_id.split("-") for stream_id in table["stream_id"].to_pylist()]
    moved = [f"{files.get(int(file), file)}-{line}" for file, line in split]
    place = table.column_names.index("stream_id")  # not always the first: a frame may have been changed
    return table.set_column(place, "stream_id", pa.array(moved, pa.large_string()))


def oldest_first(table: pa.Table) -> pa.Table:
    """Put the rows in the order of their ids; those of one entry stay as they are."""
    place = order(id_parts(table["stream_id"]))
    return table if (np.diff(place) == 1).all() else table.take(place)


def to_pandas(parts: Mapping[str, pa.Table]) -> dict[str, pd.DataFrame]:
    """Make the DataFrames, once, at the end."""
    parts = {frame: table.select(opened.shown(table.column_names)) for frame, table in parts.items()}
    # Strings are not copied and numbers quickly: threads would take longer to wake.
    options: dict[str, Any] = {"memory_pool": MEMORY, "types_mapper": _PANDAS.get, "use_threads": False}
    # To look for equal payloads takes longer than to keep them twice: there are hardly any.
    return {frame: table.to_pandas(deduplicate_objects=False, **options) for frame, table in parts.items()}


def columns_of_kind(table: pa.Table, kind: str) -> frozenset[str]:
    """Name the columns of a table that are of a kind of open column: ``json``, or ``mixed``."""
    return frozenset(one.name for one in table.schema if opened.kind_of_field(one) == kind)
