"""The reader: which source is this? Whatever it is, its entries become one History."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import files
from ..decode import Batch, Column, Learned, check_columns, collector_paused
from ..envelope import STREAM, Reject
from ..errors import OptionError, SourceError
from ..frames import (
    PAYLOADS,
    Tables,
    check_names,
    coverage_frame,
    id_key,
    id_parts,
    ids_in_order,
    in_one_piece,
    merge,
    tables,
)
from .history import History
from .limits import Bound, Limits, cut
from .several import are_several, is_stream, read_several

if TYPE_CHECKING:
    from ..snapshot import Range

Source = Any
"""A URL, a redis client, a path, a glob, or an iterable of payloads."""

Entry = tuple[str, Any, Reject | None]
"""An entry's id, its payload, and what is wrong where the source itself is damaged."""

# A batch's entries should be many enough to share the cost of their Arrow arrays, some 25 us each, and few
# enough not to count beside the result. A page of a stream makes one.
_BATCH_BYTES = 5 * 2**18
_BATCHES_A_PART = 8


def read(
    source: Source,
    *,
    stream: str = STREAM,
    last: int | None = None,
    since: Bound | None = None,
    until: Bound | None = None,
    columns: Iterable[Column] = (),
    payloads: bool = False,
    progress: bool | None = None,
) -> History:
    """Read a history from wherever it is.

    Parameters
    ----------
    source
        A ``redis://``, ``rediss://`` or ``unix://`` URL; a redis client, sync or asyncio; a file of
        envelopes, one a line (``.ndjson`` or ``.jsonl``, with ``.gz`` or ``.zst`` behind it or not), a folder
        or a glob of them; a snapshot's folder; a list of some of these; or an iterable of payloads (str or
        bytes). Of an archive and the URL of its stream, the stream is read from where the archive ends, and
        ``coverage`` says whether the two meet. A list is of sources where no item looks like JSON and one is
        a URL, a client, a path object, or the name of something that is there.
    stream
        The stream's name, for a Redis source.
    last
        At most so many entries, the newest.
    since, until
        Where to begin and end, both inclusive: a stream id, a datetime (without a zone: UTC), or a Unix time
        in seconds or milliseconds. A stream is cut by its ids, lines of a file by ``published_at``.
    columns
        Extra columns of ``decisions``.
    payloads
        Keep each envelope's raw JSON too, as ``history.payloads``.
    progress
        Show a progress bar.

    Returns
    -------
    History
        What could be decoded as rows, what could not as rejects, and in ``coverage`` what was left out.

    Raises
    ------
    SourceError
        The source cannot be read: no server, no file, a wrong password, a key of another type.
    OptionError
        An argument makes no sense.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> envelope = '{"decision": {"recommendation": "ship", "confidence": 0.8}}'
    >>> history = lab.read([envelope, "not an envelope"])
    >>> len(history.decisions), history.rejects["reason"].tolist()
    (1, ['not_json'])
    """
    limits = Limits.of(last, since, until)
    if are_several(source):
        whole = _Reading(_checked(columns), payloads, Limits.of(), bool(progress))
        return read_several(source, stream, limits, partial(_read_one, whole, stream=stream), whole.entries)
    return _read_one(_Reading(_checked(columns), payloads, limits, bool(progress)), source, stream)


def _read_one(reading: _Reading, source: Source, stream: str) -> History:
    if is_stream(source):
        return reading.stream(source, stream)
    if isinstance(source, str | os.PathLike):
        return reading.path(source)
    if isinstance(source, bytes | bytearray | dict) or not isinstance(source, Iterable):
        raise OptionError(
            f"cannot read from a {type(source).__name__}: give a URL, a redis client, a path, "
            "or an iterable of payloads (one payload alone goes into a list)"
        )
    return reading.payloads_of(source)


async def aread(source: Source, **options: Any) -> History:
    """Read like :func:`read`, without holding up the event loop.

    The reading happens in a thread with a connection of its own, so an asyncio client given as the source
    goes on serving others.
    """
    import asyncio  # here, because whoever calls this has loaded it already

    return await asyncio.to_thread(read, source, **options)


def redecode(
    folder: str | os.PathLike[str], *, columns: Iterable[Column] = (), progress: bool | None = None
) -> History:
    """Decode a snapshot's raw payloads again, those of its rejects too, as if they were read now.

    So a better decoder, or an extra column, reaches what was saved before. The folder is not changed.

    Parameters
    ----------
    folder
        A snapshot that was saved with payloads, or its URL.
    columns
        Extra columns of ``decisions``.
    progress
        Show a progress bar.

    Raises
    ------
    OptionError
        The snapshot was saved without payloads, or a column makes no sense.
    SourceError
        The folder is no snapshot, or damaged.

    Examples
    --------
    >>> import tempfile, mastermind_lab as lab
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = lab.sample(last=10, payloads=True).save(f"{folder}/snapshot")
    ...     len(lab.redecode(saved))
    10
    """
    reading = _Reading(_checked(columns), True, Limits.of(), bool(progress))
    return History.of(*reading.redecoded(folder))


