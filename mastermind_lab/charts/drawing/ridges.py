"""Distributions as ridges: one row a group, all on one scale, each with its mean on the base line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from ...stats.engine.bootstrap import Floats
from .ink import STRONG, ink, shade, tint
from .picture import Column, Picture, label_rows
from .style import artist_kwargs, styles_on

MOST = 12
"""Rows that stay readable in one chart."""


def ridges(
    picture: Picture, bins: pd.DataFrame, table: pd.DataFrame, column: Column, kw: dict[str, Any]
) -> Axes:
    """Draw the rows of a table with ``group``, ``n`` and ``mean`` from top to bottom, and write the heading.

    The same ``bins`` for every group, in the same order, have ``left``, ``right`` and ``share``.
    """
    ax = picture.ax
    ax.set_xlim(0, 1)
    if not table["n"].any():
        return picture.empty()
    shares = bins["share"].fillna(0).to_numpy().reshape(len(table), -1)
    edges = np.append(bins["left"].to_numpy()[: shares.shape[1]], bins["right"].iloc[-1])
    bases = -np.arange(len(table), dtype=float)
    outline = artist_kwargs(StepPatch, filled(ax), kw)
    for base, heights in zip(bases, 0.7 * shares / shares.max(), strict=True):
        ax.stairs(base + heights, edges, baseline=base, **outline)
    ax.hlines(bases, 0, 1, color=shade(ax, STRONG), linewidth=0.8)
    _means(ax, table, bases - 0.11)
    ax.set(xlim=(-0.02, 1.02), ylim=(bases[-1] - 0.25, 0.9 + 0.06 * len(table)))
    between = " " if len(table) > 1 else "\n"
    ax.set_ylabel(f"share of n{between}(tallest: {shares.max():.0%})", fontsize="small")
    label_rows(ax, list(table["group"]), [f"n = {n:,}" for n in table["n"]], 0.2, column)
    return picture.heading("dot: mean, 95% interval", methods=table["mean_method"])


def filled(ax: Axes) -> dict[str, Any]:
    """How the distribution of one group looks, where no colour tells it from others."""
    face = tint(ax, styles_on(ax)[1].colour, 0.3)
    return {"facecolor": face, "edgecolor": shade(ax, STRONG), "linewidth": 0.8, "fill": True}


def _means(ax: Axes, table: pd.DataFrame, heights: Floats) -> None:
    """Mark means and intervals; the caps show an interval that is narrower than its dot."""
    ax.hlines(heights, table["mean_low"], table["mean_high"], color=ink(ax), linewidth=1)
    for end in ("mean_low", "mean_high"):
        ax.plot(table[end], heights, "|", color=ink(ax), markersize=6, markeredgewidth=1)
    ax.plot(table["mean"], heights, "o", color=ink(ax), markersize=2.5)
