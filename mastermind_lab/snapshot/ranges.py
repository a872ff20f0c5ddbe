"""Committed ranges: listed only where their ``decisions`` part is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from ..errors import OptionError
from ..frames import SchemaUnion, id_key
from ..storage import Folder
from .footer import MOST_BYTES, DamageError, check_metadata, check_said, metadata_of, sha256, tail_length
from .layout import NO_DATE, Name, date_of, has_date, place_of
from .together import side_by_side

FORMAT = 4
"""The version of this layout.

Format 1 had no hash of the ``decisions`` part itself. Up to format 2 texts had Arrow's shorter type. Up to
format 3 the numbered lines of files stood under no day, columns with nothing in them were written, and no
footer said of which kinds the open columns are.
"""

FORMATS = ("1", "2", "3", str(FORMAT))
"""The versions that are read."""

_TAIL = 2**16


@dataclass(frozen=True)
class Range:
    """A committed range of entries: a part a table, under the same name in each table's folder.

    Attributes
    ----------
    path : str
        The ``decisions`` part that commits it.
    first_id, last_id : str
        Its first and last entry, rejects included; '' where it holds none.
    epoch : int
        How often the stream had begun again.
    rows, rejects : int
        Its decisions and its rejects.
    metadata : Mapping
        What else the footer says, by name without ``mastermind_lab.``: text, some of it JSON.
    max_unpacked_bytes : int or None
        What each of its parts may unpack to; see :func:`mastermind_lab.snapshot.parts.decoded`.
    """

    path: str
    first_id: str
    last_id: str
    epoch: int
    rows: int
    rejects: int
    metadata: Mapping[str, str] = field(repr=False, hash=False)
    max_unpacked_bytes: int | None = field(default=None, repr=False, compare=False)

    @property
    def folder(self) -> str:
        """The folder it lies in."""
        return self.path.rsplit("/", 3)[0]

    @property
    def place(self) -> str:
        """Its path below that folder."""
        return "/".join(self.path.rsplit("/", 3)[1:])

    @property
    def date(self) -> str:
        """The day under which it stands."""
        return self.path.rsplit("/", 2)[1].partition("=")[2]

    @property
    def origin(self) -> str:
        """What tells it from another range of the same entries, also when it was given more columns."""
        return self.metadata.get("origin", sha256(self.metadata["siblings"].encode()))

    @property
    def columns(self) -> SchemaUnion | None:
        """The kinds of the open columns that its parts have; None where its format does not say."""
        noted = self.metadata.get("kinds")
        return None if noted is None else SchemaUnion.of_noted(json.loads(noted))

    @cached_property
    def child_tables(self) -> dict[str, dict[str, Any]]:
        """The parts of the other tables: name -> ``rows``, ``sha256`` and ``bytes``."""
        tables: dict[str, dict[str, Any]] = json.loads(self.metadata["siblings"])
        return tables

    @property
    def replaces(self) -> set[str]:
        """The places of the ranges that were compacted into it."""
        return {*json.loads(self.metadata.get("replaces", "[]"))}

    @property
    def entries(self) -> int:
        """How many entries it holds, rejects included."""
        return self.rows + self.rejects

    def check_has(self, tables: Iterable[str]) -> None:
        """Refuse to be read for a table that it was saved without.

        Raises
        ------
        OptionError
            It has no such table.
        """
        absent = [name for name in tables if name not in ("decisions", *self.child_tables)]
        if absent:
            raise OptionError(f"{self.path} has no part in {absent[0]!r:.40}: it was saved without")

    def rows_of(self, table: str) -> int:
        """Return how many rows its part of a table holds."""
        return self.rows if table == "decisions" else int(self.child_tables[table]["rows"])

    @property
    def key(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """What ranges sort by: epoch and first id, then the last; one without entries comes first."""
        if not self.first_id:
            return (self.epoch, -1, 0), (self.epoch, -1, 0)
        return id_key(self.first_id), id_key(self.last_id)


class Fault(NamedTuple):
    """What is wrong with a part, in a word and in a sentence."""

    part: str
    kind: str
    detail: str

    @classmethod
    def of(cls, part: str, error: Exception) -> Fault:
        """Tell what was wrong where it showed."""
        return cls(part, getattr(error, "kind", "unreadable"), reason(error))


def is_commit(path: str) -> bool:
    """Tell whether a path is that of a ``decisions`` part."""
    return path.startswith("decisions/") and Name.of(path) is not None


def read_ranges(
    target: Folder, paths: Iterable[str], max_unpacked_bytes: int | None = None
) -> tuple[list[Range], list[Fault]]:
    """Read the footers of some ``decisions`` parts, side by side where that is quicker."""

    def read(path: str) -> Range | Fault:
        try:
            one = range_of(target, path, read_metadata(target, path))
        except (OSError, DamageError) as error:
            return Fault.of(path, error)
        return one if max_unpacked_bytes is None else replace(one, max_unpacked_bytes=max_unpacked_bytes)

    found = [*side_by_side(read, paths, target.at_once)]
    return [one for one in found if isinstance(one, Range)], [one for one in found if isinstance(one, Fault)]


def reason(error: Exception) -> str:
    """Say why a part cannot be read, without naming it once more."""
    return getattr(error, "strerror", None) or str(error)


class _NewerError(DamageError):
    """A part of a format this version does not know."""

    kind = "newer format"


def read_metadata(target: Folder, path: str) -> dict[str, str]:
    """Read the metadata in the footer of a part."""
    tail = target.tail(path, _TAIL)
    if len(tail) < tail_length(tail) <= MOST_BYTES:
        tail = target.tail(path, tail_length(tail))
    return metadata_of(tail)


def range_of(target: Folder, path: str, metadata: Mapping[str, str]) -> Range:
    """Make a range of its footer's metadata.

    Raises
    ------
    DamageError
        It is not ours, or of a newer format, or does not fit the part's name.
    """
    if "format" not in metadata:
        raise DamageError("a Parquet file of something else")
    if metadata["format"] not in FORMATS:
        raise _NewerError(
            f"format {metadata['format']!r:.20}, where this version reads up to {FORMAT}: "
            "install a newer mastermind_lab"
        )
    check_metadata(metadata)
    check_said(metadata)
    try:
        rejects = metadata.get("rejects") or json.loads(metadata["siblings"])["rejects"]["rows"]
        first, last = metadata["first_id"], metadata["last_id"]
        epoch = id_key(first)[0] if first else 0
        date = metadata.get("date") or (date_of(first) if has_date(first) else NO_DATE)
        is_its_own = path == "decisions/" + place_of(first, last, date) and _are_ends(first, last)
        committed = Range(
            f"{target.name}/{path}", first, last, epoch, int(metadata["rows"]), int(rejects), dict(metadata)
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamageError(f"its footer is damaged ({error!r:.100})") from error
    if not is_its_own:
        raise DamageError(f"its footer is another part's: {first!r:.60} to {last!r:.60}")
    return committed


def _are_ends(first: str, last: str) -> bool:
    return bool(first) == bool(last) and (
        not first or (id_key(first) <= id_key(last) and id_key(first)[0] == id_key(last)[0])
    )
