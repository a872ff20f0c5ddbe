"""How confidence changes over time."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ..stats import ConfidenceOverTime, Regimes
from ..stats.engine.input import By, Source
from .drawing.change_lines import change_lines, date_axis, regimes_of
from .drawing.chart import chart, summary_of
from .drawing.dots import band
from .drawing.ink import paper
from .drawing.picture import Picture, series_that_fit
from .drawing.style import SERIES, Style, artist_kwargs, styles_on
from .drawing.text import LEGEND, format_n, names_apart


@chart(
    ConfidenceOverTime,
    "A history, its ``decisions`` frame",
    {"lines": Line2D},
    most=SERIES,
    every="Draw the mean of every so many decisions, with its 95% interval, instead of the rolling mean.",
    regimes="What to mark; by default what :class:`~mastermind_lab.stats.Regimes` finds in a history or a "
    "frame, and nothing where data is a summary, which no longer knows.",
)
def confidence_over_time(
    data: Source | ConfidenceOverTime,
    *,
    by: By = None,
    cluster: By = None,
    every: int | None = None,
    regimes: Regimes | None = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """How confidence changes over time: its rolling mean with a 95% band, a line a group, over the decisions.

    The line breaks where the window holds no decision; the band is for each time alone. The width of the
    window is an option of the summary. Decisions are thinned: a larger point stands for more of them. A
    dashed line marks where a value of meta, or a field, begins, the latest 5 at most.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> ax = lab.charts.confidence_over_time(lab.sample(), by="meta.model")
    >>> ax.get_ylabel()
    'confidence (0-1)'
    """
    summary = summary_of(ConfidenceOverTime, data, by, cluster)
    shown = summary.lump(series_that_fit(ax, SERIES))
    table, points = shown.table(), shown.points()
    left_out = {
        "without_a_time": summary.undated,
        "far_off_in_time": summary.outside,
        "without_confidence": summary.missing,
    }
    notes, rows = format_n(table["n"].sum(), "decisions", **left_out), 1 + len(table["group"].unique())
    picture = Picture(
        ax,
        "Confidence over time",
        summary,
        notes,
        "published (UTC)",
        rows=rows,
    )
    ax = picture.ax
    ax.set_ylabel("confidence (0-1)", fontsize="small")
    if table.empty:
        return picture.empty()
    draw, lines = (_line, table) if every is None else (_means, shown.every(every))
    groups = table["group"].cat.categories
    for group, name, style in zip(groups, names_apart(groups, LEGEND), styles_on(ax), strict=False):
        rows_of_group = lines[lines["group"] == group]
        _scatter(ax, points[points["group"] == group], style, points["n"].max())
        line = draw(ax, rows_of_group, style, kw)
        picture.legend([line], [f"{name} (n = {rows_of_group['n'].sum():,})"])
    drawn = "line: rolling mean, 95% band" if every is None else f"dot: mean of {every:,}, 95% interval"
    figure = "rolling" if every is None else "mean"
    changes = change_lines(ax, regimes_of(data, regimes))
    picture.heading(drawn, *changes, methods=lines[f"{figure}_method"])
    date_axis(ax)
    ax.set_ylim(max(-0.02, points["confidence"].min() - 0.03), min(1.02, points["confidence"].max() + 0.03))
    return ax


def _scatter(ax: Axes, points: pd.DataFrame, style: Style, most: int) -> None:
    area = 3 + 20 * (points["n"] - 1) / max(most - 1, 1)
    marks: dict[str, Any] = {"c": style.colour, "marker": style.marker, "alpha": 0.2, "linewidths": 0}
    ax.scatter(points["time"].to_numpy("datetime64[us]"), points["confidence"], s=area, **marks)


def _line(ax: Axes, rows: pd.DataFrame, style: Style, kw: dict[str, Any]) -> Line2D:
    times = rows["time"].to_numpy("datetime64[us]")
    band(ax, times, rows, "rolling", style, 0.2)
    # A rim of paper keeps the lighter lines apart from the points, in greyscale above all.
    rim = [withStroke(linewidth=3.5, foreground=paper(ax))]
    every = max(1, len(rows) // 8)
    defaults = style.as_line(markevery=every, markersize=4, linewidth=1.5, path_effects=rim)
    return ax.plot(times, rows["rolling"], **artist_kwargs(Line2D, defaults, kw))[0]


def _means(ax: Axes, rows: pd.DataFrame, style: Style, kw: dict[str, Any]) -> Line2D:
    """Draw a dot for every so many decisions, and a line from the first of them to the last."""
    first, last, times = (rows[name].to_numpy("datetime64[us]") for name in ("first", "last", "time"))
    ax.vlines(times, rows["mean_low"], rows["mean_high"], color=style.colour, linewidth=1)
    ax.hlines(rows["mean"], first, last, color=style.colour, linewidth=1)
    return ax.plot(times, rows["mean"], **artist_kwargs(Line2D, style.as_dots(markersize=4), kw))[0]
