"""What surrounds every chart: Axes of the right size, a heading that says n, a legend, names of rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation, Transform

from ...stats.engine.intervals import NONE
from ...stats.engine.summary import REST, Summary
from ...text import column_label
from .caption import keep, letters
from .figures import cell, extent, grow, growing_axes, is_growing, usual_size
from .ink import MUTED, shade
from .text import (
    HINTED,
    LEAST,
    PLAIN,
    clean,
    cut_by_kind,
    fitted,
    names_apart,
    small_size,
    text_width,
    tiny_size,
    wrapped,
)

_LEGEND: dict[str, Any] = {
    "loc": "lower left",
    "bbox_to_anchor": (0, 1),
    "borderaxespad": 0.4,
    "borderpad": 0,
}
_LEGEND |= {"frameon": False, "handlelength": 2.5, "handletextpad": 0.5, "columnspacing": 1.2}

_FEWEST = 6  # characters of a name
_SMALLER = 1.2  # how much smaller a name is set rather than cut
_LINE = 1.25  # from one line of text to the next, by its height
_AROUND = 1.2  # inches of a new figure for all but its rows and its legend
_EMPTY = 2.4  # inches of a new figure on which there is nothing
_PAGE = 7.5 * 72  # the most points that the rows of a new figure and its legend take: then it fits a page
# Points that the names of rows take, and the figures beside them, by the paper of the Axes, as captions are.
_LEFT: WeakKeyDictionary[Artist, float] = WeakKeyDictionary()
_RIGHT: WeakKeyDictionary[Artist, float] = WeakKeyDictionary()


class Column(NamedTuple):
    """Figures to write to the right of the rows, under a title."""

    title: str
    figures: Sequence[str]


class Picture:
    """The Axes of one chart, and what is written above them: subject, grouping and n; the caption has more.

    Without ``ax`` a new figure is made, so many ``inches`` high, or high enough for ``rows``, or ``square``.
    ``notes`` begin with n, and go on with what the summary says of its intervals; ``xlabel`` says what is
    drawn along the horizontal axis, with its unit or range.
    """

    def __init__(
        self, ax: Axes | None, subject: str, summary: Summary | None, notes: Sequence[str], xlabel: str,
        *, rows: int = 0, inches: float = 0, square: bool = False,
    ) -> None:  # fmt: skip
        self.ax = prepare_axes(ax, xlabel, rows, square, inches)
        self.by, more = (summary.by, summary.notes) if summary else ((), ())
        self.notes = [*notes, *more]
        self.title = subject + grouped_by(self.by)
        self._handles: list[Artist] = []
        self._labels: list[str] = []
        self._rests: dict[str, None] = {}

    def note_rest(self, names: Iterable[object]) -> None:
        """Note for the caption which of the groups, voters or choices that are drawn are several, as one.

        Their names are those of a table: one that only looks like it has quotes there.
        """
        self._rests |= dict.fromkeys(name for name in map(str, names) if REST.fullmatch(name))

    def legend(self, handles: Sequence[Artist], labels: Sequence[str]) -> None:
        """Name marks; they stand above the Axes where there are groups, or several kinds of marks."""
        self._handles += handles
        self._labels += labels

    def heading(self, *more: str, methods: Iterable[str] = (), interval: str = "line") -> Axes:
        """Write the legend, and above it subject, grouping and n; the caption says that and all else.

        ``methods`` say how each interval was made that is drawn as ``interval``, a line or a band.
        """
        legend_height = self._write_legend() if len(self._labels) > (0 if self.by else 1) else 0
        room = HINTED * text_room(self.ax) / small_size()
        pad = rcParams["axes.titlepad"] + legend_height
        lines = f"{fitted(self.title, room)}\n{fitted(self.notes[0], room)}"
        # Where it is told to be, matplotlib need not look for ticks in its way at each drawing.
        title = self.ax.set_title(lines, loc="left", y=1, fontsize="small", pad=pad, **PLAIN)
        title.set_transform(_from_the_names(self.ax, title.get_transform()))
        label_below(self.ax, self.ax.get_xlabel())
        grow(self.ax, legend_height)
        keep(self.ax, [self.title, *self.notes, *more, _as_one(self._rests), _intervals(methods, interval)])
        return self.ax

    def empty(self, *reasons: str) -> Axes:
        """Say that there is nothing to draw, and why: by default the first note, and what was left out."""
        ax = self.heading(*reasons)
        grow(ax, min(0, 72 * _EMPTY - ax.figure.bbox.height / ax.figure.dpi * 72))
        where: dict[str, Any] = {"transform": ax.transAxes, "ha": "center", "va": "center"}
        left_out = [note for note in self.notes if note.endswith(" left out")]
        why = reasons[0] if reasons else ", ".join([self.notes[0], *left_out])
        lines = wrapped(why, 0.9 * extent(ax)[0] / small_size())
        ax.text(0.5, 0.5, "\n".join(lines), color=shade(ax, MUTED), fontsize="small", **where)
        ax.set(xticks=[], yticks=[])
        return ax

    def _write_legend(self) -> float:
        """Put the legend above the Axes, in as many columns as fit, and return its height in points."""
        ax, labels = self.ax, [from_the_left(label) for label in self._labels]
        longest, room = 4.5 + max(map(text_width, labels)), text_room(ax)
        size = min(small_size(), max(LEAST, room / longest))
        columns = max(1, int(room / (size * longest)))
        where = _from_the_names(ax, ax.transAxes)
        legend = ax.legend(
            self._handles, labels, ncols=columns, fontsize=size, bbox_transform=where, **_LEGEND
        )
        for text in legend.get_texts():
            text.set(**PLAIN)
        return size * 1.65 * -(-len(labels) // columns)


def _as_one(rests: Collection[str]) -> str:
    """Say that several of what is drawn find no room of their own."""
    return f"{' and '.join(rests)}: the smallest, drawn as one" if rests else ""


def _intervals(methods: Iterable[str], mark: str) -> str:
    """Say how intervals are drawn, and how they were made, where there should be some."""
    asked = dict.fromkeys(part for method in methods for part in method.split(", "))
    made = ", ".join(part for part in asked if part != NONE)
    return f"{mark}: 95% interval ({made})" if made else "no interval is known" if asked else ""


def say_nothing_known(ax: Axes, x: float, y: float, transform: Transform) -> None:
    """Say in the place of a group's marks that the data say nothing of it."""
    font: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": tiny_size()}
    ax.text(x, y, "nothing known", color=shade(ax, MUTED), transform=transform, **font)


