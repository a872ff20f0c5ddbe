"""What stands around every chart: a title of one line, a caption beside it, and the caller's own words."""

import inspect
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from histories import OUTCOMES, sample
from matplotlib import interactive, is_interactive, pyplot, rcParams
from matplotlib.figure import Figure
from matplotlib.text import Text
from telling import telling
from test_charts_stay import NAMES

import mastermind_lab as lab
from mastermind_lab import charts
from mastermind_lab.charts import __main__ as gallery
from mastermind_lab.charts.drawing.caption import keep, letters
from mastermind_lab.charts.drawing.figures import DESIGNED, settings

pytestmark = pytest.mark.once

HISTORY = lab.with_outcomes(sample(60), OUTCOMES)
OF_SUMMARIES = [name for name in NAMES if "xlabel" in inspect.signature(getattr(charts, name)).parameters]


def test_every_chart_of_a_summary_has_a_frame():
    assert {*NAMES} - {*OF_SUMMARIES} == {"argument_tree", "decision"}


@pytest.mark.parametrize("name", telling(OF_SUMMARIES, "agreement", "votes"))
@pytest.mark.further
def test_words_of_the_caller(name):
    ax = getattr(charts, name)(HISTORY, figsize=(4, 3), title="Mine", xlabel="along", caption=True)
    assert ax.figure.get_size_inches().tolist() == [4, 3]
    assert ax.get_title(loc="left").startswith("Mine\n")
    assert ax.get_xlabel() == "along"
    assert " ".join(ax.texts[-1].get_text().split()) == charts.caption(ax)
    ax.figure.draw_without_rendering()
    below, labels = ax.texts[-1].get_window_extent(), ax.xaxis.label.get_window_extent()
    assert 0 <= below.y0 < below.y1 <= labels.y0 + 1
    pyplot.close(ax.figure)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ax": Figure()}, "ax takes matplotlib Axes, as figure.subplots.. makes, not Figure"),
        (
            {"figsize": "large"},
            "a size is width and height in inches, or one of column, page, slide, not 'large'",
        ),
        ({"figsize": (0, 3)}, "a size is from 0.5 to 100 inches"),
        ({"figsize": (3, 3), "ax": Figure().subplots()}, "figsize is for a new figure"),
        ({"hue": "meta.model"}, "no parameter 'hue': did you mean 'by'"),
        ({"colour": "red"}, "no parameter 'colour': did you mean 'color'"),
        (
            {"ylabel": "sure"},
            r"no parameter 'ylabel': set it on the Axes that the chart returns, .set_ylabel",
        ),
        ({"color": "rot"}, "color='rot' cannot be drawn: a colour is a name such as \"red\", a code"),
        ({"fc": (2, 0, 0)}, r"fc=\(2, 0, 0\) cannot be drawn: a colour is a name"),
        ({"alpha": 1.5}, "alpha=1.5 cannot be drawn: it is a number from 0, .* to 1"),
        ({"linestyle": "zig"}, "linestyle='zig' cannot be drawn: a line is one of"),
        ({"lw": "thick"}, "lw='thick' cannot be drawn: it is a number"),
        ({"zorder": "top"}, "zorder='top' cannot be drawn: it is a number"),
        ({"hatch": 7}, "hatch=7 cannot be drawn: "),
    ],
)
def test_what_is_not_taken_is_said(options, said):
    with pytest.raises(lab.OptionError, match=said):
        charts.confidence(HISTORY, **options)


def test_a_value_is_taken_where_any_artist_can_be_drawn_with_it():
    with pytest.raises(
        lab.OptionError, match="cmap='nosuch' cannot be drawn: it is the name of a colour map"
    ):
        charts.agreement(HISTORY, cmap="nosuch")
    with pytest.raises(lab.OptionError, match="mfc='nosuch' cannot be drawn: a colour"):
        charts.argument_tree(HISTORY, HISTORY.decisions["stream_id"].iloc[-1], mfc="nosuch")
    ax = charts.agreement(HISTORY, by="meta.model", marker="x", mfc="none", ls="none", ax=Figure().subplots())
    assert ax.lines[0].get_marker() == "x"


def test_what_pyplot_sets_when_it_is_first_loaded_by_a_chart_stays():
    size, was = rcParams["font.size"], is_interactive()
    try:
        with settings({"font.size": 2 * size}):
            assert rcParams["font.size"] == 2 * size
            interactive(not was)  # as in a notebook, where the figures of later cells are else not shown
        assert (rcParams["font.size"], is_interactive()) == (size, not was)
    finally:
        interactive(was)
    drawing = Path(charts.__file__).parent.rglob("*.py")
    assert not [path for path in drawing if "rc_context(" in path.read_text("utf-8")]


def test_columns_are_named_as_people_say_them():
    ax = charts.confidence(HISTORY, by=["meta.model", "meta.category"], ax=Figure().subplots())
    assert ax.get_title(loc="left").startswith("Confidence by model, category\n")


