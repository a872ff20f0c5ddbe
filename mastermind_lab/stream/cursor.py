"""A place on a stream, and what XINFO says of the entries around it: without input or output of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import groupby
from types import EllipsisType
from typing import NamedTuple

from ..frames import Account, id_key
from .replies import START, Entry, StreamInfo

Known = tuple[str, bytes | EllipsisType | None]
"""An entry that was read before, perhaps without its payload."""

_Mark = tuple[str, int | None]
"""An id without epoch, and a hash of the payload where that is known."""

_REMEMBERED = 100_000  # entries: a server that comes back from a dump has rarely lost more


class Gap(NamedTuple):
    """Entries that were trimmed before they could be read."""

    after: str
    before: str | None
    missing: int
    certainty: str

    def account(self) -> Account:
        """Say it in coverage's words."""
        return Account(missing=self.missing, certainty=self.certainty)


class ReadResult(NamedTuple):
    """What one reading of a stream brought: entries, their ids with the epoch, perhaps a gap before them."""

    entries: list[Entry]
    gap: Gap | None = None
    reset: bool = False


class Cursor:
    """The last entry that was read, its epoch, and its ordinal among all entries ever added.

    A stream that was deleted, begun again or rolled back by a restart starts a new epoch. Reading then
    goes on behind the newest remembered entry that is still there, or else from the start: nothing is
    overwritten.

    Parameters
    ----------
    after
        The id to go on behind, with ``@epoch`` where the stream has begun again before.
    ordinal
        How many entries were ever added up to this one, where that is known; 0 at the very start.
    known
        Entries up to this one, as far as they are known: a stream that has others instead has begun again.
        Where a payload was not kept, ``...`` stands for it, and the id alone is compared.
    older
        Entries before those, oldest first, with their epoch; asked for only when the stream has begun again.
    """

    def __init__(
        self,
        after: str = START,
        ordinal: int | None = None,
        known: Iterable[Known] = (),
        older: Iterable[Known] = (),
    ) -> None:
        self.place, _, epoch = after.partition("@")
        self.epoch = int(epoch or 0)
        self.ordinal = 0 if self.place == START else ordinal
        self.is_verified = True
        self._known = deque(map(_mark, known), maxlen=_REMEMBERED)
        self._older = older
        self._lineages: list[list[_Mark]] = []

    def __str__(self) -> str:
        return self._named(self.place)

    def _named(self, entry_id: str) -> str:
        return f"{entry_id}@{self.epoch}" if self.epoch else entry_id

    def take(self, now: StreamInfo | None, entries: Sequence[Entry]) -> ReadResult:
        """Take in what XINFO and XRANGE say of one moment; the cursor's own entry is the first, if there.

        Returns
        -------
        ReadResult
            Without entries where the stream began again: :meth:`recover` then says where to go on.
        """
        own = entries[0] if entries and entries[0][0] == self.place else None
        fresh = list(entries[1:] if own else entries)
        if self._is_reset(now, own, len(fresh)):
            return ReadResult([], reset=True)
        gap = self._gap(now, fresh)
        self._advance(now, fresh, gap)
        return ReadResult([(self._named(entry_id), payload) for entry_id, payload in fresh], gap)

    def _is_reset(self, now: StreamInfo | None, own: Entry | None, fresh: int) -> bool:
        was_read = bool(self._known) and self._known[-1][0] == self.place
        if was_read and own and not _is_same(self._known[-1], own):
            return True
        if now is None or self.place == START:
            return False
        if id_key(now.last_generated) < id_key(self.place):
            return True
        if now.added is not None and self.ordinal is not None and self.ordinal + fresh > now.added:
            return True
        # It is gone, and neither trimming nor deleting took it.
        return bool(
            was_read
            and own is None
            and now.first
            and now.max_deleted
            and id_key(now.first) <= id_key(self.place)
            and id_key(now.max_deleted) < id_key(self.place)
        )

    def _gap(self, now: StreamInfo | None, fresh: Sequence[Entry]) -> Gap | None:
        if now is None or now.added is None or self.ordinal is None:
            return None
        missing = (now.added - now.length) - self.ordinal
        if missing <= 0 or (now.first and id_key(now.first) <= id_key(self.place)):
            return None
        deleted = now.first and now.max_deleted and id_key(now.max_deleted) >= id_key(now.first)
        before = self._named(fresh[0][0]) if fresh else None
        return Gap(str(self), before, missing, "at most" if deleted else "exact")

    def _advance(self, now: StreamInfo | None, fresh: Sequence[Entry], gap: Gap | None) -> None:
        self._known.extend(map(_mark, fresh))
        if fresh:
            self.place = fresh[-1][0]
        elif gap and now:
            self.place = now.last_generated
        self.is_verified = now is not None and now.added is not None
        if now is None or now.added is None:
            self.ordinal = None
        elif now.last_generated == self.place:
            self.ordinal = now.added
        elif self.ordinal is not None:
            self.ordinal += len(fresh) + (gap.missing if gap else 0)

    def recover(self, now: StreamInfo | None) -> Generator[str, Sequence[Entry]]:
        """Begin a new epoch behind the newest remembered entry that is still there.

        Yields ids, and is sent the entries that are there under each, one or none: a dump holds the older
        entries of what it was made of, so a search that halves finds the newest one.
        """
        first = id_key(now.first) if now and now.first else None
        # What a rollback took lies between what stayed and what came then: each epoch is searched by itself.
        lineages = [*self._lineages, *_by_epoch(self._older), list(self._known)]
        known, low = lineages[-1], 0
        while lineages and not low:
            known = [mark for mark in lineages.pop() if first and id_key(mark[0]) >= first]
            low = yield from _newest_there(known)
        self._older, self._lineages = (), lineages
        self._known = deque(known[:low], maxlen=_REMEMBERED)
        self.place = known[low - 1][0] if low else START
        self.ordinal = None if low else 0
        self.epoch += 1


def _newest_there(known: Sequence[_Mark]) -> Generator[str, Sequence[Entry], int]:
    """Count the entries that are still there: all but the newest ones, so that a search can halve."""
    low, high = 0, len(known)
    while low < high:
        middle = (low + high) // 2
        there = yield known[middle][0]
        if there and _is_same(known[middle], there[0]):
            low = middle + 1
        else:
            high = middle
    return low


def _by_epoch(older: Iterable[Known]) -> Iterator[list[_Mark]]:
    for _, lineage in groupby(older, key=lambda entry: entry[0].partition("@")[2]):
        yield [_mark((entry_id.partition("@")[0], payload)) for entry_id, payload in lineage]


def _mark(entry: Known) -> _Mark:
    return entry[0], None if entry[1] is ... else hash(entry[1])


def _is_same(mark: _Mark, there: Entry) -> bool:
    return mark == (there[0], None if mark[1] is None else hash(there[1]))
