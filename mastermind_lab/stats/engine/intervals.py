"""How an interval is made: the one place that gives a figure its ends, and says by which method."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import OptionError
from .bootstrap import Floats, Z, interval, student
from .estimate import SMALL_N, Estimate
from .families import bonferroni, critical_of, deviations, largest, level
from .input import TEXT

Names = NDArray[np.object_]
Bounds = tuple[float, float]

SHARE: Bounds = (0.0, 1.0)
"""Between what a share, a confidence or the mean of some lies."""

CHANGE: Bounds = (-1.0, 1.0)
"""Between what the difference of two such lies."""

FROM_0: Bounds = (0.0, np.inf)
UNBOUNDED: Bounds = (-np.inf, np.inf)

SIMULTANEOUS = "simultaneous"

NONE = "none"
BOOTSTRAP, SCORE, STUDENT, EXACT = "bootstrap", "score", "Student", "exact"

FEW, ENOUGH = 5, 15
"""Observations up to which a mean's interval is Student's, and from which on it is the bootstrap's."""

RARE, COMMON = 10, 30
"""The same of a share: how many of the rarer kind."""

EQUAL = 1e-9
"""Relative differences below this are rounding."""

_NOISE = 1.25  # no variance of 400 replicates is wrong by so much


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

    @property
    def is_exact(self) -> NDArray[np.bool_]:
        """Whether all observations were alike, so that replicates show nothing."""
        return np.array([str(method).startswith(EXACT) for method in self.method], dtype=np.bool_)

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

    def replaced(self, rows: NDArray[np.bool_], low: Floats, high: Floats, method: str | Names) -> Figure:
        """Give some of the groups another interval."""
        low, high = np.where(rows, low, self.low), np.where(rows, high, self.high)
        return Figure.of(self.value, low, high, np.where(rows, method, self.method))

    def widened(self, factor: Floats, bounds: Bounds) -> Figure:
        """Let the intervals reach so much further, within bounds."""
        low, high = (
            np.clip(self.value + factor * (end - self.value), *bounds) for end in (self.low, self.high)
        )
        return Figure.of(self.value, low, high, self.method)

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


def without_rounding(differences: Floats, size: Floats | float = 1.0) -> Floats:
    """Let differences be 0 that are but the rounding of numbers of that size."""
    return np.where(np.abs(differences) < EQUAL * size, 0.0, differences)


def zero_count_bound(n: Floats, z: float = Z) -> Floats:
    """Say how large a share may be of which nothing was seen in n observations: ``1 - 0.025 ** (1 / n)``.

    It is that for an end of a 95% interval, which reaches to z = 1.96 standard deviations of a normal one.
    """
    most: Floats = 1 - NormalDist().cdf(-z) ** (1 / np.maximum(n, 1))
    return most


