"""Lines of several groups: named where they end, or each in a panel of its own on shared axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ...stats.engine.bootstrap import Floats
from .change_lines import date_axis
from .figures import extent, usual_size, without_labels
from .picture import Picture, say_nothing_known, text_room
from .style import Style, styles_on
from .text import LEAST, PLAIN, fitted_apart, small_size, text_width, tiny_size

TOGETHER = 3
"""Groups whose lines one pair of axes holds; more have a panel each."""

MOST = 12
"""Panels that stay readable in one chart."""

_WIDE, _TALL = 9.6, 7.9  # heights of small text: a panel with what is written around it
_YEAR = 7.5  # what stands at the right below an axis of times
_GAP = 1.7  # and what is between two side by side, so that the ends of their scales do not meet


def rows_of_panels(groups: int, together: int = TOGETHER) -> int:
    """Return how many rows of a new figure so many groups need, as the height of figures is counted."""
    if groups <= together:
        return 1 + groups
    columns = _columns(0.775 * 72 * usual_size()[0])
    return round(2.6 * -(-min(groups, MOST) // columns))


def room_for_panels(ax: Axes) -> int:
    """Return how many panels find room."""
    width, height = extent(ax)
    return min(MOST, max(TOGETHER, _columns(width) * int(height / _TALL / small_size())))


def _columns(width: float) -> int:
    return max(1, int(width / _WIDE / small_size()))


def panels(ax: Axes, names: Sequence[str], more: Sequence[str]) -> list[Axes]:
    """Divide the Axes into panels that share their scales, each under a name; the labels stay around all.

    ``more`` is what stands beside each name, its n first.
    """
    width, height = extent(ax)
    columns = min(len(names), _columns(width))
    rows = -(-len(names) // columns)
    columns = -(-len(names) // rows)  # so that the last row is not all but empty
    gap = _GAP * small_size()
    wide = (width + gap) / columns - gap
    size = float(np.clip(wide / max(map(text_width, more)), LEAST, 0.96 * small_size()))
    tall = height / rows - 3.1 * size
    ax.spines[:].set_visible(False)
    ax.set(xticks=[], yticks=[])
    ax.xaxis.labelpad, ax.yaxis.labelpad = 2.1 * size, 3.3 * size
    made: list[Axes] = []
    room = (max(width, _room(ax)) + gap) / columns - gap
    for place, (name, text) in enumerate(zip(fitted_apart(names, room / size), more, strict=True)):
        row, column = divmod(place, columns)
        shared: dict[str, Any] = {"sharex": made[0], "sharey": made[0]} if made else {}
        at = (column * (wide + gap) / width, 1 - (row + 1) / rows, wide / width, tall / height)
        panel = ax.inset_axes(at, **shared)
        if text.startswith("n = 0"):
            text = "n = 0"  # and nothing that is made of them
            say_nothing_known(panel, 0.5, 0.5, panel.transAxes)
        panel.set_title(f"{name}\n{text}", loc="left", y=1, fontsize=size, pad=3, **PLAIN)
        panel.spines[["top", "right"]].set_visible(False)
        panel.locator_params(axis="x", nbins=3)
        below, left = place + columns >= len(names), column == 0
        panel.tick_params(labelsize=min(size, tiny_size()), length=2, labelleft=left, labelbottom=below)
        panel.xaxis.set_visible(below)  # ticks without labels would take as long again
        panel.yaxis.set_visible(left)
        # The pads of the labels hold what is around the others, which a layout need not measure.
        panel.set_in_layout(below and column == columns - 1)
        without_labels(panel)
        made.append(panel)
    return made


def _room(ax: Axes) -> float:
    """Return the points across that a layout will give to all panels, 0 where none will."""
    figure = ax.get_figure(root=True)
    return text_room(ax) if figure and figure.get_layout_engine() else 0.0


def dates_below(ax: Axes, every_ax: Sequence[Axes]) -> None:
    """Let the panels, or the Axes themselves, say their times, when all is drawn; the last says the year."""
    for one in every_ax[:-1]:
        one.xaxis.get_offset_text().set_visible(False)
    date_axis(every_ax[-1])  # panels have one scale
    last, small = every_ax[-1].get_window_extent().x1 - ax.get_window_extent().x0, small_size()
    if last / ax.figure.dpi * 72 < (text_width(ax.get_xlabel()) + _YEAR) * small:
        ax.xaxis.labelpad += 1.2 * small  # or the label would meet the year


def marker_size(ax: Axes) -> float:
    """Return how large the markers along a line are, which in a panel is short."""
    return float(np.clip(extent(ax)[0] / 36, 2.5, 4))


def alone(ax: Axes) -> Style:
    """Return how the only line in a panel looks."""
    return styles_on(ax)[1]._replace(line="-", marker="o")


def name_lines(picture: Picture, lines: Sequence[Line2D], names: Sequence[str], more: Sequence[str]) -> None:
    """Name each line where it ends, if all end at the right and apart; else in the legend.

    ``more`` is what stands beside a name, its n first. The vertical limits must be those of the picture.
    """
    ax, size = picture.ax, small_size()
    ends = np.array([_end(line) for line in lines])
    if len(lines) < 2 or not _apart(ax, ends, 1.3 * size * (2 + max(text.count(", ") for text in more))):
        picture.legend(lines, [f"{name} ({text})" for name, text in zip(names, more, strict=True)])
        return
    room = 0.2 * ax.figure.bbox.width / ax.figure.dpi * 72 / size
    shown = fitted_apart(names, room)
    where: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    where |= {"va": "center", "fontsize": size, "annotation_clip": False, **PLAIN}
    for name, text, (_, end) in zip(shown, more, ends, strict=True):
        ax.annotate("\n".join([name, *text.split(", ")]), (1, end), (4, 0), **where)


def _apart(ax: Axes, ends: Floats, tall: float) -> bool:
    """Tell whether words so tall find room where lines end, and whether all end near the right."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    heights = np.sort((ends[:, 1] - bottom) / (top - bottom) * extent(ax)[1])
    return bool(np.diff(heights).min() >= tall and ends[:, 0].min() >= right - 0.1 * (right - left))


def _end(line: Line2D) -> tuple[float, float]:
    """Return where a line ends, NaN if there is none."""
    points = np.column_stack(line.get_data(orig=False))
    points = points[~np.isnan(points).any(axis=1)]
    return (float(points[-1, 0]), float(points[-1, 1])) if len(points) else (np.nan, np.nan)
