"""Whether confidence was deserved: calibration, scores and ranking of confidence, given outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import pandas as pd

from ..errors import OptionError
from .engine.binning import Binning, Bins, checked_bins, wide
from .engine.bootstrap import REPLICATES, Floats
from .engine.calibration_figures import CalibrationFigures
from .engine.cells import Cells
from .engine.correctness import Unit, correctness_of, counts, quantities
from .engine.decisions import Decisions
from .engine.estimate import SMALL_N, Estimate
from .engine.histogram import STEPS, coarse
from .engine.identity import VOTER, told_apart_by
from .engine.input import By, Data, names_of
from .engine.intervals import Intervals, with_ends, without_rounding
from .engine.scores import FIGURES, read_off, risks
from .engine.summary import counted, over_batches
from .engine.sums import GroupedSums, places
from .engine.units import Units
from .engine.vocabulary import CHOICE, OUTCOME, RECOMMENDATION

LEFT_OUT = ("without_outcome", "without_recommendation", "missing", "repeated")


@dataclass(frozen=True, eq=False, repr=False)
class Calibration(CalibrationFigures):
    """How well confidence matches what turned out to be right, by group.

    What is compared with outcomes are panels (the decision's confidence; right where the recommendation is
    ``correct_choice``) or single votes (the vote's confidence; right where the choice is). Confidence is read
    as the probability of being right: where it is meant otherwise, only ``auroc`` and ``auarc`` make sense.

    Up to 2,000 different confidences of a group are told apart, and every figure is exact. Where there are
    more, they are counted in 1,000 to 2,000 steps, which are as fine near 0 and 1, relative to the distance
    from there, as between. The accuracy of bins of equal width, and that of all, Brier and log score are
    exact all the same. Of the pairs of a right and a wrong one, ``auroc`` takes those in one step for ties.
    On confidences such as probabilities of tokens, it, ``auarc`` and risks are within 0.001 of what they
    would be if each were told apart. Steps of all groups together are 20,000 at most.

    :func:`mastermind_lab.recalibrated` reads confidence as it was deserved.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.history import sample_folder
    >>> history = lab.with_outcomes(lab.sample(), sample_folder() / "outcomes.csv")
    >>> summary = lab.stats.Calibration.of(history, by="meta.category")
    >>> bool((summary.table()["n"] > 200).all())
    True
    >>> summary.auroc.value > 0.5
    True
    """

    unit: Unit
    binning: Binning
    bins: int
    sums: GroupedSums
    counts: GroupedSums
    steps: Cells
    behind: Decisions
    voter: str = field(default=VOTER, kw_only=True)

    @classmethod
    @over_batches
    def of(
        cls,
        data: Data,
        *,
        by: By = None,
        unit: Unit = "panels",
        binning: Binning = "width",
        bins: int = 10,
        voter: str = VOTER,
        cluster: By = None,
        replicates: int = REPLICATES,
        family: str | None = None,
    ) -> Self:
        """Count a batch of decisions, or of their votes.

        Parameters
        ----------
        data
            A history with outcomes or, for panels, its ``decisions`` frame.
        by
            Column or columns to group by: of ``decisions`` or, for voters, of ``votes`` too. For
            ``by="voter"`` every voter is a group.
        unit
            ``"panels"`` or ``"voters"``: whose confidence.
        binning
            ``"width"``: equal widths, closed on the right, as Guo et al. (2017) and scikit-learn have them.
            ``"quantile"``: about equal n; equal confidences stay together, so there may be fewer bins.
            ``"isotonic"``: the blocks of the isotonic regression of being right on confidence, the CORP
            approach (Dimitriadis, Gneiting and Jordan 2021), which needs no number of bins.
        bins
            How many; for equal widths a divisor of 2,000; not used by ``"isotonic"``.
        voter
            Column of ``votes`` that tells voters apart, where ``unit`` is ``"voters"``.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.
        family
            ``"simultaneous"``: all 95% intervals of a column of a table hold together, not each by itself.

        Raises
        ------
        OptionError
            If outcomes were not joined, a column is unknown, an option out of range, or a confidence outside
            0 to 1.
        """
        names = names_of(by, taken=("bin", "step", "confidence"))
        kind, many = checked_bins(binning, bins)
        if unit != "voters" and voter != VOTER:
            raise OptionError(f'voter={voter!r:.60} tells voters apart: count them, with unit="voters"')
        rows = correctness_of(told_apart_by(data, voter) if unit == "voters" else data, names, unit)
        known, units = rows.known, Units.of(data, cluster)
        drawn = units.at(rows.ids)
        sure = rows.confidence[known]
        bin_of = wide(sure, many if kind == "width" else 1)
        steps = Cells.counted(rows.keys[known], bin_of, sure, rows.right[known], drawn[known], replicates)
        sums = GroupedSums.of(rows.keys, quantities(rows), drawn, replicates)
        others = GroupedSums.of(rows.keys, counts(rows))
        # Votes of one decision may lie in several groups, panels do not.
        decision, own = pd.factorize(rows.ids)[0], units.decisions(rows.ids) if unit == "voters" else None
        behind = Decisions.behind(rows.keys, decision, {"n": known}, own)
        return cls(
            names, unit, kind, many, sums, others, steps, behind, voter=voter, cluster=units.names,
            intervals=Intervals.of(family),
        )  # fmt: skip

    @property
    def _compared(self) -> tuple[str, ...]:
        return (RECOMMENDATION if self.unit == "panels" else CHOICE, OUTCOME)

    def table(self) -> pd.DataFrame:
        """Return one row a group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``n`` panels or votes; ``decisions``, the observations behind the
            intervals; then the single figures of this class and mean ``confidence``, each with ``_low`` and
            ``_high`` (95% interval; NaN where there are fewer than 2 decisions and, but for accuracy, where
            all or none were right); ``ece_noise``, the mean ECE of 400 simulated panels as sure as these, of
            which each is right as often as it says; ``within``, the part of the Brier score that the bins
            leave out;
            ``small_n_bins``, how many hold too few (see :meth:`diagram`); left out and counted:
            ``without_outcome``; of the others, panels ``without_recommendation``; of the rest ``missing``,
            which have no confidence; ``repeated``, how often a voter voted more than once in a decision: one
            vote counts, or none where they contradict each other;
            ``small_n``, whether there are fewer than 10 decisions.
        """
        bins = self._bins()
        n, decisions = self.sums["n"][:, 0], self.behind["n"][:, 0]
        columns = {"n": counted(n), "decisions": counted(decisions), **self.sums.clusters()}
        independent = self.sums.independent(decisions)
        figures = {name: read_off(self.intervals, name, self.sums, bins, independent) for name in FIGURES}
        columns |= {name: pd.Series(values) for name, values in with_ends(**figures).items()}
        explained = columns["calibration_loss"] - columns["resolution"] + columns["uncertainty"]
        shares = self._shares()
        noise = [one.noise(share) for one, share in zip(bins, shares, strict=True)]
        few = [one.small(share) for one, share in zip(bins, shares, strict=True)]
        within = pd.Series(without_rounding((columns["brier"] - explained).to_numpy()), dtype="float64")
        columns |= {"ece_noise": pd.Series(noise, dtype="float64"), "within": within}
        columns |= {"small_n_bins": pd.Series(few, dtype="int64")}
        columns |= {name: counted(self.counts[name][:, 0]) for name in LEFT_OUT}
        return self.sums.keys.assign(**columns, small_n=independent < SMALL_N)

    def diagram(self) -> pd.DataFrame:
        """Return the reliability diagram: one row for each group and bin that holds anything.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``bin``, its number from 0 (one that is not there is empty); ``lowest`` and
            ``highest`` confidence in the bin; ``n``; mean ``confidence``; ``accuracy``, 0 to 1, with
            ``accuracy_low`` and ``accuracy_high`` (95% interval; for isotonic bins that of the regression
            there, its blocks found anew in each replicate); ``calibrated``, the accuracy that was to be
            expected if each were right as often as it says, with ``calibrated_low`` and ``calibrated_high``,
            between which 95% of 400 simulated ones lie (the consistency bars of Broecker and Smith 2007);
            ``small_n`` where it stands on fewer than 10 observations. Votes of one panel are no independent
            observations: ``n`` of them count like ``n * decisions / n of the group``.
        """
        parts = [
            one.table(self.intervals, share) for one, share in zip(self._bins(), self._shares(), strict=True)
        ]
        return self._stacked(parts or [_no_bins().table(self.intervals, 1.0)])

    def risk_coverage(self) -> pd.DataFrame:
        """Return the risk-coverage curve (Geifman and El-Yaniv 2017): 100 rows a group.

        If only the surest were acted upon: how many of these would be wrong? Where a threshold parts equal
        confidences, a random part of them is taken.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``coverage``, the share acted upon, 0.01 to 1; ``threshold``, the lowest
            confidence among them; ``n`` of them; ``risk``, the share of wrong ones, with ``risk_low``
            and ``risk_high`` (95% interval, for that coverage alone); ``small_n`` as in :meth:`diagram`.
        """
        bins, nothing = zip(self._bins(), self._shares(), strict=True), _no_bins()
        made = self.intervals
        parts = [risks(made, one.values, one.n, one.correct, share) for one, share in bins]
        return self._stacked(parts or [risks(made, nothing.values, nothing.n, nothing.correct, 1.0).iloc[:0]])

    def histogram(self, bins: int = 20) -> pd.DataFrame:
        """Return the distribution of the confidences that were counted: one row for each group and bin.

        Parameters
        ----------
        bins
            Equal bins from 0 to 1; a divisor of 2,000.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``left`` and ``right`` (bins are closed on the left, the last one on both
            sides); ``n``; ``share`` of the group's.
        """
        return coarse(self.steps.rounded(STEPS), bins)

    def _counts(self) -> str:
        return "decisions" if self.unit == "panels" else "votes"

    def _estimate(self, name: str) -> Estimate:
        whole = replace(self, by=(), sums=self.sums.marginalize(()), steps=self.steps.marginalize(()))
        n = whole.sums.independent(self.counts.marginalize(())["panels"][:, 0])
        return read_off(self.intervals, name, whole.sums, whole._bins(), n).estimate(n)

    def _bins(self) -> list[Bins]:
        """Take the counts by confidence apart, a group each."""
        groups = places(self.steps.keys, self.sums.keys)
        values, wide_bins = self.steps.values, self.steps.keys["bin"].to_numpy(dtype=np.intp)
        n, correct = self.steps["n"], self.steps["correct"]
        rows = [groups == group for group in range(len(self.sums.keys))]
        return [
            Bins.of(values[row], wide_bins[row], n[row], correct[row], self.binning, self.bins)
            for row in rows
        ]

    def _shares(self) -> Floats:
        """Say how many independent observations one of a group's counts for."""
        n, decisions = self.sums["n"][:, 0], self.behind["n"][:, 0]
        return self.sums.independent(decisions) / np.maximum(n, 1)

    def _stacked(self, parts: list[pd.DataFrame]) -> pd.DataFrame:
        rows = np.repeat(np.arange(len(self.sums.keys)), [len(part) for part in parts][: len(self.sums.keys)])
        keys = self.sums.keys.iloc[rows].reset_index(drop=True)
        return pd.concat([keys, pd.concat(parts, ignore_index=True)], axis=1)


def _no_bins() -> Bins:
    empty = np.empty((0, 2))
    return Bins.of(np.empty(0), np.empty(0, dtype=np.intp), empty, empty, "width", 1)
