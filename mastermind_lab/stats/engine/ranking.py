"""Tables of many things that are compared: figures drawn towards their mean, ranks, and in which order.

Of many figures the highest and the lowest are those of things with few observations.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .bootstrap import Floats
from .families import critical, deviations, largest
from .intervals import BOOTSTRAP, Figure
from .options import check_whole
from .sums import Codes

FEWEST = 3
"""Things from which on figures are drawn towards their mean: with two it is not known how far they differ."""

MOST_RANKED = 1_000
"""Things of one group whose ranks have intervals: each is compared with each other one."""

_DIGITS = 12  # beyond them two orders of adding differ


def shrunk(value: Floats, n: Floats, variance: Floats, group: Codes) -> Floats:
    """Draw the figures of each group towards their mean (Efron and Morris 1975).

    Observations are taken to vary alike within each thing, by the pooled variance: that of a thing with few
    is hardly known. The variance between things is that by moments (DerSimonian and Laird 1986). A figure of
    n observations then counts for n, and the mean for as many as variance within / variance between.

    Parameters
    ----------
    value
        Shape (things,), none NaN.
    n
        Independent observations behind each, above 0.
    variance
        Of each figure: within / n.
    group
        The group of each.
    """
    found = value.copy()
    for one in np.unique(group):
        rows = group == one
        if np.count_nonzero(rows) >= FEWEST:
            found[rows] = _towards_mean(value[rows], n[rows], variance[rows])
    return found


def _towards_mean(value: Floats, n: Floats, variance: Floats) -> Floats:
    within, mean = pooled(n, variance), np.average(value, weights=n)
    spread = (n * (value - mean) ** 2).sum() - (len(n) - 1) * within
    between = max(spread / (n.sum() - (n**2).sum() / n.sum()), 0)
    if within == 0:
        return value
    if between == 0:
        return np.full(len(value), mean)
    weight = n / (n + within / between)
    towards: Floats = weight * value + (1 - weight) * np.average(value, weights=weight)
    return towards


def pooled(n: Floats, variance: Floats) -> float:
    """Return the variance of one observation, pooled over things with several."""
    several = n >= 2
    if not several.any():
        return 0.0
    return float((n**2 * variance)[several].sum() / (n - 1)[several].sum())


def ranks(values: Floats, order_by: Floats, n: Floats, group: Codes, together: bool) -> Figure:
    """Rank the things of each group, with confidence sets (Mogstad, Romano, Shaikh and Wilhelm 2024).

    Parameters
    ----------
    values
        The figures and their replicates, shape (things, 1 + replicates).
    order_by
        Shape (things,): what they are ranked by, the highest first.
    n
        Independent observations behind each.
    group
        The group of each.
    together
        Whether all sets of a group are to hold together, and not each by itself.

    Returns
    -------
    Figure
        Of each thing; equal ones share the better rank.
    """
    found = np.full((3, len(values)), np.nan)
    for one in np.unique(group):
        rows = np.flatnonzero(group == one)
        keys = order_by[rows].round(_DIGITS)
        rank = 1.0 + np.searchsorted(np.sort(-keys), -keys)
        found[0, rows] = rank
        if len(rows) <= MOST_RANKED:
            low, high = _bounds(values[rows], n[rows], together)
            found[1:, rows] = np.minimum(low, rank), np.maximum(high, rank)
    return Figure.of(found[0], found[1], found[2], BOOTSTRAP)


def _bounds(values: Floats, n: Floats, together: bool) -> tuple[Floats, Floats]:
    """Count from how many a thing is told apart, for sure above it and for sure below it."""
    value, many = values[:, 0], len(values)
    away, deviation = deviations(values)
    # What a few observations alike say of their variance is not believed: one more might be of another kind.
    least = np.maximum(pooled(n, deviation**2), (n + 1) / (n + 2) ** 2) / n
    least = np.maximum(least, deviation**2)
    alike = away @ away.T / away.shape[1]
    np.fill_diagonal(alike, np.inf)
    apart = np.sqrt(np.maximum(least + least[:, None] - 2 * alike, 0))
    most = [largest(away - away[place], apart[place]) for place in range(many)]
    if together:
        most, members = [np.max(most, axis=0)] * many, many * (many - 1) // 2
    else:
        members = many - 1
    low, high = np.ones(many), np.full(many, float(many))
    for place in range(many):
        reach = critical(most[place], members, np.minimum(n, n[place])) * apart[place]
        difference = value - value[place]
        difference[place] = 0.0
        low[place] += np.count_nonzero(difference > reach)
        high[place] -= np.count_nonzero(difference < -reach)
    return low, high


def by_what_is_known(table: pd.DataFrame, known: str, n: Floats, group: Codes, min_n: int) -> pd.DataFrame:
    """Mark rows of few observations, and sort: within a group those last, the others by what is known.

    Parameters
    ----------
    table
        One row a thing.
    known
        The column to sort by, the highest first; what is equal there is sorted by n.
    n
        Independent observations behind each row.
    group
        The group of each row, in the order in which the groups stand.
    min_n
        Observations below which a row is marked.

    Raises
    ------
    OptionError
        If it is no whole number from 0.
    """
    check_whole("min_n", min_n, 0)
    few = n < min_n
    order = np.lexsort((-n, -table[known].to_numpy().round(_DIGITS), few, group))
    return table.assign(small_n=few, min_n=min_n).iloc[order].reset_index(drop=True)
