"""The wire contract once more, as compiled structs: where they say yes, ``envelope.validate`` says the same.

A struct refuses every field it does not declare, since what msgspec skips it does not check. So the names a
stream uses are declared as they are met. A field that was seen under one name goes by that name; a field seen
under several takes the first of the contract's order that is there. Nesting ends where the types end, well
within the judge's limit of 200, so that no payload is measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import FunctionType, GenericAlias
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import NODEFAULT, UNSET, DecodeError, Meta, Struct, UnsetType, defstruct
from msgspec.json import Decoder
from pydantic_core import from_json

from .paths import Path

# Compiling takes time in proportion to the levels of trees, and to 2 to the levels of values.
_LEVELS_OF_TREES, _LEVELS_OF_META, _LEVELS_OF_EXTRAS = 12, 8, 3

_Share = Annotated[float, Meta(ge=0, le=1)]
_Weight = Annotated[float, Meta(ge=0)]


def _list(of: Any) -> Any:
    return GenericAlias(list, (of,))


def _value(levels: int) -> Any:
    """Return the type of any JSON value of at most so many levels."""
    scalar = bool | int | float | str | None
    below = _value(levels - 1) if levels else None
    return scalar | _list(below) | GenericAlias(dict, (str, below)) if levels else scalar


_EXTRA = _value(_LEVELS_OF_EXTRAS)


class Field(NamedTuple):
    """A field of a part: its type, its default, the other names it is known by.

    A type that holds other parts is a function of the structs made so far.
    """

    type: Any
    default: Any = NODEFAULT
    known_as: tuple[str, ...] = ()

    @property
    def is_nested(self) -> bool:
        """Whether the field holds other parts."""
        return isinstance(self.type, FunctionType)

    def left_out(self) -> Any:
        """Return the default, or raise ValueError where there is none."""
        if self.default is NODEFAULT:
            raise ValueError("a field is missing")
        return self.default

    def checked(self, value: Any) -> Any:
        """Return the value of a field that holds text (or other parts, checked already)."""
        if self.is_nested or isinstance(value, str) or value is self.default:
            return value
        raise ValueError("text expected")


PARTS: dict[str, dict[str, Field]] = {
    "Vote": {
        "voter": Field(str, known_as=("agent", "agent_id", "name")),
        "choice": Field(str, known_as=("vote", "option", "position")),
        "confidence": Field(_Share | None, None),
        "weight": Field(_Weight, 1.0),
        "rationale": Field(str | None, None),
    },
    "Citation": {
        "source": Field(str, known_as=("url", "uri", "id")),
        "title": Field(str | None, None),
        "quote": Field(str | None, None),
        "relevance": Field(float | None, None),
    },
    "Argument": {
        "claim": Field(str, known_as=("text", "content", "statement")),
        "stance": Field(str | None, None, ("side", "kind")),
        "strength": Field(float | None, None),
        "author": Field(str | None, None, ("agent", "voter")),
        "children": Field(lambda made: made["children"], [], ("replies", "supports")),
    },
    "Decision": {
        "recommendation": Field(str),
        "confidence": Field(_Share),
        "decision_id": Field(str | None, None),
        "question": Field(str | None, None, ("topic", "prompt")),
        "rationale": Field(str | None, None, ("summary", "reasoning")),
        "argument_tree": Field(lambda made: made["Argument"] | made["children"] | None, None, ("arguments",)),
        "votes": Field(lambda made: _list(made["Vote"]), []),
        "citations": Field(lambda made: _list(made["Citation"]), []),
    },
    "Envelope": {
        "schema_version": Field(Literal["1"], "1"),
        "arena": Field(Literal["mastermind"], "mastermind"),
        "decision": Field(lambda made: made["Decision"]),
        "published_at": Field(str | UnsetType, UNSET),
        "correlation_id": Field(str | UnsetType, UNSET),
        "meta": Field(GenericAlias(dict, (str, _value(_LEVELS_OF_META))), {}),
    },
}
"""The models of ``envelope.py``, field by field, in the order of the contract's table."""


Names = tuple[str, ...]


@lru_cache(maxsize=64)  # compiling takes some milliseconds
def decoder(
    votes: Names, citations: Names, arguments: Names, decisions: Names, envelopes: Names
) -> Decoder[Any]:
    """Compile a decoder of envelopes whose parts were seen to hold these names."""
    made = {"Vote": _part("Vote", votes), "Citation": _part("Citation", citations), **_tree(arguments)}
    made["Decision"] = _struct("Decision", decisions, made)
    return Decoder(_struct("Envelope", envelopes, made))


@lru_cache(maxsize=64)
def _part(part: str, names: Names) -> type[Struct]:
    return _struct(part, names, {})


@lru_cache(maxsize=64)
def _tree(names: Names) -> dict[str, Any]:
    """Return the type of a root, and that of a list of roots: a chain of types, the last without children."""
    made: dict[str, Any] = {"children": Annotated[list[Any], Meta(max_length=0)]}
    for _ in range(_LEVELS_OF_TREES):
        made["Argument"] = _struct("Argument", names, made)
        made["children"] = _list(made["Argument"])
    return made


