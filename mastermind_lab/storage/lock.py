"""One writer a folder: the system's lock on a file, which a dead process cannot go on holding."""

from __future__ import annotations

import json
import os
import socket
import stat
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from ..errors import SourceError
from ..text import brief, visible
from .durable import make

ARCHIVER = "an archiver"
"""What an archiver says that it is where it locks a folder: it may be asked to merge."""

LOCK = ".archive.lock"
"""The file that is locked; what is in it only says who holds the lock, or held it."""

NO_LOCK = "no lock but a pipe, a device or a link"

_LOCKED = b" "  # Windows lets nobody else read the byte that is locked

# Not what a link leads to, and without waiting for whoever reads a pipe; Windows has neither.
_HOW = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class HeldError(SourceError):
    """Another holds the lock; ``work`` is what it has said it does, '' where that is not known."""

    def __init__(self, message: str, work: object = "") -> None:
        super().__init__(message)
        self.work = work


class Lock:
    """The right to write to a folder on a disk, until :meth:`release` or the end of the process.

    Parameters
    ----------
    folder
        The folder; it is made where it is not there.
    work
        What the holder is, for others to read: ``"an archiver"``.

    Raises
    ------
    HeldError
        Another holds it, and who.
    SourceError
        The folder cannot be written, or is a stranger's whose lock leads away.
    """

    def __init__(self, folder: Path, work: str) -> None:
        self.path, self.work, self._process = folder / LOCK, work, os.getpid()
        try:
            make(folder)
            self._file = os.open(self.path, _HOW, 0o644)
        except OSError as error:
            link = "it is a link, which no lock of ours is" if os.path.islink(self.path) else None
            raise SourceError(
                f"cannot write {self.path}: {link or error.strerror or error}. Nothing was changed."
            ) from error
        try:
            self._refuse_others()
            self._hold()
            self._refuse_a_former_one()
        except BaseException:
            os.close(self._file)
            raise

    def _refuse_others(self) -> None:
        """See that the file is nothing else beside, under another name."""
        if _is_odd(os.fstat(self._file)) or not self._is_there():
            raise SourceError(f"{self.path} is {NO_LOCK}. Nothing was changed.")

    def _refuse_a_former_one(self) -> None:
        """See that the folder was not replaced before its lock was held."""
        if not self._is_there():
            raise SourceError(f"{self.path.parent} was replaced just now. Nothing was changed: try again.")

    def _is_there(self) -> bool:
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._file), os.lstat(self.path))
        return False

    def _hold(self) -> None:
        try:
            is_ours = _locked(self._file)
        except OSError as error:
            raise SourceError(
                f"cannot lock {self.path}: {error.strerror or error}. Nothing was changed: a file system "
                "without locks can't keep two writers apart."
            ) from error
        if not is_ours:
            who, work = self._holder()
            raise HeldError(
                f"{self.path.parent} is being written by {who}. "
                "Nothing was changed: wait for it to end, stop it, or choose another folder.",
                work,
            )
        held = {
            "work": self.work,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": f"{datetime.now(UTC):%F %T} UTC",
        }
        # Only for people to read: with no room for it, the lock holds as well.
        with suppress(OSError):
            os.ftruncate(self._file, os.write(self._file, _LOCKED + json.dumps(held).encode()))

    def _holder(self) -> tuple[str, object]:
        try:
            os.lseek(self._file, len(_LOCKED), os.SEEK_SET)
            held = json.loads(os.read(self._file, 1_000))
            said = f"{held['work']} (process {held['pid']} on {held['host']}, since {held['since']})"
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return "somebody who has not said who it is", ""
        return brief(said, 200, visible), held["work"]

    def release(self) -> None:
        """Let others write; the file stays, since a file that goes could be locked by two."""
        if self._file >= 0:
            if os.getpid() == self._process:  # a process that was forked meanwhile has the same lock
                _unlock(self._file)
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_no_lock(path: Path) -> bool:
    """Tell whether something else stands in the place of a lock, which nobody can take."""
    with suppress(OSError):  # it is not there, or cannot be looked at
        return _is_odd(os.lstat(path))
    return False


def _is_odd(found: os.stat_result) -> bool:
    return not stat.S_ISREG(found.st_mode) or found.st_nlink > 1


def _locked(file: int) -> bool:
    from filelock import lock_descriptor  # here, because most folders are only read

    return bool(lock_descriptor(file, blocking=False))


def _unlock(file: int) -> None:
    from filelock import unlock_descriptor

    with suppress(OSError):  # closing it does the same, where nobody else has it open
        unlock_descriptor(file)
