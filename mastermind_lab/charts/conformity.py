"""Whether panels agree more than they should."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..stats import Conformity
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.dots import dots_of_figures, methods_of
from .drawing.picture import Column, Picture, inches_of, rows_that_fit
from .drawing.text import format_n, format_voters

MOST = 12
"""Groups that stay readable in one chart."""

_FIGURES = {"unanimous": "unanimous", "expected": "if independent", "hollow": "hollow consensus"}


@chart(Conformity, "A history", most=MOST)
def conformity(
    data: Source | Conformity,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """Whether panels agree more than independent voters would, and how often consensus is hollow.

    A row a group, with 95% intervals. At the right stands the mean growth of confidence from the first round
    of the debate to the last.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.conformity(lab.sample(), by="meta.category").get_xlabel()
    'share of decisions (0-1)'
    """
    summary = summary_of(Conformity, data, by, cluster, voter)
    table = summary.lump(rows_that_fit(ax, MOST, lines=2, lanes=3, series=3)).table()
    notes = format_n(table["n"].sum(), "decisions", with_fewer_than_2_votes=table["too_small"].sum())
    notes += format_voters(summary.voter, summary.repeated)
    xlabel = "share of decisions (0-1)"
    picture = Picture(ax, "Conformity", summary, notes, xlabel, inches=inches_of(len(table), lines=3))
    picture.ax.set_xlim(-0.02, 1.02)
    if not table["n"].any():
        return picture.empty()
    growth = ["" if np.isnan(growth) else f"{growth:+.3f}" for growth in table["inflation"]]
    beside = Column("growth", growth) if table["debated"].any() else None
    figures = {name: called for name, called in _FIGURES.items() if table[name].notna().any()}
    dots_of_figures(picture, table, figures, "n", kw, beside)
    growing = "growth: of confidence in a debate" if beside else ""
    told = "" if "hollow" in figures else "hollow consensus not known: citations or arguments not counted"
    if not told and table["n_told"].sum() < table["n"].sum():
        told = f"hollow: of the {table['n_told'].sum():,} whose citations and arguments were counted"
    return picture.heading(growing, told, methods=methods_of(table, figures))
