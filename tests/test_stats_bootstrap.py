"""The bootstrap: draws, intervals, and what they cover."""

import math

import numpy as np
import pandas as pd
import pytest
from panels import panels

from mastermind_lab.stats import Confidence, ConfidenceOverTime, Estimate, Margin, Votes
from mastermind_lab.stats.engine import bootstrap
from mastermind_lab.stats.engine import sums as sums_module
from mastermind_lab.stats.engine.bootstrap import draws, hashes, interval, shared_draws
from mastermind_lab.stats.engine.intervals import Intervals
from mastermind_lab.stats.engine.units import Units

HASHES = [
    3_237_756_869_657_885_903,
    10_752_777_754_216_762_484,
    2_227_066_261_865_398_115,
    9_373_293_968_974_939_041,
]
DRAWS = [
    [1, 1, 1, 2, 0, 1, 1, 1, 1, 3],
    [0, 1, 0, 2, 1, 1, 0, 0, 2, 0],
    [0, 2, 2, 0, 2, 0, 1, 2, 0, 2],
    [2, 1, 3, 1, 0, 1, 3, 0, 1, 1],
]


def test_draws_are_the_same_on_every_machine():
    ids = pd.Series(
        ["1735580000000-0", "1735580000000-0@1", "0-17", "18446744073709551615-18446744073709551615"]
    )
    assert hashes(ids).tolist() == HASHES
    assert draws(hashes(ids), 10).astype(int).tolist() == DRAWS


def test_draws_are_independent_poisson_numbers():
    ids = pd.Series([f"{1735580000000 + row}-0" for row in range(4_000)])
    drawn = draws(hashes(ids), 400)
    assert drawn.mean() == pytest.approx(1, abs=5 / math.sqrt(drawn.size))
    assert drawn.var() == pytest.approx(1, abs=0.01)
    counts = np.bincount(drawn.astype(int).ravel())[:5] / drawn.size
    assert counts == pytest.approx([math.exp(-1) / math.factorial(k) for k in range(5)], abs=2e-3)
    for table in (drawn, drawn[:400].T):
        related = np.corrcoef(table, rowvar=False)[np.triu_indices(400, 1)]
        assert related.mean() == pytest.approx(0, abs=1e-3)
        assert related.std() == pytest.approx(1 / math.sqrt(len(table)), rel=0.05)


def test_more_replicates_begin_with_the_same():
    hashed = hashes(pd.Series(["5-0", "6-0"]))
    assert (draws(hashed, 401)[:, :50] == draws(hashed, 50)).all()


def test_shared_draws_are_the_same_whatever_was_drawn_before():
    ids = [
        np.unique(hashes(pd.Series([f"{row}-0" for row in rows]))) for rows in (range(300), range(250, 400))
    ]
    some = ids[0][::3], ids[0][:0], ids[1], ids[0][-40:], np.union1d(*ids), ids[0], ids[1][::2]
    for hashed in some:
        for replicates in (40, 400, 40):
            assert (shared_draws(hashed, replicates) == draws(hashed, replicates)).all()


@pytest.mark.further
def test_summaries_of_one_history_draw_once_and_keep_no_more_than_a_block(monkeypatch):
    drawn = []

    def counted(hashed, replicates):
        drawn.append(len(hashed) * replicates)
        return draws(hashed, replicates)

    monkeypatch.setattr(bootstrap, "draws", counted)
    monkeypatch.setattr(sums_module, "BLOCK", 40 * 500)
    kinds = (Confidence, ConfidenceOverTime, Margin, Votes)
    for kind in kinds:
        kind.of(panels(500), replicates=40)
    assert drawn == [40 * 500]
    for kind in kinds:
        kind.of(panels(1_800), replicates=40)
    assert max(drawn) == 40 * 500


def test_an_interval_is_read_off_the_replicates():
    history = panels(1_500)
    frame = history.decisions.dropna(subset="confidence")
    weights = draws(Units.of(frame).at(frame["stream_id"]).hashed, 400)
    replicates = frame["confidence"].to_numpy() @ weights / weights.sum(axis=0)
    estimate = Confidence.of(history).mean
    expected = np.percentile(replicates, [2.5, 97.5])
    assert [estimate.low, estimate.high] == pytest.approx(expected, abs=2e-4)
    assert estimate.n == len(frame)
    assert estimate.value == pytest.approx(frame["confidence"].mean())


