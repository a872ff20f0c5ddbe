"""Texts that are compared: blank ones are missing, those that match nothing are said."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from histories import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from pictures import caption

import mastermind_lab as lab
from mastermind_lab import charts, stats
from mastermind_lab.stats.engine.input import are_blank
from mastermind_lab.stats.engine.summary import texts_of
from mastermind_lab.stats.engine.vocabulary import COMPARED, MOST, Vocabulary

pytestmark = pytest.mark.once

BLANK = ["", " ", "<p></p>", "\n\t ", "\u00a0", " <div><br/>&nbsp;\u00a0</div>\n"]


def history(choices, said, right=None, voters="abc", **columns):
    """Decisions, in each of which all voters choose the same."""
    n = len(said)
    ids = [f"17{place:05d}-0" for place in range(n)]
    decisions = pd.DataFrame({"stream_id": ids, "recommendation": said, **columns})
    decisions["confidence"] = np.linspace(0.2, 0.9, n)
    decisions[["n_citations", "n_arguments"]] = 0
    decisions["correct_choice"] = said if right is None else right
    votes = pd.DataFrame(
        {
            "stream_id": np.repeat(ids, len(voters)),
            "voter": [*voters] * n,
            "choice": np.repeat(np.array(choices, dtype=object), len(voters)),
            "confidence": 0.5,
        }
    )
    texts = {"recommendation", "correct_choice", *columns}
    return SimpleNamespace(decisions=decisions.astype(dict.fromkeys(texts, "str")), votes=votes)


# Blank texts.


@pytest.mark.parametrize(
    ("blank", "kind"),
    [*((blank, "str") for blank in BLANK), (" ", "object"), ("<p> </p>", "object"), ("", "category")],
)
def test_a_blank_text_is_a_missing_one(blank, kind):
    some = history(["yes", blank, "no", "no"], ["yes", "yes", blank, "no"], ["yes", "no", "no", blank])
    some.votes["choice"] = some.votes["choice"].astype(kind)
    for name in ("recommendation", "correct_choice"):
        some.decisions[name] = some.decisions[name].astype(kind)
    rows = stats.Margin.decisions(some)
    assert rows["votes"].tolist() == [3, 0, 3, 3]
    assert rows["follows"].isna().tolist() == [False, True, True, False]
    assert stats.Rules.of(some).actual.n == 1
    assert stats.Voters.of(some).table()["n_with_outcome"].tolist() == [2, 2, 2]
    assert stats.Calibration.of(some).table()["without_outcome"].tolist() == [1]
    assert stats.Stability.questions(some.decisions.assign(question="q"))["askings"].tolist() == [3]


@pytest.mark.parametrize("blank", BLANK[::2])
def test_blank_questions_are_no_question_asked_again(blank):
    some = history(["yes"] * 40, ["yes"] * 40, question=[blank] * 30 + ["<p>a</p>"] * 2 + [*"abcdefgh"])
    summary = stats.Stability.of(some)
    assert summary.table()[["n", "again", "missing"]].values.tolist() == [[10, 1, 30]]
    assert stats.Margin.of(some, cluster="question").table()["clusters"].tolist() == [39]
    assert len(stats.Margin.of(some, by="question").table()) == 10
    assert not stats.Margin.of(some).notes


@pytest.mark.parametrize("blank", BLANK[::3])
def test_a_blank_voter_or_source_is_none(blank):
    some = history(["yes"] * 3, ["yes"] * 3, voters=["Ada", blank, blank])
    assert stats.Votes.of(some).table()["n"].tolist() == [3]
    assert stats.Agreement.of(some).repeated == 0
    cited = pd.DataFrame({"stream_id": ["17-0", "17-0"], "source": ["example.org", blank]})
    assert stats.Citations.decisions(cited)["citations"].tolist() == [1]


def test_blank_texts_are_found_among_many_as_among_few():
    others = ["a", " 1", "<b>a</b>", "<script>", "1 < 2", "\u00e9", "&", "&amp;", "-", None]
    few = pd.Series([*BLANK, "&nbsp;<br/>", "\u2003", "<i>\u2003</i>", *others], dtype="str")
    blank = [*[True] * (len(few) - len(others)), *[False] * len(others)]
    assert are_blank(few).tolist() == blank
    assert are_blank(pd.concat([few] * 60)).tolist() == blank * 60


def test_a_blank_outcome_is_none():
    some = sample(last=2)
    known = some.decisions[["correlation_id"]].assign(truth=[" ", "fund"])
    joined = lab.with_outcomes(some, known, correct="truth")
    assert joined.decisions["correct_choice"].isna().tolist() == [True, False]
    assert "1 without id or choice" in joined.coverage["note"].iloc[0]


# What matches nothing.

VOCABULARIES = [
    ("yes", "YES ", True),
    ("1", "1.0", True),
    ("true", "True", True),
    ("yes", "\u201cYes.\u201d", True),
    ("7", "007", True),
    ("yes", "approve", False),
    ("1", "10", False),
    ("yes", "<b>yes</b>", False),
]


@pytest.mark.parametrize(("voted", "said", "near"), VOCABULARIES)
def test_recommendations_of_another_vocabulary_are_said(voted, said, near):
    some = history([voted, voted, "else"], [said, said, "else"], right=["else"] * 3)
    for summary in (stats.Margin.of(some), stats.Rules.of(some)):
        assert summary.unmatched().fillna("").values.tolist() == [
            ["recommendation", said, 2, voted if near else ""]
        ]
        like = f" ({said!r} where choices say {voted!r})" if near else ""
        assert f"2 recommendations match no choice{like}" in summary.notes
        assert f"2 recommendations match no choice{like}" in repr(summary)


@pytest.mark.parametrize(("voted", "right", "near"), VOCABULARIES[1::2])
def test_outcomes_of_another_vocabulary_are_said(voted, right, near):
    some = history([voted, "else"], [voted, "else"], right=[right, "else"])
    like = " ({!r} where {}s say {!r})"
    for summary, known in [
        (stats.Voters.of(some), "choice"),
        (stats.Rules.of(some), "choice"),
        (stats.Calibration.of(some, unit="voters"), "choice"),
        (stats.Calibration.of(some), "recommendation"),
    ]:
        named = like.format(right, known, voted) if near else ""
        assert summary.notes == (f"1 outcomes match no {known}{named}",)
    known = some.decisions.drop(columns="correct_choice").assign(id=["a", "b"])
    joined = lab.from_votes(
        known[["id"]].assign(voter="Ada", choice=[voted, "else"]),
        decision="id",
        voter="voter",
        choice="choice",
    )
    note = (
        lab.with_outcomes(joined, known[["id"]].assign(correct_choice=[right, "else"]), on="id")
        .coverage["note"]
        .iloc[0]
    )
    assert "choices that were never voted for: 1" in note
    assert ("see normalize=" in note) == near


def test_near_equal_spellings_of_what_is_compared_are_named():
    some = history(["yes", "YES", "yes ", "no"], ["yes", "YES", "yes", "no"], question=["q"] * 4)
    for kind in (stats.Agreement, stats.Conformity, stats.Pivotal, stats.Votes):
        assert "taken for different: 'yes' and 'YES', 'yes ' and 'YES'" in kind.of(some).notes
    assert stats.Stability.of(some).notes == ("taken for different: 'yes' and 'YES'",)
    assert stats.Timing.of(some.decisions.assign(published_at=pd.NaT)).unmatched().empty


@pytest.mark.further
def test_nothing_is_said_of_what_matches():
    some = sample(last=300)
    for kind in (stats.Margin, stats.Rules, stats.Voters, stats.Agreement, stats.Stability):
        assert not any("match" in note or "different:" in note for note in kind.of(some).notes)
        assert kind.of(some).unmatched().empty
    alone = history(["yes"], ["no"]).decisions  # decisions alone: there are no votes to compare with
    assert stats.Stability.of(alone.assign(question="q")).unmatched().empty


def test_strange_spellings_are_drawn_and_shown_harmlessly():
    some = history(["\u8d5e\u6210", "$x$"], ["\u8d5e\u6210 ", "$X\x1b[31m"])
    assert "\x1b" not in repr(stats.Margin.of(some))
    ax = charts.margin(some)
    ax.figure.canvas.draw()
    assert "2 recommendations match no choice" in caption(ax)


@given(st.lists(st.tuples(*[st.sampled_from(["yes", "Yes", "1", "1.0", "no"])] * 3)), st.randoms())
@settings(max_examples=8, deadline=None)
def test_what_matches_nothing_adds_up(rows, random):
    rows = pd.DataFrame(rows, columns=COMPARED).astype("str").assign(part=lambda rows: rows.index % 3)
    parts = [Vocabulary.of(rows[rows["part"] == part], COMPARED) for part in range(3)]
    random.shuffle(parts)
    total, whole = (parts[0] + parts[1]) + parts[2], Vocabulary.of(rows, COMPARED)
    assert_frame_equal(total.unmatched(), whole.unmatched())
    assert [*total.notes()] == [*whole.notes()]


def test_of_very_many_texts_some_are_looked_at_the_same_in_any_split():
    said = [f"text {place}" for place in range(2 * MOST)]
    some = history(["yes"] * len(said), said, voters="a")
    whole = stats.Margin.of(some, replicates=40)
    assert re.match(r"at least (999|1,000) recommendations match no choice", whole.notes[0])
    parts = [
        stats.Margin.of(
            SimpleNamespace(decisions=some.decisions[rows], votes=some.votes[rows]), replicates=40
        )
        for rows in (slice(1_500, None), slice(None, 700), slice(700, 1_500))
    ]
    assert_frame_equal(sum(parts).unmatched(), whole.unmatched())


# Labels.

ALIKE = [["1", " 1"], ["(missing)", None], ["a", "a\n"], ['"(missing)"', "(missing)", None],
         ["2 others", "x", "y", "z", "w"]]  # fmt: skip


@pytest.mark.parametrize("values", ALIKE)
def test_groups_that_would_be_drawn_alike_stay_apart(values):
    some = history(["yes"] * 40, ["yes"] * 40, group=(values * 40)[:40]).decisions
    table = stats.Confidence.of(some, by="group").table()
    lumped = stats.Confidence.of(some, by="group").lump(4).table()
    assert lumped["n"].sum() == table["n"].sum()
    assert len(lumped) == min(len(table), 4)
    ax = charts.confidence(some, by="group")
    drawn = [text.get_text().splitlines()[0] for text in ax.get_yticklabels()]
    assert len({label.strip() for label in drawn}) == len(table)


parts = st.sampled_from([None, "", "a", "b", " \u00b7 ", "a \u00b7 b", "\u00b7", '"a"', "(missing)"])


@given(st.lists(st.tuples(parts, parts), unique=True, max_size=8))
@settings(max_examples=25, deadline=None)
def test_different_groups_have_different_words(rows):
    keys = pd.DataFrame(rows, columns=["one", "two"]).astype("str")
    assert texts_of(keys).nunique() == len(keys)
