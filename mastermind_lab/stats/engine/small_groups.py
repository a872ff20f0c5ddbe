"""Figures over many groups, of which some are small: whole groups are drawn there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .bootstrap import Floats, draws
from .sums import GroupedSums
from .units import key_hashes

SMALL_GROUP = 30
"""Decisions below which a group is drawn whole where a figure is of several groups."""


def over_groups(sums: GroupedSums, n: str) -> tuple[GroupedSums, Floats]:
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

    Returns
    -------
    The sums over all groups, and the independent observations that they are, shape (1,).
    """
    sizes = sums[n][:, 0]
    whole = (sizes < SMALL_GROUP) & (len(sizes) > 1)
    cells = sums.cells
    if whole.any():
        drawn = draws(key_hashes(sums.keys[whole]), cells.shape[2] - 1)
        cells = cells.copy()
        cells[whole, :, 1:] = cells[whole, :, :1] * drawn[:, None, :]
    added = replace(sums, cells=cells).marginalize(())
    observations = np.count_nonzero(sizes[whole]) + added.independent(sizes[~whole].sum(keepdims=True))
    return added, observations
