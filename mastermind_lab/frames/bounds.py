"""How a bound, ``since`` or ``until``, may be written, and which moment or place it is."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import OptionError
from .ids import is_id

Bound = float | date | np.datetime64 | pd.Period | timedelta | np.timedelta64 | str
"""A place in a history, written as :data:`ACCEPTED` says. A datetime is a date, too."""

ACCEPTED = (
    "expected part of a date, whole at either end: '2026', '2026Q4', '2026-11', '2026-11-01', "
    "'2026-11-01 10:30' (UTC; or with a zone: '2026-11-01T10:30+01:00'); a time back from the newest entry, "
    "from now where a stream is followed or archived: '90s', '30m', '1h', '3d', '2w'; a stream id: "
    "'1735580000000-0', or the 13 digits of its milliseconds; Unix time in seconds, from 2001 to 2100: "
    "1735580000; or, in Python, a datetime, date or timedelta"
)
"""Every way to write a bound; whatever else is given is refused with this list."""

MICROSECOND = timedelta(microseconds=1)
_SECOND = 10**6
_UNITS = {
    name: microseconds
    for names, microseconds in {
        "ms": 1_000,
        "s sec second seconds": _SECOND,
        "m min minute minutes": 60 * _SECOND,
        "h H hour hours": 3_600 * _SECOND,
        "d D day days": 86_400 * _SECOND,
        "w W week weeks": 7 * 86_400 * _SECOND,
    }.items()
    for name in names.split()
}
_FIRST_SECOND, _END_SECOND = 978_307_200, 4_133_980_800  # of the years 2001 to 2100

_ID = re.compile(r"\d{1,20}-\d{1,20}(@\d{1,9})?|\d{13}@\d{1,9}", re.ASCII)
# Days of a year look like ids of the first seconds of 1970; with an epoch behind it, an id is surely meant.
_LIKE_A_DATE = re.compile(r"(19|20)\d\d-(?!0*$)\d{1,4}", re.ASCII)
_MILLISECONDS = re.compile(r"\d{13}", re.ASCII)
# On a command line a number is a text; one that could be a date with its hour, 2026110110, is no time.
_SECONDS = re.compile(r"(9\d{8}|(?!19|20)[1-4]\d{9})(\.\d{1,6})?", re.ASCII)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", re.ASCII)
_QUARTER = re.compile(r"([1-9]\d{3})-?Q([1-4])", re.ASCII)
# Four digits and one or two more could be an id, but one of the first seconds of 1970: they are a month.
_YEAR_OR_MONTH = re.compile(r"([1-9]\d{3})(?:-(?!0$)(\d\d?))?", re.ASCII)
_DAY = re.compile(
    r"(?P<day>\d{4}-\d\d?-\d\d?|\d{8})"
    r"(?:[T ](?P<time>\d\d(?::?\d\d(?::?\d\d(?P<fraction>\.\d{1,9})?)?)?)"
    r"\s?(?P<zone>Z|UTC|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?",
    re.ASCII,
)


class Span(NamedTuple):
    """What a bound covers, in microseconds since 1970: ``since`` is its first one, ``until`` its last."""

    first: int
    last: int


def bound(name: str, value: Any, *, is_lower: bool) -> str | int | timedelta | None:
    """Read a bound: an id (str), a moment in microseconds since 1970 (int), a time back from the end.

    Raises
    ------
    OptionError
        It is written in no way that :data:`ACCEPTED` lists.
    """
    if is_missing(value):
        return None
    found = _read_quietly(value)
    if found is None:
        raise OptionError(f"{name}={value!r:.80}: {_advice(value)}{ACCEPTED}")
    if isinstance(found, str) and not is_id(found):
        raise OptionError(f"{name}={value!r:.80}: both numbers of a stream id are below 2**64")
    if not isinstance(found, Span):
        return found
    return found.first if is_lower else found.last


def read_duration(value: Any) -> timedelta | None:
    """Read a duration: ``'1h'``, ``'3d'``, a timedelta; None if it is none, or is negative."""
    try:
        found = _duration(value)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and found >= timedelta() else None


def is_missing(value: Any) -> bool:
    """Tell whether a value is None, or what pandas and numpy have for a missing time."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return value is None or value is pd.NaT or value is pd.NA


def _read_quietly(value: Any) -> Span | timedelta | str | None:
    try:
        return _read_text(value.strip()) if isinstance(value, str) else _read(value)
    except (ValueError, OverflowError):  # a date of no calendar, or beyond what a library can count
        return None


def _read_text(text: str) -> Span | timedelta | str | None:
    if part := _YEAR_OR_MONTH.fullmatch(text):
        return _unit(np.datetime64(f"{part[1]}-{part[2]:0>2}" if part[2] else part[1]))
    if quarter := _QUARTER.fullmatch(text.upper()):
        return _unit(np.datetime64(f"{quarter[1]}-{int(quarter[2]) * 3 - 2:02}"), 3)
    if day := _DAY.fullmatch(text.upper()):
        return _day(**day.groupdict())
    if _ID.fullmatch(text):
        return None if _LIKE_A_DATE.fullmatch(text) else text
    if _MILLISECONDS.fullmatch(text):
        return Span(int(text) * 1_000, int(text) * 1_000 + 999)
    return _number(Decimal(text)) if _SECONDS.fullmatch(text) else read_duration(text)


