"""The checkpoint: one file of what the commits of a folder say, so that not all of them are read again.

It is a Parquet file beside the tables: a row a range, with what the footer of its ``decisions`` part says,
and in its own footer the sum of them, which is all that an archiver needs, and of each day the first and the
last id, by which readers choose. The parts stay the truth. Whoever changes a part that it knows removes it
first; parts that came later are read beside it; and it is used only where the newest part that it knows is
there and says the same. Without it, or where it is damaged, of another folder or a stranger's, every footer
is read, as if it had never been.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import Any, TypeVar

import pyarrow as pa

from ..errors import CheckpointWarning, SourceError, callers_level
from ..frames import ARROW, Coverage, SchemaUnion, id_key, is_id
from ..storage import HALF, Folder
from .encoding import encoded
from .footer import DamageError, check_hash, check_metadata, metadata_of, parsed
from .layout import has_date
from .parts import decoded
from .ranges import FORMAT, Range, is_commit, range_of, read_metadata, reason
from .unfolded import FREE

CHECKPOINT = ".archive.checkpoint"

LEFTOVER = f".{CHECKPOINT}{HALF}"
"""What a writer leaves that was killed."""

WORTH = 64
"""Of fewer ranges the footers are read as quickly."""

Read = TypeVar("Read")

_COLUMNS = pa.schema([("place", ARROW["str"]), ("said", ARROW["str"])])


@dataclass(frozen=True)
class Committed:
    """The sum of the committed ranges of a growing folder, and the last of them; it adds up, in order.

    Attributes
    ----------
    last : Range or None
        The last one.
    reaches : str
        The newest id, without the epoch, of the epochs before that of the last one.
    coverage : Coverage
        What they say of it together.
    kinds : frozenset of str
        The columns that their parts have, each as a footer says them.
    ranges : int
        How many there are.
    """

    last: Range | None = None
    reaches: str = "0-0"
    coverage: Coverage = field(default_factory=Coverage)
    kinds: frozenset[str] = frozenset()
    ranges: int = 0

    @classmethod
    def of(cls, ranges: Sequence[Range]) -> Committed:
        """Add up ranges, oldest first."""
        return reduce(add, map(cls._of, ranges), cls())

    @classmethod
    def _of(cls, one: Range) -> Committed:
        coverage = Coverage.of_rows(json.loads(one.metadata.get("coverage", "[]")))
        kinds = [one.metadata["kinds"]] if "kinds" in one.metadata else []
        return cls(one, "0-0", coverage, frozenset(kinds), 1)

    def __add__(self, later: Committed) -> Committed:
        if self.last is None or later.last is None:
            return later if self.last is None else self
        ids = [self.reaches, later.reaches]
        if self.last.epoch < later.last.epoch:
            ids.append(self.last.last_id.partition("@")[0] or "0-0")
        return Committed(
            later.last,
            max(ids, key=id_key),
            self.coverage + later.coverage,
            self.kinds | later.kinds,
            self.ranges + later.ranges,
        )

    @property
    def columns(self) -> SchemaUnion:
        """The columns of all parts together."""
        return reduce(add, map(_noted, self.kinds), SchemaUnion())

    @property
    def is_narrow(self) -> bool:
        """Whether some part lacks columns that others have."""
        types = self.columns.types
        return any(_noted(one).types != types for one in self.kinds)


def _noted(kinds: str) -> SchemaUnion:
    return SchemaUnion.of_noted(parsed("kinds", kinds))


def pays(ranges: int) -> bool:
    """Tell whether so many footers are worth a checkpoint."""
    return ranges >= WORTH


def write_checkpoint(target: Folder, committed: Sequence[Range]) -> None:
    """Write down what all committed ranges of a growing folder say, if there are enough.

    Where there is no room for it, or it would be too large to be read again, there is none: nobody needs it.
    """
    known = Committed.of(committed)
    is_archive = all("stream" in one.metadata for one in committed) and known.coverage.accounts
    if not pays(known.ranges) or not is_archive:
        return
    rows = [[one.place, json.dumps(dict(one.metadata))] for one in committed]
    table = pa.table([pa.array(column, ARROW["str"]) for column in zip(*rows, strict=True)], _COLUMNS)
    if table.nbytes > FREE:
        return
    said = {
        "format": str(FORMAT),
        "last": rows[-1][0],
        "said": rows[-1][1],
        "reaches": known.reaches,
        "coverage": json.dumps(known.coverage.rows()),
        "columns_of": json.dumps(sorted(known.kinds)),
        "rows": str(known.ranges),
        "days": json.dumps(_days(committed)),
    }
    with suppress(OSError):
        target.write(CHECKPOINT, encoded(table, said, hashed=True))


def _days(committed: Iterable[Range]) -> list[tuple[str, str]]:
    """List the first and the last id of each day; of none where ids tell no day."""
    ends: dict[str, tuple[str, str]] = {}
    for one in committed:
        if not has_date(one.first_id):
            return []
        first, last = ends.get(one.date, (one.first_id, one.last_id))
        ends[one.date] = min(first, one.first_id, key=id_key), max(last, one.last_id, key=id_key)
    return [*ends.values()]


def forget(target: Folder) -> None:
    """Remove the checkpoint, before parts that it knows are changed.

    Raises
    ------
    SourceError
        It cannot be removed.
    """
    try:
        if target.exists(CHECKPOINT):
            target.remove(CHECKPOINT, for_good=True)
    except OSError as error:
        raise SourceError(
            f"cannot remove {target.name}/{CHECKPOINT}: {reason(error)}. Nothing else was changed."
        ) from error


def known_sum(target: Folder) -> Committed | None:
    """Read what the checkpoint says of all ranges together; None where there is none.

    Raises
    ------
    OSError, DamageError
        It cannot be used.
    """
    try:
        return _twice(lambda: _said(target))[1]
    except (FileNotFoundError, NotADirectoryError):
        return None


def known_days(target: Folder) -> tuple[str, list[tuple[str, str]]]:
    """Read what the checkpoint says of days; where it can't be used, warn.

    Returns
    -------
    tuple
        The day from which on there may be parts that it does not know, and the first and the last id of each
        day, which is that of its first id; '' and none where it does not tell.
    """
    try:
        said, known = _twice(lambda: _said(target))
    except (FileNotFoundError, NotADirectoryError):
        return "", []
    except (OSError, DamageError) as error:
        refused(target, error)
        return "", []
    days = _days_of(said)
    return (known.last.date, days) if known.last and days else ("", [])


def _said(target: Folder) -> tuple[dict[str, str], Committed]:
    said = read_metadata(target, CHECKPOINT)
    return said, _confirmed(target, _sum(target, said))


def _twice(read: Callable[[], Read]) -> Read:
    """Read once more where it fails: a compaction removes the checkpoint, and then parts that it knows."""
    with suppress(OSError, DamageError):
        return read()
    return read()


def _days_of(said: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(first, last) for first, last in json.loads(said.get("days", "[]"))]


def known_ranges(target: Folder, max_unpacked_bytes: int | None = None) -> dict[str, Range]:
    """Read what the checkpoint says of each range, by its place; where it can't be used, warn."""
    try:
        return _twice(lambda: listed(target, max_unpacked_bytes))
    except FileNotFoundError:
        return {}
    except (OSError, DamageError) as error:
        refused(target, error)
        return {}


