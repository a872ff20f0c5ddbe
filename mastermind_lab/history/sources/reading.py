"""What every source shares: what is asked, how entries become tables, and how parts become a history."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from ...decode import Column, SchemaCache, check_columns
from ...envelope import DEFAULT_STREAM_NAME, OF_FILES, Entry
from ...errors import OptionError
from ...frames import (
    Account,
    Coverage,
    Limits,
    SchemaUnion,
    Tables,
    apply_limits,
    check_names,
    combine_chunks,
    concat,
    decoded,
    has_undated,
    id_key,
    ids_in_order,
    newest_time,
    one_stream,
    only,
    united,
)
from ...ndjson import FileLimits
from ..history import History

_UNDATED = "entries without a time are in, whatever since and until say"
_BATCHES_AT_ONCE = 16  # some 16 MB of payloads: enough for what a batch costs a summary not to show


class NoBar(AbstractContextManager["NoBar"]):
    """Shows nothing; tqdm starts a thread even where it is disabled."""

    total: int | None = None

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def update(self, n: int) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Options:
    """What is asked of a read: which entries of which stream, how they are decoded, and where that is shown.

    Raises
    ------
    OptionError
        An extra column makes no sense, or several streams are named.
    """

    limits: Limits = Limits.of()  # noqa: RUF009 - it cannot be changed
    stream: str = DEFAULT_STREAM_NAME
    columns: tuple[Column, ...] = ()
    payloads: bool = False
    files: FileLimits = FileLimits()  # noqa: RUF009 - it cannot be changed
    bar: Any = field(default_factory=NoBar, repr=False)

    def __post_init__(self) -> None:
        one_stream(self.stream)
        check_columns(self.columns)
        check_names(column.name for column in self.columns)

    def tables(
        self, batches: Iterator[list[Entry]], *, numbered: bool, newest_first: bool = False
    ) -> Iterator[Tables]:
        """Decode batches of entries; every few become tables in one piece, which are quick to work with.

        At least once: of no entries, empty tables are made.
        """
        schema_cache, order = SchemaCache(), -1 if newest_first else 1
        made = (self._decoded(batch, schema_cache, numbered) for batch in batches)
        some = list(islice(made, _BATCHES_AT_ONCE))
        while True:
            merged = concat(some[::order], self.columns, self.payloads)
            some.clear()
            yield combine_chunks(merged)
            some = list(islice(made, _BATCHES_AT_ONCE))
            if not some:
                return

    def _decoded(self, entries: list[Entry], schema_cache: SchemaCache, numbered: bool) -> Tables:
        made = decoded(
            entries,
            columns=self.columns,
            payloads=self.payloads,
            schema_cache=schema_cache,
            numbered=numbered,
        )
        self.bar.update(len(entries))
        return made

    def whole(self) -> Options:
        """Ask for everything, where limits are for what all of it has become."""
        return replace(self, limits=Limits.of())

    def of_parts(self) -> Options:
        """Ask a part for what can be told of it alone: all, where limits count back from the newest entry."""
        return self.whole() if self.limits.is_relative else self

    def within(self, tables: Tables, numbered: bool) -> tuple[Tables, pa.Array, pa.Array]:
        """Cut a batch to ``since`` and ``until``: what is left, its ids, and those of what was cut off."""
        before = ids_in_order(tables)
        kept = apply_limits(tables, self.limits._replace(last=None), numbered)
        if kept is tables:
            return tables, before, before[:0]
        ids = ids_in_order(kept)
        return kept, ids, before.filter(pc.invert(pc.is_in(before, ids)))


class Batch(NamedTuple):
    """Some entries with all that belongs to them, and what was read, left out or missing on the way."""

    tables: Tables
    coverage: Coverage
    noted: SchemaUnion | None = None  # the columns of tables that need not be read to tell


class Partition(Protocol):
    """A part of a source that can be read alone, anywhere: it is pickled to where that happens."""

    def batches(self) -> Iterator[Batch]:
        """Yield batches, at least one; their coverages add up to that of the partition."""


class Source(Protocol):
    """What a history can be read from."""

    def partitions(self) -> Sequence[Partition]:
        """Return the parts that can be read alone: together they are all of it."""

    def history(self) -> History:
        """Read all of it."""


def lines_of(sources: Mapping[int, str], tables: Iterable[Tables], options: Options) -> Iterator[Batch]:
    """Account for tables of numbered entries, the lines of some files, by their numbers: each for itself."""
    for made in tables:
        kept, ids, dropped = options.within(made, numbered=True)
        notes, are_undated = _notes(made), has_undated(kept, options.limits, numbered=True)
        covered = Coverage()
        for number, source in sources.items():
            own, gone = _of_file(ids, number), _of_file(dropped, number)
            said = {"limits": options.limits.said, "note": united(notes.get(number, ()))}
            one = Coverage.of(Account.of_ids(own, source=source, left_out=len(gone), **said))
            if are_undated:
                one = with_undated(one, only(kept, own), options.limits, numbered=True)
            covered += one
        yield Batch(kept, covered)


def _of_file(ids: pa.Array, number: int) -> pa.Array:
    """Return the ids of a file's lines, of some in order."""
    begin, end = (bisect_left(ids, (0, file, 0), key=_key) for file in (number, number + 1))
    return ids.slice(begin, end - begin)