def _checked(columns: Iterable[Column]) -> tuple[Column, ...]:
    found = tuple(columns)
    check_columns(found)
    check_names(column.name for column in found)
    return found


def sample(**options: Any) -> History:
    """Read the sample that comes with the package: 2,000 decisions of a simulated arena.

    ``options`` are those of :func:`read`.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> len(lab.sample(last=10))
    10
    """
    return read(sample_folder() / "arena.ndjson.gz", **options)


def sample_folder() -> Path:
    """Return the folder of the sample's files: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent.parent
    inside = package / "data"
    return inside if inside.is_dir() else package.parent / "data"


class _Reading:
    """One call of read: its options, and a way for each kind of source."""

    def __init__(self, columns: tuple[Column, ...], payloads: bool, limits: Limits, progress: bool) -> None:
        self.columns, self.payloads, self.limits, self.progress = columns, payloads, limits, progress
        self.learned = Learned()

    def stream(self, source: Source, name: str) -> History:
        from ..stream import Pages  # here, because most of what redis imports goes unused elsewhere

        pages = Pages(source, name, last=self.limits.last, **self.limits.ids())
        # Closed at once if anything goes wrong here, so that no thread and no connection stays behind.
        with self._bar() as bar, closing(iter(pages)) as fetched:
            batches = _newest_first(fetched, pages, bar)
            parts = self._tables(batches, bar, numbered=False, backwards=True)
        row = {"source": pages.where, "stream": name, "limits": self.limits.said}
        return History.of(parts, coverage_frame([row | _extent(ids_in_order(parts)) | pages.account()]))

    def entries(self, entries: Iterable[tuple[str, Any]]) -> Tables:
        """Decode entries of a stream."""
        with self._bar() as bar:
            return self._merged([self.page(entries, bar)])

    def page(self, page: Iterable[tuple[str, Any]], bar: Any) -> Tables:
        """Decode a page of a stream."""
        return self._tables(_batches((*entry, None) for entry in page), bar, numbered=False)

    def files(self, source: str | os.PathLike[str]) -> History:
        paths = files.find(source)
        with self._bar() as bar:
            every = [_batches(files.lines(path, number)) for number, path in enumerate(paths)]
            parts = [self._tables(batches, bar, numbered=True) for batches in every]
        return self._cut(self._merged(parts), [str(path) for path in paths])

    def payloads_of(self, source: Iterable[Any]) -> History:
        lines = ((f"0-{number}", payload, None) for number, payload in enumerate(source, 1))
        with self._bar() as bar:
            return self._cut(self._tables(_batches(lines), bar, numbered=True), ["payloads"])

    def path(self, path: str | os.PathLike[str]) -> History:
        from .. import snapshot  # here, because Parquet takes long to load

        return self.snapshot(path) if snapshot.is_snapshot(path) else self.files(path)

    def snapshot(self, folder: str | os.PathLike[str]) -> History:
        from .. import snapshot

        if self.columns:
            parts, coverage = self.redecoded(folder)
        else:
            parts, coverage = snapshot.load(folder, payloads=self.payloads)
        if not self.limits.said:
            return History.of(parts, coverage)
        streams = coverage["stream"].dropna()
        kept = cut(parts, self.limits, numbered=streams.empty)
        row = {"source": str(folder), "stream": None if streams.empty else streams.iloc[0]}
        ids = ids_in_order(kept)
        gone = len(ids_in_order(parts)) - len(ids)
        row |= {"left_out": gone, "limits": self.limits.said} | _extent(ids)
        return History.of(kept, coverage_frame([row]))

    def redecoded(self, folder: str | os.PathLike[str]) -> tuple[Tables, pd.DataFrame]:
        from .. import snapshot

        committed = snapshot.ranges(folder)
        if not committed:
            raise SourceError(f"{folder} is no snapshot: nothing is committed there")
        coverage = snapshot.coverage_of(committed)
        with self._bar() as bar:
            found = [part for one in committed for part in self.again(one, file_numbers(coverage), bar)]
        return self._merged(found), coverage

    def again(self, committed: Range, files: Collection[int], bar: Any) -> Iterator[Tables]:
        """Decode the raw payloads of a range; ``files`` are the numbers that files have in its ids."""
        for numbered, entries in groupby(_raw(committed), lambda entry: id_key(entry[0])[1] in files):
            yield self._tables(_batches(entries), bar, numbered)

    def _merged(self, parts: Iterable[Tables]) -> Tables:
        return merge(parts, self.columns, self.payloads)

    def _bar(self) -> Any:
        if not self.progress:
            return _NoBar()
        from tqdm.auto import tqdm  # here, because it loads notebook widgets

        return tqdm(unit=" entries")

    def parts(self, lines: Iterable[Entry], bar: Any, many: int = _BATCHES_A_PART) -> Iterator[Tables]:
        """Decode numbered entries, some batches at a time."""
        return self._parts(_batches(lines), bar, numbered=True, many=many)

    def _tables(
        self, batches: Iterator[list[Entry]], bar: Any, numbered: bool, backwards: bool = False
    ) -> Tables:
        """Decode batches; those of a stream come newest first."""
        order = -1 if backwards else 1
        parts = list(self._parts(batches, bar, numbered, order))
        return self._merged(parts[::order])

    def _parts(
        self,
        batches: Iterator[list[Entry]],
        bar: Any,
        numbered: bool,
        order: int = 1,
        many: int = _BATCHES_A_PART,
    ) -> Iterator[Tables]:
        """Put every few batches in one piece: a frame of few pieces is quick to work with."""
        decoded = (self._decoded(batch, bar, numbered) for batch in batches)
        while some := list(islice(decoded, many))[::order]:
            merged = self._merged(some)
            some.clear()
            yield in_one_piece(merged)

    def _decoded(self, entries: list[Entry], bar: Any, numbered: bool) -> Tables:
        batch = Batch(self.columns, self.payloads, self.learned)
        with collector_paused():
            for entry_id, payload, fault in entries:
                if fault:
                    batch.reject(entry_id, fault, payload)
                else:
                    batch.add(entry_id, payload)
            made = tables(batch, numbered=numbered)
        bar.update(len(entries))
        return made

    def _cut(self, parts: Tables, sources: list[str]) -> History:
        """Cut numbered entries to the limits, and say for each source what was kept."""
        kept = cut(parts, self.limits, numbered=True)
        left = _per_file(kept, len(sources))
        whole = left if kept is parts else _per_file(parts, len(sources))
        rows = []
        for source, before, ids in zip(sources, whole, left, strict=True):
            said = {"source": source, "left_out": len(before) - len(ids), "limits": self.limits.said}
            rows.append(said | _extent(ids))
        return History.of(kept, coverage_frame(rows))


def file_numbers(coverage: pd.DataFrame) -> frozenset[int]:
    """Return the numbers that files have in the ids of their lines."""
    lines = coverage["first_id"][coverage["stream"].isna()].dropna()
    return frozenset(id_key(first)[1] for first in lines)


def _raw(committed: Range) -> list[Entry]:
    """List the entries of a range as they came, oldest first."""
    from .. import snapshot

    try:
        rows = snapshot.read_range(committed, [PAYLOADS, "rejects"])
    except OptionError as error:
        raise OptionError(
            f"a snapshot holds none of the envelopes unless it is saved with payloads ({error}): read the "
            "stream or the NDJSON files again"
        ) from error
    entries: list[Entry] = [(*row.values(), None) for row in rows[PAYLOADS].to_pylist()]
    for stream_id, reason, detail, payload in (row.values() for row in rows["rejects"].to_pylist()):
        # What the source itself broke, or cut, is no payload to judge again.
        fault = Reject(reason, detail) if reason == "damaged" or payload is None else None
        entries.append((stream_id, payload, fault))
    return sorted(entries, key=lambda entry: id_key(entry[0]))


class _NoBar(AbstractContextManager["_NoBar"]):
    """Shows nothing; tqdm starts a thread even where it is disabled."""

    total: int | None = None

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def update(self, n: int) -> None:
        """Do nothing."""


def _newest_first(fetched: Iterable[list[tuple[str, Any]]], pages: Any, bar: Any) -> Iterator[list[Entry]]:
    """Split pages, which come newest first, into batches."""
    for page in fetched:
        bar.total = pages.total
        yield from reversed([*_batches((*entry, None) for entry in page)])


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Split entries into batches of some bytes."""
    batch, size = [], 0
    for entry in entries:
        batch.append(entry)
        size += len(entry[1]) if isinstance(entry[1], str | bytes) else 0
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _extent(ids: pa.Array) -> dict[str, Any]:
    first, last = (ids[0].as_py(), ids[-1].as_py()) if len(ids) else (None, None)
    return {"entries": len(ids), "first_id": first, "last_id": last}


def _per_file(parts: Tables, files: int) -> list[pa.Array]:
    """List the ids of each file's entries."""
    ids = ids_in_order(parts)
    ends = np.searchsorted(id_parts(ids)[:, 1], np.arange(files, dtype=np.uint64), side="right")
    return [ids[start:end] for start, end in zip([0, *ends], ends, strict=False)]
