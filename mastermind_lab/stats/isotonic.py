"""Isotonic regression: the closest values that never fall."""

from __future__ import annotations

import numpy as np

from .bootstrap import Floats
from .sums import Codes


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
