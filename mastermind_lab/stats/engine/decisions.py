"""How many decisions stand behind rows of which one may have several: votes of a model in nine seats, say.

Such rows are no independent observations; their decisions are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bootstrap import Hashes
from .distinct import MOST, Distinct
from .sums import Codes, GroupedSums, grouped

_OFF = 1.1  # a number of more than 2,000 is an estimate, off by a few percent


@dataclass(frozen=True, eq=False)
class Decisions(GroupedSums):
    """Decisions by group: each quantity counts one once in a group, however many of its rows it marks.

    Groups that are put together may have decisions in common, as two voters of one panel have. So they are
    told apart by their hashes: there are no more of them than different ones.
    """

    @classmethod
    def behind(
        cls,
        keys: pd.DataFrame,
        decision: Codes,
        marks: Mapping[str, NDArray[Any]],
        own: Hashes | None = None,
    ) -> Self:
        """Count the decisions of some rows.

        Parameters
        ----------
        keys
            The group of each row, n rows.
        decision
            The number of each row's decision, from 0.
        marks
            Which rows each quantity counts, shape (n,).
        own
            The key of each row's decision; none where no two groups can have one in common.
        """
        codes = grouped(keys)[1]
        seat = pd.factorize(codes * (decision.max(initial=0) + 1) + decision)[0].astype(np.intp)
        sums = GroupedSums.of(keys, {name: _firsts(seat, mark) for name, mark in marks.items()})
        some = np.any([*marks.values()], axis=0)
        different = None if own is None else Distinct.of(codes[some], own[some])
        return cls(sums.keys, sums.names, sums.cells, drawn=different)

    def __add__(self, other: GroupedSums) -> Self:
        return self._from(super().__add__(other))

    def rekey(self, keys: pd.DataFrame) -> Self:
        """Put the groups under other keys; those whose keys are now equal have some decisions in common."""
        found = self._from(super().rekey(keys))
        if found.drawn is None:
            return found
        different = found.drawn.counts(len(found.cells))
        most = np.where(different <= MOST, different, _OFF * different)
        most[np.bincount(grouped(keys)[1], minlength=len(most)) == 1] = np.inf
        # What they have in common of one quantity is not known: as much as of the first, which counts most.
        every = np.maximum(found.cells[:, 0, 0], 1)
        share = np.minimum(most / every, 1)[:, None, None]
        return self._from(found, np.ceil(np.round(found.cells * share, 6)))  # 7.000001 are 7

    @classmethod
    def _from(cls, sums: GroupedSums, cells: NDArray[np.float64] | None = None) -> Self:
        return cls(sums.keys, sums.names, sums.cells if cells is None else cells, drawn=sums.drawn)


def _firsts(seat: Codes, mark: NDArray[Any]) -> NDArray[np.bool_]:
    """Of the marked rows of one seat, a group's part of a decision, mark the first."""
    marked = np.flatnonzero(mark)
    first = np.zeros(len(seat), dtype=np.bool_)
    first[marked[~pd.Series(seat[marked]).duplicated().to_numpy()]] = True
    return first
