"""Intervals that hold at every look, ``interval="anytime"``: that they do, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
from histories import sample
from panels import panels
from pictures import words

import mastermind_lab as lab
from mastermind_lab import charts
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.engine.anytime import AtEveryLook, confidence_sequence, evidence
from mastermind_lab.stats.engine.intervals import UNBOUNDED

pytestmark = pytest.mark.once

TRUTHS = {
    "half": (0.5, lambda random, shape: random.random(shape) < 0.5),
    "mostly": (0.9, lambda random, shape: random.random(shape) < 0.9),
    "nearly all": (0.99, lambda random, shape: random.random(shape) < 0.99),
    "confidences": (2 / 3, lambda random, shape: random.beta(6, 3, shape)),
    "at both ends": (0.3, lambda random, shape: random.beta(0.03, 0.07, shape)),
}


def left_out(truth, draw, runs, looks):
    """In what share of runs the truth is outside at some moment, looking at every decision."""
    seen, rows = np.arange(1.0, looks + 1), 20
    outside = []
    for first in range(0, runs, rows):
        total = np.cumsum(draw(np.random.default_rng([7, first]), (rows, looks)), axis=1)
        # An end can pass the truth only where this does; the ends themselves are compared below.
        outside += (_evidence(total, seen, truth) > np.log(20)).any(axis=1).tolist()
    return np.mean(outside)


def _evidence(total, seen, truth):
    """The same as ours, with scipy's gamma function, for whole arrays."""
    from scipy.special import gammaln

    mixed = gammaln(total + 0.5) + gammaln(seen - total + 0.5) - gammaln(seen + 1) - np.log(np.pi)
    return mixed - total * np.log(truth) - (seen - total) * np.log1p(-truth)


@pytest.mark.parametrize("name", TRUTHS)
def test_who_looks_at_every_decision_seldom_sees_the_truth_outside(name):
    assert left_out(*TRUTHS[name], runs=400, looks=400) < 0.05


@pytest.mark.thorough
@pytest.mark.parametrize("name", list(TRUTHS)[:4])
def test_the_truth_is_outside_in_under_5_percent_of_1_000_runs_of_10_000_decisions(name):
    assert left_out(*TRUTHS[name], runs=1_000, looks=10_000) < 0.05


@pytest.mark.parametrize("name", TRUTHS)
def test_the_ends_are_where_the_evidence_is_20_to_1(name):
    truth, draw = TRUTHS[name]
    seen = np.arange(1.0, 401.0)
    total = np.cumsum(draw(np.random.default_rng(3), 400))
    low, high = confidence_sequence(total, seen)
    assert ((low <= total / seen) & (total / seen <= high)).all()
    for end in (low, high):
        inner = (end > 0) & (end < 1)
        at_end = evidence(total[inner], seen[inner], end[inner])
        np.testing.assert_allclose(at_end, np.log(20), rtol=1e-6)
        np.testing.assert_allclose(at_end, _evidence(total[inner], seen[inner], end[inner]), rtol=1e-6)
    for other in (0.05, 0.5, truth, 0.97):
        out = _evidence(total, seen, other) > np.log(20)
        assert (out == ((other < low) | (other > high))).all()


def test_the_ends_of_very_many_decisions_and_of_hardly_any_confidence():
    seen = np.array([1e9, 1e6, 10.0, 10.0])
    total = np.array([5e8, 1e-3, 5e-324, 10 - 1e-9])
    with np.errstate(all="raise", under="ignore"):
        low, high = confidence_sequence(total, seen)
    assert ((low <= total / seen) & (total / seen <= high)).all()
    assert (low[1:3] == 0).all()
    for end, row in ((low, 0), (high, 0), (high, 1), (high, 2), (low, 3)):
        at_end = _evidence(total[row], seen[row], end[row])
        assert at_end == pytest.approx(np.log(20), abs=1e-5)


def test_an_ordinary_interval_does_not_hold_at_every_look():
    random = np.random.default_rng(1)
    total, seen = np.cumsum(random.random((200, 2_000)) < 0.5, axis=1), np.arange(1.0, 2_001.0)
    off = np.abs(total / seen - 0.5) > 1.96 * 0.5 / np.sqrt(seen)
    assert off[:, 19::20].any(axis=1).mean() > 0.25


def test_all_and_none_leave_room_and_a_turned_share_turns_the_interval():
    low, high = confidence_sequence(np.array([0.0, 12.0, 9.0, 3.0]), np.full(4, 12.0))
    assert (low[0], high[1]) == (0.0, 1.0)
    assert 0.2 < high[0] < 0.5
    assert (low[2], high[2]) == pytest.approx((1 - high[3], 1 - low[3]))
    # What rounding adds to a sum of ones is no more than all of them.
    assert confidence_sequence(np.array([3.0000000001]), np.array([3.0]))[1][0] == 1.0


