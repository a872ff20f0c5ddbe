"""How the marks on a chart look: a style for each group, and what a caller's keywords change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from inspect import signature
from typing import Any, NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch

from ...errors import OptionError
from ...text import ELLIPSIS, brief, visible
from .ink import ink, is_dark


class Style(NamedTuple):
    """How one group looks: told apart by any one of the three."""

    colour: str
    line: str | tuple[int, tuple[float, ...]]
    marker: str

    def as_dots(self, **more: Any) -> dict[str, Any]:
        """Return what a Line2D of separate dots is drawn with."""
        return {"linestyle": "none", "marker": self.marker, "color": self.colour, **more}

    def as_line(self, **more: Any) -> dict[str, Any]:
        """Return what a connected Line2D is drawn with."""
        return {"linestyle": self.line, "marker": self.marker, "color": self.colour, **more}


SERIES = 6
"""Groups that one chart tells apart."""

_ON_LIGHT = ("#2168A1", "#C26115", "#971651", "#28A774", "#182B99")
_ON_DARK = ("#3598E6", "#FA9047", "#E5287D", "#37DE9C", "#3A4DF1")
PALETTES = {"light": _ON_LIGHT, "dark": _ON_DARK}
"""Colours of the series behind the first, which is in ink."""

_LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (3, 1)))


def styles_on(ax: Axes) -> list[Style]:
    """Return six styles for the paper of the Axes, the first in ink; 9 or more L* apart in greyscale."""
    colours = (ink(ax), *(_ON_DARK if is_dark(ax) else _ON_LIGHT))
    return [Style(*look) for look in zip(colours, _LINES, "os^DvP", strict=True)]


def artist_kwargs(kind: type[Artist], defaults: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Let a caller's keywords for an artist, short or long, replace the chart's own.

    Raises
    ------
    OptionError
        If the artist has no such property.
    """
    check_keywords(asked, [kind])
    asked = normalize_kwargs(asked, kind)
    if "color" in asked:
        # It stands for both, and matplotlib warns where it meets either.
        defaults = {name: value for name, value in defaults.items() if name not in ("edgecolor", "facecolor")}
    return {**defaults, **asked}


def check_keywords(asked: Iterable[str], artists: Sequence[type[Artist]], *parameters: str) -> None:
    """Refuse a keyword that is a property of none of the artists; the chart's own parameters are advised.

    Raises
    ------
    OptionError
        If there is one.
    """
    for name in asked:
        if not any(name in _properties(kind) for kind in artists):
            known = [*parameters, *(each for kind in artists for each in _properties(kind))]
            # What groups are called elsewhere.
            near = ["by"] if name in ("hue", "group") else get_close_matches(name, known, n=1)
            advice = f"did you mean {near[0]!r}? " if near else ""
            if hasattr(Axes, f"set_{name}"):
                advice = f"set it on the Axes that the chart returns, .set_{name}({ELLIPSIS}). "
            takes = f"The chart takes {', '.join(parameters)}; other keywords" if parameters else "Keywords"
            takers = " or ".join(f"{kind.__module__}.{kind.__name__}" for kind in artists)
            raise OptionError(f"no parameter {name!r:.60}: {advice}{takes} are properties of {takers}")


def check_values(asked: Mapping[str, Any], artists: Sequence[type[Artist]]) -> None:
    """Refuse a value that no artist with this property can be drawn with.

    Raises
    ------
    OptionError
        If there is one.
    """
    for name, value in asked.items():
        kinds = [kind for kind in artists if name in _properties(kind)]
        refused = [error for kind in kinds if kind in _DRAWN_BY and (error := _tried(kind, name, value))]
        if len(refused) == len(kinds):
            full = next(iter(normalize_kwargs({name: value}, kinds[0])))
            known = (words for names, words in _UNDERSTOOD.items() if re.fullmatch(names, full))
            said = next(known, brief(str(refused[0]), 200, visible))
            raise OptionError(f"{name}={value!r:.60} cannot be drawn: {said}") from refused[0]


_UNDERSTOOD = {
    ".*colors?": 'a colour is a name such as "red", a code such as "#2168A1", a grey from "0" to "1", or the '
    "shares (red, green, blue), each from 0 to 1",
    "alpha": "it is a number from 0, which is not to be seen, to 1",
    "linestyle": 'a line is one of "-", "--", "-.", ":" and "none"',
    "marker": 'a marker is one of matplotlib\'s, such as "o", "s", "^", "D" or "x"',
    "cmap": 'it is the name of a colour map of matplotlib\'s, such as "viridis"',
    ".*size|.*width|zorder": "it is a number",
}
"""What is understood, by the names of properties; matplotlib says it of some, and late."""

_DRAWN_BY: dict[type[Artist], tuple[str, Any, dict[str, Any]]] = {
    Line2D: ("plot", [0, 1], {"marker": "o"}),
    StepPatch: ("stairs", [1], {}),
    AxesImage: ("imshow", [[0.0]], {}),
}


def _tried(kind: type[Artist], name: str, value: Any) -> Exception | None:
    """Draw an artist with this property where nobody sees it, and return what matplotlib says against it."""
    method, data, defaults = _DRAWN_BY[kind]
    figure = Figure((1, 1))
    try:
        getattr(figure.add_subplot(), method)(data, **defaults | normalize_kwargs({name: value}, kind))
        figure.draw_without_rendering()
    except Exception as error:  # noqa: BLE001 - each property refuses in its own way
        return error
    return None


def _properties(kind: type[Artist]) -> set[str]:
    names = {name.removeprefix("set_") for name in dir(kind) if name.startswith("set_")}
    # Some of an image's are known only to the method that draws it.
    return names | set(signature(Axes.imshow).parameters) if kind is AxesImage else names
