"""What the envelopes of one stream have taught so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import DecodeError
from pydantic_core import from_json

from .paths import Path
from .structs import PARTS, decoder

MOST_NAMES = 48
"""Names, known or not, that are learned for each kind of part; envelopes with more are slower to decode."""

_MOST_LESSONS = 40


class Learned:
    """The names met in a stream's envelopes, and the decoder made for them.

    Batches of one stream share it. It starts with the first names of the contract; an envelope that holds
    others is decoded by ``envelope.judge``, and the next one like it fast.
    """

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {part: set() for part in PARTS}
        self._lessons = 0
        self.open_columns: dict[str, set[Path]] = defaultdict(set)
        self._decode = decoder(*self._key()).decode

    def _key(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(sorted(names)) for names in self._seen.values())

    def envelope(self, payload: str | bytes) -> Any:
        """Decode an envelope into structs; None where that is for ``envelope.judge`` to say."""
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
