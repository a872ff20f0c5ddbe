"""What ``last``, ``since`` and ``until`` keep."""

from __future__ import annotations

import operator
from datetime import timedelta
from math import inf
from typing import Any, NamedTuple

import numpy as np

from ..errors import OptionError
from ..wire import is_redis_url, without_password
from .bounds import MICROSECOND, Bound, bound, is_missing
from .ids import edge_key

Key = tuple[int, int, int]
"""What an id sorts by."""


class Limits(NamedTuple):
    """Checked limits: a count, and bounds that are an id (str) or a moment in microseconds (int).

    ``ages`` are bounds that count back from an end which is not known yet: see :meth:`back_from`.
    """

    last: int | None
    since: str | int | None
    until: str | int | None
    said: str
    ages: tuple[timedelta | None, timedelta | None] = (None, None)

    @classmethod
    def of(cls, last: Any = None, since: Bound | None = None, until: Bound | None = None) -> Limits:
        """Check the limits of a read.

        Raises
        ------
        OptionError
            ``last`` is no whole number from 0, a bound is written in no way that is accepted, or nothing can
            lie between the two.
        """
        given = {"last": last, "since": since, "until": until}
        said = ", ".join(f"{name}={value}" for name, value in given.items() if not is_missing(value))
        entries = None if last is None else count("last", last)
        first, end = bound("since", since, is_lower=True), bound("until", until, is_lower=False)
        if _is_crossed(first, end):
            raise OptionError(f"since={since!r:.80} lies behind until={until!r:.80}: nothing is between them")
        ages = _age(first), _age(end)
        return cls(entries, _place(first), _place(end), said, ages)

    @property
    def is_relative(self) -> bool:
        """Whether a bound counts back from an end that has to be told."""
        return self.ages != (None, None)

    def back_from(self, end: int | None, name: str = "the newest entry") -> Limits:
        """Count back from an end, in microseconds since 1970; from None, where nothing is, to no bound."""
        if not self.is_relative:
            return self
        if end is None:
            return Limits(self.last, self.since, self.until, f"{self.said}, and there is no entry")
        since, until = (None if age is None else end - age // MICROSECOND for age in self.ages)
        # What a damaged clock wrote can lie beyond what numpy can show.
        said = f"{self.said}, back from {name} at {np.datetime64(min(end, 2**63 - 1), 'us')}Z"
        return Limits(
            self.last,
            self.since if since is None else since,
            self.until if until is None else until,
            said,
        )

    def ids(self) -> dict[str, str | None]:
        """Return the bounds as stream ids, both inclusive; half an id covers its millisecond."""
        since, until = self.since, self.until
        if isinstance(since, int):
            since = str(max(milliseconds(since, True), 0))
        if isinstance(until, int):
            # No id is before 1970: 0-0 is before every id there is.
            until = str(milliseconds(until, False)) if until >= 0 else "0-0"
        return {"since": since and since.partition("@")[0], "until": until and until.partition("@")[0]}

    def touch(self, first: Key, last: Key) -> bool:
        """Tell whether of entries from one id to another some may lie within ``since`` and ``until``."""
        latest, earliest = _ends(first, last, self.since)[1], _ends(first, last, self.until)[0]
        return _reaches(latest, self.since, True) and _reaches(earliest, self.until, False)

    def hold(self, first: Key, last: Key) -> bool:
        """Tell whether all entries from one id to another lie within ``since`` and ``until``."""
        earliest, latest = _ends(first, last, self.since)[0], _ends(first, last, self.until)[1]
        return _reaches(earliest, self.since, True) and _reaches(latest, self.until, False)


def moments_of(first: Key, last: Key) -> tuple[float, float]:
    """Say between which milliseconds ids lie from one to another: those of several epochs at any time."""
    return (first[1], last[1]) if first[0] == last[0] else (-inf, inf)


def _ends(first: Key, last: Key, bound: str | int | None) -> tuple[Any, Any]:
    """Return what the ends of some ids are compared with a bound by."""
    return moments_of(first, last) if isinstance(bound, int) else (first, last)


def _reaches(end: Any, bound: str | int | None, is_lower: bool) -> bool:
    """Tell whether an end lies on the inner side of a bound."""
    if bound is None:
        return True
    there: Any = edge_key(bound, is_lower) if isinstance(bound, str) else milliseconds(bound, is_lower)
    return bool(end >= there if is_lower else end <= there)


def milliseconds(moment: int, is_lower: bool) -> int:
    """Turn a moment in microseconds into the millisecond that an id must reach, or not go beyond."""
    # A millisecond that begins before the moment is not wholly behind it: rounded up.
    return -(-moment // 1000) if is_lower else moment // 1000


def count(name: str, value: Any) -> int:
    """Read a number of entries.

    Raises
    ------
    OptionError
        It is no whole number from 0.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0 or isinstance(value, bool):
        raise OptionError(f"{name}={value!r:.80}: expected a whole number of entries, 0 or more")
    return number


def one_stream(name: Any) -> str:
    """Read the name of a stream, where it can be only one.

    Raises
    ------
    OptionError
        It is no text: several names, perhaps; or one that has no UTF-8.
    """
    if isinstance(name, str):
        _check_letters(name)
        return name
    raise OptionError(
        f"stream={name!r:.80}: expected one stream's name, a text. What is read or scanned is one stream: do "
        "each by itself. Several at once can be followed, Follower(url, stream=[...]), and archived"
    )


def several_streams(names: Any) -> tuple[str, ...]:
    """Read the names of several streams.

    Raises
    ------
    OptionError
        They are no list of texts, or none, or one is empty, named twice or has no UTF-8.
    """
    if (
        not isinstance(names, list | tuple)
        or not names
        or not all(one and isinstance(one, str) for one in names)
    ):
        raise OptionError(f"stream={names!r:.80}: expected a stream's name, or several in a list")
    if len(set(names)) < len(names):
        raise OptionError(f"stream={names!r:.80}: a stream is named twice")
    for name in names:
        _check_letters(name)
    return tuple(names)


def _check_letters(name: str) -> None:
    """Refuse a server's address, which may hold a password, and what no server can be told.

    Of bytes that are no UTF-8, Python makes halves of letters.
    """
    if is_redis_url(name):
        raise OptionError(
            f"stream={without_password(name)!r:.80}: that is the URL of a server, not a stream's name"
        )
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise OptionError(
            f"stream={name!a:.80}: it has letters that are none in UTF-8, as the names of streams are sent"
        ) from error


def _age(bound: str | int | timedelta | None) -> timedelta | None:
    return bound if isinstance(bound, timedelta) else None


def _place(bound: str | int | timedelta | None) -> str | int | None:
    return None if isinstance(bound, timedelta) else bound


def _is_crossed(since: Any, until: Any) -> bool:
    """Tell whether nothing can lie between two bounds, where that is known before anything is read."""
    if type(since) is not type(until) or since is None:
        return False
    if isinstance(since, timedelta):
        return bool(since < until)
    if isinstance(since, int):
        return bool(since > until)
    return edge_key(since, True) > edge_key(until, False)