def test_confidence_over_a_stream_in_any_order_is_its_sum_and_n():
    history = panels(300)
    known = history.decisions["confidence"].dropna()
    mean = lab.stats.Confidence.of(history, interval="anytime", replicates=40).mean
    low, high = confidence_sequence(np.array([known.sum()]), np.array([float(len(known))]))
    assert (mean.low, mean.high, mean.method) == (pytest.approx(low[0]), pytest.approx(high[0]), "anytime")
    once = lab.stats.Confidence.of(history, replicates=40).mean
    assert mean.low < once.low < once.high < mean.high


def test_a_difference_has_bounds_of_its_own():
    made, few = AtEveryLook(), np.full((1, 41), 5.0)
    change = made.means(few * -0.2, few, np.array([5.0]), (-1.0, 1.0))
    low, high = confidence_sequence(np.array([2.0]), np.array([5.0]))
    assert (change.value[0], change.low[0], change.high[0]) == pytest.approx(
        (-0.2, 2 * low[0] - 1, 2 * high[0] - 1)
    )


def test_what_has_no_bounds_or_is_not_one_for_each_decision_has_no_interval():
    made, n = AtEveryLook(), np.array([5.0])
    several = np.full((1, 41), 12.0)
    assert made.means(several / 3, several, n, UNBOUNDED).method.tolist() == ["none"]
    assert made.shares(several / 3, several, n).method.tolist() == ["none"]
    table = lab.stats.Margin.of(panels(60), interval="anytime", replicates=40).table().iloc[0]
    assert (table["entropy_method"], table["mean_method"], table["tie_method"]) == (
        "none",
        "anytime",
        "anytime",
    )
    assert np.isnan(table["entropy_low"])
    assert not np.isnan(table["entropy"])


@pytest.mark.parametrize("kind", ["Timing", "Votes", "Calibration", "Agreement", "Stability"])
def test_subjects_without_such_figures_refuse_it(kind):
    with pytest.raises(OptionError, match=f"{kind} takes no interval: .*known bounds"):
        getattr(lab.stats, kind).of(sample(20), interval="anytime")


@pytest.mark.parametrize("kind", ["Confidence", "ConfidenceOverTime", "Conformity", "Margin", "Voters"])
def test_clusters_and_other_words_are_refused(kind):
    of = getattr(lab.stats, kind).of
    with pytest.raises(OptionError, match="leave one of the two out"):
        of(sample(20), interval="anytime", cluster="question", replicates=40)
    with pytest.raises(OptionError, match="expected 'bootstrap' or 'anytime'"):
        of(sample(20), interval="always", replicates=40)


@pytest.mark.parametrize("kind", ["Confidence", "ConfidenceOverTime", "Conformity", "Margin", "Voters"])
def test_no_figure_of_a_table_has_an_interval_for_one_look_or_needs_replicates(kind):
    of = getattr(lab.stats, kind).of
    table, other = (of(sample(40), interval="anytime", replicates=count).table() for count in (40, 80))
    pd.testing.assert_frame_equal(table, other, check_exact=True)
    methods = {method for name in table.filter(like="_method") for method in table[name]}
    assert "anytime" in methods
    assert methods <= {"anytime", "none"}


def test_summaries_for_one_look_and_for_many_do_not_merge():
    once, often = (
        lab.stats.Margin.of(sample(20), interval=kind, replicates=40) for kind in ("bootstrap", "anytime")
    )
    with pytest.raises(OptionError, match=r"intervals=.* do not merge"):
        once + often


def test_intervals_of_several_groups_hold_together_at_every_look():
    alone, together = (
        lab.stats.Confidence.of(panels(300), by="meta.model", interval="anytime", family=family).table()
        for family in (None, "simultaneous")
    )
    assert set(together["mean_method"]) == {"anytime, simultaneous"}
    known = panels(300).decisions.dropna(subset=["confidence"])
    groups = known.groupby("meta.model", dropna=False)["confidence"].agg(["sum", "count"]).to_numpy(float)
    low, high = confidence_sequence(groups[:, 0], groups[:, 1], 0.05 / len(groups))
    assert together["mean_low"].tolist() == pytest.approx(low.tolist())
    assert together["mean_high"].tolist() == pytest.approx(high.tolist())
    assert (together["mean_low"] < alone["mean_low"]).all()


def test_a_table_and_a_chart_say_that_one_may_look_often(ax):
    summary = lab.stats.Confidence.of(sample(40), interval="anytime", replicates=40)
    assert "95% intervals hold at every look" in repr(summary)
    charts.confidence(summary, ax=ax)
    assert "95% intervals hold at every look" in words(ax).replace("\n", " ")
    assert "every look" not in repr(lab.stats.Confidence.of(sample(40), replicates=40))


def test_nothing_and_one_decision_have_no_interval():
    for n in (0, 1):
        frame = pd.DataFrame({"stream_id": ["1-0"], "confidence": [0.5]})[:n].astype({"stream_id": "str"})
        mean = lab.stats.Confidence.of(frame, interval="anytime", replicates=40).mean
        assert np.isnan(mean.low)
        assert mean.method == "none"
