"""Sums of named quantities by group: the one thing that every summary is made of, and that merges."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import OptionError
from .bootstrap import BLOCK, Draws, Floats, checked, shared_draws
from .distinct import Distinct
from .input import is_mixed, key_texts, without_categories
from .units import Drawn

Codes = NDArray[np.intp]

MOST_GROUPS = 20_000
"""Groups that may carry replicates; 20,000 with three quantities take 190 MB."""

MOST_CELLS = 64_000_000
"""Sums and replicates that one summary may hold in one place: 512 MB."""

UNIT = 2.0**128
"""In what a quantity is counted whose sums could pass the largest float: scaled so, nothing is rounded."""

_LARGE = 2.0**960  # 2**64 of them, and no fewer, reach the largest float

# Products at once: small enough for the processor's cache, and for BLAS to stay on one thread, which on a
# busy machine is twenty times as fast as waiting for the others.
_CHUNK = 1 << 18


@dataclass(frozen=True, eq=False)
class GroupedSums:
    """Sums by group, with or without bootstrap replicates; those of two batches add up with ``+``.

    Attributes
    ----------
    keys
        One row a group, sorted; any number of columns, or none. A missing key (<NA>) is a group of its own.
    names
        The quantities.
    cells
        Shape (groups, quantities, 1 + replicates): each sum, then its replicates.
    large
        The quantities that are counted in units of 2**128: :meth:`unit` tells of each.
    drawn
        The clusters in each group, where clusters are drawn.
    """

    keys: pd.DataFrame
    names: tuple[str, ...]
    cells: Floats
    large: frozenset[str] = field(default=frozenset(), kw_only=True)
    drawn: Distinct | None = field(default=None, kw_only=True)

    @classmethod
    def of(
        cls,
        keys: pd.DataFrame,
        quantities: Mapping[str, NDArray[Any]],
        drawn: Drawn | None = None,
        replicates: int = 0,
    ) -> GroupedSums:
        """Add rows up by group.

        Rows of one decision, or cluster, and one group are drawn together, so they are added before any draw.

        Parameters
        ----------
        keys
            The group of each row, n rows.
        quantities
            What to add up: arrays of n finite numbers.
        drawn
            By what each row is drawn, when replicates are wanted.
        replicates
            How many, 40 to 10,000.

        Raises
        ------
        OptionError
            If ``replicates`` is out of range, or more than 20,000 groups are to carry them.
        """
        groups, codes = grouped(keys)
        rows = np.stack([np.asarray(values, dtype=np.float64) for values in quantities.values()])
        large = np.flatnonzero(
            np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0)) >= _LARGE
        )
        rows[large] /= UNIT
        count = 0 if drawn is None else checked(replicates)
        if drawn is not None:
            _refuse_too_many(groups, len(quantities) * (1 + count))
        cells = np.zeros((len(groups), len(quantities), 1 + count))
        for place in range(len(quantities)):
            cells[:, place, 0] = np.bincount(codes, rows[place], minlength=len(groups))
        if drawn is not None:
            _replicate(cells[:, :, 1:], rows, codes, drawn)
        names = tuple(quantities)
        clusters = Distinct.of(codes, drawn.hashed) if drawn is not None and drawn.is_clustered else None
        return cls(groups, names, cells, large=frozenset(names[place] for place in large), drawn=clusters)

    def __getitem__(self, name: str) -> Floats:
        """Return one quantity's sums, shape (groups, 1 + replicates)."""
        return self.cells[:, self.names.index(name)]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """Return some of the groups, as they are."""
        places = np.arange(len(self.cells))[rows]
        keys = self.keys.iloc[places].reset_index(drop=True)
        new = np.full(len(self.cells), -1, dtype=np.intp)
        new[places] = np.arange(len(places))
        clusters = self.drawn and self.drawn.regrouped(new)
        return replace(self, keys=keys, cells=self.cells[places], drawn=clusters)

    def independent(self, n: Floats) -> Floats:
        """Say how many independent observations n are: clusters, where these are fewer.

        Parameters
        ----------
        n
            Decisions behind a figure of each group, shape (groups,).
        """
        return n if self.drawn is None else np.minimum(n, self.drawn.counts(len(self.cells)))

    def clusters(self) -> dict[str, pd.Series]:
        """Return the column ``clusters`` of a table, a row a group, where clusters are drawn; else none."""
        if self.drawn is None:
            return {}
        return {"clusters": pd.Series(self.drawn.counts(len(self.cells)), dtype="int64")}

    def unit(self, name: str) -> float:
        """Say in what one quantity is counted: 1, or more where its sums could pass the largest float."""
        return UNIT if name in self.large else 1.0

    def __add__(self, other: GroupedSums) -> GroupedSums:
        if self.cells.shape[2] != other.cells.shape[2]:
            counts = " and ".join(str(part.cells.shape[2] - 1) for part in (self, other))
            raise OptionError(f"summaries with {counts} replicates do not merge: count both with the same")
        # An empty side is left out: its key columns may have no type of their own.
        if not len(self.cells):
            return other
        if not len(other.cells):
            return self
        keys = stacked(self.keys, other.keys)
        large = self.large | other.large
        cells = [self._counted_in(large), other._counted_in(large)]
        clusters = self.drawn and other.drawn and self.drawn.above(other.drawn, len(self.cells))
        return _gathered(keys, self.names, cells, large, clusters)

    def _counted_in(self, large: frozenset[str]) -> Floats:
        small = [self.names.index(name) for name in large - self.large]
        if not small:
            return self.cells
        cells = self.cells.copy()
        cells[:, small] /= UNIT
        return cells

    def rekey(self, keys: pd.DataFrame) -> GroupedSums:
        """Put the groups under other keys, one row a group; groups whose keys are now equal are added."""
        return _gathered(keys, self.names, [self.cells], self.large, self.drawn)

    def spelled_like(self, keys: pd.DataFrame) -> Self:
        """Turn those key columns into texts that are texts in other keys, of which these are some."""
        texts = {
            str(name): key_texts(column)
            for name, column in self.keys.items()
            if name in keys and _is_text(keys[name]) and not _is_text(column)
        }
        return cast(Self, self.rekey(self.keys.assign(**texts))) if texts else self

    def marginalize(self, columns: tuple[str, ...]) -> GroupedSums:
        """Keep only these key columns, and add up what the others told apart."""
        return self.rekey(self.keys[list(columns)])


