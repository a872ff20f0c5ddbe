"""How intervals are made: they hold their figure, know small samples, and say by which method."""

import importlib.util
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import panels
from scipy.stats import binom, chi2
from summaries import shown_and_lumped

from mastermind_lab.stats import Agreement, Calibration, Confidence, Drift, Margin, Regimes, Voters
from mastermind_lab.stats.engine.bootstrap import draws, mixed, student
from mastermind_lab.stats.engine.intervals import CHANGE, SHARE, Intervals

pytestmark = pytest.mark.once

METHODS = {"bootstrap", "score", "Student", "exact", "influence", "definition", "none"}


def sums(values, cluster=None):
    """The sum of some values and its replicates, whole clusters drawn together; the same of ones."""
    values = np.asarray(values, dtype=np.float64)
    cluster = np.arange(len(values)) if cluster is None else np.asarray(cluster)
    drawn = draws(mixed(cluster.astype(np.uint64)), 400).astype(np.float64)
    weights = np.column_stack([np.ones(len(values)), drawn])
    return (values @ weights)[None], weights.sum(axis=0)[None], np.array([float(len(np.unique(cluster)))])


def share(k, n):
    figure = Intervals().shares(*sums([1] * k + [0] * (n - k)))
    return float(figure.low[0]), float(figure.high[0]), figure.method[0]


def wilson(k, n, z=1.959964):
    """As Brown, Cai and DasGupta (2001) modified it for few; that is faded out from 2 to 4."""

    def low(k):
        p = k / n
        middle, reach = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        end = (middle - reach) / (1 + z * z / n)
        poisson = chi2.ppf(0.05, 2 * k) / 2 / n if k else 0
        return end - min(1, max(0, (4 - k) / 2)) * max(0, end - poisson)

    return low(k), 1 - low(n - k)


def judged(right, confidence=0.9):
    """Decisions of one vote each."""
    ids = pd.Series([f"{1_772_442_000_000 + row}-0" for row in range(len(right))], dtype="str")
    choice = pd.Series(np.where(right, "yes", "no"), dtype="str")
    decisions = pd.DataFrame({"stream_id": ids, "recommendation": choice, "confidence": confidence})
    votes = pd.DataFrame({"stream_id": ids, "voter": "Ada", "choice": choice, "confidence": confidence})
    votes = votes.astype({"voter": "str"})
    return SimpleNamespace(decisions=decisions.assign(correct_choice="yes"), votes=votes)


@pytest.mark.parametrize(("k", "n"), [(3, 4), (1, 2), (27, 30), (9, 200), (2_995, 3_000)])
def test_a_share_of_which_one_kind_is_rare_has_a_score_interval(k, n):
    low, high, method = share(k, n)
    assert method == "score"
    assert (low, high) == pytest.approx(wilson(k, n), abs=0.013 / n)


@pytest.mark.parametrize("n", [2, 5, 30, 200])
def test_a_share_however_rare_is_held_by_its_interval_in_92_percent_of_samples(n):
    count = np.arange(n + 1)
    figure = Intervals().binomial(count.astype(float), np.full(n + 1, float(n)))
    p = np.concatenate([np.geomspace(1e-3 / n, 0.1, 300), np.linspace(0.1, 0.9, 300)])[:, None]
    held = (figure.low <= p) & (p <= figure.high)
    covered = (binom.pmf(count, n, p) * held).sum(axis=1)
    assert covered.min() > 0.915
    assert covered[p[:, 0] > 1 / n].mean() < 0.975 or n < 10  # and not because it is wide


def test_three_of_four_right_is_neither_nothing_nor_everything():
    history = judged([True, True, True, False])
    for one in (Calibration.of(history).accuracy, Calibration.of(history, unit="voters").accuracy):
        assert (one.low, one.high) == pytest.approx(wilson(3, 4), abs=0.013 / 4)
        assert one.method == "score"
    row = Voters.of(history).table().iloc[0]
    assert (row["accuracy_low"], row["accuracy_high"]) == (one.low, one.high)


def test_twelve_times_the_same_confidence_has_the_interval_of_what_twelve_may_have_missed():
    mean = Confidence.of(judged([True] * 12)).mean
    missed = 1 - 0.025 ** (1 / 12)
    assert (mean.low, mean.high) == pytest.approx((0.9 * (1 - missed), 0.9 + 0.1 * missed))
    assert mean.method == "exact"


