"""Voting rules: what each would have decided from the same votes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ...errors import OptionError
from ...spelling import text_of
from .ballots import Ballots, Names, VoteTally
from .input import Data, frame_of
from .preference_rules import BALLOTS, PREFERENCE_RULES, WITHOUT, preferred

Rule = Callable[[pd.DataFrame], pd.Series]
"""Takes the votes of a batch, one row a voter and decision, and returns choices by ``stream_id``.

Numbers and truth values are spelled as those of votes are.
"""

ACTUAL = "recommendation"
"""The rule that was in force, whatever it was: its choice is the recommendation."""

BEST = "best voter"

TIES = ("none", "first", ACTUAL)

SURE = "votes with confidence"

_BESIDE = ("stream_id", "votes", "repeated", "correct", SURE, *BALLOTS.values(), *WITHOUT.values())
"""What stands beside the choices of rules, in columns of its own."""


class Count(NamedTuple):
    """A choice wins that has most of the votes' weight, and more than some share of it."""

    weight: str | None
    more_than: float


_ROUNDING = 1e-9

COUNTS = {
    "plurality": Count(None, 0.0),
    "majority": Count(None, 1 / 2),
    "two-thirds": Count(None, 2 / 3 - _ROUNDING),
    "unanimity": Count(None, 1 - _ROUNDING),
    "confidence-weighted": Count("confidence", 0.0),
    "weight-weighted": Count("weight", 0.0),
}
"""The rules that count votes; ``Count`` says how."""


_THRESHOLDS = (*(name for name, count in COUNTS.items() if count.more_than), "condorcet")
"""The rules that leave a decision open where nothing reaches what they ask for."""


def names_of_rules(rules: Mapping[str, Rule], tie: str, fallback: str) -> tuple[str, ...]:
    """Return the names of all rules: the actual one, those that count, those of the caller.

    Those of ballots that are more than a choice are among them, whether or not there are such ballots.

    Raises
    ------
    OptionError
        If an option makes no sense.
    """
    own = (ACTUAL, *COUNTS, *PREFERENCE_RULES)
    if not isinstance(rules, Mapping):
        raise OptionError(
            f"rules takes functions of a votes frame by their names, in a dict, not {rules!r:.60}"
        )
    for name, rule in rules.items():
        if not isinstance(name, str) or name in (*own, BEST, "none", *_BESIDE) or not callable(rule):
            raise OptionError(f"rules takes new names and functions of a votes frame, not {name!r:.60}")
    if tie not in TIES:
        raise OptionError(f"tie is one of {', '.join(TIES)}, not {tie!r:.60}")
    if fallback not in ("none", *own, *rules):
        raise OptionError(f"fallback is none or a rule ({', '.join((*own, *rules))}), not {fallback!r:.60}")
    return (*own, *rules)


def choices_of(
    data: Data, ballots: Ballots, said: pd.Series, rules: Mapping[str, Rule], tie: str, fallback: str
) -> pd.DataFrame:
    """Say what each rule would have decided: a row a panel, a column a rule, missing where nothing.

    Parameters
    ----------
    said
        What was recommended, by ``stream_id``.

    Returns
    -------
    DataFrame
        By ``stream_id``, with the columns of
        :func:`~mastermind_lab.stats.engine.preference_rules.preferred` where there are any.
    """
    panels = pd.Index(ballots.panels, dtype=object)
    actual = said.reindex(panels).to_numpy(dtype=object)
    decided = {ACTUAL: actual, **_counted(ballots, actual, tie)}
    decided |= {name: _asked(name, rule, ballots) for name, rule in rules.items()}
    found = pd.DataFrame(decided, panels)
    more = preferred(frame_of(data, "votes", ()), ballots, said, tie)
    if len(more.columns):
        found = found.reindex(panels.append(more.index[~more.index.isin(panels)])).join(more)
        found[ACTUAL] = said.reindex(found.index).to_numpy(dtype=object)
    if fallback in found:
        voted = found.index.isin(panels[np.unique(ballots.panel)])
        for name in _THRESHOLDS:
            if name in found:
                # What has nothing to count there was not asked, so that nothing stands in for it.
                asked = voted if name in COUNTS else found[BALLOTS[PREFERENCE_RULES[name].ballots]] > 0
                found[name] = found[name].mask(found[name].isna() & asked, found[fallback])
    return found


def _counted(ballots: Ballots, actual: Names, tie: str) -> dict[str, Names]:
    """Apply the rules that count votes."""
    columns = {count.weight for count in COUNTS.values()}
    tallies = {column: VoteTally.of(ballots, ballots.weights(column)) for column in columns}
    texts = np.append(ballots.choices, [None])
    decided = {}
    for name, count in COUNTS.items():
        some = tallies[count.weight]
        decided[name] = texts[some.winners(count.more_than, first=tie == "first")]
        if tie == ACTUAL and not count.more_than:
            decided[name] = np.where(some.tied(), actual, decided[name])
    return decided


def _asked(name: str, rule: Rule, ballots: Ballots) -> Names:
    """Apply a rule of the caller's."""
    if not len(ballots.votes):
        return np.full(len(ballots.panels), None, dtype=object)
    choices = rule(ballots.votes)
    if wrong := _fault(choices, ballots):
        raise OptionError(
            f"the rule {name!r:.60} must return a Series of choices with one row a stream_id, {wrong}: "
            'votes.groupby("stream_id") makes such an index'
        )
    try:
        texts = choices.astype(object).map(text_of)
    except TypeError as error:
        raise OptionError(f"the rule {name!r:.60} must return a Series of choices: {error}") from error
    found: Names = texts.astype(object).reindex(ballots.panels).to_numpy(dtype=object)
    return found


def _fault(choices: Any, ballots: Ballots) -> str:
    """Say what is wrong with what a rule has returned, if anything is."""
    if not isinstance(choices, pd.Series):
        return f"not {type(choices).__name__}"
    ids = choices.index.to_flat_index()
    if ids.has_duplicates:
        return f"but {_first(ids[ids.duplicated()])} has more than one"
    decided = ids[choices.notna().to_numpy()]
    strange = decided[~decided.isin(ballots.panels)]
    if not len(strange):
        return ""
    many = "none" if len(strange) == len(decided) else f"{len(decided) - len(strange):,}"
    return (
        f"indexed by it, but {many} of the {len(decided):,} in its index are of the votes that it was given: "
        f"{_first(strange)} is not"
    )


def _first(ids: pd.Index) -> str:
    return f"{ids.tolist()[0]!r:.60}"
