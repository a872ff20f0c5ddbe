"""Connections that give a reply up where it becomes larger than what was asked for can be.

What comes is counted. What the beginning of a reply announces is looked at before it is parsed: a parser
makes room for as many elements as a reply claims to have, and one that claims more bytes than it may have
need not be waited for. To look at all of a reply would take a tenth of the time that decoding takes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from redis import exceptions as fault

from .target import Route

PAGE_LIMIT = 8 * 2**20
"""Bytes of one reply with several entries; what is larger is asked for again, in smaller pages."""

REPLY_LIMIT = 384 * 2**20
"""Bytes of any other reply. A look at a stream may bring the same large entry four times."""

ELEMENTS_LIMIT = 2**20
"""Elements that a list at the beginning of a reply may claim to have."""

_GREETING_LIMIT = 2**20  # bytes of a reply before anything was asked for
_NEXT = (fault.ConnectionError, fault.TimeoutError)
"""What has another place tried."""
_NOWHERE = "there is no place to connect to"
_LEFT_OVER = "more than was asked for: the reply before may have been garbled on its way"

_BEGINNING = 512  # bytes of a reply
_TOKEN = re.compile(rb"(.)(.*?)\r\n", re.DOTALL)
_LISTS, _TEXTS = b"*%~>|", b"$=!"
_LONGEST_NUMBER = 32  # digits


class ReplyTooLargeError(fault.RedisError):
    """A reply has become larger than it may; its connection is closed."""


class Allowance:
    """How many bytes a reply on some connections may have: ``most``, counted anew with each command.

    While a connection is made, ``greets``, it is less.
    """

    def __init__(self) -> None:
        self.most = PAGE_LIMIT
        self.greets = False
        self.renew()

    @contextmanager
    def greeting(self) -> Iterator[None]:
        """Allow less for a while: a connection is made."""
        self.greets = True
        try:
            yield
        finally:
            self.greets = False

    def renew(self) -> None:
        """Begin to count: a command is sent."""
        self.left = _GREETING_LIMIT if self.greets else self.most
        self._to_look_at, self._passed_over, self._begun = _BEGINNING, 0, b""

    def spend(self, data: bytes | memoryview) -> None:
        """Count what has come, and look at what it announces.

        Raises
        ------
        ReplyTooLargeError
            It is more than there may be.
        """
        self.left -= len(data)
        self._refuse_bytes(self.left)
        if self._to_look_at > 0:
            self._look(bytes(data[: self._to_look_at]), len(data) - self._to_look_at)
            self._to_look_at -= len(data)

    def _look(self, piece: bytes, behind: int) -> None:
        """Go from token to token, and over the texts, which may hold anything."""
        piece = self._begun + piece
        end = len(piece) + max(behind, 0)
        place = self._passed_over
        while place < len(piece) and (token := _TOKEN.match(piece, place)):
            place = token.end() + self._announced(token[1], token[2], end - token.end())
        self._passed_over = max(place - len(piece), 0)
        self._begun = piece[place:]

    def _announced(self, kind: bytes, number: bytes, there: int) -> int:
        """Return how many bytes of text follow a token, of which some are there, or refuse its claim."""
        if kind not in _LISTS + _TEXTS or not number.isdigit():
            return 0
        size = int(number[:_LONGEST_NUMBER])
        if kind in _TEXTS:
            self._refuse_bytes(self.left + there - size)
            return size + 2
        if size > ELEMENTS_LIMIT:
            raise ReplyTooLargeError(f"a reply that claims {size:,} elements was given up")
        return 0

    def _refuse_bytes(self, left: int) -> None:
        if left < 0:
            most = _GREETING_LIMIT if self.greets else self.most
            raise ReplyTooLargeError(f"a reply of more than {most / 2**20:,.0f} MB was given up")


class _Socket:
    """A socket that says what it brings."""

    def __init__(self, socket: Any, allowance: Allowance) -> None:
        self._socket, self._allowance = socket, allowance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def recv(self, size: int, *flags: int) -> bytes:
        data: bytes = self._socket.recv(size, *flags)
        if not flags:  # else it is looked at, and comes once more
            self._allowance.spend(data)
        return data

    def recv_into(self, buffer: Any, *arguments: Any) -> int:
        size: int = self._socket.recv_into(buffer, *arguments)
        self._allowance.spend(memoryview(buffer)[:size])
        return size


class _Reader:
    """An asyncio reader that says what it brings."""

    def __init__(self, reader: Any, allowance: Allowance) -> None:
        self._reader, self._allowance = reader, allowance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def read(self, size: int = -1) -> bytes:
        data: bytes = await self._reader.read(size)
        self._allowance.spend(data)
        return data

    async def readexactly(self, size: int) -> bytes:
        data: bytes = await self._reader.readexactly(size)
        self._allowance.spend(data)
        return data

    async def readline(self) -> bytes:
        data: bytes = await self._reader.readline()
        self._allowance.spend(data)
        return data


@cache
def bounded(kind: type) -> type:
    """Make a class of synchronous connections that keep to an ``allowance`` and follow a ``route``."""

    class Bounded(kind):  # type: ignore[misc] # the client's own class
        def __init__(self, *, allowance: Allowance, route: Route | None, **settings: Any) -> None:
            self._allowance, self._route = allowance, route
            super().__init__(**settings)

        def connect_check_health(self, *arguments: Any, **options: Any) -> None:
            with self._allowance.greeting():
                if self._route is None or self._sock:
                    super().connect_check_health(*arguments, **options)
                    return
                failed: Exception | None = None
                for place in self._route.places():
                    self.host, self.port = place
                    try:
                        super().connect_check_health(*arguments, **options)
                    except _NEXT as error:
                        failed = error
                    else:
                        return
                raise failed or fault.ConnectionError(_NOWHERE)

        def can_read(self, *arguments: Any, **options: Any) -> bool:
            """Refuse what nobody asked for, where the client would take another line, unseen."""
            if super().can_read(*arguments, **options):
                self.disconnect()
                raise fault.InvalidResponse(_LEFT_OVER)
            return False

        def _connect(self) -> Any:
            return _Socket(super()._connect(), self._allowance)

        def send_packed_command(self, *arguments: Any, **options: Any) -> None:
            self._allowance.renew()
            super().send_packed_command(*arguments, **options)

    return Bounded


@cache
def bounded_async(kind: type) -> type:
    """Make a class of asyncio connections that keep to an ``allowance`` and follow a ``route``."""

    class Bounded(kind):  # type: ignore[misc] # the client's own class
        def __init__(self, *, allowance: Allowance, route: Route | None, **settings: Any) -> None:
            self._allowance, self._route = allowance, route
            super().__init__(**settings)

        async def connect_check_health(self, *arguments: Any, **options: Any) -> None:
            with self._allowance.greeting():
                if self._route is None or self.is_connected:
                    await super().connect_check_health(*arguments, **options)
                    return
                failed: Exception | None = None
                places = self._route.places()  # in threads: sentinels are asked as by everybody else
                while place := await asyncio.to_thread(next, places, None):
                    self.host, self.port = place
                    try:
                        await super().connect_check_health(*arguments, **options)
                    except _NEXT as error:
                        failed = error
                    else:
                        return
                raise failed or fault.ConnectionError(_NOWHERE)

        async def _connect(self) -> None:
            await super()._connect()
            self._reader: Any = _Reader(self._reader, self._allowance)

        async def send_packed_command(self, *arguments: Any, **options: Any) -> None:
            self._allowance.renew()
            await super().send_packed_command(*arguments, **options)

    return Bounded
