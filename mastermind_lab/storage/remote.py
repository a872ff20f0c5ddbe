"""Folders and files of any file system that fsspec knows."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, NamedTuple

from ..errors import OptionError
from ..wire import is_redis_url, without_password
from .local import HALF, check_below, whole
from .unpacked import LargeFileError

Name = str | bytes | os.PathLike[str] | os.PathLike[bytes]
"""What a file or a folder is called: a path, or a URL."""

_URL = re.compile(r"([a-z][a-z0-9+.-]*::)*[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HERE = re.compile(r"(file|local)://", re.IGNORECASE)
_IN_A_PAGE = 1_000  # files that a store lists in one answer
_WHOLE_PUTS = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"}


def is_url(source: object) -> bool:
    """Tell whether a source is a URL, of a file system or of anything else."""
    return isinstance(source, str) and _URL.match(source) is not None


def is_remote(source: object) -> bool:
    """Tell whether a source is a URL that means no path of this machine."""
    return is_url(source) and not _HERE.match(str(source))


def local_path(source: Name) -> Path:
    """Return the path that a path, a ``file://`` or a ``local://`` URL means; ``~`` is the user's home.

    As fsspec has it, nothing in it is an escape: ``%20`` stays what it is.

    Raises
    ------
    OptionError
        It is empty, or has a NUL in it; or an address with a password, without its scheme. A Path is taken
        as it is.
    """
    name = os.fsdecode(source)
    if here := _HERE.match(name):
        name = name[here.end() :]
    if not name.strip():
        raise OptionError("an empty name means no file and no folder: '.' is the folder you are in")
    if "\0" in name:
        raise OptionError(f"{name!r:.200} is no path: no name on a disk has a NUL in it")
    path = Path(os.path.expanduser(name))
    shown = without_password(name)
    if isinstance(source, str | bytes) and shown != name and not os.path.lexists(path):
        raise OptionError(f"{shown} is no path, and no URL: there is no scheme such as redis:// before it")
    return path


class RemoteFolder:
    """A folder of a file system that fsspec knows; credentials come from its configuration."""

    at_once = 16  # requests: each takes its time on the way, whatever is asked

    def __init__(self, url: str) -> None:
        self.name = url.rstrip("/")
        self._fs, self._root = _opened(self.name)

    def write(self, path: str, content: bytes, *, private: bool = False) -> None:
        """Put a file whole."""
        _put_whole(self._fs, self._at(path), lambda at: self._fs.pipe_file(at, bytes(content)))

    def read(self, path: str, most: int | None = None) -> bytes:
        """Read a whole file: one request, which asks for no more than is allowed and one byte."""
        end = None if most is None else most + 1
        with _os_errors():
            content = bytes(self._fs.cat_file(self._at(path), end=end))
            if most is not None and len(content) > most:
                raise LargeFileError(int(self._fs.size(self._at(path))), most)
        return content

    def tail(self, path: str, most: int) -> bytes:
        """Read a file's last bytes: one request, which need not know how many there are."""
        with _os_errors():
            return bytes(self._fs.cat_file(self._at(path), start=-most)) if most else b""

    def open(self, path: str) -> IO[bytes]:
        """Open a file."""
        with _os_errors():
            stream: IO[bytes] = self._fs.open(self._at(path), "rb")
            return stream

    def paths(self, faults: dict[str, str] | None = None, below: str = "") -> list[str]:
        """List all files below, as they are now."""
        start = self._at(below) if below else self._root

        def listed() -> list[str]:
            self._fs.invalidate_cache()
            return sorted(file[len(self._root) :].lstrip("/") for file in self._fs.find(start))

        with _os_errors():
            return whole(listed, _IN_A_PAGE)

    def folders(self, below: str) -> list[str]:
        """List the names of the folders directly in one, as they are now."""
        with _os_errors():
            self._fs.invalidate_cache()
            try:
                found = self._fs.ls(self._at(below), detail=True)
            except FileNotFoundError:
                return []
        return sorted(
            one["name"].rstrip("/").rpartition("/")[2] for one in found if one["type"] == "directory"
        )

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

    def remove(self, path: str, *, for_good: bool = False) -> None:
        """Remove a file; that it is gone is no fault."""
        with _os_errors():
            if self._fs.exists(self._at(path)):
                self._fs.rm_file(self._at(path))

    def lock(self, work: str) -> None:
        """Take nothing: there are no locks."""

    def can_be_locked(self) -> bool:
        """Tell that nothing is in the way of what is not taken."""
        return True

    def _at(self, path: str) -> str:
        check_below(path)
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
            return _RemoteStream(self.file_system.open(self.path, mode))


class _RemoteStream(AbstractContextManager["_RemoteStream"]):
    """A file that is being read: what goes wrong is an OSError."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, most: int = -1) -> bytes:
        """Read some bytes."""
        with _os_errors():
            return self._stream.read(most)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place."""
        with _os_errors():
            return self._stream.seek(offset, whence)

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._stream.close()


def remote_files(url: str, endings: tuple[str, ...]) -> list[RemoteFile]:
    """List the files a URL means: one, those of a folder whose names end so, or those of a glob, by name.

    ``endings`` are in lower case, and mean those in upper case too.

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
            paths = [path for path in _files_in(file_system, root) if path.lower().endswith(endings)]
        else:
            found = file_system.glob(root, detail=True)
            paths = [path for path, facts in found.items() if facts["type"] == "file"]
    return [
        RemoteFile(path.rpartition("/")[2], _url_of(path, url.rstrip("/"), root), path, file_system)
        for path in sorted(paths)
    ]


def _url_of(path: str, url: str, root: str) -> str:
    """Return the URL of a path, by one whose own path is known: it may hold a host, or be all of it."""
    if root and url.endswith(root):
        return url.removesuffix(root) + path
    return f"{url.partition('://')[0]}://{path.lstrip('/')}"


def _files_in(file_system: Any, folder: str) -> list[str]:
    return [facts["name"] for facts in file_system.ls(folder, detail=True) if facts["type"] == "file"]


@contextmanager
def uploaded(url: str) -> Iterator[Path]:
    """Put what is written to a local file within the block, of the same name, whole where a URL says.

    Raises
    ------
    OptionError
        The URL's file system is unknown or not installed, or the URL holds a password.
    OSError
        It cannot be written; nothing is left there.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder, url.rpartition("/")[2])
        yield file
        file_system, target = _opened(url)
        _put_whole(file_system, target, lambda at: file_system.put_file(str(file), at))


def _put_whole(file_system: Any, target: str, put: Callable[[str], None]) -> None:
    """Put a file at once where the store takes it whole or not at all, else beside and renamed."""
    with _os_errors():
        if _WHOLE_PUTS.intersection(_protocols(file_system)):
            put(target)
            return
        parent, _, name = target.rpartition("/")
        file_system.makedirs(parent, exist_ok=True)
        half = f"{parent}/.{name}{HALF}"
        put(half)
        file_system.mv(half, target)


def _opened(url: str) -> tuple[Any, str]:
    shown = without_password(url)
    if is_redis_url(url):
        raise OptionError(f"{shown} is a Redis server, and not what is expected here: a file or a folder")
    if "::" in url:
        raise OptionError(f"{shown}: file systems within each other (::) are not understood; name one")
    if shown != url:
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
    protocol = file_system.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


@contextmanager
def _os_errors() -> Iterator[None]:
    """Turn what a file system's own library raises into an OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # each library behind fsspec has its own
        raise OSError(f"{type(error).__name__}: {error}") from error
