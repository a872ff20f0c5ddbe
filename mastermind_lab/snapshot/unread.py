"""A growing folder that is not listed before a frame is looked at: a checkpoint sums up what it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from os import PathLike

import pyarrow as pa

from ..errors import SourceError
from ..frames import Coverage, Key, LazyTables
from ..storage import folder as folder_of
from .footer import DamageError
from .load import Reader, readable, still_there, tables_of
from .names import Names
from .opening import Opened, by_checkpoint
from .parts import Selection
from .ranges import range_of, read_metadata


def unread(
    folder: str | PathLike[str], names: Sequence[str], max_unpacked_bytes: int | None = None
) -> tuple[LazyTables, Coverage] | None:
    """Return frames of a folder, and their coverage, at the cost of what came since its checkpoint.

    None where there is none that can be used, or where only all parts tell whether anything was decoded.
    """
    found = summed_up(folder)
    if found is None or not any(one.rows for one in found.seen):
        return None
    return UnreadTables(folder, names, max_unpacked_bytes, found), found.coverage


def summed_up(folder: str | PathLike[str]) -> Opened | None:
    """Find out what is committed in a folder; None where no checkpoint that can be used sums it up.

    None, too, where something is wrong with what came since: who lists the folder says so, or finds that it
    was compacted meanwhile.
    """
    try:
        return by_checkpoint(folder_of(folder))
    except (OSError, DamageError, SourceError):
        return None


class UnreadTables(LazyTables):
    """Frames of what a folder held when it was opened; its ranges are listed when one is first asked for."""

    def __init__(
        self, folder: str | PathLike[str], names: Sequence[str], most: int | None, found: Opened
    ) -> None:
        super().__init__(dict.fromkeys(names), self._read)
        self._folder, self._most = folder, most
        self._seen, self._kinds = found.seen, found.committed.kinds
        self._end = found.newest

    def _read(self, name: str) -> pa.Table:
        return self._listed[name]

    @cached_property
    def _listed(self) -> LazyTables:
        """All of it, also where the folder was compacted since, or has grown."""
        now = readable(self._folder, [*self], self._most)
        still_there(self._seen, now)
        then = [one for one in now if one.key[0] <= self._end.key[1]]
        if all(one.key[1] <= self._end.key[1] for one in then):
            return tables_of(then, [*self])
        # One was merged with what came later.
        return LazyTables(dict.fromkeys(self), Reader(tuple(then), Selection(last=self._end.last_id)).table)

    def rows(self, name: str) -> int:
        """Say how many rows a table has."""
        return self._listed.rows(name)

    def is_empty(self, name: str) -> bool:
        """Tell whether a table has no rows; of decisions, something was seen."""
        return name != "decisions" and super().is_empty(name)

    def near(self, may_hold: Callable[[Key, Key], bool]) -> LazyTables:
        """Open only the parts that may hold what is wanted, if all parts have the same columns."""
        if "_listed" in vars(self):
            return self._listed.near(may_hold)
        names = Names.of(self._folder) if len(self._kinds) == 1 and self._is_as_seen() else None
        if names is None:
            return self
        found = names.near(may_hold, self._most)
        is_told = bool(found.committed) and not found.faults and not found.unfinished
        is_like = {one.metadata.get("kinds") for one in found.committed} <= self._kinds
        is_then = all(one.key[1] <= self._end.key[1] for one in found.committed)
        is_surely = is_told and is_like and is_then
        return tables_of(found.committed, [*self]).near(may_hold) if is_surely else self

    def _is_as_seen(self) -> bool:
        """Tell whether the last part that was there is; a compaction may have put it into another."""
        target, end = folder_of(self._folder), self._end
        try:
            return range_of(target, end.place, read_metadata(target, end.place)) == end
        except (OSError, DamageError):
            return False
