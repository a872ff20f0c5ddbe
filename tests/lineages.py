"""A stream as Redis keeps one, in memory: to trim, flush, dump and restore, and to compare readers with."""

from copy import deepcopy

from redis import exceptions as fault

from mastermind_lab.frames import id_key
from mastermind_lab.stream import Cursor
from mastermind_lab.stream.replies import START, entries_from, look

S = "s"


class Stream:
    """Entries with their ids, the figures of XINFO, ``path``: all that was ever added to what is there."""

    def __init__(self):
        self.entries, self.path, self.exists = [], set(), False
        self.added, self.last, self.max_deleted = 0, START, START

    def add(self, number, payload):
        """Add an entry; an id that is not above the last one becomes so."""
        number = max(number, id_key(self.last)[1] + 1)
        entry = (f"{number}-0", payload)
        self.entries.append(entry)
        self.path.add(entry)
        self.added, self.last, self.exists = self.added + 1, entry[0], True

    def trim(self, left):
        """Keep so many entries, the newest."""
        del self.entries[: max(len(self.entries) - left, 0)]

    def delete(self, place):
        """Delete one entry."""
        if self.entries:
            entry = self.entries.pop(place % len(self.entries))
            self.max_deleted = max(self.max_deleted, entry[0], key=id_key)

    def dump(self):
        """Return a copy."""
        return deepcopy(self)

    def reply(self, command):
        """Answer as a server does."""
        name, _, *arguments = command
        if name == "XINFO STREAM":
            return self._info()
        backwards = name == "XREVRANGE"
        start, end = arguments[1::-1] if backwards else arguments[:2]
        inside = [entry for entry in self.entries if _within(entry[0], start, end)]
        return [_raw(entry) for entry in (inside[::-1] if backwards else inside)[: arguments[3]]]

    def _info(self):
        if not self.exists:
            return fault.ResponseError("no such key")
        return {
            b"length": len(self.entries),
            b"entries-added": self.added,
            b"last-generated-id": self.last.encode(),
            b"max-deleted-entry-id": self.max_deleted.encode(),
            b"first-entry": _raw(self.entries[0]) if self.entries else None,
        }


def _within(entry_id, start, end):
    key = id_key(entry_id)
    below = key < id_key(end[1:]) if end[0] == "(" else end == "+" or key <= id_key(end)
    above = key > id_key(start[1:]) if start[0] == "(" else key >= id_key(start)
    return above and below


def _raw(entry):
    return entry[0].encode(), {b"data": entry[1]}


class Reading:
    """A reader of such a stream, whatever stands under the name now: what it was given, and its account.

    It goes on after a restart from what it was given last, as an archiver does.
    """

    def __init__(self, page):
        self.page, self.cursor = page, Cursor()
        self.given, self.resets, self.gone = [], 0, []
        self._safe, self._told = {}, (0, 0)

    def step(self, stream):
        """Look once; tell whether anything has come of it."""
        before = self.cursor.place
        seen = _asked(stream, look(S, self.cursor.place, self.page + 1))
        result = self.cursor.take(seen)
        if self.cursor.must_recover:
            self.resets += _asked(stream, self.cursor.recover(S, seen.now, self.page))
        self._give(result)
        moved = self.cursor.must_recover or before != self.cursor.place
        return bool(moved or result.entries or result.gap)

    def peek(self, stream):
        """Read entries without figures, where that is possible."""
        found = _asked(stream, entries_from(S, self.cursor.place, self.page + 1))
        result = self.cursor.take_uncounted(found)
        if result is None:
            self.step(stream)
        else:
            self._give(result)

    def _give(self, result):
        self.given += result.entries
        self.gone += [result.gap] if result.gap else []
        if result.entries:
            cursor = self.cursor
            self._safe = {"ordinal": cursor.ordinal, "max_deleted": cursor.max_deleted}
            self._told = self.resets, len(self.gone)

    def restart(self, kept):
        """Go on with no more than what was written down; ``kept`` entries are known from the beginning."""
        self.resets, self.gone = self._told[0], self.gone[: self._told[1]]
        if not self.given:
            self.cursor = Cursor()
            return
        last = self.given[-1][0]
        epoch = last.partition("@")[2]
        known = [entry for entry in self.given[-kept:] if entry[0].partition("@")[2] == epoch]
        older = self.given[: len(self.given) - len(known)]
        earlier = (one.partition("@")[0] for one, _ in self.given if one.partition("@")[2] != epoch)
        self.cursor = Cursor(
            last,
            known=[(one.partition("@")[0], payload) for one, payload in known],
            older=lambda: older,
            reaches=max(earlier, key=id_key, default=START),
            **self._safe,
        )

    def certainty(self):
        """Say how sure the account is; '' where it says itself that it may be of another stream."""
        if self.resets:
            return "not verified"
        if self.is_untold():
            return ""
        return "at most" if any(gap.certainty == "at most" for gap in self.gone) else "exact"

    def is_untold(self):
        """Tell whether it says that it may have taken another stream for the one that it read."""
        return any(gap.note for gap in self.gone)

    def missing(self):
        """Return how many entries are said to be missing."""
        return sum(gap.missing for gap in self.gone)

    def contents(self):
        """Return the entries given, without their epochs."""
        return [(one.partition("@")[0], payload) for one, payload in self.given]


def _asked(stream, steps):
    try:
        commands = next(steps)
        while True:
            commands = steps.send([stream.reply(command) for command in commands])
    except StopIteration as end:
        return end.value
