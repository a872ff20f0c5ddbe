"""Confidence as it was deserved, in place of the one that was said."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import pandas as pd

from ..errors import OptionError
from ..frames import DECLARED
from ..stats.engine.confidence_maps import Method
from ..stats.engine.input import By
from ..stats.recalibration import Recalibration
from .history import History
from .scan import Scan

REPORTED = "reported_confidence"


Whole = TypeVar("Whole", History, Scan)


def recalibrated(
    history: Whole,
    fitted_on: History | Scan | Recalibration | None = None,
    *,
    method: Method = "isotonic",
    by: By = None,
    folds: int = 2,
    cluster: By = None,
) -> Whole:
    """Put the confidence that decisions deserved in the place of the one that was said.

    What was said stays, in the column ``reported_confidence``. A missing confidence stays missing, and so
    does that of a decision of whose group nothing was known.

    Parameters
    ----------
    history
        The decisions, or a scan of them. Votes and their confidences stay as they are.
    fitted_on
        Other decisions, with outcomes, that tell how confidence is to be read; or what was fitted to them by
        :class:`~mastermind_lab.stats.recalibration.Recalibration`. If not given, those of ``history`` itself,
        each decision read by what was fitted on the other folds, so that what is found afterwards is no
        praise of itself.
    method
        ``"isotonic"``, ``"temperature"`` or ``"platt"``.
    by
        Column or columns of ``decisions``, such as ``"meta.model"``: each value is read in its own way.
    folds
        How many, where decisions are read by the others'.
    cluster
        Column or columns of ``decisions``, such as ``"question"``, that are not parted into folds.

    Returns
    -------
    History
        A new one, or a new scan; the given one is as it was.

    Raises
    ------
    OptionError
        Confidence was recalibrated before, there are no outcomes to fit to, or a fold has none.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.history import sample_folder
    >>> from mastermind_lab.history.recalibrated import recalibrated
    >>> known = lab.with_outcomes(lab.sample(last=1_500), sample_folder() / "outcomes.csv")
    >>> new = recalibrated(lab.sample(last=100), fitted_on=known, method="temperature")
    >>> bool(new.decisions["confidence"].mean() < new.decisions["reported_confidence"].mean())
    True
    """
    if isinstance(fitted_on, Recalibration):
        if (method, by, folds, cluster) != ("isotonic", None, 2, None):
            raise OptionError("method, by, folds and cluster are those of what was fitted: leave them out")
        fit = fitted_on
    else:
        data = history if fitted_on is None else fitted_on
        fit = Recalibration.of(data, method=method, by=by, folds=folds, cluster=cluster, replicates=40)
    out_of_fold = fitted_on is None
    fit.check(out_of_fold)
    step = partial(_read_by, fit=fit, out_of_fold=out_of_fold)
    return history.map(step) if isinstance(history, Scan) else step(history)


def _read_by(history: History, fit: Recalibration, out_of_fold: bool) -> History:
    history = history.with_late_columns((*fit.by, *fit.cluster))
    decisions = history.decisions
    if REPORTED in decisions:
        raise OptionError(
            f"these decisions have a column {REPORTED}: their confidence was recalibrated before. Begin with "
            "the history as it was read"
        )
    deserved = fit.applied_out_of_fold(history) if out_of_fold else fit.applied(history)
    said = decisions["confidence"]
    whole = decisions.assign(confidence=pd.Series(deserved, decisions.index, "float64"))
    whole.insert(len(DECLARED["decisions"]), REPORTED, said)
    unknown = int((whole["confidence"].isna() & said.notna()).sum())
    how = f"each read by the others of {fit.folds} folds" if out_of_fold else f"fitted on {fit.n:,} decisions"
    lost = f", {unknown:,} of groups that were not fitted have none" if unknown else ""
    note = f"recalibrated: confidence by the {fit.method} map, {how}{lost}"
    return history.with_frames(decisions=whole, coverage=history.account.noted(note))
