"""Many intervals at once: how often one of a whole table leaves out the truth."""

import numpy as np
import pandas as pd
import pytest
from equal_voters import judged
from panels import part
from pictures import caption
from summaries import agree

from mastermind_lab import charts
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import (
    Agreement,
    Confidence,
    ConfidenceOverTime,
    Margin,
    Pivotal,
    Rules,
    Voters,
    Votes,
)
from mastermind_lab.stats.engine.families import critical, deviations, largest, level

pytestmark = pytest.mark.once

TOGETHER = {"family": "simultaneous"}


def left_out(table, figure, truth, run="run"):
    """In how large a share of the runs some interval leaves the truth out."""
    missed = table[f"{figure}_low"].gt(truth) | table[f"{figure}_high"].lt(truth)
    return missed.groupby(table[run]).any().mean() if run else missed.any()


def whole_tables(kind, figure, truth, accuracy, n, runs, replicates=200, **options):
    """The same, each run counted by itself: its table is the family."""
    missed = []
    for seed in range(runs):
        table = kind.of(judged(accuracy, n, seed=seed), replicates=replicates, **options).table()
        missed.append(left_out(table, figure, truth, run=None))
    return np.mean(missed)


# How often a table is wrong.


@pytest.mark.thorough
@pytest.mark.parametrize(("accuracy", "voters", "n"), [(0.7, 20, 80), (0.9, 20, 60)])
def test_a_table_of_equal_voters_holds_as_a_whole(accuracy, voters, n):
    def wrong(**options):
        return whole_tables(Voters, "accuracy", accuracy, [accuracy] * voters, n, runs=8, **options)

    assert wrong() >= 3 / 8
    assert wrong(**TOGETHER) <= 2 / 8


@pytest.mark.thorough
@pytest.mark.parametrize(("accuracy", "n"), [(0.7, 200), (0.9, 60), (0.7, 20)])
def test_of_many_tables_one_in_twenty_is_wrong(accuracy, n):
    options = {"runs": 100, "replicates": 400, **TOGETHER}
    # 5 to 8% of them, and three standard errors of 100 runs.
    assert whole_tables(Voters, "accuracy", accuracy, [accuracy] * 20, n, **options) <= 0.14


def test_groups_are_one_family_too():
    random, runs, groups, n = np.random.default_rng(1), 8, 20, 40
    together, one_by_one = [], []
    for _ in range(runs):
        confidence = random.beta(4, 2, groups * n)
        frame = pd.DataFrame(
            {
                "stream_id": [f"{row + 1}-0" for row in range(groups * n)],
                "decision_id": [f"{random.integers(1 << 40)}" for _ in range(groups * n)],
                "confidence": confidence,
                "room": np.arange(groups * n) % groups,
            }
        )
        for found, options in ((together, TOGETHER), (one_by_one, {})):
            table = Confidence.of(frame, by="room", replicates=200, **options).table()
            found.append(left_out(table, "mean", 2 / 3, run=None))
    assert np.mean(one_by_one) > 0.3
    assert np.mean(together) <= 0.25


# What it is made of.


def test_the_largest_deviation_of_independent_rows_needs_what_bonferroni_gives_and_of_equal_rows_less():
    random = np.random.default_rng(0)
    values = np.column_stack([np.zeros(20), random.normal(size=(20, 4_000))])
    away, deviation = deviations(values)
    apart = level(largest(away, deviation), 20)
    assert 2.9 < apart < 3.03  # 3.016 of independent ones, 3.023 of Bonferroni
    alike = level(largest(away[[0] * 20], deviation[[0] * 20]), 20)
    assert alike == pytest.approx(1.96, abs=0.1)
    assert level(largest(away[:1], deviation[:1]), 1) == pytest.approx(1.96, abs=1e-3)


def test_few_observations_reach_further():
    most = np.zeros(100)
    found = critical(most, 1, np.array([5.0, 30.0, 1e6]))
    # Student's 97.5% points of 4 and 29 degrees of freedom, times sqrt(n / (n - 1)).
    assert found == pytest.approx([2.7764 * (5 / 4) ** 0.5, 2.0452 * (30 / 29) ** 0.5, 1.96], rel=0.02)


def test_what_never_varied_or_was_never_seen_is_no_member():
    values = np.array([[1.0, 1.0, 1.0], [0.5, np.nan, 0.6], [np.nan, np.nan, np.nan]])
    away, deviation = deviations(values)
    assert deviation.tolist() == pytest.approx([0, 0.1, 0])
    assert largest(away, deviation).tolist() == pytest.approx([0, 1])


# What a table says.


