"""Where a growing folder ends, and what it still knows of the entries there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from types import EllipsisType
from typing import Any, NamedTuple, Self

from ..frames import PAYLOADS, id_key
from .ranges import Range, read_range

_MOST_ENTRIES = 100_000
_MOST_BYTES = 64 * 2**20  # of payloads as they lie on the disk


class Ending(NamedTuple):
    """The last committed entry: what is read next comes behind it.

    Attributes
    ----------
    last_id
        Its id, with the epoch.
    ordinal
        How many entries the stream had ever taken up to it, where that is known.
    ranges
        The newest ranges, which :meth:`entries` reads.
    """

    last_id: str
    ordinal: int | None
    ranges: tuple[Range, ...]

    @classmethod
    def of(cls, committed: Sequence[Range]) -> Self | None:
        """Find the ending of ranges, oldest first; None where they hold no entry."""
        held = [one for one in committed if one.last_id]
        if not held:
            return None
        ordinal = held[-1].facts.get("last_ordinal")
        return cls(held[-1].last_id, int(ordinal) if ordinal else None, tuple(held[-_newest(held) :]))

    def entries(self) -> Iterator[tuple[str, bytes | EllipsisType | None]]:
        """Yield what the stream held last, oldest first: (id without epoch, payload).

        ``...`` stands for a payload that was not kept. Entries that a later epoch took the place of are left
        out.
        """
        firsts = [_place(one.first_id) for one in self.ranges]
        lowest = list(accumulate(firsts[:0:-1], min))[::-1]  # for each range but the last: of those after it
        for one, end in zip(self.ranges, [*lowest, None], strict=True):
            for entry_id, payload in _entries(one):
                if end is None or _place(entry_id) < end:
                    yield entry_id.partition("@")[0], payload


def _newest(committed: Sequence[Range]) -> int:
    """Say how many of the newest ranges are worth reading: the last one in any case."""
    entries = accumulate(one.rows + one.rejects for one in reversed(committed))
    sizes: Iterator[int] = accumulate(
        one.siblings.get(PAYLOADS, {}).get("bytes", 0) for one in reversed(committed)
    )
    within = [n <= _MOST_ENTRIES and size <= _MOST_BYTES for n, size in zip(entries, sizes, strict=True)]
    return max(sum(within), 1)


def _entries(one: Range) -> list[tuple[str, Any]]:
    is_kept = PAYLOADS in one.siblings
    read = read_range(one, (PAYLOADS if is_kept else "decisions", "rejects"))
    found: list[tuple[str, Any]] = []
    if is_kept:
        found += zip(*(read[PAYLOADS][name].to_pylist() for name in ("stream_id", "payload")), strict=True)
    else:
        found += [(entry_id, ...) for entry_id in read["decisions"]["stream_id"].to_pylist()]
    found += zip(*(read["rejects"][name].to_pylist() for name in ("stream_id", "payload")), strict=True)
    return sorted(found, key=lambda entry: id_key(entry[0]))


def _place(entry_id: str) -> tuple[int, int]:
    """Return what ids of one epoch sort by."""
    return id_key(entry_id)[1:]
