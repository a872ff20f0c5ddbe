"""How sure the panels are."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from ..stats import Confidence
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.earlier import earlier_of, rows_behind, shares_behind
from .drawing.picture import Column, Picture, inches_of, rows_that_fit
from .drawing.ridges import MOST, ridges
from .drawing.text import format_n


@chart(Confidence, "A history, its ``decisions`` frame", {"outlines": StepPatch}, most=MOST)
def confidence(
    data: Source | Confidence, *, by: By = None, cluster: By = None,
    before: Source | Confidence | None = None, ax: Axes | None = None, **kw: Any,
) -> Axes:  # fmt: skip
    """How sure the panels were: the distribution of confidence, its mean and 95% interval, a row a group.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> ax = lab.charts.confidence(lab.sample(), by="meta.model")
    >>> ax.get_xlabel().startswith("confidence (0-1)")
    True
    """
    summary = summary_of(Confidence, data, by, cluster)
    shown = summary.lump(rows_that_fit(ax, MOST, lines=2))
    table = shown.table()
    notes = format_n(table["n"].sum(), summary.unit, without_confidence=table["missing"].sum())
    picture = Picture(
        ax, "Confidence", summary, notes, "confidence (0-1)", inches=inches_of(len(table), lines=2)
    )
    earlier = earlier_of(Confidence, before, summary)
    heights = None if earlier is None else shares_behind(earlier, table["group"], "histogram", "left")
    behind = rows_behind(picture, earlier, table, ["group"], "mean")
    means = Column("mean", [f"{mean:.2f}" for mean in table["mean"]])
    return ridges(picture, shown.histogram(), table, means, kw, heights, behind)
