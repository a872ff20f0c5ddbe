"""What Redis is asked about a stream, and how its replies are read: without input or output of its own."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping
from operator import lt
from typing import Any, NamedTuple, TypeVar

from redis import exceptions as fault

from ..envelope import FIELD
from ..frames import id_key

Entry = tuple[str, bytes | None]

Result = TypeVar("Result")

Commands = list[tuple[Any, ...]]

Steps = Generator[Commands, list[Any], Result]
"""Yields commands, several to be sent as one transaction; is sent their replies, or errors in their place.

Two commands in one pipeline without MULTI are never sent: a reply that waits counts as the server's used
memory when the second one comes, and a server at its limit would evict the very stream that is read.
"""

START = "0-0"
"""The id before every other."""

BLOCK = 1_000
"""Milliseconds a read waits at most: a deleted stream never wakes its readers, so they wake by themselves."""

FEW = 2
"""So many entries may be of any size: the one that is wanted, and the cursor's own."""

_ID = re.compile(rb"\d+-\d+")


class StreamInfo(NamedTuple):
    """What XINFO STREAM says: None where the server does not say it (before Redis 7).

    ``size`` is how many bytes the first and the last entry have, which come with it.
    """

    length: int
    added: int | None
    last_generated: str
    first: str | None
    max_deleted: str | None
    size: int = 0


ABSENT = StreamInfo(length=0, added=0, last_generated=START, first=None, max_deleted=START)
"""What a stream that does not exist amounts to."""


class Look(NamedTuple):
    """What a stream holds from a place on.

    Attributes
    ----------
    now
        What XINFO says; None where there is no right to ask.
    entries
        The entries, at most as many as were asked for.
    is_whole
        Nothing of what ``now`` speaks of lies behind them.
    is_one_moment
        Both speak of the same moment; else ``now`` is the earlier one.
    transacts
        There is a right to transactions.
    """

    now: StreamInfo | None
    entries: list[Entry]
    is_whole: bool
    is_one_moment: bool = True
    transacts: bool = True


def look(stream: str, place: str, count: int, *, transacts: bool = True) -> Steps[Look]:
    """Ask for entries and XINFO of one moment, or one after the other where there is no right to more."""
    entries = ("XRANGE", stream, place, "+", "COUNT", count)
    info = ("XINFO STREAM", stream)
    if transacts:
        # XINFO last: had a bit of the entries been flipped on the way, it could not be read.
        raw, figures = yield [entries, info]
        if not _is_refused(raw):
            return _seen(raw, figures, place, count)
    return (yield from _look_one_by_one(entries, info, count))


def look_at_all(places: Mapping[str, tuple[str, int]]) -> Steps[dict[str, Look]]:
    """Ask the same of several streams in one transaction, each from a place on for so many entries.

    What cannot be told in that way of a stream, the look at it alone says: it is left out.
    """
    asked = (
        (("XRANGE", stream, place, "+", "COUNT", count), ("XINFO STREAM", stream))
        for stream, (place, count) in places.items()
    )
    replies = yield [command for both in asked for command in both]
    pairs = zip(places.items(), replies[::2], replies[1::2], strict=True)
    return {
        stream: _seen(raw, figures, *wanted)
        for (stream, wanted), raw, figures in pairs
        if not isinstance(raw, Exception)
    }


def _seen(raw: Any, figures: Any, place: str, count: int) -> Look:
    found, now = entries_in(raw), stream_info(figures)
    _check_order(found, place, now)
    return Look(now, found, is_whole=len(found) < count)


def entries_from(stream: str, place: str, count: int) -> Steps[list[Entry]]:
    """Ask for entries alone."""
    entries = ("XRANGE", stream, place, "+", "COUNT", count)
    # Something last, as little as can be: had a bit of the entries been flipped, it could not be read.
    raw, _ = yield [entries, ("XRANGE", stream, START, START, "COUNT", 1)]
    if _is_refused(raw):
        [raw] = yield [entries]
    found = entries_in(raw)
    _check_order(found, place, None)
    return found