def _from_the_names(ax: Axes, transform: Transform) -> Transform:
    """Begin where the names of the rows do, instead of where the Axes do."""
    return transform + ScaledTranslation(-_LEFT.get(ax.patch, 0) / 72, 0, ax.figure.dpi_scale_trans)


def from_the_left(label: str) -> str:
    """Keep what stands behind an Arabic or Hebrew name behind it."""
    turned = any(unicodedata.bidirectional(one) in ("R", "AL") for one in label)
    return f"\N{LEFT-TO-RIGHT MARK}{label}" if turned else label


def grouped_by(columns: Sequence[str]) -> str:
    """Say what a subject is grouped by: columns by their short names, if these tell them apart."""
    short = [column_label(column) for column in columns]
    names = short if len(set(short)) == len(short) else columns
    return f" by {clean(', '.join(names))}" if columns else ""


def retitle(ax: Axes, title: str) -> None:
    """Put a caller's words in the place of subject and grouping, on as many lines as they need."""
    _, _, n = (there := ax.get_title(loc="left")).rpartition("\n")
    lines = wrapped(clean(title, 400), HINTED * text_room(ax) / small_size()) if title.strip() else []
    # Not by set_title, which would put it where the legend is.
    written = next(one for one in ax.get_children() if isinstance(one, Text) and one.get_text() == there)
    written.set(text="\n".join([*lines, n]), **PLAIN)
    grow(ax, _LINE * small_size() * (len(lines) - there.count("\n")))


def letter_titles(figure: Figure | SubFigure) -> None:
    """Put before the title of each of several charts the letter that the caption calls it by."""
    for ax, letter in letters(figure).items():
        title, _, _ = ax.get_title(loc="left").rpartition("\n")
        retitle(ax, f"{letter} {title}")


def label_below(ax: Axes, words: str) -> None:
    """Say what is drawn along the horizontal axis, on as many lines as the picture's width asks for."""
    lines = wrapped(words, (text_room(ax) - _RIGHT.get(ax.patch, 0)) / small_size()) if words else []
    ax.xaxis.label.set(text="\n".join(lines), **PLAIN)


