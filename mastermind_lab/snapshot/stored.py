"""A table as its part stores it: what stands in the way of other programs is in the footer instead.

They take the type of a column from the first part of a folder, so a column with nothing in it, which has no
type yet, is not written. The day in a folder's name is a column ``date`` to them, so one of that name, in
whatever case, is stored under another.
"""

from __future__ import annotations

import json

import pyarrow as pa

KEY = "columns"
"""The footer's key: (name, name in the file or null where it is not there) of each column, in order."""

_TAKEN = "date"


def stored(table: pa.Table) -> tuple[pa.Table, dict[str, str]]:
    """Return a table as its part stores it, and what the footer has to say for :func:`restored`."""
    names = [(one.name, None if pa.types.is_null(one.type) else one.name) for one in table.schema]
    names = [
        (name, _free(name, table) if name.lower() == _TAKEN and there else there) for name, there in names
    ]
    if all(name == there for name, there in names):
        return table, {}
    written = table.select([name for name, there in names if there])
    return written.rename_columns([there for _, there in names if there]), {KEY: json.dumps(names)}


def _free(name: str, table: pa.Table) -> str:
    taken = {one.lower() for one in table.column_names}
    while name.lower() in taken:
        name += "_"
    return name


def restored(table: pa.Table, said: str | None) -> pa.Table:
    """Return the table that was stored.

    Raises
    ------
    ValueError, TypeError, KeyError
        The footer does not fit the table.
    """
    if said is None:
        return table
    names = json.loads(said)
    if [there for _, there in names if there] != table.column_names:
        raise ValueError("its columns are not those that its footer names")
    absent = pa.nulls(table.num_rows)
    fields = [
        table.schema.field(there).with_name(name) if there else pa.field(name, pa.null())
        for name, there in names
    ]
    columns = [table[there] if there else absent for _, there in names]
    return pa.table(columns, pa.schema(fields))
