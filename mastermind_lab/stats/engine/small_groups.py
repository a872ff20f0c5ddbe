"""Figures over many groups, of which some are small: whole groups are drawn there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .bootstrap import Floats, draws
from .sums import GroupedSums, grouped
from .units import key_hashes

SMALL_GROUP = 30
"""Decisions below which a group is drawn whole where a figure is of several groups."""


def over_groups(sums: GroupedSums, n: str, by: tuple[str, ...] = ()) -> tuple[GroupedSums, Floats]:
    """Add up groups, each of which has a chance of its own that is no sum over its decisions.

    To draw the decisions of a group says little of what chance would give in it where they are few, and
    nothing where none is drawn. Such a group is one observation instead, drawn with all it has: the variance
    is then that over groups.

    Parameters
    ----------
    sums
        The groups.
    n
        The quantity that counts their decisions.
    by
        The key columns by which they stay apart; none for one sum of all.

    Returns
    -------
    The sums, and the independent observations that each is.
    """
    sizes, row = sums[n][:, 0], grouped(sums.keys[list(by)])[1]
    whole = (sizes < SMALL_GROUP) & (np.bincount(row, sizes > 0)[row] > 1)
    cells = sums.cells
    if whole.any():
        drawn = draws(key_hashes(sums.keys[whole]), cells.shape[2] - 1)
        cells = cells.copy()
        cells[whole, :, 1:] = cells[whole, :, :1] * drawn[:, None, :]
    added = replace(sums, cells=cells).marginalize(by)
    counts = (whole & (sizes > 0), np.where(whole, 0, sizes))
    drawn_whole, others = (np.bincount(row, some, len(added.keys)).astype(np.float64) for some in counts)
    return added, drawn_whole + added.independent(others)
