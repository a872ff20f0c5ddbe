"""Figures as dots with their intervals: a row a thing, and in it a lane a series."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ...stats.engine.bootstrap import Floats
from .style import SERIES, Series, annotate_rows, artist_kwargs, extent
from .text import clean

MOST = 20
"""Rows that stay readable in one chart."""

RING: dict[str, Any] = {"linestyle": "none", "markerfacecolor": "none", "markersize": 6}


class IntervalColumns(NamedTuple):
    """The columns of a figure and of its interval, and of a second one to stand beside it as a ring."""

    value: str
    low: str
    high: str
    ring: str | None = None


def dots(
    ax: Axes, table: pd.DataFrame, row: str, series: str, figure: IntervalColumns, kw: dict[str, Any]
) -> list[Line2D]:
    """Draw a table's rows from top to bottom, in the order they come, and return a dot of each series.

    Parameters
    ----------
    row, series
        The columns that say where a figure stands; 6 series at most.
    figure
        What to draw.
    kw
        For the dots, :class:`matplotlib.lines.Line2D`.
    """
    rows, lanes = list(dict.fromkeys(table[row])), lanes_of(table, series)
    reach = 0.34 * (1 - 1 / len(lanes))
    handles = []
    for name, away, look in zip(lanes, np.linspace(reach, -reach, len(lanes)), SERIES, strict=False):
        some = table[table[series] == name]
        heights = away - np.array([rows.index(name) for name in some[row]], dtype=float)
        if figure.ring:
            ax.plot(some[figure.ring], heights, marker=look.marker, color=look.colour, **RING)
        handles.append(lane(ax, some, heights, figure, look, kw))
    ax.set_ylim(-len(rows) + 0.4, 0.6)
    ax.locator_params(axis="x", nbins=min(6, max(2, int(extent(ax)[0] / 45))))
    ax.grid(axis="x", color="0.92")
    ax.set_axisbelow(True)
    return handles


def lane(
    ax: Axes, rows: pd.DataFrame, heights: Floats, figure: IntervalColumns, look: Series, kw: dict[str, Any]
) -> Line2D:
    """Draw one series: its intervals and its dots."""
    ax.hlines(heights, rows[figure.low], rows[figure.high], color=look.colour, linewidth=1.2)
    style = {"linestyle": "none", "marker": look.marker, "color": look.colour, "markersize": 4, "zorder": 3}
    return ax.plot(rows[figure.value], heights, **artist_kwargs(Line2D, style, kw))[0]


def ranked(table: pd.DataFrame, row: str, series: str, figure: IntervalColumns) -> pd.DataFrame:
    """Order the rows by the figure of the first series, the largest on top."""
    lanes = lanes_of(table, series)
    first = table[table[series].isin(lanes[:1])].sort_values(figure.value, ascending=False, kind="stable")
    place = {name: number for number, name in enumerate(dict.fromkeys([*first[row], *table[row]]))}
    return table.iloc[table[row].astype(object).map(place).argsort(kind="stable")]


def lanes_of(table: pd.DataFrame, series: str) -> list[Any]:
    """Name the series of a table from top to bottom."""
    there = dict.fromkeys(table[series])
    order = table[series].cat.categories if isinstance(table[series].dtype, pd.CategoricalDtype) else there
    return [name for name in order if name in there]


def counted(table: pd.DataFrame, series: str, n: str) -> list[str]:
    """Word each series and the sum of its n, for a legend."""
    sums = table.groupby(series, observed=True)[n].sum()
    return [f"{clean(name, 24)} (n = {sums[name]:,})" for name in lanes_of(table, series)]


def write_n(ax: Axes, n: pd.Series) -> None:
    """Write the n of each row beside it."""
    annotate_rows(ax, "n", [f"{count:,}" for count in n])
    ax.set_ylim(top=1.2)


def reach(table: pd.DataFrame, figure: IntervalColumns) -> tuple[float, float]:
    """Return the least and the largest of what is drawn, with a little room beside them."""
    columns = [name for name in figure if name]
    values = table[columns].to_numpy(dtype=float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.06 * (high - low) or 0.05
    return low - room, high + room
