"""What the names of a folder's parts tell before one is opened: which of them may hold wanted entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from os import PathLike
from typing import NamedTuple, Self

from ..errors import SourceError
from ..frames import Key, Limits, id_key
from ..storage import Folder
from ..storage import folder as folder_of
from .checkpoint import known_days
from .layout import DATED, Name, date_of
from .ranges import Fault, Range, read_ranges, reason
from .surveys import Survey, sorted_out

_AT_FIRST = 2  # groups, where it is not known how many hold enough

_Span = tuple[Key, Key, str]  # what the first and last id sort by; a part's path, or a day's, with a slash


class _Group(NamedTuple):
    """Parts whose ids overlap, and days of such."""

    first: Key
    last: Key
    paths: list[str]


class Names:
    """The ``decisions`` parts of a folder by their names; those whose ids overlap stand together.

    Whether a part counts is told by those of its group, a merged one and those that it replaces, since what
    replaces it holds all its ids; and, of one that waits for a commit marker, by the group of that. A day of
    which a checkpoint tells the first and the last id is listed when it is asked for.
    """

    def __init__(self, target: Folder, spans: Iterable[_Span]) -> None:
        self._target, self._groups = target, _grouped(spans)

    @classmethod
    def of(cls, folder: str | PathLike[str]) -> Self | None:
        """List the names; None where they do not tell: of numbered lines of files, or where nothing is."""
        target = folder_of(folder)
        day, known = known_days(target)
        try:
            spans = _spans(paths_from(target, "decisions", day))
        except OSError:
            return None
        is_told = spans and all(milliseconds in DATED for (_, milliseconds, _), *_ in spans)
        before = ((*ends, date_of(ends[0])) for ends in known)
        days = [(id_key(a), id_key(b), f"decisions/date={date}/") for a, b, date in before if date < day]
        return cls(target, [*days, *spans]) if is_told else None

    @property
    def last(self) -> Key:
        """What the last id of all sorts by."""
        return self._groups[-1].last

    def survey(self, limits: Limits, max_unpacked_bytes: int | None = None) -> Survey:
        """Survey the parts that may hold entries within limits, or else the first: it tells the columns."""

        def are_enough(found: Survey) -> bool:
            held = (one for one in found.committed if limits.hold(*one.key))
            return limits.last is not None and sum(one.entries for one in held) >= limits.last

        some = None if limits.last is None else _AT_FIRST
        return self._surveyed(limits.touch, are_enough, some, max_unpacked_bytes)

    def near(self, may_hold: Callable[[Key, Key], bool], max_unpacked_bytes: int | None = None) -> Survey:
        """Survey the parts that may hold what is wanted, or else the first: it tells the columns."""
        return self._surveyed(may_hold, lambda _: False, None, max_unpacked_bytes)

    def _surveyed(
        self,
        may_hold: Callable[[Key, Key], bool],
        are_enough: Callable[[Survey], bool],
        some: int | None,
        most: int | None,
    ) -> Survey:
        """Survey groups that may hold what is wanted, the newest first, twice as many each time."""
        reading, groups = _Reading(self, self._target, most), self._newest_first(may_hold)
        reading.add([*islice(groups, some)] or [next(self._every())])
        while not are_enough(found := reading.survey()) and (more := [*islice(groups, len(reading.paths))]):
            reading.add(more)
        return found

    def _newest_first(self, may_hold: Callable[[Key, Key], bool]) -> Iterator[_Group]:
        """Yield the groups of which the first and the last id say that they may hold what is wanted."""
        for group in reversed(self._groups):
            if may_hold(group.first, group.last):
                yield from (one for one in reversed(self._listed(group)) if may_hold(one.first, one.last))

    def _every(self) -> Iterator[_Group]:
        return (one for group in self._groups for one in self._listed(group))

    def _listed(self, group: _Group) -> list[_Group]:
        """List the days that stand in a group for their parts."""
        days = [path for path in group.paths if path.endswith("/")]
        if not days:
            return [group]
        try:
            listed = [path for day in days for path in self._target.paths(below=day.rstrip("/"))]
        except OSError as error:
            raise SourceError(f"cannot list {self._target.name}: {reason(error)}") from error
        return _grouped(_spans([*listed, *(path for path in group.paths if path not in days)]))

    def marking(self, one: Range) -> Iterator[_Group]:
        """Find the groups that tell whether the commit marker of a range is there."""
        marker = Name.of(one.metadata.get("seal", ""))
        if marker is not None:
            begin, end = marker.ends
            yield from self._newest_first(lambda first, last: first <= end and begin <= last)


class _Reading:
    """The ranges whose footers were read so far."""

    def __init__(self, names: Names, target: Folder, most: int | None) -> None:
        self._names, self._target, self._most = names, target, most
        self._named, self._faults = list[Range](), list[Fault]()
        self.paths = set[str]()

    def add(self, groups: Iterable[_Group]) -> None:
        """Read the footers of groups, and of those that tell whether a range counts."""
        while paths := [path for one in groups for path in one.paths if path not in self.paths]:
            self.paths.update(paths)
            named, faults = read_ranges(self._target, sorted(paths), self._most)
            self._named, self._faults = self._named + named, self._faults + faults
            groups = [group for one in named for group in self._names.marking(one)]

    def survey(self) -> Survey:
        """Tell which of them count."""
        return sorted_out(self._named, [*self._faults], [])


def paths_from(target: Folder, table: str, day: str) -> list[str]:
    """List the files of a table, of a day and those after it; of all where that is ''."""
    if not day:
        return target.paths(below=table)
    days = [one for one in target.folders(table) if one >= f"date={day}"]
    return [path for one in days for path in target.paths(below=f"{table}/{one}")]


def _spans(paths: Iterable[str]) -> list[_Span]:
    return [(*name.ends, path) for path in paths if (name := Name.of(path))]


def _grouped(spans: Iterable[_Span]) -> list[_Group]:
    groups: list[_Group] = []
    for first, last, path in sorted(spans):
        if groups and first <= groups[-1].last:
            groups[-1].paths.append(path)
            groups[-1] = groups[-1]._replace(last=max(groups[-1].last, last))
        else:
            groups.append(_Group(first, last, [path]))
    return groups
