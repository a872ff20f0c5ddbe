"""How concentrated the use of sources is, and how far decisions share them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .bootstrap import Draws, Floats, Z
from .intervals import EQUAL, SHARE, Figure, Intervals
from .sums import Codes

_CHUNK = 2_000  # sources compared at once


def concentration(share: Floats, held: Floats, sizes: Floats, n: float, cluster: Codes) -> Figure:
    """The index of Hirschman and Herfindahl, and its interval.

    Parameters
    ----------
    share
        Each source's share of the citations, shape (sources,).
    held, sizes
        The sum of its sources' shares, and their number, for each of a sample of decisions.
    n
        Decisions with sources.
    cluster
        Which decisions of the sample are drawn together, shape (decisions,): numbers from 0.
    """
    index = float((share**2).sum())
    # What one decision more would change, to first order, times the number of decisions.
    influence = 2 * (held - sizes * index) / sizes.mean()
    clusters, own = int(cluster.max()) + 1, float((influence**2).mean())
    # Of the pairs in one cluster, a sample of the decisions holds the square of its share of them.
    shared = (float((np.bincount(cluster, influence) ** 2).mean()) * clusters / len(influence) - own) * n
    variance = max(own + shared / len(influence), 0.0) / n
    reach = Z * float(np.sqrt(variance * clusters / (clusters - 1))) if clusters > 1 else 0.0
    # Where all are used alike, but for rounding, nothing is known of how they vary.
    low, high = np.clip([index - reach, index + reach], 0, 1) if 2 * reach > EQUAL * index else [np.nan] * 2
    return Figure.single(index, float(low), float(high), "influence")


def overlap(made: Intervals, unit: Codes, source: Codes, drawn: Draws, cluster: Codes) -> Figure:
    """The mean Jaccard overlap of decisions and its interval, from every pair.

    Parameters
    ----------
    made
        How intervals are made.
    unit, source
        Numbers of decision and source, each pair once.
    drawn
        How often each replicate draws each decision, shape (decisions, replicates).
    cluster
        Which decisions are drawn together, shape (decisions,): numbers from 0.
    """
    n = len(drawn)
    sizes = np.bincount(unit, minlength=n).astype(np.float64)
    both = np.zeros((n, n))
    order = np.argsort(source, kind="stable")
    edges = np.searchsorted(source[order], np.arange(0, source.max() + 1 + _CHUNK, _CHUNK))
    for first, last in pairwise(edges):
        some = order[first:last]
        cites = np.zeros((n, _CHUNK))
        cites[unit[some], source[some] % _CHUNK] = 1
        both += cites @ cites.T
    jaccard = both / (sizes[:, None] + sizes - both)
    np.fill_diagonal(jaccard, 0)
    weights = np.column_stack([np.ones(n), drawn])
    # Two decisions of one cluster meet as often as it was drawn, not as often as two clusters would.
    together = jaccard * (cluster[:, None] == cluster)
    apart = jaccard - together
    top = (weights * (apart @ weights) + weights * together.sum(axis=1, keepdims=True)).sum(axis=0)
    each = np.bincount(cluster)[cluster][:, None]
    bottom = weights.sum(axis=0) ** 2 - (weights**2 * each).sum(axis=0) + (weights * (each - 1)).sum(axis=0)
    return made.means(top[None], bottom[None], np.array([float(cluster.max() + 1)]), SHARE)
