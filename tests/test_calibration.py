import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import arena, rated, without_outcomes
from telling import telling

from mastermind_lab import charts
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.calibration import Calibration
from mastermind_lab.stats.engine.binning import blocks
from mastermind_lab.stats.engine.correctness import CLIP
from mastermind_lab.stats.engine.scores import FIGURES, _harmonic, read_off
from mastermind_lab.stats.recalibration import Recalibration

pytestmark = pytest.mark.once


def judged(frame):
    """The rows that count, as scikit-learn wants them."""
    known = frame.dropna(subset=["confidence", "correct_choice"])
    return (known["recommendation"] == known["correct_choice"]).to_numpy(), known["confidence"].to_numpy()


SUMMARIES = {
    "panels": {},
    "panels by model": {"by": "meta.model", "bins": 5},
    "voters": {"unit": "voters", "by": ["voter", "meta.model"], "binning": "quantile"},
    "isotonic": {"binning": "isotonic"},
}
every_summary = pytest.mark.parametrize("options", SUMMARIES.values(), ids=SUMMARIES)


@pytest.mark.parametrize(
    "options", [{"bins": 20}, {"unit": "voters"}, {"binning": "quantile"}, {"replicates": 40}]
)
def test_different_options_do_not_merge(options):
    history = arena(20)
    with pytest.raises(OptionError, match="do not merge"):
        Calibration.of(history) + Calibration.of(history, **options)


# Worked by hand.


def test_a_small_case_by_hand():
    # 0.2 wrong; 0.6 right and wrong; 0.8 right, right, right, wrong.
    frame = rated([0.2, 0.6, 0.6, 0.8, 0.8, 0.8, 0.8], [0, 1, 0, 1, 1, 1, 0])
    summary = Calibration.of(frame, bins=5)
    assert summary.diagram()[["n", "confidence", "accuracy"]].to_numpy().tolist() == [
        pytest.approx([1, 0.2, 0]),
        pytest.approx([2, 0.6, 0.5]),
        pytest.approx([4, 0.8, 0.75]),
    ]
    assert summary.diagram()["small_n"].all()
    assert summary.accuracy.value == pytest.approx(4 / 7)
    assert summary.overconfidence.value == pytest.approx((0.2 + 1.2 + 3.2 - 4) / 7)
    assert summary.ece.value == pytest.approx((0.2 + 2 * 0.1 + 4 * 0.05) / 7)
    assert summary.mce.value == pytest.approx(0.2)
    assert summary.brier.value == pytest.approx((0.04 + 0.16 + 0.36 + 3 * 0.04 + 0.64) / 7)
    assert summary.calibration_loss.value == pytest.approx((0.04 + 2 * 0.01 + 4 * 0.0025) / 7)
    assert summary.uncertainty.value == pytest.approx(4 / 7 * 3 / 7)
    spread = (4 / 7) ** 2 + 2 * (0.5 - 4 / 7) ** 2 + 4 * (0.75 - 4 / 7) ** 2
    assert summary.resolution.value == pytest.approx(spread / 7)
    assert summary.table()["within"].iloc[0] == pytest.approx(0)
    log = [0.8, 0.6, 0.4, 0.8, 0.8, 0.8, 0.2]
    assert summary.log_score.value == pytest.approx(-sum(map(math.log, log)) / 7)
    # Of 4 x 3 pairs: 0.8 beats 0.2 and 0.6 (6) and ties (1.5); 0.6 beats 0.2 (1) and ties (0.5).
    assert summary.auroc.value == pytest.approx((6 + 1.5 + 1 + 0.5) / 12)
    expected = (4 * 0.75 + 3.5 / 5 + 4 / 6 + 4 / 7) / 7
    assert summary.auarc.value == pytest.approx(expected)


def test_ties_in_confidence_are_the_mean_over_their_orders():
    random = np.random.default_rng(0)
    confidence, right = random.choice([0.5, 0.7, 0.9], 30), random.random(30) < 0.6
    areas = []
    for _ in range(4_000):
        order = np.lexsort((random.random(30), -confidence))
        areas.append((np.cumsum(right[order]) / np.arange(1, 31)).mean())
    assert Calibration.of(rated(confidence, right)).auarc.value == pytest.approx(np.mean(areas), abs=2e-3)


def test_a_confidence_that_ranks_nothing_has_the_accuracy_as_area():
    frame = rated([0.7] * 20, [1] * 13 + [0] * 7)
    summary = Calibration.of(frame)
    assert summary.auarc.value == pytest.approx(0.65)
    assert summary.auroc.value == 0.5
    assert summary.risk_coverage()["risk"].to_numpy() == pytest.approx(0.35)


