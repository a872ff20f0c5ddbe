"""One decision on a page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from ..labels import counted
from ..stats.engine.arithmetic import plain_arithmetic
from .argument_tree import MOST, argument_tree, batch_of, outlined
from .drawing.ballots import Ballots, ballots_of, draw_ballots, lines_on
from .drawing.caption import check_wanted, gather, keep, make_room_below, write_below_all
from .drawing.chart import new_size
from .drawing.figures import (
    MAGNIFIED,
    closed_on_failure,
    follows_rows,
    is_slide,
    magnified,
    returned_figure,
    usual_size,
)
from .drawing.fonts import bold
from .drawing.ink import RULE, STRONG, shade
from .drawing.text import HINTED, LOOKED_AT, clean, fitted, small_size, text_width, unmarked, wrapped

_MOST_SOURCES, _FEWEST_NODES, _ON_A_SLIDE = 8, 4, 8
_MOST_LINES = {"question": 6, "recommendation": 12}
_MOST_VOTERS = (24, 16, 12, 8, 5, 3)  # by name, until all finds room
_OF_A_TREE = 5 * 72  # points of a page for a tree, above which its claims have fewer lines
_SIDE_BY_SIDE = 5.5 * 72  # points; below that the sources stand under the votes
_LINE = 1.5  # heights of small text from one line to the next
_BOLD = 0.86  # of the letters of a line, where they are bold
_BETWEEN = 1.5  # and between the votes and the sources beside them


@plain_arithmetic
@closed_on_failure()
def decision(
    history: Any,
    stream_id: str,
    *,
    figsize: tuple[float, float] | str | None = None,
    figure: Figure | None = None,
    caption: bool = False,
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
    caption
        Whether to write :func:`caption` below.

    Returns
    -------
    Figure
        What was decided; the votes, and beside or below them the sources; the argument tree.

    Raises
    ------
    OptionError
        If there is no decision of this id, or there are several, ``figsize`` is no size, or nothing makes
        room for a caption.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample(last=10)
    >>> figure = lab.charts.decision(history, history.decisions["stream_id"].iloc[0])
    >>> len(figure.axes)
    4
    """
    check_wanted(caption, figure)
    history, stream_id = batch_of(history, stream_id)
    row = history.decisions[history.decisions["stream_id"] == stream_id].iloc[0]
    votes, citations, arguments = (
        frame[frame["stream_id"] == stream_id]
        for frame in (history.votes, history.citations, history.arguments)
    )
    size = new_size(figsize, figure)
    wide = figure.bbox.width / figure.dpi if figure else size[0] if size else usual_size()[0]
    high = (
        figure.bbox.height / figure.dpi if figure else size[1] if size and not follows_rows(figsize) else None
    )
    slide = is_slide(figsize)
    parts = (votes, len(citations), arguments.head(_ON_A_SLIDE) if slide else arguments)
    tall = _inches(_page(row, *parts, 72 * wide).heights)
    larger = min(MAGNIFIED, size[1] / tall) if size and slide else 1
    with magnified(larger, "font.size") if larger > 1 else nullcontext():
        draw = partial(
            _draw, row=row, parts=parts, citations=citations, arguments=arguments, full=high is None
        )
        figure = figure or returned_figure(wide, high or tall)
        if caption and high:
            make_room_below(figure, draw)
        draw(figure)
        if caption:
            write_below_all(figure)
    return figure


class _Page(NamedTuple):
    """What is written, and how high each part is, in lines of small text."""

    question: list[str]
    recommendation: list[str]
    votes: Ballots
    heights: list[float]


def _page(
    row: pd.Series, votes: pd.DataFrame, citations: int, arguments: pd.DataFrame,
    wide: float, high: float | None = None,
) -> _Page:  # fmt: skip
    """Write what is on a page so many points wide; where it is so many inches high, fewer voters by name."""
    width = wide - 1.5 * small_size()
    nodes = outlined(arguments.iloc[:MOST], width, _OF_A_TREE).lines
    room = HINTED * width / FontProperties(size="medium").get_size_in_points()
    question = wrapped(_said(row, "question"), room, _MOST_LINES["question"])
    recommendation = wrapped(_said(row, "recommendation"), _BOLD * room, _MOST_LINES["recommendation"])
    beside = width >= _SIDE_BY_SIDE
    for most in _MOST_VOTERS:
        ballots = ballots_of(
            votes, (width / 2 - _BETWEEN * small_size() if beside else width) / small_size(), most
        )
        listed = [2.2 + len(ballots.lines), 2.2 + min(citations, _MOST_SOURCES)]
        heights = [
            3.8 + _tall(question) + _tall(recommendation),
            *([max(listed)] if beside else listed),
            6 + nodes if nodes else 2.2,
        ]
        over = 0 if high is None else sum(heights) - high * 72 / _LINE / small_size()
        if over <= max(0, nodes - _FEWEST_NODES):
            break
    heights[-1] = max(min(heights[-1], 6 + _FEWEST_NODES), heights[-1] - max(0, over))
    return _Page(question, recommendation, ballots, heights)


