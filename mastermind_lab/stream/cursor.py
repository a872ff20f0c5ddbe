"""A place on a stream, and what XINFO says of the entries around it: without input or output of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from types import EllipsisType
from typing import NamedTuple

from ..frames import Account, id_key
from .replies import START, Entry, Look, Steps, StreamInfo, entries_in

Known = tuple[str, bytes | EllipsisType | None]
"""An entry that was read before, perhaps without its payload."""

_Mark = tuple[str, int | None]
"""An id without epoch, and a hash of the payload where that is known."""

_REMEMBERED = 100_000  # entries: a server that comes back from a dump has rarely lost more


class Gap(NamedTuple):
    """Entries that were trimmed or deleted before they could be read."""

    after: str
    before: str | None
    missing: int
    certainty: str

    def account(self) -> Account:
        """Say it in coverage's words."""
        return Account(missing=self.missing, certainty=self.certainty)


BEGUN_AGAIN = Account(certainty="not verified", note="what it held unread before it began again is not known")
"""What is known of entries that a stream took with it."""


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
    max_deleted
        The newest entry that was ever deleted, where that is known: it only grows, as long as a stream lives.
    """

    def __init__(
        self,
        after: str = START,
        ordinal: int | None = None,
        known: Iterable[Known] = (),
        older: Iterable[Known] = (),
        max_deleted: str | None = None,
    ) -> None:
        self.place, _, epoch = after.partition("@")
        self.epoch = int(epoch or 0)
        self.ordinal = 0 if self.place == START else ordinal
        self.is_verified = True
        self._known = deque(map(_mark, known), maxlen=_REMEMBERED)
        self._max_deleted = max_deleted or START
        self._older = older
        self._lineages: list[list[_Mark]] = []

    def __str__(self) -> str:
        return self._named(self.place)

    def _named(self, entry_id: str) -> str:
        return f"{entry_id}@{self.epoch}" if self.epoch else entry_id

    def take(self, look: Look) -> ReadResult:
        """Take in what a stream holds from the cursor on; the cursor's own entry is the first, if there.

        Returns
        -------
        ReadResult
            Without entries where the stream began again: :meth:`recover` then says where to go on.
        """
        own = look.entries[0] if look.entries and look.entries[0][0] == self.place else None
        fresh = look.entries[1:] if own else look.entries
        if self._is_reset(look, own, len(fresh)):
            return ReadResult([], reset=True)
        gap = self._gap(look, fresh)
        self._advance(look, fresh, gap)
        return ReadResult([(self._named(entry_id), payload) for entry_id, payload in fresh], gap)

    def _is_reset(self, look: Look, own: Entry | None, fresh: int) -> bool:
        now = look.now
        was_read = bool(self._known) and self._known[-1][0] == self.place
        if was_read and own and not _is_same(self._known[-1], own):
            return True
        if now is None or self.place == START:
            return False
        if id_key(now.last_generated) < id_key(self.place):
            return True
        if id_key(now.max_deleted or START) < id_key(self._max_deleted):
            return True
        gone = None if now.added is None else now.added - now.length
        if was_read and own is None and gone == 0 and look.is_one_moment:
            return True
        if now.added is None or gone is None or self.ordinal is None:
            return False
        return self.ordinal + fresh > now.added or (self._is_passed(now) and gone < self.ordinal)

    def _is_passed(self, now: StreamInfo) -> bool:
        """Tell whether neither the cursor's entry nor any before it is left."""
        return now.first is None or id_key(now.first) > id_key(self.place)

    def _gap(self, look: Look, fresh: Sequence[Entry]) -> Gap | None:
        now = look.now
        if now is None or now.added is None or self.ordinal is None:
            return None
        is_passed = self._is_passed(now)
        if not (look.is_whole or is_passed):
            return None
        there = len(fresh) if look.is_whole else now.length
        missing = now.added - there - self.ordinal
        if missing <= 0:
            return None
        deleted = id_key(now.max_deleted or START) > id_key(self.place)
        is_exact = is_passed and look.is_one_moment and not deleted
        before = self._named(fresh[0][0]) if fresh and is_passed else None
        return Gap(str(self), before, missing, "exact" if is_exact else "at most")

    def _advance(self, look: Look, fresh: Sequence[Entry], gap: Gap | None) -> None:
        now = look.now
        self._known.extend(map(_mark, fresh))
        self._max_deleted = (now and now.max_deleted) or self._max_deleted
        if fresh:
            self.place = fresh[-1][0]
        elif gap and now and self._is_passed(now):
            self.place = now.last_generated
        self.is_verified = now is not None and now.added is not None
        if now is None or now.added is None:
            self.ordinal = None
        elif look.is_whole:
            self.ordinal = now.added
        elif self.ordinal is not None:
            self.ordinal += len(fresh) + (gap.missing if gap else 0)

    def recover(self, stream: str, now: StreamInfo | None) -> Steps[None]:
        """Begin a new epoch behind the newest remembered entry that is still there.

        A dump holds the older entries of what it was made of, so a search that halves finds the newest one.
        """
        first = id_key(now.first) if now and now.first else None
        # What a rollback took lies between what stayed and what came then: each epoch is searched by itself.
        lineages = [*self._lineages, *_by_epoch(self._older), list(self._known)]
        known, low = lineages[-1], 0
        while lineages and not low:
            known = [mark for mark in lineages.pop() if first and id_key(mark[0]) >= first]
            low = yield from _newest_there(stream, known)
        self._older, self._lineages = (), lineages
        self._known = deque(known[:low], maxlen=_REMEMBERED)
        self.place = known[low - 1][0] if low else START
        self.ordinal = None if low else 0
        self._max_deleted = START
        self.epoch += 1


def _newest_there(stream: str, known: Sequence[_Mark]) -> Steps[int]:
    """Count the entries that are still there: all but the newest ones, so that a search can halve."""
    low, high = 0, len(known)
    while low < high:
        middle = (low + high) // 2
        [reply] = yield [("XRANGE", stream, known[middle][0], known[middle][0])]
        there = entries_in(reply)
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
