"""A snapshot or an archive: committed ranges of entries, of which only those that are wanted are opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from ...decode import in_batches
from ...envelope import OF_FILES, Entry, Reject
from ...errors import OptionError
from ...frames import (
    FRAMES,
    PAYLOADS,
    Coverage,
    LazyTables,
    Limits,
    SchemaUnion,
    Tables,
    apply_limits,
    between,
    edge,
    entry_ids,
    id_key,
    id_parts,
    ids_in_order,
    milliseconds,
    only,
    sort_keys,
)
from ...storage import is_remote, local_path
from ..history import History
from .reading import Batch, Options, gather, is_numbered, newest_of, with_undated

if TYPE_CHECKING:
    from ...snapshot import Neighbours, Range

_SLICE_BYTES = 2**25  # of a range's tables
_SMALL_BYTES = 2**24  # of ranges that are read as one batch, each table when it is first looked at
_TASK_BYTES = range(2**25, 2**30)  # of what one worker reads, who may be killed
_TASKS = 10_000  # of a larger scan they are larger: to hand out more takes longer than to do them


@dataclass(frozen=True)
class Snapshot:
    """The committed ranges of a folder, or of what a URL means."""

    folder: str | os.PathLike[str]
    options: Options
    again: bool = False  # decode the raw payloads again: extra columns are in nothing else

    @classmethod
    def of(cls, source: Any, options: Options) -> Snapshot | None:
        """Return the source, if this is a snapshot's folder."""
        if not isinstance(source, str | os.PathLike):
            return None
        from ... import snapshot  # here, because Parquet takes long to load

        return cls(source, options, bool(options.columns)) if snapshot.is_snapshot(source) else None

    @cached_property
    def ranges(self) -> list[Range]:
        """The committed ranges, oldest first.

        Raises
        ------
        SourceError
            Nothing is committed there, or a part that is needed is missing.
        """
        from ... import snapshot

        names = ["rejects", PAYLOADS] if self.again else self._names
        # Absolute, because workers may stand elsewhere.
        folder = self.folder if is_remote(self.folder) else local_path(self.folder).absolute()
        return snapshot.readable(folder, names, self.options.files.unpacked_bytes)

    @property
    def _names(self) -> list[str]:
        return [*FRAMES, *[PAYLOADS] * self.options.payloads]

    @cached_property
    def coverage(self) -> Coverage:
        """What the ranges say of their entries."""
        from ... import snapshot

        return snapshot.coverage_of(self.ranges)

    @cached_property
    def numbered(self) -> bool:
        """Whether limits cut the entries by ``published_at``, not by their ids."""
        return bool(self.options.limits.said) and is_numbered(self.coverage)

    @cached_property
    def limits(self) -> Limits:
        """The limits, counted back from the newest entry; lines of files are read to find it."""
        limits = self.options.limits
        if not limits.is_relative:
            return limits
        return limits.back_from(self._newest_published() if self.numbered else self._newest_id())

    def _newest_id(self) -> int | None:
        newest = max((id_key(one.last_id) for one in self.ranges if one.last_id), default=None)
        return newest and newest[1] * 1_000

    def _newest_published(self) -> int | None:
        whole = replace(self, options=replace(self.options.whole(), columns=()), again=False)
        return newest_of(whole.partitions(), numbered=True)

    def partitions(self) -> Sequence[Stored]:
        """Return runs of ranges; what beside entries there is to account for comes with the first."""
        from ... import snapshot

        whole, options = self.coverage.joint(), replace(self.options, limits=self.limits)
        size = sum(map(snapshot.size_of, self.ranges)) // _TASKS
        runs = snapshot.neighbours(self.ranges, min(max(size, _TASK_BYTES.start), _TASK_BYTES.stop))
        made = [self._stored(snapshot.Neighbours(run), whole, options) for run in runs]
        return [replace(made[0], rest=whole.rest(options.limits.said)), *made[1:]]

    def _stored(self, run: Neighbours, whole: Coverage, options: Options) -> Stored:
        own = whole.around(run.first_id, run.last_id)
        return Stored(run, own, Coverage(), self.numbered, options, self.again)

    def history(self) -> History:
        """List the entries; a frame is read when it is first looked at."""
        limits = self.limits
        if self.again:
            return gather(self.partitions(), replace(self.options, limits=limits), numbered=self.numbered)
        from ... import snapshot

        wanted = within(self.ranges, limits, self.numbered)
        if not limits.said:
            return History(snapshot.tables_of(wanted, self._names), self.coverage)
        is_by_time = self.numbered and isinstance(limits.since, int)
        if limits.last is None or limits.until is not None or is_by_time:
            entries = snapshot.entries_of(wanted, ["stream_id", *["published_at"] * self.numbered])
        else:
            entries = snapshot.newest_of(wanted, limits.last)
        kept = apply_limits(entries, limits, self.numbered)
        coverage = self.coverage.narrowed(ids_in_order(kept), limits.said)
        tables = _cut(wanted, self._names, entries, ids_in_order(kept))
        return History(tables, with_undated(coverage, kept, limits, self.numbered))


