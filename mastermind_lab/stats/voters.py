"""Voter by voter: who dissents, who decides, who is right, and who is too sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .engine.ballots import Ballots, Names, VoteTally
from .engine.bootstrap import REPLICATES, Floats
from .engine.estimate import SMALL_N, Estimate
from .engine.identity import VOTER, told_apart_by
from .engine.input import TEXT, By, Data, frame_of, names_of, shares_of
from .engine.intervals import CHANGE, EXACT, SHARE, Figure, Intervals, with_ends
from .engine.summary import Voted, counted, kept, over_batches, overall, relabelled, sizes_of
from .engine.sums import GroupedSums
from .engine.units import Units
from .pivotal import pivots

Quantities = dict[str, NDArray[Any]]

# Each figure: what is added up, what it is divided by, how.
_FIGURES: dict[str, tuple[str, str, Callable[..., Figure]]] = {
    "dissent": ("dissent", "decided", Intervals.shares),
    "pivotal": ("pivotal", "n", Intervals.shares),
    "confidence": ("confidence", "sure", partial(Intervals.means, bounds=SHARE)),
    "accuracy": ("right", "known", Intervals.shares),
    "brier": ("brier", "scored", partial(Intervals.means, bounds=SHARE)),
    "overconfidence": ("excess", "scored", partial(Intervals.means, bounds=CHANGE)),
    "lone_right": ("lone_right", "lone_known", Intervals.shares),
}

_COUNTS = {
    "dissent": ("decided",),
    "confidence": ("sure",),
    "accuracy": ("known",),
    "brier": ("scored",),
    "lone_right": ("lone", "lone_known"),
}


@dataclass(frozen=True, eq=False, repr=False)
class Voters(Voted):
    """What each voter is like, by group.

    A voter *dissents* who votes against the winner, the choice with the most votes; decisions without one (a
    tie) are left out. A *lone* dissenter is the only one who does. A vote is *pivotal* where plurality would
    decide otherwise without it (:class:`~mastermind_lab.stats.pivotal.Pivotal`). Against outcomes, a
    confidence is the probability that the voter's own choice is correct: the Brier score is the mean of
    (confidence - right)^2 (Brier 1950), 0 at best, 0.25 for a constant 0.5; over-confidence is mean
    confidence minus accuracy of the same votes.

    The winner is made of the voter's own vote too, and voters who debate are not independent: dissent says
    how a voter stood in the end, not what it thought alone. Voters who answered different questions are
    compared only as far as these were equally hard.

    A voter has one vote in a decision: who votes for the same choice twice has voted once, who votes for two
    choices has no vote there; both are counted in ``repeated``.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> table = lab.stats.Voters.of(lab.sample()).table()
    >>> table["voter"].tolist()[:3]
    ['Ada', 'Bruno', 'Chiyo']
    """

    sums: GroupedSums

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
    ) -> Self:
        """Count a batch of votes, with outcomes where they were joined (``with_outcomes``).

        Parameters
        ----------
        data
            A history, or its ``votes`` frame (then without ``by`` and outcomes).
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

        Raises
        ------
        OptionError
            If a column is unknown, or a confidence lies outside of 0 to 1.
        """
        data = told_apart_by(data, voter)
        names = names_of(by, taken=("voter",))
        ballots = Ballots.of(data)
        again = ballots.repeated
        panel = np.concatenate([ballots.panel, again["panel"].to_numpy(dtype=np.intp)])
        who = np.concatenate([ballots.voter, again["voter"].to_numpy(dtype=np.intp)])
        # Behind the votes that count stand those who voted more than once.
        here = np.arange(len(panel)) < len(ballots.panel)
        counts = _dissent(ballots)
        counts |= _correctness(ballots, _truth(data, ballots), counts["lone"])
        quantities = {name: np.concatenate([values, np.zeros(len(again))]) for name, values in counts.items()}
        keys, units = ballots.keys(data, names).iloc[panel], Units.of(data, cluster)
        return cls(
            names,
            GroupedSums.of(
                keys.assign(voter=pd.array(ballots.voters[who], dtype=TEXT)),
                {**quantities, "repeated": ~here},
                units.at(ballots.panels)[panel],
                replicates,
            ),
            voter=voter,
            cluster=units.names,
        )

    @property
    def lone_right(self) -> Estimate:
        """The share of lone dissenters who were right, 0 to 1; n decisions with one and an outcome."""
        return overall(self.intervals.shares, self.sums, "lone_right", "lone_known")

    def _counts(self) -> str:
        return "votes"

    def table(self) -> pd.DataFrame:
        """Return one row for each group and voter.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``voter``; ``n`` decisions with a vote that counts; ``repeated``, decisions in
            which the voter voted more than once. Then figures, each with its 95% interval, as in
            ``dissent_low`` and ``dissent_high``, behind the number of votes it is counted from: ``decided``
            and ``dissent``, the share of votes against the winner; ``pivotal``, the share of n; ``sure``,
            votes with a confidence, and their mean ``confidence``; ``known``, votes with an outcome, and
            ``accuracy``; ``scored``, those of them with a confidence, ``brier``, 0 to 1, and
            ``overconfidence``, -1 to 1; ``lone`` dissents, ``lone_known``, those with an outcome, and
            ``lone_right``, the share of these that were right. Shares are from 0 to 1, NaN where nothing was
            observed. ``small_n`` marks rows of fewer than 10 votes that count. Intervals are NaN where there
            are fewer than 2 observations, those of ``brier`` and ``overconfidence`` also where none or all of
            the votes were right, unless these are all alike: what never happened is in no replicate.
        """
        sums = self.sums
        columns: dict[str, Any] = {name: counted(sums[name][:, 0]) for name in ("n", "repeated")}
        columns |= sums.clusters()
        for name, (top, bottom, made) in _FIGURES.items():
            columns |= {count: counted(sums[count][:, 0]) for count in _COUNTS.get(name, ())}
            figure = made(self.intervals, sums[top], sums[bottom], sums.independent(sums[bottom][:, 0]))
            if bottom == "scored":
                # Replicates cannot show what never happened.
                mixed = sums["scored_right"][:, 0] % np.maximum(sums["scored"][:, 0], 1) > 0
                figure = figure.where(mixed | (figure.method == EXACT))
            columns |= with_ends(**{name: figure})
        return sums.keys.assign(**columns, small_n=sums.independent(sums["n"][:, 0]) < SMALL_N)

    def lump(self, most: int = 8, voters: int = 20) -> Self:
        """Make the smallest groups one, as every summary does, and the voters with the fewest votes too.

        Parameters
        ----------
        most
            Groups to have at most, 2 or more.
        voters
            Voters to have at most, 2 or more; the last then is "other (k more)".
        """
        lumped = super().lump(most)
        labels = kept(sizes_of(self.sums, ("voter",)), voters)
        return replace(lumped, sums=relabelled(lumped.sums, ("voter",), "voter", labels))


def _dissent(ballots: Ballots) -> Quantities:
    """Say how each vote stands in its panel."""
    weights = ballots.weights(None)
    tallies = VoteTally.of(ballots, weights)
    winner = tallies.winners(0.0)[ballots.panel]
    against = (tallies.totals - tallies.sums[:, 0])[ballots.panel]
    dissent = (winner >= 0) & (winner != ballots.choice)
    return {
        "n": weights,
        "decided": winner >= 0,
        "dissent": dissent,
        "lone": dissent & (against == 1),
        "pivotal": pivots(ballots, ("plurality",))["plurality"],
    }


def _correctness(ballots: Ballots, truth: Names, lone: NDArray[np.bool_]) -> Quantities:
    """Say how sure each voter was, and judge it where that can be done."""
    confidence = _confidence(ballots)
    sure, known = ~np.isnan(confidence), ~pd.isna(truth)
    right = known & (ballots.choices[ballots.choice] == truth)
    scored, excess = sure & known, np.nan_to_num(confidence) - right
    return {
        "sure": sure,
        "confidence": np.nan_to_num(confidence),
        "known": known,
        "right": right,
        "scored": scored,
        "scored_right": scored & right,
        "brier": scored * excess**2,
        "excess": scored * excess,
        "lone_known": lone & known,
        "lone_right": lone & right,
    }


def _confidence(ballots: Ballots) -> Floats:
    if "confidence" in ballots.votes.columns:
        return shares_of(ballots.votes, "confidence")
    return np.full(len(ballots.votes), np.nan)


def _truth(data: Data, ballots: Ballots) -> Names:
    """Return what was right for each ballot, missing where that is not known."""
    if isinstance(data, pd.DataFrame) or "correct_choice" not in data.decisions.columns:
        return np.full(len(ballots.panel), None, dtype=object)
    decisions = frame_of(data, "decisions", ("stream_id",)).drop_duplicates("stream_id")
    truth = pd.Series(
        decisions["correct_choice"].to_numpy(dtype=object), decisions["stream_id"].to_numpy(object)
    )
    found: Names = truth.reindex(ballots.panels).to_numpy(dtype=object)[ballots.panel]
    return found
