"""Extra columns of ``decisions``, by path or by a function of the envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

from ..envelope import Decision, DecisionEnvelope
from ..errors import OptionError
from ..spelling import one_spelling
from .paths import Path, json_text, steps

Kind = Literal["boolean", "Int64", "float64", "str"]


class Column(NamedTuple):
    """An extra column of ``decisions``, by path or by a function of the envelope.

    Parameters
    ----------
    name
        The column's name.
    source
        A path within the envelope, below ``decision`` or ``meta``, such as ``"meta.usage.cost_usd"`` (a key
        with a dot in it is written in double quotes), or a callable that takes a :class:`DecisionEnvelope`.
    type
        ``"boolean"``, ``"Int64"``, ``"float64"`` or ``"str"`` (anything that is no text becomes JSON text).

    A missing value is <NA>. A decision whose value does not fit, or for which the callable raises, becomes a
    reject with the reason ``column``.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> cost = lab.Column("cost", "meta.usage.cost_usd", "float64")
    >>> lab.sample(columns=[cost]).decisions["cost"].dtype
    dtype('float64')
    """

    name: str
    source: Path | Callable[[DecisionEnvelope], Any]
    type: Kind = "str"


class DoesNotFit(Exception):
    """A decision's value for an extra column is not of the column's type."""


_FITS: dict[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "Int64": lambda value: type(value) is int and -(2**63) <= value < 2**63,
    "float64": lambda value: type(value) is float or (type(value) is int and abs(value) <= 2**53),
    "str": lambda value: isinstance(value, str),
}


def check_columns(columns: Iterable[Column]) -> None:
    """Refuse extra columns of an unknown type or with a path that cannot be read.

    Raises
    ------
    OptionError
        With the column's name and what is possible.
    """
    for column in columns:
        if not isinstance(column, Column):
            raise OptionError(f"columns holds a {type(column).__name__}: write Column(name, source, type)")
        if column.type not in _FITS:
            raise OptionError(f"column {column.name!r}: no type {column.type!r}; one of {', '.join(_FITS)}")
        if isinstance(column.source, str):
            _check_path(column.name, column.source)


_LISTS = {"vote": "votes", "citation": "citations", "argument": "argument_tree"}


def _check_path(name: str, path: Path) -> None:
    """Refuse a path that leads nowhere in any envelope: its column would be missing throughout."""
    root, *below = steps(path)
    in_list = root == "decision" and len(below) > 1 and below[0] in ("votes", "citations")
    if root in DecisionEnvelope.model_fields and not in_list:
        return
    meant = below[0] if in_list else _LISTS.get(root, root)
    hint = f"; there is {'decision.' + meant!r}" if meant in Decision.model_fields else ""
    hint += ", all of them as JSON" if meant in _LISTS.values() else ""
    raise OptionError(
        f"column {name!r:.80}: no envelope has a path {path!r:.80}{hint}. "
        "A path goes below decision or meta, such as 'decision.question' or 'meta.model', but not into the "
        "lists of votes and citations; a function of the envelope may return anything"
    )


def from_meta(column: Column) -> bool:
    """Tell whether a column needs no more of an envelope than its ``meta``."""
    return isinstance(column.source, str) and steps(column.source)[0] == "meta"


def value_of(column: Column, envelope: Any) -> Any:
    """Return a column's value; ``envelope`` is a DecisionEnvelope, or {"meta": ...} where that is enough.

    Raises
    ------
    DoesNotFit
        The value is not of the column's type, or the callable raised.
    """
    try:
        value = _at(envelope, column.source) if isinstance(column.source, str) else column.source(envelope)
    except Exception as error:
        raise DoesNotFit(f"{column.name}: {type(error).__name__}: {error}") from error
    if column.type == "str" and value is not None and not isinstance(value, str):
        value = json_text(one_spelling(value))
    if value is None or _FITS[column.type](value):
        return value
    raise DoesNotFit(f"{column.name}: {str(value)!r:.80} is no {column.type}")


def _at(envelope: Any, path: Path) -> Any:
    here = envelope
    for key in steps(path):
        here = here.get(key) if isinstance(here, dict) else getattr(here, key, None)
    return here