@pytest.mark.parametrize("value", [0.1, 0.5, 0.7])
def test_the_rounding_of_equal_values_is_no_difference(value):
    decisions = panels(300).decisions.assign(confidence=value, model=["old"] * 150 + ["new"] * 150)
    decisions["published_at"] = pd.date_range("2026-03-02", periods=300, freq="h", tz="UTC")
    drift = Drift.of(decisions, replicates=40)
    change = Regimes.of(decisions, watch="model", replicates=40).table().iloc[0]
    for row, name in ((drift.table().iloc[0], "difference"), (change, "confidence_difference")):
        assert (row[name], row[f"{name}_method"]) == (0, "none")
    assert not drift.path()["cusum"].any()
    judged_all = decisions.assign(correct_choice=decisions["recommendation"])
    assert Calibration.of(judged_all, replicates=40).table()["within"].tolist() == [0]


def test_one_value_a_little_off_says_that_nothing_else_was_missed():
    alike, odd = (Confidence.of(judged([True] * 20, [0.7] * 19 + [one])).mean for one in (0.7, 0.701))
    assert (alike.low, alike.high) == pytest.approx((0.58, 0.75), abs=0.005)
    assert (odd.low, odd.high) == pytest.approx((0.7, 0.7002), abs=0.00005)
    assert (alike.method, odd.method) == ("exact", "bootstrap")


def test_what_is_always_the_same_and_not_bounded_has_no_interval():
    figure = Intervals().means(*sums([7.0] * 12))
    assert np.isnan(figure.low[0])
    assert figure.method[0] == "none"


def test_the_seam_is_none():
    """One more of the rarer kind moves the ends by no more than where the method is one."""
    for n in (80, 400):
        ends = np.array([share(k, n)[:2] for k in range(4, 40)])
        steps = np.diff(ends, axis=0)
        assert (steps > 0).all()
        assert steps.max() < 2 / n
    assert [share(k, 400)[2] for k in (10, 20, 30)] == ["score", "score, bootstrap", "bootstrap"]


def test_a_mean_passes_from_student_to_the_bootstrap():
    values = np.random.default_rng(0).beta(6, 3, 15)
    methods = [Intervals().means(*sums(values[:n]), SHARE).method[0] for n in (5, 6, 14, 15)]
    assert methods == ["Student", "Student, bootstrap", "Student, bootstrap", "bootstrap"]


def test_students_interval_is_that_of_the_textbook():
    values = np.array([0.31, 0.52, 0.47, 0.64, 0.55])
    drawn = draws(mixed(np.arange(5, dtype=np.uint64)), 10_000)
    weights = np.column_stack([np.ones(5), drawn])
    figure = Intervals().means((values @ weights)[None], weights.sum(axis=0)[None], np.array([5.0]))
    reach = 2.776445 * values.std(ddof=1) / math.sqrt(5)
    assert figure.high[0] - figure.value[0] == pytest.approx(reach, rel=0.05)


@pytest.mark.parametrize(
    ("df", "quantile"), [(1, 12.7062), (2, 4.3027), (4, 2.7764), (5, 2.5706), (9, 2.2622), (100, 1.98397)]
)
def test_students_quantile(df, quantile):
    assert student(np.array([float(df)]))[0] == pytest.approx(quantile, abs=3e-3)


@pytest.mark.parametrize("z", [0.5, 1.96, 3, 4, 6])
@pytest.mark.further
def test_students_quantile_is_that_of_scipy_far_out_too(z):
    from scipy.stats import norm, t

    df = np.array([1, 2, 3, 4, 5, 7, 12, 40, 1_000], float)
    assert student(df, z) == pytest.approx(t.isf(norm.sf(z), df), rel=1e-5)


def test_rows_that_are_drawn_together_count_as_fewer():
    values = np.repeat([1, 0, 1, 1, 0, 1, 1, 0, 1, 1], 12)
    alone, together = (
        Intervals().shares(*sums(values, cluster)) for cluster in (None, np.repeat(np.arange(10), 12))
    )
    assert together.low[0] < wilson(7, 10)[0] + 0.03 < alone.low[0]
    assert together.method[0] == "score"


def test_an_interval_holds_its_figure_where_no_replicate_comes_near_it():
    values = np.append([0.1], np.linspace(0.3, 0.5, 100))[None]
    above, below = (Intervals().figures(some, np.array([20.0]), SHARE) for some in (values, 1 - values))
    assert above.low[0] == above.value[0] == 0.1
    assert below.high[0] == below.value[0] == 0.9


