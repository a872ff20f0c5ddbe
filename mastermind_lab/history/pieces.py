"""The pieces of a source that can be read alone, anywhere: a file, a committed range, a stream."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import ndjson
from ..decode import Column
from ..errors import OptionError, SourceError
from ..frames import FRAMES, PAYLOADS, Tables, concat, coverage_frame, entry_ids, ids_in_order
from ..storage import RemoteFile, is_url
from .limits import Limits, apply_limits
from .reading import NoBar, Reading, Source, extent, file_numbers
from .several import is_stream

if TYPE_CHECKING:
    from ..snapshot import Range

_SLICE_BYTES = 2**25  # of a range's tables
_BATCHES_A_PART = 24  # some 18 MB of payloads: enough for what a batch costs a summary not to show


class Partition(Protocol):
    """What can be read alone, anywhere: it is pickled to where that happens."""

    def batches(self) -> Iterator[tuple[Tables, pd.DataFrame]]:
        """Yield tables, with a row of coverage; at least once."""


@dataclass(frozen=True)
class Options:
    """How entries are decoded, and which are wanted."""

    columns: tuple[Column, ...]
    payloads: bool
    limits: Limits

    def reading(self) -> Reading:
        """Return a reader with these options."""
        return Reading(self.columns, self.payloads, self.limits, progress=False)

    def some(self, found: Iterator[Tables]) -> Iterator[Tables]:
        """Yield what is found, or one empty batch."""
        yield next(found, concat([], self.columns, self.payloads))
        yield from found

    def covered(self, parts: Tables, numbered: bool, **said: Any) -> tuple[Tables, pd.DataFrame]:
        """Cut a batch to the limits, and account for it."""
        kept = apply_limits(parts, self.limits, numbered)
        ids = ids_in_order(kept)
        left_out = len(ids_in_order(parts)) - len(ids) if kept is not parts else 0
        row = {"left_out": left_out, "limits": self.limits.said} | said | extent(ids)
        return kept, coverage_frame([row])


@dataclass(frozen=True)
class Lines:
    """A file of envelopes: its lines are numbered ``<number>-<line>``, wherever they are decoded."""

    file: Path | RemoteFile
    number: int
    options: Options

    def batches(self) -> Iterator[tuple[Tables, pd.DataFrame]]:
        """Decode the file."""
        lines = ndjson.lines(self.file, self.number)
        found = self.options.reading().parts(lines, NoBar(), _BATCHES_A_PART)
        for parts in self.options.some(found):
            yield self.options.covered(parts, numbered=True, source=str(self.file))


@dataclass(frozen=True)
class RangePartition:
    """A range of a snapshot."""

    range: Range
    account: tuple[str, str | None]
    files: frozenset[int]
    options: Options

    def batches(self) -> Iterator[tuple[Tables, pd.DataFrame]]:
        """Read the range, or decode its raw payloads again where extra columns are wanted."""
        from .. import snapshot  # here, because Parquet takes long to load

        (source, stream), tables = self.account, [*FRAMES, *[PAYLOADS] * self.options.payloads]
        if self.options.columns:
            found = self.options.reading().again(self.range, self.files, NoBar())
        else:
            found = _sliced(snapshot.read_range(self.range, tables))
        for parts in self.options.some(found):
            yield self.options.covered(parts, numbered=stream is None, source=source, stream=stream)


def _sliced(parts: Tables) -> Iterator[Tables]:
    """Cut a range's tables into batches."""
    ids, size = entry_ids(parts), sum(table.nbytes for table in parts.values())
    step = max(1, len(ids) * _SLICE_BYTES // max(size, 1))
    for start in range(0, max(len(ids), 1), step):
        wanted = pa.array(ids[start : start + step], pa.large_string())
        yield {name: table.filter(pc.is_in(table["stream_id"], wanted)) for name, table in parts.items()}


@dataclass(frozen=True)
class Stream:
    """A stream: its pages run from the newest to the oldest, so that what is added meanwhile is not read."""

    source: Source = field(repr=False)
    name: str
    options: Options

    def batches(self) -> Iterator[tuple[Tables, pd.DataFrame]]:
        """Read and decode page by page."""
        from ..stream import Pages  # here, because most of what redis imports goes unused elsewhere

        ends: Any = self.options.limits.ids()
        pages, reading = Pages(self.source, self.name, **ends), self.options.reading()
        with closing(iter(pages)) as fetched:
            found = (reading.page(page, NoBar()) for page in fetched)
            said = {"source": pages.where, "stream": self.name, "left_out": None, "certainty": "not verified"}
            for parts in self.options.some(found):
                yield self.options.covered(parts, numbered=False, **said)


def partitions_of(source: Source, stream: str, options: Options) -> Sequence[Partition]:
    """Find the pieces of a source.

    Raises
    ------
    OptionError
        It is nothing that can be scanned.
    SourceError
        Nothing is there.
    """
    from .. import snapshot  # here, because Parquet takes long to load

    if is_stream(source):
        return [Stream(source, stream, options)]
    if not isinstance(source, str | os.PathLike):
        raise OptionError(
            f"cannot scan a {type(source).__name__}: give a URL, a redis client, or a path; "
            "payloads that are in memory already are for read"
        )
    if snapshot.is_snapshot(source):
        return _ranges(source, options)
    found = enumerate(ndjson.find(source))
    # Absolute, because workers may stand elsewhere.
    placed = ((n, one.absolute() if isinstance(one, Path) else one) for n, one in found)
    return [Lines(file, number, options) for number, file in placed]


def _ranges(folder: str | os.PathLike[str], options: Options) -> Sequence[Partition]:
    from .. import snapshot

    # Absolute, because workers may stand elsewhere.
    committed = snapshot.ranges(folder if is_url(folder) else Path(folder).absolute())
    if not committed:
        raise SourceError(f"{folder} is no snapshot: nothing is committed there")
    coverage = snapshot.coverage_of(committed)
    streams, files = coverage["stream"].dropna(), file_numbers(coverage)
    account = (str(folder), None if streams.empty else str(streams.iloc[0]))
    return [RangePartition(one, account, files, options) for one in committed]
