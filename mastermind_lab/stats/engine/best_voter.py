"""The best voter: chosen by the outcomes of one half of the decisions, and judged by those of the other half.

Who is chosen and judged by the same outcomes looks better than new decisions would show: of twenty equal
voters one was lucky.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from statistics import NormalDist

import numpy as np
import pandas as pd

from .bootstrap import Floats
from .sums import Codes, GroupedSums, grouped

HALF = "half of the decisions"
"""The column of keys that says in which fold a decision is, 0 or 1."""

# A voter decides wherever he votes.
_STANDS_FOR = {
    "decided": "n",
    "outcomes": "known",
    "judged_of_all": "judged",
    "gain_of_all": "gain",
}
QUANTITIES = ("n", "compared", "changed", "known", "right", "judged", "gain")
"""What is added up of each voter's votes in each half."""


def chosen(voters: GroupedSums, by: tuple[str, ...], low: Floats) -> Codes:
    """Return the row of the voter with the highest lower end, of each group and half that has one."""
    group = grouped(voters.keys[[*by, HALF]])[1]
    order = np.lexsort((-low, group))  # a NaN comes last
    first = order[np.unique(group[order], return_index=True)[1]]
    return first[~np.isnan(low[first])]


def in_other_half(voters: GroupedSums, rows: Codes) -> Codes:
    """Return the row of each voter's votes in the other half, -1 where there are none."""
    wanted = voters.keys.iloc[rows]
    codes = grouped(pd.concat([voters.keys, wanted.assign(**{HALF: 1 - wanted[HALF]})], ignore_index=True))[1]
    there = np.full(codes.max(initial=-1) + 1, -1, dtype=np.intp)
    many = len(voters.keys)
    there[codes[:many]] = np.arange(many)
    return there[codes[many:]]


def as_rule(voters: GroupedSums, rows: Codes, keys: pd.DataFrame, like: GroupedSums) -> GroupedSums:
    """Take some voters' votes for what a rule decided, with the quantities that other rules have.

    Parameters
    ----------
    rows
        Whose votes, and of which half; those with equal ``keys`` are added up.
    """
    votes = voters.take(rows)
    nothing = np.zeros((len(rows), voters.cells.shape[2]))
    sources = [_STANDS_FOR.get(name, name) for name in like.names]
    cells = [votes[name] if name in votes.names else nothing for name in sources]
    stacked = np.stack(cells, axis=1)
    return replace(votes, names=like.names, cells=stacked).rekey(keys.reset_index(drop=True))


def widening(voters: GroupedSums, by: tuple[str, ...], low: Floats, judged: Codes) -> Floats:
    """Say how much wider intervals must be of what two halves chose and judged for each other.

    Of equal voters the two halves sometimes choose the same one, who then was lucky in both: what they find
    correlates, by m^2 / (k - 1) where there are k voters and m is the expected largest of k normal numbers
    (Blom 1958). So the root of one more than that, 1.17 at most; where one voter is clearly the best this is
    too much.

    Parameters
    ----------
    low
        The lower end of each row: voters who have one can be chosen.
    judged
        The rows that are judged.

    Returns
    -------
    array, shape (groups that have such rows,)
    """
    group = grouped(voters.keys[list(by)])[1]
    there = ~np.isnan(low)
    voter = pd.Series(grouped(voters.keys[there][[*by, "voter"]])[1])
    k = voter.groupby(group[there]).nunique()[np.unique(group[judged])]
    return np.array([_widened_by(many) for many in k], dtype=np.float64)


def _widened_by(many: int) -> float:
    largest = NormalDist().inv_cdf((many - 0.375) / (many + 0.25))
    return sqrt(1 + largest**2 / max(many - 1, 1))
