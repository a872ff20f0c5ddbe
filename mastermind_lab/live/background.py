"""Work in a thread that can be ended and begun again at any moment, by anybody."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, RLock, Thread, current_thread


class Background:
    """Does work in a thread, a run after the other: none begins before the one before it has ended.

    It may be started and stopped at any moment and in any thread, that of a run too, which waits for nobody.

    Parameters
    ----------
    work
        What a run does. It is given the event that says that it shall end.
    name
        The thread's name.
    wake
        Has a run that waits for something look at that event, which has just been set.

    Attributes
    ----------
    changing
        Is held while a run begins or is asked to end: what hangs on it is changed with it.
    ended
        The newest run's event.
    """

    def __init__(self, work: Callable[[Event], object], name: str, wake: Callable[[], object]) -> None:
        self._work, self._name, self._wake = work, name, wake
        self.changing = RLock()
        self.ended = Event()
        self._newest: Thread | None = None
        self._working: Thread | None = None

    @property
    def is_alive(self) -> bool:
        """Whether a run is under way, though it may have been asked to end."""
        return self._newest is not None and self._newest.is_alive()

    @property
    def is_running(self) -> bool:
        """Whether a run is under way that nobody has asked to end."""
        return self.is_alive and not self.ended.is_set()

    def start(self) -> None:
        """Begin a run, unless there is one; where the one before has not ended yet, behind that."""
        with self.changing:
            if not self.is_running:
                ended = Event()
                run = Thread(target=self._run, args=(ended, self._newest), name=self._name, daemon=True)
                run.start()  # first, and it waits for this: where none can be begun all is as it was
                self.ended, self._newest = ended, run

    def stop(self, *, wait: bool = True) -> None:
        """Have the run end.

        Parameters
        ----------
        wait
            Until it has ended; the thread of a run never does.
        """
        until_ended = self.end()
        if wait:
            until_ended()

    def end(self) -> Callable[[], None]:
        """Have the run end; what is returned waits for it, and ends none that is begun meanwhile."""
        with self.changing:
            newest = self._newest
            self.ended.set()
            self._wake()

        def wait() -> None:
            if newest is not None and current_thread() is not self._working:
                newest.join()

        return wait

    def _run(self, ended: Event, before: Thread | None) -> None:
        if before is not None:
            before.join()
        with self.changing:
            self._working = current_thread()
        if not ended.is_set():
            self._work(ended)
