import io
import pickle
import re
import subprocess
import sys
from inspect import cleandoc, signature
from types import FunctionType, SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import (
    FillBetweenPolyCollection,
    LineCollection,
    PathCollection,
    PolyCollection,
)
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from telling import telling

from mastermind_lab import charts, stats
from mastermind_lab.charts.drawing.style import SERIES
from mastermind_lab.errors import OptionError

CHARTS = {
    "confidence": (charts.confidence, stats.Confidence),
    "confidence_over_time": (charts.confidence_over_time, stats.ConfidenceOverTime),
    "votes": (charts.votes, stats.Votes),
    "margin": (charts.margin, stats.Margin),
}
every_chart = pytest.mark.parametrize(("chart", "kind"), telling(CHARTS, "confidence", "votes"))

HOSTILE = [
    "_hidden",
    "$\\foo$ and a lone $",
    "nul\x00 byte \x1b[31m",
    "\N{ROBOT FACE} robot",
    "\N{RIGHT-TO-LEFT OVERRIDE}evil",
    "x" * 200_000,
    "two\nlines",
    "",
    "\\input{/etc/passwd}",
]


def panels(n, by=("atlas-1", "atlas-2", "borealis"), choices=("approve", "reject", "defer"), seed=0):
    """Panels of seven voters over three weeks."""
    random = np.random.default_rng(seed)
    ids = [f"{1_772_442_000_000 + row}-0" for row in range(n)]
    favourite = random.integers(0, len(choices), n)
    decisions = pd.DataFrame(
        {
            "stream_id": pd.Series(ids, dtype="str"),
            "published_at": pd.Timestamp("2026-03-02", tz="UTC")
            + pd.to_timedelta(np.arange(n) * 1_000, unit="s"),
            "confidence": random.beta(6, 3, n),
            "recommendation": pd.Series(np.array(choices, dtype=object)[favourite], dtype="str"),
            "meta.model": pd.Series(random.choice(np.array(by, dtype=object), n), dtype="str"),
        }
    )
    voted = np.where(
        random.random(7 * n) < 0.7, np.repeat(favourite, 7), random.integers(0, len(choices), 7 * n)
    )
    votes = pd.DataFrame(
        {
            "stream_id": pd.Series(np.repeat(np.array(ids, dtype=object), 7), dtype="str"),
            "voter": pd.Series([f"agent-{row % 7}" for row in range(7 * n)], dtype="str"),
            "choice": pd.Series(np.array(choices, dtype=object)[voted], dtype="str"),
            "weight": random.choice([0.5, 1.0, 3.0], 7 * n),
        }
    )
    return SimpleNamespace(decisions=decisions, votes=votes)


@pytest.fixture
def ax():
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


def drawn(ax, **kw):
    """Draw to PNG: what cannot be drawn, or only with a warning, fails here."""
    picture = io.BytesIO()
    ax.figure.savefig(picture, **kw)
    return picture.getvalue()


def texts(ax):
    """Every text of the picture."""
    legend = ax.get_legend()
    parts = [*ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts, ax.xaxis.label, ax.yaxis.label]
    parts += [ax.title, ax._left_title, *(legend.get_texts() if legend else [])]
    parts += [panel._left_title for panel in ax.child_axes]
    return [part for part in parts if part.get_text()]


def words(ax):
    """All that is written on the picture, and its caption."""
    return "\n".join([*(text.get_text() for text in texts(ax)), charts.caption(ax)])


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def found(ax, kind):
    return [artist for artist in ax.get_children() if type(artist) is kind]


# The picture is the table.


def test_confidence_draws_its_table(ax):
    summary = stats.Confidence.of(panels(500), by="meta.model")
    charts.confidence(summary, ax=ax)
    table, bins = summary.table(), summary.histogram()
    ridges(ax, table, bins)
    means = [text.get_text() for text in ax.texts]
    assert means == [*(f"{mean:.2f}" for mean in table["mean"]), "mean"]
    assert "n = 500 decisions" in words(ax)
    assert ax.get_xlabel() == "confidence (0-1)"


def test_margin_draws_its_table(ax):
    summary = stats.Margin.of(panels(500), by="meta.model")
    charts.margin(summary, ax=ax)
    table = summary.table()
    ridges(ax, table, bars(summary))
    beside = [text.get_text() for text in ax.texts]
    assert beside == [*(f"{share:.0%}" for share in table["unanimous"]), "unanimous"]


