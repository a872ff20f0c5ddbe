"""Whether what a query says of a decision hangs on that decision alone, as it must in a scan."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

from pandas.api.types import is_list_like

from ..errors import OptionError
from .query import ANY, Query

_ROW_BY_ROW = {"isna", "isnull", "notna", "notnull", "isin", "between", "abs", "round", "fillna", "astype"}
_ACCESSORS = {"str", "dt"}  # what these give of a row hangs on that row alone
_OF_ALL = {"cat", "get_dummies", "freq"}  # but for these
_NUMBERS = {"index", "ilevel_0", "columns", "clevel_0"}  # to pandas, of rows and of columns


def check_row_by_row(query: Query, names: Mapping[str, Any]) -> None:
    """Refuse a query that looks at several decisions at once, where only a part of all is seen at a time.

    Raises
    ------
    OptionError
        It asks a column for what may do so, takes the number of a row, or compares each row with another
        value of a variable.
    """
    values = {name: names.get(written.removeprefix("@")) for name, written in query.written.items()}
    arrays = {name for name, value in values.items() if is_list_like(value)}
    lists = {name for name in arrays if isinstance(values[name], list | tuple)}
    for node in ast.walk(query.tree):
        is_side_by_side = _is_side_by_side(node, arrays, lists)
        if is_side_by_side or not _is_row_by_row(node, query):
            part = ast.unparse(node) if not isinstance(node, ast.Attribute) else node.attr
            for name, written in query.written.items():
                part = part.replace(name, written)
            any_of = f"; {ANY}" if is_side_by_side else ""
            raise OptionError(
                f"where {query.text!r:.200}: a scan sees some decisions at a time, and {part!r:.80} may look "
                f"at all: count it before and write @name for it, or use lab.read(...).where{any_of}"
            )


def _is_side_by_side(node: ast.AST, arrays: Collection[str], lists: Collection[str]) -> bool:
    """Tell whether each row meets another value of an array, and not all of them: of a list, == does."""

    def is_array(part: ast.expr, *, also_lists: bool) -> bool:
        if isinstance(part, ast.Name):
            return part.id in arrays and (also_lists or part.id not in lists)
        return also_lists and isinstance(part, ast.List | ast.Tuple)

    match node:
        case ast.Compare(left=left, ops=signs, comparators=others):
            pairs = zip(signs, pairwise([left, *others]), strict=True)
            return any(
                is_array(part, also_lists=not isinstance(sign, ast.Eq | ast.NotEq))
                for sign, pair in pairs
                if not isinstance(sign, ast.In | ast.NotIn)
                for part in pair
            )
        case ast.BinOp(left=left, right=right):
            return is_array(left, also_lists=True) != is_array(right, also_lists=True)
        case ast.Call(func=ast.Attribute(attr="between" | "fillna"), args=args):
            return any(is_array(part, also_lists=True) for part in args)
        case ast.UnaryOp(operand=part):
            return is_array(part, also_lists=False)
    return False


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
