"""Columns that share one: values for which a batch had no room, ``meta.*``, where another batch had it."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from ..decode import is_shared, json_texts
from . import open_columns as opened


def with_own_columns(table: pa.Table, names: Collection[str]) -> pa.Table:
    """Move values out of shared columns into columns of their own, where these are among some names."""
    fresh = {*names}.difference(table.column_names)
    for shared in filter(is_shared, table.column_names):
        rows = [opened.value_of(text) if text else {} for text in table[shared].to_pylist()]
        if not all(isinstance(row, dict) for row in rows):  # its user changed it
            continue
        moved = fresh.intersection(path for row in rows for path in row)
        for path in sorted(moved):
            places = [place for place, row in enumerate(rows) if path in row]
            values = [rows[place].pop(path) for place in places]
            for described, held in opened.column(path, len(rows), places, values):
                table = table.append_column(described, held)
        if moved:
            rest = pa.array(json_texts([row or None for row in rows]), pa.large_string())
            table = table.set_column(table.column_names.index(shared), table.schema.field(shared), rest)
    return table
