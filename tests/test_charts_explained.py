"""What is counted beside a picture adds up, what is drawn is explained, and names are cut once."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from histories import OUTCOMES, sample
from matplotlib import pyplot
from test_charts_sizes import MAKERS, look_at

import mastermind_lab as lab
from mastermind_lab import charts, stats

pytestmark = pytest.mark.once


def asked_again(groups):
    """Two questions, asked twice of each group, whose answers differ; and a question of its own."""
    asked = [
        (f"group {k}", question) for k in range(groups) for question in ("one", "one", "two", "two", f"{k}")
    ]
    return lab.read(
        [
            json.dumps(
                {
                    "decision": {"question": question, "recommendation": group, "confidence": 0.5},
                    "meta": {"group": group},
                }
            )
            for group, question in asked
        ]
    )


@pytest.mark.parametrize("most", [2, 4, 30])
def test_askings_of_groups_that_are_one_are_not_compared(most):
    table = stats.Stability.of(asked_again(9), by="meta.group").lump(most).lump(max(2, most - 1)).table()
    assert table[["n", "questions", "again"]].sum().tolist() == [45, 27, 18]
    assert (table["flip"] == 0).all()


def test_the_n_of_stability_is_that_of_every_size():
    read, found = asked_again(30), set()
    for size in ("column", "slide", (4, 2)):
        ax = charts.stability(read, by="meta.group", figsize=size)
        found.add(ax.get_title(loc="left").split("\n")[1])
        pyplot.close(ax.figure)
    assert found == {"n = 60 questions asked again"}


@pytest.mark.further
def test_groups_of_pivotal_votes_are_counted_as_the_title_counts():
    read = sample(200)
    ax = charts.pivotal(read, by="meta.model", figsize="page")
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    models = read.decisions["meta.model"].value_counts()
    assert named == [f"{model} (n = {models[model]})" for model in sorted(models.index)]
    assert ax.get_title(loc="left").endswith("n = 200 decisions")
    pyplot.close(ax.figure)


def test_rules_keep_their_order_where_a_group_has_none():
    read = lab.with_outcomes(sample(300), OUTCOMES)
    first = sorted(read.decisions["meta.model"].unique())[0]
    of_first = read.decisions["stream_id"][read.decisions["meta.model"] == first]
    split = read.votes["stream_id"].isin(of_first)
    read.votes.loc[split, "choice"] = read.votes.loc[split, "voter"]  # nobody agrees: no majority
    ax = charts.rules(read, by="meta.model")
    rows = [label.get_text() for label in ax.get_yticklabels()]
    assert rows[:4] == ["plurality", "majority", "two-thirds", "unanimity"]
    pyplot.close(ax.figure)


@pytest.mark.parametrize("size", ["column", "page"])
@pytest.mark.further
def test_the_best_voter_is_named_once_cut(size):
    envelopes = [
        {
            "decision": {
                "recommendation": "b", "confidence": 0.5,
                "votes": [{"voter": name, "choice": "a" if name == MAKERS[0] else "b"} for name in MAKERS],
            }
        }
        for _ in range(20)
    ]  # fmt: skip
    read = lab.read(map(json.dumps, envelopes))
    read.decisions["correct_choice"] = "a"
    ax = charts.rules(read, figsize=size)
    [best] = [label.get_text() for label in ax.get_yticklabels() if label.get_text().startswith("best")]
    assert len(re.findall("\N{HORIZONTAL ELLIPSIS}|\\.\\.", best)) <= 1
    assert f"best voter: {MAKERS[0]}" in charts.caption(ax).replace("Best", "best")
    look_at(ax.figure)
    pyplot.close(ax.figure)


def test_what_stands_at_the_right_of_changes_has_its_title_above_the_first():
    ax = charts.regimes(sample(), watch="meta.model", figsize="page")
    ax.figure.draw_without_rendering()
    figure, title = (one.get_window_extent() for one in ax.texts[-2:])
    [strip] = ax.child_axes
    assert figure.y1 < title.y0 < title.y1 < strip.bbox.y0
    assert "at the right: before and after a change" in charts.caption(ax)
    pyplot.close(ax.figure)


def test_a_caption_calls_marks_as_the_legend_does():
    ax = charts.voters(sample(60))
    dot, ring = (text.get_text() for text in ax.get_legend().get_texts())
    assert f"Dot: {dot}; ring: {ring}." in charts.caption(ax)
    pyplot.close(ax.figure)


def test_the_counts_below_a_reliability_diagram_are_explained():
    ax = charts.reliability(lab.with_outcomes(sample(60), OUTCOMES))
    assert "Below: how often each confidence occurs." in charts.caption(ax)
    pyplot.close(ax.figure)


def few_changes():
    """A change, on either side of which many decisions have a margin, and one a confidence."""
    read = sample(200)
    read.decisions["kind"] = ["a"] * 100 + ["b"] * 100
    read.decisions.loc[1:198, "confidence"] = np.nan
    return read


def few_spreads():
    """Questions asked twice, half of whose answers differ, of which one has confidences."""
    question = np.repeat([f"q{place}" for place in range(30)], 2)
    said = {"recommendation": ["a", "b", "a", "a"] * 15, "confidence": [0.2, 0.8, *[np.nan] * 58]}
    ids = [f"{row}-0" for row in range(1, 61)]
    texts = {"stream_id": "str", "question": "str", "recommendation": "str"}
    return pd.DataFrame({"stream_id": ids, "question": question, **said}).astype(texts)


@pytest.mark.parametrize(
    ("chart", "count", "figures"),
    [
        (charts.conformity, lambda: stats.Conformity.of(sample(300)), ["unanimous", "expected", "hollow"]),
        (charts.stability, lambda: stats.Stability.of(few_spreads()), ["flip", "unstable", "spread"]),
        (
            charts.regimes,
            lambda: stats.Regimes.of(few_changes(), watch="kind"),
            ["confidence_difference", "margin_difference"],
        ),
    ],
    ids=["conformity", "stability", "regimes"],
)
def test_the_methods_of_all_intervals_that_are_drawn_are_said(chart, count, figures):
    summary = count()
    table = summary.table()
    ways = [{part for one in table[f"{figure}_method"] for part in one.split(", ")} for figure in figures]
    assert any(one != ways[0] for one in ways)
    ax = chart(summary)
    [said] = re.findall(r"95% interval \((.*?)\)", charts.caption(ax).rpartition("Line")[2])
    assert {*said.split(", ")} == set.union(*ways) - {"none"}
    pyplot.close(ax.figure)
