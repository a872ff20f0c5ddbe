"""The names that the envelopes of a stream use, and the decoder made for them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import DecodeError
from pydantic import BaseModel
from pydantic_core import from_json

from ..envelope import DecisionEnvelope
from .contract import Field, Model, Untranslatable, check_names, models_of
from .paths import Path
from .structs import decoder

MOST_NAMES = 48
"""Names, declared or not, that are kept for each model; envelopes with more are slower to decode."""

_MOST_UPDATES = 40

log = logging.getLogger(__name__)


class SchemaCache:
    """The names met in a stream's envelopes, and the decoder made for them.

    Batches of one stream share it. It starts with the first names of the models; an envelope that holds
    others is decoded by ``envelope.validate``, and the next one like it fast.

    Parameters
    ----------
    envelope_model
        An arena's own class of envelopes, if it has one. Fields that its models declare beyond ours are open
        columns, of the values that the models give. Models with validators, or with types that JSON does not
        have, are read by pydantic alone, which is slower.

    Raises
    ------
    OptionError
        Two fields of a model are read under one name.
    """

    def __init__(self, envelope_model: type[DecisionEnvelope] = DecisionEnvelope) -> None:
        check_names(envelope_model)
        self.envelope_model = envelope_model
        self.open_columns: dict[str, set[Path]] = defaultdict(set)
        self._models = _translated(envelope_model)
        self._seen: dict[type[BaseModel], set[str]] = {model: set() for model in self._models}
        self._updates = 0
        self._decode = self._compiled()

    def _compiled(self) -> Callable[[str | bytes], Any]:
        if not self._models:
            return lambda payload: None
        seen = tuple((model, tuple(sorted(names))) for model, names in self._seen.items())
        return decoder(self.envelope_model, seen).decode

    def envelope(self, payload: str | bytes) -> Any:
        """Decode an envelope into structs; None where that is for ``envelope.validate`` to say."""
        try:
            return self._decode(payload)
        # DecodeError: not JSON, or not as declared. UnicodeError: not UTF-8, or a lone surrogate.
        except (DecodeError, UnicodeError, RecursionError):
            return None

    def learn(self, payload: str | bytes) -> None:
        """Take in the names of a valid envelope."""
        if not self._models or self._updates == _MOST_UPDATES:
            return
        fresh = 0
        for model, names in _members(self._models, self.envelope_model, from_json(payload)):
            fresh += self._add(model, names)
        if fresh:
            self._updates += 1
            self._decode = self._compiled()

    def _add(self, model: type[BaseModel], names: Mapping[str, Any]) -> int:
        seen, fields = self._seen[model], self._models[model].fields
        fresh = [name for name in names if name not in seen and _can_be_declared(name, fields)]
        added = fresh[: MOST_NAMES - len(seen)]
        seen.update(added)
        return len(added)


def _translated(envelope_model: type[DecisionEnvelope]) -> dict[type[BaseModel], Model]:
    """Return the models that structs are made of; none where structs could not read them alike."""
    try:
        models = models_of(envelope_model)
        decoder(envelope_model, tuple((model, ()) for model in models))
    # TypeError, ValueError: msgspec does not take a type, or a bound.
    except (Untranslatable, TypeError, ValueError) as why:
        log.info("%s is read by pydantic alone, slower: %s", envelope_model.__name__, why)
        return {}
    return models


def _can_be_declared(name: str, fields: Mapping[str, Field]) -> bool:
    # msgspec compares names as they are written. A field that is read under another name first would
    # share its column with an extra of its own name.
    is_plain = name.isprintable() and not {'"', "\\"} & set(name)
    return is_plain and (name not in fields or name == fields[name].names[0])


def _members(
    models: Mapping[type[BaseModel], Model], model: type[BaseModel], document: Mapping[str, Any]
) -> Iterator[tuple[type[BaseModel], Mapping[str, Any]]]:
    """List the objects of a valid envelope that are read as models."""
    waiting = [(model, document)]
    while waiting:
        model, members = waiting.pop()
        yield model, members
        for field in models[model].fields.values():
            if field.model:
                value = next((members[name] for name in field.names if name in members), None)
                inner = value if isinstance(value, list) else [value] if value else []
                waiting += [(field.model, member) for member in inner]
