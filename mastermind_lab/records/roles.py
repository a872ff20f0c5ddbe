"""Which column of a table means what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import OptionError, column_advice
from ..text import apart, harmless
from .columns import plain_value

_NAMED = 20  # columns that are listed where one is not there


@dataclass(frozen=True)
class Roles:
    """The columns of a table of votes by what they mean; what is None was not said."""

    decision: tuple[str, ...]
    voter: str
    choice: str
    confidence: str | None = None
    weight: str | None = None
    rationale: str | None = None
    round: str | None = None
    recommendation: str | None = None
    time: str | None = None
    abstain: tuple[Any, ...] = field(default=())

    @classmethod
    def of(cls, decision: str | Sequence[str], abstain: Any, **named: Any) -> Roles:
        """Check what a caller names.

        Raises
        ------
        OptionError
            A name is no text, or one column is to mean two things.
        """
        keys = (decision,) if isinstance(decision, str) else decision
        if not isinstance(keys, Iterable) or not (keys := tuple(keys)):
            raise OptionError(f"decision={decision!r:.80}: expected the name of a column, or several")
        for role, name in [*(("decision", key) for key in keys), *named.items()]:
            needed = role in ("decision", "voter", "choice")
            if not isinstance(name, str) and (needed or name is not None):
                raise OptionError(f"{role}={name!r:.80}: expected the name of a column")
        _check_once([*keys, named["voter"], named["choice"]])
        return cls(keys, abstain=_listed(abstain), **named)

    @property
    def texts(self) -> frozenset[str]:
        """The columns whose values are names and words, even where they look like numbers."""
        return frozenset(filter(None, (self.voter, self.choice, self.rationale, self.recommendation)))

    @property
    def all(self) -> dict[str, str]:
        """Each named column and its role."""
        one = ("voter", "choice", "confidence", "weight", "rationale", "round", "recommendation", "time")
        named = {getattr(self, role): role for role in one if getattr(self, role) is not None}
        return dict.fromkeys(self.decision, "decision") | named


def _check_once(names: list[str]) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise OptionError(
            f"{sorted(twice)[0]!r:.80} is named twice: decision, voter and choice are columns of their own"
        )


def _listed(values: Any) -> tuple[Any, ...]:
    several = isinstance(values, Iterable) and not isinstance(values, str | bytes)
    plain = tuple(map(plain_value, values if several else (values,)))
    for value in plain:
        if isinstance(value, list | tuple | dict | set):
            raise OptionError(f"abstain={value!r:.80}: expected values of the column of choices")
    return plain


def check_columns(wanted: Iterable[tuple[str, str]], there: Sequence[str], table: str) -> None:
    """Refuse columns that a table does not have, given as (role, name).

    Raises
    ------
    OptionError
        With those that it has, and the one that was meant.
    """
    for role, name in wanted:
        if name in there:
            continue
        listed = ", ".join(apart(there[:_NAMED], 40, harmless))
        more = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
        said = f"{advice} " if (advice := column_advice(name, there)) else ""
        raise OptionError(
            f"{role}={name!r:.80}: {table} has no such column: {said}there are {listed or 'none'}{more}"
        )
