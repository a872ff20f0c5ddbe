"""How the panels argue: which side is the stronger."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from ..stats import Arguments
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.picture import Column, Picture, inches_of, rows_that_fit
from .drawing.ridges import MOST, ridges
from .drawing.text import format_n


@chart(
    Arguments, "A history, its ``arguments`` frame (then without ``by``)", {"outlines": StepPatch}, most=MOST
)
def arguments(
    data: Source | Arguments, *, by: By = None, cluster: By = None, ax: Axes | None = None, **kw: Any
) -> Axes:
    """Which side argues the stronger: the balance of the argument trees, its mean and 95% interval.

    A row a group. At the right stands the mean number of claims in a tree.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.arguments(lab.sample()).get_xlabel()
    'balance (0 all con, 1 all pro)'
    """
    summary = summary_of(Arguments, data, by, cluster)
    shown = summary.lump(rows_that_fit(ax, MOST, lines=2))
    table = shown.table()
    n, argued, balanced = table[["n", "argued", "balanced"]].sum()
    notes = format_n(balanced, "decisions", without_arguments=n - argued, without_strengths=argued - balanced)
    xlabel = "balance (0 all con, 1 all pro)"
    picture = Picture(ax, "Arguments", summary, notes, xlabel, inches=inches_of(len(table), lines=2))
    means = {
        "balanced": "n",
        "balance": "mean",
        "balance_low": "mean_low",
        "balance_high": "mean_high",
        "balance_method": "mean_method",
    }
    claims = Column("claims", [f"{nodes:.1f}" for nodes in table["nodes"]])
    return ridges(picture, shown.histogram(), table.drop(columns="n").rename(columns=means), claims, kw)
