"""Panels: a chart, or any function of a history, drawn again as the history grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any, cast

from .. import charts, stats
from ..errors import OptionError
from ..history import History, with_missing_columns
from ..live import Follower
from ..stats.engine.bootstrap import FEWEST
from ..stats.engine.summary import columns_in
from .controls import ViewOptions
from .selection import Along, Group, groups_of

TABLES = ("decisions", "rejects")
"""The panels that are no pictures."""

PANELS = ("confidence_over_time", "confidence", "votes", *TABLES)
"""What is shown unless asked otherwise."""

_ALONG: dict[str, Along] = {
    "confidence_over_time": ("published_at", "confidence"),
    "confidence": ("confidence", None),
}

Asked = tuple[Any, dict[str, Any]]
"""A summary and its options."""

_SHARED = {"reliability": stats.Calibration, "risk_coverage": stats.Calibration}


class Panel:
    """One picture: a chart with the summary it draws, or a function of a history.

    Parameters
    ----------
    chart
        The name of a chart, a chart, or a function that takes a history and draws on ``ax``.

    Attributes
    ----------
    groups
        Of which decisions each small picture is in which it was last drawn, by their titles.
    """

    def __init__(self, chart: str | Callable[..., Any]) -> None:
        drawn = chart if callable(chart) else _chart(chart)
        self.name = getattr(drawn, "__name__", "panel")
        self.title = self.name.replace("_", " ")
        self.kind = _kind(drawn)
        self.chart = charts.with_time_marks(drawn)
        self.beside: Callable[[ViewOptions], dict[str, Any]] = lambda _: {}
        self._renderer = charts.FastRenderer(self.chart)
        self._has_scene = True
        self.groups: dict[Any, Group] = {}
        self._drawn: tuple[Any, dict[str, Any], tuple[dict[str, Any], bytes]] | None = None

    @property
    def selects(self) -> Along:
        """The columns of ``decisions`` along its axes, if what lies in a part of it can be told by them."""
        return _ALONG.get(self.name, (None, None)) if self.kind is not None else (None, None)

    @property
    def said(self) -> str:
        """What its reader is to be told of the last drawing."""
        return "; ".join(self._renderer.said)

    def draw(self, data: Any, choice: ViewOptions) -> tuple[dict[str, Any], bytes]:
        """Say what there is to see in the data: facts of a scene with its numbers, or a picture."""
        if isinstance(data, Exception):
            raise data
        options = self.options(choice)
        if self._drawn is not None and self._drawn[0] is data and self._drawn[1] == options:
            return self._drawn[2]
        drawn = self._draw(data, options)
        if self.kind is not None:  # a summary is never changed; what has come makes another
            self._drawn = data, options, drawn
        return drawn

    def _draw(self, data: Any, options: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        found = self._renderer.scene(data, **options) if self._has_scene else None
        if found is None:
            self._has_scene = False  # nor will it have one of other data
            return {"title": self.title, "picture": True}, self._renderer.png(data, **options)
        facts, numbers = found
        titles = [part["title"] for part in facts["parts"]] if self.selects[0] else []
        drawn = groups_of(data, len(titles)) if titles else []
        self.groups = dict(zip(titles, drawn, strict=True))
        return facts | {"selects": self.selects} | _cell(data), numbers

    def png(self, data: Any, choice: ViewOptions) -> bytes:
        """Draw the data as a picture."""
        if isinstance(data, Exception):
            raise data
        return self._renderer.png(data, **self.options(choice))

    def asks(self, choice: ViewOptions) -> Asked | None:
        """Return which summary of all that has come it draws; None where it needs a history."""
        if self.kind is None or choice.window is not None:
            return None
        return self.kind, {**counted(self.kind, choice), **at_every_look(self.kind)}

    def data_of(self, history: History, choice: ViewOptions, **options: Any) -> Any:
        """Return what the chart draws of a history, in a part of which a column may never have come."""
        if self.kind is None:
            return history
        options = counted(self.kind, choice) | options
        return self.kind.of(with_missing_columns(history, columns_in(options)), **options)

    def options(self, choice: ViewOptions) -> dict[str, Any]:
        """Return the options of the chart itself, and what is drawn beside the data."""
        grouped = {"by": choice.by} if "by" in counted(self.kind, choice) else {}
        return grouped | self.beside(choice)


def counted(kind: Any, choice: ViewOptions) -> dict[str, Any]:
    """Return with which options a summary is counted for what is chosen."""
    if kind is None:
        return {}
    takes = signature(kind.of).parameters
    wanted = {"by": choice.by, "threshold": choice.threshold}
    return {name: value for name, value in wanted.items() if name in takes and value is not None}


def data_of(
    drawn: Iterable[Panel],
    follower: Follower,
    choice: ViewOptions,
    count: Callable[[list[Asked]], list[Any]] | None = None,
) -> list[Any]:
    """Return what each panel draws of this moment; an error in the place of what cannot be counted.

    The follower goes on counting it for good, unless something else counts.
    """
    asked = [panel.asks(choice) for panel in drawn]
    summaries = iter((count or follower.summaries)([one for one in asked if one is not None]))
    history = follower.history(last=choice.window) if None in asked else None
    return [
        next(summaries) if one is not None else panel.data_of(cast(History, history), choice)
        for panel, one in zip(drawn, asked, strict=True)
    ]


def _cell(data: Any) -> dict[str, Any]:
    """Say how many days and how much confidence a point stands for, where it may be several decisions."""
    if not isinstance(data, stats.ConfidenceOverTime):
        return {}
    width, height = data.point_size()
    return {"cell": [width.total_seconds() / 86_400, height]}


def at_every_look(kind: Any) -> dict[str, Any]:
    """Return the options for intervals that hold although somebody watches, where a summary has them.

    These need no replicates: it has as few as there may be. The window that moves along has other decisions
    at each look, and is none of a growing whole.
    """
    has_them = "interval" in signature(kind.of).parameters
    return {"interval": "anytime", "replicates": FEWEST} if has_them else {}


def panels(asked: Iterable[str | Callable[..., Any]]) -> tuple[list[Panel], set[str]]:
    """Make the pictures that are asked for, and say which tables are.

    Raises
    ------
    OptionError
        One is no chart, no table and no function.
    """
    names = list(asked)
    tables = [name for name in names if isinstance(name, str) and name in TABLES]
    return [Panel(name) for name in names if name not in tables], {*tables}


def _chart(name: Any) -> Callable[..., Any]:
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
