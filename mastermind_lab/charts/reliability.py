"""The reliability diagram: accuracy against confidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats import Calibration
from ..stats.engine.estimate import SMALL_N
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.dots import band
from .drawing.ink import MUTED, STRONG, paper, shade
from .drawing.picture import Picture, series_that_fit
from .drawing.ridges import filled
from .drawing.style import Style, artist_kwargs, styles_on
from .drawing.text import estimate_in, format_n, format_voters, names_apart

DATA = "A history with outcomes (:func:`mastermind_lab.with_outcomes`), its ``decisions`` frame"
VOTER_TEXT = "Column of ``votes`` that tells voters apart; then it is their confidence that is drawn."
MOST = 5
"""Lines that stay readable in one diagram."""

_STRIP = 0.16  # height of the counts under the diagram
_GAP = 0.05  # between the two


@chart(Calibration, DATA, {"points or lines": Line2D}, most=MOST, voter=VOTER_TEXT)
def reliability(
    data: Source | Calibration,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """Whether confidence is deserved: the share that was right, bin by bin, against confidence.

    On the diagonal confidence is deserved, below it is too high; the counts of confidence hang below. Hollow
    points stand on fewer than 10 observations. What is grey behind a single group is where 95% would lie if
    its confidence were deserved (Broecker and Smith 2007). A summary of voters is drawn, too, and one with
    isotonic bins as the line of the regression with its band (CORP).

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.history.read import sample_folder
    >>> history = lab.with_outcomes(lab.sample(), sample_folder() / "outcomes.csv")
    >>> lab.charts.reliability(history).get_ylabel()
    'share right (0-1)'
    """
    summary = calibration_of(data, by, cluster, voter)
    shown = summary.lump(series_that_fit(ax, MOST))
    table, diagram = shown.table(), shown.diagram()
    subject, notes = f"Reliability of {summary.unit}", n_and_left_out(summary, table)
    picture = Picture(ax, subject, summary, notes, "confidence (0-1)", square=True)
    ax = picture.ax
    ax.set(xlim=(-0.02, 1.02), ylim=(-_STRIP - _GAP, 1.02), aspect="equal", anchor="NW")
    ax.set_ylabel("share right (0-1)", fontsize="small")
    if diagram.empty:
        return picture.empty()
    _background(ax)
    _counts(ax, shown.histogram(), table)
    draw = _regression if summary.binning == "isotonic" else _bins
    if len(table) == 1:
        _deserved(ax, diagram, summary.binning == "isotonic")
    names = names_apart(table["group"], 20)
    for row, name, style in zip(table.itertuples(), names, styles_on(ax), strict=False):
        line = draw(ax, diagram[diagram["group"] == row.group], style, kw)
        picture.legend([line], [f"{name} (n = {row.n:,}, ECE {row.ece:.2f})"])
    return picture.heading(*_notes(summary, table, diagram), methods=diagram["accuracy_method"])


def calibration_of(data: Source | Calibration, by: By, cluster: By, voter: str | None) -> Calibration:
    """Count the calibration of decisions or, where a column tells voters apart, of their votes."""
    if voter is not None and not isinstance(data, Calibration):
        data = Calibration.of(data, by=by, cluster=cluster, unit="voters", voter=voter)
    return summary_of(Calibration, data, by, cluster, voter)


def n_and_left_out(summary: Calibration, table: pd.DataFrame) -> list[str]:
    """Write n, and what has no outcome or no confidence."""
    what = "decisions" if summary.unit == "panels" else "votes"
    sums = table[["n", "without_outcome", "missing"]].sum()
    notes = format_n(
        sums["n"], what, without_outcome=sums["without_outcome"], without_confidence=sums["missing"]
    )
    return notes + format_voters(summary.voter, int(table["repeated"].sum()))


def _notes(summary: Calibration, table: pd.DataFrame, diagram: pd.DataFrame) -> list[str]:
    """Write what the legend would say of one group, and how to read the marks."""
    row = table.iloc[0]
    brier = f"{estimate_in(row, 'brier'):.3f}"
    chance = "" if np.isnan(row["ece_noise"]) else f" (chance alone {row['ece_noise']:.3f})"
    notes = [] if summary.by else [f"ECE {row['ece']:.3f}{chance}", f"Brier {brier}"]
    grey = ["grey: 95% if deserved"] if len(table) == 1 else []
    if summary.binning == "isotonic":
        return [*notes, "band: 95% interval", *grey]
    hollow = [f"hollow: fewer than {SMALL_N}, no interval"] if diagram["small_n"].any() else []
    return [*notes, "line: 95% interval", *hollow, *grey]


def _background(ax: Axes) -> None:
    """Draw the diagonal, what its sides mean, and the base line of the counts."""
    explained = shade(ax, MUTED)
    ax.plot([0, 1], [0, 1], color=explained, linewidth=0.8, zorder=0)
    ax.text(0.99, 0.02, "too sure", ha="right", fontsize="small", color=explained)
    ax.text(0.01, 0.98, "not sure enough", va="top", fontsize="small", color=explained)
    ax.axhline(-_GAP / 2, color=shade(ax, STRONG), linewidth=0.6)
    ax.spines["left"].set_bounds(0, 1)


def _deserved(ax: Axes, rows: pd.DataFrame, is_level: bool) -> None:
    """Shade where the points of a forecaster would lie whose confidence is deserved."""
    grey: dict[str, Any] = {"color": shade(ax, 0.12), "zorder": 0}
    if is_level:
        ends, twice = rows[["lowest", "highest"]].to_numpy().ravel(), rows.loc[rows.index.repeat(2)]
        ax.fill_between(ends, twice["calibrated_low"], twice["calibrated_high"], linewidth=0, **grey)
    else:
        ax.vlines(rows["confidence"], rows["calibrated_low"], rows["calibrated_high"], linewidth=6, **grey)


def _bins(ax: Axes, rows: pd.DataFrame, style: Style, kw: dict[str, Any]) -> Line2D:
    """Draw a point a bin with its interval; those of few observations are hollow and have none."""
    few, enough = rows[rows["small_n"]], rows[~rows["small_n"]]
    low, high = enough["accuracy_low"], enough["accuracy_high"]
    ax.vlines(enough["confidence"], low, high, color=style.colour, linewidth=1)
    asked = artist_kwargs(Line2D, style.as_line(linewidth=0.9, markersize=4.5), kw)
    drawn = ax.plot(rows["confidence"], rows["accuracy"], **asked)[0]
    hollow: dict[str, Any] = {"markerfacecolor": paper(ax), "linestyle": "none"}
    ax.plot(few["confidence"], few["accuracy"], **asked | hollow)
    return drawn


def _regression(ax: Axes, rows: pd.DataFrame, style: Style, kw: dict[str, Any]) -> Line2D:
    """Draw each block as a level piece from its lowest confidence to its highest."""
    ends = rows[["lowest", "highest"]].to_numpy().ravel()
    twice = rows.loc[rows.index.repeat(2)]
    band(ax, ends, twice, "accuracy", style)
    defaults = style.as_line(linewidth=1.5, markersize=4.5) | ({} if len(rows) == 1 else {"marker": ""})
    return ax.plot(ends, twice["accuracy"], **artist_kwargs(Line2D, defaults, kw))[0]


def _counts(ax: Axes, bins: pd.DataFrame, table: pd.DataFrame) -> None:
    """Draw how often each confidence occurs, hanging from the base line; a tick says the deepest share."""
    tallest = float(bins["share"].max())
    for row, style in zip(table.itertuples(), styles_on(ax), strict=False):
        rows = bins[bins["group"] == row.group]
        if rows.empty or not row.n:
            continue
        edges = np.append(rows["left"], rows["right"].iloc[-1])
        depth = -_GAP / 2 - _STRIP * rows["share"] / tallest
        outline = filled(ax) if len(table) == 1 else {"color": style.colour, "linewidth": 0.8}
        ax.stairs(depth, edges, baseline=-_GAP / 2, linestyle=style.line, **outline)
    ticks = np.arange(6) / 5
    names = [*(f"{tick:.1f}" for tick in ticks), f"{tallest:.0%}"]
    ax.set_yticks([*ticks, -_GAP / 2 - _STRIP], names)
