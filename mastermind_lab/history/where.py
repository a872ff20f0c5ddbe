"""What a condition of ``where`` means: which entries it chooses, and how it is said in coverage."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import OptionError, check_names
from ..frames import DECLARED, Key, bound, id_key, is_id, moments_of
from .query import Query, evaluate, worded

_ACCEPTED = (
    "expected a query ('confidence > 0.9'), a mask of one true or false a decision, "
    "a function of decisions that returns one, or the ids of entries"
)
_OF_A_ROW = (
    ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Constant, ast.List, ast.Tuple,
    ast.boolop, ast.unaryop, ast.operator, ast.cmpop, ast.expr_context,
)  # fmt: skip
_MIRRORED = {ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Eq: ast.Eq}
_LONGEST = 200  # characters of a query that coverage repeats


def variables(condition: Any, where: FrameType | None) -> dict[str, Any]:
    """Return what a query's ``@name`` mean to the caller of ``where``, whose frame is given."""
    names = Query.of(condition).variables if isinstance(condition, str) else []
    caller = where.f_back if where is not None and names else None
    there = {**caller.f_globals, **caller.f_locals} if caller is not None else {}
    return {name: there[name] for name in names if name in there}


def chosen(decisions: pd.DataFrame, condition: Any, names: Mapping[str, Any]) -> pa.Array:
    """Return the ids that a condition names or chooses.

    Parameters
    ----------
    decisions
        The frame.
    condition
        What :meth:`History.where` takes.
    names
        The variables that a query may mean by ``@name``.

    Raises
    ------
    OptionError
        It makes no sense; the message says why.
    """
    check_names("decisions", decisions)
    if isinstance(condition, str):
        found = evaluate(Query.of(condition), decisions, names)
        if not isinstance(found, pd.Series):
            raise OptionError(
                f"where {condition!r:.200} gives no true or false for each decision: {_ACCEPTED}"
            )
        return _masked(decisions, found, f"where {condition!r:.200}")
    if not callable(condition):
        return _ids_or_mask(decisions, condition, "the mask")
    try:
        result = condition(decisions)
    except Exception as error:
        raise OptionError(f"the function given to where failed: {worded(error)}") from error
    return _ids_or_mask(decisions, result, "the function's result")


def ids_in(condition: Any) -> list[str] | None:
    """Return the ids that a condition lists; None where it is a mask.

    Raises
    ------
    OptionError
        It lists texts that are no ids.
    """
    if isinstance(condition, pd.DataFrame):
        if "stream_id" not in condition:
            raise OptionError(f"where cannot use a DataFrame without a column stream_id: {_ACCEPTED}")
        condition = condition["stream_id"]
    values = _listed(condition)
    is_mask = isinstance(condition, pd.Series | np.ndarray) and condition.dtype == bool
    if is_mask or not all(isinstance(value, str) for value in values):
        return None
    wrong = [value for value in values if not is_id(value)]
    if wrong:
        raise OptionError(f"where: {wrong[0]!r:.80} is no id such as '1735580000000-0': {_ACCEPTED}")
    return list(values)


def reach(condition: Any) -> Callable[[Key, Key], bool] | None:
    """Tell between which ids there may be what a condition chooses, before anything is read.

    Returns
    -------
    callable or None
        Takes what the first and the last id of some entries sort by. None where only all decisions can tell:
        the condition is a mask, a function, or a query that says more than how declared columns of a row
        compare with constants, or says neither ``stream_id`` nor ``streamed_at`` of all that it chooses.
    """
    if not isinstance(condition, str):
        ids = None if callable(condition) else ids_in(condition)
        return None if ids is None else _one_of(ids)
    query = Query.of(condition)
    if not all(_is_of_a_row(node, query) for node in ast.walk(query.tree)):
        return None
    found = [one for part in _conjuncts(query.tree) for one in _reaches(part, query)]
    return (lambda first, last: all(one(first, last) for one in found)) if found else None


def _is_of_a_row(node: ast.AST, query: Query) -> bool:
    """Tell whether a part of a query says the same of a row whatever other rows and columns there are."""
    return query.column(node) in DECLARED["decisions"] or isinstance(node, _OF_A_ROW)


def _conjuncts(tree: ast.expr) -> Iterator[ast.expr]:
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        for part in tree.values:
            yield from _conjuncts(part)
    else:
        yield tree


