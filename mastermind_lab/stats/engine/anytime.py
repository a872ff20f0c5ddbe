"""Intervals that hold at every look: confidence sequences for means of observations with known bounds.

Who watches an interval while decisions come in, and stops when it says something, sees an ordinary 95%
interval leave the truth out in far more than 5% of runs. A confidence sequence leaves it out at *some* moment
of a whole run, however long, in at most 5% of them (Ville 1939; Robbins 1970; Howard, Ramdas, McAuliffe and
Sekhon 2021).

This one is the mixture of binomial likelihood ratios over Jeffreys' prior (Krichevsky and Trofimov 1981 for
the mixture; Waudby-Smith and Ramdas 2024 for bets on bounded means). For an observation x from 0 to 1 the
ratio ``(p / m) ** x * ((1 - p) / (1 - m)) ** (1 - x)`` is convex in x, so that its mean is at most 1 where m
is the mean of x: what holds for yes and no holds for every value between. It needs the sum and the number of
observations alone: so it merges, and does not depend on their order. It knows nothing of how little they
vary, and is as wide as for yes and no.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, log, pi

import numpy as np

from ...errors import OptionError
from .bootstrap import TAIL, Floats
from .families import bonferroni
from .intervals import BOOTSTRAP, CHANGE, NONE, SHARE, UNBOUNDED, Bounds, Figure, Intervals, divided, scored

ANYTIME = "anytime"

_STEPS = 60  # at most: 5 to 15 are enough
_NEAR = 1e-13  # of the mean: a step that is not worth another
_NOTHING = 1e-200  # a sum below it has its lower end at 0


@dataclass(frozen=True)
class AtEveryLook(Intervals):
    """Intervals that hold however often one looks, while decisions come in.

    Only means of observations with known bounds have one, where each decision is one observation: a decision
    has several votes, and a share of all votes has none. Those that are to hold together share what may be
    missed among them (Bonferroni).
    """

    kind: str = ANYTIME

    @property
    def notes(self) -> tuple[str, ...]:
        """Say so where they are shown."""
        return ("95% intervals hold at every look", *super().notes)

    def means(self, top: Floats, bottom: Floats, n: Floats, bounds: Bounds = UNBOUNDED) -> Figure:
        """Divide sums by counts; see :meth:`Intervals.means`."""
        total, count, (least, most) = top[:, 0], bottom[:, 0], bounds
        if not np.isfinite(most - least):
            return self.figures(divided(top, bottom), n)
        there = (count == n) & (n >= 2)
        members = max(int(there.sum()), 1) if self.family else 1
        low, high = confidence_sequence((total - least * n) / (most - least), n, 2 * TAIL / members)
        low, high = (least + (most - least) * end for end in (low, high))
        return self._named(Figure.of(divided(total, count), low, high, ANYTIME).where(there))

    def shares(self, top: Floats, bottom: Floats, n: Floats) -> Figure:
        """Divide counts by counts; see :meth:`Intervals.shares`."""
        return self.means(top, bottom, n, SHARE)

    def figures(self, values: Floats, n: Floats, bounds: Bounds = UNBOUNDED) -> Figure:
        """Leave the interval out: replicates are made for one look."""
        return Figure.of(values[:, 0], values[:, 0] * np.nan, values[:, 0] * np.nan, NONE)

    def binomial(self, count: Floats, n: Floats) -> Figure:
        """Divide counts by their n; see :meth:`Intervals.binomial`."""
        return self.shares(count[:, None], n[:, None], n)


def intervals_of(interval: str, cluster: tuple[str, ...], family: str | None = None) -> Intervals:
    """Return how intervals are made that are asked for.

    Raises
    ------
    OptionError
        If they are of no kind that is known, or are to hold at every look and for clusters, or together in
        no way that is known.
    """
    if interval not in (BOOTSTRAP, ANYTIME):
        raise OptionError(f"interval={interval!r:.40}: expected {BOOTSTRAP!r} or {ANYTIME!r}")
    if interval == ANYTIME and cluster:
        raise OptionError(
            "interval='anytime' takes each decision for one observation, and cluster= says that they are "
            "not: leave one of the two out"
        )
    return (AtEveryLook if interval == ANYTIME else Intervals).of(family)


def evidence(total: Floats, n: Floats, mean: Floats) -> Floats:
    """Say how much speaks against a mean: the log of the mixture of likelihood ratios.

    Parameters
    ----------
    total, n
        Sum and number of observations from 0 to 1.
    mean
        The mean that they may have, above 0 and below 1.
    """
    terms = np.vectorize(lgamma, otypes=[float])
    mixed = terms(total + 0.5) + terms(n - total + 0.5) - terms(n + 1) - log(pi)
    against: Floats = mixed - total * np.log(mean) - (n - total) * np.log1p(-mean)
    return against


def confidence_sequence(total: Floats, n: Floats, missed: float = 2 * TAIL) -> tuple[Floats, Floats]:
    """Return the means that n observations from 0 to 1 do not speak against, at this look and at all others.

    Parameters
    ----------
    total, n
        Their sum and number, shape (figures,).
    missed
        In what share of runs the truth may be left out.

    Returns
    -------
    low, high
        Each of shape (figures,), 0 to 1.
    """
    n = np.maximum(n, 1.0)
    total = np.clip(total, 0.0, n)
    # Turned round, the upper end is a lower one.
    total, n = np.broadcast_arrays(total, n)  # of no groups there may be one n
    both = _lowest(np.concatenate([total, n - total]), np.concatenate([n, n]), missed)
    return both[: len(n)], 1 - both[len(n) :]


def difference_sequence(total: Floats, n: Floats, total_before: Floats, n_before: Floats) -> Figure:
    """Compare the mean of what comes in with that of what is there and stays: now minus before.

    The interval holds at every look at what comes in. It reaches from the lower end of now minus the upper
    end of before to the upper end of now minus the lower end of before. Each of the two intervals may miss in
    2.5% of runs: a confidence sequence for now, and for before, which is looked at once, the score interval
    of a share (Wilson 1927; as wide for values between as for yes and no). So the difference is missed in at
    most 5% (Bonferroni), whatever the two have in common.

    In 1,000 simulated runs each, in which a run before of 300 and 2,000 decisions now have one mean, and
    every decision is looked at, the truth was outside at some moment in 0.6% of runs for yes and no with a
    share of 0.3, in 0.2% with one of 0.05, and in none for confidences (a beta distribution of mean 0.7).

    Parameters
    ----------
    total, n, total_before, n_before
        Sums and numbers of observations from 0 to 1, shape (figures,).

    Returns
    -------
    Figure
        NaN where a side has none, the interval where one has fewer than 2.
    """
    before = scored(divided(total_before, n_before), n_before, bonferroni(2))
    low, high = confidence_sequence(total, n, TAIL)
    value = divided(total, n) - before.value
    low, high = (np.clip(end, *CHANGE) for end in (low - before.high, high - before.low))
    return Figure.of(value, low, high, ANYTIME).where((n >= 2) & (n_before >= 2))


def _lowest(total: Floats, n: Floats, missed: float) -> Floats:
    """Find the highest of the unlikely means below the mean, from below, by Newton's steps.

    What speaks against a mean is convex in its logarithm, so that no step leads beyond.
    """
    there = total > _NOTHING
    some, rest = np.where(there, total, 1.0), np.where(there, n - total, 0.0)
    above = evidence(total, n, np.full_like(total, 0.5)) + n * log(0.5) + log(missed)
    place = above / some  # here too much speaks against it, whatever the others say
    for _ in range(_STEPS):
        mean = np.exp(place)
        step = (above - some * place - rest * np.log1p(-mean)) / (some - rest * mean / (1 - mean))
        place += np.maximum(step, 0.0)
        if np.all(step <= _NEAR):
            break
    return np.where(there, np.exp(place), 0.0)
