"""Structs made from the models of ``envelope.py``: where they say yes, ``envelope.validate`` says the same.

A struct refuses every field it does not declare, since what msgspec skips it does not check. So the names a
stream uses are declared as they are met. A field that was seen under one name goes by that name; a field seen
under several takes the first of the model's order that is there. Nesting ends where the types end, well
within pydantic's limit of 200, so that no payload is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from msgspec import NODEFAULT, UNSET, Meta, UnsetType, convert, defstruct
from msgspec.json import Decoder
from pydantic import BaseModel

from ..envelope import DecisionEnvelope
from .contract import EXTRA, Field, Model, Names, StructOf, models_of

# Models within models; compiling takes time in proportion.
_LEVELS = 14
_NOTHING = Annotated[int, Meta(gt=0, lt=0)]  # no value is of this type

Seen = tuple[tuple[type[BaseModel], Names], ...]
"""The names that were seen in the members of each model."""


@lru_cache(maxsize=64)  # compiling takes some milliseconds
def decoder(envelope: type[DecisionEnvelope], seen: Seen) -> Decoder[Any]:
    """Compile a decoder of envelopes whose models were seen to hold these names."""
    return Decoder(_struct(envelope, envelope, seen, _LEVELS))


def _struct(envelope: type[DecisionEnvelope], model: type[BaseModel], seen: Seen, levels: int) -> Any:
    """Return the struct of a model whose members may nest so many levels deep."""
    models = models_of(envelope)
    below = _below(model, models)
    seen_below = tuple((other, names) for other, names in seen if other in below)
    return _compiled(envelope, model, seen_below, levels) if levels else _NOTHING


@lru_cache(maxsize=512)
def _compiled(envelope: type[DecisionEnvelope], model: type[BaseModel], seen: Seen, levels: int) -> Any:
    layout = _Layout(lambda member: _struct(envelope, member, seen, levels - 1))
    layout.add_model(models_of(envelope)[model], dict(seen)[model])
    methods = {"__post_init__": _chooser(layout.choices)} if layout.choices else {}
    return defstruct(
        model.__name__,
        layout.fields,
        rename=layout.names,
        namespace={"_extras": tuple(layout.extras.items()), **methods},
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,  # what comes out of JSON holds no cycles
    )


def _below(model: type[BaseModel], models: Mapping[type[BaseModel], Model]) -> set[type[BaseModel]]:
    """Return a model and those of its members, at any depth."""
    below, waiting = set(), [model]
    while waiting:
        if (member := waiting.pop()) not in below:
            below.add(member)
            waiting += models[member].models()
    return below


class _Choice(NamedTuple):
    """A field that was seen under several names: its attributes, in the model's order."""

    attributes: list[str]
    field: Field
    type: Any


class _Layout:
    """The makings of one struct: fields for msgspec, the names they go by, and which may hold extras.

    Attributes that are no field's begin with an underscore, with which no field of a model can.
    """

    def __init__(self, struct_of: StructOf) -> None:
        self.struct_of = struct_of
        self.fields: list[tuple[str, Any, Any]] = []
        self.names: dict[str, str] = {}
        self.extras: dict[str, str] = {}
        self.choices: list[_Choice] = []

    def add_model(self, model: Model, seen: Iterable[str]) -> None:
        rest = dict.fromkeys(seen)
        for name, field in model.fields.items():
            names = [alias for alias in field.names if alias in rest] or [field.names[0]]
            self.add_field(name, field, names)
            rest = {other: None for other in rest if other not in names}
        for name in rest:
            self.add_extra(name, EXTRA)
        if model.extra != "allow":
            self.extras.clear()

    def add_field(self, attribute: str, field: Field, names: list[str]) -> None:
        kind = field.type_with(self.struct_of)
        if len(names) == 1:
            self.add(attribute, names[0], kind, field.default)
            return
        self.add(attribute, names[0], kind | UnsetType, UNSET)
        others = [self.add_extra(name, kind if field.model else EXTRA) for name in names[1:]]
        self.choices.append(_Choice([attribute, *others], field, kind))

    def add_extra(self, name: str, kind: Any) -> str:
        attribute = f"_extra_{len(self.extras)}"
        self.add(attribute, name, kind | UnsetType, UNSET)
        self.extras[attribute] = name
        return attribute

    def add(self, attribute: str, name: str, kind: Any, default: Any) -> None:
        self.fields.append((attribute, kind, default))
        self.names[attribute] = name


def _chooser(choices: list[_Choice]) -> Callable[[Any], None]:
    def choose(struct: Any) -> None:
        for choice in choices:
            _choose(struct, *choice)

    return choose


def _choose(struct: Any, attributes: list[str], field: Field, kind: Any) -> None:
    there = [attribute for attribute in attributes if getattr(struct, attribute) is not UNSET]
    if not there:
        if field.default is NODEFAULT:
            raise ValueError("a field is missing")
        setattr(struct, attributes[0], field.default)
    elif field.model and len(there) > 1:
        raise ValueError("an extra that was read as a model")
    elif there[0] != attributes[0]:
        value = getattr(struct, there[0])
        setattr(struct, attributes[0], value if field.model else convert(value, kind))
        setattr(struct, there[0], UNSET)
