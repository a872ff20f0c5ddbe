"""How good, and how sure, each voter is."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from ..stats.engine.input import By, Source
from ..stats.voters import Voters
from .drawing.dots import MOST, IntervalColumns, counted, dots, ranked, reach, write_n
from .drawing.style import SERIES, check_grouping, empty, heading, label_rows, legend, prepare_axes
from .drawing.text import format_n, format_repeated

SUBJECT = "Voters"
RIGHT = IntervalColumns("accuracy", "accuracy_low", "accuracy_high", ring="confidence")
AGAINST = IntervalColumns("dissent", "dissent_low", "dissent_high", ring="pivotal")


def voters(data: Source | Voters, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw how often each voter is right, with its 95% interval, and as a ring how sure it is.

    A ring to the right of the dot is over-confidence. Where no outcomes were joined, the dot is the share of
    votes against the winner, and the ring the share of pivotal votes.

    Parameters
    ----------
    data
        A history, its ``votes`` frame (then without ``by``), or a
        :class:`~mastermind_lab.stats.voters.Voters`.
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
    >>> from mastermind_lab.charts.voters import voters
    >>> voters(lab.sample()).get_xlabel()
    'share of votes (0-1)'
    """
    summary = check_grouping(data if isinstance(data, Voters) else Voters.of(data, by=by), by)
    whole = summary.lump(len(SERIES), MOST).table()
    known = bool(whole["known"].any())
    n, figure = ("known", RIGHT) if known else ("n", AGAINST)
    table = ranked(whole[whole[n] > 0], "voter", "group", figure)
    ax = prepare_axes(
        ax,
        "share right, mean confidence (0-1)" if known else "share of votes (0-1)",
        rows=table["voter"].nunique(),
    )
    notes = format_n(table[n].sum(), "votes with outcome" if known else "votes")
    if table.empty:
        return empty(ax, SUBJECT, summary.by, notes)
    notes += format_repeated(summary.repeated)
    handles = dots(ax, table, "voter", "group", figure, kw)
    rows = table.drop_duplicates("voter")
    label_rows(ax, list(rows["voter"]))
    if not summary.by:
        write_n(ax, rows[n])
    above = legend(ax, handles, counted(table, "group", n)) if summary.by else 0
    key = (
        "dot: accuracy, 95% interval; ring: confidence"
        if known
        else "dot: dissent, 95% interval; ring: pivotal"
    )
    heading(ax, SUBJECT, summary.by, [*notes, key], above)
    left, right = reach(table, figure)
    ax.set_xlim(max(left, -0.02) if known else 0, min(right, 1.02))
    return ax
