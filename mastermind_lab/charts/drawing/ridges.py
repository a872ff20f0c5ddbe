"""Distributions as ridges: one row a group, all on one scale, each with its mean on the base line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from ...stats.engine.bootstrap import Floats
from .earlier import dots_before
from .ink import EARLIER, STRONG, ink, shade, tint
from .intervals import keep_ends
from .picture import Column, Picture, label_rows, row_height, say_nothing_known
from .style import artist_kwargs, styles_on
from .text import small_size

MOST = 12
"""Rows that stay readable in one chart."""


def ridges(
    picture: Picture, bins: pd.DataFrame, table: pd.DataFrame, column: Column, kw: dict[str, Any],
    heights: Any = None, behind: pd.DataFrame | None = None,
) -> Axes:  # fmt: skip
    """Draw the rows of a table with ``group``, ``n`` and ``mean`` from top to bottom, and write the heading.

    The same ``bins`` for every group, in the same order, have ``left``, ``right`` and ``share``. Of an
    earlier run ``behind`` has the same rows, and ``heights`` the shares in the bins, shape (rows, bins).
    """
    ax = picture.ax
    ax.set_xlim(0, 1)
    if not table["n"].any():
        return picture.empty()
    shares = bins["share"].fillna(0).to_numpy().reshape(len(table), -1)
    edges = np.append(bins["left"].to_numpy()[: shares.shape[1]], bins["right"].iloc[-1])
    bases = -np.arange(len(table), dtype=float)
    outline = artist_kwargs(StepPatch, filled(ax), kw)
    earlier = np.nan_to_num(np.zeros(1) if heights is None else heights)
    tallest = float(max(shares.max(), earlier.max(initial=0)))
    for base, filling in zip(bases, 0.7 * shares / tallest, strict=True):
        ax.stairs(base + filling, edges, baseline=base, **outline)
    if behind is not None:
        _behind(ax, 0.7 * np.asarray(heights) / tallest, edges, behind)
    ax.hlines(bases, 0, 1, color=shade(ax, STRONG), linewidth=0.8)
    _means(ax, table, bases - 0.11)
    for base in bases[table["n"].to_numpy() == 0]:
        say_nothing_known(ax, 0.5, base + 0.2, ax.transData)
    known = [figure if n else "" for figure, n in zip(column.figures, table["n"], strict=True)]
    line = small_size() / row_height(ax, len(table), 0)  # as a share of a row
    ax.set(xlim=(-0.02, 1.02), ylim=(bases[-1] - max(0.25, 0.11 + 0.9 * line), 0.75 + 1.5 * line))
    between = " " if len(table) > 1 else "\n"
    ax.set_ylabel(f"share of n{between}(tallest: {tallest:.0%})", fontsize="small")
    picture.note_rest(table["group"])
    label_rows(ax, list(table["group"]), [f"n = {n:,}" for n in table["n"]], 0.2, Column(column.title, known))
    return picture.heading("dot: mean", methods=table["mean_method"])


def filled(ax: Axes) -> dict[str, Any]:
    """How the distribution of one group looks, where no colour tells it from others."""
    face = tint(ax, styles_on(ax)[1].colour, 0.3)
    return {"facecolor": face, "edgecolor": shade(ax, STRONG), "linewidth": 0.8, "fill": True}


def _behind(ax: Axes, shares: Floats, edges: Floats, table: pd.DataFrame) -> None:
    """Draw an earlier run: its outline over the filled ones, and its mean under the present one."""
    for row, heights in enumerate(shares):
        if not np.isnan(heights).all():
            look: dict[str, Any] = {"color": shade(ax, EARLIER), "linewidth": 1.3}
            ax.stairs(np.nan_to_num(heights) - row, edges, baseline=-row, **look)
    dots_before(ax, table, -0.11 - np.arange(len(table), dtype=float), "mean")


def _means(ax: Axes, table: pd.DataFrame, heights: Floats) -> None:
    """Mark means and intervals; the caps show an interval that is narrower than its dot."""
    ax.hlines(heights, table["mean_low"], table["mean_high"], color=ink(ax), linewidth=1)
    for end in ("mean_low", "mean_high"):
        ax.plot(table[end], heights, "|", color=ink(ax), markersize=6, markeredgewidth=1)
    [drawn] = ax.plot(table["mean"], heights, "o", color=ink(ax), markersize=2.5)
    keep_ends(drawn, table, "mean")
