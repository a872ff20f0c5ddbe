"""What the charts have in common: colours, a place to draw, what stands beside and above it."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, NamedTuple, TypeVar

import numpy as np
from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from ...errors import OptionError
from ...stats.engine.input import By, names_of
from ...stats.engine.summary import Summary
from .text import PLAIN, clean, wide

Kind = TypeVar("Kind", bound=Summary)


class Series(NamedTuple):
    """How one group looks: told apart by any one of the three."""

    colour: str
    line: str | tuple[int, tuple[float, ...]]
    marker: str


SERIES = (
    Series("#000000", "-", "o"),
    Series("#0072B2", "--", "s"),
    Series("#E69F00", "-.", "^"),
    Series("#882255", ":", "D"),
    Series("#009E73", (0, (6, 1, 1, 1, 1, 1)), "v"),
    Series("#332288", (0, (3, 1)), "P"),
)
"""Six looks from the palettes of Okabe and Ito (2008) and Tol (2021), 9 or more L* apart in greyscale."""

_WIDE = 0.55
"""How wide a character is on average, by the height of its text."""


def check_grouping(summary: Kind, by: By) -> Kind:
    """Return the summary if it was counted by what is asked for, or if nothing is asked for.

    Raises
    ------
    OptionError
        If it was counted by something else.
    """
    if by is not None and names_of(by) != summary.by:
        raise OptionError(
            f"the summary was counted by {summary.by or None}: count it again to draw it by {by!r}"
        )
    return summary


def artist_kwargs(kind: type[Artist], defaults: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Let a caller's keywords for an artist, short or long, take the place of ours."""
    asked = normalize_kwargs(asked, kind)
    if "color" in asked:
        # It stands for both, and matplotlib warns where it meets either.
        defaults = {name: value for name, value in defaults.items() if name not in ("edgecolor", "facecolor")}
    return {**defaults, **asked}


def page(width: float, height: float) -> Figure:
    """Make a figure of so many inches."""
    from matplotlib import pyplot  # not at the top: who brings a figure needs no pyplot

    return pyplot.figure(figsize=(width, height), layout="constrained")


def prepare_axes(ax: Axes | None, xlabel: str, rows: int = 0, square: bool = False) -> Axes:
    """Prepare the Axes to draw on: the caller's, or those of a new figure, high enough for what is in it."""
    if ax is None:
        # Not at the top: who draws on Axes of their own needs no pyplot.
        from matplotlib import pyplot

        width, height = rcParams["figure.figsize"]
        height = max(height, 1.2 + 0.45 * rows, width + 0.5 if square else 0)
        _, ax = pyplot.subplots(figsize=(width, height), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize="small")
    ax.set_xlabel(xlabel, fontsize="small", loc="left")
    return ax


def label_rows(ax: Axes, names: Sequence[object], below: Sequence[str] = (), at: float = 0) -> None:
    """Write names to the left of rows at 0, -1, -2, ...: wrapped if there is room, no larger than a row.

    Parameters
    ----------
    below
        A line to write below each name.
    at
        How far above their rows to write them.
    """
    lines = 2 if _lines(ax, len(names)) >= (3 if below else 2) else 1
    across = min(19, max(9, int(0.42 * extent(ax)[0] / (_WIDE * _small()))))
    texts = [_wrapped(name, across, lines) for name in names]
    if below:
        texts = [f"{text}\n{more}" for text, more in zip(texts, below, strict=True)]
    tallest = max((text.count("\n") + 1 for text in texts), default=1)
    widest = max((wide(line) for text in texts for line in text.splitlines()), default=0)
    size = min(_small(), _lines(ax, len(names)) * _small() / tallest, 0.45 * extent(ax)[0] / max(widest, 1))
    ax.set_yticks(at - np.arange(len(texts)), texts, fontsize=size, **PLAIN)
    ax.set_xlabel(ax.get_xlabel(), loc="right")  # there is room for it under the names
    ax.tick_params(axis="y", length=0)


