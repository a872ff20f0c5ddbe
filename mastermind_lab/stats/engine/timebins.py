"""Time in aligned bins that widen as batches merge, so that they depend on the decisions only.

One wrong clock must not squeeze all other decisions into one bin: what counts is how many bins hold a
decision, not how far apart they lie, and a time axis shows the main part of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import OptionError
from .bootstrap import Floats
from .summary import Summary, sums_of
from .sums import Codes, GroupedSums

MOST_BINS = 512
"""Time bins at most; a span that fills them has more than 256."""

FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Microseconds since 1970: the years 1 and 9999, beyond which there are no dates."""

_LIKELY = (-2_208_988_800_000_000, 7_258_118_400_000_000)  # the years 1900 to 2199
_TEN_YEARS = 315_576_000_000_000
_FEW = 20  # one in so many


@dataclass(frozen=True, eq=False, repr=False)
class InTimeBins(Summary):
    """A summary that has sums by time: their keys ``bin`` are aligned bins, and all of one width.

    Attributes
    ----------
    shift
        Bins are ``1 << shift`` microseconds wide.
    """

    binned: ClassVar[str]
    """Which of its sums count every decision by its bin, <NA> where it has no time."""

    shift: int = field(kw_only=True)

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        shift = max(self.shift, other.shift)
        merged = Summary.__add__(self._widened(shift), other._widened(shift))
        return merged._widened(shift + finest(merged._dated().keys["bin"].to_numpy(dtype=np.int64)))

    @property
    def undated(self) -> int:
        """Decisions left out because they have no time."""
        every: GroupedSums = getattr(self, self.binned)
        return int(every["n"][every.keys["bin"].isna(), 0].sum())

    def _dated(self) -> GroupedSums:
        every: GroupedSums = getattr(self, self.binned)
        return every.take(every.keys["bin"].notna().to_numpy())

    @cached_property
    def _shown(self) -> Self:
        """Leave out what is far from all the others, in bins of which the rest has at most 512."""
        dated = self._dated()
        if not len(dated.keys):
            return self
        first, last = main_part(dated.keys["bin"].to_numpy(dtype=np.int64), dated["n"][:, 0], self.shift)
        return self._within(first, last)._widened(self.shift + narrowest(first, last))

    def _within(self, first: int, last: int) -> Self:
        """Leave out the bins before the first and after the last; what has no time stays."""
        kept = {name: _within(sums, first, last) for name, sums in self._in_bins().items()}
        return replace(self, **cast(Any, kept))

    def _widened(self, shift: int) -> Self:
        """Count in bins of ``1 << shift`` microseconds, at least as wide as they are."""
        if shift == self.shift:
            return self
        wide = {name: doubled(sums, "bin", shift - self.shift) for name, sums in self._in_bins().items()}
        return replace(self, shift=shift, **cast(Any, wide))

    def _in_bins(self) -> dict[str, GroupedSums]:
        return {name: sums for name, sums in sums_of(self).items() if "bin" in sums.keys}


def _within(sums: GroupedSums, first: int, last: int) -> GroupedSums:
    rows = sums.keys["bin"].between(first, last).fillna(True).to_numpy(dtype=bool)
    return sums if rows.all() else sums.take(rows)


def duration_of(given: object) -> pd.Timedelta | None:
    """Read a duration above 0; None if it is none, as a text without a unit is, of nanoseconds to pandas."""
    if isinstance(given, str) and not re.search("[A-Za-z:]", given):
        return None
    try:
        found = pd.Timedelta(cast(Any, given))
    except (ValueError, TypeError):
        return None
    return found if found > pd.Timedelta(0) else None


def times_of(frame: pd.DataFrame) -> pd.Series:
    """Return each decision's time in microseconds since 1970 (UTC), <NA> where it has none.

    Raises
    ------
    OptionError
        If a column holds anything but times.
    """
    columns = [in_utc(frame[name]) for name in ("published_at", "streamed_at") if name in frame.columns]
    times = columns[0]
    for column in columns[1:]:
        times = times.fillna(column)
    found: pd.Series = times.astype("int64").astype("Int64").where(times.notna())
    return found


