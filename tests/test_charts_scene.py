"""What Axes show, as numbers and words: the same as matplotlib would draw, and no more."""

import json
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from histories import OUTCOMES, sample
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch
from pictures import title
from telling import telling

import mastermind_lab as lab
from mastermind_lab.charts.export import FastRenderer
from mastermind_lab.charts.scene import BareAxes, scene

NAMES = [name for name in lab.charts.__all__ if name not in ("caption", "save", "sheet", "overview")]
ON_AXES = [name for name in NAMES if "ax" in signature(getattr(lab.charts, name)).parameters]
OFTEN = ("confidence_over_time", "votes", "timing", "reliability", "argument_tree")


@pytest.fixture(scope="module")
def history():
    return lab.with_outcomes(sample(60), OUTCOMES)


def drawn(name, history, **options):
    chart = getattr(lab.charts, name)
    which = [history.decisions["stream_id"].iloc[-1]] if "stream_id" in signature(chart).parameters else []
    found = chart(history, *which, **options)
    return (found.figure or found).axes


def column(found, mark, name):
    start, length = mark[name]
    return np.frombuffer(found[1], dtype=np.float32)[start : start + length].astype(float)


@pytest.mark.parametrize("name", telling(NAMES, *OFTEN))
def test_each_chart_has_a_scene_with_the_limits_and_ticks_of_its_axes(name, history):
    grouped = "by" in signature(getattr(lab.charts, name)).parameters
    for options in ({}, {"by": "meta.model"}) if grouped else ({},):
        for ax in drawn(name, history, **options):
            found = scene(ax)
            assert found is not None
            assert len(found[0]["parts"]) == len(ax.child_axes)
            facts, buffer = found
            assert json.loads(json.dumps(facts, allow_nan=False)) == facts
            for axis, side, limits in ((ax.xaxis, "x", ax.get_xlim()), (ax.yaxis, "y", ax.get_ylim())):
                back = axis.get_transform().inverted().transform
                said = facts[side]
                assert back(np.array(said["limits"]) + said["origin"]) == pytest.approx(limits)
                places = axis.get_majorticklocs() if ax.axison else []
                ticks = [tick for tick in places if min(limits) <= tick <= max(limits)]
                assert [back(np.array([at + said["origin"]]))[0] for at, _ in said["ticks"]] == pytest.approx(
                    ticks
                )
                if axis.get_scale() == "linear":
                    assert [label for _, label in said["ticks"]] == axis.get_major_formatter().format_ticks(
                        ticks
                    )
            assert title(ax) == f"{facts['title']} {facts['n']}".strip()
            ends = [mark["x"][0] + mark["x"][1] for mark in facts["marks"]]
            assert max(ends, default=0) <= len(buffer) // 4


@pytest.mark.parametrize("name", telling(ON_AXES, *OFTEN))
@pytest.mark.further
def test_axes_without_ticks_show_the_same(name, history):
    place, found = (0.16, 0.16, 0.76, 0.68), []
    for kind in (Axes, BareAxes):
        figure = Figure((5.2, 3.2))
        ax = figure.add_axes(kind(figure, place))
        assert len(vars(ax.yaxis).get("majorTicks", ())) == (kind is Axes)
        drawn(name, history, ax=ax)
        found.append(scene(ax))
    assert found[0] == found[1]


def test_ticks_that_nobody_sees_share_their_lines_and_have_labels_of_their_own():
    figure = Figure()
    ax = figure.add_axes(BareAxes(figure, (0, 0, 1, 1)))
    ax.set_yticks([0, 1, 2], ["one", "two", "three"], parse_math=False)
    ticks = ax.yaxis.get_major_ticks()
    assert [tick.label1.get_text() for tick in ticks] == ["one", "two", "three"]
    assert not any(tick.label1.get_parse_math() for tick in ticks)
    assert len({id(tick.gridline) for tick in ticks}) == 1


