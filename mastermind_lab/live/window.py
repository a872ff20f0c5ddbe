"""The latest entries of what is followed: a window bounded by count or by age."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import OptionError
from ..frames import (
    DECLARED,
    Tables,
    between,
    combine_chunks,
    concat,
    is_open,
    newest,
    schema,
    stacked,
    times_of,
)

_SMALL = 64  # batches, after which they become one chunk: many small tables are slow to merge
_CHUNK = 4_096  # entries, likewise


class _Chunk(NamedTuple):
    tables: Tables
    entries: int
    latest: datetime | None


class Window:
    """Batches in the order they came; the oldest are dropped when they are no longer within ``keep``.

    Parameters
    ----------
    keep
        So many entries, rejects included, or so long a time before the newest decision.

    Raises
    ------
    OptionError
        ``keep`` is neither, or not above 0.
    """

    def __init__(self, keep: int | timedelta) -> None:
        self.keep = _checked(keep)
        self.dropped = 0
        self._chunks: deque[_Chunk] = deque()
        self._small: list[_Chunk] = []

    def add(self, tables: Tables) -> None:
        """Take in a batch."""
        self._small.append(_chunk(tables))
        if len(self._small) >= _SMALL or sum(chunk.entries for chunk in self._small) >= _CHUNK:
            self._chunks.append(_merged(self._small))
            self._small = []
            while len(self._chunks) > 1 and self._chunks[-2].entries <= min(
                self._chunks[-1].entries, _CHUNK * 4
            ):
                self._chunks.append(_merged([self._chunks.pop(), self._chunks.pop()][::-1]))
            self._drop()

    def _drop(self) -> None:
        while len(self._chunks) > 1 and self._is_past(self._chunks[0]):
            self.dropped += self._chunks.popleft().entries

    def _is_past(self, chunk: _Chunk) -> bool:
        if isinstance(self.keep, timedelta):
            latest = self._latest_time()
            return bool(latest and chunk.latest and chunk.latest < latest - self.keep)
        return sum(each.entries for each in self._all()) - chunk.entries >= self.keep

    def _all(self) -> list[_Chunk]:
        return [*self._chunks, *self._small]

    def _latest_time(self) -> datetime | None:
        return max((chunk.latest for chunk in self._all() if chunk.latest), default=None)

    def clear(self) -> None:
        """Forget everything."""
        self.dropped, self._small = 0, []
        self._chunks.clear()

    def tables(self, last: int | timedelta | None = None, as_of: str | None = None) -> tuple[Tables, int]:
        """Return what is kept: all, the ``last`` of it, or as it was when ``as_of`` was the newest id.

        Beside it stands how many entries had come by then and are left out.
        """
        chunks = self._all()
        arrived = self.dropped + sum(chunk.entries for chunk in chunks)
        kept = concat([chunk.tables for chunk in self._enough(chunks, None if as_of else last)])
        if as_of is not None:
            then = _as_then(kept, as_of)
            arrived -= _entries(kept) - _entries(then)
            kept = then
        for bound in (self.keep, last):
            if bound is not None:
                kept = newest(kept, bound)
        return kept, arrived - _entries(kept)

    def latest(self, frame: str, count: int) -> pa.Table:
        """Return the newest rows of one frame, at most ``count``, oldest first."""
        slices, wanted = [schema(frame).empty_table()], count
        for chunk in reversed(self._all()):
            slices.append(chunk.tables[frame].slice(max(chunk.tables[frame].num_rows - wanted, 0)))
            wanted -= slices[-1].num_rows
            if wanted <= 0:
                break
        return stacked(frame, slices[::-1])

    def _enough(self, chunks: list[_Chunk], last: int | timedelta | None) -> list[_Chunk]:
        """Leave out old chunks that a count makes needless."""
        if not isinstance(last, int):
            return chunks
        needed, entries = [], 0
        for chunk in reversed(chunks):
            if entries >= last:
                break
            needed.append(chunk)
            entries += chunk.entries
        return needed[::-1]


def _checked(keep: int | timedelta) -> int | timedelta:
    good = isinstance(keep, timedelta | int) and not isinstance(keep, bool)
    if not good or keep <= type(keep)():  # type: ignore[operator] # both of one type
        raise OptionError(f"keep={keep!r}: expected a number of entries, or a timedelta, above 0")
    return keep


def _chunk(tables: Tables) -> _Chunk:
    return _Chunk(tables, _entries(tables), pc.max(times_of(tables)).as_py())


def _entries(tables: Tables) -> int:
    return int(tables["decisions"].num_rows + tables["rejects"].num_rows)


def _merged(chunks: list[_Chunk]) -> _Chunk:
    return _chunk(combine_chunks(concat([chunk.tables for chunk in chunks])))


def _as_then(tables: Tables, as_of: str) -> Tables:
    """Cut what came later, and the open columns that came with it."""
    then = between(tables, None, as_of)
    return {name: table.select(_columns_then(name, table)) for name, table in then.items()}


def _columns_then(frame: str, table: pa.Table) -> list[str]:
    declared = DECLARED[frame]
    return [
        column
        for column in table.column_names
        if column in declared or not is_open(frame, column) or table[column].null_count < table.num_rows
    ]
