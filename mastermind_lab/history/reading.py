"""One reading: what its options are, and a way for each kind of source."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import ndjson
from ..decode import Column, SchemaCache, check_columns, in_batches
from ..envelope import Reject
from ..errors import OptionError, SourceError
from ..frames import (
    PAYLOADS,
    Tables,
    check_names,
    combine_chunks,
    concat,
    coverage_frame,
    decoded,
    id_key,
    id_parts,
    ids_in_order,
)
from .history import History
from .limits import Limits, apply_limits

if TYPE_CHECKING:
    from ..snapshot import Range

Source = Any
"""A URL, a redis client, a path, a glob, or an iterable of payloads."""

Entry = tuple[str, Any, Reject | None]
"""An entry's id, its payload, and what is wrong where the source itself is damaged."""

_BATCHES_A_PART = 8


class Reading:
    """One call of read: its options, and a way for each kind of source.

    Raises
    ------
    OptionError
        An extra column makes no sense.
    """

    def __init__(self, columns: Iterable[Column], payloads: bool, limits: Limits, progress: bool) -> None:
        self.columns = tuple(columns)
        check_columns(self.columns)
        check_names(column.name for column in self.columns)
        self.payloads, self.limits, self.progress = payloads, limits, progress
        self.schema_cache = SchemaCache()

    def stream(self, source: Source, name: str) -> History:
        """Read what a stream holds."""
        from ..stream import Pages  # here, because most of what redis imports goes unused elsewhere

        pages = Pages(source, name, last=self.limits.last, **self.limits.ids())
        # Closed at once if anything goes wrong here, so that no thread and no connection stays behind.
        with self._bar() as bar, closing(iter(pages)) as fetched:
            batches = _newest_first(fetched, pages, bar)
            parts = self._tables(batches, bar, numbered=False, backwards=True)
        row = {"source": pages.where, "stream": name, "limits": self.limits.said}
        return History.of(parts, coverage_frame([row | extent(ids_in_order(parts)) | pages.account()]))

    def entries(self, entries: Iterable[tuple[str, Any]]) -> Tables:
        """Decode entries of a stream."""
        with self._bar() as bar:
            return self._merged([self.page(entries, bar)])

    def page(self, page: Iterable[tuple[str, Any]], bar: Any) -> Tables:
        """Decode a page of a stream."""
        return self._tables(in_batches((*entry, None) for entry in page), bar, numbered=False)

    def files(self, source: str | os.PathLike[str]) -> History:
        """Read a file, or those of a folder or a glob."""
        paths = ndjson.find(source)
        with self._bar() as bar:
            every = [in_batches(ndjson.lines(path, number)) for number, path in enumerate(paths)]
            parts = [self._tables(batches, bar, numbered=True) for batches in every]
        return self._cut(self._merged(parts), [str(path) for path in paths])

    def payloads_of(self, source: Iterable[Any]) -> History:
        """Decode payloads."""
        lines = ((f"0-{number}", payload, None) for number, payload in enumerate(source, 1))
        with self._bar() as bar:
            return self._cut(self._tables(in_batches(lines), bar, numbered=True), ["payloads"])

    def path(self, path: str | os.PathLike[str]) -> History:
        """Read a snapshot, or files."""
        from .. import snapshot  # here, because Parquet takes long to load

        return self.snapshot(path) if snapshot.is_snapshot(path) else self.files(path)

    def snapshot(self, folder: str | os.PathLike[str]) -> History:
        """Load a snapshot, or decode it again where extra columns are wanted."""
        from .. import snapshot

        if self.columns:
            parts, coverage = self.redecoded(folder)
        else:
            parts, coverage = snapshot.load(folder, payloads=self.payloads)
        if not self.limits.said:
            return History.of(parts, coverage)
        streams = coverage["stream"].dropna()
        kept = apply_limits(parts, self.limits, numbered=streams.empty)
        row = {"source": str(folder), "stream": None if streams.empty else streams.iloc[0]}
        ids = ids_in_order(kept)
        gone = len(ids_in_order(parts)) - len(ids)
        row |= {"left_out": gone, "limits": self.limits.said} | extent(ids)
        return History.of(kept, coverage_frame([row]))

    def redecoded(self, folder: str | os.PathLike[str]) -> tuple[Tables, pd.DataFrame]:
        """Decode a snapshot's raw payloads again."""
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
            yield self._tables(in_batches(entries), bar, numbered)

    def _merged(self, parts: Iterable[Tables]) -> Tables:
        return concat(parts, self.columns, self.payloads)

    def _bar(self) -> Any:
        if not self.progress:
            return NoBar()
        from tqdm.auto import tqdm  # here, because it loads notebook widgets

        return tqdm(unit=" entries")

    def parts(self, lines: Iterable[Entry], bar: Any, many: int = _BATCHES_A_PART) -> Iterator[Tables]:
        """Decode numbered entries, some batches at a time."""
        return self._parts(in_batches(lines), bar, numbered=True, many=many)

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
            yield combine_chunks(merged)

    def _decoded(self, entries: list[Entry], bar: Any, numbered: bool) -> Tables:
        made = decoded(
            entries,
            columns=self.columns,
            payloads=self.payloads,
            schema_cache=self.schema_cache,
            numbered=numbered,
        )
        bar.update(len(entries))
        return made

    def _cut(self, parts: Tables, sources: list[str]) -> History:
        """Cut numbered entries to the limits, and say for each source what was kept."""
        kept = apply_limits(parts, self.limits, numbered=True)
        left = _per_file(kept, len(sources))
        whole = left if kept is parts else _per_file(parts, len(sources))
        rows = []
        for source, before, ids in zip(sources, whole, left, strict=True):
            said = {"source": source, "left_out": len(before) - len(ids), "limits": self.limits.said}
            rows.append(said | extent(ids))
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


class NoBar(AbstractContextManager["NoBar"]):
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
        yield from reversed([*in_batches((*entry, None) for entry in page)])


def extent(ids: pa.Array) -> dict[str, Any]:
    """Say in coverage's words how many entries there are, and which are the first and the last."""
    first, last = (ids[0].as_py(), ids[-1].as_py()) if len(ids) else (None, None)
    return {"entries": len(ids), "first_id": first, "last_id": last}


def _per_file(parts: Tables, files: int) -> list[pa.Array]:
    """List the ids of each file's entries."""
    ids = ids_in_order(parts)
    ends = np.searchsorted(id_parts(ids)[:, 1], np.arange(files, dtype=np.uint64), side="right")
    return [ids[start:end] for start, end in zip([0, *ends], ends, strict=False)]
