"""Scan: a history in batches, for what is larger than memory.

A source falls into pieces that can be read alone: a file, a committed range, a stream. A piece is read in
batches, and an entry's decision, votes, citations, arguments or reject are in the same batch. What is counted
over a scan comes out as if it had been counted over the whole history: open columns that a batch happens to
lack are missing values in it; and where batches hold a column with values of different kinds, so that it is
JSON text in all, they are counted once more, spelled alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from operator import add
from typing import Any, Generic, Self, TypeVar

import pandas as pd

from ..decode import Column
from ..envelope import DEFAULT_STREAM_NAME
from ..frames import SchemaUnion, Tables, is_open
from .history import History
from .limits import Bound, Limits
from .pieces import Options, Partition, partitions_of
from .reading import Source

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

    @classmethod
    def of(
        cls,
        source: Source,
        *,
        stream: str = DEFAULT_STREAM_NAME,
        since: Bound | None = None,
        until: Bound | None = None,
        columns: Iterable[Column] = (),
        payloads: bool = False,
    ) -> Self:
        """Find the pieces of a source; the arguments are those of :func:`mastermind_lab.scan`."""
        options = Options(tuple(columns), payloads, Limits.of(None, since, until))
        options.reading()  # what makes no sense is said here, not on a worker
        return cls(partitions_of(source, stream, options))

    def __iter__(self) -> Iterator[History]:
        """Read batch by batch."""
        return chain.from_iterable(map(Task(_itself, self.steps).histories, self.partitions))

    def map(self, step: Step) -> Self:
        """Return a scan each batch of which is what a function makes of this one's.

        Parameters
        ----------
        step
            Takes a history and returns one; it must not depend on other batches.
        """
        return type(self)(self.partitions, (*self.steps, step))

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
        found = self.reduce(Task(count, self.steps, tuple(columns)))
        if found.shape.is_mixed or found.absent:
            # Told all columns, a batch is spelled like all others, and a column that none has is an error.
            found = self.reduce(Task(count, self.steps, shape=found.shape))
        return found.total

    def reduce(self, task: Task[Total]) -> Partial[Total]:
        """Count the pieces one after the other, and add up."""
        return reduce(add, map(task, self.partitions))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.partitions):,} pieces>"


@dataclass(frozen=True)
class Partial(Generic[Total]):
    """What was counted, in tables of which shape, and which columns that were needed no batch had."""

    total: Total
    shape: SchemaUnion
    absent: frozenset[str]

    def __add__(self, other: Partial[Total]) -> Partial[Total]:
        total: Any = self.total
        return Partial(total + other.total, self.shape + other.shape, self.absent & other.absent)


@dataclass(frozen=True)
class Task(Generic[Total]):
    """Counts a piece batch by batch, in tables of a known shape if there is one."""

    count: Callable[[History], Total]
    steps: tuple[Step, ...] = ()
    columns: tuple[str, ...] = ()
    shape: SchemaUnion | None = None

    def __call__(self, partition: Partition) -> Partial[Total]:
        """Count a piece."""
        return reduce(add, (self._counted(*batch) for batch in partition.batches()))

    def _counted(self, parts: Tables, coverage: pd.DataFrame) -> Partial[Total]:
        history = self.history(parts, coverage)
        whole = with_missing_columns(history, self.columns)
        new = whole.decisions.columns.difference(history.decisions.columns)
        # A batch without rows can miss nothing.
        absent = frozenset(map(str, new) if len(history) else self.columns)
        return Partial(self.count(whole), SchemaUnion.of(parts), absent)

    def histories(self, partition: Partition) -> Iterator[History]:
        """Yield the batches of a piece."""
        return (self.history(*batch) for batch in partition.batches())

    def history(self, parts: Tables, coverage: pd.DataFrame) -> History:
        """Make a history of a batch's tables."""
        made = History.of(self.shape.fit(parts) if self.shape else parts, coverage)
        return reduce(lambda history, step: step(history), self.steps, made)


def with_missing_columns(history: History, columns: Iterable[str]) -> History:
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
