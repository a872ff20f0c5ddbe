"""A column, a page, a slide, a small figure: nothing cut or overlapping, no small type, room for the data."""

import json
from functools import cache, partial
from itertools import combinations

import pytest
from histories import sample
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.text import Text
from telling import telling

import mastermind_lab as lab
from mastermind_lab.charts.drawing.ballots import ballots_of
from mastermind_lab.charts.drawing.figures import MAGNIFIED
from mastermind_lab.charts.drawing.text import fitted_apart, small_size, text_width

pytestmark = pytest.mark.once

MAKERS = [
    f"organisation/a-name-of-twenty-letters-{kind}-{size}"
    for kind in ("alpha", "beta", "gamma", "delta", "epsilon")
    for size in ("instruct", "chat", "mini", "large", "顾问")
]
SENTENCES = [
    "The committee recommends to proceed with the second plan at once",
    "The committee recommends to proceed with the first plan, later",
    "لا توصي اللجنة بالمضي قدما في الخطة",
    "委员会建议推迟到明年再做决定",
    "Do nothing",
]
SIZES = {"column": "column", "page": "page", "slide": "slide", "small": (3.3, 2.5)}
CHARTS = (
    "arguments", "confidence", "confidence_over_time", "conformity", "margin", "pivotal", "risk_coverage",
    "rules", "stability", "timing", "voters", "votes",
)  # fmt: skip
BY = {"": None, " by sentence": "meta.sentence", " by model": "meta.model", " by group": "meta.group"}
SHOWN = {"": ["column"], " by sentence": ["column"], " by model": ["small", "slide"], " by group": ["page"]}
OF = {"hard": 60, "one": 1}
CASES = {
    f"{name}{by} of {of}, {size}": (name, column, of, size)
    for name in CHARTS
    for by, column in BY.items()
    for of in OF
    for size in SHOWN[by]
    if of == "hard" or not by
}
OFTEN = [
    "voters by sentence of hard, column", "votes by model of hard, small",
    "confidence by model of hard, slide", "rules of hard, column", "timing of one, column",
]  # fmt: skip


def test_the_ticks_of_given_axes_are_labelled_as_small_as_others():
    ax = Figure().subplots()
    lab.charts.confidence(sample(30), ax=ax)
    sizes = {label.get_fontsize() for label in (*ax.get_xticklabels(), *ax.get_yticklabels())}
    assert sizes == {small_size()}


@cache
def history(n):
    """Panels of 25 voters with long names, whose choices are sentences; each of the groups is of one."""
    read = lab.read([json.dumps(panel(place)) for place in range(n)])
    read.decisions["correct_choice"] = SENTENCES[0]
    return read


