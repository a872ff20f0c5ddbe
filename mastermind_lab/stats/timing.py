"""How long the panels take, and what they use: times, publish lag, tokens and cost."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import pandas as pd

from .engine.bootstrap import REPLICATES, Floats
from .engine.estimate import SMALL_N
from .engine.input import TEXT, By, Data, frame_of, keys_of, names_of
from .engine.intervals import Figure, with_ends
from .engine.summary import Summary, counted, over_batches
from .engine.sums import GroupedSums, grouped, places
from .engine.timebins import in_utc
from .engine.units import Units

TIMINGS, USAGE, LAG = "meta.timings.", "meta.usage.", "publish_lag"
TOTAL = TIMINGS + "total"

LEVELS = {"q05": 0.05, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q95": 0.95}

DECADE = 200
"""Steps in which quantiles are counted from one power of ten to the next: 1.2% each."""

SMALLEST = 1e-6
"""Sizes up to this one are counted as 0 in the quantiles."""

_KEYS = ("leaf", "step", "unit")


@dataclass(frozen=True, eq=False, repr=False)
class Timing(Summary):
    """How long decisions take and what they use, by group.

    Counted is every number in ``meta.timings`` and ``meta.usage``, and the publish lag.

    The leaves of ``meta.timings`` are taken as seconds. The publish lag is ``streamed_at`` minus
    ``published_at`` in seconds: two clocks, that of the stream's server and the arena's, so that it may be
    negative, and is missing for sources without stream times.

    A decision's total is ``meta.timings.total``, or the sum of its other timings where it has none. Leaves
    are not checked to add up: what runs side by side may come to more than all.

    Times are skewed: a mean is led by the few longest, the median (``q50``) is what is usual. Times of unlike
    machines, or of a machine that did something else meanwhile, do not compare.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> table = lab.stats.Timing.of(lab.sample()).table().set_index("leaf")
    >>> bool(table.loc["meta.timings.research", "share"] > table.loc["meta.timings.vote", "share"])
    True
    """

    panels: GroupedSums
    sums: GroupedSums
    steps: GroupedSums

    @classmethod
    @over_batches
    def of(cls, data: Data, *, by: By = None, cluster: By = None, replicates: int = REPLICATES) -> Self:
        """Count a batch of decisions.

        Parameters
        ----------
        data
            A history or its ``decisions`` frame.
        by
            Column or columns of ``decisions`` to group by; a missing value is a group of its own.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.

        Raises
        ------
        OptionError
            If a column is unknown, an option out of range, or a time is none.
        """
        names = names_of(by, taken=_KEYS)
        frame = frame_of(data, "decisions", ("stream_id",))
        keys = keys_of(frame, names)
        panels = GroupedSums.of(keys, {"n": np.ones(len(frame))})
        leaves = _leaves(frame)
        units = Units.of(data, cluster)
        drawn = units.at(frame["stream_id"]).again(len(leaves))
        long = pd.concat(
            [keys.assign(leaf="")[:0], *(keys.assign(leaf=name) for name in leaves)], ignore_index=True
        )
        values = np.concatenate([np.empty(0), *leaves.values()])
        totals = np.concatenate([np.empty(0), *_totals(leaves, len(frame))])
        known = ~np.isnan(values)
        keys, values, totals = long[known].reset_index(drop=True), values[known], totals[known]
        keys = keys.astype({"leaf": TEXT})
        sums = GroupedSums.of(keys, _quantities(values, totals), drawn[known], replicates)
        return cls(
            names,
            panels,
            sums,
            GroupedSums.of(keys.assign(step=_steps(values)), {"n": np.ones(len(values))}),
            cluster=units.names,
        )

    def table(self) -> pd.DataFrame:
        """Return one row for each group and leaf.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``leaf``: a column of ``decisions``, or ``publish_lag``; ``unit``: "s" for
            times, "tokens" and "USD" by the leaf's name, else ""; ``n`` decisions with the leaf; ``sum`` (NaN
            where no float holds it); ``mean`` with ``mean_low`` and ``mean_high`` (95% interval); ``q05``,
            ``q25``, ``q50``, ``q75``, ``q95`` (quantiles, interpolated like pandas' and read off a fixed
            histogram of 200 steps a power of ten: each right to within 0.6%; sizes up to 0.000001 are 0);
            ``share`` of the total time of the decisions that have the leaf, with ``share_low`` and
            ``share_high`` (NaN for what is no timing); ``missing``, decisions of the group without the leaf.
            ``small_n`` marks rows of fewer than 10 decisions. Intervals are NaN where n is below 2.
        """
        sums, keys = self.sums, self.sums.keys
        n, timed = (sums.independent(sums[name][:, 0]) for name in ("n", "timed"))
        decisions = self.panels["n"][places(keys, self.panels.keys), 0]
        return keys.assign(
            unit=keys["leaf"].map(_unit).astype(TEXT),
            n=counted(sums["n"][:, 0]),
            **sums.clusters(),
            sum=_finite(sums["value"][:, 0], sums.unit("value")),
            **with_ends(mean=self._means("value", "n", n)),
            **self._quantiles(),
            **with_ends(share=self._means("part", "total", timed)),
            missing=counted(decisions - sums["n"][:, 0]),
            small_n=n < SMALL_N,
        )

    def _means(self, top: str, bottom: str, n: Floats) -> Figure:
        value, low, high, method = self.intervals.means(self.sums[top], self.sums[bottom], n)
        unit = self.sums.unit(top) / self.sums.unit(bottom)
        is_lag = (self.sums.keys["leaf"] == LAG).to_numpy(dtype=np.bool_)  # which alone may be negative
        low = np.where(is_lag | (value < 0), low, np.maximum(low, 0))
        return Figure.of(_finite(value, unit), _finite(low, unit), _finite(high, unit), method)

    def _quantiles(self) -> dict[str, Floats]:
        """Read the quantiles of each group and leaf off the fine histogram."""
        groups, codes = grouped(self.steps.keys.drop(columns="step"))
        sizes = _sizes(self.steps.keys["step"].to_numpy(dtype=np.float64))
        found = np.full((len(groups), len(LEVELS)), np.nan)
        # Keys are sorted, the step last: the rows of a group lie together, small before large.
        edges = np.searchsorted(codes, np.arange(len(groups) + 1))
        for row, (first, last) in enumerate(pairwise(edges)):
            upto = np.cumsum(self.steps["n"][first:last, 0])
            position = np.array(list(LEVELS.values())) * (upto[-1] - 1)
            below, above = (
                sizes[first:last][np.searchsorted(upto, ranks, side="right")]
                for ranks in (np.floor(position), np.ceil(position))
            )
            beyond = position - np.floor(position)
            found[row] = below * (1 - beyond) + above * beyond
        return dict(zip(LEVELS, found.T, strict=True))


def _leaves(frame: pd.DataFrame) -> dict[str, Floats]:
    """Return each leaf's numbers by name, NaN where there is none."""
    leaves = {
        name: _numbers(frame[name]) for name in map(str, frame.columns) if name.startswith((TIMINGS, USAGE))
    }
    if {"streamed_at", "published_at"} <= set(frame.columns):
        lag = in_utc(frame["streamed_at"]) - in_utc(frame["published_at"])
        leaves[LAG] = _numbers(lag.dt.total_seconds())
    return leaves


