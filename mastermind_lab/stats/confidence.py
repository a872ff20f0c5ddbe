"""How sure the panels are: the distribution of the decisions' confidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd

from ..labels import counted as repeats
from .engine.anytime import intervals_of
from .engine.arithmetic import squared_deviations
from .engine.ballots import ROUND, Ballots
from .engine.bootstrap import REPLICATES, Floats
from .engine.decisions import Decisions
from .engine.estimate import SMALL_N, Estimate
from .engine.histogram import coarse, quantiles, steps_of
from .engine.input import By, Data, frame_of, keys_of, names_of, shares_of
from .engine.intervals import BOOTSTRAP, SHARE, divided, with_ends
from .engine.options import check_share
from .engine.summary import Summary, counted, over_batches, overall
from .engine.sums import GroupedSums, with_columns
from .engine.units import Units

LEVELS = {"q05": 0.05, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q95": 0.95}


@dataclass(frozen=True, eq=False, repr=False)
class Confidence(Summary):
    """How sure the panels say they are: the distribution of the decisions' confidence, 0 to 1, by group.

    The standard deviation is that of a sample (n - 1); quantiles are interpolated between order statistics
    (Hyndman and Fan 1996, type 7). Decisions without a confidence are left out of every figure and counted as
    ``missing``.

    This is how sure the panels said they were, not whether they had reason to be: that is
    :class:`~mastermind_lab.stats.Calibration`. Groups whose questions differ in difficulty do not compare.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample()
    >>> summary = lab.stats.Confidence.of(history, by="meta.model", threshold=0.6)
    >>> int(summary.table()["n"].sum())
    2000
    """

    threshold: float
    sums: GroupedSums
    steps: GroupedSums
    behind: Decisions
    again: GroupedSums
    unit: str = field(default="decisions", kw_only=True)

    @classmethod
    @over_batches
    def of(
        cls,
        data: Data,
        *,
        by: By = None,
        threshold: float = 0.5,
        cluster: By = None,
        replicates: int = REPLICATES,
        interval: str = BOOTSTRAP,
        family: str | None = None,
    ) -> Self:
        """Count a batch of decisions.

        Parameters
        ----------
        data
            A history, its ``decisions`` frame, or its ``votes`` frame: then the confidence of the votes that
            count is, one a voter and decision, and with ``by="vote.round"`` one a round. Without a voter or a
            choice it is none.
        by
            Column or columns of ``decisions`` to group by; a missing value is a group of its own.
        threshold
            ``share_below`` counts confidences strictly below it, 0 to 1.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.
        interval
            ``"bootstrap"``, for one look; ``"anytime"``, for as many as one likes while decisions come in.
            That is for means and shares of decisions, without ``cluster``; other figures then have none.
        family
            ``"simultaneous"``: all 95% intervals of a column of a table hold together, not each by itself.

        Raises
        ------
        OptionError
            If a column is unknown, an option out of range, or a confidence outside 0 to 1.
        """
        check_share("threshold", threshold)
        names = names_of(by, taken=("step",))
        frame = frame_of(data, "decisions", ("stream_id", "confidence"))
        units, decision, own = Units.of(data, cluster), np.arange(len(frame)), None
        cast, again = np.ones(len(frame), dtype=np.bool_), np.zeros(len(frame), dtype=np.bool_)
        if of_votes := isinstance(data, pd.DataFrame) and "voter" in data:
            rows, cast, again = Ballots.of(_apart(data) if ROUND in names else data).heard()
            frame = frame.iloc[rows]
            decision, own = pd.factorize(frame["stream_id"])[0], units.decisions(frame["stream_id"])
        keys, values = keys_of(frame, names), np.where(cast, shares_of(frame, "confidence"), np.nan)
        quantities = {**_quantities(values, threshold), "missing": cast & np.isnan(values)}
        return cls(
            names,
            float(threshold),
            GroupedSums.of(keys, quantities, units.at(frame["stream_id"]), replicates),
            steps_of(keys, values),
            Decisions.behind(keys, decision, {"n": ~np.isnan(values)}, own),
            GroupedSums.of(keys, {"repeated": again}),
            cluster=units.names,
            intervals=intervals_of(interval, units.names, family),
            unit="votes" if of_votes else "decisions",
        )

    def _counts(self) -> str:
        return self.unit

    @property
    def repeated(self) -> int:
        """How often a voter voted more than once in a decision, where votes are counted."""
        return int(self.again["repeated"][:, 0].sum())

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be known of the figures, and how many votes are repeated."""
        again = [repeats(self.repeated, "repeated vote")] if self.repeated else []
        return (*again, *super().notes)

    @property
    def mean(self) -> Estimate:
        """The mean confidence of all decisions, 0 to 1."""
        return overall(self.intervals.means, self.sums, "confidence", "n", behind=self.behind, bounds=SHARE)

    @property
    def share_below(self) -> Estimate:
        """The share of all decisions with a confidence below the threshold, 0 to 1."""
        return overall(self.intervals.shares, self.sums, "below", "n", behind=self.behind)

    def table(self) -> pd.DataFrame:
        """Return one row a group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``n`` decisions, or votes; ``decisions``, the observations behind the
            intervals; ``mean`` with ``mean_low`` and ``mean_high`` (95% interval);
            ``sd`` (sample standard deviation, NaN where n is 1); ``q05``, ``q25``, ``q50``, ``q75``, ``q95``
            (quantiles, read off a fixed histogram of 2,000 steps, right to within 0.00025); ``share_below``
            the threshold with ``share_below_low`` and ``share_below_high``; ``missing`` (decisions without a
            confidence). ``small_n`` marks rows of fewer than 10 decisions. Intervals are NaN where there are
            fewer than 2.
        """
        n, decisions = self.sums["n"][:, 0], self.behind["n"][:, 0]
        independent = self.sums.independent(decisions)
        levels = quantiles(self.steps, tuple(LEVELS.values()))
        return with_columns(
            self.sums.keys,
            n=counted(n),
            decisions=counted(decisions),
            **self.sums.clusters(),
            **with_ends(
                mean=self.intervals.means(self.sums["confidence"], self.sums["n"], independent, SHARE)
            ),
            sd=_deviation(n, self.sums["confidence"][:, 0], self.sums["squares"][:, 0]),
            **dict(zip(LEVELS, levels.T, strict=True)),
            **with_ends(share_below=self.intervals.shares(self.sums["below"], self.sums["n"], independent)),
            missing=counted(self.sums["missing"][:, 0]),
            small_n=independent < SMALL_N,
        )

    def histogram(self, bins: int = 20) -> pd.DataFrame:
        """Return the distribution: one row for each group and bin.

        Parameters
        ----------
        bins
            Equal bins from 0 to 1; a divisor of 2,000.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``left`` and ``right`` (bins are closed on the left, the last one on both
            sides; values are counted at the nearest 1/2,000); ``n`` decisions; ``share`` of the group's.
        """
        return coarse(self.steps, bins)


def _apart(votes: pd.DataFrame) -> pd.DataFrame:
    """Take each round of a decision for one, so that no later one stands for it."""
    return votes.assign(stream_id=votes["stream_id"].astype("str") + " " + votes[ROUND].astype("str"))


def _quantities(values: Floats, threshold: float) -> dict[str, Floats]:
    missing = np.isnan(values)
    known = np.where(missing, 0.0, values)
    return {
        "n": 1.0 - missing,
        "confidence": known,
        "squares": known**2,
        "below": (values < threshold).astype(np.float64),
    }


def _deviation(n: Floats, total: Floats, squares: Floats) -> Floats:
    """The sample standard deviation, from sums."""
    return np.sqrt(divided(squared_deviations(n, total, squares), n - 1))
