"""What is seen at once on a picture: words over words, marks that are cut, boxes with nothing in them."""

import json
import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from histories import sample
from matplotlib import pyplot
from matplotlib.figure import Figure
from telling import telling
from test_charts_change_lines import decisions
from test_charts_forms import box, told
from test_charts_sizes import MAKERS, SENTENCES, history, look_at

import mastermind_lab as lab
from mastermind_lab import charts
from mastermind_lab.charts.drawing.change_lines import date_axis
from mastermind_lab.charts.drawing.dots import limits
from mastermind_lab.charts.drawing.text import clean, text_width, wrapped

pytestmark = [
    pytest.mark.once,
    pytest.mark.filterwarnings("ignore::mastermind_lab.errors.MissingFontWarning"),
]

SAID = {"recommendation": "yes", "confidence": 0.5}

TREE = {
    "claim": SENTENCES[0],
    "author": MAKERS[0],
    "strength": 0.5,
    "children": [
        {
            "claim": sentence,
            "author": author,
            "strength": 0.25,
            "children": [{"claim": sentence, "author": author}],
        }
        for sentence, author in zip(SENTENCES, MAKERS, strict=False)
    ],
}
"""Claims of a sentence each, by authors with long names."""


@pytest.mark.parametrize("size", telling(["page", "slide"], "slide"))
def test_no_claim_is_written_over_its_strength(size):
    ax = charts.argument_tree(told(argument_tree=TREE), "0-1", figsize=size)
    look_at(ax.figure)
    assert ax.bbox.width > 0.95 * ax.figure.bbox.width
    pyplot.close(ax.figure)


def test_a_tree_that_finds_no_room_is_cut_and_says_so():
    ax = charts.argument_tree(told(argument_tree=TREE), "0-1", figsize=(6.5, 1.6))
    look_at(ax.figure)
    n = ax.get_title(loc="left").split("\n")[1]
    assert n.startswith("n = 11 nodes; ")
    assert n.endswith(" drawn")
    pyplot.close(ax.figure)


def voted(n, size):
    votes = [{"voter": MAKERS[k], "choice": SENTENCES[min(k % 3, 1)], "confidence": 0.5} for k in range(n)]
    votes.append({"voter": "the last", "choice": SENTENCES[4]})
    question = " ".join(SENTENCES[:2]) * 3
    one = told(question=question, recommendation=question[:300], votes=votes, argument_tree=TREE)
    return charts.decision(one, "0-1", figsize=size)


def said(figure):
    return " ".join(text.get_text() for ax in figure.axes for text in ax.texts).split()


@pytest.mark.parametrize("size", telling(["column", "page", "slide"], "slide"))
@pytest.mark.further
def test_a_decision_tells_every_choice_and_the_recommendation_in_full(size):
    figure = voted(24, size)
    look_at(figure)
    words = " ".join(said(figure))
    for text in (" ".join(SENTENCES[:2]) * 3)[:300], SENTENCES[0], SENTENCES[1], SENTENCES[4]:
        assert " ".join(text.split()) in words
    assert {"16 votes", "8 votes", "1 vote"} <= {text.get_text() for text in figure.axes[1].texts}
    pyplot.close(figure)


def test_the_only_vote_of_a_choice_is_not_behind_those_that_are_left_out():
    figure = voted(24, "slide")
    names = [text.get_text() for text in figure.axes[1].texts]
    assert "the last" in names
    assert any(name.startswith("and ") and name.endswith(" more") for name in names)
    assert ", " in figure.axes[1].get_title(loc="left").removeprefix("25 votes")
    pyplot.close(figure)


def test_a_choice_does_not_touch_how_often_it_was_voted_for():
    votes = [{"voter": f"{k}", "choice": "to go on, " * 30} for k in range(12)]
    figure = charts.decision(told(votes=votes), "0-1", figsize="slide")
    figure.draw_without_rendering()
    [choice, count, *_] = figure.axes[1].texts
    assert count.get_text() == "12 votes"
    assert box(choice).x1 + 2 < box(count).x0
    pyplot.close(figure)


@pytest.mark.further
def test_bars_of_confidence_do_not_touch_the_sources():
    figure = charts.decision(sample(20), sample(20).decisions["stream_id"].iloc[3], figsize="slide")
    figure.draw_without_rendering()
    votes, sources = figure.axes[1:3]
    right = max(patch.get_window_extent().x1 for patch in votes.patches)
    assert min(box(text).x0 for text in sources.texts) - right > 8 / 72 * figure.dpi
    pyplot.close(figure)