def listed(target: Folder, max_unpacked_bytes: int | None = None) -> dict[str, Range]:
    """Read what the checkpoint says of each range, by its place.

    Raises
    ------
    OSError, DamageError
        It cannot be used.
    """
    content = target.read(CHECKPOINT, max_unpacked_bytes or FREE)
    known = _confirmed(target, _sum(target, said := metadata_of(content)))
    check_hash(content, said)
    found = [_range(target, *row) for row in _rows(decoded(content, max_unpacked_bytes))]
    if (known.ranges, known.last) != (len(found), found[-1] if found else None):
        raise DamageError("its sum is not of its ranges")
    if _days_of(said) not in ([], _days(found)):
        raise DamageError("it says of days what is not so of its ranges")
    return {one.place: replace(one, max_unpacked_bytes=max_unpacked_bytes) for one in found}


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    if table.schema.names != _COLUMNS.names or {*table.schema.types} != {ARROW["str"]}:
        raise DamageError("its columns are not those of a checkpoint")
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def refused(target: Folder, error: Exception) -> None:
    """Say that a checkpoint is not used."""
    warnings.warn(
        f"{target.name}/{CHECKPOINT} is not used: {reason(error).rstrip('.')}. Every part is read instead; "
        "the archiver and compact write it again",
        CheckpointWarning,
        stacklevel=callers_level(),
    )


def _confirmed(target: Folder, known: Committed) -> Committed:
    """See that the newest part that a checkpoint knows is there, and says the same."""
    if known.last is None:
        raise DamageError("it says no range")
    try:
        there = range_of(target, known.last.place, read_metadata(target, known.last.place))
    except FileNotFoundError as error:
        raise DamageError(f"it knows {known.last.place}, which is not there") from error
    if there != known.last:
        raise DamageError(f"{known.last.place} is not the part that it knows")
    return known


def _sum(target: Folder, said: Mapping[str, str]) -> Committed:
    check_metadata(said)
    try:
        kinds, coverage = (parsed(name, said[name]) for name in ("columns_of", "coverage"))
        reaches, ranges = said["reaches"], int(said["rows"])
        known = Committed(
            _range(target, said["last"], said["said"]),
            reaches,
            Coverage.of_rows(coverage),
            frozenset(kinds),
            ranges,
        )
        are_days = all(is_id(first) and has_date(first) and is_id(last) for first, last in _days_of(said))
        is_ours = is_id(reaches) and isinstance(known.columns, SchemaUnion) and are_days
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DamageError(f"it is no checkpoint of ours ({error!r:.100})") from error
    if not is_ours:
        raise DamageError("it is no checkpoint of ours")
    return known


def _range(target: Folder, place: Any, text: Any) -> Range:
    """Read what is said of one range as its own footer is read."""
    try:
        said = json.loads(text)
        is_ours = is_commit(place) and all(isinstance(one, str) for one in (*said, *said.values()))
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DamageError(f"it is no checkpoint of ours ({error!r:.100})") from error
    if not is_ours:
        raise DamageError(f"it names {place!r:.80}, which is no part of ours")
    return range_of(target, place, said)
