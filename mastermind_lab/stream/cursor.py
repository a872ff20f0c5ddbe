"""A place on a stream, and what XINFO says of the entries around it: without input or output of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from types import EllipsisType
from typing import NamedTuple

from ..frames import Account, id_key
from .replies import START, Entry, Look, Steps, StreamInfo, entries_in

Known = tuple[str, bytes | EllipsisType | None]
"""An entry that was read before, perhaps without its payload."""

_Mark = tuple[str, int | None]
"""An id without epoch, and a hash of the payload where that is known."""

_REMEMBERED = 100_000  # entries of this epoch, and of those before: a dump is rarely older
_UNTOLD = (
    "of what was read nothing is left to tell a stream that was trimmed from one begun again and trimmed"
)


class Gap(NamedTuple):
    """Entries that were trimmed or deleted before they could be read.

    With ``missing`` 0 none is missing, unless what ``note`` says.
    """

    after: str
    before: str | None
    missing: int
    certainty: str
    note: str | None = None

    def account(self) -> Account:
        """Say it in coverage's words."""
        missing = None if self.certainty == "not verified" else self.missing
        return Account(missing=missing, certainty=self.certainty, note=self.note)


BEGUN_AGAIN = Account(certainty="not verified", note="what it held unread before it began again is not known")
"""What is known of entries that a stream took with it."""


class ReadResult(NamedTuple):
    """What one reading of a stream brought: entries, their ids with the epoch, perhaps a gap before them."""

    entries: list[Entry]
    gap: Gap | None = None
    reset: bool = False


