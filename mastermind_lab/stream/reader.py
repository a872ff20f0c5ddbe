"""The entries of streams as they come, through faults of the network and the server."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from threading import Event

from ..decode import in_batches
from ..errors import SourceError
from ..frames import Account, id_key, total
from ..wire import SecretUrl
from .beginning import cursor_before, cursor_behind
from .connection import address, backoff_delay, explain, is_of_one_stream, is_permanent
from .cursor import Cursor, ReadResult
from .pages import UNCOUNTED, Pages, Prefetcher
from .replies import ABSENT, FEW, START, Look, StreamInfo
from .schedule import Schedule
from .session import Session
from .target import Client
from .update import Behind, StreamUpdate

_LONGEST_FAULT = 10.0  # seconds: what is to come to an end does not wait for ever
PACE = 0.1
"""Seconds after a round that brought little, in which more may come to be read with it."""

_LAST = f"{2**64 - 1}-{2**64 - 1}"
"""The last id that there can be."""

_FULL = 64  # entries a round: after so many there may be more, and no time is lost


class StreamReader:
    """The latest entries of some streams and then what is added to them, for ever.

    It has one connection of its own. ``XREAD BLOCK`` over all streams is the doorbell; one transaction of
    XRANGE and XINFO STREAM is the reading of each that rang, so that both speak of the same moment
    (:mod:`~mastermind_lab.stream.schedule` says when it is done with fewer). A user who has no right to one
    of these is served as well as can be: by looking four times a second, by one command after the other. A
    fault that passes is waited out and said; one that lasts is raised. Where one of several streams is none,
    or may not be read, that is said, and the others are read on.

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
    pace
        Seconds to wait after a round that brought a few entries: what comes meanwhile is read together.
    """

    def __init__(
        self,
        source: str | Client,
        streams: Sequence[str],
        *,
        backfill: int = 0,
        cursors: Mapping[str, Cursor] | None = None,
        since: str | None = None,
        pace: float = 0.0,
    ) -> None:
        self.source, self.streams = SecretUrl.of(source), tuple(streams)
        self.backfill, self.since, self.pace = backfill, since, pace
        self.numbered = False  # its ids are a stream's own
        self.where = address(source)
        self.cursors = dict(cursors or {})
        self._awaited: set[str] = set()
        self._refused: set[str] = set()
        self._closed = Event()
        self._session = Session(self.source, self.streams, self._closed)
        self._schedule = Schedule(self.streams)
        self._failures = 0

    def __iter__(self) -> Iterator[StreamUpdate]:
        """Yield what is new, of each stream at least once a second something, until :meth:`close`.

        Raises
        ------
        SourceError
            A lasting fault: a wrong password; or no right, or keys of another type, for all streams.
        """
        self._closed.clear()
        try:
            while self.streams and not self._closed.is_set():
                yield from self._round()
        finally:
            self._session.hang_up()

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
                if update.refused or self._is_at(ends.get(update.stream, START), update, places):
                    ends.pop(update.stream, None)
            elif time.monotonic() - last_good > _LONGEST_FAULT:
                raise update.transient_error
            if not ends:
                return

    def _newest(self, stream: str) -> str:
        try:
            return self._session.newest(stream)
        except Exception as error:  # as below
            if is_of_one_stream(error):
                return _LAST  # not known: it is where nothing more comes, or the reading says what is wrong
            self._session.hang_up()
            raise explain(error, self.where, stream) from error

    def _is_at(self, end: str, update: StreamUpdate, places: dict[str, str]) -> bool:
        """Tell whether a stream was read to an end; one that was deleted ends before it: nothing is left."""
        before, now = places.get(update.stream), self.cursors[update.stream].place
        places[update.stream] = now
        # Entries that were read in an earlier epoch move the cursor, and are not given again.
        is_quiet = now == before and not (update.entries or update.gap or update.reset)
        return is_quiet or id_key(now) >= id_key(end)

    def leave(self, stream: str) -> None:
        """Read no more of a stream."""
        self.streams = tuple(name for name in self.streams if name != stream)
        self._schedule.leave(stream)

    def close(self) -> None:
        """End the iteration, from any thread; a read that is waiting ends at once."""
        self._closed.set()
        self._session.hang_up()

    def _round(self) -> Iterator[StreamUpdate]:
        """Wait for the doorbell, and read a page of each stream whose turn it is."""
        stream, brought = self.streams[0], 0
        try:
            ringing = self._listen()
            for group in self._schedule.turn(ringing):
                seen = self._look_at_all(group, ringing)
                for stream in group:
                    for update in self._read_or_refuse(stream, stream in ringing, seen.get(stream)):
                        self._failures = 0
                        brought += len(update.entries)
                        yield update
        except Exception as error:  # noqa: BLE001 - a garbled reply may end in any error of the client's
            self._schedule.put_last(stream)  # the others come first, should it be this one alone
            if not self._closed.is_set():
                yield self._wait_out(error, stream)
        if 0 < brought < _FULL and not self._schedule.has_more:
            self._closed.wait(self.pace)

    def _listen(self) -> Collection[str]:
        """Wait for the doorbell, or for the time to look."""
        wait = self._schedule.milliseconds()
        places = {
            stream: self.cursors[stream].place
            for stream in self.streams
            if stream in self.cursors and stream not in self._refused and self._schedule.is_quiet(stream)
        }
        if places:
            return self._session.listen(places, wait)
        if wait:
            self._closed.wait(wait / 1_000)
        return ()

    def _look_at_all(self, group: Sequence[str], ringing: Collection[str]) -> dict[str, Look]:
        """Look at those of some streams together that need no more than that."""
        places = {
            stream: self.cursors[stream].place
            for stream in group
            if stream in self.cursors
            and stream not in self._refused
            and self._schedule.is_quiet(stream)
            and not self._schedule.figures[stream].are_large
            and (stream in ringing or self._schedule.figures[stream].are_due)
        }
        return self._session.look_at_all(places)

    def _read_or_refuse(self, stream: str, rings: bool, seen: Look | None) -> Iterator[StreamUpdate]:
        """Read a stream; where it alone of several cannot be read, say so once."""
        try:
            yield from self._updates(stream, rings, seen)
            self._refused.discard(stream)
        except Exception as error:
            if len(self.streams) == 1 or not is_of_one_stream(error):
                raise
            is_new = stream not in self._refused
            self._refused.add(stream)
            if self._refused >= set(self.streams):
                raise
            self._schedule.refused(stream)
            if is_new:
                yield StreamUpdate(stream, [], refused=self._explained(error, stream))

    def _updates(self, stream: str, rings: bool, seen: Look | None) -> Iterator[StreamUpdate]:
        if stream not in self.streams:
            return
        if stream not in self.cursors:
            yield from self._begin(stream)
            self._schedule.looked(stream)
        elif rings or self._schedule.figures[stream].are_due or not self._schedule.is_quiet(stream):
            yield self._read(stream, seen)
        else:
            self._schedule.looked(stream)
            yield self._update(stream, ReadResult([]))

    def _begin(self, stream: str) -> Iterator[StreamUpdate]:
        """Read the latest entries; the newest of them is where the cursor starts: none is in between."""
        if self.since is not None:
            yield self._begin_at(stream, self.since)
            return
        pages = Pages(self.source, stream, last=max(self.backfill, 1))
        entries = list(chain(*list(pages.through(self._session.connected()))[::-1]))
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
        yield StreamUpdate(stream, newest, account=account, ordinal=end.ordinal, behind=Behind(0, 0.0))

    def _begin_at(self, stream: str, since: str) -> StreamUpdate:
        now = self._session.look(stream, since, 1).now
        self.cursors[stream] = cursor_before(now, since)
        if now is not ABSENT:
            return self._read(stream)
        self._awaited.add(stream)
        note = f"there is no stream {stream!r} yet"
        account = Account(self.where, stream, certainty="not verified", note=note)
        return StreamUpdate(stream, [], account=account, behind=Behind(0, 0.0))

    def _read(self, stream: str, seen: Look | None = None) -> StreamUpdate:
        """Take in what is behind the cursor, as it was seen with others or is looked at now.

        The cursor is behind it then: all that was read is one update, which whoever stops has or has not.
        """
        cursor, figures = self.cursors[stream], self._schedule.figures[stream]
        if figures.are_large and not figures.are_due and (update := self._read_uncounted(stream)):
            return update
        seen = seen or self._session.look(stream, cursor.place, FEW if figures.are_large else 0)
        figures.asked(seen.now)
        result = cursor.take(seen)
        if cursor.must_recover:
            if not self._session.recover(stream, cursor, seen.now):
                return self._read(stream)
            result = ReadResult([], reset=True)
        has_more = result.reset or not seen.is_whole
        behind = _behind(cursor, seen.now) if has_more else Behind(0, 0.0)
        update = self._looked(stream, result, has_more, behind)
        return update._replace(account=self._begun(stream, seen.now))

    def _read_uncounted(self, stream: str) -> StreamUpdate | None:
        """Read entries alone, where figures would bring large ones along; None where it takes both."""
        cursor = self.cursors[stream]
        found, has_more = self._session.entries(stream, cursor.place)
        result = cursor.take_uncounted(found)
        return result and self._looked(stream, result, has_more, None if has_more else Behind(0, 0.0))

    def _looked(self, stream: str, result: ReadResult, has_more: bool, behind: Behind | None) -> StreamUpdate:
        self._schedule.looked(stream, has_more)
        self._session.read(stream, result.entries)
        return self._update(stream, result, behind)

    def _update(self, stream: str, result: ReadResult, behind: Behind | None = None) -> StreamUpdate:
        cursor = self.cursors[stream]
        return StreamUpdate(
            stream, *result, ordinal=cursor.ordinal, max_deleted=cursor.max_deleted, behind=behind
        )

    def _begun(self, stream: str, now: StreamInfo | None) -> Account | None:
        """Account for a stream that has begun since it was looked for: from its first entry on."""
        if stream not in self._awaited or now is None or now is ABSENT:
            return None
        self._awaited.discard(stream)
        if now.added is None:
            return Account(self.where, stream, certainty="not verified", note=UNCOUNTED)
        return Account(self.where, stream, missing=0, certainty="exact")

    def _wait_out(self, error: Exception, stream: str) -> StreamUpdate:
        self._session.hang_up()
        cause = (error.__cause__ if isinstance(error, SourceError) else error) or error
        explained = self._explained(error, stream)
        if isinstance(cause, Exception) and is_permanent(cause):
            raise explained from cause
        self._failures += 1
        self._closed.wait(backoff_delay(self._failures))
        return StreamUpdate(stream, [], transient_error=explained)

    def _explained(self, error: Exception, stream: str) -> SourceError:
        cursor = self.cursors.get(stream)
        safe = f"Read up to {cursor}" if cursor and cursor.place != START else "Nothing was read"
        return error if isinstance(error, SourceError) else explain(error, self.where, stream, safe)


def _behind(cursor: Cursor, now: StreamInfo | None) -> Behind:
    """Say how much of a stream waits behind a cursor."""
    if now is None:
        return Behind()
    entries = None if now.added is None or cursor.ordinal is None else max(now.added - cursor.ordinal, 0)
    ends = (id_key(one)[1] for one in (now.last_generated, cursor.place))
    return Behind(entries, max(next(ends) - next(ends), 0) / 1_000)