def _cut(wanted: Sequence[Range], names: Sequence[str], entries: Tables, kept: pa.Array) -> LazyTables:
    """List the tables of some of the entries of ranges; no more is decoded than from their first to last."""
    from ... import snapshot

    if not len(kept):
        return snapshot.tables_of(wanted, names).only(kept)
    around = between(entries, kept[0].as_py(), kept[-1].as_py())
    tables = snapshot.tables_of(wanted, names, around)
    is_all = sum(table.num_rows for table in around.values()) == len(kept)
    return tables if is_all else tables.only(kept)


def within(committed: Sequence[Range], limits: Limits, numbered: bool) -> list[Range]:
    """Choose the ranges that may hold wanted entries, by their first and last ids."""
    held = [one for one in committed if one.first_id]
    if not numbered:
        held = [one for one in held if _reaches(one.last_id, limits.since, True)]
        held = [one for one in held if _reaches(one.first_id, limits.until, False)]
    if limits.last is not None:
        held = _last(held, limits, numbered)
    return held or list(committed[:1])


def _last(committed: list[Range], limits: Limits, numbered: bool) -> list[Range]:
    """Return the newest ranges that surely hold so many wanted entries together."""
    found: list[Range] = []
    entries = 0
    for one in reversed(committed):
        if entries >= (limits.last or 0) and found:
            break
        found.append(one)
        entries += one.entries * _is_wholly_within(one, limits, numbered)
    return found[::-1]


def _is_wholly_within(one: Range, limits: Limits, numbered: bool) -> bool:
    if numbered:  # when lines of files were published their ids don't tell
        return (limits.since, limits.until) == (None, None)
    ends = (one.first_id, one.last_id)
    return all(_reaches(end, limits.since, True) and _reaches(end, limits.until, False) for end in ends)


def _reaches(stream_id: str, bound: str | int | None, is_lower: bool) -> bool:
    """Tell whether an id lies on the inner side of a bound."""
    if bound is None:
        return True
    parts = id_parts([stream_id])
    if isinstance(bound, str):
        here, there = sort_keys(parts)[0], edge(bound, is_lower)
    else:
        here, there = int(parts[0, 1]), milliseconds(bound, is_lower)
    return bool(here >= there if is_lower else here <= there)


@dataclass(frozen=True)
class Stored:
    """A run of committed ranges, and what is told of all: it accounts for the share of its own entries."""

    run: Neighbours
    whole: Coverage = field(repr=False)
    rest: Coverage = field(repr=False)
    numbered: bool
    options: Options
    again: bool

    def batches(self) -> Iterator[Batch]:
        """Read the ranges, or decode their raw payloads again where extra columns are wanted."""
        rest = self.rest
        for tables, noted in self._tables():
            kept, ids, dropped = self.options.within(tables, self.numbered)
            limits = self.options.limits
            share = with_undated(self.whole.share(ids, dropped, limits.said), kept, limits, self.numbered)
            yield Batch(kept, rest + share, noted)
            rest = Coverage()

    def _tables(self) -> Iterator[tuple[Tables, SchemaUnion | None]]:
        for run in self.run.runs(_SMALL_BYTES):
            if self.again:
                yield from ((tables, None) for tables in self._decoded(run))
                continue
            tables = run.tables([*FRAMES, *[PAYLOADS] * self.options.payloads])
            if run.size <= _SMALL_BYTES:
                yield cast(Tables, tables), run.columns  # whose values nobody sets
            else:
                yield from ((some, None) for some in _sliced(dict(tables)))

    def _decoded(self, run: Neighbours) -> Iterator[Tables]:
        files = self.whole.file_numbers()
        for numbered, entries in groupby(_raw(run), lambda entry: id_key(entry[0])[1] in files):
            yield from self.options.tables(in_batches(entries), numbered=numbered)


def _sliced(tables: Tables) -> Iterator[Tables]:
    """Cut a range's tables into batches."""
    ids, size = entry_ids(tables), sum(table.nbytes for table in tables.values())
    step = max(1, len(ids) * _SLICE_BYTES // max(size, 1))
    for start in range(0, max(len(ids), 1), step):
        yield only(tables, pa.array(ids[start : start + step], pa.large_string()))


def _raw(run: Neighbours) -> list[Entry]:
    """List the entries of some ranges as they came, oldest first."""
    try:
        rows = run.tables([PAYLOADS, "rejects"])
    except OptionError as error:
        raise OptionError(
            f"a snapshot holds none of the envelopes unless it is saved with payloads ({error}): read the "
            "stream or the NDJSON files again"
        ) from error
    entries: list[Entry] = [(*row.values(), None) for row in rows[PAYLOADS].to_pylist()]
    for stream_id, reason, detail, payload in (row.values() for row in rows["rejects"].to_pylist()):
        # What the source itself broke, or cut, is no payload to validate again.
        is_whole = payload is not None and reason not in {*OF_FILES, "too_long"}
        fault = None if is_whole else Reject(reason, detail)
        entries.append((stream_id, payload, fault))
    return sorted(entries, key=lambda entry: id_key(entry[0]))
