"""Compressed files: gzip, bzip2, xz and Zstandard, each of one member or of several behind each other."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any, NamedTuple, Protocol

_MOST_MEMORY = 2**28  # bytes that unpacking xz may take; its strongest setting takes 65 MiB


class Unpacker(Protocol):
    """Unpacks one member, bit by bit: what the standard library's decompressors have in common."""

    @property
    def eof(self) -> bool:
        """Whether the member is at its end."""

    @property
    def needs_input(self) -> bool:
        """Whether it has nothing more to give of what it was given."""

    @property
    def unused_data(self) -> bytes:
        """What was given that stands behind the member's end."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take some packed bytes, and return at most so many."""


class _Gunzip:
    """Makes zlib's decompressor one of these."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)  # with gzip's header and checksum
        self.needs_input = True

    def decompress(self, data: bytes, max_length: int) -> bytes:
        unpacked = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self.needs_input = len(unpacked) < max_length and not self._inner.unconsumed_tail
        return unpacked

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


# Each is loaded when it is asked for: not every Python is built with all of them.
def _bunzip2() -> Any:
    from bz2 import BZ2Decompressor

    return BZ2Decompressor()


def _unxz() -> Any:
    from lzma import FORMAT_XZ, LZMADecompressor

    return LZMADecompressor(FORMAT_XZ, memlimit=_MOST_MEMORY)


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


class ZipArchive:
    """A zip archive, with members that are stored, deflated or compressed with Zstandard.

    Raises
    ------
    OSError
        It is damaged, or none.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        zipped: Any = import_module("zipfile" if sys.version_info >= (3, 14) else "backports.zstd.zipfile")
        self._errors = (
            zipped.BadZipFile, zlib.error, _zstd().ZstdError, EOFError, ValueError, NotImplementedError,
            RuntimeError, struct.error,
        )  # fmt: skip
        try:
            self._archive = zipped.ZipFile(stream)
        except self._errors as error:
            raise OSError(str(error)) from error

    @property
    def names(self) -> list[str]:
        """The names of its members."""
        return list(self._archive.namelist())

    def read(self, name: str, most: int) -> bytes:
        """Read at most so many bytes of a member.

        Raises
        ------
        OSError
            It is damaged, or not there.
        """
        try:
            with self._archive.open(name) as member:
                content: bytes = member.read(most)
        except (KeyError, *self._errors) as error:
            raise OSError(f"{name}: {error}") from error
        return content


def _opener(module: str) -> Callable[[str], Any]:
    return lambda path: import_module(module).open(path, "wb")


def _open_zstd(path: str) -> Any:
    zstd = _zstd()
    # With a checksum, as the others have one.
    return zstd.open(path, "wb", options={zstd.CompressionParameter.checksum_flag: 1})


class Packing(NamedTuple):
    """A way of compressing files."""

    name: str
    ending: str
    magic: tuple[bytes, ...]  # how a member begins
    unpacker: Callable[[], Unpacker]
    opened: Callable[[str], IO[bytes]]  # to write


PACKINGS = (
    Packing("gzip", ".gz", (b"\x1f\x8b\x08",), _Gunzip, _opener("gzip")),
    Packing("bzip2", ".bz2", (b"BZh",), _bunzip2, _opener("bz2")),
    Packing("xz", ".xz", (b"\xfd7zXZ\0",), _unxz, _opener("lzma")),
    Packing(
        "Zstandard",
        ".zst",
        # A frame, or one of those that readers skip.
        (b"\x28\xb5\x2f\xfd", *(bytes([kind]) + b"\x2a\x4d\x18" for kind in range(0x50, 0x60))),
        lambda: _zstd().ZstdDecompressor(),
        _open_zstd,
    ),
)
"""How files may be compressed, plain ones aside."""

LONGEST_MAGIC = max(len(magic) for packing in PACKINGS for magic in packing.magic)


def packing_of(head: bytes) -> Packing | None:
    """Tell how a file that begins so is compressed; None where it is not."""
    return next((packing for packing in PACKINGS if head.startswith(packing.magic)), None)


def packing_named(name: str) -> Packing | None:
    """Tell how a file of such a name should be compressed; None where it should not."""
    return next((packing for packing in PACKINGS if name.lower().endswith(packing.ending)), None)
