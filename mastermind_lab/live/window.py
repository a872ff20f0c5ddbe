"""The latest entries of what is followed: a window bounded by count or by age."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

import pyarrow as pa

from ..errors import OptionError
from ..frames import (
    DECLARED,
    Tables,
    between,
    combine_chunks,
    concat,
    count,
    is_open,
    last_moment,
    newest,
    read_duration,
)

_SMALL = 64  # batches, after which they become one chunk: many small tables are slow to merge
_CHUNK = 4_096  # entries, likewise


class _Chunk(NamedTuple):
    tables: Tables
    entries: int
    latest: float | None  # when its newest entry came, in microseconds since 1970


class Window:
    """Batches in the order they came; the oldest are dropped when they are no longer within ``keep``.

    Parameters
    ----------
    keep
        So many entries, rejects included, or so long a time before the newest of them (``'1h'``).
    numbered
        The entries are lines of files: they came when they were published, none before those ahead of it.

    Raises
    ------
    OptionError
        ``keep`` is neither, or not above 0.
    """

    def __init__(self, keep: int | timedelta | str, numbered: bool = False) -> None:
        self.keep, self._numbered = count_or_duration("keep", keep), numbered
        self.dropped = 0
        self._chunks: deque[_Chunk] = deque()
        self._small: list[_Chunk] = []

    def add(self, tables: Tables) -> None:
        """Take in a batch."""
        self._small.append(_Chunk(tables, _entries(tables), self._moment(tables)))
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

    def _moment(self, tables: Tables) -> float | None:
        """Tell when a batch came, where it has to be known."""
        if not isinstance(self.keep, timedelta):
            return None
        came = last_moment(tables, self._numbered)
        before = _latest(self._all()) if self._numbered else None
        return came if before is None else max(came or before, before)

    def _is_past(self, chunk: _Chunk) -> bool:
        """Tell whether the first chunk is past: its last entry is, or one behind it."""
        if isinstance(self.keep, timedelta):
            begin = (_latest(self._all()) or 0.0) - self.keep / timedelta(microseconds=1)
            return any(one.latest is not None and one.latest < begin for one in self._chunks)
        return sum(each.entries for each in self._all()) - chunk.entries >= self.keep

    def _all(self) -> list[_Chunk]:
        return [*self._chunks, *self._small]

    def clear(self) -> None:
        """Forget everything."""
        self.dropped, self._small = 0, []
        self._chunks.clear()

    def tables(
        self, last: int | timedelta | str | None = None, as_of: str | None = None
    ) -> tuple[Tables, int]:
        """Return what is kept: all, the ``last`` of it, or as it was when ``as_of`` was the newest id.

        Beside it stands how many entries had come by then and are left out.
        """
        chunks, part = self._all(), None if last is None else count_or_duration("last", last)
        arrived = self.dropped + sum(chunk.entries for chunk in chunks)
        enough = None if as_of else self.keep if part is None else part
        kept = concat([chunk.tables for chunk in self._enough(chunks, enough)])
        if as_of is not None:
            then = _as_then(kept, as_of)
            arrived -= _entries(kept) - _entries(then)
            kept = then
        for bound in (self.keep, part):
            if bound is not None:
                kept = newest(kept, bound, self._numbered)
        return kept, arrived - _entries(kept)

    def latest(self, frame: str, count: int) -> pa.Table:
        """Return the newest rows of one frame that are kept, at most ``count``, oldest first."""
        rows = self.tables()[0][frame]
        return rows.slice(max(rows.num_rows - count, 0))

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


def count_or_duration(name: str, value: Any) -> int | timedelta:
    """Read how much to keep, or to show, of what is newest.

    Raises
    ------
    OptionError
        It is neither a number of entries nor a duration, or not above 0.
    """
    with suppress(OptionError):
        if found := read_duration(value) or count(name, value):
            return found
    raise OptionError(f"{name}={value!r:.80}: expected a number of entries, or a duration ('1h'), above 0")


def _entries(tables: Tables) -> int:
    return int(tables["decisions"].num_rows + tables["rejects"].num_rows)


def _merged(chunks: list[_Chunk]) -> _Chunk:
    tables = combine_chunks(concat([chunk.tables for chunk in chunks]))
    return _Chunk(tables, _entries(tables), _latest(chunks))


def _latest(chunks: list[_Chunk]) -> float | None:
    """Return when the last of these chunks came of which that is known."""
    return next((chunk.latest for chunk in reversed(chunks) if chunk.latest is not None), None)


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
