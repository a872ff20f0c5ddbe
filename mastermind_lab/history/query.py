"""Queries of ``where``: what pandas' ``query`` takes, and times that are compared with texts."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..errors import OptionError, column_advice
from ..frames import TEXT, bound, is_id

# A text, with whatever is in it, is a piece of its own.
_PIECES = re.compile(
    r"""'{3}(?:\\.|[^\\])*?'{3}|"{3}(?:\\.|[^\\])*?"{3}|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
    r"|(?P<name>`(?:[^`]|``)*`|@[^\W\d]\w*)|(?P<sign>[&|])|(?P<comment>\#[^\n]*)",
    re.DOTALL,
)
_WORDS = {"&": " and ", "|": " or "}  # to pandas the signs bind as loosely as the words
_ZONE = "times here have a zone, UTC: give the other one too, as in pd.Timestamp('2026-11-01', tz='UTC')"
_BACKTICKS = "a column with a dot in its name stands between backticks, as in `meta.model`"
_EQUALS = "write == to compare"
_ROW_BY_ROW = {"isna", "isnull", "notna", "notnull", "isin", "between", "abs", "round", "fillna", "astype"}
_ACCESSORS = {"str", "dt"}  # what these give of a row hangs on that row alone
_OF_ALL = {"cat", "get_dummies", "freq"}  # but for these
_NUMBERS = {"index", "ilevel_0", "columns", "clevel_0"}  # to pandas, of rows and of columns


