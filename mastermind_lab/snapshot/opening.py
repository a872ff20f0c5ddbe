"""Opening a growing folder: what is committed there, by the checkpoint and by what came since."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

from ..errors import SourceError
from ..frames import FRAMES, PAYLOADS, Coverage, Key
from ..storage import Folder
from ..storage import folder as folder_of
from .checkpoint import LEFTOVER, Committed, forget, known_sum, listed, pays, refused, write_checkpoint
from .compact import sweep
from .coverage import coverage_of, ended
from .footer import DamageError
from .layout import Name
from .names import paths_from
from .ranges import Range, read_ranges, reason
from .surveys import Survey, checked, sorted_out, survey


@dataclass(frozen=True)
class Opened:
    """What is committed in a growing folder.

    Attributes
    ----------
    committed : Committed
        All of it.
    surveyed : Survey
        Of whose parts the footers were read.
    before : Range or None
        The last range that the checkpoint knows, where there is one: those behind it were surveyed.
    passed : frozenset of str
        The places, without the table, of the parts of its last days that the checkpoint knows.
    """

    committed: Committed
    surveyed: Survey
    before: Range | None = None
    passed: frozenset[str] = frozenset()

    @property
    def seen(self) -> list[Range]:
        """The ranges that were looked at: of those that the checkpoint knows, the last."""
        return [*filter(None, [self.before]), *self.surveyed.committed]

    @property
    def newest(self) -> Range:
        """The range with the last id of all, where there is one."""
        return max(self.seen, key=lambda one: one.key[1])

    @property
    def coverage(self) -> Coverage:
        """What is said of all of it."""
        if self.before is None:
            return coverage_of(self.surveyed.committed)
        return ended(self.committed.coverage, self.committed.last)


def opened(folder: str | PathLike[str]) -> Opened:
    """Find out what is committed in a folder; it costs what was committed since the checkpoint.

    Raises
    ------
    SourceError
        A ``decisions`` part cannot be read or is of a newer format, or the folder holds something else.
    """
    target, fault = folder_of(folder), None
    try:
        if found := by_checkpoint(target):
            return found
    except (OSError, DamageError) as error:
        fault = error
    surveyed = checked(target, survey(target))
    if fault:
        refused(target, fault)
    return Opened(Committed.of(surveyed.committed), surveyed)


def by_checkpoint(target: Folder) -> Opened | None:
    """Find out what is committed by the checkpoint and what came since; None where there is none.

    Raises
    ------
    OSError, DamageError
        The checkpoint cannot be used.
    SourceError
        As :func:`opened` says, of what came since.
    """
    known = known_sum(target)
    if known is None or known.last is None:
        return None
    found = _behind(target, known.last)
    if found is None:
        raise DamageError("a part that it does not know begins before its end")
    behind, passed = found
    return Opened(known + Committed.of(behind.committed), behind, known.last, passed)


def _behind(target: Folder, last: Range) -> tuple[Survey, frozenset[str]] | None:
    """Survey the parts behind what a checkpoint knows; None where one lies astride its end.

    Only the days from its last one on are listed: who commits to an earlier one removes it first.
    """
    end, found, passed = last.key[1], [], []
    for path, (first, reach) in _ends(target, last.date):
        if reach <= end:
            passed.append(_place(path))
        elif first <= end:
            return None
        else:
            found.append(path)
    named, faults = read_ranges(target, found)
    return checked(target, sorted_out(named, faults, found)), frozenset(passed)


def _ends(target: Folder, day: str) -> list[tuple[str, tuple[Key, Key]]]:
    """List the ``decisions`` parts of a day and those after it, and what their ends sort by."""
    return [(path, name.ends) for path in _paths(target, "decisions", day) if (name := Name.of(path))]


def _paths(target: Folder, table: str, day: str) -> list[str]:
    try:
        return paths_from(target, table, day)
    except OSError as error:
        raise SourceError(f"cannot list {target.name}: {reason(error)}") from error


def _place(path: str) -> str:
    return path.partition("/")[2]


def tidy(folder: str | PathLike[str], found: Opened) -> None:
    """Remove what a killed writer left, as :func:`cleanup` does; only who holds the folder's lock may."""
    target = folder_of(folder)
    surveyed = found.surveyed
    if found.before:
        end, day = found.before.key[1], found.before.date
        paths = [path for table in (*FRAMES, PAYLOADS) for path in _paths(target, table, day)]
        named = [(path, Name.of(path)) for path in paths if _place(path) not in found.passed]
        behind = [(path, name) for path, name in named if name is None or name.ends[1] > end]
        paths = [path for path, _ in behind]
        surveyed = surveyed._replace(committed=[found.before, *surveyed.committed], paths=[LEFTOVER, *paths])
        if any(name and name.ends[0] <= end for _, name in behind):
            surveyed = survey(target)  # what lies astride the end needs all of its neighbours to be judged
    sweep(target, surveyed)


def note(folder: str | PathLike[str], found: Opened) -> None:
    """Bring the checkpoint up to date, where so many footers were read that it pays, or remove one.

    Where the one that is there can't tell of each range, it goes, and every footer is read for a new one.
    """
    target, committed = folder_of(folder), found.surveyed.committed
    if not pays(len(committed)):
        if found.before is None:
            forget(target)  # or one that can't be used would be refused again
        return
    try:
        before = listed(target).values() if found.before else ()
    except (OSError, DamageError) as error:
        refused(target, error)
        forget(target)
        return note(folder, opened(folder))
    write_checkpoint(target, sorted([*before, *committed], key=lambda one: one.key))


def newest_id(folder: str | PathLike[str], day: str = "") -> str:
    """Return the last id that the names of parts tell of, from a day on; '' where there are none."""
    ends = [last for _, (_, last) in _ends(folder_of(folder), day)]
    if not ends:
        return ""
    epoch, milliseconds, sequence = max(ends)
    return f"{milliseconds}-{sequence}" + (f"@{epoch}" if epoch else "")