def test_harmonic_numbers():
    assert _harmonic(np.array([0.0, 1, 2, 10, 1e6])) == pytest.approx(
        [0, 1, 1.5, 7381 / 2520, 14.392726722865724], abs=1e-9
    )


# Against scikit-learn.


@pytest.mark.parametrize(("binning", "strategy"), [("width", "uniform"), ("quantile", "quantile")])
@pytest.mark.parametrize("bins", telling([4, 10, 20], "10"))
@pytest.mark.parametrize("digits", telling([2, 3], "2"))
def test_the_diagram_agrees_with_scikit_learn(binning, strategy, bins, digits):
    from sklearn.calibration import calibration_curve

    frame = arena(700, digits=digits).decisions
    right, confidence = judged(frame)
    accuracy, mean = calibration_curve(right, confidence, n_bins=bins, strategy=strategy)
    diagram = Calibration.of(frame, binning=binning, bins=bins).diagram()
    assert diagram["accuracy"].tolist() == pytest.approx(accuracy.tolist())
    assert diagram["confidence"].tolist() == pytest.approx(mean.tolist())
    assert diagram["n"].sum() == len(right)


def test_scores_agree_with_scikit_learn():
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    # With all digits, beyond the steps of the histogram.
    frame = arena(900, digits=12).decisions
    frame.loc[:1, ["recommendation", "correct_choice"]] = "ship"
    frame.loc[:1, "confidence"] = [0.0, 1.0]
    right, confidence = judged(frame)
    summary = Calibration.of(frame)
    assert summary.brier.value == pytest.approx(brier_score_loss(right, confidence), abs=1e-12)
    clipped = np.clip(confidence, CLIP, 1 - CLIP)
    assert summary.log_score.value == pytest.approx(log_loss(right, clipped), abs=1e-12)
    assert summary.auroc.value == pytest.approx(roc_auc_score(right, confidence), abs=2e-4)
    exact = Calibration.of(frame.assign(confidence=frame["confidence"].round(3)))
    assert exact.auroc.value == pytest.approx(roc_auc_score(right, confidence.round(3)), abs=1e-12)


@pytest.mark.further
def test_isotonic_bins_agree_with_scikit_learn():
    from sklearn.isotonic import IsotonicRegression
    from sklearn.metrics import brier_score_loss

    frame = arena(700).decisions
    right, confidence = judged(frame)
    fitted = IsotonicRegression().fit_transform(confidence, right)
    diagram = Calibration.of(frame, binning="isotonic").diagram()
    assert np.repeat(diagram["accuracy"], diagram["n"]).tolist() == pytest.approx(sorted(fitted))
    assert diagram["accuracy"].is_monotonic_increasing
    row = Calibration.of(frame, binning="isotonic").table().iloc[0]
    # CORP: miscalibration and discrimination, from the scores of the recalibrated and the constant.
    recalibrated, constant = brier_score_loss(right, fitted), right.mean() * (1 - right.mean())
    assert row["calibration_loss"] + row["within"] == pytest.approx(row["brier"] - recalibrated)
    assert row["resolution"] == pytest.approx(constant - recalibrated)


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.further
def test_blocks_agree_with_scikit_learn(data):
    from sklearn.isotonic import IsotonicRegression

    points, columns = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3))
    cells = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=points, max_size=points)
    drawn = np.array(data.draw(st.lists(cells, min_size=columns, max_size=columns)), dtype=float)
    weight, top = drawn[..., 0].T, np.minimum(drawn[..., 0], drawn[..., 1]).T
    codes = blocks(top, weight)
    assert (np.diff(codes.T.ravel()) >= 0).all()
    for column in range(columns):
        known = weight[:, column] > 0
        if not known.any():
            continue
        x, y, w = np.flatnonzero(known), (top[known, column] / weight[known, column]), weight[known, column]
        expected = IsotonicRegression().fit_transform(x, y, sample_weight=w)
        block = codes[known, column] - codes[:, column].min()
        found = np.bincount(block, w * y)[block] / np.bincount(block, w)[block]
        assert found == pytest.approx(expected, abs=1e-9)
        levels = pd.Series(expected).groupby(block).first().round(9)
        assert levels.is_unique


def test_pooling_is_quick_where_one_fall_undoes_everything():
    weight = np.full((2_000, 50), 1_000.0)
    top = weight * np.linspace(0.1, 0.9, 2_000)[:, None]
    weight[-1], top[-1] = 1e9, 0
    assert len(np.unique(blocks(top, weight))) == 50


