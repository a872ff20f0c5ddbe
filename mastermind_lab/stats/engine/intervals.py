"""How an interval is made: the one place that gives a figure its ends, and says by which method."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import OptionError
from .anytime import confidence_sequence
from .bootstrap import TAIL, Floats, interval
from .estimate import Estimate
from .input import TEXT

Names = NDArray[np.object_]
Bounds = tuple[float, float]

SHARE: Bounds = (0.0, 1.0)
"""Between what a share, a confidence or the mean of some lies."""

CHANGE: Bounds = (-1.0, 1.0)
"""Between what the difference of two such lies."""

FROM_0: Bounds = (0.0, np.inf)
UNBOUNDED: Bounds = (-np.inf, np.inf)

NONE = "none"
BOOTSTRAP, SCORE, EXACT, ANYTIME = "bootstrap", "score", "exact", "anytime"


class Figure(NamedTuple):
    """One figure of each group, with its 95% interval and how that was made.

    Attributes
    ----------
    value, low, high
        Each of shape (groups,); NaN where there is none.
    method
        A text for each group; ``"none"`` where there is no interval.
    """

    value: Floats
    low: Floats
    high: Floats
    method: Names

    @classmethod
    def of(cls, value: Floats, low: Floats, high: Floats, method: str | Names) -> Figure:
        """Put a figure together; where an end is missing there is no interval, whatever the method."""
        there = ~(np.isnan(value) | np.isnan(low) | np.isnan(high))
        named = np.where(there, np.asarray(method, dtype=object), NONE).astype(object)
        return cls(value, np.where(there, low, np.nan), np.where(there, high, np.nan), named)

    @classmethod
    def single(cls, value: float, low: float, high: float, method: str) -> Figure:
        """Put the figure of a single group together."""
        return cls.of(np.array([value]), np.array([low]), np.array([high]), method)

    @classmethod
    def stacked(cls, figures: list[Figure]) -> Figure:
        """Put figures one below the other."""
        empty = cls(np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=object))
        return cls(*(np.concatenate(ends) for ends in zip(empty, *figures, strict=True)))

    def take(self, rows: NDArray[np.intp]) -> Figure:
        """Return some of the groups."""
        return Figure(self.value[rows], self.low[rows], self.high[rows], self.method[rows])

    def where(self, known: NDArray[np.bool_]) -> Figure:
        """Leave the interval out where it is not known."""
        low, high = (np.where(known, end, np.nan) for end in (self.low, self.high))
        return Figure.of(self.value, low, high, self.method)

    def defined(self, there: NDArray[np.bool_]) -> Figure:
        """Leave the value out, too, where there is none."""
        return Figure.of(np.where(there, self.value, np.nan), self.low, self.high, self.method)

    def replaced(self, rows: NDArray[np.bool_], low: Floats, high: Floats, method: str) -> Figure:
        """Give some of the groups another interval."""
        low, high = np.where(rows, low, self.low), np.where(rows, high, self.high)
        return Figure.of(self.value, low, high, np.where(rows, method, self.method))

    def estimate(self, n: Floats | float) -> Estimate:
        """Return the first group's; where there is none, nothing was observed."""
        if not len(self.value):
            return Estimate(float("nan"), float("nan"), float("nan"), 0, NONE)
        value, low, high = (float(end[0]) for end in (self.value, self.low, self.high))
        return Estimate(value, low, high, int(np.ravel(n)[0]), str(self.method[0]))


def with_ends(**figures: Figure) -> dict[str, Any]:
    """Name the columns of figures and of their intervals: ``x``, ``x_low``, ``x_high``, ``x_method``."""
    columns: dict[str, Any] = {}
    for name, (value, low, high, method) in figures.items():
        columns |= {name: value, f"{name}_low": low, f"{name}_high": high}
        columns[f"{name}_method"] = pd.array(method, dtype=TEXT)
    return columns


def divided(top: Floats, bottom: Floats) -> Floats:
    """Divide; where there is nothing to divide by, there is no figure: NaN."""
    found: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    return found


def zero_count_bound(n: Floats) -> Floats:
    """Say how large a share may be of which nothing was seen in n observations: ``1 - 0.025 ** (1 / n)``."""
    most: Floats = 1 - TAIL ** (1 / np.maximum(n, 1))
    return most


