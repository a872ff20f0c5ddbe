"""Compaction: many small parts become few, and what nothing reads is removed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from itertools import chain, pairwise
from os import PathLike
from typing import Any, NamedTuple

from ..errors import SourceError
from ..frames import SchemaUnion, combine_chunks, concat
from ..storage import ARCHIVER, HALF, Folder, HeldError
from ..storage import folder as folder_of
from .checkpoint import LEFTOVER, forget, write_checkpoint
from .commits import day_of, write_range
from .coverage import discontinuity, recorded_coverage
from .footer import DamageError
from .layout import NO_DATE, UNKNOWN, Name, child_path
from .ranges import Range, read_metadata
from .reading import read_range
from .request import answer, ask, is_asked
from .surveys import Survey, checked, ranges, survey, survey_of
from .widen import columns_of, narrow, widen

_SIZE = 2**27
_FEW = 8  # ranges, of which a day may be left with
_AT_ONCE = 64  # ranges that a running archiver merges at once: the stream waits meanwhile


class Compaction(NamedTuple):
    """How many ranges a snapshot had, and how many it has."""

    before: int
    after: int


def compact(
    folder: str | PathLike[str],
    *,
    size: int = _SIZE,
    max_unpacked_bytes: int | None = None,
    wait: float = 300.0,
) -> Compaction:
    """Merge neighbouring small parts of a day, give all the same columns, and remove what nothing reads.

    With the same columns, other programs read the parts as one, also of a folder that an older version wrote.
    The merged part commits itself and says which ranges it replaces, in one step; their files go afterwards,
    or with the next compaction. So it may be stopped at any moment, and readers see every row once at any
    time. A folder on a disk is locked meanwhile. Where an archiver has locked it, that one is asked to merge,
    some parts at a time while its stream goes on, all but the newest; the columns it gives to the parts as it
    always does. An object store has no locks, so there see that no archiver runs.

    Parameters
    ----------
    folder
        A snapshot's folder, or its URL.
    size
        How many bytes the tables of a merged range may take in memory.
    max_unpacked_bytes
        A part that has more bytes, or unpacks to more, is not read; if not given, it may have 1 GiB and
        unpack to that, or to 20 times its own bytes.
    wait
        How many seconds to wait for an archiver that is asked. Who is interrupted meanwhile withdraws.

    Returns
    -------
    Compaction
        The numbers of ranges ``before`` and ``after``.

    Raises
    ------
    SourceError
        The folder is no snapshot, an archiver that is at work on it has not merged in time or could not, a
        part is damaged, or a file cannot be written; no row is lost.

    Examples
    --------
    >>> import tempfile, mastermind_lab as lab
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = lab.sample(last=10).save(f"{folder}/snapshot")
    ...     lab.compact(saved)
    Compaction(before=1, after=1)
    """
    target = folder_of(folder)
    before = ranges(folder, max_unpacked_bytes)
    if not before:  # refused before anything is touched
        raise SourceError(f"{target.name} is no snapshot, or an archive with nothing in it yet")
    try:
        lock = target.lock("a compaction")
    except HeldError as error:
        if error.work != ARCHIVER:
            raise
        lock = ask(target, error, wait)
        if lock is None:
            return Compaction(len(before), len(_answered(target, before[-1])))
    with lock or nullcontext():
        surveyed = checked(target, survey(target, max_unpacked_bytes))
        forget(target)
        # First, or what an earlier one replaced would come back with its replacement gone.
        sweep(target, surveyed)
        after = [*_merged(target, surveyed.committed, size)]
        after = [
            one if one.columns is not None else widen(target, one, SchemaUnion.of(read_range(one)))
            for one in after
        ]
        columns, lacking = columns_of(after), {one.place for one in narrow(after)}
        after = [widen(target, one, columns) if one.place in lacking else one for one in after]
        write_checkpoint(target, after)
        return Compaction(len(surveyed.committed), len(after))


def _answered(target: Folder, newest: Range) -> list[Range]:
    """See that an archiver has merged what was there before the newest part when it was asked."""
    now = ranges(target.name)
    if any(map(_is_due, _groups([one for one in now if one.key < newest.key], _SIZE))):
        raise SourceError(
            f"the archiver of {target.name} could not merge all of its parts: verify lists what is wrong. "
            "Nothing is lost."
        )
    return now


def asked_for(folder: str | PathLike[str], newest: Range) -> Iterator[Range]:
    """Merge all before the newest range, some at a step, if a compaction is asked for; then answer.

    Only who holds the folder's lock may call it, and it may be left at any step.
    """
    target = folder_of(folder)
    if is_asked(target):
        with suppress(SourceError):  # who has asked looks at what is merged
            committed = _without_replaced(target)
            yield from _in_steps(target, [one for one in committed if one.key < newest.key], newest.date)
        answer(target)


def merging(folder: str | PathLike[str], day: str) -> Iterator[Range]:
    """Merge the ranges of days before one, of those that have many: some at a step, until a day has few.

    Only who holds the folder's lock may call it, and it may be left at any step.

    Raises
    ------
    SourceError
        A part is damaged, or a file cannot be written or removed; no row is lost.
    """
    target = folder_of(folder)
    committed = _without_replaced(target)
    counted = Counter(one.date for one in committed)
    days = {date for date, count in counted.items() if date < day and count > _FEW}
    yield from _in_steps(target, [one for one in committed if one.date in days], day)


def _without_replaced(target: Folder) -> list[Range]:
    """List the committed ranges, once what they replaced is gone: or it would come back with them merged."""
    surveyed = survey_of(target.name)
    _remove(target, _replaced(surveyed))
    return surveyed.committed


def _in_steps(target: Folder, closed: list[Range], day: str) -> Iterator[Range]:
    if not any(map(_is_due, _groups(closed, _SIZE, _AT_ONCE))):
        return
    forget(target)
    while any(map(_is_due, groups := [*_groups(closed, _SIZE, _AT_ONCE)])):
        closed = []
        for group in groups:
            closed += [_merge(target, group, day) if _is_due(group) else group[0]]
            if _is_due(group):
                _remove(target, chain.from_iterable(map(_parts, group)))
                yield closed[-1]


def _merged(target: Folder, committed: Sequence[Range], size: int) -> Iterator[Range]:
    """Merge ranges, and yield those that there are then; what is replaced goes as soon as it is."""
    date = next((one.date for one in committed if one.date not in (NO_DATE, UNKNOWN)), UNKNOWN)
    for group in _groups(committed, size):
        if _is_due(group):
            yield replace(_merge(target, group, date), max_unpacked_bytes=group[0].max_unpacked_bytes)
            _remove(target, chain.from_iterable(map(_parts, group)))
        else:
            yield from group


def _groups(committed: Sequence[Range], size: int, most: int | None = None) -> Iterator[list[Range]]:
    """Yield runs of ranges that become one, at most so many at once, and each that stays alone."""
    group: list[Range] = []
    total = 0
    for following in committed:
        total += _size(following)
        is_full = total > size or len(group) == most
        if group and (is_full or not _may_join(group[-1], following)):
            yield group
            group, total = [], _size(following)
        group.append(following)
    if group:
        yield group


def _is_due(group: Sequence[Range]) -> bool:
    return len(group) > 1 or any(one.date == NO_DATE for one in group)


def _size(one: Range) -> int:
    return int(one.metadata.get("size", 0))


def _may_join(before: Range, after: Range) -> bool:
    def common(one: Range) -> tuple[Any, ...]:
        keys = ("source", "stream", "seal")
        return one.epoch, one.date, one.child_tables.keys(), *map(one.metadata.get, keys)

    return bool(before.first_id) and common(before) == common(after) and discontinuity(before, after) is None


def _merge(target: Folder, group: Sequence[Range], date: str) -> Range:
    """Write ranges as one; ``date`` is for those that stand under no day and tell none."""
    names = ("decisions", *group[0].child_tables)
    rows = combine_chunks(concat(read_range(one, names) for one in group))
    first = group[0]
    date = first.date if first.date != NO_DATE else day_of(rows, first.first_id) or date
    try:
        return write_range(target, rows, _metadata(group), date)
    except OSError as error:
        raise SourceError(
            f"cannot compact {target.name}: {error.strerror or error}. Every row is still there."
        ) from error


def _metadata(group: Sequence[Range]) -> dict[str, Any]:
    """Merge the metadata of ranges: mostly that of the last one, which knows where the stream was."""
    first, last = group[0].metadata, group[-1].metadata
    gaps = [gap for one in group for gap in json.loads(one.metadata.get("gaps", "[]"))]
    metadata = {name: value for name, value in last.items() if name not in ("seal", "seals", "origin")}
    metadata |= {"after": first["after"]} if "after" in first else {}
    metadata |= {"gaps": json.dumps(gaps)} if gaps else {}
    return metadata | {
        "coverage": recorded_coverage(group).rows(),
        "replaces": [one.place for one in group],
        "seals": _commit_markers(group),
    }


def _commit_markers(group: Sequence[Range]) -> list[str]:
    """List the commit markers that other ranges may wait for, and that go with this group's parts."""
    own = {one.place for one in group if one.metadata.get("seal") == one.place}
    kept = {marker for one in group for marker in json.loads(one.metadata.get("seals", "[]"))}
    return sorted(own | kept)


