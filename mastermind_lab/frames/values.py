"""Which values Arrow, pandas and Python hold alike: what one of them has no word for, or makes another of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def first_changed(given: pd.Series, made: pa.Array | pa.ChunkedArray) -> str:
    """Say which of a user's objects a frame would show as another, after what Arrow made of them; '' if none.

    Of times with a zone and without it makes one kind, and those with a zone are moved; of dicts each gets
    the keys of all; whole numbers beside a missing one come out as floats.
    """
    if given.dtype != object or not _may_show_others(made):
        return ""
    pairs = zip(given, made.to_pandas(), strict=True)
    changed = ((value, shown) for value, shown in pairs if plain(value) != plain(shown))
    return next((f"{value!s:.80} would become {shown!s:.80}" for value, shown in changed), "")


def _may_show_others(made: pa.Array | pa.ChunkedArray) -> bool:
    """Tell it without a look at each: lists of numbers, say, of which none is missing, show as they were."""
    chunks = made.chunks if isinstance(made, pa.ChunkedArray) else [made]
    return _holds_objects(made.type) or any(
        pa.types.is_temporal(leaf.type) or (pa.types.is_integer(leaf.type) and leaf.null_count)
        for chunk in chunks
        for leaf in _leaves(chunk)
    )


def _holds_objects(kind: pa.DataType) -> bool:
    inner = (kind.field(place).type for place in range(kind.num_fields))
    return bool(pa.types.is_struct(kind) or pa.types.is_map(kind)) or any(map(_holds_objects, inner))


def plain(value: Any) -> Any:
    """Return a value with lists for all that is like one, numbers of Python, and None for what is missing."""
    if isinstance(value, np.generic) and value.dtype.kind not in "mM":
        value = value.item()
    if isinstance(value, np.ndarray):
        value = [*pd.Series(value)] if value.dtype.kind in "mM" else value.tolist()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [*map(plain, value)]
    return None if value is pd.NA or value != value else value


def check_times(column: pa.Array | pa.ChunkedArray) -> None:
    """Refuse times that Python has no word for, wherever they are in a column.

    Raises
    ------
    ValueError
        They lie beyond the years 1 to 9999 or the hours of a day, or their zone is unknown.
    """
    if _may_hold_times(column.type):
        for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
            for times in filter(_is_of_times, _leaves(chunk)):
                _check_ends(times)


def _may_hold_times(kind: pa.DataType) -> bool:
    """Tell it by the type alone: of most columns that is quick."""
    return bool(pa.types.is_nested(kind) or pa.types.is_dictionary(kind) or pa.types.is_temporal(kind))


def _is_of_times(array: pa.Array) -> bool:
    return bool(pa.types.is_temporal(array.type) and not pa.types.is_interval(array.type))


def _check_ends(times: pa.Array) -> None:
    """Let the first and the last show: what lies between is as they are."""
    kind = times.type
    whole = pa.int32() if kind.bit_width == 32 else pa.int64()
    first, last = pc.min_max(times.view(whole)).values()
    ends = pa.array([first.as_py() or 0, last.as_py() or 0], whole).view(kind)
    try:
        ends.to_pylist()
        if pa.types.is_time(kind):  # of which a list begins the day again
            ends.to_pandas()
    except (pa.ArrowException, OverflowError, ValueError, ZoneInfoNotFoundError) as error:
        zone = getattr(kind, "tz", None)
        is_of_zone = zone and isinstance(error, pa.ArrowException | ZoneInfoNotFoundError)
        why = f"is {zone!r:.80} a zone?" if is_of_zone else error
        raise ValueError(f"it holds a {kind!s:.80} that Python has no word for: {why!s:.100}") from error


def _leaves(array: pa.Array) -> Iterator[pa.Array]:
    """Yield what lists, objects and dictionaries are made of."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        inner = [array.dictionary]
    elif pa.types.is_map(kind):
        inner = [array.keys, array.items]
    elif pa.types.is_struct(kind):
        inner = array.flatten()
    elif pa.types.is_nested(kind) and hasattr(array, "flatten"):
        inner = [array.flatten()]
    else:
        yield array
        return
    for one in inner:
        yield from _leaves(one)
