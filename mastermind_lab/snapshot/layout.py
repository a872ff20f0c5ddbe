"""Names of parts: made of ids alone, never of a stream's name or a clock, so they are the same each time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from ..frames import FRAMES, PAYLOADS, Key, id_key

UNKNOWN = "unknown"
"""Where a whole folder's parts stand when none of their entries tells a day."""

NO_DATE = "__HIVE_DEFAULT_PARTITION__"
"""The same up to format 3. A missing date: pandas, Arrow and Dask open no folder that begins with one."""

DATED = range(10**9, 253_402_300_800_000)
"""Milliseconds that are a day's: numbered lines of files, and ids beyond the year 9999, hold no date."""

_TABLES = "|".join((*FRAMES, PAYLOADS))
_PART = re.compile(
    rf"({_TABLES})/date=([\w-]+)/"
    r"part-(\d{1,9})-(?:(\d{1,20})-(\d{1,20}))?-(?:(\d{1,20})-(\d{1,20}))?\.parquet",
    re.ASCII,
)


class Name(NamedTuple):
    """What the path of a part says."""

    table: str
    date: str
    epoch: int
    first: tuple[int, int]
    last: tuple[int, int]

    @classmethod
    def of(cls, path: str) -> Name | None:
        """Read a part's path below its snapshot's folder; None where it is no part's."""
        named = _PART.fullmatch(path)
        if named is None:
            return None
        table, date, *numbers = named.groups("0")
        epoch, *ends = map(int, numbers)
        return cls(table, date, epoch, (ends[0], ends[1]), (ends[2], ends[3]))

    @property
    def ends(self) -> tuple[Key, Key]:
        """What its first and its last id sort by."""
        return (self.epoch, *self.first), (self.epoch, *self.last)


def date_of(stream_id: str) -> str:
    """Return the UTC day of an id's time, the last day there is for one beyond it."""
    milliseconds = min(id_key(stream_id)[1], DATED[-1])
    return datetime.fromtimestamp(milliseconds // 1000, UTC).date().isoformat()


def has_date(stream_id: str) -> bool:
    """Tell whether an id holds a day, by its looks: one that numbers a line of a file does not."""
    return bool(stream_id) and id_key(stream_id)[1] in DATED


def place_of(first_id: str, last_id: str, date: str) -> str:
    """Return where a range's parts lie below the folders of their tables; without entries, both ids are ''.

    Examples
    --------
    >>> place_of("1795392000000-0@2", "1795392000003-1@2", "2026-11-23")
    'date=2026-11-23/part-2-1795392000000-0-1795392000003-1.parquet'
    """
    if not first_id:
        return f"date={date}/part-0--.parquet"
    epoch, *first = id_key(first_id)
    last = id_key(last_id)[1:]
    return f"date={date}/part-{epoch}-{first[0]}-{first[1]}-{last[0]}-{last[1]}.parquet"


def child_path(path: str, table: str) -> str:
    """Return the path of a range's part in another table."""
    return f"{table}/{path.partition('/')[2]}"
