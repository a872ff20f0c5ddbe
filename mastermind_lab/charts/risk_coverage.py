"""The risk-coverage curve: what acting upon the surest alone would cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..stats import Calibration
from ..stats.engine.estimate import SMALL_N
from ..stats.engine.input import By, Source
from .drawing.chart import chart
from .drawing.dots import band
from .drawing.ink import MUTED, RULE, shade
from .drawing.picture import Picture, series_that_fit
from .drawing.style import Style, artist_kwargs, styles_on
from .drawing.text import estimate_in, names_apart
from .reliability import DATA, MOST, VOTER_TEXT, calibration_of, n_and_left_out


@chart(Calibration, DATA, {"lines": Line2D}, most=MOST, voter=VOTER_TEXT)
def risk_coverage(
    data: Source | Calibration,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """How many are wrong if only the surest are acted upon: risk against coverage, with its 95% band.

    A line that falls to the left says that confidence ranks well; a level one, that it ranks nothing. Lines
    begin where 10 observations are covered. A summary of voters is drawn, too.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.history.read import sample_folder
    >>> history = lab.with_outcomes(lab.sample(), sample_folder() / "outcomes.csv")
    >>> lab.charts.risk_coverage(history).get_ylabel()
    'risk: share wrong (0-1)'
    """
    summary = calibration_of(data, by, cluster, voter)
    shown = summary.lump(series_that_fit(ax, MOST))
    table, curves = shown.table(), shown.risk_coverage()
    curves = curves[~curves["small_n"]]
    subject, notes = f"Risk and coverage of {summary.unit}", n_and_left_out(summary, table)
    picture = Picture(
        ax,
        subject,
        summary,
        notes,
        "coverage, the surest first (0-1)",
        rows=1 + len(table),
    )
    ax = picture.ax
    ax.set_ylabel("risk: share wrong (0-1)", fontsize="small")
    ax.set_xlim(0, 1.01)
    if curves.empty:
        what = "clusters" if summary.cluster else "votes" if summary.unit == "voters" else "decisions"
        few = f"fewer than {SMALL_N} {what}"
        return picture.empty(few) if table["n"].any() else picture.empty()
    names = names_apart(table["group"], 20)
    for row, name, style in zip(table.itertuples(), names, styles_on(ax), strict=False):
        line = _curve(ax, curves[curves["group"] == row.group], style, kw)
        picture.legend([line], [f"{name} (n = {row.n:,}, AUARC {row.auarc:.2f})"])
    if summary.by:
        picture.heading("band: 95% interval", methods=curves["risk_method"])
    else:
        ax.axhline(
            curves["risk"].iloc[-1], color=shade(ax, MUTED), linewidth=0.8, linestyle=(0, (4, 3)), zorder=0
        )
        auarc = f"AUARC {estimate_in(table.iloc[0], 'auarc'):.3f}"
        picture.heading(
            auarc, "dashed: if confidence ranked nothing", "band: 95% interval", methods=curves["risk_method"]
        )
    ax.set_ylim(0, min(1, 1.05 * float(np.nanmax(curves[["risk", "risk_high"]].to_numpy()))) or 1)
    ax.grid(axis="y", color=shade(ax, RULE))
    ax.set_axisbelow(True)
    return ax


def _curve(ax: Axes, rows: pd.DataFrame, style: Style, kw: dict[str, Any]) -> Line2D:
    band(ax, rows["coverage"], rows, "risk", style)
    defaults = style.as_line(linewidth=1.5, markersize=4, markevery=(9, 20))
    return ax.plot(rows["coverage"], rows["risk"], **artist_kwargs(Line2D, defaults, kw))[0]