def test_an_interval_lies_between_replicates_and_skips_those_that_drew_nothing():
    replicates = np.array([[1.0, 0.0, np.nan], [0.0, 0.5, 1.0], [np.nan, np.nan, 0.5]])
    low, high = interval(replicates, np.full(3, 1e12))
    assert low == pytest.approx([0.025, 0.025, np.nan], nan_ok=True)
    assert high == pytest.approx([0.975, 0.975, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("n", "student"), [(6, 2.570582), (11, 2.228139), (31, 2.042272), (10_001, 1.960201)]
)
def test_few_observations_widen_the_interval(n, student):
    replicates = np.linspace(0, 1, 100_001)[None]
    tail = 0.5 * math.erfc(student * math.sqrt(n / (n - 1)) / math.sqrt(2))
    low, high = interval(replicates, np.array([float(n)]))
    assert low[0] == pytest.approx(tail, rel=0.1)
    assert high[0] == pytest.approx(1 - tail, rel=1e-3)


@pytest.mark.thorough
@pytest.mark.parametrize(("n", "least"), [(10, 0.92), (60, 0.92), (400, 0.92)])
def test_intervals_cover_what_they_should(n, least):
    inside = 0
    for run in range(400):
        sample = np.random.default_rng(run).beta(6, 3, n)
        weights = draws(hashes(pd.Series([f"{run * 1_000 + row}-7" for row in range(n)])), 400)
        drawn = np.concatenate([np.ones((n, 1)), weights], axis=1)
        _, low, high, _ = Intervals().means(
            (sample @ drawn)[None], drawn.sum(axis=0)[None], np.array([float(n)])
        )
        inside += low[0] <= 6 / 9 <= high[0]
    assert least <= inside / 400 <= 0.985


def test_none_and_all_are_not_certainty():
    none, all_of_them = np.zeros((1, 41)), np.ones((1, 41))
    n = np.array([30.0])
    value, low, high, _ = Intervals().shares(none, all_of_them, n)
    assert (value[0], low[0]) == (0, 0)
    assert (1 - high[0]) ** 30 == pytest.approx(0.025)
    value, low, high, _ = Intervals().shares(all_of_them, all_of_them, n)
    assert (value[0], high[0]) == (1, 1)
    assert low[0] ** 30 == pytest.approx(0.025)


def test_an_estimate_says_itself():
    assert repr(Estimate(0.5, 0.41, 0.6, 1200)) == "0.5 (95% interval 0.41 to 0.6, n = 1,200)"
    assert repr(Estimate(0.5, 0.1, 0.9, 9)) == "0.5 (95% interval 0.1 to 0.9, n = 9: too few to rely on)"
    assert "no interval" in repr(Confidence.of(panels(1)).mean)
    nothing = Confidence.of(panels(0)).mean
    assert nothing.n == 0
    assert math.isnan(nothing.value)


def test_rows_add_up_as_often_as_their_decision_was_drawn_block_by_block(monkeypatch):
    votes = panels(90).votes.sample(frac=1, random_state=0)
    rows = {"n": np.ones(len(votes)), "weight": votes["weight"].to_numpy()}
    by = Units.of(votes).at(votes["stream_id"])
    drawn = draws(by.hashed, 40).astype(float)
    for most in (1 << 25, 40 * 7, 40):  # all decisions at once, 7, one
        monkeypatch.setattr(sums_module, "BLOCK", most)
        sums = sums_module.GroupedSums.of(votes[["choice"]], rows, by, 40)
        assert set(sums.keys["choice"]) == set(votes["choice"])
        for place, choice in enumerate(sums.keys["choice"]):
            mine = (votes["choice"] == choice).to_numpy()
            for name, values in rows.items():
                assert sums[name][place, 1:] == pytest.approx(values[mine] @ drawn[mine], rel=1e-12)
