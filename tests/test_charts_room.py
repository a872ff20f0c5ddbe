"""Room on a picture: what is drawn is not cut, and nothing takes more of it than it needs."""

import json
from itertools import combinations

import numpy as np
import pytest
from matplotlib import pyplot
from test_charts_change_lines import decisions
from test_charts_forms import apart, box, grouped, overlap, told
from test_charts_ink import in_force
from test_charts_sizes import history, look_at, panel

import mastermind_lab as lab
from mastermind_lab import charts
from mastermind_lab.charts.drawing.ink import contrast, paper

pytestmark = [
    pytest.mark.once,
    pytest.mark.filterwarnings("ignore::mastermind_lab.errors.MissingFontWarning"),
]

CLAIM = "It is what all the others in this country did long before us, and they all did well."


def test_a_long_source_leaves_a_decision_its_width():
    one = told(citations=[{"source": "https://example.org/" + "reports/" * 30}])
    figure = charts.decision(one, "0-1", figsize="column")
    look_at(figure)
    votes = figure.axes[1]
    assert votes.bbox.width > 0.9 * figure.bbox.width
    bars = [patch.get_window_extent() for patch in votes.patches]
    assert not [bar for bar in bars for text in votes.texts if overlap(bar, box(text))]
    pyplot.close(figure)


def test_heading_and_legend_begin_where_the_names_of_rows_do():
    ax = charts.votes(told(votes=[{"voter": "Ada", "choice": "a way that is neither"}]), by="question")
    ax.figure.draw_without_rendering()
    begin = min(box(name).x0 for name in ax.get_yticklabels())
    assert [box(ax._left_title).x0, box(ax.get_legend()).x0] == pytest.approx([begin, begin], abs=12)
    pyplot.close(ax.figure)


@pytest.mark.parametrize("author", ["Ada", "organisation/model-of-the-year"])
def test_a_claim_is_not_cut_beside_blank_space(author):
    one = told(argument_tree={"claim": CLAIM, "author": author})
    figure = charts.decision(one, "0-1", figsize=(8, 5))
    assert f"{CLAIM}  {author}" in [text.get_text() for text in figure.axes[3].texts]
    pyplot.close(figure)


def test_the_author_stands_behind_a_claim_from_right_to_left():
    one = told(argument_tree={"claim": "لا توصي اللجنة", "author": "Ada"})
    ax = charts.argument_tree(one, "0-1")
    assert "\N{LEFT-TO-RIGHT MARK}لا توصي اللجنة  Ada" in [text.get_text() for text in ax.texts]
    pyplot.close(ax.figure)


@pytest.mark.further
def test_the_names_of_lines_that_end_alike_are_not_printed_over_each_other():
    random = np.random.default_rng(5)
    envelopes = [panel(place) for place in range(300)]
    for place, envelope in enumerate(envelopes):
        envelope["published_at"] = f"2026-01-{1 + place // 12:02}T{place % 12:02}:00:00Z"
        envelope["decision"]["confidence"] = float(random.uniform(0.4, 1))
        envelope["decision"]["votes"] = [
            {"voter": voter, "choice": "go" if random.random() < 0.7 else "stop"} for voter in "abc"
        ]
    read = lab.read(map(json.dumps, envelopes))
    for last in range(200, 300, 20):
        ax = charts.drift(read.where(np.arange(300) < last), figsize="page")
        ax.figure.draw_without_rendering()
        apart(ax.texts)
        pyplot.close(ax.figure)


def test_groups_without_a_line_take_no_room():
    frame = grouped(np.linspace(0.1, 0.9, 30), each=20)
    frame.loc[120:, "meta.group"] = "one of many"
    ax = charts.drift(frame, by="meta.group", figsize="column")
    assert len(ax.child_axes) == 1
    assert ax.figure.get_figheight() < 4.5
    pyplot.close(ax.figure)


def timed(n):
    envelopes = [panel(place) for place in range(n)]
    for place, envelope in enumerate(envelopes):
        steps = {f"step {step}": 1 + (step + place) % 7 for step in range(15)}
        envelope["meta"] |= {"timings": steps, "kind": f"kind {place % 6}"}
    return lab.read(map(json.dumps, envelopes))


@pytest.mark.parametrize("size", ["column", "slide"])
@pytest.mark.further
def test_many_timings_of_many_groups_are_as_many_as_a_page_holds(size):
    ax = charts.timing(timed(24), by="meta.kind", figsize=size)
    ax.figure.draw_without_rendering()
    assert ax.figure.get_figheight() < 9.5
    rows = len(ax.get_yticks())
    assert ax.bbox.height / rows / ax.figure.dpi * 72 > 6 * 9  # points of a row of six lanes
    pyplot.close(ax.figure)


