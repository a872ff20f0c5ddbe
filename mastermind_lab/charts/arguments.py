"""How the panels argue: which side is the stronger."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from ..stats.arguments import Arguments
from ..stats.engine.input import By, Source
from .drawing.ridges import MOST, Column, ridges
from .drawing.style import check_grouping, empty, heading, prepare_axes
from .drawing.text import format_n

SUBJECT = "Arguments"


def arguments(data: Source | Arguments, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw the balance of the argument trees, a row a group: its distribution, its mean and 95% interval.

    At the right stands the mean number of claims in a tree.

    Parameters
    ----------
    data
        A history, an ``arguments`` frame (then without ``by``), or a
        :class:`~mastermind_lab.stats.Arguments`.
    by
        Column or columns of ``decisions`` to group by; above 12 groups the smallest are drawn as one.
    ax
        Where to draw; a new figure by default.
    **kw
        For the outlines, :class:`matplotlib.patches.StepPatch`.

    Raises
    ------
    OptionError
        If a column is unknown, or a summary was counted by another.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.charts.arguments import arguments
    >>> arguments(lab.sample()).get_xlabel()
    'balance (0 all con, 1 all pro)'
    """
    summary = check_grouping(data if isinstance(data, Arguments) else Arguments.of(data, by=by), by)
    shown = summary.lump(MOST)
    table = shown.table()
    argued, balanced = table["argued"].sum(), table["balanced"].sum()
    notes = format_n(
        balanced,
        "decisions",
        without_arguments=table["n"].sum() - argued,
        without_strengths=argued - balanced,
    )
    ax = prepare_axes(ax, "balance (0 all con, 1 all pro)", rows=len(table))
    ax.set_xlim(0, 1)
    if not balanced:
        return empty(ax, SUBJECT, summary.by, notes)
    means = {"balanced": "n", "balance": "mean", "balance_low": "mean_low", "balance_high": "mean_high"}
    rows = table.drop(columns="n").rename(columns=means)
    ridges(ax, shown.histogram(), rows, Column("claims", [f"{nodes:.1f}" for nodes in table["nodes"]]), **kw)
    heading(ax, SUBJECT, summary.by, [*notes, "dot: mean, 95% interval"])
    return ax
