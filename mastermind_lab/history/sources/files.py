"""NDJSON: a file of envelopes, a folder or a glob of them, standard input."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from ... import ndjson
from ...decode import in_batches
from ...errors import OptionError
from ...text import harmless
from ..history import History
from .reading import Batch, Options, gather, lines_of, newest_of

_SMALL_BYTES = 2**22  # of files that are decoded together, as they lie, packed or not
_AT_ONCE = 256  # of them: each has its own account in every batch


@dataclass(frozen=True)
class Lines:
    """A file, or small neighbours: lines are numbered ``<number>-<line>``, wherever they are decoded."""

    files: Mapping[int, ndjson.File]
    options: Options
    is_alone: bool = True

    def batches(self) -> Iterator[Batch]:
        """Decode the files."""
        lines_of_file = ndjson.lines if self.is_alone else ndjson.lines_beside_others
        found = (lines_of_file(file, number, self.options.files) for number, file in self.files.items())
        tables = self.options.tables(in_batches(chain.from_iterable(found)), numbered=True)
        names = {number: harmless(str(file)) for number, file in self.files.items()}
        yield from lines_of(names, tables, self.options)


@dataclass(frozen=True)
class Files:
    """The files that a path, a folder, a glob or a URL means."""

    path: str | os.PathLike[str]
    options: Options

    @classmethod
    def of(cls, source: Any, options: Options) -> Files | None:
        """Return the source, if this is a path or a URL."""
        return cls(source, options) if isinstance(source, str | os.PathLike) else None

    def partitions(self) -> Sequence[Lines]:
        """Return the files; to count back from the newest entry, all are read for it first.

        Raises
        ------
        OptionError
            One of them is gone once it was read, and a scan may have to read it again.
        """
        limits = self.options.limits
        lines = self._lines(self.options.of_parts())
        for file in (file for one in lines for file in one.files.values()):
            if not ndjson.can_be_read_again(file):
                raise OptionError(f"cannot scan {file}, which can be read once: for that there is read")
        if not limits.is_relative:
            return lines
        newest = newest_of(lines, numbered=True)
        return self._lines(replace(self.options, limits=limits.back_from(newest)))

    def history(self) -> History:
        """Read all files."""
        return gather(self._lines(self.options.of_parts()), self.options, numbered=True)

    def _lines(self, options: Options) -> Sequence[Lines]:
        files = ndjson.find(self.path)
        return [Lines(run, options, len(files) == 1) for run in _neighbours(files)]


def _neighbours(files: Iterable[ndjson.File]) -> Iterator[dict[int, ndjson.File]]:
    """Divide files into runs: small ones that follow each other together, where they tell their size."""
    run: dict[int, ndjson.File] = {}
    size = 0
    for number, file in enumerate(files):
        own = _size_of(file)
        if run and (size + own > _SMALL_BYTES or len(run) >= _AT_ONCE):
            yield run
            run, size = {}, 0
        run[number] = file
        size += own
    if run:
        yield run


def _size_of(file: ndjson.File) -> int:
    with suppress(OSError):
        if isinstance(file, Path):
            return file.stat().st_size
    return _SMALL_BYTES + 1
