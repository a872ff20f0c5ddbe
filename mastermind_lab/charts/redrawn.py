"""A picture that is drawn again and again, as bytes, without pyplot and without a display."""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import signature
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure


class Redrawn:
    """Draws one chart time after time; it is laid out anew when its labels or its options have changed.

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
        self._labels: list[str] = []

    def png(self, data: Any, **options: Any) -> bytes:
        """Draw the data and return a PNG."""
        if not self._takes_ax:
            return self._of_their_own(data)
        if options != self._options:
            self._place = None
        drawn, fits = self._drawn(data, options)
        if not fits:  # labels that need more room would stand cut until the next drawing
            self._place = None
            drawn, _ = self._drawn(data, options)
        return drawn

    def _drawn(self, data: Any, options: dict[str, Any]) -> tuple[bytes, bool]:
        """Draw in the place of the last drawing, if there is one, and say whether the labels are the same."""
        figure = Figure(figsize=self.size, dpi=self.dpi, layout=None if self._place else "constrained")
        ax = figure.add_axes(self._place) if self._place else figure.add_subplot()
        self.chart(data, ax=ax, **options)
        drawn = _png(figure)
        labels = [label.get_text() for label in ax.get_yticklabels()]
        fits = self._place is None or labels == self._labels
        self._place, self._labels, self._options = ax.get_position().bounds, labels, options
        return drawn, fits

    def _of_their_own(self, data: Any) -> bytes:
        drawn = self.chart(data).figure
        try:
            return _png(drawn)
        finally:
            if "matplotlib.pyplot" in sys.modules:
                sys.modules["matplotlib.pyplot"].close(drawn)


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
