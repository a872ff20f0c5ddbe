"""How confidence changes over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba_array
from matplotlib.dates import date2num
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ..stats import Confidence, ConfidenceOverTime, Regimes
from ..stats.engine.input import By, Source
from ..stats.engine.summary import groups_in
from .drawing.change_lines import change_lines, regimes_of
from .drawing.chart import chart, summary_of
from .drawing.dots import band
from .drawing.earlier import earlier_of, rows_behind
from .drawing.figures import extent
from .drawing.ink import EARLIER, RULE, paper, shade
from .drawing.lines import (
    MOST,
    TOGETHER,
    alone,
    dates_below,
    marker_size,
    name_lines,
    panels,
    room_for_panels,
    rows_of_panels,
)
from .drawing.picture import Picture
from .drawing.style import Style, artist_kwargs, styles_on
from .drawing.text import LEGEND, format_n, names_apart

_POINT = 12.0  # square points of paper that tell a decision from others
_CELL = 30.0  # those of a shaded cell
_LEAST = 0.2  # of the scale of confidence that is shown: less would draw how values are rounded


@chart(
    ConfidenceOverTime,
    "A history, its ``decisions`` frame",
    {"lines": Line2D},
    most=MOST,
    every="Draw the mean of every so many decisions, with its 95% interval, instead of the rolling mean.",
    before="An earlier run: of its time, which is another, only the mean confidence is drawn, in grey all "
    "along, and as a band the middle half of its decisions.",
    regimes="What to mark; by default what :class:`~mastermind_lab.stats.Regimes` finds in a history, a "
    "frame or a scan, which is read once more for it; nothing where data is a summary, which forgot.",
)
def confidence_over_time(
    data: Source | ConfidenceOverTime,
    *,
    by: By = None,
    cluster: By = None,
    before: Source | Confidence | None = None,
    every: int | None = None,
    regimes: Regimes | None = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """How confidence changes over time: its rolling mean with a 95% band, a line a group, over the decisions.

    The line breaks where the window holds no decision; the band is for each time alone. The width of the
    window is an option of the summary. Decisions are thinned: a larger point stands for more of them; where
    points would crowd, cells are shaded by how many there are. Above 3 groups each has a panel. A dashed
    line marks where a value of meta, or a field, begins, a dotted one where one ends, the latest 5 at most.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> ax = lab.charts.confidence_over_time(lab.sample(), by="meta.model")
    >>> ax.get_ylabel()
    'confidence (0-1)'
    """
    summary = summary_of(ConfidenceOverTime, data, by, cluster)
    groups = min(groups_in(summary), MOST)
    left_out = {
        "without_a_time": summary.undated,
        "far_off_in_time": summary.outside,
        "without_confidence": summary.missing,
    }
    notes = format_n(summary.sums["n"][:, 0].sum() - summary.outside, "decisions", **left_out)
    picture = Picture(
        ax, "Confidence over time", summary, notes, "published (UTC)", rows=rows_of_panels(groups)
    )
    ax = picture.ax
    ax.set_ylabel("confidence (0-1)", fontsize="small")
    shown = summary.lump(room_for_panels(ax))
    table = shown.table()
    if table.empty:
        return picture.empty()
    lines = table if every is None else shown.every(every)
    past = rows_behind(picture, earlier_of(Confidence, before, summary), _groups(lines), ["group"], "mean")
    changes = _draw(picture, shown, lines, past, regimes_of(data, regimes), every is None, kw)
    if past is not None and past["mean"].notna().any():
        band_too = "" if 1 < len(past) <= TOGETHER else ", grey band: the middle half of it"
        picture.notes.append(f"grey line: its mean{band_too}; its time is another")
    drawn = "line: rolling mean" if every is None else f"dot: mean of {every:,}"
    picture.note_rest(lines["group"].cat.categories)
    mark, figure = ("band", "rolling") if every is None else ("line", "mean")
    return picture.heading(drawn, *changes, methods=lines[f"{figure}_method"], interval=mark)


def _draw(
    picture: Picture, shown: ConfidenceOverTime, lines: pd.DataFrame, past: pd.DataFrame | None,
    regimes: Regimes | None, rolling: bool, kw: dict[str, Any],
) -> list[str]:  # fmt: skip
    """Draw groups together, or where they are many each in a panel; return what is said of the changes."""
    groups, n = lines["group"].cat.categories, lines.groupby("group", observed=False)["n"].sum()
    names, counts = names_apart(groups, LEGEND), [f"n = {n[group]:,}" for group in groups]
    apart = len(groups) > TOGETHER
    every_ax = panels(picture.ax, names, counts) if apart else [picture.ax] * len(groups)
    styles = [alone(picture.ax)] * len(groups) if apart else styles_on(picture.ax)
    figure, draw = ("rolling", _line) if rolling else ("mean", _means)
    *ends, shades = _cloud(every_ax, shown, groups, styles)
    low, high = _reach(ends, lines[[figure, f"{figure}_low", f"{figure}_high"]], past)
    around, handles = max(0.03, (_LEAST - high + low) / 2), []
    for ax, group, style in zip(every_ax, groups, styles, strict=False):
        if past is not None:
            _across(ax, past[past["group"] == group], style, apart or len(groups) == 1)
        handles.append(draw(ax, lines[lines["group"] == group], style, kw))
        ax.set_ylim(max(-0.02, low - around), min(1.02, high + around))
    if not apart:
        name_lines(picture, handles, names, counts)
    papers = list(dict.fromkeys(every_ax))
    changes = [change_lines(ax, regimes, named=not apart) for ax in papers]
    dates_below(picture.ax, papers)
    return [shades, *changes[0]]


def _reach(points: Sequence[float], lines: pd.DataFrame, past: pd.DataFrame | None) -> tuple[float, float]:
    """Return the least and the most of all that is drawn: points, lines, what is around them, and behind."""
    behind = pd.DataFrame() if past is None else past[["mean", "q25", "q75"]]
    ends = np.concatenate([points, *(rows.to_numpy(dtype=float).ravel() for rows in (lines, behind))])
    return float(np.nanmin(ends)), float(np.nanmax(ends))


def _groups(lines: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"group": lines["group"].cat.categories})


def _across(ax: Axes, rows: pd.DataFrame, style: Style, alone: bool) -> None:
    """Draw the mean of an earlier run all along, and where it is the only one a band of its middle half."""
    for mean, low, high in rows[["mean", "q25", "q75"]].dropna().to_numpy():
        if alone:
            ax.axhspan(low, high, color=shade(ax, RULE), linewidth=0, zorder=0.5)
        ax.axhline(mean, color=shade(ax, EARLIER), linestyle=style.line, linewidth=1.5, zorder=0.9)


def _cloud(
    every_ax: Sequence[Axes], shown: ConfidenceOverTime, groups: pd.Index, styles: Sequence[Style]
) -> tuple[float, float, str]:
    """Draw the decisions as points or, where these would crowd, as cells; return their ends and a note."""
    (width, height), papers = extent(every_ax[0]), len(set(every_ax))
    points = shown.points()
    crowd = points["n"].sum() * _POINT > width * height * papers
    cells = shown.density(max(1, int(width * height * papers / _CELL))) if crowd else points
    most = cells["n"].max()
    for ax, group, style in zip(every_ax, groups, styles, strict=False):
        rows = cells[cells["group"] == group]
        if crowd and len(rows):
            _shade(ax, rows, style, most, 0.5 * papers / len(groups))
        elif not crowd:
            _scatter(ax, rows, style, most)
    said = "shade: how many decisions" if crowd else ""
    return float(points["confidence"].min()), float(points["confidence"].max()), said


def _scatter(ax: Axes, points: pd.DataFrame, style: Style, most: int) -> None:
    area = 3 + 20 * (points["n"] - 1) / max(most - 1, 1)
    marks: dict[str, Any] = {"c": style.colour, "marker": style.marker, "alpha": 0.2, "linewidths": 0}
    ax.scatter(points["time"].to_numpy("datetime64[us]"), points["confidence"], s=area, **marks)


def _shade(ax: Axes, cells: pd.DataFrame, style: Style, most: int, full: float) -> None:
    ends = (cells[end].to_numpy("datetime64[us]") for end in ("first", "last"))
    left, right = (date2num(end) for end in ends)  # type: ignore[no-untyped-call]
    low, high = cells["lower"].to_numpy(), cells["upper"].to_numpy()
    corners: Any = np.stack([np.stack([left, left, right, right], 1), np.stack([low, high, high, low], 1)], 2)
    shades = to_rgba_array([style.colour] * len(cells))
    shades[:, 3] = 0.05 + full * np.sqrt(cells["n"].to_numpy(dtype=float) / most)
    ax.add_collection(
        PolyCollection(corners, facecolors=shades, linewidths=0, antialiaseds=False, zorder=0.8)
    )
    ax.update_datalim(np.column_stack([[left.min(), right.max()], [low.min(), high.max()]]))


def _line(ax: Axes, rows: pd.DataFrame, style: Style, kw: dict[str, Any]) -> Line2D:
    times = rows["time"].to_numpy("datetime64[us]")
    band(ax, times, rows, "rolling", style, 0.2)
    # A rim of paper keeps the lighter lines apart from the points, in greyscale above all.
    rim = [withStroke(linewidth=3.5, foreground=paper(ax))]
    every = max(1, len(rows) // 8)
    defaults = style.as_line(markevery=every, markersize=marker_size(ax), linewidth=1.5, path_effects=rim)
    return ax.plot(times, rows["rolling"], **artist_kwargs(Line2D, defaults, kw))[0]


def _means(ax: Axes, rows: pd.DataFrame, style: Style, kw: dict[str, Any]) -> Line2D:
    """Draw a dot for every so many decisions, and a line from the first of them to the last."""
    first, last, times = (rows[name].to_numpy("datetime64[us]") for name in ("first", "last", "time"))
    ax.vlines(times, rows["mean_low"], rows["mean_high"], color=style.colour, linewidth=1)
    ax.hlines(rows["mean"], first, last, color=style.colour, linewidth=1)
    return ax.plot(times, rows["mean"], **artist_kwargs(Line2D, style.as_dots(markersize=4), kw))[0]
