"""How the panels argue: the size and shape of their argument trees, and which side is the stronger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import OptionError
from .engine.bootstrap import REPLICATES, Floats
from .engine.estimate import SMALL_N, Estimate
from .engine.histogram import coarse, steps_of
from .engine.input import By, Data, frame_of, keys_of, names_of, shares_of
from .engine.intervals import FROM_0, SHARE, divided, with_ends
from .engine.options import check_share
from .engine.summary import Summary, counted, over_batches, overall
from .engine.sums import Codes, GroupedSums
from .engine.units import Units

PRO = """pro for support supports supporting favour favor in_favour in_favor agree agrees yes approve
positive +"""
CON = """con contra against attack attacks attacking oppose opposes opposing rebut rebuts rebuttal refute
refutes undercut undercuts disagree disagrees no reject negative -"""

SIDES = {**dict.fromkeys(PRO.split(), "pro"), **dict.fromkeys(CON.split(), "con")}
"""The words for a stance, in small letters, and the side each is on; any other word is on neither."""

_COUNTS = ("nodes", "depth", "breadth", "pro", "con", "leaves", "unsupported")
_NEEDED = ("stream_id", "node", "parent", "depth", "stance", "strength")


@dataclass(frozen=True, eq=False, repr=False)
class Arguments(Summary):
    """How large the argument trees are, which side is the stronger, and how much is unsupported, by group.

    A claim is on the side that its stance names, by a fixed table of words (``SIDES``: pro, for, supports,
    ...; con, against, attacks, ...), towards whatever the arena means by it: a con that answers a con is
    still counted as a con. Claims of another stance, or of none, are on neither side.

    The balance of a tree is the strength of its pro claims by that of its pro and con claims, 0 to 1: 0.5 is
    even. A leaf is a claim that no other answers; it is unsupported if its strength is missing or below
    ``weak``.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample()
    >>> lab.stats.Arguments.decisions(history)["nodes"].sum() == len(history.arguments)
    np.True_
    >>> lab.stats.Arguments.of(history).balance.value > 0.5
    True
    """

    weak: float
    sums: GroupedSums
    steps: GroupedSums

    @staticmethod
    def decisions(data: Data, *, weak: float = 0.5) -> pd.DataFrame:
        """Return one row a decision: its tree in figures.

        Parameters
        ----------
        data
            A history, or an ``arguments`` frame (decisions without any are then unknown).
        weak
            Strength below which a leaf is unsupported, 0 to 1.

        Returns
        -------
        DataFrame
            In the order of the decisions: ``stream_id``; ``nodes``; ``depth``, steps from a root to the
            deepest claim; ``breadth``, claims at the widest level; ``pro`` and ``con`` claims; ``leaves``;
            ``unsupported`` leaves; ``ratio``, pro / con, NaN without con; ``balance``, 0 to 1, NaN where no
            claim on either side has a strength above 0. Without arguments ``nodes`` is 0 and the rest is
            missing.

        Raises
        ------
        OptionError
            If a column is missing, ``weak`` out of range, or a strength outside 0 to 1.
        """
        check_share("weak", weak)
        table = _trees(frame_of(data, "arguments", _NEEDED), weak)
        if not isinstance(data, pd.DataFrame):
            ids = frame_of(data, "decisions", ("stream_id",))["stream_id"]
            table = table.reindex(pd.Index(ids, name="stream_id"))
            table["nodes"] = table["nodes"].fillna(0)
        return table.reset_index()

    @classmethod
    @over_batches
    def of(
        cls, data: Data, *, by: By = None, weak: float = 0.5, cluster: By = None, replicates: int = REPLICATES
    ) -> Self:
        """Count a batch of decisions and their arguments.

        Parameters
        ----------
        data
            A history, or an ``arguments`` frame (then without ``by``).
        by
            Column or columns of ``decisions`` to group by.
        weak
            Strength below which a leaf is unsupported, 0 to 1.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.

        Raises
        ------
        OptionError
            If a column is unknown, an option or a strength out of range, or ``by`` comes with a bare frame.
        """
        names = names_of(by, taken=("step",))
        if names and isinstance(data, pd.DataFrame):
            raise OptionError(
                "by needs a history here: an arguments frame does not know the decisions' columns"
            )
        rows = cls.decisions(data, weak=weak)
        keys = rows[[]] if isinstance(data, pd.DataFrame) else keys_of(frame_of(data, "decisions", ()), names)
        units = Units.of(data, cluster)
        sums = GroupedSums.of(keys, _quantities(rows), units.at(rows["stream_id"]), replicates)
        steps = steps_of(keys, rows["balance"].to_numpy(dtype=np.float64))
        return cls(names, float(weak), sums, steps, cluster=units.names)

    @property
    def balance(self) -> Estimate:
        """The mean balance of the trees, 0 (all con) to 1 (all pro)."""
        return overall(self.intervals.means, self.sums, "balance", "balanced", bounds=SHARE)

    @property
    def nodes(self) -> Estimate:
        """The mean number of claims in a tree."""
        return overall(self.intervals.means, self.sums, "nodes", "argued", bounds=FROM_0)

    @property
    def unsupported(self) -> Estimate:
        """The share of leaves that are unsupported, 0 to 1; n is the trees."""
        return overall(self.intervals.shares, self.sums, "unsupported", "leaves", n="argued")

    def table(self) -> pd.DataFrame:
        """Return one row a group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``n`` decisions; ``argued``, those with arguments; of these, means with 95%
            intervals (``_low``, ``_high``): ``nodes``, ``depth``, ``breadth``; ``ratio``, all pro claims by
            all con claims; ``balance``, the mean of the ``balanced`` trees that have one, 0 to 1;
            ``unsupported``, the share of all leaves, 0 to 1. ``small_n`` marks rows of fewer than 10 trees.
            Intervals are NaN where there are fewer than 2 trees.
        """
        sums = self.sums
        argued, balanced = (sums.independent(sums[name][:, 0]) for name in ("argued", "balanced"))
        means, shares = self.intervals.means, self.intervals.shares
        figures = {
            name: means(sums[name], sums["argued"], argued, FROM_0) for name in ("nodes", "depth", "breadth")
        }
        figures["ratio"] = means(sums["pro"], sums["con"], argued, FROM_0)
        figures["balance"] = means(sums["balance"], sums["balanced"], balanced, SHARE)
        figures["unsupported"] = shares(sums["unsupported"], sums["leaves"], argued)
        return sums.keys.assign(
            n=counted(sums["n"][:, 0]),
            **sums.clusters(),
            argued=counted(sums["argued"][:, 0]),
            balanced=counted(sums["balanced"][:, 0]),
            **with_ends(**figures),
            small_n=argued < SMALL_N,
        )

    def histogram(self, bins: int = 20) -> pd.DataFrame:
        """Return the distribution of the balance: one row for each group and bin.

        Parameters
        ----------
        bins
            Equal bins from 0 to 1; a divisor of 2,000.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``left`` and ``right`` (bins are closed on the left, the last one on both
            sides); ``n`` decisions; ``share`` of the group's decisions with a balance.
        """
        return coarse(self.steps, bins)


def sides(stances: pd.Series) -> NDArray[np.object_]:
    """Say on which side each stance is: "pro", "con", or "" where it is missing or another word."""
    codes, words = pd.factorize(stances)
    return np.array([*map(side_of, words), ""], dtype=object)[codes]


def side_of(stance: Any) -> str:
    """Say on which side one stance is."""
    return SIDES.get("_".join(str(stance).casefold().split()), "")


def _trees(claims: pd.DataFrame, weak: float) -> pd.DataFrame:
    """Describe each tree: one row a decision, in the claims' order."""
    tree, ids = pd.factorize(claims["stream_id"])
    tree = tree.astype(np.intp)
    strength, side = shares_of(claims, "strength"), sides(claims["stance"])
    leaf = _leaves(tree, claims)
    depth = claims["depth"].to_numpy(dtype=np.int64)

    def total(values: NDArray[Any]) -> Floats:
        return np.bincount(tree, values, minlength=len(ids)).astype(np.float64)

    pro, con = side == "pro", side == "con"
    counts = {
        "nodes": total(np.ones(len(tree))),
        "depth": _greatest(tree, depth, len(ids)),
        "breadth": _widest(tree, depth, len(ids)),
        "pro": total(pro),
        "con": total(con),
        "leaves": total(leaf),
        "unsupported": total(leaf & ~(strength >= weak)),
    }
    known = np.nan_to_num(strength)
    strong, both = total(known * pro), total(known * (pro | con))
    table = pd.DataFrame(counts, index=pd.Index(ids, name="stream_id")).astype("Int64")
    return table.assign(ratio=divided(counts["pro"], counts["con"]), balance=divided(strong, both))


