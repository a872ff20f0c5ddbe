"""What the names of a folder's parts tell before one is opened: which of them may hold wanted entries."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import NamedTuple, Self

from ..frames import Key, Limits
from ..storage import Folder
from ..storage import folder as folder_of
from .layout import DATED, Name
from .ranges import Fault, Range, read_ranges
from .surveys import Survey, sorted_out

_AT_FIRST = 4


class _Group(NamedTuple):
    """Parts whose ids overlap: a merged one, and those that it replaces."""

    first: Key
    last: Key
    paths: list[str]


class Names:
    """The ``decisions`` parts of a folder by their names; those whose ids overlap stand together.

    Whether a part counts is told by those of its group, since what replaces it holds all its ids; and, of one
    that waits for a commit marker, by the group of that.
    """

    def __init__(self, target: Folder, named: Iterable[tuple[Name, str]]) -> None:
        self._target, self.groups = target, list[_Group]()
        ends = sorted(((one.epoch, *one.first), (one.epoch, *one.last), path) for one, path in named)
        for first, last, path in ends:
            if self.groups and first <= self.groups[-1].last:
                begun = self.groups[-1]
                self.groups[-1] = _Group(begun.first, max(begun.last, last), [*begun.paths, path])
            else:
                self.groups.append(_Group(first, last, [path]))

    @classmethod
    def of(cls, folder: str | PathLike[str]) -> Self | None:
        """List the names; None where they do not tell: of numbered lines of files, or where nothing is."""
        target = folder_of(folder)
        try:
            paths = target.paths(below="decisions")
        except OSError:
            return None
        named = [(name, path) for path in paths if (name := Name.of(path))]
        is_told = named and all(name.first[0] in DATED for name, _ in named)
        return cls(target, named) if is_told else None

    @property
    def last(self) -> Key:
        """What the last id of all sorts by."""
        return self.groups[-1].last

    def survey(self, limits: Limits, max_unpacked_bytes: int | None = None) -> Survey:
        """Survey the parts that may hold entries within limits, or else the first: it tells the columns."""
        wanted = [n for n, one in enumerate(self.groups) if limits.touch(one.first, one.last)] or [0]
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
            paths = [path for number in sorted(missing) for path in self.groups[number].paths]
            some, wrong = read_ranges(self._target, paths, max_unpacked_bytes)
            named, faults, read = named + some, faults + wrong, read | missing
            missing = {number for one in some for number in self._marking(one)} - read
        return sorted_out(named, faults, [])

    def _marking(self, one: Range) -> list[int]:
        """Find the groups that tell whether the commit marker of a range is there."""
        marker = Name.of(one.metadata.get("seal", ""))
        if marker is None:
            return []
        first, last = (marker.epoch, *marker.first), (marker.epoch, *marker.last)
        return [n for n, group in enumerate(self.groups) if group.first <= last and first <= group.last]
