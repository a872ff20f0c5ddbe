"""The archiver: updates of a stream in, committed parts out."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import reduce
from itertools import dropwhile
from operator import add
from typing import TYPE_CHECKING, Self

from ..decode import SchemaCache
from ..envelope import DEFAULT_STREAM_NAME
from ..errors import OptionError, SourceError
from ..frames import Account, Bound, SchemaUnion, concat, id_key
from ..storage import ARCHIVER, absolute
from ..storage import folder as folder_of
from .buffer import Buffer
from .extent import Extent

if TYPE_CHECKING:
    # Parquet and redis are loaded where they are used: ``import mastermind_lab`` shows names of this package.
    from ..snapshot import Opened, Range
    from ..stream import Cursor, StreamUpdate

PART_BYTES = 24 * 2**20
"""How many bytes of payloads make a part."""

PART_SECONDS = 60.0
"""How long an entry waits for others before its part is written."""

_MOST_PARTS = 3  # in memory: one that is being written, one that waits, one that fills
_MOST_WAITING = 4  # parts of several streams together that wait in memory


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
    since, until
        What belongs in the archive, as :func:`archive` says; a time back is from now.
    part_bytes, part_seconds
        A part is written when its payloads have so many bytes, or its oldest entry has waited so long.

    Attributes
    ----------
    resume_point : ResumePoint or None
        The last entry that is safe, and what is known there; None while there is none.
    parts, entries, rejects : int
        What this archiver has committed.
    waiting : int
        How many entries were taken and are not committed yet.
    extent : Extent
        The bounds, and what they have left out.
    found : Account
        What the folder held when it was opened, as ``coverage`` says it.

    Raises
    ------
    SourceError
        The folder cannot be written, holds something else, is of a newer format, or is another archiver's.
    OptionError
        It is another stream's archive, the size or age of a part makes no sense, or a bound is none or
        does not fit what the folder has.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        stream: str = DEFAULT_STREAM_NAME,
        source: str = "",
        payloads: bool = True,
        since: Bound | None = None,
        until: Bound | None = None,
        part_bytes: int = PART_BYTES,
        part_seconds: float = PART_SECONDS,
    ) -> None:
        if part_bytes <= 0 or not part_seconds > 0:
            raise OptionError(f"part_bytes={part_bytes}, part_seconds={part_seconds}: both must be above 0")
        self.folder, self.stream, self.source, self.payloads = absolute(folder), stream, source, payloads
        self.part_bytes, self.part_seconds = part_bytes, part_seconds
        self._bounds = since, until
        self.parts = self.entries = self.rejects = 0
        self._is_closed = False
        self._writer = ThreadPoolExecutor(1)
        self._writing: Future[Range] | None = None  # the commit of the first buffer, while it is under way
        self._columns = self._widened_to = SchemaUnion()  # what all parts have together, and what each has
        found = self._open()  # refused before anything is touched
        self._lock = folder_of(self.folder).lock(ARCHIVER)
        try:
            self._tidy(self._open() if self._lock else found)
        except BaseException:
            self._release()
            raise
        self._widening, self._merging = self._widen(), self._merge()  # what a killed one left to do
        self._rests_until = 0.0
        self._schema_cache = SchemaCache()
        self._buffers = [Buffer()]
        if self.extent.before is None:
            self.begin(Account(left_out=None, certainty="not verified"))

    def _open(self) -> Opened:
        """See what is committed, and refuse a folder that is not this stream's."""
        from ..snapshot import opened
        from ..snapshot.resume import ResumePoint

        opened_now = opened(self.folder)
        self._committed_here = committed = opened_now.committed
        self.resume_point = ResumePoint.of(committed)
        self.found = reduce(add, opened_now.coverage.accounts, Account())
        self._columns = committed.columns
        self._widened_to = SchemaUnion() if committed.is_narrow else self._columns
        theirs = committed.last.metadata.get("stream") if committed.last else self.stream
        if theirs is None:
            raise OptionError(
                f"{self.folder} is a snapshot that was saved at once, no archive. "
                "Nothing was changed: choose another folder."
            )
        if theirs != self.stream:
            raise OptionError(
                f"{self.folder} is an archive of the stream {theirs!r:.300}, not of {self.stream!r:.300}. "
                "Nothing was changed: choose another folder."
            )
        newest = self.resume_point.last if self.resume_point else None
        self.extent = Extent.of(*self._bounds, newest, self.folder)
        return opened_now

    def _tidy(self, found: Opened) -> None:
        """Remove what a killed archiver left half done, where no other can be at work."""
        from ..snapshot import note, tidy

        if self._lock and self.resume_point:
            tidy(self.folder, found)
        note(self.folder, found)

    @property
    def waiting(self) -> int:
        """How many entries were taken and are not committed yet."""
        return sum(buffer.entries for buffer in self._buffers)

    @property
    def ordinal(self) -> int | None:
        """How many entries the stream had taken up to the last one here, where that is known."""
        taken = [buffer for buffer in self._buffers if buffer.entries]
        if not taken and self.resume_point:
            return self.resume_point.ordinal
        return [*self._buffers, *taken][-1].ordinal

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be written that no more should be taken before there is room."""
        return self.size > _MOST_PARTS * self.part_bytes

    @property
    def size(self) -> int:
        """How many bytes the payloads have that were taken and are not committed yet."""
        return sum(buffer.size for buffer in self._buffers)

    def cursors(self) -> dict[str, Cursor]:
        """Say where to follow from so that nothing is left out but what ``since`` leaves out."""
        from ..stream import Cursor, cursor_before

        end, since = self.resume_point, self.extent.since
        if end is None:
            return {self.stream: cursor_before(None, since) if since else Cursor()}
        return {self.stream: Cursor(**end.place())}

    def begin(self, account: Account) -> None:
        """Be told, before anything is taken, what lies before ``since``: nothing is known of it else."""
        self.extent.before = account.left_out
        self._buffers[0].gone = [account]

    def take(self, update: StreamUpdate) -> None:
        """Take what is new, and commit a part where it is due; entries that are there already are left out.

        An update without entries counts too: it shows that the time of an old part has come.

        Raises
        ------
        SourceError
            A part cannot be written. What was taken is kept in memory, and tried again by the next ``take``
            or :meth:`flush`.
        OptionError
            The update is of another stream.
        """
        if update.stream != self.stream:
            raise OptionError(f"an update of {update.stream!r:.300} for an archive of {self.stream!r:.300}")
        if update.transient_error is None:
            self._add(update)
        if self._writing and self._writing.done():
            self._settle()
        if self._is_old() or len(self._buffers) > 1 + bool(self._writing):
            self.flush()
        elif self._buffers[-1].size >= self.part_bytes:
            self._settle()
            self._begin()
        elif not self._writing:
            with suppress(
                SourceError
            ):  # that an old part is damaged is for the end to say: the stream goes on
                self._keep_up()

    def _keep_up(self) -> None:
        """Do a step of what older parts need, which takes at most half of the time."""
        began = time.monotonic()
        if next(self._widening, self) is self and began >= self._rests_until:
            next(self._merging, None)
            self._rests_until = 2 * time.monotonic() - began

    def _add(self, update: StreamUpdate) -> None:
        last = id_key(self._last_id())
        fresh = [*dropwhile(lambda entry: id_key(entry[0]) <= last, update.entries)]
        kept, before, behind = self.extent.cut(fresh)
        begins_again = update.reset or (kept and id_key(kept[0][0])[0] != last[0])
        if begins_again and self._buffers[-1].entries:  # a part is of one epoch, and so is what it counts
            self._buffers[-1].lose(update)
            self._buffers.append(Buffer())
            update = update._replace(gap=None, reset=False)
        self._buffers[-1].left_out += before
        ordinal = None if update.ordinal is None else update.ordinal - behind
        self._buffers[-1].add(kept, update._replace(ordinal=ordinal), self.payloads, self._schema_cache)

    def _last_id(self) -> str:
        """Return the last id taken; the one before every other where there is none."""
        taken = (buffer.last_id for buffer in reversed(self._buffers) if buffer.last_id)
        return next(taken, self.resume_point.last_id if self.resume_point else "0-0")

    def _is_old(self) -> bool:
        first = self._buffers[bool(self._writing)]
        return first.entries > 0 and time.monotonic() - first.began >= self.part_seconds

    def flush(self) -> None:
        """Commit what was taken, if that is anything.

        Raises
        ------
        SourceError
            It cannot be written: what was committed before is safe, and this is kept and tried again.
        """
        self._settle()
        while self._buffers[0].entries:
            self._begin()
            self._settle()

    def _begin(self) -> None:
        """Begin to commit the first buffer, where there is another one to fill meanwhile."""
        self._buffers = self._buffers if len(self._buffers) > 1 else [*self._buffers, Buffer()]
        self._writing = self._writer.submit(self._commit, self._buffers[0])

    def _settle(self) -> None:
        """Wait for the commit that is under way; a buffer that could not be written stays the first."""
        if not self._writing:
            return
        try:
            committed = self._writing.result()
        except BaseException:
            if self._writing.done():  # whoever is interrupted here waits once more
                self._writing = None
            raise
        self._committed(committed)

    def _commit(self, buffer: Buffer) -> Range:
        from ..snapshot import commit, date_of, forget

        self._refuse_other_writers()
        if self._committed_here.last and date_of(buffer.first_id) < self._committed_here.last.date:
            forget(folder_of(self.folder))  # what is new is looked for from its last day on
        after = self.resume_point.last_id if self.resume_point else ""
        metadata = buffer.metadata(self.source, self.stream, self.extent) | {"after": after}
        rows = concat(buffer.tables)
        columns = self._columns + SchemaUnion.of(rows)
        committed = commit(self.folder, columns.fit(rows), metadata)
        self._columns = columns
        return committed

    def _committed(self, committed: Range) -> None:
        """Note that the first buffer is in, all of it in one step: an interruption comes before or after."""
        from ..snapshot import Committed
        from ..snapshot.resume import ResumePoint

        before, now = self._committed_here, self._committed_here + Committed.of([committed])
        is_another_day = before.last is not None and before.last.date != committed.date
        known = {
            "_buffers": self._buffers[1:] or [Buffer()],
            "_writing": None,
            "parts": self.parts + 1,
            "entries": self.entries + committed.entries,
            "rejects": self.rejects + committed.rejects,
            "_committed_here": now,
            "resume_point": ResumePoint.of(now),
            "_widened_to": self._widened_to if before.last else self._columns,
        }
        todo = {"_widening": self._widen(), "_merging": self._merge()} if is_another_day else {}
        vars(self).update(known, **todo)

    def _widen(self) -> Iterator[None]:
        """Give older parts the columns of newer ones, a range a step: the stream cannot wait for all."""
        from ..snapshot import widened

        columns = self._columns
        if columns.types == self._widened_to.types:
            return
        steps = widened(self.folder)
        while True:
            self._refuse_other_writers()
            if next(steps, None) is None:
                break
            yield
        self._widened_to = columns

    def _merge(self) -> Iterator[Range | None]:
        """Merge the many parts of days that are over, some a step, where no other can be at work.

        Then those that a compaction asks for.
        """
        from ..snapshot import merging

        if self._lock and self._committed_here.last:
            with suppress(SourceError):  # tried again on another day; verify lists what is wrong
                yield from merging(self.folder, self._committed_here.last.date)
        yield from self._answer()

    def _answer(self) -> Iterator[Range | None]:
        """Merge what a compaction asks for, for ever; None where nobody asks."""
        from ..snapshot import asked_for

        while self._lock:
            if self._committed_here.last:
                yield from asked_for(self.folder, self._committed_here.last)
            yield None

    def _refuse_other_writers(self) -> None:
        """See that nobody else wrote, where there are no locks."""
        if self._lock:
            return
        from ..snapshot import newest_id

        last = self._committed_here.last
        ours, theirs = last.last_id if last else "", newest_id(self.folder, last.date if last else "")
        if ours != theirs:
            raise SourceError(
                f"{self.folder} ends at {theirs or 'nothing'}, not at {ours or 'nothing'}: somebody else has "
                "written there. What is committed is safe; see that only one archiver runs, and begin again."
            )

    def close(self) -> None:
        """Commit what was taken and let others write; a closed archiver stays closed.

        Older parts get the columns that came later, so that other programs can read them all as one.

        Raises
        ------
        SourceError
            The last part cannot be written, and the stream still holds its entries; or an older one cannot be
            written with more columns, and is as it was.
        """
        if self._is_closed:
            return
        from ..snapshot import opened

        try:
            self.flush()
            if self.parts:
                self._tidy(opened(self.folder))
            for _ in self._widen():
                pass
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


def overfull(archivers: Collection[Archiver]) -> Archiver | None:
    """Return which of several to write now, where together they hold more in memory than one may."""
    held = sum(one.size for one in archivers)
    most = _MOST_WAITING * next((one.part_bytes for one in archivers), 0)  # all of them have the same
    return max(archivers, key=lambda one: one.size) if len(archivers) > 1 and held > most else None
