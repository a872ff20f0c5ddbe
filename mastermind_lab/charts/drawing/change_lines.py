"""A time axis, and lines on it: where a value of meta, or a field, begins or ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC
from functools import wraps
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num, num2date
from matplotlib.patheffects import withStroke

from ...errors import OptionError
from ...stats import Regimes
from ...stats.engine.bootstrap import Floats
from ...stats.engine.first_last_seen import FIELDS
from ...stats.engine.input import Data, Source, frame_of, is_scan
from ...stats.engine.summary import Summary
from ...stats.engine.timebins import FIRST, LAST, moments
from ...text import column_label
from .caption import add
from .figures import extent
from .ink import STRONG, paper, shade
from .text import CHARACTER, PLAIN, names_apart, small_size, tiny_size

MOST = 5
"""Lines that stay readable on one axis."""

_MOMENT = 0.75  # days of an axis on either side of a single moment
_SPACING = 1.3  # heights of small text from one line to the next, so that their names do not meet


class _DateLocator(AutoDateLocator):
    """Finds the dates of a view once: an axis asks for them many times in a drawing, and panels share them.

    A share at the right is ``free`` of them, so that none is cut there.
    """

    free = 0.0
    _found: tuple[tuple[float, ...], Any] = ((), None)

    def __call__(self) -> Any:
        left, right = cast(Any, self.axis).get_view_interval()
        if (left, right) != self._found[0]:
            last = right - self.free * (right - left)
            dates = [date for date in super().__call__() if date <= last]  # type: ignore[no-untyped-call]
            self._found = (left, right), dates
        return self._found[1]


class _DateFormatter(ConciseDateFormatter):
    """Says beside the axis what holds for all of its dates, and of a single date the day.

    ``ConciseDateFormatter`` says there the month, or the day, of the last; and of a single date the hour.
    """

    _beside = ""

    def format_ticks(self, values: Any) -> list[str]:
        """Write the dates, and find what stands beside them."""
        labels: list[str] = super().format_ticks(values)  # type: ignore[no-untyped-call]
        self._beside = super().get_offset()  # type: ignore[no-untyped-call]
        dates: list[Any] = [num2date(value, tz=UTC) for value in values]  # type: ignore[no-untyped-call]
        if not dates or any(date.minute or date.second or date.microsecond for date in dates):
            return labels
        first, last = dates[0], dates[-1]
        if len(dates) == 1 and not first.hour:
            labels, self._beside = [f"{first:%b-%d}"], f"{first:%Y}"
        elif self._beside and first.date() != last.date():
            alike = (first.year, first.month) == (last.year, last.month)
            years = dict.fromkeys(f"{date:%Y}" for date in (first, last))
            self._beside = f"{last:%Y-%b}" if alike else " to ".join(years)
        return labels

    def get_offset(self) -> str:
        """Return what stands beside the dates."""
        return self._beside


def date_axis(ax: Axes, free: float = 0) -> None:
    """Let the horizontal axis say its times in few words (UTC), none in a share at the right that is free."""
    # A margin may reach beyond what is a date, and the last moment is rounded to the year 10000.
    ends = date2num(moments(np.array([FIRST, LAST - 1_000_000])))  # type: ignore[no-untyped-call]
    shared = ax.get_shared_x_axes().get_siblings(ax)
    there = np.array([one.dataLim.intervalx for one in shared])
    if (first := there.min()) == there.max():
        ax.set_xlim(first - _MOMENT, first + _MOMENT)  # rather than years around a single moment
    ax.set_xlim(*np.clip(ax.get_xlim(), *ends))
    least, most = (3, 7) if extent(ax)[0] > 14.4 * small_size() else (2, 4)
    locator = _DateLocator(tz=UTC, minticks=least, maxticks=most)  # type: ignore[no-untyped-call]
    locator.free = free
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(_DateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    ax.xaxis.get_offset_text().set_fontsize("small")


def regimes_of(data: Source | Summary, regimes: Regimes | None) -> Regimes | None:
    """Return the regimes to mark: those given, else those of a history, scan or frame; a summary has none.

    Raises
    ------
    OptionError
        If something else is given.
    """
    if regimes is not None and not isinstance(regimes, Regimes):
        raise OptionError(f"regimes takes a Regimes summary, not {type(regimes).__name__}")
    if regimes is not None or isinstance(data, Summary):
        return regimes
    counted = data if is_scan(data) else frame_of(cast(Data, data), "decisions", ())
    return Regimes.of(counted, replicates=40)  # nothing is drawn of the effects, nor of their intervals


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
    # So many characters leave the upper part of the picture to the data.
    most = max(10, min(26, int(0.6 * extent(ax)[1] / CHARACTER / tiny_size())))
    names = names_apart([_name(changes[place]) for place in shown], most)
    for (place, x), short in zip(shown.items(), names, strict=True):
        more = f" +{len(changes[place]) - 1}" if len(changes[place]) > 1 else ""
        _line(ax, x, changes[place]["event"].iloc[0], short + more if named else "")
    return _said_of([rows["event"].iloc[0] for rows in changes], shown)


def _line(ax: Axes, x: float, kind: str, name: str) -> None:
    ax.axvline(x, color=shade(ax, STRONG), linewidth=0.8, linestyle=_KINDS[kind][0], zorder=1)
    if name:
        text = ax.annotate(name, (x, 0), (-2, 2), color=shade(ax, STRONG), **_NAME_AT_LINE, **PLAIN)
        text.set_path_effects([withStroke(linewidth=2, foreground=paper(ax))])


_KINDS: dict[str, tuple[Any, str]] = {
    "begin": ((0, (4, 3)), "dashed: a value begins"),
    "end": ((0, (1, 2)), "dotted: a value ends"),
    "drift": ("-", "upright line: drift"),
}


class TimeMark(NamedTuple):
    """A moment to mark on a time axis: its name, and what happens: "begin", "end" or "drift"."""

    time: pd.Timestamp
    name: str
    kind: str


def with_time_marks(chart: Callable[..., Any]) -> Callable[..., Any]:
    """Let a chart, or somebody's own function, take ``marks``, which are drawn where there is a time axis."""

    @wraps(chart)
    def drawn(*args: Any, marks: Sequence[TimeMark] = (), **options: Any) -> Any:
        found = chart(*args, **options)
        ax = options.get("ax", found)
        if marks and isinstance(ax, Axes):
            dated = [
                one
                for one in (ax, *cast(Sequence[Axes], ax.child_axes))
                if isinstance(one.xaxis.get_major_locator(), AutoDateLocator)
            ]
            said = [_mark(one, marks, named=one is ax) for one in dated]
            add(ax, said[0] if said else [])
        return found

    return drawn


def _mark(ax: Axes, marks: Sequence[TimeMark], named: bool) -> list[str]:
    """Mark the latest moments that find room; return what is said of them."""
    ordered = sorted(marks)
    limits = ax.get_xlim()
    shown = _spaced(ax, date2num([mark.time for mark in ordered]))  # type: ignore[no-untyped-call]
    names = names_apart([ordered[place].name for place in shown], 30)
    for (place, x), name in zip(shown.items(), names, strict=True):
        _line(ax, x, ordered[place].kind, name if named else "")
    ax.set_xlim(limits)
    return _said_of([mark.kind for mark in ordered], shown)


def _what(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what begins in a change or, where nothing does, what ends."""
    begins = rows[rows["event"] == "begin"]
    return rows if begins.empty else begins


def _said_of(kinds: Sequence[str], shown: Collection[int]) -> list[str]:
    """Say what the kinds of line are that there are, and how many more of each."""
    said = []
    for kind, (_, words) in _KINDS.items():
        places = [place for place, one in enumerate(kinds) if one == kind]
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
    return f"{column_label(str(first['column']))}: {first['value']}" + (" ends" if ends else "")
