"""Where along the stream each value of a column was seen first and last, mergeable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .input import TEXT, key_text, unknown
from .sums import grouped

Places = NDArray[np.intp]

MOST_VALUES = 100
"""A column with more different values than that is left out: it is no setting."""

OPEN = ("meta.", "decision.")
"""How the names of open columns begin: what an arena sends beside the declared fields."""

FIELDS = "fields"
"""Stands in place of a column for the set of fields: its values are the names of the filled columns."""


class Column(NamedTuple):
    """What a column of one batch holds, each value looked at once.

    Attributes
    ----------
    name
        It may come again: each field is a column of the set of fields.
    codes
        Of each row the place of its value in ``texts``; -1 where it is missing.
    texts
        The different values, as text; None where they are too many.
    """

    name: str
    codes: Places
    texts: list[str] | None


_ROWS: dict[str, Any] = {
    "column": TEXT,
    "value": TEXT,
    "n": "int64",
    "first": "int64",
    "first_id": TEXT,
    "last": "int64",
    "last_id": TEXT,
}


@dataclass(frozen=True, eq=False)
class FirstLastSeen:
    """The first and the last sight of each value of some columns; those of two batches add up with ``+``.

    Attributes
    ----------
    rows
        One row a column and value, sorted: ``column``; ``value`` as text; ``n`` decisions; ``first`` and
        ``last`` in microseconds since 1970, with ``first_id`` and ``last_id``.
    left_out
        Columns with more than 100 different values, sorted.
    """

    rows: pd.DataFrame
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, columns: Sequence[Column], times: NDArray[np.int64], ids: pd.Series) -> FirstLastSeen:
        """Look through one batch.

        Parameters
        ----------
        columns
            Of n values each, as :func:`watched` returns them; missing ones are not counted.
        times
            Microseconds since 1970, shape (n,).
        ids
            ``stream_id``, n values.
        """
        texts = ids.astype(TEXT).to_numpy(dtype=object)
        # Longer ids are later: numbers without leading zeros.
        order = np.lexsort((texts, ids.str.len(), times))
        cells = [cell for column in columns for cell in _seen(column, order)]
        column, value, n, first, last = zip(*cells, strict=True) if cells else ((),) * 5
        rows: dict[str, Any] = {"column": column, "value": value, "n": n}
        for end, places in (("first", first), ("last", last)):
            place = order[np.array(places, dtype=np.intp)]
            rows |= {end: times[place], f"{end}_id": texts[place]}
        found = pd.DataFrame({name: pd.Series(rows[name], dtype=kind) for name, kind in _ROWS.items()})
        return _bounded(found, [column.name for column in columns if column.texts is None])

    def __add__(self, other: FirstLastSeen) -> FirstLastSeen:
        rows = pd.concat([self.rows, other.rows], ignore_index=True)
        found, codes = grouped(rows[["column", "value"]])
        found["n"] = np.bincount(codes, rows["n"], len(found)).astype(np.int64)
        for end, step in (("first", 1), ("last", -1)):
            ids = rows[f"{end}_id"]
            order = np.lexsort((ids.to_numpy(dtype=object), ids.str.len(), rows[end]))[::step]
            places = order[np.unique(codes[order], return_index=True)[1]]
            found[end], found[ids.name] = rows[end].to_numpy()[places], ids.array.take(places)
        return _bounded(found[list(_ROWS)], [*self.left_out, *other.left_out])


def _seen(column: Column, order: Places) -> Iterator[tuple[str, str, int, int, int]]:
    """Find each value's number, first and last place in the order; none where there are too many values."""
    if column.texts is None:
        return
    ranked = column.codes[order]
    known = np.flatnonzero(ranked >= 0)
    values, first, n = np.unique(ranked[known], return_index=True, return_counts=True)
    last = len(known) - 1 - np.unique(ranked[known][::-1], return_index=True)[1]
    for code, *rest in zip(values, n, known[first], known[last], strict=True):
        yield column.name, column.texts[code], *rest


def _bounded(rows: pd.DataFrame, many: list[str]) -> FirstLastSeen:
    """Leave out what has too many values; the fields are as many as the frame has columns."""
    sizes = rows["column"].value_counts()
    large = sizes.index[(sizes > MOST_VALUES) & (sizes.index != FIELDS)]
    left_out = {*many, *map(str, large)}
    kept = rows[~rows["column"].isin(left_out)].sort_values(["column", "value"], ignore_index=True)
    return FirstLastSeen(kept, tuple(sorted(left_out)))


def watched(frame: pd.DataFrame, names: tuple[str, ...]) -> list[Column]:
    """Return what to look at, by name; each field is a value of ``fields`` where it is filled."""
    wanted = names or (FIELDS, *(name for name in frame.columns if name.startswith("meta.")))
    columns = []
    for name in wanted:
        if name in frame.columns:
            codes, different = pd.factorize(frame[name])
            texts = [key_text(value) for value in different] if len(different) <= MOST_VALUES else None
            columns.append(Column(name, codes, texts))
        elif name != FIELDS and len(frame):
            raise unknown(name, frame.columns)
    if FIELDS in wanted and FIELDS not in frame.columns:
        fields = [name for name in frame.columns if name.startswith(OPEN)]
        columns += [
            Column(FIELDS, frame[name].notna().to_numpy().astype(np.intp) - 1, [name]) for name in fields
        ]
    return columns
