"""How summaries and their figures show, and what is said to somebody who counts them the wrong way."""

import copy
import dataclasses
import inspect
import pickle
import pydoc
from html.parser import HTMLParser
from types import FunctionType

import numpy as np
import pandas as pd
import pytest
from panels import panels
from summaries import by_columns
from telling import telling

import mastermind_lab as lab
from mastermind_lab import stats
from mastermind_lab.stats.engine.renamed import Renamed
from mastermind_lab.stats.engine.summary import Summary

KINDS = [kind for kind in map(stats.__dict__.get, stats.__all__) if isinstance(kind, type)]
SUMMARIES = [kind for kind in KINDS if issubclass(kind, Summary)]
every_summary = pytest.mark.parametrize("kind", SUMMARIES, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def history():
    return lab.with_outcomes(lab.sample(last=120), "data/outcomes.csv")


class Texts(HTMLParser):
    """Collects the tags and the texts of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.cells = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        if data.strip():
            self.cells.append(data.strip())


@every_summary
@pytest.mark.further
def test_a_summary_shows_the_first_rows_of_its_table(history, kind):
    summary = kind.of(history, replicates=40)
    lines, table = repr(summary).split("\n"), summary.table()
    assert lines[0].startswith(f"{kind.__name__}: n = {summary.n:,} ")
    assert len(lines) <= 17
    assert max(map(len, lines)) < 250
    assert set(lines[1].split()) - {"..."} <= set(table.columns) if len(table) else lines[1] == "no rows"
    page = Texts(summary._repr_html_())
    assert page.cells[0] == lines[0]
    assert len(page.tags) < 250
    assert {"table", "th", "td"} <= set(page.tags) if len(table) else "no rows" in page.cells


def test_nothing_counted_says_so():
    summary = stats.Confidence.of(panels(0), by="meta.model", replicates=40)
    assert repr(summary) == "Confidence by meta.model: n = 0 decisions\nno rows"
    assert "no rows" in summary._repr_html_()


def test_text_from_data_is_only_text_and_is_cut():
    history = panels(30)
    history.decisions["<script>"] = np.where(
        np.arange(30) % 2, "<img src=x onerror=alert(1)>", "\x1b[2J\u202e$x$" + "y" * 500
    )
    summary = stats.Confidence.of(history, by="<script>", replicates=40)
    page = summary._repr_html_()
    assert not {"script", "img"} & set(Texts(page).tags)
    assert "<script>" in Texts(page).cells
    assert "mathjax_ignore" in page
    for shown in (repr(summary), page):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "y" * 40 not in shown
    wide = stats.Confidence.of(panels(30).decisions.assign(**{"w" * 900: 1}), by="w" * 900, replicates=40)
    assert len(repr(wide)) < 1_500


def test_an_estimate_is_a_number_and_takes_a_format():
    estimate = stats.Estimate(0.7312, 0.7041, 0.7583, 2_000)
    assert float(estimate) == 0.7312
    assert np.asarray([estimate], dtype=float) == [0.7312]
    assert f"{estimate:.1%}" == "73.1% (70.4% to 75.8%)"
    assert f"{estimate}" == str(estimate) == "0.731 (95% interval 0.704 to 0.758, n = 2,000)"
    assert f"{stats.Estimate(-0.001, -0.2, 0.2, 9):.1f}" == "0.0 (-0.2 to 0.2)"
    assert f"{stats.Estimate(0.5, np.nan, np.nan, 1):.2f}" == "0.50"
    assert f"{stats.Estimate(np.nan, np.nan, np.nan, 0):.2f}" == "not defined"
    with pytest.raises(ValueError, match="format"):
        f"{estimate:d}"


@pytest.mark.once
@every_summary
def test_who_calls_the_class_is_told_to_count(history, kind):
    for given in ((), (history,), (history.votes,), (lab.scan(lab.history.sample_folder()),)):
        for options in ({}, {"by": "meta.model"}, {"data": history}):
            with pytest.raises(TypeError, match=rf"write {kind.__name__}\.of\(history\)"):
                kind(*given, **options)


@pytest.mark.once
@every_summary
def test_who_calls_the_module_is_told_to_count(history, kind):
    module = getattr(stats, kind.__module__.rpartition(".")[2])
    with pytest.raises(TypeError, match=rf"write {kind.__name__}\.of\(history\)"):
        module(history)


@pytest.mark.parametrize(
    "kind",
    telling({one.__name__: one for one in SUMMARIES}, "Regimes", "Votes"),
)
def test_a_summary_is_copied_pickled_and_replaced(history, kind):
    summary = kind.of(history, **by_columns(kind, "meta.model"), replicates=40)
    table = summary.table()
    copies = [copy.copy(summary), copy.deepcopy(summary), dataclasses.replace(summary)]
    for one in copies + [pickle.loads(pickle.dumps(summary, protocol)) for protocol in (0, 2, 5)]:
        pd.testing.assert_frame_equal(one.table(), table)


@pytest.mark.once
@every_summary
def test_no_signature_asks_for_what_only_of_can_count(kind):
    assert str(inspect.signature(kind)) == "()"
    page = pydoc.plain(pydoc.render_doc(kind))
    assert f"{kind.__name__}(by" not in page
    assert kind.__doc__.split()[0] not in ("A", "The", kind.__name__)


def test_completion_offers_what_counts_and_nothing_else():
    assert dir(stats) == stats.__all__
    assert {*KINDS, stats.difference} == {getattr(stats, name) for name in dir(stats)}


def test_one_name_is_one_thing_in_every_summary():
    things = {}
    for kind in SUMMARIES:
        for name in dir(kind):
            value = inspect.getattr_static(kind, name, None)
            if name[0] != "_" and not isinstance(value, Renamed):
                called = isinstance(value, FunctionType | classmethod | staticmethod)
                things.setdefault(name, set()).add("called" if called else "read")
        for field in dataclasses.fields(kind):
            things.setdefault(field.name, set()).add("read")
    assert [name for name, found in things.items() if len(found) > 1] == []


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (stats.Confidence, "fold", "lump"),
        (stats.Votes, "fold", "lump"),
        (stats.Agreement, "reliability", "by_group"),
        (stats.Calibration, "reliability", "calibration_loss"),
        (stats.Regimes, "chance", "p_value"),
    ],
)
def test_an_old_name_works_and_says_the_new_one(history, kind, old, new):
    summary = kind.of(history, replicates=40)
    with pytest.warns(FutureWarning, match=rf"{kind.__name__}\.{old} is now called {new}") as caught:
        found = getattr(summary, old)
    assert caught[0].filename == __file__
    assert repr(found() if callable(found) else found) == repr(
        getattr(summary, new)() if callable(found) else getattr(summary, new)
    )


def test_the_old_option_of_regimes_and_the_old_mark_of_an_estimate_work(history):
    with pytest.warns(FutureWarning, match="chance is now called p_value"):
        assert stats.Regimes.of(history, chance=0.2, replicates=40).p_value == 0.2
    with pytest.warns(FutureWarning, match=r"Estimate\.thin is now called small_n"):
        assert stats.Estimate(0.5, 0.4, 0.6, 9).thin
