"""Confidence, against plain pandas and numpy."""

import numpy as np
import pandas as pd
import pytest
from panels import panels

from mastermind_lab.stats import Confidence
from mastermind_lab.stats.engine.arithmetic import squared_deviations


def test_confidence_agrees_with_pandas():
    frame = panels(900).decisions
    table = Confidence.of(frame, by="meta.model", threshold=0.6).table()
    groups = frame.groupby("meta.model", dropna=False)["confidence"]
    assert table["meta.model"].isna().tolist() == [False, False, False, True]
    assert table["n"].tolist() == groups.count().tolist()
    assert table["missing"].tolist() == (groups.size() - groups.count()).tolist()
    assert table["mean"].tolist() == pytest.approx(groups.mean().tolist())
    assert table["sd"].tolist() == pytest.approx(groups.std().tolist())
    for name, level in {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}.items():
        assert table[name].tolist() == pytest.approx(groups.quantile(level).tolist(), abs=1 / 4_000)
    below = groups.agg(lambda values: (values < 0.6).sum() / values.count())
    assert table["share_below"].tolist() == pytest.approx(below.tolist())
    assert (table["mean_low"] < table["mean"]).all()
    assert (table["mean"] < table["mean_high"]).all()


@pytest.mark.parametrize("interval", ["bootstrap", "anytime"])
def test_the_share_below_of_all_is_the_table_without_groups(interval):
    frame = panels(300).decisions
    figure = Confidence.of(frame, by="meta.model", threshold=0.6, interval=interval).share_below
    row = Confidence.of(frame, threshold=0.6, interval=interval).table().iloc[0]
    ends = [row[f"share_below{end}"] for end in ("", "_low", "_high")]
    assert [figure.value, figure.low, figure.high] == pytest.approx(ends)
    assert figure.n == row["n"]
    assert Confidence.of(frame[:0], interval=interval).share_below.n == 0


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 0.7, 0.9, 1.0])
def test_equal_values_do_not_spread(value):
    frame = panels(301).decisions.assign(confidence=value)
    row = Confidence.of(frame).table().iloc[0]
    assert (row["sd"], row["q05"], row["q95"]) == (0, value, value)


@pytest.mark.parametrize("value", [0.1, 0.3, 0.7, 0.9])
def test_a_million_equal_values_do_not_spread_either(value):
    sums = (np.bincount(np.zeros(1_000_000, dtype=int), np.full(1_000_000, one)) for one in (value, value**2))
    assert squared_deviations(np.array([1e6]), *sums).tolist() == [0]


@pytest.mark.parametrize("bins", [1, 10, 20, 40])
def test_the_histogram_agrees_with_numpy(bins):
    frame = panels(900).decisions
    frame.loc[:2, "confidence"] = [0.0, 1.0, 0.5]
    summary = Confidence.of(frame, by="meta.model")
    found = summary.histogram(bins)
    assert found["meta.model"].nunique(dropna=False) == 4
    for model, rows in found.groupby("meta.model", dropna=False):
        ours = frame["meta.model"].isna() if pd.isna(model) else frame["meta.model"] == model
        # In whole steps: 0.55 is a little more or less than 11 / 20.
        steps = (frame.loc[ours, "confidence"].dropna() * 2_000).round()
        counts, edges = np.histogram(steps, bins=bins, range=(0, 2_000))
        assert rows["n"].tolist() == counts.tolist()
        assert rows["left"].tolist() == pytest.approx(edges[:-1] / 2_000)
        assert rows["right"].tolist() == pytest.approx(edges[1:] / 2_000)
        assert rows["share"].sum() == pytest.approx(1)