def in_utc(times: pd.Series) -> pd.Series:
    """Return a column of times with their zone, in microseconds.

    Raises
    ------
    OptionError
        If it holds anything else.
    """
    if not pd.api.types.is_datetime64_any_dtype(times) and times.notna().any():
        raise OptionError(f"{times.name} holds {times.dtype} and no times: use pandas.to_datetime first")
    return pd.to_datetime(times, utc=True).dt.as_unit("us")


def narrowest(first: int, last: int) -> int:
    """Find by how many powers of two to widen the bins from first to last until at most 512 are left."""
    return next(shift for shift in range(64) if (last >> shift) - (first >> shift) < MOST_BINS)


def finest(places: NDArray[np.int64]) -> int:
    """Find by how many powers of two to widen bins until at most 512 of them hold a decision."""
    if not len(places):
        return 0
    occupied = np.unique(places)
    shift = narrowest(int(occupied[0]), int(occupied[-1]))
    while shift and len(np.unique(occupied >> (shift - 1))) <= MOST_BINS:
        shift -= 1
    return shift


def main_part(places: NDArray[np.int64], n: Floats, shift: int = 0) -> tuple[int, int]:
    """Return the first and the last bin of what a time axis shows.

    That is all, but for what more than ten years part from the rest: times outside the years 1900 to 2199,
    where there are others, and groups of decisions that are less than 1 in 20.

    Parameters
    ----------
    places
        Bins of ``1 << shift`` microseconds that hold decisions, one or more, in any order.
    n
        Decisions in each.
    """
    order = np.argsort(places, kind="stable")
    sorted_places = places[order]
    cluster = np.cumsum(np.diff(sorted_places, prepend=sorted_places[0]) > max(_TEN_YEARS >> shift, 1))
    size = np.bincount(cluster, n[order])
    starts = np.searchsorted(cluster, np.arange(len(size)))
    times = sorted_places[starts] << shift
    likely = (times >= _LIKELY[0]) & (times < _LIKELY[1])
    size = np.where(likely | ~likely.any(), size, 0)
    kept = np.flatnonzero((size > 0) & ((size * _FEW >= size.sum()) | (size == size.max())))
    ends = np.append(starts[1:], len(places)) - 1
    return int(sorted_places[starts[kept[0]]]), int(sorted_places[ends[kept[-1]]])


def doubled(cells: GroupedSums, key: str, times: int = 1) -> GroupedSums:
    """Double the width of one key's cells, so many times."""
    if not times:
        return cells
    return cells.rekey(cells.keys.assign(**{key: cells.keys[key] // (1 << times)}))


def middles(bins: NDArray[np.int64], shift: int) -> pd.DatetimeIndex:
    """Return the times in the middle of bins of ``1 << shift`` microseconds."""
    return moments((bins << shift) + (1 << shift) // 2)


def moments(times: NDArray[np.int64]) -> pd.DatetimeIndex:
    """Return microseconds since 1970 as times (UTC), in the years 1 to 9999."""
    return pd.DatetimeIndex(times.clip(FIRST, LAST).astype("datetime64[us]"), tz="UTC")


def spread(sums: Floats, places: NDArray[np.int64]) -> Floats:
    """Spread sums over a row of bins without holes."""
    dense = np.zeros((places[-1] + 1 if len(places) else 0, sums.shape[1]))
    dense[places] = sums
    return dense


def around(bins: Floats, reach: int) -> Floats:
    """Add up the bins within reach of each one."""
    upto = np.vstack([np.zeros_like(bins[:1]), np.cumsum(bins, axis=0)])
    here = np.arange(len(bins))
    return upto[np.minimum(here + reach + 1, len(bins))] - upto[np.maximum(here - reach, 0)]


def in_turn(n: Floats, group: Codes, least: float) -> Codes:
    """Number the windows that bins, sorted by group and time, make: each closes when it holds enough.

    The bins after a group's last full window belong to it.
    """
    left = np.bincount(group, n)
    window, number, held = np.zeros(len(n), dtype=np.intp), -1, 0.0
    for place, count in enumerate(n):
        new_group = place == 0 or group[place] != group[place - 1]
        if new_group or (held >= least and left[group[place]] >= least):
            number, held = number + 1, 0.0
        window[place] = number
        held += count
        left[group[place]] -= count
    return window