def prepare_axes(ax: Axes | None, xlabel: str, rows: int, square: bool, inches: float = 0) -> Axes:
    """Prepare the Axes to draw on: the caller's, or those of a new figure, high enough for what is in it."""
    ax = ax or growing_axes(*usual_size())
    whole = ax.figure.bbox.transformed(ax.figure.dpi_scale_trans.inverted())
    high = inches or max(whole.height, _AROUND + 0.45 * rows, whole.width + 0.5 if square else 0)
    grow(ax, 72 * (high - whole.height))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(False)  # a style's would lie over squares, trees and limits: who needs one draws it
    ax.tick_params(labelsize=small_size())
    ax.set_xlabel(xlabel, fontsize="small", loc="left")
    return ax


def label_rows(
    ax: Axes, names: Sequence[object], below: Sequence[str] = (), at: float = 0,
    beside: Column | None = None, series: int = 0,
) -> None:  # fmt: skip
    """Write names, and a line below each, to the left of rows at 0, -1, -2, ..., or a little above them.

    Figures may stand to the right of them, and a legend of so many series above. The data keep half of the
    width; so names are wrapped, cut, and set a little smaller, but never too small to be read.
    """
    small, high = small_size(), row_height(ax, len(names), series)
    away = _away(ax, beside) if beside else 0
    below = below if high >= 2 * _LINE * LEAST else ()
    lines = 2 if high >= (3 if below else 2) * _LINE * small else 1
    size = max(min(LEAST, small), min(small, high / _LINE / (lines + bool(below))))
    room = min(0.4 * cell(ax)[0], 0.45 * cell(ax)[0] - away - 8 - _LINE * small * _lines_beside(ax))
    texts = cut_by_kind(names, room / size, partial(_cut_alike, lines=lines))
    if below:
        texts = [f"{text}\n{more}" for text, more in zip(texts, below, strict=True)]
    widest = max(1, _widest(texts))
    size = max(min(LEAST, small), min(size, room / widest))
    ax.set_yticks(at - np.arange(len(texts)), texts, fontsize=size, **PLAIN)
    ax.set_xlabel(ax.get_xlabel(), loc="right")  # there is room for it under the names
    ax.tick_params(axis="y", length=0)
    _LEFT[ax.patch] = widest * size + rcParams["ytick.major.pad"] - 0.5  # drawn letters stand on whole dots
    if beside:
        _RIGHT[ax.patch] = away
        annotate_rows(ax, beside.title, beside.figures, away, at)


def annotate_rows(
    ax: Axes, title: str, figures: Sequence[str], away: float = 32, at: float = 0, top: float | None = None
) -> None:
    """Write figures to the right of rows, so many points away from the Axes, or more.

    Their title stands below the top of the Axes, or above a height in rows.
    """
    column = Column(title, figures)
    away, size = max(away, _away(ax, column)), _beside_size(ax, column)
    font: dict[str, Any] = {"textcoords": "offset points", "fontsize": size, "ha": "right"}
    font |= {"annotation_clip": False}
    by_row: Any = ax.get_yaxis_transform()
    for row, figure in enumerate(figures):
        ax.annotate(figure, (1, at - row), (away, 0), xycoords=by_row, va="center", **font)
    if top is None:
        ax.annotate(title, (1, 1), (away, 0), xycoords="axes fraction", va="top", **font)
    else:
        ax.annotate(title, (1, top), (away, 0), xycoords=by_row, va="bottom", **font)


def inches_of(rows: int, *, lines: int = 1, lanes: int = 1) -> float:
    """Return how high a new figure is for rows, each so many lines of text high, or lanes."""
    return _AROUND + rows * max(0.15 + 0.15 * lines, 0.09 * lanes)


def row_height(ax: Axes, rows: int, series: int) -> float:
    """Return how many points high each of so many rows is, under a legend of series."""
    return (_rows_height(ax) - _legend_height(ax, series)) / max(rows, 1)