def test_lines_bands_and_points_stand_where_they_stand_on_the_axes(ax):
    times = np.datetime64("2026-11-26T10:00:00") + np.arange(5) * np.timedelta64(1, "s")
    ax.plot(times, [0, 1, np.nan, 1, 0], "--", color="red", marker="^", markevery=2)
    ax.scatter(times, [0.5] * 5, s=[9, 16, 25, 36, 49], c="black", alpha=0.2, linewidths=0)
    ax.fill_between(times, 0, 1, color="0.5", alpha=0.1, linewidth=0)
    lab.charts.drawing.change_lines.date_axis(ax)
    found = scene(ax)
    facts = found[0]
    points, area, line, marks = facts["marks"]
    assert (points["kind"], area["kind"], line["kind"], marks["kind"]) == (
        "markers",
        "path",
        "path",
        "markers",
    )
    there = np.array([0, 1, 3, 4])
    x = column(found, line, "x")[there] + facts["x"]["origin"]
    assert x == pytest.approx(date2num(times)[there], abs=1e-8)
    np.testing.assert_allclose(column(found, line, "y"), [0, 1, np.nan, 1, 0], atol=1e-9)
    assert (line["stroke"]["colour"], marks["every"], marks["marker"]) == ("#ff0000", [0, 2], "^")
    assert line["dash"]
    assert (points["fill"], points["marker"]) == ({"colour": [0, 1], "alpha": 0.2}, "o")
    assert column(found, points, "area").tolist() == [9, 16, 25, 36, 49]
    assert area["fill"]["alpha"] == 0.1
    assert facts["x"]["back"]["as"] == "time"


def test_a_logarithmic_axis_is_told_on_the_scale_it_is_drawn_on(ax):
    ax.plot([1, 10, 1_000], [0, 1, 2])
    ax.set_xscale("log")
    facts = scene(ax)[0]
    [line] = facts["marks"]
    assert column(scene(ax), line, "x").tolist() == pytest.approx([0, 1, 3])
    assert dict(map(reversed, facts["x"]["ticks"]))["10²"] == pytest.approx(2)


DAYS = np.array(["2026-11-26", "2026-11-27"], "datetime64[D]")
BACK = {
    "linear": (lambda ax: ax.plot([1, 2], [1, 2]), {"as": "number", "named": False}),
    "log2": (lambda ax: ax.semilogx([1, 8], [1, 2], base=2), {"as": "number", "named": False, "base": 2}),
    "symlog": (
        lambda ax: (ax.plot([1, 9], [1, 2]), ax.set_xscale("symlog", base=4, linthresh=3, linscale=6)),
        {"as": "number", "named": False, "base": 4, "straight": 3, "steep": 8},
    ),
    "asinh": (lambda ax: (ax.plot([0.1, 0.9], [1, 2]), ax.set_xscale("asinh")), {"as": "", "named": False}),
    "names": (lambda ax: (ax.plot([0, 1]), ax.set_xticks([0, 1], "ab")), {"as": "number", "named": True}),
    "rows": (lambda ax: ax.set_xticks([0, 1], "ab", parse_math=False), {"as": "row", "named": True}),
    "categories": (lambda ax: ax.plot(["a", "b"], [1, 2]), {"as": "", "named": True}),
    "days": (lambda ax: (ax.plot(DAYS, [1, 2]), ax.set_xticks(DAYS)), {"as": "time", "named": False}),
    "months": (lambda ax: pd.Series([1, 2], pd.period_range("2026", periods=2, freq="M")).plot(ax=ax),
               {"as": "", "named": False}),
    "no ticks": (lambda ax: (ax.plot([1, 2], [1, 2]), ax.set_xticks([])), {"as": ""}),
}  # fmt: skip


@pytest.mark.parametrize("name", BACK)
def test_an_axis_says_how_its_places_are_told_back(name, ax):
    draw, said = BACK[name]
    draw(ax)
    assert scene(ax)[0]["x"]["back"] == said


def test_times_keep_their_seconds_along_either_axis(ax):
    times = np.datetime64("2026-11-26T10:00:00") + np.arange(3) * np.timedelta64(1, "s")
    ax.plot([1, 2, 3], times, "o")
    [dots] = scene(ax)[0]["marks"]
    assert column(scene(ax), dots, "y") + scene(ax)[0]["y"]["origin"] == pytest.approx(
        date2num(times), abs=1e-8
    )


