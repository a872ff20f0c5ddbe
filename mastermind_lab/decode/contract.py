"""What the models of an envelope say, in types that msgspec compiles.

It is read from the schema that pydantic itself runs, so that nothing pydantic does goes unseen. What is not
understood here (a validator, a type that JSON does not have) is never guessed: :class:`Untranslatable` says
so, and ``envelope.validate`` reads such envelopes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import GenericAlias
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import NODEFAULT, UNSET, Meta, UnsetType
from pydantic import BaseModel

from ..envelope import DecisionEnvelope, tree_shape, with_zone
from ..errors import OptionError

NESTED = frozenset({"decision", "votes", "citations", "argument_tree", "children"})
"""The fields whose members are models, and rows of a frame."""

# Compiling takes time in proportion to 2 to the levels.
_LEVELS_OF_META, _LEVELS_OF_EXTRAS = 8, 3

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]
Names = tuple[str, ...]
StructOf = Callable[[type[BaseModel]], Any]
"""Gives the struct that stands for a model."""


class Untranslatable(Exception):
    """A model does something that a struct cannot be known to do alike."""


class Field(NamedTuple):
    """A field of a model.

    Attributes
    ----------
    names
        Under which it is read; the first that is there counts.
    type_with
        Makes its msgspec type, given the structs of other models.
    default
        ``NODEFAULT`` where it must be there, ``UNSET`` where a fresh value would be made up.
    model
        The model of its members, if they have one.
    """

    names: Names
    type_with: Callable[[StructOf], Any]
    default: Any
    model: type[BaseModel] | None


class Model(NamedTuple):
    """A model: its fields by name, and what becomes of other fields (``allow``, ``ignore``, ``forbid``)."""

    fields: dict[str, Field]
    extra: str

    def models(self) -> set[type[BaseModel]]:
        """Return the models of its members."""
        return {field.model for field in self.fields.values() if field.model}


@lru_cache(maxsize=32)
def models_of(envelope: type[DecisionEnvelope]) -> dict[type[BaseModel], Model]:
    """Return an envelope's model and all below it, in the order they are met.

    Raises
    ------
    Untranslatable
        With the field, and what is not understood.
    """
    nodes = list(_nodes(_schema(envelope)))
    schemas = {node["ref"]: node for node in nodes if "ref" in node}
    by_class = {node["cls"]: node for node in nodes if node.get("type") == "model"}
    models: dict[type[BaseModel], Model] = {}
    waiting: list[type[BaseModel]] = [envelope]
    while waiting:
        model = waiting.pop()
        if model not in models:
            models[model] = _model(by_class[model], schemas)
            waiting += models[model].models()
    return models


@lru_cache(maxsize=32)
def check_names(envelope: type[DecisionEnvelope]) -> None:
    """Refuse models of which two fields are read under one name.

    Raises
    ------
    OptionError
        With the model, the two fields and the name.
    """
    for schema in _nodes(_schema(envelope)):
        if schema.get("type") == "model":
            seen: dict[str, str] = {}
            for field, described in schema["schema"].get("fields", {}).items():
                for name in _names(field, described):
                    if (other := seen.setdefault(name, field)) != field:
                        raise OptionError(
                            f"{schema['cls'].__name__} reads both {other!r} and {field!r} under the name "
                            f"{name!r}: rename the field, or give it other aliases"
                        )


def _schema(envelope: type[DecisionEnvelope]) -> Schema:
    envelope.model_rebuild()  # it is built when first needed
    schema: Schema = envelope.__pydantic_core_schema__
    return schema


def _nodes(schema: Any) -> Iterator[Schema]:
    if isinstance(schema, dict):
        yield schema
    for below in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _nodes(below)


def _names(field: str, described: Schema) -> Names:
    alias = described.get("validation_alias", field)
    if isinstance(alias, str):
        return (alias,)
    paths = alias if isinstance(alias[0], list) else [alias]
    return tuple(".".join(map(str, path)) for path in paths)


def value_type(levels: int) -> Any:
    """Return the type of any JSON value of at most so many levels."""
    scalar = bool | int | float | str | None
    below = value_type(levels - 1) if levels else None
    return scalar | _list(below) | GenericAlias(dict, (str, below)) if levels else scalar


def _list(of: Any) -> Any:
    return GenericAlias(list, (of,))


EXTRA = value_type(_LEVELS_OF_EXTRAS)
"""The type of a field that no model declares."""

# What a schema may say without changing what is valid, or what becomes of it.
_SILENT = {"type", "ref", "metadata", "serialization", "frozen", "strict", "allow_inf_nan", "copy_default"}


def _check(schema: Schema, *read: str) -> None:
    """Refuse a schema that says more than was read of it."""
    said = {key for key, value in schema.items() if value is not None and value is not False}
    if unread := said - _SILENT - set(read):
        raise Untranslatable(f"{schema.get('type', 'a setting')} with {', '.join(sorted(unread))}")


_MISSING_UNLESS_SENT = {"published_at", "correlation_id"}


def _model(schema: Schema, schemas: Schemas) -> Model:
    model, config, described = schema["cls"], schema.get("config", {}), schema["schema"]
    _check(schema, "cls", "config", "schema", "generic_origin")
    _check(config, "title", "extra_fields_behavior")
    if described["type"] != "model-fields":
        raise Untranslatable(f"{model.__name__}: {described['type']}")
    _check(described, "fields", "model_name", "computed_fields")
    fields = {}
    for name, field in described["fields"].items():
        try:
            fields[name] = _field(name, field, issubclass(model, DecisionEnvelope), schemas)
        except Untranslatable as why:
            raise Untranslatable(f"{model.__name__}.{name}: {why}") from None
    return Model(fields, config.get("extra_fields_behavior", "ignore"))


def _field(name: str, described: Schema, is_envelope: bool, schemas: Schemas) -> Field:
    _check(described, "schema", "validation_alias", "serialization_alias")
    schema = described["schema"]
    default = _default(schema, is_envelope)
    if is_envelope and name in _MISSING_UNLESS_SENT and default is not NODEFAULT:
        default = UNSET
    inner = schema["schema"] if schema["type"] == "default" else schema
    if default is UNSET and _is_moment(inner):
        inner = {"type": "str"}  # the batch reads the time
    any_value = value_type(_LEVELS_OF_META) if is_envelope else EXTRA

    def make(struct_of: StructOf) -> Any:
        kind = _Types(schemas, struct_of, any_value).of(inner)
        return kind | UnsetType if default is UNSET else kind

    return Field(_steps(name, described), make, default, _member(name, make))


def _member(name: str, make: Callable[[StructOf], Any]) -> type[BaseModel] | None:
    """Return the model within a field; making its type shows whether all of it is understood."""
    within: list[type[BaseModel]] = []

    def struct_of(model: type[BaseModel]) -> Any:
        within.append(model)
        return str

    make(struct_of)
    if len(set(within)) > 1 or (within and name not in NESTED):
        raise Untranslatable("a model within")
    return within[0] if within else None


class _Types(NamedTuple):
    """Makes msgspec types of schemas."""

    schemas: Schemas
    struct_of: StructOf
    any_value: Any

    def of(self, schema: Schema) -> Any:
        kind = schema["type"]
        if kind == "definition-ref":
            return self.of(self.schemas[schema["schema_ref"]])
        if kind == "model":
            return self.struct_of(schema["cls"])
        if kind in _SCALARS:
            return _scalar(schema)
        if kind not in _COMPOUND:
            raise Untranslatable(kind)
        return _COMPOUND[kind](self, schema)

    def any(self, schema: Schema) -> Any:
        _check(schema)
        return self.any_value

    def nullable(self, schema: Schema) -> Any:
        _check(schema, "schema")
        return self.of(schema["schema"]) | None

    def array(self, schema: Schema) -> Any:
        _check(schema, "items_schema")
        return _list(self.of(schema.get("items_schema", _ANY)))

    def object(self, schema: Schema) -> Any:
        _check(schema, "keys_schema", "values_schema")
        if schema.get("keys_schema", _ANY) not in (_ANY, {"type": "str"}):
            raise Untranslatable("keys that are not any text")
        return GenericAlias(dict, (str, self.of(schema.get("values_schema", _ANY))))

    def literal(self, schema: Schema) -> Any:
        _check(schema, "expected")
        if not all(type(value) is str for value in schema["expected"]):
            raise Untranslatable("a literal that is not text")
        return Literal[tuple(schema["expected"])]

    def tree(self, schema: Schema) -> Any:
        _check(schema, "choices", "discriminator")
        if schema["discriminator"] is not tree_shape:
            raise Untranslatable("a union")
        root, roots = map(self.of, schema["choices"].values())
        return root | roots


_ANY = {"type": "any"}
_SCALARS = {"str": str, "float": float, "int": int, "bool": bool, "none": type(None)}
_COMPOUND = {
    "any": _Types.any,
    "nullable": _Types.nullable,
    "list": _Types.array,
    "dict": _Types.object,
    "literal": _Types.literal,
    "tagged-union": _Types.tree,
}
_BOUNDS = ("ge", "le", "gt", "lt", "min_length", "max_length")


def _scalar(schema: Schema) -> Any:
    _check(schema, *_BOUNDS)
    bounds = {bound: schema[bound] for bound in _BOUNDS if schema.get(bound) is not None}
    kind = _SCALARS[schema["type"]]
    return Annotated[kind, Meta(**bounds)] if bounds else kind


def _steps(name: str, described: Schema) -> Names:
    alias = described.get("validation_alias", name)
    if not isinstance(alias, str) and any(len(path) != 1 or isinstance(path, str) for path in alias):
        raise Untranslatable("an alias that is a path")
    return _names(name, described)


def _default(schema: Schema, is_envelope: bool) -> Any:
    """Return what a field is when it was left out."""
    if schema["type"] != "default":
        return NODEFAULT
    _check(schema, "schema", "default", "default_factory")
    if "default" not in schema:
        fresh: Any = {list: [], dict: {}}.get(schema["default_factory"], UNSET)
        if fresh is UNSET and not is_envelope:
            raise Untranslatable("a default that is made up")
        return fresh
    default = schema["default"]
    if type(default) not in (type(None), bool, int, float, str) and default not in ([], {}):
        raise Untranslatable("a default that is no JSON value")
    return default


def _is_moment(schema: Schema) -> bool:
    return schema["type"] == "function-after" and schema["function"].get("function") is with_zone
