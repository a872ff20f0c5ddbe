"""A time axis, and lines on it: where a value of meta, or a field, begins or ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.patheffects import withStroke

from ...errors import OptionError
from ...stats import Regimes
from ...stats.engine.bootstrap import Floats
from ...stats.engine.first_last_seen import FIELDS
from ...stats.engine.input import Data
from ...stats.engine.timebins import FIRST, LAST, moments
from .figures import extent
from .ink import STRONG, paper, shade
from .text import PLAIN, names_apart, small_size

MOST = 5
"""Lines that stay readable on one axis."""

_SPACING = 1.3  # heights of small text from one line to the next, so that their names do not meet


def date_axis(ax: Axes) -> None:
    """Let the horizontal axis say its times in few words (UTC)."""
    # A margin may reach beyond what is a date, and the last moment is rounded to the year 10000.
    ends = date2num(moments(np.array([FIRST, LAST - 1_000_000])))  # type: ignore[no-untyped-call]
    ax.set_xlim(*np.clip(ax.get_xlim(), *ends))
    least, most = (3, 7) if extent(ax)[0] > 14.4 * small_size() else (1, 4)
    locator = AutoDateLocator(tz=UTC, minticks=least, maxticks=most)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    ax.xaxis.get_offset_text().set_fontsize("small")


def regimes_of(data: Data | object, regimes: Regimes | None) -> Regimes | None:
    """Return the regimes to mark: those given, else those of a history or frame; a summary has none.

    Raises
    ------
    OptionError
        If something else is given.
    """
    if regimes is not None and not isinstance(regimes, Regimes):
        raise OptionError(f"regimes takes a Regimes summary, not {type(regimes).__name__}")
    frame = data if isinstance(data, pd.DataFrame) else getattr(data, "decisions", None)
    if regimes is not None or not isinstance(frame, pd.DataFrame):
        return regimes
    return Regimes.of(frame, replicates=40)  # nothing is drawn of the effects, nor of their intervals


def change_lines(ax: Axes, regimes: Regimes | None, named: bool = True) -> list[str]:
    """Draw a line where something changes, with its name, the latest 5 at most; return notes on them.

    It is dashed where a value begins, and dotted where one ends and none begins.
    """
    if regimes is None:
        return []
    events = regimes.table()
    changes = [_what(rows) for _, rows in events.groupby("change")]
    places = date2num([rows["time"].min() for rows in changes])  # type: ignore[no-untyped-call]
    shown = _spaced(ax, places)
    names = names_apart([_name(changes[place]) for place in shown], 26)
    for (place, x), short in zip(shown.items(), names, strict=True):
        look = _LINES[changes[place]["event"].iloc[0]]
        ax.axvline(x, color=shade(ax, STRONG), linewidth=0.8, linestyle=look, zorder=1)
        if named:
            more = f" +{len(changes[place]) - 1}" if len(changes[place]) > 1 else ""
            name = ax.annotate(
                short + more, (x, 0), (-2, 2), color=shade(ax, STRONG), **_NAME_AT_LINE, **PLAIN
            )
            name.set_path_effects([withStroke(linewidth=2, foreground=paper(ax))])
    return _said_of(changes, shown)


_LINES = {"begin": (0, (4, 3)), "end": (0, (1, 2))}


def _what(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what begins in a change or, where nothing does, what ends."""
    begins = rows[rows["event"] == "begin"]
    return rows if begins.empty else begins


def _said_of(changes: Sequence[pd.DataFrame], shown: Collection[int]) -> list[str]:
    """Say what the kinds of line are that there are, and how many more of each."""
    said = []
    for event, words in {"begin": "dashed: a value begins", "end": "dotted: a value ends"}.items():
        places = [place for place, rows in enumerate(changes) if rows["event"].iloc[0] == event]
        hidden = len(set(places).difference(shown))
        said += [words + (f" ({hidden:,} more)" if hidden else "")] if places else []
    return said


_NAME_AT_LINE: dict[str, Any] = {
    "xycoords": ("data", "axes fraction"),
    "textcoords": "offset points",
    "rotation": 90,
    "ha": "right",
    "va": "bottom",
    "fontsize": "x-small",
    "zorder": 5,
}


def _spaced(ax: Axes, places: Floats) -> dict[int, float]:
    """Choose, from the latest to the earliest, what stands on the axis and far enough from the one before."""
    left, right = ax.get_xlim()
    point = (right - left) / extent(ax)[0]
    shown: dict[int, float] = {}
    apart = _SPACING * small_size() * point
    last = right + apart
    for number in range(len(places))[::-1]:
        if left <= places[number] <= last - apart and len(shown) < MOST:
            shown[number] = last = float(places[number])
    return shown


def _name(rows: pd.DataFrame) -> str:
    """Name what begins, or ends, first: a column's value, or a field."""
    first = rows.iloc[0]
    ends = first["event"] == "end"
    if first["column"] == FIELDS:
        return f"{'-' if ends else '+'} {first['value']}"
    return f"{str(first['column']).removeprefix('meta.')}: {first['value']}" + (" ends" if ends else "")