def bars(summary):
    """What is drawn of margins: a bar at each that occurs, and nothing between two of them."""
    values = summary.values()
    groups, places = summary.table()["meta.model"], sorted(set(values["margin"]))
    half = min(0.02, 0.4 * min(np.diff(places)))
    shares = values.set_index(["meta.model", "margin"])["share"].to_dict()
    rows = []
    for group in groups:
        for place in places:
            rows += [(group, place - half, shares.get((group, place), 0)), (group, place + half, 0)]
        rows.pop()
    return pd.DataFrame(rows, columns=["meta.model", "left", "share"])


def ridges(ax, table, bins):
    outlines = found(ax, StepPatch)
    tallest = bins["share"].max()
    assert len(outlines) == len(table) == 3
    for place, (outline, row) in enumerate(zip(outlines, table.itertuples(), strict=True)):
        values, edges, base = outline.get_data()
        rows = bins[bins["meta.model"] == row[1]]
        assert base == -place
        assert (values - base) * tallest / 0.7 == pytest.approx(rows["share"].to_numpy())
        assert edges[:-1] == pytest.approx(rows["left"].to_numpy())
        assert f"{row[1]}\nn = {row.n:,}" in ax.get_yticklabels()[place].get_text()
    low, high, mean = (line.get_xdata() for line in ax.lines)
    assert list(low) == table["mean_low"].tolist()
    assert list(high) == table["mean_high"].tolist()
    assert list(mean) == table["mean"].tolist()
    assert f"tallest: {tallest:.0%}" in ax.get_ylabel()
    assert "95% interval" in words(ax)


def test_confidence_over_time_draws_its_table(ax):
    summary = stats.ConfidenceOverTime.of(panels(500), by="meta.model", bandwidth="2D")
    charts.confidence_over_time(summary, ax=ax)
    table, points = summary.table(), summary.points()
    clouds, bands = found(ax, PathCollection), found(ax, FillBetweenPolyCollection)
    assert len(ax.lines) == len(clouds) == len(bands) == 3
    for line, cloud, band, (model, rows) in zip(
        ax.lines, clouds, bands, table.groupby("meta.model"), strict=True
    ):
        assert line.get_ydata() == pytest.approx(rows["rolling"].to_numpy(), nan_ok=True)
        assert list(pd.to_datetime(line.get_xdata(), utc=True)) == list(rows["time"])
        ours = points[points["meta.model"] == model]
        assert cloud.get_offsets().data[:, 1] == pytest.approx(ours["confidence"].to_numpy())
        edge = band.get_paths()[0].vertices[:, 1]
        assert edge.min() == pytest.approx(rows["rolling_low"].min())
        assert edge.max() == pytest.approx(rows["rolling_high"].max())
    assert labels(ax) == [f"{name} (n = {n})" for name, n in table.groupby("meta.model")["n"].sum().items()]
    assert ax.get_xlabel() == "published (UTC)"
    assert "Band: 95% interval" in " ".join(words(ax).split())


def test_every_so_many_decisions_are_a_dot(ax):
    summary = stats.ConfidenceOverTime.of(panels(200), by="meta.model")
    charts.confidence_over_time(summary, every=30, ax=ax)
    windows = summary.every(30)
    drawn_means = np.concatenate([line.get_ydata() for line in ax.lines])
    assert sorted(drawn_means) == pytest.approx(sorted(windows["mean"]))
    assert "mean of 30" in charts.caption(ax)


@pytest.mark.once
def test_many_points_are_thinned(ax):
    charts.confidence_over_time(panels(7_000), ax=ax)
    assert 1_000 < sum(len(cloud.get_offsets()) for cloud in found(ax, PathCollection)) <= 4_000


