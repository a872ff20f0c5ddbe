"""Whether panels agree more than they should."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats.conformity import Conformity
from ..stats.input import By, Source
from .style import PLAIN, SERIES, Series, again, agreed, clean, empty, heading, legend, looks, place, said

SUBJECT = "Conformity"
MOST = 12
"""Groups that stay readable in one chart."""

_FIGURES = {"unanimous": "unanimous", "expected": "if independent", "hollow": "hollow consensus"}


def conformity(data: Source | Conformity, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw unanimity beside that of independent voters, and hollow consensus, with 95% intervals.

    At the right stands the mean growth of confidence from the first round of the debate to the last.

    Parameters
    ----------
    data
        A history, or a :class:`~mastermind_lab.stats.Conformity`, which has the options.
    by
        Column or columns of ``decisions`` to group by; above 12 groups the smallest are drawn as one.
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
    >>> from mastermind_lab.charts.conformity import conformity
    >>> conformity(lab.sample(), by="meta.category").get_xlabel()
    'share of decisions (0-1)'
    """
    summary = agreed(data if isinstance(data, Conformity) else Conformity.of(data, by=by), by)
    table = summary.fold(MOST).table()
    ax = place(ax, "share of decisions (0-1)", rows=2 * len(table))
    ax.set_xlim(-0.02, 1.02)
    notes = said(table["n"].sum(), "decisions", with_fewer_than_2_votes=table["too_small"].sum())
    notes += again(summary.repeated)
    if not table["n"].any():
        return empty(ax, SUBJECT, summary.by, notes)
    handles = [
        _dots(ax, table, name, lane, look, kw)
        for name, lane, look in zip(_FIGURES, (0.2, 0, -0.2), SERIES, strict=False)
    ]
    above = legend(ax, handles, list(_FIGURES.values()))
    heading(ax, SUBJECT, summary.by, [*notes, "line: 95% interval"], above)
    counts = zip(table["group"], table["n"], strict=True)
    names = [f"{fill(clean(group, 28), 15)}\nn = {n:,}" for group, n in counts]
    ax.set_yticks(-np.arange(len(names)), names, **PLAIN)
    ax.set_ylim(-len(names) + 0.4, 1.1)
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    if table["debated"].any():
        _growth(ax, table["inflation"])
    return ax


def _dots(ax: Axes, table: pd.DataFrame, name: str, lane: float, look: Series, kw: dict[str, Any]) -> Line2D:
    heights = lane - np.arange(len(table))
    ax.hlines(heights, table[f"{name}_low"], table[f"{name}_high"], color=look.colour, linewidth=1.2)
    style = {"linestyle": "none", "marker": look.marker, "color": look.colour, "markersize": 4}
    return ax.plot(table[name], heights, **looks(Line2D, style, kw))[0]


def _growth(ax: Axes, inflation: pd.Series) -> None:
    """Write the growth of confidence beside each row."""
    beside: dict[str, Any] = {"textcoords": "offset points", "fontsize": "small", "ha": "right"}
    across = ax.get_yaxis_transform()
    for row, growth in enumerate(inflation):
        figure = "" if np.isnan(growth) else f"{growth:+.3f}"
        ax.annotate(figure, (1, -row), (36, 0), xycoords=across, va="center", annotation_clip=False, **beside)
    ax.annotate("confidence\ngrew by", (1, 1), (36, 0), xycoords="axes fraction", va="top", **beside)