def test_numbers_that_hardly_differ_keep_their_difference(ax):
    ax.plot([1, 2], [1e9, 1e9 + 3], "o")
    facts, _ = found = scene(ax)
    assert np.diff(column(found, facts["marks"][0], "y")).tolist() == [3]
    assert facts["y"]["ticks"][0][0] + facts["y"]["origin"] == 1e9


def test_names_of_columns_are_turned_as_they_are_on_the_axes(ax):
    ax.set_xticks([0, 1], ["one", "other"], rotation=30)
    assert scene(ax)[0]["x"]["turn"] == 30


def test_what_spans_the_axes_and_what_stands_beside_them(ax):
    ax.set(xlim=(0, 10), ylim=(0, 5))
    ax.axvline(4, color="0.5")
    ax.annotate(
        "n", (1, 2), (30, -4), xycoords=ax.get_yaxis_transform(), textcoords="offset points", ha="right"
    )
    facts = scene(ax)[0]
    [line], [word] = facts["marks"], facts["words"]
    assert (line["sx"], line["sy"]) == (True, False)
    assert column(scene(ax), line, "x").tolist() == [4, 4]
    assert column(scene(ax), line, "y").tolist() == [0, 1]
    assert (word["text"], word["x"], word["y"], word["dx"], word["dy"]) == ("n", 1, 2, 30, -4)
    assert (word["sx"], word["sy"], word["ha"]) == (False, True, "right")


@pytest.mark.parametrize("behind", ["white", "#111111"])
def test_colours_are_told_as_shares_of_ink_and_of_series_on_any_paper(behind):
    figure = Figure(facecolor=behind)
    ax = figure.add_subplot(facecolor=behind)
    styles = lab.charts.drawing.style.styles_on(ax)
    mixed = lab.charts.drawing.ink.tint(ax, styles[2].colour, 0.3)
    for colour in (lab.charts.drawing.ink.shade(ax, 0.6), styles[2].colour, mixed, "#00ff00", behind):
        ax.plot([0, 1], [0, 1], color=colour)
    told = [mark["stroke"]["colour"] for mark in scene(ax)[0]["marks"]]
    assert told == [
        [0, pytest.approx(0.6, abs=0.01)],
        [2, 1],
        [2, pytest.approx(0.3, abs=0.01)],
        "#00ff00",
        [0, 0],
    ]


def test_shades_of_an_image_and_what_is_missing_in_it(ax):
    ax.imshow([[0.0, 1.0], [np.nan, 0.5]], cmap="gray")
    found = scene(ax)
    [image] = found[0]["marks"]
    np.testing.assert_allclose(column(found, image, "values"), [0, 1, np.nan, 0.5])
    assert (image["rows"], image["stops"][0], image["stops"][-1]) == (2, [0, 1], [0, 0])
    assert found[0]["aspect"] == 1
    assert column(found, image, "y").tolist() == [
        -0.5,
        1.5,
    ]  # the first row on top, where the axis ends at -0.5


def test_axes_on_axes_are_parts_that_say_where_they_stand(ax):
    ax.set(xlim=(0, 1), ylim=(0, 4))
    strip = ax.inset_axes((0, 3, 1, 0.5), transform=ax.get_yaxis_transform())
    strip.plot(np.array(["2026-11-26", "2026-11-27"], "datetime64[us]"), [0, 1])
    strip.set_title("a\nn = 2", loc="left")
    strip.tick_params(labelleft=False)
    image = ax.imshow([[0.0, 2.0]], aspect="auto", extent=(0, 1, 0, 4))
    scale = ax.inset_axes((1.02, 0.1, 0.05, 0.8))
    ax.figure.colorbar(image, cax=scale)
    found = scene(ax)
    first, second = found[0]["parts"]
    assert first["box"] == pytest.approx([0, 0.75, 1, 0.875])
    assert (first["title"], first["n"], {label for _, label in first["y"]["ticks"]}) == ("a", "n = 2", {""})
    assert (first["x"]["back"]["as"], first["y"]["far"]) == ("time", True)
    assert column(found, first["marks"][0], "y").tolist() == [0, 1]
    assert second["box"] == pytest.approx([1.02, 0.1, 1.07, 0.9])
    [shades] = second["marks"]
    assert (second["y"]["far"], second["y"]["limits"], second["y"]["ticks"][0][0]) == (True, [0, 2], 0)
    assert second["y"]["ticks"][0][1]
    assert np.diff(column(found, shades, "values")).min() > 0
    assert column(found, shades, "y").tolist() == [0, 2]


