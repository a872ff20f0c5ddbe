"""Committed ranges: listed only where their ``decisions`` part is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, NamedTuple

from ..errors import OptionError, SourceError
from ..frames import FRAMES, PAYLOADS, SchemaUnion, id_key
from ..storage import Folder, check_bytes
from ..storage import folder as folder_of
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
_OURS = {"decisions", *FRAMES, PAYLOADS}


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

    @property
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


class Survey(NamedTuple):
    """What the ``decisions`` parts of a folder say."""

    committed: list[Range]
    replaced: list[Range]  # compacted into another one
    unfinished: list[Range]  # of a save that was not brought to its end
    faults: list[Fault]
    paths: list[str]  # all that lies there


def ranges(folder: str | PathLike[str], max_unpacked_bytes: int | None = None) -> list[Range]:
    """List the committed ranges of a folder by epoch and first id; only footers are read.

    The last one is where an archiver goes on. A folder that is not there, or empty, has none.

    Raises
    ------
    SourceError
        A ``decisions`` part cannot be read or is of a newer format, or the folder holds something else.
    """
    return survey_of(folder, max_unpacked_bytes).committed


def survey_of(folder: str | PathLike[str], max_unpacked_bytes: int | None = None) -> Survey:
    """Survey a folder, and refuse one in which something is wrong with a ``decisions`` part; see ranges."""
    target = folder_of(folder)
    surveyed = survey(target, max_unpacked_bytes)
    if surveyed.faults:
        part, kind, detail = surveyed.faults[0]
        advice = " Move the part away to read the others." if kind == "unreadable" else ""
        raise SourceError(
            f"{target.name}/{part}: {kind}, {detail}. Nothing was changed; verify lists all that is wrong."
            + advice
        )
    return surveyed


def survey(target: Folder, max_unpacked_bytes: int | None = None) -> Survey:
    """Read the footers of all ``decisions`` parts, and tell what is committed.

    Raises
    ------
    OptionError
        ``max_unpacked_bytes`` is no number of bytes.
    SourceError
        The folder cannot be listed, or holds something else.
    """
    check_bytes("max_unpacked_bytes", max_unpacked_bytes)
    unlisted: dict[str, str] = {}
    try:
        paths = target.paths(unlisted)
    except OSError as error:
        raise SourceError(f"cannot list {target.name}: {error.strerror or error}") from error
    if "." in unlisted:
        raise SourceError(f"cannot list {target.name}: {unlisted['.']}")
    _check_ours(target, [*paths, *unlisted])
    named, faults = read_ranges(target, filter(is_commit, paths), max_unpacked_bytes)
    faults = [*(Fault(path, "unreadable", detail) for path, detail in unlisted.items()), *faults]
    return sorted_out(named, faults, paths)


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


def _check_ours(target: Folder, paths: Iterable[str]) -> None:
    """Refuse a folder of something else; a first commit may have been cut off before its ``decisions``."""
    tops = {path.partition("/")[0] for path in paths}
    if tops and not tops & _OURS and not all(top.startswith(".") for top in tops):
        raise SourceError(
            f"{target.name} is no snapshot: it holds {sorted(tops)[0]!r:.80} and no folder 'decisions'. "
            "Nothing was changed; choose another folder."
        )


def sorted_out(named: list[Range], faults: list[Fault], paths: list[str]) -> Survey:
    """Tell which ranges count, of those that are there: all of them, or all that overlap."""
    by_place = {one.place: one for one in named}
    faults += [fault for one in named for fault in _false_claims(one, by_place)]
    replaced = set().union(*(one.replaces for one in named))
    commit_markers = {one.place for one in named} | {
        name for one in named for name in json.loads(one.metadata.get("seals", "[]"))
    }
    surveyed = Survey([], [], [], faults, paths)
    for one in sorted(named, key=lambda one: one.key):
        if one.place in replaced:
            surveyed.replaced.append(one)
        elif one.metadata.get("seal", one.place) not in commit_markers:
            surveyed.unfinished.append(one)
        else:
            surveyed.committed.append(one)
    return surveyed


def _false_claims(one: Range, by_place: Mapping[str, Range]) -> Iterator[Fault]:
    """Tell where a range says that it replaces one that it can't hold: it would be lost."""
    for other in filter(None, map(by_place.get, sorted(one.replaces))):
        is_within = one.key[0] <= other.key[0] and other.key[1] <= one.key[1]
        if not is_within or one.place in other.replaces:
            yield Fault(one.place, "unreadable", f"it says it replaces {other.place}, which it can't hold")


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
