"""Counts by confidence: exact for up to 2,000 different ones, else in steps that are fine near 0 and near 1.

A confidence stands for a whole number: the bits of its distance from 0 or from 1, whichever is nearer. As a
floating-point number is, these are as fine at 1e-9 from 1 as at 0.1 from it, and each confidence has its own.
Where a group has more than 2,000 of them, all its numbers lose as many of their last bits as bring it to
2,000 or fewer: each bit joins two neighbouring steps, so that 1,000 or more remain.

How many bits are lost hangs on what was counted and not on its order: a group loses no fewer than any part of
it does, and what is left of a number whose bits go in two turns is what is left if they go at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pandas as pd

from .bootstrap import Floats, Hashes
from .sums import Codes, GroupedSums, grouped, stacked
from .units import Drawn

MOST = 2_000
"""Confidences of a group that are told apart."""

_HALF = np.uint64(0x3FE0000000000000)  # the bits of 0.5
_ONE = np.uint64(1)
_BITS = 64


@dataclass(frozen=True, eq=False)
class Cells(GroupedSums):
    """Sums by group and confidence.

    The last two key columns are ``bin``, which no step crosses, and ``step``: a confidence, or several that
    are counted as one. The lowest bit that is set in a step says how many bits are lost.
    """

    @classmethod
    def counted(
        cls,
        keys: pd.DataFrame,
        bins: Codes,
        confidence: Floats,
        right: Floats,
        drawn: Drawn,
        replicates: int,
    ) -> Self:
        """Count confidences (``n``), and those that were right (``correct``).

        Parameters
        ----------
        keys
            The group of each, n rows.
        bins, confidence, right
            Shape (n,).
        drawn, replicates
            As for :meth:`GroupedSums.of`.
        """
        every = _joined(keys.assign(bin=bins, step=_steps(confidence)))
        counts = {"n": np.ones(len(every)), "correct": right}
        return cls._from(GroupedSums.of(every, counts, drawn, replicates))

    @property
    def values(self) -> Floats:
        """The confidence in the middle of each step, shape (rows,)."""
        # The middle of a wide step may lie above 1.
        bits = np.minimum(self.keys["step"].to_numpy(dtype=np.uint64) >> _ONE, 2 * _HALF)
        high = bits > _HALF
        near = np.where(high, 2 * _HALF - bits, bits).view(np.float64)
        values: Floats = np.where(high, 1 - near, near)
        return values

    def __add__(self, other: GroupedSums) -> Self:
        if not len(self.cells) or not len(other.cells):
            return self._from(super().__add__(other))
        # Before they are put together: side by side, they may be too many.
        joined = _joined(stacked(self.keys, other.keys))["step"].to_numpy()
        here, there = np.split(joined, [len(self.cells)])
        mine, theirs = (
            GroupedSums.rekey(one, one.keys.assign(step=steps))
            for one, steps in ((self, here), (other, there))
        )
        return self._from(mine + theirs)

    def rekey(self, keys: pd.DataFrame) -> Self:
        """Put the groups under other keys, and join steps where there are too many now."""
        return self._from(super().rekey(_joined(keys)))

    def marginalize(self, columns: tuple[str, ...]) -> Self:
        """Keep only these key columns, and what was counted of each confidence."""
        return self.rekey(self.keys[[*columns, "bin", "step"]])

    def rounded(self, steps: int) -> GroupedSums:
        """Count them once more, without replicates, at the nearest of equal steps, numbered from 0 to 1."""
        keys = self.keys.drop(columns="bin").assign(step=np.rint(self.values * steps).astype(np.int64))
        return GroupedSums(self.keys, self.names, self.cells[..., :1]).rekey(keys)

    @classmethod
    def _from(cls, sums: GroupedSums) -> Self:
        return cls(**{field.name: getattr(sums, field.name) for field in fields(GroupedSums)})


def _steps(confidence: Floats) -> Hashes:
    """Turn confidences into rising numbers that have lost nothing."""
    # 1 - x has no rounding error from 0.5 up; adding 0 turns -0.0 into 0.0.
    high = confidence > 0.5
    bits = (np.where(high, 1 - confidence, confidence) + 0.0).view(np.uint64)
    return np.where(high, 2 * _HALF - bits, bits) << _ONE | _ONE


def _joined(keys: pd.DataFrame) -> pd.DataFrame:
    """Join steps in groups that have too many of them, and where some have lost more bits than others."""
    steps, bins = keys["step"].to_numpy(dtype=np.uint64), keys["bin"].to_numpy()
    codes = grouped(keys.drop(columns=["bin", "step"]))[1]
    if not len(steps):
        return keys
    order = np.lexsort((steps, bins, codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    lost = np.maximum.reduceat(_bit_length(steps & (~steps + _ONE))[order], starts) - 1
    found = _without(steps, lost[codes])[order]
    apart = _bit_length(found ^ np.roll(found, 1))
    apart[np.diff(bins[order], prepend=-1) != 0] = _BITS
    apart[starts] = _BITS
    for group, (start, end) in enumerate(zip(starts, [*starts[1:], len(order)], strict=True)):
        if np.count_nonzero(apart[start:end]) > MOST:
            last = np.partition(apart[start:end], -MOST - 1)[-MOST - 1]
            lost[group] = max(lost[group], min(last, _BITS - 1) - 1)
    return keys.assign(step=_without(steps, lost[codes]))


def _without(steps: Hashes, lost: Codes) -> Hashes:
    """Take away so many of the last bits that no more than these are left."""
    shift = lost.astype(np.uint64)
    return (steps >> shift | _ONE) << shift


def _bit_length(numbers: Hashes) -> Codes:
    """Return how many bits numbers have without leading zeros."""
    upper, lower = numbers >> np.uint64(32), numbers & np.uint64(0xFFFFFFFF)
    high, low = (np.frexp(half.astype(np.float64))[1].astype(np.intp) for half in (upper, lower))
    return np.where(upper > 0, high + 32, low)