def _leaves(tree: Codes, claims: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which claims no other answers."""
    node = claims["node"].to_numpy(dtype=np.int64)
    parent = claims["parent"].to_numpy(dtype=np.int64, na_value=-1)
    width = max(int(node.max(initial=0)), int(parent.max(initial=0))) + 1
    answered = np.unique(tree[parent >= 0] * width + parent[parent >= 0])
    leaf: NDArray[np.bool_] = ~np.isin(tree * width + node, answered)
    return leaf


def _greatest(tree: Codes, values: NDArray[np.int64], trees: int) -> Floats:
    greatest = np.zeros(trees)
    np.maximum.at(greatest, tree, values)
    return greatest


def _widest(tree: Codes, depth: NDArray[np.int64], trees: int) -> Floats:
    """Count the claims of each tree's widest level."""
    levels = int(depth.max(initial=0)) + 1
    level, counts = np.unique(tree * levels + depth, return_counts=True)
    return _greatest(level // levels, counts, trees)


def _quantities(rows: pd.DataFrame) -> dict[str, Floats]:
    """Turn the trees' figures into numbers to add; what is missing adds nothing."""
    balance = rows["balance"].to_numpy(dtype=np.float64)
    return {
        "n": np.ones(len(rows)),
        "argued": (rows["nodes"] > 0).to_numpy(dtype=np.float64),
        "balanced": (~np.isnan(balance)).astype(np.float64),
        "balance": np.nan_to_num(balance),
        **{name: rows[name].fillna(0).to_numpy(dtype=np.float64) for name in _COUNTS},
    }
