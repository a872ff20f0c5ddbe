"""The fields of many structs or models, as columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct
from pydantic_core import to_jsonable_python

from .contract import NESTED


class Group(NamedTuple):
    """Members of one shape.

    Attributes
    ----------
    places
        Their rows.
    fields
        The values of each field.
    extras
        The values of each name that is no field; ``UNSET`` where a member has it not.
    objects
        What else the members were sent, an object each, where they are models.
    """

    places: Sequence[int]
    fields: dict[str, Sequence[Any]]
    extras: dict[str, Sequence[Any]]
    objects: Sequence[dict[str, Any]]


class Members:
    """The votes, say, of a batch: structs or models, which differ in the names they were sent."""

    def __init__(self, members: Sequence[Any]) -> None:
        self._length = len(members)
        self.groups = [_group(places, alike) for places, alike in _alike(members)]

    def field(self, name: str) -> Sequence[Any]:
        """Return the values of a field."""
        if len(self.groups) == 1:
            return self.groups[0].fields[name]
        values: list[Any] = [None] * self._length
        for group in self.groups:
            for place, value in zip(group.places, group.fields[name], strict=True):
                values[place] = value
        return values


def _alike(members: Sequence[Any]) -> list[tuple[Sequence[int], Sequence[Any]]]:
    """Group structs of one layout, whatever their depth in a tree, and models of one class."""
    shapes = {kind: _shape(kind) for kind in set(map(type, members))}
    different = set(shapes.values())
    if len(different) == 1:
        return [(range(len(members)), members)]
    groups: list[tuple[Sequence[int], Sequence[Any]]] = []
    for shape in different:
        places = [place for place, member in enumerate(members) if shapes[type(member)] == shape]
        groups.append((places, [members[place] for place in places]))
    return groups


def _shape(kind: Any) -> Any:
    return (kind.__struct_fields__, kind._extras) if issubclass(kind, Struct) else kind


def _group(places: Sequence[int], members: Sequence[Any]) -> Group:
    kind = type(members[0])
    return (_of_structs if issubclass(kind, Struct) else _of_models)(kind, places, members)


def _of_structs(kind: Any, places: Sequence[int], members: Sequence[Any]) -> Group:
    fields: dict[str, Sequence[Any]] = {
        name: _getter(name)(members) for name in kind.__struct_fields__ if name[0] != "_"
    }
    extras: dict[str, Sequence[Any]] = {name: _getter(attribute)(members) for attribute, name in kind._extras}
    return Group(places, fields, extras, ())


def _of_models(kind: Any, places: Sequence[int], members: Sequence[Any]) -> Group:
    fields = {name: _getter(name)(members) for name in kind.model_fields}
    written = {
        name: values if name in NESTED else to_jsonable_python(values, fallback=str)
        for name, values in fields.items()
    }
    return Group(places, written, {}, [member.model_extra or {} for member in members])


@lru_cache(maxsize=1_000)
def _getter(attribute: str) -> Callable[[Sequence[Any]], list[Any]]:
    """Return a function that lists one attribute of all members."""
    # The interpreter reads an attribute that stands in the code twice as fast as attrgetter does.
    code = f"lambda members: [member.{attribute} for member in members]"
    listed: Callable[[Sequence[Any]], list[Any]] = eval(code)  # noqa: S307 - a field's name, or one of ours
    return listed
