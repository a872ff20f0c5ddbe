"""What is committed in a folder, ready to be read: each table when it is first asked for."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, groupby, islice
from typing import NamedTuple

import pyarrow as pa

from ..errors import SourceError
from ..frames import DECLARED, FRAMES, Key, LazyTables, Tables, between, entry_ids, id_key, stacked, union
from ..storage import LOCK
from ..storage import folder as folder_of
from .checkpoint import CHECKPOINT
from .commits import ends_of
from .coverage import discontinuities
from .layout import Name, child_path
from .parts import EVERYTHING, Selection
from .ranges import Range, is_commit
from .reading import read_range, read_together
from .surveys import Survey, are_ours, ranges, survey_of
from .together import parallel_map

_SMALL = 2**10  # rows of a part: to decode them takes less than to begin
_AT_ONCE = 64


def is_snapshot(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder, or what a URL means, looks like a snapshot: it holds a folder ``decisions``."""
    source = folder_of(folder)
    try:
        return source.has_folder("decisions")
    except OSError as error:
        raise SourceError(f"cannot read {source.name}: {error.strerror or error}") from error


def is_begun(folder: str | os.PathLike[str]) -> bool:
    """Tell whether an archiver has left its lock in a folder, and nothing is committed there yet."""
    source, unlisted = folder_of(folder), dict[str, str]()
    try:
        if not source.exists(LOCK) or source.exists(CHECKPOINT):
            return False
        paths = source.paths(unlisted)
    except OSError:
        return False  # whoever reads it says what is wrong
    return not unlisted and are_ours(paths) and not any(map(is_commit, paths))


def readable(
    folder: str | os.PathLike[str], tables: Iterable[str], max_unpacked_bytes: int | None = None
) -> list[Range]:
    """List the committed ranges of a folder, and see that the parts of some of their tables are there.

    Raises
    ------
    OptionError
        Raw payloads are asked for, and it was saved without.
    SourceError
        The folder is no snapshot, is of a newer format, or a committed part is missing or damaged.
    """
    names, missed = [*tables], ""
    while True:
        surveyed = survey_of(folder, max_unpacked_bytes)
        if not surveyed.committed:
            raise SourceError(
                f"{folder} is no snapshot, or an archive with nothing in it yet: nothing is committed in its "
                "folder 'decisions'"
            )
        missing = _missing(surveyed, names)
        if missing is None:
            return surveyed.committed
        if missing == missed:  # and was not compacted into another while it was looked for
            raise SourceError(f"{missing} is missing. verify lists all that is wrong.")
        missed = missing


def _missing(surveyed: Survey, tables: Sequence[str]) -> str | None:
    """Return the first part that a committed range names and that is not there."""
    paths = set(surveyed.paths)
    named = (
        (one.folder, child_path(one.place, name))
        for one in surveyed.committed
        for name in tables
        if name in one.child_tables
    )
    return next((f"{folder}/{path}" for folder, path in named if path not in paths), None)


def files(folder: str | os.PathLike[str], table: str = "decisions") -> list[str]:
    """List the files of a table that are committed, oldest first: what other programs should open.

    Others may lie beside them that do not count: of a range that is being written, or was never brought to
    its end, and of ranges that were just compacted into another one.

    Parameters
    ----------
    folder
        A snapshot or an archive.
    table
        One of the five frames, or ``payloads``.

    Raises
    ------
    SourceError
        Something is wrong with the folder.
    OptionError
        A range was saved without such a table.

    Examples
    --------
    >>> import tempfile
    >>> import mastermind_lab as lab
    >>> with tempfile.TemporaryDirectory() as name:
    ...     found = files(lab.sample(last=3).save(name + "/run"), "votes")
    ...     [one.partition("/run/")[2] for one in found]
    ['votes/date=2026-11-19/part-0-0-1998-0-2000.parquet']
    """
    committed = ranges(folder)
    for one in committed:
        one.check_has([table])
    return [f"{one.folder}/{child_path(one.place, table)}" for one in committed]


def tables_of(committed: Sequence[Range], names: Sequence[str], entries: Tables | None = None) -> LazyTables:
    """Return the tables of some ranges, each read, and checked byte for byte, when it is first asked for.

    Of the ``entries`` alone, where some that follow each other are given: as :func:`entries_of` lists them,
    or as :func:`newest_of` reads them, and then these are not read again.

    Raises
    ------
    OptionError
        A range has no such table: it was saved without payloads.
    """
    for one in committed:
        one.check_has(names)
    wanted = EVERYTHING if entries is None else Selection(*ends_of(entries))
    if _overlap(committed):
        merged: Tables = reduce(union, [read_range(one, names) for one in committed])
        return LazyTables.of(between(merged, wanted.first, wanted.last))
    rows: dict[str, int | None] = {name: sum(one.rows_of(name) for one in committed) for name in names}
    made = {}
    if entries is not None:
        rows = {name: entries[name].num_rows if name in entries else None for name in names}
        made = {name: one for name, one in entries.items() if {*DECLARED[name]} <= {*one.column_names}}
    return StoredTables(rows, Reader(tuple(committed), wanted), made)


def entries_of(committed: Sequence[Range], columns: Sequence[str]) -> Tables:
    """Return some columns of the entries of ranges, decisions and rejects; ``stream_id`` among them."""
    return _entries(committed, Selection(columns=tuple(columns)))


def newest_of(committed: Sequence[Range], count: int) -> Tables:
    """Return the newest entries of ranges, decisions and rejects: so many of each, or there may be more."""
    return _entries(committed, Selection(newest=count))


def _entries(committed: Sequence[Range], wanted: Selection) -> Tables:
    names = ("decisions", "rejects")
    if _overlap(committed):
        whole = tables_of(committed, FRAMES)
        return {name: whole[name] for name in names}
    reader = Reader(tuple(committed), wanted)
    return {name: reader.table(name) for name in names}


