"""Neighbouring ranges that are read together, and how they travel: by name, not with all that they say."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

from ..errors import SourceError
from ..frames import LazyTables, SchemaUnion
from ..storage import folder as folder_of
from .footer import DamageError
from .load import Reader, Seen, merged_into, tables_of
from .parts import Selection
from .ranges import Range, range_of, read_metadata
from .surveys import ranges
from .together import parallel_map

_MOST = 256  # ranges: however small they are, opening one takes milliseconds
_PACKED = 8  # times smaller than in memory, mostly
_LETTERS = 16  # of an origin: enough to tell that a range is another


class Neighbours:
    """Some committed ranges that follow each other.

    In another process their footers are read again, when that is first needed. What was compacted since is
    read from the parts that hold it.

    Parameters
    ----------
    committed
        The ranges, in order, at least one.
    """

    def __init__(self, committed: Sequence[Range]) -> None:
        self._ranges: tuple[Range, ...] | None = tuple(committed)
        self._folder, self._most = committed[0].folder, committed[0].max_unpacked_bytes
        self._seen = {one.place: Seen.of(one, _LETTERS) for one in committed}
        filled = sorted((one for one in committed if one.first_id), key=lambda one: one.key)
        last = max(filled, key=lambda one: one.key[1], default=None)
        self.first_id, self.last_id = (filled[0].first_id if filled else ""), (last.last_id if last else "")

    def __getstate__(self) -> dict[str, Any]:
        listed = " ".join(f"{place} {one.origin} {one.entries}" for place, one in self._seen.items())
        return vars(self) | {"_ranges": None, "_seen": zlib.compress(listed.encode())}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        listed = zlib.decompress(state["_seen"]).decode().split(" ")
        rows = zip(listed[::3], listed[1::3], listed[2::3], strict=True)
        vars(self).update(state, _seen={place: Seen(origin, int(count)) for place, origin, count in rows})

    def __len__(self) -> int:
        return len(self._seen)

    def __repr__(self) -> str:
        return f"<{len(self)} ranges of {self._folder}>"

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The ranges; or, where they were compacted before they got here, those that hold their entries."""
        if self._ranges is None:
            self._ranges = tuple(self._found_again())
        return self._ranges

    @property
    def size(self) -> int:
        """How many bytes of memory their tables take."""
        return sum(map(size_of, self.ranges))

    @property
    def columns(self) -> SchemaUnion | None:
        """The kinds of the open columns of all; None where a footer says nothing of them."""
        noted = [one.columns for one in self.ranges]
        return None if None in noted else reduce(add, filter(None, noted), SchemaUnion())

    def runs(self, most_bytes: int) -> list[Neighbours]:
        """Divide them further; not what is now among others."""
        return [Neighbours(run) for run in neighbours(self.ranges, most_bytes)] if self._are_here else [self]

    def tables(self, names: Sequence[str]) -> LazyTables:
        """Return their tables, each read, and checked byte for byte, when it is first asked for.

        Raises
        ------
        OptionError
            A range has no such table: it was saved without payloads.
        """
        if self._are_here:
            return tables_of(self.ranges, names)
        ours = Selection().within(self.first_id, self.last_id)
        return LazyTables(dict.fromkeys(names), Reader(self.ranges, ours).table)

    @property
    def _are_here(self) -> bool:
        return {one.place for one in self.ranges} == self._seen.keys()

    def _found_again(self) -> Sequence[Range]:
        with suppress(OSError, DamageError):
            found = self._listed()
            if {one.place: Seen.of(one, _LETTERS) for one in found} == self._seen:
                return found
        now = ranges(self._folder, self._most)
        merged = merged_into(now, self._seen)
        if merged is None:
            raise SourceError(f"{self._folder} was changed since it was scanned: scan it again")
        return merged

    def _listed(self) -> list[Range]:
        source = folder_of(self._folder)

        def listed(place: str) -> Range:
            found = range_of(source, place, read_metadata(source, place))
            return replace(found, max_unpacked_bytes=self._most)

        return [*parallel_map(listed, self._seen, len).values()]


def neighbours(committed: Iterable[Range], most_bytes: int) -> Iterator[list[Range]]:
    """Divide ranges into runs: small ones together, and always those that overlap, which share entries.

    Parameters
    ----------
    committed
        Ranges by epoch and first id.
    most_bytes
        Of memory, for several together.
    """
    run: list[Range] = []
    size, reach = 0, (-1, -1, -1)
    for one in committed:
        own, (first, last) = size_of(one), one.key
        if run and first > reach and (size + own > most_bytes or len(run) >= _MOST):
            yield run
            run, size = [], 0
        run.append(one)
        size, reach = size + own, max(reach, last)
    if run:
        yield run


def size_of(committed: Range) -> int:
    """Say how many bytes of memory the tables of a range take; of one that does not tell, about how many."""
    stored = sum(int(one.get("bytes") or 0) for one in committed.child_tables.values())
    return int(committed.metadata.get("size") or _PACKED * stored)
