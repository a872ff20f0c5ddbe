"""Axes as a scene: what they show in words, numbers and colours."""

from __future__ import annotations

import re
from typing import Any, Literal, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.cbook import is_math_text
from matplotlib.legend import Legend
from matplotlib.spines import Spine
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter

from ..drawing.caption import said_of
from .back import back_of, has_names, is_dated, is_plain
from .colours import Colours
from .marks import Columns, Marks, Plane
from .unknown import Unknown
from .words import entries_of, plain, word_of

Scene = tuple[dict[str, Any], bytes]

_POWER = re.compile(r"\$\\mathdefault\{(.*)\}\$")
_SIDES = {"left": [0, 0, 0, 1], "right": [1, 0, 1, 1], "bottom": [0, 0, 1, 0], "top": [0, 1, 1, 1]}
_AT_THE_SIDES = (("outward", 0.0), ("axes", 0.0), ("axes", 1.0))
_FAR = 1_000  # times the width of the axis
_RAISED = str.maketrans("0123456789-\N{MINUS SIGN}", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


def scene(ax: Axes) -> Scene | None:
    """Say what Axes show, for another program to draw: facts, and the numbers they point to.

    Parameters
    ----------
    ax
        What a chart, or somebody's own function, has drawn on.

    Returns
    -------
    tuple or None
        Facts that JSON can hold, and a buffer of Float32; None where something on the Axes has no
        translation, so that only matplotlib can draw it.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> facts, numbers = scene(lab.charts.votes(lab.sample()))
    >>> facts["title"], facts["x"]["label"]
    ('Votes', 'share of votes (0-1)')
    """
    try:
        return _scene(ax)
    except Unknown:
        return None


def _scene(ax: Axes) -> Scene:
    ax.apply_aspect()
    columns = Columns()
    return _facts(ax, Colours(ax), columns), columns.buffer()


def _facts(ax: Axes, colours: Colours, columns: Columns) -> dict[str, Any]:
    if ax.name != "rectilinear":
        raise Unknown("Axes of another kind")
    x, y = _origin(ax.xaxis), _origin(ax.yaxis)
    plane = Plane(ax, (x, y))
    marks = Marks(plane, colours, columns)
    words, legend = [], []
    for artist in ax.get_children():
        if not artist.get_visible() or artist is ax.patch or isinstance(artist, Spine | Axis | Axes):
            continue
        if isinstance(artist, Legend):
            legend += entries_of(artist, colours)
        elif not isinstance(artist, Text):
            marks.add(artist)
        elif artist not in _headings(ax):
            words += [word for word in [word_of(artist, plane, colours)] if word]
    aspect = ax.get_aspect()
    return {
        **_heading(ax),
        "x": _axis(ax.xaxis, x),
        "y": _axis(ax.yaxis, y),
        "aspect": None if aspect == "auto" else float(aspect),
        "frame": _frame(ax),
        "marks": sorted(marks.found, key=lambda mark: float(mark.pop("z"))),
        "words": words,
        "legend": legend,
        "parts": [
            {"box": _box(part, ax), **_facts(part, colours, columns)}
            for part in cast(list[Axes], ax.child_axes)
            if part.get_visible()
        ],
    }


def _frame(ax: Axes) -> list[list[int]]:
    """Return the lines around Axes: where each begins and ends, as shares of these."""
    seen = [side for side in _SIDES if ax.spines[side].get_visible()]
    if any(ax.spines[side].get_position() not in _AT_THE_SIDES for side in seen):
        raise Unknown("a frame elsewhere")
    return [_SIDES[side] for side in seen] if ax.axison and ax.get_frame_on() else []


def _box(part: Any, ax: Axes) -> list[float]:
    """Put Axes where they stand on others, and say left, bottom, right and top as shares of these."""
    if (locator := part.get_axes_locator()) is not None:
        part.apply_aspect(locator(part, None))
    corners = ax.transAxes.inverted().transform(part.bbox.get_points())
    return [float(one) for one in corners.ravel()]


def _headings(ax: Axes) -> list[Text]:
    return [ax.title, ax._left_title, ax._right_title]  # type: ignore[attr-defined] # told apart nowhere else


def _heading(ax: Axes) -> dict[str, str]:
    """Return title and n, and the caption: what the picture is called, and its summary in words."""
    title, _, n = "\n".join(filter(None, map(plain, _headings(ax)[::-1]))).partition("\n")
    return {"title": title, "n": n.replace("\n", " "), "caption": said_of(ax)}


def _origin(axis: Axis) -> float:
    """Return what is taken off places, where they have more digits in common than a Float32 can spare."""
    low, high = map(float, axis.get_view_interval())
    is_far = axis.get_scale() == "linear" and abs(low) > _FAR * abs(high - low)
    return low if is_far or is_dated(axis) else 0.0


def _axis(axis: Axis, origin: float) -> dict[str, Any]:
    """Say where an axis begins and ends, and what is written along it, on a linear scale."""
    is_seen = axis.axes.axison and axis.get_visible()
    written = [*_written(axis, "major"), *_written(axis, "minor")] if is_seen else []
    scale, (places, texts) = axis.get_transform(), zip(*written, strict=True) if written else ((), ())
    at, limits = (scale.transform(np.array(some)) - origin for some in (places, axis.get_view_interval()))
    label = plain(axis.label).replace("\n", " ") if is_seen else ""
    has_offset = is_seen and axis.get_offset_text().get_visible()
    offset = _label(axis.get_major_formatter().get_offset()) if has_offset else ""
    return {
        "label": label, "offset": offset, "beside": "   ".join(filter(None, (label, offset))),
        "limits": limits.tolist(),
        "ticks": [[place, text] for place, text in zip(at.tolist(), texts, strict=True)],
        "origin": origin,
        "back": back_of(axis) if written else {"as": ""},
        "grid": bool(is_seen and axis.get_tick_params().get("gridOn", False)),
        "turn": _turn(axis),
        "far": _is_far(axis),
    }  # fmt: skip


def _written(axis: Axis, which: Literal["major", "minor"]) -> list[tuple[float, str]]:
    """Return places and what is written there: nothing at some of the major ones, but these have lines."""
    formatter = axis.get_major_formatter() if which == "major" else axis.get_minor_formatter()
    if which == "minor" and axis.get_tick_params(which).get("gridOn"):
        raise Unknown("lines at minor ticks")
    if which == "minor" and isinstance(formatter, NullFormatter):
        return []
    low, high = sorted(map(float, axis.get_view_interval()))
    ticks = axis.get_majorticklocs() if which == "major" else axis.get_minorticklocs()
    places = [float(place) for place in ticks if low <= place <= high]
    labelled = any(_labelled(axis, which))
    texts = [str(text) for text in formatter.format_ticks(places)] if labelled else [""] * len(places)
    if which == "minor" or not is_plain(axis):
        texts = [_label(text) for text in texts]
    return [one for one in zip(places, texts, strict=True) if one[1] or which == "major"]


def _labelled(axis: Axis, which: Literal["major", "minor"] = "major") -> tuple[bool, bool]:
    """Tell on which sides an axis is labelled: where it is by default, and opposite."""
    shown, is_x = axis.get_tick_params(which), isinstance(axis, XAxis)
    near, far = ("bottom", "top") if is_x else ("left", "right")
    return shown.get(f"label{near}", True), shown.get(f"label{far}", False)


def _is_far(axis: Axis) -> bool:
    """Tell whether names and numbers do not stand where they are by default.

    Raises
    ------
    Unknown
        They stand on both sides, or above.
    """
    near, far = _labelled(axis)
    if far and (near or isinstance(axis, XAxis)):
        raise Unknown("labels on both sides, or above")
    return not near


def _turn(axis: Axis) -> float:
    """Return by how much names of columns are turned; numbers never are."""
    if not isinstance(axis, XAxis) or not has_names(axis):
        return 0.0
    return float(max((label.get_rotation() for label in axis.get_majorticklabels()), default=0.0))


def _label(text: str) -> str:
    """Write a power of ten without a formula.

    Raises
    ------
    Unknown
        It is another formula.
    """
    if not is_math_text(text):
        return text.replace(r"\$", "$")
    inside = _POWER.sub(r"\1", text)
    inside = re.sub(r"\^\{([^}]*)\}", lambda found: found[1].translate(_RAISED), inside).replace(
        r"\times", "\N{MULTIPLICATION SIGN}"
    )
    if "\\" in inside or "$" in inside:
        raise Unknown("a formula")
    return inside
