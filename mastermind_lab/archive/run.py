"""One run of the archiver: from where the folder ends to where the stream ends, or on and on."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..envelope import DEFAULT_STREAM_NAME
from ..errors import SourceError
from ..frames import Bound, one_stream
from ..text import SecretUrl
from .archiver import PART_BYTES, PART_SECONDS, Archiver

if TYPE_CHECKING:
    from ..stream import Client, Cursor, Gap, StreamUpdate

Value = TypeVar("Value")

_RETRY_AFTER = 1.0  # seconds between two tries to write to a folder that has no room


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
    resets
        How often the stream was deleted, rolled back or begun again in this run: its entries are kept apart,
        by epoch.
    transient_error
        The passing fault that the run is waiting out now, in words; else None.
    limits
        The bounds of this archive, as they were given: '' for none.
    left_out
        How many entries they have left out in this run; None where that is not known.
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
    resets: int
    transient_error: str | None
    limits: str = ""
    left_out: int | None = 0

    @property
    def began_again(self) -> int:
        """The old name of ``resets``."""
        return _renamed("began_again", "resets", self.resets)

    @property
    def trouble(self) -> str | None:
        """The old name of ``transient_error``."""
        return _renamed("trouble", "transient_error", self.transient_error)


def _renamed(old: str, new: str, value: Value) -> Value:
    message = f"Archived.{old} is now called {new}: the old name will go"
    warnings.warn(message, FutureWarning, stacklevel=3)
    return value


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
        self.source, self.folder, self.follow = SecretUrl.of(source), folder, follow
        self.stream = one_stream(stream)
        self._options = options
        self._gaps: tuple[Gap, ...] = ()
        self._resets = 0
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
            before = sink.resume_point.last_id if sink.resume_point else None
            reader = StreamReader(self.source, [self.stream], cursors=self._begin(sink))
            try:
                for update in reader if self.follow else reader.up_to_now():
                    yield from self._step(sink, update, before)
                    if self._is_stopped or sink.extent.is_past:
                        break
            finally:
                reader.close()
            if sink.extent.is_past:
                sink.extent.behind = self._behind(sink)
        yield self._progress(sink, before)

    def _begin(self, sink: Archiver) -> dict[str, Cursor]:
        """Find where to begin; a new archive that begins late accounts for what lies before it."""
        from ..stream import counted_before

        if sink.resume_point or sink.extent.since is None:
            return sink.cursors()
        cursor, account = counted_before(self.source, self.stream, sink.extent.since)
        sink.begin(account)
        return {self.stream: cursor}

    def _behind(self, sink: Archiver) -> int | None:
        """Count what the stream holds behind the end of the archive; what was trimmed there, too."""
        from ..stream import added

        try:
            newest = added(self.source, self.stream)
        except SourceError:  # all that was wanted has been read
            return None
        return None if newest is None or sink.ordinal is None else max(newest - sink.ordinal, 0)

    def _step(self, sink: Archiver, update: StreamUpdate, before: str | None) -> Iterator[Archived]:
        """Take an update; a follower waits where there is no room for it, and the stream keeps the rest."""
        self._gaps += (update.gap,) if update.gap and update.gap.missing else ()
        self._resets += update.reset
        write: Callable[[], None] = partial(sink.take, update)
        while True:
            try:
                write()
            except SourceError as error:
                if not self.follow or not isinstance(error.__cause__, OSError) or self._is_stopped:
                    raise
                yield self._progress(sink, before, error)
                time.sleep(_RETRY_AFTER)
                write = sink.flush  # the update is taken already
            else:
                yield self._progress(sink, before, update.transient_error)
                return

    def _progress(self, sink: Archiver, before: str | None, fault: SourceError | None = None) -> Archived:
        return Archived(
            folder=str(sink.folder),
            stream=self.stream,
            resumed_from=before,
            entries=sink.entries,
            rejects=sink.rejects,
            parts=sink.parts,
            last_id=sink.resume_point.last_id if sink.resume_point else None,
            waiting=sink.waiting,
            gaps=self._gaps,
            resets=self._resets,
            transient_error=str(fault) if fault else None,
            limits=sink.extent.said,
            left_out=sink.extent.left_out,
        )


def archive(
    source: str | Client,
    folder: str | os.PathLike[str],
    *,
    stream: str = DEFAULT_STREAM_NAME,
    follow: bool = False,
    payloads: bool = True,
    since: Bound | None = None,
    until: Bound | None = None,
    part_bytes: int = PART_BYTES,
    part_seconds: float = PART_SECONDS,
) -> Archived:
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
        The stream's name; an archive is of one stream.
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
        What this run has done: entries, parts, gaps, where it resumed from, where it ends.

    Raises
    ------
    SourceError
        The stream cannot be read, or the folder cannot be written, is another archiver's, of a newer format
        or of something else. What was committed is safe. A follower whose folder has no room waits for it.
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
    """
    run = Archiving(
        source, folder, stream=stream, follow=follow,
        payloads=payloads, since=since, until=until, part_bytes=part_bytes, part_seconds=part_seconds,
    )  # fmt: skip
    with stopping(run, signal.SIGINT):
        *_, done = _latest(run)
    return done


def _latest(run: Archiving) -> list[Archived]:
    last: list[Archived] = []
    for progress in run:
        last = [progress]
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
        for number in signals:
            before[number] = signal.signal(number, stop)
    except ValueError:  # not the main thread: no signal arrives here
        before.clear()
    try:
        yield
    finally:
        restore()
