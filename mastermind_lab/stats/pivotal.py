"""Leave one voter out: which decisions would have gone otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .engine.ballots import Ballots, VoteTally
from .engine.bootstrap import REPLICATES, Floats
from .engine.decisions import Decisions
from .engine.estimate import SMALL_N, Estimate
from .engine.identity import VOTER, told_apart_by
from .engine.input import TEXT, By, Data, frame_of, names_of
from .engine.intervals import Intervals, with_ends
from .engine.summary import Voted, counted, kept, over_batches, overall, sizes_of, with_labels
from .engine.sums import GroupedSums
from .engine.units import Units
from .engine.vocabulary import CHOICE
from .engine.voting_rules import COUNTS


@dataclass(frozen=True, eq=False, repr=False)
class Pivotal(Voted):
    """How often one voter makes the difference, by group, voter and rule.

    A vote is pivotal where the rule decides otherwise without it: for another choice, for none (a tie, or too
    few votes for a threshold), or for one where it decided nothing. The single vote of a panel of one always
    is. It is the vote that is left out, as if the voter had stayed away: in a debate the others might then
    have voted otherwise. How often that happens depends on the size of the panels; compare like with like.
    For votes on all possible panels this is the power index of Banzhaf (1965).

    The rules are those of :class:`~mastermind_lab.stats.rules.Rules` that count votes; a tie decides nothing.
    A voter has one vote in a decision: who votes for the same choice twice has voted once, who votes for two
    choices has no vote there; both are counted in ``repeated``.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> summary = lab.stats.Pivotal.of(lab.sample())
    >>> table = summary.by_rule().set_index("rule")
    >>> bool(table.loc["two-thirds", "pivotal"] > table.loc["plurality", "pivotal"])
    True
    """

    panels: GroupedSums
    voters: GroupedSums
    behind: Decisions

    @staticmethod
    def votes(data: Data, *, voter: str = VOTER) -> pd.DataFrame:
        """Return one row a vote that counts: under which rules it is pivotal.

        Parameters
        ----------
        data
            A history or its ``votes`` frame.
        voter
            Column of ``votes`` that tells voters apart, as for :meth:`of`.

        Returns
        -------
        DataFrame
            In the order of the votes: ``stream_id``, ``voter``, ``choice``, then a column a rule: whether it
            would have decided otherwise without this vote.
        """
        ballots = Ballots.of(told_apart_by(data, voter))
        return ballots.votes[["stream_id", "voter", "choice"]].assign(**pivots(ballots, tuple(COUNTS)))

    @staticmethod
    def decisions(data: Data, *, voter: str = VOTER) -> pd.DataFrame:
        """Return one row a decision: how many of its voters are pivotal under each rule.

        Parameters
        ----------
        data
            A history, or its ``votes`` frame (decisions without votes are then unknown).
        voter
            Column of ``votes`` that tells voters apart, as for :meth:`of`.

        Returns
        -------
        DataFrame
            In the order of the decisions: ``stream_id``; ``votes`` that count; then a column a rule: its
            pivotal voters. Where that is 0 no single voter could have flipped the decision by staying away.
        """
        ballots = Ballots.of(told_apart_by(data, voter))
        rows = pd.DataFrame({"votes": np.ones(len(ballots.panel)), **pivots(ballots, tuple(COUNTS))})
        rows = rows.astype("int64").groupby(ballots.panel).sum()
        rows = rows.reindex(range(len(ballots.panels)), fill_value=0)
        rows.index = pd.Index(ballots.panels, dtype=TEXT, name="stream_id")
        if not isinstance(data, pd.DataFrame):
            ids = frame_of(data, "decisions", ("stream_id",))["stream_id"]
            rows = rows.reindex(pd.Index(ids, name="stream_id"), fill_value=0)
        return rows.reset_index()

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
        family: str | None = None,
    ) -> Self:
        """Count a batch of votes.

        Parameters
        ----------
        data
            A history, or its ``votes`` frame (then without ``by``).
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
        family
            ``"simultaneous"``: all 95% intervals of a column of a table hold together, not each by itself.

        Raises
        ------
        OptionError
            If a column is unknown.
        """
        data = told_apart_by(data, voter)
        names = names_of(by, taken=("voter", "rule"))
        ballots = Ballots.of(data)
        keys, units = ballots.keys(data, names), Units.of(data, cluster)
        drawn = units.at(ballots.panels)
        rows: dict[str, NDArray[Any]] = {
            "n": np.ones(len(ballots.panel)),
            **pivots(ballots, tuple(COUNTS)),
        }
        hanging: dict[str, NDArray[Any]] = {
            name: np.bincount(ballots.panel, row, minlength=len(drawn)) > 0 for name, row in rows.items()
        }
        hanging["repeated"] = np.bincount(ballots.repeated["panel"], minlength=len(drawn))
        who = pd.array(ballots.voters[ballots.voter], dtype=TEXT)
        each, own = keys.iloc[ballots.panel].assign(voter=who), units.decisions(ballots.panels)
        return cls(
            names,
            GroupedSums.of(keys, hanging, drawn, replicates),
            GroupedSums.of(each, rows, drawn[ballots.panel], replicates),
            Decisions.behind(each, ballots.panel, {"n": rows["n"]}, own[ballots.panel]),
            voter=voter,
            cluster=units.names,
            intervals=Intervals.of(family),
        )

    @property
    def _compared(self) -> tuple[str, ...]:
        return (CHOICE,)

    @property
    def share(self) -> Estimate:
        """The share of decisions in which a voter is pivotal under plurality, 0 to 1."""
        return overall(self.intervals.shares, self.panels, "plurality", "n")

    def table(self) -> pd.DataFrame:
        """Return one row for each group, voter and rule.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``voter``; ``rule``; ``n`` votes that count; ``decisions`` with such a vote,
            the observations behind the interval (fewer than n where several votes of one are told apart by
            ``voter``, or voters were put together); ``pivotal``, the share of the votes that are, 0 to 1,
            with ``pivotal_low`` and ``pivotal_high`` (95% interval, NaN below 2 decisions); ``small_n``,
            whether there are fewer than 10 decisions.
        """
        decisions = self.behind["n"][:, 0]
        counts = {"n": counted(self.voters["n"][:, 0]), "decisions": counted(decisions)}
        return _long(self.intervals, self.voters, counts, decisions)

    def by_rule(self) -> pd.DataFrame:
        """Return one row for each group and rule: how often a decision hangs on a single voter.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``rule``; ``n`` decisions with votes; ``pivotal``, the share of them in which
            at least one voter is, 0 to 1, with ``pivotal_low`` and ``pivotal_high`` (95% interval, NaN where
            n is below 2); ``small_n``, whether n is below 10.
        """
        n = self.panels["n"][:, 0]
        return _long(self.intervals, self.panels, {"n": counted(n)}, n)

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
        labels = kept(sizes_of(self.voters, ("voter",)), voters)
        return with_labels(lumped, "voter", labels)


def pivots(ballots: Ballots, rules: tuple[str, ...]) -> dict[str, NDArray[np.bool_]]:
    """Say for each rule which ballots are pivotal."""
    weights = {column: ballots.weights(column) for column in {COUNTS[name].weight for name in rules}}
    tallies = {column: VoteTally.of(ballots, some) for column, some in weights.items()}
    without = {column: some.without(ballots, weights[column]) for column, some in tallies.items()}
    found = {}
    for name in rules:
        column, more_than = COUNTS[name]
        winners = tallies[column].winners(more_than)[ballots.panel]
        choice, share = without[column]
        found[name] = winners != np.where(share > more_than, choice, -1)
    return found


def _long(
    made: Intervals, sums: GroupedSums, counts: dict[str, pd.Series], decisions: Floats
) -> pd.DataFrame:
    """Put the rules, which are quantities, one below the other."""
    groups, independent = len(sums.keys), sums.independent(decisions)
    counts = counts | sums.clusters()
    parts = []
    for name in COUNTS:
        pivotal = with_ends(pivotal=made.shares(sums[name], sums["n"], independent))
        rule = pd.array([name] * groups, dtype=TEXT)
        parts.append(sums.keys.assign(rule=rule, **counts, **pivotal, small_n=independent < SMALL_N))
    order = np.arange(len(COUNTS) * groups).reshape(len(COUNTS), groups).T.ravel()
    return pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)
