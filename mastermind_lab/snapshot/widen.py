"""Widening: every range of a folder gets the columns that all of them have together, of types that hold all.

Most programs take the columns of a folder's first part for those of all, and some refuse parts that differ. A
range is widened in its place: its ``decisions`` part first says that the other parts may have either of two
hashes, then these are written, and last itself, with the new hashes alone. So it may be stopped at any
moment, and nobody ever sees an entry twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import add
from os import PathLike
from typing import Any

from ..errors import SourceError
from ..frames import SchemaUnion, Tables
from ..storage import Folder
from ..storage import folder as folder_of
from .checkpoint import forget
from .commits import encoded_child, write_child, write_decisions
from .footer import sha256
from .ranges import Range
from .reading import read_range
from .surveys import ranges


def columns_of(committed: Iterable[Range]) -> SchemaUnion:
    """Add up the columns of ranges; one of an older format does not say its own."""
    known = {one.metadata["kinds"]: one.columns for one in committed if one.columns is not None}
    return reduce(add, known.values(), SchemaUnion())


def narrow(committed: Iterable[Range]) -> list[Range]:
    """List the ranges that have not all columns of all of them."""
    listed = list(committed)
    known = {one.metadata["kinds"]: one.columns for one in listed if one.columns is not None}
    types = columns_of(listed).types
    lacking = {kinds for kinds, columns in known.items() if columns.types != types}
    return [one for one in listed if one.metadata.get("kinds") in lacking]


def widened(folder: str | PathLike[str], max_unpacked_bytes: int | None = None) -> Iterator[Range]:
    """Widen the ranges of a folder that have not all columns, one a step; an older format stays as it is.

    Only who holds the folder's lock may call it.

    Raises
    ------
    SourceError
        A part is damaged or cannot be written; no row is lost.
    """
    target, committed = folder_of(folder), ranges(folder, max_unpacked_bytes)
    columns, lacking = columns_of(committed), {one.place for one in narrow(committed)}
    if not lacking:
        return
    forget(target)
    for one in committed:
        if one.place in lacking:
            yield widen(target, one, columns)


def widen(target: Folder, one: Range, columns: SchemaUnion) -> Range:
    """Give a range more columns, in its place, and write it in the present format.

    Raises
    ------
    SourceError
        A part is damaged or cannot be written; no row is lost.
    """
    before = read_range(one)
    after = columns.fit(before)
    try:
        return _rewrite(target, one, before, after)
    except OSError as error:
        raise SourceError(
            f"cannot write {one.path} with more columns: {error.strerror or error}. Every row is still there."
        ) from error


def _rewrite(target: Folder, one: Range, before: Tables, after: Tables) -> Range:
    children = one.child_tables
    changed = [name for name in after if name in children and _is_changed(one, before, after, name)]
    contents = {name: encoded_child(after[name]) for name in changed}
    metadata: dict[str, Any] = {**one.metadata, "origin": one.origin, "date": one.date}
    if contents:
        either = {
            name: children[name] | {"next": [*children[name].get("next", ()), sha256(content)]}
            for name, content in contents.items()
        }
        write_decisions(target, one.place, before["decisions"], metadata | {"siblings": children | either})
    written = {
        name: write_child(target, one.place, name, content, after[name]) for name, content in contents.items()
    }
    metadata |= {"siblings": children | written, "kinds": SchemaUnion.of(after).noted()}
    return write_decisions(target, one.place, after["decisions"], metadata)


def _is_changed(one: Range, before: Tables, after: Tables, name: str) -> bool:
    is_same = before[name].schema.equals(after[name].schema, check_metadata=True)
    return not is_same or one.columns is None or "next" in one.child_tables[name]
