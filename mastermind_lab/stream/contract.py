"""The four functions of the wire contract, on any ``redis.asyncio`` client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from redis import asyncio as aio
from redis import exceptions as fault
from redis.client import NEVER_DECODE

from ..envelope import FIELD, DecisionEnvelope, decode_envelope
from .connection import address, backoff_delay, connect_async, explain, is_permanent
from .cursor import Cursor, ReadResult
from .replies import BLOCK, Entry, StreamInfo, ask, entries_of, info_and_entries, newest_id

log = logging.getLogger(__name__)

_PAGE = 1_000


async def publish_envelope(client: aio.Redis, stream_name: str, envelope: DecisionEnvelope) -> str:
    """Publish one envelope with one XADD and return the entry's id.

    NaN and infinite numbers, which JSON does not have, go out as null.

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
    return _valid(entries_of(raw))


def _valid(entries: list[Entry]) -> list[tuple[str, DecisionEnvelope]]:
    valid = []
    for entry_id, payload in entries:
        envelope = decode_envelope(payload) if payload is not None else None
        if payload is None:
            log.warning("skipped entry %s: it has no field %r", entry_id, FIELD)
        if envelope is not None:
            valid.append((entry_id, envelope))
    return valid


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
    follower = _Follower(client, stream_name, min(block_ms or BLOCK, BLOCK))
    try:
        await follower.begin(last_id)
        while True:
            for entry in _valid(await follower.next_entries()):
                yield entry
    finally:
        await follower.close()


class _Follower:
    """The asyncio way behind a :class:`Cursor`, one stream's."""

    def __init__(self, client: aio.Redis, stream: str, block: int) -> None:
        self.client, self.stream, self.block = connect_async(client), stream, block
        self.where = address(client)
        self.cursor = Cursor()
        self.failures = 0

    async def begin(self, last_id: str) -> None:
        while last_id == "$":
            try:
                raw: Any = await self.client.xrevrange(self.stream, "+", "-", count=1)
            except Exception as error:  # noqa: BLE001 - as below
                await self._wait_out(error)
            else:
                # An empty or missing stream is followed from its very beginning.
                last_id = newest_id(raw)
        self.cursor = Cursor(last_id)

    async def next_entries(self) -> list[Entry]:
        """Wait for the doorbell, then read what lies behind the cursor; a passing fault gives none."""
        try:
            await self.client.xread({self.stream: self.cursor.place}, count=1, block=self.block)
            now, entries = await self._info_and_entries()
            result = self.cursor.take(now, entries)
            if result.reset:
                await self._recover(now)
        except Exception as error:  # noqa: BLE001 - a garbled reply may end in any error of the client's
            await self._wait_out(error)
            return []
        self.failures = 0
        self._warn(result)
        return [(entry_id.partition("@")[0], payload) for entry_id, payload in result.entries]

    async def _info_and_entries(self) -> tuple[StreamInfo | None, list[Entry]]:
        """Read both, or the entries alone where there is no right to more."""
        place, count = self.cursor.place, _PAGE + 1
        async with self.client.pipeline(transaction=True) as transaction:
            ask(transaction, self.stream, place, count)
            try:
                raw, info = await transaction.execute(raise_on_error=False)
            except fault.NoPermissionError as error:
                raw, info = await self.client.xrange(self.stream, place, "+", count=count), error
        return info_and_entries(raw, info)

    async def _recover(self, now: StreamInfo | None) -> None:
        search = self.cursor.recover(now)
        with suppress(StopIteration):
            wanted = next(search)
            while True:
                there: Any = await self.client.xrange(self.stream, wanted, wanted)
                wanted = search.send(entries_of(there))
        log.warning(
            "%s: the stream %r began again (deleted, or rolled back); following goes on from %s",
            self.where, self.stream, self.cursor,
        )  # fmt: skip

    def _warn(self, result: ReadResult) -> None:
        if result.gap:
            log.warning(
                "%s: %d entries of %r behind %s were trimmed before they could be read",
                self.where, result.gap.missing, self.stream, result.gap.after,
            )  # fmt: skip

    async def _wait_out(self, error: Exception) -> None:
        if is_permanent(error):
            safe = f"Read up to {self.cursor}"
            raise explain(error, self.where, self.stream, safe) from error
        if not self.failures:
            log.warning("%s: %s; following goes on from %s", self.where, error, self.cursor)
        self.failures += 1
        await self.client.connection_pool.disconnect()
        await asyncio.sleep(backoff_delay(self.failures))

    async def close(self) -> None:
        await self.client.aclose()
        await self.client.connection_pool.disconnect()
