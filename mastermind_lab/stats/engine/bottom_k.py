"""A uniform sample of many units that merges: those whose hashes are the smallest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bootstrap import Hashes
from .sums import GroupedSums, grouped

UNIT = "unit"
"""The key column that holds the units' hashes; the groups' own columns stand before it."""


@dataclass(frozen=True, eq=False)
class BottomK(GroupedSums):
    """Sums about at most so many units a group; those of two batches add up with ``+``.

    Kept are the units with the smallest hashes (a bottom-k sample: Cohen 1997): a uniform sample without
    replacement, and the same whatever the batches. A unit that is kept in the end was kept by every batch
    that had it, so what is known of it is complete.

    Attributes
    ----------
    most
        Units to keep in each group.
    """

    most: int

    @classmethod
    def from_rows(
        cls,
        groups: pd.DataFrame,
        units: Hashes,
        details: Mapping[str, Any],
        quantities: Mapping[str, NDArray[Any]],
        most: int,
    ) -> BottomK:
        """Add up rows by group, unit and details, and keep the first units.

        Parameters
        ----------
        groups
            The group of each row, n rows.
        units
            Hash of each row's unit, shape (n,).
        details
            More key columns of n values, told apart within a unit.
        quantities
            What to add up: arrays of n finite numbers.
        most
            Units to keep in each group.
        """
        kept = _first(groups.assign(**{UNIT: units}), most)
        some = {name: np.asarray(values)[kept] for name, values in details.items()}
        keys = groups[kept].assign(**{UNIT: units[kept], **some})
        sums = GroupedSums.of(keys, {name: np.asarray(values)[kept] for name, values in quantities.items()})
        return cls(sums.keys, sums.names, sums.cells, most)

    def __add__(self, other: GroupedSums) -> BottomK:
        return self._first_units(super().__add__(other))

    def rekey(self, keys: pd.DataFrame) -> BottomK:
        """Put the units under other groups, and keep the first of each new group."""
        return self._first_units(super().rekey(keys))

    def _first_units(self, sums: GroupedSums) -> BottomK:
        kept = _first(sums.keys, self.most)
        return BottomK(sums.keys[kept].reset_index(drop=True), sums.names, sums.cells[kept], self.most)


def _first(keys: pd.DataFrame, most: int) -> NDArray[np.bool_]:
    """Say which rows are about the first units of their group."""
    if len(keys) <= most:
        return np.ones(len(keys), dtype=bool)
    before = list(keys.columns)[: list(keys.columns).index(UNIT)]
    _, group = grouped(keys[before])
    units = keys[UNIT].to_numpy(dtype=np.uint64)
    order = np.lexsort((units, group))
    ranked, hashed = group[order], units[order]
    new = np.append(True, (np.diff(ranked) != 0) | (hashed[1:] != hashed[:-1]))
    number = np.cumsum(new)
    starts = np.searchsorted(ranked, ranked)
    kept = np.empty(len(keys), dtype=bool)
    kept[order] = number - number[starts] < most
    return kept
