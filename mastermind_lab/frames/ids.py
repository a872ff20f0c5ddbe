"""Stream ids: ``1735580000000-0``, with ``@1`` behind it where the stream began again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..errors import OptionError


def id_key(stream_id: str) -> tuple[int, int, int]:
    """Return what ids sort by: epoch, milliseconds, sequence number, all as exact numbers.

    Raises
    ------
    OptionError
        It is no id.

    Examples
    --------
    >>> sorted(["10-0", "9-2", "9-11", "1-0@1"], key=id_key)
    ['9-2', '9-11', '10-0', '1-0@1']
    """
    try:
        place, _, epoch = stream_id.partition("@")
        milliseconds, _, sequence = place.partition("-")
        return int(epoch or 0), int(milliseconds), int(sequence or 0)
    except (AttributeError, ValueError) as error:
        raise _no_id(stream_id) from error


def _no_id(stream_id: Any) -> OptionError:
    return OptionError(f"{stream_id!r:.80} is no id of an entry: those are like '1735580000000-0'")


def edge_key(bound: str, is_lower: bool) -> tuple[int, int, int]:
    """Return what an id that is a bound sorts by; half an id covers its whole millisecond."""
    epoch, milliseconds, sequence = id_key(bound)
    is_whole = "-" not in bound and not is_lower
    return epoch, milliseconds, 2**64 - 1 if is_whole else sequence


def id_parts(ids: Iterable[str] | pa.Array | pa.ChunkedArray) -> NDArray[np.uint64]:
    """Split many ids at once: an array of shape (n, 3) of epoch, milliseconds, sequence number.

    Raises
    ------
    OptionError
        One is no id.
    """
    texts = ids if isinstance(ids, pa.Array | pa.ChunkedArray) else pa.array(ids, pa.large_string())
    numbers = _two_numbers(texts)
    if numbers is None:
        listed = texts.to_pylist()
        keys = [id_key(stream_id) for stream_id in listed]
        try:
            return np.array(keys, dtype=np.uint64).reshape(-1, 3)
        except OverflowError as error:
            raise _no_id(next(one for one in listed if not is_id(one))) from error
    parts = np.zeros((len(texts), 3), np.uint64)
    parts[:, 1:] = numbers
    return parts


def _two_numbers(texts: pa.Array | pa.ChunkedArray) -> NDArray[np.uint64] | None:
    """Split ids of the usual form, two numbers and no epoch; None where one has another form."""
    split = pc.split_pattern(texts, "-")
    if texts.null_count or not pc.all(pc.equal(pc.list_value_length(split), 2), min_count=0).as_py():
        return None
    try:
        numbers: NDArray[np.uint64] = pc.list_flatten(split).cast(pa.uint64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return None if _may_be_hexadecimal(texts) else numbers.reshape(-1, 2)


def _may_be_hexadecimal(texts: pa.Array | pa.ChunkedArray) -> bool:
    """Tell whether there is an x among the bytes of texts: Arrow reads ``0x10`` as 16."""
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    data = (np.frombuffer(chunk.buffers()[2] or b"", np.uint8) for chunk in chunks)
    return any(bool((one & 0xDF == ord("X")).any()) for one in data)


_ID = re.compile(r"\d{1,20}(-\d{1,20})?(@\d{1,9})?", re.ASCII)


def is_id(text: str) -> bool:
    """Tell whether a text is a stream id: both of its numbers are below 2**64; the second may be left out."""
    return bool(_ID.fullmatch(text)) and max(id_key(text)[1:]) < 2**64


def sort_keys(parts: NDArray[np.uint64]) -> NDArray[Any]:
    """Make one value of each id split by :func:`id_parts`, that numpy compares as the ids are ordered."""
    return np.ascontiguousarray(parts, dtype=">u8").view("S24").reshape(len(parts))


def order(parts: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return the stable order, oldest first, of ids split by :func:`id_parts`."""
    return np.lexsort((parts[:, 2], parts[:, 1], parts[:, 0]))
