"""How long the panels take, and what they use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..errors import OptionError
from ..stats.engine.bootstrap import Floats
from ..stats.engine.input import By, Source
from ..stats.timing import TIMINGS, USAGE, Timing
from .drawing.style import (
    SERIES,
    Series,
    annotate_rows,
    artist_kwargs,
    check_grouping,
    empty,
    heading,
    label_rows,
    legend,
    prepare_axes,
)
from .drawing.text import clean, format_n

SUBJECT = "Timing"
MOST = 12
"""Leaves that stay readable in one chart."""

SCALES = {"s": "seconds", "tokens": "tokens a decision", "USD": "USD a decision"}


def timing(
    data: Source | Timing, *, by: By = None, unit: str = "s", ax: Axes | None = None, **kw: Any
) -> Axes:
    """Draw the spread of each leaf, the longest on top: means with 95% intervals over quantiles.

    The thick bar holds the middle half of the decisions, the thin one 90% of them; a white line is the
    median. Behind times stands their share of the total.

    Parameters
    ----------
    data
        A history, its ``decisions`` frame, or a :class:`~mastermind_lab.stats.Timing`.
    by
        Column or columns to group by; above 6 groups the smallest are drawn as one.
    unit
        What to draw: "s" (timings and publish lag), "tokens" or "USD". Above 12 leaves the shortest are left
        out.
    ax
        Where to draw; a new figure by default.
    **kw
        For the dots, :class:`matplotlib.lines.Line2D`.

    Raises
    ------
    OptionError
        If a column or unit is unknown, or a summary was counted by another column.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.charts.timing import timing
    >>> timing(lab.sample(), unit="USD").get_xlabel()
    'USD a decision (log scale)'
    """
    if unit not in SCALES:
        raise OptionError(f"unit is one of {', '.join(SCALES)}, not {unit!r:.40}")
    summary = check_grouping(data if isinstance(data, Timing) else Timing.of(data, by=by), by)
    table = summary.lump(len(SERIES)).table()
    table = table[table["unit"] == unit]
    leaves = _longest(table)
    ax = prepare_axes(
        ax, f"{SCALES[unit]} (log scale)", rows=len(leaves) * (1 + table["group"].nunique()) // 2
    )
    notes = format_n(summary.n, "decisions")
    if table.empty:
        return empty(ax, SUBJECT, summary.by, notes if not summary.n else [f"no {SCALES[unit]}", *notes])
    table = table[table["leaf"].isin(leaves)]
    handles, labels = _draw(ax, table, leaves, kw)
    counts = table.groupby("leaf")["n"].sum()
    label_rows(ax, list(map(_short, leaves)), [f"n = {counts[leaf]:,}" for leaf in leaves])
    above = legend(ax, handles, labels) if summary.by else 0
    heading(ax, SUBJECT, summary.by, [*notes, "dot: mean, 95% interval; bars: middle 50% and 90%"], above)
    _scale(ax, table)
    ax.set_ylim(-len(leaves) + 0.4, 0.6)
    if not summary.by and unit == "s":
        shares = table.set_index("leaf").loc[leaves, "share"]
        annotate_rows(ax, "of total", ["" if np.isnan(share) else f"{share:.0%}" for share in shares], 30)
        ax.set_ylim(top=1.2)
    return ax


def _longest(table: pd.DataFrame) -> list[str]:
    """Name the leaves with the largest means, in that order."""
    totals = table.groupby("leaf")[["sum", "n"]].sum()
    return list((totals["sum"] / totals["n"]).nlargest(MOST).index)


def _draw(
    ax: Axes, table: pd.DataFrame, leaves: list[str], kw: dict[str, Any]
) -> tuple[list[Line2D], list[str]]:
    """Draw each group in a lane of its own, and return what a legend needs."""
    handles, labels = [], []
    groups = [name for name in table["group"].cat.categories if (table["group"] == name).any()]
    reach = 0.34 * (1 - 1 / len(groups))
    for group, lane, look in zip(groups, np.linspace(reach, -reach, len(groups)), SERIES, strict=False):
        rows = table[table["group"] == group]
        heights = lane - rows["leaf"].map(leaves.index).to_numpy(dtype=np.float64)
        handles.append(_bars(ax, rows, heights, 0.36 / len(groups), look, kw))
        labels.append(f"{clean(group, 24)} (n = {rows['n'].max():,})")
    return handles, labels


def _bars(
    ax: Axes, rows: pd.DataFrame, heights: Floats, thick: float, look: Series, kw: dict[str, Any]
) -> Line2D:
    ax.hlines(heights, rows["q05"], rows["q95"], color="0.65", linewidth=1)
    box: dict[str, Any] = {"color": "#C9D7E3", "edgecolor": "0.65", "linewidth": 0.6}
    ax.barh(heights, rows["q75"] - rows["q25"], thick, rows["q25"], **box)
    ax.vlines(rows["q50"], heights - thick / 2, heights + thick / 2, color="white", linewidth=2)
    ax.hlines(heights, rows["mean_low"], rows["mean_high"], color=look.colour, linewidth=2)
    style = {"linestyle": "none", "marker": look.marker, "color": look.colour, "markersize": 3.5}
    return ax.plot(rows["mean"], heights, **artist_kwargs(Line2D, style, kw))[0]


def _scale(ax: Axes, table: pd.DataFrame) -> None:
    """Scale the sizes by their logarithm; where some are not above 0, there is a straight piece around it."""
    if (table["q05"] > 0).all():
        least, most = float(table["q05"].min()), float(table["q95"].max())
        decades = float(np.log10(most / least))
        ax.set_xscale("log")
        if decades < 0.3:
            ax.set_xlim(least / 2, most * 2)
        ax.xaxis.set_major_locator(
            LogLocator(subs=(1, 2, 5) if decades < 1 else (1, 3) if decades < 3 else (1,))
        )
        ax.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.10g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    else:
        ax.set_xscale("symlog", linthresh=float(table["q75"].abs().min()) or 1.0)
    ax.grid(axis="x", color="0.92")
    ax.set_axisbelow(True)


def _short(leaf: str) -> str:
    for prefix in (TIMINGS, USAGE):
        leaf = leaf.removeprefix(prefix)
    return leaf.replace("_", " ")
