"""Scan: a history in batches, for what is larger than memory.

A source falls into pieces that can be read alone: a file, a committed range, a stream. A piece is read in
batches, and an entry's decision, votes, citations, arguments or reject are in the same batch. What is counted
over a scan comes out as if it had been counted over the whole history: open columns that a batch happens to
lack are missing values in it; and where batches hold a column with values of different kinds, so that it is
JSON text in all, they are counted once more, spelled alike.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import files
from ..decode import Column, check_columns
from ..envelope import STREAM
from ..errors import OptionError, SourceError
from ..frames import (
    FRAMES,
    PAYLOADS,
    Shape,
    Tables,
    check_names,
    coverage_frame,
    entry_ids,
    ids_in_order,
    is_open,
    merge,
)
from ..storage import RemoteFile, is_url
from .history import History
from .limits import Bound, Limits, cut
from .read import Source, _extent, _NoBar, _Reading, file_numbers
from .several import is_stream

if TYPE_CHECKING:
    from ..snapshot import Range

Total = TypeVar("Total")
Step = Callable[[History], History]

_SLICE_BYTES = 2**25  # of a range's tables
_BATCHES_A_PART = 24  # some 18 MB of payloads: enough for what a batch costs a summary not to show


class Piece(Protocol):
    """What can be read alone, anywhere: it is pickled to where that happens."""

    def batches(self) -> Iterator[tuple[Tables, pd.DataFrame]]:
        """Yield tables, with a row of coverage; at least once."""


@dataclass(frozen=True)
class Options:
    """How entries are decoded, and which are wanted."""

    columns: tuple[Column, ...]
    payloads: bool
    limits: Limits

    def reading(self) -> _Reading:
        """Return a reader with these options."""
        return _Reading(self.columns, self.payloads, self.limits, progress=False)

    def some(self, found: Iterator[Tables]) -> Iterator[Tables]:
        """Yield what is found, or one empty batch."""
        yield next(found, merge([], self.columns, self.payloads))
        yield from found

    def covered(self, parts: Tables, numbered: bool, **said: Any) -> tuple[Tables, pd.DataFrame]:
        """Cut a batch to the limits, and account for it."""
        kept = cut(parts, self.limits, numbered)
        ids = ids_in_order(kept)
        left_out = len(ids_in_order(parts)) - len(ids) if kept is not parts else 0
        row = {"left_out": left_out, "limits": self.limits.said} | said | _extent(ids)
        return kept, coverage_frame([row])


@dataclass(frozen=True)
class Lines:
    """A file of envelopes: its lines are numbered ``<number>-<line>``, wherever they are decoded."""

    file: Path | RemoteFile
    number: int
    options: Options

    def batches(self) -> Iterator[tuple[Tables, pd.DataFrame]]:
        """Decode the file."""
        lines = files.lines(self.file, self.number)
        found = self.options.reading().parts(lines, _NoBar(), _BATCHES_A_PART)
        for parts in self.options.some(found):
            yield self.options.covered(parts, numbered=True, source=str(self.file))


@dataclass(frozen=True)
class Committed:
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
            found = self.options.reading().again(self.range, self.files, _NoBar())
        else:
            found = _sliced(snapshot.read_range(self.range, tables))
        for parts in self.options.some(found):
            yield self.options.covered(parts, numbered=stream is None, source=source, stream=stream)


def _sliced(parts: Tables) -> Iterator[Tables]:
    """Cut a range's tables into batches."""
    ids, size = entry_ids(parts), sum(table.nbytes for table in parts.values())
    step = max(1, len(ids) * _SLICE_BYTES // max(size, 1))
    for start in range(0, max(len(ids), 1), step):
        wanted = pa.array(ids[start : start + step], pa.string())
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
            found = (reading.page(page, _NoBar()) for page in fetched)
            said = {"source": pages.where, "stream": self.name, "left_out": None, "certainty": "not verified"}
            for parts in self.options.some(found):
                yield self.options.covered(parts, numbered=False, **said)


class Scan:
    """A history in batches of bounded memory: iterate it, or give it to a summary or a chart.

    Batches run from the oldest to the newest; a stream's from the newest page to the oldest, so that what is
    added meanwhile is not read. Each is a :class:`History` with the open columns that its own entries have.
    A scan can be iterated again, and then reads again.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.history import sample_folder
    >>> scan = lab.scan(sample_folder() / "arena.ndjson.gz")
    >>> sum(len(batch.decisions) for batch in scan)
    2000
    >>> lab.stats.Confidence.of(scan, by="meta.model").table()["n"].sum()
    np.int64(2000)
    """

    def __init__(self, pieces: Sequence[Piece], steps: tuple[Step, ...] = ()) -> None:
        self.pieces, self.steps = tuple(pieces), steps

    @classmethod
    def of(
        cls,
        source: Source,
        *,
        stream: str = STREAM,
        since: Bound | None = None,
        until: Bound | None = None,
        columns: Iterable[Column] = (),
        payloads: bool = False,
    ) -> Self:
        """Find the pieces of a source; the arguments are those of :func:`mastermind_lab.scan`."""
        options = Options(tuple(columns), payloads, Limits.of(None, since, until))
        check_columns(options.columns)
        check_names(column.name for column in options.columns)
        return cls(_pieces(source, stream, options))

    def __iter__(self) -> Iterator[History]:
        """Read batch by batch."""
        return chain.from_iterable(map(Job(_itself, self.steps).histories, self.pieces))

    def map(self, step: Step) -> Self:
        """Return a scan each batch of which is what a function makes of this one's.

        Parameters
        ----------
        step
            Takes a history and returns one; it must not depend on other batches.
        """
        return type(self)(self.pieces, (*self.steps, step))

    def fold(self, count: Callable[[History], Total], columns: Iterable[str] = ()) -> Total:
        """Count every batch and add up, as if the whole history had been counted.

        Parameters
        ----------
        count
            Counts one batch; what it returns merges under ``+``.
        columns
            Columns that it needs, though not every batch may have them.

        Returns
        -------
        The total.
        """
        found = self.reduce(Job(count, self.steps, tuple(columns)))
        if found.shape.is_mixed or found.absent:
            # Told all columns, a batch is spelled like all others, and a column that none has is an error.
            found = self.reduce(Job(count, self.steps, shape=found.shape))
        return found.total

    def reduce(self, job: Job[Total]) -> Counted[Total]:
        """Count the pieces one after the other, and add up."""
        return reduce(add, map(job, self.pieces))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.pieces):,} pieces>"


