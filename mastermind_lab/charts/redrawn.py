"""A picture that is drawn again and again, as bytes, without pyplot and without a display."""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import signature
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text


class Redrawn:
    """Draws one chart time after time; laid out anew when it no longer fits, or its options have changed.

    A layout costs as much again as the drawing.

    Parameters
    ----------
    chart
        One of the charts of this room, or a function of a history that draws on ``ax``, where it takes one,
        and returns the Axes.
    size
        Width and height in inches.
    dpi
        Dots an inch.
    """

    def __init__(
        self, chart: Callable[..., Axes], size: tuple[float, float] = (5.2, 3.2), dpi: int = 96
    ) -> None:
        self.chart, self.size, self.dpi = chart, size, dpi
        self._takes_ax = "ax" in signature(chart).parameters
        self._place: tuple[float, float, float, float] | None = None
        self._options: dict[str, Any] = {}

    def png(self, data: Any, **options: Any) -> bytes:
        """Draw the data and return a PNG."""
        if not self._takes_ax:
            return self._of_their_own(data)
        if options != self._options:
            self._place, self._options = None, options
        ax, drawn = self._drawn(data, options)
        if self._place and not _fits(ax):
            self._place = None
            ax, drawn = self._drawn(data, options)
        self._place = ax.get_position().bounds
        return drawn

    def _drawn(self, data: Any, options: dict[str, Any]) -> tuple[Axes, bytes]:
        """Draw at the place of the last time, or else where a layout puts it."""
        figure = Figure(figsize=self.size, dpi=self.dpi, layout=None if self._place else "constrained")
        ax = figure.add_axes(self._place) if self._place else figure.add_subplot()
        self.chart(data, ax=ax, **options)
        return ax, _png(figure)

    def _of_their_own(self, data: Any) -> bytes:
        drawn = self.chart(data).figure
        try:
            return _png(drawn)
        finally:
            if "matplotlib.pyplot" in sys.modules:
                sys.modules["matplotlib.pyplot"].close(drawn)


def _fits(ax: Axes) -> bool:
    """Tell whether the words beside and above the Axes are on the picture; below it nothing grows."""
    beside = [ax.yaxis.label, *(tick.label1 for tick in ax.yaxis.majorTicks)]
    above = [child for child in ax.get_children() if isinstance(child, Text)]
    boxes = [word.get_window_extent() for word in (*beside, *above) if word.get_text()]
    whole = ax.figure.bbox.padded(1)
    wide = all(whole.x0 <= box.x0 and box.x1 <= whole.x1 for box in boxes)
    return wide and all(word.get_window_extent().y1 <= whole.y1 for word in above)


def _png(figure: Any) -> bytes:
    file = BytesIO()
    # Hardly compressed: it is looked at for a moment, and squeezing it takes as long as drawing it.
    figure.savefig(file, format="png", pil_kwargs={"compress_level": 1})
    return file.getvalue()


def sheet(pictures: list[tuple[Callable[..., Axes], Any, dict[str, Any]]]) -> Figure:
    """Draw several charts one below the other, for a paper: (chart, data, options) each."""
    figure = Figure(figsize=(6.5, 3.4 * max(len(pictures), 1)), layout="constrained")
    for place, (chart, data, options) in enumerate(pictures, 1):
        chart(data, ax=figure.add_subplot(len(pictures), 1, place), **options)
    return figure
