"""The Poisson bootstrap: 95% intervals that survive merging.

A bootstrap replicate draws each decision a random number of times. With independent Poisson(1) numbers the
draw of one decision needs to know nothing of the others (Hanley and MacGibbon 2006; Chamandy, Muralidharan,
Najmi and Naidu 2012), so replicate sums of two batches simply add. Here the numbers are no random state
either: they are a hash of the decision's key (:mod:`~mastermind_lab.stats.engine.units`) and the replicate's
number, the same on every machine and in every split.

Rows of one decision are drawn together. For votes that is the point: a panel is one observation. Where
clusters are asked for, so are the decisions of one cluster (Field and Welsh 2007; Cameron, Gelbach and Miller
2008).
"""

from __future__ import annotations

from math import exp, factorial, pi, sqrt, tan
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .options import check_whole

Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]
Draws = NDArray[np.uint8]

FEWEST = 40
"""Replicates off which an interval can still be read."""

REPLICATES = 400
"""Replicates unless asked otherwise: ends of an interval then vary by about a fifteenth of its width."""

TAIL = 0.025
"""What a 95% interval leaves out at each end."""

# Weyl increment and finaliser of SplitMix64 (Steele, Lea and Flood 2014).
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIXING = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LANES = 4  # 16-bit uniforms in one 64-bit hash
BLOCK = 1 << 25
"""Numbers that are drawn at once, and kept for the next summary of the same decisions: a byte each."""

_AT_ONCE = 256  # decisions: what is drawn for them stays in the processor's cache


def _poisson_of_uniform() -> Draws:
    """Tabulate the inverse CDF of Poisson(1) at 65,536 midpoints: its mean is 1, its variance 0.99997."""
    cdf = np.cumsum([exp(-1) / factorial(k) for k in range(12)])
    return np.searchsorted(cdf, (np.arange(1 << 16) + 0.5) / (1 << 16)).astype(np.uint8)


_POISSON = _poisson_of_uniform()


def checked(replicates: int) -> int:
    """Return the number of replicates if an interval can be read off it.

    Raises
    ------
    OptionError
        If it is no whole number from 40 to 10,000.
    """
    check_whole("replicates", replicates, FEWEST, 10_000)
    return replicates


def hashes(texts: pd.Series) -> Hashes:
    """Hash each text to 64 bits (SipHash with a fixed key), whatever its form.

    Parameters
    ----------
    texts
        n values.

    Returns
    -------
    array of uint64, shape (n,)
    """
    return pd.util.hash_array(texts.to_numpy(dtype=object), categorize=False)


