"""The pictures of calibration: the reliability diagram and the risk-coverage curve."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.collections import FillBetweenPolyCollection, LineCollection
from matplotlib.colors import to_hex
from matplotlib.patches import StepPatch
from panels import arena, rated
from pictures import words

from mastermind_lab.charts import caption
from mastermind_lab.charts.reliability import reliability
from mastermind_lab.charts.risk_coverage import risk_coverage
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.calibration import Calibration

pytestmark = pytest.mark.once


def lines(ax, *columns):
    """The drawn lines of as many points as a table has, as (x, y); where they break there is none."""
    drawn = [np.column_stack(line.get_data()) for line in ax.lines]
    drawn = [points[~np.isnan(points).any(axis=1)] for points in drawn]
    return [points for points in drawn if len(points) in columns]


def test_the_diagram_draws_its_table(ax):
    summary = Calibration.of(arena(400), by="meta.model", bins=20)
    diagram = summary.diagram()
    reliability(summary, ax=ax)
    ax.figure.draw_without_rendering()
    (intervals, *rest) = [
        collection for collection in ax.collections if isinstance(collection, LineCollection)
    ]
    assert len(rest) == 1
    for model, rows in diagram.groupby("meta.model"):
        points = rows.loc[~rows["small_n"], ["confidence", "accuracy"]].to_numpy()  # else the line breaks
        assert any(np.array_equal(points, found) for found in lines(ax, len(points)))
        few = rows.loc[rows["small_n"], ["confidence", "accuracy"]].to_numpy()
        assert len(few)
        hollow = [line for line in ax.lines if to_hex(line.get_markerfacecolor()) == "#ffffff"]
        assert any(np.array_equal(few, np.column_stack(line.get_data())) for line in hollow)
        assert f"{model} (n = {rows['n'].sum():,}, ECE " in words(ax)
    enough = diagram[(diagram["meta.model"] == "atlas") & ~diagram["small_n"]]
    drawn = [segment[:, 1].tolist() for segment in intervals.get_segments()]
    assert drawn == enough[["accuracy_low", "accuracy_high"]].to_numpy().tolist()
    assert f"n = {diagram['n'].sum()} decisions" in words(ax)
    assert "without outcome left out" in words(ax).replace("\n", " ")
    assert "Hollow: fewer than 10" in words(ax).replace("\n", " ")
    box = ax.get_window_extent()
    assert box.height / box.width == pytest.approx(1.23 / 1.04, rel=0.01)


@pytest.mark.parametrize("binning", ["width", "isotonic"])
@pytest.mark.further
def test_behind_one_group_is_where_its_points_would_lie_if_confidence_were_deserved(ax, binning):
    summary = Calibration.of(arena(400), binning=binning)
    diagram = summary.diagram()
    reliability(summary, ax=ax)
    isotonic = binning == "isotonic"
    [deserved] = [
        one
        for one in ax.collections
        if (not len(one.get_facecolor()) if isotonic else to_hex(one.get_color()[0]) == "#e0e0e0")
    ]
    ends = {tuple(end) for path in deserved.get_paths() for end in path.vertices.round(9)}
    name = "lowest" if isotonic else "confidence"
    for end in ("calibrated_low", "calibrated_high"):
        assert set(zip(diagram[name].round(9), diagram[end].round(9), strict=True)) <= ends
    assert f"(chance alone {summary.table()['ece_noise'].iloc[0]:.3f})" in words(ax).replace("\n", " ")
    mark = "Dotted" if isotonic else "Wide bar"
    assert f"{mark}: 95% if deserved" in words(ax).replace("\n", " ")


@pytest.mark.parametrize("binning", ["width", "isotonic"])
def test_grey_behind_it_is_an_earlier_run_alone(ax, binning):
    summary = Calibration.of(arena(60), binning=binning)
    said = caption(reliability(summary, before=arena(40), ax=ax))
    assert said.count("Grey") == 1
    assert "Grey: an earlier run of" in said


def test_intervals_of_groups_stand_on_both_sides_of_their_confidence(ax):
    summary = Calibration.of(arena(400), by="meta.model", bins=20)
    reliability(summary, ax=ax)
    shifts = {
        float((one.get_transform() - ax.transData).transform((0, 0))[0])
        for one in ax.collections
        if isinstance(one, LineCollection) and one.get_segments()
    }
    assert len(shifts) == summary.table().shape[0] > 1
    assert sum(shifts) == pytest.approx(0, abs=1e-9)


def test_the_counts_below_are_the_histogram(ax):
    summary = Calibration.of(arena(400))
    reliability(summary, ax=ax)
    (stairs,) = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
    values, _, baseline = stairs.get_data()
    share = summary.histogram()["share"]
    assert (baseline - values) / (baseline - values).max() == pytest.approx(share / share.max())
    assert ax.get_yticklabels()[-1].get_text() == f"{share.max():.0%}"


@pytest.mark.further
def test_an_isotonic_summary_is_drawn_as_a_regression(ax):
    summary = Calibration.of(arena(400), binning="isotonic")
    diagram = summary.diagram()
    reliability(summary, ax=ax)
    (line,) = lines(ax, 2 * len(diagram))
    assert line[::2].tolist() == diagram[["lowest", "accuracy"]].to_numpy().tolist()
    assert line[1::2].tolist() == diagram[["highest", "accuracy"]].to_numpy().tolist()
    assert diagram["accuracy_low"].is_monotonic_increasing
    assert diagram["accuracy_high"].is_monotonic_increasing
    assert (diagram["accuracy_low"] <= diagram["accuracy"]).all()
    assert (diagram["accuracy"] <= diagram["accuracy_high"]).all()


@pytest.mark.further
def test_the_curve_draws_its_table(ax):
    summary = Calibration.of(arena(400), unit="voters", by="voter")
    curves, table = summary.risk_coverage(), summary.table()
    risk_coverage(summary, ax=ax)
    for row in table.itertuples():
        rows = curves[(curves["voter"] == row.voter) & ~curves["small_n"]]
        expected = rows[["coverage", "risk"]].to_numpy()
        assert any(np.array_equal(expected, found) for found in lines(ax, len(rows)))
        assert f"{row.voter} (n = {row.n:,}, AUARC {row.auarc:.2f})" in words(ax)
    assert len([band for band in ax.collections if isinstance(band, FillBetweenPolyCollection)]) == 3
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] >= curves.loc[~curves["small_n"], "risk_high"].max()


def test_one_curve_says_its_area_and_what_chance_is(ax):
    summary = Calibration.of(arena(400))
    risk_coverage(summary, ax=ax)
    area = summary.auarc
    assert f"AUARC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})" in words(ax).replace("\n", " ")
    (chance,) = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert chance.get_ydata()[0] == pytest.approx(1 - summary.accuracy.value)


def test_votes_of_few_decisions_are_too_few_decisions(ax):
    few = arena(5)
    few.decisions["correct_choice"], few.votes["confidence"] = "ship", 0.5
    risk_coverage(Calibration.of(few, unit="voters"), ax=ax)
    assert ax.get_title(loc="left").endswith("n = 15 votes")
    assert ax.texts[0].get_text() == "fewer than 10 decisions"


both = pytest.mark.parametrize("chart", [reliability, risk_coverage])


@both
@pytest.mark.further
def test_a_chart_takes_histories_frames_and_keywords(chart, ax):
    history = arena(100)
    assert chart(history, by="meta.model", ax=ax, lw=3, color="red") is ax
    assert [line.get_linewidth() for line in ax.lines].count(3) >= 2
    ax.figure.draw_without_rendering()
    own = chart(history.decisions)
    assert own is not ax
    pyplot.close(own.figure)
    with pytest.raises(OptionError, match="count it again"):
        chart(Calibration.of(history), by="meta.model", ax=ax)


@both
@pytest.mark.parametrize("n", [0, 1, 3])
def test_little_or_nothing_gives_a_chart_with_a_title(chart, n, ax):
    chart(rated([0.7, 0.8, 0.9][:n], [1, 0, 1][:n]), ax=ax)
    ax.figure.draw_without_rendering()
    assert (f"n = {n}" if n else "no decisions") in words(ax)


@both
def test_outcomes_that_match_nothing_are_said_on_the_picture(chart, ax):
    frame = arena(30).decisions.assign(correct_choice=pd.Series([None] * 30, dtype="str"))
    chart(frame, ax=ax)
    ax.figure.draw_without_rendering()
    assert "30 without outcome left out" in words(ax).replace("\n", " ")


@pytest.mark.thorough
@both
def test_many_groups_of_hostile_names_fold(chart, ax):
    names = [
        "_hidden",
        "$\\foo$",
        "\x1b[31m",
        "x" * 10_000,
        "\N{RIGHT-TO-LEFT OVERRIDE}evil",
        "",
        "two\nlines",
        "z",
    ]
    frame = arena(400).decisions
    frame["name"] = np.resize(np.array(names, dtype=object), 400)
    chart(frame, by="name", ax=ax)
    ax.figure.draw_without_rendering()
    titles = [panel.get_title(loc="left") for panel in ax.child_axes]
    assert len(titles) == 8
    assert not any(panel._left_title.get_parse_math() for panel in ax.child_axes)
    assert "_hidden\nn = " in titles[0] + titles[1] + titles[2] + titles[3]
