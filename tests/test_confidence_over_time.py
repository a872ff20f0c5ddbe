"""Confidence over time: bins, windows and points."""

import math

import numpy as np
import pandas as pd
import pytest
from histories import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from panels import START, panels
from telling import telling

from mastermind_lab.errors import OptionError
from mastermind_lab.stats import Confidence, ConfidenceOverTime

pytestmark = pytest.mark.once


def plain_times(frame):
    times = frame["published_at"].fillna(frame["streamed_at"])
    return times[times.notna() & frame["confidence"].notna()]


@pytest.mark.parametrize("given", ["36", "0h", "-1h", "soon", 0, 2, None])
def test_another_bandwidth_is_refused(given):
    with pytest.raises(
        OptionError, match="bandwidth must be above 0 and at most 1, or a duration like '36h'"
    ):
        ConfidenceOverTime.of(panels(3), bandwidth=given)


@pytest.mark.parametrize("window", [0.1, 1, "36h", pd.Timedelta(days=2), "1us"])
def test_the_rolling_mean_agrees_with_a_plain_loop(window):
    frame = panels(400).decisions
    frame = frame[frame["meta.model"] == "atlas-2"]
    summary = ConfidenceOverTime.of(frame, bandwidth=window)
    table, width = summary.table(), summary.width // pd.Timedelta("1us")
    times = plain_times(frame).astype("int64")
    bins, values = (times // width).to_numpy(), frame["confidence"][times.index].to_numpy()
    span = bins.max() - bins.min() + 1
    asked = window * span if isinstance(window, int | float) else pd.Timedelta(window) / summary.width
    reach = max(0, round((asked - 1) / 2))
    assert table["time"].astype("int64").tolist() == [
        place * width + width // 2 for place in range(bins.min(), bins.max() + 1)
    ]
    for place, row in zip(range(bins.min(), bins.max() + 1), table.itertuples(), strict=True):
        near = values[abs(bins - place) <= reach]
        here = values[bins == place]
        assert (row.n, row.n_window) == (len(here), len(near))
        assert row.mean == pytest.approx(here.mean() if len(here) else math.nan, nan_ok=True)
        assert row.rolling == pytest.approx(near.mean() if len(near) else math.nan, nan_ok=True)


def test_a_band_is_the_interval_of_its_window():
    frame = panels(400).decisions
    band = ConfidenceOverTime.of(frame, bandwidth=1).table()
    dated = frame.loc[plain_times(frame).index]
    middle = band.iloc[len(band) // 2]
    mean = Confidence.of(dated).mean
    assert middle["n_window"] == mean.n
    assert [middle["rolling_low"], middle["rolling_high"]] == pytest.approx([mean.low, mean.high])


@pytest.mark.thorough
@given(days=st.floats(1e-9, 1e4), n=st.integers(2, 60))
@settings(max_examples=40, deadline=None)
def test_time_bins_are_as_narrow_as_512_allow(days, n):
    frame = panels(n, days=days).decisions.assign(confidence=0.5)
    times = frame["published_at"].fillna(frame["streamed_at"]).dropna().astype("int64")
    summary = ConfidenceOverTime.of(frame)
    width = summary.width // pd.Timedelta("1us")
    first, last = (times.min(), times.max()) if len(times) else (0, 0)
    assert last // width - first // width < 512
    assert width == 1 or last // (width // 2) - first // (width // 2) >= 512
    assert width & (width - 1) == 0


@pytest.mark.parametrize("least", telling([1, 7, 40, 10_000], "7", "10000"))
@pytest.mark.parametrize("by", [None, "meta.model"])
def test_windows_hold_every_n_decisions(least, by):
    history = panels(120)
    summary = ConfidenceOverTime.of(history, by=by, replicates=100)
    windows, bins = summary.every(least), summary.table()
    groups = windows.groupby(list(summary.by), dropna=False) if by else [(None, windows)]
    assert windows["n"].sum() == bins["n"].sum()
    for _, rows in groups:
        assert (rows["n"] >= least).all() or len(rows) == 1
        assert (rows["first"].iloc[1:].to_numpy() >= rows["last"].iloc[:-1].to_numpy()).all()
        assert rows["time"].between(rows["first"], rows["last"]).all()
    if least == 10_000:
        assert len(windows) == bins[list(summary.by)].drop_duplicates().shape[0] if by else len(windows) == 1


def test_a_window_closes_as_soon_as_it_is_full_and_the_rest_joins_the_last():
    frame = panels(9).decisions.assign(confidence=np.arange(9) / 10)
    frame["published_at"] = START + pd.to_timedelta(np.arange(9), unit="h")
    windows = ConfidenceOverTime.of(frame.assign(published_at=frame["published_at"].dt.as_unit("us"))).every(
        4
    )
    assert windows["n"].tolist() == [4, 5]
    assert windows["mean"].tolist() == pytest.approx([0.15, 0.6])
    whole = ConfidenceOverTime.of(frame.assign(published_at=frame["published_at"].dt.as_unit("us")))
    assert whole.every(9)["mean"].iloc[0] == pytest.approx(whole.mean.value)
    assert whole.every(9)["mean_low"].iloc[0] == pytest.approx(whole.mean.low)


@pytest.mark.parametrize("n", [0, -3, 2.0, True, "10"])
def test_a_senseless_number_of_decisions_is_refused(n):
    with pytest.raises(OptionError, match="whole number from 1"):
        ConfidenceOverTime.of(panels(9)).every(n)


@pytest.mark.parametrize(("span", "width"), [(0, 1), (1, 1), (511, 1), (512, 2), (1_022, 2), (1_024, 4)])
def test_bins_widen_when_there_would_be_513(span, width):
    frame = panels(2).decisions.assign(confidence=0.5)
    moments = pd.to_datetime(
        [1_772_442_000_000_000 // 1_024 * 1_024 + late for late in (0, span)], unit="us", utc=True
    )
    frame["published_at"] = moments.as_unit("us")
    halves = [ConfidenceOverTime.of(frame.iloc[[row]]) for row in (0, 1)]
    for summary in (ConfidenceOverTime.of(frame), sum(halves)):
        assert summary.width == pd.Timedelta(width, unit="us")
        assert len(summary.table()) == span // width + 1


def test_times_before_1970_and_without_streamed_at_are_counted():
    frame = panels(50).decisions.drop(columns="streamed_at").assign(confidence=0.5)
    frame["published_at"] = frame["published_at"].fillna(START) - pd.DateOffset(years=100)
    table = ConfidenceOverTime.of(frame).table()
    assert table["n"].sum() == 50
    assert table["time"].dt.year.unique().tolist() == [1926]


def test_a_column_of_times_that_is_missing_leaves_it_to_the_other():
    whole = sample(20).decisions
    whole = whole.assign(streamed_at=whole["published_at"])
    expected = ConfidenceOverTime.of(
        whole.assign(published_at=pd.Series(pd.NaT, whole.index, whole["published_at"].dtype))
    )
    found = ConfidenceOverTime.of(whole.assign(published_at=None))
    assert_frame_equal(found.table(), expected.table())


def test_what_has_no_time_or_no_confidence_is_said():
    frame = panels(500).decisions
    frame.loc[frame.index % 7 == 0, ["published_at", "streamed_at"]] = pd.NaT
    times = frame["published_at"].fillna(frame["streamed_at"])
    summary = ConfidenceOverTime.of(frame, by="meta.model")
    assert summary.undated == times.isna().sum() > 0
    assert summary.missing == (times.notna() & frame["confidence"].isna()).sum() > 0
    assert summary.table()["n"].sum() + summary.undated + summary.missing == 500
    assert summary.mean.n == summary.table()["n"].sum()


@pytest.mark.parametrize("most", [1, 10, 300, 4_000])
def test_points_are_thinned_and_lose_nobody(most):
    frame = panels(3_000).decisions
    summary = ConfidenceOverTime.of(frame)
    points = summary.points(most=most)
    known = frame.loc[plain_times(frame).index]
    assert len(points) <= max(most, 4)
    assert points["n"].sum() == len(known)
    assert points["confidence"].between(0, 1).all()
    mean = (points["confidence"] * points["n"]).sum() / len(known)
    assert mean == pytest.approx(known["confidence"].mean(), abs=0.002 if most >= 4_000 else 0.2)
    width, height = summary.point_size(most=most)
    times = plain_times(frame)
    for point in points.iloc[:: max(1, len(points) // 20)].itertuples():
        near = (times - point.time).abs() <= width / 2
        near &= (known["confidence"] - point.confidence).abs() <= height / 2 + 1e-9
        assert near.sum() >= point.n  # one that lies on the edge may belong to the next
    if most == 4_000:
        assert (width, height) == (summary.width, 0.01)
        assert len(points) > 2_000
        assert points["time"].min() - plain_times(frame).min() < summary.width


def test_a_mean_has_its_interval_and_few_decisions_are_marked():
    table = ConfidenceOverTime.of(panels(300), bandwidth="12h").table()
    known = table[table["n"] >= 2]
    assert ((known["mean_low"] <= known["mean"]) & (known["mean"] <= known["mean_high"])).all()
    assert table.loc[table["n"] < 2, ["mean_low", "mean_high"]].isna().all(axis=None)
    assert table["small_n"].tolist() == (table["n_window"] < 10).tolist()
    assert 0 < table["small_n"].mean() < 1
