"""How a value is spelled as a text, a choice say: one text for equal values, whatever type each has."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_ZONE = r"(?:Z|[+-]\d{4})?"
_FAR = 324  # digits before or behind the point, of which neither an int nor a float is made


def text_of(value: Any) -> str | None:
    """Spell a value as choices are spelled; what is missing is None.

    Raises
    ------
    TypeError
        It is a list or an object.

    Examples
    --------
    >>> text_of("7.0"), text_of(7.0), text_of(True), text_of(float("nan"))
    ('7.0', '7', 'true', None)
    """
    plain = as_name(plain_value(value))
    if plain is None or isinstance(plain, str):
        return plain
    if not isinstance(plain, bool | int | float):
        raise TypeError(f"{value!r:.80} is a list or an object: no text stands for it")
    return json.dumps(one_spelling(plain))


def plain_value(value: Any) -> Any:
    """Return a value as one that JSON has, and decimals as numbers; what is missing is None.

    Of what JSON has not, spans of time are their seconds, and all else is text, spelled as Python does. A
    whole number that as a number would be spelled with an exponent is its digits: it names something.
    """
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, np.longdouble):  # of which Python has no kind
        value = float(value) if float(value) == value else Decimal(str(value))
    if isinstance(value, Decimal):
        value = _plain_decimal(value)
    if isinstance(value, float):
        return None if value != value else value + 0.0  # of the two zeros there is one
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value)) if is_spelled_short(value) else int(value)
    return value if isinstance(value, _OF_JSON) else _text_of(value)


def as_name(plain: Any) -> Any:
    """Give a float that is a large whole number its digits, as the whole number equal to it has."""
    return str(int(plain)) if type(plain) is float and plain.is_integer() and abs(plain) >= _LARGE else plain


_OF_JSON = (type(None), bool, list, tuple, dict, set, frozenset)


def _text_of(value: Any) -> str | float:
    if isinstance(value, str):
        return str.__str__(value)  # of an enumeration's member, too
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        moment = f"{value.replace(tzinfo=None)}{value:%z}"  # Arrow has no nanoseconds here, nor some zones
        return str(moment_texts(pa.array([moment]))[0])
    return str(value)


def _plain_decimal(value: Decimal) -> int | float | str | None:
    """Return a decimal as the number that is spelled as it is; where there is none, its digits."""
    if value.is_nan():
        return None
    if not value.is_finite():
        return float(value)
    if abs(value.adjusted()) > _FAR:
        return str(value)
    if value == (whole := int(value)):
        return whole
    near = float(value)
    return near if Decimal(repr(near)) == value else f"{value:f}".rstrip("0")


def moment_texts(column: pa.Array) -> pa.Array:
    """Spell times alike, whatever their unit and the name of UTC: without what is all zeros."""
    short = pc.replace_substring_regex(column.cast(pa.large_string()), r"\+0000$", "Z")
    short = pc.replace_substring_regex(short, rf"(\.\d*?)0+({_ZONE})$", r"\1\2")
    short = pc.replace_substring_regex(short, rf"\.({_ZONE})$", r"\1")
    return pc.replace_substring_regex(short, r" 00:00:00Z?$", "")


_LARGE = 10**21  # from here on JavaScript, too, writes an exponent


def one_spelling(value: Any) -> Any:
    """Spell equal numbers alike: a float64 column forgets whether 1 or 1.0 was said.

    So JSON text is the same whichever batch a value came in: whole numbers below 1e21 without a fraction,
    larger ones as floats where a float holds them.
    """
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) < _LARGE and str(value) != "-0.0" else value
    if type(value) is int and is_spelled_short(value):
        return float(value)
    return value


def is_spelled_short(value: int) -> bool:
    """Tell whether a whole number is spelled as the float that it is, with an exponent."""
    return abs(value) >= _LARGE and is_float(value)


def is_float(value: int) -> bool:
    """Tell whether a float holds a whole number exactly."""
    try:
        return float(value) == value
    except OverflowError:
        return False
