"""Drift: a CUSUM of confidence and of dissent, against plain Python, and how often it gives an alarm."""

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from panels import START
from pictures import title, words

from mastermind_lab import charts
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import Drift
from mastermind_lab.stats.engine.cusum import Cusum

pytestmark = pytest.mark.once


def stream(confidence, minutes=10):
    n = len(confidence)
    times = START + pd.to_timedelta(np.arange(n) * minutes, unit="min")
    return pd.DataFrame(
        {
            "stream_id": [f"{1_772_442_000_000 + 60_000 * row}-0" for row in range(n)],
            "published_at": pd.Series(times).dt.as_unit("us"),
            "confidence": confidence,
            "recommendation": "yes",
        }
    ).astype({"stream_id": "str", "recommendation": "str"})


def voted(decisions, against):
    """Five votes a decision, so many of them against the winner."""
    ids = np.repeat(decisions["stream_id"].to_numpy(), 5)
    place = np.tile(np.arange(5), len(decisions))
    choice = np.where(place < np.repeat(against, 5), "no", "yes")
    votes = pd.DataFrame({"stream_id": ids, "voter": place.astype(str), "choice": choice}).astype("str")
    return SimpleNamespace(decisions=decisions, votes=votes)


def moved(n=800, at=400, by=0.15, seed=0):
    random = np.random.default_rng(seed)
    return random.beta(12, 8, n) + np.where(np.arange(n) >= at, by, 0) * 1.0


def test_sum_and_limit_are_those_of_the_definition():
    values = moved(300).clip(0, 1)
    first, later, ones = values[:200], values[200:], np.ones(300)
    found = Cusum.of(ones, values, np.arange(300) < 200)
    means = [first[start : start + 20].mean() for start in range(0, 200, 20)]
    spread = np.std(means, ddof=1) * 20**0.5
    assert found.total.tolist() == pytest.approx(np.cumsum(later - first.mean()).tolist())
    k = np.arange(1, 101)
    assert found.limit.tolist() == pytest.approx((2.75 * spread * 200**0.5 * (1 + k / 200)).tolist())


def test_a_rise_and_a_fall_are_found_and_when_they_began():
    for by, direction in ((0.15, "up"), (-0.15, "down")):
        decisions = stream(moved(by=by).clip(0, 1))
        table = Drift.of(decisions).table().set_index("figure")
        row, times = table.loc["confidence"], decisions["published_at"]
        assert row["direction"] == direction
        assert times[400] < row["alarm"] < times[520]
        assert times[330] < row["since"] < times[430]
        assert row["difference_low"] < row["difference"] < row["difference_high"]
        assert (row["n"], row["n_baseline"]) == (800, pytest.approx(200, abs=4))
        assert "dissent" not in table.index  # a frame knows no votes


def test_more_dissent_is_found():
    random = np.random.default_rng(1)
    against = np.where(np.arange(700) < 350, random.integers(0, 2, 700), random.integers(1, 3, 700))
    history = voted(stream(random.beta(12, 8, 700)), against)
    table = Drift.of(history, replicates=40).table().set_index("figure")
    assert table.loc["dissent", "direction"] == "up"
    assert table.loc["dissent", "baseline"] == pytest.approx(against[:200].mean() / 5, abs=0.01)
    assert pd.isna(table.loc["confidence", "alarm"])


def correlated(random, phi, shape):
    noise, found = random.standard_normal(shape), np.empty(shape)
    found[:, 0] = noise[:, 0]
    for place in range(1, shape[1]):
        found[:, place] = phi * found[:, place - 1] + (1 - phi * phi) ** 0.5 * noise[:, place]
    return found


