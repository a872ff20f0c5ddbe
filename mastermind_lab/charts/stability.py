"""The same question asked again."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..stats.engine.input import By, Source
from ..stats.stability import Stability
from .drawing.dots import IntervalColumns, lane
from .drawing.style import SERIES, check_grouping, empty, heading, label_rows, legend, prepare_axes
from .drawing.text import format_n

SUBJECT = "Stability"
MOST = 12
"""Groups that stay readable in one chart."""

_FIGURES = {"flip": "flip rate of two askings", "unstable": "ever flipped", "spread": "sd of confidence"}


def stability(data: Source | Stability, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw flip rate, share ever flipped and spread of confidence with 95% intervals, a row a group.

    Parameters
    ----------
    data
        A history, its ``decisions`` frame, or a :class:`~mastermind_lab.stats.Stability`.
    by
        Column or columns to group by; above 12 groups the smallest are drawn as one, in which askings of
        different groups are compared.
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
    >>> from mastermind_lab.charts.stability import stability
    >>> stability(lab.sample(), by="meta.model").get_xlabel()
    'rate, or standard deviation (0-1)'
    """
    summary = check_grouping(data if isinstance(data, Stability) else Stability.of(data, by=by), by)
    table = summary.lump(MOST).table()
    ax = prepare_axes(ax, "rate, or standard deviation (0-1)", rows=2 + 2 * len(table))
    ax.set_xlim(0, 1)
    again = table["again"].sum()
    once = table["questions"].sum() - again
    notes = format_n(
        again, "questions asked again", asked_once=once, decisions_without_either=table["missing"].sum()
    )
    if not again:
        return empty(ax, SUBJECT, summary.by, notes)
    rows = -np.arange(len(table), dtype=np.float64)
    handles = [
        lane(ax, table, away + rows, IntervalColumns(name, f"{name}_low", f"{name}_high"), look, kw)
        for name, away, look in zip(_FIGURES, (0.2, 0, -0.2), SERIES, strict=False)
    ]
    label_rows(ax, list(table["group"]), [f"n = {n:,}" for n in table["again"]])
    above = legend(ax, handles, list(_FIGURES.values()))
    sampled = ["sample of the questions"] if table["sampled"].any() else []
    heading(ax, SUBJECT, summary.by, [*notes, *sampled, "line: 95% interval"], above)
    ax.set_ylim(-len(table) + 0.4, 0.6)
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    return ax
