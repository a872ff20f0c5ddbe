"""Change the code in one place at a time, and see whether a test notices.

    .venv/bin/python tests/faults/mutation.py --seed 1 --count 300          # as many places of every folder
    .venv/bin/python tests/faults/mutation.py --count 40 --folder live
    .venv/bin/python tests/faults/mutation.py --at live/window.py:108       # all changes to one line

A comparison, a sign or a bound is exchanged for its neighbour, a condition turned round, a statement or a
keyword argument left out, a whole number made one larger; how a drawing looks is taste, and stays. What runs
are the ordinary tests that ran the changed function, for ``--budget`` seconds at most, in a copy of the tree.
Which test runs which function is found out once, by running all of them in a copy that notes it down
(``--survey`` says where), and again for each file of tests that was changed since.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from hashlib import sha256
from itertools import accumulate, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "mastermind_lab"
PRELOADED = """pandas pyarrow.parquet pyarrow.dataset pydantic msgspec redis.asyncio ipywidgets
    matplotlib.pyplot matplotlib.backends.backend_agg pytest pytest_asyncio hypothesis xdist
    typer rich.live scipy.stats"""
_TOGETHER = 10  # files of tests, whose survey is kept when the next ones begin
QUIET = "ignore::pytest.PytestAssertRewriteWarning"  # pytest's plugins are loaded before it
OPTIONS = ["-n", "0", "-q", "-x", "-p", "no:cacheprovider", "-W", QUIET]
LEFT_OUT = ("TypeVar", "NewType", "cast")
LOOKS = {
    "color", "linewidth", "linestyle", "fontsize", "labelsize", "markersize", "layout", "va", "ha", "zorder",
    "pad", "padding", "strict",
}  # fmt: skip

NEIGHBOURS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
}  # fmt: skip
BOUNDS = {"min": "max", "max": "min", "any": "all", "all": "any"}

NOTES = '''
"""Notes which test runs which function, and how long it takes."""
import json, os

_name = os.environ.get("MUTATION_NOTES", os.devnull)
_seen, _file = set(), os.open(_name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(function):
    if (test := os.environ.get("PYTEST_CURRENT_TEST")) and (test, function) not in _seen:
        _seen.add((test, function))
        os.write(_file, (json.dumps([*test.rsplit(" ", 1), function]) + "\\n").encode())

def pytest_runtest_logreport(report):
    os.write(_file, (json.dumps([report.nodeid, report.duration, report.outcome]) + "\\n").encode())
'''


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
        return f"{self.file}:{self.line}  {self.what}"

    def made(self, source: bytes) -> bytes:
        """Make it in the whole file."""
        return source[: self.first] + self.other.encode() + source[self.last :]

    @property
    def folder(self) -> str:
        return self.file.partition("/")[0] if "/" in self.file else "."


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
    """All changes to one file."""

    def __init__(self, file: Path) -> None:
        self._file = str(file.relative_to(ROOT / PACKAGE))
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
        function = f"{self._file}:{'.'.join(self._inside)}"
        self.found.append(Change(self._file, place.lineno, function, what, first, last, text))


class Noted(ast.NodeTransformer):
    """Have each function note that it ran."""

    def __init__(self, file: str) -> None:
        self._file, self._inside = file, [""]

    def visit_ClassDef(self, node: Any) -> Any:
        self._inside.append(f"{self._inside[-1]}{node.name}.")
        self.generic_visit(node)
        self._inside.pop()
        return node

    def visit_FunctionDef(self, node: Any) -> Any:
        function = f"{self._file}:{self._inside[-1]}{node.name}"
        [note] = ast.parse(f"__import__('mutation_notes').note({function!r})").body
        self.visit_ClassDef(node)
        node.body.insert(0 if ast.get_docstring(node) is None else 1, note)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef


def copied(folder: Path) -> Path:
    """Copy the tree."""
    left_out = shutil.ignore_patterns(".*", "__pycache__", "dist", "browser", "benchmarks")
    return Path(shutil.copytree(ROOT, folder, ignore=left_out, symlinks=True))


def environment(copy: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(copy), "MPLBACKEND": "Agg", **more}


def hashes(patterns: list[str]) -> dict[str, str]:
    """Tell the files that hold tests, and what is in them."""
    files = [*(ROOT / "tests").glob("test_*.py"), *(ROOT / "tests/faults").glob("test_*.py")]
    files += [one for one in (ROOT / PACKAGE).rglob("*.py") if ">>>" in one.read_text()]
    named = {str(one.relative_to(ROOT)): one for one in files}
    return {
        name: sha256(one.read_bytes()).hexdigest()
        for name, one in named.items()
        if any(fnmatch(name, one) for one in patterns)
    }


class Survey:
    """Which test ran which function, and how long each takes; of some files of tests."""

    def __init__(self, kept: Path, patterns: list[str]) -> None:
        self.files: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.ran: dict[str, list[str]] = {}
        with suppress(FileNotFoundError):
            vars(self).update(json.loads(kept.read_text()))
        now = hashes(patterns)
        fresh = [name for name in now if self.files.get(name) != now[name]]
        for some in (fresh[place : place + _TOGETHER] for place in range(0, len(fresh), _TOGETHER)):
            self._forget({*some})
            self._run(some)
            self.files |= {name: now[name] for name in some}
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(vars(self)))
        self._forget({*self.files} - {*now})
        self.patterns = patterns

    def _forget(self, files: set[str]) -> None:
        self.seconds = {test: took for test, took in self.seconds.items() if _file(test) not in files}
        self.ran = {name: [one for one in tests if one in self.seconds] for name, tests in self.ran.items()}

    def _run(self, files: list[str]) -> None:
        with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
            copy, notes = copied(Path(folder, "tree")), Path(folder, "notes")
            Path(copy, "mutation_notes.py").write_text(NOTES)
            for file in (copy / PACKAGE).rglob("*.py"):
                tree = Noted(str(file.relative_to(copy / PACKAGE))).visit(ast.parse(file.read_text()))
                file.write_text(ast.unparse(ast.fix_missing_locations(tree)))
            command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "mutation_notes", *files]
            say(f"finding out what is run by {' '.join(files)}")
            subprocess.run(command, cwd=copy, env=environment(copy, MUTATION_NOTES=str(notes)))
            self._read(notes)

    def _read(self, notes: Path) -> None:
        took: Counter[str] = Counter()
        failed, before, ran = set(), defaultdict(set), defaultdict(set)
        for line in notes.read_text().splitlines():
            test, what, more = json.loads(line)
            if isinstance(what, float):
                took[test] += what
                failed |= {test} if more != "passed" else set()
            elif what == "(setup)":  # what was set up for one may be used by all of its file
                before[more].add(_file(test))
            else:
                ran[more].add(test)
        self.seconds |= {test: seconds for test, seconds in took.items() if test not in failed}
        for name, files in before.items():
            ran[name] |= {test for test in took if _file(test) in files}
        for name, tests in ran.items():
            self.ran[name] = sorted({*self.ran.get(name, ())} | (tests & self.seconds.keys()))

    def tests(self, change: Change, budget: float) -> list[str]:
        """Choose tests that run a changed function, or else anything of its file, the quickest first."""
        names = [change.function] if self.ran.get(change.function) else self._of_file(change.file)
        found = sorted({test for name in names for test in self.ran[name]}, key=self.seconds.__getitem__)
        turns, seen = dict[str, int](), Counter[str]()  # of each file of tests some
        for test in found:
            turns[test] = seen[_file(test)]
            seen[_file(test)] += 1
        within = set[str]()
        for test in sorted(found, key=turns.__getitem__):
            budget -= self.seconds[test] + 0.01
            if budget > 0 or not within:
                within.add(test)
        return [test for test in found if test in within]

    def _of_file(self, file: str) -> list[str]:
        return [name for name in self.ran if name.startswith(f"{file}:")]


def _file(test: str) -> str:
    return test.partition("::")[0]


class Trial:
    """One change, tried in a copy of the tree by a child of this process, which has loaded the libraries."""

    def __init__(self, copy: Path, change: Change, tests: list[str], most: float) -> None:
        self.copy, self.change, self._end = copy, change, time.monotonic() + most
        self._log = copy.with_suffix(".log")
        self._file = Path(copy, PACKAGE, change.file)
        self._before = self._file.read_bytes()
        self._file.write_bytes(change.made(self._before))
        self._pid = os.fork()
        if not self._pid:
            os._exit(self._test(tests))

    def _test(self, tests: list[str]) -> int:
        os.setsid()
        for number in (1, 2):
            os.dup2(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.chdir(self.copy)
        os.environ.update(environment(self.copy))
        sys.path.insert(0, str(self.copy))
        import pytest

        try:
            code = int(pytest.main([*OPTIONS, *tests]))
        except BaseException:  # noqa: BLE001 - whatever it is, it was noticed
            traceback.print_exc()
            code = 3
        sys.stdout.flush()
        return code

    def verdict(self) -> str | None:
        """Say who noticed, "" if nobody did, None while it goes on."""
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid and time.monotonic() < self._end:
            return None
        self.end()
        if not pid:
            os.waitpid(self._pid, 0)
        self._file.write_bytes(self._before)
        if pid and os.waitstatus_to_exitcode(status) == 0:
            return ""
        said = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        named = [line for line in said if line.startswith(("FAILED", "ERROR"))]
        return (named[0].split(" - ")[0] if named else "an end without a word") if pid else "no end"

    def end(self) -> None:
        """End it, and the servers and programs that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)


