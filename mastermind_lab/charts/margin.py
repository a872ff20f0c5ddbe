"""How split the panels are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from ..stats import Margin
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.picture import Column, Picture, inches_of, rows_that_fit
from .drawing.ridges import MOST, ridges
from .drawing.text import format_n, format_voters

MOST_VALUES = 20
"""Margins that have a bar each."""


@chart(Margin, "A history, its ``votes`` frame (then without ``by``)", {"outlines": StepPatch}, most=MOST)
def margin(
    data: Source | Margin,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """How split the panels were: the margin's distribution, its mean and 95% interval, a row a group.

    A bar is a margin that occurs, as nine voters have ten at most; where panels of many sizes have more than
    20, it is a tenth of the scale. At the right stands the share of panels that were unanimous.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> ax = lab.charts.margin(lab.sample())
    >>> ax.get_title(loc="left").startswith("Margin of the vote")
    True
    """
    summary = summary_of(Margin, data, by, cluster, voter)
    shown = summary.lump(rows_that_fit(ax, MOST, lines=2))
    table = shown.table()
    notes = format_n(table["n"].sum(), "decisions", without_votes=table["without_votes"].sum())
    notes += format_voters(summary.voter, summary.repeated)
    xlabel = "margin (0 tie, 1 unanimous)"
    picture = Picture(ax, "Margin of the vote", summary, notes, xlabel, inches=inches_of(len(table), lines=2))
    unanimous = Column("unanimous", [f"{share:.0%}" for share in table["unanimous"]])
    bars = _at_values(shown.values(), table)
    picture.notes += ["a bar is a margin that occurs"] if bars is not None else []
    return ridges(picture, shown.histogram() if bars is None else bars, table, unanimous, kw)


def _at_values(values: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame | None:
    """Make bins of the values that occur, with empty ones between them; none where they are too many."""
    places = np.unique(values["margin"])
    if not 1 <= len(places) <= MOST_VALUES:
        return None
    half = min(0.02, 0.4 * np.diff(places).min(initial=1))
    edges = np.column_stack([places - half, places + half]).ravel()
    shares = values.pivot(index="group", columns="margin", values="share").reindex(table["group"]).fillna(0)
    bars = np.zeros((len(table), len(edges) - 1))
    bars[:, ::2] = shares
    left, right = (np.tile(side, len(table)) for side in (edges[:-1], edges[1:]))
    return pd.DataFrame({"left": left, "right": right, "share": bars.ravel()})
