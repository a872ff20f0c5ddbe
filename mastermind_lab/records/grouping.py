"""Rows gathered by the values of some columns, without looking at one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..frames import MEMORY
from .columns import MOMENT, TEXT
from .text_bytes import are_different, spelled

Codes = NDArray[np.int64]

_LOOKED_AT = 1_000
_RUNS_IN = 10_000  # rows that show whether equal ones stand together
_FEW = 500  # different texts among so many: then the rest will repeat them
_BITS = 23  # of the number of rows, beside which enough are left of 64 for what is made of a text


class Numbered(NamedTuple):
    """Rows by their values: the number of each, as they come; where each came first; and the values there."""

    codes: Codes
    first: Codes
    different: list[pa.Array]


def codes_of(columns: Sequence[pa.Array]) -> Numbered:
    """Number different rows of some columns."""
    n = len(columns[0])
    heads, some = np.arange(n), list(columns)
    if _are_in_runs([column.slice(0, _RUNS_IN) for column in columns]):
        runs, of_runs = _runs(columns)
        if len(runs) <= n / 2:
            heads, some = runs, of_runs
    if len(heads) < n and len(columns) == 1 and some[0].type == TEXT and are_different(some[0]):
        return Numbered(np.repeat(np.arange(len(heads)), np.diff(heads, append=n)), heads, some)
    codes, one = _encoded(some[0])
    for column in some[1:]:
        more, _ = _encoded(column)
        codes = codes * (int(more.max(initial=0)) + 1) + more
        codes = pd.factorize(codes)[0].astype(np.int64)
    highest = np.maximum.accumulate(codes) if len(codes) else codes
    first = heads[np.flatnonzero(np.diff(highest, prepend=-1))]
    different = [one] if len(columns) == 1 else [column.take(pa.array(first)) for column in columns]
    codes = codes if len(heads) == n else np.repeat(codes, np.diff(heads, append=n))
    return Numbered(codes, first, different)


def _are_in_runs(columns: Sequence[pa.Array]) -> bool:
    """Tell whether of these rows most are like the one before."""
    return len(_runs(columns)[0]) <= len(columns[0]) / 2


def _runs(columns: Sequence[pa.Array]) -> tuple[Codes, list[pa.Array]]:
    """Return where rows differ from the one before, and them: records mostly come decision by decision."""
    if len(columns) == 1 and columns[0].type == TEXT:
        encoded = pc.run_end_encode(columns[0], run_end_type=pa.int64())
        return np.append(np.zeros(1, np.int64), encoded.run_ends.to_numpy())[:-1], [encoded.values]
    differ = np.ones(len(columns[0]), bool)
    differ[1:] = False
    for column in columns:
        differ[1:] |= ~are_as_before(column)
    heads = np.flatnonzero(differ)
    return heads, [column.take(pa.array(heads)) for column in columns]


def are_as_before(column: pa.Array) -> NDArray[np.bool_]:
    """Tell of the rows behind the first whether each says what the one before says, or both nothing."""
    if pa.types.is_null(column.type):
        return np.ones(max(len(column) - 1, 0), bool)
    if not column.null_count and pa.types.is_primitive(column.type):
        values = column.to_numpy(zero_copy_only=False)
        return np.asarray(values[1:] == values[:-1])
    behind, before = column.slice(1), column.slice(0, max(len(column) - 1, 0))
    equal = pc.fill_null(pc.equal(behind, before), False)
    if column.null_count:
        equal = pc.or_(equal, pc.and_(pc.is_null(behind), pc.is_null(before)))
    found: NDArray[np.bool_] = equal.to_numpy(zero_copy_only=False)
    return found


def _encoded(column: pa.Array) -> tuple[Codes, pa.Array]:
    """Number the values of a column in the order in which they first come."""
    if _is_long(column) and not _are_few(column) and (found := _of_different(column)):
        codes, first = found
        return codes, column.take(pa.array(first))
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary


def _is_long(column: pa.Array) -> bool:
    """Tell whether it is worth a look what a column's texts are like."""
    return column.type == TEXT and len(column) > _LOOKED_AT


def _are_few(column: pa.Array) -> bool:
    """Tell whether a column's texts seem to come again and again."""
    return bool(pc.count_distinct(column.slice(0, _LOOKED_AT)).as_py() <= _FEW)


def _of_different(column: pa.Array) -> tuple[Codes, Codes] | None:
    """Number texts by sorting, and say where each came first; None where that cannot be told so.

    A dictionary looks for each of many texts all over the memory, which costs twice as much.
    """
    bits = len(column).bit_length() + 1
    texts = spelled(column) if bits <= _BITS else None
    ordered = texts and order_of((texts.mixed >> np.uint64(bits)).view(np.int64))
    if not texts or not ordered:
        return None
    rows, mixed = ordered
    begins = np.flatnonzero(np.diff(mixed, prepend=-1))
    order = np.argsort(rows[begins])
    first, numbers, codes = rows[begins[order]], np.empty_like(order), np.empty_like(rows)
    numbers[order] = np.arange(len(order))
    codes[rows] = np.repeat(numbers, np.diff(begins, append=len(rows)))
    # Different texts may be mixed to one number, so each is compared with the first of its own.
    equal = all((one.take(first).take(codes, mode="clip") == one).all() for one in texts.numbers)
    return (codes, first) if equal else None


def order_of(codes: Codes) -> tuple[Codes, Codes] | None:
    """Return the stable order of codes, and them in it; None where they are in order."""
    if (codes[1:] >= codes[:-1]).all():
        return None
    bits = max(int(len(codes) - 1).bit_length(), 1)
    # Sorted as one number each, which is several times as quick as a stable argsort.
    packed = np.sort((codes << bits) | np.arange(len(codes)))
    return packed & ((1 << bits) - 1), packed >> bits


def taken(column: pa.Array, order: Codes) -> pa.Array:
    """Put a column in an order; texts that repeat are moved by their numbers."""
    places = pa.array(order)
    if _is_long(column) and _are_few(column):
        encoded = pc.dictionary_encode(column)
        return pc.take(encoded.dictionary, encoded.indices.take(places), memory_pool=MEMORY)
    return pc.take(column, places, memory_pool=MEMORY)


def last_moment(times: pa.Array, starts: Codes) -> pa.Array:
    """Return the latest time of each decision."""
    if not len(starts):
        return pa.array([], MOMENT)
    lowest = np.iinfo(np.int64).min
    spans = pc.fill_null(times.cast(pa.int64()), lowest).to_numpy()
    found = np.maximum.reduceat(spans, starts)
    return pa.array(found, mask=found == lowest).cast(MOMENT)


def first_of(values: pa.Array, codes: Codes, starts: Codes) -> tuple[pa.Array, Codes]:
    """Return what each decision has of some texts, and the decisions that have several."""
    encoded = pc.dictionary_encode(values)
    there = pc.is_valid(encoded).to_numpy(zero_copy_only=False)
    if not there.any():
        return pa.nulls(len(starts), TEXT), starts[:0]
    numbers = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    most = np.maximum.reduceat(numbers, starts)
    least = np.minimum.reduceat(np.where(there, numbers, np.iinfo(np.int64).max), starts)
    found = encoded.dictionary.take(pa.array(most, mask=most < 0))
    return found, np.flatnonzero((most >= 0) & (least != most))