def test_cells_that_are_shaded_by_a_number_are_told_by_shades(ax):
    corners = [[(x, 0), (x, 1), (x + 1, 1), (x + 1, 0)] for x in range(3)]
    ax.add_collection(PolyCollection(corners, facecolors=[(0, 0, 0, 0.1), (0, 0, 0, 0.5), (0, 0, 0, 0.1)]))
    light, dark = scene(ax)[0]["marks"]
    assert [(mark["fill"]["alpha"], mark["cells"]) for mark in (light, dark)] == [(0.1, True), (0.5, True)]
    assert np.nanmax(column(scene(ax), dark, "x")) == 2
    assert np.isnan(column(scene(ax), light, "x")).sum() == 2


def test_cells_are_cells_if_all_have_one_shade_and_a_band_is_none(ax):
    ax.add_collection(PolyCollection([[(0, 0), (0, 1), (1, 1), (1, 0)]], facecolors=[(0, 0, 0, 0.1)]))
    ax.fill_between([0, 1], 0, 1, alpha=0.1)
    ax.add_collection(PolyCollection([[(0, 0), (0, 1), (1, 1)]]))  # it has no corner across from another
    assert [mark["cells"] for mark in scene(ax)[0]["marks"]] == [True, False, False]


def test_lines_around_markers_and_areas_are_told(ax):
    ax.scatter([0], [0], facecolors="none", edgecolors="red", linewidths=2, zorder=1)
    ax.scatter([0], [0], marker="x", c="red", zorder=2)
    ax.scatter([0], [0], marker=".", s=16, zorder=3)
    ax.fill_between([0, 1], 0, 1, fc="none", ec="red", lw=3, zorder=4)
    ax.axvspan(0, 1, fc="none", ec="red", ls="--", zorder=5)
    marks = scene(ax)[0]["marks"]
    ring, cross, point, band, span = marks
    assert all(mark["stroke"] == {"colour": "#ff0000", "alpha": 1.0} for mark in (ring, cross, band, span))
    assert [mark["width"] for mark in marks] == [2, 1.5, 1, 3, 1]
    assert (ring["fill"], band["fill"], span["fill"]) == (None, None, None)
    assert column(scene(ax), point, "area").tolist() == [4]  # it is half as wide as its size says
    assert (bool(span["dash"]), band["dash"]) == (True, [])


def test_dashes_of_whole_numbers_are_written(ax):
    ax.vlines([1, 2], 0, 1, linestyle=(0, (1, 2)), linewidth=1)
    marks = json.loads(json.dumps(scene(ax)[0]["marks"]))
    assert marks[0]["dash"] == [1, 2]


def test_a_number_beyond_the_colours_has_the_last_of_them(ax):
    ax.imshow([[-1.0, 0.5, 9.0]], vmin=0, vmax=1)
    [image] = scene(ax)[0]["marks"]
    assert column(scene(ax), image, "values").tolist() == [0, 0.5, 1]


def test_an_axis_that_is_off_says_nothing_and_one_on_the_right_says_so(ax):
    ax.plot([1, 2], [1e9, 1e9 + 1])
    ax.set_ylabel("y")
    ax.yaxis.tick_right()
    y = scene(ax)[0]["y"]
    assert (y["far"], y["label"], y["offset"], y["beside"]) == (True, "y", "+1e9", "y   +1e9")
    assert scene(ax)[0]["frame"] == [[0, 0, 0, 1], [1, 0, 1, 1], [0, 0, 1, 0], [0, 1, 1, 1]]
    ax.xaxis.set_visible(False)
    assert (scene(ax)[0]["x"]["ticks"], bool(scene(ax)[0]["y"]["ticks"])) == ([], True)
    ax.set_axis_off()
    y = scene(ax)[0]["y"]
    assert (y["ticks"], y["beside"], y["back"], scene(ax)[0]["frame"]) == ([], "", {"as": ""}, [])


