"""How the marks on a chart look: a style for each group, and what a caller's keywords change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from inspect import signature
from typing import Any, NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.image import AxesImage

from ...errors import OptionError
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
            takes = f"The chart takes {', '.join(parameters)}; other keywords" if parameters else "Keywords"
            takers = " or ".join(f"{kind.__module__}.{kind.__name__}" for kind in artists)
            raise OptionError(f"no parameter {name!r:.60}: {advice}{takes} are properties of {takers}")


def _properties(kind: type[Artist]) -> set[str]:
    names = {name.removeprefix("set_") for name in dir(kind) if name.startswith("set_")}
    # Some of an image's are known only to the method that draws it.
    return names | set(signature(Axes.imshow).parameters) if kind is AxesImage else names
