"""NDJSON: a file of envelopes, a folder or a glob of them, standard input."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ... import ndjson
from ...decode import in_batches
from ...storage import RemoteFile
from ..history import History
from .reading import Batch, Options, gather, lines_of, newest_of


@dataclass(frozen=True)
class Lines:
    """One file: its lines are numbered ``<number>-<line>``, wherever they are decoded."""

    file: Path | RemoteFile
    number: int
    options: Options

    def batches(self) -> Iterator[Batch]:
        """Decode the file."""
        lines = in_batches(ndjson.lines(self.file, self.number))
        yield from lines_of(str(self.file), self.options.tables(lines, numbered=True), self.options)


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
        """Return the files; to count back from the newest entry, all are read for it first."""
        limits = self.options.limits
        if not limits.is_relative:
            return self._lines(self.options)
        newest = newest_of(self._lines(self.options.whole()), numbered=True)
        return self._lines(replace(self.options, limits=limits.back_from(newest)))

    def _lines(self, options: Options) -> Sequence[Lines]:
        return [Lines(file, number, options) for number, file in enumerate(ndjson.find(self.path))]

    def history(self) -> History:
        """Read all files."""
        options = self.options.whole() if self.options.limits.is_relative else self.options
        return gather(self._lines(options), self.options, numbered=True)
