"""What changed along the stream, and what confidence and margin did then."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats.engine.input import By, Source
from ..stats.regimes import Regimes
from .drawing.style import SERIES, Series, artist_kwargs, check_grouping, empty, heading, legend, prepare_axes
from .drawing.text import PLAIN, clean, format_n

SUBJECT = "Regimes"
MOST = 12
"""Changes that stay readable in one chart."""


def regimes(data: Source | Regimes, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw each change's effect on mean confidence and margin, with 95% intervals, the earliest on top.

    A row says when a value began or ended, which, and how many decisions stand before and after it.

    Parameters
    ----------
    data
        A history, its ``decisions`` frame, or a :class:`~mastermind_lab.stats.Regimes`.
    by
        Column or columns to look at, and ``"fields"``; see there. Above 12 changes the latest are drawn.
    ax
        Where to draw; a new figure by default.
    **kw
        For the dots, :class:`matplotlib.lines.Line2D`.

    Raises
    ------
    OptionError
        If a column is unknown, or a summary looked at others.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.charts.regimes import regimes
    >>> ax = regimes(lab.sample(), by="meta.model")
    >>> ax.get_xlabel()
    'mean after - before (-1 to 1)'
    """
    summary = check_grouping(data if isinstance(data, Regimes) else Regimes.of(data, by=by), by)
    table = summary.table()
    found = table["change"].nunique()
    table = table[table["change"] > found - MOST]
    changes = table.drop_duplicates("change")
    ax = prepare_axes(ax, "mean after - before (-1 to 1)", rows=2 * len(changes))
    notes = format_n(
        summary.n, "decisions", without_a_time=summary.undated, earlier_changes=found - len(changes)
    )
    if changes.empty:
        return empty(ax, SUBJECT, summary.by, ["no change found", *notes] if summary.n else notes)
    handles = [
        _effects(ax, changes, *look, kw) for look in (("confidence", SERIES[0], 1), ("margin", SERIES[1], -1))
    ]
    names = [_name(rows) for _, rows in table.groupby("change")]
    ax.set_yticks(-np.arange(len(names)), names, **PLAIN)
    above = legend(ax, handles, ["confidence", "margin of the vote"])
    heading(ax, SUBJECT, summary.by, [*notes, "mean, 95% interval"], above)
    ax.locator_params(axis="x", nbins=5)
    ax.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    ax.set_ylim(-len(names) + 0.4, 0.6)
    ax.margins(x=0.1)
    return ax


def _effects(
    ax: Axes, changes: pd.DataFrame, figure: str, look: Series, side: int, kw: dict[str, Any]
) -> Line2D:
    """Draw one figure's differences, each a little above or below its row's middle."""
    heights = 0.12 * side - np.arange(len(changes))
    low, high = (changes[f"{figure}_difference_{end}"] for end in ("low", "high"))
    ax.hlines(heights, low, high, color=look.colour, linewidth=1.2)
    style = {
        "linestyle": "none",
        "marker": look.marker,
        "color": look.colour,
        "markersize": 5,
        "markerfacecolor": look.colour if side > 0 else "white",
    }
    return ax.plot(changes[f"{figure}_difference"], heights, **artist_kwargs(Line2D, style, kw))[0]


def _name(rows: pd.DataFrame) -> str:
    """Word a change: its day, each column with what ended and what began, and n on either side."""
    lines = [f"{rows['time'].iloc[0]:%Y-%m-%d}"]
    for column, events in rows.groupby("column", sort=False):
        ended, began = (
            ", ".join(clean(value, 20) for value in events["value"][events["event"] == event])
            for event in ("end", "begin")
        )
        lines += wrap(f"{clean(column, 24).removeprefix('meta.')}: {_worded(ended, began)}", 15)
    return "\n".join([*lines[:5], f"n = {rows['before'].iloc[0]:,} | {rows['after'].iloc[0]:,}"])


def _worded(ended: str, began: str) -> str:
    if ended and began:
        return f"{ended} \N{RIGHTWARDS ARROW} {began}"
    return f"{ended} ends" if ended else f"{began} begins"
