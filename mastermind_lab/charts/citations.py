"""Which sources the panels rest on."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..labels import counted
from ..stats import Citations
from ..stats.engine.bootstrap import Floats
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.dots import dots_in_lane, from_zero, offsets, rows_on_grid, without_dot
from .drawing.figures import extent
from .drawing.picture import Picture, inches_of, row_height, rows_that_fit, series_that_fit
from .drawing.style import SERIES, styles_on
from .drawing.text import (
    LEGEND,
    PLAIN,
    estimate_in,
    fitted_apart,
    format_n,
    names_apart,
    small_size,
)

MOST = 8
"""Sources that stay readable in one chart."""

_NAME = 3  # lanes that a name takes


@chart(Citations, "A history, its ``citations`` frame (then without ``by``)", most=SERIES)
def citations(
    data: Source | Citations, *, by: By = None, cluster: By = None, ax: Axes | None = None, **kw: Any
) -> Axes:
    """Which sources the panels rest on: the share of decisions that cite each, with its 95% interval.

    The most used is on top. Sources beyond the 8 most used, or as many as find room, are not drawn, but
    counted in the caption; nor are those that one decision cites, which have no rank.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.citations(lab.sample()).get_xlabel()
    'share of decisions with sources (0-1)'
    """
    summary = summary_of(Citations, data, by, cluster)
    shown = summary.lump(series_that_fit(ax, SERIES))
    table = shown.table()
    series = len(table) if summary.by else 0
    most = rows_that_fit(ax, MOST, lanes=len(table) + _NAME, series=series)
    used = shown.sources(most)
    uses = shown.uses()
    once = used.groupby("source")["n"].transform("sum") == 1
    ranked = used[~once] if uses["sources"].sum() > most else used
    none = (
        ["every source is cited once: none is drawn", *_figures(table)] if ranked.empty and len(used) else []
    )
    used = ranked
    names = list(used["source"].unique())
    cited = table["cited"].sum()
    notes = format_n(cited, "decisions", without_sources=table["n"].sum() - cited)
    xlabel, inches = "share of decisions with sources (0-1)", inches_of(len(names), lanes=len(table) + _NAME)
    picture = Picture(ax, "Citations", summary, notes, xlabel, inches=inches)
    if used.empty:
        return picture.empty(*none)
    high = row_height(picture.ax, len(names), series)
    name, row = (share * small_size() / high for share in (1.4, 1.4 + 1.75 * len(table)))
    name, row = min(0.6, name), min(1, row)  # on a slide a single row is high: its name stays near its dots
    lanes = 0.1 - name / 2 + offsets(0.45 * (row - name), len(table))
    _draw(picture, used, names, table.set_index("group")["cited"], lanes, kw)
    gaps = without_dot(used, "source", "group", "share", "not cited")
    hidden = _not_drawn(uses, len(names))
    picture.heading(*_figures(table), hidden, gaps, methods=used["share_method"])
    _names(picture.ax, names, 0.1 + (row - name) / 2)
    largest = float(np.nanmax(used[["share", "share_high"]].to_numpy()))
    picture.ax.set_xlim(from_zero(min(1.02, 1.08 * largest)))
    rows_on_grid(picture.ax, len(names))
    return picture.ax


def _draw(
    picture: Picture,
    used: pd.DataFrame,
    names: list[str],
    cited: pd.Series,
    lanes: Floats,
    kw: dict[str, Any],
) -> None:
    """Draw each group in a lane of its own, below the name."""
    rank = used["source"].map({name: place for place, name in enumerate(names)}).to_numpy(dtype=np.float64)
    labels = names_apart(cited.index, LEGEND)
    picture.note_rest(cited.index)
    styles = styles_on(picture.ax)
    for group, label, lane, style in zip(cited.index, labels, lanes, styles, strict=False):
        mine = (used["group"] == group).to_numpy()
        dots = dots_in_lane(picture.ax, used[mine], lane - rank[mine], "share", style, kw)
        picture.legend([dots], [f"{label} (n = {cited[group]:,})"])


def _not_drawn(uses: pd.DataFrame, drawn: int) -> str:
    """Say how many sources are not drawn, and how many are cited once."""
    hidden = int(uses["sources"].sum()) - drawn
    if not hidden:
        return ""
    once = int(uses.loc[uses["n"] == 1, "sources"].sum())
    some = f"; {once:,} {'is' if once == 1 else 'are'} cited once" if once else ""
    return f"{counted(hidden, 'source')} not drawn{some}"


def _figures(table: pd.DataFrame) -> list[str]:
    """Write the single figures, where there is one group."""
    if len(table) > 1:
        return []
    row = table.iloc[0]
    return [
        counted(int(row["sources"]), "source"),
        f"HHI {estimate_in(row, 'hhi'):.3f}",
        f"{estimate_in(row, 'single'):.0%} on one source",
        f"mean overlap {estimate_in(row, 'overlap'):.2f}",
    ]


def _names(ax: Axes, sources: list[str], height: float) -> None:
    """Write each source above its row, inside the Axes: an address is too long for the left of a column."""
    ax.set_yticks([])
    where: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    room = (extent(ax)[0] - 6) / small_size()
    for row, source in enumerate(fitted_apart([*map(_without_scheme, sources)], room)):
        at = (0, height - row)
        ax.annotate(source, at, (3, 0), va="center", fontsize="small", **where, **PLAIN)


def _without_scheme(source: str) -> str:
    return re.sub(r"^\w{1,10}://", "", source)
