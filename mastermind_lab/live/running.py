"""Summaries of all that has come so far, merged batch by batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from functools import reduce
from threading import Lock
from typing import Any, NamedTuple

from ..frames import Tables, combine_chunks, concat
from ..history import History, with_missing_columns
from ..stats.engine.summary import Summary, columns_in, sums_of

_MOST = 2_000  # entries that wait to be counted: few enough that counting them does not hold up a redraw


Reader = Callable[[list[Tables]], History]
Waiting = tuple[int, Tables | None]
"""What has come, and up to which place; None where it began anew."""


def reader() -> Reader:
    """Return what makes a history of batches, once of the same: for several summaries of one moment."""
    made: dict[tuple[int, ...], tuple[list[Tables], History]] = {}

    def read(batches: list[Tables]) -> History:
        key = tuple(map(id, batches))
        if key not in made:
            made[key] = batches, History(combine_chunks(concat(batches)))
        return made[key][1]

    return read


class _Counted(NamedTuple):
    """What was counted: up to which of what came, in parts; or the error that ended it."""

    place: int = 0
    parts: tuple[Summary, ...] = ()
    fault: Exception | None = None


class RunningSummary:
    """One summary, kept up to date; batches are counted together, when it is asked for or many have come.

    What was counted is kept in parts, each less than half as large as the one before, and added up when
    somebody asks: so a batch costs what it touches, however many groups there are by now. A batch waits until
    it is in them: whatever interrupts the counting, the next one counts it.

    One that cannot be counted (a column of too many values to group by) says so to who asks for it, and to
    nobody else; it counts no more, until it is cleared. It begins with the count of nothing, which shows
    whether it takes the options at all.

    Parameters
    ----------
    kind
        A summary of :mod:`mastermind_lab.stats`.
    options
        Those of its ``of``.
    """

    def __init__(self, kind: type[Summary], options: dict[str, Any]) -> None:
        self.kind, self.options = kind, options
        self._came: deque[Waiting] = deque()
        self._place = 0  # how many entries and new beginnings have come
        self._counted = _Counted()
        self._keep(0, lambda: (self._count(reader()([])),))
        self._nothing = self._counted
        self._counting = Lock()

    @property
    def fault(self) -> Exception | None:
        """Why it cannot be counted, if it was found so."""
        return self._counted.fault

    def add(self, tables: Tables) -> None:
        """Take in a batch."""
        if size := tables["decisions"].num_rows + tables["rejects"].num_rows:
            self._wait(tables, size)

    def clear(self) -> None:
        """Begin anew, behind what waits."""
        self._wait(None, 1)

    def _wait(self, came: Tables | None, size: int) -> None:
        self._place += size
        self._came.append((self._place, came))

    def settle(self, read: Reader) -> None:
        """Count what waits, if it is much and nobody is at it."""
        if self._place - self._counted.place >= _MOST and self._counting.acquire(blocking=False):
            try:
                with suppress(MemoryError):  # it waits until there is room, or somebody asks
                    self._count_in(list(self._came), read)
            finally:
                self._counting.release()

    def value(self) -> Summary:
        """Return the summary so far.

        Raises
        ------
        Exception
            It cannot be counted, now or before.
        """
        [found] = values([self], nullcontext())
        if isinstance(found, Exception):
            raise found
        return found

    def _with(self, waiting: list[Waiting], read: Reader) -> Summary | Exception:
        """Return the summary with these batches; the error where it cannot be counted."""
        try:
            self._count_in(waiting, read)
            self._keep(self._counted.place, lambda: (_sum(self._counted.parts),))
        except MemoryError as error:
            return error.with_traceback(None)
        if self._counted.fault is not None:
            return self._counted.fault.with_traceback(None)  # or it grew with each time that it is raised
        return self._counted.parts[0]

    def _count_in(self, waiting: list[Waiting], read: Reader) -> None:
        """Count what waits; an interrupt in between may have left some that is counted among it."""
        fresh = [(place, one) for place, one in waiting if place > self._counted.place]
        began = [number for number, (_, one) in enumerate(fresh, 1) if one is None]
        batches = [one for _, one in fresh[max(began, default=0) :] if one is not None]
        if began:
            self._counted = self._nothing._replace(place=fresh[began[-1] - 1][0])
        place, parts = fresh[-1][0] if fresh else self._counted.place, self._counted.parts
        if parts == self._nothing.parts:  # which changes no sum, and costs an addition
            parts = ()
        if batches:
            self._keep(place, lambda: _grown(parts, self._count(read(batches))))
        while self._came and self._came[0][0] <= place:
            self._came.popleft()

    def _keep(self, place: int, count: Callable[[], tuple[Summary, ...]]) -> None:
        """Keep, in one step, what was counted up to a place; or that it cannot be.

        Raises
        ------
        MemoryError
            There was no room just now: nothing is changed, and there may be some later.
        """
        if self._counted.fault is not None:
            self._counted = self._counted._replace(place=place)
            return
        try:
            self._counted = _Counted(place, count())
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - who asks for it is told, and no thread ends by it
            self._counted = _Counted(place, fault=error.with_traceback(None))  # its frames hold this one

    def _count(self, history: History) -> Summary:
        whole = with_missing_columns(history, columns_in(self.options))
        counted: Summary = self.kind.of(whole, **self.options)  # type: ignore[attr-defined] # every subject has it
        return counted


class Counting:
    """Summaries of one moment each time they are asked for; see :meth:`mastermind_lab.Follower.counting`."""

    def __init__(self, running: Sequence[RunningSummary], moment: AbstractContextManager[Any]) -> None:
        self._running, self._moment = running, moment

    def values(self) -> list[Summary | Exception]:
        """Return the summaries; the error in the place of one that cannot be counted."""
        return values(self._running, self._moment)


def values(asked: Sequence[RunningSummary], moment: AbstractContextManager[Any]) -> list[Summary | Exception]:
    """Return summaries of the same batches all; the error in the place of one that cannot be counted.

    Parameters
    ----------
    asked
        Each may come several times.
    moment
        Held while what waits is listed, and no longer, so that no batch comes into some of them meanwhile.
    """
    with ExitStack() as counting:
        for one in sorted({*asked}, key=id):  # in one order, or two who ask could wait for each other
            counting.enter_context(one._counting)
        with moment:
            waiting = {one: list(one._came) for one in {*asked}}
        read = reader()
        found = {one: one._with(batches, read) for one, batches in waiting.items()}
    return [found[one] for one in asked]


def _grown(parts: tuple[Summary, ...], fresh: Summary) -> tuple[Summary, ...]:
    """Add a part, and to it those before that are less than twice as large."""
    *before, last = *parts, fresh
    while before and 2 * _size(last) > _size(before[-1]):
        last = before.pop() + last
    return *before, last


def _sum(parts: tuple[Summary, ...]) -> Summary:
    """Add up all parts, the smallest of which, the newest, are added first."""
    return reduce(lambda later, part: part + later, parts[::-1])


def _size(summary: Summary) -> int:
    """Count the groups of all its sums."""
    return sum(len(sums.keys) for sums in sums_of(summary).values())
