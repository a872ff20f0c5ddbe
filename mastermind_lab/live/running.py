"""Summaries of all that has come so far, merged batch by batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import reduce
from threading import Lock
from typing import Any

from ..errors import LabError
from ..frames import Tables, combine_chunks, concat
from ..history import History, with_missing_columns
from ..stats.engine.summary import Summary, columns_in, sums_of

_MOST = 2_000  # entries that wait to be counted: few enough that counting them does not hold up a redraw


Reader = Callable[[list[Tables]], History]


def reader() -> Reader:
    """Return what makes a history of batches, once of the same: for several summaries of one moment."""
    made: dict[tuple[int, ...], tuple[list[Tables], History]] = {}

    def read(batches: list[Tables]) -> History:
        key = tuple(map(id, batches))
        if key not in made:
            made[key] = batches, History(combine_chunks(concat(batches)))
        return made[key][1]

    return read


class RunningSummary:
    """One summary, kept up to date; batches are counted together, when it is asked for or many have come.

    What was counted is kept in parts, each less than half as large as the one before, and added up when
    somebody asks: so a batch costs what it touches, however many groups there are by now.

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
        self._came: deque[Tables | None] = deque()  # None where it began anew
        self._waiting = 0
        self._parts: list[Summary] = []
        self._fault: LabError | None = None
        self._counting = Lock()

    def add(self, tables: Tables) -> None:
        """Take in a batch."""
        self._came.append(tables)
        self._waiting += tables["decisions"].num_rows + tables["rejects"].num_rows

    def settle(self, read: Reader) -> None:
        """Count what waits, if it is much and nobody is at it."""
        if self._waiting >= _MOST and self._counting.acquire(blocking=False):
            try:
                with suppress(LabError):  # who asks for it is told
                    self._count_in(self._taken(), read)
            finally:
                self._counting.release()

    def clear(self) -> None:
        """Begin anew, behind what waits."""
        self._came.append(None)

    def value(self, moment: AbstractContextManager[Any] | None = None) -> Summary:
        """Return the summary so far; ``moment`` is that of :func:`values`.

        Raises
        ------
        LabError
            It cannot be counted, now or before.
        """
        [found] = values([self], moment or nullcontext())
        if isinstance(found, LabError):
            raise found
        return found

    def _taken(self) -> list[Tables | None]:
        """Take what waits."""
        self._waiting = 0
        return [self._came.popleft() for _ in range(len(self._came))]

    def _with(self, fresh: list[Tables | None], read: Reader) -> Summary | LabError:
        """Return the summary with these batches; the error where it cannot be counted."""
        try:
            self._count_in(fresh, read)
            with self._kept_fault():
                self._merge(len(self._parts))
            return self._parts[0]
        except LabError as error:
            return error

    def _count_in(self, fresh: list[Tables | None], read: Reader) -> None:
        if began := [place for place, one in enumerate(fresh, 1) if one is None]:
            self._parts, self._fault = [], None
        batches = [one for one in fresh[max(began, default=0) :] if one is not None]
        if self._fault is not None:
            raise self._fault
        if not batches and self._parts:
            return
        with self._kept_fault():
            self._parts.append(self._count(read(batches)))
            sizes = [_size(part) for part in self._parts]
            while len(sizes) > 1 and 2 * sizes[-1] > sizes[-2]:
                self._merge(2)
                sizes[-2:] = [_size(self._parts[-1])]

    def _merge(self, newest: int) -> None:
        """Make one of so many parts, the newest, the smallest of which are added first."""
        self._parts[-newest:] = [reduce(lambda later, part: part + later, self._parts[-newest:][::-1])]

    @contextmanager
    def _kept_fault(self) -> Iterator[None]:
        try:
            yield
        except LabError as error:
            self._fault, self._parts = error, []
            raise

    def _count(self, history: History) -> Summary:
        whole = with_missing_columns(history, columns_in(self.options))
        counted: Summary = self.kind.of(whole, **self.options)  # type: ignore[attr-defined] # every subject has it
        return counted


def values(asked: Sequence[RunningSummary], moment: AbstractContextManager[Any]) -> list[Summary | LabError]:
    """Return summaries of the same batches all; the error in the place of one that cannot be counted.

    Parameters
    ----------
    asked
        Each may come several times.
    moment
        Held while what waits is taken, and no longer, so that no batch comes into some of them meanwhile.
    """
    with ExitStack() as counting:
        for one in sorted({*asked}, key=id):  # in one order, or two who ask could wait for each other
            counting.enter_context(one._counting)
        with moment:
            fresh = {one: one._taken() for one in {*asked}}
        read = reader()
        found = {one: one._with(batches, read) for one, batches in fresh.items()}
    return [found[one] for one in asked]


def _size(summary: Summary) -> int:
    """Count the groups of all its sums."""
    return sum(len(sums.keys) for sums in sums_of(summary).values())
