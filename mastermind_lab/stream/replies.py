"""What Redis is asked about a stream, and how its replies are read: without input or output of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from redis import exceptions as fault

from ..envelope import FIELD

Entry = tuple[str, bytes | None]

START = "0-0"
"""The id before every other."""

BLOCK = 1_000
"""Milliseconds a read waits at most: a deleted stream never wakes its readers, so they wake by themselves."""

_ID = re.compile(rb"\d+-\d+")


class StreamInfo(NamedTuple):
    """What XINFO STREAM says: None where the server does not say it (before Redis 7)."""

    length: int
    added: int | None
    last_generated: str
    first: str | None
    max_deleted: str | None


ABSENT = StreamInfo(length=0, added=0, last_generated=START, first=None, max_deleted=START)
"""What a stream that does not exist amounts to."""


def ask(transaction: Any, stream: str, place: str, count: int) -> None:
    """Ask in one transaction, sync or asyncio, for entries and XINFO: both speak of the same moment."""
    transaction.xrange(stream, place, "+", count=count)
    # Last: had a bit of the entries been flipped on the way, it could not be read.
    transaction.xinfo_stream(stream)


def info_and_entries(raw: Any, info: Any) -> tuple[StreamInfo | None, list[Entry]]:
    """Read the two replies to :func:`ask`, or the errors in their place."""
    if isinstance(raw, Exception):
        raise raw
    return stream_info(info), entries_of(raw)


def stream_info(reply: Any) -> StreamInfo | None:
    """Read the reply of XINFO STREAM, or the error in its place; None where there is no right to ask."""
    if isinstance(reply, fault.NoPermissionError):
        return None
    if isinstance(reply, fault.ResponseError) and "no such key" in str(reply):
        return ABSENT
    if isinstance(reply, Exception):
        raise reply
    fields = {_text(key): value for key, value in reply.items()}
    first, deleted = fields.get("first-entry"), fields.get("max-deleted-entry-id")
    return StreamInfo(
        length=fields["length"],
        added=fields.get("entries-added"),
        last_generated=_text(fields["last-generated-id"]),
        first=_text(first[0]) if first else None,
        max_deleted=_text(deleted) if deleted is not None else None,
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def entries_of(raw: Iterable[Any]) -> list[Entry]:
    """Take the ids and payloads out of raw entries; a payload is None where there is no ``data`` field.

    Raises
    ------
    ValueError
        The reply was garbled on its way: something in the place of an id is none.
    """
    return [_entry(*entry) for entry in raw]


def _entry(entry_id: bytes, fields: dict[bytes, bytes] | None) -> Entry:
    if not _ID.fullmatch(entry_id):
        raise ValueError(f"{entry_id!r:.60} is no id")
    return entry_id.decode(), (fields or {}).get(FIELD.encode())


def newest_id(raw: Any) -> str:
    """Return the id of the one entry of a reply to XREVRANGE; START where the stream holds none."""
    return entries_of(raw)[0][0] if raw else START
