"""What votes say beyond a choice: rankings, scores and probabilities, as the votes frame holds them.

A ranking is a JSON list of choices in ``vote.ranking``, the best first; a list in it are choices of equal
rank: ``["a", ["b", "c"]]``. Scores are numbers, in ``vote.score.<choice>`` or, where a vote scores but what
it is for, in ``vote.score``. Probabilities stand in ``vote.probabilities.<choice>``.

What is no such thing is no ballot: a ranking that is empty or names a choice twice, a score that is no finite
number, a probability outside of 0 to 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bootstrap import Floats
from .input import key_text
from .preferences import Entries, ranges

RANKING, SCORE, PROBABILITIES = "vote.ranking", "vote.score", "vote.probabilities"


def rankings_of(votes: pd.DataFrame) -> Entries | None:
    """Read rankings; None where there is no usable one."""
    if RANKING not in votes or votes[RANKING].isna().all():
        return None
    codes, texts = pd.factorize(_as_texts(votes[RANKING]))
    numbers: dict[Any, int] = {}
    read = [ranks_in(text) for text in texts]
    same = [-1 if one is None else numbers.setdefault(one, len(numbers)) for one in read]
    if not numbers:
        return None
    number = np.append(np.array(same, np.intp), -1)[codes]
    lengths = np.array([len(one) for one in numbers])
    named, above = zip(*(entry for one in numbers for entry in one), strict=True)
    choice, choices = pd.factorize(np.array(named, dtype=object))
    row = np.flatnonzero(number >= 0)
    counts = lengths[number[row]]
    picked = ranges((np.cumsum(lengths) - lengths)[number[row]], counts)
    values = np.array(above, np.float64)[picked]
    ballot = np.where(number < 0, np.nan, number)
    return Entries(ballot, np.repeat(row, counts), choice.astype(np.intp)[picked], values, choices)


def _as_texts(values: pd.Series) -> pd.Series:
    """Write lists, which a user's own column may hold, as JSON."""
    if values.dtype != object:
        return values
    lists = (list, tuple, np.ndarray)
    texts = [json.dumps(list(one), default=str) if isinstance(one, lists) else one for one in values]
    return pd.Series(texts, values.index, object)


def ranks_in(text: Any) -> tuple[tuple[str, int], ...] | None:
    """Read one ranking: each choice, best first, and how many rank above it; None if it is none.

    Examples
    --------
    >>> ranks_in('["a", ["b", "c"], "d"]')
    (('a', 0), ('b', 1), ('c', 1), ('d', 3))
    >>> ranks_in('["a", "a"]')
    """
    try:
        ranks = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    if not isinstance(ranks, list) or not ranks:
        return None
    found: list[tuple[str, int]] = []
    for rank in ranks:
        equal = rank if isinstance(rank, list) else [rank]
        if not equal or any(one is None or isinstance(one, list | dict) for one in equal):
            return None
        found += [(key_text(one), len(found)) for one in equal]
    return tuple(found) if len({name for name, _ in found}) == len(found) else None


def scores_of(votes: pd.DataFrame) -> Entries | None:
    """Read scores; None where there is no usable one."""
    columns = _columns(votes, SCORE)
    own = [] if SCORE not in votes else [(None, SCORE)]
    return _numbers(votes, [*columns, *own], lambda values: np.isfinite(values))


def probabilities_of(votes: pd.DataFrame) -> Entries | None:
    """Read probabilities, of which each ballot's become 1 in all; None where there is no usable one."""
    found = _numbers(votes, _columns(votes, PROBABILITIES), lambda values: (values >= 0) & (values <= 1))
    if found is None:
        return None
    total = np.bincount(found.row, found.value, minlength=len(votes))
    some = total[found.row] > 0
    row = found.row[some]
    return Entries(
        np.where(total > 0, found.ballot, np.nan),
        row,
        found.choice[some],
        found.value[some] / total[row],
        found.choices,
    )


def _columns(votes: pd.DataFrame, path: str) -> list[tuple[str | None, str]]:
    """List the choices that have columns below a path, and the columns."""
    found: list[tuple[str | None, str]] = []
    for name in map(str, votes.columns):
        choice = _unquoted(name.removeprefix(f"{path}.")) if name.startswith(f"{path}.") else None
        if choice is not None:
            found.append((choice, name))
    return found


def _unquoted(step: str) -> str | None:
    """Read one step of a path, which is quoted where it has a dot; None if it is several."""
    if not step.startswith('"'):
        return None if "." in step or step == "*" else step
    try:
        return str(json.loads(step))
    except ValueError:
        return None


def _numbers(
    votes: pd.DataFrame, columns: Iterable[tuple[str | None, str]], valid: Callable[[Floats], Any]
) -> Entries | None:
    """Read numbers of choices, a column a choice; a column of no choice is of the vote's own."""
    names = [name for _, name in columns]
    if not names or votes[names].isna().all(axis=None):
        return None
    wrong = np.zeros(len(votes), bool)
    parts, taken = [], set[str]()
    for choice, name in columns:
        values, given = _floats(votes[name])
        with np.errstate(invalid="ignore"):
            wrong |= given & ~valid(values)
        row = np.flatnonzero(given)
        if choice is None:
            names.append("choice")
            row = row[votes["choice"].notna().to_numpy()[row]]
            parts.append((row, votes["choice"].to_numpy(dtype=object)[row], values[row]))
        else:
            parts.append((row, np.full(len(row), choice, dtype=object), values[row]))
            taken.add(choice)
    row = np.concatenate([part[0] for part in parts])
    code, choices = pd.factorize(np.concatenate([part[1] for part in parts]))
    value = np.concatenate([part[2] for part in parts])
    # The vote's own score comes last: that of its column, if there is one, says the same.
    order = np.argsort(row, kind="stable")
    order = order[~pd.DataFrame({"row": row, "choice": code}).iloc[order].duplicated().to_numpy()]
    order = order[~wrong[row[order]]]
    said = pd.factorize(pd.util.hash_pandas_object(votes[names], index=False))[0]
    there = np.bincount(row[order], minlength=len(votes)) > 0
    return Entries(
        np.where(there, said, np.nan), row[order], code.astype(np.intp)[order], value[order], choices
    )


def _floats(values: pd.Series) -> tuple[Floats, NDArray[np.bool_]]:
    """Return numbers, and where something was said: NaN there is no number."""
    given = values.notna().to_numpy()
    if values.dtype.kind == "b":
        return np.full(len(values), np.nan), given
    if values.dtype == object:
        values = values.map(lambda one: str(one) if isinstance(one, bool) else one)
    read = pd.to_numeric(values, errors="coerce")
    return read.to_numpy(dtype=np.float64, na_value=np.nan), given
