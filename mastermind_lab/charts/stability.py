"""What happens when the same question is asked again."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from ..labels import counted
from ..stats import Stability
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.dots import dots_of_figures, methods_of
from .drawing.picture import Picture, inches_of, rows_that_fit
from .drawing.text import format_n

MOST = 12
"""Groups that stay readable in one chart."""

_FIGURES = {"flip": "flip rate of two askings", "unstable": "ever flipped", "spread": "sd of confidence"}


@chart(Stability, "A history, its ``decisions`` frame", most=MOST)
def stability(
    data: Source | Stability, *, by: By = None, cluster: By = None, ax: Axes | None = None, **kw: Any
) -> Axes:
    """Whether the same question gets the same answer again: flip rates, and the spread of confidence.

    A row a group, with 95% intervals. Askings of different groups are not compared, also where groups are
    drawn as one.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.stability(lab.sample(), by="meta.model").get_xlabel()
    'rate, or standard deviation (0-1)'
    """
    summary = summary_of(Stability, data, by, cluster)
    table = summary.lump(rows_that_fit(ax, MOST, lines=2, lanes=3, series=3)).table()
    asked_again, questions, missing = table[["again", "questions", "missing"]].sum()
    left_out = {"asked_once": questions - asked_again, "decisions_without_either": missing}
    said_nothing = int((table["again"] == 0).sum())
    table = table[table["again"] > 0]
    notes = format_n(asked_again, "questions asked again", **left_out)
    xlabel = "rate, or standard deviation (0-1)"
    picture = Picture(ax, "Stability", summary, notes, xlabel, inches=inches_of(len(table), lines=3))
    picture.ax.set_xlim(-0.02, 1.02)
    if not asked_again:
        return picture.empty()
    dots_of_figures(picture, table, _FIGURES, "again", kw)
    sampled = ["sample of the questions"] if table["sampled"].any() else []
    silent = f"{counted(said_nothing, 'group')} without such a question not drawn" if said_nothing else ""
    return picture.heading(*sampled, silent, methods=methods_of(table, _FIGURES))
