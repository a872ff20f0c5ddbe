"""Where along the stream each value of a column was seen first and last, mergeable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

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
    def of(
        cls, columns: Iterable[tuple[str, pd.Series]], times: NDArray[np.int64], ids: pd.Series
    ) -> FirstLastSeen:
        """Look through one batch.

        Parameters
        ----------
        columns
            Names, which may come again, and n values each; missing ones are not counted.
        times
            Microseconds since 1970, shape (n,).
        ids
            ``stream_id``, n values.
        """
        texts = ids.astype(TEXT).to_numpy(dtype=object)
        # Longer ids are later: numbers without leading zeros.
        order = np.lexsort((texts, ids.str.len(), times))
        found = [_seen(name, values, order) for name, values in columns]
        rows = pd.concat([_nothing(), *(rows for rows in found if rows is not None)], ignore_index=True)
        for end in ("first", "last"):
            place = order[rows[end].to_numpy(dtype=np.intp)]
            rows[end], rows[f"{end}_id"] = times[place], texts[place]
        many = [name for (name, _), rows in zip(columns, found, strict=True) if rows is None]
        return _bounded(rows[list(_ROWS)].astype(_ROWS), many)

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


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=list(_ROWS)).astype(_ROWS)


def _seen(name: str, values: pd.Series, order: Places) -> pd.DataFrame | None:
    """Find each value's number, first and last place in the order; None where there are too many values."""
    codes, different = pd.factorize(values)
    if len(different) > MOST_VALUES:
        return None
    ranked = codes[order]
    known = np.flatnonzero(ranked >= 0)
    first = known[np.unique(ranked[known], return_index=True)[1]]
    last = known[len(known) - 1 - np.unique(ranked[known][::-1], return_index=True)[1]]
    return pd.DataFrame(
        {
            "column": name,
            "value": [key_text(value) for value in different],
            "n": np.bincount(ranked[known], minlength=len(different)),
            "first": first,
            "last": last,
        }
    )


def _bounded(rows: pd.DataFrame, many: list[str]) -> FirstLastSeen:
    """Leave out what has too many values; the fields are as many as the frame has columns."""
    sizes = rows["column"].value_counts()
    large = sizes.index[(sizes > MOST_VALUES) & (sizes.index != FIELDS)]
    left_out = {*many, *map(str, large)}
    kept = rows[~rows["column"].isin(left_out)].sort_values(["column", "value"], ignore_index=True)
    return FirstLastSeen(kept, tuple(sorted(left_out)))


def watched(frame: pd.DataFrame, names: tuple[str, ...]) -> list[tuple[str, pd.Series]]:
    """Return what to look at, by name; each field is a value of ``fields`` where it is filled."""
    wanted = names or (FIELDS, *(name for name in frame.columns if name.startswith("meta.")))
    columns = []
    for name in wanted:
        if name in frame.columns:
            columns.append((name, frame[name]))
        elif name != FIELDS and len(frame):
            raise unknown(name, frame.columns)
    if FIELDS in wanted and FIELDS not in frame.columns:
        fields = [name for name in frame.columns if name.startswith(OPEN)]
        columns += [(FIELDS, _filled(frame[name])) for name in fields]
    return columns


def _filled(column: pd.Series) -> pd.Series:
    """Put a column's name where it is filled."""
    codes = column.notna().to_numpy().astype(np.int8) - 1
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index([str(column.name)])))
