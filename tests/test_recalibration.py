"""Confidence read as it was deserved: fitted as others fit it, judged out of fold, used on new decisions."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from histories import sample
from panels import arena, rated, without_outcomes
from summaries import agree

import mastermind_lab as lab
from mastermind_lab.errors import OptionError
from mastermind_lab.history import sample_folder
from mastermind_lab.stats.calibration import Calibration
from mastermind_lab.stats.engine.confidence_maps import fitted
from mastermind_lab.stats.engine.folds import fold_of
from mastermind_lab.stats.engine.units import Units
from mastermind_lab.stats.recalibration import Recalibration

pytestmark = pytest.mark.once

METHODS = ["isotonic", "temperature", "platt"]
every_method = pytest.mark.parametrize("method", METHODS)


def judged(frame):
    known = frame.dropna(subset=["confidence", "correct_choice"])
    return known["confidence"].to_numpy(), (known["recommendation"] == known["correct_choice"]).to_numpy()


def drawn_in(right):
    """The targets of Platt (1999)."""
    return np.where(right, (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2))


def by_others(method, said, right, new):
    """What scikit-learn, scipy or statsmodels make of it."""
    from scipy.optimize import minimize_scalar
    from scipy.special import expit, logit
    from sklearn.isotonic import IsotonicRegression
    from statsmodels.api import GLM, families

    if method == "isotonic":
        return IsotonicRegression(out_of_bounds="clip").fit(said, right).predict(new)
    x, target = logit(said), drawn_in(right)
    if method == "temperature":

        def loss(slope):
            return np.logaddexp(0, slope * x).sum() - target @ (slope * x)

        return expit(minimize_scalar(loss, (0.1, 1), tol=1e-12).x * logit(new))
    found = GLM(target, np.column_stack([np.ones_like(x), x]), families.Binomial()).fit(tol=1e-12).params
    return expit(found[0] + found[1] * logit(new))


@pytest.mark.thorough
@every_method
def test_maps_are_those_of_others(method):
    frame = arena(500).decisions
    said, right = judged(frame)
    new = np.linspace(0.001, 0.999, 101)
    summary = Recalibration.of(frame, method=method, replicates=40)
    assert summary.map(new) == pytest.approx(by_others(method, said, right, new), abs=1e-6)
    assert np.isnan(summary.map([np.nan, 0.5])).tolist() == [True, False]


@every_method
@pytest.mark.further
def test_the_table_is_that_of_maps_fitted_on_the_other_folds(method):
    frame = arena(500).decisions
    frame["question"] = np.arange(500) % 120
    known = frame.dropna(subset=["confidence", "correct_choice"])
    said, right = judged(frame)
    options = {"method": method, "folds": 3, "cluster": "question"}
    fold = fold_of(Units.of(known, "question").at(known["stream_id"]).hashed, 3)
    after = np.zeros_like(said)
    for part in range(3):
        here = fold == part
        after[here] = by_others(method, said[~here], right[~here], said[here])
    summary = Recalibration.of(frame, **options, replicates=40)
    row = summary.table().iloc[0]
    scores = ((said - right) ** 2).mean(), ((after - right) ** 2).mean()
    assert (row["brier"], row["brier_after"]) == pytest.approx(scores, abs=1e-6)
    assert row["brier_change"] == summary.brier_change.value == pytest.approx(scores[1] - scores[0], abs=1e-6)
    read = known.assign(confidence=after)
    eces = Calibration.of(known).ece.value, Calibration.of(read).ece.value
    assert (row["ece"], row["ece_after"]) == pytest.approx(eces, abs=1e-6)
    assert row["clusters"] == known["question"].nunique()
    assert row["brier_change_low"] < row["brier_change"] < row["brier_change_high"]
    assert summary.applied_out_of_fold(known) == pytest.approx(after, abs=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, marks=pytest.mark.thorough, id="isotonic"),
        pytest.param({"by": "meta.model", "method": "platt", "folds": 5}, id="platt by model"),
    ],
)
@pytest.mark.further
def test_parts_add_up_to_the_whole_in_any_order(options):
    frame = arena(300).decisions
    place = np.random.default_rng(0).integers(0, 3, 300)
    whole = Recalibration.of(frame, replicates=40, **options)
    a, b, c = (Recalibration.of(frame[place == part], replicates=40, **options) for part in range(3))
    nothing = Recalibration.of(frame.iloc[:0], replicates=40, **options)
    for merged in ((a + b) + c, a + (b + c), sum([c, nothing, b, a])):
        assert merged.steps.keys.equals(whole.steps.keys)
        assert merged.map([0.3, 0.8]) == pytest.approx(whole.map([0.3, 0.8]), abs=1e-12)
    agree(merged.table(), whole.table())
    assert len(whole.lump(2).table()) == min(len(whole.table()), 2)
    assert list(nothing.table().columns) == list(whole.table().columns)
    for other in ({"method": "temperature"}, {"folds": 3}):
        with pytest.raises(OptionError, match="do not merge"):
            _ = whole + Recalibration.of(frame, replicates=40, **{**options, **other})


@pytest.fixture(scope="module")
def known():
    return lab.with_outcomes(sample(), sample_folder() / "outcomes.csv")


@pytest.mark.further
def test_new_decisions_are_read_by_what_was_fitted_on_others(known):
    old, new = known.where("`meta.model` == 'atlas-2'"), sample(200)
    fit = Recalibration.of(old, method="platt", replicates=40)
    read = lab.recalibrated(new, fit)
    said = new.decisions["confidence"]
    assert read.decisions["reported_confidence"].equals(said.rename("reported_confidence"))
    assert read.decisions["confidence"].to_numpy() == pytest.approx(fit.map(said), nan_ok=True)
    assert "recalibrated: confidence by the platt map, fitted on" in read.coverage["note"].iloc[0]
    assert "reported_confidence" not in new.decisions
    assert read.votes is new.votes or read.votes.equals(new.votes)
    again = lab.recalibrated(new, old, method="platt")
    assert again.decisions["confidence"].equals(read.decisions["confidence"])


@pytest.mark.further
def test_decisions_read_by_their_own_are_read_out_of_fold(known, tmp_path):
    read = lab.recalibrated(known, by="meta.model")
    fit = Recalibration.of(known, by="meta.model", replicates=40)
    before, after = Calibration.of(known, replicates=40), Calibration.of(read, replicates=40)
    change = fit.brier_change.value
    assert after.brier.value - before.brier.value == pytest.approx(change, abs=1e-9)
    assert change < 0
    read.save(tmp_path)
    back = lab.read(tmp_path).decisions[["confidence", "reported_confidence"]]
    pd.testing.assert_frame_equal(back, read.decisions[["confidence", "reported_confidence"]])


def test_a_scan_is_read_batch_by_batch(known, tmp_path):
    known.save(tmp_path)
    scan = lab.recalibrated(lab.scan(tmp_path), method="temperature", by="meta.model")
    whole = lab.recalibrated(known, method="temperature", by="meta.model").decisions
    found = pd.concat([batch.decisions for batch in scan]).set_index("stream_id")["confidence"]
    expected = whole.set_index("stream_id")["confidence"]
    pd.testing.assert_series_equal(found.sort_index(), expected.sort_index(), rtol=1e-9)


def test_a_group_that_was_not_fitted_has_no_confidence_and_that_is_said(known):
    old = known.where("`meta.model` == 'atlas-2'")
    read = lab.recalibrated(known, old, by="meta.model")
    other = read.decisions["meta.model"] != "atlas-2"
    assert read.decisions.loc[other, "confidence"].isna().all()
    assert read.decisions.loc[~other, "confidence"].notna().any()
    lost = (other & known.decisions["confidence"].notna()).sum()
    assert f"{lost:,} of groups that were not fitted have none" in read.coverage["note"].iloc[0]


@pytest.mark.parametrize("options", [{}, {"cluster": "question"}])
def test_a_group_that_no_other_fold_reads_leaves_the_change_of_all_others_known(options):
    frame = arena(120).decisions.dropna()
    frame = frame.assign(question=np.arange(len(frame)) % 40)
    alone = frame.iloc[:1].assign(**{"meta.model": "cirrus", "stream_id": "1-0", "question": 99})
    fit = {"by": "meta.model", "method": "platt", "replicates": 40, **options}
    known, with_one = (Recalibration.of(rows, **fit) for rows in (frame, pd.concat([frame, alone])))
    for name in ("brier_change", "ece_change"):
        assert getattr(with_one, name) == getattr(known, name)
        assert with_one.table()[name].isna().tolist() == [False, False, True]
        nothing = getattr(Recalibration.of(alone, **fit), name)
        assert (np.isnan(nothing.value), nothing.n) == (True, 0)


# Bad input.


@every_method
@pytest.mark.parametrize(
    "confidence", [[0.7], [0.2, 0.6, 0.9], [0.0, 1.0], [0.5], [0.0, 1e-9, 1 - 1e-9, 1.0]]
)
def test_all_right_all_wrong_and_the_certain_have_a_map(method, confidence):
    values = np.array(confidence)
    n = np.full(len(values), 10.0)
    for right in (0, 1, 0.5):
        found = fitted(method, values, n, n * right)(np.array([0.0, 1e-12, 0.3, 0.5, 1.0, np.nan]))
        assert np.isnan(found[-1])
        assert (np.diff(found[:-1]) >= -1e-12).all()
        assert ((found[:-1] >= 0) & (found[:-1] <= 1)).all()
        if method == "isotonic":
            assert set(found[:-1]) == {right}
        else:
            assert ((found[:-1] > 0) & (found[:-1] < 1)).all()


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_the_certain_are_taken_half_as_far_from_the_end_as_the_nearest_that_is_not(method):
    said = np.array([0.0, 0.2, 0.6, 0.7, 0.8, 0.9, 1.0])
    n, correct = np.full(7, 40.0), np.array([3.0, 10, 22, 24, 27, 29, 32])
    rows = np.repeat(said, 40), np.concatenate([np.arange(40) < many for many in correct])
    inside = np.array([0.05, 0.2, 0.6, 0.7, 0.8, 0.9, 0.95])
    expected = by_others(method, np.repeat(inside, 40), rows[1], inside)
    found = fitted(method, said, n, correct)
    assert found(said) == pytest.approx(expected, abs=1e-6)
    assert found(np.array([0.01, 0.99])) == pytest.approx(expected[[0, -1]], abs=1e-6)  # it never falls


def test_one_confidence_moves_along_the_logit():
    found = fitted("platt", np.array([0.8]), np.array([98.0]), np.array([49.0]))
    assert (found.slope, found(np.array([0.8]))[0]) == pytest.approx((1, 0.5))
    wrong_way = fitted("temperature", np.array([0.2, 0.8]), np.array([50.0, 50]), np.array([40.0, 10]))
    assert (wrong_way.slope, wrong_way(np.array([0.9]))[0]) == (0, 0.5)


def test_what_cannot_be_fitted_is_refused(known):
    one = rated([0.7], [1])
    row = Recalibration.of(one).table().iloc[0]
    assert row["n"] == 1
    assert row[["brier_after", "ece_after", "brier_change"]].isna().all()
    empty = sample(5)
    with pytest.raises(OptionError, match="correct_choice"):
        lab.recalibrated(empty)
    with pytest.raises(OptionError, match="of 2 folds only one has decisions"):
        lab.recalibrated(
            known.where(np.arange(len(known.decisions)) == known.decisions["correct_choice"].notna().argmax())
        )
    with pytest.raises(OptionError, match="nothing to fit"):
        lab.recalibrated(known, Recalibration.of(one.iloc[:0]))
    with pytest.raises(OptionError, match="recalibrated before"):
        lab.recalibrated(lab.recalibrated(known, method="temperature"))
    with pytest.raises(OptionError, match="leave them out"):
        lab.recalibrated(known, Recalibration.of(one), method="platt")
    with pytest.raises(OptionError, match="method is one of isotonic, temperature, platt, not 'spline'"):
        lab.recalibrated(known, method="spline")
    with pytest.raises(OptionError, match="runs from 0 to 1"):
        Recalibration.of(one).map([70])
    bare = without_outcomes(SimpleNamespace(decisions=one))
    with pytest.raises(OptionError, match="correct_choice"):
        Recalibration.of(bare)