def test_what_is_written_at_minor_ticks_is_told(ax):
    ax.plot([1, 2], [2, 8])
    ax.set_yscale("log")
    written = {text for _, text in scene(ax)[0]["y"]["ticks"]}
    assert {f"{number}\N{MULTIPLICATION SIGN}10⁰" for number in (2, 6)} <= written


def test_labels_that_are_numbers_are_written(ax):
    ax.boxplot([1, 2, 3, 9])
    assert scene(ax)[0]["x"]["ticks"] == [[1, "1"]]


def test_a_legend_begins_with_its_title(ax):
    ax.plot([0, 1], [0, 1], label="a")
    ax.legend(title="which")
    assert [entry["text"] for entry in scene(ax)[0]["legend"]] == ["which", "a"]


def test_marks_of_a_legend_have_their_edges(ax):
    ax.plot([0, 1], [0, 1], "o", color="red", markeredgecolor="blue", label="dots")
    ax.bar([0], [1], fc="none", ec="red", label="bar")
    ax.legend()
    dots, bar = scene(ax)[0]["legend"]
    assert [dots["stroke"]["colour"], bar["stroke"]["colour"], bar["fill"]] == ["#0000ff", "#ff0000", None]


@pytest.mark.parametrize("write", ["suptitle", "supxlabel"])
def test_what_stands_on_the_figure_is_left_to_matplotlib(write):
    def chart(data, ax):
        ax.plot(data)

    def more(data, ax):
        getattr(ax.figure, write)("more")

    assert [FastRenderer(one).scene([0, 1]) is None for one in (chart, more)] == [False, True]


UNKNOWN = {
    "formula": lambda ax: ax.text(0, 0, "$x^2$"),
    "arrow": lambda ax: ax.annotate("here", (0, 0), (1, 1), arrowprops={"arrowstyle": "->"}),
    "box": lambda ax: ax.text(0, 0, "x", bbox={"facecolor": "red"}),
    "steps": lambda ax: ax.plot([0, 1], [0, 1], drawstyle="steps"),
    "own marker": lambda ax: ax.plot([0, 1], [0, 1], marker="$f$"),
    "a colour each": lambda ax: ax.scatter([0, 1], [0, 1], c=[0.1, 0.9]),
    "picture": lambda ax: ax.imshow(np.zeros((2, 2, 3))),
    "on a part": lambda ax: ax.inset_axes((0, 0, 0.5, 0.5)).text(0, 0, "$x^2$"),
    "quiver": lambda ax: ax.quiver([0], [0], [1], [1]),
    "cut": lambda ax: ax.plot([0, 1], [0, 1])[0].set_clip_path(Circle((0, 0), 0.5)),
    "two lines": lambda ax: ax.plot([0, 1], [0, 1], "--", gapcolor="red"),
    "half a marker": lambda ax: ax.plot([0, 1], [0, 1], "o", fillstyle="left"),
    "dashed markers": lambda ax: ax.scatter([0, 1], [0, 1], edgecolors="k", linestyle="--"),
    "arrow patch": lambda ax: ax.add_patch(FancyArrowPatch((0, 0), (1, 1))),
    "dotted hatch": lambda ax: ax.bar([1], [1], hatch=".."),
    "seen through": lambda ax: ax.imshow([[0.0, 1.0]], alpha=0.5),
    "smooth": lambda ax: ax.imshow([[0.0, 1.0]], interpolation="bilinear"),
    "steps of shades": lambda ax: ax.imshow([[0.0, 1.0]], cmap="tab10"),
    "gouraud": lambda ax: ax.pcolormesh([[0.0, 1.0], [0.0, 1.0]], shading="gouraud"),
    "shade of none": lambda ax: ax.imshow([[np.nan, 1.0]], cmap=colormaps["gray"].with_extremes(bad="red")),
    "own marker in the legend": lambda ax: ax.legend([Line2D([], [], marker="$f$")], ["f"]),
    "hatch in the legend": lambda ax: ax.legend([Circle((0, 0), hatch="/")], ["c"]),
    "beside the axes": lambda ax: ax.plot([0, 1], [-0.2] * 2, transform=ax.transAxes, clip_on=False),
    "events": lambda ax: ax.eventplot([1, 2]),
    "lines at minor ticks": lambda ax: (ax.minorticks_on(), ax.grid(which="both")),
    "labels above": lambda ax: ax.xaxis.tick_top(),
    "labels on both sides": lambda ax: ax.tick_params(labelright=True),
    "a frame at zero": lambda ax: ax.spines.left.set_position("zero"),
    "sketch": lambda ax: ax.plot([0, 1], [0, 1])[0].set_sketch_params(3),
}  # fmt: skip


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_has_no_translation_is_left_to_matplotlib(ax, what):
    UNKNOWN[what](ax)
    assert scene(ax) is None


