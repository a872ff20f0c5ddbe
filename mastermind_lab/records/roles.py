"""Which column of a table means what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import OptionError, column_advice
from ..labels import listed
from ..spelling import plain_value

Columns = str | Sequence[str] | Mapping[str, str]
"""A column; several, one a place or a choice; or several by the choices that they are of."""

_NAMED = 20  # columns that are listed where one is not there


@dataclass(frozen=True)
class Roles:
    """The columns of a table of votes by what they mean; what is None was not said."""

    decision: tuple[str, ...]
    voter: str
    choice: str | None = None
    confidence: str | None = None
    weight: str | None = None
    rationale: str | None = None
    round: str | None = None
    recommendation: str | None = None
    time: str | None = None
    ranking: Columns | None = None
    score: Columns | None = None
    probabilities: Columns | None = None
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
            raise OptionError(
                f"decision={decision!r:.80}: expected the name of a column, or several"
                f"{number_advice(decision)}"
            )
        several: dict[str, Any] = {role: _several(role, named.pop(role, None)) for role in KINDS}
        is_ballot = any(columns is not None for columns in several.values())
        for role, name in [*(("decision", key) for key in keys), *named.items()]:
            needed = role in ("decision", "voter") or (role == "choice" and not is_ballot)
            if not isinstance(name, str) and (needed or name is not None):
                or_more = ", or ranking=, score= or probabilities=" if role == "choice" else ""
                raise OptionError(
                    f"{role}={name!r:.80}: expected the name of a column{or_more}{number_advice(name)}"
                )
        _check_once([*keys, named["voter"], *([named["choice"]] if named["choice"] else [])])
        if named["choice"] is None and _listed(abstain):
            raise OptionError(
                "abstain= says which values of the column of choices are no vote: name it, choice="
            )
        return cls(keys, abstain=_listed(abstain), **named, **several)

    @property
    def texts(self) -> frozenset[str]:
        """The columns whose values are names and words, even where they look like numbers."""
        ranked = names_in(self.ranking) if not isinstance(self.ranking, str | Mapping | None) else ()
        one = (self.voter, self.choice, self.rationale, self.recommendation)
        return frozenset([*filter(None, one), *ranked])

    def words(self, declared: Collection[str]) -> frozenset[str]:
        """Return the columns of a file that stay text: :attr:`texts`, and those declared as text.

        What tells decisions apart is none of them: of its numbers 1 and 1.0 are one.
        """
        return self.texts | (frozenset(declared) - {*self.decision})

    @property
    def all(self) -> dict[str, str]:
        """Each named column and its role."""
        one = ("voter", "choice", "confidence", "weight", "rationale", "round", "recommendation", "time")
        named = {getattr(self, role): role for role in one if getattr(self, role) is not None}
        several = {name: role for role in KINDS for name in names_in(getattr(self, role))}
        return dict.fromkeys(self.decision, "decision") | several | named


KINDS = ("ranking", "score", "probabilities")
"""What a ballot may be beyond a choice."""


def _several(role: str, columns: Any) -> Columns | None:
    """Check what is a column, or several, or several by choice."""
    if columns is None or isinstance(columns, str):
        return columns
    several = isinstance(columns, Iterable) and not isinstance(columns, bytes)
    found: Columns = dict(columns) if isinstance(columns, Mapping) else tuple(columns) if several else ()
    names = names_in(found)
    texts = [*names, *(found if isinstance(found, Mapping) else ())]
    if not names or not all(isinstance(name, str) for name in texts):
        raise OptionError(
            f"{role}={columns!r:.80}: expected the name of a column, several of them, or a dict of choices "
            f"and their columns{number_advice(*names, columns)}"
        )
    if len({*names}) < len(names):
        raise OptionError(f"{role}={columns!r:.80} names a column twice")
    return found


def number_advice(*names: Any) -> str:
    """Say how a column is named whose name is a number, as where a frame was made without names."""
    number = next((one for one in names if isinstance(one, int | np.integer)), None)
    return "" if number is None else f'; a column that is called {number} is named as text, "{number}"'


def names_in(columns: Columns | None) -> tuple[str, ...]:
    """List the columns that are named."""
    if columns is None or isinstance(columns, str):
        return () if columns is None else (columns,)
    return tuple(columns.values()) if isinstance(columns, Mapping) else tuple(columns)


def _check_once(names: list[str]) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise OptionError(
            f"{sorted(twice)[0]!r:.80} is named twice: decision, voter and choice are columns of their own"
        )


def _listed(values: Any) -> tuple[Any, ...]:
    several = isinstance(values, Iterable) and not isinstance(values, str | bytes)
    try:
        plain = tuple(map(plain_value, values if several else (values,)))
    except UnicodeError as error:
        raise OptionError(f"abstain={values!r:.80}: {error!s:.200}") from error
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
    wanted = list(wanted)
    for role, name in wanted:
        if name in there:
            continue
        said = f"{advice} " if (advice := column_advice(name, there)) else ""
        is_odd = any(one.lower().startswith(("#", "//", "sep=")) for one in there[:1])
        suspect = ": the first line looks like none of names: delete it, so that these come first"
        is_one = len(there) == 1 and all(one in there[0] for _, one in wanted)
        suspect = _ONE_COLUMN if is_one else suspect if is_odd else ""
        raise OptionError(
            f"{role}={name!r:.80}: {table} has no such column: {said}there are {listed(there, _NAMED)}"
            f"{suspect}"
        )


_ONE_COLUMN = (
    ", one column: what separates names and cells may be commas, semicolons, tabs or bars "
    "(pandas.read_csv(path, sep=...) makes a table of others)"
)
