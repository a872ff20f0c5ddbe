"""The reliability diagram: accuracy against confidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats.calibration import Calibration
from ..stats.engine.estimate import SMALL_N
from ..stats.engine.input import By, Source
from .drawing.style import SERIES, Series, artist_kwargs, check_grouping, empty, heading, legend, prepare_axes
from .drawing.text import clean, format_interval, format_n, format_repeated

SUBJECT = "Reliability"

MOST = 5
"""Lines that stay readable in one diagram."""

_STRIP = 0.16  # height of the counts under the diagram
_GAP = 0.05  # between the two


def reliability(data: Source | Calibration, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw the share that was right against confidence, bin by bin, with the counts of confidence below.

    On the diagonal confidence is deserved, below it is too high. Hollow points stand on fewer than 10
    observations. A summary with isotonic bins is drawn as the line of the regression with its band (CORP).

    Parameters
    ----------
    data
        A history with outcomes, its ``decisions`` frame, or a
        :class:`~mastermind_lab.stats.calibration.Calibration`, of voters or with other bins if need be.
    by
        Column or columns to group by; above 5 groups the smallest are drawn as one.
    ax
        Where to draw; a new figure by default.
    **kw
        For the points or lines, :class:`matplotlib.lines.Line2D`.

    Raises
    ------
    OptionError
        If outcomes were not joined, a column is unknown, or a summary was counted by another.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.charts.reliability import reliability
    >>> from mastermind_lab.history.outcomes import with_outcomes
    >>> from mastermind_lab.history.read import sample_folder
    >>> history = with_outcomes(lab.sample(), sample_folder() / "outcomes.csv")
    >>> reliability(history).get_ylabel()
    'share right (0-1)'
    """
    summary = check_grouping(data if isinstance(data, Calibration) else Calibration.of(data, by=by), by)
    shown = summary.lump(MOST)
    table, diagram = shown.table(), shown.diagram()
    ax = prepare_axes(ax, "confidence (0-1)", square=True)
    ax.set(xlim=(-0.02, 1.02), ylim=(-_STRIP - _GAP, 1.02), aspect="equal", anchor="NW")
    ax.set_ylabel("share right (0-1)", fontsize="small")
    subject, notes = f"{SUBJECT} of {summary.unit}", left_out(summary, table)
    if diagram.empty:
        return empty(ax, subject, summary.by, notes)
    _background(ax)
    _counts(ax, shown.histogram(), table)
    handles, labels = [], []
    for row, look in zip(table.itertuples(), SERIES, strict=False):
        draw = _regression if summary.binning == "isotonic" else _bins
        handles.append(draw(ax, diagram[diagram["group"] == row.group], look, kw))
        labels.append(f"{clean(row.group, 20)} (n = {row.n:,}, ECE {row.ece:.2f})")
    above = legend(ax, handles, labels) if summary.by else 0
    heading(ax, subject, summary.by, [*notes, *_notes(summary, table, diagram)], above)
    return ax


def left_out(summary: Calibration, table: pd.DataFrame) -> list[str]:
    """Word n, and what could not be judged."""
    what = "decisions" if summary.unit == "panels" else "votes"
    sums = table[["n", "without_outcome", "missing"]].sum()
    notes = format_n(
        sums["n"], what, without_outcome=sums["without_outcome"], without_confidence=sums["missing"]
    )
    return notes + format_repeated(int(table["repeated"].sum()))


def _notes(summary: Calibration, table: pd.DataFrame, diagram: pd.DataFrame) -> list[str]:
    """Word what one group's legend would say, and how to read the marks."""
    row = table.iloc[0]
    brier = format_interval(row, "brier", ".3f")
    notes = [] if summary.by else [f"ECE {row['ece']:.3f}", f"Brier {brier}"]
    if summary.binning == "isotonic":
        return [*notes, "band: 95% interval"]
    hollow = [f"hollow: fewer than {SMALL_N}, no interval"] if diagram["small_n"].any() else []
    return [*notes, "line: 95% interval", *hollow]


def _background(ax: Axes) -> None:
    """Draw the diagonal, what its sides mean, and the base line of the counts."""
    ax.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, zorder=0)
    ax.text(0.99, 0.02, "too sure", ha="right", fontsize="small", color="0.45")
    ax.text(0.01, 0.98, "not sure enough", va="top", fontsize="small", color="0.45")
    ax.axhline(-_GAP / 2, color="0.3", linewidth=0.6)
    ax.spines["left"].set_bounds(0, 1)


def _bins(ax: Axes, rows: pd.DataFrame, look: Series, kw: dict[str, Any]) -> Line2D:
    """Draw a point a bin with its interval; those of few observations are hollow and have none."""
    few, enough = rows[rows["small_n"]], rows[~rows["small_n"]]
    ax.vlines(
        enough["confidence"], enough["accuracy_low"], enough["accuracy_high"], color=look.colour, linewidth=1
    )
    style: dict[str, Any] = {"color": look.colour, "linestyle": look.line, "linewidth": 0.9}
    style |= {"marker": look.marker, "markersize": 4.5}
    drawn = ax.plot(rows["confidence"], rows["accuracy"], **artist_kwargs(Line2D, style, kw))[0]
    hollow: dict[str, Any] = {"markerfacecolor": "white", "linestyle": "none"}
    ax.plot(few["confidence"], few["accuracy"], **artist_kwargs(Line2D, style, kw) | hollow)
    return drawn


def _regression(ax: Axes, rows: pd.DataFrame, look: Series, kw: dict[str, Any]) -> Line2D:
    """Draw each block as a level piece from its lowest confidence to its highest."""
    ends = rows[["lowest", "highest"]].to_numpy().ravel()
    low, high, accuracy = (rows[name].repeat(2) for name in ("accuracy_low", "accuracy_high", "accuracy"))
    ax.fill_between(ends, low, high, color=look.colour, alpha=0.15, linewidth=0)
    style: dict[str, Any] = {"color": look.colour, "linestyle": look.line, "linewidth": 1.5}
    style |= {"marker": look.marker if len(rows) == 1 else "", "markersize": 4.5}
    return ax.plot(ends, accuracy, **artist_kwargs(Line2D, style, kw))[0]


def _counts(ax: Axes, bins: pd.DataFrame, table: pd.DataFrame) -> None:
    """Draw how often each confidence occurs, hanging from the base line; a tick says the deepest share."""
    tallest = float(bins["share"].max())
    for row, look in zip(table.itertuples(), SERIES, strict=False):
        rows = bins[bins["group"] == row.group]
        if rows.empty or not row.n:
            continue
        edges = np.append(rows["left"], rows["right"].iloc[-1])
        depth = -_GAP / 2 - _STRIP * rows["share"] / tallest
        style: dict[str, Any] = {"color": look.colour, "linewidth": 0.8}
        if len(table) == 1:
            style = {"facecolor": "#B9D3E8", "edgecolor": "0.3", "linewidth": 0.8, "fill": True}
        ax.stairs(depth, edges, baseline=-_GAP / 2, linestyle=look.line, **style)
    ticks = np.arange(6) / 5
    names = [*(f"{tick:.1f}" for tick in ticks), f"{tallest:.0%}"]
    ax.set_yticks([*ticks, -_GAP / 2 - _STRIP], names)
