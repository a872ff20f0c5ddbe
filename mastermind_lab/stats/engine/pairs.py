"""Which voters met, and how often they chose alike."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...errors import OptionError
from .ballots import Ballots
from .bootstrap import Floats
from .input import TEXT
from .sums import GroupedSums, grouped

MOST_PAIRS = 500_000
"""Different pairs of voters who met: 1,000 voters who all met each other make as many."""


def pairs_of(ballots: Ballots, keys: pd.DataFrame) -> GroupedSums:
    """Count how often two voters met, and how often they chose alike.

    With the ballots sorted by panel, everybody meets those who stand 1, 2, ... places further in the panel.
    """
    groups, group = grouped(keys)
    order = np.lexsort((ballots.voter, ballots.panel))
    panel, voter, choice = ballots.panel[order], ballots.voter[order], ballots.choice[order]
    rooms, many = group[panel], max(len(ballots.voters), 1)
    largest = int(np.bincount(panel).max(initial=0))
    refuse_too_many(largest * (largest - 1) // 2)
    found = [np.zeros((0, 3))]
    for apart in range(1, largest):
        here = np.flatnonzero(panel[apart:] == panel[:-apart])
        pair = (rooms[here] * many + voter[here]) * many + voter[here + apart]
        codes, different = pd.factorize(pair)
        alike = np.bincount(codes, choice[here] == choice[here + apart], minlength=len(different))
        found.append(np.column_stack([different, np.bincount(codes, minlength=len(different)), alike]))
        if sum(map(len, found)) > 4 * MOST_PAIRS:
            found = [_added(found)]
    pair, n, alike = _added(found).T
    room, one, other = np.unravel_index(pair.astype(np.intp), (max(len(groups), 1), many, many))
    who = (pd.array(ballots.voters[places], dtype=TEXT) for places in (one, other))
    rows: pd.DataFrame = groups.iloc[np.asarray(room)]
    return GroupedSums.of(
        rows.assign(**dict(zip(("voter", "other"), who, strict=True))), {"n": n, "agree": alike}
    )


def _added(found: list[Floats]) -> Floats:
    """Add up what was found of each pair: pair, n, alike."""
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
