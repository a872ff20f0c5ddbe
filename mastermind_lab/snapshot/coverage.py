"""The coverage of a snapshot, from what its ranges say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
    told = [one.facts["coverage"] for one in committed if one.facts.get("coverage", "[]") != "[]"]
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
