"""A snapshot or an archive: committed ranges of entries, of which only those that are wanted are opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa

from ...decode import in_batches
from ...envelope import OF_FILES, Entry, Reject
from ...errors import OptionError
from ...frames import (
    FRAMES,
    PAYLOADS,
    Coverage,
    LazyCoverage,
    LazyTables,
    Limits,
    SchemaUnion,
    Tables,
    apply_limits,
    between,
    entry_ids,
    id_key,
    ids_in_order,
    only,
)
from ...storage import absolute
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
        return snapshot.readable(self._place, names, self.options.files.unpacked_bytes)

    @property
    def _place(self) -> str:
        """The folder, absolute, because workers may stand elsewhere."""
        return absolute(self.folder)

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
        """Return runs of the ranges that limits touch; what else to account for comes with the first."""
        from ... import snapshot

        whole, options = self.coverage.joint(), replace(self.options, limits=self.limits)
        wanted = within(self.ranges, self.limits._replace(last=None), self.numbered)
        size = sum(map(snapshot.size_of, wanted)) // _TASKS
        runs = snapshot.neighbours(wanted, min(max(size, _TASK_BYTES.start), _TASK_BYTES.stop))
        made = [self._stored(snapshot.Neighbours(run), whole, options) for run in runs]
        rest = whole.rest(options.limits.said) + self._outside(wanted, whole)
        return [replace(made[0], rest=rest), *made[1:]]

    def _stored(self, run: Neighbours, whole: Coverage, options: Options) -> Stored:
        own = whole.around(run.first_id, run.last_id)
        return Stored(run, own, Coverage(), self.numbered, options, self.again)

    def _outside(self, wanted: Sequence[Range], whole: Coverage) -> Coverage:
        """Account for the ranges that are not opened."""
        places = {one.place for one in wanted}
        others = [one for one in self.ranges if one.first_id and one.place not in places]
        ids = pa.array([one.first_id for one in others], pa.large_string())
        return whole.without(ids, np.array([one.entries for one in others], int), self.limits.said)

    def history(self) -> History:
        """List what is needed; a frame is read when it is first looked at."""
        if self.again:
            options = replace(self.options, limits=self.limits)
            return gather(self.partitions(), options, numbered=self.numbered)
        quick = self._by_names() if self.options.limits.said else self._unread()
        return self._by_footers() if quick is None else quick

    def _unread(self) -> History | None:
        """List nothing yet; None where no checkpoint sums up what is there, or nothing of the payloads."""
        from ... import snapshot

        most = self.options.files.unpacked_bytes
        found = None if self.options.payloads else snapshot.unread(self._place, self._names, most)
        return found and History(*found)

    def _by_names(self) -> History | None:
        """Open only the parts that limits ask for, and none to choose them; None where names do not tell."""
        from ... import snapshot

        names, most = snapshot.Names.of(self._place), self.options.files.unpacked_bytes
        if names is None:
            return None
        limits = self.options.limits.back_from(names.last[1] * 1_000)
        found = names.survey(limits, most)
        told = snapshot.coverage_of(found.committed)
        if found.faults or found.unfinished or {one.stream is None for one in told.accounts} != {False}:
            return None
        wanted = within(found.committed, limits, False)
        whole = LazyCoverage(Uncounted(self._place, most, names.last, tuple(wanted)))
        return self._limited(wanted, limits, whole, False)

    def _by_footers(self) -> History:
        from ... import snapshot

        if not self.limits.said:
            return History(snapshot.tables_of(self.ranges, self._names), self.coverage)
        wanted = within(self.ranges, self.limits, self.numbered)
        return self._limited(wanted, self.limits, self.coverage, self.numbered)

    def _limited(
        self, wanted: list[Range], limits: Limits, whole: Coverage | LazyCoverage, numbered: bool
    ) -> History:
        from ... import snapshot

        is_by_time = numbered and isinstance(limits.since, int)
        if limits.last is None or limits.until is not None or is_by_time:
            entries = snapshot.entries_of(wanted, ["stream_id", *["published_at"] * numbered])
        else:
            entries = snapshot.newest_of(wanted, limits.last)
        kept = apply_limits(entries, limits, numbered)
        coverage = whole.narrowed(ids_in_order(kept), limits.said)
        if isinstance(coverage, Coverage):
            coverage = with_undated(coverage, kept, limits, numbered)
        return History(_cut(wanted, self._names, entries, ids_in_order(kept)), coverage)


@dataclass(frozen=True)
class Uncounted:
    """The coverage of a folder of which only some ranges were opened: what the others say is read for it."""

    folder: str
    max_unpacked_bytes: int | None
    last: tuple[int, int, int]
    opened: tuple[Range, ...] = field(repr=False)

    def __call__(self) -> Coverage:
        """Count what the folder held when it was read, also where it was compacted since, or has grown.

        Raises
        ------
        SourceError
            It holds something else now.
        """
        from ... import snapshot

        found = snapshot.summed_up(self.folder)
        if found and found.newest == self.opened[-1] and found.newest.key[1] == self.last:
            return found.coverage
        now = snapshot.ranges(self.folder, self.max_unpacked_bytes)
        snapshot.still_there(self.opened, now)
        then = [one for one in now if one.key[0] <= self.last]
        # One may have been merged with what came later.
        ids = (snapshot.entries_of([one], ["stream_id"]) for one in then if one.key[1] > self.last)
        behind = sum(id_key(one) > self.last for some in ids for one in entry_ids(some))
        return snapshot.coverage_of(then).ended("", -behind)


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
        held = [one for one in held if limits.touch(*one.key)]
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
        # When lines of files were published their ids don't tell.
        is_within = (limits.since, limits.until) == (None, None) if numbered else limits.hold(*one.key)
        entries += one.entries * is_within
    return found[::-1]


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
        raw = _raw(run)
        ids = pa.array([stream_id for stream_id, *_ in raw], pa.large_string())
        files = self.whole.file_numbers(ids, ids[:0])
        for numbered, entries in groupby(raw, lambda entry: id_key(entry[0])[1] in files):
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
