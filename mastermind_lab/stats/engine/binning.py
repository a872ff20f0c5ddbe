"""Bins of confidence, and how far accuracy lies from confidence in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pandas as pd

from ...errors import OptionError
from .bootstrap import TAIL, Floats
from .estimate import SMALL_N
from .histogram import STEPS, check_bins
from .intervals import Figure, Intervals, divided, with_ends
from .options import check_whole
from .sums import Codes

Binning = Literal["width", "quantile", "isotonic"]

SIMULATED = 400
"""Calibrated forecasters that a diagram is compared with."""

_SEED = 20_070_601


@dataclass(frozen=True, eq=False)
class Bins:
    """One group's counts by confidence, and the bin that each confidence is in.

    Attributes
    ----------
    values
        The confidences that were counted, rising: shape (confidences,).
    n, correct
        Shape (confidences, 1 + replicates): what was counted, then its bootstrap replicates.
    codes
        The number of the bin, different in each column: same shape.
    rising
        Whether accuracy cannot fall from one bin to the next.
    """

    values: Floats
    n: Floats
    correct: Floats
    codes: Codes
    rising: bool = False

    @classmethod
    def of(cls, values: Floats, wide: Codes, n: Floats, correct: Floats, binning: Binning, bins: int) -> Bins:
        """Put confidences into bins; ``wide`` says in which bin of equal width each is.

        Equal widths and quantiles are the same in every replicate; isotonic blocks are found anew in each,
        for where they begin and end is part of what was estimated.
        """
        if binning == "isotonic" or not len(values):
            return cls(values, n, correct, blocks(correct, n), rising=True)
        place = wide if binning == "width" else _full(values, n[:, 0], bins)
        if binning == "width":
            # The middle of a step may lie beyond the edge that ends it.
            values = np.clip(values, wide / bins, (wide + 1) / bins)
        return cls(values, n, correct, place[:, None] + bins * np.arange(n.shape[1]))

    @cached_property
    def accuracy(self) -> Floats:
        """The share of right ones in each confidence's bin; NaN where the bin holds none."""
        return self._shared(self.correct)

    @cached_property
    def confidence(self) -> Floats:
        """The mean confidence in each confidence's bin; NaN where the bin holds none."""
        return self._shared(self.n * self.values[:, None])

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

    def chance(self, share: float) -> Floats:
        """Return what chance adds to the mean squared distance: mean accuracy (1 - accuracy) / (n - 1)."""
        if self.rising:
            return np.full(self.n.shape[1], np.nan)
        n = np.bincount(self.codes.ravel(), self.n.ravel())[self.codes] / self._inflation(share)
        spread = np.nan_to_num(self.accuracy * (1 - self.accuracy))
        return self._mean(np.where(n < 2, 0, spread / np.maximum(n - 1, 1)))

    def noise(self, share: float) -> float:
        """Return the mean ECE of calibrated forecasters who are as sure."""
        if not len(self.values):
            return np.nan
        return float(self._calibrated.ece().mean() * np.sqrt(self._inflation(share)))

    def small(self, share: float) -> int:
        """Say how many bins hold fewer observations than a figure should stand on."""
        n = np.bincount(self.codes[:, 0], self.n[:, 0])
        return int(np.count_nonzero((n > 0) & (n * share < SMALL_N)))

    @cached_property
    def _calibrated(self) -> Bins:
        """Simulate forecasters who are as sure, and right as often as they say; always the same."""
        n = np.repeat(self.n[:, :1], SIMULATED, axis=1)
        drawn = np.random.default_rng(_SEED).binomial(n.astype(np.int64), self.values[:, None])
        correct = drawn.astype(np.float64)
        first = self.codes[:, :1]
        apart = first + (first.max(initial=0) + 1) * np.arange(SIMULATED)
        codes = blocks(correct, n) if self.rising else apart
        return replace(self, n=n, correct=correct, codes=codes)

    def _inflation(self, share: float) -> float:
        starts = np.unique(self.codes[:, 0], return_index=True)[1]
        return inflation(_summed(self.correct, starts), _summed(self.n, starts), share)

    def _consistent(self, starts: Codes, share: float) -> Figure:
        """Return the accuracy of calibrated forecasters in each bin, and between what 95% of them lie."""
        found = self._calibrated._per_bin(self._calibrated.accuracy, starts)
        middle = found.mean(axis=1) if self.rising else self._per_bin(self.confidence, starts)[:, 0]
        ranked, last = np.sort(found, axis=1), SIMULATED - 1
        low, high = ranked[:, int(TAIL * last)], ranked[:, last - int(TAIL * last)]
        # Observations that hang together stray further.
        further = np.sqrt(self._inflation(share))
        low, high = (middle + (end - middle) * further for end in (low, high))
        low, high = np.clip(low, 0, middle), np.clip(high, middle, 1)
        return Figure.of(middle, low, high, "simulation")

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
        ends = np.append(starts[1:], len(self.values))[: len(starts)] - 1
        n, accuracy = _summed(self.n[:, 0], starts), self._per_bin(self.accuracy, starts)
        found = made.shares(n[:, None] * np.nan_to_num(accuracy), n[:, None] * ~np.isnan(accuracy), n * share)
        if self.rising:
            # What bounds a block from below bounds those above it, too.
            low, high = np.fmax.accumulate(found.low), np.fmin.accumulate(found.high[::-1])[::-1]
            found = Figure.of(found.value, low, high, found.method)
        bins = np.arange(len(starts)) if self.rising else self.codes[starts, 0]
        return pd.DataFrame(
            {
                "bin": bins.astype(np.int64),
                "lowest": self.values[starts],
                "highest": self.values[ends],
                "n": n.astype(np.int64),
                "confidence": self._per_bin(self.confidence, starts)[:, 0],
                **with_ends(accuracy=found, calibrated=self._consistent(starts, share)),
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
    if kind == "width":
        check_bins(bins)
    else:
        check_whole("bins", bins, 1, STEPS)
    return kind, bins


def inflation(correct: Floats, n: Floats, share: float) -> float:
    """Say how many times the variance of accuracies is what that of independent observations would be.

    By the replicates, to first order, and all bins together; 1 where observations are independent.

    Parameters
    ----------
    correct, n
        Shape (bins, 1 + replicates).
    share
        How many independent observations one of n counts for, at least.
    """
    accuracy = divided(correct[:, :1], n[:, :1])
    alone = np.nansum(accuracy * (1 - accuracy))
    if share >= 1 or alone == 0:
        return 1.0
    off = (correct[:, 1:] - accuracy * n[:, 1:]) ** 2
    together = np.nansum(off.mean(axis=1, keepdims=True) / np.maximum(n[:, :1], 1))
    return float(np.clip(together / alone, 1, 1 / share))


def _summed(values: Floats, starts: Codes) -> Floats:
    return np.add.reduceat(values, starts, axis=0) if len(starts) else values[:0]


def wide(confidence: Floats, bins: int) -> Codes:
    """Bins of equal width, closed on the right, the first on both sides."""
    # Rounded, for 0.1 + 0.2 is on the edge 0.3.
    return np.maximum(np.ceil(np.round(confidence * bins, 12)).astype(np.intp) - 1, 0)


def _full(values: Floats, n: Floats, bins: int) -> Codes:
    """Bins of about equal n, cut at the quantiles; equal confidences stay together."""
    upto = np.cumsum(n)
    # Rounded, or what is a whole rank could fall short of it.
    rank = np.round(np.arange(1, bins) / bins * (upto[-1] - 1), 9)
    below, above = (
        values[np.searchsorted(upto, end, side="right")] for end in (np.floor(rank), np.ceil(rank))
    )
    place = np.searchsorted(below + (above - below) * (rank % 1), values, side="left")
    return np.unique(place, return_inverse=True)[1]  # between equal quantiles there is no bin


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
