"""How split the panels are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from ..stats import Margin
from ..stats.engine.bootstrap import Floats
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.earlier import earlier_of, rows_behind, shares_behind
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
    before: Source | Margin | None = None,
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
    values, earlier = shown.values(), earlier_of(Margin, before, summary)
    shares = values.pivot(index="group", columns="margin", values="share").reindex(table["group"])
    past = None if earlier is None else shares_behind(earlier, table["group"], "values", "margin")
    places = np.unique([*shares, *([] if past is None else past)])
    if 1 <= len(places) <= MOST_VALUES:
        picture.notes += ["a bar is a margin that occurs"]
        bins = _at_values(shares, places)
        heights: Any = None if past is None else _with_gaps(past, places)
    else:
        picture.notes += ["a bar is a tenth of the scale; where panels are small, some margins cannot occur"]
        bins = shown.histogram()
        heights = None if earlier is None else shares_behind(earlier, table["group"], "histogram", "left")
    behind = rows_behind(picture, earlier, table, ["group"], "mean")
    return ridges(picture, bins, table, unanimous, kw, heights, behind)


def _at_values(shares: pd.DataFrame, places: Floats) -> pd.DataFrame:
    """Make bins of the values that occur, with empty ones between them."""
    half = min(0.02, 0.4 * np.diff(places).min(initial=1))
    edges = np.column_stack([places - half, places + half]).ravel()
    left, right = (np.tile(side, len(shares)) for side in (edges[:-1], edges[1:]))
    return pd.DataFrame({"left": left, "right": right, "share": _with_gaps(shares.fillna(0), places).ravel()})


def _with_gaps(shares: pd.DataFrame, places: Floats) -> Floats:
    """Put an empty bin between the values of each row; what the row has none of is none of it."""
    bars = np.zeros((len(shares), 2 * len(places) - 1))
    bars[:, ::2] = shares.reindex(columns=places).fillna(0)
    bars[shares.isna().all(axis=1)] = np.nan
    return bars