@dataclass(frozen=True)
class Intervals:
    """How the intervals of a summary are made: an option that it holds.

    An interval holds its figure, always. ``method`` says how it was made:

    - ``"bootstrap"``: percentiles of the replicates;
    - ``"score"``: a share of which one kind is rare (Wilson 1927; Brown, Cai and DasGupta 2001), by the n
      that the variance of the replicates stands for where rows are no independent observations (Korn and
      Graubard 1998). Whatever the share, it holds the truth in 92% of samples or more;
    - ``"Student"``: a mean of 5 observations or fewer;
    - ``"exact"``: all were alike, so that replicates show nothing. What was not seen once in n observations
      may still be ``1 - 0.025 ** (1 / n)`` of all (Clopper and Pearson 1934), and lie at either bound: for
      shares of none or all it is the binomial interval. Where values differ, however little, their mean has
      one of the others, which know of nothing that was not seen: that of 20 confidences of 0.7 is 0.58 to
      0.75, and where one of them is 0.701 it is 0.7 to 0.7002;
    - ``"influence"``: what one decision more would change;
    - ``"definition"``: nothing else is possible;
    - ``"none"``: no interval.

    ``"score, bootstrap"`` and ``"Student, bootstrap"`` lie between the two: as the rarer kind grows from 10
    to 30, or n from 5 to 15, the weight passes from the one to the other, so that no figure jumps there.

    Attributes
    ----------
    kind
        ``"bootstrap"``: for one look at the figures; for many see
        :class:`~mastermind_lab.stats.engine.anytime.AtEveryLook`.
    family
        None: each interval by itself; ``"simultaneous"``: all figures that are made at once, a column of a
        table, hold together (:mod:`~mastermind_lab.stats.engine.families`).
    """

    kind: str = BOOTSTRAP
    family: str | None = None

    def __repr__(self) -> str:
        return ", ".join(filter(None, [self.kind, self.family]))

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be known of the intervals where they are shown."""
        return ("simultaneous intervals",) if self.family else ()

    @classmethod
    def of(cls, family: str | None) -> Self:
        """Check the options.

        Raises
        ------
        OptionError
            If there is no such family.
        """
        if family is not None and family != SIMULTANEOUS:
            raise OptionError(f"family is None or {SIMULTANEOUS!r}, not {family!r:.60}")
        return cls(family=family)

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
            NaN where the bottom is 0, the interval also where n is below 2, or where all were alike and
            bounds are not known.
        """
        values, error = divided(top, bottom), standard_error(top, bottom, n)
        z = self.level(values, n)
        found, reach = _percentiles(values, n, bounds, z), student(np.maximum(n, 2) - 1, z) * error
        few = _bounded(found.value, found.value - reach, found.value + reach, bounds, STUDENT)
        mean = _between(few, found, (n - FEW) / (ENOUGH - FEW))
        return self._named(_or_exact(mean.where(n >= 2), error, n, bounds, z))

    def shares(self, top: Floats, bottom: Floats, n: Floats) -> Figure:
        """Divide as :meth:`means` does, for shares: parts of a whole, from 0 to 1."""
        values, error = divided(top, bottom), standard_error(top, bottom, n)
        z = self.level(values, n)
        found, value = _percentiles(values, n, SHARE, z), np.clip(values[:, 0], 0, 1)
        effective = _effective(value, error, bottom, n, z)
        rarer, reach = effective * np.minimum(value, 1 - value), student(np.maximum(n, 2) - 1, z) * error
        # A few large clusters have many of either kind, and say little of how clusters spread.
        few = _bounded(value, value - reach, value + reach, SHARE, STUDENT)
        many = _between(few, found, (n - FEW) / (ENOUGH - FEW))
        share = _between(scored(value, effective, z), many, (rarer - RARE) / (COMMON - RARE))
        return self._named(_or_exact(share.where(n >= 2), error, n, SHARE, z))

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
            The interval is NaN where n is below 2, and where all replicates agree: they say nothing then.
        """
        values = without_rounding(values) if bounds == CHANGE else values
        return self._named(_percentiles(values, n, bounds, self.level(values, n)))

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
        z = Z if self.family is None else bonferroni(int(np.count_nonzero(n >= 2)))
        return self._named(scored(divided(count, n), n, z).where(n >= 2))

    def level(self, values: Floats, n: Floats) -> float:
        """Return to how many standard deviations the intervals of some figures reach."""
        some = (n >= 2) & ~np.isnan(values[:, 0])
        members = int(np.count_nonzero(some))
        if self.family is None or members < 2:
            return Z
        # Replicates of a few observations cannot lie far out, however few they are.
        if n[some].min() < SMALL_N:
            return bonferroni(members)
        return level(largest(*deviations(values[some])), members)

    def _named(self, found: Figure) -> Figure:
        """Say of intervals that they hold together."""
        if self.family is None:
            return found
        return found._replace(method=np.where(found.method == NONE, NONE, found.method + f", {self.family}"))


def _percentiles(values: Floats, n: Floats, bounds: Bounds, z: float) -> Figure:
    """Read intervals off the replicates; further out than these tell, ends are moved in proportion."""
    value, (low, high) = values[:, 0], interval(values[:, 1:], n)
    if z != Z:
        further = student(np.maximum(n, 2) - 1, z) / student(np.maximum(n, 2) - 1)
        # Of many percentiles some are too near by chance: the largest of many is not to hang on these.
        reach = critical_of(z, n) * deviations(values)[1]
        low = np.minimum(value + further * (low - value), value - reach)
        high = np.maximum(value + further * (high - value), value + reach)
    found = _bounded(value, np.minimum(low, value), np.maximum(high, value), bounds, BOOTSTRAP)
    return found.where(high - low > EQUAL * np.maximum(np.abs(low), np.abs(high)))


def standard_error(top: Floats, bottom: Floats, n: Floats) -> Floats:
    """Return that of ratios of sums, by the replicates' variance to first order; 0 where all are alike.

    Parameters
    ----------
    top, bottom
        Sums and their replicates, shape (figures, 1 + replicates).
    n
        Independent observations behind each, shape (figures,).
    """
    value, whole = divided(top[:, :1], bottom[:, :1]), np.where(bottom[:, :1] > 0, bottom[:, :1], np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        off = (top[:, 1:] - value * bottom[:, 1:]) / whole
        most = np.abs(off).max(axis=1, keepdims=True)
        scale = np.where(most > 0, most, 1)  # squares of large numbers would pass the largest float
        error = scale[:, 0] * np.sqrt(np.mean((off / scale) ** 2, axis=1) * n / np.maximum(n - 1, 1))
    found: Floats = np.where(error > EQUAL * np.abs(value[:, 0]), error, 0.0)
    return found


def _effective(share: Floats, error: Floats, bottom: Floats, n: Floats, z: float) -> Floats:
    """Say how many independent observations of nothing or all would tell as much of shares.

    No fewer than the n that are drawn, if these are alike in size, or what their sizes leave of them (Kish
    1965). What the replicates show beyond that counts where it is more than their noise, and allows for what
    a variance of few is worth (Korn and Graubard 1998).
    """
    sizes = divided(bottom[:, 1:], bottom[:, :1] + 0 * bottom[:, 1:]) - 1
    uneven = n * np.mean(sizes**2, axis=1)
    least = n / np.where(uneven > _NOISE, uneven, 1)
    few = (z / student(np.maximum(n, 2) - 1, z)) ** 2
    times = few * share * (1 - share) / np.maximum(error, 1e-150) ** 2 / np.maximum(least, 1e-9)
    beyond: Floats = least * np.maximum(1, np.minimum(times, 2 * times - 2 * _NOISE + 1))
    return beyond


def scored(value: Floats, n: Floats, z: float = Z) -> Figure:
    """Return the interval of shares that the score test of n observations does not reject.

    Where four or fewer are of one kind its end there is too near, and goes to that of a Poisson count of two
    or fewer (Brown, Cai and DasGupta 2001).
    """
    known = np.maximum(n, 1e-9)
    middle = (value + z**2 / (2 * known)) / (1 + z**2 / known)
    reach = np.sqrt(z**2 * (value * (1 - value) / known + (z / (2 * known)) ** 2)) / (1 + z**2 / known)
    low = _of_few(middle - reach, value * known, known, z)
    high = 1 - _of_few(1 - middle - reach, (1 - value) * known, known, z)
    return _bounded(value, low, high, SHARE, SCORE)


def _of_few(low: Floats, count: Floats, n: Floats, z: float) -> Floats:
    """Lower the end of a share of a few to that of a Poisson count (Wilson and Hilferty 1931)."""
    some, one_sided = np.maximum(count, 1e-9), NormalDist().inv_cdf(2 * NormalDist().cdf(z) - 1)
    poisson = some * np.maximum(0, 1 - 1 / (9 * some) - one_sided / (3 * np.sqrt(some))) ** 3 / n
    lowered: Floats = low - np.clip((4 - count) / 2, 0, 1) * np.maximum(0, low - poisson)
    return lowered


def _bounded(value: Floats, low: Floats, high: Floats, bounds: Bounds, method: str) -> Figure:
    """Keep an interval within bounds, but around its figure, whatever the rounding."""
    low = np.minimum(np.maximum(low, bounds[0]), value)
    return Figure.of(value, low, np.maximum(np.minimum(high, bounds[1]), value), method)


def _between(few: Figure, many: Figure, weight: Floats) -> Figure:
    """Pass from one interval to another, where it is there, as a weight goes from 0 to 1."""
    part = np.where(np.isnan(many.low), 0, np.clip(weight, 0, 1))
    low, high = (
        one * (1 - part) + np.where(part > 0, other, 0) * part
        for one, other in ((few.low, many.low), (few.high, many.high))
    )
    both = np.where(part < 1, few.method + ", " + many.method, many.method)
    return Figure.of(many.value, low, high, np.where(part > 0, both, few.method))


def _or_exact(found: Figure, error: Floats, n: Floats, bounds: Bounds, z: float) -> Figure:
    """Where all were alike, say what n observations may have missed, if that is bounded."""
    alike, (lowest, highest) = (error == 0) & (n >= 2), bounds
    if not np.isfinite(bounds).all():
        return found.where(~alike)
    missed, value = zero_count_bound(n, z), found.value
    return found.replaced(alike, value - missed * (value - lowest), value + missed * (highest - value), EXACT)