def draws(hashed: Hashes, replicates: int) -> Draws:
    """Say how often each replicate draws each decision, or cluster: independent Poisson(1) numbers.

    Parameters
    ----------
    hashed
        The keys of the decisions or clusters, shape (n,).
    replicates
        How many; the first numbers do not depend on it.

    Returns
    -------
    array of uint8, shape (n, replicates)
        Whole numbers from 0 to 8.
    """
    counter = np.arange(1, -(-replicates // _LANES) + 1, dtype=np.uint64) * _STEP
    drawn = np.empty((len(hashed), replicates), dtype=np.uint8)
    for start in range(0, len(hashed), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        drawn[part] = np.take(_POISSON, _uniform(hashed[part], counter)[:, :replicates])
    return drawn


_kept: tuple[Hashes, Draws] = np.empty(0, dtype=np.uint64), np.empty((0, 0), dtype=np.uint8)


def shared_draws(hashed: Hashes, replicates: int) -> Draws:
    """Return what :func:`draws` does, and keep it: the next call may ask for the same, or for some of it.

    So several summaries of one history draw once, as long as its decisions are one block.

    Parameters
    ----------
    hashed
        Different keys, rising: shape (n,).
    replicates
        How many; ``n * replicates`` is ``BLOCK`` at most.

    Returns
    -------
    array of uint8, shape (n, replicates)
        Not to be written to.
    """
    global _kept
    known, drawn = _kept  # one assignment, so that threads see both or neither
    if drawn.shape[1] != replicates or not np.isin(hashed, known, assume_unique=True).all():
        known, drawn = _kept = hashed, draws(hashed, replicates)
    return drawn if len(hashed) == len(known) else drawn[np.searchsorted(known, hashed)]


def _uniform(hashed: Hashes, counter: Hashes) -> NDArray[np.uint16]:
    """Make four uniform numbers of each key and each count."""
    # Little-endian on every machine, so that the lanes keep their order.
    return _mix(hashed[:, None] + counter).astype("<u8", copy=False).view("<u2")


def mixed(keys: Hashes) -> Hashes:
    """Make hashes of hashes, or of sums of them."""
    return _mix(keys + _STEP)


def _mix(values: Hashes) -> Hashes:
    """Mix numbers in their place."""
    for shift, factor in _MIXING:
        values ^= values >> np.uint64(shift)
        values *= np.uint64(factor)
    values ^= values >> np.uint64(31)
    return values


def interval(replicates: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Read the 95% interval off the replicates of each figure.

    Percentiles of the replicates, taken further out where n is small: a plain percentile interval is too
    narrow there, by the same factors that part Student's t from the normal (Hesterberg 2015, "What Teachers
    Should Know About the Bootstrap"). What is made of fewer than about 10 observations, or of a share of
    which fewer than about 10 were counted, is :class:`~mastermind_lab.stats.engine.intervals.Intervals`'.

    Parameters
    ----------
    replicates
        Shape (figures, replicates); NaN where a replicate drew nothing.
    n
        Independent observations (decisions) behind each figure, shape (figures,).

    Returns
    -------
    low, high
        Each of shape (figures,); NaN where n is below 2, for one observation says nothing about spread.
    """
    ranked = np.sort(replicates, axis=-1)  # NaN sorts last
    known = np.count_nonzero(~np.isnan(ranked), axis=-1)
    enough = (n >= 2) & (known >= 2)
    tail = _tail(n)
    low, high = (_at(ranked, share * (known - 1)) for share in (tail, 1 - tail))
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


Z = -NormalDist().inv_cdf(TAIL)
"""To how many standard deviations a normal interval reaches that leaves out so much at each end."""


def student(df: Floats, z: float = Z) -> Floats:
    """Return what leaves out as much of Student's distribution as z does of the normal one (Hill 1970).

    To within a relative 1e-5, from 1 degree of freedom on.
    """
    tail = NormalDist().cdf(-z)
    n = np.maximum(df, 3.0)
    a = 1 / (n - 0.5)
    b = 48 / a**2
    c = ((20_700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * np.sqrt(a * pi / 2) * n
    y = (2 * tail * d) ** (2 / n)
    c = c + np.where(n < 5, 0.3 * (n - 4.5) * (0.6 - z), 0.0)
    c = (((-0.05 * d * z - 5) * -z - 7) * -z - 2) * -z + b + c
    near = (((((0.4 * z**2 + 6.3) * z**2 + 36) * z**2 + 94.5) / c - z**2 - 3) / b + 1) * z
    far = ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * (n + 1)
    squared = np.where(y > 0.05 + a, np.expm1(a * near**2), far / (n + 2) + 1 / y)
    exact = np.where(df < 1.5, 1 / tan(pi * tail), sqrt(1 / (2 * tail * (1 - tail)) - 2))
    return np.where(df < 2.5, exact, np.sqrt(n * squared))


def _tail(n: Floats) -> Floats:
    """The percentile to read: the normal tail beyond Student's quantile times sqrt(n / (n - 1))."""
    df = np.maximum(n, 2) - 1
    reach = np.sqrt(1 + 1 / df) * student(df)
    different, where = np.unique(reach, return_inverse=True)
    return np.array([NormalDist().cdf(-x) for x in different])[where]


def _at(ranked: Floats, position: Floats) -> Floats:
    """Read sorted rows at fractional positions, interpolating."""
    position = np.maximum(position, 0)
    below = np.floor(position).astype(np.intp)
    above = np.minimum(below + 1, ranked.shape[-1] - 1)
    rows = np.arange(len(ranked))
    weight = position - below
    # Where the weight is 0 the neighbour may be NaN: it must not be touched.
    neighbour = np.where(weight > 0, ranked[rows, above], ranked[rows, below])
    return ranked[rows, below] * (1 - weight) + neighbour * weight
