"""One run of the archiver: from where the folder ends to where the stream ends, or on and on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..envelope import DEFAULT_STREAM_NAME
from ..errors import SourceError
from .archiver import PART_BYTES, PART_SECONDS, Archiver

if TYPE_CHECKING:
    from ..stream import Client, Gap, StreamUpdate

_PAUSE = 1.0  # seconds between two tries to write to a folder that has no room


class Archived(NamedTuple):
    """What a run of the archiver has done so far.

    Attributes
    ----------
    folder, stream
        Where to, and what.
    resumed_from
        The last id that was there before; None for a new archive.
    entries, rejects, parts
        What this run has committed; rejects are among the entries.
    last_id
        The last id that is safe now; None while the archive is empty.
    waiting
        Entries that were taken and are not committed yet.
    gaps
        What was trimmed before it could be read, in this run.
    began_again
        How often the stream began again in this run: its entries are kept apart, by epoch.
    trouble
        The passing fault that the run is waiting out now, in words; else None.
    """

    folder: str
    stream: str
    resumed_from: str | None
    entries: int
    rejects: int
    parts: int
    last_id: str | None
    waiting: int
    gaps: tuple[Gap, ...]
    reset: int
    transient_error: str | None


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
        stream: str = DEFAULT_STREAM_NAME,
        follow: bool = False,
        **options: Any,
    ) -> None:
        self.source, self.folder, self.stream, self.follow = source, folder, stream, follow
        self._options = options
        self._gaps: tuple[Gap, ...] = ()
        self._began_again = 0
        self._is_stopped = False

    def stop(self) -> None:
        """Let the run write its last part and end, within about a second."""
        self._is_stopped = True

    def __iter__(self) -> Iterator[Archived]:
        """Work, and say after each step how far it is; the last one said is the result.

        Raises
        ------
        SourceError
            The folder or the stream: see :func:`archive`.
        """
        from ..stream import StreamReader, address  # here, because redis takes long to load

        where = address(self.source)
        with Archiver(self.folder, stream=self.stream, source=where, **self._options) as sink:
            before = sink.ending.last_id if sink.ending else None
            tail = StreamReader(self.source, [self.stream], cursors=sink.cursors())
            try:
                for one in tail if self.follow else tail.up_to_now():
                    yield from self._step(sink, one, before)
                    if self._is_stopped:
                        break
            finally:
                tail.close()
        yield self._said(sink, before)

    def _step(self, sink: Archiver, news: StreamUpdate, before: str | None) -> Iterator[Archived]:
        """Take some news; a follower waits where there is no room for them, and the stream keeps the rest."""
        self._gaps += (news.gap,) if news.gap else ()
        self._began_again += news.reset
        write: Callable[[], None] = partial(sink.take, news)
        while True:
            try:
                write()
            except SourceError as error:
                if not self.follow or not isinstance(error.__cause__, OSError) or self._is_stopped:
                    raise
                yield self._said(sink, before, str(error))
                time.sleep(_PAUSE)
                write = sink.flush  # they are taken already
            else:
                yield self._said(sink, before, str(news.transient_error) if news.transient_error else None)
                return

    def _said(self, sink: Archiver, before: str | None, transient_error: str | None = None) -> Archived:
        return Archived(
            folder=str(sink.folder),
            stream=self.stream,
            resumed_from=before,
            entries=sink.entries,
            rejects=sink.rejects,
            parts=sink.parts,
            last_id=sink.ending.last_id if sink.ending else None,
            waiting=sink.waiting,
            gaps=self._gaps,
            reset=self._began_again,
            transient_error=transient_error,
        )


def archive(
    source: str | Client,
    folder: str | os.PathLike[str],
    *,
    stream: str = DEFAULT_STREAM_NAME,
    follow: bool = False,
    payloads: bool = True,
    part_bytes: int = PART_BYTES,
    part_seconds: float = PART_SECONDS,
) -> Archived:
    """Write a stream's entries to a folder, each exactly once, going on where the folder ends.

    The folder is a snapshot that grows: :func:`mastermind_lab.read` reads it at any time. A new one begins
    with the stream's first entry. However an archiver ends, the next one goes on behind the last committed
    entry. Faults of the network and the server are waited out. One Ctrl-C ends the run after its last part.

    Parameters
    ----------
    source
        A ``redis://``, ``rediss://`` or ``unix://`` URL, or a redis client, sync or asyncio.
    folder
        Where to write: a path, or the URL of a folder on a file system that fsspec knows. A folder on a disk
        is locked, so that a second archiver stops. An object store has no locks: there each commit first
        looks whether somebody else has written, which notices a second archiver without keeping it out.
    stream
        The stream's name; an archive is of one stream.
    follow
        Go on for ever, until Ctrl-C; else end where the stream ends now.
    payloads
        Keep each envelope's raw JSON too; :class:`Archiver` says what hangs on it.
    part_bytes, part_seconds
        A part is written when its payloads have so many bytes, or its oldest entry has waited so long.

    Returns
    -------
    Archived
        What this run has done: entries, parts, gaps, where it resumed from, where it ends.

    Raises
    ------
    SourceError
        The stream cannot be read, or the folder cannot be written, is another archiver's, of a newer format
        or of something else. What was committed is safe. A follower whose folder has no room waits for it.
    OptionError
        The folder is another stream's archive, or an argument makes no sense.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.archive("redis://localhost:6379", "archive")  # doctest: +SKIP
    """
    run = Archiving(
        source, folder, stream=stream, follow=follow,
        payloads=payloads, part_bytes=part_bytes, part_seconds=part_seconds,
    )  # fmt: skip
    with stopping(run, signal.SIGINT):
        *_, done = _latest(run)
    return done


def _latest(run: Archiving) -> list[Archived]:
    last: list[Archived] = []
    for one in run:
        last = [one]
    return last


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

    try:
        for one in signals:
            before[one] = signal.signal(one, stop)
    except ValueError:  # not the main thread: no signal arrives here
        before.clear()
    try:
        yield
    finally:
        restore()
