"""Running totals: a summary of all that has come, merged batch by batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock
from typing import Any

from ..errors import LabError
from ..frames import Tables, combine_chunks, concat
from ..history import History, with_missing_columns
from ..stats.engine.summary import Summary, columns_in

_MOST = 2_000  # entries that wait to be counted: few enough that counting them does not hold up a redraw


class RunningSummary:
    """One running total; batches are counted together, when it is asked for or when many have come.

    One that cannot be counted (a column of too many values to group by) says so to who asks for it, and to
    nobody else; it counts no more, until it is cleared.

    Parameters
    ----------
    kind
        A summary of :mod:`mastermind_lab.stats`.
    options
        Those of its ``of``.
    """

    def __init__(self, kind: type[Summary], options: dict[str, Any]) -> None:
        self.kind, self.options = kind, options
        self._fresh: deque[Tables] = deque()
        self._waiting = 0
        self._total: Summary | None = None
        self._fault: LabError | None = None
        self._counting = Lock()

    def add(self, parts: Tables) -> None:
        """Take in a batch."""
        if self._fault is not None:
            return
        self._fresh.append(parts)
        self._waiting += parts["decisions"].num_rows + parts["rejects"].num_rows

    def settle(self) -> None:
        """Count what waits, if it is much."""
        if self._waiting >= _MOST:
            with suppress(LabError):  # who asks for it is told
                self.value()

    def clear(self) -> None:
        """Begin anew."""
        with self._counting:
            self._fresh.clear()
            self._waiting, self._total, self._fault = 0, None, None

    def value(self) -> Summary:
        """Return the total so far.

        Raises
        ------
        LabError
            It cannot be counted, now or before.
        """
        with self._counting:
            if self._fault is not None:
                raise self._fault
            self._waiting = 0
            fresh = [self._fresh.popleft() for _ in range(len(self._fresh))]
            if fresh or self._total is None:
                self._total = self._with(fresh)
            return self._total

    def _with(self, fresh: Iterable[Tables]) -> Summary:
        try:
            counted = self._count(fresh)
            return counted if self._total is None else self._total + counted
        except LabError as error:
            self._fault, self._total = error, None
            raise

    def _count(self, fresh: Iterable[Tables]) -> Summary:
        history = History(combine_chunks(concat(fresh)))
        whole = with_missing_columns(history, columns_in(self.options))
        found: Summary = self.kind.of(whole, **self.options)  # type: ignore[attr-defined] # every subject has it
        return found
