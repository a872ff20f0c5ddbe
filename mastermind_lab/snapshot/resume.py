"""Where a growing folder ends, and what it still knows of the entries there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, repeat
from types import EllipsisType
from typing import Any, NamedTuple, Self

from ..frames import PAYLOADS, id_key, is_id
from .ranges import Range
from .reading import read_range

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
        The newest ranges of its epoch, and of those before, which tell what the stream held.
    max_deleted
        The newest entry that the stream had ever deleted by then, where that is known.
    """

    last_id: str
    ordinal: int | None
    ranges: tuple[Range, ...]
    max_deleted: str | None = None

    @classmethod
    def of(cls, committed: Sequence[Range]) -> Self | None:
        """Find the resume point of ranges, oldest first; None where they hold no entry."""
        filled = [one for one in committed if one.last_id]
        if not filled:
            return None
        last = filled[-1]
        # A long epoch leaves room for the one before it, which a dump may bring back.
        before, same = (
            [one for one in filled if (one.epoch == last.epoch) is is_same] for is_same in (False, True)
        )
        ordinal = last.metadata.get("last_ordinal")
        kept = (*_newest(before), *(_newest(same) or same[-1:]))
        deleted = last.metadata.get("max_deleted", "")
        return cls(last.last_id, int(ordinal) if ordinal else None, kept, deleted if is_id(deleted) else None)

    def place(self) -> dict[str, Any]:
        """Return what a :class:`mastermind_lab.stream.Cursor` is made of."""
        earlier = (one.last_id.partition("@")[0] for one in self.ranges if one.epoch < self.ranges[-1].epoch)
        return {
            "after": self.last_id,
            "ordinal": self.ordinal,
            "known": self.newest(),
            "older": self.older,
            "max_deleted": self.max_deleted,
            "reaches": max(earlier, key=id_key, default="0-0"),
        }

    def newest(self) -> Entries:
        """Yield the entries of the last range, oldest first, their ids without the epoch."""
        return ((entry_id.partition("@")[0], payload) for entry_id, payload in _entries(self.ranges[-1]))

    def older(self) -> Entries:
        """Yield the entries before those, oldest first."""
        return chain.from_iterable(map(_entries, self.ranges[:-1]))


def _newest(committed: Sequence[Range]) -> Sequence[Range]:
    """Return the newest ranges, as many as are worth reading."""
    entries = accumulate(one.entries for one in reversed(committed))
    sizes: Iterator[int] = accumulate(
        one.child_tables.get(PAYLOADS, {}).get("bytes", 0) for one in reversed(committed)
    )
    within = [n <= _MOST_ENTRIES and size <= _MOST_BYTES for n, size in zip(entries, sizes, strict=True)]
    return committed[len(committed) - sum(within) :]


def _entries(committed: Range) -> list[tuple[str, Any]]:
    table = PAYLOADS if PAYLOADS in committed.child_tables else "decisions"
    read = read_range(committed, (table, "rejects"))
    payloads = read[table]["payload"].to_pylist() if table == PAYLOADS else repeat(...)
    entries: list[tuple[str, Any]] = [*zip(read[table]["stream_id"].to_pylist(), payloads, strict=False)]
    entries += zip(*(read["rejects"][name].to_pylist() for name in ("stream_id", "payload")), strict=True)
    return sorted(entries, key=lambda entry: id_key(entry[0]))
