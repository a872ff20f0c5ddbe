"""A chart as a file, without pyplot and without a display."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLUMN, PAGE = 3.3, 6.5
"""Widths in inches: a paper's column, and its page."""


def save(
    path: str | os.PathLike[str],
    chart: Callable[..., Axes],
    data: Any,
    *,
    size: tuple[float, float] = (PAGE, 4.0),
    dpi: int = 200,
    **options: Any,
) -> None:
    """Draw a chart on a figure of its own and write it to a file.

    Parameters
    ----------
    path
        Where to; the ending says the format (.png, .svg, .pdf).
    chart
        One of the charts of this room, or any function that takes ``data`` and ``ax``.
    data
        A history, a frame or a summary.
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
    figure = Figure(figsize=size, layout="constrained")
    chart(data, ax=figure.add_subplot(), **options)
    figure.savefig(path, dpi=dpi)