def tried(changes: list[Change], survey: Survey, budget: float, jobs: int) -> Iterator[tuple[Change, str]]:
    """Try changes, some at a time."""
    waiting, running = list(changes), list[Trial]()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        free = [copied(Path(folder, f"tree{number}")) for number in range(jobs)]
        check(free[0], survey)
        try:
            while waiting or running:
                while free and waiting:
                    change = waiting.pop(0)
                    if tests := survey.tests(change, budget):
                        running.append(Trial(free.pop(), change, tests, 60 + 5 * budget))
                    else:
                        yield change, ""
                for trial in list(running):
                    if (verdict := trial.verdict()) is not None:
                        running.remove(trial)
                        free.append(trial.copy)
                        yield trial.change, verdict
                time.sleep(0.05)
        finally:
            for trial in running:
                trial.end()


def check(copy: Path, survey: Survey) -> None:
    """See that a trial of no change at all is passed: then those that fail do so for their change."""
    if any(survey.files.get(name) != kept for name, kept in hashes(survey.patterns).items()):
        sys.exit("tests were changed meanwhile: begin again")
    nothing = Change("__init__.py", 1, "", "", 0, 0, "")
    trial = Trial(copy, nothing, sorted(survey.seconds, key=survey.seconds.__getitem__)[::20], 600)
    while (verdict := trial.verdict()) is None:
        time.sleep(0.05)
    if verdict:
        sys.exit(f"{verdict}, and nothing was changed")


