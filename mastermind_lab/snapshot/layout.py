"""Names of parts: made of ids alone, never of a stream's name or a clock, so they are the same each time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from ..frames import FRAMES, PAYLOADS, id_key

NO_DATE = "__HIVE_DEFAULT_PARTITION__"
"""What DuckDB, Polars and Arrow read as a missing date."""

_DATED = range(10**9, 253_402_300_800_000)  # ms: numbered lines of files, and ids beyond 9999, hold no date
_TABLES = "|".join((*FRAMES, PAYLOADS))
_PART = re.compile(
    rf"(?P<table>{_TABLES})/(?P<date>date=[\w-]+)/"
    r"part-(?P<epoch>\d+)-(?P<first>\d+-\d+)?-(?P<last>\d+-\d+)?\.parquet"
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
        ends = [id_key(named[end] or "0-0")[1:] for end in ("first", "last")]
        return cls(named["table"], named["date"], int(named["epoch"]), *ends)


def date_of(milliseconds: int) -> str:
    """Return the UTC day of an id's time, or what stands for none."""
    if milliseconds not in _DATED:
        return NO_DATE
    return datetime.fromtimestamp(milliseconds // 1000, UTC).date().isoformat()


def place_of(first_id: str, last_id: str) -> str:
    """Return where a range's parts lie below the folders of their tables; without entries, both ids are ''.

    Examples
    --------
    >>> place_of("1795392000000-0@2", "1795392000003-1@2")
    'date=2026-11-23/part-2-1795392000000-0-1795392000003-1.parquet'
    """
    if not first_id:
        return f"date={NO_DATE}/part-0--.parquet"
    epoch, *first = id_key(first_id)
    last = id_key(last_id)[1:]
    return f"date={date_of(first[0])}/part-{epoch}-{first[0]}-{first[1]}-{last[0]}-{last[1]}.parquet"


def child_path(path: str, table: str) -> str:
    """Return the path of a range's part in another table."""
    return f"{table}/{path.partition('/')[2]}"
