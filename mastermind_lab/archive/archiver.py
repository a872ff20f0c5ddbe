"""The archiver: news of a stream in, committed parts out."""

from __future__ import annotations

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import dropwhile
from typing import TYPE_CHECKING, Self

from ..decode import SchemaCache
from ..envelope import DEFAULT_STREAM_NAME
from ..errors import OptionError, SourceError
from ..frames import concat, id_key
from ..storage import folder as folder_of
from .part import Part

if TYPE_CHECKING:
    # Parquet and redis are loaded where they are used: the package shows names of this room.
    from ..snapshot import Range
    from ..snapshot.resume import ResumePoint
    from ..stream import Cursor, StreamUpdate

PART_BYTES = 24 * 2**20
"""How many bytes of payloads make a part."""

PART_SECONDS = 60.0
"""How long an entry waits for others before its part is written."""


class Archiver:
    """Writes what :class:`mastermind_lab.stream.StreamReader` reads of a stream to a folder, exactly once.

    It reads no stream: whoever follows one begins at :meth:`cursors`, hands over everything by :meth:`take`,
    and calls :meth:`close` at the end. It may be used from any thread, by one at a time. A full part is
    written by a thread of its own while the next one fills. A folder on a disk is locked against others; an
    object store has no locks, so there each commit first looks whether somebody else has written meanwhile.

    Parameters
    ----------
    folder
        Where to write, a path or an fsspec URL: it is made, or goes on where it ends.
    stream
        The stream's name; an archive is of one stream.
    source
        What ``coverage`` shall name as the source; never with a password.
    payloads
        Keep each envelope's raw JSON too. Without it, a stream that is rolled back and given other entries
        under the very ids it had is not told from what it was.
    part_bytes, part_seconds
        A part is written when its payloads have so many bytes, or its oldest entry has waited so long.

    Attributes
    ----------
    ending : Ending or None
        The last entry that is safe, and what is known there; None while there is none.
    parts, entries, rejects : int
        What this archiver has committed.
    waiting : int
        How many entries were taken and are not committed yet.

    Raises
    ------
    SourceError
        The folder cannot be written, holds something else, is of a newer format, or is another archiver's.
    OptionError
        It is another stream's archive, or the size or age of a part makes no sense.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        stream: str = DEFAULT_STREAM_NAME,
        source: str = "",
        payloads: bool = True,
        part_bytes: int = PART_BYTES,
        part_seconds: float = PART_SECONDS,
    ) -> None:
        if part_bytes <= 0 or not part_seconds > 0:
            raise OptionError(f"part_bytes={part_bytes}, part_seconds={part_seconds}: both are above 0")
        self.folder, self.stream, self.source, self.payloads = os.fspath(folder), stream, source, payloads
        self.part_bytes, self.part_seconds = part_bytes, part_seconds
        self.parts = self.entries = self.rejects = 0
        self._is_closed = False
        self._writer = ThreadPoolExecutor(1)
        self._writing: Future[Range] | None = None  # the commit of the first part, while it is under way
        self.ending = self._ended(self.folder)  # refused before anything is touched
        self._lock = folder_of(self.folder).lock("an archiver")
        try:
            self._cleanup()
            self.ending = self._ended(self.folder)
        except BaseException:
            self._release()
            raise
        self._learned = SchemaCache()
        self._parts = [Part()]

    def _cleanup(self) -> None:
        """Remove what a killed archiver left half done, where no other can be at work."""
        from ..snapshot import cleanup

        if self._lock and self.ending:
            cleanup(self.folder)

    def _ended(self, folder: str) -> ResumePoint | None:
        from ..snapshot import ranges
        from ..snapshot.resume import ResumePoint

        committed = ranges(folder)
        theirs = committed[-1].metadata.get("stream") if committed else self.stream
        if theirs is None:
            raise OptionError(
                f"{folder} is a snapshot that was saved at once, no archive. "
                "Nothing was changed: choose another folder."
            )
        if theirs != self.stream:
            raise OptionError(
                f"{folder} is an archive of the stream {theirs!r:.300}, not of {self.stream!r:.300}. "
                "Nothing was changed: choose another folder."
            )
        return ResumePoint.of(committed)

    @property
    def waiting(self) -> int:
        """How many entries were taken and are not committed yet."""
        return sum(part.entries for part in self._parts)

    def cursors(self) -> dict[str, Cursor]:
        """Say where to follow from so that nothing is left out: a new folder's stream from its beginning."""
        from ..stream import Cursor

        end = self.ending
        if end is None:
            return {self.stream: Cursor()}
        return {self.stream: Cursor(end.last_id, end.ordinal, known=end.newest(), older=end.older())}

    def take(self, news: StreamUpdate) -> None:
        """Take what is new, and commit a part where it is due; entries that are there already are left out.

        News without entries count too: they are what an old part's time is seen by.

        Raises
        ------
        SourceError
            A part cannot be written. What was taken is kept in memory, and tried again by the next ``take``
            or :meth:`flush`.
        OptionError
            The news are another stream's.
        """
        if news.stream != self.stream:
            raise OptionError(f"news of {news.stream!r:.300} for an archive of {self.stream!r:.300}")
        if news.transient_error is None:
            self._add(news)
        if self._writing and self._writing.done():
            self._settle()
        if self._is_old() or len(self._parts) > 1 + bool(self._writing):
            self.flush()
        elif self._parts[-1].size >= self.part_bytes:
            self._settle()
            self._begin()

    def _add(self, news: StreamUpdate) -> None:
        last = id_key(self._last_id())
        fresh = [*dropwhile(lambda one: id_key(one[0]) <= last, news.entries)]
        if fresh and self._parts[-1].entries and id_key(fresh[0][0])[0] != last[0]:
            self._parts.append(Part())
        self._parts[-1].add(fresh, news, self.payloads, self._learned)

    def _last_id(self) -> str:
        """Return the last id taken; the one before every other where there is none."""
        taken = (part.last_id for part in reversed(self._parts) if part.last_id)
        return next(taken, self.ending.last_id if self.ending else "0-0")

    def _is_old(self) -> bool:
        first = self._parts[bool(self._writing)]
        return first.entries > 0 and time.monotonic() - first.began >= self.part_seconds

    def flush(self) -> None:
        """Commit what was taken, if that is anything.

        Raises
        ------
        SourceError
            It cannot be written: what was committed before is safe, and this is kept and tried again.
        """
        self._settle()
        while self._parts[0].entries:
            self._committed(self._commit(self._parts[0]))

    def _begin(self) -> None:
        """Begin to commit the first part, and another one to fill meanwhile."""
        self._writing = self._writer.submit(self._commit, self._parts[0])
        self._parts.append(Part())

    def _settle(self) -> None:
        """Wait for the commit that is under way; a part that could not be written stays the first."""
        if not self._writing:
            return
        try:
            self._committed(self._writing.result())
        finally:
            if self._writing.done():  # whoever is interrupted here waits once more
                self._writing = None

    def _commit(self, part: Part) -> Range:
        from ..snapshot import commit

        self._refuse_company()
        after = self.ending.last_id if self.ending else ""
        metadata = part.metadata(self.source, self.stream) | {"after": after}
        return commit(self.folder, concat(part.tables), metadata)

    def _committed(self, done: Range) -> None:
        from ..snapshot.resume import ResumePoint

        self._parts = self._parts[1:] or [Part()]
        self.parts, self.entries = self.parts + 1, self.entries + done.rows + done.rejects
        self.rejects += done.rejects
        self.ending = ResumePoint.of([*(self.ending.ranges if self.ending else ()), done])

    def _refuse_company(self) -> None:
        """See that nobody else wrote, where there are no locks."""
        if self._lock:
            return
        from ..snapshot import ranges
        from ..snapshot.resume import ResumePoint

        ours, theirs = (
            one.last_id if one else "" for one in (self.ending, ResumePoint.of(ranges(self.folder)))
        )
        if ours != theirs:
            raise SourceError(
                f"{self.folder} ends at {theirs or 'nothing'}, not at {ours or 'nothing'}: somebody else has "
                "written there. What is committed is safe; see that only one archiver runs, and begin again."
            )

    def close(self) -> None:
        """Commit what was taken and let others write; a closed archiver stays closed.

        Raises
        ------
        SourceError
            The last part cannot be written; the stream still holds its entries.
        """
        if self._is_closed:
            return
        try:
            self.flush()
            if self.parts:
                self._cleanup()
        finally:
            self._release()

    def _release(self) -> None:
        self._is_closed = True
        self._writer.shutdown()
        if self._lock:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