def cleanup(folder: str | PathLike[str]) -> list[str]:
    """Remove what nothing reads: half-written files, parts that were compacted, child tables never committed.

    Only who holds the folder's lock may call it, for a half-written file of another looks the same. Child
    tables go only where all their entries are committed in other parts, as they are once an archiver that was
    stopped has gone on. Damaged and foreign files stay.

    Returns
    -------
    list of str
        The files that are gone.

    Raises
    ------
    SourceError
        The folder cannot be listed, is no snapshot, or a file cannot be removed.
    """
    target = folder_of(folder)
    return sweep(target, survey(target))


def sweep(target: Folder, surveyed: Survey) -> list[str]:
    """Remove what nothing reads of what was surveyed; see :func:`cleanup`."""
    gone = [path for path in surveyed.paths if _is_half(path) or path == LEFTOVER]
    if not surveyed.faults:
        named = {one.place for one in (*surveyed.committed, *surveyed.replaced, *surveyed.unfinished)}
        gone += [path for path in surveyed.paths if _is_orphan(target, path, named, surveyed.committed)]
        gone += _replaced(surveyed)
    return _remove(target, gone)


def _replaced(surveyed: Survey) -> Iterator[str]:
    """List the files of replaced ranges; one that replaced others, and says so, goes after them."""
    return chain.from_iterable(map(_parts, sorted(surveyed.replaced, key=lambda one: one.entries)))


