"""Whether panels agree more than they should."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..stats.conformity import Conformity
from ..stats.engine.input import By, Source
from .drawing.dots import IntervalColumns, lane
from .drawing.style import (
    SERIES,
    annotate_rows,
    check_grouping,
    empty,
    heading,
    label_rows,
    legend,
    prepare_axes,
)
from .drawing.text import format_n, format_repeated

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
    summary = check_grouping(data if isinstance(data, Conformity) else Conformity.of(data, by=by), by)
    table = summary.lump(MOST).table()
    ax = prepare_axes(ax, "share of decisions (0-1)", rows=2 + 2 * len(table))
    ax.set_xlim(-0.02, 1.02)
    notes = format_n(table["n"].sum(), "decisions", with_fewer_than_2_votes=table["too_small"].sum())
    notes += format_repeated(summary.repeated)
    if not table["n"].any():
        return empty(ax, SUBJECT, summary.by, notes)
    rows = -np.arange(len(table), dtype=np.float64)
    handles = [
        lane(ax, table, away + rows, IntervalColumns(name, f"{name}_low", f"{name}_high"), look, kw)
        for name, away, look in zip(_FIGURES, (0.2, 0, -0.2), SERIES, strict=False)
    ]
    label_rows(ax, list(table["group"]), [f"n = {n:,}" for n in table["n"]])
    above = legend(ax, handles, list(_FIGURES.values()))
    debated = bool(table["debated"].any())
    key = ["line: 95% interval", *(["growth: of confidence in a debate"] if debated else [])]
    heading(ax, SUBJECT, summary.by, notes + key, above)
    ax.set_ylim(-len(table) + 0.4, 1.2 if debated else 0.6)
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    if debated:
        growth = ["" if np.isnan(growth) else f"{growth:+.3f}" for growth in table["inflation"]]
        annotate_rows(ax, "growth", growth, 36)
    return ax
