"""Queries of ``where``: what pandas' ``query`` takes, and times that are compared with texts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

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
ANY = "for any value of a list, write in: confidence in [0.5, 0.6]"
"""What to write instead of a comparison with a list."""
_RECKON = (
    "pandas adds a span to no time in a query: give where a function, as in "
    "lambda decisions: decisions['published_at'] - start > pd.Timedelta('1D')"
)
_ROUNDED = {"floor", "ceil", "round", "normalize"}  # what these make of times are times of UTC, too
_TAKE_TIMES = {"isin", "between", "fillna"}


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
        hint = f" ({advice})" if (advice := _advice(error, query)) else ""
        raise OptionError(f"where {query.text!r:.200} cannot be read: {worded(error)}{hint}") from error


def _advice(error: Exception, query: Query) -> str:
    """Say what to write instead of what pandas refuses."""
    said = str(error)
    if "Invalid comparison between dtype=datetime64" in said:
        return _ZONE
    if isinstance(error, TypeError) and ("datetime64" in said or "Timedelta" in said):
        return _RECKON
    if "Lengths must match" in said:
        return ANY
    is_of_a_name = isinstance(error, NameError | AttributeError)
    return _BACKTICKS if is_of_a_name and not query.quoted and "." in query.text else ""


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
        for one, other in [*pairwise(sides), *pairwise(sides[::-1])]:
            self._check_zone(one, other)
        of_times = [False, *map(self._is_of_times, sides), False]
        beside = [before or behind for before, behind in zip(of_times, of_times[2:], strict=False)]
        node.left, *node.comparators = map(self._named, sides, beside)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Name those that times are looked for among, or between, or filled up with."""
        self.generic_visit(node)
        method = node.func
        if isinstance(method, ast.Attribute) and method.attr in _TAKE_TIMES:
            for one in node.args:
                self._check_zone(method.value, one)
            node.args = [self._named(one, self._is_of_times(method.value)) for one in node.args]
        return node

    def _is_of_times(self, node: ast.expr) -> bool:
        return self._zone(node) == "UTC"

    def _zone(self, node: ast.expr) -> str | None:
        """Tell whether times are of UTC, or of days or of another zone; None of what is none."""
        match node:
            case ast.Call(ast.Attribute(ast.Attribute(times, "dt"), "tz_convert"), [ast.Constant("UTC")]):
                return self._zone(times)
            case ast.Call(ast.Attribute(ast.Attribute(times, "dt"), "tz_convert"), [ast.Constant(None)]):
                return None  # pandas compares times without a zone with texts by itself
            case ast.Call(func=ast.Attribute(value=ast.Attribute(value=times, attr="dt"), attr=attr)):
                zone = self._zone(times)
                return zone if attr in _ROUNDED else "another" if zone and attr == "tz_convert" else None
            case ast.Attribute(value=ast.Attribute(value=times, attr="dt"), attr="date"):
                return "another" if self._zone(times) else None
            case ast.Call(func=ast.Attribute(value=times, attr="fillna")):
                return self._zone(times)
        return "UTC" if self.query.column(node) in self.times else None

    def _check_zone(self, node: ast.expr, other: ast.expr) -> None:
        """Refuse to compare days, or times of another zone, with a text: no one would equal another."""
        value: Any = self._value(other) if self._zone(node) == "another" else None
        if any(isinstance(one, str) for one in (value if is_list_like(value) else [value])):
            raise OptionError(
                f"where: {value!r:.80} is a text, and compared with .dt.date or .dt.tz_convert: compare the "
                "time itself, or .dt.normalize(), which is its day, both of UTC; or give a function"
            )

    def _named(self, node: ast.expr, is_beside_times: bool) -> ast.expr:
        value: Any = self._value(node) if is_beside_times else None
        if isinstance(value, _MOMENTS):
            moments: Any = _moment(value)
        elif is_list_like(value) and any(isinstance(one, _MOMENTS) for one in value):
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


_MOMENTS = (str, date, np.datetime64, int, float)
"""What may be meant as a moment."""


def _moment(value: Any) -> Any:
    """Read a moment; as a text, it is UTC where it says no zone, as in bounds."""
    moment: Any = None
    if isinstance(value, str):
        with suppress(OptionError):  # whose words are of bounds, which may be more than a moment
            moment = bound("where", value, is_lower=True)
    elif pd.isna(value):
        return pd.NaT
    elif isinstance(value, date | np.datetime64):
        if pd.Timestamp(value).tz is None:
            raise OptionError(f"where: {value!s:.80} has no zone: {_ZONE}")
        return value
    elif not isinstance(value, _MOMENTS):
        return value
    if not isinstance(moment, int):
        raise OptionError(
            f"where: {value!r:.80} is compared with times and is none: expected a date, '2026-11-01', or "
            "'2026-11-01 10:30' (UTC; or with a zone: '2026-11-01T10:30+01:00')"
        )
    return pd.Timestamp(np.datetime64(moment, "us")).tz_localize("UTC")
