"""Panels: a chart, or any function of a history, drawn again as the history grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any

from ipywidgets import Image

from .. import charts, stats
from ..errors import OptionError
from ..live import Follower
from .controls import ViewOptions

TABLES = ("decisions", "rejects")
"""The panels that are no pictures."""

PANELS = ("confidence_over_time", "confidence", "votes", *TABLES)
"""What is shown unless asked otherwise."""

_SHARED = {"reliability": stats.Calibration, "risk_coverage": stats.Calibration}


class Panel:
    """One picture: a chart with the summary it draws, or a function of a history.

    Parameters
    ----------
    chart
        The name of a chart, a chart, or a function that takes a history and draws on ``ax``.
    """

    def __init__(self, chart: str | Callable[..., Any]) -> None:
        self.chart = _chart(chart) if isinstance(chart, str) else chart
        self.title = getattr(self.chart, "__name__", "panel").replace("_", " ")
        self.kind = _kind(self.chart)
        self.image = Image(format="png", layout={"width": "auto", "max_width": "100%"})
        self._renderer = charts.FastRenderer(self.chart)

    def draw(self, follower: Follower, choice: ViewOptions) -> str:
        """Draw the picture of this moment, and return what its reader is to be told."""
        self.image.value = self._renderer.png(self.data(follower, choice), **self.options(choice))
        return "; ".join(self._renderer.said)

    def data(self, follower: Follower, choice: ViewOptions) -> Any:
        """Return what the chart draws: the summary of all that has come, or of the chosen window."""
        if self.kind is None:
            return follower.history(last=choice.window)
        options = self._counted(choice)
        if choice.window is None:
            return follower.summary(self.kind, **options, **at_every_look(self.kind))
        return self.kind.of(follower.history(last=choice.window), **options)

    def options(self, choice: ViewOptions) -> dict[str, Any]:
        """Return the options of the chart itself."""
        return {"by": choice.by} if "by" in self._counted(choice) else {}

    def _counted(self, choice: ViewOptions) -> dict[str, Any]:
        if self.kind is None:
            return {}
        takes = signature(self.kind.of).parameters
        wanted = {"by": choice.by, "threshold": choice.threshold}
        return {name: value for name, value in wanted.items() if name in takes and value is not None}


def at_every_look(kind: Any) -> dict[str, str]:
    """Return the option for intervals that hold although somebody watches, where a summary has it.

    The window that moves along has other decisions at each look, and is none of a growing whole.
    """
    return {"interval": "anytime"} if "interval" in signature(kind.of).parameters else {}


def panels(asked: Iterable[str | Callable[..., Any]]) -> tuple[list[Panel], set[str]]:
    """Make the pictures that are asked for, and say which tables are.

    Raises
    ------
    OptionError
        One is no chart, no table and no function.
    """
    names = list(asked)
    tables = {name for name in names if isinstance(name, str) and name in TABLES}
    return [Panel(name) for name in names if name not in tables], tables


def _chart(name: str) -> Callable[..., Any]:
    names = [chart for chart in dir(charts) if _summary(chart)]
    if name not in names:
        known = ", ".join([*names, *TABLES])
        raise OptionError(f"no panel {name!r:.60}: there are {known}, or give a function")
    chart: Callable[..., Any] = getattr(charts, name)
    return chart


def _kind(chart: Callable[..., Any]) -> Any:
    """Find the summary that a chart of ours draws."""
    name = getattr(chart, "__name__", "")
    return _summary(name) if getattr(charts, name, None) is chart else None


def _summary(chart: str) -> Any:
    """Find the summary of a chart's name; None where there is none, as for a single decision."""
    return _SHARED.get(chart) or getattr(stats, chart.title().replace("_", ""), None)
