"""The risk-coverage curve: what acting upon the surest alone would cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats.calibration import Calibration
from ..stats.engine.estimate import SMALL_N
from ..stats.engine.input import By, Source
from .drawing.style import SERIES, Series, artist_kwargs, check_grouping, empty, heading, legend, prepare_axes
from .drawing.text import clean, format_interval
from .reliability import MOST, left_out

SUBJECT = "Risk and coverage"


def risk_coverage(data: Source | Calibration, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw the share of wrong ones among the surest against how many these are, with its 95% band.

    A line that falls to the left says that confidence ranks well; a level one, that it ranks nothing. Lines
    begin where 10 observations are covered.

    Parameters
    ----------
    data
        A history with outcomes, its ``decisions`` frame, or a
        :class:`~mastermind_lab.stats.calibration.Calibration`, of voters if need be.
    by
        Column or columns to group by; above 5 groups the smallest are drawn as one.
    ax
        Where to draw; a new figure by default.
    **kw
        For the lines, :class:`matplotlib.lines.Line2D`.

    Raises
    ------
    OptionError
        If outcomes were not joined, a column is unknown, or a summary was counted by another.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.charts.risk_coverage import risk_coverage
    >>> from mastermind_lab.history.outcomes import with_outcomes
    >>> from mastermind_lab.history.read import sample_folder
    >>> history = with_outcomes(lab.sample(), sample_folder() / "outcomes.csv")
    >>> risk_coverage(history).get_ylabel()
    'risk: share wrong (0-1)'
    """
    summary = check_grouping(data if isinstance(data, Calibration) else Calibration.of(data, by=by), by)
    shown = summary.lump(MOST)
    table, curves = shown.table(), shown.risk_coverage()
    curves = curves[~curves["small_n"]]
    ax = prepare_axes(ax, "coverage, the surest first (0-1)", rows=1 + len(table))
    ax.set_ylabel("risk: share wrong (0-1)", fontsize="small")
    ax.set_xlim(0, 1.01)
    subject, notes = f"{SUBJECT} of {summary.unit}", left_out(summary, table)
    if curves.empty:
        few = [f"fewer than {SMALL_N} {'votes' if summary.unit == 'voters' else 'decisions'}"]
        return empty(ax, subject, summary.by, [*(few if table["n"].any() else []), *notes])
    handles, labels = [], []
    for row, look in zip(table.itertuples(), SERIES, strict=False):
        handles.append(_curve(ax, curves[curves["group"] == row.group], look, kw))
        labels.append(f"{clean(row.group, 20)} (n = {row.n:,}, AUARC {row.auarc:.2f})")
    above = legend(ax, handles, labels) if summary.by else 0
    if not summary.by:
        notes.append(f"AUARC {format_interval(table.iloc[0], 'auarc', '.3f')}")
        ax.axhline(curves["risk"].iloc[-1], color="0.6", linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        notes.append("dashed: if confidence ranked nothing")
    heading(ax, subject, summary.by, [*notes, "band: 95% interval"], above)
    ax.set_ylim(0, min(1, 1.05 * float(np.nanmax(curves[["risk", "risk_high"]].to_numpy()))) or 1)
    ax.grid(axis="y", color="0.9")
    ax.set_axisbelow(True)
    return ax


def _curve(ax: Axes, rows: pd.DataFrame, look: Series, kw: dict[str, Any]) -> Line2D:
    ax.fill_between(
        rows["coverage"], rows["risk_low"], rows["risk_high"], color=look.colour, alpha=0.15, linewidth=0
    )
    style: dict[str, Any] = {"color": look.colour, "linestyle": look.line, "linewidth": 1.5}
    style |= {"marker": look.marker, "markersize": 4, "markevery": (9, 20)}
    return ax.plot(rows["coverage"], rows["risk"], **artist_kwargs(Line2D, style, kw))[0]
