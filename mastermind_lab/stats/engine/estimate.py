"""A figure with its interval and the number of observations behind it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from .bootstrap import TAIL, Floats, interval
from .renamed import Renamed

SMALL_N = 10
"""Observations below which a share is only a rough guide, whatever its interval says."""


@dataclass(frozen=True)
class Estimate:
    """One figure, its 95% interval, and the n behind it.

    It goes wherever a number goes: ``float(estimate)`` is the value, and a format is that of a number, for
    the value and both ends. The interval is left out where there is none, and NaN is "not defined".

    Attributes
    ----------
    value
        The figure; NaN where nothing was observed.
    low, high
        Ends of the 95% interval, in the unit of the value; NaN where n is below 2.
    n
        Independent observations, usually decisions.

    Examples
    --------
    >>> from mastermind_lab.stats import Estimate
    >>> estimate = Estimate(0.7312, 0.7041, 0.7583, 2_000)
    >>> estimate
    0.731 (95% interval 0.704 to 0.758, n = 2,000)
    >>> f"{estimate:.2f}", f"{estimate:.0%}", float(estimate)
    ('0.73 (0.70 to 0.76)', '73% (70% to 76%)', 0.7312)
    """

    value: float
    low: float
    high: float
    n: int

    def __repr__(self) -> str:
        between = "no interval" if np.isnan(self.low) else f"95% interval {self.low:.3g} to {self.high:.3g}"
        few = ": too few to rely on" if self.small_n else ""
        return f"{self.value:.3g} ({between}, n = {self.n:,}{few})"

    def __float__(self) -> float:
        return float(self.value)

    def __format__(self, form: str) -> str:
        if not form:
            return repr(self)
        if np.isnan(self.value):
            return "not defined"
        value, low, high = (_unsigned_zero(format(end, form)) for end in (self.value, self.low, self.high))
        return value if np.isnan(self.low) else f"{value} ({low} to {high})"

    @property
    def small_n(self) -> bool:
        """Whether n is below 10: then the figure is a rough guide, whatever its interval says."""
        return self.n < SMALL_N

    thin = Renamed("small_n")


def _unsigned_zero(text: str) -> str:
    """Write what rounds to zero without a sign."""
    return text.replace("-", "", 1) if not any(digit in text for digit in "123456789") else text


def divided(top: Floats, bottom: Floats) -> Floats:
    """Divide; where there is nothing to divide by, there is no figure: NaN."""
    found: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    return found


def ratios(top: Floats, bottom: Floats, n: Floats) -> tuple[Floats, Floats, Floats]:
    """Divide sums by sums, replicate by replicate: means and other ratios with their intervals.

    Parameters
    ----------
    top, bottom
        Sums, shape (figures, 1 + replicates): the sum itself, then its bootstrap replicates.
    n
        Independent observations behind each figure, shape (figures,).

    Returns
    -------
    value, low, high
        Each of shape (figures,); NaN where the bottom is 0, the interval also where n is below 2.
    """
    ratio = divided(top, bottom)
    return (ratio[:, 0], *interval(ratio[:, 1:], n))


def shares(top: Floats, bottom: Floats, n: Floats) -> tuple[Floats, Floats, Floats]:
    """Divide as :func:`ratios` does, for shares: parts of a whole, from 0 to 1.

    Where all or none were counted every replicate agrees, which is not certainty. The interval then is the
    exact binomial one for n of n (Clopper and Pearson 1934): it reaches ``1 - 0.025 ** (1 / n)`` inwards.
    """
    value, low, high = ratios(top, bottom, n)
    reach = zero_count_bound(n)
    enough = n >= 2
    high = np.where((value <= 0) & enough, reach, high)
    low = np.where((value >= 1) & enough, 1 - reach, low)
    return value, low, high


def with_ends(**figures: tuple[Floats, Floats, Floats]) -> dict[str, Floats]:
    """Name the columns of figures and of the ends of their intervals: ``x``, ``x_low``, ``x_high``."""
    return {
        name + end: values
        for name, figure in figures.items()
        for end, values in zip(("", "_low", "_high"), figure, strict=True)
    }


def zero_count_bound(n: Floats) -> Floats:
    """Say how large a share may be of which nothing was seen in n observations: ``1 - 0.025 ** (1 / n)``."""
    most: Floats = 1 - TAIL ** (1 / np.maximum(n, 1))
    return most


def binomial(count: Floats, n: Floats) -> tuple[Floats, Floats, Floats]:
    """Divide counts of independent observations by their n, without replicates (Wilson 1927).

    Holds where n is small, and needs the sums alone: for shares of which there are many, each with few
    observations.

    Parameters
    ----------
    count, n
        Shape (figures,).

    Returns
    -------
    value, low, high
        Each of shape (figures,); NaN where n is 0, the interval also where n is below 2.
    """
    value = divided(count, n)
    z2, known = NormalDist().inv_cdf(TAIL) ** 2, np.maximum(n, 1)
    middle = (value + z2 / (2 * known)) / (1 + z2 / known)
    reach = np.sqrt(z2 * (value * (1 - value) / known + z2 / (4 * known**2))) / (1 + z2 / known)
    enough = n >= 2
    # At the ends the two are equal but for rounding.
    low, high = np.maximum(middle - reach, 0), np.minimum(middle + reach, 1)
    return value, np.where(enough, low, np.nan), np.where(enough, high, np.nan)
