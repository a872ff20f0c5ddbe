"""The archiver: news of a stream in, committed parts out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ..decode import Batch, Learned, collector_paused
from ..envelope import STREAM
from ..errors import OptionError, SourceError
from ..frames import Tables, id_key, merge, tables
from ..storage import folder as folder_of

if TYPE_CHECKING:
    # Parquet and redis are loaded where they are used: the package shows names of this room.
    from ..snapshot.ending import Ending
    from ..stream import Cursor, Gap, News

PART_BYTES = 32 * 2**20
"""How many bytes of payloads make a part."""

PART_SECONDS = 60.0
"""How long an entry waits for others before its part is written."""

# A batch's objects should lie in the processor's cache.
_BATCH_BYTES = 3 * 2**18

Entry = tuple[str, bytes | None]


@dataclass
class _Part:
    """Entries of one epoch that were taken and are not committed yet."""

    tables: list[Tables] = field(default_factory=list)
    entries: int = 0
    size: int = 0
    began: float = 0.0
    first_id: str = ""
    last_id: str = ""
    ordinal: int | None = None
    gaps: list[Gap] = field(default_factory=list)


class Archiver:
    """Writes what a :class:`mastermind_lab.stream.Tail` tells of one stream to a folder, exactly once.

    It starts no thread and reads no stream: whoever follows one begins at :meth:`cursors`, hands over
    everything by :meth:`take`, and calls :meth:`close` at the end. It may be used from any thread, by one at
    a time. A folder on a disk is locked against others; an object store has no locks, so there each commit
    first looks whether somebody else has written meanwhile.

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
        stream: str = STREAM,
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
        self.ending = self._ended(self.folder)  # refused before anything is touched
        self._lock = folder_of(self.folder).lock("an archiver")
        try:
            self._sweep()
            self.ending = self._ended(self.folder)
        except BaseException:
            self._release()
            raise
        self._learned = Learned()
        self._parts = [_Part()]

    def _sweep(self) -> None:
        """Remove what a killed archiver left half done, where no other can be at work."""
        from ..snapshot import sweep

        if self._lock and self.ending:
            sweep(self.folder)

    def _ended(self, folder: str) -> Ending | None:
        from ..snapshot import ranges
        from ..snapshot.ending import Ending

        committed = ranges(folder)
        theirs = committed[-1].facts.get("stream") if committed else self.stream
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
        return Ending.of(committed)

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

    def take(self, news: News) -> None:
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
        if news.trouble is None:
            self._add(news)
        if self._is_due():
            self.flush()

    def _add(self, news: News) -> None:
        last = id_key(self._last_id())
        fresh = [one for one in news.entries if id_key(one[0]) > last]
        if fresh and self._parts[-1].entries and id_key(fresh[0][0])[0] != last[0]:
            self._parts.append(_Part())
        part = self._parts[-1]
        part.gaps += _gaps(news)
        # Not known while entries are added: whoever is interrupted there commits no false number.
        part.ordinal = None
        for some in _batches(fresh):
            self._decode(part, some)
        part.ordinal = news.ordinal

    def _last_id(self) -> str:
        """Return the last id taken; the one before every other where there is none."""
        return self._parts[-1].last_id or (self.ending.last_id if self.ending else "0-0")

    def _decode(self, part: _Part, entries: list[Entry]) -> None:
        batch = Batch((), self.payloads, self._learned)
        with collector_paused():
            for entry_id, payload in entries:
                batch.add(entry_id, payload)
            made = tables(batch)
        part.began = part.began or time.monotonic()
        part.first_id = part.first_id or entries[0][0]
        part.tables.append(made)
        part.size += sum(len(payload or b"") for _, payload in entries)
        part.entries += len(entries)
        part.last_id = entries[-1][0]

    def _is_due(self) -> bool:
        first = self._parts[0]
        waited = time.monotonic() - first.began
        is_old = first.entries > 0 and waited >= self.part_seconds
        return is_old or len(self._parts) > 1 or first.size >= self.part_bytes

    def flush(self) -> None:
        """Commit what was taken, if that is anything.

        Raises
        ------
        SourceError
            It cannot be written: what was committed before is safe, and this is kept and tried again.
        """
        while self._parts[0].entries:
            self._refuse_company()
            self._commit(self._parts[0])
            self._parts = self._parts[1:] or [_Part()]

    def _commit(self, part: _Part) -> None:
        rows = merge(part.tables)
        from ..snapshot import commit
        from ..snapshot.ending import Ending

        done = commit(self.folder, rows, self._facts(part))
        self.parts, self.entries = self.parts + 1, self.entries + done.rows + done.rejects
        self.rejects += done.rejects
        self.ending = Ending.of([*(self.ending.ranges if self.ending else ()), done])

    def _refuse_company(self) -> None:
        """See that nobody else wrote, where there are no locks."""
        if self._lock:
            return
        from ..snapshot import ranges
        from ..snapshot.ending import Ending

        ours, theirs = (one.last_id if one else "" for one in (self.ending, Ending.of(ranges(self.folder))))
        if ours != theirs:
            raise SourceError(
                f"{self.folder} ends at {theirs or 'nothing'}, not at {ours or 'nothing'}: somebody else has "
                "written there. What is committed is safe; see that only one archiver runs, and begin again."
            )

    def _facts(self, part: _Part) -> dict[str, Any]:
        gaps = [gap._asdict() for gap in part.gaps]
        after = self.ending.last_id if self.ending else ""
        said = {"source": self.source, "stream": self.stream, "after": after, "gaps": gaps}
        ordinal = {} if part.ordinal is None else {"last_ordinal": part.ordinal}
        return said | ordinal | {"coverage": [self._coverage(part)]}

    def _coverage(self, part: _Part) -> dict[str, Any]:
        certainties = [gap.certainty for gap in part.gaps if gap.certainty != "exact"]
        is_counted = part.ordinal is not None
        return {
            "source": self.source,
            "stream": self.stream,
            "first_id": part.first_id,
            "last_id": part.last_id,
            "entries": part.entries,
            "left_out": 0,
            "limits": "",
            "missing": sum(gap.missing for gap in part.gaps) if is_counted else None,
            "certainty": [*certainties, "exact"][0] if is_counted else "not verified",
            "note": "",
        }

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
                self._sweep()
        finally:
            self._release()

    def _release(self) -> None:
        self._is_closed = True
        if self._lock:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _gaps(news: News) -> list[Gap]:
    """List what is missing before some news; what a reader left out at its beginning is missing here."""
    from ..stream import Gap

    if news.gap:
        return [news.gap]
    account = news.account or {}
    missing = (account.get("left_out") or 0) + (account.get("missing") or 0)
    return [Gap("0-0", None, missing, account["certainty"])] if missing else []


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for one in entries:
        batch.append(one)
        size += len(one[1] or b"")
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
