"""The share of each choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats import Votes
from ..stats.engine.bootstrap import Floats
from ..stats.engine.input import By, Source
from .drawing.dots import IntervalColumns, lane
from .drawing.style import SERIES, check_grouping, empty, heading, label_rows, legend, prepare_axes
from .drawing.text import clean, format_n, format_repeated

SUBJECT = "Votes"
SHARE = IntervalColumns("share", "share_low", "share_high")
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
    summary = check_grouping(data if isinstance(data, Votes) else Votes.of(data, by=by), by)
    table = summary.lump(len(SERIES)).table()
    ax = prepare_axes(ax, "share of votes (0-1)", rows=table["choice"].nunique())
    notes = format_n(table["n"].sum(), "votes") + format_repeated(summary.repeated)
    if table.empty:
        return empty(ax, SUBJECT, summary.by, notes)
    handles, labels = _draw(ax, table, "" if summary.by else "unweighted", kw)
    choices = list(table["choice"].cat.categories)
    label_rows(ax, choices)
    above = legend(ax, handles, labels) if len(labels) > 1 else 0
    heading(ax, SUBJECT, summary.by, [*notes, "line: 95% interval"], above)
    reach = 1.08 * float(np.nanmax(table[["share", "share_high", "weighted_share"]].to_numpy()))
    ax.set(xlim=(0, min(1.02, reach)), ylim=(-len(choices) + 0.4, 0.6))
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    return ax


def _draw(ax: Axes, table: pd.DataFrame, name: str, kw: dict[str, Any]) -> tuple[list[Line2D], list[str]]:
    """Draw each group in a lane of its own, and return what a legend needs."""
    handles, labels = [], []
    weighted = not np.allclose(table["share"], table["weighted_share"], atol=5e-4, equal_nan=True)
    groups = list(table["group"].cat.categories)
    for group, away, look in zip(groups, _lanes(len(groups)), SERIES, strict=False):
        rows = table[table["group"] == group]
        heights = away - rows["choice"].cat.codes.to_numpy()
        handles.append(lane(ax, rows, heights, SHARE, look, kw))
        labels.append(f"{name or clean(group, 24)} (n = {rows['n'].sum():,})")
        if weighted:
            ax.plot(rows["weighted_share"], heights, marker=look.marker, color=look.colour, **RING)
    if weighted:
        handles.append(Line2D([], [], marker="o", color="0.4", **RING))
        labels.append("weighted")
    return handles, labels


def _lanes(groups: int) -> Floats:
    """Heights beside a choice's own, from top to bottom."""
    reach = 0.38 * (1 - 1 / groups)
    return np.linspace(reach, -reach, groups)
