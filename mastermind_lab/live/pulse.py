"""A thread that does one thing again and again, as often as is wanted."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread, current_thread


class Pulse:
    """Call a function now and then, in a thread of its own, until :meth:`stop`.

    Parameters
    ----------
    beat
        What to call. An error in it is its own affair: it is given to ``failed``, never printed.
    often
        Times a second at most.
    failed
        What to call with an error.
    """

    def __init__(
        self, beat: Callable[[], object], often: float, failed: Callable[[Exception], object]
    ) -> None:
        self._beat, self._pause, self._failed = beat, 1 / often, failed
        self._stopped, self._hurry = Event(), Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin, unless it runs already."""
        if self._thread is None:
            self._stopped.clear()
            self._thread = Thread(target=self._run, name="mastermind-pulse", daemon=True)
            self._thread.start()

    def hurry(self) -> None:
        """Have the next beat at once."""
        self._hurry.set()

    def stop(self) -> None:
        """End, and wait for a beat that is under way."""
        thread, self._thread = self._thread, None
        self._stopped.set()
        self._hurry.set()
        if thread is not None and thread is not current_thread():
            thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                self._beat()
            except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to
                self._failed(error)
            self._hurry.wait(max(began + self._pause - time.monotonic(), 0))
            self._hurry.clear()
