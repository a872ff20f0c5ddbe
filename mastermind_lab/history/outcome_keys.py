"""What outcomes are joined by: keys of two tables, of which each may have types of its own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from .. import records
from ..errors import OptionError
from ..frames import TEXT

_JOINED = ("str", pd.Int64Dtype())  # dtypes of keys that join as they are


def spelled(ours: pd.Series, theirs: pd.Series) -> pd.Series:
    """Spell truth values and numbers, where any on either side has a fraction, as texts, which then join."""
    joins = ours.dtype in _JOINED and not _are_beside_fractions(ours, theirs)
    return ours if joins else pd.Series(records.as_texts(ours, "on"), ours.index, TEXT)


def _are_beside_fractions(ours: pd.Series, theirs: pd.Series) -> bool:
    """Tell whether ours are whole numbers and some of theirs, of other decisions, are not."""
    if ours.dtype != "Int64":
        return False
    if theirs.dtype != object and not is_text(theirs):
        return bool((pd.to_numeric(theirs, errors="coerce").astype(np.float64) % 1 > 0).any())
    texts = theirs.dropna().astype(str)
    return any(map(_has_fraction, texts[texts.str.contains("[.eE]")].unique()))


def _has_fraction(text: str) -> bool:
    try:
        return abs(Decimal(text)) % 1 > 0  # as a float, a long one would have none
    except ArithmeticError:
        return False


def keys_like(column: pd.Series, ours: pd.Series, on: str) -> pd.Series:
    """Turn the outcomes' ids into the type that the decisions have."""
    wanted = ours.dtype
    if wanted not in _JOINED:
        if wanted.kind not in "bf":
            raise OptionError(
                f"on={on!r:.80} is {wanted} in the decisions: outcomes join on text, numbers or truth values"
            )
        return _as_ours(column, wanted, on)
    if wanted == "str":
        if is_text(column):
            return column.astype(TEXT)
        if column.dtype.kind == "M":
            return pd.Series(records.as_texts(column, on), column.index, TEXT)
        if pd.api.types.infer_dtype(column) == "integer" and _are_numbers(ours):
            return column.astype(TEXT)
        raise OptionError(
            f"{on} is text in the decisions and {column.dtype} in the outcomes, where leading zeros and long "
            f"ids may be lost already: read them with dtype={{{on!r}: str}}, or give the path of the CSV file"
        )
    try:
        if _are_beside_fractions(ours, column):
            return pd.Series(records.as_texts(_unrounded(column), on), column.index, TEXT)
        return _whole_numbers(column)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise OptionError(
            f"{on} holds whole numbers in the decisions, the outcomes' do not: {error}"
        ) from error


def _whole_numbers(column: pd.Series) -> pd.Series:
    """Return numbers, or texts that spell some, as whole ones, and none by way of a float that rounds it."""
    if column.dtype.kind == "i":
        return column.astype("Int64")
    exact = _unrounded(column)
    known = {one: _whole(one) for one in exact.dropna().unique()}
    return pd.Series(pd.array([known.get(one, pd.NA) for one in exact], "Int64"), column.index)


def _unrounded(column: pd.Series) -> pd.Series:
    """Return numbers exactly; of what is none, or was rounded perhaps, a ValueError."""
    exact = _exact(column)
    for number in exact.dropna().unique():
        if isinstance(number, bool | np.bool_):
            raise ValueError(f"{number} is no number")
        if isinstance(number, float) and abs(number) >= 2**53:
            raise ValueError(f"{number:.0f} was a float, which may have rounded it: give them as texts")
    return exact


def _whole(number: Any) -> int:
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{number} is too large")
    return int(number)


def _as_ours(column: pd.Series, wanted: Any, on: str) -> pd.Series:
    """Spell truth values, or numbers, as those of the decisions are; texts may stand for them."""
    try:
        found = _exact(column) if wanted.kind == "f" else _truth_values(column)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise OptionError(f"{on} holds {wanted} in the decisions, the outcomes' do not: {error}") from error
    return pd.Series(records.as_texts(found, on), column.index, TEXT)


def _exact(column: pd.Series) -> pd.Series:
    """Return numbers as they are, texts as the number that each is: as floats, long ones would be equal."""
    pd.to_numeric(column)  # which refuses what is none
    if column.dtype != object and not is_text(column):
        return column
    return pd.Series([_number(one) for one in column], column.index, object)


def _number(one: Any) -> Any:
    """Read a number exactly; a blank text says none."""
    return (Decimal(one.strip()) if one.strip() else None) if isinstance(one, str) else one


def _truth_values(column: pd.Series) -> pd.Series:
    known = {"true": True, "false": False}
    return column.map(lambda one: known.get(str(one).lower(), one), "ignore").astype("boolean")


def _are_numbers(texts: pd.Series) -> bool:
    """Tell whether all texts are whole numbers, each spelled as a number is: then none lost a zero."""
    return bool(texts.dropna().str.fullmatch(r"-?(0|[1-9]\d*)").all())


def is_text(column: pd.Series) -> bool:
    """Tell whether all that is there is text; a column of nothing is."""
    there = column.dropna()
    return all(isinstance(value, str) for value in (there if there.dtype == object else there.unique()))
