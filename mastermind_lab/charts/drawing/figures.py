"""Figures: those that a notebook shows, those that nobody shows, and how much room there is on them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from threading import RLock
from typing import Any, cast
from weakref import WeakSet

import numpy as np
from matplotlib import get_backend, rcParams
from matplotlib.axes import Axes
from matplotlib.collections import Collection, PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...errors import OptionError

DESIGNED = {"column": (3.3, 2.4), "page": (6.5, 4.0), "slide": (10.0, 5.6)}
"""Sizes in inches, by what they are for; but for a slide the height follows what is drawn."""

MAGNIFIED = 1.7
"""How much larger type and marks are on a slide, which is read from the back row."""

_ON_A_SLIDE = ("font.size", "xtick.major.pad", "ytick.major.pad")
_GROWING: WeakSet[object] = WeakSet()  # figures whose height follows what is on them
_UNSEEN: ContextVar[bool] = ContextVar("unseen", default=False)
_SIZE: ContextVar[tuple[float, float] | None] = ContextVar("size", default=None)
_MADE: ContextVar[list[Figure]] = ContextVar("made")
_SETTINGS = RLock()  # what matplotlib itself looks up is one for all threads


def checked_size(figsize: Any) -> tuple[float, float]:
    """Return the size that is asked for, as numbers.

    Raises
    ------
    OptionError
        If it is no size.
    """
    if isinstance(figsize, str) and figsize in DESIGNED:
        return DESIGNED[figsize]
    try:
        width, height = map(float, figsize)
    except (TypeError, ValueError):
        raise OptionError(
            f"a size is width and height in inches, or one of {', '.join(DESIGNED)}, not {figsize!r:.60}"
        ) from None
    if not (0.5 <= width <= 100 and 0.5 <= height <= 100):
        raise OptionError(f"a size is from 0.5 to 100 inches either way, not {figsize!r:.60}")
    return width, height


def follows_rows(figsize: Any) -> bool:
    """Tell whether a size that is asked for leaves the height to what is drawn."""
    return isinstance(figsize, str) and figsize != "slide"


def is_slide(figsize: Any) -> bool:
    """Tell whether a size that is asked for is that of a slide; numbers may be an array's."""
    return isinstance(figsize, str) and figsize == "slide"


@contextmanager
def settings(changed: Mapping[Any, Any]) -> Iterator[None]:
    """Let some of matplotlib's settings be others for a while, in which no other thread gets to change them.

    ``rc_context`` would put back all: also that a pyplot first loaded meanwhile shows figures by itself.
    """
    with _SETTINGS:
        before = {name: cast(Any, rcParams)[name] for name in changed}
        rcParams.update(changed)
        try:
            yield
        finally:
            rcParams.update(before)


def undisturbed() -> AbstractContextManager[bool]:
    """Draw with the settings that are usual: wait while another thread has others for a slide or a file."""
    return _SETTINGS


@contextmanager
def magnified(factor: float, *names: str) -> Iterator[None]:
    """Let some of matplotlib's settings be so many times as large for a while."""
    with _SETTINGS, settings({name: factor * cast(Any, rcParams)[name] for name in names}):
        yield


def usual_size() -> tuple[float, float]:
    """Return the inches of a figure that nobody gave a size: those that are asked for, or the style's."""
    width, height = _SIZE.get() or rcParams["figure.figsize"]
    return width, height


@contextmanager
def styled_for(figsize: Any) -> Iterator[list[Axes]]:
    """Let the usual figure be of a size, if one is asked for, as rows and panels reckon with it.

    On a slide the type is larger; there the Axes that are put into the list get marks and lines as large.
    """
    drawn: list[Axes] = []
    token = _SIZE.set(_SIZE.get() if figsize is None else checked_size(figsize))
    try:
        with magnified(MAGNIFIED, *_ON_A_SLIDE) if is_slide(figsize) else nullcontext():
            yield drawn
    finally:
        _SIZE.reset(token)
    if is_slide(figsize):
        _magnify_marks(drawn)


