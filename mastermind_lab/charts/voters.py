"""How good, and how sure, each voter is."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats import Voters
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.dots import MOST, RING, dots, from_zero, legend_labels, limits, n_of_rows, ranked, without_dot
from .drawing.earlier import earlier_of, rows_behind
from .drawing.ink import STRONG, shade
from .drawing.picture import Picture, inches_of, rows_that_fit, series_that_fit
from .drawing.style import SERIES
from .drawing.text import format_n, format_voters


class _Figures(NamedTuple):
    """What is drawn of each voter: a dot and maybe a ring, and the column that counts what the dot is of."""

    dot: str
    ring: str
    n: str
    what: str
    xlabel: str
    without: str
    """What has no dot."""
    names: tuple[str, ...]
    """Of the dot, and of the ring."""


RIGHT = _Figures(
    "accuracy", "sure", "n_with_outcome", "votes with outcome", "share right, mean confidence (0-1)",
    "without_outcome", ("share right", "mean confidence"),
)  # fmt: skip
RIGHT_IN_PART = RIGHT._replace(
    xlabel="share right, plus over-confidence (0-1)", names=("share right", "plus over-confidence")
)
RIGHT_ALONE = RIGHT._replace(ring="", xlabel="share right (0-1)", names=("share right",))
AGAINST = _Figures(
    "dissent", "pivotal", "n_with_winner", "votes with a winner", "share of votes (0-1)",
    "in_ties", ("against the winner", "pivotal"),
)  # fmt: skip


@chart(Voters, "A history, its ``votes`` frame (then without ``by``)", most=SERIES)
def voters(
    data: Source | Voters,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    before: Source | Voters | None = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """How often each voter is right, with its 95% interval, and as a ring how sure it is.

    A ring lies to the right of the dot by the over-confidence of the voter's judged votes: it is their mean
    confidence where each has one, and not there where none has. Where no outcomes were joined, the dot is the
    share of votes against the winner, ties left out, and the ring the share of pivotal votes. Above 20 voters
    those with the fewest votes are drawn as one. Voters stand in the order of the lower ends: the highest dot
    may be one of few votes.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.voters(lab.sample()).get_xlabel()
    'share of votes (0-1)'
    """
    summary = summary_of(Voters, data, by, cluster, voter)
    groups = len(summary.sums.keys[list(summary.by)].drop_duplicates())
    lanes = series_that_fit(ax, min(groups, SERIES)) if summary.by else 1
    table = summary.lump(max(lanes, 2), rows_that_fit(ax, MOST, lanes=lanes, series=lanes - 1)).table()
    drawn = _drawn(table)
    (voted, judged), there = table[["n", drawn.n]].sum(), table["voter"].nunique()
    table = table.assign(sure=table["accuracy"] + table["overconfidence"])  # of the same votes
    table = ranked(
        table[table[drawn.n] > 0], "voter", "group", drawn.dot, summary.sums.keys["voter"].nunique()
    )
    rows = table.drop_duplicates("voter")
    notes = format_n(judged, drawn.what if voted else "votes", **{drawn.without: voted - judged})
    notes += format_voters(summary.voter, summary.repeated)
    picture = Picture(ax, "Voters", summary, notes, drawn.xlabel, inches=inches_of(len(rows), lanes=lanes))
    if table.empty:
        return picture.empty()
    beside = None if summary.by else n_of_rows(rows[drawn.n])
    earlier = earlier_of(Voters, before, summary)
    behind = rows_behind(picture, earlier, table, ["group", "voter"], drawn.dot, drawn.n)
    handles = dots(picture, table, "voter", "group", drawn.dot, kw, drawn.ring, beside, behind)
    picture.legend(handles, legend_labels(table, "group", drawn.n) if summary.by else [drawn.names[0]])
    names = (lanes if summary.by else 1) + 1
    if drawn.ring and series_that_fit(ax, names) == names:
        picture.legend(
            [Line2D([], [], marker="o", color=shade(picture.ax, STRONG), **RING)], [drawn.names[1]]
        )
    silent = "who has no such vote is not drawn" if len(rows) < there else ""
    gaps = without_dot(table, "voter", "group", drawn.dot, "no such vote")
    marks = "; ".join(f"{mark}: {name}" for mark, name in zip(("dot", "ring"), drawn.names, strict=False))
    picture.heading(marks, _about_rings(drawn, table), gaps, silent, methods=table[f"{drawn.dot}_method"])
    low, high = limits(table, drawn.dot, *filter(None, [drawn.ring]), behind=behind)
    least, most = from_zero(min(high, 1.02))
    if drawn is not RIGHT_IN_PART:  # where a ring may lie beyond all shares
        low, high = least if drawn is AGAINST else max(low, least), most
    picture.ax.set_xlim(low, high)
    return picture.ax


def _drawn(table: pd.DataFrame) -> _Figures:
    """Choose what to draw: who is right, and how sure of it as far as that is said, or who is against."""
    judged, sure = table["n_with_outcome"].sum(), table["n_with_both"].sum()
    if not judged:
        return AGAINST
    return RIGHT if sure == judged else RIGHT_IN_PART if sure else RIGHT_ALONE


def _about_rings(drawn: _Figures, table: pd.DataFrame) -> str:
    """Say what rings are of, where that is not what the dots are of."""
    if drawn is RIGHT_IN_PART:
        return f"over-confidence is that of {table['n_with_both'].sum():,} with a confidence"
    all_votes = drawn is AGAINST and (table["n_with_winner"] < table["n"]).any()
    return "a ring is of all votes, ties too" if all_votes else ""
