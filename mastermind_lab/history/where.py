"""What a condition of ``where`` means: which entries it chooses, and how it is said in coverage."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from io import StringIO
from tokenize import TokenError, generate_tokens, untokenize
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import OptionError, check_names, column_advice
from ..frames import DECLARED, TEXT, Key, bound, id_key, is_id, moments_of

_ACCEPTED = (
    "expected a query ('confidence > 0.9'), a mask of one true or false a decision, "
    "a function of decisions that returns one, or the ids of entries"
)
_ZONE = "times here have a zone, UTC: give the other one too, as in pd.Timestamp('2026-11-01', tz='UTC')"
_BACKTICKS = "a column with a dot in its name stands between backticks, as in `meta.model`"
_TEXT = r"""'[^']*'|"[^"]*\""""
_COMPARED = r"\s*(?:[<>]=?|[=!]=)\s*"
_OF_A_ROW = (
    ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Constant, ast.List, ast.Tuple,
    ast.boolop, ast.unaryop, ast.operator, ast.cmpop, ast.expr_context,
)  # fmt: skip
_MIRRORED = {ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Eq: ast.Eq}
_WORDS = {"&": " and ", "|": " or "}
_LONGEST = 200  # characters of a query that coverage repeats
_ROW_BY_ROW = {"isna", "isnull", "notna", "notnull", "isin", "between", "abs", "round", "fillna", "astype"}
_ACCESSORS = {"str", "dt"}  # what these give of a row hangs on that row alone
_KNOWING = {np.dtype(np.float32): "Float32", np.dtype(np.float64): "Float64"}  # to these, too, NaN is unknown


def variables(condition: Any, where: FrameType | None) -> dict[str, Any]:
    """Return what a query's ``@name`` mean to the caller of ``where``, whose frame is given."""
    names = re.findall(r"@([^\W\d]\w*)", condition) if isinstance(condition, str) else []
    caller = where.f_back if where is not None and names else None
    there = {**caller.f_globals, **caller.f_locals} if caller is not None else {}
    return {name: there[name] for name in names if name in there}


def check_row_by_row(query: str) -> None:
    """Refuse a query that looks at several decisions at once, where only a part of all is seen at a time.

    Raises
    ------
    OptionError
        It calls a method that may do so, or takes the number of a row.
    """
    tree = _parsed(re.sub(r"`[^`]*`", "column_", query).replace("@", "variable_"))
    nodes = [*ast.walk(tree)] if tree else []  # what cannot be read is said when it is evaluated
    calls = (node.func for node in nodes if isinstance(node, ast.Call))
    over_all = [call.attr for call in calls if isinstance(call, ast.Attribute) and not _is_row_by_row(call)]
    over_all += [node.id for node in nodes if isinstance(node, ast.Name) and node.id == "index"]
    if over_all:
        raise OptionError(
            f"where {query!r:.200}: a scan sees some decisions at a time, and {over_all[0]!r:.80} may look "
            "at all: count it before and write @name for it, or use lab.read(...).where"
        )


def _is_row_by_row(method: ast.Attribute) -> bool:
    of = method.value
    return method.attr in _ROW_BY_ROW or (isinstance(of, ast.Attribute) and of.attr in _ACCESSORS)


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
        mask = _evaluated(decisions, condition, names)
        return _masked(decisions, mask, f"where {condition!r:.200}")
    if not callable(condition):
        return _ids_or_mask(decisions, condition, "the mask")
    try:
        result = condition(decisions)
    except Exception as error:
        raise OptionError(f"the function given to where failed: {_worded(error)}") from error
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
    tree = _parsed(condition)
    if tree is None or not all(map(_is_of_a_row, ast.walk(tree))):
        return None
    found = [one for part in _conjuncts(tree) for one in _reaches(part)]
    return (lambda first, last: all(one(first, last) for one in found)) if found else None


def _parsed(query: str) -> ast.expr | None:
    """Parse a query as pandas does, to which & and | bind as loosely as the words; None where it is none."""
    try:
        tokens = generate_tokens(StringIO(query.strip()).readline)
        worded = untokenize((kind, _WORDS.get(text, text)) for kind, text, *_ in tokens)
        return ast.parse(worded.strip(), mode="eval").body
    except (SyntaxError, TokenError, ValueError, RecursionError, MemoryError):
        return None


def _is_of_a_row(node: ast.AST) -> bool:
    """Tell whether a part of a query says the same of a row whatever other rows and columns there are."""
    return node.id in DECLARED["decisions"] if isinstance(node, ast.Name) else isinstance(node, _OF_A_ROW)


def _conjuncts(tree: ast.expr) -> Iterator[ast.expr]:
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        for part in tree.values:
            yield from _conjuncts(part)
    else:
        yield tree


