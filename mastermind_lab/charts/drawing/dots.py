"""Figures with their 95% intervals: dots, a row a thing and in it a lane for each series; bands of lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ...stats.engine.bootstrap import Floats
from .earlier import dots_before
from .figures import extent
from .ink import RULE, shade
from .intervals import keep_ends
from .picture import Column, Picture, label_rows
from .style import Style, artist_kwargs, styles_on
from .text import LEGEND, names_apart, small_size

MOST = 20
"""Rows that stay readable in one chart."""

_ROUNDING = 1e-9
"""Figures that differ by less are the same, but for how they were added up."""

RING: dict[str, Any] = {"linestyle": "none", "markerfacecolor": "none", "markersize": 6}


def dots(
    picture: Picture, table: pd.DataFrame, row: str, series: str, figure: str, kw: dict[str, Any],
    ring: str = "", beside: Column | None = None, behind: pd.DataFrame | None = None,
) -> list[Line2D]:  # fmt: skip
    """Draw a table's rows from top to bottom, in the order they come, and return a dot of each series.

    The columns ``row`` and ``series``, 6 at most, say where a figure stands; the interval of a column
    ``figure`` is in ``<figure>_low`` and ``<figure>_high``. A second column may be drawn as a ring, and
    figures stand beside. What lies ``behind`` has the same rows, of an earlier run.
    """
    ax, handles = picture.ax, []
    names, groups = list(dict.fromkeys(table[row])), series_of(table, series)
    picture.note_rest([*names, *groups])
    for group, offset, style in zip(groups, offsets(0.34, len(groups)), styles_on(ax), strict=False):
        rows = table[table[series] == group]
        heights = offset - np.array([names.index(name) for name in rows[row]], dtype=float)
        if ring:
            ax.plot(rows[ring], heights, marker=style.marker, color=style.colour, **RING)
        handles.append(dots_in_lane(ax, rows, heights, figure, style, kw, behind))
    ax.locator_params(axis="x", nbins=min(6, max(2, int(extent(ax)[0] / 5.4 / small_size()))))
    rows_on_grid(ax, len(names), beside)
    label_rows(ax, names, beside=beside, series=len(groups) if len(groups) > 1 else 0)
    return handles


def dots_in_lane(
    ax: Axes, rows: pd.DataFrame, heights: Floats, figure: str, style: Style, kw: dict[str, Any],
    behind: pd.DataFrame | None = None,
) -> Line2D:  # fmt: skip
    """Draw one series: its intervals and its dots, over those of an earlier run."""
    if behind is not None:
        dots_before(ax, behind.loc[rows.index], heights, figure)
    ax.hlines(heights, rows[f"{figure}_low"], rows[f"{figure}_high"], color=style.colour, linewidth=1.2)
    defaults = style.as_dots(markersize=4, zorder=3)
    [drawn] = ax.plot(rows[figure], heights, **artist_kwargs(Line2D, defaults, kw))
    return keep_ends(drawn, rows, figure)


def band(ax: Axes, x: Any, rows: pd.DataFrame, figure: str, style: Style, alpha: float = 0.15) -> None:
    """Shade the interval of a figure along a line."""
    low, high = rows[f"{figure}_low"], rows[f"{figure}_high"]
    ax.fill_between(x, low, high, color=style.colour, alpha=alpha, linewidth=0)


def dots_of_figures(
    picture: Picture, table: pd.DataFrame, figures: Mapping[str, str], n: str, kw: dict[str, Any],
    beside: Column | None = None,
) -> None:  # fmt: skip
    """Draw columns of a table, three at most, by their names: a row a group and in it a lane a figure."""
    rows = -np.arange(len(table), dtype=np.float64)
    handles = [
        dots_in_lane(picture.ax, table, offset + rows, figure, style, kw)
        for figure, offset, style in zip(figures, (0.2, 0, -0.2), styles_on(picture.ax), strict=False)
    ]
    picture.note_rest(table["group"])
    counts = [f"n = {count:,}" for count in table[n]]
    label_rows(picture.ax, list(table["group"]), counts, beside=beside, series=len(figures))
    rows_on_grid(picture.ax, len(table), beside)
    picture.legend(handles, list(figures.values()))


def methods_of(table: pd.DataFrame, figures: Iterable[str]) -> list[str]:
    """Return how the intervals of several columns were made, whose marks stand side by side."""
    return [method for figure in figures for method in table[f"{figure}_method"]]


def without_dot(table: pd.DataFrame, row: str, series: str, figure: str, meaning: str) -> str:
    """Say what it means where a lane has no dot, if one has none."""
    lanes = table[row].nunique() * table[series].nunique()
    return f"no dot: {meaning}" if table[figure].notna().sum() < lanes else ""


def rows_on_grid(ax: Axes, rows: int, beside: object = None) -> None:
    """Fit the vertical axis to rows at 0, -1, -2, ..., and a title above them, with grid lines behind."""
    ax.set_ylim(-rows + 0.4, 1.2 if beside else 0.6)
    ax.grid(axis="x", color=shade(ax, RULE))
    ax.set_axisbelow(True)


def offsets(reach: float, lanes: int) -> Floats:
    """Return how far above its row each lane lies, from top to bottom."""
    reach *= 1 - 1 / lanes
    return np.linspace(reach, -reach, lanes)


def ranked(table: pd.DataFrame, row: str, series: str, figure: str, there: int) -> pd.DataFrame:
    """Order the rows by what is known of the first series: the highest lower end on top, none below all.

    Of so many that were there, those that are drawn as one stand last, as the last category of rows.
    """
    groups, low = series_of(table, series), f"{figure}_low"
    first = table[table[series].isin(groups[:1])].sort_values([low, figure], ascending=False, kind="stable")
    place = {name: number for number, name in enumerate(dict.fromkeys([*first[row], *table[row]]))}
    if len(names := table[row].cat.categories) < there:
        place[names[-1]] = len(place)
    return table.iloc[table[row].astype(object).map(place).argsort(kind="stable")]


def series_of(table: pd.DataFrame, series: str) -> list[Any]:
    """Return the names of the series in a table, from top to bottom."""
    present = dict.fromkeys(table[series])
    categorical = isinstance(table[series].dtype, pd.CategoricalDtype)
    return [name for name in (table[series].cat.categories if categorical else present) if name in present]


def legend_labels(table: pd.DataFrame, series: str, n: str) -> list[str]:
    """Write each series and the sum of its n, for a legend."""
    sums = table.groupby(series, observed=True)[n].sum()
    found = series_of(table, series)
    labels = zip(names_apart(found, LEGEND), found, strict=True)
    return [f"{label} (n = {sums[name]:,})" for label, name in labels]


def n_of_rows(n: pd.Series) -> Column:
    """Say the n of each row, to be written beside it."""
    return Column("n", [f"{count:,}" for count in n])


def from_zero(right: float) -> tuple[float, float]:
    """Return the ends of a scale from 0, at which no dot is cut in half."""
    return -0.02 * right, right


def limits(
    table: pd.DataFrame, figure: str, *also: str, behind: pd.DataFrame | None = None
) -> tuple[float, float]:
    """Return the least and the largest of a figure, its interval and other columns, with a margin.

    What lies behind has the figure and its interval alone.
    """
    columns = [figure, f"{figure}_low", f"{figure}_high"]
    every = [table[[*columns, *also]], *([] if behind is None else [behind[columns]])]
    values = np.concatenate([rows.to_numpy(dtype=float).ravel() for rows in every])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.06 * (high - low) if high - low > _ROUNDING else 0.05
    return low - margin, high + margin