def test_the_risk_of_the_surest():
    frame = arena(400).decisions
    right, confidence = judged(frame)
    table = Calibration.of(frame).risk_coverage()
    assert table["risk"].iloc[-1] == pytest.approx(1 - right.mean())
    for row in table.iloc[[19, 49, 79]].itertuples():
        surer, at_least = confidence > row.threshold, confidence >= row.threshold
        assert surer.sum() < row.coverage * len(right) <= at_least.sum() + 1e-9
        errors = (~right[surer]).sum()
        tied = ~right[at_least & ~surer]
        expected = errors + tied.mean() * (row.coverage * len(right) - surer.sum())
        assert row.risk == pytest.approx(expected / (row.coverage * len(right)))
    assert table["small_n"].tolist() == (table["coverage"] * len(right) < 10).tolist()


# Voters.


def test_single_voters_are_judged_by_their_own_choice_and_confidence():
    from sklearn.metrics import brier_score_loss

    history = arena(300)
    votes = history.votes.merge(history.decisions[["stream_id", "correct_choice"]], on="stream_id")
    table = Calibration.of(history, unit="voters", by="voter").table().set_index("voter")
    for voter, rows in votes.groupby("voter"):
        known = rows.dropna()
        right = known["choice"] == known["correct_choice"]
        assert table.loc[voter, "n"] == table.loc[voter, "decisions"] == len(known)
        assert table.loc[voter, "accuracy"] == pytest.approx(right.mean())
        assert table.loc[voter, "brier"] == pytest.approx(brier_score_loss(right, known["confidence"]))
        assert table.loc[voter, "without_outcome"] == rows["correct_choice"].isna().sum()
        assert table.loc[voter, ["n", "without_outcome", "missing"]].sum() == 300


def test_a_panel_is_one_observation():
    history = arena(200)
    panels, voters = Calibration.of(history), Calibration.of(history, unit="voters", by="voter")
    assert voters.accuracy.n <= 200
    copied = SimpleNamespace(
        decisions=history.decisions,
        votes=pd.concat(
            [history.votes.assign(voter=history.votes["voter"] + name) for name in "abcd"], ignore_index=True
        ),
    )
    once, often = (Calibration.of(one, unit="voters") for one in (history, copied))
    assert (often.brier.low, often.brier.high) == pytest.approx((once.brier.low, once.brier.high))
    assert often.diagram()["small_n"].tolist() == once.diagram()["small_n"].tolist()
    assert panels.accuracy.n == history.decisions.dropna().shape[0]


def test_who_votes_twice_is_counted_and_said():
    history = arena(50)
    history.votes = pd.concat([history.votes, history.votes[history.votes["voter"] == "Ada"]])
    table = Calibration.of(history, unit="voters", by="voter").table().set_index("voter")
    assert table["repeated"].to_dict() == {"Ada": 50, "Bruno": 0, "Chiyo": 0}
    assert table.loc["Ada", "decisions"] == table.loc["Ada", "n"]


# Intervals.


def simulated(n, runs=1_000):
    """Many panels at once, a run a group; confidences of two digits, right 0.1 less often than they say."""
    random = np.random.default_rng(7)
    sure = random.choice(np.arange(0.55, 1, 0.05), n * runs)
    frame = rated(sure, random.random(n * runs) < sure - 0.1)
    levels = np.arange(0.55, 1, 0.05)
    truth = {
        "accuracy": (levels - 0.1).mean(),
        "brier": ((levels - 0.1) * (1 - levels) ** 2 + (1.1 - levels) * levels**2).mean(),
        "overconfidence": 0.1,
    }
    return Calibration.of(frame.assign(run=np.repeat(np.arange(runs), n)), by="run"), truth


@pytest.mark.thorough
@pytest.mark.parametrize("n", [50, 200])
def test_intervals_cover_the_truth(n):
    summary, truth = simulated(n)
    for name, expected in truth.items():
        found = read_off(summary.intervals, name, summary.sums, [], summary.sums["n"][:, 0])
        inside = ((found.low <= expected) & (expected <= found.high)).mean()
        assert 0.93 <= inside <= 0.97, name


def test_one_has_no_interval_and_none_wrong_no_certainty():
    one = Calibration.of(rated([0.8], [1])).table().iloc[0]
    assert one[[name for name in one.index if name.endswith(("_low", "_high"))]].isna().all()
    summary = Calibration.of(rated([0.8, 0.9] * 20, [1] * 40))
    assert summary.accuracy.low == pytest.approx(0.025 ** (1 / 40))
    assert math.isnan(summary.brier.low)
    assert math.isnan(summary.auroc.value)
    assert summary.diagram()["accuracy_low"].tolist() == pytest.approx([0.025 ** (1 / 20)] * 2)


