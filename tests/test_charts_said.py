"""What is said of a picture is what is drawn on it, and what is drawn is not cut off in silence."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import mastermind_lab as lab
from mastermind_lab import charts

pytestmark = pytest.mark.once

VOTES = [{"voter": name, "choice": choice} for name, choice in zip("ABC", ("yes", "yes", "no"), strict=True)]


def decided(n, confidence=0.5, **meta):
    """Decisions ten minutes apart; what is given as a list takes turns."""
    turns = {name: values if isinstance(values, list) else [values] for name, values in meta.items()}
    sure = confidence if isinstance(confidence, list) else [confidence]
    start = pd.Timestamp("2026-11-01", tz="UTC")
    return lab.read(
        [
            json.dumps(
                {
                    "decision": {
                        "recommendation": "yes",
                        "confidence": sure[row % len(sure)],
                        "decision_id": f"d{row}",
                        "votes": VOTES,
                    },
                    "published_at": (start + row * pd.Timedelta("10min")).isoformat(),
                    "correlation_id": f"{row:032x}",
                    "meta": {name: values[row % len(values)] for name, values in turns.items()},
                }
            )
            for row in range(n)
        ]
    )


@pytest.fixture
def ax():
    return Figure().subplots()


def reach(figures, ax):
    """Whether all figures stand within the limits of an axis."""
    low, high = ax.get_xlim() if "q05" in figures else ax.get_ylim()
    values = figures.to_numpy(dtype=float)
    return np.nanmin(values) >= low and np.nanmax(values) <= high


@pytest.mark.parametrize("every", [None, 2])
def test_no_interval_over_time_is_cut_off(every, ax):
    history = decided(12, [0.5, 0.55, 0.6, 0.45])
    summary = lab.stats.ConfidenceOverTime.of(history)
    table, figure = (summary.table(), "rolling") if every is None else (summary.every(every), "mean")
    charts.confidence_over_time(history, every=every, ax=ax)
    assert reach(table[[f"{figure}_low", f"{figure}_high"]], ax)


def test_a_mean_far_beyond_the_quantiles_is_on_the_picture(ax):
    history = decided(200, timings=[{"x_s": 2000.0}, *[{"x_s": 1.0}] * 49])
    charts.timing(history, ax=ax)
    assert reach(lab.stats.Timing.of(history).table()[["q05", "q95", "mean", "mean_low", "mean_high"]], ax)


def usage(unit, *middles):
    random = np.random.default_rng(0)
    names = [f"step{place}_{unit}" for place in range(len(middles))]
    drawn = random.lognormal(0, 1, (200, len(middles))) * middles
    return decided(200, usage=[dict(zip(names, row, strict=True)) for row in drawn.tolist()])


def test_a_scale_that_is_straight_is_not_called_one_of_logarithms(ax):
    charts.timing(usage("usd", 0.004, 0.006, 0.0), unit="USD", ax=ax)
    assert (ax.get_xscale(), ax.get_xlabel()) == ("linear", "USD a decision")
    assert ax.get_xlim()[0] < 0  # so that a dot at 0 is whole


def test_a_scale_that_is_straight_around_0_says_up_to_where(ax):
    charts.timing(usage("tokens", 8000.0, 100.0, 0.0), unit="tokens", ax=ax)
    up_to = ax.xaxis.get_transform().linthresh
    assert 100 < up_to < 1000
    assert ax.get_xlabel() == f"tokens a decision (log scale above {up_to:.0f})"
    ax.figure.draw_without_rendering()
    assert [label.get_text() for label in ax.get_xticklabels()][:2] == ["0", "100"]


def test_where_all_is_0_the_scale_is_straight(ax):
    charts.timing(usage("usd", 0.0), unit="USD", ax=ax)
    assert (ax.get_xscale(), ax.get_xlabel()) == ("linear", "USD a decision")


@pytest.mark.parametrize("name", ["confidence", "confidence_over_time", "votes", "timing"])
def test_what_is_called_like_the_rest_is_not_it(name, ax):
    history = decided(20, group=["2 others", "2 others we know"], timings=[{"2 others_s": 2.0}])
    history = history.with_frames(votes=history.votes.assign(choice="3 others, maybe"))
    assert "drawn as one" not in charts.caption(getattr(charts, name)(history, by="meta.group", ax=ax))
    assert "drawn as one" not in charts.caption(getattr(charts, name)(history, ax=Figure().subplots()))


def test_each_rest_is_said_once(ax):
    history = decided(40, group=[f"group {place}" for place in range(20)])
    voted = history.votes.assign(choice=[f"choice {place}" for place in np.arange(120) % 40])
    said = charts.caption(charts.votes(history.with_frames(votes=voted), by="meta.group", ax=ax))
    choices, groups = (re.search(r"\d+ others", text)[0] for text in (rows_of(ax)[-1], named_by(ax)[-1]))
    assert choices != groups
    assert f" {choices} and {groups}: the smallest, drawn as one." in said


def rows_of(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def named_by(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_lines_that_are_named_where_they_end_have_a_rest_too():
    history = decided(120, [0.2, 0.5, 0.8, 0.8], group=["a", "b", "c", "d"])
    ax = Figure(figsize=(5, 2), layout="constrained").subplots()
    charts.confidence_over_time(history, by="meta.group", ax=ax)
    assert ax.get_legend() is None
    assert " 2 others: the smallest, drawn as one." in charts.caption(ax)
