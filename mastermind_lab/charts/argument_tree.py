"""One decision's argument tree, as an outline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..errors import OptionError
from ..stats.arguments import sides
from ..stats.engine.arithmetic import plain_arithmetic
from ..stats.engine.bootstrap import Floats
from ..stats.engine.input import is_scan
from .drawing.chart import framed
from .drawing.figures import growing_axes, is_growing, usual_size
from .drawing.ink import shade
from .drawing.picture import Picture, from_the_left, inches_of, row_height, text_room
from .drawing.style import artist_kwargs, check_keywords, check_values
from .drawing.text import (
    HINTED,
    LOOKED_AT,
    PLAIN,
    clean,
    fitted,
    fitted_apart,
    format_n,
    small_size,
    text_width,
    tiny_size,
    unmarked,
    wrapped,
)

MOST = 60
"""Nodes that stay readable on a page."""

_IDS = ("stream_id", "decision_id", "correlation_id")  # in the order in which they are looked at
_LINE = 1.25  # from one line to the next, by the height of its text
_APART = 1.95  # and from one row to the next, where each is of one line and there is room
_BETWEEN = 0.35  # lines between rows, where some have several
_MOST_LINES = (3, 2, 1)  # of a claim, until all find room
_TALL = 8.2 * 72  # points of a page for the rows
_ABOVE = 0.42  # heights of text from the middle of a line to its top
_STEP = 1.8  # heights of small text from one level to the next
_STRENGTH = 2.9  # and kept free at the right for the strengths
_MARKS = {"pro": ("o", 1.0), "con": ("s", 0.0), "": ("D", 0.4)}  # and how much ink fills it
_NAMES = {"pro": "filled: pro", "con": "hollow: con", "": "grey: neither"}


@plain_arithmetic
def argument_tree(
    data: Any,
    stream_id: str,
    *,
    ax: Axes | None = None,
    figsize: str | tuple[float, float] | None = None,
    title: str | None = None,
    **kw: Any,
) -> Axes:
    """How one panel argued: the argument tree of its decision, a row a node, indented by depth.

    Parameters
    ----------
    data
        A history, a scan, or an ``arguments`` frame.
    stream_id
        The decision, or its ``decision_id`` or ``correlation_id`` where only one decision has it.
    ax
        Where to draw; a new figure by default, high enough for the nodes.
    figsize
        Of the new figure: ``"column"``, ``"page"``, ``"slide"``, or its width and height in inches.
    title
        Your words for the title, none where empty; n stays.
    **kw
        For the markers, :class:`matplotlib.lines.Line2D`.

    Raises
    ------
    OptionError
        If there is no decision of this id, or there are several, or a size or a keyword is unknown.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample()
    >>> ax = lab.charts.argument_tree(history, history.arguments["stream_id"].iloc[0])
    >>> ax.get_xlabel()
    'depth (levels)'
    """
    check_keywords(kw, [Line2D], "data", "stream_id", "ax", "figsize", "title")
    check_values(kw, [Line2D])
    return framed(_tree, (data, stream_id), {"ax": ax, "figsize": figsize, "title": title, **kw})


def _tree(data: Any, stream_id: str, *, ax: Axes | None, **kw: Any) -> Axes:
    batch, stream_id = batch_of(data, stream_id)
    nodes = _nodes(batch, stream_id)
    ax = ax or growing_axes(*usual_size())
    ax.set_yticks([])
    tall, width = _TALL if is_growing(ax) else row_height(ax, 1, 0), text_room(ax)
    shown = nodes.iloc[: min(MOST, max(1, int(tall / _LINE / tiny_size())))]
    outline = outlined(shown, width, tall)
    subject, notes = f"Argument tree of {clean(stream_id)}", _notes(nodes, len(shown))
    inches = inches_of(1) + min(tall, outline.points) / 72
    picture = Picture(ax, subject, None, notes, "depth (levels)", inches=inches)
    ax.spines["left"].set_visible(False)
    if nodes.empty:
        return picture.empty()
    picture.heading()
    depths, step = int(shown["depth"].max()), outline.step
    ax.set(xlim=(-0.6, width / step - 0.6), ylim=(-outline.lines + 0.3, 0.7))
    ax.set_xticks(range(0, depths + 1, 1 + int(1.6 * small_size() / step)))
    _branches(ax, shown, outline.rows)
    for side, (marker, filled) in _MARKS.items():
        mine = (shown["side"] == side).to_numpy()
        defaults: dict[str, Any] = {"linestyle": "none", "markersize": 4, "marker": marker}
        defaults |= {"markerfacecolor": shade(ax, filled), "markeredgecolor": shade(ax, filled or 1)}
        ax.plot(shown["depth"][mine], outline.rows[mine], **artist_kwargs(Line2D, defaults, kw))
    _claims(ax, shown, outline, min(small_size(), max(tiny_size(), tall / _LINE / outline.lines)))
    return ax


class Outline(NamedTuple):
    """What is written of each node, and where: at which line, from 0 downwards."""

    texts: list[list[str]]
    rows: Floats
    step: float

    @property
    def lines(self) -> float:
        """How many lines there are, with what is between rows."""
        return len(self.texts[-1]) - float(self.rows[-1]) if self.texts else 0.0

    @property
    def points(self) -> float:
        """How high they are where there is room."""
        one = self.lines <= len(self.texts)
        return self.lines * (_APART if one else 1.06 * _LINE) * small_size()


def outlined(nodes: pd.DataFrame, width: float, tall: float) -> Outline:
    """Write the claims of nodes in so many points, on as many lines as they need and find room."""
    depths = nodes["depth"].to_numpy(dtype=float)
    # Or the deepest claims would have no room.
    step = min(_STEP * small_size(), 0.5 * width / (depths.max(initial=0) + 1))
    for most in _MOST_LINES:
        texts = list(_texts(nodes, width, step, most))
        lines = np.array([len(text) for text in texts], dtype=float)
        lines += _BETWEEN * (lines.max(initial=0) > 1)
        if lines.sum() * _LINE * small_size() <= tall:
            break
    return Outline(texts, lines - np.cumsum(lines), step)


def _texts(nodes: pd.DataFrame, width: float, step: float, most: int) -> Iterator[list[str]]:
    """Write each claim on so many lines at most, and who made it at its end, or below it."""
    small, known = small_size(), nodes["author"].dropna()
    fitting = fitted_apart(known, max(9, (0.25 if most == 1 else 0.5) * width / small))
    authors = dict(zip(known, fitting, strict=True))
    for depth, said, who in zip(nodes["depth"], nodes["claim"], nodes["author"], strict=True):
        room = HINTED * (width - step * depth - (1.5 * _STEP + _STRENGTH) * small) / small
        claim, author = clean(unmarked(said), LOOKED_AT), f"  {authors[who]}" if pd.notna(who) else ""
        lines = wrapped(claim, room, most)
        beside = room - text_width(author)
        if text_width(lines[-1]) <= beside:
            yield [*lines[:-1], lines[-1] + author]
        elif len(lines) < most:
            yield [*lines, fitted(author.strip(), room)]
        else:
            yield [*lines[:-1], fitted(lines[-1], max(4, beside)) + author]


def batch_of(data: Any, wanted: str) -> tuple[Any, str]:
    """Return what holds a decision, and its stream_id: the one such batch of a scan, or data itself.

    Raises
    ------
    OptionError
        There is no decision of this id, or there are several.
    """
    found: dict[str, list[tuple[Any, str]]] = {name: [] for name in _IDS}
    for batch in data if is_scan(data) else (data,):
        for name, ids in found.items():
            ids += [(batch, one) for one in _ids_of(batch, name, wanted)]
    for name, ids in found.items():
        if len(ids) > 1:
            advice = "drop all rows but one" if name == "stream_id" else "take one of their stream_ids"
            raise OptionError(f"{len(ids):,} decisions have the {name} {wanted!r:.60}: {advice}")
        if ids:
            return ids[0]
    raise OptionError(f"there is no decision {wanted!r:.60} here: take one of decisions['stream_id']")


def _ids_of(batch: Any, name: str, wanted: str) -> list[str]:
    """Return the stream_ids of the decisions that have an id; of an arguments frame each once."""
    frame = getattr(batch, "decisions", batch)
    if name not in frame:
        return []
    there = frame.loc[frame[name] == wanted, "stream_id"].astype(str)
    return list(there.unique() if frame is batch else there)


def _nodes(batch: Any, stream_id: str) -> pd.DataFrame:
    frame = batch if isinstance(batch, pd.DataFrame) else batch.arguments
    nodes = frame[frame["stream_id"] == stream_id].sort_values("node")
    return nodes.assign(side=sides(nodes["stance"]))


def _notes(nodes: pd.DataFrame, shown: int) -> list[str]:
    counts = nodes["side"].value_counts()
    notes = format_n(len(nodes), "nodes") if len(nodes) else ["no arguments"]
    notes[0] += f"; {shown} drawn" if shown < len(nodes) else ""
    notes += [f"{_NAMES[side]} ({counts[side]:,})" for side in _MARKS if side in counts]
    notes += ["at the right: strength"] if nodes["strength"].notna().any() else []
    return notes + ([f"the first {shown} are drawn"] if shown < len(nodes) else [])


def _branches(ax: Axes, nodes: pd.DataFrame, places: Floats) -> None:
    """Draw an elbow from each parent down and across to its child, in one stroke for all.

    What is left of a tree may lack a parent.
    """
    child = nodes[nodes["parent"].isin(nodes["node"])]
    rows = pd.Series(places, index=nodes["node"].to_numpy())
    above = rows[child["parent"].to_numpy(dtype=np.int64)].to_numpy(dtype=float)
    below = rows[child["node"].to_numpy(dtype=np.int64)].to_numpy(dtype=float)
    depth = child["depth"].to_numpy(dtype=float)
    gap = np.full(len(child), np.nan)
    x = np.column_stack([depth - 1, depth - 1, depth, gap]).ravel()
    y = np.column_stack([above, below, below, gap]).ravel()
    ax.plot(x, y, color=shade(ax, 0.4), linewidth=0.7, zorder=0)


def _claims(ax: Axes, nodes: pd.DataFrame, outline: Outline, size: float) -> None:
    """Write each claim behind its mark, the first line beside it, and its strength at the right."""
    right = ax.get_xlim()[1]
    # They are cut to the width: a layout that has yet to find it would make room for them once more.
    font: dict[str, Any] = {"fontsize": size, "in_layout": False, **PLAIN}
    first: dict[str, Any] = {
        "textcoords": "offset points",
        "linespacing": _LINE / 1.2,
        "annotation_clip": False,
    }
    for depth, strength, text, row in zip(
        nodes["depth"], nodes["strength"], outline.texts, outline.rows, strict=True
    ):
        beside = depth + 0.4 * _STEP * small_size() / outline.step
        words = "\n".join(map(from_the_left, text))
        if len(text) == 1:
            ax.text(beside, row, words, va="center_baseline", **font)
        else:
            ax.annotate(words, (beside, row), (0, _ABOVE * size), va="top", **first, **font)
        if pd.notna(strength):
            ax.text(right, row, f"{strength:.2f}", ha="right", va="center_baseline", **font)