def test_the_smallest_time_is_not_cut_in_half():
    ax = charts.timing(timed(1), figsize="column")
    left, right = np.log(ax.get_xlim())
    dots = np.log(np.concatenate([line.get_xdata() for line in ax.lines]))
    assert dots.min() - left > 0.02 * (right - left)
    pyplot.close(ax.figure)


def test_a_single_moment_is_a_day_and_no_years():
    one = lab.read([json.dumps(panel(0))])
    ax = charts.confidence_over_time(one, figsize="column")
    assert np.ptp(ax.get_xlim()) == pytest.approx(1.5)
    ax = charts.confidence_over_time(decisions(["v1"]), by="meta.version", figsize="column")
    assert np.ptp(ax.get_xlim()) != pytest.approx(1.5)
    pyplot.close("all")


def test_the_name_of_an_only_source_stands_near_its_dot():
    envelope = panel(0)
    envelope["decision"]["citations"] = [{"source": "https://example.org/1"}]
    ax = charts.citations(lab.read([json.dumps(envelope)]), figsize="slide")
    ax.figure.draw_without_rendering()
    dot = ax.transData.transform(ax.lines[0].get_xydata())[0, 1]
    (name,) = (box(text) for text in ax.texts)
    assert 0 < name.y0 - dot < 2 * name.height
    pyplot.close(ax.figure)


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_the_lowest_agreement_is_no_paper(style):
    with in_force(style):
        ax = charts.agreement(history(10), figsize="column")
    (squares,) = ax.images
    assert contrast(squares.cmap(0.0), paper(ax)) > 1.14
    pyplot.close(ax.figure)


@pytest.mark.parametrize("each", [49, 65])
def test_no_date_of_the_strip_is_cut(each):
    ax = charts.regimes(decisions(["v1", "v2", "v3"], each), watch="meta.version", figsize="column")
    ax.figure.draw_without_rendering()
    (strip,) = ax.child_axes
    low, high = strip.get_xlim()
    dates = [tick.label1 for tick in strip.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert len(dates) > 2
    assert max(box(date).x1 for date in dates) <= strip.bbox.x1 + 1
    pyplot.close(ax.figure)


def test_a_column_of_a_long_name_leaves_its_changes_most_of_the_width():
    name = "decision.the_version_of_the_prompt"
    frame = decisions(["v1", "v2"]).rename(columns={"meta.version": name})
    ax = charts.regimes(frame, watch=name, figsize="column")
    assert max(box(label).width for label in ax.get_yticklabels()) < 0.36 * ax.figure.bbox.width
    pyplot.close(ax.figure)


@pytest.mark.further
def test_panels_stand_apart_and_draw_what_they_share_once():
    ax = charts.confidence_over_time(grouped(np.linspace(0.1, 0.9, 6)), by="meta.group", figsize="page")
    assert not [pair for pair in combinations([panel.bbox for panel in ax.child_axes], 2) if overlap(*pair)]
    shown = [(panel.xaxis.get_visible(), panel.yaxis.get_visible()) for panel in ax.child_axes]
    assert shown == [
        (False, True),
        (False, False),
        (False, False),
        (True, True),
        (True, False),
        (True, False),
    ]
    pyplot.close(ax.figure)


def test_a_tree_takes_a_size_and_a_title():
    ax = charts.argument_tree(told(), "0-1", figsize="column", title="Why to proceed")
    assert ax.figure.get_figwidth() == 3.3
    assert ax.get_title(loc="left") == "Why to proceed\nn = 1 node"
    pyplot.close(ax.figure)


@pytest.mark.parametrize("no_chart", ["votes", [1, 2]])
def test_what_is_no_chart_is_not_saved(no_chart, tmp_path):
    with pytest.raises(
        lab.errors.OptionError, match=f"save takes a chart, .*, not {type(no_chart).__name__}"
    ):
        charts.save(tmp_path / "votes.png", no_chart, history(1))
    with pytest.raises(lab.errors.OptionError, match="no picture is written as ''"):
        charts.save(tmp_path / "a.folder" / "votes", charts.votes, history(1))


@pytest.mark.parametrize(
    ("dpi", "said"),
    [(0, "not 0"), (9, "not 9"), ("high", "not 'high'"), (float("nan"), "not nan"), (10_001, "not 10001")],
)
def test_dots_are_a_number(dpi, said, tmp_path):
    with pytest.raises(lab.errors.OptionError, match=f"dpi is a number of dots an inch, .*{said}"):
        charts.save(tmp_path / "votes.png", charts.votes, history(1), dpi=dpi)


@pytest.mark.parametrize("chart", [charts.agreement, charts.overview])
def test_with_the_fewest_dots_each_letter_has_one(chart, tmp_path):
    charts.save(tmp_path / "a.png", chart, history(9), dpi=10)
    assert pyplot.imread(tmp_path / "a.png").shape[1] >= 65
