"""Storage: folders on a disk, written so that they last, and folders of any file system that fsspec knows.

A file appears under its name only when it is whole. On a disk it is written beside (``.<name>.half``), synced
and renamed, and its folder synced; an object store takes a file whole or not at all. What goes wrong is an
OSError, whatever the file system.
"""

from __future__ import annotations

from typing import IO, Protocol

from .durable import make, sync
from .local import HALF, LocalFolder, append, only_a_file
from .lock import ARCHIVER, LOCK, NO_LOCK, HeldError, Lock
from .remote import Name, RemoteFile, RemoteFolder, is_remote, is_url, local_path, remote_files, uploaded
from .unpacked import ADVICE, LargeFileError, check_bytes, most_unpacked

__all__ = [
    "ADVICE",
    "ARCHIVER",
    "HALF",
    "LOCK",
    "NO_LOCK",
    "Folder",
    "HeldError",
    "LargeFileError",
    "LocalFolder",
    "Lock",
    "Name",
    "RemoteFile",
    "RemoteFolder",
    "absolute",
    "append",
    "check_bytes",
    "folder",
    "is_remote",
    "is_url",
    "local_path",
    "make",
    "most_unpacked",
    "only_a_file",
    "remote_files",
    "sync",
    "uploaded",
]


class Folder(Protocol):
    """A folder of files; their paths are relative to it, with slashes."""

    name: str

    def write(self, path: str, content: bytes, *, private: bool = False) -> None:
        """Write a file whole, over what was there; ``private`` is for the owner alone."""

    def read(self, path: str, most: int | None = None) -> bytes:
        """Read a whole file; one that has more than so many bytes is a :class:`LargeFileError`."""

    def tail(self, path: str, most: int) -> bytes:
        """Read a file's last bytes, at most so many."""

    def open(self, path: str) -> IO[bytes]:
        """Open a file to read it bit by bit."""

    at_once: int
    """How many files it pays to read at once."""

    def paths(self, faults: dict[str, str] | None = None, below: str = "") -> list[str]:
        """List all files, or those below a folder, hidden ones too, by name; none if there is no such folder.

        What is wrong with a folder below is raised, or added to ``faults`` under its path.
        """

    def folders(self, below: str) -> list[str]:
        """List the names of the folders directly in one, without links; none where there is none."""

    def exists(self, path: str) -> bool:
        """Tell whether there is a file."""

    def has_folder(self, path: str) -> bool:
        """Tell whether there is a folder, or what stands for one."""

    def is_empty(self) -> bool:
        """Tell whether nothing is in it, or it is not there at all."""

    def remove(self, path: str, *, for_good: bool = False) -> None:
        """Remove a file, if it is there; ``for_good`` is also when the power fails at once."""

    def lock(self, work: str) -> Lock | None:
        """Take the right to write here, for some work in words; None where there are no locks."""

    def can_be_locked(self) -> bool:
        """Tell whether nothing else stands in the place of the lock."""


def folder(source: Name) -> Folder:
    """Return the folder of a path or URL; nothing is made or looked up yet.

    Raises
    ------
    OptionError
        The URL's file system is unknown or not installed, or the URL holds a password; or the name is empty.
    """
    return RemoteFolder(str(source)) if is_remote(source) else LocalFolder(str(local_path(source)))


def absolute(source: Name) -> str:
    """Return the same folder under a name that stays true wherever the process goes, or another stands."""
    return str(source) if is_remote(source) else str(local_path(source).absolute())
