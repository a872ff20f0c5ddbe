"""What is right, spelled as it was voted for, or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from ..errors import OptionError
from ..frames import TEXT
from ..stats.engine.vocabulary import near_ones, nearly_alike, shown
from .history import History

_NAMED = 3  # spellings


def choices_in(history: History) -> set[str]:
    """Return all that was ever voted for, or recommended."""
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

    Raises
    ------
    OptionError
        Two choices are normalised alike, and an outcome is, too; or the function fails.
    """
    known = choices_in(history)
    spellings: dict[str, list[str]] = {}
    for one in sorted(known):
        spellings.setdefault(_normalized(normalize, one), []).append(one)
    changed: dict[str, str] = {}
    for one in set(correct.dropna().unique()) - known:
        found = spellings.get(_normalized(normalize, one), [])
        if len(found) > 1:
            raise OptionError(
                f"normalize= makes one of {', '.join(map(shown, found[:_NAMED]))}, which votes tell apart: "
                f"the outcome {shown(one)} may be either: spell the votes alike first"
            )
        if found:
            changed[one] = found[0]
    return correct.replace(changed).astype(TEXT) if changed else correct, int(correct.isin(changed).sum())


def _normalized(normalize: Callable[[str], str], text: str) -> str:
    try:
        return normalize(text)
    except Exception as error:
        raise OptionError(
            f"normalize= failed on {shown(text)}: {type(error).__name__}: {error!s:.200}"
        ) from error
