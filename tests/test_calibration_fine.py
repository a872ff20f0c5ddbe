"""Confidences that crowd near 0 or near 1, as probabilities of tokens do."""

import numpy as np
import pytest
from panels import rated
from telling import telling

from mastermind_lab.stats.calibration import Calibration
from mastermind_lab.stats.engine.cells import MOST, _bit_length

pytestmark = pytest.mark.once

CROWDED = {
    "powers of ten from 1": lambda random, n: 1 - 10 ** -random.uniform(0, 9, n),
    "products of tokens": lambda random, n: np.exp(-random.exponential(0.02, n)),
    "all within 1e-9 of 1": lambda random, n: 1 - 1e-9 * random.random(n),
    "powers of ten from 0": lambda random, n: 10 ** -random.uniform(0, 12, n),
    "two ways of being certain": lambda random, n: random.choice([1 - 1.0e-9, 1 - 1.1e-9, 1.0], n),
    "even": lambda random, n: random.random(n),
}
every_kind = pytest.mark.parametrize("kind", CROWDED)


def crowded(kind, n, seed=0):
    """Confidences, and right ones that are the likelier the surer they are, wherever they crowd."""
    random = np.random.default_rng(seed)
    confidence = CROWDED[kind](random, n)
    rank = confidence.argsort().argsort() / n
    return confidence, random.random(n) < 0.4 + 0.5 * rank


def areas(confidence, right, share=0.2):
    """The area under accuracy of the k surest, and the risk of a share of them; ties in the mean."""
    order = np.argsort(-confidence, kind="stable")
    place = np.unique(-confidence[order], return_inverse=True)[1]
    mean = np.bincount(place, right[order]) / np.bincount(place)
    found = np.cumsum(mean[place])
    last = round(share * len(right))
    return (found / np.arange(1, len(right) + 1)).mean(), 1 - found[last - 1] / last


@pytest.mark.parametrize("kind", telling([*CROWDED], "products of tokens", "two ways of being certain"))
@pytest.mark.parametrize(("n", "within"), [(1_500, 1e-9), (10_000, 1e-3)])
def test_what_hangs_on_rank_agrees_with_scikit_learn(kind, n, within):
    from sklearn.metrics import roc_auc_score  # takes seconds, so not where every worker collects

    confidence, right = crowded(kind, n)
    summary = Calibration.of(rated(confidence, right), replicates=40)
    assert summary.auroc.value == pytest.approx(roc_auc_score(right, confidence), abs=within)
    area, risk = areas(confidence, right)
    assert summary.auarc.value == pytest.approx(area, abs=within)
    row = summary.risk_coverage().iloc[19]
    assert row["risk"] == pytest.approx(risk, abs=within)
    distance = np.sort(1 - confidence)[round(0.2 * n) - 1]
    assert 1 - row["threshold"] == pytest.approx(distance, rel=0.02, abs=1e-15)
    assert len(summary.steps.keys) == min(len(np.unique(confidence)), len(summary.steps.keys)) <= MOST


@pytest.mark.parametrize("bins", [10, 20, 40])
@pytest.mark.parametrize("kind", ["even", "products of tokens"])
def test_bins_of_equal_width_stay_exact(kind, bins):
    from sklearn.calibration import calibration_curve

    confidence, right = crowded(kind, 6_000)
    accuracy, mean = calibration_curve(right, confidence, n_bins=bins)
    diagram = Calibration.of(rated(confidence, right), bins=bins, replicates=40).diagram()
    assert diagram["accuracy"].tolist() == pytest.approx(accuracy.tolist(), abs=1e-12)
    assert diagram["confidence"].tolist() == pytest.approx(mean.tolist(), abs=1e-4)
    below = np.ceil(mean * bins) - 1
    assert (diagram["lowest"] * bins >= below).all()
    assert (diagram["highest"] * bins <= below + 1).all()


def test_what_lies_on_an_edge_belongs_below_it():
    confidence = np.array([0.3, 0.1 + 0.2, 0.7, 1 - 0.3, 0.30001, 0.0, -0.0, 1.0, 5e-324])
    diagram = Calibration.of(rated(confidence, confidence > 0.5)).diagram()
    assert diagram["n"].tolist() == [3, 2, 1, 2, 1]
    assert diagram["lowest"].tolist() == [0.0, 0.3, 0.30001, 0.7, 1.0]
    assert diagram["highest"].tolist() == [5e-324, 0.3, 0.30001, 0.7, 1.0]


def test_parts_that_are_exact_add_up_to_a_whole_that_is_not():
    random = np.random.default_rng(1)
    kinds = [crowded(kind, 900, seed)[0] for seed, kind in enumerate(CROWDED)]
    confidence = random.permutation(np.concatenate(kinds))
    frame = rated(confidence, random.random(len(confidence)) < confidence)
    frame["group"] = random.choice(["one", "two"], len(frame))
    whole = Calibration.of(frame, by=["group"], replicates=40)
    assert (whole.steps.keys["step"] & np.uint64(1) == 0).any()
    place = random.integers(0, 3, len(frame))
    a, b, c = (Calibration.of(frame[place == part], by=["group"], replicates=40) for part in range(3))
    assert (a.steps.keys["step"] & np.uint64(1) == 1).all()
    for merged in ((a + b) + c, a + (b + c), sum([c, b, a])):
        assert merged.steps.keys.equals(whole.steps.keys)
        assert np.array_equal(merged.steps.cells, whole.steps.cells)


@pytest.mark.further
def test_many_groups_that_fit_when_joined_fit_in_parts():
    random = np.random.default_rng(2)
    frame = rated(random.random(22_000), random.random(22_000) < 0.5)
    frame["group"] = random.integers(0, 9, len(frame))
    parts = [Calibration.of(part, by="group", replicates=40) for part in (frame[::2], frame[1::2])]
    assert len(parts[0].steps.keys) + len(parts[1].steps.keys) > 20_000
    whole = parts[0] + parts[1]
    assert (whole.steps.keys["group"].value_counts().between(1_000, MOST)).all()
    assert len(whole.lump(3).steps.keys) < 3 * MOST
    assert whole.auroc.value == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 2**32 - 1, 2**32, 2**53 + 1, 2**60 - 1, 2**63, 2**64 - 1])
def test_bits_are_counted_exactly(number):
    assert _bit_length(np.array([number], dtype=np.uint64))[0] == number.bit_length()
