"""A history on a page: the six charts that say most."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from ..stats import Voters
from ..stats.engine.arithmetic import plain_arithmetic
from ..stats.engine.identity import VOTER
from .agreement import agreement
from .confidence import confidence
from .confidence_over_time import confidence_over_time
from .drawing.figures import shown_figure
from .margin import margin
from .reliability import reliability
from .voters import voters
from .votes import votes


@plain_arithmetic
def overview(
    history: Any, *, by: str | None = None, voter: str | None = None, figure: Figure | None = None
) -> Figure:
    """A history on a page: confidence, the same over time, margin, agreement, voters and calibration.

    Parameters
    ----------
    history
        A history, or a scan, which is read once for each chart. Calibration takes outcomes (see
        :func:`mastermind_lab.with_outcomes`); where none is known the votes stand in its place.
    by
        A column of ``decisions`` to group confidence, its course and the margin by.
    voter
        Column of ``votes`` that tells voters apart, ``"vote.model"`` say; by default their name.
    figure
        Where to draw; a new figure by default.

    Returns
    -------
    Figure
        Three rows of two charts.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> figure = lab.charts.overview(lab.sample(last=200))
    >>> figure.axes[0].get_title(loc="left").split()[0]
    'Confidence'
    """
    figure = figure or shown_figure(10, 13)
    voted = Voters.of(history, voter=voter or VOTER)
    left, right = figure.subplots(3, 2).T
    confidence(history, by=by, ax=left[0])
    confidence_over_time(history, by=by, ax=left[1])
    margin(history, by=by, voter=voter, ax=left[2])
    agreement(history, voter=voter, ax=right[0])
    voters(voted, ax=right[1])
    if voted.table()["n_with_outcome"].any():
        reliability(history, ax=right[2])
    else:
        votes(history, voter=voter, ax=right[2])
    return figure
