"""How split the panels are: the margin of the vote, and whether the recommendation follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import OptionError
from .bootstrap import REPLICATES, Floats
from .estimate import Estimate, ratios, shares
from .histogram import coarse, steps_of
from .input import By, Data, frame_of, keys_of, names_of
from .summary import Summary, counted, over_batches, overall
from .sums import Sums


@dataclass(frozen=True, eq=False)
class Margin(Summary):
    """How split the panels are, by group.

    The margin of a decision is the lead of its winning choice, (first - second) / votes cast: 1 is
    unanimous, 0 a tie. Votes are counted as cast, unweighted. A panel of one is always unanimous: where
    panels differ in size, compare like with like (``by="n_votes"``).

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample()
    >>> summary = lab.stats.Margin.of(history, by="meta.model")
    >>> bool((summary.table()["tie"] < 1).all())
    True
    >>> len(lab.stats.Margin.decisions(history)) == len(history.decisions)
    True
    """

    sums: Sums
    steps: Sums

    @staticmethod
    def decisions(data: Data) -> pd.DataFrame:
        """Return one row a decision: how its panel voted.

        Parameters
        ----------
        data
            A history, or a ``votes`` frame (decisions without votes are then unknown, and so is ``follows``).

        Returns
        -------
        DataFrame
            In the order of the decisions: ``stream_id``; ``votes`` cast (a voter who voted twice counts
            twice); ``winner``, <NA> on a tie, which is never broken; ``dissenters``, votes for another choice
            than the winner, <NA> on a tie; ``margin``, 0 to 1; ``entropy`` of the choices' shares in bits,
            0 if unanimous (Shannon 1948); ``unanimous``; ``tie``; ``follows``, whether the recommendation is
            the winner's text, <NA> on a tie. Without votes all of them but ``votes`` are missing.
        """
        votes = frame_of(data, "votes", ("stream_id", "choice"))
        panels = _panels(votes)
        if isinstance(data, pd.DataFrame):
            return panels.assign(follows=pd.array([pd.NA] * len(panels), dtype="boolean")).reset_index()
        decisions = frame_of(data, "decisions", ("stream_id", "recommendation"))
        panels = panels.reindex(decisions["stream_id"])
        panels["votes"] = panels["votes"].fillna(0)
        said = pd.Series(decisions["recommendation"].to_numpy(dtype=object), index=panels.index)
        known = panels["winner"].notna() & said.notna()
        return panels.assign(follows=(panels["winner"] == said).astype("boolean").where(known)).reset_index()

    @classmethod
    @over_batches
    def of(cls, data: Data, *, by: By = None, replicates: int = REPLICATES) -> Self:
        """Count a batch of decisions and their votes.

        Parameters
        ----------
        data
            A history, or a ``votes`` frame (then without ``by``).
        by
            Column or columns of ``decisions`` to group by.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.

        Raises
        ------
        OptionError
            If a column is unknown, or ``by`` is given with a bare frame.
        """
        names = names_of(by, taken=("step",))
        if names and isinstance(data, pd.DataFrame):
            raise OptionError("by needs a history here: a votes frame does not know the decisions' columns")
        rows = cls.decisions(data)
        keys = rows[[]] if isinstance(data, pd.DataFrame) else keys_of(data.decisions, names)
        sums = Sums.of(keys, _quantities(rows), rows["stream_id"], replicates)
        margin = rows["margin"].to_numpy(dtype=np.float64, na_value=np.nan)
        return cls(names, sums, steps_of(keys, margin))

    @property
    def mean(self) -> Estimate:
        """The mean margin of all decisions with votes, 0 to 1."""
        return overall(self.sums, "margin", "n")

    @property
    def unanimous(self) -> Estimate:
        """The share of decisions with votes whose panel was unanimous, 0 to 1."""
        return overall(self.sums, "unanimous", "n", shares)

    @property
    def follows(self) -> Estimate:
        """The share of decisions with a winner whose recommendation is that winner, 0 to 1."""
        return overall(self.sums, "follows", "decided", shares)

    def table(self) -> pd.DataFrame:
        """Return one row a group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``n`` decisions with votes; ``mean`` margin with ``low`` and ``high``; mean
            ``entropy`` in bits; shares, 0 to 1: ``unanimous`` with ``unanimous_low`` and ``unanimous_high``,
            ``tie``, and ``follows`` with ``follows_low`` and ``follows_high``, among ``decided`` decisions
            (those with a winner and a recommendation); ``without_votes``, decisions that are left out of all
            that. Intervals are 95%, and NaN where there are fewer than 2 observations.
        """
        sums = self.sums
        n, decided = sums["n"][:, 0], sums["decided"][:, 0]
        mean, low, high = ratios(sums["margin"], sums["n"], n)
        unanimous, unanimous_low, unanimous_high = shares(sums["unanimous"], sums["n"], n)
        follows, follows_low, follows_high = shares(sums["follows"], sums["decided"], decided)
        return sums.keys.assign(
            n=counted(n),
            mean=mean,
            low=low,
            high=high,
            entropy=ratios(sums["entropy"], sums["n"], n)[0],
            unanimous=unanimous,
            unanimous_low=unanimous_low,
            unanimous_high=unanimous_high,
            tie=ratios(sums["tie"], sums["n"], n)[0],
            decided=counted(decided),
            follows=follows,
            follows_low=follows_low,
            follows_high=follows_high,
            without_votes=counted(sums["without_votes"][:, 0]),
        )

    def histogram(self, bins: int = 10) -> pd.DataFrame:
        """Return the distribution of the margin: one row for each group and bin.

        Parameters
        ----------
        bins
            Equal bins from 0 to 1; a divisor of 2,000.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``left`` and ``right`` (bins are closed on the left, the last one on both
            sides); ``n`` decisions; ``share`` of the group's decisions with votes.
        """
        return coarse(self.steps, bins)


def _panels(votes: pd.DataFrame) -> pd.DataFrame:
    """Describe the vote of each panel that cast any: one row a decision, in the votes' order."""
    panel, ids = pd.factorize(votes["stream_id"])
    cast = pd.DataFrame({"panel": panel, "choice": votes["choice"].to_numpy(dtype=object)}).dropna()
    counts = cast.groupby(["panel", "choice"], sort=False).size().rename("n").reset_index()
    counts = counts.sort_values(["panel", "n"], ascending=[True, False], kind="stable", ignore_index=True)
    first = counts.drop_duplicates("panel")
    # The row below a panel's first choice is its second, unless another panel begins there.
    below = counts["n"].where(counts["panel"].duplicated(), 0).shift(-1, fill_value=0)
    second = below[first.index].to_numpy()
    top, total = first["n"].to_numpy(), counts.groupby("panel")["n"].sum().to_numpy()
    tie = top == second
    table = pd.DataFrame(
        {
            "votes": pd.array(total, dtype="Int64"),
            "winner": first["choice"].astype("str").mask(tie).to_numpy(),
            "dissenters": pd.Series(total - top, dtype="Int64").mask(tie).array,
            "margin": (top - second) / total,
            "entropy": _entropy(counts),
            "unanimous": pd.array(top == total, dtype="boolean"),
            "tie": pd.array(tie, dtype="boolean"),
        },
        index=pd.Index(ids[first["panel"]], name="stream_id"),
    )
    return table.astype({"winner": "str"})


def _entropy(counts: pd.DataFrame) -> Floats:
    share = counts["n"] / counts.groupby("panel")["n"].transform("sum")
    bits = share * np.log2(1 / share)
    summed: Floats = bits.groupby(counts["panel"]).sum().to_numpy(dtype=np.float64)
    return summed


def _quantities(rows: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Turn the decisions' figures into numbers to add; what is missing adds nothing."""
    voted = (rows["votes"] > 0).to_numpy(dtype=bool)
    figures = ("margin", "entropy", "unanimous", "tie", "follows")
    return {
        "n": voted,
        "without_votes": ~voted,
        "decided": rows["follows"].notna().to_numpy(),
        **{name: rows[name].astype("Float64").fillna(0).to_numpy(dtype=np.float64) for name in figures},
    }
