"""What the reader of a view can choose: the part of the history, what colours it, the threshold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import OptionError
from ..history import History
from ..labels import apart
from ..text import column_label, harmless

_WINDOWS: dict[str, int | timedelta | None] = {
    "all decisions": None,
    "last 100": 100,
    "last 1,000": 1_000,
    "last 10,000": 10_000,
    "last minute": timedelta(minutes=1),
    "last 15 minutes": timedelta(minutes=15),
    "last hour": timedelta(hours=1),
}


class ViewOptions(NamedTuple):
    """What is chosen: the part of the history, the grouping, the threshold of confidence."""

    window: int | timedelta | None = None
    by: str | None = None
    threshold: float = 0.5


class Choices:
    """What there is to choose from, and what is chosen.

    Raises
    ------
    OptionError
        What is chosen at first is grouped by no column, or by several.
    """

    def __init__(self, first: ViewOptions) -> None:
        if first.by is not None and not (isinstance(first.by, str) and first.by):
            raise OptionError(f"by={first.by!r:.60}: expected the name of one column, such as 'meta.model'")
        self.chosen = first
        self._windows = dict(_WINDOWS)
        if first.window not in _WINDOWS.values():
            self._windows[f"last {first.window}"] = first.window
        self._columns = {first.by} if first.by else set()

    def choose(self, window: Any = None, by: Any = None, threshold: Any = None) -> None:
        """Take what a page says was chosen: names of those offered, "" for no grouping.

        Raises
        ------
        OptionError
            Nothing of the kind was offered.
        """
        chosen = self.chosen
        if window is not None:
            chosen = chosen._replace(window=self._windows[_offered(window, self._windows)])
        if by is not None:
            chosen = chosen._replace(by=_offered(by, ["", *self._columns]) or None)
        if threshold is not None:
            if not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
                raise OptionError(f"a threshold is from 0 to 1, not {threshold!r:.40}")
            chosen = chosen._replace(threshold=float(threshold))
        self.chosen = chosen

    def offer(self, history: History) -> None:
        """Offer the columns that group these decisions, beside those offered already: open ones."""
        open_ones = [
            name for name in history.columns("decisions") if name.startswith("meta.") or name == "stream"
        ]
        table = history.select("decisions", [name for name in open_ones if name not in self._columns])
        self._columns |= {name for name in table.column_names if _groups(table[name])}

    def told(self) -> dict[str, Any]:
        """Say for a page what is offered, and what of it is chosen."""
        names = sorted(self._columns)
        columns = [
            [*one] for one in zip(names, apart([*map(column_label, names)], 40, harmless), strict=True)
        ]
        return {
            "windows": list(self._windows), "window": self._name_of(self.chosen.window), "columns": columns,
            "by": self.chosen.by or "", "threshold": self.chosen.threshold,
        }  # fmt: skip

    def name_of(self, window: int | timedelta | None) -> str:
        """Say of which decisions only, where a part of the history is shown: nothing where all are."""
        return "" if window is None else f"the {self._name_of(window)}"

    def _name_of(self, window: int | timedelta | None) -> str:
        return next(name for name, part in self._windows.items() if part == window)


def _offered(asked: Any, known: Any) -> Any:
    if asked not in known:
        raise OptionError(f"{asked!r:.60} is not offered: there are {', '.join(map(repr, known))}")
    return asked


def _groups(column: pa.ChunkedArray) -> bool:
    """Tell whether a column is one to group by: of few values."""
    if pa.types.is_floating(column.type):
        return False
    return bool(1 < pc.count_distinct(column).as_py() <= len(column) / 2)
