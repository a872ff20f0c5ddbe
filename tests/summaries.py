"""Every summary there is, and how two of them are compared."""

import inspect

import pandas as pd
from pandas.testing import assert_frame_equal

import mastermind_lab as lab
from mastermind_lab.stats.engine.summary import Summary

SUBJECTS = [one for one in vars(lab.stats).values() if inspect.isclass(one) and issubclass(one, Summary)]
TABLES = "table by_round by_rule diagram histogram points reliability risk_coverage sources values"


def agree(left, right, name=None):
    """Compare two tables: counts, keys and times exactly, sums to the last rounding."""
    exact = [column for column in left if left[column].dtype != "float64"]
    assert_frame_equal(left[exact], right[exact], check_exact=True, obj=name or "table")
    assert_frame_equal(left, right, check_exact=False, rtol=1e-9, atol=1e-9, obj=name or "table")


def shown(summary):
    """Every table of a summary, and its single figures as one more."""
    methods = {name: getattr(summary, name, None) for name in TABLES.split()}
    tables = {name: method() for name, method in methods.items() if callable(method)}
    names = [name for name, value in inspect.getmembers(type(summary)) if isinstance(value, property)]
    figures = {name: getattr(summary, name) for name in names}
    rows = {name: vars(value) for name, value in figures.items() if isinstance(value, lab.stats.Estimate)}
    counts = {name: {"n": value} for name, value in figures.items() if isinstance(value, int)}
    return tables | {"figures": pd.DataFrame.from_dict(rows | counts, orient="index")}


def shown_and_folded(summary):
    """The same, and what is left when all but two groups are counted as one."""
    return shown(summary) | {"folded": summary.fold(2).table()}


def all_agree(tables, expected):
    """Compare all that two summaries show, table by table."""
    assert tables.keys() == expected.keys()
    for name, table in tables.items():
        agree(table, expected[name], name)


def same(summary, *others):
    """Compare summaries of one kind by all that they show."""
    for other in others:
        all_agree(shown_and_folded(other), shown_and_folded(summary))
