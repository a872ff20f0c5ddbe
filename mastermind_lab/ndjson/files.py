"""Which files a name means: one, those of a folder, of a glob or of a URL, standard input."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from glob import escape, glob
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import SourceError
from ..labels import listed
from ..storage import RemoteFile, is_remote, local_path, remote_files
from .packing import PACKINGS

ENDINGS = tuple(
    kind + packed for kind in (".ndjson", ".jsonl") for packed in ("", *(one.ending for one in PACKINGS))
)
"""How the names of files of envelopes end, in upper or lower case."""

ENDINGS_TOLD = f"*.ndjson or *.jsonl, alone or with {', '.join(one.ending for one in PACKINGS)} behind"

_STANDARD_INPUT = "-"
_NAMED = 3  # of the files that a folder holds instead


class StandardInput(NamedTuple):
    """What this program is given to read, with what a path has too: a name, and open."""

    name: str = "standard input"

    def __str__(self) -> str:
        return self.name

    def open(self, _: str) -> AbstractContextManager[Any]:
        """Return it; it stays open."""
        if not hasattr(sys.stdin, "buffer"):
            raise OSError("it is closed, or there is none here")
        return nullcontext(sys.stdin.buffer)


class OddFile(NamedTuple):
    """What lies among files and is none that can be read to its end."""

    name: str
    path: str
    reason: str

    def __str__(self) -> str:
        return self.path

    def open(self, _: str) -> AbstractContextManager[Any]:
        """Refuse it."""
        raise OSError(self.reason)


File = Path | RemoteFile | StandardInput | OddFile


def find(source: str | os.PathLike[str], endings: tuple[str, ...] = ENDINGS) -> Sequence[File]:
    """List the files a name means: one file, a folder of NDJSON files, a glob, a URL, ``-``; by name.

    A file that has several names among them is listed once. Of a folder, those are that end in ``endings``.

    Raises
    ------
    SourceError
        Nothing is there, a folder holds no NDJSON file, or it cannot be looked into.
    """
    if source == _STANDARD_INPUT:
        return [StandardInput()]
    if is_remote(source):
        return _find_remote(str(source), endings)
    path = local_path(source)
    try:
        return _find_local(path, endings)
    except OSError as error:
        raise SourceError(f"cannot look for {path}: {error.strerror or error}") from error


def can_be_read_again(file: File) -> bool:
    """Tell a file from what is gone when it was read: standard input, a pipe."""
    return isinstance(file, RemoteFile | OddFile) or (isinstance(file, Path) and not file.is_fifo())


def _find_local(path: Path, endings: tuple[str, ...]) -> Sequence[File]:
    if path.is_dir():
        files = _each_once(file for file in path.iterdir() if file.name.lower().endswith(endings))
        if not files:
            raise SourceError(f"the folder {path} holds no envelopes: {_instead(path)}")
        return files
    if path.exists():
        _check(path)
        return [path]
    files = _each_once(map(Path, _expanded(str(path))))
    if not files:
        raise SourceError(f"there is no file {path} (and no glob {str(path)!r} that matches any)")
    return files


def _instead(path: Path) -> str:
    """Say what a folder holds that has no file of envelopes."""
    names = sorted(one.name for one in path.iterdir())
    there = f"there are {listed(names, _NAMED)}" if names else "it is empty"
    said = f"no file is named {ENDINGS_TOLD}; {there}"
    if any(name.startswith("date=") or name.endswith(".parquet") for name in names):
        said += ". The parts of a snapshot are read with it: give the folder that holds 'decisions'"
    return said


def _check(path: Path) -> None:
    """See that what is there can be read to an end."""
    mode = path.stat().st_mode
    if not stat.S_ISFIFO(mode) and (kind := _odd(mode)):
        raise SourceError(f"{path} is {kind}, which has no lines and no end: give a file, a folder or a pipe")


def _odd(mode: int) -> str | None:
    """Say what is no regular file."""
    if stat.S_ISREG(mode):
        return None
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _each_once(paths: Iterable[Path]) -> list[File]:
    """Sort the files among some paths by name, each under the first of its names."""
    files: dict[Any, File] = {}
    for path in sorted(paths):
        try:
            found = path.stat()
        except OSError as error:
            files[path] = OddFile(path.name, str(path), error.strerror or str(error))
            continue
        kind = _odd(found.st_mode)
        if kind is None:
            files.setdefault((found.st_dev, found.st_ino), path)
        elif kind != "a folder" or path.name.lower().endswith(ENDINGS):
            files[path] = OddFile(path.name, str(path), f"it is {kind}")
    return list(files.values())


def _expanded(pattern: str) -> Iterator[str]:
    """Expand a glob; below ``**`` each folder is entered once, through however many links it is reached.

    At the end, ``**`` stands for all files below.
    """
    parts = pattern.split(os.sep)
    if "**" not in parts:
        yield from glob(pattern)
        return
    place = parts.index("**")
    before, behind = os.sep.join([*parts[:place], ""]), os.sep.join(parts[place + 1 :]) or "*"
    entered: set[tuple[int, int]] = set()
    for top in glob(before or os.curdir):
        for folder, names, _ in os.walk(top, followlinks=True):
            found = os.stat(folder)
            if (found.st_dev, found.st_ino) in entered:
                names.clear()
                continue
            entered.add((found.st_dev, found.st_ino))
            names[:] = sorted(name for name in names if not name.startswith("."))
            yield from _expanded(os.path.join(escape(folder), behind))


def _find_remote(url: str, endings: tuple[str, ...]) -> list[RemoteFile]:
    try:
        files = remote_files(url, endings)
    except OSError as error:
        raise SourceError(f"cannot read {url}: {error}") from error
    if not files:
        raise SourceError(f"there is no file {url}, and no file named {ENDINGS_TOLD} in it")
    return files
