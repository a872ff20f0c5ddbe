"""Rows of a chart, at 0, -1, -2, ...: their names to the left, their figures to the right."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .figures import extent
from .text import CHARACTER, PLAIN, clean, small_size, text_width


def label_rows(ax: Axes, names: Sequence[object], below: Sequence[str] = (), at: float = 0) -> None:
    """Write names to the left of the rows: wrapped if there is room, no larger than a row.

    Parameters
    ----------
    below
        A line to write below each name.
    at
        How far above their rows to write them.
    """
    lines = 2 if _lines(ax, len(names)) >= (3 if below else 2) else 1
    across = min(19, max(9, int(0.42 * extent(ax)[0] / (CHARACTER * small_size()))))
    texts = [_wrapped(name, across, lines) for name in names]
    if below:
        texts = [f"{text}\n{more}" for text, more in zip(texts, below, strict=True)]
    tallest = max((text.count("\n") + 1 for text in texts), default=1)
    widest = max((text_width(line) for text in texts for line in text.splitlines()), default=0)
    fits = min(_lines(ax, len(names)) * small_size() / tallest, 0.45 * extent(ax)[0] / max(widest, 1))
    ax.set_yticks(at - np.arange(len(texts)), texts, fontsize=min(small_size(), fits), **PLAIN)
    ax.set_xlabel(ax.get_xlabel(), loc="right")  # there is room for it under the names
    ax.tick_params(axis="y", length=0)


def annotate_rows(ax: Axes, title: str, figures: Sequence[str], away: float = 32, at: float = 0) -> None:
    """Write figures to the right of the rows, under a title.

    Parameters
    ----------
    away
        Points from the Axes to the end of the figures.
    at
        How far above their rows to write them.
    """
    size = small_size() * min(1, _lines(ax, len(figures) + 1))
    font: dict[str, Any] = {"textcoords": "offset points", "fontsize": size, "ha": "right"}
    for row, figure in enumerate(figures):
        where: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "annotation_clip": False}
        ax.annotate(figure, (1, at - row), (away, 0), va="center", **where, **font)
    ax.annotate(title, (1, 1), (away, 0), xycoords="axes fraction", va="top", **font)


def _wrapped(name: object, across: int, lines: int) -> str:
    """Write a name in one or two lines of so many characters."""
    first, *more = wrap(clean(name, lines * across), across)
    return f"{first}\n{clean(' '.join(more), across)}" if more else first


def _lines(ax: Axes, rows: int) -> float:
    """Return how many lines of text fit into each row, if heading and legend take some of the height."""
    return 0.6 * extent(ax)[1] / max(rows, 1) / (1.25 * small_size())
