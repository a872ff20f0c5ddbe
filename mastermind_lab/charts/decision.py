"""One decision on a page."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..stats.engine.arithmetic import plain_arithmetic
from ..text import without_markup
from .argument_tree import MOST, argument_tree, batch_of
from .drawing.chart import new_size
from .drawing.figures import MAGNIFIED, follows_rows, is_slide, returned_figure, settings
from .drawing.ink import MUTED, RULE, STRONG, shade
from .drawing.text import CHARACTER, PLAIN, clean, fitted, fitted_apart, small_size, text_width

_MOST_SOURCES, _MOST_VOTES = 8, 12
_LOOKED_AT = 4_000  # characters of a text in which there may be HTML
_SIDE_BY_SIDE = 5.5 * 72  # points; below that the sources stand under the votes
_LINE = 1.5  # heights of small text from one line to the next
_BAR = 3.5  # heights of small text that a bar is long


@plain_arithmetic
def decision(
    history: Any,
    stream_id: str,
    *,
    figsize: tuple[float, float] | str | None = None,
    figure: Figure | None = None,
) -> Figure:
    """How one decision came about, on a page: question, recommendation, votes, sources and argument tree.

    Parameters
    ----------
    history
        A history, or a scan.
    stream_id
        The decision, or its ``decision_id`` or ``correlation_id`` where only one decision has it.
    figsize
        Width and height of the new figure in inches, or ``"column"``, ``"page"`` or ``"slide"``, whose type
        is as large as there is room for; by default as wide as the style's figures, and as high as what is
        on it. Below 5.5 inches, as in a paper's column, all stands one below the other.
    figure
        Where to draw; a new figure by default.

    Returns
    -------
    Figure
        What was decided; the votes, and beside or below them the sources; the argument tree.

    Raises
    ------
    OptionError
        If there is no decision of this id, or there are several, or ``figsize`` is no size.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample(last=10)
    >>> figure = lab.charts.decision(history, history.decisions["stream_id"].iloc[0])
    >>> len(figure.axes)
    4
    """
    history, stream_id = batch_of(history, stream_id)
    row = history.decisions[history.decisions["stream_id"] == stream_id].iloc[0]
    votes, citations, arguments = (
        frame[frame["stream_id"] == stream_id]
        for frame in (history.votes, history.citations, history.arguments)
    )
    size = new_size(figsize, figure)
    wide = figure.bbox.width / figure.dpi if figure else size[0] if size else rcParams["figure.figsize"][0]
    counts = (len(votes), len(citations), len(arguments))
    tall = _inches(_heights(row, counts, 72 * wide))
    larger = min(MAGNIFIED, size[1] / tall) if size and is_slide(figsize) else 1
    with settings({"font.size": max(1, larger) * rcParams["font.size"]}):
        heights = _heights(row, counts, 72 * wide)
        figure = figure or returned_figure(wide, size[1] if size and not follows_rows(figsize) else tall)
        _draw(figure, heights, row, votes, citations, arguments)
    return figure


def _heights(row: pd.Series, counts: tuple[int, int, int], wide: float) -> list[float]:
    """Return how high each part is, in lines of small text; the sources are beside the votes or below."""
    votes, citations, arguments = counts
    width = wide - 1.5 * small_size()
    listed = [2.2 + min(votes, _MOST_VOTES), 2.2 + min(citations, _MOST_SOURCES)]
    return [
        3.8 + _tall(_said_of(row, width)),
        *([max(listed)] if width >= _SIDE_BY_SIDE else listed),
        6 + min(arguments, MOST) if arguments else 2.2,
    ]


def _inches(heights: Sequence[float]) -> float:
    return sum(heights) * _LINE * small_size() / 72


def _draw(
    figure: Figure, heights: Sequence[float], row: pd.Series,
    votes: pd.DataFrame, citations: pd.DataFrame, arguments: pd.DataFrame,
) -> None:  # fmt: skip
    """Draw the parts of a decision, one below the other."""
    width, beside = figure.bbox.width / figure.dpi * 72 - 1.5 * small_size(), len(heights) == 3
    grid = figure.add_gridspec(len(heights), 1 + beside, height_ratios=heights)
    _verdict(figure.add_subplot(grid[0, :]), row, _said_of(row, width), width)
    share = width / (1 + beside) - beside * small_size()
    _votes(figure.add_subplot(grid[1, 0]), votes, heights[1], share)
    _sources(figure.add_subplot(grid[1, 1] if beside else grid[2, 0]), citations, heights[-2], share)
    # A part of its own: in one grid it would leave room for names of rows at its left.
    last = figure.add_subfigure(grid[-1, :]).add_subplot()
    if len(arguments):
        argument_tree(arguments, row["stream_id"], ax=last)
    else:
        _lines(last, "no arguments", heights[-1], width)


def _lines(ax: Axes, title: str, height: float, width: float) -> dict[str, Any]:
    """Let Axes measure lines downwards from 0 and points to the right, and return the font."""
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(1.7 - height, 0.5))
    ax.set_title(fitted(title, width / small_size()), loc="left", fontsize="small", **PLAIN)
    # The words are cut to the width: a layout that has yet to find it would make room for them once more.
    return {"va": "center", "fontsize": "small", "in_layout": False, **PLAIN}


def _said_of(row: pd.Series, width: float) -> list[str]:
    """Wrap the question and the recommendation to a width in points."""
    across = max(20, int(width / (1.45 * CHARACTER * small_size())))  # in larger letters, some of them bold
    return ["\n".join(wrap(_said(row, name, most), across)) for name, most in _TOLD.items()]


def _tall(texts: Sequence[str]) -> float:
    """Return how high texts of the usual size are, in lines of small text."""
    return sum(1.3 * (text.count("\n") + 1) for text in texts)


_TOLD = {"question": 240, "recommendation": 120}
"""How many characters of each are drawn."""


def _verdict(ax: Axes, row: pd.Series, said: Sequence[str], width: float) -> None:
    """Write question and recommendation, and draw the confidence as a bar from 0 to 1."""
    when = row["published_at"]
    moment = f"{when:%Y-%m-%d %H:%M} UTC, " if pd.notna(when) else ""
    bottom = -_tall(said) - 1
    font = _lines(ax, f"{moment}{clean(row['stream_id'])}", 2.4 - bottom, width)
    question, recommendation = said
    large = {**font, "va": "top", "fontsize": "medium"}
    ax.text(0, 0.2, question, **large)
    ax.text(0, -_tall([question]) - 0.1, recommendation, weight="bold", **large)
    if pd.isna(row["confidence"]):
        ax.text(0, bottom, _said(row, "confidence"), **font)
        return
    words = f"confidence {row['confidence']:.2f}"
    long = width - small_size() * (text_width(words) + 1)
    ax.barh(bottom, long, height=0.5, color=shade(ax, RULE))
    ax.barh(bottom, long * row["confidence"], height=0.5, color=shade(ax, STRONG))
    ax.text(width, bottom, words, ha="right", **font)


def _said(row: pd.Series, name: str, most: int = 40) -> str:
    """Return what a row says, or that it does not say it."""
    return clean(without_markup(str(row[name])[:_LOOKED_AT]), most) if pd.notna(row[name]) else f"(no {name})"


def _votes(ax: Axes, votes: pd.DataFrame, height: float, width: float) -> None:
    """List the votes, choice by choice, the most chosen first, each with a bar for the confidence it has."""
    counts = votes["choice"].value_counts()
    ordered = votes.assign(size=votes["choice"].map(counts)).sort_values(
        ["size", "choice", "confidence"], ascending=[False, True, False], kind="stable"
    )
    shown = ordered.head(_MOST_VOTES)
    sure = shown["confidence"].to_numpy(dtype=float, na_value=np.nan)
    given, em = ~np.isnan(sure), small_size()
    title = _count("vote", len(votes), len(shown)) + ("; bar: confidence (0-1)" if given.any() else "")
    font = _lines(ax, title, height, width)
    room = width / em - (_BAR + 1 if given.any() else 0)
    voters, choices = _columns([shown[name].fillna(f"(no {name})") for name in ("voter", "choice")], room)
    left = em * (1 + max(map(text_width, voters), default=0))
    bar = width - _BAR * em
    for row, (voter, choice) in enumerate(zip(voters, choices, strict=True)):
        ax.text(0, -row, voter, **font)
        ax.text(left, -row, choice, **font)
    for place in np.flatnonzero(~given) if given.any() else ():
        ax.text(width, -int(place), "not said", ha="right", **font)
    rows = -np.flatnonzero(given)
    ax.barh(rows, _BAR * em * sure[given], left=bar, height=0.5, color=shade(ax, MUTED))
    frame: dict[str, Any] = {"facecolor": "none", "edgecolor": shade(ax, 0.3), "linewidth": 0.5}
    ax.barh(rows, _BAR * em, left=bar, height=0.5, **frame)


def _columns(texts: Sequence[pd.Series], room: float) -> list[list[str]]:
    """Cut two columns to a width in heights of the text: neither is cut while the other leaves room."""
    room -= 1  # between the two
    half = room / 2
    wide = [max(map(text_width, fitted_apart(column, room)), default=0) for column in texts]
    return [
        fitted_apart(column, max(half, room - other))
        for column, other in zip(texts, reversed(wide), strict=True)
    ]


def _sources(ax: Axes, citations: pd.DataFrame, height: float, width: float) -> None:
    shown = citations.head(_MOST_SOURCES)
    font = _lines(ax, _count("source", len(citations), len(shown)), height, width)
    for row, title in enumerate(shown["title"].fillna(shown["source"])):
        ax.text(0, -row, fitted(without_markup(str(title)[:_LOOKED_AT]), width / small_size()), **font)


def _count(what: str, n: int, shown: int) -> str:
    more = f", {shown} shown" if shown < n else ""
    return f"{n} {what}{'' if n == 1 else 's'}{more}" if n else f"no {what}s"
