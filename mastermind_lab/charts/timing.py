"""How long the panels take, and what they use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, SymmetricalLogLocator

from ..errors import OptionError
from ..stats import Timing
from ..stats.engine.bootstrap import Floats
from ..stats.engine.input import By, Source
from ..stats.timing import TIMINGS, USAGE
from ..text import column_label
from .drawing.chart import chart, summary_of
from .drawing.dots import offsets
from .drawing.figures import extent
from .drawing.ink import MUTED, RULE, shade, tint
from .drawing.intervals import keep_ends
from .drawing.picture import Column, Picture, inches_of, label_rows, rows_that_fit, series_that_fit
from .drawing.style import SERIES, Style, artist_kwargs, styles_on
from .drawing.text import LEGEND, format_n, names_apart, small_size

MOST = 12
"""Timings, or other quantities, that stay readable in one chart."""

_DRAWN = ["q05", "q25", "q75", "q95", "mean", "mean_low", "mean_high"]

UNITS = {"s": "seconds", "tokens": "tokens a decision", "USD": "USD a decision"}


@chart(
    Timing,
    "A history, its ``decisions`` frame",
    most=SERIES,
    unit='What to draw: "s" (timings and publish lag), "tokens" or "USD"; above 12 quantities the smallest '
    "are left out.",
)
def timing(
    data: Source | Timing,
    *,
    by: By = None,
    cluster: By = None,
    unit: str = "s",
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """How long the panels take, or what they use: means with 95% intervals, over quantiles.

    The longest is on top. The thick bar holds the middle half of the decisions, the thin one 90% of them; the
    line in the bar is the median. At the right of times stands their share of the total.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.timing(lab.sample(), unit="USD").get_xlabel()
    'USD a decision (log scale)'
    """
    if unit not in UNITS:
        raise OptionError(f"unit is one of {', '.join(UNITS)}, not {unit!r:.40}")
    summary = summary_of(Timing, data, by, cluster)
    table = summary.lump(series_that_fit(ax, SERIES)).table()
    table = table[table["unit"] == unit]
    lanes = max(table["group"].nunique(), 1)
    leaves = _longest(table, rows_that_fit(ax, MOST, lines=2, lanes=2 * lanes, series=lanes - 1))
    notes, inches = format_n(summary.n, "decisions"), inches_of(len(leaves), lines=2, lanes=2 * lanes)
    there, table = table["leaf"].nunique(), table[table["leaf"].isin(leaves)]
    straight = _straight(table)
    picture = Picture(ax, "Timing", summary, notes, UNITS[unit] + _said_of(straight), inches=inches)
    if table.empty:
        return picture.empty(f"no {UNITS[unit]}") if summary.n else picture.empty()
    ax = picture.ax
    _draw(picture, table, leaves, kw)
    counts = table.groupby("leaf")["n"].sum()
    shares = table.set_index("leaf").loc[leaves, "share"] if not summary.by and unit == "s" else ()
    of_total = Column("of total", ["" if np.isnan(share) else f"{share:.0%}" for share in shares])
    beside = of_total if len(shares) else None
    n_below = [f"n = {counts[leaf]:,}" for leaf in leaves]
    label_rows(ax, list(map(_short, leaves)), n_below, beside=beside, series=lanes - 1)
    _scale(ax, table, straight)
    cut = ax.get_xscale() == "log" and (table["mean_low"] <= 0).any()
    picture.heading(
        "dot: mean; line across the bar: median; bars: middle 50% and 90%",
        f"the {len(leaves)} largest of {there} are drawn" if len(leaves) < there else "",
        _silent(summary.n - counts),
        "an interval that goes to 0 or below ends at the left edge" if cut else "",
        methods=table["mean_method"],
    )
    ax.set_ylim(-len(leaves) + 0.4, 1.2 if beside else 0.6)
    return ax


def _silent(missing: pd.Series) -> str:
    """Say how many decisions say nothing of what is drawn in a row, if there are any."""
    least, most = missing.min(), missing.max()
    many = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    return f"a row is of the decisions that say it: {many} do not" if most else ""


def _longest(table: pd.DataFrame, most: int) -> list[str]:
    """Name the leaves with the largest means, in that order."""
    share = table["n"] / table.groupby("leaf")["n"].transform("sum")
    return list((table["mean"] * share).groupby(table["leaf"]).sum().nlargest(most).index)


def _draw(picture: Picture, table: pd.DataFrame, leaves: list[str], kw: dict[str, Any]) -> None:
    """Draw each group in a lane of its own."""
    groups = [name for name in table["group"].cat.categories if (table["group"] == name).any()]
    names = names_apart(groups, LEGEND)
    picture.note_rest(groups)
    styles = styles_on(picture.ax)
    for group, name, offset, style in zip(groups, names, offsets(0.34, len(groups)), styles, strict=False):
        rows = table[table["group"] == group]
        heights = offset - rows["leaf"].map(leaves.index).to_numpy(dtype=np.float64)
        handle = _bars(picture.ax, rows, heights, 0.36 / len(groups), style, kw)
        picture.legend([handle], [f"{name} (n = {rows['n'].max():,})"])


def _bars(
    ax: Axes, rows: pd.DataFrame, heights: Floats, thick: float, style: Style, kw: dict[str, Any]
) -> Line2D:
    ax.hlines(heights, rows["q05"], rows["q95"], color=shade(ax, 0.4), linewidth=1)
    box: dict[str, Any] = {
        "color": tint(ax, style.colour, 0.2),
        "edgecolor": shade(ax, 0.4),
        "linewidth": 0.6,
    }
    ax.barh(heights, rows["q75"] - rows["q25"], thick, rows["q25"], **box)
    ax.vlines(rows["q50"], heights - thick / 2, heights + thick / 2, color=shade(ax, MUTED), linewidth=1)
    ax.hlines(heights, rows["mean_low"], rows["mean_high"], color=style.colour, linewidth=2)
    [drawn] = ax.plot(rows["mean"], heights, **artist_kwargs(Line2D, style.as_dots(markersize=3.5), kw))
    return keep_ends(drawn, rows, "mean")


def _straight(table: pd.DataFrame) -> float:
    """Return up to where the scale is a straight one: nowhere if all is above 0, else to what leaves share.

    That is the largest size in the middle half of the leaf in which this is least. Where nothing is ten times
    as large, all of the scale is straight.
    """
    if (table["q05"] > 0).all():
        return 0.0
    middles = table[["q25", "q75"]].abs().max(axis=1)
    shared = float(f"{middles[middles > 0].min():.2g}")
    largest = float(np.nanmax(table[_DRAWN].abs().to_numpy(dtype=float)))
    return shared if largest >= 10 * shared else np.inf


def _said_of(straight: float) -> str:
    """Say which scale there is, beside the unit, if it is not straight all along."""
    if not straight:
        return " (log scale)"
    return "" if np.isinf(straight) else f" (log scale above {straight:,.10g})"


def _scale(ax: Axes, table: pd.DataFrame, straight: float) -> None:
    """Scale the sizes by their logarithm, but for a piece around 0 that is straight."""
    ax.use_sticky_edges = False  # of the bars, at which a dot would be cut in half
    sizes = table[_DRAWN].abs().to_numpy(dtype=float)
    if np.isinf(straight):
        most = min(6, max(2, int(extent(ax)[0] / 5.4 / small_size())))
        ax.xaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
    elif straight:
        ax.set_xscale("symlog", linthresh=straight)
        ax.xaxis.set_major_locator(SymmetricalLogLocator(ax.xaxis.get_transform()))
    else:
        least, most = np.nanmin(sizes[sizes > 0]), np.nanmax(sizes)
        decades = np.log10(most / least)
        ax.set_xscale("log")
        if decades < 0.3:
            ax.set_xlim(least / 2, most * 2)
        subs = (1, 2, 5) if decades < 1 else (1, 3) if decades < 3 else (1,)
        ax.xaxis.set_major_locator(LogLocator(subs=subs))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.10g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.autoscale_view(scaley=False)
    ax.grid(axis="x", color=shade(ax, RULE))
    ax.set_axisbelow(True)


def _short(leaf: str) -> str:
    for prefix in (TIMINGS, USAGE):
        leaf = leaf.removeprefix(prefix)
    return column_label(leaf).replace("_", " ")
