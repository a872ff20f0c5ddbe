"""Where a growing folder ends, and what it still knows of the entries there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, repeat
from types import EllipsisType
from typing import Any, NamedTuple, Self

from ..frames import PAYLOADS, id_key
from .ranges import Range, read_range

Entries = Iterator[tuple[str, bytes | EllipsisType | None]]
"""Ids and payloads: ``...`` for one that was not kept."""

_MOST_ENTRIES = 100_000
_MOST_BYTES = 64 * 2**20  # of payloads as they lie on the disk


class ResumePoint(NamedTuple):
    """The last committed entry: what is read next comes behind it.

    Attributes
    ----------
    last_id
        Its id, with the epoch.
    ordinal
        How many entries the stream had ever taken up to it, where that is known.
    ranges
        The newest ranges, which tell what the stream held.
    """

    last_id: str
    ordinal: int | None
    ranges: tuple[Range, ...]

    @classmethod
    def of(cls, committed: Sequence[Range]) -> Self | None:
        """Find the resume point of ranges, oldest first; None where they hold no entry."""
        filled = [one for one in committed if one.last_id]
        if not filled:
            return None
        ordinal = filled[-1].metadata.get("last_ordinal")
        return cls(filled[-1].last_id, int(ordinal) if ordinal else None, tuple(filled[-_newest(filled) :]))

    def newest(self) -> Entries:
        """Yield the entries of the last range, oldest first, their ids without the epoch."""
        return ((entry_id.partition("@")[0], payload) for entry_id, payload in _entries(self.ranges[-1]))

    def older(self) -> Entries:
        """Yield the entries before those, oldest first."""
        return chain.from_iterable(map(_entries, self.ranges[:-1]))


def _newest(committed: Sequence[Range]) -> int:
    """Say how many of the newest ranges are worth reading: the last one in any case."""
    entries = accumulate(one.entries for one in reversed(committed))
    sizes: Iterator[int] = accumulate(
        one.child_tables.get(PAYLOADS, {}).get("bytes", 0) for one in reversed(committed)
    )
    within = [n <= _MOST_ENTRIES and size <= _MOST_BYTES for n, size in zip(entries, sizes, strict=True)]
    return max(sum(within), 1)


def _entries(committed: Range) -> list[tuple[str, Any]]:
    table = PAYLOADS if PAYLOADS in committed.child_tables else "decisions"
    read = read_range(committed, (table, "rejects"))
    payloads = read[table]["payload"].to_pylist() if table == PAYLOADS else repeat(...)
    entries: list[tuple[str, Any]] = [*zip(read[table]["stream_id"].to_pylist(), payloads, strict=False)]
    entries += zip(*(read["rejects"][name].to_pylist() for name in ("stream_id", "payload")), strict=True)
    return sorted(entries, key=lambda entry: id_key(entry[0]))
