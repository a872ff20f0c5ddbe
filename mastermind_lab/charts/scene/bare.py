"""Axes that nobody renders: a scene needs the labels that a chart has written, and no ticks."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis, YAxis


class _None:
    """No ticks as yet. Of each kind matplotlib makes one, to set on it what an axis keeps for others."""

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def __get__(self, axis: Axis, _: type) -> list[Any]:
        ticks: list[Any] = []
        setattr(axis, self._name, ticks)
        return ticks


class _XAxis(XAxis):
    majorTicks, minorTicks = _None(), _None()


class _YAxis(YAxis):
    majorTicks, minorTicks = _None(), _None()


class BareAxes(Axes):
    """Axes without ticks, until somebody asks for one: making these takes most of the time of new Axes."""

    def _init_axis(self) -> None:
        self.xaxis, self.yaxis = _XAxis(self, clear=False), _YAxis(self, clear=False)
        for spine in (self.spines["bottom"], self.spines["top"]):
            spine.register_axis(self.xaxis)
        for spine in (self.spines["left"], self.spines["right"]):
            spine.register_axis(self.yaxis)
