"""How much memory a part takes once it is read: counted by the pages that lie in it, before it is asked for.

A few bytes of Parquet may stand for gigabytes: a page claims its size, a run repeats one value, and one long
text in a dictionary is pointed at by every row. What the footer says of sizes is a stranger's word; the
headers of the pages are what Parquet itself goes by.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from struct import Struct
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import parquet

from ..frames import ARROW
from ..storage import ADVICE, most_unpacked
from .footer import DamageError

FREE, TIMES = 2**30, 20
"""What a part may have itself and unpack to, and how many times its own bytes, unless the user says."""

_MOST_VALUES = 2**40
TEXTS = {pa.string(): ARROW["str"], ARROW["str"]: ARROW["str"], pa.binary(): pa.binary()}
"""The types of texts in a dictionary, and those that the frames have."""

_DICTIONARY = 2
_ENCODING_OF = {0: (5, 2), _DICTIONARY: (7, 2), 3: (8, 4)}  # kind of page -> its field, and the one in that
_PLAIN = {0, 3}  # of values as they are, and of truths
_PLACES = {2, 8}
ENCODINGS = frozenset(_PLAIN | _PLACES)
"""What the pages of our parts are written in: values as they are, and places in a dictionary."""

_FRONTS = 7  # of texts of which each may begin as the one before it
_MOST_IN_TURN = 2**26  # bytes
ANY_ENCODING = frozenset(range(10))
"""All that Parquet knows."""

_TRUTHS, _I32, _TEXT, _STRUCT = 2, 5, 8, 12
_KINDS = {1, _TRUTHS, 4, _I32, 6, _TEXT, _STRUCT}
_HEADER_DEPTH = 3
_SHORT = 128  # bytes of a text and of its length
_BLOCK, _MOST_AT_ONCE = 2**17, 2**24  # bytes, of which each may take eight more
_length = Struct("<I").unpack_from


Chunk = tuple[Any, Any]
"""What a group of rows has of a column, and the column's description."""


class _Page(NamedTuple):
    is_dictionary: bool
    values: int
    points: int  # how many of them are places in a dictionary
    start: int
    packed: int
    unpacked: int
    begin_alike: bool  # texts that each begin as the one before, and may be as long as all of it


class _Texts(NamedTuple):
    dictionary: _Page
    points: int
    codec: str


def to_read_as_dictionary(
    content: bytes,
    footer: parquet.FileMetaData,
    most: int | None,
    named: Collection[str],
    chunks: Iterable[Chunk],
    made: int,
    encodings: Collection[int] = ENCODINGS,
) -> set[str]:
    """See that a part may be read, and name the columns of texts to be read as places in a dictionary.

    So read, they take little; :func:`check_unfolded` tells what would come of them. They are those that are
    ``named``, and those that may unfold too far. Of the part these ``chunks`` will be read, and so many bytes
    ``made`` of the footer alone. Its pages may be written in some ``encodings``.

    Raises
    ------
    DamageError
        It unfolds to more than is allowed, or is not made of pages as ours are.
    """
    allowed = most_unpacked(len(content), most, free=FREE, times=TIMES)
    texts: dict[str, list[_Texts]] = {}
    flat = made
    for chunk, described in chunks:
        pages = list(_pages(content, chunk, encodings))
        points = sum(page.points for page in pages)
        if points and not pages[0].is_dictionary:
            raise DamageError("a column in it points at a dictionary that it hasn't")
        flat += chunk.num_values * (8 + max(described.length, 0)) + sum(page.unpacked for page in pages)
        _refuse(flat, allowed)
        if points and chunk.physical_type == "BYTE_ARRAY" and described.path not in named:
            found = _Texts(pages[0], points, chunk.compression.lower())
            if is_nested(described):
                flat += _at_most(content, found)
            else:
                texts.setdefault(described.path, []).append(found)
        _refuse(flat, allowed)
    return {*named} | _too_far(content, texts, allowed - flat)


