"""Whether confidence and dissent have left what they were at first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..labels import counted
from ..stats import Drift
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.ink import MUTED, shade
from .drawing.lines import (
    MOST,
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


@chart(Drift, "A history, its ``decisions`` frame", {"lines": Line2D}, most=MOST)
def drift(
    data: Source | Drift, *, by: By = None, cluster: By = None, ax: Axes | None = None, **kw: Any
) -> Axes:
    """Whether confidence and dissent have left what they were at first: a CUSUM as a share of its limit.

    A line for each figure runs from the end of its baseline; beyond 1, or below -1, there is an alarm, and a
    ring marks the first. What has too short or constant a baseline has no limit, and no line. Each of several
    groups has a panel.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.drift(lab.sample()).get_ylabel()
    'sum of deviations / limit'
    """
    summary = summary_of(Drift, data, by, cluster)
    shown = summary.lump(MOST)
    groups = shown.table().query("limit.notna()")["group"].nunique()
    left_out = {"without_a_time": summary.undated, "far_off_in_time": summary.outside}
    notes = format_n(summary.n - sum(left_out.values()), "decisions", **left_out)
    picture = Picture(ax, "Drift", summary, notes, "published (UTC)", rows=max(4, rows_of_panels(groups, 1)))
    if groups > (room := room_for_panels(picture.ax)):
        shown = summary.lump(room)
    table = shown.table()
    drawn = table[table["limit"].notna()]
    if table.empty:
        return picture.empty()
    if drawn.empty:
        return picture.empty("nothing to compare: all is baseline, or constant there")
    picture.ax.set_ylabel("sum of deviations / limit", fontsize="small")
    _draw(picture, drawn, shown.path(), kw)
    short = len(table) - len(drawn)
    without = f"no line for {counted(short, 'figure')}: baseline too short or constant" if short else ""
    picture.note_rest(drawn["group"])
    return picture.heading("dashed: limit, ring: first alarm", without)


def _draw(picture: Picture, table: pd.DataFrame, path: pd.DataFrame, kw: dict[str, Any]) -> None:
    """Draw both figures of a group together, and each of several groups in a panel."""
    groups = list(dict.fromkeys(table["group"]))
    n = table.groupby("group", observed=True)["n"].max()
    counts, names = [f"n = {n[group]:,}" for group in groups], names_apart(groups, LEGEND)
    every_ax = panels(picture.ax, names, counts) if picture.by else [picture.ax]
    looks = dict(zip(dict.fromkeys(path["figure"]), styles_on(picture.ax), strict=False))
    for ax, group in zip(every_ax, groups, strict=True):
        rows = table[table["group"] == group]
        ways = [path[(path["group"] == group) & (path["figure"] == figure)] for figure in rows["figure"]]
        looked = zip(ways, rows["figure"], strict=True)
        lines = [_line(ax, way, looks[figure], kw) for way, figure in looked]
        for limit in (-1, 1):
            ax.axhline(limit, color=shade(ax, MUTED), linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        if not picture.by:
            labels = [f"n = {count:,}" for count in rows["n"]]
            name_lines(picture, lines, list(rows["figure"]), labels)
    dates_below(picture.ax, every_ax)
    if picture.by:
        handles = [Line2D([], [], **look.as_line(markersize=4, linewidth=1.5)) for look in looks.values()]
        picture.legend(handles, list(looks))


def _line(ax: Axes, way: pd.DataFrame, style: Style, kw: dict[str, Any]) -> Line2D:
    times, passed = way["time"].to_numpy("datetime64[us]"), way["passed"].to_numpy(dtype=bool)
    defaults = style.as_line(markevery=max(1, len(way) // 8), markersize=marker_size(ax), linewidth=1.5)
    line = ax.plot(times, way["of_limit"], **artist_kwargs(Line2D, defaults, kw))[0]
    first = np.flatnonzero(passed)[:1]
    ring: dict[str, Any] = {
        "markersize": 2.75 * marker_size(ax),
        "markerfacecolor": "none",
        "markeredgewidth": 1.5,
        "color": line.get_color(),
    }
    ax.locator_params(axis="y", nbins=5)
    ax.plot(times[first], way["of_limit"].to_numpy()[first], linestyle="none", marker="o", **ring)
    return line
