"""The distribution of the panels' margins."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from ..stats import Margin
from ..stats.engine.input import By, Source
from .drawing.ridges import MOST, Column, ridges
from .drawing.style import check_grouping, empty, heading, prepare_axes
from .drawing.text import format_n, format_repeated

SUBJECT = "Margin of the vote"


def margin(data: Source | Margin, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw how split the panels were, a row a group: the margin's distribution, its mean and 95% interval.

    Parameters
    ----------
    data
        A history, a ``votes`` frame (then without ``by``), or a :class:`~mastermind_lab.stats.Margin`.
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
    >>> ax = lab.charts.margin(lab.sample())
    >>> ax.get_title(loc="left").startswith("Margin of the vote")
    True
    """
    summary = check_grouping(data if isinstance(data, Margin) else Margin.of(data, by=by), by)
    shown = summary.lump(MOST)
    table = shown.table()
    notes = format_n(table["n"].sum(), "decisions", without_votes=table["without_votes"].sum())
    notes += format_repeated(summary.repeated)
    ax = prepare_axes(ax, "margin (0 tie, 1 unanimous)", rows=len(table))
    ax.set_xlim(0, 1)
    if not table["n"].any():
        return empty(ax, SUBJECT, summary.by, notes)
    ridges(
        ax,
        shown.histogram(),
        table,
        Column("unanimous", [f"{share:.0%}" for share in table["unanimous"]]),
        **kw,
    )
    heading(ax, SUBJECT, summary.by, [*notes, "dot: mean, 95% interval"])
    return ax
