"""The account of one source: how many entries were read, left out or missing, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .declared import COVERAGE, DECLARED
from .ids import id_key, is_id

CERTAINTIES = ("exact", "at most", "not verified")
"""How sure a number of missing entries is, from the surest to the least sure."""


Key = tuple[str | None, str | None, str | None]


@dataclass(frozen=True)
class Account:
    """What was read of one source: one row of ``coverage``, whose declared columns are its fields.

    ``certainty`` is None where nothing is said of missing entries, as of lines of a file; ``missing`` then
    adds nothing. With "not verified", ``missing`` is unknown.
    """

    source: str | None = None
    stream: str | None = None
    first_id: str | None = None
    last_id: str | None = None
    entries: int | None = 0
    repeated: int | None = 0
    left_out: int | None = 0
    limits: str | None = ""
    missing: int | None = None
    certainty: str | None = None
    note: str | None = None

    def __add__(self, other: Account) -> Account:
        """Add the account of another part of the same source."""
        both = (self, other)
        ids = [one for part in both for one in (part.first_id, part.last_id) if one]
        certainty = least_sure(part.certainty for part in both)
        return Account(
            source=self.source,
            stream=self.stream,
            first_id=min(ids, key=id_key, default=None),
            last_id=max(ids, key=id_key, default=None),
            entries=total(part.entries for part in both),
            repeated=total(part.repeated for part in both),
            left_out=total(part.left_out for part in both),
            limits=self.limits,
            missing=total(part.missing for part in both if part.certainty is not None),
            certainty=certainty,
            note=united(part.note for part in both),
        )

    @property
    def key(self) -> Key:
        """What parts of one read have in common: source, stream and limits."""
        return self.source, self.stream, self.limits

    @classmethod
    def of_ids(cls, ids: pa.Array, **facts: Any) -> Account:
        """Account for some entries, by their ids from the oldest to the newest."""
        ends = (ids[0].as_py(), ids[-1].as_py()) if len(ids) else (None, None)
        return cls(first_id=ends[0], last_id=ends[1], entries=len(ids), **facts)


def total(numbers: Iterable[int | None]) -> int | None:
    """Add numbers up; unknown if one of them is, if there is none, or if no column holds their sum."""
    listed = list(numbers)
    known = [number for number in listed if number is not None]
    return sum(known) if known and len(known) == len(listed) and is_held(sum(known)) else None


def is_held(number: int) -> bool:
    """Tell whether a column of ``coverage`` can hold a number: strangers claim any."""
    return abs(number) < 2**63


def least_sure(certainties: Iterable[str | None]) -> str | None:
    """Return the least sure of some certainties; None says nothing."""
    said = [one for one in certainties if one is not None]
    return max(said, key=CERTAINTIES.index, default=None)


def united(notes: Iterable[str | None]) -> str | None:
    """Join notes, each part of them once; None where nothing is said."""
    return "; ".join(dict.fromkeys(part for note in notes if note for part in note.split("; "))) or None


def known_value(name: str, value: Any) -> Any:
    """Return a value read from outside, if a column of this name can hold it."""
    if DECLARED[COVERAGE][name].type == "Int64":
        return value if type(value) is int and is_held(value) else None
    if name == "certainty":
        return value if value in CERTAINTIES else None
    if name in ("first_id", "last_id"):
        return value if isinstance(value, str) and is_id(value) else None
    return value if isinstance(value, str) else None