def _key(stream_id: pa.Scalar) -> tuple[int, int, int]:
    return id_key(stream_id.as_py())


def _notes(tables: Tables) -> dict[int, list[str]]:
    """Say in the accounts what is wrong with a file, not with one of its lines."""
    rejects = tables["rejects"]
    of_file = pc.is_in(rejects["reason"], pa.array(sorted(OF_FILES), rejects["reason"].type))
    notes: dict[int, list[str]] = {}
    for row in rejects.filter(of_file).select(["stream_id", "detail"]).to_pylist():
        notes.setdefault(id_key(row["stream_id"])[1], []).append(row["detail"])
    return notes


def with_undated(coverage: Coverage, kept: Tables, limits: Limits, numbered: bool) -> Coverage:
    """Note where limits in time kept entries for want of a time."""
    return coverage.noted(_UNDATED) if has_undated(kept, limits, numbered) else coverage


def gather(partitions: Iterable[Partition], options: Options, *, numbered: bool) -> History:
    """Read partitions into one history, oldest entry first, and keep the last of it where that is asked.

    Limits that count back from the newest entry cut what was read as a whole.
    """
    with options.bar:
        batches = [batch for partition in partitions for batch in partition.batches()]
    coverage = Coverage()
    for batch in batches:
        coverage += batch.coverage
    tables = concat(
        (batch.tables for batch in sorted(batches, key=_first)), options.columns, options.payloads
    )
    rest = options.limits if options.limits.is_relative else Limits.of(options.limits.last)._replace(said="")
    return limited(History(tables, coverage), rest, numbered)


def limited(history: History, limits: Limits, numbered: bool) -> History:
    """Cut a history to limits."""
    if limits == Limits.of():
        return history
    tables = history.tables()
    if limits.is_relative:
        limits = limits.back_from(newest_time(tables, numbered))
    kept = apply_limits(tables, limits, numbered)
    if kept is tables and not limits.said:
        return history
    coverage = history.account.narrowed(ids_in_order(kept), limits.said)
    return History(kept, with_undated(coverage, kept, limits, numbered))


def newest_of(partitions: Iterable[Partition], *, numbered: bool) -> int | None:
    """Read partitions to find the time of the newest entry, in microseconds since 1970."""
    batches = (batch.tables for partition in partitions for batch in partition.batches())
    times = (newest_time(tables, numbered) for tables in batches)
    return max((time for time in times if time is not None), default=None)


def is_numbered(coverage: Coverage) -> bool:
    """Tell whether entries are lines of files, which lie where ``published_at`` says, or lie where ids say.

    Raises
    ------
    OptionError
        Some are of files and some of streams.
    """
    accounts = [one for one in coverage.accounts if one.last_id] or coverage.accounts
    kinds = {one.stream is None for one in accounts}
    if len(kinds) > 1:
        raise OptionError(
            "last, since and until need one order: streams are cut by their ids and files by published_at. "
            "Read the two by themselves, and add the histories."
        )
    return kinds != {False}


def _first(batch: Batch) -> tuple[int, int, int]:
    ids = [one.first_id for one in batch.coverage.accounts if one.first_id]
    return min(map(id_key, ids), default=(-1, 0, 0))
