"""Voters whose absence would have changed the decision."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from ..stats.engine.input import By, Source
from ..stats.pivotal import Pivotal
from .drawing.dots import MOST, IntervalColumns, counted, dots, ranked, reach, write_n
from .drawing.style import SERIES, check_grouping, empty, heading, label_rows, legend, prepare_axes
from .drawing.text import format_estimate, format_n, format_repeated

SUBJECT = "Pivotal votes"
FIGURE = IntervalColumns("pivotal", "pivotal_low", "pivotal_high")

DRAWN = ("plurality", "majority", "two-thirds")
"""The rules that are drawn beside each other; the table has more."""


def pivotal(data: Source | Pivotal, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw how often each voter's absence would have changed the decision, a dot and its 95% interval a rule.

    Without ``by`` the rules are plurality, majority and two-thirds; by group it is plurality alone. The
    heading says how many decisions hang on any single voter under plurality.

    Parameters
    ----------
    data
        A history, its ``votes`` frame (then without ``by``), or a
        :class:`~mastermind_lab.stats.pivotal.Pivotal`.
    by
        Column or columns of ``decisions`` to group by; above 6 groups the smallest are drawn as one, as are
        the voters with the fewest votes above 20.
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
    >>> from mastermind_lab.charts.pivotal import pivotal
    >>> pivotal(lab.sample()).get_xlabel()
    'share of decisions with their vote (0-1)'
    """
    summary = check_grouping(data if isinstance(data, Pivotal) else Pivotal.of(data, by=by), by)
    whole = summary.lump(len(SERIES), MOST).table()
    rules, series = (DRAWN[:1], "group") if summary.by else (DRAWN, "rule")
    table = ranked(whole[whole["rule"].isin(rules)], "voter", series, FIGURE)
    ax = prepare_axes(ax, "share of decisions with their vote (0-1)", rows=table["voter"].nunique())
    share = summary.share
    notes = format_n(share.n, "decisions")
    if table.empty:
        return empty(ax, SUBJECT, summary.by, notes)
    notes += format_repeated(summary.repeated)
    handles = dots(ax, table, "voter", series, FIGURE, kw)
    rows = table.drop_duplicates("voter")
    label_rows(ax, list(rows["voter"]))
    if not summary.by:
        write_n(ax, rows["n"])
    above = legend(ax, handles, counted(table, series, "n") if summary.by else list(DRAWN))
    hanging = f"{format_estimate(share, '.1%')} hang on one voter (plurality)"
    heading(ax, SUBJECT, summary.by, [*notes, hanging, "line: 95% interval"], above)
    ax.set_xlim(0, min(reach(table, FIGURE)[1], 1.02))
    return ax
