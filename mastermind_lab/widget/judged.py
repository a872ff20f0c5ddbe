"""What is shown of decisions that were marked right or wrong: pictures, marks on cards, a share in words."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import numpy as np

from ..errors import LabError
from ..history import History
from ..history.marks import Marks
from ..history.outcomes import CHOICE
from ..live import Follower, in_time
from ..stats.engine.anytime import confidence_sequence
from .controls import ViewOptions
from .panels import Panel, at_every_look
from .rows import Row, rows_of

PANELS = ("reliability", "voters")
"""The charts that are there as soon as some decisions are marked."""


class Judged:
    """Marks, and what is seen of them.

    Parameters
    ----------
    path
        As for :class:`mastermind_lab.history.marks.Marks`.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.marks = Marks(path)
        self.panels = [Panel(name) for name in PANELS]
        self._counted: tuple[Any, list[tuple[Panel, Any]], str] = (None, [], "")
        self._rows: tuple[Any, dict[tuple[Any, ...], Row]] = (None, {})

    @property
    def said(self) -> str:
        """How many of the decisions that are marked are right, in words."""
        return self._counted[2]

    def rows(self, history: History) -> list[Row]:
        """Return what a page shows of each decision, with what it is marked as."""
        with suppress(LabError):  # a file that is no longer one of marks; a panel says so
            return rows_of(self.marks.joined(history), self.marks.notes)
        return rows_of(history)

    def latest(self, history: History) -> list[Row]:
        """Return the same of the newest decisions: what stands of one is made once, until one is marked."""
        ids = history.select("decisions", ["stream_id", "correlation_id"])
        names = dict(zip(*(ids[name].to_pylist() for name in ids.column_names), strict=True))
        keys = [(id_, names[id_]) for id_ in in_time(history)]
        marks = None
        with suppress(LabError):  # as in rows
            marks = self.marks.latest()
        known = self._rows[1] if self._rows[0] is marks else {}
        new = [key for key in keys if key not in known]
        if new:
            made = self.rows(history.where([id_ for id_, _ in new]))
            known = known | dict(zip(new[::-1], made, strict=True))
        self._rows = marks, {key: known[key] for key in keys}
        return [known[key] for key in keys[::-1]]

    def right(self, follower: Follower) -> tuple[int, int]:
        """Count the decisions marked right, and all that are marked, among those that are kept."""
        with suppress(LabError):  # as in rows
            history = follower.history() if self.marks else None
            if history is not None and (ids := self.marks.among(history)):
                return right_of(self.marks.judged(history, ids))
        return 0, 0

    def pictures(self, follower: Follower, choice: ViewOptions) -> list[tuple[Panel, Any]]:
        """Return the panels with what they draw: none where nothing is marked; errors instead of data."""
        try:
            history = follower.history(last=choice.window) if self.marks else None
            ids = self.marks.among(history) if history is not None else []
            key = (ids, self.marks.latest(), choice)
            if key != self._counted[0]:
                self._counted = (key, *self._count(history, ids, choice))
            return self._counted[1]
        except Exception as error:  # noqa: BLE001 - it is said in the panel, and harms no other
            return [(self.panels[0], error)]

    def _count(
        self, history: History | None, ids: list[str], choice: ViewOptions
    ) -> tuple[list[tuple[Panel, Any]], str]:
        """Return the panels with what they draw, and the share that is right in words."""
        if history is None or not ids:
            return [], ""
        judged = self.marks.judged(history, ids)
        return [(panel, _counted(panel, judged, choice)) for panel in self.panels], _share_right(judged)


def _counted(panel: Panel, history: History, choice: ViewOptions) -> Any:
    """Count for a panel; with intervals for many looks where what is counted only grows."""
    try:
        options = at_every_look(panel.kind) if choice.window is None else {}
        return panel.data_of(history, choice, **options)
    except Exception as error:  # noqa: BLE001 - a column of too many values, say
        return error


def right_of(history: History) -> tuple[int, int]:
    """Count the decisions that are right, and all of which an outcome is known."""
    known = history.decisions.dropna(subset=["recommendation", CHOICE])
    return int((known["recommendation"] == known[CHOICE]).sum()), len(known)


def _share_right(history: History) -> str:
    """Say how many of the decisions that are marked are right."""
    right, n = right_of(history)
    if not n:
        return ""
    low, high = confidence_sequence(np.array([float(right)]), np.array([float(n)]))
    return (
        f"{right:,} of {n:,} marked are right ({right / n:.0%}; 95% interval, however often you look: "
        f"{low[0]:.0%} to {high[0]:.0%})"
    )
