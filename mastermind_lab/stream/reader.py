"""The entries of streams as they come, through faults of the network and the server."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from threading import Event
from typing import NamedTuple

import redis
from redis import exceptions as fault

from ..decode import in_batches
from ..errors import SourceError
from ..frames import Account, id_key, total
from ..text import SecretUrl
from .beginning import cursor_before, cursor_behind
from .bounded import ReplyTooLargeError
from .connection import address, ask, backoff_delay, connect, explain, is_permanent, send
from .cursor import BEGUN_AGAIN, Cursor, Gap, ReadResult
from .pages import FIRST_PAGE, UNCOUNTED, Pages, Prefetcher, next_size, smaller
from .replies import ABSENT, BLOCK, FEW, START, Entry, Look, StreamInfo, doorbell, look, newest, newest_id
from .target import Client

_UNHEARD = 0.25  # seconds between two looks where there is no right to a doorbell
_TIMEOUT = 2.5  # seconds: above the block, so that a server that hangs shows
_LONGEST_FAULT = 10.0  # seconds: what is to come to an end does not wait for ever


class StreamUpdate(NamedTuple):
    """What happened on a stream: entries, oldest first, perhaps none; or a passing fault.

    ``account`` comes when a stream is begun at its latest entries: what of it was left out or missing; once
    more when a stream that was not there has begun.
    ``rewound`` comes from a replay only: what came before it no longer counts.
    ``ordinal`` is how many entries the stream ever took up to the last one here, where that is known, and
    ``max_deleted`` the newest that was ever deleted.
    """

    stream: str
    entries: list[Entry]
    gap: Gap | None = None
    reset: bool = False
    transient_error: SourceError | None = None
    account: Account | None = None
    rewound: bool = False
    ordinal: int | None = None
    max_deleted: str | None = None

    @property
    def gone(self) -> Account | None:
        """What was gone before it could be read, in coverage's words; None where nothing was."""
        return BEGUN_AGAIN if self.reset else self.gap.account() if self.gap else None


