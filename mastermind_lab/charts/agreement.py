"""Who agrees with whom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ..labels import counted
from ..stats import Agreement
from ..stats.engine.bootstrap import Floats
from ..stats.engine.input import By, Source
from ..stats.engine.levels import NOMINAL
from ..stats.engine.summary import texts_of
from .drawing.chart import chart, summary_of
from .drawing.dots import MOST, dots, limits, n_of_rows, without_dot
from .drawing.figures import cell, extent, usual_size
from .drawing.ink import MUTED, is_dark, readable_on, shade, tint
from .drawing.picture import Picture, inches_of, rows_that_fit, text_room
from .drawing.style import artist_kwargs, styles_on
from .drawing.text import (
    PLAIN,
    fitted_apart,
    format_n,
    format_voters,
    names_apart,
    small_size,
    text_width,
    tiny_size,
)

MOST_VOTERS = 25
"""Voters that stay readable in one chart."""

_NUMBER = 1.15  # heights of tiny text across, of a column that has a number
_SCALE = 5.3  # and what the scale takes at the right
_MOST_OF_A_NAME = 15.0  # heights of text


@chart(
    Agreement,
    "A history, its ``votes`` frame (then without ``by``)",
    {"squares": AxesImage, "dots of groups": Line2D},
    by="Column or columns of ``decisions`` to group by; the 20 largest groups are drawn.",
)
def agreement(
    data: Source | Agreement,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """Who agrees with whom: how often each two voters chose alike; by group, how far all agree (alpha).

    Without ``by``, a square is the agreement of two voters, as the scale at the right says. Where figures
    find room, those below the diagonal are percents, and what mirrors them above it is the number of
    decisions in which both voted. Voters are those with the most votes, 25 at most, or as many as find room;
    those who agree stand side by side, and columns bear the rows' numbers where names are long. A square on
    the diagonal is a voter with several votes in a decision, such as a model in several seats. With ``by``,
    a dot is Krippendorff's alpha of a group, with its 95% interval.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.agreement(lab.sample(), by="meta.category").get_xlabel()
    "Krippendorff's alpha (0: chance, 1: full)"
    """
    summary = summary_of(Agreement, data, by, cluster, voter)
    table = summary.by_group()
    notes = format_n(table["n"].sum(), "decisions", of_one_vote=table["alone"].sum())
    notes += format_voters(summary.voter, summary.repeated)
    return _groups(summary, table, notes, ax, kw) if summary.by else _pairs(summary, notes, ax, kw)


def _groups(
    summary: Agreement, table: pd.DataFrame, notes: list[str], ax: Axes | None, kw: dict[str, Any]
) -> Axes:
    """Draw alpha as a dot a group."""
    shown = table.loc[sorted(table["n"].nlargest(rows_that_fit(ax, MOST)).index)]
    xlabel = f"Krippendorff's alpha{_level(summary)} (0: chance, 1: full)"
    picture = Picture(ax, "Agreement", summary, notes, xlabel, inches=inches_of(len(shown)))
    if not table["alpha"].notna().any():
        return picture.empty("no alpha to draw")
    names = list(texts_of(shown[list(summary.by)]))
    named = shown.assign(group=names, all="")
    dots(picture, named, "group", "all", "alpha", kw, beside=n_of_rows(shown["n"]))
    smaller = len(table) - len(shown)
    more = [f"{counted(smaller, 'smaller group')} not drawn"] if smaller else []
    gaps = without_dot(named, "group", "all", "alpha", "alpha unknown, as where all choose alike")
    picture.heading(*more, gaps, methods=shown["alpha_method"])
    left, right = limits(shown, "alpha")
    picture.ax.set_xlim(min(left, 0), min(max(right, 0), 1.02))
    picture.ax.axvline(0, color=shade(picture.ax, MUTED), linewidth=0.8, zorder=1)
    return picture.ax


def _pairs(summary: Agreement, notes: list[str], ax: Axes | None, kw: dict[str, Any]) -> Axes:
    """Draw the agreement of each two voters as a square."""
    pairs = summary.table()
    there = pairs["voter"].nunique()
    most = min(there, MOST_VOTERS, _columns(72 * usual_size()[0] if ax is None else cell(ax)[0]))
    picture = Picture(ax, "Agreement", summary, notes, "", rows=round(0.3 * most))
    voters = summary.order(max(2, min(most, rows_that_fit(picture.ax, MOST_VOTERS))))
    if not voters:
        return picture.empty()
    hidden = there - len(voters)
    more = [f"{counted(hidden, 'voter')} not drawn: those with most votes are"] if hidden else []
    written = _squares(picture.ax, pairs, voters, kw)
    alpha = f"Krippendorff's alpha {summary.alpha:.2f}{_level(summary)}"
    return picture.heading(alpha, *more, *_key(pairs, voters, written))


def _level(summary: Agreement) -> str:
    return "" if summary.level == NOMINAL else f", {summary.level}"


def _columns(width: float) -> int:
    """Return how many columns find room beside the names."""
    return int(0.5 * width / _NUMBER / tiny_size())


def _key(pairs: pd.DataFrame, voters: list[str], written: bool) -> list[str]:
    """Write how to read the squares."""
    there = pairs["voter"].isin(voters) & pairs["other"].isin(voters) & (pairs["voter"] != pairs["other"])
    n = pairs.loc[there, "decisions"]
    hatched = ["hatched: the two never met"] if len(n) < len(voters) * (len(voters) - 1) else []
    if written:
        return ["below: % of decisions in which both chose alike; above: n in which both voted", *hatched]
    least, most = n.min(), n.max()
    between = f"; n = {least:,}{'' if least == most else f' to {most:,}'} a pair" if len(n) else ""
    return [f"shade: % of decisions in which both chose alike{between}", *hatched]


def _squares(ax: Axes, pairs: pd.DataFrame, voters: list[str], kw: dict[str, Any]) -> bool:
    """Draw the squares, names and scale; return whether the figures found room in the squares."""
    pairs = pairs[pairs["voter"].isin(voters) & pairs["other"].isin(voters)]
    share, n = (
        pairs.pivot(index="voter", columns="other", values=name).reindex(index=voters, columns=voters)
        for name in ("agreement", "decisions")
    )
    width, height = extent(ax)
    written = min(0.75 * width / 2.3, 0.9 * height / 1.2) > tiny_size() * len(voters)
    drawn_where = np.tri(len(voters), dtype=bool) | (not written)
    shades = np.where(drawn_where, share, np.nan)
    defaults = {"cmap": _shades(ax), "aspect": "auto", **_limits(share)}
    drawn = ax.imshow(shades, **artist_kwargs(AxesImage, defaults, kw))
    _names(ax, voters)
    _hatch(ax, np.argwhere(np.isnan(share) & drawn_where & ~np.eye(len(voters), dtype=bool)))
    ax.spines[:].set_visible(False)
    if written:
        _figures(ax, drawn, shades, n.to_numpy(dtype=float, na_value=0))
    _scale(ax, drawn)
    return written


def _names(ax: Axes, voters: list[str]) -> None:
    """Name the rows; the columns, too, where names are short, and else by the numbers of the rows."""
    height = extent(ax)[1]
    tiny, texts = tiny_size(), texts_of(pd.DataFrame({"voter": voters}))
    size = float(np.clip(0.8 * height / len(voters), tiny, small_size()))
    room = 0.48 * cell(ax)[0] - (_SCALE + 1.7) * tiny - 6
    if max(map(text_width, names_apart(texts, 40))) * size > room:
        size = tiny
    names = fitted_apart(texts, min(room / size, _MOST_OF_A_NAME))
    longest, places = max(map(text_width, names)), np.arange(len(voters))
    ax.set_yticks(places, names, fontsize=size, **PLAIN)
    ax.tick_params(length=0)
    square = (text_room(ax) - _SCALE * tiny) / len(voters)
    if tiny * (longest + 0.6) < square:
        size = min(size, square / (longest + 0.6))
        ax.set_xticks(places, names, fontsize=size, va="baseline", **PLAIN)  # accents do not lower a name
        ax.tick_params(axis="x", pad=1.3 * size)
        return
    ax.set_yticks(places, [f"{name}  {place}" for place, name in enumerate(names, 1)])
    some = places[:: 1 if square > 1.5 * tiny or len(places) < 10 else 2]
    ax.set_xticks(some, [str(place + 1) for place in some], fontsize=tiny)


def _hatch(ax: Axes, squares: NDArray[np.intp]) -> None:
    """Mark the pairs that never met: nothing is known of them, which is not low agreement."""
    for row, column in squares:
        look: dict[str, Any] = {"hatch": "//////", "linewidth": 0, "edgecolor": shade(ax, 0.35)}
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, **look))


def _shades(ax: Axes) -> LinearSegmentedColormap:
    """From paper towards ink, so that it reads in grey."""
    full, least = styles_on(ax)[1].colour, 0.25 if is_dark(ax) else 0.1
    shades = [tint(ax, full, share) for share in (least, (1 + least) / 2, 1)]
    return LinearSegmentedColormap.from_list("agreement", shades)


def _limits(share: pd.DataFrame) -> dict[str, float]:
    """Give shades that are all alike a scale within 0 to 1; others have their own."""
    low, high = float(np.nanmin(share)), float(np.nanmax(share))
    return {"vmin": max(low - 0.05, 0), "vmax": min(high + 0.05, 1)} if low == high else {}


def _figures(ax: Axes, drawn: AxesImage, shades: Floats, n: Floats) -> None:
    """Write percents below the diagonal and n above it."""
    where: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": tiny_size()}
    for row, column in np.argwhere(~np.isnan(shades)):
        colour = readable_on(drawn.to_rgba(shades[row, column]))
        ax.text(column, row, f"{100 * shades[row, column]:.0f}", color=colour, **where)
    for row, column in np.argwhere(np.triu(n, 1)):
        ax.text(column, row, _short(n[row, column]), color=shade(ax, MUTED), **where)


def _short(n: float) -> str:
    return f"{n:.0f}" if n < 1_000 else f"{n / 1_000:.1f}k" if n < 99_950 else f"{n / 1_000:.0f}k"


def _scale(ax: Axes, drawn: AxesImage) -> None:
    """Draw the shades' scale at the right."""
    width, height = extent(ax)
    scale = ax.inset_axes((1 + 6 / width, 1 - min(1, 110 / height), 7 / width, min(1, 110 / height)))
    ax.figure.colorbar(drawn, cax=scale, format="{x:.0%}")
    scale.tick_params(labelsize=tiny_size(), length=2)
    scale.locator_params(nbins=4)
