"""What is right, spelled as it was voted for, or not."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable

import pandas as pd

from ..errors import OptionError
from ..frames import TEXT
from ..text import apart, brief, harmless
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
    near = {_folded(one): one for one in sorted(known)}
    alike = [(one, near[_folded(one)]) for one in unknown.index if _folded(one) in near]
    named = ", ".join(f"{one} where votes say {other}" for one, other in map(_both_shown, alike[:_NAMED]))
    more = f" and {len(alike) - _NAMED} more" if len(alike) > _NAMED else ""
    near_ones = f" ({named}{more}: see normalize=)" if alike else ""
    yield f"choices that were never voted for: {int(unknown.sum()):,}{near_ones}"


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
                f"normalize= makes one of {', '.join(map(_shown, found[:_NAMED]))}, which votes tell apart: "
                f"the outcome {_shown(one)} may be either: spell the votes alike first"
            )
        if found:
            changed[one] = found[0]
    return correct.replace(changed).astype(TEXT) if changed else correct, int(correct.isin(changed).sum())


def _normalized(normalize: Callable[[str], str], text: str) -> str:
    try:
        return normalize(text)
    except Exception as error:
        raise OptionError(
            f"normalize= failed on {_shown(text)}: {type(error).__name__}: {error!s:.200}"
        ) from error


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _both_shown(pair: tuple[str, str]) -> tuple[str, str]:
    """Show two spellings so that they stay apart where they are cut."""
    if any(text != text.strip() for text in pair):
        return _shown(pair[0]), _shown(pair[1])
    one, other = apart(pair, 40, harmless)
    return repr(one), repr(other)


def _shown(text: str) -> str:
    return repr(brief(text, 40, harmless) if text == text.strip() else harmless(text[:40]))