@pytest.mark.parametrize("kind", [Voters, Rules, Votes, Pivotal, Margin])
def test_intervals_that_hold_together_hold_each_of_those_that_hold_alone(kind):
    history = judged([0.6, 0.7, 0.8, 0.9], 60)
    alone, together = (kind.of(history, replicates=100, **one).table() for one in ({}, TOGETHER))
    figures = [name.removesuffix("_low") for name in alone if name.endswith("_low")]
    for name in figures:
        low, high = f"{name}_low", f"{name}_high"
        assert (together[low] <= alone[low] + 1e-12).sum() == alone[low].notna().sum(), name
        assert (together[high] >= alone[high] - 1e-12).sum() == alone[high].notna().sum(), name
        agree(together[[name]], alone[[name]])
        bounded = name not in ("difference", "difference_of_all", "overconfidence", "entropy")
        assert not bounded or together[[low, high]].stack().dropna().between(0, 1).all(), name


@pytest.mark.parametrize("kind", [Voters, Agreement])
def test_a_family_of_one_is_an_interval_of_its_own(kind):
    history = judged([0.7, 0.7], 40) if kind is Agreement else judged([0.7], 40)
    method = "by_group" if kind is Agreement else "table"
    alone, together = (getattr(kind.of(history, **one), method)() for one in ({}, TOGETHER))
    methods = [name for name in alone if name.endswith("_method")]
    agree(together.drop(columns=methods), alone.drop(columns=methods))


@pytest.mark.parametrize("each", [2, 3, 20])
def test_two_are_a_family_however_few_decisions_they_have(each):
    confidence = 0.5 + np.random.default_rng(0).uniform(-0.01, 0.01, 2 * each)
    ids = [f"{row + 1}-0" for row in range(2 * each)]
    frame = pd.DataFrame({"stream_id": ids, "confidence": confidence, "group": ["a", "b"] * each})
    alone, together = (Confidence.of(frame, by="group", **one).table() for one in ({}, TOGETHER))
    assert together["mean_low"].lt(alone["mean_low"]).all()
    assert together["mean_high"].gt(alone["mean_high"]).all()


@pytest.mark.thorough
def test_tables_of_a_few_observations_hold_together_too():
    random, missed = np.random.default_rng(0), 0
    for run in range(60):
        frame = pd.DataFrame({"stream_id": [f"{run}-{row + 1}" for row in range(30)]})
        frame = frame.assign(confidence=random.beta(6, 2, 30), group=np.arange(30) // 3)
        table = Confidence.of(frame, by="group", family="simultaneous", replicates=40).table()
        missed += ((table["mean_low"] > 0.75) | (table["mean_high"] < 0.75)).any()
    assert missed <= 9  # 5% and what chance adds; it was a third


def test_it_is_said_in_the_table_and_on_the_chart(ax):
    summary = Voters.of(judged([0.7, 0.8, 0.9], 60), **TOGETHER)
    table = summary.table()
    assert table["accuracy_method"].str.contains("simultaneous").all()
    assert "simultaneous" in repr(summary)
    charts.voters(summary, ax=ax)
    assert "Simultaneous" in caption(ax)
    assert "simultaneous" not in repr(Voters.of(judged([0.7, 0.8, 0.9], 60)))


def test_rules_and_their_best_voter_are_one_family():
    table = Rules.of(judged([0.6, 0.7, 0.8], 80), **TOGETHER).table().set_index("rule")
    alone = Rules.of(judged([0.6, 0.7, 0.8], 80)).table().set_index("rule")
    for rule in ("plurality", "best voter"):
        wide, narrow = (one.loc[rule, "accuracy_high"] - one.loc[rule, "accuracy"] for one in (table, alone))
        assert wide > 1.05 * narrow


# What cannot be, and the law.


@pytest.mark.parametrize("family", ["holm", True, 5, ""])
def test_a_family_of_another_kind_is_refused(family):
    with pytest.raises(OptionError, match="family is None or 'simultaneous', not"):
        Voters.of(judged([0.7], 20), family=family)


def test_a_subject_without_a_table_of_many_refuses_a_family():
    with pytest.raises(OptionError, match="ConfidenceOverTime takes no family"):
        ConfidenceOverTime.of(judged([0.7], 20), **TOGETHER)


def test_with_and_without_do_not_merge():
    history = judged([0.7, 0.8], 20)
    with pytest.raises(OptionError, match="do not merge"):
        Voters.of(history) + Voters.of(history, **TOGETHER)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Voters, {}),
        (Rules, {"by": "run"}),
        (Agreement, {"cluster": "run"}),
        (Votes, {"by": "run"}),
        (Pivotal, {}),
    ],
)
def test_parts_add_up_to_the_whole_in_any_order(kind, options):
    history = judged([0.6, 0.7, 0.8], 12, runs=4)
    options = {"replicates": 40, **TOGETHER, **options}
    place = np.random.default_rng(1).integers(0, 3, 48)
    parts = [kind.of(part(history, place == one), **options) for one in (2, 0, 1)]
    agree(sum(parts).table(), kind.of(history, **options).table())
