"""Regimes on a time axis."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from histories import sample
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from test_charts_said import decided

import mastermind_lab as lab
from mastermind_lab import charts, stats
from mastermind_lab.charts.drawing.change_lines import MOST
from mastermind_lab.errors import OptionError

pytestmark = pytest.mark.once


def decisions(versions, each=60, apart="1h"):
    """Decisions at even times, the same number under each version, one after the other."""
    n = each * len(versions)
    return pd.DataFrame(
        {
            "stream_id": [f"0-{row + 1}" for row in range(n)],
            "published_at": pd.date_range("2026-03-01", periods=n, freq=apart, tz="UTC").as_unit("us"),
            "confidence": np.linspace(0.2, 0.9, n),
            "meta.version": np.repeat(np.array(versions, dtype=object), each),
        }
    ).astype({"stream_id": "str", "meta.version": "str"})


@pytest.fixture
def ax():
    figure = Figure(figsize=(3.3, 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


def dashed(ax):
    return [line for line in ax.lines if line.get_linestyle() == "--" and list(line.get_ydata()) == [0, 1]]


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_a_line_stands_where_a_value_begins(ax):
    frame = decisions(["v1", "v2", "v3"])
    charts.confidence_over_time(frame, ax=ax)
    begins = np.sort([line.get_xdata()[0] for line in dashed(ax)])
    first = frame.groupby("meta.version")["published_at"].min()[["v2", "v3"]]
    assert begins == pytest.approx(first.astype("int64").to_numpy() / 86_400e6)
    assert sorted(words(ax)) == ["version: v2", "version: v3"]
    assert "Dashed: a value begins" in charts.caption(ax)
    ax.figure.draw_without_rendering()


def test_a_field_that_begins_is_named(ax):
    frame = decisions(["v1", "v1"])
    frame["decision.risk"] = np.where(np.arange(len(frame)) < 60, np.nan, 0.5)
    charts.confidence_over_time(frame, ax=ax)
    assert words(ax) == ["+ decision.risk"]


def test_values_that_begin_together_share_a_line(ax):
    frame = decisions(["v1", "v2"])
    frame["meta.model"] = frame["meta.version"].str.replace("v", "atlas-")
    charts.confidence_over_time(frame, ax=ax)
    assert len(dashed(ax)) == 1
    assert words(ax) == ["model: atlas-2 +1"]


@pytest.mark.thorough
@pytest.mark.parametrize("versions", [12, 90])
def test_many_are_capped_and_counted(ax, versions):
    frame = decisions([f"v{number}" for number in range(versions)])
    charts.confidence_over_time(frame, ax=ax)
    table = stats.Regimes.of(frame).table()
    more = table["change"][table["event"] == "begin"].nunique() - MOST
    assert len(dashed(ax)) == len(words(ax)) == MOST
    assert f"a value begins ({more} more)" in charts.caption(ax)
    assert f"version: v{versions - 1}" in words(ax)


@pytest.mark.thorough
def test_the_words_do_not_meet(ax):
    charts.confidence_over_time(decisions([f"v{number}" for number in range(90)]), ax=ax)
    ax.figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.x0)
    assert len(boxes) == MOST
    assert all(one.x1 <= other.x0 for one, other in pairwise(boxes))


def test_a_summary_marks_what_it_is_given(ax):
    frame = decisions(["v1", "v2"])
    summary = stats.ConfidenceOverTime.of(frame)
    charts.confidence_over_time(summary, ax=ax)
    assert not dashed(ax)
    charts.confidence_over_time(summary, regimes=stats.Regimes.of(frame, watch="meta.version"), ax=ax)
    assert len(dashed(ax)) == 1
    with pytest.raises(OptionError, match="Regimes summary, not str"):
        charts.confidence_over_time(summary, regimes="meta.version", ax=ax)


def test_a_regime_outside_of_the_axis_moves_nothing(ax):
    frame = decisions(["v1", "v2", "v3"])
    charts.confidence_over_time(frame.iloc[130:], regimes=stats.Regimes.of(frame), ax=ax)
    assert not dashed(ax)
    assert "(2 more)" in charts.caption(ax)


def test_hostile_values_are_drawn_as_they_read(ax):
    charts.confidence_over_time(decisions(["v1", "$\\f$ \x00" + "x" * 100_000]), ax=ax)
    ax.figure.draw_without_rendering()
    assert words(ax)[0].startswith("version: $\\f$")
    assert len(words(ax)[0]) <= 30


@pytest.mark.further
def test_the_sample_has_two_regimes(ax):
    charts.confidence_over_time(sample(), ax=ax)
    assert set(words(ax)) == {"model: atlas-2", "prompt_version: v4"}


@pytest.mark.further
def test_a_wide_picture_has_room_for_more_names_than_a_high_one():
    frame, counts = decisions([f"v{n}" for n in range(9)], each=12), []
    for size in ((8, 1.2), (1.2, 8)):
        figure = Figure(figsize=size)
        FigureCanvasAgg(figure)
        charts.confidence_over_time(frame, ax=(ax := figure.subplots()))
        counts.append(len(words(ax)))
    assert counts[0] > counts[1]


@pytest.mark.further
def test_fields_that_begin_together_are_named_by_one_and_how_many_more(ax):
    frame = decisions(["v1", "v1"])
    for name in ("decision.a", "decision.b", "decision.c"):
        frame[name] = np.where(np.arange(len(frame)) < 60, np.nan, 0.5)
    charts.confidence_over_time(frame, ax=ax)
    [word] = words(ax)
    assert word.startswith("+ decision.")
    assert word.endswith(" +2")
    two = frame.drop(columns="decision.c")
    charts.confidence_over_time(two, ax=(other := ax.figure.add_subplot()))
    assert words(other)[0].endswith(" +1")


def test_a_scan_has_the_lines_of_the_history_that_it_reads(tmp_path):
    history = decided(120, version=["v1"] * 60 + ["v2"] * 60)
    for name, rows in (("a", slice(60)), ("b", slice(60, None))):
        history.where(history.decisions["stream_id"].iloc[rows]).to_ndjson(tmp_path / f"{name}.ndjson")
    read, scanned = (
        charts.confidence_over_time(source(tmp_path), ax=Figure().subplots())
        for source in (lab.read, lab.scan)
    )
    assert words(scanned) == words(read) == ["version: v2"]
    assert charts.caption(scanned) == lab.charts.caption(read)
