"""Settings that are everybody's: none changes a figure, and none is changed."""

import asyncio
import decimal
import inspect
import locale
import os
import random
import signal
import sys
import threading
import warnings
from contextlib import ExitStack, contextmanager
from math import inf

import matplotlib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas._config.config import _registered_options
from pandas.testing import assert_frame_equal
from summaries import SUBJECTS, shown_and_lumped

import mastermind_lab as lab
from mastermind_lab.history import sample_folder
from mastermind_lab.stream.connection import backoff_delay


def histories():
    """Decisions with outcomes, without some confidences, ties among them, and what came over a file."""
    sample = lab.sample(last=40)
    sample.decisions.loc[3:9, "confidence"] = np.nan
    sample.votes.loc[5:8, ["confidence", "choice"]] = np.nan
    # What numpy calls an overflow or an underflow.
    sample.decisions.loc[12:14, "confidence"] = 1e-320
    sample.votes.loc[60:64, "weight"], sample.votes.loc[70:74, "weight"] = 1.7e308, 1e-310
    return lab.with_outcomes(sample, sample_folder() / "outcomes.csv")


def tables():
    history = histories()
    halves = history.where("confidence > 0.7"), history.where("not confidence > 0.7")
    found = {name: history[name] for name in ("decisions", "votes")}
    found["dictionary"] = lab.dictionary(history)
    for kind in SUBJECTS:
        named = {"replicates": 40} if "replicates" in inspect.signature(kind.of).parameters else {}
        by = {"watch" if kind is lab.stats.Regimes else "by": "meta.model"}
        summary = kind.of(history, **named, **by)
        found |= {f"{kind.__name__} {name}": table for name, table in shown_and_lumped(summary).items()}
        found[f"{kind.__name__} merged"] = sum(kind.of(half, **named, **by) for half in halves).table()
        if hasattr(kind, "decisions"):
            found[f"{kind.__name__} decisions"] = kind.decisions(history)
    return found


@pytest.fixture(scope="module")
def expected():
    return tables()


@contextmanager
def pandas_option(name, value):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older ways back are deprecated, and in use
        with pd.option_context(name, value):
            yield


@contextmanager
def seeded():
    state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(1)
    np.random.seed(1)
    yield
    random.setstate(state)
    np.random.set_state(numpy_state)


@contextmanager
def in_locale(name):
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, name)
    yield
    locale.setlocale(locale.LC_ALL, before)


@contextmanager
def threads(count):
    before = pa.cpu_count()
    pa.set_cpu_count(count)
    yield
    pa.set_cpu_count(before)


@contextmanager
def short_decimals():
    with decimal.localcontext() as context:
        context.prec, context.rounding = 2, decimal.ROUND_UP
        yield


@contextmanager
def warnings_of(action):
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        yield


SETTINGS = {
    "texts are objects": lambda: pandas_option("future.infer_string", False),
    "texts in Python": lambda: pandas_option("mode.string_storage", "python"),
    "texts in Arrow": lambda: pandas_option("mode.string_storage", "pyarrow"),
    "NaN is not missing": lambda: pandas_option("future.distinguish_nan_and_na", True),
    "without numexpr": lambda: pandas_option("compute.use_numexpr", False),
    "short tables": lambda: pd.option_context("display.max_rows", 2, "display.precision", 1),
    "numpy raises": lambda: np.errstate(all="raise"),
    "numpy is silent": lambda: np.errstate(all="ignore"),
    "warnings are errors": lambda: warnings_of("error"),
    "seeds": seeded,
    "the plain locale": lambda: in_locale("C"),
    "one thread": lambda: threads(1),
    "short decimals": short_decimals,
}


TOGETHER = (
    ("texts are objects", "numpy raises"),
    ("texts in Python", "NaN is not missing", "numpy is silent", "short decimals", "seeds"),
    (
        "texts in Arrow",
        "without numexpr",
        "short tables",
        "warnings are errors",
        "the plain locale",
        "one thread",
    ),
)
"""What does not touch each other is set at once."""


@contextmanager
def all_of(names):
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(SETTINGS[name]())
        yield


