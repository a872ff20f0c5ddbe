"""The formats of logs that are known, each told by how a file begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .. import ndjson
from ..errors import OptionError, SourceError
from . import councils, inspect, judgments
from .files import head_of, is_parquet
from .logs import Log, Tables


class Format(Protocol):
    """What the module of a format has."""

    NAME: str

    def recognises(self, head: bytes, file: ndjson.File) -> bool:
        """Tell whether a file that begins so is of this format."""

    def read(self, files: Sequence[ndjson.File], limits: ndjson.FileLimits, table: Tables) -> Log:
        """Read files as one panel; what is wrong with one of them is a reject."""


FORMATS: tuple[Format, ...] = (inspect, councils, judgments)


def format_of(file: ndjson.File, table: Tables) -> Format | None:
    """Return the format of a file, if it is a known one; of Parquet, its columns tell."""
    try:
        if is_parquet(file):
            return judgments if judgments.fits(table(file, (), ()).table.column_names) else None
        head = head_of(file)
    except (SourceError, OptionError):  # which whoever reads it says
        return None
    return next((one for one in FORMATS if one.recognises(head, file)), None)
