"""What is changed: a comparison, a sign, a bound, a condition, a statement, a keyword argument, a number."""

from __future__ import annotations

import ast
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import accumulate, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

LEFT_OUT = ("TypeVar", "NewType", "cast")
LOOKS = {
    "color", "edgecolor", "facecolor", "markerfacecolor", "markeredgewidth", "markersize", "markevery",
    "alpha", "linewidth", "linestyle", "fontsize", "labelsize", "layout", "height_ratios", "va", "ha",
    "zorder", "nbins", "pad", "padding", "strict",
}  # fmt: skip

NEIGHBOURS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
}  # fmt: skip
BOUNDS = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Change(NamedTuple):
    """One change: where, in which function, what it does; the bytes of the file, and what stands for them."""

    file: str
    line: int
    function: str
    what: str
    first: int
    last: int
    other: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.function or 'the module'}  {self.what}"

    def made(self, source: bytes) -> bytes:
        """Make it in the whole file."""
        return source[: self.first] + self.other.encode() + source[self.last :]

    @property
    def folder(self) -> str:
        return self.file.partition("/")[0] if "/" in self.file else "."

    @property
    def name(self) -> str:
        """What it is listed by: lines move."""
        return f"{self.file}  {self.function or 'the module'}  {self.what}"


def others(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Say what could stand in place of a node, or of one that belongs to it."""
    match node:
        case ast.Compare(left, [op], right) if type(op) in NEIGHBOURS:
            yield node, ast.Compare(left, [NEIGHBOURS[type(op)]()], right)
        case ast.BoolOp(op, values):
            yield node, ast.BoolOp(NEIGHBOURS[type(op)](), values)
        case ast.BinOp(left, op, right) if type(op) in NEIGHBOURS:
            yield node, ast.BinOp(left, NEIGHBOURS[type(op)](), right)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield node, operand
        case ast.Constant(bool(value)):
            yield node, ast.Constant(not value)
        case ast.Constant(int(value)):
            yield node, ast.Constant(value + 1)
        case ast.Name(name) if name in BOUNDS:
            yield node, ast.Name(BOUNDS[name])
        case ast.Call(function, values, keywords):
            for left_out in keywords:
                if left_out.arg and left_out.arg not in LOOKS:
                    yield node, ast.Call(function, values, [one for one in keywords if one is not left_out])
        case ast.Expr(ast.Call() | ast.Await()) | ast.AugAssign() | ast.Raise() | ast.Delete():
            yield node, ast.Pass()
        case ast.Assign([ast.Attribute() | ast.Subscript()]) | ast.Break():
            yield node, ast.Pass()
        case ast.Continue():
            yield node, ast.Break()
        case ast.If(test) | ast.IfExp(test) | ast.While(test) | ast.comprehension(ifs=[test]):
            if not isinstance(test, ast.Compare | ast.UnaryOp | ast.Constant):  # which are changed anyhow
                yield test, ast.UnaryOp(ast.Not(), test)


class Changes(ast.NodeVisitor):
    """All changes to one file of a package."""

    def __init__(self, package: Path, file: Path) -> None:
        self._file = str(file.relative_to(package))
        self._starts = [0, *accumulate(map(len, file.read_bytes().splitlines(keepends=True)))]
        self._inside: list[str] = []
        self.found: list[Change] = []
        self.visit(ast.parse(file.read_bytes()))

    def visit(self, node: ast.AST) -> None:
        match node:
            case ast.keyword(name) if name in LOOKS:
                return
            case ast.JoinedStr() | ast.arg():  # before Python 3.12 places in an f-string are not known
                return
            case ast.If(ast.Name("TYPE_CHECKING")):
                return
            case ast.Call(ast.Name(name)) if name in LEFT_OUT:
                return
            case ast.AnnAssign(value=value):
                if value:
                    self.visit(value)
                return
        for place, other in others(node):
            self._add(place, other)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._inside.append(node.name)
            parts = [node.args, *node.body] if not isinstance(node, ast.ClassDef) else node.body
            for part in parts:
                self.visit(part)
            self._inside.pop()
        else:
            self.generic_visit(node)

    def _add(self, place: Any, other: ast.AST) -> None:
        first = self._starts[place.lineno - 1] + place.col_offset
        last = self._starts[place.end_lineno - 1] + place.end_col_offset
        text = ast.unparse(ast.fix_missing_locations(other))
        what = f"{' '.join(ast.unparse(place).split())[:90]}  ->  {text[:90]}"
        text = f"({text})" if isinstance(other, ast.expr) else text
        self.found.append(Change(self._file, place.lineno, ".".join(self._inside), what, first, last, text))


def equivalent(listed: Path) -> frozenset[str]:
    """Read the names of the changes that nobody could notice, as the comments above them say."""
    lines = listed.read_text().splitlines() if listed.exists() else []
    return frozenset(line for line in lines if line and not line.startswith("#"))


def sampled(package: Path, seed: int, count: int, folders: list[str], at: list[str]) -> list[Change]:
    """Choose changes: as many of each folder, until it has no more."""
    by_folder = defaultdict(list)
    for file in sorted(package.rglob("*.py")):
        for change in Changes(package, file).found:
            if f"{change.file}:{change.line}" in at if at else change.folder in (folders or [change.folder]):
                by_folder[change.folder].append(change)
    if at:
        return [change for changes in by_folder.values() for change in changes]
    turns = zip_longest(*(drawn(changes, seed) for changes in by_folder.values()))
    return [change for turn in turns for change in turn if change][:count]


def drawn(changes: list[Change], seed: int) -> list[Change]:
    """Put them in an order by chance that each keeps when other code is changed."""
    places, alike = {}, Counter[str]()
    for change in changes:
        places[change] = random.Random(f"{seed} {alike[change.name]} {change.name}").random()
        alike[change.name] += 1
    return sorted(changes, key=places.__getitem__)
