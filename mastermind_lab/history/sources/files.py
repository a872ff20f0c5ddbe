"""NDJSON: a file of envelopes, a folder or a glob of them, standard input."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ... import ndjson
from ...decode import in_batches
from ...errors import OptionError
from ...text import harmless
from ..history import History
from .reading import Batch, Options, gather, lines_of, newest_of


@dataclass(frozen=True)
class Lines:
    """One file: its lines are numbered ``<number>-<line>``, wherever they are decoded."""

    file: ndjson.File
    number: int
    options: Options
    is_alone: bool = True

    def batches(self) -> Iterator[Batch]:
        """Decode the file."""
        lines_of_file = ndjson.lines if self.is_alone else ndjson.lines_beside_others
        lines = in_batches(lines_of_file(self.file, self.number, self.options.files))
        yield from lines_of(harmless(str(self.file)), self.options.tables(lines, numbered=True), self.options)


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
        for one in lines:
            if not ndjson.can_be_read_again(one.file):
                raise OptionError(f"cannot scan {one.file}, which can be read once: for that there is read")
        if not limits.is_relative:
            return lines
        newest = newest_of(lines, numbered=True)
        return self._lines(replace(self.options, limits=limits.back_from(newest)))

    def history(self) -> History:
        """Read all files."""
        return gather(self._lines(self.options.of_parts()), self.options, numbered=True)

    def _lines(self, options: Options) -> Sequence[Lines]:
        files = ndjson.find(self.path)
        return [Lines(file, number, options, len(files) == 1) for number, file in enumerate(files)]
