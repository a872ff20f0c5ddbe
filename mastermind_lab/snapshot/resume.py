"""Where a growing folder ends, and what it still knows of the entries there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, repeat
from types import EllipsisType
from typing import Any, NamedTuple, Self

from ..frames import PAYLOADS, id_key, is_id
from .checkpoint import Committed
from .load import tables_of
from .ranges import Range
from .surveys import ranges

Entries = Iterator[tuple[str, bytes | EllipsisType | None]]
"""Ids and payloads: ``...`` for one that was not kept."""

_MOST_ENTRIES = 100_000
_MOST_BYTES = 64 * 2**20  # of payloads as they lie on the disk


class ResumePoint(NamedTuple):
    """The last committed entry: what is read next comes behind it.

    Attributes
    ----------
    last
        The range that ends with it.
    reaches
        The newest id, without the epoch, of the epochs before.
    """

    last: Range
    reaches: str

    @classmethod
    def of(cls, committed: Committed) -> Self | None:
        """Find the resume point of ranges; None where they hold no entry."""
        last = committed.last
        return cls(last, committed.reaches) if last and last.last_id else None

    @property
    def last_id(self) -> str:
        """Its id, with the epoch."""
        return self.last.last_id

    @property
    def ordinal(self) -> int | None:
        """How many entries the stream had ever taken up to it, where that is known."""
        ordinal = self.last.metadata.get("last_ordinal")
        return int(ordinal) if ordinal else None

    @property
    def max_deleted(self) -> str | None:
        """The newest entry that the stream had ever deleted by then, where that is known."""
        deleted = self.last.metadata.get("max_deleted", "")
        return deleted if is_id(deleted) else None

    def place(self) -> dict[str, Any]:
        """Return what a :class:`mastermind_lab.stream.Cursor` is made of."""
        return {
            "after": self.last_id,
            "ordinal": self.ordinal,
            "known": self.newest(),
            "older": self.older,
            "max_deleted": self.max_deleted,
            "reaches": self.reaches,
        }

    def newest(self) -> Entries:
        """Yield the entries of the last range, oldest first, their ids without the epoch."""
        return ((entry_id.partition("@")[0], payload) for entry_id, payload in _entries(self.last))

    def older(self) -> Entries:
        """Yield the entries before those, oldest first, of so many ranges as are worth reading.

        The folder may have grown, or been compacted, meanwhile, also between two of them.
        """
        end = self.last.key[0]
        held = [one for one in ranges(self.last.folder) if one.last_id and one.key[0] < end]
        # A long epoch leaves room for the one before it, which a dump may bring back.
        before, same = (
            [one for one in held if (one.epoch == self.last.epoch) is is_same] for is_same in (False, True)
        )
        for one in (*_newest(before), *_newest(same)):
            yield from (entry for entry in _entries(one) if id_key(entry[0]) < end)


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
    read = tables_of([committed], (table, "rejects"))
    payloads = read[table]["payload"].to_pylist() if table == PAYLOADS else repeat(...)
    entries: list[tuple[str, Any]] = [*zip(read[table]["stream_id"].to_pylist(), payloads, strict=False)]
    entries += zip(*(read["rejects"][name].to_pylist() for name in ("stream_id", "payload")), strict=True)
    return sorted(entries, key=lambda entry: id_key(entry[0]))