@dataclass(frozen=True)
class Intervals:
    """How the intervals of a summary are made: an option that it holds.

    Attributes
    ----------
    kind
        ``"bootstrap"``: for one look at the figures. ``"anytime"``: for as many as one likes, while decisions
        come in; for means of observations with known bounds, where no others have an interval.
    family
        None: each interval by itself.
    """

    kind: str = BOOTSTRAP
    family: str | None = None

    @classmethod
    def asked(cls, interval: str, cluster: tuple[str, ...], **options: Any) -> Intervals:
        """Return how intervals are made that are asked for.

        Raises
        ------
        OptionError
            If they are of no kind that is known, or are to hold at every look and for clusters.
        """
        if interval not in (BOOTSTRAP, ANYTIME):
            raise OptionError(f"interval={interval!r:.40}: expected {BOOTSTRAP!r} or {ANYTIME!r}")
        if interval == ANYTIME and cluster:
            raise OptionError(
                "interval='anytime' takes each decision for one observation, and cluster= says that they are "
                "not: leave one of the two out"
            )
        return cls(interval, **options)

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be known of the intervals where they are shown."""
        return ("95% intervals hold at every look",) if self.kind == ANYTIME else ()

    def means(self, top: Floats, bottom: Floats, n: Floats, bounds: Bounds = UNBOUNDED) -> Figure:
        """Divide sums by sums, replicate by replicate: means and other ratios.

        Parameters
        ----------
        top, bottom
            Sums, shape (figures, 1 + replicates): the sum itself, then its bootstrap replicates.
        n
            Independent observations behind each figure, shape (figures,).
        bounds
            Between what each observation lies.

        Returns
        -------
        Figure
            NaN where the bottom is 0, the interval also where n is below 2.
        """
        if self.kind == ANYTIME:
            return _at_every_look(top[:, 0], bottom[:, 0], n, bounds)
        return self.figures(divided(top, bottom), n, bounds)

    def shares(self, top: Floats, bottom: Floats, n: Floats) -> Figure:
        """Divide as :meth:`means` does, for shares: parts of a whole, from 0 to 1.

        Where all or none were counted every replicate agrees, which is not certainty. The interval then is
        the exact binomial one for n of n (Clopper and Pearson 1934): it reaches ``1 - 0.025 ** (1 / n)``
        inwards.
        """
        found = self.means(top, bottom, n, SHARE)
        if self.kind == ANYTIME:
            return found
        none, every, enough = found.value <= 0, found.value >= 1, n >= 2
        low = np.where(every, 1 - zero_count_bound(n), found.low)
        high = np.where(none, zero_count_bound(n), found.high)
        return found.replaced((none | every) & enough, low, high, EXACT)

    def figures(self, values: Floats, n: Floats, bounds: Bounds = UNBOUNDED) -> Figure:
        """Take figures that were worked out of every replicate.

        Parameters
        ----------
        values
            Shape (figures, 1 + replicates).
        n
            Independent observations behind each figure, shape (figures,).
        bounds
            Between what the figures lie.

        Returns
        -------
        Figure
            Without an interval where that should hold at every look: replicates are made for one.
        """
        if self.kind == ANYTIME:
            return Figure.of(values[:, 0], values[:, 0] * np.nan, values[:, 0] * np.nan, NONE)
        return Figure.of(values[:, 0], *interval(values[:, 1:], n), BOOTSTRAP)

    def binomial(self, count: Floats, n: Floats) -> Figure:
        """Divide counts of independent observations by their n, without replicates (Wilson 1927).

        Holds where n is small, and needs the sums alone: for shares of which there are many, each with few
        observations.

        Parameters
        ----------
        count, n
            Shape (figures,).

        Returns
        -------
        Figure
            NaN where n is 0, the interval also where n is below 2.
        """
        if self.kind == ANYTIME:
            return _at_every_look(count, n, n, SHARE)
        value = divided(count, n)
        z2, known = NormalDist().inv_cdf(TAIL) ** 2, np.maximum(n, 1)
        middle = (value + z2 / (2 * known)) / (1 + z2 / known)
        reach = np.sqrt(z2 * (value * (1 - value) / known + z2 / (4 * known**2))) / (1 + z2 / known)
        # At the ends the two are equal but for rounding.
        low, high = np.maximum(middle - reach, 0), np.minimum(middle + reach, 1)
        return Figure.of(value, low, high, SCORE).where(n >= 2)


def _at_every_look(total: Floats, count: Floats, n: Floats, bounds: Bounds) -> Figure:
    """Divide sums by counts, with an interval that holds however often one looks.

    There is none where the observations have no bounds, or are not what is counted, as where a decision has
    several votes and the share is one of these.
    """
    (least, most), value = bounds, divided(total, count)
    if not np.isfinite(most - least):
        return Figure.of(value, value * np.nan, value * np.nan, NONE)
    low, high = confidence_sequence((total - least * n) / (most - least), n)
    low, high = (least + (most - least) * end for end in (low, high))
    return Figure.of(value, low, high, ANYTIME).where((count == n) & (n >= 2))
