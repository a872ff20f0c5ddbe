"""What changed along the stream, and what confidence and margin did then."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..errors import OptionError
from ..stats import Regimes
from ..stats.engine.input import By, Source, names_of
from .drawing.chart import chart, check_clusters
from .drawing.ink import MUTED, paper, shade
from .drawing.picture import Picture, grouped_by
from .drawing.style import Style, artist_kwargs, styles_on
from .drawing.text import PLAIN, clean, format_n, names_apart

MOST = 12
"""Changes that stay readable in one chart."""


@chart(
    Regimes,
    "A history, its ``decisions`` frame",
    watch='Column or columns in which to look for changes, and ``"fields"``: see '
    ":class:`~mastermind_lab.stats.Regimes`. Above 12 changes the latest are drawn.",
)
def regimes(
    data: Source | Regimes, *, watch: By = None, cluster: By = None, ax: Axes | None = None, **kw: Any
) -> Axes:
    """What each change along the stream did to mean confidence and margin, the earliest change on top.

    A row says when a value began or ended, which, and how many decisions stand before and after it. Lines are
    95% intervals.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> ax = lab.charts.regimes(lab.sample(), watch="meta.model")
    >>> ax.get_xlabel()
    'mean after - before (-1 to 1)'
    """
    summary = _summary(data, watch, cluster)
    table = summary.table()
    found = table["change"].nunique()
    table = table[table["change"] > found - MOST]
    changes = table.drop_duplicates("change")
    left_out = {"without_a_time": summary.undated, "earlier_changes": found - len(changes)}
    notes = format_n(summary.n, "decisions", **left_out)
    xlabel = "mean after - before (-1 to 1)"
    subject = f"Regimes{grouped_by(summary.watch)}"
    picture = Picture(ax, subject, summary, notes, xlabel, rows=2 * len(changes))
    if changes.empty:
        return picture.empty("no change found") if summary.n else picture.empty()
    names = [_name(rows) for _, rows in table.groupby("change")]
    ax = picture.ax
    upper, lower, *_ = styles_on(ax)
    handles = [
        _effects(ax, changes, "confidence", upper, 0.12, kw),
        _effects(ax, changes, "margin", lower, -0.12, kw),
    ]
    ax.set_yticks(-np.arange(len(names)), names, **PLAIN)
    picture.legend(handles, ["confidence", "margin of the vote"])
    picture.heading("mean, 95% interval", methods=changes["confidence_difference_method"])
    ax.locator_params(axis="x", nbins=5)
    ax.axvline(0, color=shade(ax, MUTED), linewidth=0.8, zorder=0)
    ax.set_ylim(-len(names) + 0.4, 0.6)
    ax.margins(x=0.1)
    return ax


def _summary(data: Source | Regimes, watch: By, cluster: By) -> Regimes:
    if not isinstance(data, Regimes):
        return Regimes.of(data, watch=watch, cluster=cluster)
    check_clusters(data, cluster)
    if watch is not None and names_of(watch) != data.watch:
        raise OptionError(f"this summary watches {', '.join(data.watch) or 'all of meta'}: count it again")
    return data


def _effects(
    ax: Axes, changes: pd.DataFrame, figure: str, style: Style, offset: float, kw: dict[str, Any]
) -> Line2D:
    """Draw one figure's differences, a little above or below the middle of their rows."""
    heights = offset - np.arange(len(changes))
    low, high = (changes[f"{figure}_difference_{end}"] for end in ("low", "high"))
    ax.hlines(heights, low, high, color=style.colour, linewidth=1.2)
    face = style.colour if offset > 0 else paper(ax)
    defaults = style.as_dots(markersize=5, markerfacecolor=face)
    return ax.plot(changes[f"{figure}_difference"], heights, **artist_kwargs(Line2D, defaults, kw))[0]


def _name(rows: pd.DataFrame) -> str:
    """Name a change: its day, each column with what ended and what began, and n on either side."""
    lines = [f"{rows['time'].iloc[0]:%Y-%m-%d}"]
    for column, events in rows.groupby("column", sort=False):
        values = events.assign(value=names_apart(events["value"], 14)).groupby("event")["value"]
        named = values.agg(", ".join)
        ended, began = (named.get(event, "") for event in ("end", "begin"))
        lines += wrap(f"{clean(column, 24).removeprefix('meta.')}: {_transition(ended, began)}", 15)
    return "\n".join([*lines[:5], f"n = {rows['before'].iloc[0]:,} | {rows['after'].iloc[0]:,}"])


def _transition(ended: str, began: str) -> str:
    if ended and began:
        return f"{ended} \N{RIGHTWARDS ARROW} {began}"
    return f"{ended} ends" if ended else f"{began} begins"
