"""What a condition of ``where`` means: which decisions it chooses, and how it is said in coverage."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ..errors import OptionError

_ACCEPTED = (
    "expected a query ('confidence > 0.9'), a mask of one true or false a decision, "
    "a function of decisions that returns one, or the ids of entries"
)


def chosen(decisions: pd.DataFrame, condition: Any) -> list[str]:
    """Return the ids that a condition names or chooses.

    Raises
    ------
    OptionError
        It makes no sense; the message says why.
    """
    if isinstance(condition, str):
        return _masked(decisions, _evaluated(decisions, condition), f"where {condition!r:.200}")
    if callable(condition):
        return _masked(decisions, _called(decisions, condition), "the function's result")
    if isinstance(condition, pd.DataFrame):
        condition = condition.get("stream_id", ())
    values = _listed(condition)
    if all(isinstance(value, str) for value in values):
        return list(values)
    return _masked(decisions, condition, "the mask")


def in_words(condition: Any, unknown: int) -> str:
    """Say a condition in coverage's words, and how many of the ids that it names are not there."""
    if isinstance(condition, str):
        words = condition
    elif callable(condition):
        words = getattr(condition, "__name__", type(condition).__name__)
    else:
        words = "in a list" if isinstance(condition, pd.DataFrame) else "in a mask or a list"
    return f"where {words}" + (f" ({unknown:,} ids are not there)" if unknown else "")


def names_in(condition: Any) -> list[str]:
    """Name the columns that a query may mean: what stands between backticks, and plain names."""
    if not isinstance(condition, str):
        return []
    quoted, rest = re.findall(r"`([^`]+)`", condition), re.sub(r"`[^`]*`", " ", condition)
    return [*quoted, *re.findall(r"[^\W\d]\w*", rest)]


def _listed(condition: Any) -> Any:
    if isinstance(condition, pd.Series | pd.Index | np.ndarray):
        return condition.tolist()
    if isinstance(condition, Iterable) and not isinstance(condition, bytes | dict):
        return list(condition)
    raise OptionError(f"where cannot use a {type(condition).__name__}: {_ACCEPTED}")


def _evaluated(decisions: pd.DataFrame, query: str) -> pd.Series:
    try:
        found = decisions.eval(query)
    except Exception as error:
        raise OptionError(f"where {query!r:.200} cannot be read: {_advice(error)}") from error
    if not isinstance(found, pd.Series):
        raise OptionError(f"where {query!r:.200} gives no true or false for each decision: {_ACCEPTED}")
    return found


def _advice(error: Exception) -> str:
    hint = "a column with a dot in its name stands between backticks, as in `meta.model`"
    return f"{type(error).__name__}: {error!s:.200} ({hint})"


def _called(decisions: pd.DataFrame, function: Any) -> Any:
    try:
        return function(decisions)
    except Exception as error:
        raise OptionError(
            f"the function given to where failed: {type(error).__name__}: {error!s:.200}"
        ) from error


def _masked(decisions: pd.DataFrame, mask: Any, what: str) -> list[str]:
    return [str(one) for one in decisions["stream_id"][_true(decisions, mask, what)]]


def _true(decisions: pd.DataFrame, mask: Any, what: str) -> Any:
    """Return where a mask is true, a value a decision; what it does not know is not true."""
    column = mask if isinstance(mask, pd.Series) else pd.Series(list(_listed(mask)), dtype=object)
    if len(column) != len(decisions):
        raise OptionError(f"{what} has {len(column):,} values for {len(decisions):,} decisions: {_ACCEPTED}")
    if isinstance(mask, pd.Series) and not mask.index.equals(decisions.index):
        if not mask.index.is_unique or set(mask.index) != set(decisions.index):
            raise OptionError(f"{what} has another index than decisions: give it as an array, in their order")
        column = mask.reindex(decisions.index)
    try:
        return pd.array(column.to_numpy(object), dtype="boolean").fillna(False).to_numpy(bool)
    except TypeError as error:
        raise OptionError(f"{what} holds other values than true and false: {_ACCEPTED}") from error