def in_blocks(random, size, shape):
    models = np.repeat(random.choice([0.6, 0.7, 0.8], (shape[0], -(-shape[1] // size))), size, axis=1)
    return models[:, : shape[1]] + 0.12 * random.standard_normal(shape)


STREAMS = {
    "independent": lambda random, shape: random.beta(6, 3, shape),
    "few dissenters": lambda random, shape: random.binomial(5, 0.1, shape) / 5,
    "correlated": lambda random, shape: correlated(random, 0.5, shape),
    "blocks": lambda random, shape: in_blocks(random, 10, shape),
}


def share_with_an_alarm(values, baseline=200):
    first, ones = np.arange(values.shape[1]) < baseline, np.ones(values.shape[1])
    return np.mean([Cusum.of(ones, row, first).alarm is not None for row in values])


@pytest.mark.parametrize("name", STREAMS)
def test_an_alarm_is_as_seldom_as_is_said(name):
    values = STREAMS[name](np.random.default_rng(5), (200, 1_400))
    assert share_with_an_alarm(values) <= 0.07
    values[:, 500:] += values.std()
    assert share_with_an_alarm(values) >= 0.95


@pytest.mark.thorough
@pytest.mark.parametrize("name", STREAMS)
def test_an_alarm_is_as_seldom_as_is_said_in_1_000_streams(name):
    assert share_with_an_alarm(STREAMS[name](np.random.default_rng(6), (1_000, 2_200))) <= 0.055


def test_it_runs_live_each_look_is_that_of_all_that_came():
    decisions = stream(moved(700, by=-0.15).clip(0, 1))
    total, alarms = Drift.of(decisions[:0], replicates=40), []
    for start in range(0, 700, 100):
        total = total + Drift.of(decisions[start : start + 100], replicates=40)
        alarms.append(total.table()["alarm"].notna().any())
    assert alarms == [False] * 4 + [True] * 3
    whole = Drift.of(decisions, replicates=40)
    pd.testing.assert_frame_equal(total.path(), whole.path())


def test_a_baseline_is_a_number_a_duration_or_a_moment():
    decisions = stream(moved().clip(0, 1))
    n = {
        given: Drift.of(decisions, baseline=given, replicates=40).table()["n_baseline"].iloc[0]
        for given in (100, "20h", "2026-03-03T09:00", pd.Timestamp("2026-03-03T10:00+01:00"))
    }
    assert list(n.values()) == [pytest.approx(count, abs=6) for count in (100, 120, 144, 144)]


def test_an_earlier_run_is_a_baseline_whenever_it_was_and_however_it_comes():
    decisions = stream(moved(700, by=-0.15).clip(0, 1))
    first, later = decisions[:400], decisions[400:]
    long_ago = first.assign(published_at=first["published_at"] - pd.Timedelta("400D"))
    few = {"replicates": 40}
    past = Drift.of(long_ago, **few)
    whole = Drift.of(later, baseline=past, **few)
    halves = (
        Drift.of(part, baseline=pickle.loads(pickle.dumps(past)), **few)
        for part in (later[:150], later[150:])
    )
    pd.testing.assert_frame_equal(sum(halves).table(), whole.table())
    row, there = whole.table().iloc[0], Drift.of(decisions, baseline=400, **few).table().iloc[0]
    assert (row["n"], row["n_baseline"], row["direction"]) == (700, 400, "down")
    assert row["baseline"] == pytest.approx(there["baseline"], abs=0.005)
    assert later["published_at"].min() < row["alarm"] <= there["alarm"]
    assert whole.path()["time"].min() > later["published_at"].min()
    assert (whole.n, whole.outside, whole.totals()["n"].tolist()) == (300, 0, [300, 0])
    assert Drift.of(later[:0], baseline=past, **few).table()["alarm"].isna().all()
    for wrong in ({"by": "recommendation"}, {"cluster": "stream_id"}, {"replicates": 50}):
        with pytest.raises(OptionError, match="an earlier run is the baseline of all decisions together"):
            Drift.of(later, baseline=past, **few | wrong)


@pytest.mark.parametrize("given", [10, True, 0.5, "soon", "-3D", "0h", "36", "1-2", None, pd.NaT])
def test_another_baseline_is_refused(given):
    with pytest.raises(OptionError, match="baseline must be a number of decisions"):
        Drift.of(stream([0.5]), baseline=given)


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2026", "2026-01-01"),
        ("2026-11", "2026-11-01"),
        ("20261103", "2026-11-03"),
        ("2026-11-03", "2026-11-03"),
    ],
)
def test_part_of_a_date_is_a_moment_and_no_duration(given, moment):
    assert Drift.of(stream([0.5]), baseline=given).baseline == pd.Timestamp(moment, tz="UTC")


def test_what_does_not_vary_or_is_too_short_has_no_limit():
    for decisions in (stream(np.full(300, 0.5)), stream(moved(300).clip(0, 1))):
        table = Drift.of(decisions, baseline="30min", replicates=40).table()
        assert table["limit"].isna().all()
        assert table["alarm"].isna().all()
    late = Drift.of(stream(np.full(300, 0.5)), baseline="2020-01-01", replicates=40).table().iloc[0]
    assert late["n_baseline"] == 0
    assert np.isnan(late["baseline"])
    constant = Drift.of(stream(np.append(np.full(250, 0.7), np.full(50, 0.1))), replicates=40).table().iloc[0]
    assert np.isnan(constant["limit"])
    assert constant["difference"] == pytest.approx(-0.3, abs=0.02)


def test_what_has_no_time_or_is_far_off_is_counted():
    decisions = stream(moved().clip(0, 1))
    decisions.loc[3:5, "published_at"] = pd.NaT
    decisions.loc[7, "published_at"] = pd.Timestamp("1970-01-01", tz="UTC")
    summary = Drift.of(decisions, replicates=40)
    assert (summary.undated, summary.outside, summary.n) == (3, 1, 800)
    assert summary.table()["n"].tolist() == [796]


def test_groups_have_baselines_of_their_own():
    decisions = stream(np.repeat([0.3, 0.8], 300) + np.tile([0.0, 0.02, 0.01], 200))
    decisions["meta.model"] = pd.Series(np.repeat(["a", "b"], 300), dtype="str")
    assert Drift.of(decisions, replicates=40).table()["alarm"].notna().all()
    assert Drift.of(decisions, by="meta.model", replicates=40).table()["alarm"].isna().all()


def test_the_chart_is_the_path(ax):
    random = np.random.default_rng(1)
    summary = Drift.of(voted(stream(moved().clip(0, 1)), random.integers(0, 3, 800)), replicates=40)
    charts.drift(summary, ax=ax)
    path = summary.path()
    for line, name in zip(ax.lines[::2], ("confidence", "dissent"), strict=False):
        assert line.get_ydata().tolist() == path.loc[path["figure"] == name, "of_limit"].tolist()
    ring = ax.lines[1].get_xdata()
    assert pd.DatetimeIndex(ring, tz="UTC").tolist() == summary.table()["alarm"].dropna().tolist()
    assert title(ax).startswith("Drift n = 800 decisions")
    assert "ring: first alarm" in words(ax).replace("\n", " ")
    assert [line.get_ydata()[0] for line in ax.lines if len(line.get_ydata()) == 2] == [-1, 1]
