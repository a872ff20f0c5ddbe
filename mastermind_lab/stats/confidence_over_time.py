"""How sure the panels are as time goes by: rolling mean confidence, and points to draw behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import OptionError
from .engine.anytime import intervals_of
from .engine.bootstrap import REPLICATES, Floats
from .engine.estimate import SMALL_N, Estimate
from .engine.histogram import rounded
from .engine.input import By, Data, frame_of, keys_of, names_of, shares_of
from .engine.intervals import BOOTSTRAP, SHARE, with_ends
from .engine.options import check_whole
from .engine.renamed import renamed_options
from .engine.summary import counted, over_batches, overall
from .engine.sums import GroupedSums, grouped, with_columns
from .engine.timebins import (
    InTimeBins,
    around,
    doubled,
    duration_of,
    finest,
    in_turn,
    middles,
    moments,
    spread,
    times_of,
)
from .engine.units import Units

CELLS = 100
"""Steps of confidence from 0 to 1 in which points are counted."""


@dataclass(frozen=True, eq=False, repr=False)
class ConfidenceOverTime(InTimeBins):
    """How confidence moves with time: its rolling mean over the decisions as they were published, by group.

    A decision's time is ``published_at``, or ``streamed_at`` where that is missing. Time is counted in
    aligned bins of a power of two microseconds, the narrowest for which the whole span has at most 512:
    merging widens them as needed, so they depend on the decisions only, not on the batches. Decisions without
    any time, or without a confidence, are left out and counted (``undated``, ``missing``).

    So is what lies far from all the others, as where a clock was not set (``outside``): what more than ten
    years part from the rest, if it is less than 1 in 20 or outside the years 1900 to 2199.

    Windows that overlap share decisions: a band holds for its own time, and is no test of a trend. Where the
    mix of models or questions changes along time the mean of all moves although no group's does: look at it
    ``by`` group, and at :class:`~mastermind_lab.stats.Regimes` for where something changed.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> summary = lab.stats.ConfidenceOverTime.of(lab.sample(), by="meta.model", bandwidth="2D")
    >>> len(summary.points()) <= 4_000
    True
    >>> bool((summary.every(100)["n"] >= 100).all())
    True
    """

    binned = "cells"

    bandwidth: float | pd.Timedelta
    cells: GroupedSums
    sums: GroupedSums

    @classmethod
    @renamed_options(window="bandwidth")
    @over_batches
    def of(
        cls,
        data: Data,
        *,
        by: By = None,
        bandwidth: float | str | timedelta = 0.1,
        cluster: By = None,
        replicates: int = REPLICATES,
        interval: str = BOOTSTRAP,
    ) -> Self:
        """Count a batch of decisions.

        Parameters
        ----------
        data
            A history or its ``decisions`` frame.
        by
            Column or columns of ``decisions`` to group by; a missing value is a group of its own.
        bandwidth
            Width of what the rolling mean takes in: a share of the whole span, above 0 to 1, or a duration
            such as ``"36h"`` or a Timedelta. It is rounded to an odd number of bins.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.
        interval
            ``"bootstrap"``, for one look; ``"anytime"``, for as many as one likes while decisions come in.
            That is for means and shares of decisions, without ``cluster``; other figures then have none.

        Raises
        ------
        OptionError
            If a column is unknown, an option out of range, or a confidence outside 0 to 1.
        """
        names = names_of(by, taken=("bin", "cell", "time"))
        frame = frame_of(data, "decisions", ("stream_id", "confidence", "published_at"))
        keys, values, times = keys_of(frame, names), shares_of(frame, "confidence"), times_of(frame)
        shift = finest(times.dropna().to_numpy(dtype=np.int64))
        bins = times // (1 << shift)
        cells = pd.Series(rounded(values * CELLS), index=frame.index)
        known = (bins.notna() & cells.notna()).to_numpy()
        units = Units.of(data, cluster)
        sums = GroupedSums.of(
            keys[known].assign(bin=bins[known]),
            {"n": np.ones(known.sum()), "confidence": values[known]},
            units.at(frame["stream_id"])[known],
            replicates,
        )
        counts = GroupedSums.of(keys.assign(bin=bins, cell=cells), {"n": np.ones(len(frame))})
        return cls(
            names,
            _checked(bandwidth),
            counts,
            sums,
            shift=shift,
            cluster=units.names,
            intervals=intervals_of(interval, units.names),
        )

    @property
    def width(self) -> pd.Timedelta:
        """The width of a time bin."""
        return pd.Timedelta(1 << self._shown.shift, unit="us")

    @property
    def mean(self) -> Estimate:
        """The mean confidence of all decisions with a time, whenever that is, 0 to 1."""
        return overall(self.intervals.means, self.sums, "confidence", "n", bounds=SHARE)

    @property
    def missing(self) -> int:
        """Decisions left out because they have a time but no confidence."""
        keys = self.cells.keys
        return int(self.cells["n"][keys["bin"].notna() & keys["cell"].isna(), 0].sum())

    @property
    def outside(self) -> int:
        """Decisions left out because their time is far from that of all the others."""
        return int(self.sums["n"][:, 0].sum() - self._shown.sums["n"][:, 0].sum())

    def _counts(self) -> str:
        return "decisions" + (f", {self.outside:,} far off in time and not shown" if self.outside else "")

    def table(self) -> pd.DataFrame:
        """Return one row for each group and time bin, from the group's first decision to its last.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``time``, the middle of the bin (UTC); ``n`` decisions in the bin and their
            ``mean`` confidence, 0 to 1, with ``mean_low`` and ``mean_high``; ``rolling``, the mean confidence
            of the ``n_window`` decisions in the window around the bin, with ``rolling_low`` and
            ``rolling_high`` (95% intervals, for that time alone); ``small_n``, whether ``n_window`` is below
            10. At the ends the window holds what there is. A mean is NaN where nothing was decided, an
            interval where there are fewer than 2 decisions.
        """
        shown = self._shown
        groups, codes = grouped(shown.sums.keys[list(self.by)])
        parts = [shown._rolled(groups.iloc[[code]], codes == code) for code in range(len(groups))]
        return pd.concat(parts, ignore_index=True) if parts else shown._rolled(groups, codes == 0)

    def every(self, n: int) -> pd.DataFrame:
        """Return the mean confidence of every n decisions: one row for each group and window of them.

        Windows are made of whole time bins, from the group's first on, each as soon as it holds n decisions:
        so they do not overlap, hold *at least* n, more where many fall into one bin, and are the same
        whatever the batches. What is left at the end is part of the last one. Where the span grows, bins
        widen and windows may be cut anew.

        Parameters
        ----------
        n
            Decisions a window should hold, 1 or more; a group with fewer has one window.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``first`` and ``last``, where the window begins and ends, and ``time``, its
            middle (UTC); ``n`` decisions; their ``mean`` confidence, 0 to 1, with ``mean_low`` and
            ``mean_high`` (95% interval, NaN where n is below 2); ``small_n``, whether n is below 10.

        Raises
        ------
        OptionError
            If ``n`` is no whole number from 1.
        """
        check_whole("n, of every n decisions,", n, 1)
        shown = self._shown
        whole = shown.sums
        codes = grouped(whole.keys[list(self.by)])[1]
        window = in_turn(whole["n"][:, 0], codes, n)
        starts = np.unique(window, return_index=True)[1]
        ends = np.append(starts[1:], len(window)) - 1 if len(starts) else starts
        cells = np.add.reduceat(whole.cells, starts, axis=0) if len(starts) else whole.cells
        drawn = whole.drawn and whole.drawn.merged(starts, ends + 1)
        keys = whole.keys.iloc[starts].reset_index(drop=True)
        sums = GroupedSums(keys, whole.names, cells, drawn=drawn)
        independent = sums.independent(sums["n"][:, 0])
        bins = whole.keys["bin"].to_numpy(dtype=np.int64)
        first, last = ((place << shown.shift) for place in (bins[starts], bins[ends] + 1))
        return sums.keys.drop(columns="bin").assign(
            first=moments(first),
            last=moments(last),
            time=moments(first + (last - first) // 2),
            n=counted(sums["n"][:, 0]),
            **sums.clusters(),
            **with_ends(mean=self.intervals.means(sums["confidence"], sums["n"], independent, SHARE)),
            small_n=independent < SMALL_N,
        )

    def points(self, most: int = 4_000) -> pd.DataFrame:
        """Return the decisions as points, put together until a screen can show them all.

        Points that fall together are one: at first those in one time bin and one hundredth of confidence,
        then both steps are doubled in turn.

        Parameters
        ----------
        most
            Points at most, unless there are more groups than that.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``time`` (UTC) and ``confidence`` (0 to 1), the middle of the cell; ``n``
            decisions in it.
        """
        keys, n, shift, tall = self._together(most)
        return keys[list(self.by)].assign(
            time=middles(keys["bin"].to_numpy(dtype=np.int64), shift),
            confidence=(((keys["cell"].astype("float64") + 0.5) * (1 << tall) - 0.5) / CELLS).clip(0, 1),
            n=n,
        )

    def point_size(self, most: int = 4_000) -> tuple[pd.Timedelta, float]:
        """Return how much time and how much confidence a point of :meth:`points` stands for.

        Parameters
        ----------
        most
            As for :meth:`points`.
        """
        _, _, shift, tall = self._together(most)
        return pd.Timedelta(1 << shift, unit="us"), (1 << tall) / CELLS

    def density(self, most: int = 1_000) -> pd.DataFrame:
        """Return how many decisions fall into each cell of time and confidence, where points would crowd.

        Parameters
        ----------
        most
            Cells at most, unless there are more groups than that; put together as in :meth:`points`.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``first`` and ``last``, where the cell begins and ends (UTC); ``lower``
            and ``upper``, the confidences between which it lies, 0 to 1; ``n`` decisions in it.
        """
        keys, n, shift, tall = self._together(most, wide=2)
        bins, cells = keys["bin"].to_numpy(dtype=np.int64), keys["cell"].to_numpy(dtype=np.float64)
        lower, upper = ((((cells + step) * (1 << tall) - 0.5) / CELLS).clip(0, 1) for step in (0, 1))
        return keys[list(self.by)].assign(
            first=moments(bins << shift), last=moments((bins + 1) << shift), lower=lower, upper=upper, n=n
        )

    def _together(self, most: int, wide: int = 0) -> tuple[pd.DataFrame, pd.Series, int, int]:
        """Put points together until they are few enough: their keys, n, and the widths as powers of two."""
        check_whole("most", most, 1)
        shown = self._shown
        known = shown.cells.keys[["bin", "cell"]].notna().all(axis=1).to_numpy()
        cells, times, tall = doubled(shown.cells.take(known), "bin", wide), wide, 0
        while len(cells.keys) > most and tall < CELLS.bit_length():
            if times - wide == tall:
                cells, times = doubled(cells, "bin"), times + 1
            else:
                cells, tall = doubled(cells, "cell"), tall + 1
        return cells.keys, counted(cells["n"][:, 0]), shown.shift + times, tall

    def _rolled(self, group: pd.DataFrame, rows: NDArray[np.bool_]) -> pd.DataFrame:
        """Make the rows of one group."""
        bins = self.sums.keys["bin"][rows].to_numpy(dtype=np.int64)
        first = bins[0] if len(bins) else 0
        n, confidence = (spread(self.sums[name][rows], bins - first) for name in self.sums.names)
        reach = self._reach()
        in_window = around(n, reach)
        independent, of_window = (
            self._independent(rows, n[:, 0], 0),
            self._independent(rows, in_window[:, 0], reach),
        )
        table = group.loc[group.index.repeat(len(n))].reset_index(drop=True)
        return with_columns(
            table,
            time=middles(first + np.arange(len(n)), self.shift),
            n=counted(n[:, 0]),
            **with_ends(
                mean=self.intervals.means(confidence, n, independent, SHARE),
                rolling=self.intervals.means(around(confidence, reach), in_window, of_window, SHARE),
            ),
            n_window=counted(in_window[:, 0]),
            **({"clusters": counted(of_window)} if self.cluster else {}),
            small_n=of_window < SMALL_N,
        )

    def _independent(self, rows: NDArray[np.bool_], n: Floats, reach: int) -> Floats:
        """Say how many independent observations the n decisions around each bin of a group are."""
        if self.sums.drawn is None or not len(n):
            return n
        bins, start = self.sums.keys["bin"][rows].to_numpy(dtype=np.int64), int(np.argmax(rows))
        here = bins[0] + np.arange(len(n))
        first, last = np.searchsorted(bins, here - reach), np.searchsorted(bins, here + reach, side="right")
        return np.minimum(n, self.sums.drawn.merged(first + start, last + start).counts(len(n)))

    def _reach(self) -> int:
        """Bins that the window takes in on either side of its own."""
        bins = self.sums.keys["bin"]
        if isinstance(self.bandwidth, pd.Timedelta):
            wanted = self.bandwidth / self.width
        else:
            wanted = self.bandwidth * (bins.max() - bins.min() + 1) if len(bins) else 1.0
        return max(0, round((wanted - 1) / 2))


def _checked(bandwidth: float | str | timedelta) -> float | pd.Timedelta:
    """Return a bandwidth as a share or a duration.

    Raises
    ------
    OptionError
        If it is neither a number above 0 and up to 1, nor a positive duration.
    """
    problem = OptionError(
        f"bandwidth must be above 0 and at most 1, or a duration like '36h', not {bandwidth!r:.60}"
    )
    if isinstance(bandwidth, int | float):
        if not 0 < bandwidth <= 1:
            raise problem
        return float(bandwidth)
    if (duration := duration_of(bandwidth)) is None:
        raise problem
    return duration
