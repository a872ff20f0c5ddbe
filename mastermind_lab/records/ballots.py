"""Ballots that are more than a choice: rankings, scores and probabilities, a row a ballot.

They come as people keep them: a ranking as a list in a column, as a column a place, or as a column a choice
with its rank; numbers as an object in a column, or as a column a choice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..decode import step
from ..errors import OptionError
from ..frames import kind_of_field, open_column
from ..spelling import text_of
from .columns import (
    ENDLESS,
    EXACT_WHOLE,
    FLOAT,
    NUMBER,
    TEXT,
    WHOLE,
    Checked,
    Column,
    Fault,
    Flags,
    numbers,
    texts_in,
    within,
)
from .roles import KINDS, Columns, Roles, names_in

_MOST_CHOICES = 1_000
_NESTED = r"^\s*[\[{]"
LIMITS = {"ranking": (-EXACT_WHOLE, EXACT_WHOLE), "score": (-ENDLESS, ENDLESS), "probabilities": (0.0, 1.0)}
"""What ranks, scores and probabilities lie between."""

_RANKING = (
    'a list of choices, best first, that names each once, in text as JSON, ["a", "b"] (a list in it: of '
    'equal rank; of "a > b", column.str.split(" > ") makes lists)'
)
_RANK = "the rank of that choice, a whole number, 1 for the best"
AS_LISTS = 'where a row ranks all choices, make lists, column.str.split(" > "), and take the numbers out'
"""What to do with a column of rankings that has a number in it."""
_EXPECTED = {"score": "a finite number", "probabilities": "a number from 0 to 1"}
_TOLERANCE = 0.01  # of a sum of probabilities, which people round


@dataclass(frozen=True)
class Ballots:
    """What rows say beyond a choice.

    Attributes
    ----------
    columns
        As in the votes frame, by their names there.
    faults
        What is wrong with which rows.
    best
        The one choice that a row ranks first, else the one it scores highest or finds most probable.
    given
        Whether a row says anything of this.
    said
        What else is to be said of it.
    """

    columns: dict[str, Column]
    faults: list[Fault]
    best: pa.Array
    given: Flags
    said: str


def ballots_of(columns: Mapping[str, Column], roles: Roles, rows: int) -> Ballots:
    """Read the columns that are named as rankings, scores and probabilities.

    Raises
    ------
    OptionError
        A column holds something else throughout.
    """
    if all(getattr(roles, kind) is None for kind in KINDS):
        return Ballots({}, [], pa.nulls(rows, TEXT), np.zeros(rows, bool), "")
    best, given = np.full(rows, None, dtype=object), np.zeros(rows, bool)
    found: dict[str, Column] = {}
    faults: list[Fault] = []
    said = ""
    if roles.ranking is not None:
        ranked, faults = _rankings(columns, roles.ranking, rows)
        given = np.array([one is not None for one in ranked], bool)
        best[given] = [one[0] if isinstance(one[0], str) else None for one in ranked if one]
        found["vote.ranking"] = open_column("vote.ranking", rows, range(rows), ranked)[0]
    for kind in ("score", "probabilities"):
        wanted = getattr(roles, kind)
        if wanted is None:
            continue
        by_choice, wrong = _numbers(columns, wanted, kind)
        faults += wrong
        for name, column in by_choice.items():
            path = f"vote.{kind}.{step(name)}" if name else f"vote.{kind}"
            found[path] = (pa.field(path, FLOAT), column)
        table = np.array([column.to_numpy(zero_copy_only=False) for column in by_choice.values()])
        there = ~np.isnan(table).all(axis=0)
        first = there & ~given
        if "" not in by_choice:
            best[first] = _highest(np.array([*by_choice], dtype=object), table[:, first])
        given |= there
        said = _odd_sums(table[:, there]) if kind == "probabilities" else ""
    some = {name: column for name, column in found.items() if column[1].null_count < rows}
    return Ballots(some, faults, pa.array(best.tolist(), TEXT), given, said)


def check_choices(roles: Roles, voted: pa.Array) -> None:
    """Refuse columns that are to be named as choices, and are not.

    Raises
    ------
    OptionError
        None of them is a choice that was voted for.
    """
    for role in ("score", "probabilities"):
        wanted = getattr(roles, role)
        if isinstance(wanted, tuple) and not pc.any(pc.is_in(voted, pa.array(wanted, TEXT))).as_py():
            one = next(iter(pc.drop_null(voted).to_pylist()), "yes")
            raise OptionError(
                f"{role}={list(wanted)!r:.80}: nobody voted for a choice of these names: say which column is "
                f"of which choice, {role}={{{one!r:.40}: {wanted[0]!r:.40}, ...}}"
            )


def _highest(names: Any, table: Any) -> Any:
    """Return the name of the highest number of each column, None where several are."""
    filled = np.where(np.isnan(table), -np.inf, table)
    highest = filled == filled.max(axis=0, initial=-np.inf)
    return np.where(highest.sum(axis=0) == 1, names[highest.argmax(axis=0)], None)


def _odd_sums(table: Any) -> str:
    odd = int((np.abs(np.nansum(table, axis=0) - 1) > _TOLERANCE).sum())
    return f"{odd:,} with probabilities that do not add up to 1" if odd else ""


# Rankings.


def _rankings(
    columns: Mapping[str, Column], wanted: Columns, rows: int
) -> tuple[list[list[Any] | None], list[Fault]]:
    """Read rankings: lists of choices, in which a list is of choices of equal rank."""
    faults: list[Fault] = []
    read: Callable[[Any], list[list[str]] | None]
    keys: Sequence[Hashable]
    if isinstance(wanted, str):
        if is_of_numbers(columns[wanted][1]):
            other = _text_beside(columns[wanted][1])
            raise OptionError(
                f"ranking={wanted!r:.80} holds numbers{f', and {other!r:.40}' if other else ''}: where they "
                "rank the choices of a ballot, a row each, name these with choice="
                + (f"; {AS_LISTS}" if other else "")
            )
        keys, read = columns[wanted][1].to_pylist(), _list_in
    elif isinstance(wanted, Mapping):
        checked = [_of_rank(*columns[name]) for name in wanted.values()]
        faults = [
            Fault("invalid", name, _RANK, one.wrong)
            for name, one in zip(wanted.values(), checked, strict=True)
        ]
        keys, read = (
            _rows([one.values for one in checked]),
            lambda row: in_order(zip(wanted, row, strict=True)),
        )
    else:
        checked = [texts_in(columns, name) for name in wanted]
        faults = [
            Fault("invalid", name, "one choice", one.wrong) for name, one in zip(wanted, checked, strict=True)
        ]
        keys, read = _rows([one.values for one in checked]), lambda row: [[one] for one in row if one]
    different = {key: read(key) for key in set(keys) if key is not None}
    wrong = {key for key, ranks in different.items() if ranks is None or not _is_ranking(ranks, wanted)}
    shown = {key: plain_ranking(ranks) for key, ranks in different.items() if ranks}
    of_row = np.fromiter((key in wrong for key in keys), bool, rows)
    faults.append(Fault("invalid", names_in(wanted)[0], _RANKING, of_row))
    return [shown.get(key) for key in keys], faults


def _text_beside(numbers: pa.Array) -> str | None:
    """Return the first text of a column of numbers that is none."""
    if numbers.type != TEXT:
        return None
    others = numbers.filter(pc.invert(pc.match_substring_regex(numbers, NUMBER)))
    return next(iter(others.to_pylist()), None)


def is_of_numbers(column: pa.Array | pa.ChunkedArray) -> bool:
    """Tell whether a column holds numbers, or texts of them: decimals have more digits than a float.

    Among texts one number is enough where none looks like a list or an object: what else there is harms but
    its own row.
    """
    if column.type != TEXT:
        return column.type in (FLOAT, WHOLE)
    numbers, others = (pc.any(pc.match_substring_regex(column, one)).as_py() for one in (NUMBER, _NESTED))
    return bool(numbers and not others)


def _of_rank(described: pa.Field, column: pa.Array) -> Checked:
    return within(numbers(column), *LIMITS["ranking"], whole=True)


def _rows(columns: Sequence[pa.Array]) -> list[tuple[Any, ...]]:
    return [*zip(*(column.to_pylist() for column in columns), strict=True)]


def _list_in(text: Any) -> list[list[str]] | None:
    """Read a list of choices, or of lists of them, from JSON; None if it is none."""
    try:
        ranks = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    if not isinstance(ranks, list):
        return None
    levels = [one if isinstance(one, list) else [one] for one in ranks]
    flat = [one for level in levels for one in level]
    if any(isinstance(one, list | dict) or text_of(one) in (None, "") for one in flat):
        return None
    return [[str(text_of(one)) for one in level] for level in levels]


def _is_ranking(ranks: list[list[str]], wanted: Columns) -> bool:
    """Tell whether it names each choice once, and something: rows of several columns may be empty."""
    names = [name for equal in ranks for name in equal]
    empty = not names or not all(ranks)
    return len(set(names)) == len(names) and not (empty and isinstance(wanted, str))


def in_order(ranked: Any) -> list[list[str]]:
    """Put choices in the order of their ranks, equal ones in one list; those without a rank are left out."""
    by_rank: dict[float, list[str]] = {}
    for name, rank in ranked:
        if rank is not None:
            by_rank.setdefault(rank, []).append(name)
    return [by_rank[rank] for rank in sorted(by_rank)]


def plain_ranking(ranks: list[list[str]]) -> list[Any]:
    """Write a ranking as it stands in frames: a choice alone in its rank in no list of its own."""
    return [equal[0] if len(equal) == 1 else equal for equal in ranks]


# Numbers.


def _numbers(
    columns: Mapping[str, Column], wanted: Columns, kind: str
) -> tuple[dict[str, pa.Array], list[Fault]]:
    """Read numbers by choice; of no choice, an empty text, are the numbers of what a vote is for."""
    if isinstance(wanted, str) and not is_of_numbers(columns[wanted][1]):
        by_choice, bad = _objects(*columns[wanted], wanted)
        faults = [Fault("invalid", wanted, f"an object of choices, each with {_EXPECTED[kind]}", bad)]
        named = {name: (wanted, column) for name, column in by_choice.items()}
    else:
        faults = []
        by_name = {"": wanted} if isinstance(wanted, str) else wanted
        pairs = by_name.items() if isinstance(by_name, Mapping) else zip(by_name, by_name, strict=True)
        named = {choice: (name, numbers(columns[name][1])) for choice, name in pairs}
    found = {}
    for choice, (name, read) in named.items():
        checked = within(read, *LIMITS[kind])
        faults.append(Fault("invalid", name, _EXPECTED[kind], checked.wrong))
        found[choice] = checked.values
    return found, faults


def _objects(described: pa.Field, column: pa.Array, name: str) -> tuple[dict[str, Checked], Flags]:
    """Read objects of numbers by choice."""
    if column.type != TEXT and not pa.types.is_null(column.type):
        raise OptionError(
            f"{name!r:.80} holds {kind_of_field(described)}: expected numbers, or objects of them"
        )
    keys = column.to_pylist()
    read = {key: _object_in(key) for key in set(keys) if key is not None}
    choices = dict.fromkeys(choice for key in dict.fromkeys(keys) for choice in read.get(key) or ())
    if len(choices) > _MOST_CHOICES:
        raise OptionError(
            f"{name!r:.80} names {len(choices):,} choices, each of which would be a column, and "
            f"{_MOST_CHOICES:,} are the most: give choices names that come again"
        )
    wrong = np.fromiter((key is not None and read[key] is None for key in keys), bool, len(keys))
    none = np.zeros(len(keys), bool)
    rows = [read.get(key) or {} for key in keys]
    found = {one: Checked(pa.array([row.get(one) for row in rows], FLOAT), none) for one in choices}
    return found or {"": Checked(pa.nulls(len(keys), FLOAT), none)}, wrong


def _object_in(text: str) -> dict[str, float] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not found or "" in found:  # an empty name is that of no choice
        return None
    said = {name: value for name, value in found.items() if value is not None}
    if any(type(value) not in (int, float) or not abs(value) <= ENDLESS for value in said.values()):
        return None
    return {name: float(value) for name, value in said.items()}
