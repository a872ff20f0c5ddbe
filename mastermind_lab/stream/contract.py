"""The four functions of the wire contract, on any ``redis.asyncio`` client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any

from redis import asyncio as aio
from redis import exceptions as fault
from redis.client import NEVER_DECODE

from ..envelope import FIELD, DecisionEnvelope, decode_envelope
from ..errors import OptionError
from ..frames import is_id
from .beginning import at_the_end
from .bounded import ReplyTooLargeError
from .connection import (
    MOST_MOVES,
    address,
    allow,
    backoff_delay,
    connect_async,
    explain,
    is_moved,
    is_permanent,
    no_node_has_it,
    said,
)
from .cursor import Cursor, ReadResult
from .pages import FIRST_PAGE, next_size, smaller
from .replies import (
    BLOCK,
    FEW,
    START,
    Commands,
    Entry,
    Look,
    Result,
    Steps,
    doorbell,
    entries_from,
    entries_in,
    entries_of,
    look,
    newest,
)
from .schedule import Figures

log = logging.getLogger(__name__)

_UNHEARD = 0.25  # seconds between two looks where there is no right to a doorbell


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
    """Read the latest ``count`` entries, newest first; bad ones are skipped with a warning in the log.

    Raises
    ------
    redis.RedisError
        Whatever the client raises; or an ``InvalidResponse``, where the reply is to something else.
    """
    # Undecoded, whatever the client's setting: one bad byte must not cost the others.
    undecoded: Any = {NEVER_DECODE: True}
    entries: list[Entry] = []
    end, size = "+", FIRST_PAGE
    # In pages: a large reply that waits to be sent takes room that a server at its limit may not have.
    while (wanted := min(size, count - len(entries))) > 0:
        command = ("XREVRANGE", stream_name, end, "-", "COUNT", wanted)
        try:
            page = entries_of(await client.execute_command(*command, **undecoded))  # type: ignore[no-untyped-call] # untyped in redis
        except (TypeError, ValueError, LookupError) as error:
            raise fault.InvalidResponse(said(error)) from error
        if not page:
            break
        entries += page
        end, size = f"({page[-1][0]}", next_size(page, size)
    return _valid(entries)


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
    OptionError
        ``last_id`` is no id.
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


def _cursor_behind(last_id: str, latest: Sequence[Entry] = ()) -> Cursor:
    whole = last_id if "-" in last_id else f"{last_id}-0"  # as XREAD has it
    if not is_id(whole):
        raise OptionError(f"last_id={last_id!r:.80}: expected an entry's id, or '$' for the newest there is")
    # It may be no entry's id; where one has it, that is where to go on in a stream that was restored.
    return Cursor(whole, known=latest, older=lambda: [(whole, ...)])


class _Follower:
    """The asyncio way behind a :class:`Cursor`, one stream's."""

    def __init__(self, client: aio.Redis, stream: str, block: int) -> None:
        self.client, self.stream, self.block = connect_async(client), stream, block
        self.where = address(client)
        self.cursor = Cursor()
        self.size = FIRST_PAGE
        self.figures = Figures()
        self.transacts = True
        self.failures = 0

    async def begin(self, last_id: str) -> None:
        begun = None if last_id == "$" else _cursor_behind(last_id)
        while begun is None:
            try:
                begun = await self._at_the_end()
            except Exception as error:  # noqa: BLE001 - as below
                await self._wait_out(error)
        self.cursor = begun

    async def _at_the_end(self) -> Cursor:
        [reply] = await self._send([newest(self.stream)])
        if latest := entries_in(reply):
            return _cursor_behind(latest[0][0], latest)
        # What an empty stream held once is not waited for; a missing one is followed from its beginning.
        seen = await self._ask(look(self.stream, START, 1, transacts=self.transacts))
        return at_the_end(seen.now) if seen.now else Cursor()

    async def next_entries(self) -> list[Entry]:
        """Wait for the doorbell, then read what lies behind the cursor; a passing fault gives none."""
        try:
            if not (await self._listen() or self.figures.are_due):
                return []
            result = await self._read()
        except Exception as error:  # noqa: BLE001 - a garbled reply may end in any error of the client's
            if not (isinstance(error, ReplyTooLargeError) and self._ask_for_less()):
                await self._wait_out(error)
            return []
        self.failures = 0
        self._warn(result)
        if result.entries:
            self.size = next_size(result.entries, self.size)
        return [(entry_id.partition("@")[0], payload) for entry_id, payload in result.entries]

    async def _listen(self) -> bool:
        """Wait for the doorbell; tell whether it rang, or nobody knows."""
        [reply] = await self._send([doorbell({self.stream: self.cursor.place}, self.block)])
        if isinstance(reply, Exception):
            # What the server says against it, the reading that follows meets as well.
            await asyncio.sleep(_UNHEARD)
        return bool(reply)

    async def _read(self) -> ReadResult:
        if self.figures.are_large and not self.figures.are_due:
            found = await self._ask(entries_from(self.stream, self.cursor.place, self.size + 1))
            if (uncounted := self.cursor.take_uncounted(found)) is not None:
                return uncounted
        count = FEW if self.figures.are_large else self.size + 1
        seen = await self._ask(look(self.stream, self.cursor.place, count, transacts=self.transacts))
        self.figures.asked(seen.now)
        self.transacts = seen.transacts
        result = self.cursor.take(seen)
        if self.cursor.must_recover:
            await self._recover(seen)
        return result

    def _ask_for_less(self) -> bool:
        """Ask for figures and entries apart, and then for fewer; tell whether there is any less."""
        is_least = not self.transacts and self.size < FEW
        self.size = self.size if self.transacts else smaller(self.size)
        self.transacts = False  # the large ones may be those that XINFO brings
        return not is_least

    async def _ask(self, steps: Steps[Result]) -> Result:
        """Ask what some steps want to know, as the synchronous reader does."""
        try:
            commands = next(steps)
            while True:
                commands = steps.send(await self._send(commands))
        except StopIteration as end:
            result: Result = end.value
            return result

    async def _send(self, commands: Commands) -> list[Any]:
        allow(self.client, commands)
        for _ in range(MOST_MOVES):
            replies = await self._replies_or_errors(commands)
            if not is_moved(self.client, replies):
                return replies
            await _uncaught(self.client.connection_pool.disconnect())
        return [no_node_has_it()] * len(commands)

    async def _replies_or_errors(self, commands: Commands) -> list[Any]:
        try:
            return await _uncaught(self._replies(commands))
        except fault.ResponseError as error:
            if len(commands) > 1:
                # Where EXEC was refused, the connection would still wait for one.
                await _uncaught(self.client.connection_pool.disconnect())
            return [error] * len(commands)

    async def _replies(self, commands: Commands) -> list[Any]:
        if len(commands) == 1:
            reply = await self.client.execute_command(*commands[0])  # type: ignore[no-untyped-call] # untyped in redis
            return [reply]
        async with self.client.pipeline(transaction=True) as transaction:
            for command in commands:
                transaction.execute_command(*command)
            return await transaction.execute(raise_on_error=False)

    async def _recover(self, seen: Look) -> None:
        if await self._ask(self.cursor.recover(self.stream, seen.now, self.size)):
            log.warning(
                "%s: the stream %r began again (deleted, or rolled back); following goes on from %s",
                self.where, self.stream, self.cursor,
            )  # fmt: skip

    def _warn(self, result: ReadResult) -> None:
        if result.gap and result.gap.missing:
            about = "" if result.gap.certainty == "exact" else f"{result.gap.certainty} "
            log.warning(
                "%s: %s%d entries of %r behind %s were gone before they could be read",
                self.where, about, result.gap.missing, self.stream, result.gap.after,
            )  # fmt: skip

    async def _wait_out(self, error: Exception) -> None:
        if is_permanent(error):
            safe = f"Read up to {self.cursor}"
            raise explain(error, self.where, self.stream, safe) from error
        if not self.failures:
            log.warning("%s: %s; following goes on from %s", self.where, said(error), self.cursor)
        self.failures += 1
        self.transacts = True  # rights may have been given meanwhile
        await _uncaught(self.client.connection_pool.disconnect())
        await asyncio.sleep(backoff_delay(self.failures))

    async def close(self) -> None:
        await self.client.aclose()
        await self.client.connection_pool.disconnect()


async def _uncaught(awaitable: Awaitable[Result]) -> Result:
    """Await something of the client's, which at times takes a cancellation for a timeout of its own.

    Raises
    ------
    CancelledError
        The task was asked to end meanwhile, whatever has become of that.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        return await awaitable
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
