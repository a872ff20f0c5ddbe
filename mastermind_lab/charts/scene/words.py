"""Texts and the legend of some Axes."""

from __future__ import annotations

from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import is_math_text
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Transform, blended_transform_factory

from .colours import Colours
from .marks import MARKERS, Plane
from .unknown import Unknown

Word = dict[str, Any]

_NO_MARK: Word = {"stroke": None, "fill": None, "marker": "", "dash": None}


def word_of(text: Text, plane: Plane, colours: Colours) -> Word | None:
    """Translate a text; None where it is not seen.

    Raises
    ------
    Unknown
        It is a formula, or stands where only matplotlib can say.
    """
    if not (written := plain(text)):
        return None
    transform, place, (dx, dy) = _place(text, plane.ax)
    x, y = (float(column[0]) for column in plane.columns([place], transform))
    sx, sy = plane.follows(transform)
    drawn = colours.drawn(text.get_color(), text.get_alpha())
    return {
        "text": written, "x": x, "y": y, "sx": sx, "sy": sy, "dx": dx, "dy": dy, "size": text.get_fontsize(),
        "ha": text.get_horizontalalignment(),
        "va": text.get_verticalalignment(), "turn": text.get_rotation(), "fill": drawn,
        "halo": bool(text.get_path_effects()),
    }  # fmt: skip


def plain(text: Text) -> str:
    """Return what a text says.

    Raises
    ------
    Unknown
        It is a formula, or in a box.
    """
    written: str = text.get_text()
    if text.get_usetex() or (text.get_parse_math() and is_math_text(written)):
        raise Unknown("a formula")
    if text.get_bbox_patch() is not None:
        raise Unknown("a text in a box")
    return written


def _place(text: Text, ax: Axes) -> tuple[Transform, tuple[Any, Any], tuple[float, float]]:
    """Return where a text stands: by which transform, at what, and how many points from there."""
    if not isinstance(text, Annotation):
        return text.get_transform(), text.get_unitless_position(), (0.0, 0.0)
    if text.arrow_patch is not None:
        raise Unknown("an arrow")
    at = _transform(text.xycoords, ax)
    if text.anncoords == "offset points":
        dx, dy = map(float, text.xyann)
        return at, text.xy, (dx, dy)
    return _transform(text.anncoords, ax), text.xyann, (0.0, 0.0)


def _transform(coordinates: Any, ax: Axes) -> Transform:
    if isinstance(coordinates, Transform):
        return coordinates
    if isinstance(coordinates, tuple):
        return blended_transform_factory(*(_transform(one, ax) for one in coordinates))
    known: dict[Any, Transform] = {"data": ax.transData, "axes fraction": ax.transAxes}
    if coordinates not in known:
        raise Unknown("an annotation in units of its own")
    return known[coordinates]


def entries_of(legend: Legend, colours: Colours) -> list[Word]:
    """Translate a legend: its title, and each name with the mark before it."""
    marks = zip(legend.legend_handles, legend.get_texts(), strict=True)
    title = [{"text": said, **_NO_MARK} for said in [plain(legend.get_title())] if said]
    return title + [{"text": plain(text), **_handle(handle, colours)} for handle, text in marks]


def _handle(handle: Artist | None, colours: Colours) -> Word:
    if isinstance(handle, Line2D):
        marker, nothing = str(handle.get_marker()), ("None", "none", " ", "")
        if marker not in (*MARKERS, *nothing):
            raise Unknown("a marker of one's own")
        has_line = handle.get_linestyle() not in nothing
        edge = handle.get_color() if has_line else handle.get_markeredgecolor()
        return {
            "stroke": colours.drawn(edge, handle.get_alpha()),
            "fill": colours.drawn(handle.get_markerfacecolor(), handle.get_alpha()),
            "marker": "" if marker in nothing else marker,
            "dash": list(handle._dash_pattern[1] or ()) if has_line else None,  # type: ignore[attr-defined]
        }
    if isinstance(handle, Patch) and not handle.get_hatch():
        stroke = colours.drawn(handle.get_edgecolor()) if handle.get_linewidth() else None
        fill = colours.drawn(handle.get_facecolor()) if handle.get_fill() else None
        return {"stroke": stroke, "fill": fill, "marker": "s", "dash": None}
    raise Unknown("a legend's mark")
