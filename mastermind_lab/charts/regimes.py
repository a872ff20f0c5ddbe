"""What changed along the stream, and what confidence and margin did then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.lines import Line2D

from ..errors import OptionError
from ..labels import counted
from ..stats import Regimes
from ..stats.engine.input import By, Source, names_of
from ..text import column_label
from .drawing.change_lines import date_axis
from .drawing.chart import chart, check_clusters
from .drawing.dots import methods_of
from .drawing.figures import extent, is_growing, without_labels
from .drawing.ink import MUTED, paper, shade
from .drawing.intervals import keep_ends
from .drawing.picture import Picture, annotate_rows, grouped_by
from .drawing.style import Style, artist_kwargs, styles_on
from .drawing.text import CHARACTER, PLAIN, clean, format_n, names_apart, small_size, tiny_size

MOST = 12
"""Changes that stay readable in one chart."""

ARROW = "\N{RIGHTWARDS ARROW}"


class _Rows(NamedTuple):
    """How high a row is, in heights of tiny text, and in rows where the strip begins and ends above them."""

    height: float
    begins: float
    ends: float
    offset: float
    """Of two dots in a row from its middle."""

    @property
    def above(self) -> float:
        """Rows that the strip takes, with its dates and numbers."""
        return self.ends - 0.3


_NAMED_BELOW = _Rows(5.4, 1.2, 2.7, 0.12)  # four lines of a name
_IN_A_LINE = _Rows(2.1, 2.2, 5.4, 0.2)
_WIDE = 31.0  # heights of small text, from which on there is room for figures beside the rows


class _Look(NamedTuple):
    label: str
    side: int  # above the middle of a row, or below


_LOOKS = {"confidence": _Look("confidence", 1), "margin": _Look("margin of the vote", -1)}


@chart(
    Regimes,
    "A history, its ``decisions`` frame",
    watch='Column or columns in which to look for changes, and ``"fields"``: see '
    ":class:`~mastermind_lab.stats.Regimes`. Above 12 changes the latest have a row, "
    "or as many as find room.",
)
def regimes(
    data: Source | Regimes, *, watch: By = None, cluster: By = None, ax: Axes | None = None, **kw: Any
) -> Axes:
    """What each change along the stream did to mean confidence and margin, the earliest change on top.

    The strip along time shows the means between changes. A row says when a value began or ended, which, and
    how many decisions stand before and after it; lines are 95% intervals. On a wide picture the means before
    and after stand at the right.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> ax = lab.charts.regimes(lab.sample(), watch="meta.model")
    >>> ax.get_xlabel()
    'mean after - before (-1 to 1)'
    """
    summary = _summary(data, watch, cluster)
    table = summary.table()
    found = table["change"].nunique()
    notes = format_n(summary.n, "decisions", without_a_time=summary.undated)
    subject, xlabel = f"Regimes{grouped_by(summary.watch)}", "mean after - before (-1 to 1)"
    picture = Picture(
        ax, subject, summary, notes, xlabel,
        rows=round((_NAMED_BELOW.above + min(found, MOST)) * _NAMED_BELOW.height * tiny_size() / 32),
    )  # fmt: skip
    if table.empty:
        return picture.empty("no change found") if summary.n else picture.empty()
    ax = picture.ax
    rows, shown = _fitting(ax, min(found, MOST))
    table = table[table["change"] > found - shown]
    changes = table.drop_duplicates("change")
    figures = [name for name in _LOOKS if changes[f"{name}_difference"].notna().any()]
    offset = rows.offset if len(figures) > 1 else 0.0
    handles = [_effects(ax, changes, name, offset, kw) for name in figures]
    ax.vlines(0, -shown + 0.4, 0.6, color=shade(ax, MUTED), linewidth=0.8, zorder=0)
    ax.set_ylim(-shown + 0.4, 0.5 + rows.above)
    ax.spines["left"].set_bounds(-shown + 0.4, 0.6)  # the strip has its own
    ax.margins(x=0.1)
    _names(ax, table[_NAMED].to_dict("records"), rows)
    _strip(ax, summary.segments(), figures, shown, rows)
    picture.legend(handles, [_LOOKS[name].label for name in figures])
    if _is_wide(ax) and figures:
        _means_beside(ax, changes, figures[0])
    earlier = f"{counted(found - shown, 'earlier change')} in the strip alone" if found > shown else ""
    return picture.heading(
        "strip: means between changes",
        "dot: change",
        "n and what stands at the right: before and after a change",
        earlier,
        methods=methods_of(changes, (f"{name}_difference" for name in figures)),
    )


def _is_wide(ax: Axes) -> bool:
    return extent(ax)[0] > _WIDE * small_size()


def _fitting(ax: Axes, there: int) -> tuple[_Rows, int]:
    """Choose how rows are named so that as many changes as may be find room, and say how many do."""
    rows = _NAMED_BELOW if _room(ax, _NAMED_BELOW) >= there or not _is_wide(ax) else _IN_A_LINE
    return rows, min(there, _room(ax, rows))


def _means_beside(ax: Axes, changes: pd.DataFrame, figure: str) -> None:
    means = changes[[f"{figure}_{side}" for side in ("before", "after")]].to_numpy()
    texts = [f"{before:.2f} {ARROW} {after:.2f}" for before, after in means]
    annotate_rows(ax, figure, texts, top=0.6)


def _room(ax: Axes, rows: _Rows) -> int:
    """Return how many changes find room; a new figure is as high as they need."""
    share = 0.95 if rows is _NAMED_BELOW else 0.92  # of the height, when the legend stands above
    return (
        MOST
        if is_growing(ax)
        else max(1, int(share * extent(ax)[1] / rows.height / tiny_size() - rows.above))
    )


def _summary(data: Source | Regimes, watch: By, cluster: By) -> Regimes:
    if not isinstance(data, Regimes):
        return Regimes.of(data, watch=watch, cluster=cluster)
    check_clusters(data, cluster)
    if watch is not None and names_of(watch) != data.watch:
        raise OptionError(f"this summary watches {', '.join(data.watch) or 'all of meta'}: count it again")
    return data


def _effects(ax: Axes, changes: pd.DataFrame, figure: str, offset: float, kw: dict[str, Any]) -> Line2D:
    """Draw one figure's differences, so far above or below the middle of their rows."""
    look, style = _LOOKS[figure], _style(ax, figure)
    heights = offset * look.side - np.arange(len(changes))
    low, high = (changes[f"{figure}_difference_{end}"] for end in ("low", "high"))
    ax.hlines(heights, low, high, color=style.colour, linewidth=1.2)
    face = style.colour if look.side > 0 else paper(ax)
    defaults = style.as_dots(markersize=5, markerfacecolor=face)
    [drawn] = ax.plot(changes[f"{figure}_difference"], heights, **artist_kwargs(Line2D, defaults, kw))
    return keep_ends(drawn, changes, f"{figure}_difference")


