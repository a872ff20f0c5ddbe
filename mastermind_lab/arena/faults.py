"""Malformed payloads, as a stream that many programs write to carries them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random
from typing import Any

from .simulation import Arena, dice


def _edit(payload: bytes, **changes: Any) -> bytes:
    """Change fields of the decision; None takes a field out."""
    document = json.loads(payload)
    changed = document["decision"] | changes
    document["decision"] = {key: value for key, value in changed.items() if value is not None}
    return json.dumps(document, ensure_ascii=False).encode()


def _next_version(payload: bytes) -> bytes:
    return json.dumps(json.loads(payload) | {"schema_version": "2"}, ensure_ascii=False).encode()


FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "next version": _next_version,
    "cut short": lambda payload: payload[: len(payload) // 2],
    "empty": lambda payload: b"",
    "bare list": lambda payload: b"[" + payload + b"]",
    "not UTF-8": lambda payload: payload.replace(b"mastermind", b"m\xffstermind", 1),
    "no recommendation": lambda payload: _edit(payload, recommendation=None),
    "confidence as text": lambda payload: _edit(payload, confidence="0.9"),
    "confidence too high": lambda payload: _edit(payload, confidence=1.2),
    "confidence not a number": lambda payload: _edit(payload, confidence=float("nan")),
}
"""What can be wrong with a payload, by name: each makes a malformed payload from a good one."""


def spoil(payload: bytes, random: Random) -> bytes:
    """Put one fault, drawn at random, into the payload of an envelope: no reader may accept it."""
    return FAULTS[random.choice(list(FAULTS))](payload)


def payloads(
    arena: Arena,
    count: int | None = None,
    *,
    malformed: float = 0.0,
    clock: Callable[[], datetime] | None = None,
) -> Iterator[bytes]:
    """Write an arena's decisions as they go on a stream, a few of them malformed.

    Parameters
    ----------
    arena
        The arena that decides.
    count
        How many payloads, the malformed among them; None for no end.
    malformed
        The share of payloads with a fault, 0 to 1.
    clock
        Tells the moment of publication; left out, the arena's own time moves on.
    """
    # Its own randomness: the good payloads are the same whatever the share of the bad.
    random = dice("faults", arena.seed)
    for envelope, _ in arena.decisions(count, clock=clock):
        payload = envelope.model_dump_json().encode()
        yield spoil(payload, random) if random.random() < malformed else payload
