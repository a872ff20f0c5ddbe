"""What is seen at once on a picture: words over words, marks that are cut, boxes with nothing in them."""

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
from mastermind_lab.charts.drawing.dots import limits
from mastermind_lab.charts.drawing.text import clean, text_width, wrapped

pytestmark = [
    pytest.mark.once,
    pytest.mark.filterwarnings("ignore::mastermind_lab.errors.MissingFontWarning"),
]

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


def test_bars_of_confidence_do_not_touch_the_sources():
    figure = charts.decision(sample(20), sample(20).decisions["stream_id"].iloc[3], figsize="slide")
    figure.draw_without_rendering()
    votes, sources = figure.axes[1:3]
    right = max(patch.get_window_extent().x1 for patch in votes.patches)
    assert min(box(text).x0 for text in sources.texts) - right > 8 / 72 * figure.dpi
    pyplot.close(figure)


def test_an_overview_of_one_decision_is_what_one_decision_can_say():
    figure = charts.overview(history(1), figure=Figure(figsize=(6.5, 4)))
    assert [ax.get_title(loc="left").split("\n")[0] for ax in figure.axes] == ["Confidence", "Votes"]
    one, two = (charts.overview(history(n), width=3.3) for n in (1, 2))
    assert one.get_figheight() < two.get_figheight() / 2
    pyplot.close("all")


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