def _overlap(committed: Sequence[Range]) -> bool:
    """Tell whether two archivers that should not have run at once may both have committed an entry."""
    return any(discontinuity.kind == "overlap" for discontinuity in discontinuities(committed))


@dataclass(frozen=True)
class Reader:
    """Reads the tables of some ranges, also after a compaction has put their entries into other parts."""

    committed: tuple[Range, ...]
    wanted: Selection

    def table(self, name: str) -> pa.Table:
        """Read one table.

        Raises
        ------
        SourceError
            A part is missing or damaged, or the snapshot was changed since its ranges were listed.
        """
        reader, ours = self, self.wanted.within(self.committed[0].first_id, self.committed[-1].last_id)
        while True:
            try:
                return reader._read(name)
            except SourceError as error:
                now = ranges(self.committed[0].folder, self.committed[0].max_unpacked_bytes)
                if not now or {*reader.committed} <= {*now}:
                    raise
                reader = Reader(tuple(still_there(self.committed, now, error)), ours)

    def _read(self, name: str) -> pa.Table:
        def read(run: Sequence[Range]) -> list[pa.Table]:
            first, last = run[0], run[-1]
            own = self.wanted.of(first.first_id, last.last_id)
            return read_together(run, name, own) if run[1:] else [read_range(first, [name], own)[name]]

        def rows(run: Sequence[Range]) -> int:
            return sum(one.rows_of(name) for one in run)

        touched = [one for one in self.committed if self.wanted.touches(one.first_id, one.last_id)]
        held = [one for one in touched if one.rows_of(name)]
        parts = parallel_map(read, self._runs(name, held or self.committed[:1]), rows)
        return stacked(name, [*chain.from_iterable(parts.values())])

    def _runs(self, name: str, held: Sequence[Range]) -> Iterator[tuple[Range, ...]]:
        """Put small ranges of which all rows are wanted together."""

        def is_small(one: Range) -> bool:
            is_whole = not self.wanted.of(one.first_id, one.last_id).cuts_rows
            return is_whole and one.rows_of(name) <= _SMALL

        for together, run in groupby(held, is_small):
            most = _AT_ONCE if together else 1
            while some := tuple(islice(run, most)):
                yield some


class StoredTables(LazyTables):
    """The tables of some ranges."""

    def __init__(
        self, rows: Mapping[str, int | None], reader: Reader, made: Mapping[str, pa.Table] | None = None
    ) -> None:
        super().__init__(rows, reader.table, made)
        self._reader = reader

    def near(self, may_hold: Callable[[Key, Key], bool]) -> LazyTables:
        """Leave out the ranges that hold nothing that is wanted, if what is left has the same columns."""
        committed = self._reader.committed
        held = tuple(one for one in committed if one.first_id and may_hold(*one.key)) or committed[:1]
        kinds = {one.metadata.get("kinds") for one in committed}
        if self._made or len(held) == len(committed) or len(kinds) > 1 or None in kinds:
            return self
        return StoredTables(dict.fromkeys(self), Reader(held, self._reader.wanted))


class Seen(NamedTuple):
    """By what a range is known again: how its origin begins, and how many entries it has."""

    origin: str
    entries: int

    @classmethod
    def of(cls, one: Range, letters: int | None = None) -> Seen:
        """Note so many letters of a range's origin, or all."""
        return cls(one.origin[:letters], one.entries)


def merged_into(now: Sequence[Range], seen: Mapping[str, Seen]) -> list[Range] | None:
    """Find ranges that are no more what they were in other parts.

    Parameters
    ----------
    now
        The ranges that are committed now.
    seen
        The ranges, by their places.

    Returns
    -------
    list or None
        By epoch and first id; None unless compactions put them there, and nothing else.
    """
    same = [one for one in now if one.place in seen and one.origin.startswith(seen[one.place].origin)]
    gone = {place: entries for place, (_, entries) in seen.items()}
    for one in same:
        del gone[one.place]
    merged = []
    for one in now:
        if held := one.replaces and _held(one, gone):
            merged.append(one)
            gone = {place: entries for place, entries in gone.items() if place not in held}
    return None if gone else sorted([*same, *merged], key=lambda one: one.key)


def _held(merged: Range, gone: Mapping[str, int]) -> set[str]:
    """Tell which ranges went into a merged one: it names them, or what it names had named them."""
    named = merged.replaces & gone.keys()
    ends = {place: name.ends for place in gone.keys() - named if (name := Name.of(place))}
    (begin, end), ids = merged.key, list[Key]()
    is_streams = "stream" in merged.metadata  # elsewhere ids are numbers, and another's are the same
    within = {place: own for place, own in ends.items() if is_streams and begin <= own[0] and own[1] <= end}
    if within:
        ids = [id_key(one) for one in entry_ids(entries_of([merged], ["stream_id"]))]
    for place, (first, last) in within.items():
        own = ids[bisect_left(ids, first) : bisect_right(ids, last)]
        if own and len(own) == gone[place] and (own[0], own[-1]) == (first, last):
            named.add(place)
    return named


def still_there(
    committed: Sequence[Range], now: Sequence[Range], error: Exception | None = None
) -> list[Range]:
    """Find the entries of ranges in a folder as it is now, where a compaction may have put them elsewhere.

    Raises
    ------
    SourceError
        The folder was changed in another way since these were listed; ``error`` is where that showed.
    """
    found = merged_into(now, {one.place: Seen.of(one) for one in committed})
    if found is None:
        raise SourceError(
            f"{committed[0].folder} was changed since it was read: read it again"
            + (f" ({error})" if error else "")
        ) from error
    return found
