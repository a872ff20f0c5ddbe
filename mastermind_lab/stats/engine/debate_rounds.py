"""The rounds of a debate, as meta tells them."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from ...errors import OptionError
from .bootstrap import Floats
from .input import TEXT, unknown
from .sums import Codes, GroupedSums
from .units import Drawn

ROUNDS = "meta.debate.rounds"
"""The column where they are, unless it is said that another one has them."""

MOST_ROUNDS = 20
"""Rounds of a debate that are told apart."""


class Rounds(NamedTuple):
    """The panel's confidence, one row a round that tells it.

    Attributes
    ----------
    decision
        Row of the decision, shape (rounds,), ascending.
    number
        Its number within the debate, from 1.
    confidence
        0 to 1.
    """

    decision: Codes
    number: Codes
    confidence: Floats

    def at(self, end: Literal["first", "last"], decisions: int) -> Floats:
        """Return each decision's confidence in its "first" or "last" round, NaN where there is none."""
        rows = pd.Series(self.confidence).groupby(self.decision)
        found = rows.first() if end == "first" else rows.last()
        values = np.full(decisions, np.nan)
        values[found.index] = found
        return values

    def sums(self, keys: pd.DataFrame, drawn: Drawn, replicates: int) -> GroupedSums:
        """Add confidence, and its change since the decision's first round, up by group and round.

        Parameters
        ----------
        keys, drawn
            The group of each decision, and by what it is drawn.
        replicates
            Bootstrap replicates.
        """
        change = self.confidence - self.at("first", len(drawn))[self.decision]
        early = self.number <= MOST_ROUNDS
        place = self.decision[early]
        figures = {"n": np.ones(len(place)), "confidence": self.confidence[early], "change": change[early]}
        groups = keys.iloc[place].reset_index(drop=True).assign(round=self.number[early])
        return GroupedSums.of(groups, figures, drawn[place], replicates)


def rounds_of(frame: pd.DataFrame, column: str) -> Rounds:
    """Read the rounds of each decision.

    Parameters
    ----------
    frame
        The decisions.
    column
        Where they stand, as JSON text: a list of objects with a number ``confidence`` from 0 to 1. Whatever
        is something else has no rounds; a frame without the usual column has none at all.

    Raises
    ------
    OptionError
        If another column was asked for that is not there, or what is no name of one.
    """
    if not isinstance(column, str):
        raise OptionError(f"rounds={column!r:.60}: expected the name of a column of decisions")
    if column != ROUNDS and column not in frame.columns and len(frame):
        raise unknown(column, frame.columns)
    texts = frame[column] if column in frame.columns else pd.Series([None] * len(frame), dtype=TEXT)
    # JSON is read text by text: its parser takes three quarters of the 4 us that a decision costs here.
    told = [confidences(text) for text in texts]
    sizes = np.array([len(rounds) for rounds in told], dtype=np.intp)
    flat = np.array([value for rounds in told for value in rounds], dtype=np.float64)
    decision = np.repeat(np.arange(len(told)), sizes)
    number = np.arange(len(flat)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
    known = ~np.isnan(flat)
    return Rounds(decision[known], number[known], flat[known])


def confidences(text: Any) -> list[float]:
    """Return the confidence of each round of one decision, NaN where it is none."""
    if not isinstance(text, str):
        return []
    try:
        rounds = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(rounds, list):
        return []
    return [_share(part.get("confidence")) if isinstance(part, dict) else float("nan") for part in rounds]


def _share(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= 1 else float("nan")