def rows_that_fit(ax: Axes | None, most: int, *, lines: int = 1, lanes: int = 1, series: int = 0) -> int:
    """Return how many rows can be read, each so many lines of text high, or lanes, under a legend of series.

    On a new figure that is what a page holds, else what the Axes do.
    """
    if ax is None or is_growing(ax):
        each, height = 72 * (inches_of(1, lines=lines, lanes=lanes) - _AROUND), _PAGE
    else:
        each, height = max(lines * _LINE * small_size(), 5.0 * lanes), _rows_height(ax)
    return max(2, min(most, int((height - _legend_height(ax, series)) / each)))


def series_that_fit(ax: Axes | None, most: int) -> int:
    """Return how many names a legend may have that leaves most of the height to the data."""
    if ax is None or is_growing(ax):
        return most
    fitting = [
        few for few in range(2, most) if _legend_height(ax, few + 1) > _rows_height(ax) - 0.4 * cell(ax)[1]
    ]
    return min(fitting, default=most)


def _legend_height(ax: Axes | None, series: int) -> float:
    columns = 1 if ax is None else max(1, int(cell(ax)[0] / (21 * small_size())))
    return 1.65 * small_size() * -(-series // columns)


def _rows_height(ax: Axes) -> float:
    """Return the points for rows and legend between the heading and what stands below the Axes."""
    return cell(ax)[1] - 6.5 * small_size() - float(rcParams["axes.titlepad"]) - 6


def _cut_alike(names: Sequence[object], room: float, lines: int) -> list[str]:
    across = min(30, max(_FEWEST, int(room / 0.4)))
    while True:
        most = across if lines == 1 else 5 * across // 3  # which leaves a choice of where to break them
        texts = [_wrapped(name, across) for name in names_apart(names, most)]
        widest = _widest(texts)
        if widest <= _SMALLER * room or across <= _FEWEST:
            return texts
        across = max(_FEWEST, min(across - 1, int(_SMALLER * across * room / widest)))


def _widest(texts: Sequence[str]) -> float:
    return max((text_width(line) for text in texts for line in text.splitlines()), default=0)


def _wrapped(name: str, across: int) -> str:
    """Write a name in one line of so many characters or in two, broken between words if the rest fits."""
    if len(name) <= across:
        return name
    ends = [
        one.end()
        for one in re.finditer(r"[\s/_:\N{HORIZONTAL ELLIPSIS}-]", name)
        if len(name) - across <= one.end() <= across
    ]
    middle = -(-len(name) // 2)
    place = min(ends, key=lambda end: abs(end - middle), default=middle)
    return f"{name[:place].rstrip()}\n{name[place:].lstrip()}"


def _away(ax: Axes, column: Column) -> float:
    """Return how far beside the Axes a column ends; in a narrow picture its title begins above the data."""
    size, wide = _beside_size(ax, column), cell(ax)[0]
    return 6 + max(
        size * max(map(text_width, column.figures), default=0),
        min(size * text_width(column.title), 0.13 * wide),
    )


def _beside_size(ax: Axes, column: Column) -> float:
    fits = _rows_height(ax) / (len(column.figures) + 1) / _LINE
    return min(small_size(), max(LEAST, fits))


def _lines_beside(ax: Axes) -> int:
    return len(ax.get_ylabel().splitlines())


def text_room(ax: Axes) -> float:
    """Return the points from where the names of rows begin to where the next Axes, or the figure, may end.

    A layout will yet move the Axes, to make room for what stands at their left.
    """
    spec, wide, small = ax.get_subplotspec(), cell(ax)[0], small_size()
    if spec is None and ax.patch not in _LEFT:
        return ax.figure.bbox.width / ax.figure.dpi * 72 * (1 - float(ax.get_position().x0))
    beside = ax.yaxis.labelpad - float(rcParams["axes.labelpad"])  # in which panels have their ticks' labels
    left = small * 1.8 * _lines_beside(ax) + 6 + max(0.0, beside)
    if ax.patch not in _LEFT:
        labels = [(line, label) for label in ax.get_yticklabels() for line in label.get_text().splitlines()]
        left += (
            max((text_width(line) * float(label.get_fontsize()) for line, label in labels), default=0) + 10
        )
    # Axes of one grid begin at one line, whatever the names of each.
    several = spec is not None and spec.get_gridspec().get_geometry() != (1, 1)
    return wide - max(left, 0.27 * wide - _LEFT.get(ax.patch, 0) if several else 0)