class StreamReader:
    """The latest entries of some streams and then what is added to them, for ever.

    It has one connection of its own. ``XREAD BLOCK`` is the doorbell; one transaction of XRANGE and
    XINFO STREAM is the reading, so that both speak of the same moment. A user who has no right to one of
    these is served as well as can be: by looking four times a second, by one command after the other. A
    fault that passes is waited out and said; one that lasts is raised.

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
        self.source, self.streams = SecretUrl.of(source), tuple(streams)
        self.backfill, self.since = backfill, since
        self.numbered = False  # its ids are a stream's own
        self.where = address(source)
        self.cursors = dict(cursors or {})
        self._sizes = dict.fromkeys(streams, FIRST_PAGE)
        self._awaited: set[str] = set()
        self._transacts = True
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
        places = {stream: cursor.place for stream, cursor in self.cursors.items()}
        last_good = time.monotonic()
        for update in self:
            yield update
            if update.transient_error is None:
                last_good = time.monotonic()
                if self._is_at(ends.get(update.stream, START), update, places):
                    ends.pop(update.stream, None)
            elif time.monotonic() - last_good > _LONGEST_FAULT:
                raise update.transient_error
            if not ends:
                return

    def _newest(self, stream: str) -> str:
        try:
            [reply] = send(self._connected(), [newest(stream)])
            return newest_id(reply)
        except Exception as error:  # as below
            self._hang_up()
            raise explain(error, self.where, stream) from error

    def _is_at(self, end: str, update: StreamUpdate, places: dict[str, str]) -> bool:
        """Tell whether a stream was read to an end; one that was deleted ends before it: nothing is left."""
        before, now = places.get(update.stream), self.cursors[update.stream].place
        places[update.stream] = now
        # Entries that were read in an earlier epoch move the cursor, and are not given again.
        is_quiet = now == before and not (update.entries or update.gap or update.reset)
        return is_quiet or id_key(now) >= id_key(end)

    def close(self) -> None:
        """End the iteration, from any thread; a read that is waiting ends at once."""
        self._closed.set()
        self._hang_up()

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        self._transacts = True  # rights may have been given meanwhile
        if client is not None:
            client.connection_pool.disconnect()

    def _round(self) -> Iterator[StreamUpdate]:
        """Read each stream once, and wait for the doorbell."""
        stream = ""
        try:
            for stream in self.streams:
                for update in self._read(stream) if stream in self.cursors else self._begin(stream):
                    self._failures = 0
                    yield update
            self._listen()
        except Exception as error:  # noqa: BLE001 - a garbled reply may end in any error of the client's
            if not self._closed.is_set():
                yield self._wait_out(error, stream)

    def _begin(self, stream: str) -> Iterator[StreamUpdate]:
        """Read the latest entries; the newest of them is where the cursor starts: none is in between."""
        if self.since is not None:
            yield from self._begin_at(stream, self.since)
            return
        pages = Pages(self.source, stream, last=max(self.backfill, 1))
        pages.timeout = _TIMEOUT
        entries = list(chain(*list(pages)[::-1]))
        account, end = pages.account(), cursor_behind(pages, entries)
        if pages.before is ABSENT:
            self._awaited.add(stream)
        if not self.backfill and entries:
            entries, account = [], replace(account, left_out=total((account.left_out, 1)))
        *earlier, newest = list(in_batches(entries)) or [[]]
        left = len(entries)
        for batch in earlier:
            # Whoever stops here goes on behind what was yielded.
            left -= len(batch)
            ordinal = None if end.ordinal is None else end.ordinal - left
            self.cursors[stream] = Cursor(batch[-1][0], ordinal, batch)
            yield StreamUpdate(stream, batch, ordinal=ordinal)
        self.cursors[stream] = end
        yield StreamUpdate(stream, newest, account=account, ordinal=end.ordinal)

    def _begin_at(self, stream: str, since: str) -> list[StreamUpdate]:
        now = self._look(stream, since, 1).now
        self.cursors[stream] = cursor_before(now, since)
        updates = self._read(stream)
        if now is not ABSENT:
            return updates
        self._awaited.add(stream)
        note = f"there is no stream {stream!r} yet"
        account = Account(self.where, stream, certainty="not verified", note=note)
        return [StreamUpdate(stream, [], account=account), *updates]

    def _read(self, stream: str) -> list[StreamUpdate]:
        cursor = self.cursors[stream]
        seen = self._look(stream, cursor.place, self._sizes[stream] + 1)
        result = cursor.take(seen)
        if cursor.must_recover:
            if not self._recover(stream, seen.now):
                return self._read(stream)
            result = ReadResult([], reset=True)
        if result.entries:
            self._sizes[stream] = next_size(result.entries, self._sizes[stream])
        update = StreamUpdate(stream, *result, ordinal=cursor.ordinal, max_deleted=cursor.max_deleted)
        return [*self._begun(stream, seen.now), update]

    def _recover(self, stream: str, now: StreamInfo | None) -> bool:
        """Find where to go on in a stream that began again, in smaller pages where they are too large."""
        while True:
            try:
                steps = self.cursors[stream].recover(stream, now, self._sizes[stream])
                return ask(self._connected(), steps)
            except ReplyTooLargeError:
                if self._sizes[stream] <= FEW:
                    raise
                self._sizes[stream] = smaller(self._sizes[stream])

    def _begun(self, stream: str, now: StreamInfo | None) -> list[StreamUpdate]:
        """Account for a stream that has begun since it was looked for: from its first entry on."""
        if stream not in self._awaited or now is None or now is ABSENT:
            return []
        self._awaited.discard(stream)
        account = Account(self.where, stream, missing=0, certainty="exact")
        if now.added is None:
            account = replace(account, missing=None, certainty="not verified", note=UNCOUNTED)
        return [StreamUpdate(stream, [], account=account)]

    def _look(self, stream: str, place: str, count: int) -> Look:
        """Read entries and figures, fewer where they are too large to come at once."""
        while True:
            try:
                steps = look(stream, place, count, transacts=self._transacts)
                seen = ask(self._connected(), steps)
            except ReplyTooLargeError:
                if self._transacts:
                    self._transacts = False  # the large ones may be those that XINFO brings
                elif count > FEW:
                    count = 1 + smaller(count - 1)
                    self._sizes[stream] = count - 1
                else:
                    raise
            else:
                self._transacts = seen.transacts
                return seen

    def _listen(self) -> None:
        """Wait for the doorbell; what the server says against it, the reading that follows meets as well."""
        places = {stream: self.cursors[stream].place for stream in self.streams}
        [reply] = send(self._connected(), [doorbell(places, BLOCK)])
        if isinstance(reply, fault.ClusterCrossSlotError):
            raise reply  # from reading to reading the streams would send us from node to node
        if isinstance(reply, Exception):
            self._closed.wait(_UNHEARD)

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
