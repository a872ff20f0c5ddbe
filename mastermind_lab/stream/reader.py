"""The entries of streams as they come, through faults of the network and the server."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from threading import Event
from typing import Any, NamedTuple

import redis
from redis import exceptions as fault

from ..errors import SourceError
from ..frames import Account, id_key, total
from .connection import Client, address, backoff_delay, connect, explain, is_permanent
from .cursor import Cursor, Gap
from .pages import Pages, Prefetcher, next_size
from .replies import ABSENT, BLOCK, START, Entry, StreamInfo, ask, entries_of, info_and_entries, newest_id

_FIRST_PAGE = 64
_TIMEOUT = 2.5  # seconds: above the block, so that a server that hangs shows
_LONGEST_FAULT = 10.0  # seconds: what is to come to an end does not wait for ever


class StreamUpdate(NamedTuple):
    """What happened on a stream: entries, oldest first, perhaps none; or a passing fault.

    ``account`` comes once, when a stream is begun at its latest entries: what of it was left out or missing.
    ``rewound`` comes from a replay only: what came before it no longer counts.
    ``ordinal`` is how many entries the stream ever took up to the last one here, where that is known.
    """

    stream: str
    entries: list[Entry]
    gap: Gap | None = None
    reset: bool = False
    transient_error: SourceError | None = None
    account: Account | None = None
    rewound: bool = False
    ordinal: int | None = None


class StreamReader:
    """The latest entries of some streams and then what is added to them, for ever.

    It has one connection of its own. ``XREAD BLOCK`` is the doorbell; one transaction of XRANGE and
    XINFO STREAM is the reading, so that both speak of the same moment. A fault that passes is waited
    out and said; one that lasts is raised.

    Parameters
    ----------
    source
        A URL, or a redis client, sync or asyncio.
    streams
        The streams' names.
    backfill
        How many of each stream's latest entries to begin with.
    cursors
        Where to go on instead, by stream.
    since
        Begin instead with the first entry from this id on, or with what is added if there is none yet; half
        an id (milliseconds) covers all of its entries.
    """

    def __init__(
        self,
        source: str | Client,
        streams: Sequence[str],
        *,
        backfill: int = 0,
        cursors: Mapping[str, Cursor] | None = None,
        since: str | None = None,
    ) -> None:
        self.source, self.streams, self.backfill, self.since = source, tuple(streams), backfill, since
        self.numbered = False  # its ids are a stream's own
        self.where = address(source)
        self.cursors = dict(cursors or {})
        self._sizes = dict.fromkeys(streams, _FIRST_PAGE)
        self._closed = Event()
        self._client: redis.Redis | None = None
        self._failures = 0

    def __iter__(self) -> Iterator[StreamUpdate]:
        """Yield what is new, at least once a second something, until :meth:`close`.

        Raises
        ------
        SourceError
            A lasting fault: a wrong password, no right, a key of another type.
        """
        self._closed.clear()
        try:
            while not self._closed.is_set():
                yield from self._round()
        finally:
            self._hang_up()

    def up_to_now(self) -> Iterator[StreamUpdate]:
        """Yield what is new up to where the streams end at this moment, and come to an end there.

        What is next is fetched in a thread of its own while the caller works: meanwhile ``cursors`` is ahead
        of what was yielded.

        Raises
        ------
        SourceError
            A lasting fault; one that passes too, at the start or where it has lasted for ten seconds.
        """
        return iter(Prefetcher(self._until_the_end(), self.close))

    def _until_the_end(self) -> Iterator[StreamUpdate]:
        ends = {stream: self._newest(stream) for stream in self.streams}
        last_good = time.monotonic()
        for update in self:
            yield update
            if update.transient_error is None:
                last_good = time.monotonic()
                if self._is_at(ends.get(update.stream, START), update):
                    ends.pop(update.stream, None)
            elif time.monotonic() - last_good > _LONGEST_FAULT:
                raise update.transient_error
            if not ends:
                return

    def _newest(self, stream: str) -> str:
        try:
            raw: Any = self._connected().xrevrange(stream, count=1)
        except (fault.RedisError, OSError) as error:
            self._hang_up()
            raise explain(error, self.where, stream) from error
        return newest_id(raw)

    def _is_at(self, end: str, update: StreamUpdate) -> bool:
        """Tell whether a stream was read to an end; one that was deleted ends before it: nothing is left."""
        is_quiet = not (update.entries or update.gap or update.reset)
        return is_quiet or id_key(self.cursors[update.stream].place) >= id_key(end)

    def close(self) -> None:
        """End the iteration, from any thread; a read that is waiting ends at once."""
        self._closed.set()
        self._hang_up()

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.connection_pool.disconnect()

    def _round(self) -> Iterator[StreamUpdate]:
        """Read each stream once, and wait for the doorbell."""
        stream = ""
        try:
            for stream in self.streams:
                updates = self._read(stream) if stream in self.cursors else self._begin(stream)
                self._failures = 0
                yield from updates
            self._listen()
        except Exception as error:  # noqa: BLE001 - a garbled reply may end in any error of the client's
            if not self._closed.is_set():
                yield self._wait_out(error, stream)

    def _begin(self, stream: str) -> list[StreamUpdate]:
        """Read the latest entries; the newest of them is where the cursor starts: none is in between."""
        if self.since is not None:
            return self._begin_at(stream, self.since)
        pages = Pages(self.source, stream, last=max(self.backfill, 1))
        pages.timeout = _TIMEOUT
        oldest_first = list(pages)[::-1]
        self.cursors[stream] = _cursor_behind(pages, list(chain(*oldest_first)))
        account = pages.account()
        if not self.backfill and oldest_first:
            oldest_first, account = [], replace(account, left_out=total((account.left_out, 1)))
        *earlier, newest = oldest_first or [[]]
        last = StreamUpdate(stream, newest, account=account, ordinal=self.cursors[stream].ordinal)
        return [StreamUpdate(stream, page) for page in earlier] + [last]

    def _begin_at(self, stream: str, since: str) -> list[StreamUpdate]:
        now, _ = _info_and_entries(self._connected(), stream, since, 1)
        self.cursors[stream] = _cursor_before(now, since)
        note = f"there is no stream {stream!r} yet"
        absent = Account(self.where, stream, certainty="not verified", note=note) if now is ABSENT else None
        return [update._replace(account=absent) for update in self._read(stream)]

    def _read(self, stream: str) -> list[StreamUpdate]:
        client, cursor = self._connected(), self.cursors[stream]
        now, entries = _info_and_entries(client, stream, cursor.place, self._sizes[stream] + 1)
        result = cursor.take(now, entries)
        if result.reset:
            _recover(client, stream, cursor, now)
        if result.entries:
            self._sizes[stream] = next_size(result.entries, self._sizes[stream])
        return [StreamUpdate(stream, *result, ordinal=cursor.ordinal)]

    def _listen(self) -> None:
        """Wait for the doorbell; what the server says against it, the reading that follows meets as well."""
        places: Any = {stream: self.cursors[stream].place for stream in self.streams}
        with suppress(fault.ResponseError):
            self._connected().xread(places, count=1, block=BLOCK)

    def _connected(self) -> redis.Redis:
        if self._closed.is_set():
            raise fault.ConnectionError("closed")
        if self._client is None:
            self._client = connect(self.source, _TIMEOUT)
        return self._client

    def _wait_out(self, error: Exception, stream: str) -> StreamUpdate:
        self._hang_up()
        cause = (error.__cause__ if isinstance(error, SourceError) else error) or error
        cursor = self.cursors.get(stream)
        safe = f"Read up to {cursor}" if cursor and cursor.place != START else "Nothing was read"
        explained = error if isinstance(error, SourceError) else explain(error, self.where, stream, safe)
        if isinstance(cause, Exception) and is_permanent(cause):
            raise explained from cause
        self._failures += 1
        self._closed.wait(backoff_delay(self._failures))
        return StreamUpdate(stream, [], transient_error=explained)


def _cursor_behind(pages: Pages, entries: list[Entry]) -> Cursor:
    before = pages.before
    if not entries:
        return Cursor(before.last_generated, before.added) if before else Cursor()
    newest = entries[-1][0]
    return Cursor(newest, before.added if before and before.last_generated == newest else None, entries)


def _cursor_before(now: StreamInfo | None, since: str) -> Cursor:
    """Start just before an id, or at the stream's end where that is earlier."""
    milliseconds, sequence = id_key(since)[1:]
    if now and id_key(now.last_generated)[1:] < (milliseconds, sequence):
        return Cursor(now.last_generated, now.added)
    if sequence:
        return Cursor(f"{milliseconds}-{sequence - 1}")
    return Cursor(f"{milliseconds - 1}-{2**64 - 1}" if milliseconds else START)


def _info_and_entries(
    client: redis.Redis, stream: str, place: str, count: int
) -> tuple[StreamInfo | None, list[Entry]]:
    """Read both, or the entries alone where there is no right to more."""
    with client.pipeline(transaction=True) as transaction:
        ask(transaction, stream, place, count)
        try:
            raw, info = transaction.execute(raise_on_error=False)
        except fault.NoPermissionError as error:
            raw, info = client.xrange(stream, place, "+", count=count), error
    return info_and_entries(raw, info)


def _recover(client: redis.Redis, stream: str, cursor: Cursor, now: StreamInfo | None) -> None:
    search = cursor.recover(now)
    with suppress(StopIteration):
        wanted = next(search)
        while True:
            there: Any = client.xrange(stream, wanted, wanted)
            wanted = search.send(entries_of(there))
