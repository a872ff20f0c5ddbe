"""The coverage of a snapshot, from what its ranges say, and where one of them does not follow another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import pairwise
from operator import add
from typing import NamedTuple

from ..frames import Account, Coverage
from .ranges import Range


def coverage_of(committed: Sequence[Range]) -> Coverage:
    """Return the coverage of all ranges; where none of them says anything, count their entries."""
    recorded = recorded_coverage(committed)
    coverage = recorded if recorded.accounts else Coverage.of(*_counted(committed))
    return ended(coverage, committed[-1] if committed else None)


def ended(coverage: Coverage, last: Range | None) -> Coverage:
    """Say where the last range's writer was told to end; an archive that went on since has no end."""
    said = last.metadata.get("until", "[]") if last else "[]"
    for end in Coverage.of_rows(json.loads(said)).accounts:
        coverage = coverage.ended(end.limits or "", end.left_out)
    return coverage


def recorded_coverage(committed: Iterable[Range]) -> Coverage:
    """Add up what some ranges say of their coverage."""
    recorded = (Coverage.of_rows(json.loads(one.metadata.get("coverage", "[]"))) for one in committed)
    return reduce(add, recorded, Coverage())


def _counted(committed: Sequence[Range]) -> Iterator[Account]:
    filled = [one for one in committed if one.first_id]
    for first in filled[:1]:
        entries = sum(one.entries for one in filled)
        yield Account(first.folder, first.metadata.get("stream"), first.first_id, filled[-1].last_id, entries)


class Discontinuity(NamedTuple):
    """What is wrong between a range and the one before it."""

    committed: Range
    kind: str
    detail: str


def discontinuities(committed: Sequence[Range]) -> Iterator[Discontinuity]:
    """Yield overlaps, and holes: where a range follows another than the one before it."""
    filled = [one for one in committed if one.first_id]
    if filled and filled[0].metadata.get("after"):
        detail = f"it follows {filled[0].metadata['after']}, which no range before it holds"
        yield Discontinuity(filled[0], "hole", detail)
    for before, after in pairwise(filled):
        fault = discontinuity(before, after)
        if fault is not None:
            yield fault


def discontinuity(before: Range, after: Range) -> Discontinuity | None:
    """Tell what is wrong between two ranges, the second after the first."""
    if after.key[0] <= before.key[1]:
        return Discontinuity(
            after, "overlap", f"it begins before {before.last_id}, where {before.place} ends"
        )
    follows = after.metadata.get("after")
    if follows not in (None, before.last_id):
        return Discontinuity(
            after, "hole", f"it follows {follows or 'nothing'}, but {before.last_id} is before it"
        )
    return None