class _Choice(NamedTuple):
    """A field that was seen under several names: its attributes, in the contract's order."""

    attributes: list[str]
    field: Field


class _Layout:
    """The makings of one struct: fields for msgspec, the names they go by, and which may hold extras."""

    def __init__(self, made: Mapping[str, Any]) -> None:
        self.made = made
        self.fields: list[tuple[str, Any, Any]] = []
        self.names: dict[str, str] = {}
        self.extras: dict[str, str] = {}
        self.choices: list[_Choice] = []

    def add(self, attribute: str, name: str, kind: Any, default: Any) -> None:
        self.fields.append((attribute, kind, default))
        self.names[attribute] = name

    def add_field(self, attribute: str, field: Field, names: list[str]) -> None:
        kind = field.type(self.made) if field.is_nested else field.type
        if len(names) == 1:
            self.add(attribute, names[0], kind, field.default)
            return
        self.add(attribute, names[0], kind | UnsetType, UNSET)
        others = [self.add_extra(name, kind if field.is_nested else _EXTRA) for name in names[1:]]
        self.choices.append(_Choice([attribute, *others], field))

    def add_extra(self, name: str, kind: Any = _EXTRA) -> str:
        attribute = f"extra_{len(self.extras)}"
        self.add(attribute, name, kind | UnsetType, UNSET)
        self.extras[attribute] = name
        return attribute


def _struct(part: str, seen: Iterable[str], made: Mapping[str, Any]) -> type[Struct]:
    layout, rest = _Layout(made), dict.fromkeys(seen)
    for attribute, field in PARTS[part].items():
        names = [name for name in (attribute, *field.known_as) if name in rest] or [attribute]
        layout.add_field(attribute, field, names)
        rest = {name: None for name in rest if name not in names}
    for name in rest:
        layout.add_extra(name)
    methods = {"__post_init__": _chooser(layout.choices)} if layout.choices else {}
    return defstruct(
        part,
        layout.fields,
        rename=layout.names,
        namespace={"extras": tuple(layout.extras.items()), **methods},
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,  # what comes out of JSON holds no cycles
    )


def _chooser(choices: list[_Choice]) -> Callable[[Any], None]:
    def choose(part: Any) -> None:
        for attributes, field in choices:
            there = [one for one in attributes if getattr(part, one) is not UNSET]
            if not there:
                setattr(part, attributes[0], field.left_out())
            elif field.is_nested and len(there) > 1:
                raise ValueError("an extra that was read as parts")
            elif there[0] != attributes[0]:
                setattr(part, attributes[0], field.checked(getattr(part, there[0])))
                setattr(part, there[0], UNSET)

    return choose


MOST_NAMES = 48
"""Names, known or not, that are learned for each kind of part; envelopes with more are slower to decode."""

_MOST_LESSONS = 40


class SchemaCache:
    """The names met in a stream's envelopes, and the decoder made for them.

    Batches of one stream share it. It starts with the first names of the contract; an envelope that holds
    others is decoded by ``envelope.validate``, and the next one like it fast.
    """

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {part: set() for part in PARTS}
        self._lessons = 0
        self.open_columns: dict[str, set[Path]] = defaultdict(set)
        self._decode = decoder(*self._key()).decode

    def _key(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(sorted(names)) for names in self._seen.values())

    def envelope(self, payload: str | bytes) -> Any:
        """Decode an envelope into structs; None where that is for ``envelope.validate`` to say."""
        try:
            return self._decode(payload)
        # DecodeError: not JSON, or not as declared. UnicodeError: not UTF-8, or a lone surrogate.
        except (DecodeError, UnicodeError, RecursionError):
            return None

    def learn(self, payload: str | bytes) -> None:
        """Take in the names of an envelope that the judge has found valid."""
        if self._lessons == _MOST_LESSONS:
            return
        before = self._key()
        for part, names in _names(from_json(payload)):
            fresh = [name for name in names if name not in self._seen[part] and _can_be_declared(name)]
            self._seen[part].update(fresh[: MOST_NAMES - len(self._seen[part])])
        if before != self._key():
            self._lessons += 1
            self._decode = decoder(*self._key()).decode


def _can_be_declared(name: str) -> bool:
    # msgspec compares names as they are written.
    return name.isprintable() and not {'"', "\\"} & set(name)


def _names(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """List the parts of a valid envelope."""
    decision = document["decision"]
    yield "Envelope", document
    yield "Decision", decision
    for part, field in (("Vote", "votes"), ("Citation", "citations")):
        for one in decision.get(field, ()):
            yield part, one
    tree = _first(decision, "Decision", "argument_tree")
    nodes = tree if isinstance(tree, list) else [tree] if tree else []
    while nodes:
        node = nodes.pop()
        yield "Argument", node
        nodes.extend(_first(node, "Argument", "children") or ())


def _first(part: Mapping[str, Any], kind: str, field: str) -> Any:
    """Return the value of the first name of a field that is there."""
    names = (field, *PARTS[kind][field].known_as)
    return next((part[name] for name in names if name in part), None)
