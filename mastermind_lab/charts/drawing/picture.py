"""What surrounds every chart: Axes of the right size, a heading that says n, a legend, the empty case."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from .figures import extent, shown_figure
from .text import CHARACTER, PLAIN, clean, small_size, text_width


class Picture:
    """The Axes of one chart, and what is written above them.

    Parameters
    ----------
    ax
        Where to draw; by default those of a new figure, high enough for the rows.
    subject, by
        What the chart shows, and the columns it is grouped by.
    notes
        What the heading says: n first, then what was left out.
    xlabel
        What is drawn along the horizontal axis, with its unit or range.
    rows
        How many rows a new figure must have room for.
    square
        Whether a new figure must be as high as it is wide.
    """

    def __init__(
        self,
        ax: Axes | None,
        subject: str,
        by: Sequence[str],
        notes: Sequence[str],
        xlabel: str,
        *,
        rows: int = 0,
        square: bool = False,
    ) -> None:
        self.ax = prepare_axes(ax, xlabel, rows, square)
        self.title = subject + (f" by {clean(', '.join(by))}" if by else "")
        self.notes = list(notes)
        self._legend_height = 0.0

    def heading(self, *more: str) -> Axes:
        """Write the title: the subject and its grouping, then n and what else must be said."""
        across = max(20, int(_text_room(self.ax) / (CHARACTER * small_size())))
        lines = [
            part for text in (self.title, "; ".join([*self.notes, *more])) for part in wrap(text, across)
        ]
        pad = rcParams["axes.titlepad"] + self._legend_height
        self.ax.set_title("\n".join(lines), loc="left", fontsize="small", pad=pad, **PLAIN)
        return self.ax

    def empty(self, *reasons: str) -> Axes:
        """Say that there is nothing to draw, and why: by default the first note."""
        self.notes = [*reasons, *self.notes]
        ax = self.heading()
        ax.text(0.5, 0.5, self.notes[0], transform=ax.transAxes, ha="center", va="center", color="0.4")
        ax.set(xticks=[], yticks=[])
        return ax

    def legend(self, handles: Sequence[Artist], labels: Sequence[str]) -> None:
        """Put a legend between heading and Axes, in as many columns as fit; write the heading after it."""
        longest, room = 4.5 + max(map(text_width, labels)), _text_room(self.ax)
        size = min(small_size(), room / longest)
        columns = max(1, int(room / (size * longest)))
        drawn = self.ax.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=columns,
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
        self._legend_height = size * 1.65 * -(-len(labels) // columns)


def prepare_axes(ax: Axes | None, xlabel: str, rows: int, square: bool) -> Axes:
    """Prepare the Axes to draw on: the caller's, or those of a new figure, high enough for what is in it."""
    if ax is None:
        width, height = rcParams["figure.figsize"]
        ax = shown_figure(width, max(height, 1.2 + 0.45 * rows, width + 0.5 if square else 0)).subplots()
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize="small")
    ax.set_xlabel(xlabel, fontsize="small", loc="left")
    return ax


def _text_room(ax: Axes) -> float:
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
