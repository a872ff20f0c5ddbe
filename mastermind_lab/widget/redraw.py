"""When what is drawn next, so that each thing gets its turn and a notebook keeps most of a core."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Thread, current_thread

_SHARE = 0.2  # of a core, for drawing: a notebook has other things to do
_CREDIT = 0.2  # seconds: a turn that comes late is made up for, no more

Drawing = Callable[[], object]


class RedrawScheduler:
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


class RepeatingThread:
    """Call a function now and then, in a thread of its own, until :meth:`stop`.

    Parameters
    ----------
    callback
        What to call. An error in it is its own affair: it is given to ``failed``, never printed.
    hz
        Times a second at most.
    failed
        What to call with an error.
    """

    def __init__(
        self, callback: Callable[[], object], hz: float, failed: Callable[[Exception], object]
    ) -> None:
        self._callback, self._period, self._failed = callback, 1 / hz, failed
        self._stopped, self._wake = Event(), Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin, unless it runs already."""
        if self._thread is None:
            self._stopped.clear()
            self._thread = Thread(target=self._run, name="mastermind-redraw", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Have the next call at once."""
        self._wake.set()

    def stop(self) -> None:
        """End, and wait for a call that is under way."""
        thread, self._thread = self._thread, None
        self._stopped.set()
        self._wake.set()
        if thread is not None and thread is not current_thread():
            thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                self._callback()
            except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to
                self._failed(error)
            self._wake.wait(max(began + self._period - time.monotonic(), 0))
            self._wake.clear()