def test_two_that_weigh_more_than_all_others_are_no_ten():
    values, weights = np.array([1.0, 0] * 5), np.array([10.0, 10, *[1] * 8])
    drawn = np.column_stack([np.ones(10), draws(mixed(np.arange(10, dtype=np.uint64)), 400)])
    top, bottom = (one[None] @ drawn for one in (values * weights, weights))
    figure = Intervals().shares(top, bottom, np.array([10.0]))
    low, high = wilson(28**2 / 208 / 2, 28**2 / 208)  # as many as the weights leave (Kish 1965)
    assert figure.high[0] - figure.low[0] == pytest.approx(high - low, rel=0.15)
    low, high = wilson(5, 10)
    assert figure.high[0] - figure.low[0] > 1.2 * (high - low)


def test_who_always_contradicts_the_other_has_an_interval():
    ids = np.repeat([f"{1_772_442_000_000 + row}-0" for row in range(100)], 2)
    votes = pd.DataFrame({"stream_id": ids, "voter": ["a", "b"] * 100, "choice": ["x", "y"] * 100})
    alpha = Agreement.of(votes.astype("str")).alpha
    assert alpha.value == pytest.approx(-0.99)
    assert alpha.low <= alpha.value < alpha.high - 0.02
    assert alpha.method == "exact"


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.sampled_from([0, 0, 1, 1, 0.5, 0.9, 1 / 3]), min_size=1, max_size=40),
    clusters=st.integers(1, 12),
    whole=st.booleans(),
)
def test_an_interval_holds_its_figure(values, clusters, whole):
    values = np.round(values) if whole else np.array(values)
    top, bottom, n = sums(values, np.arange(len(values)) % clusters)
    for figure, (least, most) in (
        (Intervals().shares(top, bottom, n), SHARE),
        (Intervals().means(top, bottom, n, SHARE), SHARE),
        (Intervals().means(2 * top - bottom, bottom, n, CHANGE), CHANGE),
        (Intervals().figures(top / np.maximum(bottom, 1), n), SHARE),
    ):
        if (n[0] >= 2) != (figure.method[0] != "none"):
            assert figure.method[0] == "none"
            continue
        if n[0] >= 2:
            assert least <= figure.low[0] <= figure.value[0] <= figure.high[0] <= most
            assert figure.low[0] < figure.high[0]


@pytest.mark.thorough
@settings(max_examples=3, deadline=None)
@given(n=st.integers(2, 9), seed=st.integers(0, 10_000), options=st.sampled_from([{}, {"by": "meta.model"}]))
def test_no_table_of_few_decisions_has_an_interval_without_its_figure(n, seed, options):
    history = panels(n, seed)
    for kind in (Agreement, Confidence, Margin, Voters):
        for name, table in shown_and_lumped(kind.of(history, replicates=40, **options)).items():
            for method in [column for column in table if column.endswith("_method")]:
                figure = method.removesuffix("_method")
                known = table[table[f"{figure}_low"].notna()]
                assert (known[f"{figure}_low"] <= known[figure]).all(), (name, figure)
                assert (known[figure] <= known[f"{figure}_high"]).all(), (name, figure)
                used = {one for several in table[method] for one in several.split(", ")}
                assert used <= METHODS


@pytest.mark.further
def test_the_simulation_says_what_it_promises():
    path = Path(__file__).parent / "benchmarks" / "coverage.py"
    spec = importlib.util.spec_from_file_location("coverage_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = list(module.rows({5: 12}, truth=200, subjects=("Confidence", "Agreement")))
    assert [(row["figure"], row["clusters"]) for row in rows][:2] == [("mean", False), ("share_below", False)]
    assert len(rows) == 12
    for row in rows:
        assert set(module.COLUMNS) == set(row)
        assert row["coverage"] + row["below"] + row["above"] == pytest.approx(100)
        assert len(module.line(row, markdown=True).split("|")) == len(module.COLUMNS) + 2
        assert module.line(row, markdown=False)
    assert module.heading(markdown=False).split()[0] == "subject"


def test_a_few_large_clusters_say_little_of_how_clusters_spread():
    frame = pd.DataFrame({"stream_id": [f"0-{row + 1}" for row in range(240)]})
    sure = [0.3] * 36 + [0.8] * 84 + [0.3] * 37 + [0.8] * 83
    frame = frame.assign(confidence=sure, question=["x"] * 120 + ["y"] * 120)
    row = Confidence.of(frame, cluster="question").table().iloc[0]
    assert row["share_below_high"] - row["share_below_low"] > 0.1  # Student's for two, and no percentiles
    assert "Student" in row["share_below_method"]