@dataclass(frozen=True)
class Query:
    """A query, read.

    Attributes
    ----------
    text
        As it was written.
    tree
        Its syntax.
    mark
        How names begin that the text has not.
    written
        What stands in the text for names that are none to Python, a column between backticks or a variable
        with its @, by the names that the tree has instead.
    """

    text: str
    tree: ast.expr
    mark: str
    written: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> Query:
        """Read a query.

        Raises
        ------
        OptionError
            It cannot be read, or is an id.
        """
        if is_id(text.strip()):
            raise OptionError(f"where {text!r:.80} is one id: put it in a list")
        written: dict[str, str] = {}
        mark = "_"
        while mark in text:
            mark += "_"

        def plain(piece: re.Match[str]) -> str:
            if not piece["name"]:
                return "" if piece["comment"] else _WORDS.get(piece[0], piece[0])
            name = f"{mark}{len(written)}"
            written[name] = piece[0]
            return f" {name} "

        try:
            tree = ast.parse(_PIECES.sub(plain, text).strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            hint = f" ({_EQUALS})" if re.search(r"(?<![=<>!])=(?!=)", text) else ""
            raise OptionError(f"where {text!r:.200} cannot be read: {worded(error)}{hint}") from error
        return cls(text, tree, mark, written)

    @property
    def quoted(self) -> list[str]:
        """The columns that stand between backticks."""
        return [_unquoted(name) for name in self.written.values() if name.startswith("`")]

    @property
    def variables(self) -> list[str]:
        """The variables of the caller's."""
        return [name[1:] for name in self.written.values() if name.startswith("@")]

    def column(self, node: ast.AST) -> str | None:
        """Return the name of the column that a part of the tree is; None where it is something else."""
        if not isinstance(node, ast.Name):
            return None
        name = self.written.get(node.id, node.id)
        return None if name.startswith("@") else _unquoted(name)

    def columns_in(self, node: ast.AST) -> Iterator[str]:
        """Name the columns that a part of the tree holds."""
        return (name for one in ast.walk(node) if (name := self.column(one)) is not None)


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def evaluate(query: Query, decisions: pd.DataFrame, variables: Mapping[str, Any]) -> Any:
    """Return what a query makes of decisions.

    Raises
    ------
    OptionError
        It names a column or a variable that is not there, or cannot be evaluated.
    """
    for name in query.quoted:
        if name not in decisions:
            raise unknown_column(name, decisions.columns, query.text)
    there = decisions[[name for name in dict.fromkeys(query.columns_in(query.tree)) if name in decisions]]
    there = pd.DataFrame(_with_unknown(query, there), index=there.index)
    names = dict(_values(query, there, variables))
    try:
        text = ast.unparse(_Moments(query, there, names).visit(query.tree))
        return there.eval(text, engine="python", local_dict={}, global_dict={}, resolvers=[names])
    except OptionError:
        raise
    except Exception as error:
        hint = "" if query.quoted or "." not in query.text else f" ({_BACKTICKS})"
        hint = f" ({_ZONE})" if "Invalid comparison between dtype=datetime64" in str(error) else hint
        raise OptionError(f"where {query.text!r:.200} cannot be read: {worded(error)}{hint}") from error


def unknown_column(name: str, columns: Iterable[str], query: str) -> OptionError:
    """Make the error for a query that names a column that is not there."""
    hint = f": {advice}" if (advice := column_advice(name, columns)) else ""
    return OptionError(f"where {query!r:.200}: no column {name!r:.80}{hint}")


def worded(error: Exception) -> str:
    """Say what was raised."""
    return f"{type(error).__name__}: {error!s:.200}"


def _values(query: Query, columns: pd.DataFrame, variables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what the names are that the tree has instead of others."""
    for name, written in query.written.items():
        if written.startswith("`"):
            yield name, columns[_unquoted(written)]
        elif written[1:] in variables:
            yield name, variables[written[1:]]
        else:
            raise OptionError(
                f"where {query.text!r:.200}: {written[1:]!r:.80} is not defined where you call it"
            )


def _with_unknown(query: Query, columns: pd.DataFrame) -> dict[Any, pd.Series[Any]]:
    """Return a query's columns of kinds in all of which a missing number means the same.

    What is whole numbers in one batch is floats in another, and of no kind at all where it is all missing.
    """
    of_text = (
        node.value for node in ast.walk(query.tree) if isinstance(node, ast.Attribute) and node.attr == "str"
    )
    texts = {name for node in of_text if (name := query.column(node)) in columns}
    found = {name: _unknown_if_nan(column) for name, column in columns.items()}
    return found | {
        name: column.astype(TEXT)
        for name in texts
        if (column := columns[name]).dtype == "boolean" and column.isna().all()
    }


def _unknown_if_nan(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.dtype not in (np.float32, np.float64):
        return column
    values = column.to_numpy()  # a cast would ask the user's settings what NaN is
    return pd.Series(pd.arrays.FloatingArray(values, np.isnan(values)), column.index)


class _Moments(ast.NodeTransformer):
    """Names the moments that times are compared with: pandas takes none that is a text, or has no zone."""

    def __init__(self, query: Query, columns: pd.DataFrame, names: dict[str, Any]) -> None:
        self.query, self.names = query, names
        self.times = {name for name, kind in columns.dtypes.items() if isinstance(kind, pd.DatetimeTZDtype)}

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Name them on either side of times."""
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        of_times = [False, *map(self._is_of_times, sides), False]
        beside = [before or behind for before, behind in zip(of_times, of_times[2:], strict=False)]
        node.left, *node.comparators = map(self._named, sides, beside)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Name those that times are looked for among."""
        self.generic_visit(node)
        method = node.func
        if isinstance(method, ast.Attribute) and method.attr == "isin" and self._is_of_times(method.value):
            node.args = [self._named(one, True) for one in node.args]
        return node

    def _is_of_times(self, node: ast.expr) -> bool:
        return self.query.column(node) in self.times

    def _named(self, node: ast.expr, is_beside_times: bool) -> ast.expr:
        value: Any = self._value(node) if is_beside_times else None
        if isinstance(value, str | datetime | np.datetime64):
            moments: Any = _moment(value)
        elif pd.api.types.is_list_like(value) and any(
            isinstance(one, str | datetime | np.datetime64) for one in value
        ):
            moments = [*map(_moment, value)]
        else:
            return node
        self.names[name := f"{self.query.mark}moment{len(self.names)}"] = moments
        return ast.Name(name, ast.Load())

    def _value(self, node: ast.expr) -> Any:
        """Return what is written, or a variable's value; None where it is something else."""
        if isinstance(node, ast.Name):
            return None if self.query.column(node) else self.names[node.id]
        with suppress(ValueError):
            return ast.literal_eval(node)
        return None


def _moment(value: Any) -> Any:
    """Read a moment; as a text, it is UTC where it says no zone, as in bounds."""
    if not isinstance(value, str):
        if (
            value is not pd.NaT
            and isinstance(value, datetime | np.datetime64)
            and pd.Timestamp(value).tz is None
        ):
            raise OptionError(f"where: {value!s:.80} has no zone: {_ZONE}")
        return value
    moment: Any = None
    with suppress(OptionError):  # whose words are of bounds, which may be more than a moment
        moment = bound("where", value, is_lower=True)
    if not isinstance(moment, int):
        raise OptionError(
            f"where: {value!r:.80} is compared with times and is none: expected a date, '2026-11-01', or "
            "'2026-11-01 10:30' (UTC; or with a zone: '2026-11-01T10:30+01:00')"
        )
    return pd.Timestamp(np.datetime64(moment, "us")).tz_localize("UTC")


def check_row_by_row(query: Query, names: Mapping[str, Any]) -> None:
    """Refuse a query that looks at several decisions at once, where only a part of all is seen at a time.

    Raises
    ------
    OptionError
        It asks a column for what may do so, takes the number of a row, or compares each row with another
        value of a variable.
    """
    values = {name: names.get(written.removeprefix("@")) for name, written in query.written.items()}
    arrays = {name for name, value in values.items() if isinstance(value, pd.Series | pd.Index | np.ndarray)}
    for node in ast.walk(query.tree):
        if not _is_row_by_row(node, query) or _is_side_by_side(node, arrays):
            part = ast.unparse(node) if not isinstance(node, ast.Attribute) else node.attr
            for name, written in query.written.items():
                part = part.replace(name, written)
            raise OptionError(
                f"where {query.text!r:.200}: a scan sees some decisions at a time, and {part!r:.80} may look "
                "at all: count it before and write @name for it, or use lab.read(...).where"
            )


def _is_side_by_side(node: ast.AST, arrays: Collection[str]) -> bool:
    """Tell whether each row meets another value of an array, and not all of them."""
    match node:
        case ast.Compare(left=left, ops=signs, comparators=others):
            pairs = zip(signs, pairwise([left, *others]), strict=True)
            parts = [
                part for sign, pair in pairs if not isinstance(sign, ast.In | ast.NotIn) for part in pair
            ]
        case ast.BinOp(left=left, right=right):
            parts = [left, right]
        case _:
            return False
    return any(isinstance(part, ast.Name) and part.id in arrays for part in parts)


def _is_row_by_row(node: ast.AST, query: Query) -> bool:
    """Tell whether what a part of a query says of a row hangs on that row alone, if its own parts do."""

    def of_rows(part: ast.AST) -> bool:
        return any(True for _ in query.columns_in(part))

    match node:
        case ast.Name(id=name):
            return name not in _NUMBERS
        case ast.Attribute(value=value, attr=attr) if of_rows(value):
            is_of_one = isinstance(value, ast.Attribute) and value.attr in _ACCESSORS
            return attr in _ACCESSORS | _ROW_BY_ROW or (is_of_one and attr not in _OF_ALL)
        case ast.Subscript(value=ast.Attribute(attr="str"), slice=place):
            return not of_rows(place)
        case ast.Call(func=ast.Attribute(value=value, attr=attr), args=args, keywords=named):
            takes_rows = any(map(of_rows, (*args, *named)))
            return not takes_rows or (of_rows(value) and attr != "isin")
        case ast.Call(func=ast.Name(id=name)):
            return name not in query.written or not of_rows(node)
        case ast.Compare(left=left, ops=signs, comparators=others):
            pairs = zip(signs, [left, *others], others, strict=False)
            return not any(
                isinstance(sign, ast.In | ast.NotIn) and of_rows(one) and of_rows(other)
                for sign, one, other in pairs
            )
        case ast.Subscript() | ast.List() | ast.Tuple():
            return not of_rows(node)
    return True