class Cursor:
    """The last entry that was read, its epoch, and its ordinal among all entries ever added.

    A stream that was deleted, begun again or rolled back starts a new epoch. What was read before is
    remembered, id and payload, since a dump may bring it back: reading goes on behind the newest entry of it
    that is there, or else from the start, and none of it is given a second time. So entries that are new in a
    restored stream lie in the newest epoch, not in the one that was restored; a stream that comes back before
    anything else was read is in the epoch that began when it was lost.

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
        Gives the entries before those, oldest first, with their epoch: called when they may have come back.
    max_deleted
        The newest entry that was ever deleted, where that is known: it only grows, as long as a stream lives.
    reaches
        The highest of the ids, without epoch, that were read in earlier epochs.
    """

    def __init__(
        self,
        after: str = START,
        ordinal: int | None = None,
        known: Iterable[Known] = (),
        older: Callable[[], Iterable[Known]] = tuple,
        max_deleted: str | None = None,
        reaches: str = START,
    ) -> None:
        self.place, _, epoch = after.partition("@")
        self.epoch = int(epoch or 0)
        self.ordinal = 0 if self.place == START else ordinal
        self.is_verified = True
        self.must_recover = False
        self._is_lost = False  # nothing was there any more: what comes next may be what was lost
        self._is_doubtful = False
        self._settled = START
        self._known = deque(map(_mark, known), maxlen=_REMEMBERED)
        self.max_deleted = max_deleted or START
        self._older = older
        self._lineages: list[list[_Mark]] = []
        self._before: set[_Mark] = set()
        self._reaches = reaches

    def __str__(self) -> str:
        return self._named(self.place)

    def _named(self, entry_id: str) -> str:
        return f"{entry_id}@{self.epoch}" if self.epoch else entry_id

    def take(self, look: Look) -> ReadResult:
        """Take in what a stream holds from the cursor on; the cursor's own entry is the first, if there.

        Returns
        -------
        ReadResult
            Without entries where the stream began again, or may have, and where one that was lost may be
            there again: :attr:`must_recover` is set then, and :meth:`recover` finds out where to go on.
        """
        own = look.entries[0] if look.entries and look.entries[0][0] == self.place else None
        fresh = look.entries[1:] if own else look.entries
        self._is_lost = self._is_lost or bool(self.epoch and self.place == START and not fresh)
        if self._is_lost:
            self.must_recover = bool(fresh)
            return ReadResult([])
        is_same, known = self._is_the_same(look.now, own), self._known_before(fresh)
        is_reset = self._is_reset(look, own, len(fresh)) or bool(known and not is_same)
        self._is_doubtful = not is_reset and self._is_odd(look.now, own)
        self.must_recover = is_reset or self._is_doubtful
        if self.must_recover:
            return ReadResult([])
        gap = self._gap(look, fresh, is_same)
        self._advance(look, fresh, gap)
        new = [entry for entry in fresh if _mark(entry) not in known] if known else fresh
        return ReadResult([(self._named(entry_id), payload) for entry_id, payload in new], gap)

    def take_uncounted(self, found: Sequence[Entry]) -> ReadResult | None:
        """Take in entries without figures, from the cursor's own on.

        Returns
        -------
        ReadResult or None
            None where it takes figures to tell what these are: the cursor's entry is gone or another, or some
            may have been read in an earlier epoch.
        """
        own, fresh = found[:1], list(found[1:])
        if self._is_lost or not self._was_read() or not own or not _is_same(self._known[-1], own[0]):
            return None
        if self._known_before(fresh):
            return None
        self._known.extend(map(_mark, fresh))
        if fresh:
            self.place = fresh[-1][0]
            self.ordinal = None if self.ordinal is None else self.ordinal + len(fresh)
        return ReadResult([(self._named(entry_id), payload) for entry_id, payload in fresh])

    def _is_the_same(self, now: StreamInfo | None, own: Entry | None) -> bool:
        """Tell whether this is surely the stream that was read, neither begun again nor rolled back."""
        if own or not self._known:
            return True
        return now is not None and self.place in (now.last_generated, now.max_deleted)

    def _known_before(self, fresh: Sequence[Entry]) -> set[_Mark]:
        """Find those that were read in an earlier epoch: most ids are above all of theirs."""
        if not fresh or id_key(self._reaches) <= id_key(self.place):
            return set()
        self._remember()
        return {_mark(entry) for entry in fresh if _is_among(self._before, entry)}

    def _remember(self) -> None:
        """Fetch what is known of entries before those in memory."""
        self._lineages = [*_by_epoch(self._older()), *self._lineages]
        self._older = tuple
        self._before = self._before or {mark for lineage in self._lineages for mark in lineage}

    def _is_reset(self, look: Look, own: Entry | None, fresh: int) -> bool:
        now = look.now
        was_read = self._was_read()
        if was_read and own and not _is_same(self._known[-1], own):
            return True
        if now is None or self.place == START:
            return False
        if id_key(now.last_generated) < id_key(self.place):
            return True
        if id_key(now.max_deleted or START) < id_key(self.max_deleted):
            return True
        gone = None if now.added is None else now.added - now.length
        if was_read and own is None and gone == 0 and look.is_one_moment:
            return True
        if now.added is None or gone is None or self.ordinal is None:
            return False
        return self.ordinal + fresh > now.added or (self._is_passed(now) and gone < self.ordinal)

    def _was_read(self) -> bool:
        return bool(self._known) and self._known[-1][0] == self.place

    def _is_odd(self, now: StreamInfo | None, own: Entry | None) -> bool:
        """Tell whether the cursor's entry is gone, and was neither trimmed nor the last that was deleted.

        It may be another stream then; or more was deleted, or acknowledged entries were trimmed.
        """
        if now is None or own or not self._was_read() or self._is_passed(now):
            return False
        return self.place not in (now.max_deleted, self._settled)

    def _is_passed(self, now: StreamInfo) -> bool:
        """Tell whether neither the cursor's entry nor any before it is left."""
        return now.first is None or id_key(now.first) > id_key(self.place)

    def _gap(self, look: Look, fresh: Sequence[Entry], is_same: bool) -> Gap | None:
        now = look.now
        if now is None or now.added is None:
            return None
        is_passed = self._is_passed(now)
        before = self._named(fresh[0][0]) if fresh and is_passed else None
        if self.ordinal is None:
            is_untold = bool(self._known and fresh) and not is_same
            return Gap(str(self), before, 0, "not verified", _UNTOLD) if is_untold else None
        there = len(fresh) if look.is_whole else now.length
        missing = now.added - there - self.ordinal if look.is_whole or is_passed else 0
        is_untold = not is_same and bool(fresh or missing > 0 or is_passed)
        if missing <= 0 and not is_untold:
            return None
        deleted = id_key(now.max_deleted or START) > id_key(self.place)
        is_exact = is_passed and look.is_one_moment and not deleted and is_same
        certainty = "exact" if is_exact else "at most"
        return Gap(str(self), before, max(missing, 0), certainty, _UNTOLD if is_untold else None)

    def _advance(self, look: Look, fresh: Sequence[Entry], gap: Gap | None) -> None:
        now = look.now
        self._known.extend(map(_mark, fresh))
        self.max_deleted = (now and now.max_deleted) or self.max_deleted
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

    def recover(self, stream: str, now: StreamInfo | None, count: int) -> Steps[bool]:
        """Go on behind the newest remembered entry that is there, in a new epoch; ``count`` makes a page.

        Nothing is changed before the last reply is there: it can be asked for again.

        Returns
        -------
        bool
            The stream has begun again. Else it turned out to be the same, or one that was lost is back.
        """
        self._remember()
        lineages = _within([*self._lineages, list(self._known)], _REMEMBERED)
        before = {mark for lineage in lineages for mark in lineage}
        found = yield from _newest_there(stream, before, count)
        if self._is_doubtful and (yield from self._is_hole(stream, found)):
            self._settled = self.place
            return False
        self._lineages, self._before = lineages, before
        self._reaches = max((entry_id for entry_id, _ in before), key=id_key, default=START)
        self._known.clear()
        self._known.extend([found] if found else [])
        self.place, self.ordinal = (found[0], None) if found else (START, 0)
        self.max_deleted = START
        is_reset, self._is_lost = not self._is_lost, not found and now is not None and not now.length
        self.epoch += is_reset
        return is_reset

    def _is_hole(self, stream: str, found: _Mark | None) -> Steps[bool]:
        """Tell whether up to the cursor there is nothing that this epoch has not read."""
        if found is None:
            return True  # none of what was read is there: not known, and the account says so
        if all(entry_id != found[0] for entry_id, _ in self._known):
            return False
        [reply] = yield [("XRANGE", stream, f"({found[0]}", self.place, "COUNT", 1)]
        return not entries_in(reply)


