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
_NOTHING = "nothing"


class ViewOptions(NamedTuple):
    """What is chosen: the part of the history, the grouping, the threshold of confidence."""

    window: int | timedelta | None = None
    by: str | None = None
    threshold: float = 0.5


class Controls:
    """A row of widgets; ``changed`` is called when one of the choices changes."""

    def __init__(self, first: ViewOptions, changed: Callable[[], object]) -> None:
        self._windows = dict(_WINDOWS)
        if first.window not in _WINDOWS.values():
            self._windows[f"last {first.window}"] = first.window
        chosen = next(name for name, window in self._windows.items() if window == first.window)
        self.pause = ToggleButton(description="pause", layout={"width": "80px"})
        self.stop = Button(description="stop", layout={"width": "80px"})
        self.hold = ToggleButton(
            description="hold list", tooltip="an opened decision closes when the list is drawn anew",
            layout={"width": "80px"},
        )  # fmt: skip
        self.window = _dropdown("window", list(self._windows), chosen)
        self.by = _dropdown("group by", [_NOTHING, *([first.by] if first.by else [])], first.by or _NOTHING)
        self.threshold = FloatSlider(
            value=first.threshold, min=0, max=1, step=0.05, description="threshold", continuous_update=False,
            layout={"width": "280px"},
        )  # fmt: skip
        self.folder = Text(placeholder="folder of a snapshot", layout={"width": "200px"})
        self.save = Button(description="save snapshot", layout={"width": "120px"})
        buttons, choices = [self.pause, self.stop, self.hold], [self.window, self.by, self.threshold]
        self.row = HBox([*buttons, *choices, self.folder, self.save], layout={"flex_flow": "row wrap"})
        for control in (self.hold, self.window, self.by, self.threshold):
            control.observe(lambda _: changed(), "value")

    @property
    def choice(self) -> ViewOptions:
        """What is chosen now."""
        by = None if self.by.value in (_NOTHING, None) else self.by.value
        return ViewOptions(self._windows[self.window.value], by, self.threshold.value)

    def offer(self, decisions: pd.DataFrame) -> None:
        """Offer the columns that group these decisions, beside those offered already."""
        fresh = {name for name in decisions.columns if _groups(decisions[name])} - {*self.by.options}
        if fresh:
            chosen = self.by.value
            self.by.options = [_NOTHING, *sorted({*self.by.options[1:], *fresh})]
            self.by.value = chosen


def _dropdown(description: str, options: list[str], value: str) -> Any:
    return Dropdown(options=options, value=value, description=description, layout={"width": "260px"})


def _groups(column: pd.Series) -> bool:
    """Tell whether a column is one to group by: open, and of few values."""
    name = str(column.name)
    if not (name.startswith("meta.") or name == "stream") or column.dtype == "float64":
        return False
    return 1 < column.nunique() <= len(column) / 2
