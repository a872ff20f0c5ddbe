"""How often each value is used, for the most used of very many; mergeable, with an error that is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bootstrap import Floats
from .sums import Codes, GroupedSums, grouped, places


@dataclass(frozen=True, eq=False)
class MostUsed(GroupedSums):
    """Uses of the values of each group; those of two batches add up with ``+``.

    The last key column holds the values, and the first quantity their uses. Up to ``most`` different values
    of a group each is there, with all its uses. Where there are more it is the summary of Misra and Gries
    (1982) as Agarwal et al. (2013) merge it: the uses of the first value that is too many are taken off all,
    and those with none left are dropped. So no value has too many uses, and none lacks more than all uses /
    (most + 1), however the rows were split. What was taken off stands in a row of the group without a value.

    Attributes
    ----------
    most
        Values to keep in each group.
    """

    most: int

    @classmethod
    def from_rows(cls, groups: pd.DataFrame, values: pd.Series, most: int) -> MostUsed:
        """Count rows by group and value, none of which is missing."""
        ones = {"n": np.ones(len(groups))}
        return cls._bounded(GroupedSums.of(groups.assign(**{str(values.name): values}), ones), most)

    def __add__(self, other: GroupedSums) -> MostUsed:
        return self._bounded(super().__add__(other), self.most)

    def rekey(self, keys: pd.DataFrame) -> MostUsed:
        """Put the values under other groups, and keep the most used of each new group."""
        return self._bounded(super().rekey(keys), self.most)

    def values(self) -> Self:
        """Return the rows that have a value."""
        return self.take(self._has_value)

    def lacking(self, groups: pd.DataFrame) -> Floats:
        """Say how many uses any value of some sorted groups may lack at most."""
        rest = self.take(~self._has_value)
        found = np.zeros(len(groups))
        found[places(rest.keys, groups)] = rest.cells[:, 0, 0]
        return found

    @property
    def _has_value(self) -> NDArray[np.bool_]:
        return self.keys.iloc[:, -1].notna().to_numpy()

    @classmethod
    def _bounded(cls, sums: GroupedSums, most: int) -> MostUsed:
        whole = cls(sums.keys, sums.names, sums.cells, most)
        if len(sums.cells) <= most:
            return whole
        values = whole.values()
        groups, group = grouped(values.keys.iloc[:, :-1])
        taken = _too_many(values.cells[:, 0, 0], group, len(groups), most)
        if not taken.any():
            return whole
        left = values.cells - taken[group, np.newaxis, np.newaxis]
        kept = replace(values, cells=left).take(left[:, 0, 0] > 0)
        over, name = groups[taken > 0], values.keys.columns[-1]
        rest = over.assign(**{str(name): pd.Series(None, over.index, values.keys[name].dtype)})
        lacking = GroupedSums(rest, sums.names, taken[taken > 0, np.newaxis, np.newaxis])
        found = GroupedSums.__add__(GroupedSums.__add__(kept, whole.take(~whole._has_value)), lacking)
        return cls(found.keys, found.names, found.cells, most)


def _too_many(uses: Floats, group: Codes, groups: int, most: int) -> Floats:
    """Return the uses of each group's most used value but ``most``; 0 where it has no more than those."""
    found = np.zeros(groups)
    order = np.lexsort((-uses, group))
    rank = np.arange(len(order)) - np.searchsorted(group[order], group[order])
    first = order[rank == most]
    found[group[first]] = uses[first]
    return found
