"""How split the panels are."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from ..stats import Margin
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.picture import Column, Picture, inches_of, rows_that_fit
from .drawing.ridges import MOST, ridges
from .drawing.text import format_n, format_voters


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

    At the right stands the share of panels that were unanimous.

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
    return ridges(picture, shown.histogram(), table, unanimous, kw)