def _check_order(found: list[Entry], place: str, now: StreamInfo | None) -> None:
    """Refuse ids that were garbled on their way: a cursor on one of them would lose its place."""
    ids = [entry_id for entry_id, _ in found]
    if not ids:
        return
    # Of one length, as ids mostly are, they are ordered as texts.
    is_rising = len(set(map(len, ids))) == 1 and all(map(lt, ids, ids[1:]))
    keys = [] if is_rising else [*map(id_key, ids)]
    end = now.last_generated if now else ids[-1]
    if keys != sorted(set(keys)) or not id_key(place) <= id_key(ids[0]) <= id_key(ids[-1]) <= id_key(end):
        raise fault.InvalidResponse(f"the ids {ids[0]} to {ids[-1]} are not in order")


def _is_refused(reply: Any) -> bool:
    """Tell whether there was no right to MULTI, EXEC, or one of the commands in between."""
    if isinstance(reply, fault.ResponseError):
        text = str(reply)
        return isinstance(reply, fault.NoPermissionError) or "NOPERM" in text or "without MULTI" in text
    return False


def _look_one_by_one(entries: tuple[Any, ...], info: tuple[Any, ...], count: int) -> Steps[Look]:
    """Ask for XINFO, entries, and XINFO again: where both say the same, nothing has come in between."""
    [before] = yield [info]
    [raw] = yield [entries]
    found, now = entries_in(raw), stream_info(before)
    is_whole = len(found) < count
    if now is None:
        return Look(None, found, is_whole, is_one_moment=False, transacts=False)
    [after] = yield [info]
    if stream_info(after) == now:
        return Look(now, found, is_whole, transacts=False)
    end = id_key(now.last_generated)
    known = [entry for entry in found if id_key(entry[0]) <= end]
    return Look(now, known, is_whole or len(known) < len(found), is_one_moment=False, transacts=False)


def entries_in(reply: Any) -> list[Entry]:
    """Read the reply of XRANGE or XREVRANGE, or raise the error in its place."""
    if isinstance(reply, Exception):
        raise reply
    return entries_of(reply)


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
        size=sum(map(_size, (first, fields.get("last-entry")))),
    )


def _size(entry: Any) -> int:
    return sum(map(len, entry[1].values())) if entry and entry[1] else 0


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def entries_of(raw: Iterable[Any]) -> list[Entry]:
    """Take the ids and payloads out of raw entries; a payload is None where there is no ``data`` field.

    Raises
    ------
    InvalidResponse
        The reply was garbled on its way: something in the place of an id is none.
    """
    return [_entry(*entry) for entry in raw]


def _entry(entry_id: bytes, fields: dict[bytes, bytes] | None) -> Entry:
    if not _ID.fullmatch(entry_id):
        raise fault.InvalidResponse(f"{entry_id!r:.60} is no id")
    return entry_id.decode(), (fields or {}).get(FIELD.encode())


def newest(stream: str) -> tuple[Any, ...]:
    """Make the command that asks for the newest entry."""
    return ("XREVRANGE", stream, "+", "-", "COUNT", 1)


def newest_id(reply: Any) -> str:
    """Return the id in a reply to :func:`newest`; START where the stream holds no entry."""
    entries = entries_in(reply)
    return entries[0][0] if entries else START


def doorbell(places: Mapping[str, str], block: int) -> tuple[Any, ...]:
    """Make the command that waits until something is added behind some places, so many ms, or for none."""
    wait = ("BLOCK", block) if block else ()  # to Redis, 0 is for ever
    return ("XREAD", *wait, "COUNT", 1, "STREAMS", *places, *places.values())


def rung(reply: Any) -> set[str]:
    """Return the names in a reply to :func:`doorbell`: the streams that hold something new."""
    return {_text(name) for name, *_ in (reply.items() if isinstance(reply, dict) else reply or ())}
