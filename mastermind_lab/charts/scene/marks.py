"""Lines, areas, markers and images of some Axes, as paths that are broken where a number is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import (
    Collection,
    FillBetweenPolyCollection,
    LineCollection,
    PathCollection,
    PolyCollection,
    QuadMesh,
)
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import FancyArrowPatch, Patch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.transforms import IdentityTransform, Transform

from ...stats.engine.bootstrap import Floats
from ..drawing.intervals import ends_of
from .colours import Colours
from .shades import STOPS, check_image, check_mesh, shares_of
from .unknown import Unknown

Mark = dict[str, Any]

MARKERS = ("o", ".", "s", "D", "^", "v", "P", "|", "_", "x", "+")


class Columns:
    """Numbers put one behind the other; where each piece stands is ``[start, length]``."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._length = 0

    def add(self, values: Any) -> list[int]:
        """Add a column and say where it is; what is masked is NaN."""
        part = np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan).astype(np.float32)
        self._parts.append(part)
        self._length += len(part)
        return [self._length - len(part), len(part)]

    def buffer(self) -> bytes:
        """Return all of them."""
        return np.concatenate(self._parts).tobytes() if self._parts else b""


class Plane:
    """Places on Axes: in the units of its scale along an axis that an artist follows, else as a share of it.

    ``origin`` is taken off: a Float32 keeps the seconds of a time then, and the last digits of a number.
    """

    def __init__(self, ax: Axes, origin: tuple[float, float]) -> None:
        self.ax, self.origin = ax, origin
        self._to_scale = (ax.transLimits + ax.transAxes).inverted()
        self._to_share = ax.transAxes.inverted()
        self._nothing = (
            1e-9 * np.abs(np.diff(ax.transLimits.inverted().transform([(0, 0), (1, 1)]), axis=0))[0]
        )

    def follows(self, transform: Transform) -> tuple[bool, bool]:
        """Tell whether what is drawn with a transform moves with the data, along either axis."""
        x, y = transform.contains_branch_seperately(self.ax.transData)
        return bool(x), bool(y)

    def holds(self, points: Any, transform: Transform) -> bool:
        """Tell whether points stand on the Axes, or hardly beside these."""
        share = self._to_share.transform(transform.transform(points))
        return not (np.abs(share - 0.5) > 0.51).any()

    def columns(self, points: Any, transform: Transform) -> tuple[Floats, Floats]:
        """Return where points are; what is only there because a sum is rounded is 0."""
        seen = transform.transform(np.ma.filled(np.ma.asarray(points, dtype=np.float64), np.nan))
        along, share = self._to_scale.transform(seen), self._to_share.transform(seen)
        along = np.where(np.abs(along) < self._nothing, 0.0, along)
        x, y = (
            along[:, axis] - self.origin[axis] if follows else share[:, axis]
            for axis, follows in enumerate(self.follows(transform))
        )
        return x, y


