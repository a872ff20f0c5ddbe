"""The single figures of calibration: scores, errors and areas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .binning import Bins
from .bootstrap import Floats
from .estimate import divided, ratios, shares
from .ranking import auarc, auroc
from .sums import Sums

_SUMMED = {"accuracy": "correct", "confidence": "confidence", "brier": "brier", "log_score": "log"}
_COUNTED: dict[str, Callable[[Bins], Floats]] = {
    "ece": Bins.ece,
    "mce": Bins.mce,
    "reliability": Bins.reliability,
    "resolution": Bins.resolution,
    "auroc": lambda bins: auroc(bins.n, bins.correct),
    "auarc": lambda bins: auarc(bins.n, bins.correct),
}
FIGURES = ("accuracy", "confidence", "overconfidence", "brier", "log_score", "uncertainty", *_COUNTED)


def read_off(name: str, sums: Sums, bins: list[Bins], n: Floats) -> tuple[Floats, Floats, Floats]:
    """Return a figure and its 95% interval for each group, each of shape (groups,).

    Parameters
    ----------
    name
        One of ``FIGURES``.
    sums
        The groups' sums.
    bins
        Their counts by confidence.
    n
        Independent observations behind each group.
    """
    figure = _figure(name, sums, bins)
    read = shares if name == "accuracy" else ratios
    value, low, high = read(np.nan_to_num(figure), (~np.isnan(figure)).astype(np.float64), n)
    correct, judged_ones = sums["correct"][:, 0], sums["n"][:, 0]
    # Replicates cannot show what never happened: they agree, but for rounding, and would look certain.
    alike = (correct == 0) | (correct == judged_ones) | (high - low < 1e-12)
    if name in ("accuracy", "confidence"):
        return value, low, high
    return value, np.where(alike, np.nan, low), np.where(alike, np.nan, high)


def _figure(name: str, sums: Sums, bins: list[Bins]) -> Floats:
    """Work one figure out for each group, shape (groups, 1 + replicates)."""
    if name in _COUNTED:
        return np.stack([_COUNTED[name](one) for one in bins]) if bins else sums["n"]
    if name == "overconfidence":
        return _figure("confidence", sums, bins) - _figure("accuracy", sums, bins)
    if name == "uncertainty":
        accuracy = _figure("accuracy", sums, bins)
        return accuracy * (1 - accuracy)
    return divided(sums[_SUMMED[name]], sums["n"])
