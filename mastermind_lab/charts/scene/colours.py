"""Colours as shares of ink, or of a series' colour, mixed into the paper: a theme has others for each."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb, to_rgba

from ..drawing.ink import ink, paper
from ..drawing.style import styles_on

Colour = list[float] | str

_ALIKE = 0.012  # parts of 1: hex codes are rounded


class Colours:
    """Translates the colours on some Axes."""

    def __init__(self, ax: Axes) -> None:
        self._paper = paper(ax)
        self._full = (ink(ax), *(style.colour for style in styles_on(ax)[1:]))

    def __call__(self, colour: Any) -> Colour:
        """Say a colour by what it is a mixture of; its transparency is left out."""
        return _mixture(to_hex(colour), self._paper, self._full)

    def drawn(self, colour: Any, alpha: float | None = None) -> dict[str, Any] | None:
        """Return a colour and how opaque it is; None where nothing would be seen."""
        if colour is None or (isinstance(colour, str) and colour.lower() == "none"):
            return None
        opaque = float(to_rgba(colour, alpha)[3])
        return {"colour": self(colour), "alpha": round(opaque, 3)} if opaque else None


@lru_cache(maxsize=2_000)
def _mixture(colour: str, behind: str, full: tuple[str, ...]) -> Colour:
    here, ground = np.array(to_rgb(colour)), np.array(to_rgb(behind))
    for number, one in enumerate(full):
        way = np.array(to_rgb(one)) - ground
        share = float((here - ground) @ way / max(way @ way, 1e-9))
        if -_ALIKE < share < 1 + _ALIKE and np.abs(ground + share * way - here).max() < _ALIKE:
            return [number, round(min(max(share, 0.0), 1.0), 3)]
    return colour
