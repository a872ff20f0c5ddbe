"""Time in aligned bins that widen as batches merge, so that they depend on the decisions only."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import OptionError
from .bootstrap import Floats
from .sums import Codes, GroupedSums

MOST_BINS = 512
"""Time bins at most; a span that fills them has more than 256."""


def times_of(frame: pd.DataFrame) -> pd.Series:
    """Return each decision's time in microseconds since 1970 (UTC), <NA> where it has none.

    Raises
    ------
    OptionError
        If a column holds anything but times.
    """
    columns = [frame[name] for name in ("published_at", "streamed_at") if name in frame.columns]
    for column in columns:
        if not pd.api.types.is_datetime64_any_dtype(column):
            raise OptionError(
                f"{column.name} holds {column.dtype} and no times: use pandas.to_datetime first"
            )
    times = pd.to_datetime(columns[0], utc=True)
    for column in columns[1:]:
        times = times.fillna(pd.to_datetime(column, utc=True))
    return times.dt.as_unit("us").astype("int64").astype("Int64").where(times.notna())


def narrowest(first: int, last: int) -> int:
    """Find by how many powers of two to widen the bins from first to last until at most 512 are left."""
    return next(shift for shift in range(64) if (last >> shift) - (first >> shift) < MOST_BINS)


def doubled(cells: GroupedSums, key: str, times: int = 1) -> GroupedSums:
    """Double the width of one key's cells, so many times."""
    return cells.rekey(cells.keys.assign(**{key: cells.keys[key] // (1 << times)}))


def middles(bins: NDArray[np.int64], shift: int) -> pd.DatetimeIndex:
    """Return the times in the middle of bins of ``1 << shift`` microseconds."""
    return moments((bins << shift) + (1 << shift) // 2)


def moments(times: NDArray[np.int64]) -> pd.DatetimeIndex:
    """Return microseconds since 1970 as times (UTC)."""
    return pd.DatetimeIndex(times.astype("datetime64[us]"), tz="UTC")


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


def in_turn(n: Floats, group: Codes, least: int) -> Codes:
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
