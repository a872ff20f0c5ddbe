"""The share of each choice."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats import Votes
from ..stats.bootstrap import Floats
from ..stats.input import By, Source
from .style import PLAIN, SERIES, Series, again, agreed, clean, empty, heading, legend, looks, place, said

SUBJECT = "Votes"
RING: dict[str, Any] = {"linestyle": "none", "markerfacecolor": "none", "markersize": 7}


def votes(data: Source | Votes, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw each choice's share of the votes as a dot with its 95% interval, the most voted on top.

    Where weights change the shares, the weighted share is a hollow dot beside it.

    Parameters
    ----------
    data
        A history, its ``votes`` frame, or a :class:`~mastermind_lab.stats.Votes`.
    by
        Column or columns of ``votes`` or ``decisions`` to group by; above 6 groups the smallest are drawn as
        one, as are the rarest above 12 choices.
    ax
        Where to draw; a new figure by default.
    **kw
        For the dots, :class:`matplotlib.lines.Line2D`.

    Raises
    ------
    OptionError
        If a column is unknown, or a summary was counted by another.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> ax = lab.charts.votes(lab.sample(), by="meta.model")
    >>> ax.get_xlabel()
    'share of votes (0-1)'
    """
    summary = agreed(data if isinstance(data, Votes) else Votes.of(data, by=by), by)
    table = summary.fold(len(SERIES)).table()
    ax = place(ax, "share of votes (0-1)", rows=table["choice"].nunique())
    notes = said(table["n"].sum(), "votes") + again(summary.repeated)
    if table.empty:
        return empty(ax, SUBJECT, summary.by, notes)
    handles, labels = _draw(ax, table, "" if summary.by else "unweighted", kw)
    above = legend(ax, handles, labels) if len(labels) > 1 else 0
    heading(ax, SUBJECT, summary.by, [*notes, "line: 95% interval"], above)
    choices = table["choice"].cat.categories
    lines = 2 if len(choices) <= 6 else 1  # more would meet the next row's
    names = [fill(clean(choice, 14 * lines + 4), 18) for choice in choices]
    ax.set_yticks(-np.arange(len(names)), names, **PLAIN)
    reach = 1.08 * float(np.nanmax(table[["share", "high", "weighted_share"]].to_numpy()))
    ax.set(xlim=(0, min(1.02, reach)), ylim=(-len(names) + 0.4, 0.6))
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    return ax


def _draw(ax: Axes, table: pd.DataFrame, name: str, kw: dict[str, Any]) -> tuple[list[Line2D], list[str]]:
    """Draw each group in a lane of its own, and return what a legend needs."""
    handles, labels = [], []
    weighted = not np.allclose(table["share"], table["weighted_share"], atol=5e-4, equal_nan=True)
    groups = list(table["group"].cat.categories)
    for group, lane, look in zip(groups, _lanes(len(groups)), SERIES, strict=False):
        rows = table[table["group"] == group]
        heights = lane - rows["choice"].cat.codes.to_numpy()
        handles.append(_dots(ax, rows, heights, look, kw))
        labels.append(f"{name or clean(group, 24)} (n = {rows['n'].sum():,})")
        if weighted:
            ax.plot(rows["weighted_share"], heights, marker=look.marker, color=look.colour, **RING)
    if weighted:
        handles.append(Line2D([], [], marker="o", color="0.4", **RING))
        labels.append("weighted")
    return handles, labels


def _dots(ax: Axes, rows: pd.DataFrame, heights: Floats, look: Series, kw: dict[str, Any]) -> Line2D:
    ax.hlines(heights, rows["low"], rows["high"], color=look.colour, linewidth=1.2)
    style = {"linestyle": "none", "marker": look.marker, "color": look.colour, "markersize": 3.5}
    return ax.plot(rows["share"], heights, **looks(Line2D, style, kw))[0]


def _lanes(groups: int) -> Floats:
    """Heights beside a choice's own, from top to bottom."""
    reach = 0.38 * (1 - 1 / groups)
    return np.linspace(reach, -reach, groups)
