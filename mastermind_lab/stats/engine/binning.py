"""Bins of confidence, and how far accuracy lies from confidence in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pandas as pd

from ...errors import OptionError
from .bootstrap import Floats
from .estimate import SMALL_N
from .histogram import STEPS, between_ranks
from .intervals import Figure, Intervals, divided, with_ends
from .sums import Codes

Binning = Literal["width", "quantile", "isotonic"]


@dataclass(frozen=True, eq=False)
class Bins:
    """One group's counts by confidence, and the bin that each confidence is in.

    Attributes
    ----------
    steps
        The confidences that were counted, in 1/2,000, rising: shape (confidences,).
    n, correct
        Shape (confidences, 1 + replicates): what was counted, then its bootstrap replicates.
    codes
        The number of the bin, different in each column: same shape.
    rising
        Whether accuracy cannot fall from one bin to the next.
    """

    steps: Codes
    n: Floats
    correct: Floats
    codes: Codes
    rising: bool = False

    @classmethod
    def of(cls, steps: Codes, n: Floats, correct: Floats, binning: Binning, bins: int) -> Bins:
        """Put confidences into bins.

        Equal widths and quantiles are the same in every replicate; isotonic blocks are found anew in each,
        for where they begin and end is part of what was estimated.
        """
        if binning == "isotonic" or not len(steps):
            return cls(steps, n, correct, blocks(correct, n), rising=True)
        place = _wide(steps, bins) if binning == "width" else _full(steps, n[:, 0], bins)
        return cls(steps, n, correct, place[:, None] + bins * np.arange(n.shape[1]))

    @cached_property
    def accuracy(self) -> Floats:
        """The share of right ones in each confidence's bin; NaN where the bin holds none."""
        return self._shared(self.correct)

    @cached_property
    def confidence(self) -> Floats:
        """The mean confidence in each confidence's bin; NaN where the bin holds none."""
        return self._shared(self.n * self.steps[:, None] / STEPS)

    def ece(self) -> Floats:
        """Return the mean distance of accuracy from confidence, shape (1 + replicates,)."""
        return self._mean(np.abs(self.accuracy - self.confidence))

    def mce(self) -> Floats:
        """Return the largest distance of accuracy from confidence in any bin."""
        gap = np.abs(self.accuracy - self.confidence)
        return self._known(np.where(self.n > 0, gap, 0).max(axis=0, initial=0))

    def calibration_loss(self) -> Floats:
        """Return the mean squared distance of accuracy from confidence."""
        return self._mean((self.accuracy - self.confidence) ** 2)

    def resolution(self) -> Floats:
        """Return the mean squared distance of the bins' accuracy from that of all."""
        return self._mean((self.accuracy - self._mean(self.accuracy)) ** 2)

    def table(self, made: Intervals, share: float) -> pd.DataFrame:
        """Return one row a bin: what it spans and holds, and its accuracy.

        Parameters
        ----------
        made
            How intervals are made.
        share
            How many independent observations one of n counts for.
        """
        starts = np.unique(self.codes[:, 0], return_index=True)[1]
        ends = np.append(starts[1:], len(self.steps))[: len(starts)] - 1
        n, accuracy = _summed(self.n[:, 0], starts), self._per_bin(self.accuracy, starts)
        found = made.shares(n[:, None] * np.nan_to_num(accuracy), n[:, None] * ~np.isnan(accuracy), n * share)
        if self.rising:
            # What bounds a block from below bounds those above it, too.
            low, high = np.fmax.accumulate(found.low), np.fmin.accumulate(found.high[::-1])[::-1]
            found = Figure.of(found.value, low, high, found.method)
        return pd.DataFrame(
            {
                "lowest": self.steps[starts] / STEPS,
                "highest": self.steps[ends] / STEPS,
                "n": n.astype(np.int64),
                "confidence": self._per_bin(self.confidence, starts)[:, 0],
                **with_ends(accuracy=found),
                "small_n": n * share < SMALL_N,
            }
        )

    def _per_bin(self, values: Floats, starts: Codes) -> Floats:
        """Average over each of the bins that were counted, in every replicate."""
        weight = self.n[:, :1]
        return _summed(weight * values, starts) / _summed(weight, starts)

    def _shared(self, values: Floats) -> Floats:
        """Divide the sum of a bin by its n, and give it to every confidence in the bin."""
        top, n = (
            np.bincount(self.codes.ravel(), what.ravel()).astype(np.float64) for what in (values, self.n)
        )
        shared: Floats = divided(top, n)[self.codes]
        return shared

    def _mean(self, values: Floats) -> Floats:
        """Average over all observations."""
        total = np.where(self.n > 0, self.n * values, 0).sum(axis=0)
        return self._known(total / np.maximum(self.n.sum(axis=0), 1))

    def _known(self, figure: Floats) -> Floats:
        return np.where(self.n.sum(axis=0) > 0, figure, np.nan)