@pytest.mark.parametrize("name", telling(["confidence", "margin"], "confidence"))
def test_the_lowest_interval_does_not_touch_the_axis(name):
    ax = getattr(charts, name)(history(60), by="meta.model", figsize="slide")
    ax.figure.draw_without_rendering()
    caps = next(line for line in ax.lines if line.get_marker() == "|")
    lowest = ax.transData.transform(caps.get_xydata())[:, 1].min()
    assert lowest - caps.get_markersize() / 144 * ax.figure.dpi > ax.bbox.y0 + 2
    pyplot.close(ax.figure)


def test_names_of_changes_leave_the_upper_part_to_the_data():
    frame = decisions([f"prompts/2026/arbiter-of-the-second-panel-{k}" for k in range(4)])
    ax = charts.confidence_over_time(frame, figsize="column")
    ax.figure.draw_without_rendering()
    assert len(ax.texts) >= 2
    assert max(box(text).y1 for text in ax.texts) < ax.bbox.y0 + 0.7 * ax.bbox.height
    pyplot.close(ax.figure)


def test_one_decision_over_time_has_a_scale_that_says_something():
    ax = charts.confidence_over_time(history(1), ax=Figure().subplots())
    assert np.ptp(ax.get_ylim()) == pytest.approx(0.2)


def test_figures_that_differ_by_how_they_were_added_up_have_no_scale_of_their_own():
    alpha = pd.DataFrame({"alpha": [0.0, 1e-16, -2e-16], "alpha_low": np.nan, "alpha_high": np.nan})
    assert limits(alpha, "alpha") == pytest.approx((-0.05, 0.05))


@pytest.mark.further
def test_a_shade_that_stands_for_equally_many_decisions_says_one_number():
    ballots = [{"voter": f"{k:02}", "choice": "yes"} for k in range(30)]
    said = [{"decision": SAID | {"votes": ballots[: 30 - 5 * (k == 0)]}} for k in range(3)]
    payloads = [json.dumps(one) for one in said]
    caption = charts.caption(charts.agreement(lab.read(payloads[1:]), ax=Figure((6.5, 6)).subplots()))
    assert "5 voters not drawn: those with most votes are. Shade" in caption
    assert caption.endswith("; n = 2 a pair.")
    drawn = charts.agreement(lab.read(payloads).votes.query("voter < '28'"), ax=Figure((6.5, 6)).subplots())
    assert charts.caption(drawn).endswith("; n = 3 a pair.")  # those that are not drawn have fewer


@pytest.mark.further
def test_names_below_squares_stand_on_one_line():
    ax = charts.agreement(sample(100), figsize="page")
    assert {label.get_verticalalignment() for label in ax.get_xticklabels()} == {"baseline"}
    assert "Krippendorff's alpha 0." in charts.caption(ax)
    look_at(ax.figure)
    pyplot.close(ax.figure)


def test_a_source_is_not_cut_beside_blank_space():
    address = "example.org/reports/of-the-committee/on-the-second-plan"
    one = told(citations=[{"source": f"https://{address}"}])
    ax = charts.citations(one, figsize="page")
    assert [text.get_text() for text in ax.texts] == [address]
    pyplot.close(ax.figure)


@pytest.mark.parametrize("name", ["votes", "voters", "citations", "rules"])
def test_no_dot_at_0_is_cut_in_half(name):
    ax = getattr(charts, name)(sample(100), ax=Figure().subplots())
    left, right = ax.get_xlim()
    assert left == pytest.approx(-0.02 * right)


def test_a_choice_of_a_sentence_has_two_lines():
    ax = charts.votes(history(20), figsize="page")
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len([label for label in labels if "\n" in label]) >= 2
    pyplot.close(ax.figure)


@pytest.mark.further
def test_an_overview_of_one_decision_is_what_one_decision_can_say():
    figure = charts.overview(history(1), figure=Figure(figsize=(6.5, 4)))
    assert [ax.get_title(loc="left").split("\n")[0] for ax in figure.axes] == ["(a) Confidence", "(b) Votes"]
    one, two = (charts.overview(history(n), width=3.3) for n in (1, 2))
    assert one.get_figheight() < two.get_figheight() / 2
    pyplot.close("all")


PAGES = {"overview": {}, "decision": {"stream_id": sample(20).decisions["stream_id"].iloc[3]}}


