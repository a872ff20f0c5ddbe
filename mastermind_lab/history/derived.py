"""What an envelope needs and a history does not say, derived from the votes by a rule, and marked as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import OptionError

if TYPE_CHECKING:
    from ..stats.engine.ballots import Ballots
    from ..stats.engine.bootstrap import Floats
    from .history import History

MARKS = "meta.derived."
"""Columns of ``decisions`` that say of ``recommendation`` and ``confidence`` how they were derived."""


def with_derived(history: History, rule: str, voter: str) -> History:
    """Fill in the recommendations and confidences that are missing; what is there stays.

    Raises
    ------
    OptionError
        It decides nothing in some decision that it is needed for, or a ballot would be lost.
    """
    from ..stats.engine.voting_rules import COUNTS

    decisions = history.decisions
    said, sure, ballots = _filled(history, rule, voter)
    ids = pd.Index(decisions["stream_id"], dtype=object)
    _check_decided(rule, ids[said.isna() | sure.isna()], ids, ballots)
    weight = COUNTS[rule].weight
    made = {
        "recommendation": (said, rule),
        "confidence": (sure, f"share of {'votes' if weight is None else weight}"),
    }
    missing = {name: decisions[name].isna() for name in made}
    filled = {name: made[name][0].astype(decisions[name].dtype) for name in made if missing[name].any()}
    marks = {MARKS + name: _marked(decisions, MARKS + name, missing[name], made[name][1]) for name in filled}
    return history.with_frames(decisions=decisions.assign(**filled, **marks))


def without_undecided(history: History, rule: str, voter: str) -> History:
    """Leave out the decisions that lack something which the rule does not tell; where it tells none, none."""
    check_rule(rule, voter)
    decisions = history.decisions
    if not (decisions["recommendation"].isna() | decisions["confidence"].isna()).any():
        return history
    said, sure, _ = _filled(history, rule, voter)
    is_whole = (said.notna() & sure.notna()).to_numpy()
    return history.where(is_whole) if is_whole.any() and not is_whole.all() else history


def _filled(history: History, rule: str, voter: str) -> tuple[pd.Series, pd.Series, Ballots]:
    """Return recommendations and confidences, derived where they are missing and the rule decides."""
    from ..stats.engine.ballots import Ballots  # here, because most histories are not written so
    from ..stats.engine.identity import told_apart_by
    from ..stats.engine.voting_rules import COUNTS, choices_of

    decisions = history.decisions
    ids = pd.Index(decisions["stream_id"], dtype=object)
    _check_ballots(rule, history.votes)
    data = told_apart_by(history, voter)
    ballots = Ballots.of(data)
    nobody_said = pd.Series(dtype=object)
    chosen = choices_of(data, ballots, nobody_said, {}, "none", "none")[rule]
    said = decisions["recommendation"].astype(object)
    said = said.where(said.notna(), chosen.reindex(ids).to_numpy())
    share = _shares(ballots, pd.Series(said.to_numpy(), ids), ballots.weights(COUNTS[rule].weight))
    sure = decisions["confidence"].where(decisions["confidence"].notna(), share.reindex(ids).to_numpy())
    return said, sure, ballots


def check_rule(rule: str | None, voter: str) -> None:
    """Refuse what is no rule that counts votes, if nothing is to be derived, too; and voters without one."""
    from ..stats.engine.voting_rules import COUNTS

    if rule is not None and rule not in COUNTS:
        raise OptionError(f"derive={rule!r:.60}: expected a rule that counts votes: {', '.join(COUNTS)}")
    if rule is None and voter != "voter":
        raise OptionError(
            f"voter={voter!r:.60} says whose votes a rule counts, and none is named: add derive="
            f", one of {', '.join(COUNTS)}"
        )


def _shares(ballots: Ballots, said: pd.Series, weights: Floats) -> pd.Series:
    """Return the share of the votes for what is recommended, as the rule weighs them, by ``stream_id``."""
    wanted = said[~said.index.duplicated()].reindex(ballots.panels).to_numpy(dtype=object)
    agree = ballots.choices[ballots.choice] == wanted[ballots.panel]
    sums, totals = (
        np.bincount(ballots.panel, some, minlength=len(ballots.panels)) for some in (weights * agree, weights)
    )
    shares = np.divide(sums, totals, out=np.full(len(totals), np.nan), where=totals > 0)
    return pd.Series(shares, pd.Index(ballots.panels, dtype=object))


def _marked(decisions: pd.DataFrame, name: str, missing: pd.Series, how: str) -> pd.Series:
    before = decisions.get(name, pd.Series(None, decisions.index, dtype=object))
    return before.astype(object).mask(missing, how)


def _check_ballots(rule: str, votes: pd.DataFrame) -> None:
    """Refuse rankings, scores and probabilities of votes without a choice: no rule would find them again."""
    from ..stats.engine.ballot_columns import probabilities_of, rankings_of, scores_of

    aside = votes[votes["choice"].isna()]
    read = [kind(aside) for kind in (rankings_of, scores_of, probabilities_of)] if len(aside) else []
    lost = np.zeros(len(aside), bool)
    for entries in read:
        lost |= False if entries is None else ~np.isnan(entries.ballot)
    if lost.any():
        raise OptionError(
            f"derive={rule!r}: {lost.sum():,} votes have a ranking, scores or probabilities and no choice, "
            "which an envelope has no place for: borda, condorcet and the like would decide without them "
            f"when it is read. The first is of {aside['stream_id'][lost].iloc[0]}. Give these votes a "
            "choice in history.votes, or keep the history as it is with history.save(folder)"
        )


def _check_decided(rule: str, undecided: pd.Index, ids: pd.Index, ballots: Ballots) -> None:
    if not len(undecided):
        return
    without = int((~undecided.isin(ballots.ids)).sum())
    raise OptionError(
        f"derive={rule!r}: the rule decides nothing in {len(undecided):,} of {len(ids):,} decisions, "
        f"{without:,} of them without a vote that counts; the first is {undecided[0]}. Take another rule, or "
        f"leave these out: history.where(lab.stats.Rules.decisions(history)[{rule!r}].notna())"
    )
