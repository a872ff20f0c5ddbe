"""Tables that are read, or cut, when they are first asked for, and then kept; and what is said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pyarrow as pa

from .coverage import Coverage
from .cuts import only_of
from .limits import Key


class LazyTables(Mapping[str, pa.Table]):
    """Tables by name, each made when it is first asked for.

    Parameters
    ----------
    rows
        How many rows each has, in the order of the tables; None where only the table itself can tell.
    make
        Makes the table of a name.
    made
        Those that are there already.
    """

    def __init__(
        self,
        rows: Mapping[str, int | None],
        make: Callable[[str], pa.Table],
        made: Mapping[str, pa.Table] | None = None,
    ) -> None:
        self._rows, self._make = dict(rows), make
        self._made: dict[str, pa.Table] = dict(made or {})

    @classmethod
    def of(cls, tables: Mapping[str, pa.Table]) -> LazyTables:
        """Return tables that are there as such ones."""
        return tables if isinstance(tables, cls) else cls(dict.fromkeys(tables), tables.__getitem__)

    def __getitem__(self, name: str) -> pa.Table:
        """Return a table, made now if it was not before."""
        if name not in self._made:
            if name not in self._rows:
                raise KeyError(name)
            # Of two threads that make it at once, both get the first.
            self._made.setdefault(name, self._make(name))
            if len(self._made) == len(self._rows):
                self._make = self._made.__getitem__  # what they were made from is needed no more
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a table, without making it."""
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def only(self, ids: pa.Array) -> LazyTables:
        """Return the tables of some entries, by their ids, each cut when it is first asked for."""
        return CutTables(dict.fromkeys(self), partial(_cut, self, ids))

    @property
    def made(self) -> Mapping[str, pa.Table]:
        """Those that are there already."""
        return dict(self._made)

    def near(self, may_hold: Callable[[Key, Key], bool]) -> LazyTables:
        """Leave out, unread, what is of no entry that may be wanted.

        Parameters
        ----------
        may_hold
            Tells whether there may be one from one id to another, by what they sort by.
        """
        return self

    def rows(self, name: str) -> int:
        """Say how many rows a table has, without making it where that is known."""
        known = None if name in self._made else self._rows[name]
        return int(self[name].num_rows) if known is None else known

    def is_empty(self, name: str) -> bool:
        """Tell whether a table has no rows, without counting them where that is known."""
        return not self.rows(name)


class CutTables(LazyTables):
    """Tables that are cut out of others; what travels to another process is what was cut, not the whole."""

    def __reduce__(self) -> tuple[Any, ...]:
        return LazyTables.of, (dict(self),)


def _cut(whole: LazyTables, ids: pa.Array, name: str) -> pa.Table:
    return only_of(whole[name], ids)


class LazyCoverage:
    """A coverage that is found out when it is first asked for: by a function that takes nothing."""

    def __init__(self, make: Callable[[], Coverage]) -> None:
        self._make = make
        self._made: Coverage | None = None

    def made(self) -> Coverage:
        """Return it."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def narrowed(self, kept: pa.Array, limits: str) -> LazyCoverage:
        """Say that only some entries were kept, as :meth:`Coverage.narrowed` does."""
        return LazyCoverage(partial(_narrowed, self, kept, limits))


def _narrowed(whole: LazyCoverage, kept: pa.Array, limits: str) -> Coverage:
    return whole.made().narrowed(kept, limits)
