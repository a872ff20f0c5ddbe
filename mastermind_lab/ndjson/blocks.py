"""A file's bytes in blocks, unpacked where they are compressed; what goes wrong on the way is one, too."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from typing import IO, NamedTuple

from ..envelope import Reject
from ..storage import ADVICE, most_unpacked
from .packing import LONGEST_MAGIC, Packing, packing_of

BLOCK = 2**20
_STEP = 2**13  # packed bytes at once
_GATHERED = 2**18  # unpacked bytes: to go on with less at once takes longer
_FREE, _TIMES = 2**28, 200  # envelopes pack 5 to 20 times


class Block(NamedTuple):
    """Some bytes; or the beginning of a member, which has a checksum of its own; or what ends the file."""

    data: bytes = b""
    begins: bool = False
    fault: Reject | None = None
    doubts: bool = False  # the fault leaves what came before it in this member without its checksum
    is_behind: bool = False  # the fault stands behind what is whole, to its last line


def blocks_of(stream: IO[bytes], name: str, most: int | None) -> Iterator[Block]:
    """Read a file to its end, or to what is wrong with it.

    Parameters
    ----------
    stream
        The file.
    name
        What to call it where something is wrong.
    most
        How many bytes of a compressed file are unpacked; None for the larger of 256 MiB and 200 times what
        they are unpacked from.
    """
    try:
        head = stream.read(_STEP)
        packing = packing_of(head)
        if packing:
            yield from _gathered(_Unpacking(stream, head, packing, name, most).blocks())
            return
        yield Block(head + stream.read(BLOCK - len(head)))
        while block := stream.read(BLOCK):
            yield Block(block)
    except OSError as error:
        yield _damage(name, error)


def _damage(name: str, error: object, *, doubts: bool = False) -> Block:
    said = getattr(error, "strerror", None) or error
    return Block(fault=Reject("damaged", f"{name} cannot be read on: {said}"), doubts=doubts)


def _gathered(blocks: Iterable[Block]) -> Iterator[Block]:
    """Join what comes in small pieces, up to what is no data."""
    some: list[bytes] = []
    size = 0
    for block in blocks:
        some.append(block.data)
        size += len(block.data)
        if size > _GATHERED or block.begins or block.fault:
            yield Block(b"".join(some))
            some, size = [], 0
        if block.begins or block.fault:
            yield block
    yield Block(b"".join(some))


class _Unpacking:
    """Unpacks a file of one member or more."""

    def __init__(self, stream: IO[bytes], head: bytes, packing: Packing, name: str, most: int | None) -> None:
        self._stream, self._packing, self._name, self._most = stream, packing, name, most
        self._data, self._read, self._made = head, len(head), 0

    def blocks(self) -> Iterator[Block]:
        """Unpack member by member."""
        while self._data:
            if not self._data.startswith(self._packing.magic):
                stranger = f"what stands behind its end is no {self._packing.name}"
                yield _damage(self._name, stranger)._replace(is_behind=True)
                return
            yield Block(begins=True)
            fault = yield from self._member()
            if fault:
                yield fault
                return

    def _member(self) -> Generator[Block, None, Block | None]:
        """Unpack a member, and return what is wrong with it."""
        begin, before = self._read - len(self._data), self._made
        try:
            for piece in self._pieces(_STEP):
                room = self._allowed - self._made
                self._made += len(piece)
                yield Block(piece[:room])
                if len(piece) > room:
                    return Block(fault=self._too_large())
            self._skip_padding()
        except EOFError:
            return _damage(self._name, "it is cut short", doubts=True)
        except Exception as error:  # noqa: BLE001 - each of the libraries has its own
            yield from self._again(begin, self._made - before)
            return _damage(self._name, error, doubts=True)
        return None

    def _pieces(self, step: int, until: float = math.inf) -> Iterator[bytes]:
        """Unpack what is left of a member, so many packed bytes at once, up to a place in the file."""
        unpacker = self._packing.unpacker()
        while not unpacker.eof:
            if (
                unpacker.needs_input
                and not self._data
                and not self._refill(step if self._read < until else 1)
            ):
                raise EOFError
            piece, self._data = unpacker.decompress(self._data, BLOCK), b""
            yield piece
        self._data = unpacker.unused_data

    def _again(self, begin: int, skip: int) -> Iterator[Block]:
        """Unpack a damaged member again, its last bytes one by one: of a step, damage leaves nothing."""
        until = self._read - 2 * _STEP
        with suppress(Exception):  # the damage once more; or what is read can't be read again
            self._stream.seek(begin - self._read, os.SEEK_CUR)
            self._data, self._read = b"", begin
            for piece in self._pieces(_STEP, until):
                yield Block(piece[skip:])
                skip = max(skip - len(piece), 0)

    def _refill(self, step: int = _STEP) -> bool:
        more = self._stream.read(step)
        self._data += more
        self._read += len(more)
        return bool(more)

    def _skip_padding(self) -> None:
        """Go on to where the next member should begin; zeros may stand before it."""
        while len(self._data) < LONGEST_MAGIC or not self._data.strip(b"\0"):
            self._data = self._data.lstrip(b"\0")
            if not self._refill():
                break
        self._data = self._data.lstrip(b"\0")

    @property
    def _allowed(self) -> int:
        return most_unpacked(self._read, self._most, free=_FREE, times=_TIMES)

    def _too_large(self) -> Reject:
        return Reject(
            "too_large",
            f"{self._name} is not read on: {self._read:,} bytes of it unpack to more than "
            f"{self._allowed:,}. {ADVICE}",
        )
