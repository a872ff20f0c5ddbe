"""The single figures of calibration: scores, errors and areas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .binning import Bins, inflation
from .bootstrap import Floats
from .correctness import CLIP
from .estimate import SMALL_N
from .intervals import CHANGE, SHARE, Figure, Intervals, divided, with_ends
from .sums import GroupedSums

_SUMMED = {"brier": ("brier", SHARE), "log_score": ("log", (0.0, -float(np.log(CLIP))))}
_COUNTED: dict[str, Callable[[Bins], Floats]] = {
    "ece": Bins.ece,
    "mce": Bins.mce,
    "calibration_loss": Bins.calibration_loss,
    "resolution": Bins.resolution,
    "auroc": lambda bins: auroc(bins.n, bins.correct),
    "auarc": lambda bins: auarc(bins.n, bins.correct),
}
_CORRECTED = ("calibration_loss_corrected", "resolution_corrected", "uncertainty_corrected")
FIGURES = (
    *("accuracy", "confidence", "overconfidence", "brier", "brier_skill", "log_score", "uncertainty"),
    *_COUNTED,
    *_CORRECTED,
)


def read_off(made: Intervals, name: str, sums: GroupedSums, bins: list[Bins], n: Floats) -> Figure:
    """Return a figure and its 95% interval for each group, each of shape (groups,).

    Parameters
    ----------
    made
        How intervals are made.
    name
        One of ``FIGURES``.
    sums
        The groups' sums.
    bins
        Their counts by confidence.
    n
        Independent observations behind each group.
    """
    judged_ones, correct = sums["n"], sums["correct"]
    if name == "accuracy":
        return made.shares(correct, judged_ones, n)
    if name == "confidence":
        return made.means(sums["confidence"], judged_ones, n, SHARE)
    # Replicates cannot show what never happened: they agree, and would look certain.
    both = (correct[:, 0] > 0) & (correct[:, 0] < judged_ones[:, 0])
    return _read_off(made, name, sums, bins, n).where(both)


def _read_off(made: Intervals, name: str, sums: GroupedSums, bins: list[Bins], n: Floats) -> Figure:
    judged_ones = sums["n"]
    if name in _SUMMED:
        top, bounds = _SUMMED[name]
        return made.means(sums[top], judged_ones, n, bounds)
    if name == "overconfidence":
        return made.means(sums["confidence"] - sums["correct"], judged_ones, n, CHANGE)
    if name == "brier_skill":
        worst = judged_ones * _figure("uncertainty", sums, bins)
        return made.figures(1 - divided(sums["brier"], worst), n, (-np.inf, 1.0))
    if name in _CORRECTED:
        return made.figures(_corrected(name, sums, bins, n), n, CHANGE)
    values = _figure(name, sums, bins)
    if name != "auroc":
        return made.figures(values, n, SHARE)
    # A share of pairs, of which there are no more independent ones than of the rarer kind.
    accuracy = divided(sums["correct"], judged_ones)
    rarer = n * np.nan_to_num(np.minimum(accuracy, 1 - accuracy)[:, 0])
    return made.shares(np.nan_to_num(values), (~np.isnan(values)).astype(np.float64), rarer)


def _figure(name: str, sums: GroupedSums, bins: list[Bins]) -> Floats:
    """Work the uncertainty or a figure of the bins out for each group, shape (groups, 1 + replicates)."""
    if name == "uncertainty":
        accuracy = divided(sums["correct"], sums["n"])
        return accuracy * (1 - accuracy)
    return np.stack([_COUNTED[name](one) for one in bins]) if bins else sums["n"]


def _corrected(name: str, sums: GroupedSums, bins: list[Bins], n: Floats) -> Floats:
    """Take away what chance adds to a part of the Brier score (Ferro and Fricker 2012).

    A replicate is a sample of a sample, to which chance has added twice.
    """
    plain = name.removesuffix("_corrected")
    share = n / np.maximum(sums["n"][:, 0], 1)
    each = zip(sums["correct"], sums["n"], share, strict=True)
    times = np.array([inflation(correct[None], n[None], one) for correct, n, one in each])
    whole = divided(_figure("uncertainty", sums, bins), sums["n"] / times.reshape(-1, 1) - 1)
    added = whole * 0 if plain == "uncertainty" else _chance(bins, share, whole.shape)
    added = added - (0 if plain == "calibration_loss" else whole)
    twice = np.where(np.arange(added.shape[1]) > 0, 2, 1)
    return _figure(plain, sums, bins) - twice * added


def _chance(bins: list[Bins], share: Floats, shape: tuple[int, ...]) -> Floats:
    added = [one.chance(each) for one, each in zip(bins, share, strict=True)]
    return np.stack(added) if added else np.empty(shape)


COVERAGES = np.arange(1, 101) / 100


def auroc(n: Floats, correct: Floats) -> Floats:
    """Return the probability that a right one is surer than a wrong one (Hanley and McNeil 1982).

    A tie counts one half. NaN where all are right or all are wrong.
    """
    wrong = n - correct
    wins = (correct * (np.cumsum(wrong, axis=0) - wrong / 2)).sum(axis=0)
    pairs = correct.sum(axis=0) * wrong.sum(axis=0)
    return divided(wins, pairs)


def auarc(n: Floats, correct: Floats) -> Floats:
    """Return the mean accuracy of the k surest, over k from 1 to n (Nadeem, Zucker and Hanczar 2009)."""
    n, correct = n[::-1], correct[::-1]
    before, right = np.cumsum(n, axis=0) - n, np.cumsum(correct, axis=0) - correct
    # Within a tie, the right ones grow evenly: the sum over k of (right + rate (k - before)) / k.
    rate = np.divide(correct, n, out=np.zeros_like(n), where=n > 0)
    area = correct + (right - rate * before) * (_harmonic(before + n) - _harmonic(before))
    return divided(area.sum(axis=0), n.sum(axis=0))


def risks(made: Intervals, values: Floats, n: Floats, correct: Floats, share: float) -> pd.DataFrame:
    """Return the share of wrong ones among the surest, one row for each coverage.

    Parameters
    ----------
    made
        How intervals are made.
    values
        The confidences, rising.
    share
        How many independent observations one of n counts for.
    """
    total = n.sum(axis=0)
    sizes = COVERAGES[:, None] * total
    risk = made.shares(_among_surest(n - correct, n, sizes), sizes, sizes[:, 0] * share)
    upto = np.cumsum(n[::-1, 0])
    # A rounding of the size must not ask for one more.
    last = np.searchsorted(upto, sizes[:, 0] - 1e-6)
    threshold = values[::-1][last] if len(values) else np.full(len(COVERAGES), np.nan)
    counts = np.rint(sizes[:, 0]).astype(np.int64)
    columns = {
        "coverage": COVERAGES,
        "threshold": threshold,
        "n": counts,
        **with_ends(risk=risk),
    }
    return pd.DataFrame(columns | {"small_n": sizes[:, 0] * share < SMALL_N})


def _among_surest(values: Floats, n: Floats, sizes: Floats) -> Floats:
    """Return how many of ``values`` are among the surest, for sizes of shape (sizes, 1 + replicates)."""
    nothing = np.zeros((1, n.shape[1]))
    upto = np.concatenate([nothing, np.cumsum(n[::-1], axis=0)])
    found = np.concatenate([nothing, np.cumsum(values[::-1], axis=0)])
    columns = range(n.shape[1])
    return np.column_stack([np.interp(sizes[:, one], upto[:, one], found[:, one]) for one in columns])


def _harmonic(n: Floats) -> Floats:
    """Return 1 + 1/2 + ... + 1/n, to 1e-10 (Abramowitz and Stegun 1964, 6.3.18, taken ten steps further)."""
    far = n + 10
    below = sum(1 / (n + k) for k in range(1, 11))
    series = 1 / (2 * far) - 1 / (12 * far**2) + 1 / (120 * far**4) - 1 / (252 * far**6)
    return np.log(far) + np.euler_gamma + series - below
