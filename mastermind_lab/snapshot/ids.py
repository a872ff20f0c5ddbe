"""The ids of a part: in order, each once, within the range that its name tells."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..frames import PAYLOADS, id_parts, is_id, sort_keys
from .footer import DamageError

_ONE_ROW_EACH = {"decisions", "rejects", PAYLOADS}


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
    DamageError
        With what is wrong.
    """
    if ids.null_count:
        raise DamageError(f"a row of {table} has no stream_id")
    entries = _entries(ids)
    if table in _ONE_ROW_EACH and len(entries) < len(ids):
        raise DamageError(f"an id of {table} stands for two entries")
    try:
        keys = sort_keys(id_parts(_checked(entries)))
    except (ValueError, OverflowError) as error:
        raise DamageError(f"a stream_id of {table} is no id of an entry") from error
    if (keys[1:] <= keys[:-1]).any():
        raise DamageError(f"the ids of {table} are out of order")
    ends = sort_keys(id_parts([first_id or "0-0", last_id or "0-0"]))
    if len(keys) and (not first_id or keys[0] < ends[0] or ends[1] < keys[-1]):
        raise DamageError(
            f"its entries are {entries[0]} to {entries[-1]}, not {first_id or 'none'} to {last_id or 'none'}"
        )


def _entries(ids: pa.ChunkedArray) -> pa.Array:
    """Leave out what stands before as well: an entry's rows follow each other."""
    whole = ids.combine_chunks() if ids.num_chunks != 1 else ids.chunk(0)
    if not len(whole):
        return whole
    return whole.filter(pa.concat_arrays([pa.array([True]), pc.not_equal(whole[1:], whole[:-1])]))


def _checked(entries: pa.Array) -> pa.Array:
    """Refuse what Arrow takes for a number and is none of an id: a hexadecimal one."""
    odd = pc.or_(pc.match_substring(entries, "x"), pc.match_substring(entries, "X"))
    if pc.any(odd).as_py() or not all(map(is_id, entries[:1].to_pylist())):
        raise ValueError
    return entries