@pytest.mark.thorough
def test_where_points_would_crowd_cells_are_shaded(ax):
    summary = stats.ConfidenceOverTime.of(panels(30_000), by="meta.model")
    charts.confidence_over_time(summary, ax=ax)
    assert not found(ax, PathCollection)
    assert "Shade: how many decisions" in charts.caption(ax)
    cells = found(ax, PolyCollection)
    assert [len(one.get_paths()) > 100 for one in cells] == [True] * 3
    table = summary.density(sum(len(one.get_paths()) for one in cells))
    assert table["n"].sum() == 30_000
    rows = table[table["meta.model"] == "atlas-1"]
    heights = np.sort([path.vertices[:, 1].max() for path in cells[0].get_paths()])
    assert heights == pytest.approx(np.sort(rows["upper"]))
    deepest = cells[0].get_facecolor()[:, 3].argmax()
    assert cells[0].get_paths()[deepest].vertices[0, 1] == pytest.approx(
        rows.loc[rows["n"].idxmax(), "lower"]
    )


def test_votes_draws_its_table(ax):
    summary = stats.Votes.of(panels(300), by="meta.model")
    charts.votes(summary, ax=ax)
    table = summary.table()
    choices = {y: label.get_text() for y, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)}
    assert [choices[y] for y in (0, -1, -2)] == summary.lump().table()["choice"].cat.categories.tolist()
    dots, rings = ax.lines[0::2], ax.lines[1::2]
    for dot, ring, bars, (_, rows) in zip(
        dots, rings, found(ax, LineCollection), table.groupby("meta.model"), strict=True
    ):
        rows = rows.set_index("choice").loc[[choices[round(y)] for y in dot.get_ydata()]]
        assert list(dot.get_xdata()) == rows["share"].tolist()
        assert list(ring.get_xdata()) == rows["weighted_share"].tolist()
        assert [line[0, 0] for line in bars.get_segments()] == rows["share_low"].tolist()
        assert [line[1, 0] for line in bars.get_segments()] == rows["share_high"].tolist()
    counts = table.groupby("meta.model")["n"].sum()
    assert labels(ax) == [*(f"{name} (n = {n:,})" for name, n in counts.items()), "weighted"]
    assert "n = 2,100 votes" in words(ax)
    assert "95% interval" in words(ax)


def test_equal_weights_draw_no_rings(ax):
    charts.votes(panels(100).votes.assign(weight=2.0), ax=ax)
    assert len(ax.lines) == 1
    assert ax.get_legend() is None


def test_a_single_group_is_named(ax):
    history = panels(50, by=["only"])
    history.votes["weight"] = 1.0
    charts.votes(history, by="meta.model", ax=ax)
    assert labels(ax) == ["only (n = 350)"]


# What is too much is folded, what is left out is said.


@pytest.mark.once
@every_chart
@pytest.mark.further
def test_many_groups_are_folded(chart, kind, ax):
    history = panels(200, by=[f"model {place}" for place in range(40)])
    chart(history, by="meta.model", ax=ax)
    most = 12 if kind is not stats.Votes else SERIES
    assert f"{41 - most} others" in words(ax)
    assert words(ax).count("n = ") == most + 2  # all, in title and caption, and each
    assert re.search(r"\d+ others: the smallest, drawn as one\.", " ".join(words(ax).split()))
    drawn(ax)


def test_many_choices_are_folded(ax):
    charts.votes(panels(900, choices=[f"choice {place}" for place in range(40)]), ax=ax)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert len(names) == 12
    assert names[-1] == "29 others"


@pytest.mark.once
def test_what_is_left_out_is_said(ax):
    history = panels(50)
    history.decisions.loc[:4, "confidence"] = np.nan
    history.decisions.loc[5:7, "published_at"] = pd.NaT
    voters = SimpleNamespace(decisions=history.decisions, votes=history.votes.iloc[70:])
    assert "5 without confidence left out" in words(charts.confidence(history, ax=ax))
    over_time = words(charts.confidence_over_time(history))
    assert "n = 42 decisions" in over_time
    assert "3 without a time left out" in over_time.replace("\n", " ")
    assert "10 without votes left out" in words(charts.margin(voters)).replace("\n", " ")


@pytest.mark.once
@every_chart
def test_nothing_gives_a_titled_empty_chart(chart, kind):
    history = panels(3)
    nothing = SimpleNamespace(decisions=history.decisions[:0], votes=history.votes[:0])
    for by in (None, "meta.model", "meta.later"):
        ax = chart(nothing, by=by)
        assert "no decisions" in words(ax) or "no votes" in words(ax)
        assert ax.get_title(loc="left")
        assert ax.get_xlabel()
        drawn(ax)