def with_columns(keys: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """Put columns beside keys: all at once, as pandas' ``assign`` makes a new frame for each."""
    return pd.DataFrame({**keys, **columns}, index=keys.index)


def stacked(upper: pd.DataFrame, lower: pd.DataFrame) -> pd.DataFrame:
    """Put keys one below the other; a column that one batch knows more about has the type that it knows."""
    both = [upper.copy(deep=False), lower.copy(deep=False)]
    for name in upper:
        if both[0][name].dtype != both[1][name].dtype:
            both = [keys.assign(**{str(name): without_categories(keys[name])}) for keys in both]
        types = {str(keys[name].dtype) for keys in both}
        if (len(types) > 1 or "object" in types) and is_mixed(*(keys[name] for keys in both)):
            both = [keys.assign(**{str(name): key_texts(keys[name])}) for keys in both]
        elif types == {"Int64", "float64"} and all(keys[name].notna().any() for keys in both):
            both = [keys.astype({name: "float64"}) for keys in both]
        elif len(types) > 1:
            both = [_typed(keys, name, other) for keys, other in zip(both, both[::-1], strict=True)]
    return pd.concat(both, ignore_index=True)


def _is_text(keys: pd.Series) -> bool:
    return isinstance(keys.dtype, pd.StringDtype)


def _typed(keys: pd.DataFrame, name: Hashable, other: pd.DataFrame) -> pd.DataFrame:
    """Give a column of missing values the type of the other's."""
    if not keys[name].isna().all():
        return keys
    return keys.assign(**{str(name): other[name].iloc[:0].reindex(keys.index)})


def _gathered(
    keys: pd.DataFrame,
    names: tuple[str, ...],
    parts: list[Floats],
    large: frozenset[str],
    clusters: Distinct | None,
) -> GroupedSums:
    groups, codes = grouped(keys)
    clusters = clusters and clusters.regrouped(codes)
    _, quantities, draws = parts[0].shape
    if draws > 1:
        _refuse_too_many(groups, quantities * draws)
    cells, start = np.zeros((len(groups), quantities, draws)), 0
    for part in parts:
        _add_rows(cells, part, codes[start : start + len(part)])
        start += len(part)
    return GroupedSums(groups, names, cells, large=large, drawn=clusters)


def _add_rows(cells: Floats, rows: Floats, codes: Codes) -> None:
    """Add rows to those of their groups; of most summaries' groups each has one row."""
    starts = np.unique(codes, return_index=True)[1]
    if len(starts) < len(codes):
        order = np.argsort(codes, kind="stable")
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        rows, codes = np.add.reduceat(rows[order], starts, axis=0), codes[order][starts]
    cells[codes] += rows


def grouped(keys: pd.DataFrame) -> tuple[pd.DataFrame, Codes]:
    """Find the groups, sorted, and the number of each row's group."""
    codes: Codes = np.zeros(len(keys), dtype=np.intp)
    many = min(len(keys), 1)
    for name in keys:
        further, n = _ranked(keys[name])
        codes, many = _without_gaps(codes * n + further, many * n)
    first = np.empty(many, dtype=np.intp)
    first[codes[::-1]] = np.arange(len(keys))[::-1]  # of what goes to one place the last one stays
    groups = keys.iloc[first]
    groups.index = pd.RangeIndex(many)
    return groups, codes


def _ranked(column: pd.Series) -> tuple[Codes, int]:
    """Number the values in their order, a missing one last: pandas' ``groupby`` takes twice the time."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, n = column.cat.codes.to_numpy(dtype=np.intp), len(column.cat.categories)
        return np.where(codes < 0, n, codes), n + 1
    codes, different = pd.factorize(column, sort=True, use_na_sentinel=False)
    return codes, len(different)


def _without_gaps(codes: Codes, many: int) -> tuple[Codes, int]:
    """Leave out the numbers below ``many`` that none of the codes is."""
    if many > 2 * len(codes) + 1_000:
        different, found = np.unique(codes, return_inverse=True)
        return found.astype(np.intp), len(different)
    there = np.bincount(codes, minlength=many) > 0
    return (np.cumsum(there) - 1)[codes], int(there.sum())


def places(keys: pd.DataFrame, groups: pd.DataFrame) -> Codes:
    """Say in which row of some sorted groups each key's group stands; it must be there."""
    both = pd.concat([groups, keys[list(groups.columns)]], ignore_index=True)
    return grouped(both)[1][len(groups) :]


def _refuse_too_many(groups: pd.DataFrame, each: int) -> None:
    most = min(MOST_GROUPS, MOST_CELLS // each)
    if len(groups) > most:
        names = ", ".join(repr(name)[:60] for name in groups.columns)
        raise OptionError(
            f"{names} makes {len(groups):,} groups, and intervals are kept for at most {most:,}: group by a "
            "column with fewer different values"
            + (", or ask for fewer replicates" if most < MOST_GROUPS else "")
        )


def _replicate(out: Floats, rows: Floats, codes: Codes, by: Drawn) -> None:
    """Add the rows up once more for every replicate, each row as often as its decision was drawn.

    A decision is drawn once, whatever the number of its rows; many decisions are drawn block by block.
    """
    row, once = pd.factorize(by.hashed)
    different, decision = np.unique(once, return_inverse=True)
    decision = decision[row]
    size = BLOCK // out.shape[2]
    rows, codes, decision = _merged(rows, codes, decision, size)
    edges = np.searchsorted(decision // size, np.arange(-(-len(different) // size) + 1))
    for block, (first, last) in enumerate(pairwise(edges)):
        drawn = shared_draws(different[block * size : (block + 1) * size], out.shape[2])
        part = slice(first, last)
        _add_drawn(out, rows[:, part], codes[part], drawn, decision[part] - block * size)


def _add_drawn(out: Floats, rows: Floats, codes: Codes, drawn: Draws, decision: Codes) -> None:
    """Add up rows, sorted by group, each as often as its decision was drawn."""
    size = max(16, min(256, _CHUNK // (out.shape[1] * out.shape[2])))
    new = np.diff(codes, prepend=-1, append=-1) != 0
    new[::size] = True
    for first, last in pairwise(np.flatnonzero(new)):
        weights = drawn[decision[first:last]].astype(np.float64)
        out[codes[first]] += rows[:, first:last] @ weights


def _merged(rows: Floats, codes: Codes, decision: Codes, size: int) -> tuple[Floats, Codes, Codes]:
    """Sort by block, group and decision, and add the rows that agree in all."""
    order = np.lexsort((decision, codes, decision // size))
    rows, codes, decision = rows[:, order], codes[order], decision[order]
    new = np.flatnonzero((np.diff(codes, prepend=-1) != 0) | (np.diff(decision, prepend=-1) != 0))
    if len(new) < len(order):
        rows = np.add.reduceat(rows, new, axis=1)
    return rows, codes[new], decision[new]
