"""One vote a voter and decision: what everything about votes is counted from.

A voter has one vote in a decision. Who votes for the same choice twice has voted once; who votes for two
choices has contradicted itself, and has no vote in that decision. Both are counted as repeated, never
hidden. Votes without a voter or a choice are none.

Where votes have a round (``vote.round``), a voter's last one counts, and those before it are no repetition:
who has no choice in it has taken its vote back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import OptionError
from .bootstrap import Floats
from .identity import as_cast, is_told_apart, persons_of
from .input import Data, frame_of, keys_of, shares_of, weights_of
from .sums import Codes

Names = NDArray[Any]

ROUND = "vote.round"

_DIGITS = 12  # shares that agree in so many are equal: sums of weights carry rounding


@dataclass(frozen=True, eq=False)
class Ballots:
    """The votes that count, each as the numbers of its decision, voter and choice.

    Attributes
    ----------
    votes
        The rows of the votes frame that count, in their order.
    panel, voter, choice
        Shape (ballots,): places in the next three.
    panels, voters, choices
        Different ``stream_id``, in their order; voters and choices, sorted.
    rows
        Shape (ballots,): where each stood among the votes that were read.
    repeated
        One row for each decision and voter with more than one vote: ``panel``, ``voter``, and ``row``, where
        the first of these votes stood.
    """

    votes: pd.DataFrame
    rows: Codes
    panel: Codes
    voter: Codes
    choice: Codes
    panels: Names
    voters: Names
    choices: Names
    repeated: pd.DataFrame

    @classmethod
    def of(cls, data: Data) -> Ballots:
        """Read a history or its ``votes`` frame.

        Raises
        ------
        OptionError
            If a column is missing.
        """
        needed = ["stream_id", "voter", "choice"]
        votes = frame_of(data, "votes", needed)
        whole = votes[needed].notna().all(axis=1).to_numpy() & in_last_round(votes)
        rows = np.flatnonzero(whole)
        votes = (votes if whole.all() else votes[whole]).reset_index(drop=True)
        panel, panels = _numbered(votes["stream_id"], sort=False)
        voter, voters = _numbered(votes["voter"], sort=True)
        choice, choices = _numbered(votes["choice"], sort=True)
        person = persons_of(votes) if is_told_apart(votes) else voter
        counts, first = _counting(panel * (person.max(initial=0) + 1) + person, choice)
        votes = as_cast(votes)
        return cls(
            votes if counts.all() else votes[counts].reset_index(drop=True),
            rows[counts],
            panel[counts],
            voter[counts],
            choice[counts],
            panels,
            voters,
            choices,
            pd.DataFrame({"panel": panel[first], "voter": voter[first], "row": rows[first]}),
        )

    def counts(self) -> tuple[Codes, Codes, Codes]:
        """Count the votes of each panel for each of its choices: panel, choice, count."""
        choices = max(len(self.choices), 1)
        keys, count = np.unique(self.panel * choices + self.choice, return_counts=True)
        return keys // choices, keys % choices, count

    def heard(self) -> tuple[Codes, NDArray[np.bool_], NDArray[np.bool_]]:
        """Say which rows were looked at, which of these count, and which stand for several of a voter."""
        again = self.repeated["row"].to_numpy(dtype=np.intp)
        rows = np.union1d(self.rows, again)
        return rows, np.isin(rows, self.rows), np.isin(rows, again)

    @property
    def ids(self) -> pd.Series:
        """The ``stream_id`` of each ballot."""
        return self.votes["stream_id"]

    def weights(self, column: str | None) -> Floats:
        """Weigh each ballot by a column, ``confidence`` or ``weight``; by none of them each weighs 1.

        A ballot without a confidence weighs nothing where confidence is what counts. What weights add up to
        may be more than a float holds, so that each panel's are counted in a unit of its own.
        """
        if column is None:
            return np.ones(len(self.votes))
        if column == "weight":
            return self._in_units(weights_of(self.votes))
        if column not in self.votes.columns:
            return np.zeros(len(self.votes))
        return np.nan_to_num(shares_of(self.votes, column))

    def _in_units(self, weights: Floats) -> Floats:
        largest = np.zeros(len(self.panels))
        np.maximum.at(largest, self.panel, weights)
        # By a power of two: nothing is rounded.
        scaled: Floats = np.ldexp(weights, -np.frexp(largest)[1][self.panel])
        return scaled

    def keys(self, data: Data, by: tuple[str, ...]) -> pd.DataFrame:
        """Return the columns of ``decisions`` to group by, one row a panel.

        Raises
        ------
        OptionError
            If a column is unknown, or asked of a bare votes frame.
        """
        if not by:
            return pd.DataFrame(index=range(len(self.panels)))
        if isinstance(data, pd.DataFrame):
            raise OptionError("by needs a history here: a votes frame does not know the decisions' columns")
        decisions = frame_of(data, "decisions", ("stream_id",)).drop_duplicates("stream_id")
        found = keys_of(decisions, by).set_index(pd.Index(decisions["stream_id"], dtype=object))
        return found.reindex(self.panels).reset_index(drop=True)


def _numbered(column: pd.Series, sort: bool) -> tuple[Codes, Names]:
    codes, different = pd.factorize(column, sort=sort)
    return codes.astype(np.intp), np.asarray(different, dtype=object)


def in_last_round(votes: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which votes are of their voter's last round in the decision; those without one come first."""
    if ROUND not in votes or votes[ROUND].dtype.kind not in "iuf" or votes[ROUND].isna().all():
        return np.ones(len(votes), bool)
    number = pd.Series(votes[ROUND].to_numpy(dtype=np.float64, na_value=-np.inf))
    panel, person = pd.factorize(votes["stream_id"])[0], persons_of(votes)
    seat = np.where((panel < 0) | (person < 0), -1, panel * (person.max(initial=0) + 1) + person)
    last: NDArray[np.bool_] = (number == number.groupby(seat).transform("max")).to_numpy()
    return last