def _reaches(part: ast.expr, query: Query) -> Iterator[Callable[[Key, Key], bool]]:
    """Read what comparisons say of an entry's id or its time; what they do not say reaches over all."""
    if isinstance(part, ast.Compare):
        sides = [part.left, *part.comparators]
        for left, operator, right in zip(sides, part.ops, sides[1:], strict=False):
            yield from _reach(query.column(left), type(operator), right)
            yield from _reach(query.column(right), _MIRRORED.get(type(operator)), left)


def _reach(column: str | None, sign: type | None, value: ast.expr) -> Iterator[Callable[[Key, Key], bool]]:
    with suppress(ValueError, OverflowError, OptionError):
        said = ast.literal_eval(value)
        ids = said if sign is ast.In and isinstance(said, list | tuple) else [said]
        if column == "stream_id" and sign in (ast.Eq, ast.In) and all(isinstance(one, str) for one in ids):
            yield _one_of([one for one in ids if is_id(one)])
        elif column == "streamed_at" and isinstance(said, str):
            moment = bound("where", said, is_lower=True)
            yield from _around(sign, moment // 1_000) if isinstance(moment, int) else ()


def _one_of(ids: list[str]) -> Callable[[Key, Key], bool]:
    keys = sorted(map(id_key, ids))
    return lambda first, last: bisect_right(keys, last) > bisect_left(keys, first)


def _around(sign: type | None, milliseconds: int) -> Iterator[Callable[[Key, Key], bool]]:
    # A moment may lie within a millisecond.
    if sign in (ast.Gt, ast.GtE, ast.Eq):
        yield lambda first, last: moments_of(first, last)[1] >= milliseconds - 1
    if sign in (ast.Lt, ast.LtE, ast.Eq):
        yield lambda first, last: moments_of(first, last)[0] <= milliseconds + 1


def in_words(condition: Any, absent: int = 0) -> str:
    """Say a condition in coverage's words, and how many of the ids that it names are not there."""
    if isinstance(condition, str):
        words = condition if len(condition) <= _LONGEST else condition[: _LONGEST - 1] + "…"
    elif callable(condition):
        words = getattr(condition, "__name__", type(condition).__name__)
    else:
        ids = ids_in(condition)
        words = "true in a mask" if ids is None else f"one of {len(set(ids)):,} ids"
    return f"where {words}" + (f" ({absent:,} are not there)" if absent else "")


def quoted_names(condition: Any) -> list[str]:
    """Name the columns that a query writes between backticks."""
    return Query.of(condition).quoted if isinstance(condition, str) else []


def _listed(condition: Any) -> list[Any]:
    for method in ("tolist", "to_pylist"):
        if hasattr(condition, method):
            found: list[Any] = getattr(condition, method)()
            return found
    if isinstance(condition, Iterable) and not isinstance(condition, bytes | dict | Iterator):
        return list(condition)
    hint = "make it a list" if isinstance(condition, Iterator) else _ACCEPTED
    raise OptionError(f"where cannot use a {type(condition).__name__}: {hint}")


def _ids_or_mask(decisions: pd.DataFrame, condition: Any, what: str) -> pa.Array:
    ids = ids_in(condition)
    if ids is None:
        return _masked(decisions, condition, what)
    return pa.array(ids, pa.large_string())


def _masked(decisions: pd.DataFrame, mask: Any, what: str) -> pa.Array:
    """Return the ids where a mask is true, a value a decision; what it does not know is not true."""
    column = mask if isinstance(mask, pd.Series) else pd.Series(_listed(mask), dtype=object)
    if len(column) != len(decisions):
        raise OptionError(f"{what} has {len(column):,} values for {len(decisions):,} decisions: {_ACCEPTED}")
    if isinstance(mask, pd.Series) and not mask.index.equals(decisions.index):
        if not mask.index.is_unique or set(mask.index) != set(decisions.index):
            raise OptionError(f"{what} has another index than decisions: give it as an array, in their order")
        column = mask.reindex(decisions.index)
    try:
        true = pd.array(column.to_numpy(object), dtype="boolean").fillna(False).to_numpy(bool)
    except TypeError as error:
        raise OptionError(f"{what} holds other values than true and false: {_ACCEPTED}") from error
    return pa.array(decisions["stream_id"][true], pa.large_string())
