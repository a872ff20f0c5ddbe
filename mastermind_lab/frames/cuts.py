"""Cuts: some of the entries, with all that belongs to them. Tables are in the order of their ids."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..errors import OptionError
from .ids import edge_key, id_key, id_parts, order, sort_keys
from .limits import Limits, milliseconds
from .tables import Tables, ids_in_order, streamed_at

Mask = NDArray[np.bool_]
Arrivals = list[tuple[pa.ChunkedArray, NDArray[np.float64]]]

_MICROSECOND = timedelta(microseconds=1)
_FIRST_OF_STREAM = 10**12  # milliseconds, in the year 2001: no folder holds so many files


def apply_limits(tables: Tables, limits: Limits, numbered: bool) -> Tables:
    """Cut tables to limits.

    Parameters
    ----------
    tables
        All tables of some entries.
    limits
        What to keep.
    numbered
        The entries are numbered lines of files, which lie where ``published_at`` says. A line without a time,
        a reject say, is kept by every limit in time: where it lies is not known.
    """
    if limits[:3] == (None, None, None):
        return tables
    ids = ids_in_order(tables)
    kept = np.flatnonzero(_inside(tables, ids, limits, numbered))
    if limits.last is not None:
        kept = kept[max(len(kept) - limits.last, 0) :]
    if len(kept) == len(ids):
        return tables
    if len(kept) and kept[-1] - kept[0] + 1 == len(kept):
        return between(tables, ids[kept[0]].as_py(), ids[kept[-1]].as_py())
    return only(tables, ids.take(pa.array(kept)))


def _inside(tables: Tables, ids: pa.Array, limits: Limits, numbered: bool) -> Mask:
    """Tell which entries lie within ``since`` and ``until``."""
    parts = id_parts(ids)
    inside = np.ones(len(ids), bool)
    for name, bound, is_lower in (("since", limits.since, True), ("until", limits.until, False)):
        if isinstance(bound, str):
            if numbered:
                _refuse_foreign(name, bound)
            inside &= _beyond(sort_keys(parts), edge(bound, is_lower), is_lower)
        elif bound is not None and numbered:
            times = _published(tables)
            inside &= np.isnan(times) | _beyond(times, bound, is_lower)
        elif bound is not None:
            inside &= _beyond(parts[:, 1], milliseconds(bound, is_lower), is_lower)
    return inside


def has_undated(tables: Tables, limits: Limits, numbered: bool) -> bool:
    """Tell whether limits in time kept entries for want of a time."""
    is_cut = isinstance(limits.since, int) or isinstance(limits.until, int)
    return numbered and is_cut and bool(np.isnan(_published(tables)).any())


def _refuse_foreign(name: str, bound: str) -> None:
    """Refuse a stream's id as a bound of lines, whose numbers all lie before it."""
    if id_key(bound)[1] >= _FIRST_OF_STREAM:
        raise OptionError(
            f"{name}={bound!r}: the id of a stream's entry, and lines of files have others ('0-1', '0-2'); "
            "give a moment, which cuts them by published_at"
        )


def _beyond(values: NDArray[Any], bound: Any, is_lower: bool) -> Mask:
    return np.asarray(values >= bound if is_lower else values <= bound)


def edge(bound: str, is_lower: bool) -> Any:
    """Return the sort key of an id that is a bound."""
    return sort_keys(np.array([edge_key(bound, is_lower)], np.uint64))[0]


def _published(tables: Tables) -> NDArray[np.float64]:
    """Return when each entry was published, in microseconds since 1970; NaN where that is not known."""
    decisions, rejects = tables["decisions"], tables["rejects"]
    times = decisions["published_at"].cast(pa.int64()).to_numpy().astype(np.float64)
    ids = pa.chunked_array([*decisions["stream_id"].chunks, *rejects["stream_id"].chunks], pa.large_string())
    everything = np.concatenate([times, np.full(rejects.num_rows, np.nan)])
    return np.asarray(everything[order(id_parts(ids))])


def newest_time(tables: Tables, numbered: bool) -> int | None:
    """Return when the newest entry was streamed, or published if it is a line of a file; None without one.

    In microseconds since 1970.
    """
    if numbered:
        latest: int | None = pc.max(tables["decisions"]["published_at"].cast(pa.int64())).as_py()
        return latest
    ids = ids_in_order(tables)
    return id_key(ids[-1].as_py())[1] * 1000 if len(ids) else None


def only(tables: Tables, ids: pa.Array) -> Tables:
    """Keep some entries, by their ids."""
    return {name: only_of(table, ids) for name, table in tables.items()}


def only_of(table: pa.Table, ids: pa.Array) -> pa.Table:
    """Keep the rows of one table that belong to some entries."""
    return table.filter(pc.is_in(table["stream_id"], ids))


