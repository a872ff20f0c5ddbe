"""compact: many small parts become few."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from os import PathLike
from typing import Any, NamedTuple

from ..errors import SourceError
from ..frames import in_one_piece, merge
from ..storage import Folder
from ..storage import folder as folder_of
from . import joints
from .commits import write_range
from .coverage import combined
from .leftovers import sweep
from .ranges import Range, ranges, read_range

_SIZE = 2**27


class Compaction(NamedTuple):
    """How many ranges a snapshot had, and how many it has."""

    before: int
    after: int


def compact(folder: str | PathLike[str], *, size: int = _SIZE) -> Compaction:
    """Merge neighbouring small parts of a day, and remove what nothing reads.

    The merged part commits itself and says which ranges it replaces, in one step; their files go afterwards,
    or with the next compaction. So it may be stopped at any moment, and readers see every row once at any
    time. A folder on a disk is locked meanwhile, as it is by an archiver; an object store has no locks, so
    there see that no archiver runs.

    Parameters
    ----------
    folder
        A snapshot's folder, or its URL.
    size
        How many bytes the tables of a merged range may take in memory.

    Returns
    -------
    Compaction
        The numbers of ranges ``before`` and ``after``.

    Raises
    ------
    SourceError
        The folder is no snapshot, an archiver is at work on it, a part is damaged, or a file cannot be
        written; no row is lost.

    Examples
    --------
    >>> import tempfile, mastermind_lab as lab
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = lab.sample(last=10).save(f"{folder}/snapshot")
    ...     lab.compact(saved)
    Compaction(before=1, after=1)
    """
    target = folder_of(folder)
    if not ranges(folder):
        raise SourceError(f"{target.name} is no snapshot: nothing is committed there")
    with target.lock("a compaction") or nullcontext():
        before = ranges(folder)
        sweep(folder)  # first, or what an earlier one replaced would come back with its replacement gone
        for group in _groups(before, size):
            _merge(target, group)
            sweep(folder)
        return Compaction(len(before), len(ranges(folder)))


def _groups(committed: Sequence[Range], size: int) -> Iterator[list[Range]]:
    """Yield runs of ranges that become one."""
    group: list[Range] = []
    total = 0
    for one in committed:
        total += _size(one)
        if not group or total > size or not _may_join(group[-1], one):
            if len(group) > 1:
                yield group
            group, total = [], _size(one)
        group.append(one)
    if len(group) > 1:
        yield group


def _size(one: Range) -> int:
    return int(one.facts.get("size", 0))


def _may_join(before: Range, after: Range) -> bool:
    def of(one: Range) -> tuple[Any, ...]:
        said = (one.facts.get("source"), one.facts.get("stream"), one.facts.get("seal"))
        return one.epoch, one.place.split("/")[1], one.siblings.keys(), *said

    return bool(before.first_id) and of(before) == of(after) and joints.between(before, after) is None


def _merge(target: Folder, group: Sequence[Range]) -> None:
    names = ("decisions", *group[0].siblings)
    rows = in_one_piece(merge(read_range(one, names) for one in group))
    try:
        write_range(target, rows, _facts(group))
    except OSError as error:
        raise SourceError(
            f"cannot compact {target.name}: {error.strerror or error}. Every row is still there."
        ) from error


def _facts(group: Sequence[Range]) -> dict[str, Any]:
    """Return the facts of several ranges as one: mostly the last one's, who knows where the stream was."""
    first, last = group[0].facts, group[-1].facts
    gaps = [gap for one in group for gap in json.loads(one.facts.get("gaps", "[]"))]
    facts = {name: value for name, value in last.items() if name not in ("seal", "seals")}
    facts |= {name: first[name] for name in ("after", "first_ordinal") if name in first}
    facts |= {"gaps": json.dumps(gaps)} if gaps else {}
    return facts | {
        "coverage": combined(group),
        "replaces": [one.place for one in group],
        "seals": _seals(group),
    }


def _seals(group: Sequence[Range]) -> list[str]:
    """List the seals that other ranges may wait for, and that go with this group's parts."""
    own = {one.place for one in group if one.facts.get("seal") == one.place}
    kept = {seal for one in group for seal in json.loads(one.facts.get("seals", "[]"))}
    return sorted(own | kept)
