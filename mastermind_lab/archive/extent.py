"""What of a stream belongs in an archive: from where on it is of the stream, and up to where a run goes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import OptionError
from ..frames import Bound, Coverage, Limits, edge_key, is_id, total

if TYPE_CHECKING:
    from ..snapshot import Range

Entry = tuple[str, bytes | None]


@dataclass
class Extent:
    """The bounds of an archive, as plain ids, and how much of the stream they left out in this run.

    Attributes
    ----------
    since, since_said
        Where the archive begins, once and for all, and how that was given.
    until, until_said
        Where this run ends; a later one may go on.
    before, behind
        How many entries were left out at either end; None where that is not known.
    is_past
        The stream has passed the end: there is nothing more to archive.
    """

    since: str | None
    until: str | None
    since_said: str
    until_said: str
    before: int | None = 0
    behind: int | None = 0
    is_past: bool = False

    @classmethod
    def of(cls, since: Bound | None, until: Bound | None, newest: Range | None, folder: str) -> Extent:
        """Read bounds; a folder that has entries keeps its beginning.

        Raises
        ------
        OptionError
            A bound is none, or the folder's entries begin or end elsewhere than the new ones could join.
        """
        Limits.of(since=since, until=until)  # refused together, if nothing can lie between them
        now = time.time_ns() // 1_000
        first, last = (one.back_from(now, "now") for one in (Limits.of(since=since), Limits.of(until=until)))
        begin, end = first.ids()["since"], last.ids()["until"]
        if newest is None:
            # What lies before is counted by whoever reads the stream.
            return cls(begin, end, first.said, last.said, before=None if begin else 0)
        noted = newest.metadata.get("since", "")
        own = noted if is_id(noted) else None
        if begin and not Limits.of(since=since).is_relative:
            _refuse_others(begin, own, newest.last_id, f"since={since!r:.80}", folder)
        is_past = end is not None and _place(newest.last_id) >= edge_key(end, False)[1:]
        accounts = Coverage.of_rows(json.loads(newest.metadata.get("coverage", "[]"))).accounts
        said = accounts[-1].limits or "" if own and accounts else ""
        return cls(own, end, said, last.said, is_past=is_past)

    @property
    def said(self) -> str:
        """Both bounds in words."""
        return ", ".join(filter(None, (self.since_said, self.until_said)))

    @property
    def left_out(self) -> int | None:
        """How many entries this run has left out; None where that is not known."""
        return total((self.before, self.behind))

    def cut(self, entries: list[Entry]) -> tuple[list[Entry], int, int]:
        """Take the entries that belong here, and count those before and behind them."""
        if not entries or (self._side(entries[0][0]), self._side(entries[-1][0])) == (0, 0):
            return entries, 0, 0
        sides = [self._side(entry_id) for entry_id, _ in entries]
        before, behind = sides.count(-1), sides.count(1)
        self.before, self.behind = total((self.before, before)), total((self.behind, behind))
        self.is_past = self.is_past or behind > 0
        return [entry for entry, side in zip(entries, sides, strict=True) if not side], before, behind

    def _side(self, entry_id: str) -> int:
        # A stream that began again is held to the same moments: its epoch does not count.
        place = _place(entry_id)
        if self.since is not None and place < _place(self.since):
            return -1
        return int(self.until is not None and place > edge_key(self.until, False)[1:])

    def metadata(self) -> dict[str, Any]:
        """Return what a part's footer shall say: only the last one's end counts, as an archive goes on."""
        since = {} if self.since is None else {"since": self.since}
        end = {"limits": self.until_said, "left_out": self.behind}
        return since | ({} if self.until is None else {"until": [end]})


def _place(entry_id: str) -> tuple[int, int]:
    return edge_key(entry_id, True)[1:]


def _refuse_others(begin: str, own: str | None, end: str, said: str, folder: str) -> None:
    """Refuse a beginning that the folder's own entries do not allow; each is in it once, in order."""
    if _place(begin) > _place(end):
        raise OptionError(
            f"{said}: {folder} ends at {end}, before that. What the stream holds between the two would be "
            "missing for good. Leave since= out to go on where the folder ends, or choose another folder."
        )
    if own and _place(begin) < _place(own):
        raise OptionError(
            f"{said}: {folder} begins at {own}, and what lies before its entries cannot be added to them. "
            "Leave since= out to go on where the folder ends, or choose another folder."
        )
