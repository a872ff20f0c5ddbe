"""The batch: entries in, column buffers out."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from msgspec import UNSET, Struct
from pydantic_core import to_jsonable_python

from ..envelope import Reject, validate
from .columns import Column, DoesNotFit, from_meta, value_of
from .schema_cache import SchemaCache

Entry = TypeVar("Entry", bound=tuple[Any, ...])

# A batch's entries should be many enough to share the cost of their Arrow arrays, some 25 us each, and few
# enough not to count beside the result. A page of a stream makes one.
_BATCH_BYTES = 5 * 2**18
_TEXT = (str, bytes)  # a union would be made anew for each entry
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# One spelling among the many that pydantic takes, read the same by Python, and far from years 1 and 9999,
# which have times that UTC cannot express.
_PLAIN_TIME = re.compile(r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:[0-5]\d)", re.ASCII)
_is_plain_time, _time = _PLAIN_TIME.fullmatch, datetime.fromisoformat


class Decoded(Struct, gc=False):
    """An envelope that can become rows: its decision is a struct, or a model."""

    stream_id: str
    published_at: timedelta | None  # since 1970
    correlation_id: str | None
    decision: Any
    meta: dict[str, Any]
    extra: tuple[Any, ...]


class Batch:
    """Entries decoded so far; :func:`mastermind_lab.frames.tables` makes Arrow tables of them.

    Batches of about a megabyte of payloads are the fastest: enough rows share the cost of an Arrow array, and
    the memory of one is used again for the next.

    Parameters
    ----------
    columns
        Extra columns of ``decisions``.
    payloads
        Keep each valid envelope's raw JSON too.
    schema_cache
        The names that other batches of the same stream have met; it is added to.
    """

    def __init__(
        self, columns: Iterable[Column] = (), payloads: bool = False, schema_cache: SchemaCache | None = None
    ) -> None:
        self.columns = tuple(columns)
        self.keep_payloads = payloads
        self.schema_cache = schema_cache or SchemaCache()
        self.decoded: list[Decoded] = []
        self.rejects: list[tuple[str, str, str, bytes | None]] = []
        self.payloads: list[bytes | None] = []
        self._is_fast = all(from_meta(column) for column in self.columns)

    def add(self, stream_id: str, payload: str | bytes | None) -> None:
        """Decode one entry into rows, or into a reject; ``None`` is an entry without a ``data`` field."""
        quick = self._quick(stream_id, payload) if self._is_fast else None
        decoded = quick or self._validated(stream_id, payload)
        if isinstance(decoded, Reject):
            self.reject(stream_id, decoded, payload)
            return
        self.decoded.append(decoded)
        if self.keep_payloads:
            self.payloads.append(_bytes(payload))

    def reject(self, stream_id: str, why: Reject, payload: Any) -> None:
        """Record an entry that could not be decoded, with its bytes."""
        self.rejects.append((stream_id, why.reason, why.detail, _bytes(payload)))

    def _quick(self, stream_id: str, payload: Any) -> Decoded | None:
        """Decode with structs; None where they do not say yes."""
        envelope = self.schema_cache.envelope(payload) if type(payload) in (bytes, str) else None
        if envelope is None:
            return None
        try:
            published_at = _since_1970(envelope.published_at)
            extra = self._extra({"meta": envelope.meta}) if self.columns else ()
        except (ValueError, DoesNotFit):
            return None
        correlation_id = None if envelope.correlation_id is UNSET else envelope.correlation_id
        return Decoded(stream_id, published_at, correlation_id, envelope.decision, envelope.meta, extra)

    def _validated(self, stream_id: str, payload: Any) -> Decoded | Reject:
        if payload is None:
            return Reject("no_data", "no field 'data'")
        envelope = validate(payload, self.schema_cache.envelope_model)
        if isinstance(envelope, Reject):
            return envelope
        if self._is_fast:
            self.schema_cache.learn(payload)
        try:
            extra = self._extra(envelope)
        except DoesNotFit as misfit:
            return Reject("column", str(misfit))
        sent = envelope.model_fields_set
        # What the payload did not say stays missing: the models' defaults would invent a time and an id.
        published_at = envelope.published_at - _EPOCH if "published_at" in sent else None
        correlation_id = envelope.correlation_id if "correlation_id" in sent else None
        meta = to_jsonable_python(envelope.meta, fallback=str)  # an arena's may be a model
        return Decoded(stream_id, published_at, correlation_id, envelope.decision, meta, extra)

    def _extra(self, envelope: Any) -> tuple[Any, ...]:
        return tuple([value_of(column, envelope) for column in self.columns])


def _since_1970(text: Any) -> timedelta | None:
    """Read a time; ValueError where it is not spelled the plain way."""
    if text is UNSET:
        return None
    if not _is_plain_time(text):
        raise ValueError(text)
    return _time(text) - _EPOCH


def _bytes(payload: Any) -> bytes | None:
    if isinstance(payload, str):
        # A lone surrogate has no UTF-8; passing it through keeps the text for inspection.
        return payload.encode("utf-8", "surrogatepass")
    return bytes(payload) if isinstance(payload, bytes | bytearray) else None


def in_batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Split entries (an id, a payload, and what else there is) into batches of some bytes."""
    batch, size = [], 0
    for entry in entries:
        batch.append(entry)
        size += len(entry[1]) if isinstance(entry[1], _TEXT) else 0
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the cyclic garbage collector: what is decoded holds no cycles, yet doubles its work.

    The pause is the whole process's, so it should last for a batch and no longer. Two threads may pause at
    once: the first to end switches it on again, which costs the other a little speed and nothing else.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
