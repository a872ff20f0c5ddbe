"""Past memory and past one machine: scan, and the only Dask.

A scan's partitions, a snapshot's ranges or a folder's files, go to where there is room: each is read and
counted by the worker that gets it, and only what was counted travels back. A decision has the same key
everywhere, and with it the same weights in the bootstrap: the numbers are the same, whoever counts.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache, cached_property, reduce
from importlib.util import find_spec
from operator import add
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from .errors import OptionError
from .frames import FRAMES, Coverage, SchemaUnion, concat
from .history import History, Scan, with_options_of
from .history.scan import Partial, Task
from .history.sources import Batch, Partition, Stream

if TYPE_CHECKING:  # dask is loaded when it is asked for, and need not be there before
    from dask.dataframe import DataFrame
    from dask.delayed import Delayed

Total = TypeVar("Total")

_AT_ONCE = 8  # what so many partitions counted is added up in one place


@overload
def scan(source: Any, *, engine: None = None, **options: Any) -> Scan: ...
@overload
def scan(source: Any, *, engine: Literal["dask"], **options: Any) -> DaskScan: ...
@with_options_of(Scan.of)
def scan(source: Any, *, engine: Literal["dask"] | None = None, **options: Any) -> Scan:
    """Scan a history that may be larger than memory, or than one machine.

    Parameters
    ----------
    source
        A file of envelopes, one a line, compressed or not, a folder or a glob of them; a snapshot's folder;
        or a stream, by URL or client.
    engine
        None reads here, batch by batch. With ``"dask"``, workers of the current ``dask.distributed`` client
        read each file, or each range of a snapshot, where they are; without a client, threads here do.
    **options
        ``stream``, ``since``, ``until``, ``columns``, ``payloads``, ``max_line_bytes`` and
        ``max_unpacked_bytes``, as for :func:`mastermind_lab.read`. To count back from their newest entry
        (``since="3d"``), files are read once more.

    Returns
    -------
    Scan
        Iterate it, or give it to a summary or a chart, each of which reads the source; with ``engine="dask"``
        it has the five frames as Dask DataFrames, too.

    Raises
    ------
    SourceError
        The source cannot be read.
    OptionError
        An argument makes no sense, or Dask is not installed.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.history import sample_folder
    >>> scan = lab.scan(sample_folder() / "arena.ndjson.gz", since="2026-11-01")
    >>> lab.stats.Votes.of(scan, by="meta.model").table()["n"].sum() > 1_000
    np.True_
    """
    if "last" in options:
        raise OptionError("last is for read: a scan reads all, within since and until")
    if engine not in (None, "dask"):
        raise OptionError(f"engine={engine!r:.40}: expected 'dask', or none")
    found = Scan.of(source, **options)
    if engine is None:
        return found
    if find_spec("dask") is None:
        raise OptionError("engine='dask' needs Dask: pip install 'mastermind_lab[scale]'")
    if any(isinstance(partition, Stream) for partition in found.partitions):
        raise OptionError(
            "a stream is read by one reader: archive or save it to a folder, and scan that with Dask"
        )
    return DaskScan(found.partitions)


class DaskScan(Scan):
    """A scan whose partitions are read by Dask's workers, each by one.

    ``decisions``, ``votes``, ``citations``, ``arguments`` and ``rejects`` are Dask DataFrames; a
    partition has to fit into a worker's memory. Their columns are those of all partitions: the first time
    that one of the frames is asked for, all are read to learn them. Summaries need neither.
    """

    def reduce(self, task: Task[Total]) -> Partial[Total]:
        """Count each partition where it is read, and add up in a tree."""
        from dask.delayed import delayed

        count, join = delayed(_counted, pure=False), delayed(_joined, pure=False)
        # One value of the graph, not one a task.
        told = delayed(task, traverse=False)
        found = [count(told, partition) for partition in self.partitions]
        while len(found) > 1:
            found = [join(found[start : start + _AT_ONCE]) for start in range(0, len(found), _AT_ONCE)]
        total: Partial[Total] = found[0].compute()
        return total

    @cached_property
    def schema(self) -> SchemaUnion:
        """The columns of all partitions, and of what kinds they are."""
        return self.reduce(Task(_all_tables)).schema

    @property
    def decisions(self) -> DataFrame:
        """One row a decision."""
        return self._frame("decisions")

    @property
    def votes(self) -> DataFrame:
        """One row a vote."""
        return self._frame("votes")

    @property
    def citations(self) -> DataFrame:
        """One row a citation."""
        return self._frame("citations")

    @property
    def arguments(self) -> DataFrame:
        """One row a node of an argument tree."""
        return self._frame("arguments")

    @property
    def rejects(self) -> DataFrame:
        """One row an entry that could not be decoded."""
        return self._frame("rejects")

    def _frame(self, name: str) -> DataFrame:
        import dask
        from dask.dataframe import from_delayed
        from dask.delayed import delayed

        task = Task(_nothing, self.steps, schema=self.schema)
        meta = getattr(task.history(Batch(concat([]), Coverage())), name)
        # Bytes stay bytes, and text has the type it has in pandas.
        with dask.config.set({"dataframe.convert-string": False}):
            parts = [delayed(getattr)(history, name) for history in self._histories]
            found: DataFrame = from_delayed(parts, meta=meta, verify_meta=False)
        return found

    @cached_property
    def _histories(self) -> list[Delayed]:
        """The partitions, each one history; frames that are computed together read them once."""
        from dask.delayed import delayed

        read = delayed(_whole, pure=False)
        task = delayed(Task(_nothing, self.steps, schema=self.schema), traverse=False)
        return [read(task, partition) for partition in self.partitions]


def _counted(task: Task[Total], partition: Partition) -> Partial[Total]:
    _keep_memory()
    return task(partition)


@cache
def _keep_memory() -> bool:
    # Dask has the C library of its workers give back all above 64 KiB that is free: each batch would ask for
    # its memory anew, page by page. glibc alone has mallopt: -1 is when to trim, -3 what to map by itself.
    if sys.platform != "linux" or os.environ.get("MALLOC_TRIM_THRESHOLD_") != "65536":
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)
    return all(set_option(option, size) for option, size in ((-1, 2**28), (-3, 2**25)))


def _joined(parts: list[Partial[Total]]) -> Partial[Total]:
    return reduce(add, parts)


def _nothing(history: History) -> int:
    return 0


def _all_tables(history: History) -> int:
    return sum(history.table(name).num_rows for name in FRAMES)


def _whole(task: Task[int], partition: Partition) -> History:
    _keep_memory()
    batches = list(partition.batches())
    coverage = reduce(add, (batch.coverage for batch in batches))
    return task.history(Batch(concat(batch.tables for batch in batches), coverage))
