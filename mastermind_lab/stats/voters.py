"""Voter by voter: who dissents, who decides, who is right, and who is too sure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import OptionError
from .engine.anytime import intervals_of
from .engine.ballots import Ballots, Names, VoteTally
from .engine.bootstrap import REPLICATES, Floats
from .engine.decisions import Decisions
from .engine.estimate import SMALL_N, Estimate
from .engine.families import deviations
from .engine.identity import VOTER, told_apart_by
from .engine.input import TEXT, By, Data, frame_of, names_of, shares_of
from .engine.intervals import BOOTSTRAP, CHANGE, SHARE, Bounds, Figure, divided, with_ends
from .engine.ranking import by_what_is_known, ranks, shrunk
from .engine.summary import Voted, counted, kept, over_batches, overall, sizes_of, with_labels
from .engine.sums import GroupedSums, grouped, with_columns
from .engine.units import Units
from .engine.vocabulary import CHOICE, OUTCOME
from .pivotal import pivots

Quantities = dict[str, NDArray[Any]]

# Each figure: what is added up, what it is divided by, how.
# The bounds of means; shares have none to say.
_FIGURES: dict[str, tuple[str, str, Bounds | None]] = {
    "dissent": ("dissent", "decided", None),
    "pivotal": ("pivotal", "n", None),
    "confidence": ("confidence", "sure", SHARE),
    "accuracy": ("right", "known", None),
    "brier": ("brier", "scored", SHARE),
    "overconfidence": ("excess", "scored", CHANGE),
    "lone_right": ("lone_right", "lone_known", None),
}

_BEHIND = dict.fromkeys(bottom for _, bottom, _ in _FIGURES.values())

# What counts the votes behind a figure, and its column.
_COUNTS = {
    "dissent": {"decided": "n_with_winner"},
    "confidence": {"sure": "n_with_confidence"},
    "accuracy": {"known": "n_with_outcome"},
    "brier": {"scored": "n_with_both"},
    "lone_right": {"lone": "n_lone", "lone_known": "n_lone_with_outcome"},
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
    behind: Decisions

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
        interval
            ``"bootstrap"``, for one look; ``"anytime"``, for as many as one likes while decisions come in.
            That is for means and shares of decisions, without ``cluster``; other figures then have none.
        family
            ``"simultaneous"``: all 95% intervals of a column of a table hold together, not each by itself.

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
        units, voters = Units.of(data, cluster), pd.array(ballots.voters[who], dtype=TEXT)
        keys = ballots.keys(data, names).iloc[panel].assign(voter=voters)
        drawn, own = units.at(ballots.panels), units.decisions(ballots.panels)
        return cls(
            names,
            GroupedSums.of(keys, {**quantities, "repeated": ~here}, drawn[panel], replicates),
            Decisions.behind(keys, panel, {name: quantities[name] for name in _BEHIND}, own[panel]),
            voter=voter,
            cluster=units.names,
            intervals=intervals_of(interval, units.names, family),
        )

    @property
    def _compared(self) -> tuple[str, ...]:
        return (CHOICE, OUTCOME)

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
            The ``by`` columns; ``voter``; ``n`` votes that count; ``decisions`` with such a vote, the
            observations behind the intervals (fewer than n where several votes of one are told apart by
            ``voter``, or voters were put together); ``repeated``, decisions in which the voter voted more
            than once. Then figures, each with its 95% interval, as in
            ``dissent_low`` and ``dissent_high``, behind the number of votes it is counted from:
            ``n_with_winner`` and ``dissent``, the share of votes against the winner; ``pivotal``, the share
            of n; ``n_with_confidence`` and the mean ``confidence``; ``n_with_outcome`` and ``accuracy``;
            ``n_with_both``, votes with an outcome and a confidence, ``brier``, 0 to 1, and
            ``overconfidence``, -1 to 1; ``n_lone`` lone dissents, ``n_lone_with_outcome`` and ``lone_right``,
            the share of these that were right. Shares are from 0 to 1, NaN where nothing was observed.
            ``small_n`` marks rows of fewer than 10 decisions. Intervals are NaN where there are fewer than 2
            decisions, those of ``brier`` and ``overconfidence`` also where none or all of the votes were
            right, unless these are all alike: what never happened is in no replicate.
            The rows stand in the order of the names: :meth:`ranking` sorts them by what is known.
        """
        sums, decisions = self.sums, self.behind["n"][:, 0]
        columns: dict[str, Any] = {"n": counted(sums["n"][:, 0]), "decisions": counted(decisions)}
        columns |= {"repeated": counted(sums["repeated"][:, 0]), **sums.clusters()}
        for name, (_, bottom, _) in _FIGURES.items():
            counts = _COUNTS.get(name, {})
            columns |= {column: counted(sums[count][:, 0]) for count, column in counts.items()}
            figure = self._figure(name)
            if bottom == "scored":
                # Replicates cannot show what never happened.
                mixed = sums["scored_right"][:, 0] % np.maximum(sums["scored"][:, 0], 1) > 0
                figure = figure.where(mixed | figure.is_exact)
            columns |= with_ends(**{name: figure})
        return with_columns(sums.keys, **columns, small_n=sums.independent(decisions) < SMALL_N)

    def ranking(self, figure: str = "accuracy", *, min_n: int = SMALL_N) -> pd.DataFrame:
        """Return one row for each group and voter, sorted by what is known of a figure.

        The highest of many figures is that of a voter who has few votes, or was lucky. So the figures are
        drawn towards their mean, the more the fewer votes there are behind them and the less they differ
        beyond chance: empirical Bayes (Efron and Morris 1975) with the variance between voters by moments
        (DerSimonian and Laird 1986). Nothing is drawn where there are fewer than 3 voters.

        Parameters
        ----------
        figure
            One with an interval in :meth:`table`, such as ``"accuracy"`` or ``"brier"``.
        min_n
            Rows of fewer decisions are marked by ``small_n``, and stand below all others.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``voter``; ``rank``, 1 for the highest shrunk figure, and ``rank_low`` and
            ``rank_high``, between which its true rank among the voters of the group lies with 95% (Mogstad,
            Romano, Shaikh and Wilhelm 2024: it counts those from whom the voter is told apart by intervals of
            all its differences that hold together), or all ranks do where the summary is counted with
            ``family="simultaneous"``; ``n`` votes behind the figure; the figure with its 95% interval, and
            what it is shrunk to, as in ``accuracy``, ``accuracy_low``, ``accuracy_high`` and
            ``accuracy_shrunk``; ``small_n``, whether fewer than ``min_n`` decisions, which stands beside it,
            are behind the figure. Voters of
            whom nothing is known have no row; above 1,000 in a group ranks have no interval.

        Raises
        ------
        OptionError
            If there is no such figure, or ``min_n`` is no whole number from 0.
        """
        if not isinstance(figure, str) or figure not in _FIGURES:
            raise OptionError(f"figure is one of {', '.join(_FIGURES)}, not {figure!r:.60}")
        top, bottom, _ = _FIGURES[figure]
        there = self.sums[bottom][:, 0] > 0
        some, behind = self.sums.take(there), self.behind.take(there)
        n = some.independent(behind[bottom][:, 0])
        values, group = divided(some[top], some[bottom]), grouped(some.keys[list(self.by)])[1]
        shrunk_to = shrunk(values[:, 0], n, deviations(values)[1] ** 2, group)
        table = some.keys.assign(
            **with_ends(rank=ranks(values, shrunk_to, n, group, self.intervals.family is not None)),
            n=counted(some[bottom][:, 0]),
            **some.clusters(),
            **with_ends(**{figure: replace(self, sums=some, behind=behind)._figure(figure)}),
            **{f"{figure}_shrunk": shrunk_to},
        )
        return by_what_is_known(table, f"{figure}_shrunk", n, group, min_n)

    def _figure(self, name: str) -> Figure:
        sums, (top, bottom, bounds) = self.sums, _FIGURES[name]
        n = sums.independent(self.behind[bottom][:, 0])
        if bounds is None:
            return self.intervals.shares(sums[top], sums[bottom], n)
        return self.intervals.means(sums[top], sums[bottom], n, bounds)

    def lump(self, most: int = 8, voters: int = 20) -> Self:
        """Make the smallest groups one, as every summary does, and the voters with the fewest votes too.

        Parameters
        ----------
        most
            Groups to have at most, 2 or more.
        voters
            Voters to have at most, 2 or more; the last then is "k others".
        """
        lumped = super().lump(most)
        labels = kept(sizes_of(self.sums, ("voter",)), voters)
        return with_labels(lumped, "voter", labels)


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
