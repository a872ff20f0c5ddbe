"""Confidence as it was deserved: fitted on some decisions, judged on others, used on new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from ..errors import OptionError
from .engine.binning import Bins, checked_bins, wide
from .engine.bootstrap import REPLICATES, Floats
from .engine.cells import Cells
from .engine.confidence_maps import ConfidenceMap, Method, checked_method, fitted
from .engine.correctness import Flags, correctness_of, counts
from .engine.estimate import SMALL_N, Estimate
from .engine.folds import fold_of
from .engine.input import By, Data, frame_of, keys_of, names_of, shares_of
from .engine.intervals import CHANGE, SHARE, Figure, with_ends
from .engine.summary import Summary, counted, over_batches
from .engine.sums import Codes, GroupedSums, grouped, places, stacked
from .engine.units import Units

_BOUNDS = {"brier": SHARE, "brier_after": SHARE, "brier_change": CHANGE}
_BOUNDS |= {"ece": SHARE, "ece_after": SHARE, "ece_change": CHANGE}
_LEFT_OUT = ("without_outcome", "without_recommendation", "missing")


@dataclass(frozen=True, eq=False, repr=False)
class Recalibration(Summary):
    """A map from the confidence that panels said to the one they deserved, by group, and what it is worth.

    Each group has a map of its own. What it is worth is judged out of fold: decisions are parted by a hash of
    their keys, the map is fitted on the other folds, and its errors are counted in this one. Intervals are
    those of the errors of these maps; that others would have been fitted on other decisions is not in them.

    ``"isotonic"``
        The isotonic regression of being right on confidence (Zadrozny and Elkan 2002), with straight lines
        between its points; level beyond the first and the last. It needs many decisions, and may say 0 or 1.
    ``"temperature"``
        One number: logits are divided by it (Guo et al. 2017). Never below 0: what ranks the wrong way round
        becomes one half.
    ``"platt"``
        A line on the logit (Platt 1999). Where there is one confidence only, its slope is 1.

    The last two take right for (r + 1) / (r + 2), r being how many were right, and wrong for 1 / (w + 2), as
    Platt did: so there is a best fit where all were right, or all wrong. Where the isotonic map then is
    constant, 1 or 0. Confidences of 0 and 1, which have no logit, are taken half as far from the end as the
    nearest that is not certain, and so are new ones that are nearer still; where none of those fitted was
    certain, new ones that are, 0.00025 from the end or nearer.

    To use it, see :func:`mastermind_lab.recalibrated`.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.history import sample_folder
    >>> from mastermind_lab.stats.recalibration import Recalibration
    >>> history = lab.with_outcomes(lab.sample(), sample_folder() / "outcomes.csv")
    >>> summary = Recalibration.of(history, method="temperature")
    >>> summary.brier_change.high < 0
    True
    >>> summary.map([0.5, 0.9]).round(1).tolist()
    [0.5, 0.8]
    """

    method: Method
    bins: int
    folds: int
    sums: GroupedSums
    steps: Cells

    @classmethod
    @over_batches
    def of(
        cls,
        data: Data,
        *,
        by: By = None,
        method: Method = "isotonic",
        bins: int = 10,
        folds: int = 2,
        cluster: By = None,
        replicates: int = REPLICATES,
    ) -> Self:
        """Count a batch of decisions.

        Parameters
        ----------
        data
            A history with outcomes, or its ``decisions`` frame.
        by
            Column or columns of ``decisions``: a map for each of their values.
        method
            ``"isotonic"``, ``"temperature"`` or ``"platt"``.
        bins
            Bins of equal width behind the calibration error; a divisor of 2,000.
        folds
            How many, 2 to 100.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are in one
            fold, and are drawn together.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.

        Raises
        ------
        OptionError
            If outcomes were not joined, a column is unknown, an option out of range, or a confidence outside
            0 to 1.
        """
        names = names_of(by, taken=("fold", "bin", "step", "confidence"))
        way, many = checked_method(method), checked_bins("width", bins)[1]
        rows, units = correctness_of(data, names, "panels"), Units.of(data, cluster)
        drawn, known = units.at(rows.ids), rows.known
        keys = rows.keys.assign(fold=fold_of(drawn.hashed, folds))[known]
        sure = rows.confidence[known]
        steps = Cells.counted(keys, wide(sure, many), sure, rows.right[known], drawn[known], replicates)
        found = counts(rows)
        sums = GroupedSums.of(
            rows.keys, {"n": known, **{name: found[name] for name in _LEFT_OUT}}, drawn, replicates
        )
        return cls(names, way, many, folds, sums, steps, cluster=units.names)

    @property
    def brier_change(self) -> Estimate:
        """The Brier score after minus that before, below 0 is better: all groups, each with its own maps.

        Groups that are in one fold only have no other to be read by, and are left out: n is without them.
        """
        return self._estimate("brier_change")

    @property
    def ece_change(self) -> Estimate:
        """The expected calibration error after minus that before, below 0 is better; biased as those are.

        Of the same groups as ``brier_change``.
        """
        return self._estimate("ece_change")

    def table(self) -> pd.DataFrame:
        """Return one row a group: what the maps are worth on decisions that they were not fitted on.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``n`` decisions with outcome, recommendation and confidence; ``brier``,
            ``brier_after`` and ``brier_change``, ``ece``, ``ece_after`` and ``ece_change``, each with
            ``_low``, ``_high`` and ``_method``: what is after is missing where one fold holds all of them;
            left out are those ``without_outcome``, of the others those
            ``without_recommendation``, of the rest those whose confidence is ``missing``; ``small_n``,
            whether n is below 10.
        """
        n = self.sums["n"][:, 0]
        groups, after = places(self.steps.keys, self.sums.keys), self._out_of_fold()
        found = [self._figures(groups == group, after) for group in range(len(n))]
        figures = {
            name: self._read(name, np.stack([one[name] for one in found]), self.sums)
            if found
            else Figure.stacked([])
            for name in _BOUNDS
        }
        return self.sums.keys.assign(
            n=counted(n),
            **self.sums.clusters(),
            **{name: pd.Series(values) for name, values in with_ends(**figures).items()},
            **{name: counted(self.sums[name][:, 0]) for name in _LEFT_OUT},
            small_n=self.sums.independent(n) < SMALL_N,
        )

    def map(self, confidence: object) -> Floats:
        """Say what confidence was deserved where some was said, by the map fitted on all folds and groups.

        Parameters
        ----------
        confidence
            Numbers from 0 to 1; a missing one stays missing.

        Raises
        ------
        OptionError
            If nothing was counted, or a number is outside 0 to 1.
        """
        self.check(out_of_fold=False)
        whole = self.steps.marginalize(())
        said = shares_of(pd.DataFrame({"confidence": np.ravel(np.asarray(confidence))}), "confidence")
        return self._fit(whole, np.ones(len(whole.cells), dtype=np.bool_))(said)

    def applied(self, data: Data) -> Floats:
        """Say what confidence decisions deserved, each by the map of its group, fitted on all folds.

        Missing where the group was not there, or had no outcome.
        """
        return self._applied(data, out_of_fold=False)

    def applied_out_of_fold(self, data: Data) -> Floats:
        """Say the same of decisions that were counted, each by the map fitted on the other folds."""
        return self._applied(data, out_of_fold=True)

    def check(self, out_of_fold: bool) -> None:
        """Refuse to be used where there is nothing to be used.

        Raises
        ------
        OptionError
            If no decision has outcome, recommendation and confidence or, out of fold, those that do are in
            fewer than two folds.
        """
        there = np.unique(self._folds)
        if not len(there):
            raise OptionError("nothing to fit: no decision has an outcome, a recommendation and a confidence")
        if out_of_fold and len(there) < 2:
            raise OptionError(
                f"of {self.folds} folds only one has decisions with outcome, recommendation and confidence, "
                f"{self.n:,} of them: too few to be read by one another"
            )

    def _applied(self, data: Data, *, out_of_fold: bool) -> Floats:
        frame = frame_of(data, "decisions", ("stream_id", "confidence"))
        said, group = shares_of(frame, "confidence"), self._groups_of(frame)
        fold = np.zeros(len(frame), dtype=np.intp)
        if out_of_fold:
            fold = fold_of(Units.of(data, self.cluster).at(frame["stream_id"]).hashed, self.folds)
        found, theirs = np.full(len(frame), np.nan), places(self.steps.keys, self.sums.keys)
        for one, part in np.unique(np.column_stack([group, fold])[group >= 0], axis=0):
            used = (theirs == one) & ((self._folds != part) | (not out_of_fold))
            rows = (group == one) & (fold == part)
            if used.any():
                found[rows] = self._fit(self.steps, used)(said[rows])
        return found

    def _groups_of(self, frame: pd.DataFrame) -> Codes:
        """Return the place of each decision's group, -1 where it was not there."""
        ours, theirs = self.sums.keys, keys_of(frame, self.by)
        codes = grouped(stacked(ours, theirs) if len(ours) else theirs)[1]
        place = np.full(codes.max(initial=0) + 1, -1, dtype=np.intp)
        place[codes[: len(ours)]] = np.arange(len(ours))
        found: Codes = place[codes[len(ours) :]]
        return found

    @property
    def _folds(self) -> Codes:
        return self.steps.keys["fold"].to_numpy(dtype=np.intp)

    def _fit(self, steps: Cells, rows: Flags) -> ConfidenceMap:
        values, place = np.unique(steps.values[rows], return_inverse=True)
        sums = [np.bincount(place, steps[name][rows, 0]).astype(np.float64) for name in ("n", "correct")]
        return fitted(self.method, values, *sums)

    def _out_of_fold(self) -> Floats:
        """Map each confidence that was counted by what was fitted on its group's other folds."""
        groups, after = places(self.steps.keys, self.sums.keys), np.full(len(self.steps.cells), np.nan)
        for group in range(len(self.sums.keys)):
            for fold in range(self.folds):
                here = (groups == group) & (self._folds == fold)
                others = (groups == group) & (self._folds != fold)
                if here.any() and others.any():
                    after[here] = self._fit(self.steps, others)(self.steps.values[here])
        return after

    def _figures(self, rows: Flags, after: Floats) -> dict[str, Floats]:
        """Work every figure of some counts out, of the Brier scores their sums: shape (1 + replicates,)."""
        n, correct = self.steps["n"][rows], self.steps["correct"][rows]
        found = {}
        for name, values in (("", self.steps.values[rows]), ("_after", after[rows])):
            found[f"brier{name}"] = (1 - values) ** 2 @ correct + values**2 @ (n - correct)
            found[f"ece{name}"] = self._ece(values, n, correct)
        return found | {f"{name}_change": found[f"{name}_after"] - found[name] for name in ("brier", "ece")}

    def _ece(self, values: Floats, n: Floats, correct: Floats) -> Floats:
        if np.isnan(values).any():
            return np.full(n.shape[1], np.nan)
        order = np.argsort(values, kind="stable")
        said = values[order]
        return Bins.of(said, wide(said, self.bins), n[order], correct[order], "width", self.bins).ece()

    def _read(self, name: str, values: Floats, sums: GroupedSums) -> Figure:
        independent = sums.independent(sums["n"][:, 0])
        if name.startswith("brier"):
            return self.intervals.means(values, sums["n"], independent, _BOUNDS[name])
        return self.intervals.figures(values, independent, _BOUNDS[name])

    def _estimate(self, name: str) -> Estimate:
        after = self._out_of_fold()
        told = ~np.isnan(after)
        whole = self.sums.take(np.unique(places(self.steps.keys, self.sums.keys)[told])).marginalize(())
        values = self._figures(told, after)[name][None]
        n = whole.independent(whole["n"][:, 0])
        return self._read(name, values[: len(n)], whole).estimate(n)
