"""A sum of deviations from the mean of a baseline, and the limit that it seldom passes if nothing changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Floats
from .intervals import without_rounding
from .timebins import in_turn

STRETCHES, LEAST_STRETCHES = 10, 8
"""Into how many stretches a baseline is cut to see how much it varies, and how many it has at least."""

LIMIT = 2.75
"""Standard deviations of a baseline's sum: by simulation, for ten stretches."""


@dataclass(frozen=True)
class Cusum:
    """The way of one sum.

    Attributes
    ----------
    mean
        That of the baseline.
    n, total, limit
        Shape (bins after the baseline,): the observations up to where each bin ends, the sum of their
        deviations, and what that must not pass; NaN where the baseline is too short, or does not vary.
    """

    mean: float
    n: Floats
    total: Floats
    limit: Floats

    @classmethod
    def of(cls, n: Floats, sums: Floats, in_baseline: NDArray[np.bool_]) -> Cusum:
        """Follow the bins of one group in the order of time.

        Parameters
        ----------
        n, sums
            Observations in each bin, 1 or more, and their sum: shape (bins,).
        in_baseline
            Which bins are the baseline.
        """
        first, later = n[in_baseline], np.cumsum(n[~in_baseline])
        many = first.sum()
        mean = sums[in_baseline].sum() / many if many else np.nan
        spread = _spread(first, sums[in_baseline], mean)
        total = without_rounding(np.cumsum(sums[~in_baseline]) - later * mean, later)
        with np.errstate(divide="ignore", invalid="ignore"):
            limit = LIMIT * spread * np.sqrt(many) * (1 + later / many)
        return cls(float(mean), later, total, limit)

    @property
    def alarm(self) -> int | None:
        """The bin after the baseline in which the sum first passes its limit; None where it never does."""
        passed = np.flatnonzero(np.abs(self.total) > self.limit)
        return int(passed[0]) if len(passed) else None

    @property
    def ends(self) -> tuple[float, float]:
        """The sum and its limit at the end; 0 where nothing came after the baseline."""
        return (float(self.total[-1]), float(self.limit[-1])) if len(self.total) else (0.0, np.nan)

    @property
    def since(self) -> int:
        """The bins until the sum left for its alarm: where it is farthest from a straight way there."""
        at = self.alarm or 0
        straight = self.total[at] * self.n[:at] / self.n[at]
        behind = (self.total[:at] - straight) * np.sign(self.total[at])
        return int(np.argmin(np.append(0.0, behind)))


def _spread(n: Floats, sums: Floats, mean: float) -> float:
    """Say how much a single observation varies, as the means of stretches of several show it; else NaN."""
    if not len(n):
        return np.nan
    stretch = in_turn(n, np.zeros(len(n), dtype=np.intp), n.sum() / STRETCHES)
    many = np.bincount(stretch, n)
    squares = (np.bincount(stretch, sums) - many * mean) ** 2 / many
    spread = float(np.sqrt(squares.sum() / max(len(many) - 1, 1)))
    # Below the rounding of the sums, equal values would seem to vary.
    return spread if len(many) >= LEAST_STRETCHES and spread > 1e-9 else np.nan
