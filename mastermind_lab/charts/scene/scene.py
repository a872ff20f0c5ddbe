"""Axes as a scene: what they show in words, numbers and colours."""

from __future__ import annotations

import re
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.cbook import is_math_text
from matplotlib.legend import Legend
from matplotlib.spines import Spine
from matplotlib.text import Text

from ..drawing.caption import said_of
from .back import back_of, has_names, is_dated, is_plain
from .colours import Colours
from .marks import Columns, Marks, Plane
from .unknown import Unknown
from .words import entries_of, plain, word_of

Scene = tuple[dict[str, Any], bytes]

_POWER = re.compile(r"\$\\mathdefault\{(.*)\}\$")
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
    x, y = (float(axis.get_view_interval()[0]) if is_dated(axis) else 0.0 for axis in (ax.xaxis, ax.yaxis))
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
        "frame": [name for name, spine in ax.spines.items() if spine.get_visible()],
        "marks": sorted(marks.found, key=lambda mark: float(mark.pop("z"))),
        "words": words,
        "legend": legend,
        "parts": [
            {"box": _box(part, ax), **_facts(part, colours, columns)}
            for part in cast(list[Axes], ax.child_axes)
            if part.get_visible()
        ],
    }


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


def _axis(axis: Axis, origin: float) -> dict[str, Any]:
    """Say where an axis begins and ends, and what is written along it, on a linear scale."""
    scale, ends = axis.get_transform(), axis.get_view_interval()
    low, high = sorted(map(float, ends))
    places = [float(place) for place in axis.get_majorticklocs() if low <= place <= high]
    formatter = axis.get_major_formatter()
    shown = axis.get_tick_params()
    near, far = ("bottom", "top") if isinstance(axis, XAxis) else ("left", "right")
    is_labelled = shown.get(f"label{near}", True) or shown.get(f"label{far}", False)
    written = formatter.format_ticks(places) if is_labelled else [""] * len(places)
    labels = [*written] if is_plain(axis) else [_label(label) for label in written]
    return {
        "label": plain(axis.label).replace("\n", " "),
        "offset": _label(formatter.get_offset()) if axis.get_offset_text().get_visible() else "",
        "limits": (scale.transform(np.array(ends)) - origin).tolist(),
        "ticks": [
            [place, label]
            for place, label in zip(
                (scale.transform(np.array(places)) - origin).tolist(), labels, strict=True
            )
        ],
        "origin": origin,
        "back": back_of(axis) if places else {"as": ""},
        "grid": bool(shown.get("gridOn", False)),
        "turn": _turn(axis),
        "far": not shown.get(f"label{near}", True),
    }


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
