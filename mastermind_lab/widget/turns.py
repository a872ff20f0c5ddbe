"""Which of several things is drawn next, so that each gets its turn and a notebook keeps most of a core."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

_SHARE = 0.2  # of a core, for drawing: a notebook has other things to do
_CREDIT = 0.2  # seconds: a turn that comes late is made up for, no more

Drawing = Callable[[], object]


class Turns:
    """Takes turns at drawing: all again for each new count of entries, one at a time, as time allows.

    Parameters
    ----------
    drawings
        What draws one thing each.
    """

    def __init__(self, drawings: Sequence[Drawing]) -> None:
        self._drawings = tuple(drawings)
        self._waiting: deque[Drawing] = deque()
        self._count: int | None = None
        self._not_before = 0.0

    def again(self) -> None:
        """Have everything drawn again, the first of it at once."""
        self._waiting = deque(self._drawings)
        self._not_before = 0.0

    def take(self, count: int) -> None:
        """Draw what is next of what has changed, if there is time for it.

        Parameters
        ----------
        count
            Entries so far: with each other count everything waits to be drawn.
        """
        if not self._waiting and count != self._count:
            self._waiting, self._count = deque(self._drawings), count
        now = time.monotonic()
        if not self._waiting or now < self._not_before:
            return
        began = time.thread_time()
        self._waiting.popleft()()
        spent = time.thread_time() - began
        self._not_before = max(self._not_before, now - _CREDIT) + spent / _SHARE
