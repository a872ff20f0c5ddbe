"""Numbers of an image as shares of its colours, where a few of these say all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.collections import QuadMesh
from matplotlib.colors import BoundaryNorm, NoNorm
from matplotlib.image import AxesImage

from ...stats.engine.bootstrap import Floats
from .unknown import Unknown

STOPS = np.linspace(0, 1, 9)
"""Where the colours of a map are told; between two of them they are mixed."""

_IN_CELLS = ("auto", "antialiased", "nearest", "none")


def check_image(image: AxesImage) -> Any:
    """Return the numbers of an image that is made of equal cells."""
    values = image.get_array()
    if values is None or values.ndim != 2 or type(image) is not AxesImage:
        raise Unknown("an image of colours, or of cells that differ")
    if image.get_interpolation() not in _IN_CELLS:
        raise Unknown("an image without cells")
    return values


def check_mesh(mesh: QuadMesh) -> Any:
    """Return the numbers of a mesh that is a grid of equal cells."""
    values, corners = mesh.get_array(), np.asarray(mesh.get_coordinates())
    steps = [np.diff(corners[0, :, 0]), np.diff(corners[:, 0, 1])]
    if values is None or values.ndim != 2 or not all(np.allclose(each, each[0]) for each in steps):
        raise Unknown("a mesh that is no grid")
    if values.shape != (len(corners) - 1, len(corners[0]) - 1) or len(mesh.get_edgecolor()):
        raise Unknown("a mesh without cells, or with lines around them")
    return values


def shares_of(artist: AxesImage | QuadMesh, values: Any) -> Floats:
    """Return each number as a share of the way through the colours; NaN where there is no colour."""
    cmap, norm = artist.cmap, artist.norm
    if isinstance(norm, BoundaryNorm | NoNorm) or cmap.N < 100 or artist.get_alpha() is not None:
        raise Unknown("shades in steps, or that are seen through")
    shares: Floats = np.ma.filled(np.ma.masked_invalid(norm(values)), np.nan)
    ends = (shares < 0, cmap.get_under(), cmap(0.0)), (shares > 1, cmap.get_over(), cmap(1.0))
    apart = (there.any() and tuple(colour) != end for there, colour, end in ends)
    if any(apart) or (np.isnan(shares).any() and cmap.get_bad()[3]):
        raise Unknown("a colour for what has none on the map")
    return np.clip(shares, 0, 1)
