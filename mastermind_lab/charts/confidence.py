"""The distribution of confidence."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from ..stats import Confidence
from ..stats.engine.input import By, Source
from .drawing.ridges import MOST, Column, ridges
from .drawing.style import check_grouping, empty, heading, prepare_axes
from .drawing.text import format_n

SUBJECT = "Confidence"


def confidence(data: Source | Confidence, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw the distribution of the decisions' confidence, a row a group, with means and 95% intervals.

    Parameters
    ----------
    data
        A history, its ``decisions`` frame, or a :class:`~mastermind_lab.stats.Confidence`.
    by
        Column or columns to group by; above 12 groups the smallest are drawn as one.
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
    >>> ax = lab.charts.confidence(lab.sample(), by="meta.model")
    >>> ax.get_xlabel().startswith("confidence (0-1)")
    True
    """
    summary = check_grouping(data if isinstance(data, Confidence) else Confidence.of(data, by=by), by)
    shown = summary.lump(MOST)
    table = shown.table()
    notes = format_n(table["n"].sum(), "decisions", without_confidence=table["missing"].sum())
    ax = prepare_axes(ax, "confidence (0-1)", rows=len(table))
    ax.set_xlim(0, 1)
    if not table["n"].any():
        return empty(ax, SUBJECT, summary.by, notes)
    ridges(ax, shown.histogram(), table, Column("mean", [f"{mean:.2f}" for mean in table["mean"]]), **kw)
    heading(ax, SUBJECT, summary.by, [*notes, "dot: mean, 95% interval"])
    return ax
