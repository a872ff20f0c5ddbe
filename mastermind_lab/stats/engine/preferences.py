"""Ballots that are more than a choice: which of them count, and for which candidates.

Who may have one is as for votes (:mod:`.ballots`): a voter has one in a decision, that of the last round, and
none where it has two that differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .ballots import ROUND, Ballots, Names
from .bootstrap import Floats
from .identity import persons_of
from .sums import Codes


@dataclass(frozen=True, eq=False)
class Entries:
    """What votes say of choices, before it is known which votes count.

    Attributes
    ----------
    ballot
        Shape (votes,): equal where votes say the same, NaN where there is no such ballot.
    row, choice, value
        Shape (entries,): a vote, ascending, a place in the next, and what it says.
    choices
        Different names.
    """

    ballot: Floats
    row: Codes
    choice: Codes
    value: Floats
    choices: Names


@dataclass(frozen=True, eq=False)
class Preferences:
    """What ballots of one kind say: a row for each choice that a ballot names, ballots of a panel together.

    A candidate is a choice that some ballot of a panel names.

    Attributes
    ----------
    panels
        Different ``stream_id`` of which there are ballots.
    rows
        Shape (ballots,): where each ballot stood among the votes.
    panel
        Shape (ballots,): places of panels, ascending.
    ballot, candidate, value
        Shape (rows,): a place among ballots, ascending; a place in the next two; how many rank above it, the
        score or the probability.
    of_panel, choice
        Shape (candidates,): a panel, ascending, and the name. Those of a panel stand in the order in which
        they are named first.
    """

    panels: Names
    rows: Codes
    panel: Codes
    ballot: Codes
    candidate: Codes
    value: Floats
    of_panel: Codes
    choice: Names

    @classmethod
    def of(cls, votes: pd.DataFrame, entries: Entries, seats: Seats) -> Preferences:
        """Keep the ballots that count."""
        needed = [name for name in votes if not str(name).startswith("vote.") or name == ROUND]
        said = np.where(seats.contradicted, np.nan, entries.ballot)
        ballots = Ballots.of(votes[needed].assign(choice=said))
        order = np.argsort(ballots.panel, kind="stable")
        rows = ballots.rows[order]
        # A panel of which nobody's ballots count, as where all contradict themselves, has no place.
        there, panel = np.unique(ballots.panel[order], return_inverse=True)
        counts = np.bincount(entries.row, minlength=len(votes))
        picked = ranges((np.cumsum(counts) - counts)[rows], counts[rows])
        ballot = np.repeat(np.arange(len(rows)), counts[rows])
        many = max(len(entries.choices), 1)
        keys, first, which = np.unique(
            panel[ballot] * many + entries.choice[picked], return_index=True, return_inverse=True
        )
        named = np.lexsort((first, keys // many))
        place = np.empty(len(keys), np.intp)
        place[named] = np.arange(len(keys))
        return cls(
            ballots.panels[there],
            rows,
            panel,
            ballot,
            place[which],
            entries.value[picked],
            (keys // many)[named],
            entries.choices[(keys % many)[named]],
        )

    @property
    def sizes(self) -> Codes:
        """How many candidates each panel has."""
        return np.bincount(self.of_panel, minlength=len(self.panels))

    @property
    def counts(self) -> Codes:
        """How many ballots each panel has."""
        return np.bincount(self.panel, minlength=len(self.panels))

    def total(self, values: Floats) -> Floats:
        """Add values of rows up by candidate."""
        return np.bincount(self.candidate, values, minlength=len(self.choice)).astype(np.float64)

    def best(self, values: Floats) -> NDArray[np.bool_]:
        """Say which candidates have the highest value of their panel."""
        if not len(values):
            return np.zeros(0, bool)
        highest = np.maximum.reduceat(values, np.flatnonzero(np.diff(self.of_panel, prepend=-1)))
        best: NDArray[np.bool_] = values == highest[self.of_panel]
        return best


@dataclass(frozen=True, eq=False)
class Seats:
    """Who voted where: equal numbers for the votes of one voter in one decision.

    Attributes
    ----------
    number
        Shape (votes,).
    contradicted
        Shape (votes,): whether the voter has no vote there, having voted for two choices.
    """

    number: Codes
    contradicted: NDArray[np.bool_]

    @classmethod
    def of(cls, votes: pd.DataFrame, ballots: Ballots) -> Seats:
        """Number the seats of votes, of which ballots were made."""
        panel, person = pd.factorize(votes["stream_id"])[0].astype(np.intp), persons_of(votes)
        number = panel * (person.max(initial=0) + 1) + person
        several = np.setdiff1d(number[ballots.repeated["row"]], number[ballots.rows])
        return cls(number, np.isin(number, several))

    def without(self, ballots: Ballots, preferences: Preferences) -> Codes:
        """Count by panel of ``ballots`` those who voted and have no ballot that says more."""
        out = ~np.isin(self.number[ballots.rows], self.number[preferences.rows])
        return np.bincount(ballots.panel[out], minlength=len(ballots.panels))


def ranges(starts: Codes, counts: Codes) -> Codes:
    """Put ranges of whole numbers, each from its start on, one behind the other."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


_CELLS = 1 << 19  # of one matrix of ballots and candidates


def matrices(preferences: Preferences) -> Iterator[tuple[Codes, NDArray[np.int64], Codes]]:
    """Lay rankings out as matrices, of panels with as many candidates each.

    Yields
    ------
    candidates
        Shape (panels, candidates): places of candidates.
    ranks
        Shape (ballots, candidates): how many rank above each; unranked ones come after all.
    counts
        Shape (panels,): how many of the ballots are of each.
    """
    sizes, counts = preferences.sizes, preferences.counts
    first_candidate, first_ballot = (np.cumsum(many) - many for many in (sizes, counts))
    named = np.bincount(preferences.ballot, minlength=len(preferences.panel))
    first_row = np.cumsum(named) - named
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        block = np.cumsum(counts[alike] * size) // _CELLS
        for panels in np.split(alike, np.flatnonzero(np.diff(block)) + 1):
            ballots = ranges(first_ballot[panels], counts[panels])
            rows = ranges(first_row[ballots], named[ballots])
            ranks = np.full((len(ballots), size), size, np.int64)
            candidate = preferences.candidate[rows]
            of_ballot = np.repeat(np.arange(len(ballots)), named[ballots])
            ranks[of_ballot, candidate - first_candidate[preferences.of_panel[candidate]]] = (
                preferences.value[rows].astype(np.int64)
            )
            yield first_candidate[panels][:, None] + np.arange(size), ranks, counts[panels]
