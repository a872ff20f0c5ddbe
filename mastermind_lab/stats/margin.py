"""How split the panels are: the margin of the vote, and whether the recommendation follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import OptionError
from .engine.anytime import intervals_of
from .engine.ballots import Ballots, VoteTally
from .engine.bootstrap import REPLICATES, Floats
from .engine.estimate import SMALL_N, Estimate
from .engine.histogram import STEPS, coarse, steps_of
from .engine.identity import VOTER, told_apart_by
from .engine.input import TEXT, By, Data, frame_of, keys_of, names_of
from .engine.intervals import BOOTSTRAP, FROM_0, SHARE, divided, with_ends
from .engine.summary import Voted, counted, over_batches, overall
from .engine.sums import GroupedSums, grouped, with_columns
from .engine.units import Units
from .engine.vocabulary import CHOICE, RECOMMENDATION


@dataclass(frozen=True, eq=False, repr=False)
class Margin(Voted):
    """How split the panels are, and how often the recommendation follows the vote, by group.

    The margin of a decision is the lead of its winning choice, (first - second) / votes cast: 1 is
    unanimous, 0 a tie. The entropy of its votes is the sum of -p log2(p) over the shares p of the choices, in
    bits (Shannon 1948): 0 is unanimous, log2(k) an even split among k choices. Votes are counted unweighted.

    A panel of one is always unanimous, and counts so in ``unanimous``, ``margin`` and ``entropy``: where
    panels differ in size, compare like with like (``by="n_votes"``), or leave the lone votes out:
    ``history.where(lab.stats.Margin.decisions(history)["votes"] > 1)``. A large margin says
    that the voters agree, not that they are right.

    A voter has one vote in a decision: who votes for the same choice twice has voted once, who votes for two
    choices has no vote there; both are counted in ``repeated``.

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

    sums: GroupedSums
    steps: GroupedSums

    @staticmethod
    def decisions(data: Data, *, voter: str = VOTER) -> pd.DataFrame:
        """Return one row a decision: how its panel voted.

        Parameters
        ----------
        data
            A history, or a ``votes`` frame (decisions without votes are then unknown, and so is ``follows``).
        voter
            Column of ``votes`` that tells voters apart, as for :meth:`of`.

        Returns
        -------
        DataFrame
            In the order of the decisions: ``stream_id``; ``votes`` that count; ``repeated``, voters with more
            than one; ``winner``, <NA> on a tie, which is never broken; ``dissenters``, votes for another
            choice than the winner, <NA> on a tie; ``margin``, 0 to 1; ``entropy`` of the choices' shares in
            bits, 0 if unanimous (Shannon 1948); ``unanimous``; ``tie``; ``follows``, whether the
            recommendation is the winner's text, <NA> on a tie. Without votes all but the counts are missing.
        """
        data = told_apart_by(data, voter)
        panels = _panels(Ballots.of(data))
        if isinstance(data, pd.DataFrame):
            return panels.assign(follows=pd.array([pd.NA] * len(panels), dtype="boolean")).reset_index()
        decisions = frame_of(data, "decisions", ("stream_id", "recommendation"))
        panels = panels.reindex(decisions["stream_id"])
        panels[["votes", "repeated"]] = panels[["votes", "repeated"]].fillna(0)
        said = pd.Series(decisions["recommendation"].to_numpy(dtype=object), index=panels.index)
        known = panels["winner"].notna() & said.notna()
        return panels.assign(follows=(panels["winner"] == said).astype("boolean").where(known)).reset_index()

    @classmethod
    @over_batches
    def of(
        cls,
        data: Data,
        *,
        by: By = None,
        voter: str = VOTER,
        cluster: By = None,
        replicates: int = REPLICATES,
        interval: str = BOOTSTRAP,
        family: str | None = None,
    ) -> Self:
        """Count a batch of decisions and their votes.

        Parameters
        ----------
        data
            A history, or a ``votes`` frame (then without ``by``).
        by
            Column or columns of ``decisions`` to group by.
        voter
            Column of ``votes`` that tells voters apart: a seat, say, where one model sits in several, or the
            model; votes without it are left out.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.
        interval
            ``"bootstrap"``, for one look; ``"anytime"``, for as many as one likes while decisions come in.
            That is for means and shares of decisions, without ``cluster``; other figures then have none.
        family
            ``"simultaneous"``: all 95% intervals of a column of a table hold together, not each by itself.

        Raises
        ------
        OptionError
            If a column is unknown, or ``by`` is given with a bare frame.
        """
        data = told_apart_by(data, voter)
        names = names_of(by, taken=("step",))
        if names and isinstance(data, pd.DataFrame):
            raise OptionError("by needs a history here: a votes frame does not know the decisions' columns")
        rows = cls.decisions(data)
        keys = rows[[]] if isinstance(data, pd.DataFrame) else keys_of(frame_of(data, "decisions", ()), names)
        units = Units.of(data, cluster)
        sums = GroupedSums.of(keys, _quantities(rows), units.at(rows["stream_id"]), replicates)
        margin = rows["margin"].to_numpy(dtype=np.float64, na_value=np.nan)
        return cls(
            names,
            sums,
            steps_of(keys, margin),
            voter=voter,
            cluster=units.names,
            intervals=intervals_of(interval, units.names, family),
        )

    @property
    def _compared(self) -> tuple[str, ...]:
        return (CHOICE, RECOMMENDATION)

    @property
    def mean(self) -> Estimate:
        """The mean margin of all decisions with votes, 0 to 1.

        Panels of five have three margins: of 5 of them the interval holds the truth in about 90%.
        """
        return overall(self.intervals.means, self.sums, "margin", "n", bounds=SHARE)

    @property
    def unanimous(self) -> Estimate:
        """The share of decisions with votes whose panel was unanimous, 0 to 1.

        A lone vote counts as a unanimous panel: see above for how to leave these out.
        """
        return overall(self.intervals.shares, self.sums, "unanimous", "n")

    @property
    def follows(self) -> Estimate:
        """The share of decisions with a winner whose recommendation is that winner, 0 to 1."""
        return overall(self.intervals.shares, self.sums, "follows", "decided")

    def table(self) -> pd.DataFrame:
        """Return one row a group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``n`` decisions with votes; then figures, each with its 95% interval, as in
            ``mean_low`` and ``mean_high``: ``mean`` margin, 0 to 1; mean ``entropy`` in bits; and shares, 0
            to 1: ``unanimous``, ``tie``, and ``follows`` among ``decided`` decisions (those with a winner and
            a recommendation). ``without_votes`` are decisions that are left out of all that; ``repeated``,
            how often a voter voted more than once in a decision. ``small_n`` marks rows of fewer than 10
            decisions. Intervals are NaN where there are fewer than 2 observations.
        """
        sums = self.sums
        n, decided = (sums.independent(sums[name][:, 0]) for name in ("n", "decided"))
        means, shares = self.intervals.means, self.intervals.shares
        return with_columns(
            sums.keys,
            n=counted(sums["n"][:, 0]),
            **sums.clusters(),
            **with_ends(
                mean=means(sums["margin"], sums["n"], n, SHARE),
                entropy=means(sums["entropy"], sums["n"], n, FROM_0),
                unanimous=shares(sums["unanimous"], sums["n"], n),
                tie=shares(sums["tie"], sums["n"], n),
            ),
            decided=counted(sums["decided"][:, 0]),
            **with_ends(follows=shares(sums["follows"], sums["decided"], decided)),
            without_votes=counted(sums["without_votes"][:, 0]),
            repeated=counted(sums["repeated"][:, 0]),
            small_n=n < SMALL_N,
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

    def values(self) -> pd.DataFrame:
        """Return each margin that occurs: one row for each group and value.

        A panel has few possible margins, nine voters at most ten, and equal bins put some of them together
        and leave others empty. Where panels are of many sizes, values are many and :meth:`histogram` tells
        more.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``margin``, 0 to 1, to the nearest 1/2,000; ``n`` decisions; ``share`` of the
            group's decisions with votes.
        """
        there = self.steps.take(self.steps.keys["step"].notna().to_numpy(dtype=bool))
        n = there["n"][:, 0]
        codes = grouped(there.keys[list(self.by)])[1]
        return there.keys.drop(columns="step").assign(
            margin=there.keys["step"].to_numpy(dtype=np.float64) / STEPS,
            n=counted(n),
            share=n / np.bincount(codes, n)[codes],
        )


def _panels(ballots: Ballots) -> pd.DataFrame:
    """Describe the vote of each panel that cast any: one row a decision, in the votes' order."""
    tallies = VoteTally.of(ballots, ballots.weights(None))
    top, second, total = tallies.sums[:, 0], tallies.sums[:, 1], tallies.totals
    none, tie = total == 0, tallies.tied()
    repeated = np.bincount(ballots.repeated["panel"], minlength=len(total))
    margin = divided(top - second, total)
    return pd.DataFrame(
        {
            "votes": pd.Series(total, dtype="Int64").array,
            "repeated": pd.array(repeated, dtype="Int64"),
            "winner": pd.array(np.append(ballots.choices, [None])[tallies.winners(0.0)], dtype=TEXT),
            "dissenters": pd.Series(total - top, dtype="Int64").mask(tie | none).array,
            "margin": margin,
            "entropy": np.where(none, np.nan, _entropy(ballots, total)),
            "unanimous": pd.Series(top == total, dtype="boolean").mask(none).array,
            "tie": pd.Series(tie, dtype="boolean").mask(none).array,
        },
        index=pd.Index(ballots.panels, dtype=TEXT, name="stream_id"),
    )


def _entropy(ballots: Ballots, total: Floats) -> Floats:
    panel, _, count = ballots.counts()
    share = count / total[panel]
    return np.bincount(panel, share * np.log2(1 / share), minlength=len(total)).astype(np.float64)


def _quantities(rows: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Turn the decisions' figures into numbers to add; what is missing adds nothing."""
    voted = (rows["votes"] > 0).to_numpy(dtype=bool)
    figures = ("margin", "entropy", "unanimous", "tie", "follows")
    return {
        "n": voted,
        "without_votes": ~voted,
        "repeated": rows["repeated"].to_numpy(dtype=np.float64),
        "decided": rows["follows"].notna().to_numpy(),
        **{name: np.nan_to_num(rows[name].to_numpy(dtype=np.float64, na_value=np.nan)) for name in figures},
    }
