"""Which voters met, how often they chose alike, and how often they would by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import OptionError
from .ballots import Ballots
from .bootstrap import Floats
from .input import TEXT
from .intervals import Figure
from .sums import Codes, GroupedSums, grouped, places

MOST_PAIRS = 500_000
"""Different pairs of voters who met: 1,000 voters who all met each other make as many."""


MOST_CHOICES = 200_000
"""Choices of pairs, in all, up to which chance is counted: 1,000 pairs that vote for 100 choices each."""


@dataclass(frozen=True, eq=False)
class PairChoices(GroupedSums):
    """How often either of two voters made a choice where both voted; beyond 200,000 rows nothing is kept."""

    def __add__(self, other: GroupedSums) -> PairChoices:
        return self._if_few(super().__add__(other))

    def rekey(self, keys: pd.DataFrame) -> PairChoices:
        """Put the pairs under other keys."""
        return self._if_few(super().rekey(keys))

    @classmethod
    def _if_few(cls, sums: GroupedSums) -> PairChoices:
        """Keep one row that says nothing where there are too many; it stays, so that any split says so."""
        keys, cells = sums.keys, sums.cells
        if len(keys) > MOST_CHOICES:
            keys, cells = keys.iloc[:1].reindex([-1]).reset_index(drop=True), np.full_like(cells[:1], np.nan)
        return cls(keys, sums.names, cells)


def pairs_of(ballots: Ballots, keys: pd.DataFrame) -> tuple[GroupedSums, PairChoices]:
    """Count how often two voters met, in how many decisions, how often alike, and what either chose then.

    With the ballots sorted by panel, everybody meets those who stand 1, 2, ... places further in the panel.
    """
    groups, group = grouped(keys)
    order = np.lexsort((ballots.voter, ballots.panel))
    panel, voter, choice = ballots.panel[order], ballots.voter[order], ballots.choice[order]
    rooms, many = group[panel], max(len(ballots.voters), 1)
    _, seat, votes = np.unique(panel * many + voter, return_inverse=True, return_counts=True)
    largest = int(np.bincount(panel).max(initial=0))
    refuse_too_many(largest * (largest - 1) // 2)
    found, chosen = [np.zeros((0, 4))], [np.zeros((0, 4))]
    for apart in range(1, largest):
        here = np.flatnonzero(panel[apart:] == panel[:-apart])
        pair = (rooms[here] * many + voter[here]) * many + voter[here + apart]
        codes, different = pd.factorize(pair)
        one, other = choice[here], choice[here + apart]
        part = 1 / _pairs_of_votes(votes, seat[here], seat[here + apart])
        found.append(_met(codes, different, np.ones(len(here)), part, one == other))
        chosen.append(_chosen(codes, different, one, other))
        if sum(map(len, found)) > 4 * MOST_PAIRS:
            found = [_added(found)]
        if sum(map(len, chosen)) > 4 * MOST_CHOICES:
            chosen = [_choices_added(chosen)]
    pair, n, decisions, alike = _added(found).T
    both, what, one, other = _choices_added(chosen).T

    def named(pairs: Floats) -> pd.DataFrame:
        room, *ends = np.unravel_index(pairs.astype(np.intp), (max(len(groups), 1), many, many))
        who = (pd.array(ballots.voters[places], dtype=TEXT) for places in ends)
        rows: pd.DataFrame = groups.iloc[np.asarray(room)]
        return rows.assign(**dict(zip(("voter", "other"), who, strict=True)))

    choices = pd.array(ballots.choices[what.astype(np.intp)], dtype=TEXT)
    margins = GroupedSums.of(named(both).assign(choice=choices), {"one": one, "other": other})
    counted = {"n": n, "decisions": np.rint(decisions), "agree": alike}
    return GroupedSums.of(named(pair), counted), PairChoices._if_few(margins)


def _pairs_of_votes(votes: Codes, one: Codes, other: Codes) -> Floats:
    """Say how many pairs of votes two seats of a decision have, or one seat with itself."""
    return np.asarray(votes[one] * np.where(one == other, (votes[one] - 1) / 2, votes[other]), np.float64)


def _met(codes: Codes, different: Codes, *counts: NDArray[Any]) -> Floats:
    """Add up what is counted of each pair, behind its number."""
    return np.column_stack([different, *(np.bincount(codes, one, len(different)) for one in counts)])


def with_chance(pairs: GroupedSums, choices: PairChoices) -> GroupedSums:
    """Add to each pair how often they would agree by chance, who differ; NaN where that is not known."""
    n, chance = pairs["n"][:, 0], np.full(len(pairs.keys), np.nan)
    if not np.isnan(choices.cells).any():
        both = choices["one"][:, 0] * choices["other"][:, 0]
        chance = np.bincount(places(choices.keys, pairs.keys), both, len(n)) / np.maximum(n, 1)
    chance[(pairs.keys["voter"] == pairs.keys["other"]).to_numpy()] = np.nan
    cells = np.append(pairs.cells, chance[:, None, None], axis=1)
    return GroupedSums(pairs.keys, (*pairs.names, "chance"), cells)


def cohen(agreement: Figure, chance: Floats) -> Figure:
    """Correct the agreement of two voters for chance (Cohen 1960), and its interval with it.

    Parameters
    ----------
    agreement
        The share in which both chose alike.
    chance
        The share in which they would by chance: 1, or NaN, has no kappa.
    """
    known = np.where(chance < 1 - _ROUNDING, 1 - chance, np.nan)
    value, low, high = (1 - (1 - end) / known for end in agreement[:3])
    return Figure.of(value, np.maximum(low, -1.0), high, agreement.method)


_ROUNDING = 1e-12


def _chosen(codes: Codes, pairs: Codes, one: Codes, other: Codes) -> Floats:
    """Count what either voter of each pair chose: pair, choice, of the one, of the other."""
    many = int(max(one.max(initial=0), other.max(initial=0))) + 1
    both = np.concatenate([codes * many + one, codes * many + other])
    place, different = pd.factorize(both)
    n = len(codes)
    counts = [np.bincount(part, minlength=len(different)) for part in (place[:n], place[n:])]
    return np.column_stack([pairs[different // many], different % many, *counts]).astype(np.float64)


def _choices_added(chosen: list[Floats]) -> Floats:
    """Add up what was found of each pair and choice; of too many, no more than tells that they are."""
    rows = np.concatenate(chosen)
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    rows = rows[order]
    starts = np.flatnonzero((np.diff(rows[:, :2], axis=0, prepend=-1) != 0).any(axis=1))
    if len(starts):
        rows = np.column_stack([rows[starts, :2], np.add.reduceat(rows[:, 2:], starts, axis=0)])
    return rows[: MOST_CHOICES + 1]


def _added(found: list[Floats]) -> Floats:
    """Add up what was found of each pair: pair, n, decisions, alike."""
    rows = np.concatenate(found)
    pairs, place = np.unique(rows[:, 0], return_inverse=True)
    refuse_too_many(len(pairs))
    return np.column_stack([pairs, *(np.bincount(place, values, len(pairs)) for values in rows.T[1:])])


def refuse_too_many(pairs: int) -> None:
    """Refuse what would take too much memory.

    Raises
    ------
    OptionError
        If there are more than 500,000 pairs.
    """
    if pairs > MOST_PAIRS:
        raise OptionError(
            f"agreement is counted for at most {MOST_PAIRS:,} pairs of voters, here are at least {pairs:,}: "
            "name voters by what they have in common, such as their role, or take the votes of fewer"
        )


def seriation(alike: Floats) -> list[int]:
    """Order things by how alike they are: average linkage (Sokal and Michener 1958).

    Parameters
    ----------
    alike
        Shape (things, things), symmetric; the diagonal does not matter.

    Returns
    -------
    list of int
        Their places; among equals the first come first.
    """
    rows = [[place] for place in range(len(alike))]
    link = alike.astype(np.float64)
    np.fill_diagonal(link, -np.inf)
    while len(rows) > 1:
        one, two = sorted(divmod(int(np.argmax(link)), len(rows)))
        sizes = len(rows[one]), len(rows[two])
        link[one] = link[:, one] = np.average(link[[one, two]], axis=0, weights=sizes)
        link[one, one] = -np.inf
        link = np.delete(np.delete(link, two, axis=0), two, axis=1)
        rows[one] = _joined(rows[one], rows.pop(two), alike)
    return rows[0] if rows else []


def _joined(one: list[int], two: list[int], alike: Floats) -> list[int]:
    """Join two rows at the ends that are most alike."""
    ways = [(left, right) for left in (one, one[::-1]) for right in (two, two[::-1])]
    left, right = max(ways, key=lambda way: alike[way[0][-1], way[1][0]])
    return left + right