def _inches(heights: Sequence[float]) -> float:
    return sum(heights) * _LINE * small_size() / 72


def _tall(lines: Sequence[str]) -> float:
    """Return how high lines of the usual size are, in lines of small text."""
    return 1.3 * len(lines)


def _draw(
    figure: Figure, row: pd.Series, parts: tuple[pd.DataFrame, int, pd.DataFrame], citations: pd.DataFrame,
    arguments: pd.DataFrame, full: bool,
) -> None:  # fmt: skip
    """Draw the parts of a decision, one below the other; where the figure is not as high as all, fewer."""
    wide, high = (inches / figure.dpi for inches in figure.bbox.size)
    page = _page(row, *parts, 72 * wide, None if full else high)
    heights, beside = page.heights, len(page.heights) == 3
    width = 72 * wide - 1.5 * small_size()
    grid = figure.add_gridspec(len(heights), 1 + beside, height_ratios=heights)
    verdict = figure.add_subplot(grid[0, :])
    _verdict(verdict, row, page, width)
    share = width / 2 - _BETWEEN * small_size() if beside else width
    voted = figure.add_subplot(grid[1, 0])
    draw_ballots(voted, page.votes, heights[1], share)
    voted.set_xlim(0, width / (1 + beside))  # what is between stays free
    _sources(figure.add_subplot(grid[1, 1] if beside else grid[2, 0]), citations, heights[-2], share)
    # A part of its own: in one grid it would leave room for names of rows at its left.
    last = figure.add_subfigure(grid[-1, :]).add_subplot()
    if len(arguments):
        argument_tree(arguments, row["stream_id"], ax=last)
    else:
        lines_on(last, "no arguments", heights[-1], width)
    said = [page.votes.title, page.votes.earlier, _counted_sources(citations)]
    keep(verdict, [f"Decision {row['stream_id']}", *said])
    gather(verdict, [last])


def _verdict(ax: Axes, row: pd.Series, page: _Page, width: float) -> None:
    """Write question and recommendation, and draw the confidence as a bar from 0 to 1."""
    when = row["published_at"]
    moment = f"{when:%Y-%m-%d %H:%M} UTC, " if pd.notna(when) else ""
    bottom = -_tall(page.question) - _tall(page.recommendation) - 1
    font = lines_on(ax, f"{moment}{clean(row['stream_id'])}", 2.4 - bottom, width)
    large = {**font, "va": "top", "fontsize": "medium"}
    ax.text(0, 0.2, "\n".join(page.question), **large)
    recommended = "\n".join(page.recommendation)
    ax.text(0, -_tall(page.question) - 0.1, recommended, **large | bold(recommended))
    if pd.isna(row["confidence"]):
        ax.text(0, bottom, _said(row, "confidence"), **font)
        return
    words = f"confidence {row['confidence']:.2f}"
    long = width - small_size() * (text_width(words) + 1)
    ax.barh(bottom, long, height=0.5, color=shade(ax, RULE))
    ax.barh(bottom, long * row["confidence"], height=0.5, color=shade(ax, STRONG))
    ax.text(width, bottom, words, ha="right", **font)


def _said(row: pd.Series, name: str) -> str:
    """Return what a row says, or that it does not say it."""
    said = row[name]
    return clean(unmarked(said), LOOKED_AT) if pd.notna(said) else f"(no {name})"


def _sources(ax: Axes, citations: pd.DataFrame, height: float, width: float) -> None:
    shown = citations.head(_MOST_SOURCES)
    named = shown["title"].fillna(shown["source"])
    titles = [fitted(unmarked(title), width / small_size()) for title in named]
    font = lines_on(ax, _counted_sources(citations), height, width)  # then: it has what they need
    for row, title in enumerate(titles):
        ax.text(0, -row, title, **font)


def _counted_sources(citations: pd.DataFrame) -> str:
    more = f", {_MOST_SOURCES} shown" if len(citations) > _MOST_SOURCES else ""
    return counted(len(citations), "source") + more