class Marks:
    """Translates artists; ``found`` are the marks so far."""

    def __init__(self, plane: Plane, colours: Colours, columns: Columns) -> None:
        self._plane, self._colours, self._columns = plane, colours, columns
        self.found: list[Mark] = []

    def add(self, artist: Artist) -> None:
        """Translate an artist.

        Raises
        ------
        Unknown
            There is no translation of it.
        """
        if artist.get_sketch_params() or artist.get_clip_path() is not None:
            raise Unknown(f"how {type(artist).__name__} is cut or wavers")
        for kind, translate in _TRANSLATIONS.items():
            if isinstance(artist, kind):
                translate(self, artist)
                return
        raise Unknown(type(artist).__name__)

    def _put(self, kind: str, artist: Artist, points: Any, transform: Transform, **look: Any) -> None:
        if not (artist.get_clip_on() or self._plane.holds(points, transform)):
            raise Unknown("marks beside the Axes")
        x, y = self._plane.columns(points, transform)
        sx, sy = self._plane.follows(transform)
        place = {"x": self._columns.add(x), "y": self._columns.add(y), "sx": sx, "sy": sy}
        self.found.append({"kind": kind, "z": artist.get_zorder(), **place, **look})

    def _line(self, line: Line2D) -> None:
        if line.get_drawstyle() != "default" or line.get_gapcolor() is not None:
            raise Unknown("a line in steps, or in two colours")
        if line.get_fillstyle() not in ("full", "none"):
            raise Unknown("markers in two colours")
        points, alpha = line.get_xydata(), line.get_alpha()
        stroke = self._colours.drawn(line.get_color(), alpha)
        if stroke and line.get_linestyle() not in ("None", "none", " ", "") and line.get_linewidth():
            dash = list(line._dash_pattern[1] or ())  # type: ignore[attr-defined] # told nowhere else
            pen = {"stroke": stroke, "width": line.get_linewidth(), "dash": dash, "halo": _halo(line)}
            self._put("path", line, points, line.get_transform(), **pen)
        if (marker := str(line.get_marker())) not in ("None", "none", " ", ""):
            look = {
                "marker": _known(marker), "every": _every(line.get_markevery()),
                "size": line.get_markersize(),
                "fill": self._colours.drawn(line.get_markerfacecolor(), alpha),
                "stroke": self._colours.drawn(line.get_markeredgecolor(), alpha),
                "width": line.get_markeredgewidth(),
            }  # fmt: skip
            self._put("markers", line, points, line.get_transform(), **look, **self._ends(line))

    def _ends(self, line: Line2D) -> Mark:
        """Say where the interval of each dot begins and ends, where its figure has one."""
        if (ends := ends_of(line)) is None:
            return {}
        places = [np.column_stack([end, line.get_ydata(orig=False)]) for end in ends]
        low, high = (self._plane.columns(place, line.get_transform())[0] for place in places)
        return {"low": self._columns.add(low), "high": self._columns.add(high)}

    def _scatter(self, scatter: PathCollection) -> None:
        marker = _names().get(_outline(scatter.get_paths()[0]))
        if marker is None or len(scatter.get_paths()) > 1:
            raise Unknown("a marker of one's own")
        fill = self._colours.drawn(*_one(scatter.get_facecolor(), scatter))
        places: Any = np.ma.asarray(scatter.get_offsets())
        areas = np.resize(scatter.get_sizes(), len(places)) / (4 if marker == "." else 1)
        pen = self._pen(scatter, scatter.get_edgecolor())
        if pen.pop("dash"):
            raise Unknown("dashed markers")
        look = {"marker": marker, "fill": fill, "area": self._columns.add(areas), **pen}
        transform = scatter.get_offset_transform()
        self._put("markers", scatter, places, transform, **look)

    def _segments(self, lines: LineCollection) -> None:
        """Draw lines that are all alike, as one."""
        if not (segments := lines.get_segments()):
            return
        pen = self._pen(lines, lines.get_color())
        self._put("path", lines, _broken(segments), lines.get_transform(), **pen)

    def _pen(self, artist: Collection, colours: Any) -> Mark:
        """Say how the lines of a collection, or around what is in it, are drawn: all alike."""
        stroke = self._colours.drawn(*_one(colours, artist))
        dashes, widths = cast(Any, artist.get_linestyle()), cast(Any, artist.get_linewidth())
        if len(dashes) != 1 or len({*widths}) != 1:
            raise Unknown("lines that differ")
        return {
            "stroke": stroke,
            "width": float(widths[0]),
            "dash": [float(part) for part in dashes[0][1] or ()],
        }

    def _polygons(self, area: PolyCollection) -> None:
        """Draw areas that are all alike as one; cells, each shaded by a number, by shades."""
        _check(area)
        paths, edges = area.get_paths(), np.asarray(area.get_edgecolor())
        colours = np.reshape(area.get_facecolor(), (-1, 4)) if len(area.get_facecolor()) else np.zeros((1, 4))
        shades, which = np.unique(colours, axis=0, return_inverse=True)
        if len(shades) > 1 and len(which) != len(paths):
            raise Unknown("colours in turn")
        has_corners = all(
            np.shape(path.vertices) == (5, 2) for path in paths
        )  # the first once more at its end
        cells = has_corners and not isinstance(area, FillBetweenPolyCollection)
        for number, shade in enumerate(shades):
            own = np.flatnonzero(np.resize(which, len(paths)) == number)
            if len(own):
                rim = np.resize(edges, (len(paths), 4))[own] if len(edges) else edges
                look = {"fill": self._colours.drawn(tuple(shade)), "cells": cells, **self._pen(area, rim)}
                pieces = _broken([paths[int(place)].vertices for place in own])
                self._put("path", area, pieces, area.get_transform(), **look)

    def _patch(self, patch: Patch) -> None:
        if isinstance(patch, FancyArrowPatch) or patch.get_path_effects():
            raise Unknown("an arrow, or a path effect")
        if {*(patch.get_hatch() or "")} - {"/"}:
            raise Unknown("another hatch than of lines that rise")
        transform = patch.get_patch_transform()
        corners = patch.get_path().to_polygons(transform, closed_only=False)
        look: Mark = {"fill": None, "stroke": None, "hatch": bool(patch.get_hatch())}
        if patch.get_fill():
            look["fill"] = self._colours.drawn(patch.get_facecolor())
        if patch.get_linewidth() or look["hatch"]:
            look["stroke"] = self._colours.drawn(patch.get_edgecolor())
            look["width"] = patch.get_linewidth()
            look["dash"] = list(patch._dash_pattern[1] or ())  # type: ignore[attr-defined] # told nowhere else
        if corners:
            self._put("path", patch, _broken(corners), Artist.get_transform(patch), **look)

    def _image(self, image: AxesImage) -> None:
        values = check_image(image)
        left, right, bottom, top = image.get_extent()
        down = image.origin == "upper"
        self._shades(
            image, values, [(left, top), (right, bottom)] if down else [(left, bottom), (right, top)]
        )

    def _mesh(self, mesh: QuadMesh) -> None:
        """Draw a grid of equal cells, which the scale of an image is, as an image."""
        values, corners = check_mesh(mesh), np.asarray(mesh.get_coordinates())
        self._shades(mesh, values, [corners[0, 0], corners[-1, -1]])

    def _shades(self, artist: AxesImage | QuadMesh, values: Any, corners: Any) -> None:
        shares = shares_of(artist, values)
        stops = [self._colours(artist.cmap(share)) for share in STOPS]
        look = {"values": self._columns.add(shares.ravel()), "rows": len(shares), "stops": stops}
        self._put("image", artist, corners, artist.get_transform(), **look)


