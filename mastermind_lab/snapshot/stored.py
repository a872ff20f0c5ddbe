"""A table as its part stores it: what stands in the way of other programs is in the footer instead.

They take the type of a column from the first part of a folder, so a column with nothing in it, which has no
type yet, is not written. The day in a folder's name is a column ``date`` to them, so one of that name, in
whatever case, is stored under another. And the marks beside a mixed column, which frames do not show either,
are for nobody else.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..frames import shown_columns

KEY = "columns"
"""The footer's key: all columns in order, (name, name in the file), (name, null) for one with nothing in it,
(name, [bits]) for marks."""

_TAKEN = "date"


def stored(table: pa.Table) -> tuple[pa.Table, dict[str, str]]:
    """Return a table as its part stores it, and what the footer has to say for :func:`restored`."""
    shown = {*shown_columns(table.column_names)}
    said = [
        (name, _stored(table, name) if name in shown else [_packed(table[name])])
        for name in table.column_names
    ]
    if all(name == there for name, there in said):
        return table, {}
    names = {name: there for name, there in said if isinstance(there, str)}
    return table.select([*names]).rename_columns([*names.values()]), {KEY: json.dumps(said)}


def _stored(table: pa.Table, name: str) -> str | None:
    if pa.types.is_null(table.schema.field(name).type):
        return None
    taken = {one.lower() for one in table.column_names} if name.lower() == _TAKEN else set()
    while name.lower() in taken:
        name += "_"
    return name


def _packed(marks: pa.ChunkedArray) -> str:
    bits = np.packbits(pc.fill_null(marks, False).to_numpy())
    return b64encode(zlib.compress(bits.tobytes())).decode()


def restored(table: pa.Table, said: list[Any] | None, start: int = 0) -> pa.Table:
    """Return the table that was stored, or some of its rows.

    Parameters
    ----------
    table
        What its part holds of them.
    said
        What the footer says under :data:`KEY`.
    start
        Which row of the whole table is the first of these.

    Raises
    ------
    ValueError, TypeError, KeyError, zlib.error
        The footer does not fit the table.
    """
    if said is None:
        return table
    columns = [_restored(table, name, there, start) for name, there in said]
    return pa.table([column for _, column in columns], pa.schema([described for described, _ in columns]))


def _restored(table: pa.Table, name: str, there: Any, start: int) -> tuple[pa.Field, Any]:
    if isinstance(there, str):
        return table.schema.field(there).with_name(name), table[there]
    rows = range(start, start + table.num_rows)
    column = pa.nulls(len(rows)) if there is None else _unpacked(there[0], rows)
    return pa.field(name, column.type), column


def _unpacked(packed: str, rows: range) -> pa.Array:
    first, end = rows.start // 8, -(-rows.stop // 8)
    packed_bits = zlib.decompressobj().decompress(b64decode(packed), end or 1)[first:]
    bits = np.unpackbits(np.frombuffer(packed_bits, np.uint8), count=rows.stop - first * 8)
    marks = bits.astype(bool)[rows.start - first * 8 :]
    return pa.array(marks, mask=~marks)
