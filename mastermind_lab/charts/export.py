"""Charts as pictures that nobody shows: in a file that says where it comes from, on a page, in a widget."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib.metadata import version
from inspect import Parameter, signature
from io import BytesIO
from numbers import Real
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from ..errors import OptionError, SourceError
from ..labels import counted
from .decision import decision
from .drawing.caption import said_of
from .drawing.figures import (
    DESIGNED,
    checked_size,
    close,
    follows_rows,
    hidden_figure,
    let_grow,
    settings,
    styled_for,
    undisturbed,
    unseen,
)
from .drawing.fonts import collected
from .drawing.picture import letter_titles
from .overview import overview
from .scene import BareAxes, Scene, scene


def save(
    path: str | os.PathLike[str],
    chart: Callable[..., Any] | Axes | Figure,
    data: Any = None,
    *,
    size: str | tuple[float, float] | None = None,
    dpi: int = 200,
    **options: Any,
) -> None:
    """Write a chart to a file: one that is drawn on a figure of its own, or one that was drawn before.

    The file has the caption in it, and where the data come from: the sources' names, the first and the last
    id, n, what is missing, and the version of this package. Text stays text in an .svg and a .pdf.

    Parameters
    ----------
    path
        Where to; the ending says the format (.png, .svg, .pdf).
    chart
        A chart, or any function that takes ``data`` and ``ax``, or ``figure``; or the Axes or the figure on
        which something was drawn: its whole figure is written as it is.
    data
        What the chart draws: a history, a frame or a summary. With Axes, the history that they show, if the
        file is to say where it comes from.
    size
        Of a chart that is drawn here: ``"column"``, ``"page"``, ``"slide"``, or width and height in inches;
        by default 6.5 x 4, or what an overview and a decision have by themselves. The height of a column and
        of a page follows what is drawn, that of an overview always but where it is said.
    dpi
        Dots an inch, for .png.
    **options
        The chart's own, such as ``by``.

    Raises
    ------
    OptionError
        The format, the size or ``dpi`` is unknown, there is no chart, or one that is drawn already is
        given options.
    SourceError
        The file cannot be written: its folder is not there, say.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab import charts
    >>> charts.save("confidence.png", charts.confidence, lab.sample(), by="meta.model")  # doctest: +SKIP
    """
    if not isinstance(dpi, Real) or not _COARSEST <= dpi <= _FINEST:
        bounds = f"from {_COARSEST} to {_FINEST:,}"
        raise OptionError(f"dpi is a number of dots an inch, {bounds}, not {dpi!r:.40}")
    figure = _drawn(chart, data, size, options)
    known = figure.canvas.get_supported_filetypes()
    if (ending := os.path.splitext(path)[1].lstrip(".").lower()) not in known:
        raise OptionError(f"no picture is written as {ending!r:.20}: take one of {', '.join(known)}")
    try:
        with settings(_AS_TEXT):
            figure.savefig(os.path.expanduser(path), dpi=dpi, metadata=_provenance(ending, figure, data))
    except (OSError, RuntimeError) as error:  # the latter where LaTeX is needed and not there
        said = getattr(error, "strerror", None) or error
        raise SourceError(f"cannot write {os.fspath(path)}: {said}") from error


# So that a paper's editor finds words and not outlines, and no fonts that publishers refuse (Type 3).
_AS_TEXT: Any = {"svg.fonttype": "none", "pdf.fonttype": 42, "ps.fonttype": 42}


_COARSEST, _FINEST = 10, 10_000  # with fewer than 6, small letters have no dot, which FreeType refuses

_SIZED_BY: dict[Any, str] = {overview: "width", decision: "figsize"}
"""Charts that make a figure as large as what they draw asks for, and their option for it."""


def _drawn(chart: Any, data: Any, size: Any, options: dict[str, Any]) -> Figure:
    if not isinstance(chart, Axes | Figure):
        if not callable(chart):
            raise OptionError(
                f"save takes a chart, Axes or a figure after the path, not {type(chart).__name__}"
            )
        _check_options(chart, options)
        sized_by = _SIZED_BY.get(getattr(chart, "func", chart))
        if sized_by and "figure" not in options and (size is None or isinstance(size, str)):
            return _as_large_as_it_asks(chart, data, sized_by, size, options)
        return _on_a_figure(chart, data, DESIGNED["page"] if size is None else size, options)
    if options:
        raise OptionError(f"what is drawn already takes no {', '.join(options)}: draw it with that")
    drawn = chart.get_figure(root=True) if isinstance(chart, Axes) else chart
    if drawn is None:
        raise OptionError("these Axes were removed from their figure: draw the chart again")
    return drawn


def _check_options(chart: Callable[..., Any], options: dict[str, Any]) -> None:
    """Refuse what a chart does not take; one that takes any keyword looks for itself."""
    parameters = signature(chart).parameters
    takes_any = any(one.kind is Parameter.VAR_KEYWORD for one in parameters.values())
    name = getattr(getattr(chart, "func", chart), "__name__", "this chart")
    if "ax" in options:
        raise OptionError(
            "save draws on Axes of its own: leave out ax, or give the Axes instead of the chart"
        )
    if not takes_any and not {"ax", "figure"} & {*parameters}:
        raise OptionError(f"{name} takes neither ax nor figure to draw on, as a chart does")
    unknown = [one for one in options if one not in parameters]
    if unknown and not takes_any:
        raise OptionError(f"{name} takes no {', '.join(unknown)}: it takes {', '.join(parameters)}")


def _as_large_as_it_asks(
    chart: Callable[..., Any], data: Any, sized_by: str, size: str | None, options: dict[str, Any]
) -> Figure:
    if size is not None and options.get(sized_by) is not None:
        raise OptionError(f"size says how large the picture is: leave out either that or {sized_by}")
    with unseen():
        drawn: Figure = chart(data, **options, **({} if size is None else {sized_by: size}))
    return drawn


def _on_a_figure(chart: Callable[..., Any], data: Any, size: Any, options: dict[str, Any]) -> Figure:
    figure = hidden_figure(checked_size(size))
    if follows_rows(size):
        let_grow(figure)
    whole = "figure" in signature(chart).parameters
    with styled_for(None if whole else size) as large:
        chart(data, **({"figure": figure} if whole else {"ax": figure.add_subplot()}), **options)
        large += figure.axes
    return figure


def sheet(pictures: list[tuple[Callable[..., Axes], Any, dict[str, Any]]]) -> Figure:
    """Draw several charts one below the other, for a paper: (chart, data, options) each.

    Raises
    ------
    OptionError
        It is no list of such.
    """
    if not (isinstance(pictures, list) and all(map(_is_picture, pictures))):
        raise OptionError("sheet takes a list of (chart, data, options), as [(charts.votes, history, {})]")
    figure = hidden_figure((DESIGNED["page"][0], 3.4 * max(len(pictures), 1)))
    # A part for each chart: in one grid they would all make room for the longest names of any.
    parts = figure.subfigures(max(len(pictures), 1), squeeze=False).flat
    for part, (chart, data, options) in zip(parts, pictures, strict=False):
        chart(data, ax=part.subplots(), **options)
    letter_titles(figure)
    return figure


def _is_picture(one: Any) -> bool:
    return isinstance(one, tuple | list) and len(one) == 3 and callable(one[0]) and isinstance(one[2], dict)


_PLACE = (0.16, 0.16, 0.76, 0.68)  # of Axes with names beside them, which nobody lays out


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
        with collected() as self.said, undisturbed():
            return self._picture(data, options)

    def scene(self, data: Any, **options: Any) -> Scene | None:
        """Draw the data and say what is to be seen; None where only a picture can show it."""
        with collected() as self.said, undisturbed():
            figure: Any
            if self._takes_ax:
                figure = hidden_figure(self.size, self.dpi, layout=False)
                self.chart(data, ax=figure.add_axes(BareAxes(figure, _PLACE)), **options)
            else:
                figure = self.chart(data).figure
            close(figure)
            is_all = len(figure.axes) == 1 and figure.get_children() == [figure.patch, *figure.axes]
            return scene(figure.axes[0]) if is_all else None

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


_KEYS = {
    "png": ("Software", "Source", "Description"),
    "svg": ("Creator", "Source", "Description"),
    "pdf": ("Creator", "Keywords", "Subject"),
}
"""What each format calls the program, the sources, and the description; others have no place for them."""


def _provenance(ending: str, figure: Figure, data: Any) -> dict[str, str] | None:
    """Describe picture and data by the keys that the format knows."""
    if ending not in _KEYS:
        return None
    program = f"mastermind_lab {version('mastermind_lab')}"
    coverage = getattr(data, "coverage", None)
    sources = "" if coverage is None else "; ".join(map(_name, coverage["source"].dropna().unique()))
    said = [said_of(figure), "" if coverage is None else f"{_extent(data)}; {program}"]
    values = (program, sources, " ".join(filter(None, said)))
    return {key: value for key, value in zip(_KEYS[ending], values, strict=True) if value}


def _name(source: str) -> str:
    """Name a source without the folders of the machine it was read on."""
    return source if "://" in source else re.split(r"[/\\]", source.rstrip("/\\"))[-1]


def _extent(data: Any) -> str:
    """Say what of its sources a history holds, or a scan has read."""
    decisions, rejects = getattr(data, "decisions", None), getattr(data, "rejects", None)
    n = [] if decisions is None else [f"n = {counted(len(decisions), 'decision')}"]
    known = data.coverage.dropna(subset=["first_id", "last_id"])
    sources = [""] if len(known) < 2 else [f" of {_name(one)}" for one in known["source"].fillna("")]
    ends = zip(known["first_id"], known["last_id"], sources, strict=False)
    ids = [f"ids {first} to {last}{source}" for first, last, source in ends]
    dropped = [] if rejects is None else [counted(len(rejects), "reject")]
    dropped += [_counted(data.coverage[name], name.replace("_", " ")) for name in ("left_out", "missing")]
    return "; ".join([*n, *ids[:_MOST_SOURCES], ", ".join(dropped)])


_MOST_SOURCES = 10


def _counted(numbers: pd.Series, what: str) -> str:
    """Add up what is known, and say so where some is not."""
    if not len(numbers):
        return f"0 {what}"
    if numbers.isna().all():
        return f"{what} not known"
    return f"{'at least ' if numbers.isna().any() else ''}{int(numbers.sum())} {what}"
