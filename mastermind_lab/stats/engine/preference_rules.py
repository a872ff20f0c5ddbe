"""Voting rules for rankings, scores and probabilities: who would win, or who would tie."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .ballot_columns import probabilities_of, rankings_of, scores_of
from .ballots import Ballots, Names
from .bootstrap import Floats
from .preferences import Entries, Preferences, Seats, matrices, ranges
from .sums import Codes

Flags = NDArray[np.bool_]

_DIGITS, _ROUNDING = 12, 1e-9  # sums that agree in so many digits are equal: they carry rounding
_MOST_ORDERS = 512


class PreferenceRule(NamedTuple):
    """What ballots a rule counts, and which candidates win with it: several have tied."""

    ballots: str
    winners: Callable[[Preferences], Flags]


def borda(preferences: Preferences) -> Flags:
    """Count for each candidate those ranked below it less those above it; unranked ones share the end."""
    size = preferences.sizes[preferences.of_panel[preferences.candidate]]
    named = np.bincount(preferences.ballot, minlength=len(preferences.panel))[preferences.ballot]
    rank = preferences.value.astype(np.int64)
    # How many share a rank; then all but what an unranked candidate gets, which is the same for each.
    _, which, alike = np.unique(
        preferences.ballot * (size.max(initial=0) + 1) + rank, return_inverse=True, return_counts=True
    )
    points = size + named - 2 * rank - alike[which]
    return preferences.best(preferences.total(points.astype(np.float64)))


def condorcet(preferences: Preferences) -> Flags:
    """Find who beats each other candidate: more rank it above the other than below."""
    won = np.zeros(len(preferences.choice), bool)
    for candidates, ranks, counts in matrices(preferences):
        starts, panel = np.cumsum(counts) - counts, np.repeat(np.arange(len(counts)), counts)
        ballots = np.arange(len(ranks))
        # Who beats all others beats whoever leads when its turn comes, and leads then to the end.
        leader = np.zeros(len(counts), np.intp)
        for rival in range(1, ranks.shape[1]):
            lead = np.sign(ranks[:, rival] - ranks[ballots, leader[panel]])
            leader = np.where(np.add.reduceat(lead, starts) < 0, rival, leader)
        ahead = np.add.reduceat(np.sign(ranks - ranks[ballots, leader[panel]][:, None]), starts)
        ahead[np.arange(len(counts)), leader] = 1
        beats = (ahead > 0).all(axis=1)
        won[candidates[np.flatnonzero(beats), leader[beats]]] = True
    return won


def instant_runoff(preferences: Preferences) -> Flags:
    """Find who is left when, again and again, who is first on the fewest ballots drops out.

    Where several are last, whoever wins in some order of dropping out has tied.
    """
    won = np.zeros(len(preferences.choice), bool)
    for candidates, ranks, counts in matrices(preferences):
        won[candidates[_survivors(ranks, counts)]] = True
    return won


def _survivors(ranks: NDArray[np.int64], counts: Codes) -> Flags:
    starts = np.cumsum(counts) - counts
    survivors = np.zeros((len(counts), ranks.shape[1]), bool)
    too_many = np.zeros(len(counts), bool)
    panel, left = np.arange(len(counts)), np.ones(survivors.shape, bool)
    while len(panel):
        firsts = _firsts(ranks, left, starts[panel], counts[panel])
        won = (2 * firsts.max(axis=1) > firsts.sum(axis=1) + _ROUNDING) | (left.sum(axis=1) == 1)
        survivors[panel[won], firsts[won].argmax(axis=1)] = True
        panel, left = _without_last(panel[~won], left[~won], firsts[~won])
        too_many |= np.bincount(panel, minlength=len(counts)) > _MOST_ORDERS
        open_still = ~too_many[panel]
        panel, left = panel[open_still], left[open_still]
    survivors[too_many] = False
    return survivors


def _firsts(ranks: NDArray[np.int64], left: Flags, starts: Codes, counts: Codes) -> Floats:
    """Count on how many ballots each is first of those left; equal ones share a ballot."""
    seen = np.where(np.repeat(left, counts, axis=0), ranks[ranges(starts, counts)], ranks.shape[1])
    best = seen.min(axis=1, keepdims=True)
    first = (seen == best) & (best < ranks.shape[1])
    shares = first / np.maximum(first.sum(axis=1, keepdims=True), 1)
    found: Floats = np.add.reduceat(shares, np.cumsum(counts) - counts).round(_DIGITS)
    return found


def _without_last(panel: Codes, left: Flags, firsts: Floats) -> tuple[Codes, Flags]:
    """Drop who is last: all at once where they could not overtake the next, else each in turn."""
    counted = np.where(left, firsts, np.inf)
    fewest = counted.min(axis=1, keepdims=True, initial=np.inf)
    last = left & (counted == fewest)
    following = np.where(last, np.inf, counted).min(axis=1, initial=np.inf)
    many = last.sum(axis=1)
    at_once = (many == 1) | (fewest[:, 0] * many < following - _ROUNDING)
    at_once &= np.isfinite(following)
    row, one = np.nonzero(last & ~at_once[:, None])
    turns = left[row]
    turns[np.arange(len(row)), one] = False
    panel = np.concatenate([panel[at_once], panel[row]])
    left = np.concatenate([(left & ~last)[at_once], turns])
    if not len(row):
        return panel, left
    packed = np.column_stack([panel, np.packbits(left, axis=1)])
    once = np.unique(packed, axis=0, return_index=True)[1]
    return panel[once], left[once]


def mean_score(preferences: Preferences) -> Flags:
    """Find the highest mean score, each among those who scored the choice."""
    largest = np.zeros(len(preferences.panels))
    panel = preferences.of_panel[preferences.candidate]
    np.maximum.at(largest, panel, np.abs(preferences.value))
    # In units of the panel's largest, by a power of two: sums stay finite, and nothing is rounded.
    values = np.ldexp(preferences.value, -np.frexp(largest)[1][panel])
    means = preferences.total(values) / preferences.total(np.ones(len(values)))
    return preferences.best(means.round(_DIGITS))


def soft(preferences: Preferences) -> Flags:
    """Find the highest mean probability, which is 0 where a ballot does not say it."""
    means = preferences.total(preferences.value) / preferences.counts[preferences.of_panel]
    return preferences.best(means.round(_DIGITS))


READ: dict[str, Callable[[pd.DataFrame], Entries | None]] = {
    "ranking": rankings_of,
    "score": scores_of,
    "probabilities": probabilities_of,
}
"""The kinds of ballots, and how each is read from votes."""

PREFERENCE_RULES = {
    "borda": PreferenceRule("ranking", borda),
    "instant runoff": PreferenceRule("ranking", instant_runoff),
    "condorcet": PreferenceRule("ranking", condorcet),
    "mean score": PreferenceRule("score", mean_score),
    "soft": PreferenceRule("probabilities", soft),
}
"""The rules that count ballots which are more than a choice."""


BALLOTS = {kind: f"ballots: {kind}" for kind in READ}
WITHOUT = {kind: f"without: {kind}" for kind in READ}
"""How the columns are called that count them, and those who voted and have none."""


def preferred(votes: pd.DataFrame, ballots: Ballots, actual: pd.Series, tie: str) -> pd.DataFrame:
    """Say what each of these rules would have decided, where there are ballots for it.

    Parameters
    ----------
    actual
        What was recommended, by ``stream_id``.

    Returns
    -------
    DataFrame
        By ``stream_id``: a column a rule, and of each kind of ballots there is how many counted
        (``BALLOTS``), and how many who voted have none (``WITHOUT``).
    """
    columns: dict[str, pd.Series] = {}
    read = {kind: entries for kind, reader in READ.items() if (entries := reader(votes)) is not None}
    if not read:
        return pd.DataFrame(index=pd.Index([], dtype=object))
    seats = Seats.of(votes, ballots)
    for kind, entries in read.items():
        found = Preferences.of(votes, entries, seats)
        if not len(found.panels):
            continue
        ids = pd.Index(found.panels, dtype=object)
        columns[BALLOTS[kind]] = pd.Series(found.counts, ids)
        columns[WITHOUT[kind]] = pd.Series(
            seats.without(ballots, found), pd.Index(ballots.panels, dtype=object)
        )
        said = actual.reindex(ids).to_numpy(dtype=object)
        for name, rule in PREFERENCE_RULES.items():
            if rule.ballots == kind:
                columns[name] = pd.Series(_decided(found, rule.winners(found), said, tie), ids, dtype=object)
    return pd.DataFrame(columns)


def _decided(preferences: Preferences, winners: Flags, actual: Names, tie: str) -> Names:
    """Choose of several winners as ``tie`` says."""
    panel = preferences.of_panel[winners]
    found = np.full(len(preferences.panels), None, dtype=object)
    many = np.bincount(panel, minlength=len(found))
    first = np.unique(panel, return_index=True)[1]
    found[panel[first]] = preferences.choice[winners][first]
    if tie != "first":
        found[many > 1] = actual[many > 1] if tie == "recommendation" else None
    return found