def _reaches(part: ast.expr) -> Iterator[Callable[[Key, Key], bool]]:
    """Read what comparisons say of an entry's id or its time; what they do not say reaches over all."""
    if isinstance(part, ast.Compare):
        sides = [part.left, *part.comparators]
        for left, operator, right in zip(sides, part.ops, sides[1:], strict=False):
            yield from _reach(left, type(operator), right)
            yield from _reach(right, _MIRRORED.get(type(operator)), left)


def _reach(name: ast.expr, sign: type | None, value: ast.expr) -> Iterator[Callable[[Key, Key], bool]]:
    column = name.id if isinstance(name, ast.Name) else ""
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
    return re.findall(r"`([^`]+)`", condition) if isinstance(condition, str) else []


def unknown_column(name: str, columns: Iterable[str], query: str) -> OptionError:
    """Make the error for a query that names a column that is not there."""
    hint = f": {advice}" if (advice := column_advice(name, columns)) else ""
    return OptionError(f"where {query!r:.200}: no column {name!r:.80}{hint}")


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


def _evaluated(decisions: pd.DataFrame, query: str, names: Mapping[str, Any]) -> pd.Series:
    if is_id(query.strip()):
        raise OptionError(f"where {query!r:.80} is one id: put it in a list")
    for name in quoted_names(query):
        if name not in decisions:
            raise unknown_column(name, decisions.columns, query)
    worded, moments = _with_moments(query, decisions)
    try:
        compared = decisions.astype(_kinds(query, decisions))
        found = compared.eval(worded, local_dict=dict(names), global_dict={}, resolvers=[moments])
    except Exception as error:
        hint = "" if "`" in query or "." not in query else f" ({_BACKTICKS})"
        hint = f" ({_ZONE})" if "Invalid comparison between dtype=datetime64" in str(error) else hint
        raise OptionError(f"where {query!r:.200} cannot be read: {_worded(error)}{hint}") from error
    if not isinstance(found, pd.Series):
        hint = "write == to compare" if re.search(r"(?<![=<>!])=(?!=)", query) else _ACCEPTED
        raise OptionError(f"where {query!r:.200} gives no true or false for each decision: {hint}")
    return found


def _kinds(query: str, decisions: pd.DataFrame) -> dict[Any, Any]:
    """Say of what kinds a query's columns are to be, for a missing number to mean the same in all of them.

    What is whole numbers in one batch is floats in another, and of no kind at all where it is all missing.
    """
    named = {name: kind for name, kind in decisions.dtypes.items() if str(name) in query}
    kinds: dict[Any, Any] = {name: _KNOWING[kind] for name, kind in named.items() if kind in _KNOWING}
    texts = [name for name, kind in named.items() if kind == "boolean" and f"`{name}`.str" in query]
    return kinds | {name: TEXT for name in texts if decisions[name].isna().all()}


def _with_moments(query: str, decisions: pd.DataFrame) -> tuple[str, dict[str, Any]]:
    """Name the moments that a query compares times with: as texts, without a zone, pandas takes none."""
    times = [re.escape(str(name)) for name, kind in decisions.dtypes.items() if _has_zone(kind)]
    moments: dict[str, Any] = {}

    def named(value: Any) -> str:
        moments[f"moment_{len(moments)}_"] = value
        return [*moments][-1]

    def compared(found: re.Match[str]) -> str:
        return re.sub(_TEXT, lambda text: named(_moment(text[0])), found[0])

    def listed(found: re.Match[str]) -> str:
        return found[1] + named([_moment(text) for text in re.findall(_TEXT, found[2])])

    if times:
        name = "(?:" + "|".join(rf"`{time}`|(?<![\w.@`]){time}(?![\w.`(])" for time in times) + ")"
        query = re.sub(rf"({name}\s+(?:not\s+)?in\s*)([\[(](?:{_TEXT}|[\s,])*[\])])", listed, query)
        query = re.sub(rf"{name}{_COMPARED}(?:{_TEXT})", compared, query)
        query = re.sub(rf"(?:{_TEXT}){_COMPARED}(?={name})", compared, query)
    return query, moments


def _has_zone(kind: Any) -> bool:
    return isinstance(kind, pd.DatetimeTZDtype)


def _moment(text: str) -> pd.Timestamp:
    """Read a quoted moment, which is UTC without a zone, as in bounds."""
    moment: Any = None
    with suppress(OptionError):  # whose words are of bounds, which may be more than a moment
        moment = bound("where", text[1:-1], is_lower=True)
    if not isinstance(moment, int):
        raise OptionError(
            f"where: {text:.80} is compared with times and is none: expected a date, '2026-11-01', or "
            "'2026-11-01 10:30' (UTC; or with a zone: '2026-11-01T10:30+01:00')"
        )
    return pd.Timestamp(np.datetime64(moment, "us")).tz_localize("UTC")


def _worded(error: Exception) -> str:
    return f"{type(error).__name__}: {error!s:.200}"


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