@pytest.mark.thorough
@pytest.mark.parametrize("names", TOGETHER, ids=" and ".join)
def test_no_setting_changes_a_figure(names, expected):
    with all_of(names):
        found = tables()
    assert found.keys() == expected.keys()
    for name, table in found.items():
        # Where pandas shall keep texts as objects it does so: their values are the same.
        exact = {"check_exact": True, "check_column_type": False, "check_index_type": False}
        assert_frame_equal(table.astype(object), expected[name].astype(object), **exact, obj=name)
        for column, kind in expected[name].dtypes.items():
            texts = {"str", "category", "object"} & {str(kind)}
            assert texts or table[column].dtype == kind, (name, column)


def test_all_settings_are_tried():
    assert {name for names in TOGETHER for name in names} == SETTINGS.keys()


def state():
    """All that belongs to everybody in a process."""
    handlers = {one: signal.getsignal(one) for one in signal.valid_signals()}
    return {
        "random": random.getstate(),
        "numpy's random": repr(np.random.get_state()),
        "numpy's errors": np.geterr(),
        "numpy's display": np.get_printoptions(),
        "pandas": options(),
        "warnings": [*warnings.filters],
        "matplotlib": dict(matplotlib.rcParams),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "signals": handlers,
        "locale": locale.setlocale(locale.LC_ALL),
        "decimals": repr(decimal.getcontext()),
        "threads of Arrow": (pa.cpu_count(), pa.io_thread_count()),
        "umask": os.umask(os.umask(0o022)),
        "hooks": (sys.excepthook, threading.excepthook, sys.displayhook, sys.getrecursionlimit()),
    }


def options():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are deprecated
        return {name: pd.get_option(name) for name in _registered_options}


def charts_of(history):
    for name in lab.charts.__all__:
        chart = getattr(lab.charts, name)
        needed = inspect.signature(chart).parameters if callable(chart) else {}
        first = next(iter(needed), "")
        ids = {"stream_id": history.decisions["stream_id"].iloc[0]} if "stream_id" in needed else {}
        if first in ("data", "history") and name not in ("save", "export"):
            yield name, lambda chart=chart, ids=ids: chart(history, **ids)


def drawn(history):
    for _, draw in charts_of(history):
        artist = draw()
        figure = getattr(artist, "figure", None) or artist
        figure.draw_without_rendering()
        matplotlib.pyplot.close("all")


def used(folder):
    """Do once what a day's work does."""
    history = lab.sample(last=40)
    drawn(histories())
    history.save(folder / "s")
    lab.compact(folder / "s")
    lab.read(folder / "s", last=20).to_ndjson(folder / "s.ndjson.gz")
    both = lab.read([folder / "s.ndjson.gz", folder / "s"]) + asyncio.run(lab.aread(folder / "s"))
    lab.stats.Margin.of(lab.scan(folder / "s.ndjson.gz"))
    repr(both), both._repr_html_(), lab.verify(folder / "s"), backoff_delay(3)
    view = lab.follow(lab.replay(both, speed=inf))
    view.follower.start()
    view.figure.draw_without_rendering()
    view.close()


@pytest.mark.thorough
def test_numpy_may_raise_and_every_statistic_still_counts():
    history = histories()
    with np.errstate(all="raise"):
        for kind in SUBJECTS:
            named = {"replicates": 40} if "replicates" in inspect.signature(kind.of).parameters else {}
            summary = kind.of(history, **named)
            (summary + summary).table(), summary.lump(2).table(), repr(summary)
            getattr(kind, "decisions", len)(history)
            [getattr(summary, name) for name, kept in inspect.getmembers(kind) if isinstance(kept, property)]


@pytest.mark.thorough
def test_nothing_of_everybodys_is_changed(tmp_path):
    used(tmp_path)  # what is loaded late is loaded now: other libraries may set what they like then
    before = state()
    (tmp_path / "again").mkdir()
    used(tmp_path / "again")
    after = state()
    for name, value in before.items():
        assert after[name] == value, name


@pytest.mark.thorough
def test_charts_are_drawn_whatever_is_set():
    history = histories()
    with all_of(TOGETHER[0]):
        drawn(history)
