"""Follower: a thread that reads on into a bounded window; others copy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import Event, Lock
from typing import Any, Self, TypeVar, cast
from weakref import WeakValueDictionary

import pandas as pd

from ..decode import Column
from ..envelope import DEFAULT_STREAM_NAME
from ..errors import LabError, OptionError
from ..frames import Coverage, Tables, concat, ids_in_order, is_id, oldest_first, stacked, to_pandas
from ..history import History
from ..stats.engine.summary import Summary
from ..stream import Client, StreamUpdate
from .background import Background
from .batches import batches
from .running import Counting, RunningSummary, reader, values
from .source import BatchDecoder, Folder, Source, Store, archivable, archiving, source_of
from .status import State, Status, StatusTracker
from .window import Window

Kind = TypeVar("Kind", bound=Summary)

_RETRY_AFTER = 1.0  # seconds between two tries to write to an archive that has no room


class Follower:
    """Follow a running arena: first the latest entries, then what is added, without a gap or a double.

    It can be built without being started, and fed by hand (:meth:`feed`). Whatever it is asked, it answers
    from copies: its thread is the only one that writes.

    Parameters
    ----------
    source
        A Redis URL or client, or a :func:`mastermind_lab.replay`.
    stream
        The stream's name, or several: ``decisions`` and ``rejects`` then have a column ``stream``, and ids a
        suffix ``@k`` that tells the streams apart.
    backfill
        With how many of each stream's latest entries to begin.
    keep
        How many entries of each stream to keep, or those of how long a time before the newest of them
        (``'1h'``, ``'3d'``, a timedelta).
    columns
        Extra columns of ``decisions``.
    archive
        A folder to archive the stream in as well, or each of several in a folder of its own below, as
        :func:`mastermind_lab.archive` does: following then begins where the folder ends, not with
        ``backfill``. Where it has no room, that is said in ``status.error``, and following waits before much
        of it is in memory.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> follower = lab.Follower("redis://localhost:6379")
    >>> follower.feed([("1-0", b'{"decision": {"recommendation": "ship", "confidence": 0.8}}')])
    >>> follower.history().decisions["recommendation"].tolist()
    ['ship']
    """

    def __init__(
        self,
        source: str | Client | Source,
        *,
        stream: str | Sequence[str] = DEFAULT_STREAM_NAME,
        backfill: int = 1_000,
        keep: int | timedelta | str = 100_000,
        columns: Iterable[Column] = (),
        archive: Folder | None = None,
    ) -> None:
        self.source = source_of(source, stream, backfill)
        self._archive = archivable(archive, self.source)
        self._limits = f"backfill={backfill}, keep={keep}"
        self._decoder = BatchDecoder(self.source.streams, columns, self.source.numbered)
        self._windows = {name: Window(keep, self.source.numbered) for name in self.source.streams}
        self._summaries: WeakValueDictionary[tuple[Any, ...], RunningSummary] = WeakValueDictionary()
        self._for_good: set[RunningSummary] = set()
        self._tracker = StatusTracker(self.source.streams)
        self._callbacks: list[Callable[[History], object]] = []
        self._lock = Lock()
        self._going = Event()
        self._going.set()
        self._background = Background(self._run, "mastermind-follower", self._wake)
        self._users: set[object] = set()
        self._is_users_own = False

    @property
    def status(self) -> Status:
        """How it is doing now."""
        with self._lock:
            return self._tracker.now()

    @property
    def is_running(self) -> bool:
        """Whether it has begun and not ended: a pause and a server that does not answer end nothing."""
        return self._background.is_running

    def start(self) -> Self:
        """Begin, or go on where it was stopped, has failed, or has come to a replay's end.

        Nothing happens where it runs already.
        """
        with self._background.changing:
            if not self.is_running:
                self._background.start()
                self._set(state="starting" if self._going.is_set() else "paused", error=None)
        return self

    def stop(self, *, wait: bool = True) -> None:
        """End: no thread and no connection is left. What was read stays; :meth:`start` goes on behind it.

        Parameters
        ----------
        wait
            Until the thread has ended; a callback, which is called in it, never does.
        """
        self._is_users_own = False  # whoever begins it next has begun it
        self._background.stop(wait=wait)

    def begin_for(self, user: object) -> None:
        """Begin for one of several who share it, unless it runs already.

        Where one of them has begun it, it ends with the last of them.
        """
        with self._background.changing:
            self._is_users_own = (bool(self._users) and self._is_users_own) or not self.is_running
            self._users.add(user)
            self.start()

    def end_for(self, user: object, *, whoever_began: bool = False) -> Callable[[], None]:
        """End what :meth:`begin_for` began, unless others of those use it still.

        Parameters
        ----------
        whoever_began
            End it as well where none of those who share it has begun it.

        Returns
        -------
        callable
            Waits until its thread has ended, if it is to end.
        """
        with self._background.changing:
            self._is_users_own |= whoever_began
            uses = user in self._users or whoever_began
            self._users.discard(user)
            ends = uses and self._is_users_own and not self._users
            return self._background.end() if ends else lambda: None

    def _wake(self) -> None:
        if self._is_alive() and self._tracker.status.state != "failed":
            self._set(state="stopped")
        self._going.set()
        self.source.close()

    def pause(self) -> None:
        """Stop reading for a while; what is published meanwhile waits on the stream."""
        self._going.clear()
        if self._tracker.status.state in ("starting", "live", "reconnecting"):
            self._set(state="paused")

    def resume(self) -> None:
        """Go on reading after a pause, behind what was read before it."""
        if not self._going.is_set() and self._tracker.status.state == "paused":
            self._set(state="live")
        self._going.set()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    async def __aiter__(self) -> AsyncIterator[History]:
        """Yield all that has come since the start, then each batch that comes; for asyncio code.

        Whenever a loop begins, its first history is what is kept by then, the backfill included. So nobody
        has to listen from the start, and no more than ``keep`` waits for who does: what has come and is not
        kept any more is counted as ``left_out`` in that history's coverage. A loop that takes its batches
        slowly holds up the reading; what comes meanwhile waits on the stream.

        Raises
        ------
        LabError
            The follower has failed.
        """
        async for batch in batches(self._listen, self._is_alive, lambda: self.is_running):
            yield batch
        if self._tracker.status.state == "failed":
            raise LabError(self._tracker.status.error or "the follower has failed")

    def _is_alive(self) -> bool:
        return self._background.is_alive

    def on_batch(self, callback: Callable[[History], object]) -> Callable[[], None]:
        """Have each batch, as a history, given to a function, in the follower's thread.

        An error in it is kept in ``status.error`` and ends nothing.

        Returns
        -------
        callable
            Ends it when called.
        """
        return self._listen(callback)[1]

    def _listen(self, callback: Callable[[History], object]) -> tuple[History, Callable[[], None]]:
        """Return what is kept, and what ends the listening; the next batch is the first that is not in it."""
        with self._lock:
            kept = self._kept()
            self._callbacks.append(callback)

        def leave() -> None:
            with suppress(ValueError):
                self._callbacks.remove(callback)

        return _history(*kept), leave

    def history(self, *, last: int | timedelta | str | None = None, as_of: str | None = None) -> History:
        """Return what is kept, as a history of its own that no later entry changes.

        Parameters
        ----------
        last
            Only so many entries of each stream, the newest, or those of so long a time before the newest
            of them (``'1h'``, a timedelta).
        as_of
            An entry's id: the history as it was when that was the newest, of one stream only.

        Raises
        ------
        OptionError
            ``as_of`` of several streams, whose ids have no common order; or it is no id, or ``last`` neither.
        """
        if as_of is not None and not (isinstance(as_of, str) and is_id(as_of)):
            raise OptionError(f"as_of={as_of!r:.80}: expected the id of an entry, such as '1735580000000-0'")
        if as_of is not None and len(self._windows) > 1:
            raise OptionError("as_of needs a follower of one stream: ids of several have no common order")
        with self._lock:
            kept = self._kept(last, as_of)
        return _history(*kept)

    def _kept(
        self, last: int | timedelta | str | None = None, as_of: str | None = None
    ) -> tuple[list[Tables], Coverage]:
        kept = {name: window.tables(last, as_of) for name, window in self._windows.items()}
        accounts = [
            self._tracker.account(name, ids_in_order(tables), left_out, as_of)
            for name, (tables, left_out) in kept.items()
        ]
        described = (replace(account, source=self.source.where, limits=self._limits) for account in accounts)
        return [tables for tables, _ in kept.values()], Coverage.of(*described)

    def latest(self, frame: str, count: int) -> pd.DataFrame:
        """Return the newest rows of one frame, at most ``count`` of each stream."""
        with self._lock:
            tables = [window.latest(frame, count) for window in self._windows.values()]
        return to_pandas({frame: stacked(frame, tables)})[frame]

    def summary(self, kind: type[Kind], **options: Any) -> Kind:
        """Return a summary of all that has come, kept up to date: a batch is counted once, then merged.

        The first time a summary is asked for, it counts what is kept; ask before :meth:`start` to count all.

        Parameters
        ----------
        kind
            A summary of :mod:`mastermind_lab.stats`.
        **options
            Those of its ``of``.
        """
        [found] = self.summaries([(kind, options)])
        if isinstance(found, Exception):
            raise found
        return cast(Kind, found)

    def summaries(self, asked: Iterable[tuple[type[Summary], dict[str, Any]]]) -> list[Summary | Exception]:
        """Return several summaries of one moment, of the same decisions all.

        Parameters
        ----------
        asked
            Each summary with its options, as for :meth:`summary`.

        Returns
        -------
        list
            The error in the place of one that cannot be counted.
        """
        with self._lock:
            running = [self._running(kind, options) for kind, options in asked]
            self._for_good.update(one for one in running if one.fault is None)
        return values(running, self._lock)

    def counting(self, asked: Iterable[tuple[type[Summary], dict[str, Any]]]) -> Counting:
        """Have several summaries counted for as long as what is returned is there, and not for good.

        One that nobody holds, and that was never asked for by :meth:`summary` or :meth:`summaries`, is let go
        of: asked for once more it counts, as one that is asked for the first time, what is kept by then.

        Parameters
        ----------
        asked
            As for :meth:`summaries`.
        """
        with self._lock:
            return Counting([self._running(kind, options) for kind, options in asked], self._lock)

    def _running(self, kind: type[Summary], options: dict[str, Any]) -> RunningSummary:
        """Return the one that is counted, or begin one; what it cannot take is its fault, and not counted."""
        key = (kind, *sorted((name, _frozen(value)) for name, value in options.items()))
        if known := self._summaries.get(key):
            return known
        begun = RunningSummary(kind, options)
        if begun.fault is None:
            for window in self._windows.values():
                begun.add(window.tables()[0])
            self._summaries[key] = begun  # only now: an interrupt before it leaves none that began halfway
        return begun

    def feed(self, entries: Iterable[tuple[str, bytes | str | None]]) -> None:
        """Take in entries (id, payload) by hand, as if they had come."""
        self.take(StreamUpdate(self.source.streams[0], list(entries)))  # type: ignore[arg-type] # str is bytes to be

    def take(self, update: StreamUpdate) -> None:
        """Take in what happened on a source."""
        if update.rewound:
            self._forget()
        batch = self._decoder.tables(update) if update.entries else None
        with self._lock:
            running = list(self._summaries.values())
            self._tracker.add(update, batch)
            if self.is_running:
                self._tracker.set(state=self._state_after(update))
            if batch is not None:
                self._windows[update.stream].add(batch)
                for summary in running:
                    summary.add(batch)
            listening = list(self._callbacks)  # who begins to listen after this has the batch in what is kept
        read = reader()
        for summary in running:
            summary.settle(read)
        if batch is not None and listening:
            self._tell(listening, History(batch))

    def _state_after(self, update: StreamUpdate) -> State:
        if not self._going.is_set():
            return "paused"
        return "reconnecting" if update.transient_error else "live"

    def _run(self, ended: Event) -> None:
        outcome = {"state": "stopped"}
        try:
            self._follow(ended)
        except LabError as error:
            outcome = {"state": "failed", "error": str(error)}
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to
            outcome = {"state": "failed", "error": f"{type(error).__name__}: {error}"}
        with self._background.changing:
            if self._background.ended is not ended:
                del outcome["state"]  # it has been started again
            ended.set()
            self._set(**outcome)

    def _follow(self, ended: Event) -> None:
        with archiving(self._archive, self.source) as store:
            self._leave_out(store)
            for update in self.source:
                if not self._going.is_set() and (problem := store.retry()):  # a pause may last
                    self._set(error=problem)
                self._going.wait()  # what was being read when a pause began waits, too
                self._store(store, update, ended)
                self.take(store.unread(update, self._tracker.last_id(update.stream)))
                if ended.is_set():
                    return

    def _leave_out(self, store: Store) -> None:
        """Count what others have archived since this was stopped: following goes on behind it."""
        for stream in self.source.streams:
            if account := store.archived_behind(stream, self._tracker.last_id(stream)):
                with self._lock:
                    self._tracker.leave_out(stream, account)

    def _store(self, store: Store, update: StreamUpdate, ended: Event) -> None:
        """Archive an update; where it cannot be written, wait before memory is full."""
        problem = store.take(update)
        while problem:
            self._set(error=problem)
            waits = store.is_full and not ended.wait(_RETRY_AFTER)
            problem = store.retry() if waits else None

    def _tell(self, listening: list[Callable[[History], object]], batch: History) -> None:
        for callback in listening:
            try:
                if callback in self._callbacks:
                    callback(batch)
            except Exception as error:  # noqa: BLE001 - somebody's function must not end the following
                self._set(error=f"a callback failed: {type(error).__name__}: {error}")

    def _set(self, **changes: Any) -> None:
        with self._lock:
            self._tracker.set(**changes)

    def _forget(self) -> None:
        with self._lock:
            self._tracker.clear()
            for window in self._windows.values():
                window.clear()
            for summary in self._summaries.values():
                summary.clear()


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _history(kept: list[Tables], coverage: Coverage) -> History:
    """Put streams together; their ids are apart, so that none of one is among another's."""
    if len(kept) == 1:
        return History(kept[0], coverage)
    return History({frame: oldest_first(table) for frame, table in concat(kept).items()}, coverage)
