"""What each rule decided, beside what was recommended and what was right: counted by rule and by voter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .ballots import Ballots, Names
from .best_voter import HALF, QUANTITIES
from .folds import fold_of
from .input import TEXT, Data, frame_of, shares_of
from .preference_rules import BALLOTS, PREFERENCE_RULES, WITHOUT
from .sums import GroupedSums
from .units import Units
from .voting_rules import ACTUAL, COUNTS, SURE, Rule, choices_of


def decisions_of(
    data: Data, ballots: Ballots, rules: Mapping[str, Rule], tie: str, fallback: str
) -> pd.DataFrame:
    """Put beside each decision what the rules say, how many voted, and what was right if that is known."""
    frame = frame_of(data, "decisions", ("stream_id", "recommendation"))
    ids = pd.Index(frame["stream_id"].to_numpy(dtype=object))
    said = pd.Series(frame["recommendation"].to_numpy(dtype=object), ids)
    panels = choices_of(data, ballots, said[~ids.duplicated()], rules, tie, fallback)
    of_each = {
        "votes": ballots.panel,
        "repeated": ballots.repeated["panel"].to_numpy(),
        SURE: ballots.panel[_has_confidence(ballots)],
    }
    for name, panel in of_each.items():
        many = np.bincount(panel, minlength=len(ballots.panels))
        panels[name] = pd.Series(many, pd.Index(ballots.panels, dtype=object))
    rows = panels.reindex(ids).reset_index(names="stream_id")
    counts = (*of_each, *BALLOTS.values(), *WITHOUT.values())
    numbers = [name for name in counts if name in rows]
    truth = frame.get("correct_choice", pd.Series(pd.NA, index=frame.index))
    return rows.astype(dict.fromkeys(rows.columns.difference(numbers), TEXT)).assign(
        recommendation=said.astype(TEXT).array,
        correct=truth.astype(TEXT).array,
        **rows[numbers].fillna(0).astype("int64"),
    )


def _has_confidence(ballots: Ballots) -> NDArray[np.bool_]:
    if "confidence" not in ballots.votes:
        return np.zeros(len(ballots.votes), bool)
    return ~np.isnan(shares_of(ballots.votes, "confidence"))


def _correctness(chosen: Names, rows: pd.DataFrame, ballots: str = "votes") -> dict[str, NDArray[Any]]:
    """Compare choices with what was recommended and what was right, where there are such ballots."""
    actual, truth = (rows[name].to_numpy(dtype=object) for name in (ACTUAL, "correct"))
    n = (rows[ballots] > 0).to_numpy()
    decided, there = n & ~pd.isna(chosen), ~pd.isna(actual)
    known = decided & ~pd.isna(truth)
    right, was_right = known & (chosen == truth), known & (actual == truth)
    return {
        "n": n,
        "decided": decided,
        "compared": decided & there,
        "changed": decided & there & (chosen != actual),
        "known": known,
        "right": right,
        "judged": known & there,
        "gain": there * (right.astype(np.float64) - was_right),
        "outcomes": n & ~pd.isna(truth),
    }


def _of_all(scored: dict[str, NDArray[Any]], rows: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Compare with what was recommended in all decisions alike: who leaves one open is wrong there."""
    actual, truth = (rows[name].to_numpy(dtype=object) for name in (ACTUAL, "correct"))
    judged = scored["outcomes"] & ~pd.isna(actual)
    was_right = judged & (actual == truth)
    return {
        "judged_of_all": judged,
        "gain_of_all": judged * (scored["right"].astype(np.float64) - was_right),
    }


def by_rule(
    rows: pd.DataFrame, keys: pd.DataFrame, names: tuple[str, ...], units: Units, replicates: int
) -> GroupedSums:
    """Add up by group and rule how each did in the decisions that it could count."""
    parts, groups, ids = [], [], []
    for name in names:
        if name not in rows:
            continue
        some, scored = _scored(name, rows)
        parts.append(scored)
        rule = pd.array([name] * len(some), dtype=TEXT)
        groups.append(keys.iloc[some.index].assign(rule=rule))
        ids.append(some["stream_id"])
    quantities = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return GroupedSums.of(
        pd.concat(groups, ignore_index=True), quantities, units.at(pd.concat(ids)), replicates
    )


def _scored(rule: str, rows: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, NDArray[Any]]]:
    """Judge a rule in all decisions, or in those that have a ballot which it can count."""
    ballots, without = "votes", np.zeros(len(rows), np.int64)
    if rule in PREFERENCE_RULES:
        kind = PREFERENCE_RULES[rule].ballots
        ballots, without = BALLOTS[kind], rows[WITHOUT[kind]].to_numpy()
        there = (rows[ballots] > 0).to_numpy()
        rows, without = rows[there], without[there]
    scored = _correctness(rows[rule].to_numpy(dtype=object), rows, ballots)
    scored["outcomes"] &= _can_decide(rule, rows)
    scored |= _of_all(scored, rows)
    once = rule == ACTUAL
    return rows, scored | {
        "voteless": once & ~scored["n"],
        "repeated": once * rows["repeated"].to_numpy(),
        "without_ballot": without,
    }


def _can_decide(rule: str, rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Say where a rule has anything to decide from: what it leaves open elsewhere is no mistake of its."""
    if rule == ACTUAL:
        return rows[ACTUAL].notna().to_numpy()
    if rule in COUNTS and COUNTS[rule].weight == "confidence":
        return (rows[SURE] > 0).to_numpy()
    return np.ones(len(rows), bool)


def by_voter(
    rows: pd.DataFrame, keys: pd.DataFrame, ballots: Ballots, units: Units, replicates: int
) -> GroupedSums:
    """Add up by group, voter and half of the decisions how each voter did in those it voted in."""
    ids = pd.Index(rows["stream_id"].to_numpy(dtype=object))
    place = pd.Series(np.arange(len(ids)), ids)[~ids.duplicated()].reindex(ballots.panels).to_numpy()
    decision = place[ballots.panel]
    here = ~np.isnan(decision)
    where, voter, panel = decision[here].astype(np.intp), ballots.voter[here], ballots.panel[here]
    scored = _correctness(ballots.choices[ballots.choice[here]], rows.iloc[where])
    # Of a voter with several votes in a decision it says what they say on average.
    _, first, seat, votes = np.unique(
        panel * max(len(ballots.voters), 1) + voter,
        return_index=True, return_inverse=True, return_counts=True,
    )  # fmt: skip
    means = {name: np.bincount(seat, scored[name], len(first)) / votes for name in QUANTITIES}
    drawn, who = units.at(ballots.panels)[panel[first]], pd.array(ballots.voters[voter[first]], dtype=TEXT)
    groups = keys.iloc[where[first]].assign(voter=who, **{HALF: fold_of(drawn.hashed)})
    return GroupedSums.of(groups, means, drawn, replicates)
