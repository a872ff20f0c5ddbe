"""One decision's argument tree, as an outline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..errors import OptionError
from ..stats.arguments import sides
from ..stats.engine.arithmetic import plain_arithmetic
from ..stats.engine.input import is_scan
from .drawing.chart import framed
from .drawing.figures import is_growing
from .drawing.ink import shade
from .drawing.picture import Picture, from_the_left, inches_of, row_height, text_room
from .drawing.style import artist_kwargs, check_keywords, check_values
from .drawing.text import LEAST, PLAIN, clean, fitted, fitted_apart, small_size, text_width, unmarked

MOST = 60
"""Nodes that stay readable on a page."""

_IDS = ("stream_id", "decision_id", "correlation_id")  # in the order in which they are looked at
_LINE = 1.25  # from one row to the next, by the height of its text
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
    room = MOST if ax is None or is_growing(ax) else int(row_height(ax, 1, 0) / _LINE / LEAST)
    shown = nodes.iloc[: min(MOST, max(1, room))]
    subject = f"Argument tree of {clean(stream_id)}"
    picture = Picture(
        ax,
        subject,
        None,
        _notes(nodes, len(shown)),
        "depth (levels)",
        inches=inches_of(1 + len(shown) // 2, lines=2),
    )
    ax = picture.ax
    ax.spines["left"].set_visible(False)
    ax.set_yticks([])
    if nodes.empty:
        return picture.empty()
    picture.heading()
    width = text_room(ax)
    depths = int(shown["depth"].max())
    step = min(_STEP * small_size(), 0.5 * width / (depths + 1))  # or the deepest claims would have no room
    ax.set(xlim=(-0.6, width / step - 0.6), ylim=(-len(shown) + 0.3, 0.7))
    ax.set_xticks(range(0, depths + 1, 1 + int(1.6 * small_size() / step)))
    _branches(ax, shown)
    for side, (marker, filled) in _MARKS.items():
        rows = np.flatnonzero(shown["side"] == side)
        defaults: dict[str, Any] = {"linestyle": "none", "markersize": 4, "marker": marker}
        defaults |= {"markerfacecolor": shade(ax, filled), "markeredgecolor": shade(ax, filled or 1)}
        ax.plot(shown["depth"].iloc[rows], -rows, **artist_kwargs(Line2D, defaults, kw))
    _claims(ax, shown, width, step)
    return ax


def batch_of(data: Any, wanted: str) -> tuple[Any, str]:
    """Return what holds a decision, and its stream_id: the first such batch of a scan, or data itself.

    Raises
    ------
    OptionError
        There is no decision of this id, or there are several.
    """
    for batch in data if is_scan(data) else (data,):
        frame = getattr(batch, "decisions", batch)
        for name in _IDS:
            there = [] if name not in frame else list(frame.loc[frame[name] == wanted, "stream_id"].unique())
            if len(there) > 1:
                raise OptionError(
                    f"{len(there):,} decisions have the {name} {wanted!r:.60}: take one of their stream_ids"
                )
            if there:
                return batch, str(there[0])
    raise OptionError(f"there is no decision {wanted!r:.60} here: take one of decisions['stream_id']")


def _nodes(batch: Any, stream_id: str) -> pd.DataFrame:
    frame = batch if isinstance(batch, pd.DataFrame) else batch.arguments
    nodes = frame[frame["stream_id"] == stream_id]
    return nodes.assign(side=sides(nodes["stance"]))


def _notes(nodes: pd.DataFrame, shown: int) -> list[str]:
    counts = nodes["side"].value_counts()
    notes = [f"n = {len(nodes):,} nodes"] if len(nodes) else ["no arguments"]
    notes[0] += f"; {shown} drawn" if shown < len(nodes) else ""
    notes += [f"{_NAMES[side]} ({counts[side]:,})" for side in _MARKS if side in counts]
    notes += ["at the right: strength"] if nodes["strength"].notna().any() else []
    return notes + ([f"the first {shown} are drawn"] if shown < len(nodes) else [])


def _branches(ax: Axes, nodes: pd.DataFrame) -> None:
    """Draw an elbow from each parent down and across to its child, in one stroke for all."""
    child = nodes[nodes["parent"].notna()]
    rows = pd.Series(-np.arange(len(nodes)), index=nodes["node"].to_numpy())
    above = rows[child["parent"].to_numpy(dtype=np.int64)].to_numpy(dtype=float)
    below = rows[child["node"].to_numpy(dtype=np.int64)].to_numpy(dtype=float)
    depth = child["depth"].to_numpy(dtype=float)
    gap = np.full(len(child), np.nan)
    x = np.column_stack([depth - 1, depth - 1, depth, gap]).ravel()
    y = np.column_stack([above, below, below, gap]).ravel()
    ax.plot(x, y, color=shade(ax, 0.4), linewidth=0.7, zorder=0)


def _claims(ax: Axes, nodes: pd.DataFrame, width: float, step: float) -> None:
    small = small_size()
    size = min(small, max(LEAST, row_height(ax, len(nodes), 0) / _LINE))
    right = ax.get_xlim()[1]
    # They are cut to the width: a layout that has yet to find it would make room for them once more.
    font: dict[str, Any] = {"va": "center_baseline", "fontsize": size, "in_layout": False}
    known = nodes["author"].dropna()
    authors = dict(zip(known, fitted_apart(known, max(9, 0.25 * width / size)), strict=True))
    for row, node in enumerate(nodes.to_dict(orient="records")):
        room = (width - step * node["depth"] - (1.5 * _STEP + _STRENGTH) * small) / size
        author = f"  {authors[node['author']]}" if pd.notna(node["author"]) else ""
        claim = fitted(unmarked(node["claim"]), max(room - text_width(author), 4))
        beside = node["depth"] + 0.4 * _STEP * small / step
        ax.text(beside, -row, from_the_left(claim + author), **font, **PLAIN)
        if pd.notna(node["strength"]):
            ax.text(right, -row, f"{node['strength']:.2f}", ha="right", **font)
