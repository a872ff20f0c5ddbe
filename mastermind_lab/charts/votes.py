"""What the voters choose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats import Votes
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.dots import RING, dots_in_lane, from_zero, offsets, rows_on_grid, without_dot
from .drawing.earlier import earlier_of, n_of_groups, rows_behind
from .drawing.ink import MUTED, shade
from .drawing.intervals import keep_ends
from .drawing.picture import Picture, inches_of, label_rows, rows_that_fit, series_that_fit
from .drawing.style import SERIES, styles_on
from .drawing.text import LEGEND, format_n, format_voters, names_apart

MOST = 12
"""Choices that stay readable in one chart."""

_WEIGHTED = RING | {"markersize": 7}


@chart(Votes, "A history, its ``votes`` frame", most=SERIES)
def votes(
    data: Source | Votes,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    before: Source | Votes | None = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """What the voters chose: each choice's share of the votes with its 95% interval, the most voted on top.

    Where weights change the shares, the weighted share is a hollow dot next to it. Above 12 choices the
    rarest are drawn as one. Columns of ``votes`` group, too.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> ax = lab.charts.votes(lab.sample(), by="meta.model")
    >>> ax.get_xlabel()
    'share of votes (0-1)'
    """
    summary = summary_of(Votes, data, by, cluster, voter)
    lanes = series_that_fit(ax, min(len(summary.panels.keys), SERIES) + 1) - 1 if summary.by else 2
    table = summary.lump(max(lanes, 2), rows_that_fit(ax, MOST, lanes=lanes, series=lanes + 1)).table()
    notes = format_n(table["n"].sum(), "votes") + format_voters(summary.voter, summary.repeated)
    choices = list(table["choice"].cat.categories)
    rows = table["choice"].nunique()
    lines = 2 if any(len(choice) > LEGEND for choice in choices) else 1
    inches = inches_of(rows, lines=lines, lanes=lanes)
    picture = Picture(ax, "Votes", summary, notes, "share of votes (0-1)", inches=inches)
    if table.empty:
        return picture.empty()
    earlier = earlier_of(Votes, before, summary)
    cast = n_of_groups(earlier) if earlier else ""
    behind = rows_behind(picture, earlier, table, ["group", "choice"], "share", cast)
    ring = _draw(picture, table, behind, kw)
    picture.note_rest([*choices, *table["group"]])
    label_rows(picture.ax, choices, series=lanes + 1)
    gaps = without_dot(table, "choice", "group", "share", "no such vote")
    picture.heading(ring, gaps, methods=table["share_method"])
    drawn = pd.concat([table, behind] if behind is not None else [table])
    largest = float(np.nanmax(drawn[["share", "share_high", "weighted_share"]].to_numpy()))
    picture.ax.set_xlim(from_zero(min(1.02, 1.08 * largest)))
    rows_on_grid(picture.ax, len(choices))
    return picture.ax


def _draw(picture: Picture, table: pd.DataFrame, behind: pd.DataFrame | None, kw: dict[str, Any]) -> str:
    """Draw each group in a lane of its own, and the weighted shares as rings where they differ; say so."""
    ax = picture.ax
    weighted = not np.allclose(table["share"], table["weighted_share"], atol=5e-4, equal_nan=True)
    groups = list(table["group"].cat.categories)
    names = names_apart(groups, LEGEND) if picture.by else ["unweighted"]
    for group, name, offset, style in zip(
        groups, names, offsets(0.38, len(groups)), styles_on(ax), strict=False
    ):
        rows = table[table["group"] == group]
        heights = offset - rows["choice"].cat.codes.to_numpy()
        dots = dots_in_lane(ax, rows, heights, "share", style, kw, behind)
        picture.legend([dots], [f"{name} (n = {rows['n'].sum():,})"])
        if weighted:
            look = {"marker": style.marker, "color": style.colour, **_WEIGHTED}
            [rings] = ax.plot(rows["weighted_share"], heights, **look)
            keep_ends(rings, rows, "weighted_share")
    if weighted:
        picture.legend([Line2D([], [], marker="o", color=shade(ax, MUTED), **_WEIGHTED)], ["weighted"])
    return "ring: weighted" if weighted else ""
