"""Where one range ends and the next begins."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .ranges import Range


class Joint(NamedTuple):
    """What is wrong between a range and the one before it."""

    committed: Range
    kind: str
    detail: str


def faulty(committed: Sequence[Range]) -> Iterator[Joint]:
    """Yield overlaps, and holes that no range accounts for."""
    filled = [one for one in committed if one.first_id]
    if filled and filled[0].facts.get("after"):
        detail = f"it follows {filled[0].facts['after']}, which no range before it holds"
        yield Joint(filled[0], "hole", detail)
    for before, after in pairwise(filled):
        fault = between(before, after)
        if fault is not None:
            yield fault


def between(before: Range, after: Range) -> Joint | None:
    """Tell what is wrong between two ranges, the second after the first."""
    if after.key[0] <= before.key[1]:
        return Joint(after, "overlap", f"it begins before {before.last_id}, where {before.place} ends")
    follows = after.facts.get("after")
    if follows not in (None, before.last_id):
        return Joint(after, "hole", f"it follows {follows or 'nothing'}, but {before.last_id} is before it")
    unsaid = _unsaid(before, after)
    if unsaid > 0:
        return Joint(after, "hole", f"{unsaid:,} entries after {before.last_id} are in no range")
    return None


def _unsaid(before: Range, after: Range) -> int:
    """Count the entries between two ranges of one epoch that their ordinals tell of and no gap does."""
    last, first = before.facts.get("last_ordinal"), after.facts.get("first_ordinal")
    if last is None or first is None or before.epoch != after.epoch:
        return 0
    gaps = json.loads(after.facts.get("gaps", "[]"))
    known = sum(int(gap.get("missing") or 0) for gap in gaps if gap.get("after") == before.last_id)
    return int(first) - int(last) - 1 - known
