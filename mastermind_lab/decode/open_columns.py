"""Leaves of many free-form objects, gathered column by column.

Objects with the same keys are transposed together, so that the work is done a column at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import UnsetType

from .contract import NESTED
from .members import Members
from .paths import Path, step

Sparse = tuple[Sequence[int], Sequence[Any]]
"""A sparse column: the rows that have a value, and the values."""

MOST_OPEN = 2_000
"""Open columns a frame may have; what comes beyond shares one JSON column, ``meta.*`` say."""

MOST_LETTERS = 2**18
"""Letters that their names may have together: a Parquet file says each name about nine times."""

_SHARED = ".*"  # a key that is a star is quoted


def shared_column(path: Path) -> Path:
    """Name the column that holds what finds no place of its own, as {path: value}."""
    return path.split(".", 1)[0] + _SHARED


def is_shared(path: Path) -> bool:
    """Tell whether a column is one that others' values share."""
    return path == shared_column(path)


class OpenColumns:
    """Sparse columns by path, of the rows of one frame."""

    def __init__(self) -> None:
        self.columns: dict[Path, Sparse] = {}

    def add_objects(self, prefix: str, places: Sequence[int], objects: Sequence[dict[str, Any]]) -> None:
        """Add the leaves of objects that stand at some rows; an empty object below is a leaf of its own."""
        for keys, (where, members) in _alike(places, objects).items():
            columns = zip(*[one.values() for one in members], strict=True)
            for key, values in zip(keys, columns, strict=True):
                self.add(prefix + step(key), where, values)

    def add_members(self, prefix: str, members: Members, declared: Collection[str]) -> None:
        """Add what members hold beyond the declared columns."""
        for group in members.groups:
            more = group.fields.keys() - NESTED - set(declared)
            for name in more:
                self.add(prefix + step(name), group.places, group.fields[name])
            for name, values in group.extras.items():
                self.add(prefix + step(name), group.places, values)
            if group.objects:
                # A field that was read under another name keeps its column to itself.
                objects = [_without(more, extra) for extra in group.objects] if more else group.objects
                self.add_objects(prefix, group.places, objects)

    def add(self, path: Path, places: Sequence[int], values: Sequence[Any]) -> None:
        """Add values of one path; those that are objects are taken apart."""
        types = set(map(type, values))
        if types == {dict} and all(values):
            self.add_objects(path + ".", places, values)
            return
        if {dict, UnsetType} & types:
            places, values = self._without_objects(path, places, values)
        if path in self.columns:
            before, earlier = self.columns[path]
            places, values = [*before, *places], [*earlier, *values]
        if values:
            self.columns[path] = places, values

    def _without_objects(self, path: Path, places: Sequence[int], values: Sequence[Any]) -> Sparse:
        plain: tuple[list[int], list[Any]] = ([], [])
        objects: tuple[list[int], list[Any]] = ([], [])
        for place, value in zip(places, values, strict=True):
            if type(value) is not UnsetType:
                here = objects if type(value) is dict and value else plain
                here[0].append(place)
                here[1].append(value)
        self.add_objects(path + ".", *objects)
        return plain


def _without(names: Collection[str], members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in names}


def _alike(
    places: Sequence[int], objects: Sequence[dict[str, Any]]
) -> dict[tuple[str, ...], tuple[Sequence[int], Sequence[dict[str, Any]]]]:
    """Group objects, and the rows they stand at, by their keys."""
    keys = list(map(tuple, objects))
    if len(set(keys)) == 1:
        return {keys[0]: (places, objects)}
    groups: dict[tuple[str, ...], tuple[list[int], list[dict[str, Any]]]] = {key: ([], []) for key in keys}
    for key, place, one in zip(keys, places, objects, strict=True):
        some, members = groups[key]
        some.append(place)
        members.append(one)
    return dict(groups)


def limited(columns: dict[Path, Sparse], taken: set[Path]) -> dict[Path, Sparse]:
    """Keep to MOST_OPEN columns of MOST_LETTERS, ``taken`` included: who came first has one.

    ``taken`` is added to. What finds no place is gathered as {path: value} under a column a root, ``meta.*``.
    """
    fresh = columns.keys() - taken
    if fresh:
        room, letters = MOST_OPEN - len(taken), MOST_LETTERS - sum(map(len, taken))
        if len(fresh) > room or sum(map(len, fresh)) > letters:
            in_order = sorted(fresh, key=lambda path: (columns[path][0][0], path))
            fresh = _with_room(in_order, room, letters)
            columns = _gathered(columns, [path for path in in_order if path not in fresh])
        taken |= fresh
    return columns


def _with_room(in_order: Sequence[Path], room: int, letters: int) -> set[Path]:
    kept = set[Path]()
    for path in in_order:
        if len(kept) < room and len(path) <= letters:
            kept.add(path)
            letters -= len(path)
    return kept


def _gathered(columns: dict[Path, Sparse], beyond: Sequence[Path]) -> dict[Path, Sparse]:
    rest: dict[Path, dict[int, dict[Path, Any]]] = {}
    for path in beyond:
        rows = rest.setdefault(shared_column(path), {})
        for place, value in zip(*columns[path], strict=True):
            rows.setdefault(place, {})[path] = value
    gathered = set(beyond)
    kept = {path: column for path, column in columns.items() if path not in gathered}
    return kept | {root: (list(rows), list(rows.values())) for root, rows in rest.items()}