def sampled(seed: int, count: int, folder: str | None, at: list[str]) -> list[Change]:
    """Choose changes: as many of each folder, until it has no more."""
    by_folder = defaultdict(list)
    for file in sorted((ROOT / PACKAGE).rglob("*.py")):
        for change in Changes(file).found:
            if f"{change.file}:{change.line}" in at if at else folder in (None, change.folder):
                by_folder[change.folder].append(change)
    if at:
        return [change for changes in by_folder.values() for change in changes]
    for name, changes in by_folder.items():
        random.Random(f"{seed} {name}").shuffle(changes)
    turns = zip_longest(*by_folder.values())
    return [change for turn in turns for change in turn if change][:count]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--folder", help="only of this one; '.' are the files beside the folders")
    parser.add_argument("--at", action="append", default=[], metavar="FILE:LINE")
    parser.add_argument("--budget", type=float, default=60, help="seconds of tests for a change")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--tests", nargs="+", default=["*"], metavar="PATTERN", help="such as 'tests/test_l*'"
    )
    parser.add_argument("--survey", type=Path, default=ROOT / ".pytest_cache" / "mutation.json")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it started ends with it
    changes = sampled(asked.seed, asked.count, asked.folder, asked.at)
    survey = Survey(asked.survey, asked.tests)
    sys.path.insert(0, str(ROOT / "tests"))
    os.environ["MPLBACKEND"] = "Agg"
    for name in PRELOADED.split():
        with suppress(ImportError):
            importlib.import_module(name)
    missed = []
    for change, verdict in tried(changes, survey, asked.budget, asked.jobs):
        missed += [] if verdict else [change]
        say(f"{change}  |  {verdict or 'NOT NOTICED'}")
    say("\nfolder      changes  noticed")
    total, lost = Counter(one.folder for one in changes), Counter(one.folder for one in missed)
    for folder in sorted(total):
        say(row(folder, total[folder], lost[folder]))
    say(row("together", len(changes), len(missed)))
    say("\n  ".join(["\nnot noticed:", *map(str, missed)]))


def row(folder: str, count: int, lost: int) -> str:
    return f"{folder:<10} {count:8} {count - lost:8}  {1 - lost / count:.0%}"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
