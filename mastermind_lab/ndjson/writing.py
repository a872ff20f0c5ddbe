"""NDJSON written: a file appears under its name only when it is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import OptionError, SourceError
from ..storage import is_remote, local_path, uploaded
from ..wire import without_password
from .files import ENDINGS, ENDINGS_TOLD
from .packing import packing_named

_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def write_lines(path: str | os.PathLike[str], payloads: Iterable[bytes]) -> Path | str:
    """Write one payload a line, to a path or an fsspec URL; the file appears only when it is whole.

    Raises
    ------
    OptionError
        The name does not end in .ndjson or .jsonl, with an ending of a compressed file behind it or not; or
        the URL's file system is unknown.
    SourceError
        The file cannot be written; nothing is left under its name.
    """
    target = str(path) if is_remote(path) else local_path(path)
    if not str(target).lower().endswith(ENDINGS):
        shown = without_password(str(target))
        raise OptionError(f"{shown}: name the file {ENDINGS_TOLD}, so that it can be read back")
    try:
        if isinstance(target, str):
            with uploaded(target) as file:
                _write_whole(file, payloads)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(target, payloads)
    except OSError as error:
        raise SourceError(
            f"cannot write {target}: {error.strerror or error}. Nothing was left there."
        ) from error
    return target


def _write_whole(target: Path, payloads: Iterable[bytes]) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    os.close(descriptor)
    try:
        with _opened(name, target.name) as stream:
            for payload in payloads:
                # Line breaks in JSON stand between tokens only, so a space says the same.
                stream.write(payload.translate(_ONE_LINE) + b"\n")
        with open(name, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _opened(path: str, name: str) -> Any:
    packing = packing_named(name)
    return packing.opened(path) if packing else open(path, "wb")
