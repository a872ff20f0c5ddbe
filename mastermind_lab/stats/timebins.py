"""Time in aligned bins that widen as batches merge, so that they depend on the decisions only."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import OptionError
from .sums import Sums

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


def doubled(cells: Sums, key: str, times: int = 1) -> Sums:
    """Double the width of one key's cells, so many times."""
    return cells.under(cells.keys.assign(**{key: cells.keys[key] // (1 << times)}))


def middles(bins: NDArray[np.int64], shift: int) -> pd.DatetimeIndex:
    """Return the times in the middle of bins of ``1 << shift`` microseconds."""
    half = (1 << shift) // 2
    return pd.DatetimeIndex(((bins << shift) + half).astype("datetime64[us]"), tz="UTC")
