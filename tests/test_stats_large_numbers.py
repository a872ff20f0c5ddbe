"""Numbers near the largest and the smallest that a float holds: their sums must not pass it."""

import numpy as np
import pandas as pd
import pytest
from histories import sample
from pandas.testing import assert_frame_equal

import mastermind_lab as lab

pytestmark = pytest.mark.once

HUGE = 1.7e308
UNIT = 2.0**-200
"""A power of two: scaling by it rounds nothing."""

FEW, SOME, TINY = [HUGE] * 9, [HUGE, 0, 1e300, 5.0, HUGE / 3], [5e-324] * 12


def weighted(*weights, last=12):
    """A history whose first votes weigh so much, and the others 1."""
    history = sample(last)
    history.votes["weight"] = 1.0
    history.votes.loc[: len(weights) - 1, "weight"] = weights
    return history


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("kind", "weights"),
    [
        pytest.param(lab.stats.Votes, FEW, id="Votes"),
        pytest.param(lab.stats.Votes, TINY, id="Votes, tiny"),
        pytest.param(lab.stats.Rules, SOME, id="Rules"),
        pytest.param(lab.stats.Pivotal, FEW, id="Pivotal"),
    ],
)
def test_the_unit_of_weights_makes_no_difference(kind, weights):
    history, scaled = weighted(*weights), weighted(*weights)
    up = 2.0**300 if max(weights) < 1 else UNIT
    scaled.votes["weight"] *= up
    found, expected = (kind.of(one, replicates=40).table() for one in (history, scaled))
    assert_frame_equal(found, expected, rtol=1e-12, atol=1e-300)
    assert not np.isinf(found.select_dtypes("float64")).any(axis=None)


@pytest.mark.thorough
def test_other_groups_are_what_they_were():
    plain, history = (
        lab.stats.Votes.of(weighted(*some), by="voter", replicates=40).table() for some in ([], [HUGE] * 2)
    )
    others = ~plain["voter"].isin(sample(12).votes["voter"][:2])
    rest = others & (plain["voter"].isin(history["voter"]))
    assert_frame_equal(plain[rest].reset_index(drop=True), history[rest.to_numpy()].reset_index(drop=True))


@pytest.mark.thorough
def test_parts_with_and_without_large_ones_add_up():
    history = weighted(*[HUGE] * 4)
    ids = history.decisions["stream_id"]
    parts = [history.where(ids[start::3].tolist()) for start in range(3)]
    options = {"by": "meta.model", "replicates": 40}
    whole = lab.stats.Votes.of(history, **options)
    counted = [lab.stats.Votes.of(part, **options) for part in parts]
    for order in ([0, 1, 2], [2, 1, 0]):
        merged = sum(counted[place] for place in order)
        assert_frame_equal(merged.table(), whole.table(), rtol=1e-9)
        assert_frame_equal(merged.lump(2).table(), whole.lump(2).table(), rtol=1e-9)


def timed(*values, name="meta.timings.extra"):
    history = sample(30)
    history.decisions[name] = np.resize(np.array(values, dtype=float), 30)
    return history


@pytest.mark.parametrize("values", [(HUGE, 1.0, 3.0), (-HUGE, HUGE, HUGE), (1e300, 1e-300)])
def test_durations(values):
    name = "meta.timings.extra"
    table = lab.stats.Timing.of(timed(*values), replicates=40).table().set_index("leaf")
    plain = lab.stats.Timing.of(sample(30), replicates=40).table().set_index("leaf")
    alone = [leaf for leaf in plain.index if not leaf.startswith("meta.timings")]
    assert_frame_equal(table.loc[alone], plain.loc[alone])
    row, given = table.loc[name], np.resize(values, 30)
    assert row["mean"] == pytest.approx((given / 2**10).mean() * 2**10, rel=1e-12)
    assert row["mean_low"] <= row["mean"] * (1 + 1e-12)
    assert row["mean_high"] >= row["mean"] * (1 - 1e-12)
    for level in (0.05, 0.5, 0.95):
        assert row[f"q{level * 100:02.0f}"] == pytest.approx(
            np.quantile(given / 2**10, level) * 2**10, rel=0.006, abs=1e-6
        )
    with np.errstate(over="ignore"):
        total = given.sum()
    assert row["sum"] == pytest.approx(total) if np.isfinite(total) else pd.isna(row["sum"])


def test_durations_whose_total_no_float_holds_have_no_share():
    history = timed(HUGE)
    history.decisions["meta.timings.more"] = HUGE
    history.decisions["meta.timings.total"] = np.nan
    table = lab.stats.Timing.of(history, replicates=40).table().set_index("leaf")
    assert table["share"].dropna().between(0, 1).all()
    assert not np.isinf(table.select_dtypes("float64")).any(axis=None)


@pytest.mark.further
def test_a_chart_of_them_is_drawn():
    lab.charts.votes(weighted(*FEW)).figure.draw_without_rendering()