def _counting(seat: Codes, choice: Codes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which votes count, and which are the first of several of one seat (a voter in a decision)."""
    again = pd.Series(seat).duplicated().to_numpy()
    if not again.any():
        return ~again, again
    different = pd.Series(choice).groupby(seat).transform("nunique").to_numpy()
    return ~again & (different == 1), ~again & np.isin(seat, seat[again])


@dataclass(frozen=True, eq=False)
class VoteTally:
    """How the votes of each panel stand, with some weight on each.

    Attributes
    ----------
    choices
        Shape (panels, 3): the places of the first, second and third choice, -1 where there is none. Equal
        ones stand in the order of their first vote.
    sums
        Shape (panels, 3): their weights.
    totals
        Shape (panels,): the weight of all votes.
    """

    choices: Codes
    sums: Floats
    totals: Floats

    @classmethod
    def of(cls, ballots: Ballots, weights: Floats) -> VoteTally:
        """Add the ballots up by panel and choice."""
        panels, choices = len(ballots.panels), max(len(ballots.choices), 1)
        keys, first, inverse = np.unique(
            ballots.panel * choices + ballots.choice, return_index=True, return_inverse=True
        )
        panel, sums = keys // choices, _sums(inverse, weights, len(keys))
        totals = _sums(ballots.panel, weights, panels)
        ranked = np.lexsort((first, -_shares(sums, totals[panel]), panel))
        starts = np.searchsorted(panel, np.arange(panels + 1))
        place = starts[:-1, None] + np.arange(3)
        there = place < starts[1:, None]
        # One place past the end stands for "no such choice".
        some = np.append(ranked, len(keys))[np.where(there, place, len(keys))]
        return cls(np.append(keys % choices, -1)[some], np.append(sums, 0.0)[some], totals)

    def winners(self, more_than: float, first: bool = False) -> Codes:
        """Say which choice has the largest share, and more than so much.

        Parameters
        ----------
        more_than
            0 to 1.
        first
            Whether the first of equal choices wins; otherwise none does.

        Returns
        -------
        array of int, shape (panels,)
            Places of choices, -1 where none wins.
        """
        top, second = (_shares(self.sums[:, place], self.totals) for place in (0, 1))
        won = (top > more_than) & ((top > second) | first)
        return np.where(won, self.choices[:, 0], -1)

    def tied(self) -> NDArray[np.bool_]:
        """Say in which panels two or more choices lead."""
        top, second = (_shares(self.sums[:, place], self.totals) for place in (0, 1))
        tied: NDArray[np.bool_] = (top == second) & (top > 0)
        return tied

    def without(self, ballots: Ballots, weights: Floats) -> tuple[Codes, Floats]:
        """Say which choice would lead without each ballot, and with what share.

        Of a panel without one ballot only the ballot's own choice is smaller, so that the first three decide.

        Returns
        -------
        choice, share
            Each of shape (ballots,): places of choices, -1 where none leads; 0 to 1.
        """
        choices, sums = self.choices[ballots.panel], self.sums[ballots.panel]
        total = self.totals[ballots.panel] - weights
        mine = choices == ballots.choice[:, None]
        own = _own(ballots, weights) - weights
        best = np.where(mine[:, 0], sums[:, 1], sums[:, 0])
        rest = np.where(mine[:, :2].any(axis=1), sums[:, 2], sums[:, 1])
        own, best, rest = (_shares(values, total) for values in (own, best, rest))
        other = np.where(mine[:, 0], choices[:, 1], choices[:, 0])
        leader = np.where(own > best, ballots.choice, np.where(best > np.maximum(own, rest), other, -1))
        return leader, np.maximum(own, best)


def _own(ballots: Ballots, weights: Floats) -> Floats:
    """Return the sum of each ballot's choice in its panel."""
    inverse, keys = pd.factorize(ballots.panel * max(len(ballots.choices), 1) + ballots.choice)
    return _sums(inverse.astype(np.intp), weights, len(keys))[inverse]


def _sums(places: Codes, weights: Floats, many: int) -> Floats:
    return np.bincount(places, weights, minlength=many).astype(np.float64)


def _shares(sums: Floats, totals: Floats) -> Floats:
    shares = np.divide(sums, totals, out=np.zeros(len(sums)), where=totals > 0)
    rounded: Floats = shares.round(_DIGITS)
    return rounded
