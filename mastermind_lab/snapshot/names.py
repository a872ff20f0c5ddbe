"""What the names of a folder's parts tell before one is opened: which of them may hold wanted entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from typing import Self

from ..frames import Key, Limits
from ..storage import Folder
from ..storage import folder as folder_of
from .layout import DATED, Name
from .ranges import Fault, Range, read_ranges
from .surveys import Survey, sorted_out

_AT_FIRST = 4

_Part = tuple[Key, Key, str]  # what its first and last id sort by, and its path


class Names:
    """The ``decisions`` parts of a folder by their names; those whose ids overlap stand together.

    Whether a part counts is told by those of its group, a merged one and those that it replaces, since what
    replaces it holds all its ids; and, of one that waits for a commit marker, by the group of that.
    """

    def __init__(self, target: Folder, parts: Iterable[_Part]) -> None:
        self._target, self._parts = target, sorted(parts)
        self._begins, self._lasts = list[int](), list[Key]()  # of each group: its first part, its last id
        for number, (first, last, _) in enumerate(self._parts):
            if not self._lasts or first > self._lasts[-1]:
                self._begins.append(number)
                self._lasts.append(last)
            elif last > self._lasts[-1]:
                self._lasts[-1] = last
        self._begins.append(len(self._parts))

    @classmethod
    def of(cls, folder: str | PathLike[str]) -> Self | None:
        """List the names; None where they do not tell: of numbered lines of files, or where nothing is."""
        target = folder_of(folder)
        try:
            paths = target.paths(below="decisions")
        except OSError:
            return None
        parts = [(*_ends(name), path) for path in paths if (name := Name.of(path))]
        is_told = parts and all(milliseconds in DATED for (_, milliseconds, _), *_ in parts)
        return cls(target, parts) if is_told else None

    @property
    def last(self) -> Key:
        """What the last id of all sorts by."""
        return self._lasts[-1]

    def _groups(self, may_hold: Callable[[Key, Key], bool]) -> list[int]:
        """Find the groups of which the first and the last id say that they may hold what is wanted."""
        firsts = (self._parts[begin][0] for begin in self._begins[:-1])
        return [n for n, ends in enumerate(zip(firsts, self._lasts, strict=True)) if may_hold(*ends)]

    def _paths(self, group: int) -> list[str]:
        return [path for *_, path in self._parts[slice(*self._begins[group : group + 2])]]

    def survey(self, limits: Limits, max_unpacked_bytes: int | None = None) -> Survey:
        """Survey the parts that may hold entries within limits, or else the first: it tells the columns."""
        wanted = self._groups(limits.touch) or [0]
        some = len(wanted) if limits.last is None else _AT_FIRST
        while True:
            found = self._surveyed(wanted[-some:], max_unpacked_bytes)
            held = (one for one in found.committed if limits.hold(*one.key))
            if some >= len(wanted) or sum(one.entries for one in held) >= (limits.last or 0):
                return found
            some *= 2

    def _surveyed(self, wanted: Iterable[int], max_unpacked_bytes: int | None) -> Survey:
        named, faults, read, missing = list[Range](), list[Fault](), set[int](), {*wanted}
        while missing:
            paths = [path for number in sorted(missing) for path in self._paths(number)]
            some, wrong = read_ranges(self._target, paths, max_unpacked_bytes)
            named, faults, read = named + some, faults + wrong, read | missing
            missing = {number for one in some for number in self._marking(one)} - read
        return sorted_out(named, faults, [])

    def _marking(self, one: Range) -> list[int]:
        """Find the groups that tell whether the commit marker of a range is there."""
        marker = Name.of(one.metadata.get("seal", ""))
        if marker is None:
            return []
        begin, end = _ends(marker)
        return self._groups(lambda first, last: first <= end and begin <= last)


def _ends(name: Name) -> tuple[Key, Key]:
    return (name.epoch, *name.first), (name.epoch, *name.last)
