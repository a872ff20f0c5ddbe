"""One connection to a server, what is asked on it of streams, and what was learned of rights and sizes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from threading import Event

import redis
from redis import exceptions as fault

from ..wire import SecretUrl
from .bounded import ReplyTooLargeError
from .connection import ask, connect, send
from .cursor import Cursor
from .pages import FIRST_PAGE, next_size, smaller
from .replies import (
    FEW,
    Entry,
    Look,
    StreamInfo,
    doorbell,
    entries_from,
    look,
    look_at_all,
    newest,
    newest_id,
    rung,
)
from .target import Client

TIMEOUT = 2.5
"""Seconds to wait for an answer: above the block, so that a server that hangs shows."""

UNHEARD = 0.25
"""Seconds between two looks where there is no right to a doorbell."""


class Session:
    """Asks for the reader; a page of each stream has about as many bytes, whatever its entries have.

    Parameters
    ----------
    source
        A URL, or a redis client.
    streams
        The streams' names.
    closed
        Set when nothing is to be asked any more.
    """

    def __init__(self, source: SecretUrl | Client, streams: Iterable[str], closed: Event) -> None:
        self._source, self._closed = source, closed
        self._sizes = dict.fromkeys(streams, FIRST_PAGE)
        self._one_by_one: set[str] = set()  # streams whose entries and figures don't come together
        self._alone: set[str] = set()  # streams that don't come together with others
        self._client: redis.Redis | None = None

    def connected(self) -> redis.Redis:
        """Return the connection, a new one where there is none."""
        if self._closed.is_set():
            raise fault.ConnectionError("closed")
        if self._client is None:
            self._client = connect(self._source, TIMEOUT)
        return self._client

    def hang_up(self) -> None:
        """Close the connection, and forget what rights there were: others may have been given meanwhile."""
        client, self._client = self._client, None
        self._one_by_one.clear()
        self._alone.clear()
        if client is not None:
            client.connection_pool.disconnect()

    def newest(self, stream: str) -> str:
        """Return a stream's newest id; that before every other where it holds no entry."""
        [reply] = send(self.connected(), [newest(stream)])
        return newest_id(reply)

    def listen(self, places: Mapping[str, str], milliseconds: int) -> Collection[str]:
        """Wait for the doorbell of some streams, and return those that may have something.

        What the server says against it, the reading that follows meets as well.
        """
        try:
            [reply] = send(self.connected(), [doorbell(places, milliseconds)])
        except ReplyTooLargeError:
            return places.keys()
        if isinstance(reply, fault.ClusterCrossSlotError):
            raise reply  # from reading to reading the streams would send us from node to node
        if isinstance(reply, Exception):
            self._closed.wait(UNHEARD if milliseconds else 0)
            return places.keys()
        ringing = rung(reply)
        return ringing if ringing <= places.keys() else places.keys()  # a name may have been garbled

    def entries(self, stream: str, place: str) -> tuple[list[Entry], bool]:
        """Read a page of entries alone, from the one at a place on; and tell whether there may be more."""
        while True:
            count = self._sizes[stream] + 1
            try:
                found = ask(self.connected(), entries_from(stream, place, count))
            except ReplyTooLargeError:
                if count <= FEW:
                    raise
                self._sizes[stream] = smaller(self._sizes[stream])
            else:
                return found, len(found) == count

    def look(self, stream: str, place: str, count: int = 0) -> Look:
        """Read entries, a page if no ``count`` is given, and figures; fewer where they are too large."""
        count = count or self._sizes[stream] + 1
        while True:
            try:
                steps = look(stream, place, count, transacts=stream not in self._one_by_one)
                seen = ask(self.connected(), steps)
            except ReplyTooLargeError:
                if count > FEW:
                    count = FEW  # the large ones may be those that the figures bring
                elif stream not in self._one_by_one:
                    self._one_by_one.add(stream)
                else:
                    raise
            else:
                if not seen.transacts:
                    self._one_by_one.add(stream)
                return seen

    def look_at_all(self, places: Mapping[str, str]) -> dict[str, Look]:
        """Look at several streams at once; those that it takes more for are left out."""
        wanted = {
            stream: (place, self._sizes[stream] + 1)
            for stream, place in places.items()
            if stream not in self._alone | self._one_by_one
        }
        if len(wanted) < 2:
            return {}
        try:
            found = ask(self.connected(), look_at_all(wanted))
        except ReplyTooLargeError:
            return {}
        if not found:  # one that may not be read has spoiled it for all
            self._alone.update(wanted)
        return found

    def recover(self, stream: str, cursor: Cursor, now: StreamInfo | None) -> bool:
        """Find where to go on in a stream that began again, in smaller pages where they are too large."""
        while True:
            try:
                return ask(self.connected(), cursor.recover(stream, now, self._sizes[stream]))
            except ReplyTooLargeError:
                if self._sizes[stream] <= FEW:
                    raise
                self._sizes[stream] = smaller(self._sizes[stream])

    def read(self, stream: str, entries: list[Entry]) -> None:
        """Take in how large a stream's entries are."""
        if entries:
            self._sizes[stream] = next_size(entries, self._sizes[stream])
