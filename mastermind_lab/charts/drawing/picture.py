"""What surrounds every chart: Axes of the right size, a heading that says n, a legend, names of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from ...stats.engine.intervals import NONE
from ...stats.engine.summary import Summary
from .caption import keep
from .figures import extent, shown_figure
from .ink import MUTED, shade
from .text import CHARACTER, PLAIN, clean, fitted, names_apart, small_size, text_width

_LEGEND: dict[str, Any] = {
    "loc": "lower left",
    "bbox_to_anchor": (0, 1),
    "borderaxespad": 0.4,
    "borderpad": 0,
}
_LEGEND |= {"frameon": False, "handlelength": 2.5, "handletextpad": 0.5, "columnspacing": 1.2}


class Picture:
    """The Axes of one chart, and what is written above them: subject, grouping and n; the caption has more.

    Without ``ax`` a new figure is made, high enough for ``rows``, or ``square``. ``notes`` begin with n, and
    go on with what the summary says of its intervals; ``xlabel`` says what is drawn along the horizontal
    axis, with its unit or range.
    """

    def __init__(
        self, ax: Axes | None, subject: str, summary: Summary | None, notes: Sequence[str], xlabel: str,
        *, rows: int = 0, square: bool = False,
    ) -> None:  # fmt: skip
        self.ax = prepare_axes(ax, xlabel, rows, square)
        self.by, more = (summary.by, summary.notes) if summary else ((), ())
        self.notes = [*notes, *more]
        self.title = subject + grouped_by(self.by)
        self._handles: list[Artist] = []
        self._labels: list[str] = []

    def legend(self, handles: Sequence[Artist], labels: Sequence[str]) -> None:
        """Name marks; they stand above the Axes where there are groups, or several kinds of marks."""
        self._handles += handles
        self._labels += labels

    def heading(self, *more: str, methods: Iterable[str] = ()) -> Axes:
        """Write the legend, and above it subject, grouping and n; the caption says that and all else.

        ``methods`` say how each interval that is drawn was made.
        """
        legend_height = self._write_legend() if len(self._labels) > (0 if self.by else 1) else 0
        room = text_room(self.ax) / small_size()
        pad = rcParams["axes.titlepad"] + legend_height
        lines = f"{fitted(self.title, room)}\n{fitted(self.notes[0], room)}"
        self.ax.set_title(lines, loc="left", fontsize="small", pad=pad, **PLAIN)
        made = dict.fromkeys(part for method in methods for part in method.split(", ") if part != NONE)
        intervals = [f"intervals: {', '.join(made)}"] if made else []
        keep(self.ax, [self.title, *self.notes, *more, *intervals])
        return self.ax

    def empty(self, *reasons: str) -> Axes:
        """Say that there is nothing to draw, and why: by default the first note."""
        ax = self.heading(*reasons)
        where: dict[str, Any] = {"transform": ax.transAxes, "ha": "center", "va": "center"}
        across = max(12, int(extent(ax)[0] / (1.3 * CHARACTER * small_size())))
        ax.text(
            0.5, 0.5, "\n".join(wrap([*reasons, *self.notes][0], across)), color=shade(ax, MUTED), **where
        )
        ax.set(xticks=[], yticks=[])
        return ax

    def _write_legend(self) -> float:
        """Put the legend above the Axes, in as many columns as fit, and return its height in points."""
        longest, room = 4.5 + max(map(text_width, self._labels)), text_room(self.ax)
        size = min(small_size(), room / longest)
        columns = max(1, int(room / (size * longest)))
        legend = self.ax.legend(self._handles, self._labels, ncols=columns, fontsize=size, **_LEGEND)
        for text in legend.get_texts():
            text.set(**PLAIN)
        return size * 1.65 * -(-len(self._labels) // columns)


def grouped_by(columns: Sequence[str]) -> str:
    """Say what a subject is grouped by: columns by their last names, if these tell them apart."""
    short = [column.partition(".")[2] or column for column in columns]
    names = short if len(set(short)) == len(short) else columns
    return f" by {clean(', '.join(names))}" if columns else ""


def retitle(ax: Axes, title: str) -> None:
    """Put a caller's words in the place of subject and grouping."""
    _, _, n = ax.get_title(loc="left").partition("\n")
    ax.set_title(f"{clean(title, 200)}\n{n}", loc="left", fontsize="small", **PLAIN)


