"""What the panels voted for: the share of each choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from .engine.ballots import Ballots
from .engine.bootstrap import REPLICATES
from .engine.decisions import Decisions
from .engine.estimate import SMALL_N
from .engine.identity import VOTER, told_apart_by
from .engine.input import By, Data, frame_of, names_of, vote_keys_of, weights_of
from .engine.intervals import Intervals, with_ends
from .engine.summary import Voted, counted, kept, over_batches, sizes_of, with_labels
from .engine.sums import GroupedSums, grouped, places, with_columns
from .engine.units import Units
from .engine.vocabulary import CHOICE


@dataclass(frozen=True, eq=False, repr=False)
class Votes(Voted):
    """What the panels vote for: the share of each choice among the votes, unweighted and weighted, by group.

    A share is the votes for a choice by all votes of the group, 0 to 1; the weighted one is the same of the
    votes' ``weight``. A panel is one observation: the intervals draw whole decisions, with all their votes.

    Panels with more voters count for more. Shares mean something where the decisions of a group had the same
    choices: group by what tells the sets of choices apart.

    A voter has one vote in a decision: who votes for the same choice twice has voted once, who votes for two
    choices has no vote there; both are counted in ``repeated``.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.stats.Votes.of(lab.sample(), by="voter").table().columns[0]
    'voter'
    """

    panels: Decisions
    choices: GroupedSums
    again: GroupedSums

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
            A history or its ``votes`` frame.
        by
            Column or columns to group by, of ``votes`` or, when a history is given, of ``decisions``. Where
            both have the name it is that of ``votes``.
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
            If a column is unknown, or a weight negative or infinite.
        """
        data = told_apart_by(data, voter)
        names = names_of(by, taken=("choice",))
        ballots, frame = Ballots.of(data), frame_of(data, "votes", ())
        keys = vote_keys_of(data, frame, names).reset_index(drop=True)
        mine = keys.iloc[ballots.rows].reset_index(drop=True)
        counts, again = (np.zeros(len(keys), dtype=np.bool_) for _ in range(2))
        counts[ballots.rows], again[ballots.repeated["row"]] = True, True
        votes = {"votes": ballots.weights(None), "weight": weights_of(ballots.votes)}
        units, ids = Units.of(data, cluster), frame["stream_id"]
        own, decision = units.decisions(ids), pd.factorize(ids)[0]
        drawn = units.at(ballots.panels)[ballots.panel]
        return cls(
            names,
            Decisions.behind(keys, decision, {"decisions": counts}, own),
            GroupedSums.of(mine.assign(choice=ballots.votes["choice"]), votes, drawn, replicates),
            GroupedSums.of(keys, {"repeated": again}),
            voter=voter,
            cluster=units.names,
            intervals=Intervals.of(family),
        )

    @property
    def _compared(self) -> tuple[str, ...]:
        return (CHOICE,)

    @property
    def n(self) -> int:
        """How many votes were counted."""
        return int(self.choices["votes"][:, 0].sum())

    def _counts(self) -> str:
        return "votes"

    def table(self) -> pd.DataFrame:
        """Return one row for each group and choice, the most voted first within each group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``choice``; ``n`` votes for it; ``decisions`` of the group, the observations
            behind the intervals; ``share`` of the group's votes, 0 to 1, and ``weighted_share`` of the
            group's total weight, each with its 95% interval, as in ``share_low`` and ``share_high``.
            ``small_n`` marks rows of fewer than 10 decisions. Intervals are NaN where there are fewer than 2
            decisions.
        """
        _, group = grouped(self.choices.keys[list(self.by)])
        # Who contradicted itself everywhere has a group there, and no choice.
        decisions = self.panels["decisions"][places(self.choices.keys, self.panels.keys), 0]
        cast = self.choices.marginalize(self.by)
        independent = np.minimum(decisions, cast.independent(cast["votes"][:, 0])[group])
        figures = with_ends(
            share=self.intervals.shares(self.choices["votes"], cast["votes"][group], independent),
            weighted_share=self.intervals.shares(self.choices["weight"], cast["weight"][group], independent),
        )
        n = self.choices["votes"][:, 0]
        table = with_columns(
            self.choices.keys,
            n=counted(n),
            decisions=counted(decisions),
            **{name: values.iloc[group].array for name, values in cast.clusters().items()},
            **figures,
            small_n=independent < SMALL_N,
        )
        return table.iloc[np.lexsort((-n, group))].reset_index(drop=True)

    def lump(self, most: int = 8, choices: int = 12) -> Self:
        """Make the smallest groups one, as every summary does, and the rarest choices too, which come last.

        Parameters
        ----------
        most
            Groups to have at most, 2 or more.
        choices
            Choices to have at most, 2 or more; the last then is "k others".
        """
        lumped = super().lump(most)
        sizes = sizes_of(self.choices, ("choice",)).sort_values(ascending=False, kind="stable")
        labels = kept(sizes, choices)
        return with_labels(lumped, "choice", labels)
