"""Where bytes lie: folders on a disk, written so that they last, and folders of any file system fsspec knows.

A file appears under its name only when it is whole. On a disk it is written beside (``.<name>.half``), synced
and renamed, and its folder synced; an object store takes a file whole or not at all. What goes wrong is an
OSError, whatever the file system.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from .errors import OptionError

HALF = ".half"
"""How the name of a file ends that was not written to its end; it begins with a dot."""

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^/@]*:[^/@]*@")
_WHOLE_PUTS = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"}


def is_url(source: object) -> bool:
    """Tell whether a source is a URL, of a file system or of anything else."""
    return isinstance(source, str) and _URL.match(source) is not None


class Folder(Protocol):
    """A folder of files; their paths are relative to it, with slashes."""

    name: str

    def write(self, path: str, content: bytes, *, private: bool = False) -> None:
        """Write a file whole, over what was there; ``private`` is for the owner alone."""

    def read(self, path: str) -> bytes:
        """Read a whole file."""

    def tail(self, path: str, most: int) -> bytes:
        """Read a file's last bytes, at most so many."""

    def open(self, path: str) -> IO[bytes]:
        """Open a file to read it bit by bit."""

    def paths(self) -> list[str]:
        """List all files below, hidden ones too, by name; none where there is no such folder."""

    def exists(self, path: str) -> bool:
        """Tell whether there is a file."""

    def has_folder(self, path: str) -> bool:
        """Tell whether there is a folder, or what stands for one."""

    def is_empty(self) -> bool:
        """Tell whether nothing is in it, or it is not there at all."""

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""


def folder(source: str | os.PathLike[str]) -> Folder:
    """Return the folder of a path or URL; nothing is made or looked up yet.

    Raises
    ------
    OptionError
        The URL's file system is unknown or not installed, or the URL holds a password.
    """
    if is_url(source) and not str(source).startswith("file://"):
        return RemoteFolder(str(source))
    return LocalFolder(str(source).removeprefix("file://"))


class LocalFolder:
    """A folder on a disk."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._root = Path(name)

    def write(self, path: str, content: bytes, *, private: bool = False) -> None:
        """Write beside, sync, rename, sync the folder."""
        target = self._root / path
        make(target.parent)
        half = target.with_name(f".{target.name}{HALF}")
        try:
            _write_synced(half, content, 0o600 if private else 0o666)
            os.replace(half, target)
        except OSError:
            half.unlink(missing_ok=True)
            raise
        sync(target.parent)

    def read(self, path: str) -> bytes:
        """Read a whole file."""
        with self.open(path) as stream:
            return stream.read()

    def tail(self, path: str, most: int) -> bytes:
        """Read a file's last bytes."""
        with self.open(path) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(size - most, 0))
            return stream.read()

    def open(self, path: str) -> IO[bytes]:
        """Open a file."""
        return (self._root / path).open("rb")

    def paths(self) -> list[str]:
        """List all files below."""
        found = []
        for place, _, names in os.walk(self._root, onerror=_unless_missing):
            found += [(Path(place) / name).relative_to(self._root).as_posix() for name in names]
        return sorted(found)

    def exists(self, path: str) -> bool:
        """Tell whether there is a file."""
        return (self._root / path).is_file()

    def has_folder(self, path: str) -> bool:
        """Tell whether there is a folder."""
        return (self._root / path).is_dir()

    def is_empty(self) -> bool:
        """Tell whether nothing is in it, or it is not there at all."""
        try:
            return not os.listdir(self._root)
        except FileNotFoundError:
            return True

    def remove(self, path: str) -> None:
        """Remove a file; that it is gone is no fault."""
        (self._root / path).unlink(missing_ok=True)


def make(path: Path) -> None:
    """Make a folder and those above it, each synced into the one that holds it."""
    if path.is_dir():
        return
    make(path.parent)
    path.mkdir(exist_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Make the names in a folder last."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows can open no folder, and keeps names by itself
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems sync no folders
            raise
    finally:
        os.close(descriptor)


def _write_synced(path: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, mode)
    try:
        if mode == 0o600 and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)  # a half file that an earlier run left may be open to others
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


