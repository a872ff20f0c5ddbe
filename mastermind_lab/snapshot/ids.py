"""The ids of a part: in order, each once, within the range that its name tells."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..frames import PAYLOADS, id_key, id_parts, is_id, sort_keys
from .footer import DamageError

_ONE_ROW_EACH = {"decisions", "rejects", PAYLOADS}


class IdError(DamageError):
    """A part whose ids are not those of its range, in order, each once."""

    kind = "order"


def check_ids(table: str, ids: pa.ChunkedArray, first_id: str, last_id: str) -> None:
    """Refuse a part of a table whose ids are not what they are in every part of ours.

    Parameters
    ----------
    table
        Its table: of some an entry has one row.
    ids
        Its column ``stream_id``.
    first_id, last_id
        The ends of its range.

    Raises
    ------
    IdError
        With what is wrong.
    """
    if ids.null_count:
        raise IdError(f"a row of {table} has no stream_id")
    entries, rows = _entries(ids)
    if entries is None:
        raise IdError(f"the ids of {table} are out of order")
    if table in _ONE_ROW_EACH and len(entries) < rows:
        raise IdError(f"an id of {table} stands for two entries")
    if not rows:
        return
    _, offsets, texts = entries.buffers()
    fault = _fault(offsets.to_pybytes(), texts.to_pybytes(), len(entries))
    if fault:
        raise IdError(fault.format(table=table))
    _check_ends(entries[0].as_py(), entries[-1].as_py(), first_id, last_id)


def check_ids_together(table: str, ids: pa.ChunkedArray, parts: Iterable[tuple[str, str, int]]) -> None:
    """Refuse parts that follow each other whose ids are not what they are in ours.

    Parameters
    ----------
    table, ids
        As for :func:`check_ids`: those of one part behind those of the other.
    parts
        The ends of each range, and how many rows it has.

    Raises
    ------
    IdError
        With what is wrong.
    """
    filled = [one for one in parts if one[2]]
    check_ids(table, ids, filled[0][0] if filled else "", filled[-1][1] if filled else "")
    stops = np.cumsum([rows for *_, rows in filled])
    for (first_id, last_id, rows), stop in zip(filled, stops, strict=True):
        _check_ends(ids[stop - rows].as_py(), ids[stop - 1].as_py(), first_id, last_id)


def _check_ends(first: str, last: str, first_id: str, last_id: str) -> None:
    if not first_id or id_key(first) < id_key(first_id) or id_key(last_id) < id_key(last):
        raise IdError(f"its entries are {first} to {last}, not {first_id or 'none'} to {last_id or 'none'}")


def _entries(ids: pa.ChunkedArray) -> tuple[pa.LargeStringArray | None, int]:
    """Leave out what stands before as well, for an entry's rows follow each other, and count the rows.

    In a dictionary as ours are, each stands where it comes first: None where the places in it go back.
    """
    chunks = []
    for chunk in ids.chunks:
        if pa.types.is_dictionary(chunk.type):
            places = chunk.indices.to_numpy()
            steps = np.diff(places)
            if len(places) and (places[0] or steps.min(initial=0) < 0 or steps.max(initial=0) > 1):
                return None, len(ids)
            chunk = chunk.dictionary[: places[-1] + 1 if len(places) else 0]
        chunks.append(chunk.cast(pa.large_string()))
    whole = pa.concat_arrays([pa.array([], pa.large_string()), *chunks])
    if len(whole) < 2:
        return whole, len(ids)
    is_new = pc.not_equal(whole[1:], whole[:-1])
    return whole.filter(pa.concat_arrays([pa.array([True]), is_new])), len(ids)


@lru_cache(4)  # most tables of a range have the same ids
def _fault(offsets: bytes, texts: bytes, count: int) -> str | None:
    """Say what is wrong with the ids of entries."""
    entries = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(texts))
    # Arrow takes a hexadecimal number for one, too.
    is_odd = pc.or_(pc.match_substring(entries, "x"), pc.match_substring(entries, "X"))
    try:
        keys = sort_keys(id_parts(entries))
    except (ValueError, OverflowError):
        keys = None
    if keys is None or pc.any(is_odd).as_py() or not is_id(entries[0].as_py()):
        return "a stream_id of {table} is no id of an entry"
    return "the ids of {table} are out of order" if (keys[1:] <= keys[:-1]).any() else None