def _style(ax: Axes, figure: str) -> Style:
    return styles_on(ax)[list(_LOOKS).index(figure)]


def _strip(ax: Axes, segments: pd.DataFrame, figures: Sequence[str], shown: int, rows: _Rows) -> None:
    """Draw the means between changes along time, above the rows; a line is a change, the latest numbered."""
    strip = ax.inset_axes((0, rows.begins, 1, rows.ends - rows.begins), transform=ax.get_yaxis_transform())
    strip.set_in_layout(False)  # the names of the rows need more room
    without_labels(strip)
    first, last = (date2num(segments[end]) for end in ("first", "last"))  # type: ignore[no-untyped-call]
    for figure in figures:
        style = _style(ax, figure)
        strip.hlines(segments[figure], first, last, color=style.colour, linestyle=style.line, linewidth=1.5)
    strip.vlines(first[1:], 0, 1, transform=strip.get_xaxis_transform(), **_line(ax))
    strip.set_xlim(first[0], last[-1])
    strip.spines[["top", "right"]].set_visible(False)
    strip.locator_params(axis="y", nbins=2)
    strip.tick_params(labelsize=tiny_size(), length=2)
    strip.margins(y=0.15)
    strip.patch.set_alpha(0)
    date_axis(strip, free=1.1 * tiny_size() / extent(ax)[0])
    strip.xaxis.get_offset_text().set_fontsize(tiny_size())
    room, free = (last[-1] - first[0]) / extent(ax)[0], np.inf
    for number in range(len(first) - 1, len(first) - 1 - shown, -1):
        half = (0.4 * len(f"{number}") + 0.3) * tiny_size() * room
        if first[number] + half < free:
            free = first[number] - half
            where: Any = ("data", "axes fraction")
            strip.annotate(f"{number}", (first[number], 1), xycoords=where, ha="center", fontsize=tiny_size())