def test_a_key_with_a_dot_stands_in_titles_as_it_is():
    name = 'meta."topic.of the question"'
    history = lab.read(
        ['{"decision": {"recommendation": "go", "confidence": 0.7}, "meta": {"topic.of the question": "A"}}']
    )
    ax = charts.confidence(history, by=name, ax=Figure().subplots())
    assert ax.get_title(loc="left").startswith("Confidence by topic.of the question\n")


def test_votes_are_counted_as_votes():
    ax = charts.confidence(HISTORY.votes, ax=Figure().subplots())
    assert f"n = {HISTORY.votes['confidence'].count()} votes" in ax.get_title(loc="left")


def test_groups_that_are_all_baseline_have_no_line_and_it_is_said():
    ax = charts.drift(HISTORY, by="meta.model", ax=Figure().subplots())
    assert "Nothing to compare: all is baseline, or constant there" in charts.caption(ax)
    assert not ax.lines


@pytest.mark.parametrize("name", ["agreement", "drift", "argument_tree"])
@pytest.mark.further
def test_the_grid_of_a_style_is_not_drawn(name):
    with pyplot.style.context("ggplot"):
        ax = Figure().subplots()
        which = [HISTORY.decisions["stream_id"].iloc[-1]] if name == "argument_tree" else []
        getattr(charts, name)(HISTORY, *which, ax=ax)
    assert not any(line.get_visible() for line in [*ax.get_xgridlines(), *ax.get_ygridlines()])


def test_figures_beside_the_rows_stand_beside_the_axes():
    with pyplot.rc_context({"figure.figsize": (3.3, 2.5)}):
        ax = charts.rules(HISTORY)
    ax.figure.draw_without_rendering()
    assert min(text.get_window_extent().x0 for text in ax.texts) >= ax.bbox.x1


def test_no_chart_no_caption():
    with pytest.raises(lab.OptionError, match="no chart of mastermind_lab"):
        charts.caption(Figure().subplots())


def test_a_caption_and_the_room_for_names_go_when_the_axes_are_cleared():
    ax, clean = Figure().subplots(), Figure().subplots()
    charts.votes(HISTORY, ax=ax)
    ax.clear()
    with pytest.raises(lab.OptionError, match="no chart of mastermind_lab"):
        charts.caption(ax)
    assert heading_begins(charts.drift(HISTORY, ax=ax)) == heading_begins(charts.drift(HISTORY, ax=clean))


def heading_begins(ax):
    (heading,) = ax.findobj(lambda one: isinstance(one, Text) and one.get_text() == ax.get_title(loc="left"))
    return heading.get_window_extent().x0


@pytest.mark.parametrize(
    "place",
    telling(
        {
            "alone": lambda figure: figure.subplots(gridspec_kw={"bottom": 0.08}),
            "anywhere": lambda figure: figure.add_axes((0.2, 0.1, 0.7, 0.8)),
            "above others": lambda figure: figure.subplots(2)[0],
            "on a part": lambda figure: figure.subfigures(2)[0].subplots(),
        },
        "alone",
        "above others",
    ),
)
def test_a_caption_is_on_the_figure_where_nothing_makes_room_for_it(place):
    figure = Figure((6, 6.5))
    ax = place(figure)
    below = max((one.bbox.y1 for one in figure.axes if one is not ax), default=ax.figure.bbox.y0)
    charts.votes(HISTORY, ax=ax, caption=True)
    written = next(one for one in ax.texts if one.get_text().startswith("Votes. n = "))
    assert below - 1 < written.get_window_extent().y0 < ax.bbox.y0


def test_where_a_caption_has_no_room_it_is_said():
    with pytest.warns(UserWarning, match=r"no room for a caption .* left out: charts.caption\(ax\) says it"):
        ax = charts.reliability(HISTORY, ax=Figure((3, 2)).subplots(), caption=True)
    assert charts.caption(ax).startswith("Reliability")
    assert not any(text.get_text().startswith("Reliability") for text in ax.texts)


def test_after_z_letters_are_doubled():
    figure = Figure(figsize=(6, 40))
    for ax in figure.subplots(28):
        keep(ax, ["chart", "n = 1"])
    assert list(letters(figure).values())[-3:] == ["(z)", "(aa)", "(ab)"]
    assert charts.caption(figure).endswith("(z) Chart. (aa) Chart. (ab) Chart. In all of them: n = 1.")


@pytest.mark.thorough
def test_the_caption_of_a_page_names_each_picture():
    said = charts.caption(charts.overview(HISTORY, figure=Figure((10, 13), layout="constrained")))
    assert said.startswith("(a) Confidence. n = 60 decisions.")
    assert "(b) Agreement." in said
    assert "(f) " in said