@pytest.mark.parametrize(
    ("name", "size"), [("overview", "column"), ("decision", "page"), ("decision", (5, 6))]
)
@pytest.mark.further
def test_a_caption_is_written_below_a_page(name, size, tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: kept.append(figure))
    for caption in (True, False):
        draw = getattr(charts, name)
        charts.save(tmp_path / "a.png", draw, sample(20), size=size, caption=caption, **PAGES[name])
    figure, without = kept
    [written] = figure.texts
    assert " ".join(written.get_text().split()) == charts.caption(figure)
    look_at(figure)
    box = written.get_window_extent()
    assert all(box.y1 <= one.get_tightbbox().y0 + 1 for one in figure.axes)
    assert 0 <= box.y0 < box.x1 <= figure.bbox.x1
    assert (figure.get_figheight() > without.get_figheight()) == isinstance(size, str)


@pytest.mark.parametrize("name", PAGES)
def test_a_caption_needs_room_below_a_figure(name):
    draw = partial(getattr(charts, name), sample(20), **PAGES[name])
    for figure in (Figure(), Figure(layout="constrained").subfigures()):
        with pytest.raises(lab.OptionError, match="a caption has room below a new figure"):
            draw(figure=figure, caption=True)
    with pytest.raises(lab.OptionError, match="caption is True or False"):
        draw(caption="below")


def test_what_is_said_of_a_decision_is_said_of_one_picture():
    assert charts.caption(voted(24, "page")).startswith(
        "Decision 0-1. 25 votes; bar: confidence (0-1). 1 source. Argument"
    )
    pyplot.close("all")


@pytest.fixture(scope="module")
def half_known():
    """Decisions of five groups, of one of which nothing is known."""
    read = lab.with_outcomes(sample(300), lab.history.sample_folder() / "outcomes.csv")
    unknown = (read.decisions["meta.category"] == "incident").to_numpy()
    read.decisions.loc[unknown, ["confidence", "correct_choice"]] = np.nan
    votes, ids = read.votes, read.decisions["stream_id"][unknown]
    lost = votes["stream_id"].isin(ids)
    return SimpleNamespace(decisions=read.decisions, votes=votes[~lost])


@pytest.mark.parametrize(
    "name", telling(["confidence", "margin", "confidence_over_time", "reliability"], "confidence")
)
def test_of_a_group_without_figures_it_is_said_that_there_are_none(name, half_known):
    ax = getattr(charts, name)(half_known, by="meta.category", ax=Figure((6.5, 4)).subplots())
    parts = [ax, *ax.child_axes]
    words = [text.get_text() for part in parts for text in part.texts]
    assert words.count("nothing known") == 1
    titles = [part.get_title(loc="left") for part in parts]
    assert not [text for text in [*words, *titles] if re.search(r"\bnan\b", text)]


@pytest.fixture(scope="module")
def apart():
    """Two panels that have neither choices, voters nor sources in common; one has no majority."""
    said = {"north": [("Ada", "yes"), ("Bo", "yes"), ("Cy", "yes")], "south": [("Di", "no"), ("Ed", "later")]}
    payloads = [
        {
            "decision": {
                "recommendation": votes[0][1],
                "confidence": 0.5,
                "votes": [{"voter": voter, "choice": choice} for voter, choice in votes],
                "citations": [{"source": f"the {panel} gazette"}],
            },
            "meta": {"panel": panel},
        }
        for panel, votes in said.items()
        for _ in range(4)
    ]
    read = lab.read(list(map(json.dumps, payloads)))
    read.decisions["correct_choice"] = read.decisions["recommendation"]
    return read


MEANINGS = {
    "agreement": "alpha unknown, as where all choose alike",
    "citations": "not cited",
    "pivotal": "no vote",
    "rules": "nothing decided",
    "voters": "no such vote",
    "votes": "no such vote",
}


@pytest.mark.parametrize("name", telling([*MEANINGS], "rules"))
@pytest.mark.further
def test_where_there_is_no_dot_the_caption_says_what_that_means(name, apart):
    chart = getattr(charts, name)
    assert f"No dot: {MEANINGS[name]}." in charts.caption(
        chart(apart, by="meta.panel", ax=Figure().subplots())
    )
    south = apart.where(apart.decisions["meta.panel"] == "south")
    assert "No dot" not in charts.caption(chart(south, ax=Figure().subplots()))


def test_an_interval_that_has_no_end_on_a_scale_of_logarithms_is_told():
    said = [{"decision": SAID, "meta": {"timings": {"total_s": one}}} for one in (1, 1.1, 0.9, 20)]
    seconds = [json.dumps(one) for one in said]
    ended = "An interval that goes to 0 or below ends at the left edge."
    assert ended in charts.caption(charts.timing(lab.read(seconds), ax=Figure().subplots()))
    assert ended not in charts.caption(charts.timing(lab.read(seconds[:3]), ax=Figure().subplots()))


