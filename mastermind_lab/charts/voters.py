"""How good, and how sure, each voter is."""

from __future__ import annotations

from typing import Any, NamedTuple

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
    """What is drawn of each voter: a dot and maybe a ring, and the column that counts what they stand on."""

    dot: str
    ring: str
    n: str
    what: str
    xlabel: str


RIGHT = _Figures(
    "accuracy", "confidence", "n_with_outcome", "votes with outcome", "share right, mean confidence (0-1)"
)
RIGHT_ALONE = _Figures("accuracy", "", "n_with_outcome", "votes with outcome", "share right (0-1)")
_NAMES = {
    "accuracy": "share right",
    "confidence": "mean confidence",
    "dissent": "against the winner",
    "pivotal": "pivotal",
}
AGAINST = _Figures("dissent", "pivotal", "n", "votes", "share of votes (0-1)")


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

    A ring to the right of the dot is over-confidence; where no vote has a confidence there is none. Where no
    outcomes were joined, the dot is the share of votes against the winner, and the ring the share of pivotal
    votes. Above 20 voters those with the fewest votes are drawn as one. Voters stand in the order of the
    lower ends: the highest dot may be one of few votes.

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
    right = RIGHT if table["confidence"].notna().any() else RIGHT_ALONE
    drawn = right if table["n_with_outcome"].any() else AGAINST
    table = ranked(
        table[table[drawn.n] > 0], "voter", "group", drawn.dot, summary.sums.keys["voter"].nunique()
    )
    rows = table.drop_duplicates("voter")
    notes = format_n(table[drawn.n].sum(), drawn.what) + format_voters(summary.voter, summary.repeated)
    picture = Picture(ax, "Voters", summary, notes, drawn.xlabel, inches=inches_of(len(rows), lanes=lanes))
    if table.empty:
        return picture.empty()
    beside = None if summary.by else n_of_rows(rows[drawn.n])
    behind = rows_behind(picture, earlier_of(Voters, before, summary), table, ["group", "voter"], drawn.dot)
    handles = dots(picture.ax, table, "voter", "group", drawn.dot, kw, drawn.ring, beside, behind)
    picture.legend(handles, legend_labels(table, "group", drawn.n) if summary.by else [_NAMES[drawn.dot]])
    names = (lanes if summary.by else 1) + 1
    if drawn.ring and series_that_fit(ax, names) == names:
        picture.legend(
            [Line2D([], [], marker="o", color=shade(picture.ax, STRONG), **RING)], [_NAMES[drawn.ring]]
        )
    ring = f"; ring: {_NAMES[drawn.ring]}" if drawn.ring else ""
    gaps = without_dot(table, "voter", "group", drawn.dot, "no such vote")
    known = f"dot: {_NAMES[drawn.dot]}{ring}"
    picture.heading(known, gaps, methods=table[f"{drawn.dot}_method"])
    low, high = limits(table, drawn.dot, *filter(None, [drawn.ring]), behind=behind)
    least, most = from_zero(min(high, 1.02))
    picture.ax.set_xlim(least if drawn is AGAINST else max(low, least), most)
    return picture.ax
