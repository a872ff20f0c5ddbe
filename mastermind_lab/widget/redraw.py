"""When all is drawn again, so that a notebook keeps most of a core."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import Any

from ..live.background import Background

_SHARE = 0.2  # of a core, for drawing: a notebook has other things to do
_CREDIT = 0.2  # seconds: a round that comes late is made up for, no more
_IDLE = 0.5  # seconds after which somebody looks although nothing came


class RedrawScheduler:
    """Draws all again for a new count of entries, as time allows.

    Parameters
    ----------
    draw
        Draws everything once.
    """

    def __init__(self, draw: Callable[[], object]) -> None:
        self._draw = draw
        self._count: int | None = None
        self._not_before = 0.0

    def again(self) -> None:
        """Have everything drawn again, and at once."""
        self._count, self._not_before = None, 0.0

    def forget(self) -> None:
        """Have everything drawn again, when there is time."""
        self._count = None

    def take(self, count: int) -> None:
        """Draw, if something has changed and there is time for it.

        Parameters
        ----------
        count
            Entries so far.
        """
        now = time.monotonic()
        if count == self._count or now < self._not_before:
            return
        self._count = count
        began = time.thread_time()
        self._draw()
        spent = time.thread_time() - began
        self._not_before = max(self._not_before, now - _CREDIT) + spent / _SHARE


class Seldom:
    """Does what is dear every so many seconds, and less often where that would take more of a core.

    Parameters
    ----------
    work
        What to do.
    every
        Seconds from one time to the next, at least.
    share
        Of a core, at most.
    """

    def __init__(self, work: Callable[..., object], every: float, share: float) -> None:
        self._work, self._every, self._share = work, every, share
        self._not_before = 0.0

    def __call__(self, *args: Any, at_once: bool = False) -> None:
        """Do it, if it is time or has to be."""
        now, began = time.monotonic(), time.thread_time()
        if at_once or now >= self._not_before:
            self._not_before = now + self._every
            self._work(*args)
            self._not_before = now + max(self._every, (time.thread_time() - began) / self._share)


class RepeatingThread:
    """Call a function when there is news, in a thread of its own, until :meth:`stop`.

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
        self._hurry, self._news = Event(), Event()
        self._background = Background(self._run, "mastermind-redraw", self.wake)

    def start(self) -> None:
        """Begin, unless it runs already."""
        self._background.start()

    @property
    def is_running(self) -> bool:
        """Whether it has begun and not ended."""
        return self._background.is_running

    def wake(self) -> None:
        """Have the next call at once."""
        self._hurry.set()
        self._news.set()

    def tell(self) -> None:
        """Have the next call as soon as it may be."""
        self._news.set()

    def stop(self) -> None:
        """End, and wait for a call that is under way; a call itself never does."""
        self._background.stop()

    def end(self) -> Callable[[], None]:
        """End; what is returned waits for a call that is under way."""
        return self._background.end()

    def _run(self, ended: Event) -> None:
        while not ended.is_set():
            self._hurry.clear()
            self._news.clear()
            began = time.monotonic()
            try:
                self._callback()
            except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to
                self._failed(error)
            self._hurry.wait(max(began + self._period - time.monotonic(), 0))
            self._news.wait(_IDLE)
