"""One decision on a page."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..stats.engine.arithmetic import plain_arithmetic
from ..text import without_markup
from .argument_tree import MOST, argument_tree, batch_of
from .drawing.figures import extent, returned_figure
from .drawing.ink import MUTED, RULE, STRONG, shade
from .drawing.text import PLAIN, clean, fitted, fitted_apart, small_size

_MOST_SOURCES, _MOST_VOTES = 8, 12
_LOOKED_AT = 4_000  # characters of a text in which there may be HTML


@plain_arithmetic
def decision(history: Any, stream_id: str, *, figure: Figure | None = None) -> Figure:
    """How one decision came about, on a page: question, recommendation, votes, sources and argument tree.

    Parameters
    ----------
    history
        A history, or a scan.
    stream_id
        The decision.
    figure
        Where to draw; a new figure of a page's width by default.

    Returns
    -------
    Figure
        Three rows: what was decided; votes beside sources; the argument tree.

    Raises
    ------
    OptionError
        If there is no decision of this id.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample(last=10)
    >>> figure = lab.charts.decision(history, history.decisions["stream_id"].iloc[0])
    >>> len(figure.axes)
    4
    """
    history = batch_of(history, stream_id)
    rows = history.decisions[history.decisions["stream_id"] == stream_id]
    votes, citations, arguments = (
        frame[frame["stream_id"] == stream_id]
        for frame in (history.votes, history.citations, history.arguments)
    )
    figure = figure or returned_figure(6.5, 4.2 + 0.17 * min(len(arguments), MOST))
    tall = max(len(arguments) * 0.17, 1.0)
    grid = figure.add_gridspec(3, 2, height_ratios=[1.1, 2.0, tall + 0.8])
    _verdict(figure.add_subplot(grid[0, :]), rows.iloc[0])
    _votes(figure.add_subplot(grid[1, 0]), votes)
    _sources(figure.add_subplot(grid[1, 1]), citations)
    argument_tree(history, stream_id, ax=figure.add_subplot(grid[2, :]))
    return figure


def _bare(ax: Axes, title: str) -> Axes:
    ax.set_axis_off()
    ax.set_title(title, loc="left", fontsize="small", **PLAIN)
    return ax


def _verdict(ax: Axes, row: pd.Series) -> None:
    """Write question and recommendation, and draw the confidence as a bar from 0 to 1."""
    question = _said(row, "question", 160)
    when = row["published_at"]
    moment = f"{when:%Y-%m-%d %H:%M} UTC, " if pd.notna(when) else ""
    _bare(ax, f"{moment}{clean(row['stream_id'])}")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.text(0, 0.98, "\n".join(wrap(question, 78)), va="top", **PLAIN)
    ax.text(0, 0.3, _said(row, "recommendation", 70), weight="bold", va="center", **PLAIN)
    if pd.isna(row["confidence"]):
        ax.text(0, 0.04, _said(row, "confidence"), va="center", fontsize="small")
        return
    ax.barh(0.04, 0.8, height=0.1, color=shade(ax, RULE))
    ax.barh(0.04, 0.8 * row["confidence"], height=0.1, color=shade(ax, STRONG))
    ax.text(0.82, 0.04, f"confidence {row['confidence']:.2f}", va="center", fontsize="small")


def _said(row: pd.Series, name: str, most: int = 40) -> str:
    """Return what a row says, or that it does not say it."""
    return clean(without_markup(str(row[name])[:_LOOKED_AT]), most) if pd.notna(row[name]) else f"(no {name})"


def _votes(ax: Axes, votes: pd.DataFrame) -> None:
    """List the votes, choice by choice, the most chosen first, each with a bar for the confidence it has."""
    counts = votes["choice"].value_counts()
    ordered = votes.assign(size=votes["choice"].map(counts)).sort_values(
        ["size", "choice", "confidence"], ascending=[False, True, False], kind="stable"
    )
    shown = ordered.head(_MOST_VOTES)
    sure = shown["confidence"].to_numpy(dtype=float, na_value=np.nan)
    given = ~np.isnan(sure)
    _bare(ax, _count("vote", len(votes), len(shown)) + ("; bar: confidence (0-1)" if given.any() else ""))
    ax.set(xlim=(0, 1), ylim=(-max(len(shown), 1) + 0.4, 0.6))
    voters, choices = (
        fitted_apart(shown[column].fillna(f"(no {column})"), room * _width(ax))
        for column, room in (("voter", 0.27), ("choice", 0.45))
    )
    font: dict[str, Any] = {"va": "center", "fontsize": "small", **PLAIN}
    for row, (voter, choice) in enumerate(zip(voters, choices, strict=True)):
        ax.text(0, -row, voter, **font)
        ax.text(0.3, -row, choice, **font)
    for place in np.flatnonzero(~given) if given.any() else ():
        ax.text(0.78, -int(place), "not said", va="center", fontsize="small")
    rows = -np.flatnonzero(given)
    ax.barh(rows, 0.2 * sure[given], left=0.78, height=0.5, color=shade(ax, MUTED))
    ax.barh(rows, 0.2, left=0.78, height=0.5, facecolor="none", edgecolor=shade(ax, 0.3), linewidth=0.5)


def _sources(ax: Axes, citations: pd.DataFrame) -> None:
    shown = citations.head(_MOST_SOURCES)
    _bare(ax, _count("source", len(citations), len(shown)))
    ax.set_ylim(-_MOST_SOURCES + 0.4, 0.6)
    for row, title in enumerate(shown["title"].fillna(shown["source"])):
        ax.text(0, -row, fitted(title, _width(ax)), va="center", fontsize="small", **PLAIN)


def _width(ax: Axes) -> float:
    """Return the width of the Axes by the height of small text; a layout narrows them a little."""
    return 0.95 * extent(ax)[0] / small_size()


def _count(what: str, n: int, shown: int) -> str:
    more = f", {shown} shown" if shown < n else ""
    return f"{n} {what}{'' if n == 1 else 's'}{more}" if n else f"no {what}s"
