"""What is right, spelled as it was voted for, or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pandas as pd

from ..errors import OptionError, check_names
from ..frames import TEXT
from ..stats.engine.vocabulary import near_ones, nearly_alike, shown
from .history import History

_NAMED = 3  # spellings


def choices_in(history: History) -> set[str]:
    """Return all that was ever voted for, or recommended."""
    check_names("votes", history.votes)
    voted, recommended = history.votes.get("choice"), history.decisions.get("recommendation")
    return {
        str(one) for column in (voted, recommended) if column is not None for one in column.dropna().unique()
    }


def unknown_choices(history: History, correct: pd.Series) -> Iterable[str]:
    """Say how many outcomes are no choice that was ever voted for, and which are spelled nearly so."""
    known = choices_in(history)
    counts = correct.value_counts()
    unknown = counts[~counts.index.isin(list(known))]
    if not known or not len(unknown):
        return
    named = near_ones(list(nearly_alike(unknown.index, known)), "where votes say")
    near = f" ({named}: see normalize=)" if named else ""
    yield f"choices that were never voted for: {int(unknown.sum()):,}{near}"


def respelled(history: History, correct: pd.Series, normalize: Callable[[str], str]) -> tuple[pd.Series, int]:
    """Give outcomes that nobody voted for the spelling of the choice that is normalised alike.

    First of a choice in their own decision, whatever was voted for in others; then of one anywhere.

    Raises
    ------
    OptionError
        Two choices are normalised alike, and an outcome is, too; or the function fails.
    """
    near = correct.copy()
    for place, outcome, choices in _own_alike(history, correct, normalize):
        near.iloc[place] = _only(choices, outcome)
    known = choices_in(history)
    spellings: dict[str, list[str]] = {}
    for one in sorted(known):
        spellings.setdefault(_normalized(normalize, one), []).append(one)
    changed: dict[str, str] = {}
    for one in set(near.dropna().unique()) - known:
        if found := spellings.get(_normalized(normalize, one), []):
            changed[one] = _only(found, one)
    near = near.replace(changed).astype(TEXT) if changed else near
    return near, int((near.notna() & (near != correct)).sum())


def _own_alike(
    history: History, correct: pd.Series, normalize: Callable[[str], str]
) -> Iterator[tuple[int, str, list[str]]]:
    """Yield outcomes without a vote in their decision, and its choices that are normalised alike."""
    decisions, names = history.decisions.reset_index(drop=True), ["stream_id", "choice"]
    recommended = decisions[["stream_id", "recommendation"]].set_axis(names, axis=1)
    own = pd.concat([history.votes[names], recommended]).dropna().drop_duplicates()
    said = decisions[["stream_id"]].assign(choice=correct.array).dropna()
    unmatched = said[~pd.MultiIndex.from_frame(said).isin(pd.MultiIndex.from_frame(own))]
    own = own[own["stream_id"].isin(unmatched["stream_id"])]
    forms = {one: _normalized(normalize, one) for one in {*own["choice"], *unmatched["choice"]}}
    here = own.assign(form=own["choice"].map(forms)).groupby(["stream_id", "form"])["choice"].agg(list)
    for place, stream_id, outcome in unmatched.itertuples(name=None):
        if choices := here.get((stream_id, forms[outcome])):
            yield place, outcome, sorted(choices)


def _only(found: list[str], outcome: str) -> str:
    if len(found) > 1:
        raise OptionError(
            f"normalize= makes one of {', '.join(map(shown, found[:_NAMED]))}, which votes tell apart: "
            f"the outcome {shown(outcome)} may be either: spell the votes alike first"
        )
    return found[0]


def _normalized(normalize: Callable[[str], str], text: str) -> str:
    try:
        return normalize(text)
    except Exception as error:
        raise OptionError(
            f"normalize= failed on {shown(text)}: {type(error).__name__}: {error!s:.200}"
        ) from error
