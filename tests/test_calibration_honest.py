"""What chance adds to calibration errors: it is taken away, or shown beside them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from panels import arena, rated

from mastermind_lab.stats.calibration import Calibration
from mastermind_lab.stats.engine.binning import SIMULATED

pytestmark = pytest.mark.once


def judged(frame):
    known = frame.dropna(subset=["confidence", "correct_choice"])
    return (known["recommendation"] == known["correct_choice"]).to_numpy(), known["confidence"].to_numpy()


def corrected(right, confidence, bins):
    """Ferro and Fricker (2012), equations 9 to 11, bin by bin."""
    n, base = len(right), right.mean()
    place = np.maximum(np.ceil(np.round(confidence * bins, 9)) - 1, 0)
    loss = resolution = chance = 0.0
    for one in np.unique(place):
        here = place == one
        count, accuracy = here.sum(), right[here].mean()
        loss += count / n * (confidence[here].mean() - accuracy) ** 2
        resolution += count / n * (accuracy - base) ** 2
        if count > 1:
            chance += accuracy * (1 - accuracy) * count / (count - 1) / n
    rest = base * (1 - base) / (n - 1)
    return loss - chance, resolution - chance + rest, base * (1 - base) + rest


@pytest.mark.parametrize("bins", [5, 10, 40])
@pytest.mark.parametrize("n", [12, 400])
def test_the_parts_of_the_brier_score_are_corrected_as_ferro_and_fricker_do(n, bins):
    frame = arena(n).decisions
    right, confidence = judged(frame)
    row = Calibration.of(frame, bins=bins, replicates=40).table().iloc[0]
    names = [f"{name}_corrected" for name in ("calibration_loss", "resolution", "uncertainty")]
    assert row[names].tolist() == pytest.approx(corrected(right, confidence, bins), abs=1e-12)
    loss, resolution, uncertainty = row[names]
    assert loss - resolution + uncertainty + row["within"] == pytest.approx(row["brier"])


def test_skill_is_against_always_saying_the_accuracy():
    from sklearn.metrics import brier_score_loss  # takes seconds, so not where every worker collects

    frame = arena(300).decisions
    right, confidence = judged(frame)
    base = brier_score_loss(right, np.full(len(right), right.mean()))
    skill = Calibration.of(frame, replicates=40).brier_skill
    assert skill.value == pytest.approx(1 - brier_score_loss(right, confidence) / base)
    assert skill.low < skill.value < skill.high
    always = rated(np.full(50, 0.6), np.arange(50) < 30)
    assert Calibration.of(always, replicates=40).brier_skill.value == pytest.approx(0)


@pytest.mark.parametrize("right", [0, 1])
def test_all_right_or_all_wrong_has_no_skill_and_nothing_to_correct(right):
    row = Calibration.of(rated([0.7, 0.8, 0.95] * 5, [right] * 15), replicates=40).table().iloc[0]
    assert np.isnan(row["brier_skill"])
    assert row["brier_skill_method"] == "none"
    assert row["calibration_loss_corrected"] == pytest.approx(row["calibration_loss"])
    assert row["uncertainty_corrected"] == 0


@pytest.mark.thorough
def test_the_corrected_parts_are_right_on_average_and_their_intervals_stand_about_them():
    random, runs, n = np.random.default_rng(3), 600, 60
    confidence = random.choice([0.55, 0.65, 0.75, 0.85, 0.95], runs * n)
    truth = confidence - 0.15
    frame = rated(confidence, random.random(runs * n) < truth).assign(run=np.repeat(np.arange(runs), n))
    table = Calibration.of(frame, by="run", replicates=100).table()
    levels = np.array([0.4, 0.5, 0.6, 0.7, 0.8])
    assert table["calibration_loss"].mean() > 0.0225 + 0.01
    assert table["calibration_loss_corrected"].mean() == pytest.approx(0.15**2, abs=0.002)
    assert table["resolution_corrected"].mean() == pytest.approx(levels.var(), abs=0.002)
    assert table["uncertainty_corrected"].mean() == pytest.approx(0.6 * 0.4, abs=0.002)
    low, high = table["calibration_loss_corrected_low"], table["calibration_loss_corrected_high"]
    assert 0.9 < ((low <= 0.0225) & (high >= 0.0225)).mean() <= 1
    assert ((low + high) / 2).mean() == pytest.approx(0.0225, abs=0.015)  # those of squares reach up


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="width"),
        pytest.param({"binning": "quantile"}, marks=pytest.mark.thorough, id="quantile"),
        pytest.param({"binning": "isotonic"}, marks=pytest.mark.thorough, id="isotonic"),
    ],
)
def test_a_calibrated_forecaster_has_the_noise_floor_and_lies_in_the_band(options):
    random, n, runs = np.random.default_rng(5), 90, 40
    confidence = random.beta(5, 2, n).round(2)

    def counted(chances, runs):
        sure = np.tile(confidence, runs)
        frame = rated(sure, random.random(n * runs) < (sure if chances is None else chances))
        run = np.repeat(np.arange(runs), n)
        return Calibration.of(frame.assign(run=run), by="run", replicates=40, **options)

    rows = counted(None, runs).diagram()
    far = rows["n"] * (rows["accuracy"] - rows["confidence"]).abs()
    errors = far.groupby(rows["run"]).sum() / n
    there = rows["accuracy"].between(rows["calibrated_low"], rows["calibrated_high"])
    assert (rows["calibrated_low"] <= rows["calibrated"]).all()
    assert (rows["calibrated"] <= rows["calibrated_high"]).all()
    assert 0.9 < (there * rows["n"]).sum() / (n * runs) <= 0.995
    wrong = counted(0.4, 2)
    noise = wrong.table()["ece_noise"]
    assert noise[0] == noise[1] > 0.04  # what they were right in has no part in it
    error = 4 * errors.std() * (1 / runs + 1 / SIMULATED) ** 0.5
    assert noise[0] == pytest.approx(errors.mean(), abs=error)
    assert (wrong.diagram()["accuracy"] < wrong.diagram()["calibrated_low"]).any()


@pytest.mark.further
def test_the_same_said_four_times_over_has_as_much_noise_and_as_much_to_correct():
    history = arena(300)
    names = history.votes["voter"]
    copies = [history.votes.assign(voter=names + copy) for copy in "abcd"]
    often = SimpleNamespace(decisions=history.decisions, votes=pd.concat(copies, ignore_index=True))
    once, four = (
        Calibration.of(one, unit="voters", replicates=100).table().iloc[0] for one in (history, often)
    )
    assert four["ece"] == pytest.approx(once["ece"])
    assert four["ece_noise"] == pytest.approx(once["ece_noise"], rel=0.1)
    names = ["calibration_loss_corrected", "resolution_corrected"]
    assert four[names].tolist() == pytest.approx(once[names].tolist(), abs=1e-4)
    questions = history.decisions.assign(question=np.arange(300) // 2)
    one_by_one, by_two = (Calibration.of(questions, cluster=c, replicates=100) for c in (None, "question"))
    # Questions that have nothing to do with their clusters add nothing to the variance.
    floors = [summary.table()["ece_noise"].iloc[0] for summary in (one_by_one, by_two)]
    assert floors[1] == pytest.approx(floors[0], rel=0.25)


def test_nothing_has_no_floor_and_one_has_a_wide_band():
    table = Calibration.of(rated([], []), by="recommendation", replicates=40).table()
    assert "ece_noise" in table
    one = Calibration.of(rated([0.7], [1]), replicates=40)
    assert one.table()["ece_noise"].iloc[0] == pytest.approx(2 * 0.7 * 0.3, abs=0.05)
    assert one.diagram()[["calibrated_low", "calibrated", "calibrated_high"]].to_numpy().tolist() == [
        pytest.approx([0, 0.7, 1])
    ]