@pytest.mark.further
def test_several_charts_bear_the_letters_of_their_caption_which_says_once_what_holds_for_all():
    asked = lab.with_outcomes(sample(60), OUTCOMES)
    asked.decisions["question"] = "the same"
    figure = charts.overview(asked, width="page")
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
    assert [title[:4] for title in titles] == ["(a) ", "(b) ", "(c) ", "(d) ", "(e) ", "(f) "]
    said = charts.caption(figure)
    assert said.count("1 question asked 60 times") == 1
    assert "In all of them: 1 question asked 60 times" in said
    assert re.findall(r"\(\w\) [^.]*\.", said) == [f"{title.split(chr(10))[0]}." for title in titles]
    pyplot.close(figure)


@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.further
def test_a_single_chart_of_a_sheet_has_no_letter(many):
    figure = charts.sheet(
        [(charts.confidence, HISTORY, {}), (charts.margin, HISTORY, {"title": "A" * 90})][:many]
    )
    figure.draw_without_rendering()
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[0].startswith("(a) Confidence\n" if many > 1 else "Confidence\n")
    assert all(ax.get_tightbbox().x1 <= figure.bbox.width for ax in figure.axes)


@pytest.mark.parametrize("name", telling(["votes", "confidence_over_time", "agreement"], "votes"))
@pytest.mark.further
def test_on_a_part_of_a_figure(name):
    figure = Figure((8, 6), layout="constrained")
    left, right = figure.subfigures(1, 2)
    getattr(charts, name)(HISTORY, ax=left.subplots())
    places = right.subplot_mosaic("AA;BC")
    ax = getattr(charts, name)(HISTORY, ax=places["B"])
    figure.draw_without_rendering()
    assert charts.caption(right) == charts.caption(ax)


@pytest.mark.thorough
def test_the_overview_on_a_part_of_a_figure():
    part, _ = Figure((12, 9), layout="constrained").subfigures(1, 2)
    assert charts.overview(HISTORY, figure=part) is part
    assert "(f) " in charts.caption(part)


@pytest.mark.further
def test_the_gallery_draws_what_the_documentation_of_a_chart_does(monkeypatch):
    figure = gallery.drawn_by_example("confidence")
    assert gallery.said_of(figure).startswith("Confidence by model. n = 2,000 decisions.")
    pyplot.close(figure)
    monkeypatch.setattr(charts.confidence, "__doc__", "Examples\n--------\n>>> 1\n2\n")
    with pytest.raises(SystemExit, match="the example of confidence does not do what it says"):
        gallery.drawn_by_example("confidence")


@pytest.mark.parametrize(
    ("counted", "said"),
    [("meta.model", "this summary is grouped by meta.model: count it again"), (None, "is not grouped: ")],
)
def test_a_summary_is_not_drawn_by_what_it_was_not_counted_by(counted, said):
    summary = lab.stats.Confidence.of(HISTORY, by=counted)
    with pytest.raises(lab.errors.OptionError, match=said):
        charts.confidence(summary, by="question")


@pytest.mark.thorough
def test_the_gallery_draws_examples_light_and_dark(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "ALL", ["votes", "decision"])
    gallery.gallery(tmp_path / "new", ["votes", "decision"])
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "decision-dark.png", "decision-light.png", "index.html", "votes-dark.png", "votes-light.png",
    ]  # fmt: skip
    page = (tmp_path / "new" / "index.html").read_text()
    assert '<img src="votes-light.png" alt="Votes by model. n = 13,922 votes.' in page
    monkeypatch.setattr(gallery, "STYLES", {"light": "default"})
    gallery.gallery(tmp_path / "one", ["votes"])
    assert not (tmp_path / "one" / "index.html").exists()
    assert not pyplot.get_fignums()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"title": 3}, "title takes text, not 3"),
        ({"xlabel": ["a"]}, "xlabel takes text, not "),
        ({"caption": "yes"}, "caption is True or False, .*, not 'yes'"),
        ({"figsize": np.array([5, 3, 1])}, "a size is width and height in inches"),
    ],
)
def test_words_that_are_none_are_said(options, said):
    with pytest.raises(lab.OptionError, match=said):
        charts.confidence(HISTORY, **options)


def test_an_empty_title_is_none():
    ax = charts.confidence(HISTORY, title="")
    assert ax.get_title(loc="left") == "n = 60 decisions"
    pyplot.close(ax.figure)


@pytest.mark.parametrize(
    "draw", [charts.confidence, partial(charts.decision, stream_id=HISTORY.decisions["stream_id"].iloc[0])]
)
def test_a_size_may_be_an_array(draw):
    drawn = draw(HISTORY, figsize=np.array([5, 3]))
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    assert figure.get_size_inches().tolist() == [5, 3]
    pyplot.close(figure)


@pytest.mark.parametrize("width", ["column", "page", "slide"])
@pytest.mark.further
def test_an_overview_is_as_wide_as_other_charts(width):
    figure = charts.overview(HISTORY, width=width)
    assert figure.get_figwidth() == DESIGNED[width][0]
    pyplot.close(figure)


@pytest.mark.parametrize("width", ["wide", (3, 2), None])
def test_an_overview_takes_no_other_width(width):
    with pytest.raises(lab.OptionError, match="width is in inches, or one of column, page, slide, not "):
        charts.overview(HISTORY, width=width)
