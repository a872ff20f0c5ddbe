"""What ``last``, ``since`` and ``until`` mean."""

from __future__ import annotations

import math
import operator
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import OptionError
from .ids import is_id

Bound = float | datetime | str
"""A moment (a Unix time, a datetime) or a place (a stream id)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LIKE_AN_ID = re.compile(r"\d{1,20}(-\d{1,20})?(@\d{1,9})?")
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
        since = str(milliseconds(self.since, True)) if isinstance(self.since, int) else self.since
        until = str(milliseconds(self.until, False)) if isinstance(self.until, int) else self.until
        return {"since": since and since.partition("@")[0], "until": until and until.partition("@")[0]}


def milliseconds(moment: int, is_lower: bool) -> int:
    """Turn a moment in microseconds into the millisecond that an id must reach, or not go beyond."""
    # A millisecond that begins before the moment is not wholly behind it: rounded up.
    return -(-moment // 1000) if is_lower else moment // 1000


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
    if isinstance(value, str) and _LIKE_AN_ID.fullmatch(value):
        if not is_id(value):
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
