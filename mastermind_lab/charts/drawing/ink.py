"""Ink and paper: what is drawn takes its colours from the style in force, so that it shows on any paper."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb, to_rgba

from ...stats.engine.bootstrap import Floats

READABLE = 4.5
"""The contrast that text needs to be read (WCAG 2.2, 1.4.3)."""

RULE, MUTED, STRONG = 0.1, 0.6, 0.75
"""Shares of ink: of a line behind the data, of what explains them, of what frames them."""

EARLIER, EARLIER_AREA = 0.45, 0.22
"""Shares of ink: of the lines of an earlier run behind the present one, and of its intervals."""


def paper(ax: Axes) -> str:
    """Return what is behind the data: the colour of the Axes, over the figure's, over white."""
    seen = np.ones(3)
    figure = ax.get_figure(root=True)
    for face in (figure.get_facecolor() if figure else "white", ax.get_facecolor()):
        *colour, alpha = to_rgba(face)
        seen = (1 - alpha) * seen + alpha * np.array(colour)
    return _hex(seen)


def ink(ax: Axes) -> str:
    """Return the style's colour of text where it can be read on the paper, else black or white."""
    behind = paper(ax)
    return max([str(rcParams["text.color"]), "black", "white"], key=lambda one: _readable(one, behind))


def is_dark(ax: Axes) -> bool:
    """Tell whether white is easier to read on the paper than black."""
    return readable_on(paper(ax)) == "white"


def shade(ax: Axes, share: float) -> str:
    """Mix so much ink into the paper: 0 is the paper, 1 the ink."""
    return tint(ax, ink(ax), share)


def tint(ax: Axes, colour: str, share: float) -> str:
    """Mix so much of a colour into the paper."""
    return _hex((1 - share) * np.array(to_rgb(paper(ax))) + share * np.array(to_rgb(colour)))


def readable_on(behind: Any) -> str:
    """Return black or white, whichever is easier to read on a colour."""
    return max("white", "black", key=lambda one: contrast(one, behind))


def contrast(one: Any, other: Any) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=1_000)
def _readable(colour: str, behind: str) -> float:
    """The contrast of a colour, as far as it matters."""
    return min(contrast(colour, behind), READABLE)


def _luminance(colour: Any) -> float:
    parts: Floats = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _hex(parts: Floats) -> str:
    red, green, blue = np.clip(parts, 0, 1).tolist()
    return to_hex((red, green, blue))
