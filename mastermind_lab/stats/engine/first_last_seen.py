"""Where along the stream each value of a column was seen first and last, mergeable."""

from __future__ import annotations

from collections.abc import Iterable
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

_ROWS: dict[str, Any] = {
    "column": TEXT,
    "value": TEXT,
    "n": "int64",
    "first": "int64",
    "first_id": TEXT,
    "last": "int64",
    "last_id": TEXT,
}


class Watched(NamedTuple):
    """A column that is looked at, with its values as texts.

    Attributes
    ----------
    name
        May come again.
    codes
        Which of the values each row has, below 0 where it has none.
    values
        None where there are too many.
    """

    name: str
    codes: Places
    values: list[str] | None


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
    def of(cls, columns: Iterable[Watched], times: NDArray[np.int64], ids: pd.Series) -> FirstLastSeen:
        """Look through one batch.

        Parameters
        ----------
        columns
            Each with n codes.
        times
            Microseconds since 1970, shape (n,).
        ids
            ``stream_id``, n values.
        """
        ids = ids.astype(TEXT)
        texts = ids.to_numpy(dtype=object)
        # Longer ids are later: numbers without leading zeros.
        order = np.lexsort((texts, ids.str.len(), times))
        found: dict[str, list[Any]] = {name: [] for name in _ROWS}
        for name, codes, values in columns:
            if values is not None:
                found["column"] += [name] * len(values)
                found["value"] += values
                found["n"] += np.bincount(codes[codes >= 0], minlength=len(values)).tolist()
                for end, places in zip(("first", "last"), _ends(codes[order], len(values)), strict=True):
                    found[end] += times[order[places]].tolist()
                    found[f"{end}_id"] += texts[order[places]].tolist()
        many = [name for name, _, values in columns if values is None]
        return _bounded(pd.DataFrame(found).astype(_ROWS), many)

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


def _ends(codes: Places, many: int) -> tuple[Places, Places]:
    """Say where each code stands first and last; those below 0 are none."""
    known = np.flatnonzero(codes >= 0)
    first, last = np.empty(many, dtype=np.intp), np.empty(many, dtype=np.intp)
    first[codes[known[::-1]]] = known[::-1]  # of what goes to one place the last one stays
    last[codes[known]] = known
    return first, last


def _bounded(rows: pd.DataFrame, many: list[str]) -> FirstLastSeen:
    """Leave out what has too many values; the fields are as many as the frame has columns."""
    sizes = rows["column"].value_counts()
    large = sizes.index[(sizes > MOST_VALUES) & (sizes.index != FIELDS)]
    left_out = {*many, *map(str, large)}
    kept = rows[~rows["column"].isin(left_out)].sort_values(["column", "value"], ignore_index=True)
    return FirstLastSeen(kept, tuple(sorted(left_out)))


def watched(frame: pd.DataFrame, names: tuple[str, ...]) -> list[Watched]:
    """Return what to look at, by name; each field is a value of ``fields`` where it is filled."""
    wanted = names or (FIELDS, *(name for name in frame.columns if name.startswith("meta.")))
    columns = []
    for name in wanted:
        if name in frame.columns:
            columns.append(_coded(name, frame[name]))
        elif name != FIELDS and len(frame):
            raise unknown(name, frame.columns)
    if FIELDS in wanted and FIELDS not in frame.columns:
        filled = {name: frame[name].notna().to_numpy() for name in frame.columns if name.startswith(OPEN)}
        columns += [
            Watched(FIELDS, rows.astype(np.intp) - 1, [name]) for name, rows in filled.items() if rows.any()
        ]
    return columns


def _coded(name: str, values: pd.Series) -> Watched:
    codes, different = pd.factorize(values)
    if len(different) > MOST_VALUES:
        return Watched(name, codes, None)
    alike, texts = pd.factorize(np.array([*map(key_text, different)], dtype=object))  # 1 and "1" are one
    return Watched(name, np.append(alike, -1)[codes], [*texts])