def between(tables: Tables, first: str | None, last: str | None) -> Tables:
    """Keep the entries from one id to another, both inclusive; None is no bound. Nothing is copied."""
    return {name: _slice(table, first, last) for name, table in tables.items()}


def _slice(table: pa.Table, first: str | None, last: str | None) -> pa.Table:
    rows = rows_between(table["stream_id"], first, last)
    return table.slice(rows.start, len(rows))


def rows_between(ids: pa.ChunkedArray, first: str | None, last: str | None) -> range:
    """Say which rows are those of the entries from one id to another, both inclusive; None is no bound."""
    rows = range(len(ids))

    def key(row: int) -> tuple[int, int, int]:
        return id_key(ids[row].as_py())

    start = 0 if first is None else bisect_left(rows, id_key(first), key=key)
    end = len(rows) if last is None else bisect_right(rows, id_key(last), key=key)
    return range(start, max(start, end))


def newest(tables: Tables, bound: int | timedelta, numbered: bool = False) -> Tables:
    """Keep so many entries, the newest, or those of so long a time before the newest entry.

    Of a time, these are all behind the last entry that was there before: a stream that begins again with
    lower ids ends what was before it, too, as soon as it is as old as that. ``numbered`` as for
    :func:`apply_limits`.
    """
    if isinstance(bound, int):
        first = _first_of(tables, bound)
        return tables if first is None else between(tables, first, None)
    arrivals = _arrivals(tables, numbered)
    latest = _last_known(arrivals)
    last = None if latest is None else _last_before(arrivals, latest - bound / _MICROSECOND)
    return tables if last is None else _behind(tables, last)


def _first_of(tables: Tables, count: int) -> str | None:
    """Find the first of the newest entries, among decisions and rejects that are each in order."""
    decisions, rejects = tables["decisions"]["stream_id"], tables["rejects"]["stream_id"]
    if len(decisions) + len(rejects) <= count:
        return None

    def is_enough(taken: int) -> bool:
        """Tell whether no further decision is newer than the oldest reject that would be taken."""
        place, before = len(rejects) - (count - taken), len(decisions) - taken - 1
        return place == len(rejects) or before < 0 or _key(rejects, place) > _key(decisions, before)

    fewest, most = max(count - len(rejects), 0), min(count, len(decisions))
    taken = fewest + bisect_left(range(fewest, most), True, key=is_enough)
    oldest = [(ids, len(ids) - n) for ids, n in ((decisions, taken), (rejects, count - taken)) if n]
    ids, place = min(oldest, key=lambda one: _key(*one))
    return str(ids[place].as_py())


def _key(ids: pa.ChunkedArray, place: int) -> tuple[int, int, int]:
    return id_key(ids[place].as_py())


def last_moment(tables: Tables, numbered: bool = False) -> float | None:
    """Return when the newest entry came, of those of which that is known; in microseconds since 1970."""
    return _last_known(_arrivals(tables, numbered))


def _last_known(arrivals: Arrivals) -> float | None:
    known = [
        (_key(ids, places[-1]), float(times[places[-1]]))
        for ids, times in arrivals
        if len(places := np.flatnonzero(~np.isnan(times)))
    ]
    return max(known)[1] if known else None


def _last_before(arrivals: Arrivals, moment: float) -> str | None:
    """Find the last entry that came before a moment."""
    past = [
        ids[places[-1]].as_py() for ids, times in arrivals if len(places := np.flatnonzero(times < moment))
    ]
    return max(past, key=id_key, default=None)


def _behind(tables: Tables, last: str) -> Tables:
    """Leave out all up to an entry, that one as well."""
    return {
        name: table.slice(rows_between(table["stream_id"], None, last).stop) for name, table in tables.items()
    }


def _arrivals(tables: Tables, numbered: bool) -> Arrivals:
    """Return ids of decisions and rejects with when each came, NaN where that is not known.

    A line of a file came no earlier than those before it.
    """
    decided = times_of(tables).cast(pa.int64()).to_numpy().astype(np.float64)
    rejected = tables["rejects"]["stream_id"]
    if numbered:
        times = np.fmax.accumulate(decided), np.full(len(rejected), np.nan)
    else:
        moments = streamed_at(id_parts(rejected)[:, 1]).cast(pa.int64())
        times = decided, moments.to_numpy(zero_copy_only=False).astype(np.float64)
    return [*zip((tables["decisions"]["stream_id"], rejected), times, strict=True)]


def times_of(tables: Tables) -> pa.ChunkedArray:
    """Return when the stream took each decision, or else when it was published."""
    decisions = tables["decisions"]
    return pc.coalesce(decisions["streamed_at"], decisions["published_at"])
