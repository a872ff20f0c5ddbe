"""One run of the archiver: from where the folders end to where the streams end, or on and on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from ..envelope import DEFAULT_STREAM_NAME
from ..errors import SourceError
from ..frames import Bound, one_stream, several_streams
from ..storage import absolute
from ..wire import SecretUrl
from .archiver import PART_BYTES, PART_SECONDS, Archiver, overfull
from .progress import Archived, StreamRun

if TYPE_CHECKING:
    from ..stream import Client, Cursor, StreamUpdate

_RETRY_AFTER = 1.0  # seconds between two tries to write to a folder that has no room


class Archiving:
    """A run that can be watched and stopped: iterating it does the work; see :func:`archive`.

    ``options`` are those of :class:`Archiver`.

    Examples
    --------
    >>> run = Archiving("redis://localhost:6379", "archive")  # nothing is opened yet
    >>> run.stop()  # from a signal's handler, or another thread
    """

    def __init__(
        self,
        source: str | Client,
        folder: str | os.PathLike[str],
        *,
        stream: str | list[str] | tuple[str, ...] = DEFAULT_STREAM_NAME,
        follow: bool = False,
        **options: Any,
    ) -> None:
        self.source, self.follow = SecretUrl.of(source), follow
        self.folder = absolute(folder)  # it may be begun elsewhere
        self.streams = one_stream(stream) if isinstance(stream, str) else several_streams(stream)
        self._options = options
        self._is_stopped = False

    def stop(self) -> None:
        """Let the run write its last part and end, within about a second."""
        self._is_stopped = True

    def __iter__(self) -> Iterator[Archived]:
        """Work, and say after each step how far a stream is; what is said last of each is the result.

        Raises
        ------
        SourceError
            A folder or the streams: see :func:`archive`.
        """
        from ..stream import PACE, StreamReader  # here, because redis takes long to load

        with ExitStack() as opened:
            runs = self._opened(opened)
            cursors = {
                name: cursor for run in runs.values() for name, cursor in self._begin(run.sink).items()
            }
            reader = StreamReader(self.source, [*runs], cursors=cursors, pace=PACE)
            try:
                for update in reader if self.follow else reader.up_to_now():
                    yield from self._step(runs, update)
                    if self._is_stopped or all(run.is_past for run in runs.values()):
                        break
                    if self.follow and runs[update.stream].is_past:
                        reader.leave(update.stream)
            finally:
                reader.close()
            for run in runs.values():
                if run.is_past:
                    run.sink.extent.behind = self._behind(run.sink)
        for run in runs.values():
            yield run.progress()

    def _opened(self, opened: ExitStack) -> dict[str, StreamRun]:
        """Open the folders; what cannot be opened lets go of those before it."""
        from ..snapshot import arena_folders
        from ..stream import address

        where, folders = address(self.source), arena_folders(self.folder, self.streams)
        return {
            stream: StreamRun(
                opened.enter_context(Archiver(folder, stream=stream, source=where, **self._options))
            )
            for stream, folder in folders.items()
        }

    def _begin(self, sink: Archiver) -> dict[str, Cursor]:
        """Find where to begin; a new archive that begins late accounts for what lies before it."""
        from ..stream import counted_before, is_of_one_stream

        if sink.resume_point or sink.extent.since is None:
            return sink.cursors()
        try:
            cursor, account = counted_before(self.source, sink.stream, sink.extent.since)
        except SourceError as error:
            if isinstance(self.streams, str) or not is_of_one_stream(error):
                raise
            return sink.cursors()  # the reading says that it cannot be read
        sink.begin(account)
        return {sink.stream: cursor}

    def _behind(self, sink: Archiver) -> int | None:
        """Count what the stream holds behind the end of the archive; what was trimmed there, too."""
        from ..stream import added

        try:
            newest = added(self.source, sink.stream)
        except SourceError:  # all that was wanted has been read
            return None
        return None if newest is None or sink.ordinal is None else max(newest - sink.ordinal, 0)

    def _step(self, runs: Mapping[str, StreamRun], update: StreamUpdate) -> Iterator[Archived]:
        """Take an update, and keep what waits for all streams together within what one may have."""
        run = runs[update.stream]
        if not run.is_past:
            run.note(update)
            yield from self._written(run, partial(run.sink.take, update), update.transient_error)
        while largest := overfull([one.sink for one in runs.values()]):
            yield from self._written(runs[largest.stream], largest.flush)

    def _written(
        self, run: StreamRun, write: Callable[[], None], fault: SourceError | None = None
    ) -> Iterator[Archived]:
        """Write; a follower waits where there is no room for it, and the stream keeps the rest."""
        while True:
            try:
                write()
            except SourceError as error:
                if not self.follow or not isinstance(error.__cause__, OSError) or self._is_stopped:
                    raise
                yield run.progress(error)
                time.sleep(_RETRY_AFTER)
                write = run.sink.flush  # what was to be taken is taken already
            else:
                yield run.progress(fault)
                return


@overload
def archive(
    source: str | Client,
    folder: str | os.PathLike[str],
    *,
    stream: str = ...,
    follow: bool = ...,
    payloads: bool = ...,
    since: Bound | None = ...,
    until: Bound | None = ...,
    part_bytes: int = ...,
    part_seconds: float = ...,
) -> Archived: ...
@overload
def archive(
    source: str | Client,
    folder: str | os.PathLike[str],
    *,
    stream: list[str] | tuple[str, ...],
    follow: bool = ...,
    payloads: bool = ...,
    since: Bound | None = ...,
    until: Bound | None = ...,
    part_bytes: int = ...,
    part_seconds: float = ...,
) -> dict[str, Archived]: ...
def archive(
    source: str | Client,
    folder: str | os.PathLike[str],
    *,
    stream: str | list[str] | tuple[str, ...] = DEFAULT_STREAM_NAME,
    follow: bool = False,
    payloads: bool = True,
    since: Bound | None = None,
    until: Bound | None = None,
    part_bytes: int = PART_BYTES,
    part_seconds: float = PART_SECONDS,
) -> Archived | dict[str, Archived]:
    """Write a stream's entries to a folder, each exactly once, going on where the folder ends.

    The folder is a snapshot that grows: :func:`mastermind_lab.read` reads it at any time. A new one begins
    with the stream's first entry. However an archiver ends, the next one goes on behind the last committed
    entry. Faults of the network and the server are waited out. One Ctrl-C ends the run after its last part.
    Columns that came late are given to the parts before, so that other programs can read all parts as one: to
    a few at a time when a day is over, to the rest at the end of the run.

    Parameters
    ----------
    source
        A Redis URL, or a redis client, sync or asyncio: as for :func:`mastermind_lab.read`.
    folder
        Where to write: a path, or the URL of a folder on a file system that fsspec knows. A folder on a disk
        is locked, so that a second archiver stops. An object store has no locks: there each commit first
        looks whether somebody else has written, which notices a second archiver without keeping it out.
    stream
        The stream's name. Several, in a list, go each to a folder of its own below ``folder``, which is an
        archive by itself: ``arena=<name>``, where all but letters, digits and ``_.-~`` stands as ``%3A``.
        One that is no stream, or may not be read, does not keep the others.
    follow
        Go on for ever, until Ctrl-C; else end where the stream ends now.
    payloads
        Keep each envelope's raw JSON too; :class:`Archiver` says what hangs on it.
    since
        Where a new archive begins, written as for :func:`mastermind_lab.read`; a time back is from now. A
        folder that has entries goes on where it ends, and a time back then says nothing. Any other ``since``
        behind that end would leave a hole, and one before the folder's own beginning cannot be met: both are
        refused.
    until
        Where the run ends: with the first entry behind it, which a follower waits for. Nothing behind it is
        archived, until another run goes on.
    part_bytes, part_seconds
        A part is written when its payloads have so many bytes, or its oldest entry has waited so long.

    Returns
    -------
    Archived
        What this run has done: entries, parts, gaps, where it resumed from, where it ends. Of several
        streams, a dict of these, by the stream's name.

    Raises
    ------
    SourceError
        The stream, or each of several, cannot be read; or a folder cannot be written, is another archiver's,
        of a newer format or of something else. What was committed is safe. A follower whose folder has no
        room waits for it.
    OptionError
        The folder is another stream's archive, or an argument makes no sense.

    Notes
    -----
    What ``since`` and ``until`` left out is said in ``coverage``, of ``until`` as it was when the last part
    was written. Redis counts no part of a stream: a new archive that begins late fetches what is wanted once
    before, to count what is not.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.archive("redis://localhost:6379", "archive")  # doctest: +SKIP
    >>> lab.archive("redis://localhost:6379", "november", since="2026-11", until="2026-11")  # doctest: +SKIP
    >>> lab.archive("redis://localhost:6379", "fleet", stream=["arena:a", "arena:b"])  # doctest: +SKIP
    """
    run = Archiving(
        source, folder, stream=stream, follow=follow,
        payloads=payloads, since=since, until=until, part_bytes=part_bytes, part_seconds=part_seconds,
    )  # fmt: skip
    with stopping(run, signal.SIGINT):
        done = {progress.stream: progress for progress in run}
    return done[stream] if isinstance(stream, str) else done


@contextmanager
def stopping(run: Archiving, *signals: signal.Signals) -> Iterator[None]:
    """Let signals stop a run; a second one does what it did before. Only the main thread can be told."""
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        while before:
            signal.signal(*before.popitem())

    def stop(*_: object) -> None:
        restore()
        run.stop()

    with suppress(ValueError):  # not the main thread: no signal arrives here
        for number in signals:
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        restore()
