"""A history on a page: the six charts that say most."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from .agreement import agreement
from .confidence import confidence
from .confidence_over_time import confidence_over_time
from .margin import margin
from .reliability import reliability
from .style import page
from .voters import voters
from .votes import votes


def overview(history: Any, *, by: str | None = None, figure: Figure | None = None) -> Figure:
    """Draw six charts of one history: confidence, the same over time, margin, agreement, voters, calibration.

    Parameters
    ----------
    history
        A history. Calibration takes outcomes (see :func:`mastermind_lab.with_outcomes`); without them the
        votes stand in its place.
    by
        A column of ``decisions`` to group confidence, its course and the margin by.
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
    figure = figure or page(10, 13)
    last = reliability if "correct_choice" in history.decisions else votes
    grouped, plain = (confidence, confidence_over_time, margin), (agreement, voters, last)
    places = figure.subplots(3, 2)
    for ax, chart in zip(places.T.flat, (*grouped, *plain), strict=True):
        options: dict[str, Any] = {"by": by} if chart in grouped else {}
        chart(history, ax=ax, **options)
    return figure
