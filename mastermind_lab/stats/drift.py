"""Whether confidence and dissent have left what they were at first: a CUSUM that can run live."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import OptionError
from .engine.bootstrap import REPLICATES, Floats
from .engine.cusum import Cusum
from .engine.estimate import SMALL_N
from .engine.input import TEXT, By, Data, frame_of, keys_of, names_of, shares_of
from .engine.intervals import CHANGE, divided, with_ends
from .engine.summary import counted, over_batches
from .engine.sums import Codes, GroupedSums, grouped
from .engine.timebins import InTimeBins, duration_of, finest, moments, times_of
from .engine.units import Units
from .margin import Margin

FIGURES = {"confidence": "known", "dissent": "voted"}
"""What is watched, and what counts the decisions that have it."""

LEAST_BINS = 40
"""Time bins that a baseline of so many decisions has at least."""

_PATH = ["figure", "time", "n", "mean", "cusum", "limit", "of_limit", "passed"]


@dataclass(frozen=True, eq=False, repr=False)
class Drift(InTimeBins):
    """Whether mean confidence, and dissent, have left what they were in a baseline: a CUSUM, by group.

    Dissent is the share of a panel's votes that are against the winner; ties and decisions without votes have
    none. In the order of time the deviations of all decisions after the baseline from its mean are added up.
    There is an alarm where that sum passes a limit that grows with the number of decisions, for the mean of
    the baseline is not exactly known (Chu, Stinchcombe and White 1996; Horvath, Huskova, Kokoszka and
    Steinebach 2004): after k decisions it is ``2.75 * s * sqrt(m) * (1 + k / m)``, where m are those of the
    baseline and s is their standard deviation as the means of ten stretches of it show it. So what hangs
    together within a stretch, such as decisions in a row on one topic, makes no alarm.

    The limit was simulated, in 1,000 streams each. Looking at every decision for ten times a baseline of 200,
    in which nothing changes, there was an alarm in 4% of streams of independent decisions, in 4% and 7% where
    neighbours correlate by 0.5 and by 0.8, in 3%, 4% and 28% where models run in blocks of 10, 20 and 50;
    with a baseline of 1,000, for five times as many, in 3% each. So where decisions hang together for longer
    than a tenth of the baseline, ask for a longer one, or count ``by`` model. Each figure and group has
    alarms by itself. A rise by half a standard deviation after 400 decisions was found in 97% of streams, in
    the middle 365 decisions later.

    The baseline may be another run as a whole, whenever that was. In 1,000 streams each of the first four
    kinds there was an alarm in 3% to 4% up to 2,000 decisions behind an earlier run of 200, and behind one of
    2,000 in under 1% up to 2,000, and in 1% to 2% up to 4,000.

    One can look as often as one likes, live, too: sums are looked at where time bins end
    (:class:`~mastermind_lab.stats.ConfidenceOverTime` says what these are). As the span grows bins widen, and
    the baseline, which is made of whole ones and of at least 40, with them. An alarm says that the mean is
    another, not why: see :class:`~mastermind_lab.stats.Regimes`.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> table = lab.stats.Drift.of(lab.sample()).table()
    >>> table[["figure", "n", "n_baseline"]].to_numpy().tolist()
    [['confidence', 2000, 204], ['dissent', 1950, 207]]
    """

    binned = "sums"

    baseline: Baseline
    sums: GroupedSums

    @classmethod
    @over_batches
    def of(
        cls,
        data: Data,
        *,
        by: By = None,
        baseline: int | str | timedelta | datetime | Drift = 200,
        cluster: By = None,
        replicates: int = REPLICATES,
    ) -> Self:
        """Count a batch of decisions.

        Parameters
        ----------
        data
            A history, or its ``decisions`` frame (dissent is then unknown).
        by
            Column or columns of ``decisions`` to group by; a missing value is a group of its own.
        baseline
            What each group is compared with: its first so many decisions, 50 or more; those of the time from
            the first on, such as ``"36h"`` or a Timedelta; those before a moment, such as ``"2026-11-03"``
            (UTC where it says nothing else); or an earlier run as a whole, as ``Drift.of(earlier)`` counts
            it, both without ``by``.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together for the interval of a difference; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.

        Raises
        ------
        OptionError
            If a column is unknown, an option out of range, or a confidence outside 0 to 1.
        """
        names = names_of(by, taken=("bin", "figure", "time"))
        checked = _checked(baseline, names, names_of(cluster, option="cluster"), replicates)
        frame = frame_of(data, "decisions", ("stream_id", "confidence", "published_at"))
        keys, times = keys_of(frame, names), times_of(frame)
        shift = finest(times.dropna().to_numpy(dtype=np.int64))
        units = Units.of(data, cluster)
        sums = GroupedSums.of(
            keys.assign(bin=times // (1 << shift)),
            _quantities(shares_of(frame, "confidence"), _dissent(data)),
            units.at(frame["stream_id"]),
            replicates,
        )
        return cls(names, checked, sums, shift=shift, cluster=units.names)

    @property
    def outside(self) -> int:
        """Decisions left out because their time is far from that of all the others."""
        return int(self.sums["n"][:, 0].sum() - self._shown.sums["n"][:, 0].sum())

    def totals(self) -> pd.DataFrame:
        """Return what all decisions add up to, dated or not: a row with ``figure``, ``n`` and ``sum``."""
        whole = self.sums.marginalize(())
        rows = [
            (name, whole[number][:, 0].sum(), whole[name][:, 0].sum()) for name, number in FIGURES.items()
        ]
        return pd.DataFrame(rows, columns=["figure", "n", "sum"]).astype({"n": "int64"})

    def table(self) -> pd.DataFrame:
        """Return one row for each group and figure.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``figure``, "confidence" or "dissent"; ``n`` decisions with it, ``n_baseline``
            of them in the baseline; ``baseline``, the mean there, 0 to 1; ``difference``, the mean after it
            minus that, -1 to 1, with ``difference_low`` and ``difference_high`` (95% interval, for one look);
            ``alarm``, the end of the time bin in which the sum first passed its limit (UTC, missing where it
            never did), ``direction``, "up" or "down", and ``since``, when it seems to have left for there;
            ``cusum``, the sum at the end, and its ``limit``. Where the baseline is too short, or constant,
            the limit is NaN, and there is no alarm. ``small_n`` marks rows with fewer than 10 decisions on
            either side.
        """
        shown = self._with_earlier()
        parts = [shown._row(name, groups, rows) for name, groups, rows in shown._watched()]
        return self._sorted(pd.concat(parts, ignore_index=True))

    def path(self) -> pd.DataFrame:
        """Return the way of each sum: one row for each group, figure and time bin after the baseline.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``figure``; ``time``, the end of the bin (UTC); ``n`` decisions in it, and
            their ``mean``, 0 to 1; ``cusum``, the sum up to here of the deviations from the baseline's mean;
            its ``limit``, NaN where the baseline is too short or constant; ``of_limit``, the sum divided by
            it; ``passed``, whether it is beyond.
        """
        shown = self._with_earlier()
        return self._sorted(pd.concat(shown._way(*each) for each in shown._watched()))

    def _with_earlier(self) -> Self:
        """Put the bins of an earlier run before those that are shown."""
        shown = self._shown
        if not isinstance(self.baseline, EarlierRun):
            return shown
        earlier = self.baseline.run.lump() if self.by else self.baseline.run  # lumped, all are one group
        past = earlier._shown._dated()
        start = int(shown.sums.keys["bin"].min()) if shown.sums.keys["bin"].notna().any() else 0
        # How wide a bin is, and how long ago, is nothing to a sum of deviations.
        places = np.unique(past.keys["bin"].to_numpy(dtype=np.int64), return_inverse=True)[1]
        moved = past.rekey(
            past.keys.assign(bin=pd.array(start - 1 - places.max(initial=0) + places, "Int64"))
        )
        return replace(shown, sums=moved + shown.sums, baseline=self.baseline.before(start))

    def _sorted(self, table: pd.DataFrame) -> pd.DataFrame:
        return table.sort_values([*self.by, "figure"], kind="stable", ignore_index=True)

    def _watched(self) -> list[tuple[str, GroupedSums, list[_Group]]]:
        """Return the bins that hold decisions with a figure, and of each group what became of its sum."""
        found = []
        for name, number in FIGURES.items():
            known = self.sums.keys["bin"].notna().to_numpy() & (self.sums[number][:, 0] > 0)
            sums = self.sums.take(known)
            codes = grouped(sums.keys[list(self.by)])[1]
            rows = [np.flatnonzero(codes == code) for code in range(codes.max(initial=-1) + 1)]
            found.append((name, sums, [self._followed(sums, name, one) for one in rows]))
        return found

    def _followed(self, sums: GroupedSums, name: str, rows: Codes) -> _Group:
        bins, n = sums.keys["bin"].to_numpy(dtype=np.int64)[rows], sums[FIGURES[name]][rows, 0]
        first = self._is_first(bins, n)
        return _Group(rows[first], rows[~first], Cusum.of(n, sums[name][rows, 0], first))

    def _is_first(self, bins: NDArray[np.int64], n: Floats) -> NDArray[np.bool_]:
        """Say which bins of a group are its baseline."""
        if isinstance(self.baseline, EarlierRun):
            return bins < self.baseline.start
        if isinstance(self.baseline, int):
            return (np.cumsum(n) - n < self.baseline) | (np.arange(len(n)) < LEAST_BINS)
        ends = moments((bins + 1) << self.shift)
        if isinstance(self.baseline, pd.Timedelta):
            return np.asarray(ends - moments(bins[:1] << self.shift)[0] <= self.baseline)
        return np.asarray(ends <= self.baseline)

    def _row(self, name: str, sums: GroupedSums, groups: list[_Group]) -> pd.DataFrame:
        """Make the rows of a table."""
        keys = grouped(sums.keys[list(self.by)])[0].iloc[: len(groups)]
        before, after = (
            _side(sums, keys, rows)
            for rows in ([group.before for group in groups], [group.after for group in groups])
        )
        n_before, n_after = (side[FIGURES[name]] for side in (before, after))
        difference = divided(after[name], n_after) - divided(before[name], n_before)
        counts = (side.independent(side[FIGURES[name]][:, 0]) for side in (before, after))
        least = np.minimum(*counts)
        alarms = [group.alarm(sums.keys["bin"]) for group in groups]
        times = {
            name: moments(np.array([alarm[place] for alarm in alarms], dtype=np.int64) << self.shift).where(
                [alarm[2] != "" for alarm in alarms]
            )
            for place, name in enumerate(("alarm", "since"))
        }
        return keys.assign(
            figure=pd.array([name] * len(groups), dtype=TEXT),
            n=counted(n_before[:, 0] + n_after[:, 0]),
            n_baseline=counted(n_before[:, 0]),
            **sums.marginalize(self.by).clusters(),
            baseline=divided(before[name], n_before)[:, 0],
            **with_ends(difference=self.intervals.figures(difference, least, CHANGE)),
            **times,
            direction=pd.array([alarm[2] or None for alarm in alarms], dtype=TEXT),
            cusum=np.array([group.cusum.ends[0] for group in groups], dtype=np.float64),
            limit=np.array([group.cusum.ends[1] for group in groups], dtype=np.float64),
            small_n=least < SMALL_N,
        )

    def _way(self, name: str, sums: GroupedSums, groups: list[_Group]) -> pd.DataFrame:
        """Make the rows of a path."""
        rows = np.concatenate([np.empty(0, dtype=np.intp), *(group.after for group in groups)])
        n, keys = sums[FIGURES[name]][rows, 0], sums.keys.iloc[rows].reset_index(drop=True)
        cusum, limit = (
            np.concatenate([np.empty(0), *(getattr(group.cusum, part) for group in groups)])
            for part in ("total", "limit")
        )
        table = keys.assign(
            figure=pd.array([name] * len(rows), dtype=TEXT),
            time=moments((keys["bin"].to_numpy(dtype=np.int64) + 1) << self.shift),
            n=counted(n),
            mean=divided(sums[name][rows, 0], n),
            cusum=cusum,
            limit=limit,
            of_limit=cusum / limit,
            passed=np.abs(cusum) > limit,
        )
        return table[[*self.by, *_PATH]]


@dataclass(frozen=True)
class EarlierRun:
    """An earlier run as a baseline: two of equal content are equal, wherever they were pickled.

    Attributes
    ----------
    digest
        Of what was counted of it.
    run
        That itself.
    start
        The bin with which what is compared with it begins.
    """

    digest: str
    run: Drift = field(compare=False)
    start: int = field(default=0, compare=False)

    @classmethod
    def of(cls, run: Drift) -> EarlierRun:
        """Take a whole run."""
        counted = run.sums.keys.to_csv().encode() + run.sums.cells.tobytes()
        return cls(sha256(counted).hexdigest(), run)

    def __repr__(self) -> str:
        return f"an earlier run of {self.run.n:,} decisions"

    def before(self, start: int) -> EarlierRun:
        """Say where the other run begins."""
        return replace(self, start=start)


Baseline = int | pd.Timedelta | pd.Timestamp | EarlierRun


class _Group(NamedTuple):
    """The bins of one group, by their rows, and the way of its sum."""

    before: Codes
    after: Codes
    cusum: Cusum

    def alarm(self, bins: pd.Series) -> tuple[int, int, str]:
        """Return the bins in which the alarm was and the change began, and its direction; that is empty."""
        at = self.cusum.alarm
        if at is None:
            return 0, 0, ""
        began = np.append(self.before[-1:], self.after)[self.cusum.since]
        alarm, since = (int(bins.iloc[row]) + 1 for row in (self.after[at], began))
        return alarm, since, "up" if self.cusum.total[at] > 0 else "down"


def _side(sums: GroupedSums, keys: pd.DataFrame, rows: list[Codes]) -> GroupedSums:
    """Add up some bins of each group."""
    of_group = np.full(len(sums.keys), -1, dtype=np.intp)
    for group, some in enumerate(rows):
        of_group[some] = group
    cells = np.zeros((len(rows), *sums.cells.shape[1:]))
    np.add.at(cells, of_group[of_group >= 0], sums.cells[of_group >= 0])
    return GroupedSums(keys, sums.names, cells, drawn=sums.drawn and sums.drawn.regrouped(of_group))


def _quantities(confidence: Floats, dissent: Floats) -> dict[str, Floats]:
    return {
        "n": np.ones(len(confidence)),
        "known": np.where(np.isnan(confidence), 0.0, 1.0),
        "confidence": np.nan_to_num(confidence),
        "voted": np.where(np.isnan(dissent), 0.0, 1.0),
        "dissent": np.nan_to_num(dissent),
    }


def _dissent(data: Data) -> Floats:
    """Return the share of each panel that is against the winner, NaN where there is none."""
    if isinstance(data, pd.DataFrame):
        return np.full(len(data), np.nan)
    panels = Margin.decisions(data)
    return (panels["dissenters"] / panels["votes"]).to_numpy(dtype=np.float64, na_value=np.nan)


def _checked(baseline: Any, by: tuple[str, ...], cluster: tuple[str, ...], replicates: int) -> Baseline:
    """Return a baseline as a number of decisions, a duration, a moment or an earlier run.

    Raises
    ------
    OptionError
        If it is none of these, or an earlier run that does not fit.
    """
    if isinstance(baseline, Drift):
        alike = baseline.cluster == cluster and baseline.sums.cells.shape[-1] == 1 + replicates
        if by or baseline.by or not alike:
            raise OptionError(
                "an earlier run is the baseline of all decisions together: count it and these without by=, "
                "and with the same cluster= and replicates="
            )
        return EarlierRun.of(baseline)
    problem = OptionError(
        "baseline must be a number of decisions from 50, a duration like '36h', a moment like "
        f"'2026-11-03', or the Drift of an earlier run, not {baseline!r:.60}"
    )
    if isinstance(baseline, int | float):
        if isinstance(baseline, bool | float) or baseline < 50:
            raise problem
        return baseline
    if (duration := duration_of(baseline)) is not None:
        return duration
    if (moment := _moment(baseline)) is None:
        raise problem
    return cast(pd.Timestamp, moment.tz_localize("UTC") if moment.tzinfo is None else moment)


def _moment(given: object) -> Any:
    """Read a moment, of texts those that begin with a year; None if it is none."""
    if isinstance(given, str) and not re.match(r"\s*\d{4}", given):
        return None  # pandas finds a day in "36", too
    try:
        found = pd.Timestamp(cast(Any, given))
    except (ValueError, TypeError):
        return None
    return None if pd.isna(found) else found
