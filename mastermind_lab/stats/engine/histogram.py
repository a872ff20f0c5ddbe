"""Fine histograms of a number from 0 to 1: mergeable, and read as quantiles or as wider bins."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...errors import OptionError
from .bootstrap import Floats
from .intervals import divided
from .options import check_whole
from .sums import GroupedSums, grouped, with_columns

STEPS = 2_000
"""Steps from 0 to 1: a value is counted at the nearest multiple of 1/2,000."""


def steps_of(keys: pd.DataFrame, values: Floats) -> GroupedSums:
    """Count values by group at the nearest step; NaN is counted at the step <NA>.

    Parameters
    ----------
    keys
        The group of each value, n rows.
    values
        Shape (n,), from 0 to 1 or NaN.
    """
    return GroupedSums.of(keys.assign(step=rounded(values * STEPS)), {"n": np.ones(len(values))})


def rounded(values: Floats) -> pd.api.extensions.ExtensionArray:
    """Return the nearest whole numbers, <NA> for NaN."""
    missing = np.isnan(values)
    return pd.arrays.IntegerArray(np.rint(np.where(missing, 0, values)).astype(np.int64), missing)


def quantiles(steps: GroupedSums, levels: tuple[float, ...]) -> Floats:
    """Read quantiles off the fine histogram: right to within 1/4,000.

    Interpolated between order statistics (Hyndman and Fan 1996, type 7), as pandas and numpy do unless told
    otherwise.

    Parameters
    ----------
    steps
        What :func:`steps_of` counted.
    levels
        From 0 to 1.

    Returns
    -------
    array, shape (groups, levels)
        NaN for a group without values.
    """
    found = np.full((len(grouped(_groups(steps))[0]), len(levels)), np.nan)
    for row, counts in enumerate(_dense(steps)):
        if counts.any():
            found[row] = between_ranks(counts, np.array(levels))
    return found


def check_bins(bins: int) -> None:
    """Refuse a number of equal bins that fine steps do not add up to.

    Raises
    ------
    OptionError
        If it does not divide 2,000.
    """
    check_whole("bins", bins, 1, STEPS)
    if STEPS % bins:
        raise OptionError(f"bins must divide {STEPS:,} evenly, like 10, 20 or 40; {bins!r} does not")


def coarse(steps: GroupedSums, bins: int) -> pd.DataFrame:
    """Add the fine steps up to equal bins, closed on the left, the last one on both sides.

    Returns
    -------
    DataFrame
        The key columns, ``left``, ``right``, ``n`` (values in the bin) and ``share`` (of the group's values;
        NaN for a group without any); one row for each group and bin.

    Raises
    ------
    OptionError
        If ``bins`` does not divide 2,000.
    """
    check_bins(bins)
    fine = _dense(steps)
    fine[:, -2] += fine[:, -1]
    counts = fine[:, :-1].reshape(len(fine), bins, STEPS // bins).sum(axis=-1)
    groups = grouped(_groups(steps))[0]
    table = groups.loc[groups.index.repeat(bins)].reset_index(drop=True)
    edges = np.arange(bins + 1) / bins
    return with_columns(
        table,
        left=np.tile(edges[:-1], len(groups)),
        right=np.tile(edges[1:], len(groups)),
        n=counts.ravel().astype(np.int64),
        share=divided(counts, counts.sum(axis=1, keepdims=True)).ravel(),
    )


def _groups(steps: GroupedSums) -> pd.DataFrame:
    return steps.keys.drop(columns="step")


def _dense(steps: GroupedSums) -> Floats:
    """Spread the counts over groups and steps, shape (groups, 2,001)."""
    groups, codes = grouped(_groups(steps))
    counts = np.zeros((len(groups), STEPS + 1))
    known = steps.keys["step"].notna().to_numpy()
    places = steps.keys["step"][known].to_numpy(dtype=np.intp)
    counts[codes[known], places] = steps["n"][known, 0]
    return counts


def between_ranks(counts: Floats, levels: Floats) -> Floats:
    """Read quantiles off one group's counts, shape (2,001,)."""
    upto = np.cumsum(counts)
    position = levels * (upto[-1] - 1)
    below = np.floor(position)
    low = np.searchsorted(upto, below, side="right").astype(np.float64)
    high = np.searchsorted(upto, np.ceil(position), side="right")
    found: Floats = (low + (high - low) * (position - below)) / STEPS
    return found