def _line(ax: Axes) -> dict[str, Any]:
    return {"color": shade(ax, MUTED), "linewidth": 0.7, "linestyle": ":"}


_NAMED = ["change", "time", "column", "value", "event", "before", "after"]


def _names(ax: Axes, events: Sequence[Mapping[Any, Any]], rows: _Rows) -> None:
    """Write at the left of each row which change it is, when it was, and what changed."""
    across = int(
        np.clip(0.36 * ax.figure.bbox.width / ax.figure.dpi * 72 / (CHARACTER * tiny_size()), 12, 28)
    )
    values = list(dict.fromkeys(event["value"] for event in events))
    cut = dict(zip(values, names_apart(values, max(5, (across - 3) // 2)), strict=True))
    changes: dict[int, list[Mapping[Any, Any]]] = {}
    for event in events:
        changes.setdefault(event["change"], []).append(event)
    one = rows is _IN_A_LINE
    several = len({event["column"] for event in events}) > 1  # or the title says which
    names = [(_line_of if one else _lines_of)(change, cut, across, several) for change in changes.values()]
    ax.set_yticks(-np.arange(len(names)), names, fontsize=tiny_size(), **PLAIN)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(ax.get_xlabel(), loc="right")  # there is room for it under the names


def _lines_of(events: Sequence[Mapping[Any, Any]], cut: Mapping[str, str], across: int, _: bool) -> str:
    """Name a change in 3 or 4 lines: number and day, what ended and what began, n on both sides."""
    first, (name, what) = events[0], _named(events, cut, across)
    short = [f"{name}: {what}"] if len(name) + len(what) + 2 <= across else [name, what]
    return "\n".join([f"{first['change']}. {first['time']:%Y-%m-%d}", *short, f"n = {_both_sides(first)}"])


def _line_of(events: Sequence[Mapping[Any, Any]], cut: Mapping[str, str], across: int, several: bool) -> str:
    """Name a change in a line, with its column where there are several."""
    first, (name, what) = events[0], _named(events, cut, across)
    changed = f"{name}: {what}" if several else what
    return f"{first['change']}. {first['time']:%Y-%m-%d} {changed} (n = {_both_sides(first)})"


def _both_sides(change: Mapping[Any, Any]) -> str:
    return f"{change['before']:,} | {change['after']:,}"


def _named(events: Sequence[Mapping[Any, Any]], cut: Mapping[str, str], across: int) -> tuple[str, str]:
    """Name the column of a change, and what ended and began in it."""
    column, more = events[0]["column"], len({event["column"] for event in events}) - 1
    name = clean(column_label(column), across - 5) + (f" +{more}" if more else "")
    named = [
        [cut[event["value"]] for event in events if event["column"] == column and event["event"] == kind]
        for kind in ("end", "begin")
    ]
    return name, _transition(*map(_first_of, named))


def _first_of(values: list[str]) -> str:
    return "".join(values[:1]) + (f" +{len(values) - 1}" if len(values) > 1 else "")


def _transition(ended: str, began: str) -> str:
    if ended and began:
        return f"{ended} {ARROW} {began}"
    return f"{ended} ends" if ended else f"{began} begins"
