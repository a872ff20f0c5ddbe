"""In how many stretches the values of a column come, and whether an absence is longer than these explain.

Models that run in blocks, or settings that stay for a while, make long absences in which nothing changed. So
what is put into another order is no single decision but a whole stretch of equal values.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, lgamma
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bootstrap import Floats
from .first_last_seen import FIELDS, Column
from .input import TEXT
from .sums import GroupedSums

_KEYS: dict[str, Any] = {"column": TEXT, "value": TEXT, "bin": "Int64"}


def sightings(columns: Iterable[Column], bins: NDArray[np.int64]) -> GroupedSums:
    """Count each value of some columns by time bin; missing ones, and columns with too many, are not counted.

    Parameters
    ----------
    columns
        Of n values each, as :func:`~.first_last_seen.watched` returns them.
    bins
        The time bin of each row, shape (n,).
    """
    different, place = np.unique(bins, return_inverse=True)
    parts = [_counted(column, place, different) for column in columns if column.texts is not None]
    none = np.empty(0, dtype=object)
    name, value, at, n = (np.concatenate(each) for each in zip((none,) * 4, *parts, strict=True))
    keys = {"column": name, "value": value, "bin": at}
    found = pd.DataFrame({key: pd.Series(keys[key], dtype=kind) for key, kind in _KEYS.items()})
    return GroupedSums.of(found, {"n": n.astype(np.float64)})


def _counted(column: Column, place: NDArray[np.intp], bins: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
    """Count each value in each of the different bins: names, values, bins, and how many."""
    known = column.codes >= 0
    cells, n = np.unique(column.codes[known] * len(bins) + place[known], return_counts=True)
    name = np.full(len(cells), column.name, dtype=object)
    return name, np.array(column.texts, dtype=object)[cells // len(bins)], bins[cells % len(bins)], n


def stretches(seen: GroupedSums, rows: pd.DataFrame, bins: NDArray[np.int64], n: Floats) -> pd.DataFrame:
    """Count stretches of time in which a value is there without a break: at least so many there were.

    Order within a bin is not known: one that holds a value and others has one change at least.

    Parameters
    ----------
    seen
        What :func:`sightings` counted.
    rows
        One row a ``column`` and ``value``.
    bins, n
        The bins that hold decisions, rising, and the number of these.

    Returns
    -------
    DataFrame
        One row for each of ``rows``: ``own`` stretches of the value; ``others``, those of the column's other
        values, and of missing ones; for a field, those in which it is not filled.
    """
    present = np.zeros((len(rows), len(bins)))
    place = pd.MultiIndex.from_frame(rows[["column", "value"]])
    row = place.get_indexer(pd.MultiIndex.from_frame(seen.keys[["column", "value"]]))
    column = np.searchsorted(bins, seen.keys["bin"].to_numpy(dtype=np.int64))
    present[row[row >= 0], column[row >= 0]] = seen["n"][row >= 0, 0]
    own, others = _runs(present, n)
    for name in rows["column"].unique():
        of_column = (rows["column"] == name).to_numpy()
        if name != FIELDS:
            missing = n - present[of_column].sum(axis=0)
            others[of_column] = own[of_column].sum() + _runs(missing[None], n)[0][0] - own[of_column]
    return pd.DataFrame({"own": own, "others": others}, index=rows.index)


def _runs(present: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Count the stretches with a value, and those without, from how often it is in each bin."""
    if not present.shape[1]:
        return np.zeros(len(present)), np.zeros(len(present))
    none, every = present <= 0, present >= n
    turns = (none[:, :-1] & every[:, 1:]) | (every[:, :-1] & none[:, 1:])
    changes = (~none & ~every).sum(axis=1) + turns.sum(axis=1)
    with_it, without = (np.ceil((changes + ends[:, 0] + ends[:, -1]) / 2) for ends in (every, none))
    return with_it, without


def never_return(rows: pd.DataFrame, runs: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which values are of a column, or are a field, of which nothing that ended came back."""
    found = np.zeros(len(rows), dtype=bool)
    for name, values in rows.groupby("column"):
        at = rows.index.get_indexer(values.index)
        own, others = (runs[which].to_numpy()[at] for which in ("own", "others"))
        if name == FIELDS:
            found[at] = (own <= 1) & (others <= 1)
            continue
        first, last = (values.sort_values("first")[end].to_numpy() for end in ("first", "last"))
        # Of its stretches, all but one for each value are of missing ones.
        found[at] = (own[0] + others[0] <= len(at) + 1) and bool((first[1:] >= last[:-1]).all())
    return found


def absence(k: float, n: float, total: float) -> float:
    """The probability that none of the first k is one of n: C(total - k, n) / C(total, n)."""
    terms = lgamma(total - k + 1) - lgamma(total - k - n + 1) - lgamma(total + 1) + lgamma(total - n + 1)
    return exp(min(0.0, terms))


def chances(k: Floats, n: Floats, total: Floats) -> Floats:
    """Return for each value the probability of its absence, for as many values and both ends."""
    tests = 2 * len(n)
    p_values = [min(1.0, tests * absence(*each)) for each in zip(k, n, total, strict=True)]
    return np.array(p_values, dtype=np.float64)