def _magnify_marks(drawn: list[Axes]) -> None:
    for artist in (one for ax in drawn for one in ax.findobj()):
        if isinstance(artist, Line2D):
            artist.set_markersize(MAGNIFIED * artist.get_markersize())
        if isinstance(artist, Line2D | Patch):
            artist.set_linewidth(MAGNIFIED * artist.get_linewidth())
        if isinstance(artist, Collection):
            artist.set_linewidth((MAGNIFIED * np.asarray(artist.get_linewidth())).tolist())
        if isinstance(artist, PathCollection):
            artist.set_sizes(MAGNIFIED * np.asarray(artist.get_sizes()))


def shown_figure(width: float, height: float) -> Figure:
    """Make a figure of so many inches that pyplot knows: a notebook shows it below the cell."""
    if _UNSEEN.get():
        return hidden_figure((width, height))
    from matplotlib import pyplot  # not at the top: who brings Axes or a figure needs no pyplot

    figure = pyplot.figure(figsize=(width, height), layout="constrained")
    _MADE.get([]).append(figure)
    return figure


@contextmanager
def closed_on_failure() -> Iterator[None]:
    """Make pyplot forget new figures that could not be drawn on: a notebook would show them, empty."""
    made: list[Figure] = []
    token = _MADE.set(made)
    try:
        yield
    except BaseException:
        for figure in made:
            close(figure)
        raise
    finally:
        _MADE.reset(token)


@contextmanager
def unseen() -> Iterator[None]:
    """Let new figures be hidden for a while: those of a chart that is drawn for a file."""
    token = _UNSEEN.set(True)
    try:
        yield
    finally:
        _UNSEEN.reset(token)


def growing_axes(width: float, height: float) -> Axes:
    """Make Axes on a new figure, whose height follows what is drawn until :func:`settle` ends that."""
    figure = shown_figure(width, height)
    let_grow(figure)
    return figure.subplots()


def let_grow(figure: Figure) -> None:
    """Let the height of a figure follow what is drawn."""
    _GROWING.add(figure)


def settle(ax: Axes) -> None:
    """Leave the height as it is: who draws on these Axes from now on draws on Axes of their own."""
    _GROWING.discard(ax.figure)


def is_growing(ax: Axes) -> bool:
    """Tell whether the figure may still become higher."""
    return ax.figure in _GROWING


def grow(ax: Axes, points: float) -> None:
    """Make a figure higher by what is written above the data, unless somebody has said how high it is."""
    figure = ax.figure
    if isinstance(figure, Figure) and is_growing(ax):
        figure.set_figheight(figure.get_figheight() + points / 72)


def lay_out(ax: Axes) -> None:
    """Place the Axes of a figure whose height follows what is drawn, before it is drawn."""
    if is_growing(ax):
        lay_out_all(ax)


def lay_out_all(ax: Axes) -> None:
    """Place all Axes of a figure as far as they are drawn, where matplotlib arranges them."""
    figure = ax.figure
    engine = figure.get_layout_engine() if isinstance(figure, Figure) else None
    if isinstance(figure, Figure) and engine is not None:
        engine.execute(figure)


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


def without_labels(ax: Axes) -> None:
    """Say that nothing is written along the axes: at each drawing room for it would be looked for."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_label_coords(0, 0)


def extent(ax: Axes) -> tuple[float, float]:
    """Return the width and the height of the Axes in points."""
    inches = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
    return inches.width * 72, inches.height * 72


def cell(ax: Axes) -> tuple[float, float]:
    """Return the width and the height in points that Axes may take together with the words around them."""
    (width, height), spec = extent(ax), ax.get_subplotspec()
    whole = ax.figure.bbox.transformed(ax.figure.dpi_scale_trans.inverted())
    if spec is None:
        return min(72 * whole.width, 2 * width), min(72 * whole.height, 2 * height)
    grid = spec.get_gridspec()
    across = _share(grid.get_width_ratios(), spec.colspan)
    down = _share(grid.get_height_ratios(), spec.rowspan)
    return min(72 * whole.width * across, 1.5 * width), min(72 * whole.height * down, 1.5 * height)


def _share(ratios: Any, taken: range) -> float:
    return float(np.asarray(ratios)[list(taken)].sum() / np.sum(ratios))
