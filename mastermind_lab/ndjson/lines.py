"""The lines of a file: entries for the decoder, each with an id that names its place."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Any

from ..envelope import Entry, Reject
from ..errors import OptionError, SourceError
from ..storage import check_bytes
from ..text import harmless
from .blocks import Block, blocks_of
from .files import File
from .formats import is_object, other_format
from .packing import packing_named

_HEAD = 1_000  # bytes that are kept of what is no line, or too long


@dataclass(frozen=True)
class FileLimits:
    """How much of a file is read.

    Parameters
    ----------
    line_bytes
        A longer line is a reject, with its first 1,000 bytes, its length and its SHA-256. 64 MiB.
    unpacked_bytes
        Where a compressed file unpacks to more it ends, with a reject. None stands for the larger of 256 MiB
        and 200 times the packed bytes.

    Raises
    ------
    OptionError
        One of them is no whole number above 0.
    """

    line_bytes: int = 2**26
    unpacked_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.line_bytes is None:
            raise OptionError("max_line_bytes=None: expected a whole number of bytes above 0")
        check_bytes("max_line_bytes", self.line_bytes)
        check_bytes("max_unpacked_bytes", self.unpacked_bytes)


def lines(file: File, number: int = 0, limits: FileLimits | None = None) -> Iterator[Entry]:
    """Yield the lines of one file with their ids, ``<number>-<line>``, lines counted from 1.

    Raises
    ------
    SourceError
        The file cannot be opened.
    """
    limits = limits or FileLimits()
    try:
        opened = file.open("rb")
    except OSError as error:
        raise SourceError(f"cannot open {file}: {error.strerror or error}") from error
    with opened as stream:
        name = harmless(file.name)
        blocks = blocks_of(stream, name, limits.unpacked_bytes)
        seen, head = _beginning(blocks)
        is_packed = any(block.begins for block in seen)
        fault = _foreign(name, head, is_packed=is_packed)
        if fault:
            # What a damaged file unpacks to may look like anything.
            damage = (block.fault for block in (chain(seen, blocks) if is_packed else seen) if block.fault)
            yield f"{number}-1", head[:_HEAD], next(damage, fault)
        else:
            yield from _entries(chain(seen, blocks), number, limits.line_bytes, _line_end(head))


def lines_beside_others(file: File, number: int, limits: FileLimits | None = None) -> Iterator[Entry]:
    """Yield the lines of one file of several: one that cannot be opened is an entry that says so."""
    try:
        yield from lines(file, number, limits)
    except SourceError as error:
        yield f"{number}-1", b"", Reject("damaged", str(error))


def _beginning(blocks: Iterator[Block]) -> tuple[list[Block], bytes]:
    """Take blocks up to the first with data, and return that data too, without the mark before it."""
    seen: list[Block] = []
    while not (seen and seen[-1].data) and (block := next(blocks, None)):
        seen.append(block._replace(data=block.data.removeprefix(BOM_UTF8)))
    return seen, seen[-1].data if seen else b""


def _foreign(name: str, head: bytes, *, is_packed: bool) -> Reject | None:
    """Say what a file is, if it is no NDJSON."""
    said, packing = other_format(head), packing_named(name)
    if said:
        return Reject("not_ndjson", f"{name} is {said}")
    if packing and not is_packed and head.strip() and not head.lstrip().startswith(b"{"):
        return Reject("damaged", f"{name} cannot be read on: it is no {packing.name}, as its name says")
    return None


def _line_end(head: bytes) -> bytes:
    """Return what ends the lines of a file: a line break, or CR where a line of JSON ends with that alone."""
    first = head.partition(b"\n")[0].rstrip(b"\r")
    return b"\r" if b"\r" in first and is_object(first.partition(b"\r")[0]) else b"\n"


def _entries(blocks: Iterable[Block], number: int, most: int, end: bytes) -> Iterator[Entry]:
    """Split blocks into the lines that are not blank; what is wrong with the file comes last."""
    line = confirmed = 0  # lines so far, and those before the member of a compressed file that is read now
    rest = _Line(most)
    for block in blocks:
        if block.begins:
            confirmed = line
        if block.is_behind:
            line += 1
            yield from rest.entries(f"{number}-{line}")
            rest = _Line(most)
        if block.fault:
            # The damage is an entry of its own, even where it falls between two lines.
            yield f"{number}-{line + 1}", rest.kept, _told(block, confirmed + 1, line)
            return
        first, *whole = block.data.split(end)
        rest.add(first)
        if not whole:
            continue
        line += 1
        yield from rest.entries(f"{number}-{line}")
        last = whole.pop()
        for text in whole:
            line += 1
            if len(text) > most:
                yield from _Line(most, text).entries(f"{number}-{line}")
            elif text and not text.isspace():
                yield f"{number}-{line}", text.removesuffix(b"\r"), None
        rest = _Line(most, last)
    yield from rest.entries(f"{number}-{line + 1}")


def _told(block: Block, first: int, last: int) -> Reject | None:
    """Add to what ends a file which lines of it no checksum confirms."""
    if not block.fault or not block.doubts or last < first:
        return block.fault
    before = f"Lines {first:,} to {last:,}" if last > first else f"Line {first:,}"
    said = f"{block.fault.detail}. {before}, before it, may be wrong: no checksum confirms them"
    return block.fault._replace(detail=said)


class _Line:
    """A line that may not be at its end yet: work and memory grow with its bytes, in however many parts.

    Of one that is too long, the head is kept, its length and its hash.
    """

    def __init__(self, most: int, part: bytes = b"") -> None:
        self._most, self._size = most, 0
        self._parts: list[bytes] = []
        self._hash: Any = None
        self.add(part)

    def add(self, part: bytes) -> None:
        """Add what comes next."""
        self._size += len(part)
        if self._hash is not None:
            self._hash.update(part)
            return
        self._parts.append(part)
        if self._size > self._most:
            self._hash = sha256(whole := self.kept)
            self._parts = [whole[:_HEAD]]

    @property
    def kept(self) -> bytes:
        """What is kept of it."""
        return b"".join(self._parts)

    def entries(self, stream_id: str) -> Iterator[Entry]:
        """Yield it as an entry, unless it is blank."""
        text, fault = self.kept, None
        if self._hash is not None:
            fault = Reject(
                "too_long",
                f"a line of {self._size:,} bytes (SHA-256 {self._hash.hexdigest()}), of which the head is "
                f"kept: to read longer ones than {self._most:,}, give a larger max_line_bytes "
                "(--max-line-bytes on the command line)",
            )
        if fault or (text and not text.isspace()):
            yield stream_id, text.removesuffix(b"\r"), fault
