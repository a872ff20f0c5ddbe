"""A stream's history, page by page, with an account of every entry that was ever added."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

import redis

from ..errors import SourceError
from ..frames import Account, id_key
from ..wire import SecretUrl
from .bounded import ReplyTooLargeError
from .connection import address, connect, explain, send
from .replies import ABSENT, FEW, Entry, StreamInfo, entries_in, stream_info
from .target import Client

Page = TypeVar("Page")

UNCOUNTED = "the server counts no added entries (before Redis 7)"

PAGE_BYTES = 2**20
"""The size a page aims at, whatever the size of an entry."""

FIRST_PAGE = 4
"""Entries to begin with, while their size is not known."""

_MOST_ENTRIES = 1_000  # should they suddenly become larger, the server has to hold so many of them
_FIRST_ANSWER = 2.0  # seconds: what is silent from the start may be no Redis at all
_MOST_AHEAD = 2  # one waits while the other is fetched


class Pages:
    """The entries of a stream, newest page first; within a page oldest to newest.

    Going back from the newest makes ``last`` cheap and the end firm: what is added meanwhile is not read.

    Parameters
    ----------
    source
        A URL, or a redis client, sync or asyncio; a connection of our own is opened to where it points.
    stream
        The stream's name.
    last
        At most so many entries, the newest.
    since, until
        Ids, both inclusive; half an id (milliseconds) covers all of its entries.

    Raises
    ------
    SourceError
        While iterating: no server, no right, no stream under this key, or it began again meanwhile.
    """

    def __init__(
        self,
        source: str | Client,
        stream: str,
        *,
        last: int | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> None:
        self.source, self.stream, self.last = SecretUrl.of(source), stream, last
        self.since, self.until = since, until
        self.timeout = 20.0  # seconds, for a server that has stopped answering
        self.where = address(source)
        self.entries = 0
        self.before: StreamInfo | None = None
        self.after: StreamInfo | None = None

    def __iter__(self) -> Generator[list[Entry]]:
        """Yield the pages; closing the iterator early ends its thread and its connection."""
        with self._connected(min(_FIRST_ANSWER, self.timeout)) as client:
            self.before = self._info(client)
        with self._connected(self.timeout) as client:
            yield from Prefetcher(self._pages(client), client.connection_pool.disconnect)
            self.after = self._info(client)
        self._refuse_mixture()

    def through(self, client: redis.Redis) -> Iterator[list[Entry]]:
        """Yield the pages on a connection that is there; its faults are raised as they are."""
        self.before = self._info(client)
        yield from self._pages(client)
        self.after = self._info(client)
        self._refuse_mixture()

    @contextmanager
    def _connected(self, timeout: float) -> Iterator[redis.Redis]:
        client = connect(self.source, timeout)
        try:
            yield client
        except Exception as error:  # a garbled reply may end in any error of the client's
            raise explain(error, self.where, self.stream) from error
        finally:
            client.connection_pool.disconnect()  # closing the client leaves it to the collector

    def _pages(self, client: redis.Redis) -> Iterator[list[Entry]]:
        """Read until nothing more comes: a page that a flipped bit has cut short is gone on behind."""
        end, size = self._end(), FIRST_PAGE
        while (wanted := min(size, self._wanted())) > 0:
            try:
                page = self._page(client, end, wanted)
            except ReplyTooLargeError:
                if wanted <= FEW:
                    raise
                size = smaller(wanted)
                continue
            if not page:
                return
            self.entries += len(page)
            yield page
            end, size = f"({page[0][0]}", next_size(page, size)

    def _page(self, client: redis.Redis, end: str, wanted: int) -> list[Entry]:
        command = ("XREVRANGE", self.stream, end, self.since or "-", "COUNT", wanted)
        [reply] = send(client, [command])
        return entries_in(reply)[::-1]

    def _end(self) -> str:
        """Return where the stream ended when it was asked for its length: what is added later is not read."""
        newest = self.before.last_generated if self.before else "+"
        if self.until is None or (newest != "+" and id_key(self.until) > id_key(newest)):
            return newest
        return self.until

    def _wanted(self) -> int:
        return _MOST_ENTRIES if self.last is None else self.last - self.entries

    def _info(self, client: redis.Redis) -> StreamInfo | None:
        [reply] = send(client, [("XINFO STREAM", self.stream)])
        return stream_info(reply)

    def _refuse_mixture(self) -> None:
        before, after = self.before, self.after
        if before and after and self._is_another(before, after):
            raise SourceError(
                f"{self.where}: the stream {self.stream!r} was deleted or begun again while it was read. "
                "Nothing is returned, since old and new entries would be mixed; read it again."
            )

    def _is_another(self, before: StreamInfo, after: StreamInfo) -> bool:
        if id_key(after.last_generated) < id_key(before.last_generated):
            return True
        if before.added is None or after.added is None:
            return False
        # Of one stream, what was not there any more was trimmed or deleted meanwhile, and is counted.
        gone = (after.added - after.length) - (before.added - before.length)
        return after.added < before.added or gone < max(self._lost(before, after), 0)

    @property
    def total(self) -> int | None:
        """How many entries are to come, where that is known beforehand."""
        if self.before is None or self.since or self.until:
            return None
        return self.before.length if self.last is None else min(self.last, self.before.length)

    def account(self) -> Account:
        """Account for every entry that was ever added and is not read: left out by the limits, or gone."""
        before, after = self.before, self.after
        account = Account(self.where, self.stream, certainty="not verified")
        if before is ABSENT:
            note = f"there is no stream {self.stream!r} yet: nothing was published, or the name is another"
            return replace(account, note=note)
        if before is None or after is None:
            return replace(account, left_out=None, note="no right to XINFO")
        lost = self._lost(before, after)
        account = replace(account, left_out=max(before.length - self.entries - lost, 0))
        if before.added is None:
            return replace(account, note=UNCOUNTED)
        missing = before.added - before.length + lost
        return replace(account, missing=missing, certainty=self._certainty(before))

    def _lost(self, before: StreamInfo, after: StreamInfo) -> int:
        """Count the entries that were there at the start and gone before their page was read."""
        if self.total is not None:
            return max(self.total - self.entries, 0)
        if before.added is None or after.added is None:
            return 0
        return max((after.added - after.length) - (before.added - before.length), 0)

    def _certainty(self, before: StreamInfo) -> str:
        """Deleted entries within the range may have been wanted or not: then missing is an upper bound."""
        deleted = before.max_deleted and before.first and id_key(before.max_deleted) >= id_key(before.first)
        vanished = self.after and self._lost(before, self.after)
        return "at most" if deleted or (vanished and self.total is None) else "exact"


class Prefetcher(Generic[Page]):
    """Pages fetched in a thread of their own while the one before is worked on.

    While the caller decodes, the thread waits for the server and takes from the socket what has arrived. A
    fault of the thread is raised where the page would have come.
    """

    def __init__(self, pages: Iterator[Page], hang_up: Callable[[], None]) -> None:
        self._pages, self._hang_up = pages, hang_up
        # The only queues that leave no lock behind where the one who waits at them is interrupted.
        self._ready: SimpleQueue[Page | BaseException | None] = SimpleQueue()
        self._room: SimpleQueue[bool] = SimpleQueue()  # a True for each page that may be fetched
        self._stopped = False
        self._thread = Thread(target=self._fetch, name="mastermind-pages", daemon=True)

    def __iter__(self) -> Iterator[Page]:
        try:
            self._thread.start()
            for _ in range(_MOST_AHEAD):
                self._room.put(True)
            while (page := self._ready.get()) is not None:
                if isinstance(page, BaseException):
                    raise page
                self._room.put(True)
                yield page
        finally:
            self._stop()

    def _fetch(self) -> None:
        try:
            while self._room.get() and not self._stopped:
                page = next(self._pages, None)
                self._ready.put(page)
                if page is None:
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by the one who waits for the page
            self._ready.put(error)

    def _stop(self) -> None:
        self._stopped = True
        self._room.put(False)
        while self._thread.is_alive():
            self._hang_up()  # ends a read that is under way, also on a connection that was made since
            self._thread.join(0.01)


def next_size(page: list[Entry], size: int) -> int:
    """Say how many entries the next page should have, after one of ``size``.

    Aim at pages of the same number of bytes, growing at most fourfold a step.
    """
    mean = sum(len(payload or b"") for _, payload in page) / len(page)
    return int(min(max(PAGE_BYTES / max(mean, 1), 1), max(size, FIRST_PAGE) * 4, _MOST_ENTRIES))


def smaller(size: int) -> int:
    """Say how many entries to ask for instead, where the reply was too large."""
    return max(size // 8, 1)
