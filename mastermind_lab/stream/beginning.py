"""Where a reader begins on a stream: behind what it has read already, or just before an id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..frames import Account, id_key
from .cursor import Cursor, Known
from .pages import Pages
from .replies import ABSENT, START, Entry, StreamInfo
from .target import Client


def cursor_behind(pages: Pages, entries: list[Entry]) -> Cursor:
    """Start behind entries that were read as pages."""
    before = pages.before
    if before is None:
        return Cursor(entries[-1][0] if entries else START, known=entries)
    # Whatever was added up to there has been read, or is in the account.
    return at_the_end(before, entries)


def at_the_end(now: StreamInfo, entries: Sequence[Known] = ()) -> Cursor:
    """Start at a stream's end; its newest id tells the stream from another, where no entry was read."""
    known = entries or ([] if now.added == 0 else [(now.last_generated, ...)])
    return Cursor(now.last_generated, now.added, known, max_deleted=now.max_deleted)


def cursor_before(now: StreamInfo | None, since: str, ordinal: int | None = None) -> Cursor:
    """Start just before an id, or at the stream's end where that is earlier."""
    milliseconds, sequence = id_key(since)[1:]
    if now and id_key(now.last_generated)[1:] < (milliseconds, sequence):
        return at_the_end(now)
    if sequence:
        return Cursor(f"{milliseconds}-{sequence - 1}", ordinal)
    return Cursor(f"{milliseconds - 1}-{2**64 - 1}" if milliseconds else START, ordinal)


def counted_before(source: str | Client, stream: str, since: str) -> tuple[Cursor, Account]:
    """Start just before an id, and account for what lies before it.

    Redis counts all entries of a stream, but none of a part: those from the id on are fetched once, and
    counted.

    Raises
    ------
    SourceError
        The stream cannot be read.
    """
    pages = Pages(source, stream, since=since)
    for _ in pages:
        pass
    now = pages.before
    if now is ABSENT:
        return Cursor(), Account(missing=0, certainty="exact")
    ordinal = None if now is None or now.added is None else now.added - pages.entries
    return cursor_before(now, since, ordinal), replace(pages.account(), source=None, stream=None)


def added(source: str | Client, stream: str) -> int | None:
    """Ask how many entries a stream has ever taken; None where that is not told.

    Raises
    ------
    SourceError
        The stream cannot be read.
    """
    pages = Pages(source, stream, last=0)
    for _ in pages:
        pass
    return pages.before and pages.before.added
