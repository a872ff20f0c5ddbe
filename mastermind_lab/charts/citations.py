"""The most used sources."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats.citations import Citations
from ..stats.engine.input import By, Source
from ..text import both_ends
from .drawing.dots import IntervalColumns, lane
from .drawing.style import SERIES, check_grouping, empty, heading, legend, prepare_axes
from .drawing.text import PLAIN, clean, format_interval, format_n

SUBJECT = "Citations"
SHARE = IntervalColumns("share", "share_low", "share_high")
MOST = 8
"""Sources that stay readable in one chart."""


def citations(data: Source | Citations, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw the share of decisions that cite each source, with its 95% interval, the most used on top.

    Parameters
    ----------
    data
        A history, its ``citations`` frame (then without ``by``), or a
        :class:`~mastermind_lab.stats.Citations`.
    by
        Column or columns of ``decisions`` to group by; above 6 groups the smallest are drawn as one. Sources
        beyond the 8 most used are not drawn, but counted in the heading.
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
    >>> from mastermind_lab.charts.citations import citations
    >>> citations(lab.sample()).get_xlabel()
    'share of decisions with sources (0-1)'
    """
    summary = check_grouping(data if isinstance(data, Citations) else Citations.of(data, by=by), by)
    shown = summary.lump(len(SERIES))
    table, used = shown.table(), shown.sources(MOST)
    names = list(used["source"].unique())
    ax = prepare_axes(
        ax, "share of decisions with sources (0-1)", rows=1 + len(names) * (2 + len(table)) // 4
    )
    cited = table["cited"].sum()
    notes = format_n(cited, "decisions", without_sources=table["n"].sum() - cited)
    if used.empty:
        return empty(ax, SUBJECT, summary.by, notes)
    handles, labels = _draw(ax, used, names, table.set_index("group")["cited"], kw)
    above = legend(ax, handles, labels) if summary.by else 0
    heading(ax, SUBJECT, summary.by, [*notes, *_figures(table), "line: 95% interval"], above)
    ax.set_yticks([])
    for row, name in enumerate(names):
        # Inside the axes: an address is too long to stand beside them in a column.
        ax.annotate(
            _name(name),
            (0, 0.26 - row),
            (3, 0),
            xycoords=ax.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            fontsize="small",
            **PLAIN,
        )
    reach = 1.08 * float(np.nanmax(used[["share", "share_high"]].to_numpy()))
    ax.set(xlim=(0, min(1.02, reach)), ylim=(-len(names) + 0.4, 0.6))
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    return ax


def _draw(
    ax: Axes, used: pd.DataFrame, names: list[str], cited: pd.Series, kw: dict[str, Any]
) -> tuple[list[Line2D], list[str]]:
    """Draw each group in a lane of its own, and return what a legend needs."""
    handles, labels = [], []
    rank = used["source"].map({name: place for place, name in enumerate(names)}).to_numpy(dtype=np.float64)
    reach = 0.2 * (1 - 1 / len(cited))
    for group, away, look in zip(cited.index, np.linspace(reach, -reach, len(cited)), SERIES, strict=False):
        mine = (used["group"] == group).to_numpy()
        handles.append(lane(ax, used[mine], away - 0.16 - rank[mine], SHARE, look, kw))
        labels.append(f"{clean(group, 24)} (n = {cited[group]:,})")
    return handles, labels


def _figures(table: pd.DataFrame) -> list[str]:
    """Word the single figures, where there is one group."""
    if len(table) > 1:
        return []
    row = table.iloc[0]
    return [
        f"{row['sources']:,} sources",
        f"HHI {format_interval(row, 'hhi', '.3f')}",
        f"{format_interval(row, 'single', '.0%')} on one source",
        f"mean overlap {format_interval(row, 'overlap', '.2f')}",
    ]


def _name(source: str) -> str:
    """Shorten an address: without its scheme, its middle left out."""
    text = re.sub(r"^\w{1,10}://", "", source)
    return clean(both_ends(text, 40))
