"""What ``last``, ``since`` and ``until`` mean."""

from __future__ import annotations

import math
import operator
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import OptionError
from ..frames import Tables, id_key

Bound = float | datetime | str
"""A moment (a Unix time, a datetime) or a place (a stream id)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID = re.compile(r"\d{1,20}(-\d{1,20})?(@\d{1,9})?")
_MILLISECONDS_FROM = 1e11  # a Unix time beyond this (the year 5138 in seconds) is in milliseconds


class Limits(NamedTuple):
    """Checked limits: a count, and bounds that are an id (str) or a moment in microseconds (int)."""

    last: int | None
    since: str | int | None
    until: str | int | None
    said: str

    @classmethod
    def of(cls, last: Any = None, since: Bound | None = None, until: Bound | None = None) -> Limits:
        """Check the limits of a read.

        Raises
        ------
        OptionError
            ``last`` is no whole number from 0, or a bound is no number, datetime or stream id.
        """
        given = {"last": last, "since": since, "until": until}
        said = ", ".join(f"{name}={value}" for name, value in given.items() if value is not None)
        return cls(_count(last), _bound("since", since), _bound("until", until), said)

    def ids(self) -> dict[str, str | None]:
        """Return the bounds as stream ids, both inclusive; half an id covers its millisecond."""
        # A millisecond that begins before the moment is not wholly behind it: rounded up.
        since = str(-(-self.since // 1000)) if isinstance(self.since, int) else self.since
        until = str(self.until // 1000) if isinstance(self.until, int) else self.until
        return {"since": since and since.partition("@")[0], "until": until and until.partition("@")[0]}


def _count(last: Any) -> int | None:
    if last is None:
        return None
    try:
        count = operator.index(last)
    except TypeError:
        count = -1
    if count < 0 or isinstance(last, bool):
        raise OptionError(f"last={last!r}: expected a whole number of entries, 0 or more")
    return count


def _bound(name: str, value: Any) -> str | int | None:
    if value is None:
        return None
    if isinstance(value, str) and _ID.fullmatch(value):
        if max(id_key(value)[1:]) >= 2**64:
            raise OptionError(f"{name}={value!r}: both numbers of a stream id are below 2**64")
        return value
    try:
        return _microseconds(value)
    except (TypeError, ValueError, OverflowError):
        hint = (
            "expected a stream id ('1735580000000-0'), a datetime, or a Unix time in seconds or milliseconds"
        )
        raise OptionError(f"{name}={value!r}: {hint}") from None


def _microseconds(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, str | datetime | pd.Timestamp | np.datetime64):
        moment = pd.Timestamp(value)
        if pd.isna(moment):  # what pandas reads in ""
            raise ValueError
        aware = moment if moment.tzinfo else moment.tz_localize(UTC)
        return (aware.floor("us").to_pydatetime() - _EPOCH) // timedelta(microseconds=1)
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError
    return round(number * (1_000 if number > _MILLISECONDS_FROM else 1_000_000))


def apply_limits(parts: Tables, limits: Limits, numbered: bool) -> Tables:
    """Cut tables to limits; entries that are numbered lines of files lie where ``published_at`` says.

    A line without a time, a reject say, is kept by every limit in time: where it lies is not known.
    """
    if limits[:3] == (None, None, None):
        return parts
    entries = _entries(parts, numbered)
    keep = pd.Series(True, index=entries.index)
    for bound, inside in ((limits.since, operator.ge), (limits.until, operator.le)):
        if bound is not None:
            keep &= _inside(entries, bound, inside)
    entries = entries[keep]
    if limits.last is not None:
        entries = entries.iloc[max(len(entries) - limits.last, 0) :]
    kept = pa.array(entries["stream_id"], pa.large_string())
    return {name: table.filter(pc.is_in(table["stream_id"], kept)) for name, table in parts.items()}


def _entries(parts: Tables, numbered: bool) -> pd.DataFrame:
    """Return stream_id, key and time (microseconds, or <NA>) of all entries, oldest first."""
    column = "published_at" if numbered else "streamed_at"
    decisions = parts["decisions"].select(["stream_id", column]).rename_columns(["stream_id", "time"])
    good = pd.DataFrame(
        {
            "stream_id": decisions["stream_id"].to_pylist(),
            "time": decisions["time"].cast(pa.int64()).to_pylist(),
        }
    )
    bad = pd.DataFrame({"stream_id": parts["rejects"]["stream_id"].to_pylist()})
    bad["time"] = None if numbered else [id_key(one)[1] * 1000 for one in bad["stream_id"]]
    entries = pd.concat([good.astype(object), bad.astype(object)], ignore_index=True)
    entries["key"] = [id_key(one) for one in entries["stream_id"]]
    return entries.sort_values("key", ignore_index=True)


def _inside(entries: pd.DataFrame, bound: str | int, inside: Any) -> pd.Series:
    if isinstance(bound, int):
        return (
            entries["time"].map(lambda time: time is None or time != time or inside(time, bound)).astype(bool)
        )
    whole = id_key(bound) if "-" in bound else None
    half = id_key(bound)[:2]
    return entries["key"].map(lambda key: inside(key, whole) if whole else inside(key[:2], half)).astype(bool)
