"""Charts as pictures that nobody shows: in a file that says where it comes from, on a page, in a widget."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import version
from inspect import signature
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from .drawing.figures import close, hidden_figure
from .drawing.fonts import collected

PAGE = 6.5
"""The width of a paper's page in inches; a column has about 3.3."""


def save(
    path: str | os.PathLike[str],
    chart: Callable[..., Any],
    data: Any,
    *,
    size: tuple[float, float] = (PAGE, 4.0),
    dpi: int = 200,
    **options: Any,
) -> None:
    """Write a chart to a file, drawn on a figure of its own.

    A .png or .svg says where it comes from: the sources, the first and the last id, n, what is missing, and
    the version of this package.

    Parameters
    ----------
    path
        Where to; the ending says the format (.png, .svg, .pdf).
    chart
        A chart, or any function that takes ``data`` and ``ax``, or ``figure``.
    data
        What the chart draws: a history, a frame or a summary.
    size
        Width and height in inches.
    dpi
        Dots an inch, for .png.
    **options
        The chart's own, such as ``by``.

    Raises
    ------
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab import charts
    >>> charts.save("confidence.png", charts.confidence, lab.sample(), by="meta.model")  # doctest: +SKIP
    """
    figure = hidden_figure(size)
    where = {"figure": figure} if "figure" in signature(chart).parameters else {"ax": figure.add_subplot()}
    chart(data, **where, **options)
    figure.savefig(os.path.expanduser(path), dpi=dpi, metadata=_provenance(path, data))


def sheet(pictures: list[tuple[Callable[..., Axes], Any, dict[str, Any]]]) -> Figure:
    """Draw several charts one below the other, for a paper: (chart, data, options) each."""
    figure = hidden_figure((PAGE, 3.4 * max(len(pictures), 1)))
    for place, (chart, data, options) in enumerate(pictures, 1):
        chart(data, ax=figure.add_subplot(len(pictures), 1, place), **options)
    return figure


class FastRenderer:
    """Draws one chart time after time; laid out anew when it no longer fits, or its options have changed.

    A layout costs as much again as the drawing.

    Parameters
    ----------
    chart
        A chart, or a function of a history that draws on ``ax``, where it takes one, and returns the Axes.
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
        self.said: list[str] = []

    def png(self, data: Any, **options: Any) -> bytes:
        """Draw the data and return a PNG; ``said`` is then what a chart would have warned of."""
        with collected() as self.said:
            return self._picture(data, options)

    def _picture(self, data: Any, options: dict[str, Any]) -> bytes:
        if not self._takes_ax:
            return self._on_its_own_figure(data)
        if options != self._options:
            self._place, self._options = None, options
        ax, picture = self._draw(data, options)
        if self._place and not _fits(ax):
            self._place = None
            ax, picture = self._draw(data, options)
        self._place = ax.get_position().bounds
        return picture

    def _draw(self, data: Any, options: dict[str, Any]) -> tuple[Axes, bytes]:
        """Draw at the place of the last time, or else where a layout puts it."""
        figure = hidden_figure(self.size, self.dpi, layout=self._place is None)
        ax = figure.add_axes(self._place) if self._place else figure.add_subplot()
        self.chart(data, ax=ax, **options)
        return ax, _png(figure)

    def _on_its_own_figure(self, data: Any) -> bytes:
        figure = self.chart(data).figure
        try:
            return _png(figure)
        finally:
            close(figure)


def _fits(ax: Axes) -> bool:
    """Tell whether the text at the left of and above the Axes is on the picture; below it nothing grows."""
    left = [ax.yaxis.label, *(tick.label1 for tick in ax.yaxis.majorTicks)]
    above = [child for child in ax.get_children() if isinstance(child, Text)]
    boxes = [text.get_window_extent() for text in (*left, *above) if text.get_text()]
    whole = ax.figure.bbox.padded(1)
    wide_enough = all(whole.x0 <= box.x0 and box.x1 <= whole.x1 for box in boxes)
    return wide_enough and all(text.get_window_extent().y1 <= whole.y1 for text in above)


def _png(figure: Any) -> bytes:
    file = BytesIO()
    # Hardly compressed: it is looked at for a moment, and squeezing it takes as long as drawing it.
    figure.savefig(file, format="png", pil_kwargs={"compress_level": 1})
    return file.getvalue()


def _provenance(path: str | os.PathLike[str], data: Any) -> dict[str, str] | None:
    """Describe the data by the keys that the format knows; formats other than these two have none for it."""
    program = f"mastermind_lab {version('mastermind_lab')}"
    coverage = getattr(data, "coverage", None)
    if not str(path).endswith((".png", ".svg")):
        return None
    metadata = {"Software" if str(path).endswith(".png") else "Creator": program}
    if coverage is not None:
        metadata["Source"] = "; ".join(coverage["source"].dropna().unique())
        metadata["Description"] = f"{_extent(data)}; {program}"
    return metadata


def _extent(history: Any) -> str:
    coverage = history.coverage
    first, last = (coverage[end].dropna() for end in ("first_id", "last_id"))
    ids = f"ids {first.iloc[0]} to {last.iloc[-1]}; " if len(first) else ""
    dropped = {"rejects": len(history.rejects)}
    dropped |= {name.replace("_", " "): int(coverage[name].sum()) for name in ("left_out", "missing")}
    rest = ", ".join(f"{n} {name}" for name, n in dropped.items())
    return f"n = {len(history.decisions)} decisions; {ids}{rest}"
