"""The runners that change the code in one place at a time: what they change, and what they say of it."""

import ast
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from faults import mutants, mutation

CODE = '''
def f(a, n=3):
    """A text stays."""
    if a < n and not a:
        g(a, key=1, color="red")
    return -max(a, 2)
'''


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A tree of one module."""
    monkeypatch.setattr(mutation, "ROOT", tmp_path)
    (tmp_path / "mastermind_lab").mkdir()
    (tmp_path / "mastermind_lab" / "a.py").write_text(CODE)
    return tmp_path


def test_it_changes_one_thing_at_a_time(tree):
    changes = mutation.sampled(1, 100, None, [])
    assert sorted(change.what for change in changes) == sorted([
        "3  ->  4", "a < n and (not a)  ->  not (a < n and (not a))",
        "a < n and (not a)  ->  a < n or not a", "a < n  ->  a <= n", "not a  ->  a",
        "g(a, key=1, color='red')  ->  pass", "g(a, key=1, color='red')  ->  g(a, color='red')", "1  ->  2",
        "-max(a, 2)  ->  max(a, 2)", "max  ->  min", "2  ->  3",
    ])  # fmt: skip
    made = {ast.unparse(ast.parse(change.made(CODE.encode()))) for change in changes}
    assert len(made) == len(changes)
    assert {change.function for change in changes} == {"a.py:f"}
    assert len(mutation.sampled(1, 4, None, [])) == 4
    assert [change.what for change in mutation.sampled(1, 9, None, ["a.py:6"])] == [
        "-max(a, 2)  ->  max(a, 2)", "max  ->  min", "2  ->  3",
    ]  # fmt: skip


@pytest.mark.thorough
def test_it_tells_what_is_noticed_from_what_is_not(tree):
    (tree / "mastermind_lab" / "__init__.py").touch()
    (tree / "mastermind_lab" / "a.py").write_text("def f(a):\n    return a < 3\n\n\ndef g():\n    return 1\n")
    (tree / "tests" / "faults").mkdir(parents=True)
    (tree / "tests" / "test_a.py").write_text(
        "from mastermind_lab.a import f\n\ndef test_f():\n    assert f(2) and not f(3)\n"
    )
    shutil.copy(Path(__file__).parent / "faults" / "mutation.py", tree / "tests" / "faults")
    before = {path: path.read_bytes() for path in tree.rglob("*.py")}
    run = [sys.executable, tree / "tests" / "faults" / "mutation.py"]
    found = subprocess.run(run, cwd=tree, capture_output=True, text=True, check=True).stdout
    assert "a.py:2  a < 3  ->  a <= 3  |  FAILED tests/test_a.py::test_f\n" in found
    assert "a.py:6  1  ->  2  |  NOT NOTICED\n" in found
    assert "\n.                 3        2  67%\n" in found
    assert {path: path.read_bytes() for path in tree.rglob("*.py")} == before


@cache
def names_in(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        one.name
        for one in ast.walk(tree)
        if isinstance(one, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    }


@pytest.mark.once
@pytest.mark.parametrize("guard", mutants.GUARDS, ids=lambda guard: guard.promise)
def test_each_guard_is_there_once_with_the_tests_that_notice(guard):
    assert mutants.source_of(guard).count(guard.code) == 1
    ast.parse(mutants.source_of(guard).replace(guard.code, guard.without))
    for test in guard.tests.split():
        file, *names = test.split("::")
        assert {*names} <= names_in(Path(__file__).parent / file)
