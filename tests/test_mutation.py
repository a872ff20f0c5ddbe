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


@pytest.fixture
def surveyed(tmp_path):
    """Make a survey of a package of which some stretches were run by tests that took so many seconds."""

    def make(seconds, ran):
        kept = tmp_path / "kept"
        kept.write_text(json.dumps({"files": {}, "seconds": {}, "ran": {}}))
        found = survey.Survey(tmp_path, "p", kept, [])
        found.seconds, found.ran = seconds, ran
        return found

    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.py").write_text(
        "LIMIT = 3\n\n\ndef f():\n    return LIMIT\n\n\ndef g():\n    pass\n"
    )
    return make


def test_tests_that_run_little_else_come_first_then_the_quick_ones_and_not_one_case_after_the_other(surveyed):
    seconds = {
        "tests/b.py::all": 1, "tests/a.py::slow": 3, "tests/a.py::few[1]": 1, "tests/a.py::few[2]": 1.01,
        "tests/b.py::other": 1.1,
    }  # fmt: skip
    every = ["a.py:f.0", *(f"b.py:{n}.0" for n in range(9))]
    found = surveyed(
        seconds,
        {name: [test for test in seconds if name == every[0] or test.endswith("all")] for name in every},
    )
    order = [
        "tests/a.py::few[1]",
        "tests/b.py::other",
        "tests/a.py::few[2]",
        "tests/a.py::slow",
        "tests/b.py::all",
    ]
    chosen = [{*found.tests("a.py", 5, budget)} for budget in (0, 1.05, 2.2, 3.3, 6.3)]
    assert chosen == [{*order[:count]} for count in range(1, 6)]


def test_what_a_file_is_when_it_is_loaded_is_of_whole_files_of_tests(surveyed):
    tests = {"tests/test_a.py::test_f": 0.1, "tests/test_a.py::test_limit": 0.0, "tests/test_b.py::test_b": 0}
    f, limit, b = tests
    known = surveyed(tests, {"a.py:f.0": [f], "b.py:f.0": [b]})
    assert [known.tests("a.py", line, 1) for line in (1, 5, 9)] == [[limit, f], [f], [limit, f]]


@pytest.mark.once
@pytest.mark.further
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
    (package / "late.py").write_text(
        "def made():\n    return 5\n\n\nN = made()\n\n\ndef n():\n    return N\n"
    )
    (package / "heard.py").write_text("class OddWarning(Warning):\n    pass\n")
    (tree / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = ["."]\nfilterwarnings = '
        '["error::pytest.PytestAssertRewriteWarning", "ignore::mastermind_lab.heard.OddWarning"]\n'
    )
    (tree / "tests" / "faults").mkdir(parents=True)
    (tree / "tests" / "test_a.py").write_text(
        "from mastermind_lab.a import f\n\ndef test_f():\n    assert f(2) and not f(3)\n"
    )
    (tree / "tests" / "test_late.py").write_text(
        "def test_it_loads():\n    import mastermind_lab.late\n\n"
        "def test_n():\n    from mastermind_lab.late import n\n    assert n() == 5\n"
    )
    tool = tree / "tests" / "faults" / "mutation"
    shutil.copytree(Path(__file__).parent / "faults" / "mutation", tool)
    (tool / "equivalent.txt").write_text("# whatever it returns\na.py  f  3  ->  4\n")
    before = {path: path.read_bytes() for path in tree.rglob("*.py")}
    run = [sys.executable, tool, "--survey", tree / "survey.json"]
    found = subprocess.run(run, cwd=tree, capture_output=True, text=True, check=True).stdout
    assert "a.py:2  f  a < 3  ->  a <= 3  |  tests/test_a.py::test_f\n" in found
    assert "a.py:6  g  1  ->  2  |  NOT NOTICED\n" in found
    assert "late.py:2  made  5  ->  6  |  tests/test_late.py::test_n\n" in found
    assert "\n.                 4           1        2  67%\n" in found
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