def _wrapped(name: object, across: int, lines: int) -> str:
    """Write a name in one or two lines of so many characters."""
    first, *more = wrap(clean(name, lines * across), across)
    return f"{first}\n{clean(' '.join(more), across)}" if more else first


def annotate_rows(ax: Axes, title: str, figures: Sequence[str], away: float = 32, at: float = 0) -> None:
    """Write figures to the right of rows at 0, -1, -2, ..., under a title.

    Parameters
    ----------
    away
        Points from the Axes to the end of the figures.
    at
        How far above their rows to write them.
    """
    size = _small() * min(1, _lines(ax, len(figures) + 1))
    look: dict[str, Any] = {"textcoords": "offset points", "fontsize": size, "ha": "right"}
    for row, figure in enumerate(figures):
        where: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "annotation_clip": False}
        ax.annotate(figure, (1, at - row), (away, 0), va="center", **where, **look)
    ax.annotate(title, (1, 1), (away, 0), xycoords="axes fraction", va="top", **look)


def _lines(ax: Axes, rows: int) -> float:
    """Say how many lines of text fit beside each row, if a heading and a legend take some of the height."""
    return 0.6 * extent(ax)[1] / max(rows, 1) / (1.25 * _small())


def heading(ax: Axes, subject: str, by: Sequence[str], notes: Sequence[str], above: float = 0) -> None:
    """Write the title: the subject and its grouping, then n and what else must be said.

    Parameters
    ----------
    above
        Points to leave free below the title, for a legend.
    """
    grouping = f" by {clean(', '.join(by))}" if by else ""
    across = max(20, int(_room(ax) / (_WIDE * _small())))
    lines = [part for text in (subject + grouping, "; ".join(notes)) for part in wrap(text, across)]
    pad = rcParams["axes.titlepad"] + above
    ax.set_title("\n".join(lines), loc="left", fontsize="small", pad=pad, **PLAIN)


def legend(ax: Axes, handles: Sequence[Artist], labels: Sequence[str]) -> float:
    """Put a legend above the Axes, in as many columns as fit, and return its height in points."""
    longest, room = 4.5 + max(map(wide, labels)), _room(ax)
    size = min(_small(), room / longest)
    across = max(1, int(room / (size * longest)))
    drawn = ax.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=across,
        fontsize=size,
        frameon=False,
        borderpad=0,
        borderaxespad=0.4,
        handlelength=2.5,
        handletextpad=0.5,
        columnspacing=1.2,
    )
    for text in drawn.get_texts():
        text.set(**PLAIN)
    return size * 1.65 * -(-len(labels) // across)


def _room(ax: Axes) -> float:
    """Return the points from the left end of the Axes to where the next ones, or the figure, may end.

    A layout will yet move the Axes, to make room for the names beside their rows.
    """
    width, figure = extent(ax)[0], ax.figure.bbox.width / ax.figure.dpi * 72
    spec = ax.get_subplotspec()
    if spec is None:
        return figure * (1 - float(ax.get_position().x0))
    cell = min(1.45 * width, figure * len(spec.colspan) / spec.get_gridspec().ncols)
    labels = [(line, label) for label in ax.get_yticklabels() for line in label.get_text().splitlines()]
    names = max((wide(line) * float(label.get_fontsize()) for line, label in labels), default=0)
    left = names + _small() * (1.5 + 1.8 * len(ax.get_ylabel().splitlines()))
    # Axes in a column begin at one line, whatever the names of each.
    return cell - max(left, 0.27 * cell if spec.get_gridspec().ncols > 1 else 0)


def _small() -> float:
    return FontProperties(size="small").get_size_in_points()


def extent(ax: Axes) -> tuple[float, float]:
    """Return the width and the height of the Axes in points."""
    inches = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
    return inches.width * 72, inches.height * 72


def empty(ax: Axes, subject: str, by: Sequence[str], notes: Sequence[str]) -> Axes:
    """Say that there is nothing to draw."""
    heading(ax, subject, by, notes)
    ax.text(0.5, 0.5, notes[0], transform=ax.transAxes, ha="center", va="center", color="0.4")
    ax.set(xticks=[], yticks=[])
    return ax
