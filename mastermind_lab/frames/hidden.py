"""What a table holds and a frame cannot show: NaN beside what is missing, and which texts read as JSON.

It comes back where a frame's row still shows what it showed, wherever that row was moved.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from . import open_columns as opened

_NUMBER = {"votes": "position", "citations": "position", "arguments": "node"}


def shown(table: pa.Table) -> pa.Table:
    """Return what a frame shows of a table."""
    names = opened.shown(table.column_names)
    return pa.table([_without_nan(table[name]) for name in names], names)


def restored(frame: str, table: pa.Table, before: pa.Table) -> pa.Table:
    """Give the rows of a frame's table what those of the table that it was made from held unseen."""
    names = [name for name in opened.shown(before.column_names) if name in table.column_names]
    names = [name for name in names if table[name].type == before[name].type and _can_hide(name, before)]
    if names:
        wanted = {*names, *(name + opened.IS_TEXT for name in names)}.intersection(before.column_names)
        unseen = before.select(sorted(wanted))
        then = unseen.take(pc.index_in(_keys(frame, table), _keys(frame, before)))
        for name in names:
            restore = _with_marks if _is_mixed(name, before) else _with_nan
            table = restore(name, table, then)
    return table


def _can_hide(name: str, table: pa.Table) -> bool:
    return _is_mixed(name, table) or _has_nan(table[name])


def _is_mixed(name: str, table: pa.Table) -> bool:
    return opened.kind_of_field(table.schema.field(name)) == "mixed"


def _has_nan(column: pa.ChunkedArray) -> bool:
    return pa.types.is_floating(column.type) and bool(pc.any(pc.is_nan(column)).as_py())


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.is_nan(column), None, column) if _has_nan(column) else column


def _keys(frame: str, table: pa.Table) -> pa.Array:
    """Return what tells a row from all others; null where its number is missing."""
    ids = table["stream_id"].combine_chunks()
    if frame not in _NUMBER:
        return ids
    numbers = table[_NUMBER[frame]].combine_chunks().cast(ids.type)
    return pc.binary_join_element_wise(ids, numbers, pa.scalar(" ", ids.type))


def _with_marks(name: str, table: pa.Table, then: pa.Table) -> pa.Table:
    is_same = pc.fill_null(pc.equal(table[name], then[name]), False)
    written = opened.marks(pc.if_else(is_same, None, table[name]))  # what a user wrote there is text
    marks = pc.if_else(is_same, opened.marks_of(name, then), written)
    if marks.null_count == len(marks):
        return table
    return table.add_column(table.column_names.index(name) + 1, name + opened.IS_TEXT, marks)


def _with_nan(name: str, table: pa.Table, then: pa.Table) -> pa.Table:
    unseen = pc.and_(pc.is_null(table[name]), pc.fill_null(pc.is_nan(then[name]), False))
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), pc.if_else(unseen, float("nan"), table[name]))
