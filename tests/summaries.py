"""Every summary there is, and how two of them are compared."""

import inspect

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from telling import telling

import mastermind_lab as lab
from mastermind_lab.stats.engine.summary import Summary

SUBJECTS = [one for one in vars(lab.stats).values() if inspect.isclass(one) and issubclass(one, Summary)]
OFTEN = ("Agreement", "Calibration", "Citations", "Rules", "Voters")
a_few_subjects = pytest.mark.parametrize("kind", telling({one.__name__: one for one in SUBJECTS}, *OFTEN))
"""Those whose state is of several kinds; the long run tries all."""
NEEDED = {"every": (9,)}
"""Table methods that must be told something."""


def by_columns(kind, by):
    """The option of a summary that takes columns: all group by them, but for one that watches them."""
    return {"watch" if kind is lab.stats.Regimes else "by": by}


def agree(left, right, name=None):
    """Compare two tables: counts, keys and times exactly, sums to the last rounding."""
    exact = [column for column in left if left[column].dtype != "float64"]
    assert_frame_equal(left[exact], right[exact], check_exact=True, obj=name or "table")
    assert_frame_equal(left, right, check_exact=False, rtol=1e-9, atol=1e-9, obj=name or "table")


def tables_of(summary):
    """The methods of a summary that return a table."""
    methods = inspect.getmembers_static(type(summary), inspect.isfunction)
    kinds = {name: inspect.signature(method).return_annotation for name, method in methods}
    return {
        name: getattr(summary, name) for name in kinds if name[0] != "_" and kinds[name] == "pd.DataFrame"
    }


def shown(summary):
    """Every table of a summary, and its single figures as one more."""
    tables = {name: method(*NEEDED.get(name, ())) for name, method in tables_of(summary).items()}
    names = [name for name, value in inspect.getmembers(type(summary)) if isinstance(value, property)]
    figures = {name: getattr(summary, name) for name in names}
    rows = {name: vars(value) for name, value in figures.items() if isinstance(value, lab.stats.Estimate)}
    counts = {name: {"n": value} for name, value in figures.items() if isinstance(value, int)}
    return tables | {"figures": pd.DataFrame.from_dict(rows | counts, orient="index")}


def shown_and_lumped(summary):
    """The same, and what is left when all but two groups are counted as one."""
    return shown(summary) | {"lumped": summary.lump(2).table()}


def all_agree(tables, expected):
    """Compare all that two summaries show, table by table."""
    assert tables.keys() == expected.keys()
    for name, table in tables.items():
        agree(table, expected[name], name)


def same(summary, *others):
    """Compare summaries of one kind by all that they show."""
    for other in others:
        all_agree(shown_and_lumped(other), shown_and_lumped(summary))
