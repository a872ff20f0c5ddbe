"""Whether confidence and dissent have left what they were at first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats import Drift
from ..stats.engine.input import By, Source
from .drawing.change_lines import date_axis
from .drawing.chart import chart, summary_of
from .drawing.ink import MUTED, shade
from .drawing.picture import Picture, series_that_fit
from .drawing.style import SERIES, Style, artist_kwargs, styles_on
from .drawing.text import LEGEND, format_n, names_apart

MOST = SERIES // 2
"""Groups that stay readable in one chart: each has two lines."""


@chart(Drift, "A history, its ``decisions`` frame", {"lines": Line2D}, most=MOST)
def drift(
    data: Source | Drift, *, by: By = None, cluster: By = None, ax: Axes | None = None, **kw: Any
) -> Axes:
    """Whether confidence and dissent have left what they were at first: a CUSUM as a share of its limit.

    A line for each figure and group runs from the end of its baseline; beyond 1, or below -1, there is an
    alarm, and a ring marks the first. What has too short or constant a baseline has no limit, and no line.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.drift(lab.sample()).get_ylabel()
    'sum of deviations / limit'
    """
    summary = summary_of(Drift, data, by, cluster)
    shown = summary.lump(max(2, series_that_fit(ax, SERIES) // 2))
    table, path = shown.table(), shown.path()
    left_out = {"without_a_time": summary.undated, "far_off_in_time": summary.outside}
    notes = format_n(summary.n - sum(left_out.values()), "decisions", **left_out)
    picture = Picture(ax, "Drift", summary, notes, "published (UTC)", rows=8)
    short = int(table["limit"].isna().sum())
    if table.empty:
        return picture.empty()
    if short == len(table):
        return picture.empty("nothing to compare: all is baseline, or constant there")
    ax, named = picture.ax, names_apart(table["group"].cat.categories, LEGEND - 8)
    names = dict(zip(table["group"].cat.categories, named, strict=True))
    for style, (_, row) in zip(styles_on(ax), table.iterrows(), strict=False):
        way = path[(path["group"] == row["group"]) & (path["figure"] == row["figure"])]
        group = f"{names[row['group']]}: " if summary.by else ""
        line = _line(ax, way, style, kw)
        picture.legend([line], [f"{group}{row['figure']} (n = {row['n']:,})"])
    for limit in (-1, 1):
        ax.axhline(limit, color=shade(ax, MUTED), linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    ax.set_ylabel("sum of deviations / limit", fontsize="small")
    without = [f"{short} without a line: baseline too short or constant"] if short else []
    picture.heading("dashed: limit, ring: first alarm", *without)
    date_axis(ax)
    return ax


def _line(ax: Axes, way: pd.DataFrame, style: Style, kw: dict[str, Any]) -> Line2D:
    times, passed = way["time"].to_numpy("datetime64[us]"), way["passed"].to_numpy(dtype=bool)
    defaults = style.as_line(markevery=max(1, len(way) // 8), markersize=4, linewidth=1.5)
    line = ax.plot(times, way["of_limit"], **artist_kwargs(Line2D, defaults, kw))[0]
    first = np.flatnonzero(passed)[:1]
    ring: dict[str, Any] = {
        "markersize": 11,
        "markerfacecolor": "none",
        "markeredgewidth": 1.5,
        "color": line.get_color(),
    }
    ax.plot(times[first], way["of_limit"].to_numpy()[first], linestyle="none", marker="o", **ring)
    return line
