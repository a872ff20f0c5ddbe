"""Many intervals at once: how far they must reach so that all of them hold together.

Of twenty intervals of 95% one leaves out the truth. In each bootstrap replicate all rows of a table are made
of the same draws, so that the largest of their deviations, each in units of its own spread, has a
distribution, too: the intervals that reach to its 95% point hold together (max-t: Westfall and Young 1993;
Romano and Wolf 2005). Where rows depend on each other they reach less far than those of Bonferroni, and never
further.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from .bootstrap import TAIL, Floats, Z, student


def bonferroni(members: int) -> float:
    """Return to how many standard deviations so many intervals must reach, whatever they have in common."""
    return -NormalDist().inv_cdf(TAIL / max(members, 1))


def deviations(values: Floats) -> tuple[Floats, Floats]:
    """Return how far each replicate lies from its figure, and the root of the mean square of that.

    Parameters
    ----------
    values
        Shape (figures, 1 + replicates); a replicate that is NaN, for it drew nothing, says nothing.
    """
    away = values[:, 1:] - values[:, :1]
    known = ~np.isnan(away)
    away = np.where(known, away, 0.0)
    return away, np.sqrt((away**2).sum(axis=1) / np.maximum(np.count_nonzero(known, axis=1), 1))


def largest(away: Floats, deviation: Floats) -> Floats:
    """Return in each replicate the largest deviation, in units of its own.

    Parameters
    ----------
    away
        Replicates less the figure, shape (figures, replicates).
    deviation
        The standard deviation of each figure; those of 0 or infinity are left out.
    """
    some = (deviation > 0) & np.isfinite(deviation)
    most: Floats = np.max(np.abs(away[some]) / deviation[some, None], axis=0, initial=0.0)
    return most


def level(most: Floats, members: int) -> float:
    """Return the standard deviations to which normal intervals must reach so that all hold together.

    Parameters
    ----------
    most
        The largest deviation in each replicate.
    members
        How many intervals there are.
    """
    return float(min(max(np.quantile(most, 1 - 2 * TAIL), Z), bonferroni(members)))


def critical(most: Floats, members: int, n: Floats) -> Floats:
    """Return the same for each n: Student's, which reaches further where there are few observations."""
    df = np.maximum(n, 2) - 1
    further: Floats = np.sqrt(1 + 1 / df) * student(df, level(most, members))
    return further