@pytest.mark.further
def test_times_that_find_no_room_are_counted():
    said = {"decision": SAID, "meta": {"timings": {f"step {k}": 2 + k for k in range(30)}}}
    read = lab.read([json.dumps(said)] * 3)
    assert "The 12 largest of 30 are drawn." in charts.caption(charts.timing(read))
    assert re.search(
        r"The \d largest of 30 are drawn\.", charts.caption(charts.timing(read, figsize="slide"))
    )
    assert "are drawn" not in charts.caption(charts.timing(lab.sample(last=20)))
    pyplot.close("all")


def test_a_chart_of_nothing_says_what_was_left_out():
    read = sample(20)
    read.decisions["confidence"] = np.nan
    ax = charts.confidence(read, ax=Figure().subplots())
    assert ax.texts[0].get_text() == "no decisions, 20 without confidence left out"


@pytest.mark.further
def test_a_slide_has_as_many_changes_as_find_room():
    frame = decisions([f"prompts/2026/arbiter-of-the-second-panel-{k}" for k in range(28)], each=20)
    ax = charts.regimes(frame, watch="meta.version", figsize="slide")
    look_at(ax.figure)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(labels) >= 5
    assert labels[-1].endswith("(n = 20 | 20)")
    (strip,) = ax.child_axes
    assert len(strip.texts) >= 3
    pyplot.close(ax.figure)


def test_a_sentence_without_spaces_is_broken_and_not_cut():
    text = clean("委员会建议推迟到明年再做决定" * 3, 100)
    lines = wrapped(text, 12, most=9)
    assert len("".join(lines)) == len(text)
    assert max(map(text_width, lines)) <= 12


def test_a_word_that_fits_is_not_broken():
    assert wrapped("one two three", 3) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("start", "days", "width", "dates", "beside"),
    [
        ("2026-03-02 09:00", 28, 1.2, ["Mar", "15"], "2026-Mar"),
        ("2026-03-02 09:00", 20, 1.2, ["Mar-15"], "2026"),
        ("2026-10-28", 20, 3.0, ["29", "Nov", "05", "09", "13", "17"], "2026"),
        ("2026-12-26", 9, 2.0, ["27", "29", "31", "Jan", "03"], "2026 to 2027"),
        ("2026-03-02 09:00", 1, 2.0, ["12:00", "18:00", "Mar-03", "06:00"], "2026-Mar"),
        ("2026-03-02 09:00", 0.1, 1.2, ["09:00", "10:00", "11:00"], "2026-Mar-02"),
    ],
)
def test_what_stands_beside_dates_holds_for_all_of_them(start, days, width, dates, beside):
    ax = Figure((2 * width, 2)).add_axes((0.25, 0.2, 0.5, 0.6))
    first = np.datetime64(start, "us")
    ax.plot([first, first + np.timedelta64(int(days * 86_400), "s")], [0, 1])
    date_axis(ax)
    ax.figure.draw_without_rendering()
    assert [label.get_text() for label in ax.get_xticklabels()] == dates
    assert ax.xaxis.get_offset_text().get_text() == beside


@pytest.mark.further
def test_a_claim_in_a_column_is_written_on_several_lines_rather_than_cut():
    tree = {"claim": SENTENCES[0], "author": MAKERS[0], "children": [{"claim": SENTENCES[1]}] * 6}
    one = told(argument_tree=tree)
    ax = charts.argument_tree(one, "0-1", figsize="column")
    figure = charts.decision(one, "0-1", figsize="column")
    for drawn in (ax, figure.axes[-1]):
        look_at(drawn.get_figure(root=True))
        said = [" ".join(text.get_text().split()) for text in drawn.texts]
        assert said[0].startswith(SENTENCES[0])
        assert said[1:] == [SENTENCES[1]] * 6
    pyplot.close("all")


@pytest.mark.parametrize("name", telling(["argument_tree", "decision"], "decision"))
def test_no_claim_of_a_large_tree_is_small_on_a_slide(name):
    tree = {"claim": "go", "children": [{"claim": "a claim", "strength": 0.5}] * 59}
    drawn = getattr(charts, name)(told(argument_tree=tree), "0-1", figsize="slide").figure
    look_at(drawn)
    least = 11 if name == "argument_tree" else 7
    assert min(text.get_fontsize() for ax in drawn.axes for text in ax.texts) > least
    pyplot.close(drawn)
