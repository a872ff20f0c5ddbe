"""Texts looked at by a few of their bytes, where a dictionary of them would cost several times as much.

What is said here rules out; where it cannot, the texts themselves have to tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bounds = NDArray[np.int64]

_WORD = 8  # bytes that are read as one number
_MOST = 256  # bytes at the beginning of a text that are looked at
_BLOCK = 1 << 14  # texts, so that what is made of them on the way stays near the processor
_ODD = np.uint64(0x9E3779B97F4A7C15)


def prints(column: pa.Array) -> NDArray[np.uint32]:
    """Number texts, by their ends: equal ones alike, and different ones mostly not."""
    found = np.empty(len(column), np.uint32)
    for block, data, starts, ends in _blocks(column):
        lengths = ends - starts
        words = _words(data, ends, lengths)
        words += lengths.view(np.uint64)
        words *= _ODD
        words >>= np.uint64(32)
        found[block] = words
    return found


def are_different(column: pa.Array) -> bool:
    """Tell whether no two texts are equal; False where that cannot be told from a few bytes."""
    if column.null_count:
        return False
    found = np.empty(len(column), np.uint64)
    longest = min(_longest(column), _MOST)  # of all blocks, so that equal texts are mixed alike in each
    for block, data, starts, ends in _blocks(column):
        found[block] = _mixed(_spelled(data, starts, ends, longest))
    found.sort()
    return not (found[1:] == found[:-1]).any()


class Spelled(NamedTuple):
    """Texts as numbers: their lengths and those of eight bytes each, a row a number, and one made of them."""

    numbers: NDArray[np.uint64]
    mixed: NDArray[np.uint64]


def spelled(column: pa.Array) -> Spelled | None:
    """Spell texts in numbers; None where these would take much more memory, for a few texts are long."""
    longest = _longest(column)
    shape = (1 + -(-longest // _WORD), len(column))
    if column.null_count or longest > _MOST or shape[0] * shape[1] * _WORD > 2 * column.nbytes:
        return None
    found = Spelled(np.empty(shape, np.uint64), np.empty(len(column), np.uint64))
    for block, data, starts, ends in _blocks(column):
        numbers = found.numbers[:, block]
        for place, some in enumerate(_spelled(data, starts, ends, longest)):
            numbers[place] = some
        found.mixed[block] = _mixed(numbers)
    return found


def may_be(column: pa.Array, firsts: bytes, lasts: bytes) -> Bounds:
    """Return the places of texts that begin with one of some bytes and end with one of others."""
    found = [np.zeros(0, np.int64)]
    is_first, is_last = np.zeros((2, 256), bool)
    is_first[list(firsts)] = is_last[list(lasts)] = True
    for block, data, starts, ends in _blocks(column):
        first = data.take(starts, mode="clip")  # quicker than by []
        places = np.flatnonzero(is_first.take(first, mode="clip"))
        last = data.take(ends[places] - 1, mode="clip")
        found.append(places[is_last[last]] + block.start)
    return np.concatenate(found)


def has_empty(column: pa.Array) -> bool:
    """Tell whether a text is empty, or missing."""
    return any((starts == ends).any() for _, _, starts, ends in _blocks(column))


def _blocks(column: pa.Array) -> Iterator[tuple[slice, NDArray[np.uint8], Bounds, Bounds]]:
    """Yield where some texts stand, all bytes, and where among them each begins and ends."""
    _, places, data = column.buffers()
    there = np.frombuffer(data or b"", np.uint8)
    if len(there) < _WORD:
        there = np.concatenate([there, np.zeros(_WORD, np.uint8)])
    for start in range(0, len(column), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(column)))
        many = block.stop - start + 1
        bounds = np.frombuffer(places, np.int64, many, 8 * (column.offset + start))
        yield block, there, bounds[:-1], bounds[1:]


def _longest(column: pa.Array) -> int:
    return max((int((ends - starts).max()) for _, _, starts, ends in _blocks(column)), default=0)


def _spelled(
    data: NDArray[np.uint8], starts: Bounds, ends: Bounds, longest: int
) -> Iterator[NDArray[np.uint64]]:
    """Yield the lengths of texts, and their bytes, eight at a time as a number.

    How many numbers is the same for all texts of a column, so that equal ones are spelled alike.
    """
    lengths = ends - starts
    yield lengths.view(np.uint64)
    least, last, words = lengths.min(), ends - _WORD, _view(data)
    for begin in range(0, longest, _WORD):
        if least >= _WORD:
            yield words[np.minimum(starts + begin, last)]
        else:
            stops = np.minimum(starts + begin + _WORD, ends)
            yield _words(data, stops, stops - starts)


def _mixed(numbers: Iterable[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Make one number of several for each text."""
    mixed = np.zeros(1, np.uint64)
    for some in numbers:
        mixed = (mixed ^ some) * _ODD
        mixed ^= mixed >> np.uint64(32)
    return mixed


def _words(data: NDArray[np.uint8], ends: Bounds, lengths: Bounds) -> NDArray[np.uint64]:
    """Return the eight bytes before each end as a number; of shorter texts, their own."""
    found = _view(data)[ends - _WORD if ends[0] >= _WORD else np.maximum(ends - _WORD, 0)]
    for sizes, least, shift in ((ends, ends[0], np.left_shift), (lengths, lengths.min(), np.right_shift)):
        if least < _WORD:  # by 64 bits it is zero
            shift(found, ((_WORD - sizes).clip(0) * 8).astype(np.uint64), out=found)
    return found


def _view(data: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return what is read at each place as a number, without a copy."""
    return np.ndarray((len(data) - _WORD + 1,), "<u8", data, 0, (1,))