_TRANSLATIONS: dict[type[Artist], Any] = {
    Line2D: Marks._line,
    PathCollection: Marks._scatter,
    LineCollection: Marks._segments,
    PolyCollection: Marks._polygons,
    Patch: Marks._patch,
    AxesImage: Marks._image,
    QuadMesh: Marks._mesh,
}


def _broken(pieces: Iterable[Any]) -> Floats:
    """Put paths into one, with a gap after each."""
    gap = np.full((1, 2), np.nan)
    return np.concatenate([part for piece in pieces for part in (np.reshape(piece, (-1, 2)), gap)])


def _one(colours: Any, artist: Collection) -> tuple[Any, float | None]:
    """Return the one colour of a collection, and its opacity."""
    _check(artist)
    if len(np.unique(colours, axis=0)) > 1:
        raise Unknown("a colour for each")
    return (tuple(colours[0]), None) if len(colours) else (None, None)


def _check(artist: Collection) -> None:
    """Refuse what would not be seen as it is."""
    if artist.get_array() is not None:
        raise Unknown("a colour for each")
    if artist.get_hatch() or artist.get_path_effects():
        raise Unknown("a hatched collection")
    if not isinstance(artist, PathCollection) and (
        not isinstance(artist.get_offset_transform(), IdentityTransform)
    ):
        raise Unknown("shapes that are put somewhere")


def _halo(line: Line2D) -> bool:
    effects: Sequence[Any] = line.get_path_effects() or ()
    if not all(isinstance(effect, withStroke) for effect in effects):
        raise Unknown("a path effect")
    return bool(effects)


def _every(asked: Any) -> list[int]:
    """Return the first that is marked, and how many there are to the next."""
    if asked is None or isinstance(asked, int):
        return [0, asked or 1]
    if isinstance(asked, tuple) and len(asked) == 2 and all(isinstance(one, int) for one in asked):
        return list(asked)
    raise Unknown("marks at places of their own")


def _known(marker: str) -> str:
    if marker not in MARKERS:
        raise Unknown("a marker of one's own")
    return marker


@cache
def _names() -> dict[bytes, str]:
    """Name markers by their outlines, which is all that a scatter keeps of them."""
    styles = {marker: MarkerStyle(marker) for marker in MARKERS}
    return {
        _outline(style.get_path().transformed(style.get_transform())): marker
        for marker, style in styles.items()
    }


def _outline(path: Path) -> bytes:
    return np.asarray(path.vertices).tobytes()
