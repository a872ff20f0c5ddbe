"""Figures: those that a notebook shows, those that nobody shows, and how much room there is on them."""

from __future__ import annotations

import sys

from matplotlib import get_backend
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def shown_figure(width: float, height: float) -> Figure:
    """Make a figure of so many inches that pyplot knows: a notebook shows it below the cell."""
    from matplotlib import pyplot  # not at the top: who brings Axes or a figure needs no pyplot

    return pyplot.figure(figsize=(width, height), layout="constrained")


def returned_figure(width: float, height: float) -> Figure:
    """Make a figure that is returned as a whole: a notebook shows it where a cell ends with it, and once."""
    figure = shown_figure(width, height)
    if "inline" in get_backend():
        close(figure)  # or it would be shown below the cell, too
    return figure


def hidden_figure(size: tuple[float, float], dpi: int | None = None, layout: bool = True) -> Figure:
    """Make a figure of so many inches that pyplot does not know: for a file, or for a widget.

    Parameters
    ----------
    layout
        Whether matplotlib arranges the Axes, or they stand where they are put.
    """
    return Figure(figsize=size, dpi=dpi, layout="constrained" if layout else None)


def close(figure: object) -> None:
    """Make pyplot forget a figure that somebody else drew, if pyplot is in use at all."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)


def extent(ax: Axes) -> tuple[float, float]:
    """Return the width and the height of the Axes in points."""
    inches = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
    return inches.width * 72, inches.height * 72