def panel(place):
    votes = [
        {"voter": name, "choice": SENTENCES[(place * seat) % 5 if seat % 3 else 0], "confidence": seat / 25}
        for seat, name in enumerate(MAKERS)
    ]
    claim = {"claim": SENTENCES[1], "stance": "pro", "strength": 0.5}
    return {
        "published_at": f"2026-01-{1 + place // 12:02}T{place % 12:02}:00:00Z",
        "decision": {
            "question": f"{SENTENCES[0]} {place // 2}", "recommendation": SENTENCES[place % 2],
            "confidence": 0.5 + place % 10 / 20, "votes": votes,
            "argument_tree": claim | {"children": [claim | {"stance": "con", "strength": place % 7 / 7}]},
        },
        "meta": {
            "model": MAKERS[place % 25], "sentence": SENTENCES[place % 5], "group": f"group {place}",
            "timings": {"total": 2 + place % 7, "of the whole debate between all": 1 + place % 3},
        },
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore::mastermind_lab.errors.MissingFontWarning")
@pytest.mark.parametrize(("name", "by", "of", "size"), telling(CASES, *OFTEN))
@pytest.mark.further
def test_a_picture_of_a_size_can_be_read(name, by, of, size):
    ax = getattr(lab.charts, name)(history(OF[of]), by=by, figsize=SIZES[size])
    look_at(ax.figure)
    if size == "column":
        assert ax.bbox.width >= 0.5 * ax.figure.bbox.width
    assert ax.bbox.height >= 0.4 * ax.figure.bbox.height
    assert ax.figure.get_figheight() <= 9.5
    pyplot.close(ax.figure)


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::mastermind_lab.errors.MissingFontWarning")
@pytest.mark.parametrize("width", [3.3, 6.5, 10])
def test_an_overview_can_be_read(width):
    figure = lab.charts.overview(history(10), by="meta.sentence", width=width)
    look_at(figure)
    pyplot.close(figure)


def look_at(figure):
    """Draw it, and measure every word."""
    figure.draw_without_rendering()
    shown = [(text, text.get_window_extent(), ax) for ax in figure.axes for text in words(ax)]
    for text, box, where in shown:
        assert text.get_fontsize() >= 6, text
        assert figure.bbox.padded(1.5).contains(box.x0, box.y0), text
        assert figure.bbox.padded(1.5).contains(box.x1, box.y1), text
        for ax in figure.axes:
            mine = ax is where or ax in where.child_axes or where in ax.child_axes
            assert mine or not overlap(box, ax.bbox), (text, ax)
    for (one, box, _), (other, another, _) in combinations(shown, 2):
        assert not overlap(box, another), (one, other)


def words(ax):
    """All that is written on and around the Axes."""
    legend = ax.get_legend().get_texts() if ax.get_legend() else []
    labels = []
    for axis in (ax.xaxis, ax.yaxis) if ax.axison else ():
        low, high = sorted(axis.get_view_interval())
        labels += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        labels += [axis.label, axis.get_offset_text()]
    written = [one for one in ax.get_children() if isinstance(one, Text)]
    return [one for one in [*labels, *written, *legend] if one.get_visible() and one.get_text().strip()]


def overlap(one, other):
    """Whether two boxes share more than their edges."""
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    return wide > 1.5 and min(one.y1, other.y1) - max(one.y0, other.y0) > 2.5


@pytest.mark.filterwarnings("ignore::mastermind_lab.errors.MissingFontWarning")
@pytest.mark.parametrize("size", telling(["column", "small"], "small"))
def test_squares_of_long_names_keep_half_of_the_width(size):
    ax = lab.charts.agreement(history(20), figsize=SIZES[size])
    look_at(ax.figure)
    assert ax.bbox.width >= 0.5 * ax.figure.bbox.width
    rows, columns = ax.bbox.height / len(ax.get_yticks()), ax.bbox.width / len(ax.get_yticks())
    assert 0.8 < rows / columns < 2
    pyplot.close(ax.figure)


@pytest.mark.filterwarnings("ignore::mastermind_lab.errors.MissingFontWarning")
@pytest.mark.parametrize("name", telling(["agreement", "voters", "regimes"], "voters"))
def test_a_slide_is_read_from_the_back_row(name):
    ax = getattr(lab.charts, name)(history(20), figsize="slide")
    sizes = [text.get_fontsize() for part in ax.figure.axes for text in words(part)]
    assert min(sizes) > 11
    pyplot.close(ax.figure)


@pytest.mark.parametrize("size", telling(["column", "page", "slide"], "slide"))
def test_a_file_takes_the_sizes_of_a_figure_by_name(size, tmp_path):
    lab.charts.save(tmp_path / "votes.png", lab.charts.votes, history(1), size=size, dpi=50)
    ax = lab.charts.votes(history(1), figsize=size)
    wide, high = (round(50 * inches) for inches in ax.figure.get_size_inches())
    pyplot.close(ax.figure)
    assert pyplot.imread(tmp_path / "votes.png").shape[:2] == pytest.approx((high, wide), abs=1)


def test_a_file_for_a_slide_has_marks_as_large_as_a_figure_for_one(tmp_path):
    drawn = []
    for size in ("page", "slide"):
        save = partial(lab.charts.save, tmp_path / f"{size}.svg", data=None, size=size)
        save(lambda data, ax: drawn.append(ax.plot([0, 1], linewidth=1, markersize=2)[0]))
    assert [one.get_linewidth() for one in drawn] == [1, MAGNIFIED]
    assert [one.get_markersize() for one in drawn] == [2, 2 * MAGNIFIED]


def test_a_file_takes_no_other_size(tmp_path):
    with pytest.raises(lab.errors.OptionError, match="one of column, page, slide, not 'poster'"):
        lab.charts.save(tmp_path / "votes.png", lab.charts.votes, history(1), size="poster")


def test_the_voters_that_are_drawn_as_one_stand_last():
    for name in ("voters", "pivotal"):
        ax = getattr(lab.charts, name)(history(20))
        assert ax.get_yticklabels()[-1].get_text() == "6 others"
        pyplot.close(ax.figure)


def test_a_ring_says_what_it_is():
    ax = lab.charts.voters(history(20))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["share right", "mean confidence"]
    pyplot.close(ax.figure)


@pytest.mark.thorough
def test_the_only_panel_of_a_grouped_chart_says_whose_it_is():
    one = lab.charts.drift(sample(900).where("`meta.category` == 'incident'"), by="meta.category")
    assert [panel.get_title(loc="left").split("\n")[0] for panel in one.child_axes] == ["incident"]
    pyplot.close(one.figure)


def test_a_group_that_says_nothing_has_no_row():
    history = sample(300)
    again = history.decisions["question"].duplicated(keep=False)
    history.decisions["kind"] = again.map({True: "again", False: "once"})
    ax = lab.charts.stability(history, by="kind")
    assert [label.get_text().split("\n")[0] for label in ax.get_yticklabels()] == ["again"]
    assert "1 group without such a question not drawn" in lab.charts.caption(ax)
    pyplot.close(ax.figure)


@pytest.mark.further
def test_a_deep_tree_leaves_room_for_its_deepest_claim():
    tree = {"claim": "the deepest"}
    for level in range(30):
        tree = {"claim": f"a claim of level {level}", "strength": 0.5, "children": [tree]}
    decision = {"recommendation": "go", "confidence": 0.7, "argument_tree": tree}
    read = lab.read([json.dumps({"decision": decision})])
    figure = lab.charts.decision(read, read.decisions["stream_id"].iloc[0], figsize="column")
    look_at(figure)
    pyplot.close(figure)


LONG = "What 25 models of five makers, asked the same question again and again, are worth when they are sure"


def test_a_long_title_is_wrapped_and_stays_above_the_legend():
    ax = lab.charts.votes(history(60), by="meta.sentence", title=LONG, figsize="column")
    look_at(ax.figure)
    *title, n = ax.get_title(loc="left").split("\n")
    assert " ".join(title) == LONG
    assert n == "n = 1,500 votes"
    pyplot.close(ax.figure)


def test_a_title_of_any_length_takes_three_lines():
    ax = lab.charts.votes(history(1), title=LONG * 9, ax=Figure((3.3, 2.5)).subplots())
    assert len(ax.get_title(loc="left").split("\n")) == 4


@pytest.mark.thorough
def test_the_height_follows_the_rows():
    heights = [lab.charts.votes(history(1), voter="position").figure.get_figheight()]
    heights += [lab.charts.confidence(history(60), by=by).figure.get_figheight() for by in BY.values()]
    pyplot.close("all")
    assert heights == sorted(heights)
    assert heights[1] < 2


def test_axes_of_an_earlier_chart_are_somebodys_own():
    ax = lab.charts.votes(history(1), figsize="column")
    before = ax.figure.get_size_inches().tolist()
    lab.charts.votes(history(60), by="meta.sentence", ax=ax)
    assert ax.figure.get_size_inches().tolist() == before
    pyplot.close(ax.figure)


def test_rows_that_do_not_fit_are_folded():
    ax = lab.charts.confidence(history(60), by="meta.group", ax=Figure((3.3, 2.5)).subplots())
    rows = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    assert rows[-1].startswith(f"{61 - len(rows)} others")
    assert 3 <= len(rows) <= 6


@pytest.mark.filterwarnings("ignore::mastermind_lab.errors.MissingFontWarning")
@pytest.mark.parametrize("by", telling([None, "meta.sentence"], "meta.sentence"))
@pytest.mark.further
def test_no_line_runs_through_the_name_of_a_source(by):
    envelopes = [panel(place) for place in range(40)]
    for place, envelope in enumerate(envelopes):
        source = f"https://example.org/{place % 9}"
        envelope["decision"]["citations"] = [{"source": source}]
    ax = lab.charts.citations(lab.read(map(json.dumps, envelopes)), by=by, figsize="slide")
    ax.figure.draw_without_rendering()
    names = [text.get_window_extent() for text in words(ax) if text.get_text().startswith("example.org")]
    half = max(line.get_markersize() for line in ax.lines) / 144 * ax.figure.dpi
    tops = [half + height for line in ax.lines for height in ax.transData.transform(line.get_xydata())[:, 1]]
    assert len(names) >= 4
    assert not [top for top in tops for name in names if name.y0 + 0.5 < top < name.y1]
    pyplot.close(ax.figure)


@pytest.mark.filterwarnings("ignore::mastermind_lab.errors.MissingFontWarning")
def test_a_short_name_is_not_cut_because_others_are_wide():
    assert fitted_apart(["14 others", *MAKERS, SENTENCES[3] * 2], 9)[0] == "14 others"
    assert fitted_apart(["still it fits", "MINISTRY OF COMMERCE"], 6)[0] == "still it fits"


@pytest.mark.further
def test_the_name_of_a_voter_ends_where_the_list_does():
    votes = history(3).votes.assign(voter="a voter of a name that has no end in any list of votes")
    lines = ballots_of(votes.assign(confidence=None), 12, 5).lines
    wide = [line.indent + text_width(line.text) for line in lines if line.confidence is not None]
    assert max(wide) <= 12
    assert max(wide) > 10


def test_panels_are_as_many_in_a_column_as_its_own_width_asks_for():
    ax = lab.charts.reliability(history(60), by="meta.sentence", figsize="column")
    assert len(ax.child_axes) == len(SENTENCES)
    pyplot.close(ax.figure)


def test_what_is_almost_empty_is_low():
    one = lab.read([json.dumps(panel(0))])
    tree = lab.charts.argument_tree(one, one.decisions["stream_id"].iloc[0])
    none = lab.charts.arguments(lab.read([]), figsize="page")
    assert max(ax.figure.get_figheight() for ax in (tree, none)) < 2.5
    pyplot.close("all")


def test_words_along_the_axis_stay_on_a_figure_of_a_few_inches():
    ax = lab.charts.agreement(history(60), by="meta.group", figsize=(2.5, 2.5))
    look_at(ax.figure)
    pyplot.close(ax.figure)


@pytest.mark.thorough
def test_a_slide_of_one_decision_is_as_large_as_there_is_room_for():
    few = sample(10)  # the ninth has six votes and five arguments, and leaves room
    slide = lab.charts.decision(few, few.decisions["stream_id"].iloc[8], figsize="slide")
    look_at(slide)
    assert min(text.get_fontsize() for ax in slide.axes for text in words(ax)) > 9.5
    pyplot.close(slide)


def test_changes_in_which_a_value_only_begins_have_names_of_their_own():
    stays = panel(0)["meta"] | {"timings": {}}
    envelopes = [
        panel(0) | {"published_at": f"2026-01-{1 + k // 10:02}T{k % 10:02}:00:00Z"} for k in range(60)
    ]
    for k, envelope in enumerate(envelopes):
        envelope["meta"] = stays | {"model": f"a-very-long-name-of-a-model-{k % (1 + k // 20)}-instruct"}
    ax = lab.charts.regimes(lab.read(map(json.dumps, envelopes)), watch="meta.model")
    names = [label.get_text().split("\n")[1:-1] for label in ax.get_yticklabels()]
    assert len(names) == len({*map(tuple, names)}) >= 2
    pyplot.close(ax.figure)


def inches_in(file):
    """How large a picture of 50 dots an inch is."""
    high, wide = pyplot.imread(file).shape[:2]
    return [wide / 50, high / 50]


ONE = {"stream_id": sample(20).decisions["stream_id"].iloc[3]}


@pytest.mark.parametrize(
    ("chart", "options", "size", "alone"),
    telling(
        {
            "an overview": ("overview", {}, None, {}),
            "an overview in a column": ("overview", {}, "column", {"width": 3.3}),
            "an overview of a width": ("overview", {"width": 6.5}, None, {}),
            "a decision": ("decision", ONE, None, {}),
            "a decision in a column": ("decision", ONE, "column", {"figsize": "column"}),
            "a decision on a slide": ("decision", ONE, "slide", {"figsize": "slide"}),
            "a decision of a size": ("decision", ONE, (5, 6), {"figsize": (5, 6)}),
        },
        "an overview of a width",
        "a decision in a column",
    ),
)
@pytest.mark.further
def test_a_file_is_as_large_as_what_is_drawn_asks_for(chart, options, size, alone, tmp_path):
    draw, read = getattr(lab.charts, chart), sample(20)
    there = pyplot.get_fignums()
    lab.charts.save(tmp_path / "a.png", draw, read, size=size, dpi=50, **options)
    lab.charts.save(tmp_path / "b.png", partial(draw, **options), read, size=size, dpi=50)
    assert pyplot.get_fignums() == there
    figure = draw(read, **options, **alone)
    asked = pytest.approx(figure.get_size_inches().tolist(), abs=0.03)
    pyplot.close(figure)
    assert inches_in(tmp_path / "a.png") == asked
    assert inches_in(tmp_path / "b.png") == asked


def test_a_file_has_one_size(tmp_path):
    with pytest.raises(lab.errors.OptionError, match="leave out either that or width"):
        lab.charts.save(tmp_path / "a.png", lab.charts.overview, sample(20), size="column", width=5)


def test_a_function_of_ones_own_gets_a_figure(tmp_path):
    given = []
    lab.charts.save(tmp_path / "a.png", lambda data, figure: given.append(figure), None, size=(3, 2), dpi=50)
    assert given[0].get_size_inches().tolist() == [3, 2]


@pytest.mark.parametrize("size", ["column", "page", (3.5, 4)])
@pytest.mark.further
def test_a_caption_takes_no_room_from_the_rows(size):
    read, options = sample(60), {"by": "meta.category", "figsize": size}
    without, ax = (lab.charts.confidence(read, **options, caption=said) for said in (False, True))
    for one in (without, ax):
        one.figure.draw_without_rendering()
    below = ax.texts[-1].get_window_extent()
    assert below.x1 <= ax.figure.bbox.x1
    assert below.y0 >= 0
    if isinstance(size, str):
        assert ax.bbox.height == pytest.approx(without.bbox.height, rel=0.05)
    pyplot.close("all")


@pytest.mark.parametrize(
    "name", telling(["reliability", "risk_coverage", "confidence_over_time"], "reliability")
)
@pytest.mark.further
def test_the_title_above_panels_is_cut_where_the_figure_ends(name):
    read = sample(400)
    read.decisions['decision."topic_area.of the_question"'] = read.decisions["meta.category"]
    read.decisions["correct_choice"] = read.decisions["recommendation"]
    draw = getattr(lab.charts, name)
    ax = draw(read, by='decision."topic_area.of the_question"', figsize="column")
    look_at(ax.figure)
    assert "\N{HORIZONTAL ELLIPSIS}" in ax.get_title(loc="left")
    pyplot.close(ax.figure)
