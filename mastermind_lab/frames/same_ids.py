"""Ids that two streams have both: where their histories are put together, each names another decision."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pyarrow as pa
import pyarrow.compute as pc

from .tables import Tables, entry_ids

_TEXT = pa.large_string()


def other_decisions(left: Tables, right: Tables) -> dict[str, str]:
    """Name the decisions of the right under whose id the left has another one, and a free id for each.

    What tells two decisions apart is ``correlation_id``; where one does not say it, they are taken for one.
    The free id is of another epoch, the first that no other decision has: so one that is added again meets
    itself.
    """
    mine, theirs = (_named(tables) for tables in (left, right))
    there = pc.index_in(theirs["stream_id"], mine["stream_id"])
    differs = pc.fill_null(pc.not_equal(mine["correlation_id"].take(there), theirs["correlation_id"]), False)
    some = theirs.filter(differs)
    if not some.num_rows:
        return {}
    known = {(_place(stream_id), name): stream_id for stream_id, name in _pairs(mine)}
    taken, moved = {*entry_ids(left), *entry_ids(right)}, {}
    for stream_id, name in _pairs(some):
        place = _place(stream_id)
        epochs = (f"{place}@{number}" for number in count(1))
        moved[stream_id] = known.get((place, name)) or next(one for one in epochs if one not in taken)
        taken.add(moved[stream_id])
    return moved


def _place(stream_id: str) -> str:
    return stream_id.partition("@")[0]


def _pairs(named: pa.Table) -> Iterator[tuple[str, str]]:
    return zip(*(named[name].to_pylist() for name in named.column_names), strict=True)


def with_other_ids(tables: Tables, moved: dict[str, str]) -> Tables:
    """Give some entries other ids, in all tables."""
    before, after = (pa.array([*some], _TEXT) for some in (moved, moved.values()))

    def renamed(table: pa.Table) -> pa.Table:
        ids = table["stream_id"].combine_chunks()
        fresh = pc.coalesce(after.take(pc.index_in(ids, before)), ids)
        return table.set_column(table.column_names.index("stream_id"), "stream_id", fresh)

    return {name: renamed(table) for name, table in tables.items()}


def _named(tables: Tables) -> pa.Table:
    columns = ("stream_id", "correlation_id")
    return pa.table({name: tables["decisions"][name].combine_chunks() for name in columns})
