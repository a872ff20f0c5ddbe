"""Axes that nobody renders: a scene needs the labels that a chart has written, and no ticks."""

from __future__ import annotations

from copy import copy
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick, XAxis, YAxis


class _None:
    """No ticks as yet. Of each kind matplotlib makes one, to set on it what an axis keeps for others."""

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def __get__(self, axis: Axis, _: type) -> list[Any]:
        ticks: list[Any] = []
        setattr(axis, self._name, ticks)
        return ticks


class _BareAxis(Axis):
    """An axis whose ticks share the lines of the first, which are not seen; each has labels of its own."""

    majorTicks, minorTicks = _None(), _None()

    def _get_tick(self, major: bool) -> Tick:
        ticks: Any = self.majorTicks if major else self.minorTicks
        return _alike(ticks[0]) if ticks else super()._get_tick(major)  # type: ignore[misc] # in no stub

    def _copy_tick_props(self, *_: Tick) -> None:
        """They are alike already."""


def _alike(tick: Tick) -> Tick:
    another = copy(tick)
    another.label1, another.label2 = copy(tick.label1), copy(tick.label2)
    return another


class _XAxis(_BareAxis, XAxis):
    pass


class _YAxis(_BareAxis, YAxis):
    pass


class BareAxes(Axes):
    """Axes without ticks, until somebody asks for one: making these takes most of the time of new Axes."""

    def _init_axis(self) -> None:
        self.xaxis, self.yaxis = _XAxis(self, clear=False), _YAxis(self, clear=False)
        for spine in (self.spines["bottom"], self.spines["top"]):
            spine.register_axis(self.xaxis)
        for spine in (self.spines["left"], self.spines["right"]):
            spine.register_axis(self.yaxis)
