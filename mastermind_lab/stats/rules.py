"""What another voting rule would have decided, and whether that would have been better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from ..errors import OptionError
from .engine.ballots import Ballots
from .engine.best_voter import HALF, as_rule, chosen, in_other_half, widening
from .engine.bootstrap import REPLICATES, Floats
from .engine.estimate import SMALL_N, Estimate
from .engine.identity import VOTER, told_apart_by
from .engine.input import TEXT, By, Data, History, frame_of, keys_of, names_of
from .engine.intervals import CHANGE, SHARE, Figure, Intervals, divided, with_ends
from .engine.judged_rules import by_rule, by_voter, decisions_of
from .engine.summary import Voted, counted, over_batches, overall
from .engine.sums import Codes, GroupedSums, grouped
from .engine.units import Units
from .engine.vocabulary import COMPARED
from .engine.voting_rules import ACTUAL, BEST, Rule, names_of_rules


@dataclass(frozen=True, eq=False, repr=False)
class Rules(Voted):
    """What voting rules would have made of the votes, beside the actual recommendation, by group.

    plurality
        The choice with the most votes.
    majority, two-thirds
        The choice with more than a half, or at least two thirds, of the votes.
    unanimity
        The choice of all voters.
    confidence-weighted, weight-weighted
        The choice with the largest sum of ``confidence`` or ``weight``; a vote without confidence weighs
        nothing there.
    best voter
        What the voter with the best record says, where that voter voted: the one whose accuracy has the
        highest lower end (Wilson 1927), so that a few lucky votes are no record. It is chosen by the outcomes
        of one half of the decisions and judged by those of the other half, and the other way round; the row
        adds up both. So it says what a voter who is chosen by half as many outcomes is worth on new
        decisions, and not how lucky the luckiest one was. The halves are made by a hash of each decision's
        own key, or of its cluster's; :meth:`best_voters` says who was chosen in each. Several votes of one
        voter in a decision, as of a model in several seats, are one there: their mean. As two halves that
        choose for each other are not independent, intervals are wider by up to a sixth, which is more than
        need be where one voter is clearly the best.
    borda
        Of ballots that rank: the choice with the most points (Borda 1784), one for each choice ranked below
        it and a half for each of equal rank; choices that a ballot leaves out share its last places
        (averaged points: Terzopoulou and Endriss 2021).
    instant runoff
        Who is first on the fewest ballots drops out, until one has more than half of the ballots that still
        rank somebody (Ware 1871). Equal firsts share a ballot. Where several are last, each order of dropping
        out is followed, and all who win in one have tied (Conitzer, Rognlie and Xia 2009); beyond 512 of them
        the decision stays open.
    condorcet
        Who beats each other choice: more ballots rank it above the other than below (Condorcet 1785). A
        choice that is left out is below all that are ranked. Nothing where nobody beats all.
    mean score
        The choice with the highest mean score, among those who scored it.
    soft
        The choice with the highest mean probability (Stone 1961). The probabilities of a ballot are divided
        by their sum, those it leaves out are 0.
    recommendation
        What was actually decided; the others are compared with it.

    Rules that count rankings, scores and probabilities have rows only where votes say such
    (``vote.ranking``, ``vote.score``, ``vote.probabilities.<choice>``), and are judged in the decisions that
    have one. Who voted there without is left out, and counted in ``without_ballot``; so is a ranking that is
    empty or names a choice twice, a score that is no finite number, a probability outside of 0 to 1. Choices
    that stand are those that somebody ranks or scores. Each ballot counts alike, whatever its weight.

    A rule that leaves hard decisions open looks good in those that it decides. So there are two comparisons:
    ``difference`` in the decisions that the rule decides, and ``difference_of_all`` in the same decisions for
    all rules, where what a rule leaves open counts as wrong; ``open`` is how much that is. With
    ``fallback="recommendation"`` it counts as it was recommended instead, and the two are alike.

    Votes are taken as they were cast: under another rule the voters might have voted otherwise. Where several
    rules are compared, the best of them is so in part by chance.

    A voter has one vote in a decision: who votes for the same choice twice has voted once, who votes for two
    choices has no vote there; both are counted in ``repeated``.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> table = lab.stats.Rules.of(lab.sample()).table().set_index("rule")
    >>> bool(table.loc["two-thirds", "open"] > table.loc["majority", "open"])
    True
    >>> first = {"first voter": lambda votes: votes.groupby("stream_id")["choice"].first()}
    >>> lab.stats.Rules.of(lab.sample(), rules=first).table()["rule"].tolist()[-1]
    'first voter'
    """

    names: tuple[str, ...]
    tie: str
    fallback: str
    sums: GroupedSums
    voters: GroupedSums

    @staticmethod
    def decisions(
        data: Data,
        *,
        rules: Mapping[str, Rule] | None = None,
        tie: str = "none",
        fallback: str = "none",
        voter: str = VOTER,
    ) -> pd.DataFrame:
        """Return one row a decision: what each rule would have decided.

        Parameters
        ----------
        data
            A history.
        rules, tie, fallback, voter
            As for :meth:`of`.

        Returns
        -------
        DataFrame
            In the order of the decisions: ``stream_id``; ``votes`` that count; ``recommendation``; then a
            column a rule with its choice, missing where it decides nothing. Rules of rankings, scores and
            probabilities have one where there are any.
        """
        names = names_of_rules(rules or {}, tie, fallback)
        data = told_apart_by(data, voter)
        rows = decisions_of(data, Ballots.of(_whole(data)), rules or {}, tie, fallback)
        return rows[["stream_id", "votes", *(name for name in names if name in rows)]]

    @classmethod
    @over_batches
    def of(
        cls,
        data: Data,
        *,
        by: By = None,
        rules: Mapping[str, Rule] | None = None,
        tie: str = "none",
        fallback: str = "none",
        voter: str = VOTER,
        cluster: By = None,
        replicates: int = REPLICATES,
        family: str | None = None,
    ) -> Self:
        """Count a batch of decisions, with outcomes where they were joined (``with_outcomes``).

        Parameters
        ----------
        data
            A history.
        by
            Column or columns of ``decisions`` to group by.
        rules
            Rules of your own beside those above: a name, and a function that takes the votes of a batch (rows
            of the ``votes`` frame, one a voter and decision) and returns a Series of choices by
            ``stream_id`` of these votes, missing where it decides nothing. Numbers and truth values are
            spelled as :func:`mastermind_lab.from_votes` spells choices. A rule is known by its name: use it
            for one only, and none that a column beside it has, such as ``votes``.
        tie
            What rules without a threshold do with a tie: "none" (no decision), "first" (the choice that was
            voted for, or named on a ballot, first), "recommendation" (the actual one stands).
        fallback
            The rule that decides where majority, two-thirds or unanimity is not reached, or no choice beats
            each other one; "none" leaves the decision open, "recommendation" leaves it as it was.
            "borda" makes of condorcet the rule of Black (1958). Where there is no vote, or no ranking, that
            a rule could count, none decides in its place.
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
            If an option makes no sense, a column is unknown, or a rule returns something else.
        """
        data = told_apart_by(data, voter)
        groups, own = names_of(by, taken=("rule", "voter", "half")), rules or {}
        names = names_of_rules(own, tie, fallback)
        ballots = Ballots.of(_whole(data))
        rows = decisions_of(data, ballots, own, tie, fallback)
        keys = keys_of(frame_of(data, "decisions", ()), groups).reset_index(drop=True)
        units = Units.of(data, cluster)
        return cls(
            groups,
            names,
            tie,
            fallback,
            by_rule(rows, keys, names, units, replicates),
            by_voter(rows, keys, ballots, units, replicates),
            voter=voter,
            cluster=units.names,
            intervals=Intervals.of(family),
        )

    @property
    def _compared(self) -> tuple[str, ...]:
        return COMPARED

    @property
    def actual(self) -> Estimate:
        """The accuracy of the actual recommendations, 0 to 1, where votes and an outcome are known."""
        rows = (self.sums.keys["rule"] == ACTUAL).to_numpy()
        return overall(self.intervals.shares, self.sums.take(rows), "right", "known")

    @property
    def n(self) -> int:
        """How many decisions with votes were counted."""
        return int(self.sums["n"][(self.sums.keys["rule"] == ACTUAL).to_numpy(), 0].sum())

    @property
    def without_votes(self) -> int:
        """Decisions left out because nobody voted."""
        return int(self.sums["voteless"][:, 0].sum())

    def table(self) -> pd.DataFrame:
        """Return one row for each group and rule.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``rule``; ``voter``, who the best one is, missing where the halves chose two;
            ``n`` decisions with votes, for the best voter those it voted in, for rules of rankings, scores or
            probabilities those with one; ``n_decided``, those of them in which the rule decides; ``open``,
            the share of n in which it does not, 0 to 1; ``without_ballot``, how many voted in the n without a
            ballot that the rule could count. Among those decided: ``n_compared``, those with a
            recommendation; ``changed``, the share of them in which it decides otherwise, 0 to 1; ``n_known``,
            those with an outcome; ``accuracy``, the share of them that is right; ``n_judged``, those with
            both; ``difference``, accuracy there minus that of the recommendation, -1 to 1. Then
            ``n_with_outcome``, those of all n with an outcome in which the rule has something to decide from
            (a recommendation for that rule, a vote's confidence for the one that weighs by it);
            ``accuracy_of_all``, the share of them that is right, where a decision that the rule leaves open
            counts as wrong; ``difference_of_all``, that minus the accuracy of the recommendation, in those
            that have one, -1 to 1. Each figure has its 95% interval, as in ``changed_low`` and
            ``changed_high``, NaN where there are fewer than 2 observations. ``small_n`` marks rows with fewer
            than 10 ``n_decided``. The best voter has a row where one was chosen by 2 outcomes or more in one
            half and voted in the other. Without recommendations there is nothing to compare with: rules are
            judged by the outcomes alone.
        """
        _, judged = self._best()
        keys = self.voters.keys.iloc[judged].assign(rule=pd.array([BEST] * len(judged), dtype=TEXT))
        sums = self.sums + as_rule(self.voters, judged, keys[[*self.by, "rule"]], self.sums)
        is_best = (sums.keys["rule"] == BEST).to_numpy()
        wider = np.ones(len(is_best))
        wider[is_best] = widening(self.voters, self.by, self._lower_ends(), judged)
        table = _figures(self.intervals, sums, wider)
        names, group = keys["voter"].astype(object), grouped(keys[list(self.by)])[1]
        alike = names.groupby(group).first().where(names.groupby(group).nunique() == 1)
        voter = pd.Series(pd.NA, index=table.index, dtype=TEXT)
        voter[is_best] = alike.astype(TEXT).array
        table.insert(len(self.by) + 1, "voter", voter)
        for name in ("changed", "difference", "difference_of_all"):
            by_definition = (table["rule"] == ACTUAL) & table[name].notna()
            ends = [f"{name}_low", f"{name}_high"]
            table[ends] = table[ends].mask(by_definition, 0.0)
            table[f"{name}_method"] = table[f"{name}_method"].mask(by_definition, "definition")
        place = {name: number for number, name in enumerate((*self.names, BEST))}
        group = grouped(table[list(self.by)])[1]
        return table.iloc[np.lexsort((table["rule"].map(place), group))].reset_index(drop=True)

    def best_voters(self) -> pd.DataFrame:
        """Return one row for each group and half of its decisions: who is best there, and how good elsewhere.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``half``, 1 or 2; ``voter``, who is chosen by the outcomes of this half;
            ``n_chosen``, the decisions there with its vote and an outcome, and ``accuracy_chosen``, the share
            of them in which it was right, which flatters who was chosen by it; ``n``, such decisions in the
            other half, and ``accuracy``, the share of them in which it was right, 0 to 1, with its 95%
            interval; ``small_n``, whether n is below 10. A half in which nobody has 2 outcomes, or whose best
            voter has no vote in the other, has no row.
        """
        best, judged = self._best()
        record, votes = self.voters.take(best), self.voters.take(judged)
        known, n = (some["known"][:, 0] for some in (record, votes))
        return record.keys[list(self.by)].assign(
            half=record.keys[HALF] + 1,
            voter=record.keys["voter"],
            n_chosen=counted(known),
            accuracy_chosen=record["right"][:, 0] / known,
            n=counted(n),
            **votes.clusters(),
            **with_ends(accuracy=_shares(self.intervals, votes, "right", "known")),
            small_n=votes.independent(n) < SMALL_N,
        )

    def _best(self) -> tuple[Codes, Codes]:
        """Choose the best voter of each group in either half; return the rows of both halves' votes."""
        rows = chosen(self.voters, self.by, self._lower_ends())
        judged = in_other_half(self.voters, rows)
        return rows[judged >= 0], judged[judged >= 0]

    def _lower_ends(self) -> Floats:
        """Return what is known of each voter's accuracy in each half."""
        return Intervals().binomial(self.voters["right"][:, 0], self.voters["known"][:, 0]).low


def _whole(data: Data) -> History:
    if isinstance(data, pd.DataFrame):
        raise OptionError(
            "rules need a history, its decisions and votes: votes alone do not say what was recommended"
        )
    return data


def _figures(made: Intervals, sums: GroupedSums, wider: Floats) -> pd.DataFrame:
    """Work out the columns; intervals of how good a rule is are so much wider."""
    n, decided, known, outcomes = (sums[name][:, 0] for name in ("n", "decided", "known", "outcomes"))
    accuracy, of_all = (
        _shares(made, sums, "right", name).widened(wider, SHARE) for name in ("known", "outcomes")
    )
    difference, difference_of_all = (
        _differences(made, sums, where).widened(wider, CHANGE) for where in ("", "_of_all")
    )
    return sums.keys.assign(
        n=counted(n),
        **sums.clusters(),
        n_decided=counted(decided),
        open=divided(n - decided, n),
        without_ballot=counted(sums["without_ballot"][:, 0]),
        n_compared=counted(sums["compared"][:, 0]),
        **with_ends(changed=_shares(made, sums, "changed", "compared")),
        n_known=counted(known),
        **with_ends(accuracy=accuracy),
        n_judged=counted(sums["judged"][:, 0]),
        **with_ends(difference=difference),
        n_with_outcome=counted(outcomes),
        **with_ends(accuracy_of_all=of_all, difference_of_all=difference_of_all),
        small_n=sums.independent(decided) < SMALL_N,
    )


def _shares(made: Intervals, sums: GroupedSums, top: str, bottom: str) -> Figure:
    return made.shares(sums[top], sums[bottom], sums.independent(sums[bottom][:, 0]))


def _differences(made: Intervals, sums: GroupedSums, where: str = "") -> Figure:
    """Divide gains by n."""
    gain, judged = (sums[name + where] for name in ("gain", "judged"))
    return made.means(gain, judged, sums.independent(judged[:, 0]), CHANGE)