@dataclass(frozen=True)
class Counted(Generic[Total]):
    """What was counted, in tables of which shape, and which columns that were needed no batch had."""

    total: Total
    shape: Shape
    absent: frozenset[str]

    def __add__(self, other: Counted[Total]) -> Counted[Total]:
        total: Any = self.total
        return Counted(total + other.total, self.shape + other.shape, self.absent & other.absent)


@dataclass(frozen=True)
class Job(Generic[Total]):
    """Counts a piece batch by batch, in tables of a known shape if there is one."""

    count: Callable[[History], Total]
    steps: tuple[Step, ...] = ()
    columns: tuple[str, ...] = ()
    shape: Shape | None = None

    def __call__(self, piece: Piece) -> Counted[Total]:
        """Count a piece."""
        return reduce(add, (self._counted(*batch) for batch in piece.batches()))

    def _counted(self, parts: Tables, coverage: pd.DataFrame) -> Counted[Total]:
        history = self.history(parts, coverage)
        whole = grown(history, self.columns)
        new = whole.decisions.columns.difference(history.decisions.columns)
        # A batch without rows can miss nothing.
        absent = frozenset(map(str, new) if len(history) else self.columns)
        return Counted(self.count(whole), Shape.of(parts), absent)

    def histories(self, piece: Piece) -> Iterator[History]:
        """Yield the batches of a piece."""
        return (self.history(*batch) for batch in piece.batches())

    def history(self, parts: Tables, coverage: pd.DataFrame) -> History:
        """Make a history of a batch's tables."""
        made = History.of(self.shape.fit(parts) if self.shape else parts, coverage)
        return reduce(lambda history, step: step(history), self.steps, made)


def grown(history: History, columns: Iterable[str]) -> History:
    """Give the decisions of a batch open columns that other batches of its source may have: missing values.

    So a stream's column may come later than the first who groups by it. A column that the votes have is left
    to them; names of no open column are left for the summary to refuse.
    """
    there = {*history.decisions.columns, *history.votes.columns}
    wanted = [name for name in columns if name not in there and _is_open(name)]
    new = {name: pd.array([pd.NA] * len(history), "boolean") for name in wanted}
    return replace(history, decisions=history.decisions.assign(**new)) if new else history


def _is_open(name: str) -> bool:
    return is_open("decisions", name) or is_open("votes", name)


def _itself(history: History) -> History:
    return history


def _pieces(source: Source, stream: str, options: Options) -> Sequence[Piece]:
    from .. import snapshot

    if is_stream(source):
        return [Stream(source, stream, options)]
    if not isinstance(source, str | os.PathLike):
        raise OptionError(
            f"cannot scan a {type(source).__name__}: give a URL, a redis client, or a path; "
            "payloads that are in memory already are for read"
        )
    if snapshot.is_snapshot(source):
        return _ranges(source, options)
    found = enumerate(files.find(source))
    # Absolute, because workers may stand elsewhere.
    placed = ((n, one.absolute() if isinstance(one, Path) else one) for n, one in found)
    return [Lines(file, number, options) for number, file in placed]


def _ranges(folder: str | os.PathLike[str], options: Options) -> Sequence[Piece]:
    from .. import snapshot

    # Absolute, because workers may stand elsewhere.
    committed = snapshot.ranges(folder if is_url(folder) else Path(folder).absolute())
    if not committed:
        raise SourceError(f"{folder} is no snapshot: nothing is committed there")
    coverage = snapshot.coverage_of(committed)
    streams, files = coverage["stream"].dropna(), file_numbers(coverage)
    account = (str(folder), None if streams.empty else str(streams.iloc[0]))
    return [Committed(one, account, files, options) for one in committed]
