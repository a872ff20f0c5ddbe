"""The risk-coverage curve: what acting upon the surest alone would cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..labels import counted
from ..stats import Calibration
from ..stats.engine.estimate import SMALL_N
from ..stats.engine.input import By, Source
from .drawing.chart import chart
from .drawing.dots import band
from .drawing.earlier import earlier_of, figures_of, grey, lines_behind, of_group
from .drawing.ink import MUTED, RULE, shade
from .drawing.lines import (
    MOST,
    TOGETHER,
    alone,
    marker_size,
    name_lines,
    panels,
    room_for_panels,
    rows_of_panels,
)
from .drawing.picture import Picture
from .drawing.style import Style, artist_kwargs, styles_on
from .drawing.text import LEGEND, estimate_in, names_apart
from .reliability import DATA, VOTER_TEXT, calibration_of, n_and_left_out


@chart(Calibration, DATA, {"lines": Line2D}, most=MOST, voter=VOTER_TEXT)
def risk_coverage(
    data: Source | Calibration,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    before: Source | Calibration | None = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """How many are wrong if only the surest are acted upon: risk against coverage, with its 95% band.

    A line that falls to the left says that confidence ranks well; a level one, that it ranks nothing. Lines
    begin where 10 observations are covered. Above 3 groups each has a panel. A summary of voters is drawn,
    too.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.history.read import sample_folder
    >>> history = lab.with_outcomes(lab.sample(), sample_folder() / "outcomes.csv")
    >>> lab.charts.risk_coverage(history).get_ylabel()
    'risk: share wrong (0-1)'
    """
    summary = calibration_of(data, by, cluster, voter)
    table, curves = _curves(summary, MOST)
    subject, notes = f"Risk and coverage of {summary.unit}", n_and_left_out(summary, table)
    rows = rows_of_panels(curves["group"].nunique())
    picture = Picture(ax, subject, summary, notes, "coverage, the surest first (0-1)", rows=rows)
    ax = picture.ax
    ax.set_ylabel("risk: share wrong (0-1)", fontsize="small")
    if len(table) > (room := room_for_panels(ax)):
        table, curves = _curves(summary, room)
    drawn = table[table["group"].isin(curves["group"])]
    few = f"fewer than {SMALL_N} {'clusters' if summary.cluster else 'decisions'}"
    if drawn.empty:
        ax.set_xlim(0, 1.01)
        return picture.empty(few) if table["n"].any() else picture.empty()
    earlier = earlier_of(Calibration, before, summary)
    before_it = _drawable(figures_of(earlier, "risk_coverage")) if earlier else None
    _draw(picture, drawn, curves, lines_behind(picture, earlier, drawn, before_it), kw)
    picture.note_rest(drawn["group"])
    short = len(table) - len(drawn)
    without = f"no line for {counted(short, 'group')}: {few}" if short else ""
    if summary.by:
        return picture.heading(without, methods=curves["risk_method"], interval="band")
    ax.axhline(
        curves["risk"].iloc[-1], color=shade(ax, MUTED), linewidth=0.8, linestyle=(0, (4, 3)), zorder=0
    )
    auarc = f"AUARC {estimate_in(table.iloc[0], 'auarc'):.3f}"
    chance = "dashed: if confidence ranked nothing"
    return picture.heading(auarc, chance, methods=curves["risk_method"], interval="band")


def _curves(summary: Calibration, most: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the groups, so many at most, and what is drawn of their curves."""
    shown = summary.lump(most)
    return shown.table(), _drawable(shown.risk_coverage())


def _drawable(curves: pd.DataFrame) -> pd.DataFrame:
    return curves[~curves["small_n"]]


def _draw(
    picture: Picture, table: pd.DataFrame, curves: pd.DataFrame, past: pd.DataFrame | None, kw: dict[str, Any]
) -> None:
    """Draw groups together, or where they are many each in a panel."""
    names, apart = names_apart(table["group"], LEGEND), len(table) > TOGETHER
    more = [f"n = {row.n:,}, AUARC {row.auarc:.2f}" for row in table.itertuples()]
    every_ax = panels(picture.ax, names, more) if apart else [picture.ax] * len(table)
    styles = [alone(picture.ax)] * len(table) if apart else styles_on(picture.ax)
    every = curves if past is None else pd.concat([curves, past])
    highest = float(np.nanmax(every[["risk", "risk_high"]].to_numpy()))
    handles = []
    for ax, group, style in zip(every_ax, table["group"], styles, strict=False):
        if len(then := of_group(past, group)):
            _curve(ax, then, grey(ax, style), {})
        handles.append(_curve(ax, curves[curves["group"] == group], style, kw))
        ax.set(xlim=(0, 1.01), ylim=(0, min(1, 1.05 * highest) or 1))
        ax.yaxis.set_visible(True)  # also where another panel has its labels
        ax.grid(axis="y", color=shade(ax, RULE))
        ax.set_axisbelow(True)
    if not apart:
        name_lines(picture, handles, names, more)


def _curve(ax: Axes, rows: pd.DataFrame, style: Style, kw: dict[str, Any]) -> Line2D:
    band(ax, rows["coverage"], rows, "risk", style)
    defaults = style.as_line(linewidth=1.5, markersize=marker_size(ax), markevery=(9, 20))
    return ax.plot(rows["coverage"], rows["risk"], **artist_kwargs(Line2D, defaults, kw))[0]
