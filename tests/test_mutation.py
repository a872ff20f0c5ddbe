"""The runners that change the code in one place at a time: what they change, and what they say of it."""

import ast
import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from faults import mutants
from faults.mutation import changes, survey

import mastermind_lab as lab

CODE = '''
def f(a, n=3):
    """A text stays."""
    if a < n and not a:
        g(a, key=1, color="red")
    return -max(a, 2)
'''


@pytest.fixture
def package(tmp_path):
    """A package of one module."""
    (tmp_path / "mastermind_lab").mkdir()
    (tmp_path / "mastermind_lab" / "a.py").write_text(CODE)
    return tmp_path / "mastermind_lab"


def test_it_changes_one_thing_at_a_time(package):
    found = changes.sampled(package, 1, 100, [], [])
    assert sorted(change.what for change in found) == sorted([
        "3  ->  4", "a < n and (not a)  ->  not (a < n and (not a))",
        "a < n and (not a)  ->  a < n or not a", "a < n  ->  a <= n", "not a  ->  a",
        "g(a, key=1, color='red')  ->  pass", "g(a, key=1, color='red')  ->  g(a, color='red')", "1  ->  2",
        "-max(a, 2)  ->  max(a, 2)", "max  ->  min", "2  ->  3",
    ])  # fmt: skip
    made = {ast.unparse(ast.parse(change.made(CODE.encode()))) for change in found}
    assert len(made) == len(found)
    assert {(change.function, change.folder) for change in found} == {("f", ".")}
    assert len(changes.sampled(package, 1, 4, [], [])) == 4
    assert changes.sampled(package, 1, 4, ["live"], []) == []
    assert [change.what for change in changes.sampled(package, 1, 9, [], ["a.py:6"])] == [
        "-max(a, 2)  ->  max(a, 2)", "max  ->  min", "2  ->  3",
    ]  # fmt: skip


def test_a_line_is_run_with_all_that_lies_before_the_next_way_out():
    code = "LIMIT = 3\n\ndef f(a):\n    if a:\n        return 1\n    b = 2\n    return b\n"
    found = survey.Stretches("a.py", code)
    assert found.lines == {
        3: "a.py:f.0", 4: "a.py:f.0", 5: "a.py:f.1", 6: "a.py:f.2", 7: "a.py:f.2",
    }  # fmt: skip
    noted = [line.strip() for line in ast.unparse(found.tree).splitlines()]
    assert noted.index("def f(a):") + 1 == noted.index("_noted_('a.py:f.0')")
    assert [line for line in noted if line.startswith("_noted_")] == [
        f"_noted_('a.py:f.{n}')" for n in range(3)
    ]


def test_the_closest_files_of_tests_come_first():
    files = [
        "tests/test_cli.py",
        "tests/test_live.py",
        "tests/test_live_window.py",
        "mastermind_lab/live/window.py",
    ]
    close = sorted(files, key=lambda one: survey.closeness(one, "live/window.py"))
    assert close == files


def test_what_a_file_is_when_it_is_loaded_is_of_whole_files_of_tests(tmp_path):
    (tmp_path / "p").mkdir()
    code = "LIMIT = 3\n\n\ndef f():\n    return LIMIT\n\n\ndef g():\n    pass\n"
    (tmp_path / "p" / "a.py").write_text(code)
    kept = tmp_path / "kept"
    tests = {"tests/test_a.py::test_f": 0.1, "tests/test_a.py::test_limit": 0.0, "tests/test_b.py::test_b": 0}
    ran = {"a.py:f.0": [0], "b.py:f.0": [2]}
    kept.write_text(json.dumps({"files": {}, "seconds": tests, "ran": ran}))
    known = survey.Survey(tmp_path, "p", kept, [])
    known.seconds, known.ran = tests, {name: [[*tests][place] for place in ran[name]] for name in ran}
    whole = ["tests/test_a.py::test_limit", "tests/test_a.py::test_f"]
    assert [known.tests("a.py", line, 1) for line in (1, 5, 9)] == [whole, whole[1:], whole]


@pytest.mark.once
def test_what_is_listed_as_equivalent_can_still_be_changed():
    package = Path(lab.__file__).parent
    listed = changes.equivalent(Path(__file__).parent / "faults" / "mutation" / "equivalent.txt")
    files = {name.split("  ")[0] for name in listed}
    possible = {change.name for file in files for change in changes.Changes(package, package / file).found}
    assert listed - possible == set()


@pytest.mark.thorough
def test_it_tells_what_is_noticed_from_what_is_not(package):
    tree = package.parent
    (package / "__init__.py").touch()
    (package / "a.py").write_text("def f(a):\n    return a < 3\n\n\ndef g():\n    return 1\n")
    (package / "heard.py").write_text("class OddWarning(Warning):\n    pass\n")
    (tree / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = ["."]\nfilterwarnings = '
        '["error::pytest.PytestAssertRewriteWarning", "ignore::mastermind_lab.heard.OddWarning"]\n'
    )
    (tree / "tests" / "faults").mkdir(parents=True)
    (tree / "tests" / "test_a.py").write_text(
        "from mastermind_lab.a import f\n\ndef test_f():\n    assert f(2) and not f(3)\n"
    )
    tool = tree / "tests" / "faults" / "mutation"
    shutil.copytree(Path(__file__).parent / "faults" / "mutation", tool)
    (tool / "equivalent.txt").write_text("# whatever it returns\na.py  f  3  ->  4\n")
    before = {path: path.read_bytes() for path in tree.rglob("*.py")}
    run = [sys.executable, tool, "--survey", tree / "survey.json"]
    found = subprocess.run(run, cwd=tree, capture_output=True, text=True, check=True).stdout
    assert "a.py:2  f  a < 3  ->  a <= 3  |  tests/test_a.py::test_f\n" in found
    assert "a.py:6  g  1  ->  2  |  NOT NOTICED\n" in found
    assert "\n.                 3           1        1  50%\n" in found
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
def test_each_guard_is_there_once_with_the_tests_that_notice():
    for guard in mutants.GUARDS:
        assert mutants.source_of(guard).count(guard.code) == 1, guard.promise
        ast.parse(mutants.source_of(guard).replace(guard.code, guard.without))
        for test in guard.tests.split():
            file, *names = test.split("::")
            assert {*names} <= names_in(Path(__file__).parent / file), guard.promise
