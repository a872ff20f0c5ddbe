"""Confidence along the time of publication."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ..stats import ConfidenceOverTime, Regimes
from ..stats.engine.input import By, Source
from .drawing.change_lines import mark, regimes_of
from .drawing.style import SERIES, Series, artist_kwargs, check_grouping, empty, heading, legend, prepare_axes
from .drawing.text import clean, format_n

SUBJECT = "Confidence over time"


def confidence_over_time(
    data: Source | ConfidenceOverTime,
    *,
    by: By = None,
    every: int | None = None,
    regimes: Regimes | None = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """Draw the rolling mean of confidence with its 95% band, a line a group, over the thinned decisions.

    The line breaks where the window holds no decision; the band is for each time alone. A larger point stands
    for more decisions. A dashed line marks where a value of meta, or a field, begins, the latest 5 at most.

    Parameters
    ----------
    data
        A history, its ``decisions`` frame, or a :class:`~mastermind_lab.stats.ConfidenceOverTime`, which has
        the width of the window.
    by
        Column or columns to group by; above 6 groups the smallest are drawn as one.
    every
        Draw the means of every so many decisions, each with its 95% interval, instead of the rolling mean.
    regimes
        What to mark; by default what :class:`~mastermind_lab.stats.Regimes` finds in a history or frame, and
        nothing where data is a summary, which no longer knows.
    ax
        Where to draw; a new figure by default.
    **kw
        For the lines, :class:`matplotlib.lines.Line2D`.

    Raises
    ------
    OptionError
        If a column is unknown, or a summary was counted by another.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> ax = lab.charts.confidence_over_time(lab.sample(), by="meta.model")
    >>> ax.get_ylabel()
    'confidence (0-1)'
    """
    summary = check_grouping(
        data if isinstance(data, ConfidenceOverTime) else ConfidenceOverTime.of(data, by=by), by
    )
    shown = summary.lump(len(SERIES))
    table, points = shown.table(), shown.points()
    ax = prepare_axes(ax, "decision published (UTC)", rows=1 + len(table["group"].unique()))
    ax.set_ylabel("confidence (0-1)", fontsize="small")
    notes = format_n(
        table["n"].sum(), "decisions", without_a_time=summary.undated, without_confidence=summary.missing
    )
    if table.empty:
        return empty(ax, SUBJECT, summary.by, notes)
    draw, lines = (_line, table) if every is None else (_means, shown.every(every))
    handles, labels = [], []
    for group, look in zip(table["group"].cat.categories, SERIES, strict=False):
        rows = lines[lines["group"] == group]
        _scatter(ax, points[points["group"] == group], look, points["n"].max())
        handles.append(draw(ax, rows, look, kw))
        labels.append(f"{clean(group, 24)} (n = {rows['n'].sum():,})")
    above = legend(ax, handles, labels) if summary.by else 0
    drawn = "line: rolling mean, 95% band" if every is None else f"dot: mean of {every:,}, 95% interval"
    notes += [drawn, *mark(ax, regimes_of(data, regimes))]
    heading(ax, SUBJECT, summary.by, notes, above)
    _dates(ax)
    ax.set_ylim(max(-0.02, points["confidence"].min() - 0.03), min(1.02, points["confidence"].max() + 0.03))
    return ax


def _scatter(ax: Axes, points: pd.DataFrame, look: Series, most: int) -> None:
    area = 3 + 20 * (points["n"] - 1) / max(most - 1, 1)
    times = points["time"].to_numpy("datetime64[us]")
    ax.scatter(
        times, points["confidence"], s=area, c=look.colour, marker=look.marker, alpha=0.2, linewidths=0
    )


def _line(ax: Axes, rows: pd.DataFrame, look: Series, kw: dict[str, Any]) -> Line2D:
    times = rows["time"].to_numpy("datetime64[us]")
    ax.fill_between(
        times, rows["rolling_low"], rows["rolling_high"], color=look.colour, alpha=0.2, linewidth=0
    )
    style = {
        "color": look.colour,
        "linestyle": look.line,
        "marker": look.marker,
        "markevery": max(1, len(rows) // 8),
        "markersize": 4,
        "linewidth": 1.5,
        # A white rim keeps the lighter lines apart from the points, in greyscale above all.
        "path_effects": [withStroke(linewidth=3.5, foreground="white")],
    }
    return ax.plot(times, rows["rolling"], **artist_kwargs(Line2D, style, kw))[0]


def _means(ax: Axes, rows: pd.DataFrame, look: Series, kw: dict[str, Any]) -> Line2D:
    """Draw a dot a window, as wide as the window is long."""
    first, last, times = (rows[name].to_numpy("datetime64[us]") for name in ("first", "last", "time"))
    ax.vlines(times, rows["mean_low"], rows["mean_high"], color=look.colour, linewidth=1)
    ax.hlines(rows["mean"], first, last, color=look.colour, linewidth=1)
    style = {"color": look.colour, "linestyle": "none", "marker": look.marker, "markersize": 4}
    return ax.plot(times, rows["mean"], **artist_kwargs(Line2D, style, kw))[0]


def _dates(ax: Axes) -> None:
    locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    ax.xaxis.get_offset_text().set_fontsize("small")