# Metamorphic.


def test_doubling_everything_changes_no_figure():
    frame = arena(150).decisions
    again = frame.assign(stream_id=frame["stream_id"] + "9")
    once, twice = Calibration.of(frame), Calibration.of(pd.concat([frame, again]))
    corrected = {name for name in FIGURES if name.endswith("_corrected")}  # for n, which is larger now
    for name in set(FIGURES) - {"confidence", "auarc"} - corrected:
        assert getattr(twice, name).value == pytest.approx(getattr(once, name).value), name
    assert twice.accuracy.high - twice.accuracy.low < once.accuracy.high - once.accuracy.low


def test_ranking_does_not_mind_a_rising_transform():
    frame = arena(200, digits=2).decisions
    squeezed = frame.assign(confidence=0.5 + frame["confidence"] / 4)
    left, right = Calibration.of(frame), Calibration.of(squeezed)
    assert left.auroc == right.auroc
    assert left.auarc == right.auarc
    assert left.risk_coverage()["risk"].tolist() == pytest.approx(right.risk_coverage()["risk"].tolist())
    assert left.brier.value != pytest.approx(right.brier.value)


def test_one_more_sure_and_right_helps():
    frame = arena(100).decisions
    better = pd.concat([frame, rated([1.0], [1])])
    left, right = Calibration.of(frame), Calibration.of(better)
    assert right.accuracy.value > left.accuracy.value
    assert right.brier.value < left.brier.value
    assert right.auroc.value > left.auroc.value


# Bad input.


def test_without_outcomes():
    history = arena(10)
    bare = without_outcomes(history)
    for unit in ("panels", "voters"):
        with pytest.raises(OptionError, match=r"correct_choice in decisions.*with_outcomes"):
            Calibration.of(bare, unit=unit)


@pytest.mark.further
def test_outcomes_that_match_nothing():
    history = arena(30)
    history.decisions["correct_choice"] = pd.Series([None] * 30, dtype="str")
    for options in SUMMARIES.values():
        summary = Calibration.of(history, **options)
        table = summary.table()
        assert (table["n"] == 0).all()
        assert table["without_outcome"].sum() == (90 if options.get("unit") == "voters" else 30)
        assert table[["accuracy", "ece", "auroc", "auarc", "log_score"]].isna().all(axis=None)
        assert summary.diagram().empty
        assert summary.risk_coverage()["risk"].isna().all()
        assert summary.brier.n == 0


def test_a_recommendation_that_is_missing_is_not_a_wrong_one():
    frame = rated([0.9] * 40, [1] * 40)
    frame = frame.assign(recommendation=frame["recommendation"].mask(np.arange(40) >= 20))
    summary = Calibration.of(frame)
    assert (summary.accuracy.value, summary.accuracy.n) == (1, 20)
    row = summary.table().iloc[0]
    assert row[["n", "without_outcome", "without_recommendation", "missing"]].tolist() == [20, 0, 20, 0]
    assert (summary.risk_coverage()["risk"] == 0).all()
    change = Recalibration.of(frame).table().iloc[0]
    assert change[["n", "without_recommendation"]].tolist() == [20, 20]
    assert "20 without recommendation left out" in charts.caption(charts.reliability(summary))


def test_no_confidence_at_all():
    frame = arena(30).decisions.assign(confidence=np.nan)
    row = Calibration.of(frame).table().iloc[0]
    assert row["missing"] + row["without_outcome"] == 30
    assert row["n"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "agents"}, "unit is panels or voters"),
        ({"binning": "deciles"}, "binning is one of width, quantile, isotonic"),
        ({"bins": 7}, "divide 2,000"),
        ({"bins": 0}, "whole number from 1"),
        ({"bins": True}, "whole number from 1"),
        ({"by": "meta.modle"}, "did you mean 'meta.model'"),
        ({"by": "confidence"}, "does not group anything"),
        ({"replicates": 3}, "replicates"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(OptionError, match=message):
        Calibration.of(arena(10), **options)


def test_frames_are_checked():
    history = arena(10)
    with pytest.raises(OptionError, match="no column confidence: expected a history's decisions frame"):
        Calibration.of(history.decisions.drop(columns="confidence"))
    with pytest.raises(OptionError, match="unit='voters' needs a history"):
        Calibration.of(history.decisions, unit="voters")
    with pytest.raises(OptionError, match="runs from 0 to 1"):
        Calibration.of(history.decisions.assign(confidence=70.0))