def prepare_axes(ax: Axes | None, xlabel: str, rows: int, square: bool) -> Axes:
    """Prepare the Axes to draw on: the caller's, or those of a new figure, high enough for what is in it."""
    if ax is None:
        width, height = rcParams["figure.figsize"]
        ax = shown_figure(width, max(height, 1.2 + 0.45 * rows, width + 0.5 if square else 0)).subplots()
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(False)  # a style's would lie over squares, trees and limits: who needs one draws it
    ax.tick_params(labelsize="small")
    ax.set_xlabel(xlabel, fontsize="small", loc="left")
    return ax


def label_rows(ax: Axes, names: Sequence[object], below: Sequence[str] = (), at: float = 0) -> None:
    """Write names, and a line below each, to the left of rows at 0, -1, -2, ..., or a little above them.

    They are wrapped if there is room, and no larger than a row.
    """
    lines = 2 if _lines(ax, len(names)) >= (3 if below else 2) else 1
    across = min(19, max(9, int(0.42 * extent(ax)[0] / (CHARACTER * small_size()))))
    texts = [_wrapped(name, across) for name in names_apart(names, lines * across)]
    if below:
        texts = [f"{text}\n{more}" for text, more in zip(texts, below, strict=True)]
    tallest = max((text.count("\n") + 1 for text in texts), default=1)
    widest = max((text_width(line) for text in texts for line in text.splitlines()), default=0)
    fits = min(_lines(ax, len(names)) * small_size() / tallest, 0.45 * extent(ax)[0] / max(widest, 1))
    ax.set_yticks(at - np.arange(len(texts)), texts, fontsize=min(small_size(), fits), **PLAIN)
    ax.set_xlabel(ax.get_xlabel(), loc="right")  # there is room for it under the names
    ax.tick_params(axis="y", length=0)


def annotate_rows(ax: Axes, title: str, figures: Sequence[str], away: float = 32, at: float = 0) -> None:
    """Write figures to the right of rows, under a title, so many points away from the Axes, or more."""
    size = small_size() * min(1, _lines(ax, len(figures) + 1))
    away = max(away, 6 + size * max(map(text_width, (title, *figures))))
    font: dict[str, Any] = {"textcoords": "offset points", "fontsize": size, "ha": "right"}
    for row, figure in enumerate(figures):
        where: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "annotation_clip": False}
        ax.annotate(figure, (1, at - row), (away, 0), va="center", **where, **font)
    ax.annotate(title, (1, 1), (away, 0), xycoords="axes fraction", va="top", **font)


def _wrapped(name: str, across: int) -> str:
    """Write a name in one line of so many characters or in two, broken between words if the rest fits."""
    if len(name) <= across:
        return name
    ends = [one.end() for one in re.finditer(r"[\s/_:-]", name) if len(name) - across <= one.end() <= across]
    place = max(ends, default=across)
    return f"{name[:place].rstrip()}\n{name[place:].lstrip()}"


def _lines(ax: Axes, rows: int) -> float:
    """Return how many lines of text fit into each row, if heading and legend take some of the height."""
    return 0.6 * extent(ax)[1] / max(rows, 1) / (1.25 * small_size())


def text_room(ax: Axes) -> float:
    """Return the points from the left end of the Axes to where the next ones, or the figure, may end.

    A layout will yet move the Axes, to make room for the names at the left of their rows.
    """
    width, figure = extent(ax)[0], ax.figure.bbox.width / ax.figure.dpi * 72
    spec = ax.get_subplotspec()
    if spec is None:
        return figure * (1 - float(ax.get_position().x0))
    cell = min(1.45 * width, figure * len(spec.colspan) / spec.get_gridspec().ncols)
    labels = [(line, label) for label in ax.get_yticklabels() for line in label.get_text().splitlines()]
    names = max((text_width(line) * float(label.get_fontsize()) for line, label in labels), default=0)
    left = names + small_size() * (1.5 + 1.8 * len(ax.get_ylabel().splitlines()))
    # Axes in a column begin at one line, whatever the names of each.
    return cell - max(left, 0.27 * cell if spec.get_gridspec().ncols > 1 else 0)