def _read(value: Any) -> Span | timedelta | None:
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return _unit(np.datetime64(value, "D"))
    if isinstance(value, np.datetime64):
        return _unit(value)
    if isinstance(value, pd.Period):
        return Span(_moment(value.start_time).first, _moment((value + 1).start_time).first - 1)
    return read_duration(value) if isinstance(value, timedelta | np.timedelta64) else _number(value)


def _day(day: str, time: str | None, fraction: str | None, zone: str | None) -> Span:
    year, month, number = day.split("-") if "-" in day else (day[:4], day[4:6], day[6:])
    text = f"{year}-{month:0>2}-{number:0>2}"
    if time:
        digits = time.partition(".")[0].replace(":", "")
        text += "T" + ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))
    first, last = _unit(np.datetime64(text + (fraction or "")[:7]))
    east, is_between = _east(zone), (fraction or "")[7:].strip("0") != ""  # two microseconds
    return Span(first - east + is_between, last - east)


def _east(zone: str | None) -> int:
    """Return how far a zone is ahead of UTC, in microseconds."""
    if zone is None or zone in ("Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return int(f"{zone[0]}1") * minutes * _UNITS["min"]


def _moment(moment: datetime) -> Span:
    plain = moment.to_pydatetime(warn=False) if isinstance(moment, pd.Timestamp) else moment
    # By hand: converting fails at both ends of the calendar, rounding in the hour that a clock repeats.
    ahead = plain.utcoffset() or timedelta()
    first = (plain.replace(tzinfo=None) - datetime(1970, 1, 1) - ahead) // MICROSECOND
    return Span(first + (getattr(moment, "nanosecond", 0) > 0), first)


def _unit(moment: np.datetime64, steps: int = 1) -> Span:
    """Cover the whole of the unit that a moment is given in; a finer one than a microsecond is a moment."""
    if not 1 <= moment.astype("datetime64[Y]").astype(int) + 1970 <= 9999:
        raise OverflowError  # where numpy would count on from the other end of time
    first, end = (int(one.astype("datetime64[us]").astype(np.int64)) for one in (moment, moment + steps))
    if np.datetime_data(moment.dtype)[0] in ("ns", "ps", "fs", "as"):
        return Span(first + bool(np.datetime64(first, "us") < moment), first)
    return Span(first, end - 1)


def _number(value: Any) -> Span | None:
    seconds = _exact(value)
    if seconds is None or not _FIRST_SECOND <= seconds < _END_SECOND:
        return None
    return Span(round(seconds * _SECOND), round(seconds * _SECOND))


def _exact(value: Any) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return None
    plain: Any = value.item() if isinstance(value, np.generic) else value
    try:
        return Fraction(plain)
    except (ValueError, OverflowError, TypeError):  # no number, endless, or of numpy's own width
        return None


def _duration(value: Any) -> timedelta | None:
    if isinstance(value, str):
        return _duration_of_text(value.strip())
    if is_missing(value) or not isinstance(value, timedelta | np.timedelta64):
        return None
    if isinstance(value, np.timedelta64) and np.datetime_data(value.dtype)[0] in ("generic", "Y", "M"):
        return None  # of no length that is always the same
    found = value if isinstance(value, timedelta) else pd.Timedelta(value)
    return timedelta(microseconds=int(found // MICROSECOND))


def _duration_of_text(text: str) -> timedelta | None:
    parts = _DURATION.findall(text) if len(text) < 60 else []  # matching takes the square of its length
    if not parts or _DURATION.sub("", text) or any(unit not in _UNITS for _, unit in parts):
        return None
    return timedelta(microseconds=int(sum(Fraction(number) * _UNITS[unit] for number, unit in parts)))


def _advice(value: Any) -> str:
    """Say what a number, or what looks like an id, may have been meant for."""
    if isinstance(value, str) and _LIKE_A_DATE.fullmatch(value.strip()):
        return f"a date or an id? For the id of an entry write {value.strip() + '@0'!r}; "
    seconds = None if isinstance(value, np.timedelta64) else _exact(value)
    if seconds is None:
        return ""
    said = "a number counts seconds since 1970"
    for name, factor in {"milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}.items():
        if _FIRST_SECOND <= seconds / factor < _END_SECOND:
            return f"{said}, and these look like {name}: divide by {factor:_}; "
    for what, digits in {"year": 4, "day": 8}.items():
        text = str(int(seconds)) if abs(seconds) < 10**9 else ""
        if len(text) == digits and isinstance(_read_quietly(text), Span):
            return f"{said}, and a {what} is a text, {text!r}; "
    return f"{said}, and this is outside of the years 2001 to 2100; "
