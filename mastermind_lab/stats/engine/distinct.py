"""How many clusters there are in each group, mergeable: exact up to 2,000, then by the smallest hashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Floats, Hashes

MOST = 2_000
"""Different values of a group that are counted one by one; beyond, their number is right to about 2%."""

_KEPT = MOST + 1  # one more tells that there are more

_Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Distinct:
    """The smallest different hashes of each group.

    Of more than 2,000 values the 2,001 smallest hashes are kept, and tell how many there are (Bar-Yossef et
    al. 2002; Beyer et al. 2007): the k-th smallest of n uniform numbers lies at about k / n.

    Attributes
    ----------
    group
        Shape (kept,): the group's place, ascending.
    hashed
        Shape (kept,): rising within a group.
    """

    group: _Places
    hashed: Hashes

    @classmethod
    def of(cls, group: _Places, hashed: Hashes) -> Self:
        """Take in some values of some groups."""
        order = np.lexsort((hashed, group))
        group, hashed = group[order], hashed[order]
        new = (np.diff(group, prepend=-1) != 0) | (np.diff(hashed, prepend=np.uint64(0)) != 0)
        new[:1] = True
        group, hashed = group[new], hashed[new]
        kept = np.arange(len(group)) - np.searchsorted(group, group) < _KEPT
        return cls(group[kept], hashed[kept])

    def regrouped(self, codes: _Places) -> Self:
        """Put each group's values into another group; where that is -1, leave them out."""
        group = codes[self.group]
        return type(self).of(group[group >= 0], self.hashed[group >= 0])

    def above(self, other: Distinct, groups: int) -> Self:
        """Put others' groups behind these, of which there are so many."""
        group = np.concatenate([self.group, other.group + groups])
        return type(self)(group, np.concatenate([self.hashed, other.hashed]))

    def counts(self, groups: int) -> Floats:
        """Say how many different values each group has, shape (groups,)."""
        n = np.bincount(self.group, minlength=groups).astype(np.float64)
        last = np.searchsorted(self.group, np.flatnonzero(n > MOST), side="right") - 1
        n[n > MOST] = MOST / ((self.hashed[last].astype(np.float64) + 1) / 2.0**64)
        return n.round()

    def merged(self, first: _Places, last: _Places) -> Self:
        """Put together the groups from each first up to before each last; they may overlap."""
        starts, ends = (np.searchsorted(self.group, places) for places in (first, last))
        found = [np.unique(self.hashed[start:end])[:_KEPT] for start, end in zip(starts, ends, strict=True)]
        group = np.repeat(np.arange(len(found)), np.array([len(one) for one in found], dtype=np.intp))
        return type(self)(group, np.concatenate([self.hashed[:0], *found]))