def test_other_projections_are_left_to_matplotlib():
    assert scene(Figure().add_subplot(projection="polar")) is None


def test_hostile_text_stays_as_it_is(ax):
    ax.set_title("<img src=x onerror=alert(1)>\n$5 or $6", loc="left", parse_math=False)
    ax.plot([0, 1], [0, 1], label="</script>")
    ax.legend()
    facts = scene(ax)[0]
    assert (facts["title"], facts["n"]) == ("<img src=x onerror=alert(1)>", "$5 or $6")
    assert facts["legend"][0]["text"] == "</script>"


OWN = {
    "votes": ("share", "weighted_share"),
    "voters": ("accuracy", None),
    "confidence": ("mean",),
    "timing": ("mean",),
}


@pytest.mark.parametrize("name", OWN)
def test_a_dot_has_the_interval_of_its_own_figure_or_none(name, history):
    summary = getattr(lab.stats, name.title()).of(history)
    facts, _ = found = scene(getattr(lab.charts, name)(summary))
    table = (summary.lump(2, 12) if name == "votes" else summary).table()
    figures = {one: table[[one, f"{one}_low", f"{one}_high"]].to_numpy(float) for one in OWN[name] if one}
    told = []
    for mark in facts["marks"]:
        if "low" in mark:
            ends = np.stack([column(found, mark, end) for end in ("x", "low", "high")], axis=1)
            ends = 10**ends if "base" in facts["x"]["back"] else ends
            is_row = [np.isclose(rows, ends[0], 1e-4, 1e-6).all(axis=1).any() for rows in figures.values()]
            told += [one for one, is_one in zip(figures, is_row, strict=True) if is_one]
    assert set(told) == set(figures)
    if None in OWN[name]:
        assert [mark for mark in facts["marks"] if mark["kind"] == "markers" and "low" not in mark]


def test_what_only_rounding_tells_from_nothing_is_nothing(ax):
    ax.set_xlim(-0.05, 0.71)
    ax.plot([0.0, 0.3, 1e-17], [0, 1, 2], "o")
    [dots] = scene(ax)[0]["marks"]
    assert column(scene(ax), dots, "x")[[0, 2]].tolist() == [0, 0]


@pytest.mark.parametrize("text", ["a\\b", "$\\frac{1}{0$", "$x^2$", r"\$5"])
def test_a_name_from_data_is_no_formula_whatever_is_in_it(text, ax):
    lab.charts.drawing.picture.label_rows(ax, [text, "no"])
    assert [label for _, label in scene(ax)[0]["y"]["ticks"]] == [text, "no"]


def test_a_formula_on_an_axis_is_left_to_matplotlib(ax):
    ax.set_yticks([0, 1], ["a\\b", r"\$5"])
    assert [label for _, label in scene(ax)[0]["y"]["ticks"]] == ["a\\b", "$5"]
    ax.set_yticks([0, 1], ["$x^2$", "no"])
    assert scene(ax) is None