def checked_bins(binning: str, bins: int) -> tuple[Binning, int]:
    """Return what bins were asked for, if there are such.

    Raises
    ------
    OptionError
        If the kind is unknown, or the number out of range; equal widths must divide 2,000.
    """
    kind = next((known for known in get_args(Binning) if known == binning), None)
    if kind is None:
        raise OptionError(f"binning is one of {', '.join(get_args(Binning))}, not {binning!r:.40}")
    if isinstance(bins, bool) or not isinstance(bins, int) or not 1 <= bins <= STEPS:
        raise OptionError(f"bins must be a whole number from 1 to {STEPS:,}, not {bins!r:.40}")
    if kind == "width" and STEPS % bins:
        raise OptionError(f"bins must divide {STEPS:,} evenly, like 10, 20 or 40; {bins!r} does not")
    return kind, bins


def _summed(values: Floats, starts: Codes) -> Floats:
    return np.add.reduceat(values, starts, axis=0) if len(starts) else values[:0]


def _wide(steps: Codes, bins: int) -> Codes:
    """Bins of equal width, closed on the right, the first on both sides."""
    return np.maximum(-(-steps * bins // STEPS) - 1, 0)


def _full(steps: Codes, n: Floats, bins: int) -> Codes:
    """Bins of about equal n, cut at the quantiles; equal confidences stay together."""
    counts = np.zeros(STEPS + 1)
    counts[steps] = n
    # Rounded, or an edge that lies on a step could fall short of it.
    edges = np.round(between_ranks(counts, np.arange(1, bins) / bins) * STEPS, 6)
    return np.searchsorted(edges, steps, side="left")


def blocks(top: Floats, weight: Floats) -> Codes:
    """Find the blocks of equal value of the isotonic regression of ``top / weight``, column by column.

    Pool adjacent violators (Ayer, Brunk, Ewing, Reid and Silverman 1955): point by point, what does not rise
    above the block before is pooled with it. All columns take each step at once.

    Parameters
    ----------
    top, weight
        Shape (points, columns), the weights not negative. A point without weight joins the block before it,
        the first ones the block behind.

    Returns
    -------
    array of int, shape (points, columns)
        Blocks are numbered upwards from 0 through all columns.
    """
    points, columns = weight.shape
    # Stacks of blocks so far: their sums and first points; a row below all others is never reached.
    tops, weights = np.zeros((points + 1, columns)), np.zeros((points + 1, columns))
    begins, height = np.zeros((points + 1, columns), dtype=np.intp), np.zeros(columns, dtype=np.intp)
    for point in range(points):
        fell = np.flatnonzero(weight[point] > 0)
        height[fell] += 1
        at = height[fell], fell
        tops[at], weights[at], begins[at] = top[point, fell], weight[point, fell], point
        while len(fell := _falling(tops, weights, height, fell)):
            at, below = (height[fell], fell), (height[fell] - 1, fell)
            tops[below] += tops[at]
            weights[below] += weights[at]
            height[fell] -= 1
    first = np.zeros((points, columns), dtype=np.bool_)
    rows, column = np.nonzero(
        (np.arange(points + 1)[:, None] > 1) & (np.arange(points + 1)[:, None] <= height)
    )
    first[begins[rows, column], column] = True
    first[:1] = True
    return (np.cumsum(first.T.ravel()) - 1).reshape(columns, points).T


def _falling(tops: Floats, weights: Floats, height: Codes, columns: Codes) -> Codes:
    """Return the columns whose last block does not rise above the one before."""
    columns = columns[height[columns] > 1]
    last, before = (height[columns], columns), (height[columns] - 1, columns)
    return columns[tops[last] * weights[before] <= tops[before] * weights[last]]
