"""Folders on a disk: what is written there stays there, or was never there."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from .durable import make, sync
from .lock import LOCK, Lock, is_no_lock
from .unpacked import LargeFileError

HALF = ".half"
"""How the name of a file ends that was not written to its end; it begins with a dot."""

_OF_A_FILE = ".parquet"
_IN_ONE_STEP = 200  # names of a folder that the system tells at once, or more of them
_LOOKS = 5  # at most: somebody may write all the time
_ELSEWHERE = re.compile(r"[\\:\0]")


def whole(listed: Callable[[], list[str]], in_one_step: int) -> list[str]:
    """List until one more look shows nothing new, where more are listed than one step can.

    Where one file takes the place of others between two steps, a single look may see neither.
    """
    files = listed()
    for _ in range(_LOOKS - 1):
        if len(files) <= in_one_step or {*(again := listed())} <= {*files}:
            break
        files = again
    return files


class LocalFolder:
    """A folder on a disk."""

    at_once = 1  # what takes long is to understand a file, not to wait for it

    def __init__(self, name: str) -> None:
        self.name = name
        self._root = Path(name)

    def write(self, path: str, content: bytes, *, private: bool = False) -> None:
        """Write beside, sync, rename, sync the folder."""
        target = self._at(path)
        make(target.parent)
        half = target.with_name(f".{target.name}{HALF}")
        try:
            _write_synced(_made(half, 0o600 if private else 0o666), content)
            os.replace(half, target)
        except OSError:
            with suppress(OSError):
                half.unlink()
            raise
        sync(target.parent)

    def read(self, path: str, most: int | None = None) -> bytes:
        """Read a whole file."""
        with self.open(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            if most is not None and size > most:
                raise LargeFileError(size, most)
            return stream.read()

    def tail(self, path: str, most: int) -> bytes:
        """Read a file's last bytes."""
        with self.open(path) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(size - most, 0))
            return stream.read()

    def open(self, path: str) -> IO[bytes]:
        """Open a file; what lies in its place and is none, such as a pipe, is refused, not waited for."""
        return open(self._at(path), "rb", opener=only_a_file)

    def paths(self, faults: dict[str, str] | None = None, below: str = "") -> list[str]:
        """List all files below, links to folders among them, and folders named like a file."""
        return whole(lambda: self._paths(faults, below), _IN_ONE_STEP)

    def _paths(self, faults: dict[str, str] | None, below: str) -> list[str]:
        files: list[str] = []

        def note(error: OSError) -> None:
            if isinstance(error, FileNotFoundError):
                return
            if faults is None:
                raise error
            faults[self._below(error.filename) or "."] = error.strerror or str(error)

        start = self._at(below) if below else self._root
        for name, folders, names in os.walk(start, onerror=note):
            names += [
                one for one in folders if one.endswith(_OF_A_FILE) or os.path.islink(os.path.join(name, one))
            ]
            place = self._below(name)
            files += [f"{place}/{one}" for one in names] if place else names
        return sorted(files)

    def folders(self, below: str) -> list[str]:
        """List the names of the folders directly in one."""
        try:
            with os.scandir(self._at(below)) as found:
                return sorted(one.name for one in found if one.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            return []

    def _below(self, name: str) -> str:
        return name.removeprefix(str(self._root)).replace(os.sep, "/").strip("/")

    def exists(self, path: str) -> bool:
        """Tell whether there is a file."""
        return self._at(path).is_file()

    def has_folder(self, path: str) -> bool:
        """Tell whether there is a folder; of a name that none can have there is none."""
        try:
            return (self._root / path).is_dir()
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return False
            raise

    def is_empty(self) -> bool:
        """Tell whether nothing is in it, or it is not there at all."""
        try:
            return not os.listdir(self._root)
        except FileNotFoundError:
            return True

    def remove(self, path: str, *, for_good: bool = False) -> None:
        """Remove a file; that it is gone is no fault."""
        place = self._at(path)
        place.unlink(missing_ok=True)
        if for_good:
            sync(place.parent)

    def lock(self, work: str) -> Lock:
        """Take the right to write here, or say who has it."""
        return Lock(self._root, work)

    def can_be_locked(self) -> bool:
        """Tell whether nothing else stands in the place of the lock."""
        return not is_no_lock(self._root / LOCK)

    def _at(self, path: str) -> Path:
        """Return where a path below leads: nowhere else, so through no link."""
        check_below(path)
        place = str(self._root)
        for name in path.split("/"):
            place = os.path.join(place, name)
            if os.path.islink(place):
                raise OSError(errno.ELOOP, "it is a link, and may lead out of the folder", place)
        return Path(place)


def check_below(path: str) -> None:
    """Refuse a path that could lead out of the folder below which it is meant.

    Raises
    ------
    OSError
        It could, here or on another system.
    """
    if {"", ".", ".."}.intersection(path.split("/")) or _ELSEWHERE.search(path):
        raise OSError(errno.EINVAL, "the name leads out of the folder", path)


def append(path: Path, content: bytes) -> None:
    """Add to the end of a file in one piece, so that none of several who do overwrites another; sync it."""
    make(path.parent)
    is_new = not path.exists()
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    descriptor = only_a_file(str(path), flags)
    try:
        if os.write(descriptor, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        sync(path.parent)


def only_a_file(path: str, flags: int) -> int:
    """Open a file; what lies in its place and is none, such as a pipe, is refused, not waited for."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", path)
    return descriptor


def _made(path: Path, mode: int) -> int:
    """Open a new file to write, never what lies in its place: that may be a link, or open to others."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags, mode)
    except FileExistsError:
        path.unlink()
        return os.open(path, flags, mode)


def _write_synced(descriptor: int, content: bytes) -> None:
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