class RemoteFolder:
    """A folder of a file system that fsspec knows; credentials come from its configuration."""

    def __init__(self, url: str) -> None:
        self.name = url.rstrip("/")
        self._fs, self._root = _opened(self.name)

    def write(self, path: str, content: bytes, *, private: bool = False) -> None:
        """Put a file whole: at once where the store does so, else beside and renamed."""
        target = self._at(path)
        with _os_errors():
            if _WHOLE_PUTS.intersection(_protocols(self._fs)):
                self._fs.pipe_file(target, bytes(content))
                return
            parent, _, name = target.rpartition("/")
            self._fs.makedirs(parent, exist_ok=True)
            half = f"{parent}/.{name}{HALF}"
            self._fs.pipe_file(half, bytes(content))
            self._fs.mv(half, target)

    def read(self, path: str) -> bytes:
        """Read a whole file."""
        with _os_errors():
            return bytes(self._fs.cat_file(self._at(path)))

    def tail(self, path: str, most: int) -> bytes:
        """Read a file's last bytes."""
        with _os_errors():
            size = self._fs.size(self._at(path))
            return bytes(self._fs.cat_file(self._at(path), start=max(size - most, 0))) if size else b""

    def open(self, path: str) -> IO[bytes]:
        """Open a file."""
        with _os_errors():
            stream: IO[bytes] = self._fs.open(self._at(path), "rb")
            return stream

    def paths(self) -> list[str]:
        """List all files below, as they are now."""
        with _os_errors():
            self._fs.invalidate_cache()
            found = self._fs.find(self._root)
        return sorted(one[len(self._root) :].lstrip("/") for one in found)

    def exists(self, path: str) -> bool:
        """Tell whether there is a file."""
        with _os_errors():
            self._fs.invalidate_cache()
            return bool(self._fs.isfile(self._at(path)))

    def has_folder(self, path: str) -> bool:
        """Tell whether there is a folder, or a file whose name begins with its path."""
        with _os_errors():
            self._fs.invalidate_cache()
            return bool(self._fs.isdir(self._at(path)))

    def is_empty(self) -> bool:
        """Tell whether nothing is in it, or it is not there at all."""
        return not self.paths()

    def remove(self, path: str) -> None:
        """Remove a file; that it is gone is no fault."""
        with _os_errors():
            if self._fs.exists(self._at(path)):
                self._fs.rm_file(self._at(path))

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}".rstrip("/")


class RemoteFile(NamedTuple):
    """A file of a file system that fsspec knows, with what a local path has too: a name, and open."""

    name: str
    url: str
    path: str
    file_system: Any

    def __str__(self) -> str:
        return self.url

    def open(self, mode: str = "rb") -> Any:
        """Open it to read."""
        with _os_errors():
            return self.file_system.open(self.path, mode)


def remote_files(url: str, endings: tuple[str, ...]) -> list[RemoteFile]:
    """List the files a URL means: one, those of a folder whose names end so, or those of a glob, by name.

    Raises
    ------
    OptionError
        The URL's file system is unknown or not installed, or the URL holds a password.
    OSError
        It cannot be reached.
    """
    file_system, root = _opened(url)
    with _os_errors():
        file_system.invalidate_cache()
        if file_system.isfile(root):
            paths = [root]
        elif file_system.isdir(root):
            paths = [one for one in file_system.ls(root, detail=False) if one.endswith(endings)]
        else:
            paths = file_system.glob(root)
    scheme = url.partition("://")[0]
    return [
        RemoteFile(path.rpartition("/")[2], f"{scheme}://{path.lstrip('/')}", path, file_system)
        for path in sorted(paths)
    ]


def _opened(url: str) -> tuple[Any, str]:
    if _PASSWORD.search(url):
        shown = _PASSWORD.sub("://...@", url)
        raise OptionError(f"{shown} holds a password: give it to fsspec by its configuration or environment")
    try:
        from fsspec.core import url_to_fs  # here, because most folders are local

        file_system, root = url_to_fs(url)
    except ImportError as error:
        raise OptionError(
            f"{url} needs {error.name or 'more packages'}: pip install 'mastermind_lab[scale]' ({error})"
        ) from error
    except ValueError as error:
        raise OptionError(f"{url}: {error}") from error
    return file_system, root.rstrip("/")


def _protocols(file_system: Any) -> tuple[str, ...]:
    found = file_system.protocol
    return (found,) if isinstance(found, str) else tuple(found)


@contextmanager
def _os_errors() -> Iterator[None]:
    """Turn what a file system's own library raises into an OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # each library behind fsspec has its own
        raise OSError(f"{type(error).__name__}: {error}") from error
