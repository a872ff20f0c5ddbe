"""NDJSON in and out, plain, ``.gz`` or ``.zst``: one envelope a line.

A line break ends a line, CR LF too; blank lines are skipped but counted, so that an id names its line;
a byte order mark at the start of a file is skipped. Where a file ends early, what came before is kept and the
end itself becomes a reject.
"""

from __future__ import annotations

import glob
import gzip
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from .envelope import Entry, Reject
from .errors import OptionError, SourceError
from .storage import RemoteFile, is_remote, local_path, remote_files, upload
from .text import without_password

ENDINGS = tuple(kind + packed for kind in (".ndjson", ".jsonl") for packed in ("", ".gz", ".zst"))
"""How the names of files of envelopes end."""

_BOM = b"\xef\xbb\xbf"
_BLOCK = 2**20


def find(source: str | os.PathLike[str]) -> Sequence[Path | RemoteFile]:
    """List the files a path or a URL means: one file, a folder of NDJSON files, or a glob, by name.

    Raises
    ------
    SourceError
        Nothing is there, or a folder holds no NDJSON file.
    """
    if is_remote(source):
        return _find_remote(str(source))
    path = local_path(source)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.name.endswith(ENDINGS) and file.is_file())
        if not files:
            raise SourceError(f"the folder {path} holds no envelopes: no file named *{', *'.join(ENDINGS)}")
        return files
    if path.exists():
        return [path]
    files = sorted(Path(name) for name in glob.glob(str(source), recursive=True) if Path(name).is_file())
    if not files:
        raise SourceError(f"there is no file {path} (and no glob {str(source)!r} that matches any)")
    return files


def _find_remote(url: str) -> list[RemoteFile]:
    try:
        files = remote_files(url, ENDINGS)
    except OSError as error:
        raise SourceError(f"cannot read {url}: {error}") from error
    if not files:
        raise SourceError(f"there is no file {url}, and no file named *{', *'.join(ENDINGS)} in it")
    return files


def lines(path: Path | RemoteFile, number: int = 0) -> Iterator[Entry]:
    """Yield the lines of one file with their ids, ``<number>-<line>``, lines counted from 1."""
    line, rest = 0, b""
    for block, fault in _blocks(path):
        *whole, rest = (rest + block).split(b"\n") if block else [rest]
        for text in whole:
            line += 1
            yield from _line(text, number, line, None)
        if fault:
            # The damage is an entry of its own, even where it falls between two lines.
            yield f"{number}-{line + 1}", rest, fault
            return
    yield from _line(rest, number, line + 1, None)


def _line(text: bytes, number: int, line: int, fault: Reject | None) -> Iterator[Entry]:
    if line == 1:
        text = text.removeprefix(_BOM)
    text = text.removesuffix(b"\r")
    if text.strip():
        yield f"{number}-{line}", text, fault


def _blocks(path: Path | RemoteFile) -> Iterator[tuple[bytes, Reject | None]]:
    """Read a file in blocks; damage ends it with a last empty block that says why."""
    try:
        stream = _open(path)
    except OSError as error:
        raise SourceError(f"cannot open {path}: {error.strerror or error}") from error
    with stream:
        while True:
            try:
                block = stream.read1(_BLOCK) if isinstance(stream, gzip.GzipFile) else stream.read(_BLOCK)
            except (OSError, EOFError, zlib.error) as error:
                yield b"", Reject("damaged", f"{path.name} cannot be read on from here: {error}")
                return
            if not block:
                return
            yield block, None


def _open(path: Path | RemoteFile) -> Any:
    if path.name.endswith(".gz"):
        return gzip.open(path if isinstance(path, Path) else path.open("rb"), "rb")
    if path.name.endswith(".zst"):
        return pa.input_stream(str(path) if isinstance(path, Path) else path.open("rb"), compression="zstd")
    return path.open("rb")


def write_lines(path: str | os.PathLike[str], payloads: Iterable[bytes]) -> Path | str:
    """Write one payload a line, to a path or an fsspec URL; the file appears only when it is whole.

    Raises
    ------
    OptionError
        The name does not end in .ndjson or .jsonl, with .gz or .zst behind it or not; or the URL's file
        system is unknown.
    SourceError
        The file cannot be written; nothing is left under its name.
    """
    if not str(path).endswith(ENDINGS):
        shown = without_password(str(path))
        raise OptionError(f"{shown}: name the file *{', *'.join(ENDINGS)}, so that it can be read back")
    target = str(path) if is_remote(path) else local_path(path)
    try:
        if isinstance(target, str):
            _write_remote(target, payloads)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(target, payloads)
    except OSError as error:
        raise SourceError(
            f"cannot write {target}: {error.strerror or error}. Nothing was left there."
        ) from error
    return target


def _write_remote(url: str, payloads: Iterable[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, url.rpartition("/")[2])
        _write_whole(file, payloads)
        upload(file, url)


def _write_whole(target: Path, payloads: Iterable[bytes]) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    os.close(descriptor)
    try:
        with _packed(name, target.name) as stream:
            for payload in payloads:
                # Line breaks in JSON stand between tokens only, so a space says the same.
                stream.write(payload.translate(_ONE_LINE) + b"\n")
        with open(name, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def _packed(path: str, name: str) -> Any:
    if name.endswith(".gz"):
        return gzip.open(path, "wb")
    return pa.output_stream(path, compression="zstd") if name.endswith(".zst") else open(path, "wb")
