"""Which tests run a line: found out once, by running all of them in a copy that notes it down."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from contextlib import suppress
from fnmatch import fnmatch
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

_TOGETHER = 8  # files of tests, whose survey is kept when the next ones begin
_PER_TEST = 0.01  # seconds to begin one

NOTES = '''
"""Notes which test runs which stretch of code, and how long it takes.

PYTEST_DONT_REWRITE: a filter of warnings that names a class of the package imports this too early.
"""
import functools, importlib, json, os, resource, sys, time, pytest

_notes = os.environ.get("MUTATION_NOTES", os.devnull)
_seen, _now, _is_child = set(), (), True
_since = 0.0

def note(stretch):
    if stretch not in _seen and not _is_loading():
        _seen.add(stretch)
        if _is_child:  # which may be killed at any time, and of one server may be of any test
            _write([*os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" ", 1), [stretch]])

def _is_package(name):
    return name.partition(".")[0] == os.environ.get("MUTATION_PACKAGE")

def _is_loading():
    """Say whether a module is being loaded: what that runs shows in others than the first test that does."""
    frame = sys._getframe(2)
    while frame and not (frame.f_code.co_name == "<module>" and _is_package(frame.f_globals["__name__"])):
        frame = frame.f_back
    return frame is not None

def _forget_cached():
    """Have each test run what it needs, and not only the one that came first."""
    for name, module in [*sys.modules.items()]:
        for one in [*vars(module).values()] if _is_package(name) else []:
            if isinstance(one, functools._lru_cache_wrapper):
                one.cache_clear()

def _write(what):
    if len(what) > 2:
        file = os.open(_notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)  # anew: a command closes what it has
        os.write(file, (json.dumps(what) + "\\n").encode())
        os.close(file)

def _begin(*now):
    global _now
    _write([*_now, sorted(_seen)])
    _seen.clear()
    _now = now

def _processor_time():
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])

def _forked():
    global _is_child
    _is_child = True

os.register_at_fork(after_in_child=_forked)

def pytest_configure(config):
    global _is_child
    _is_child = False
    for name in config.args:  # pytest would have a module stand where its package has a function of that name
        if not name.startswith("tests/"):
            importlib.import_module(name.removesuffix(".py").replace("/", "."))

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    global _since
    _forget_cached()
    _begin(item.nodeid, "(setup)")
    _since = _processor_time()

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    _begin(item.nodeid, "(call)")

def pytest_runtest_logreport(report):
    global _since
    _begin(*_now)
    before, _since = _since, _processor_time()
    _write([report.nodeid, _since - before, report.outcome])
'''


class Stretches(ast.NodeTransformer):
    """Have each stretch of code without a way out of it note that it ran, and tell which line is in which."""

    def __init__(self, file: str, code: str) -> None:
        self._file, self._inside, self._count = file, [""], Counter[str]()
        self.lines: dict[int, str] = {}
        self.tree: Any = self.visit(ast.parse(code))
        has_docstring = ast.get_docstring(self.tree) is not None
        future = sum(isinstance(one, ast.ImportFrom) and one.module == "__future__" for one in self.tree.body)
        imported = ast.parse("from mutation_notes import note as _noted_").body
        self.tree.body[has_docstring + future : has_docstring + future] = imported

    def visit_ClassDef(self, node: Any) -> Any:
        self._inside.append(f"{self._inside[-1]}{node.name}.")
        self.generic_visit(node)
        self._inside.pop()
        return node

    def visit_FunctionDef(self, node: Any) -> Any:
        self._inside.append(f"{self._inside[-1]}{node.name}.")
        self._lie(node, self._name(0))
        docstring = node.body[:1] if ast.get_docstring(node) is not None else []
        node.body = [*docstring, *self._noted(node.body[len(docstring) :])]
        self._inside.pop()
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def _noted(self, statements: list[Any]) -> list[Any]:
        """Note before the first statement, and after each that may end the block."""
        noted, is_first = list[Any](), True
        for statement in statements:
            if is_first:
                name = self._name(self._count[self._inside[-1]])
                self._count[self._inside[-1]] += 1
                noted += ast.parse(f"_noted_({name!r})").body
            self._lie(statement, name)
            noted.append(self.visit(statement))
            is_first = any(getattr(statement, part, None) for part in ("body", "cases"))
        return noted

    def _name(self, number: int) -> str:
        return f"{self._file}:{self._inside[-1]}{number}"

    def _lie(self, node: Any, name: str) -> None:
        self.lines |= dict.fromkeys(range(node.lineno, node.end_lineno + 1), name)

    def generic_visit(self, node: Any) -> Any:
        is_block = isinstance(node, ast.stmt | ast.excepthandler | ast.match_case)
        if len(self._inside) == 1 or not is_block or isinstance(node, ast.ClassDef | ast.FunctionDef):
            return super().generic_visit(node)
        for part in ("body", "orelse", "finalbody"):
            if statements := getattr(node, part, None):
                setattr(node, part, self._noted(statements))
        for part in ("handlers", "cases"):
            for one in getattr(node, part, ()):
                self.generic_visit(one)
        return node


def copied(root: Path, folder: Path) -> Path:
    """Copy the tree."""
    left_out = shutil.ignore_patterns(".*", "__pycache__", "dist", "browser", "benchmarks")
    return Path(shutil.copytree(root, folder, ignore=left_out, symlinks=True))


def environment(copy: Path, **more: str) -> dict[str, str]:
    """Have the copy tried, and not what is installed."""
    return {**os.environ, "PYTHONPATH": str(copy), "MPLBACKEND": "Agg", **more}


class Survey:
    """Which test runs which stretch of code, and how long each takes; of files that are like a pattern."""

    def __init__(self, root: Path, package: str, kept: Path, patterns: list[str]) -> None:
        self._root, self._package, self._patterns = root, package, patterns
        self.files: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.ran: dict[str, list[str]] = {}
        with suppress(FileNotFoundError):
            self._read_kept(json.loads(kept.read_text()))
        now = self.hashes()
        fresh = sorted(name for name in now if self.files.get(name) != now[name])
        for some in (fresh[place : place + _TOGETHER] for place in range(0, len(fresh), _TOGETHER)):
            self._forget({*some})
            self._run(some)
            self.files |= {name: now[name] for name in some}
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(self._to_keep()))
        self._forget({*self.files} - {*now})

    def hashes(self) -> dict[str, str]:
        """Tell the files that hold tests, and what is in them."""
        tests = self._root / "tests"
        files = [*tests.glob("test_*.py"), *(tests / "faults").glob("test_*.py")]
        files += [one for one in (self._root / self._package).rglob("*.py") if ">>>" in one.read_text()]
        return {
            name: sha256(one.read_bytes()).hexdigest()
            for one in files
            if any(fnmatch(name := str(one.relative_to(self._root)), pattern) for pattern in self._patterns)
        }

    def is_old(self) -> bool:
        """Say whether tests were changed meanwhile."""
        return any(self.files.get(name) != now for name, now in self.hashes().items())

    def _to_keep(self) -> dict[str, Any]:
        tests = list(self.seconds)
        number = {test: place for place, test in enumerate(tests)}
        ran = {name: [number[one] for one in ran if one in number] for name, ran in self.ran.items()}
        return {"files": self.files, "seconds": self.seconds, "ran": ran}

    def _read_kept(self, kept: dict[str, Any]) -> None:
        self.files, self.seconds = kept["files"], kept["seconds"]
        tests = list(self.seconds)
        self.ran = {name: [tests[place] for place in ran] for name, ran in kept["ran"].items()}

    def _forget(self, files: set[str]) -> None:
        self.seconds = {test: took for test, took in self.seconds.items() if file_of(test) not in files}
        self.ran = {name: [one for one in tests if one in self.seconds] for name, tests in self.ran.items()}

    def _run(self, files: list[str]) -> None:
        with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
            copy, notes = copied(self._root, Path(folder, "tree")), Path(folder, "notes")
            Path(copy, "mutation_notes.py").write_text(NOTES)
            package = copy / self._package
            for file in package.rglob("*.py"):
                tree = Stretches(str(file.relative_to(package)), file.read_text()).tree
                file.write_text(ast.unparse(ast.fix_missing_locations(tree)))
            options = ["-q", "-n", "0", "-m", "not thorough", "-p", "mutation_notes"]
            command = [sys.executable, "-m", "pytest", *options, *files]
            sys.stdout.write(f"finding out what is run by {' '.join(files)}\n")
            sys.stdout.flush()
            known = environment(copy, MUTATION_NOTES=str(notes), MUTATION_PACKAGE=self._package)
            code = subprocess.run(command, cwd=copy, env=known).returncode
            began = code in (0, 5) or notes.stat().st_size > 0  # 5: none of them is an ordinary test
            if code not in (0, 1, 5) or not began:
                sys.exit("these tests could not be run")
            self._read(notes)

    def _read(self, notes: Path) -> None:
        took: Counter[str] = Counter()
        failed, before, ran = set(), defaultdict(set), defaultdict(set)
        for line in notes.read_text().splitlines():
            test, what, more = json.loads(line)
            if isinstance(what, float):
                took[test] += what
                failed |= {test} if more != "passed" else set()
                continue
            for stretch in more:
                if what == "(setup)":  # what was set up for one may be used by all of its file
                    before[stretch].add(file_of(test))
                else:
                    ran[stretch].add(test)
        self.seconds |= {test: seconds for test, seconds in took.items() if test not in failed}
        for name, files in before.items():
            ran[name] |= {test for test in took if file_of(test) in files}
        for name, tests in ran.items():
            self.ran[name] = sorted({*self.ran.get(name, ())} | (tests & self.seconds.keys()))

    def _within(self, beginning: str) -> list[str]:
        return [name for name in self.ran if name.startswith(beginning)]

    def leave_out(self, test: str) -> None:
        """Have a test not be chosen any more."""
        self.seconds.pop(test, None)

    def tests(self, file: str, line: int, budget: float) -> list[str]:
        """Choose tests that run a line, those first that promise most for their time.

        Of what is run when its file is loaded, they are those of all files that run any line of it, or of
        its folder: what a default is, or the text of an option, shows where none of them runs.
        """
        stretch = Stretches(file, Path(self._root, self._package, file).read_text()).lines.get(line, "")
        is_loaded = stretch not in self.ran  # no test runs it: who imports the file may
        near = self._within(f"{file}:") or self._within(f"{Path(file).parent}/")
        names = near if is_loaded else [stretch]
        found = {test for name in names for test in self.ran[name] if test in self.seconds}
        if is_loaded:
            files = {file_of(test) for test in found}
            found = {test for test in self.seconds if file_of(test) in files}
        promises = self._promises(found, near)
        chosen = defaultdict(list)
        for test in sorted(found, key=lambda one: (-promises[one], one)):
            if budget > 0 or not chosen:
                budget -= self.seconds[test] + _PER_TEST
                chosen[file_of(test)].append(test)
        return [test for tests in chosen.values() for test in tests]

    def _promises(self, tests: set[str], near: list[str]) -> dict[str, float]:
        """Say how much of what each test runs is near, by its time; of many cases of one, each says less."""
        runs_near = Counter(test for name in near for test in self.ran[name])
        share = {test: (runs_near[test] + 1) / (self._runs[test] + 1) for test in tests}
        promises = {test: share[test] / (self.seconds[test] + _PER_TEST) for test in tests}
        cases = Counter[str]()
        for test in sorted(tests, key=lambda one: (-promises[one], one)):
            cases[test.partition("[")[0]] += 1
            promises[test] /= cases[test.partition("[")[0]]
        return promises

    @cached_property
    def _runs(self) -> Counter[str]:
        """How many stretches each test runs."""
        return Counter(test for tests in self.ran.values() for test in tests)


def file_of(test: str) -> str:
    """Tell the file of a test."""
    return test.partition("::")[0]
