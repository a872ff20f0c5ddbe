"""What the reader of a view can choose, and the widgets to choose it with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pandas as pd
from ipywidgets import Button, Dropdown, FloatSlider, HBox, Text, ToggleButton

_WINDOWS: dict[str, int | timedelta | None] = {
    "everything": None,
    "last 100": 100,
    "last 1,000": 1_000,
    "last 10,000": 10_000,
    "last minute": timedelta(minutes=1),
    "last 10 minutes": timedelta(minutes=10),
    "last hour": timedelta(hours=1),
}


class Choice(NamedTuple):
    """What is chosen: the part of the history, the grouping, the threshold of confidence."""

    window: int | timedelta | None = None
    by: str | None = None
    threshold: float = 0.5


class Controls:
    """A row of widgets; ``changed`` is called when one of the choices changes."""

    def __init__(self, first: Choice, changed: Callable[[], object]) -> None:
        self.pause = ToggleButton(description="pause", layout={"width": "80px"})
        self.stop = Button(description="stop", layout={"width": "80px"})
        self.window = Dropdown(
            options=_windows(first.window), value=first.window, description="window",
            layout={"width": "210px"},
        )  # fmt: skip
        self.by = Dropdown(
            options=_groupings([first.by]), value=first.by, description="group by", layout={"width": "260px"}
        )
        self.threshold = FloatSlider(
            value=first.threshold, min=0, max=1, step=0.05, description="threshold", continuous_update=False,
            layout={"width": "280px"},
        )  # fmt: skip
        self.folder = Text(placeholder="folder of a snapshot", layout={"width": "200px"})
        self.save = Button(description="save snapshot", layout={"width": "120px"})
        self.row = HBox(
            [self.pause, self.stop, self.window, self.by, self.threshold, self.folder, self.save],
            layout={"flex_flow": "row wrap"},
        )
        for one in (self.window, self.by, self.threshold):
            one.observe(lambda _: changed(), "value")

    @property
    def choice(self) -> Choice:
        """What is chosen now."""
        return Choice(self.window.value, self.by.value, self.threshold.value)

    def offer(self, decisions: pd.DataFrame) -> None:
        """Offer the columns that group these decisions, beside those offered already."""
        offered = [value for _, value in self.by.options]
        fresh = [name for name in decisions.columns if name not in offered and _groups(decisions[name])]
        if fresh:
            chosen = self.by.value
            self.by.options = _groupings([*offered, *fresh])
            self.by.value = chosen


def _windows(first: Any) -> list[tuple[str, Any]]:
    known = list(_WINDOWS.items())
    return known if first in _WINDOWS.values() else [*known, (f"last {first}", first)]


def _groupings(names: list[str | None]) -> list[tuple[str, str | None]]:
    return [("nothing", None), *((name[:60], name) for name in sorted({name for name in names if name}))]


def _groups(column: pd.Series) -> bool:
    """Tell whether a column is one to group by: open, and of few values."""
    name = str(column.name)
    if not (name.startswith("meta.") or name == "stream") or column.dtype == "float64":
        return False
    return 1 < column.nunique() <= len(column) / 2
