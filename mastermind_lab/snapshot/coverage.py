"""The coverage of a snapshot, from what its ranges say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pandas as pd

from ..frames import coverage_frame
from .ranges import Range

_CERTAINTIES = ("exact", "at most", "not verified")


def said(coverage: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a coverage frame, ready for JSON."""
    rows: list[dict[str, Any]] = json.loads(coverage.to_json(orient="records"))
    return rows


def combined(committed: Sequence[Range]) -> list[dict[str, Any]]:
    """Put together what the ranges say of their coverage: a row a source, stream and limits.

    Where only one of them says anything, as in a snapshot saved at once, that is returned as it is.
    """
    told = [one.metadata["coverage"] for one in committed if one.metadata.get("coverage", "[]") != "[]"]
    accounts = [json.loads(one) for one in dict.fromkeys(told)]
    if len(accounts) <= 1:
        return [row for account in accounts for row in account]
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in (row for account in accounts for row in account):
        groups.setdefault(tuple(row.get(name) for name in ("source", "stream", "limits")), []).append(row)
    return [_one_row(rows) for rows in groups.values()]


def coverage_of(committed: Sequence[Range]) -> pd.DataFrame:
    """Return the coverage frame of some ranges."""
    return coverage_frame(combined(committed))


def _one_row(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    last = dict(rows[-1])
    firsts = [row["first_id"] for row in rows if row.get("first_id")]
    lasts = [row["last_id"] for row in rows if row.get("last_id")]
    certainties = {row["certainty"] for row in rows if row.get("certainty")}
    notes = dict.fromkeys(row["note"] for row in rows if row.get("note"))
    return last | {
        "first_id": firsts[0] if firsts else None,
        "last_id": lasts[-1] if lasts else None,
        "entries": _sum(row.get("entries") for row in rows),
        "left_out": _sum(row.get("left_out") for row in rows),
        "missing": _sum(row.get("missing") for row in rows),
        "certainty": max(certainties, key=_CERTAINTIES.index, default=None),
        "note": "; ".join(notes) or None,
    }


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


class Discontinuity(NamedTuple):
    """What is wrong between a range and the one before it."""

    committed: Range
    kind: str
    detail: str


def discontinuities(committed: Sequence[Range]) -> Iterator[Discontinuity]:
    """Yield overlaps, and holes that no range accounts for."""
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
    unsaid = _unsaid(before, after)
    if unsaid > 0:
        return Discontinuity(after, "hole", f"{unsaid:,} entries after {before.last_id} are in no range")
    return None


def _unsaid(before: Range, after: Range) -> int:
    """Count the entries between two ranges of one epoch that their ordinals tell of and no gap does."""
    last, first = before.metadata.get("last_ordinal"), after.metadata.get("first_ordinal")
    if last is None or first is None or before.epoch != after.epoch:
        return 0
    gaps = json.loads(after.metadata.get("gaps", "[]"))
    known = sum(int(gap.get("missing") or 0) for gap in gaps if gap.get("after") == before.last_id)
    return int(first) - int(last) - 1 - known
