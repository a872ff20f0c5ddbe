"""The four functions of the wire contract, on any ``redis.asyncio`` client."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from typing import Any

from redis import asyncio as aio
from redis import exceptions as fault
from redis.client import NEVER_DECODE

from ..envelope import FIELD, DecisionEnvelope, decode_envelope
from ..frames import id_key
from .connection import address, connect_async, explain, lasts
from .pages import Entry, Figures, entry, figures

log = logging.getLogger(__name__)

_LONGEST_BLOCK = 1_000  # ms: a deleted stream never wakes its readers, so they wake by themselves
_PAGE = 1_000


async def publish_envelope(client: aio.Redis, stream_name: str, envelope: DecisionEnvelope) -> str:
    """Publish one envelope with one XADD and return the entry's id.

    Raises
    ------
    redis.RedisError
        Whatever the client raises: publishing is never repeated behind the caller's back.
    """
    entry_id: Any = await client.xadd(stream_name, {FIELD: envelope.model_dump_json()})
    return entry_id.decode() if isinstance(entry_id, bytes) else str(entry_id)


async def read_envelopes(
    client: aio.Redis, stream_name: str, count: int
) -> list[tuple[str, DecisionEnvelope]]:
    """Read the latest ``count`` entries, newest first; bad ones are skipped with a warning in the log."""
    if count <= 0:
        return []
    # Undecoded, whatever the client's setting: one bad byte must not cost the others.
    undecoded: Any = {NEVER_DECODE: True}
    raw = await client.execute_command("XREVRANGE", stream_name, "+", "-", "COUNT", count, **undecoded)  # type: ignore[no-untyped-call] # untyped in redis
    return _valid([entry(one) for one in raw])


def _valid(entries: list[Entry]) -> list[tuple[str, DecisionEnvelope]]:
    found = []
    for entry_id, payload in entries:
        envelope = decode_envelope(payload) if payload is not None else None
        if payload is None:
            log.warning("skipped entry %s: it has no field %r", entry_id, FIELD)
        if envelope is not None:
            found.append((entry_id, envelope))
    return found


async def follow_envelopes(
    client: aio.Redis, stream_name: str, *, block_ms: int = 0, last_id: str = "$"
) -> AsyncIterator[tuple[str, DecisionEnvelope]]:
    """Yield envelopes as they are published, for ever, until the caller cancels.

    Parameters
    ----------
    client
        Any asyncio client; a connection of our own is opened to where it points.
    stream_name
        The stream's name; one that does not exist yet is waited for.
    block_ms
        How long one read waits at most, in milliseconds; 0 waits for ever. Either way the iteration goes on.
    last_id
        The id to go on behind; ``"$"`` is the newest there is when the iteration begins.

    Raises
    ------
    SourceError
        A lasting fault: a wrong password, no right, a key of another type. Passing ones are waited out.
    """
    follower = _Follower(client, stream_name, min(block_ms or _LONGEST_BLOCK, _LONGEST_BLOCK))
    try:
        await follower.begin(last_id)
        while True:
            for found in _valid(await follower.next_entries()):
                yield found
    finally:
        await follower.close()


class _Follower:
    """A cursor on a stream that survives passing faults, trimming, and streams that begin again."""

    def __init__(self, client: aio.Redis, stream: str, block: int) -> None:
        self.client, self.stream, self.block = connect_async(client), stream, block
        self.where = address(client)
        self.cursor = "0-0"
        self.ordinal: int | None = None  # of the cursor among all entries ever added, where that is known
        self.failures = 0

    async def begin(self, last_id: str) -> None:
        self.cursor = last_id
        while last_id == "$" and self.cursor == "$":
            try:
                raw: Any = await self.client.xrevrange(self.stream, "+", "-", count=1)
                # An empty or missing stream is followed from its very beginning.
                self.cursor = entry(raw[0])[0] if raw else "0-0"
            except (fault.RedisError, OSError) as error:
                await self._wait_out(error)

    async def next_entries(self) -> list[Entry]:
        """Wait for the doorbell, then read what lies behind the cursor; a passing fault gives none."""
        try:
            await self.client.xread({self.stream: self.cursor}, count=1, block=self.block)
            info, raw = await self._look()
        except (fault.RedisError, OSError) as error:
            await self._wait_out(error)
            return []
        self.failures = 0
        if self._began_again(info):
            return []
        entries = [entry(one) for one in raw]
        self._advance(info, entries)
        return entries

    async def _look(self) -> tuple[Figures | None, Any]:
        """Read figures and entries in one transaction, so that both speak of the same moment."""
        async with self.client.pipeline(transaction=True) as both:
            both.xinfo_stream(self.stream)
            both.xrange(self.stream, f"({self.cursor}", "+", count=_PAGE)
            try:
                info, raw = await both.execute(raise_on_error=False)
            except fault.NoPermissionError:
                return None, await self.client.xrange(self.stream, f"({self.cursor}", "+", count=_PAGE)
        if isinstance(raw, Exception):
            raise raw
        return (None if isinstance(info, Exception) else figures(info)), raw

    def _began_again(self, now: Figures | None) -> bool:
        if now is None:
            return False
        back = id_key(now.last_generated) < id_key(self.cursor)
        fewer = None not in (now.added, self.ordinal) and now.added < self.ordinal  # type: ignore[operator]
        if back or fewer:
            log.warning("%s: the stream %r began again; following it from its start", self.where, self.stream)
            self.cursor, self.ordinal = "0-0", None
        return bool(back or fewer)

    def _advance(self, now: Figures | None, entries: list[Entry]) -> None:
        if now and now.added is not None and now.first and self.ordinal is not None:
            gap = (now.added - now.length) - self.ordinal
            if id_key(now.first) > id_key(self.cursor) and gap > 0:
                log.warning(
                    "%s: %d entries of %r behind %s were trimmed before they could be read",
                    self.where, gap, self.stream, self.cursor,
                )  # fmt: skip
                self.ordinal += gap
        if entries:
            self.cursor = entries[-1][0]
        self.ordinal = self._ordinal(now, len(entries))

    def _ordinal(self, now: Figures | None, read: int) -> int | None:
        if now is None or now.added is None:
            return None
        if now.last_generated == self.cursor:
            return now.added
        return None if self.ordinal is None else self.ordinal + read

    async def _wait_out(self, error: Exception) -> None:
        if lasts(error):
            raise explain(error, self.where, self.stream) from error
        if not self.failures:
            log.warning("%s: %s; following goes on from %s", self.where, error, self.cursor)
        self.failures += 1
        await self.client.connection_pool.disconnect()
        # Jitter: many followers of one server should not come back at the same moment.
        await asyncio.sleep(min(0.05 * 2**self.failures, 2.0) * random.uniform(0.5, 1))  # noqa: S311

    async def close(self) -> None:
        await self.client.aclose()
        await self.client.connection_pool.disconnect()
