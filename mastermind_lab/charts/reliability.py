"""The reliability diagram: accuracy against confidence."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from ..stats import Calibration
from ..stats.engine.estimate import SMALL_N
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.dots import band
from .drawing.earlier import earlier_of, figures_of, grey, lines_behind, of_group
from .drawing.figures import extent, lay_out, usual_size
from .drawing.ink import MUTED, STRONG, paper, shade
from .drawing.lines import (
    MOST,
    TOGETHER,
    alone,
    marker_size,
    panels,
    room_for_panels,
    rows_of_panels,
)
from .drawing.picture import Picture
from .drawing.ridges import filled
from .drawing.style import Style, artist_kwargs, styles_on
from .drawing.text import LEGEND, estimate_in, format_n, format_voters, names_apart, small_size

DATA = "A history with outcomes (:func:`mastermind_lab.with_outcomes`), its ``decisions`` frame"
VOTER_TEXT = "Column of ``votes`` that tells voters apart; then it is their confidence that is drawn."
_STRIP = 0.16  # height of the counts under the diagram
_GAP = 0.05  # between the two
_NARROW = 4.5  # inches: figures that are as high as they are wide


@chart(Calibration, DATA, {"points or lines": Line2D}, most=MOST, voter=VOTER_TEXT)
def reliability(
    data: Source | Calibration,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    before: Source | Calibration | None = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """Whether confidence is deserved: the share that was right, bin by bin, against confidence.

    On the diagonal confidence is deserved, below it is too high; the counts of confidence hang below. The
    line breaks at an empty bin, and at hollow points, which stand on fewer than 10 observations. Above 3
    groups each has a panel. Wide bars behind a single group are where 95% would lie if its confidence were
    deserved (Broecker and Smith 2007). A summary of voters is drawn, too, and one with isotonic bins as the
    line of the regression with its band (CORP); then it is a dotted outline where 95% would lie.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.history.read import sample_folder
    >>> history = lab.with_outcomes(lab.sample(), sample_folder() / "outcomes.csv")
    >>> lab.charts.reliability(history).get_ylabel()
    'share right (0-1)'
    """
    summary = calibration_of(data, by, cluster, voter)
    shown = summary.lump(MOST)
    table = shown.table()
    subject, notes = f"Reliability of {summary.unit}", n_and_left_out(summary, table)
    narrow = usual_size()[0] < _NARROW
    rows = max(4, rows_of_panels(len(table)))
    picture = Picture(ax, subject, summary, notes, "confidence (0-1)", square=narrow, rows=rows)
    ax = picture.ax
    ax.set_ylabel("share right (0-1)", fontsize="small")
    if len(table) > (room := room_for_panels(ax)):
        shown = summary.lump(room)
        table = shown.table()
    diagram = shown.diagram()
    if diagram.empty:
        ax.set(xlim=(-0.02, 1.02), ylim=(-_STRIP - _GAP, 1.02))
        return picture.empty()
    earlier = earlier_of(Calibration, before, summary)
    past = lines_behind(picture, earlier, table, figures_of(earlier, "diagram") if earlier else None)
    _draw(picture, shown, table, diagram, past, kw)
    picture.note_rest(table["group"])
    mark, methods = "band" if summary.binning == "isotonic" else "line", diagram["accuracy_method"]
    picture.heading(*_notes(summary, table, diagram), methods=methods, interval=mark)
    lay_out(picture.ax)  # a layout sees where a square ends once another has placed it
    return picture.ax


def _draw(
    picture: Picture, shown: Calibration, table: pd.DataFrame, diagram: pd.DataFrame,
    past: pd.DataFrame | None, kw: dict[str, Any],
) -> None:  # fmt: skip
    """Draw groups together, or where they are many each in a panel."""
    bins, isotonic = shown.histogram(), shown.binning == "isotonic"
    tallest, apart = float(bins["share"].max()), len(table) > TOGETHER
    names = names_apart(table["group"], LEGEND)
    more = [f"n = {row.n:,}, ECE {row.ece:.2f}" for row in table.itertuples()]
    every_ax = panels(picture.ax, names, more) if apart else [picture.ax] * len(table)
    styles = [alone(picture.ax)] * len(table) if apart else styles_on(picture.ax)
    for ax in dict.fromkeys(every_ax):
        _background(ax, tallest, said=not apart)
    for place, (ax, group, style) in enumerate(zip(every_ax, table["group"], styles, strict=False)):
        rows, single = diagram[diagram["group"] == group], apart or len(table) == 1
        _counts(ax, bins[bins["group"] == group], tallest, style, single)
        if single:
            _deserved(ax, rows, isotonic)
        # Intervals at one confidence stand side by side.
        aside = 0 if single else 2.5 * (place - (len(table) - 1) / 2)
        draw = _regression if isotonic else partial(_bins, aside=aside)
        if len(then := of_group(past, group)):
            draw(ax, then, grey(ax, style), {})
        line = draw(ax, rows, style, kw)
        if not apart:
            picture.legend([line], [f"{names[place]} ({more[place]})"])


def calibration_of(data: Source | Calibration, by: By, cluster: By, voter: str | None) -> Calibration:
    """Count the calibration of decisions or, where a column tells voters apart, of their votes."""
    if voter is not None and not isinstance(data, Calibration):
        data = Calibration.of(data, by=by, cluster=cluster, unit="voters", voter=voter)
    return summary_of(Calibration, data, by, cluster, voter)


def n_and_left_out(summary: Calibration, table: pd.DataFrame) -> list[str]:
    """Write n, and what has no outcome, nothing that it recommends, or no confidence."""
    what = "decisions" if summary.unit == "panels" else "votes"
    sums = table[["n", "without_outcome", "without_recommendation", "missing"]].sum()
    notes = format_n(
        sums["n"],
        what,
        without_outcome=sums["without_outcome"],
        without_recommendation=sums["without_recommendation"],
        without_confidence=sums["missing"],
    )
    return notes + format_voters(summary.voter, int(table["repeated"].sum()))


def _notes(summary: Calibration, table: pd.DataFrame, diagram: pd.DataFrame) -> list[str]:
    """Write what the legend would say of one group, and how to read the marks."""
    row = table.iloc[0]
    brier = f"{estimate_in(row, 'brier'):.3f}"
    chance = "" if np.isnan(row["ece_noise"]) else f" (chance alone {row['ece_noise']:.3f})"
    notes = [] if summary.by else [f"ECE {row['ece']:.3f}{chance}", f"Brier {brier}"]
    isotonic, single = summary.binning == "isotonic", not 1 < len(table) <= TOGETHER
    deserved = f"{'dotted' if isotonic else 'wide bar'}: 95% if deserved" if single else ""
    hollow = f"hollow: fewer than {SMALL_N}, no interval" if diagram["small_n"].any() and not isotonic else ""
    return [*notes, hollow, deserved, "below: how often each confidence occurs"]


def _background(ax: Axes, tallest: float, said: bool) -> None:
    """Draw the diagonal, what its sides mean, and the base line of the counts; a tick says the deepest."""
    width, height = extent(ax)
    ax.set(xlim=(-0.02, 1.02), ylim=(-_STRIP - _GAP, 1.02 if said else 1.06), anchor="NW")
    ax.set_aspect("equal" if said and width < 1.25 * height else "auto")
    explained = shade(ax, MUTED)
    ax.plot([0, 1], [0, 1], color=explained, linewidth=0.8, zorder=0)
    if said:
        ax.text(0.99, 0.02, "too sure", ha="right", fontsize="small", color=explained)
        ax.text(0.01, 0.98, "not sure enough", va="top", fontsize="small", color=explained)
    ax.axhline(-_GAP / 2, color=shade(ax, STRONG), linewidth=0.6)
    ax.spines["left"].set_bounds(0, 1)
    ticks = np.arange(6) / 5 if height > 12 * small_size() else np.arange(3) / 2
    names = [*(f"{tick:.1f}" for tick in ticks), f"{tallest:.0%}"]
    ax.set_yticks([*ticks, -_GAP / 2 - _STRIP], names)


def _deserved(ax: Axes, rows: pd.DataFrame, is_level: bool) -> None:
    """Draw where the points of a forecaster would lie whose confidence is deserved."""
    if not is_level:
        low, high = rows["calibrated_low"], rows["calibrated_high"]
        ax.vlines(rows["confidence"], low, high, color=shade(ax, 0.12), linewidth=6, zorder=0)
        return
    # An outline: bands, also of an earlier run, lie over it.
    ends, twice = rows[["lowest", "highest"]].to_numpy().ravel(), rows.loc[rows.index.repeat(2)]
    dotted: dict[str, Any] = {"facecolor": "none", "edgecolor": shade(ax, STRONG), "linestyle": (0, (1, 2))}
    ax.fill_between(ends, twice["calibrated_low"], twice["calibrated_high"], linewidth=1, **dotted)


def _bins(ax: Axes, rows: pd.DataFrame, style: Style, kw: dict[str, Any], aside: float) -> Line2D:
    """Draw a point a bin with its interval, so many points aside; those of few observations have none.

    The line goes from bin to bin, and breaks where one is empty or has few.
    """
    few, enough = rows[rows["small_n"]], rows[~rows["small_n"]]
    low, high = enough["accuracy_low"], enough["accuracy_high"]
    where: Any = ax.transData + ScaledTranslation(aside / 72, 0, ax.figure.dpi_scale_trans)
    ax.vlines(enough["confidence"], low, high, color=style.colour, linewidth=1, transform=where)
    asked = artist_kwargs(
        Line2D, style.as_line(linewidth=0.9, markersize=1.1 * marker_size(ax), transform=where), kw
    )
    breaks = np.flatnonzero(np.diff(rows["bin"]) > 1) + 1
    known = rows.assign(accuracy=rows["accuracy"].where(~rows["small_n"]))
    x, y = (
        np.insert(known[name].to_numpy(dtype=float), breaks, np.nan) for name in ("confidence", "accuracy")
    )
    drawn = ax.plot(x, y, **asked)[0]
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


def _counts(ax: Axes, bins: pd.DataFrame, tallest: float, style: Style, single: bool) -> None:
    """Draw how often each confidence occurs, hanging from the base line."""
    if bins["share"].isna().all():
        return
    edges = np.append(bins["left"], bins["right"].iloc[-1])
    depth = -_GAP / 2 - _STRIP * bins["share"] / tallest
    outline = filled(ax) if single else {"color": style.colour, "linewidth": 0.8}
    ax.stairs(depth, edges, baseline=-_GAP / 2, linestyle=style.line, **outline)