@pytest.mark.once
@every_chart
@pytest.mark.parametrize("n", telling([1, 2], "1"))
def test_one_and_two_decisions_are_drawn(chart, kind, n):
    history = panels(n)
    for by in (None, "meta.model"):
        ax = chart(history, by=by)
        assert "n = " in words(ax)
        drawn(ax)


def test_nothing_but_missing_confidence_is_drawn():
    history = panels(30)
    history.decisions["confidence"] = np.nan
    for chart in (charts.confidence, charts.confidence_over_time):
        ax = chart(history, by="meta.model")
        assert "30 without confidence left out" in words(ax)
        drawn(ax)


@pytest.mark.once
@pytest.mark.further
def test_a_group_without_any_time_is_still_named(ax):
    history = panels(60)
    history.decisions.loc[history.decisions["meta.model"] == "borealis", "published_at"] = pd.NaT
    charts.confidence_over_time(history, by="meta.model", ax=ax)
    assert labels(ax)[2] == "borealis (n = 0)"
    drawn(ax)


# Text from data.


@every_chart
@pytest.mark.further
def test_hostile_text_is_drawn_as_it_reads(chart, kind, ax):
    history = panels(200, by=HOSTILE, choices=HOSTILE)
    history.decisions["meta.$x"] = history.decisions["meta.model"]
    chart(history, by="meta.$x", ax=ax)
    assert len(drawn(ax)) > 5_000
    shown = words(ax)
    assert "_hidden" in shown
    assert "by $x" in shown
    assert max(map(len, shown.splitlines()[:-1])) < 100  # behind them stands the caption
    assert not set("\x00\x1b\N{ROBOT FACE}\N{RIGHT-TO-LEFT OVERRIDE}") & set(shown)
    risky = [text for text in texts(ax) if set("$\\") & set(text.get_text())]
    assert risky
    assert not any(text.get_parse_math() or text.get_usetex() for text in risky)


@every_chart
def test_text_from_data_never_becomes_latex(chart, kind, ax):
    with matplotlib.rc_context({"text.usetex": True}):
        chart(panels(100, by=HOSTILE[-2:], choices=HOSTILE), by="meta.model", ax=ax)
        ours = [ax._left_title, *(ax.get_legend().get_texts() if ax.get_legend() else ax.get_yticklabels())]
        assert "\\input" in "".join(text.get_text() for text in ours)
        assert not any(text.get_usetex() for text in ours)


# Where to draw, and how.


@every_chart
def test_the_callers_axes_leave_pyplot_alone(chart, kind, ax):
    figures, settings = pyplot.get_fignums(), dict(matplotlib.rcParams)
    assert chart(panels(50), by="meta.model", ax=ax) is ax
    assert pyplot.get_fignums() == figures
    assert dict(matplotlib.rcParams) == settings


@every_chart
def test_without_axes_a_figure_is_made(chart, kind):
    settings = dict(matplotlib.rcParams)
    ax = chart(panels(50), by="meta.model")
    assert pyplot.get_fignums() == [ax.figure.number]
    assert dict(matplotlib.rcParams) == settings


@pytest.mark.thorough
def test_completion_shows_charts_and_no_machinery_and_axes_of_ones_own_need_no_pyplot():
    program = """
import sys, mastermind_lab as lab
print(*dir(lab.charts))
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from mastermind_lab.charts import votes
frame = pd.DataFrame({"stream_id": ["1-0", "2-0"], "voter": ["v", "v"], "choice": ["a", "b"]})
votes(frame, ax=Figure().subplots())
assert "matplotlib.pyplot" not in sys.modules
"""
    listed = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert listed == sorted(charts.__all__)
    assert all(isinstance(getattr(charts, name), FunctionType) for name in listed)
    assert {"margin", "save", "sheet", "overview", "decision"} <= set(listed)
    assert charts.FastRenderer.__name__ not in listed


@pytest.mark.once
@every_chart
@pytest.mark.further
def test_a_summary_draws_as_its_history_does(chart, kind):
    history = panels(120)
    pictures = []
    for data, by in ((history, "meta.model"), (kind.of(history, by="meta.model"), None)):
        pictures.append(drawn(chart(data, by=by), metadata={"Software": None}))
    assert pictures[0] == pictures[1]