def _numbers(column: pd.Series) -> Floats:
    """Return a column as numbers; what is no finite number is missing."""
    if pd.api.types.is_bool_dtype(column):
        return np.full(len(column), np.nan)
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _totals(leaves: dict[str, Floats], n: int) -> list[Floats]:
    """Return the n decisions' totals for each leaf that is a timing, NaN for the others."""
    parts = {name: values for name, values in leaves.items() if name.startswith(TIMINGS)}
    stated = parts.pop(TOTAL, np.full(n, np.nan))
    with np.errstate(over="ignore"):
        added = pd.DataFrame(parts, index=range(n)).sum(axis=1, min_count=1).to_numpy(dtype=np.float64)
    totals = np.where(np.isnan(stated), np.where(np.isinf(added), np.nan, added), stated)
    return [totals if name.startswith(TIMINGS) else np.full(n, np.nan) for name in leaves]


def _quantities(values: Floats, totals: Floats) -> dict[str, Floats]:
    timed = ~np.isnan(totals)
    return {
        "n": np.ones(len(values)),
        "value": values,
        "timed": timed.astype(np.float64),
        "part": np.where(timed, values, 0.0),
        "total": np.where(timed, totals, 0.0),
    }


def _steps(values: Floats) -> Floats:
    """Number the steps by size, the same below zero as above."""
    sizes = np.log10(np.maximum(np.abs(values), SMALLEST)) - np.log10(SMALLEST)
    steps: Floats = np.sign(values) * np.rint(DECADE * sizes)
    return steps + 0.0  # no negative zero


def _sizes(steps: Floats) -> Floats:
    """Return the middle of each step."""
    sizes: Floats = np.sign(steps) * 10 ** (np.abs(steps) / DECADE + np.log10(SMALLEST))
    return sizes


def _finite(values: Floats, unit: float) -> Floats:
    """Give numbers in full; one that no float holds is missing."""
    with np.errstate(over="ignore"):
        full = values * unit
    return np.where(np.isfinite(full), full, np.nan)


def _unit(leaf: str) -> str:
    if leaf.startswith(TIMINGS) or leaf == LAG:
        return "s"
    return "tokens" if leaf.endswith("tokens") else "USD" if leaf.endswith("usd") else ""
