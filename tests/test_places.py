"""A statistic has a place in every list that checks it: one that misses a place is named, and the place."""

import inspect
import re
from pathlib import Path

import pytest
import test_bad_input
import test_law
import test_metamorphic

from mastermind_lab import charts, stats
from mastermind_lab.stats.engine.summary import Summary

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
TESTS = {path.name: path.read_text() for path in (ROOT / "tests").glob("test_*.py")}
OF_ALL = {"test_places.py", "test_bad_input.py", "test_fit.py", "test_law.py"}


def summaries():
    kinds = (getattr(stats, name) for name in stats.__all__)
    return [kind for kind in kinds if inspect.isclass(kind) and issubclass(kind, Summary)]


def charts_of(kind):
    """The charts that draw its tables: those whose ``data`` may be one."""
    functions = {name: getattr(charts, name) for name in charts.__all__ if callable(getattr(charts, name))}
    data = {name: inspect.signature(chart).parameters.get("data") for name, chart in functions.items()}
    return [name for name, given in data.items() if given and re.search(rf"\b{kind.__name__}\b", str(given))]


def is_drawn_in_a_test(chart):
    """Whether a test file that is not of all charts alike names the chart."""
    named = re.compile(rf"\bcharts\.{chart}\b")
    return any(named.search(text) for name, text in TESTS.items() if name not in OF_ALL)


def missing(kind, readme, benchmark):
    """Say which places a statistic misses."""
    drawn = charts_of(kind)
    there = {
        "OPTIONS in tests/test_law.py": kind.__name__ in test_law.OPTIONS,
        "SUBJECTS in tests/test_bad_input.py": _has(test_bad_input.SUBJECTS, kind),
        "NEEDED in tests/test_bad_input.py": _has_all(test_bad_input.SUBJECTS, test_bad_input.NEEDED, kind),
        "SUBJECTS in tests/test_metamorphic.py": _has(test_metamorphic.SUBJECTS, kind),
        "UNANIMOUS in tests/test_metamorphic.py": _has_all(
            test_metamorphic.SUBJECTS, test_metamorphic.UNANIMOUS, kind
        ),
        "SUBJECTS in tests/benchmarks/summaries.py": f"stats.{kind.__name__}.of" in benchmark,
        "the table of statistics in README.md": f"`{kind.__name__}`" in readme,
        "a chart that draws it, in mastermind_lab/charts/__init__.py": bool(drawn),
        "a test of its chart in tests/": all(map(is_drawn_in_a_test, drawn)),
    }
    return [f"{kind.__name__} misses {place}" for place, found in there.items() if not found]


def _has(subjects, kind):
    return any(one is kind for one, _ in subjects.values())


def _has_all(subjects, table, kind):
    """Whether a second table of the file has what the first has of a statistic."""
    return {name for name, (one, _) in subjects.items() if one is kind} <= table.keys()


@pytest.fixture(scope="module")
def readme():
    return "\n".join(line for line in (ROOT / "README.md").read_text().splitlines() if line[:1] == "|")


@pytest.fixture(scope="module")
def benchmark():
    return (ROOT / "tests" / "benchmarks" / "summaries.py").read_text()


def test_every_statistic_is_in_every_place(readme, benchmark):
    places = [place for kind in summaries() for place in missing(kind, readme, benchmark)]
    assert not places, "\n".join(places)


def test_a_new_statistic_is_told_all_the_places_it_misses(readme, benchmark, monkeypatch):
    class Surprise(Summary):
        """Something new."""

    monkeypatch.setattr(stats, "Surprise", Surprise, raising=False)
    monkeypatch.setattr(stats, "__all__", [*stats.__all__, "Surprise"])
    (new,) = [kind for kind in summaries() if kind is Surprise]
    named = " ".join(missing(new, readme, benchmark))
    for place in ("test_law", "test_bad_input", "test_metamorphic", "benchmarks", "README", "charts"):
        assert place in named