@pytest.mark.once
@every_chart
def test_a_summary_counted_by_something_else_is_refused(chart, kind, ax):
    summary = kind.of(panels(30), by="meta.model")
    assert chart(summary, by=["meta.model"], ax=ax) is ax
    with pytest.raises(OptionError, match="count it again"):
        chart(summary, by="recommendation", ax=ax)


def a_chart_takes(names):
    """Charts of a summary: the pages and the two of one decision take something else."""
    return [
        name for name in names if "by" in signature(getattr(charts, name)).parameters and name != "overview"
    ]


every_name = pytest.mark.parametrize("name", a_chart_takes(charts.__all__))


@every_name
def test_an_unknown_keyword_fails_before_anything_is_counted(name):
    chart = getattr(charts, name)
    artist = "StepPatch" if name in ("arguments", "confidence", "margin") else "Line2D"
    with pytest.raises(OptionError, match=rf"'bye': did you mean 'by'\? The chart takes data, .*{artist}"):
        chart(object(), bye="meta.model")
    with pytest.raises(OptionError, match="'colour': did you mean 'color'"):
        chart(object(), colour="red")
    with pytest.raises(OptionError, match=f"'of_the_day': The chart takes .* properties of .*{artist}"):
        chart(object(), of_the_day="red")
    assert pyplot.get_fignums() == []


def test_a_keyword_of_the_squares_is_refused_where_dots_are_drawn(ax):
    with pytest.raises(OptionError, match=r"'cmap': .*matplotlib\.lines\.Line2D"):
        charts.agreement(panels(30), by="meta.model", ax=ax, cmap="Greys")


def test_an_unknown_keyword_of_a_tree_is_refused_where_there_is_none_to_draw(ax):
    arguments = pd.DataFrame({"stream_id": ["1-0"]})
    with pytest.raises(OptionError, match="'markersiz': did you mean 'markersize'"):
        charts.argument_tree(arguments, "1-0", ax=ax, markersiz=3)


# What a notebook shows of a chart.


@pytest.mark.once
@every_name
def test_the_documentation_is_complete(name):
    chart = getattr(charts, name)
    parameters = signature(chart).parameters
    assert next(iter(parameters)) == "data"
    assert {"by", "ax", "kw"} <= parameters.keys()
    says, described = cleandoc(chart.__doc__).split("\nParameters\n----------\n")
    described, raises = described.split("\nRaises\n------\n")
    named = [line.lstrip("*") for line in described.splitlines() if line and not line.startswith(" ")]
    assert named == list(parameters)
    assert "OptionError\n    If " in raises
    assert "\nExamples\n--------\n>>> import mastermind_lab as lab\n" in raises
    assert says.splitlines()[1:2] in ([], [""])
    assert max(map(len, chart.__doc__.splitlines())) <= 110


@every_name
def test_a_chart_travels_by_its_name(name):
    chart = getattr(charts, name)
    assert pickle.loads(pickle.dumps(chart)) is chart


@every_chart
@pytest.mark.parametrize("kw", [{"lw": 3.5, "color": "red"}, {"linewidth": 3.5, "alpha": 0.5}])
def test_keywords_reach_the_main_artist(chart, kind, kw, ax):
    chart(panels(60), by="meta.model", ax=ax, **kw)
    outlines = found(ax, StepPatch)
    marks = outlines or [line for line in ax.lines if line.get_linewidth() == 3.5]
    assert len(marks) == 3
    for mark in marks:
        assert mark.get_linewidth() == 3.5
        if "color" in kw:
            assert to_rgb(mark.get_facecolor() if outlines else mark.get_color()) == (1, 0, 0)
        else:
            assert mark.get_alpha() == 0.5


@every_chart
@pytest.mark.further
def test_a_title_stays_clear_of_the_legend(chart, kind):
    history = panels(90, by=[f"a rather long model name {place}" for place in range(9)])
    summary = kind.of(history, by="meta.model", replicates=40)
    for width in (3.3, 10):
        figure = Figure(figsize=(width, 5), layout="constrained")
        FigureCanvasAgg(figure)
        ax = chart(summary, ax=figure.subplots())
        figure.draw_without_rendering()
        heading = ax._left_title.get_window_extent()
        assert heading.y1 <= figure.bbox.y1
        if ax.get_legend():
            assert ax.get_legend().get_window_extent().y1 <= heading.y0
            assert ax.get_legend().get_window_extent().y0 >= ax.bbox.y1


# Colours.
