"""A figure with its interval and the number of observations behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
        Ends of the 95% interval, in the unit of the value; NaN where there is none, as where n is below 2.
    n
        Independent observations, usually decisions.
    method
        How the interval was made, such as ``"bootstrap"``; ``"none"`` where there is none.

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
    method: str = ""

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
