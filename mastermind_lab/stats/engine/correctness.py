"""Who was right: panels or votes against the outcomes."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import OptionError
from .ballots import Ballots
from .bootstrap import Floats
from .input import Data, frame_of, keys_of, outcomes_of, shares_of, vote_keys_of

Unit = Literal["panels", "voters"]
Flags = NDArray[np.bool_]

CLIP = 1 / 4_000
"""The log score takes confidences nearer to 0 or 1 than this for this near: it is at most 8.3."""


class Correctness(NamedTuple):
    """Panels or votes, n rows.

    Attributes
    ----------
    keys
        The columns to group by.
    ids
        ``stream_id`` of the decision.
    confidence
        From 0 to 1, NaN where missing.
    outcome
        Whether an outcome is known.
    chosen
        Whether there is a choice to judge by it: an answer that is not there is not a wrong one.
    right
        1 where the choice is the correct one, else 0.
    cast
        Whether it counts: a voter who voted for two choices has no vote.
    repeated
        Whether the voter voted more than once in the decision.
    """

    keys: pd.DataFrame
    ids: pd.Series
    confidence: Floats
    outcome: Flags
    chosen: Flags
    right: Floats
    cast: Flags
    repeated: Flags

    @property
    def known(self) -> Flags:
        """Whether it counts, and outcome, choice and confidence are there."""
        return self.cast & self.outcome & self.chosen & ~np.isnan(self.confidence)


def correctness_of(data: Data, by: tuple[str, ...], unit: str) -> Correctness:
    """Judge panels or votes.

    Raises
    ------
    OptionError
        If the unit is neither, outcomes were not joined, or a column is unknown.
    """
    if unit == "panels":
        return _panels(data, by)
    if unit == "voters":
        return _votes(data, by)
    raise OptionError(f"unit is panels or voters, not {unit!r:.40}")


def _panels(data: Data, by: tuple[str, ...]) -> Correctness:
    frame = frame_of(data, "decisions", ("stream_id", "recommendation", "confidence"))
    truth = outcomes_of(frame).to_numpy(dtype=object)
    all_of, none = np.ones(len(frame), dtype=np.bool_), np.zeros(len(frame), dtype=np.bool_)
    return _against(truth, frame, "recommendation", keys_of(frame, by), all_of, none)


def _votes(data: Data, by: tuple[str, ...]) -> Correctness:
    if isinstance(data, pd.DataFrame):
        raise OptionError("unit='voters' needs a history: a bare frame does not have both votes and outcomes")
    frame = frame_of(data, "votes", ("stream_id", "voter", "choice", "confidence"))
    rows, cast, again = Ballots.of(data).heard()
    votes = frame if len(rows) == len(frame) else frame.iloc[rows]
    decisions = frame_of(data, "decisions", ("stream_id",))
    truths = pd.Series(outcomes_of(decisions).to_numpy(dtype=object), decisions["stream_id"], dtype=object)
    truth = truths[~truths.index.duplicated()].reindex(votes["stream_id"]).to_numpy()
    keys = vote_keys_of(data, votes, by)
    return _against(truth, votes, "choice", keys, cast, again)


def _against(
    truth: NDArray[np.object_],
    rows: pd.DataFrame,
    chosen: str,
    keys: pd.DataFrame,
    cast: Flags,
    repeated: Flags,
) -> Correctness:
    choice = rows[chosen].to_numpy(dtype=object)
    outcome, there = ~pd.isna(truth), ~pd.isna(choice)
    both, right = outcome & there, np.zeros(len(rows))
    right[both] = choice[both] == truth[both]
    confidence = shares_of(rows, "confidence")
    return Correctness(keys, rows["stream_id"], confidence, outcome, there, right, cast, repeated)


def quantities(rows: Correctness) -> dict[str, Floats | Flags]:
    """Turn them into numbers to add; what is not known adds nothing."""
    known, right = rows.known, rows.right * rows.known
    sure = np.where(known, rows.confidence, 0.0)
    given = np.where(right > 0, sure, 1 - sure)
    return {
        "n": known,
        "correct": right,
        "confidence": sure,
        "brier": known * (1 - given) ** 2,
        "log": np.where(known, -np.log(np.clip(given, CLIP, 1 - CLIP)), 0.0),
    }


def counts(rows: Correctness) -> dict[str, Flags]:
    """Mark what is left out and why, and of what is counted each decision once in all, by ``panels``."""
    known = rows.known
    panel = np.zeros_like(known)
    panel[known] = ~rows.ids[known].duplicated()
    return {
        "panels": panel,
        "without_outcome": rows.cast & ~rows.outcome,
        "without_recommendation": rows.cast & rows.outcome & ~rows.chosen,
        "missing": rows.cast & rows.outcome & rows.chosen & ~known,
        "repeated": rows.repeated,
    }