def _newest_there(stream: str, marks: set[_Mark], count: int) -> Steps[_Mark | None]:
    """Go back to the newest entry that is known: from the highest id that can be, and rarely far."""
    ids = {entry_id for entry_id, _ in marks}
    end, first = max(ids, key=id_key, default=None), min(ids, key=id_key, default=None)
    while end:
        [reply] = yield [("XREVRANGE", stream, end, first, "COUNT", count)]
        page = entries_in(reply)
        for entry in page:
            if _is_among(marks, entry):
                return _mark(entry)
        end = f"({page[-1][0]}" if page else None
    return None


def _within(lineages: list[list[_Mark]], most: int) -> list[list[_Mark]]:
    """Keep so many marks in all, the newest of each lineage."""
    filled, left = [lineage for lineage in lineages if lineage], most
    for done, lineage in enumerate(sorted(filled, key=len)):
        share = max(left // (len(filled) - done), 1)
        del lineage[:-share]
        left -= len(lineage)
    return filled


def _by_epoch(older: Iterable[Known]) -> Iterator[list[_Mark]]:
    for _, lineage in groupby(older, key=lambda entry: entry[0].partition("@")[2]):
        yield [_mark((entry_id.partition("@")[0], payload)) for entry_id, payload in lineage]


def _mark(entry: Known) -> _Mark:
    return entry[0], None if entry[1] is ... else hash(entry[1])


def _is_same(mark: _Mark, there: Entry) -> bool:
    return mark == (there[0], None if mark[1] is None else hash(there[1]))


def _is_among(marks: set[_Mark], there: Entry) -> bool:
    return _mark(there) in marks or (there[0], None) in marks
