"""An order in which what is alike stands side by side."""

from __future__ import annotations

import numpy as np

from .bootstrap import Floats


def linked(alike: Floats) -> list[int]:
    """Order things by how alike they are: average linkage (Sokal and Michener 1958).

    Parameters
    ----------
    alike
        Shape (things, things), symmetric; the diagonal does not matter.

    Returns
    -------
    list of int
        Their places; among equals the first come first.
    """
    rows = [[place] for place in range(len(alike))]
    link = alike.astype(np.float64)
    np.fill_diagonal(link, -np.inf)
    while len(rows) > 1:
        one, two = sorted(divmod(int(np.argmax(link)), len(rows)))
        sizes = len(rows[one]), len(rows[two])
        link[one] = link[:, one] = np.average(link[[one, two]], axis=0, weights=sizes)
        link[one, one] = -np.inf
        link = np.delete(np.delete(link, two, axis=0), two, axis=1)
        rows[one] = _joined(rows[one], rows.pop(two), alike)
    return rows[0] if rows else []


def _joined(one: list[int], two: list[int], alike: Floats) -> list[int]:
    """Join two rows at the ends that are most alike."""
    ways = [(left, right) for left in (one, one[::-1]) for right in (two, two[::-1])]
    left, right = max(ways, key=lambda way: alike[way[0][-1], way[1][0]])
    return left + right
