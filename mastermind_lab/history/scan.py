"""Scan: a history in batches, for what is larger than memory.

A source falls into partitions, which can be read alone: a file, a committed range, a stream. One is read in
batches, and an entry's decision, votes, citations, arguments or reject are in the same batch. What is counted
over a scan comes out as if it had been counted over the whole history: open columns that a batch happens to
lack are missing values in it; and where batches hold a column with values of different kinds, so that numbers
are text in all, they are counted once more, spelled alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from inspect import currentframe
from itertools import chain
from operator import add
from typing import Any, Generic, Self, TypeVar

import pandas as pd

from ..decode import Column, is_shared
from ..envelope import DEFAULT_STREAM_NAME
from ..errors import OptionError
from ..frames import Bound, Coverage, LazyTables, Limits, SchemaUnion, is_open
from ..ndjson import FileLimits
from .history import History
from .late_columns import in_shared, late_columns
from .nothing_decoded import Decoding
from .query import Query, unknown_column
from .row_by_row import check_row_by_row
from .sources import Batch, Options, Partition, find
from .where import chosen, ids_in, in_words, quoted_names, variables

Total = TypeVar("Total")
Step = Callable[[History], History]


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

    def __init__(self, partitions: Sequence[Partition], steps: tuple[Step, ...] = ()) -> None:
        self.partitions, self.steps = tuple(partitions), steps
        self._covered: Coverage | None = None

    @classmethod
    def of(
        cls,
        source: Any,
        *,
        stream: str = DEFAULT_STREAM_NAME,
        since: Bound | None = None,
        until: Bound | None = None,
        columns: Iterable[Column] = (),
        payloads: bool = False,
        max_line_bytes: int = FileLimits.line_bytes,
        max_unpacked_bytes: int | None = FileLimits.unpacked_bytes,
    ) -> Self:
        """Find the partitions of a source; the arguments are those of :func:`mastermind_lab.scan`."""
        files = FileLimits(max_line_bytes, max_unpacked_bytes)
        options = Options(Limits.of(None, since, until), stream, tuple(columns), payloads, files)
        return cls(find(source, options).partitions())

    def __iter__(self) -> Iterator[History]:
        """Read batch by batch."""
        covered, decoding, task = Coverage(), Decoding(), Task(_itself, self.steps)
        absent: frozenset[str] | None = None
        for partition in self.partitions:
            for batch in partition.batches():
                absent = task.absent(batch) if absent is None else absent & task.absent(batch)
                history = task.history(batch)
                covered += history.account
                decoding += decoding_of(batch)
                yield history
        self._end(covered, absent or frozenset(), decoding)

    def _end(self, covered: Coverage, absent: frozenset[str], decoding: Decoding) -> None:
        """Keep what a pass has covered, and refuse a query that names a column that no batch had."""
        read = any((one.entries or 0) + (one.left_out or 0) for one in covered.accounts)
        for step in self.steps if read else ():
            for name in absent.intersection(step.names if isinstance(step, Where) else ()):
                raise unknown_column(name, (), str(step))
        self._covered = covered
        decoding.warn(covered)

    @property
    def coverage(self) -> pd.DataFrame:
        """What the last pass has read and what it has not, a row a source: what a history's coverage says.

        Raises
        ------
        OptionError
            There was no pass to the end yet.
        """
        if self._covered is None:
            raise OptionError(
                "a scan knows its coverage when it has been read to its end: iterate it, or count a summary"
            )
        return self._covered.frame()

    def __getattr__(self, name: str) -> Any:
        if name in ("decision", "cards"):
            raise AttributeError(
                f"a scan has no {name}(): it reads batch by batch. Make a history of the decisions to read: "
                f"sum(scan.where(['1735580000000-0'])).{name}(...), with the stream_ids, or a query, in where"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def map(self, step: Step) -> Self:
        """Return a scan each batch of which is what a function makes of this one's.

        Parameters
        ----------
        step
            Takes a history and returns one; it must not depend on other batches.
        """
        return type(self)(self.partitions, (*self.steps, step))

    def where(self, condition: Any) -> Self:
        """Return a scan of some decisions, with all that belongs to them.

        Parameters
        ----------
        condition
            A query, a function of a batch's ``decisions``, or ids: see :meth:`History.where`. What a query
            says of a decision hangs on that decision alone; its ``@name`` are the variables of now.

        Raises
        ------
        OptionError
            A query cannot be read, or looks at several decisions, ``confidence.mean()`` say. While it is
            read: the query cannot be evaluated, or a function returns a mask of another length.
        """
        if not isinstance(condition, str) and not callable(condition):
            condition = ids_in(condition)
            if condition is None:
                raise OptionError(
                    "where cannot use a mask here: a scan has batches. Give a query or a function"
                )
        names = variables(condition, currentframe())
        if isinstance(condition, str):
            check_row_by_row(Query.of(condition), names)
        return self.map(Where(condition, names))

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
        wanted = tuple(columns)
        found = self.reduce(Task(count, self.steps, wanted))
        if found.schema.is_mixed or found.absent & {*wanted}:
            # Told all columns, a batch is spelled like all others, and a column that none has is an error.
            there = tuple(name for name in wanted if name not in found.absent)
            found = self.reduce(Task(count, self.steps, there, found.schema))
        self._end(found.coverage, found.absent, found.decoding)
        return found.total

    def reduce(self, task: Task[Total]) -> Partial[Total]:
        """Count the partitions one after the other, and add up."""
        return reduce(add, map(task, self.partitions))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.partitions):,} partitions>"


@dataclass(frozen=True)
class Partial(Generic[Total]):
    """What was counted, of tables with which columns and what coverage, and which needed columns none had."""

    total: Total
    schema: SchemaUnion
    coverage: Coverage
    absent: frozenset[str]
    decoding: Decoding

    def __add__(self, other: Partial[Total]) -> Partial[Total]:
        total: Any = self.total
        return Partial(
            total + other.total,
            self.schema + other.schema,
            self.coverage + other.coverage,
            self.absent & other.absent,
            self.decoding + other.decoding,
        )


@dataclass(frozen=True)
class Task(Generic[Total]):
    """Counts a partition batch by batch, in tables with known columns if those are given."""

    count: Callable[[History], Total]
    steps: tuple[Step, ...] = ()
    columns: tuple[str, ...] = ()
    schema: SchemaUnion | None = None

    def __call__(self, partition: Partition) -> Partial[Total]:
        """Count a partition."""
        return reduce(add, map(self._counted, partition.batches()))

    def _counted(self, batch: Batch) -> Partial[Total]:
        history = self.history(batch)
        total = self.count(with_missing_columns(history, self.columns))
        absent, decoding = self.absent(batch), decoding_of(batch)
        return Partial(total, schema_of(batch), history.account, absent, decoding)

    def absent(self, batch: Batch) -> frozenset[str]:
        """Name the open columns that are needed and that a batch lacks; one without rows may lack any."""
        queried = (step.names for step in self.steps if isinstance(step, Where))
        absent = frozenset(filter(_is_open, {*self.columns, *chain.from_iterable(queried)}))
        for frame in ("decisions", "votes"):
            absent = absent and absent.difference(batch.tables[frame].column_names)
        return absent.difference(in_shared(batch.tables["decisions"], absent).column_names)

    def history(self, batch: Batch) -> History:
        """Make a history of a batch."""
        made = History(self.schema.fit(batch.tables) if self.schema else batch.tables, batch.coverage)
        return reduce(lambda history, step: step(history), self.steps, made)


def decoding_of(batch: Batch) -> Decoding:
    """Tell whether anything of a batch could be decoded."""
    return Decoding.of(batch.tables["decisions"].num_rows, batch.tables["rejects"], batch.coverage)


def schema_of(batch: Batch) -> SchemaUnion:
    """Say what columns a batch has; of tables that nobody has looked at, what is noted of them."""
    if batch.noted is None:
        return SchemaUnion.of(batch.tables)
    seen = SchemaUnion.of(LazyTables.of(batch.tables).made)
    return SchemaUnion(batch.noted.kinds | seen.kinds)


def with_missing_columns(history: History, columns: Iterable[str]) -> History:
    """Give the decisions and votes of a batch open columns that other batches of its source may have.

    They hold missing values, or what the batch had no room for. So a stream's column may come later than the
    first who groups by it. A column that the votes have is left to them; names of no open column are left for
    the summary to refuse.
    """
    wanted = [name for name in columns if _is_open(name)]
    for frame in ("decisions", "votes"):
        wanted = wanted and [name for name in wanted if name not in history.columns(frame)]
    if not wanted:
        return history
    new: dict[str, dict[str, Any]] = {
        frame: {
            name: pd.array([pd.NA] * history.rows(frame), "boolean") for name in wanted if _is_of(frame, name)
        }
        for frame in ("decisions", "votes")
    }
    if any(map(is_shared, history.columns("decisions"))):
        new["decisions"] |= late_columns(history.decisions, wanted)
    frames: dict[str, Any] = {name: history[name].assign(**some) for name, some in new.items() if some}
    return history.with_frames(**frames)


def _is_of(frame: str, name: str) -> bool:
    """Tell of which frame an open column is."""
    return name.startswith("vote.") == (frame == "votes")


@dataclass(frozen=True)
class Where:
    """Keeps some decisions of a batch: a step of a scan."""

    condition: Any
    variables: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        """The columns that a query needs: one that a batch happens to lack is missing in it."""
        return quoted_names(self.condition)

    def __str__(self) -> str:
        return str(self.condition)

    def __call__(self, batch: History) -> History:
        """Cut a batch."""
        whole = with_missing_columns(batch, self.names)
        ids = whole.among(chosen(whole.decisions, self.condition, self.variables))
        return whole.cut(ids, in_words(self.condition))


def _is_open(name: str) -> bool:
    return is_open("decisions", name) or is_open("votes", name)


def _itself(history: History) -> History:
    return history