def _remove(target: Folder, paths: Iterable[str]) -> list[str]:
    gone = [*paths]
    for path in gone:
        try:
            target.remove(path)
        except OSError as error:
            raise SourceError(
                f"cannot remove {target.name}/{path}: {error.strerror or error}. Nothing reads it."
            ) from error
    return gone


def _parts(replaced: Range) -> Iterator[str]:
    """List its files; the one that commits is the last: till then what is half removed is known for it."""
    yield from (child_path(replaced.place, table) for table in replaced.child_tables)
    yield replaced.place


def _is_half(path: str) -> bool:
    place, _, name = path.rpartition("/")
    is_ours = name.startswith(".") and name.endswith(HALF)
    return is_ours and Name.of(f"{place}/{name[1 : -len(HALF)]}") is not None


def _is_orphan(target: Folder, path: str, named: set[str], committed: Sequence[Range]) -> bool:
    name = Name.of(path)
    if name is None or name.table == "decisions" or child_path(path, "decisions") in named:
        return False
    try:
        is_ours = "format" in read_metadata(target, path)
    except (OSError, DamageError):
        return False
    return is_ours and _is_needless(name, [one for one in committed if one.first_id])


def _is_needless(name: Name, committed: Sequence[Range]) -> bool:
    """Tell whether all its entries are committed in other parts."""
    first, last = name.ends
    over = [one for one in committed if first <= one.key[1] and one.key[0] <= last]
    if not over or first < over[0].key[0] or over[-1].key[1] < last:
        return False
    if (first, last) == (over[0].key[0], over[-1].key[1]):
        return True  # a compaction of just these was stopped
    return all(after.metadata.get("after") == before.last_id for before, after in pairwise(over))