def check_in_turn(
    content: bytes, most: int | None, chunks: Iterable[Chunk], read: Callable[[int], Iterable[pa.RecordBatch]]
) -> None:
    """Read texts that begin as others do so many rows at a time as can't be large, and see what they are.

    Raises
    ------
    DamageError
        They are more than is allowed.
    """
    pages = (page for chunk, _ in chunks for page in _pages(content, chunk, ANY_ENCODING))
    largest = max((page.unpacked for page in pages if page.begin_alike), default=0)
    if not largest:
        return
    allowed, unfolded = most_unpacked(len(content), most, free=FREE, times=TIMES), 0
    for batch in read(max(_MOST_IN_TURN // largest, 1)):
        unfolded += batch.nbytes
        _refuse(unfolded, allowed)


def _at_most(content: bytes, texts: _Texts) -> int:
    """Bound what comes of texts that can't be read as places: closely where a loose bound is much."""
    loose = texts.dictionary.unpacked * texts.points
    return loose if loose < _MOST_AT_ONCE else min(_longest(content, texts) * texts.points, loose)


def _too_far(content: bytes, texts: dict[str, list[_Texts]], allowed: int) -> set[str]:
    """Name the columns whose texts might unfold too far if each row had the longest.

    To look for the longest takes less than to read short texts as places; of long ones it does not.
    """
    bounds = {
        path: sum(one.dictionary.unpacked * one.points for one in found) for path, found in texts.items()
    }
    named = set[str]()
    for look in (True, False):
        for path in sorted(bounds, key=lambda path: bounds[path], reverse=True):
            if sum(bounds.values()) <= allowed // 2:
                return named
            if look and all(one.dictionary.unpacked < one.dictionary.values * _SHORT for one in texts[path]):
                bounds[path] = sum(_longest(content, one) * one.points for one in texts[path])
            else:
                named.add(path)
                bounds[path] = 0
    return named


def check_writer(footer: parquet.FileMetaData) -> None:
    """Refuse a part that no writer of ours made.

    Raises
    ------
    DamageError
        With who did.
    """
    if not str(footer.created_by).startswith("parquet-cpp-arrow"):
        raise DamageError(f"{footer.created_by!s:.60} wrote it, and none of ours")


def check_unfolded(table: pa.Table, packed: int, most: int | None) -> None:
    """Refuse a table whose columns of places in dictionaries become too many texts.

    Raises
    ------
    DamageError
        With the limit, and how to raise it.
    """
    chunks = [one for column in table.columns if pa.types.is_dictionary(column.type) for one in column.chunks]
    _refuse(sum(_text_bytes(chunk) for chunk in chunks), most_unpacked(packed, most, free=FREE, times=TIMES))


def _text_bytes(chunk: pa.DictionaryArray) -> int:
    if not _is_of_texts(chunk.dictionary.type):
        return 0
    lengths = pc.binary_length(chunk.dictionary).cast(pa.int64())
    at_most = (pc.max(lengths).as_py() or 0) * len(chunk)
    exact = at_most if at_most < 2**24 else pc.sum(lengths.take(chunk.indices)).as_py()
    return int(exact or 0)


def _is_of_texts(kind: pa.DataType) -> bool:
    return bool(kind in TEXTS or pa.types.is_large_binary(kind))


def _refuse(unfolded: int, allowed: int) -> None:
    if unfolded > allowed:
        raise DamageError(f"it unpacks to more than {allowed:,} bytes. {ADVICE}")


def is_nested(described: Any) -> bool:
    """Tell whether a column is one of lists or of structures: its texts can't be read as places."""
    return bool(described.max_repetition_level or described.max_definition_level > 1)


def chunks_of(
    footer: parquet.FileMetaData, groups: Iterable[int], columns: Collection[str] | None
) -> Iterator[Chunk]:
    """Yield what some groups of rows have of some columns, or of all, with the columns' descriptions."""
    described = [footer.schema.column(place) for place in range(len(footer.schema))]
    wanted = [(n, one) for n, one in enumerate(described) if columns is None or one.path in columns]
    for number in groups:
        group = footer.row_group(number)
        yield from ((group.column(place), one) for place, one in wanted)


def _pages(content: bytes, chunk: Any, encodings: Collection[int]) -> Iterator[_Page]:
    """Yield the pages of a column, as Parquet will meet them: none where it has nothing to look for."""
    at, first = chunk.data_page_offset, chunk.dictionary_page_offset
    at = first if first is not None and 0 < first < at else at
    end = at + chunk.total_compressed_size
    if not chunk.num_values:
        return
    if not 0 < at <= end <= len(content) or not 0 <= chunk.num_values < _MOST_VALUES:
        raise DamageError("its footer names pages that are not there")
    while at < end:
        try:
            header, at = _read(content, at)
        except IndexError as error:
            raise DamageError("a page in it has no header") from error
        page = _page(header, at, encodings)
        at += page.packed
        yield page
    if at > end:
        raise DamageError("a page in it ends behind its column")


def _page(header: dict[int, Any], at: int, encodings: Collection[int]) -> _Page:
    """Say what a header says, refusing what none of ours does: a KeyError is no number, or none at all."""
    try:
        kind, unpacked, packed = header[1], header[2], header[3]
        field, place = _ENCODING_OF[kind]
        values, encoding = header[field][1], header[field][place]
    except (KeyError, TypeError) as error:
        raise DamageError("a page in it is of no kind that ours are") from error
    if encoding not in encodings or unpacked < 0 or packed < 0 or values < 0:
        raise DamageError("a page in it is stored as none of ours is")
    is_dictionary = kind == _DICTIONARY
    points = 0 if is_dictionary or encoding not in _PLACES else values
    return _Page(is_dictionary, values, points, at, packed, unpacked, encoding == _FRONTS)


def _longest(content: bytes, one: _Texts) -> int:
    """Return the length of the longest text of a dictionary."""
    page = one.dictionary
    packed = memoryview(content)[page.start : page.start + page.packed]
    if not page.is_dictionary:
        raise DamageError("a column points at a dictionary that it hasn't")
    try:
        texts = _unpacked(packed, page.unpacked, one.codec)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DamageError(f"a page in it cannot be unpacked: {error!s:.100}") from error
    found = _longest_at_once(texts) if len(texts) <= _MOST_AT_ONCE else None
    return _longest_in_turn(texts) if found is None else found


def _unpacked(packed: memoryview, size: int, codec: str) -> pa.Buffer:
    if codec == "uncompressed":
        return pa.py_buffer(packed)
    return pa.decompress(packed, size, codec="lz4_raw" if codec == "lz4" else codec)


def _longest_at_once(texts: pa.Buffer) -> int | None:
    """Guess where each length stands by the two zeros that end one below 65,536; None where it is not so.

    Where each begins behind the text before it, from the first to the end, these are the lengths indeed,
    whoever wrote them: there is one way to read them.
    """
    content = np.frombuffer(texts, np.uint8)
    places = np.concatenate([_zeros(content, at) for at in range(0, len(content) or 1, _BLOCK)])
    if not len(places):
        return None
    starts = places[np.append(np.diff(places) > 1, True)]  # of one below 256 three are zeros
    lengths = content[starts] + content[starts + 1] * np.int64(256)
    ends = np.append(0, starts + lengths + 4)
    follow_each_other = np.array_equal(ends, np.append(starts, len(content)))
    return int(lengths.max()) if follow_each_other else None


def _zeros(content: NDArray[np.uint8], at: int) -> NDArray[np.intp]:
    """Find the places in a block, which a processor has at hand, that lie two bytes before two zeros."""
    is_zero = content[at : at + _BLOCK + 3] == 0
    return np.flatnonzero(is_zero[2:-1] & is_zero[3:]) + at


def _longest_in_turn(texts: pa.Buffer) -> int:
    at, longest, end = 0, 0, len(texts) - 3
    while at < end:
        (length,) = _length(texts, at)
        if length > longest:
            longest = length
        at += 4 + length
    return longest


def _read(content: bytes, at: int, depth: int = _HEADER_DEPTH) -> tuple[dict[int, Any], int]:
    """Read a header as Thrift writes one compactly: the numbers of 32 bits and the structures, by field.

    Strictly: where this and Parquet's own reader took one for two things, nothing would be checked.
    """
    found: dict[int, Any] = {}
    field = 0
    while head := content[at]:
        kind, step = head & 15, head >> 4
        at += 1
        field += step
        if not step or not depth or kind not in _KINDS:
            raise DamageError("a page in it has a header that none of ours has")
        if kind == _STRUCT:
            found[field], at = _read(content, at, depth - 1)
        elif kind > _TRUTHS:
            number = content[at]
            at += 1
            if number > 127:
                number, at = _varint(content, at - 1)
            if kind == _TEXT:
                at += number
            elif kind == _I32:
                found[field] = (number >> 1) ^ -(number & 1)
    return found, at + 1


def _varint(content: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
        if shift > 63:
            raise DamageError("a page in it has a header that none of ours has")
