import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from panels import part, without_outcomes
from pictures import caption, intervals
from telling import telling
from voting import votes_of

from mastermind_lab.charts.voters import voters as chart
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import Margin
from mastermind_lab.stats.pivotal import Pivotal
from mastermind_lab.stats.voters import Voters

pytestmark = pytest.mark.once

ENDS = ("dissent", "pivotal", "confidence", "accuracy", "brier", "overconfidence", "lone_right")


def panels(n, seed=0, size=7):
    """Panels of none to some; some confidences and outcomes are not known."""
    random = np.random.default_rng(seed)
    ids = [f"{17_000 + place}-0" for place in range(n)]
    truth, rows = random.integers(0, 3, n), []
    for place in range(n):
        for who in random.choice(8, random.integers(0, size + 1), replace=False):
            choice = truth[place] if random.random() < 0.5 + 0.05 * who else random.integers(0, 3)
            sure = np.nan if random.random() < 0.1 else random.random().__round__(2)
            rows.append((ids[place], f"agent-{who}", "abc"[choice], sure))
    votes = pd.DataFrame(rows, columns=["stream_id", "voter", "choice", "confidence"])
    texts = np.array(list("abc"), dtype=object)
    decisions = pd.DataFrame(
        {
            "stream_id": pd.Series(ids, dtype="str"),
            "recommendation": pd.Series(texts[truth], dtype="str"),
            "topic": pd.Series(random.choice(np.array(["x", "y", None], dtype=object), n), dtype="str"),
            "correct_choice": pd.Series(np.where(random.random(n) < 0.8, texts[truth], None), dtype="str"),
        }
    )
    types = {"stream_id": "str", "voter": "str", "choice": "str", "confidence": "float64"}
    return SimpleNamespace(decisions=decisions, votes=votes.astype(types))


def tiny(texts, truth=None, confidence=0.8):
    """A text a decision; each voter is a place in it."""
    votes = votes_of(texts).assign(confidence=confidence)
    decisions = pd.DataFrame({"stream_id": [f"{row}-0" for row in range(len(texts))]})
    if truth is not None:
        decisions["correct_choice"] = list(truth)
    return SimpleNamespace(decisions=decisions, votes=votes)


# The numbers.


@pytest.mark.further
def test_each_voter_agrees_with_pandas_and_scikit_learn():
    from sklearn.metrics import accuracy_score, brier_score_loss

    history = panels(700)
    margins = Margin.decisions(SimpleNamespace(**vars(history))).set_index("stream_id")
    truth = history.decisions.set_index("stream_id")["correct_choice"]
    pivotal = Pivotal.of(history).table().query("rule == 'plurality'").set_index("voter")["pivotal"]
    table = Voters.of(history).table().set_index("voter")
    for voter, rows in history.votes.groupby("voter"):
        row = table.loc[voter]
        winner = rows["stream_id"].map(margins["winner"])
        decided = winner.notna()
        against = (rows["choice"] != winner) & decided
        lone = against & rows["stream_id"].map(margins["dissenters"]).eq(1)
        actual = rows["stream_id"].map(truth)
        known, sure = actual.notna(), rows["confidence"].notna()
        right = rows["choice"] == actual
        both = known & sure
        assert (row["n"], row["n_with_winner"], row["n_with_confidence"], row["n_with_outcome"]) == (
            len(rows),
            decided.sum(),
            sure.sum(),
            known.sum(),
        )
        assert (row["n_with_both"], row["n_lone"], row["n_lone_with_outcome"]) == (
            both.sum(),
            lone.sum(),
            (lone & known).sum(),
        )
        assert row["dissent"] == pytest.approx(against.sum() / decided.sum())
        assert row["pivotal"] == pytest.approx(pivotal[voter])
        assert row["confidence"] == pytest.approx(rows["confidence"].mean())
        assert row["accuracy"] == pytest.approx(accuracy_score(actual[known], rows["choice"][known]))
        assert row["brier"] == pytest.approx(brier_score_loss(right[both], rows["confidence"][both]))
        assert row["overconfidence"] == pytest.approx((rows["confidence"] - right)[both].mean())
        assert row["lone_right"] == pytest.approx(right[lone & known].mean())
        for name in ENDS:
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    overall = Voters.of(history).lone_right
    assert overall.n == table["n_lone_with_outcome"].sum()
    assert overall.value == pytest.approx(
        (table["lone_right"] * table["n_lone_with_outcome"]).sum() / overall.n
    )


def test_panels_worked_by_hand():
    history = tiny(["aab", "abb", "ab", "aaa", "aabbb"], truth="bbaab", confidence=0.8)
    table = Voters.of(history).table().set_index("voter")
    assert table["n"].tolist() == [5, 5, 4, 1, 1]
    assert table["n_with_winner"].tolist() == [4, 4, 4, 1, 1]
    # v0: a lone dissenter in abb, and one of two in aabbb. v2: a lone one in aab, who was right.
    assert (table["dissent"] * table["n_with_winner"]).tolist() == [2, 1, 1, 0, 0]
    assert table["n_lone"].tolist() == [1, 0, 1, 0, 0]
    assert table["lone_right"].fillna(-1).tolist() == [0, -1, 1, -1, -1]
    assert (table["accuracy"] * table["n_with_outcome"]).round(9).tolist() == [2, 2, 4, 1, 1]
    assert table.loc["v0", "brier"] == pytest.approx((2 * 0.2**2 + 3 * 0.8**2) / 5)
    assert table.loc["v0", "overconfidence"] == pytest.approx(0.8 - 2 / 5)
    assert Voters.of(history).lone_right.value == 0.5


def test_groups_are_counted_by_themselves():
    history = panels(150)
    table = Voters.of(history, by="topic").table()
    assert set(table["topic"].dropna()) == {"x", "y"}
    for topic, rows in table.groupby("topic"):
        alone = Voters.of(part(history, history.decisions["topic"] == topic)).table()
        assert_frame_equal(rows.drop(columns="topic").reset_index(drop=True), alone)


def test_who_votes_twice_is_said():
    history = tiny(["aab", "abb"])
    history.votes = pd.concat(
        [history.votes, history.votes.iloc[[0]], history.votes.iloc[[3]].assign(choice="b")]
    )
    summary = Voters.of(history)
    table = summary.table().set_index("voter")
    assert summary.repeated == 2
    assert table["repeated"].tolist() == [2, 0, 0]
    assert table["n"].tolist() == [1, 2, 2]
    only = tiny(["a"])
    only.votes = pd.concat([only.votes, only.votes.assign(choice="b")])
    assert Voters.of(only).table()[["n", "repeated"]].to_numpy().tolist() == [[0, 1]]


def test_without_outcomes_or_confidence_nothing_is_judged():
    history = panels(60)
    outcome = ["n_with_outcome", "n_with_both", "n_lone_with_outcome"]
    figures = ["accuracy", "brier", "overconfidence", "lone_right"]
    bare = [
        history.votes,
        without_outcomes(history),
    ]
    nothing = history.decisions.assign(correct_choice=pd.Series([None] * 60, dtype="str"))
    for data in (*bare, SimpleNamespace(votes=history.votes, decisions=nothing)):
        table = Voters.of(data).table()
        assert table[outcome].eq(0).all(axis=None)
        assert table[figures].isna().all(axis=None)
        assert table["dissent"].notna().all()
    quiet = SimpleNamespace(votes=history.votes.drop(columns="confidence"), decisions=history.decisions)
    table = Voters.of(quiet).table()
    assert table["n_with_confidence"].eq(0).all()
    assert table[["confidence", "brier"]].isna().all(axis=None)
    assert table["accuracy"].notna().all()


def test_few_observations_say_so():
    one = Voters.of(tiny(["aab"], truth="a")).table()
    ends = [f"{name}_{end}" for name in ENDS for end in ("low", "high")]
    assert one[ends].isna().all(axis=None)
    always = Voters.of(tiny(["aa"] * 20, truth="a" * 20, confidence=1.0)).table().iloc[0]
    assert (always["accuracy"], always["accuracy_high"]) == (1, 1)
    assert always["accuracy_low"] == pytest.approx(0.025 ** (1 / 20))
    assert always["brier_high"] == pytest.approx(1 - 0.025 ** (1 / 20))


# What does not matter.


@pytest.mark.thorough
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_twins_are_alike_and_never_alone(seed):
    history = panels(40, seed)
    twin = history.votes.assign(voter="twin of " + history.votes["voter"])
    both = SimpleNamespace(decisions=history.decisions, votes=pd.concat([history.votes, twin]))
    table = Voters.of(both, replicates=40).table()
    half = len(table) // 2
    first, second = (
        table.iloc[some].drop(columns="voter").reset_index(drop=True)
        for some in (slice(half), slice(half, None))
    )
    assert_frame_equal(first, second)
    assert table["n_lone"].eq(0).all()
    once = Voters.of(history, replicates=40).table()
    assert first["dissent"].tolist() == pytest.approx(once["dissent"].tolist(), nan_ok=True)
    assert first["brier"].tolist() == pytest.approx(once["brier"].tolist(), nan_ok=True)


# What the intervals are worth.


@pytest.mark.thorough
def test_intervals_of_accuracy_brier_and_overconfidence_cover_them():
    random, runs, n = np.random.default_rng(5), 1_000, 80
    ids = np.array([f"5-{place}" for place in range(runs * n)], dtype=object)
    sure = random.choice([0.6, 0.7, 0.9], runs * n)
    right = random.random(runs * n) < sure - 0.1
    votes = pd.DataFrame(
        {"stream_id": ids, "voter": "v", "choice": np.where(right, "a", "b"), "confidence": sure}
    )
    decisions = pd.DataFrame({"stream_id": ids, "correct_choice": "a", "run": np.arange(runs * n) // n})
    table = Voters.of(SimpleNamespace(decisions=decisions, votes=votes), by="run").table()
    levels = np.array([0.6, 0.7, 0.9])
    truth = {
        "accuracy": (levels - 0.1).mean(),
        "overconfidence": 0.1,
        "brier": ((levels - 0.1) * (1 - levels) ** 2 + (1.1 - levels) * levels**2).mean(),
    }
    for name, value in truth.items():
        inside = table[f"{name}_low"].le(value) & table[f"{name}_high"].ge(value)
        assert 0.93 <= inside.mean() <= 0.97, name


# What cannot be.


def test_what_is_missing_is_named():
    history = panels(10)
    with pytest.raises(OptionError, match="no column voter: expected a history's votes frame"):
        Voters.of(history.votes.drop(columns="voter"))
    with pytest.raises(OptionError, match="did you mean 'topic'"):
        Voters.of(history, by="topik")
    with pytest.raises(OptionError, match="needs a history"):
        Voters.of(history.votes, by="topic")
    with pytest.raises(OptionError, match="'voter'"):
        Voters.of(history, by="voter")
    with pytest.raises(OptionError, match="from 0 to 1"):
        Voters.of(history.votes.assign(confidence=85.0))


# The chart.


@pytest.mark.parametrize("outcomes", [True, False])
def test_the_chart_is_the_table(ax, outcomes):
    summary = Voters.of(panels(200) if outcomes else without_outcomes(panels(200)))
    chart(summary, ax=ax)
    figure, ring, n = (
        ("accuracy", "sure", "n_with_outcome") if outcomes else ("dissent", "pivotal", "n_with_winner")
    )
    rows = summary.table().sort_values([f"{figure}_low", figure], ascending=False, kind="stable")
    rows["sure"] = rows["accuracy"] + rows["overconfidence"]
    rings, dots = ax.lines
    assert list(dots.get_xdata()) == rows[figure].tolist()
    assert list(rings.get_xdata()) == rows[ring].tolist()
    assert intervals(ax) == list(zip(rows[f"{figure}_low"], rows[f"{figure}_high"], strict=True))
    assert [label.get_text() for label in ax.get_yticklabels()] == rows["voter"].tolist()
    assert [text.get_text() for text in ax.texts] == [*(f"{count}" for count in rows[n]), "n"]
    assert f"n = {rows[n].sum():,} votes" in " ".join(ax.get_title(loc="left").split())


def test_votes_in_ties_and_without_an_outcome_are_not_in_n(ax):
    history = tiny(["xxx ", "xxy ", "   z", *["xy  "] * 7], truth=["x", *[None] * 9])
    history.votes["confidence"] = np.nan
    chart(without_outcomes(history), ax=ax)
    assert ax.get_title(loc="left").endswith("n = 7 votes with a winner")
    assert [text.get_text() for text in ax.texts] == ["2", "2", "2", "1", "n"]
    assert "14 in ties left out." in caption(ax)
    assert "A ring is of all votes, ties too." in caption(ax)
    ax.clear()
    chart(history, ax=ax)
    assert "n = 3 votes with outcome. 18 without outcome left out." in caption(ax)
    assert "Who has no such vote is not drawn." in caption(ax)
    assert len(ax.get_yticklabels()) == 3


def test_where_all_votes_are_in_ties_nothing_is_known_of_dissent(ax):
    chart(tiny(["xy"] * 4), ax=ax)
    assert ax.texts[0].get_text() == "no votes with a winner, 8 in ties left out"
    ax.clear()
    chart(tiny([]), ax=ax)
    assert ax.texts[0].get_text() == "no votes"


def test_a_ring_is_of_the_votes_that_the_dot_is_of(ax):
    history = tiny(["x"] * 20, truth=["x"] * 6 + ["y"] * 4 + [None] * 10, confidence=[0.6] * 10 + [0.99] * 10)
    chart(history, ax=ax)
    rings, dots = ax.lines
    assert rings.get_xdata() == dots.get_xdata() == pytest.approx(0.6)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["share right", "mean confidence"]


def test_where_few_judged_votes_have_a_confidence_the_ring_says_so_and_is_seen(ax):
    history = tiny(["x"] * 20, truth=["x"] * 18 + ["y"] * 2, confidence=[np.nan] * 18 + [0.9] * 2)
    chart(history, ax=ax)
    rings, dots = ax.lines
    assert (dots.get_xdata(), rings.get_xdata()) == (pytest.approx(0.9), pytest.approx(1.8))
    assert ax.get_xlim()[1] > 1.8
    assert "ring: plus over-confidence. Over-confidence is that of 2 with a confidence." in caption(ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "share right",
        "plus over-confidence",
    ]


@pytest.mark.parametrize("by", [None, "topic"])
def test_where_no_voter_has_a_confidence_no_ring_is_drawn_or_told_of(ax, by):
    history = panels(60)
    history.votes["confidence"] = np.nan
    chart(history, by=by, ax=ax)
    assert ax.get_xlabel() == "share right (0-1)"
    assert "ring" not in ax.get_title(loc="left")
    assert not any(line.get_markerfacecolor() == "none" for line in ax.lines)


def test_those_with_most_votes_are_kept_apart_whatever_came_of_them():
    tied, decided = [f"{a}{b}" for a in "xy" for b in "xy" if a != b] * 3, ["  aab"] * 2
    table = Voters.of(tiny(tied + decided)).lump(voters=3).table()
    assert table["voter"].tolist() == ["v0", "v1", "3 others"]


def test_many_voters_are_folded(ax):
    votes = pd.concat(
        [
            panels(30, seed).votes.assign(voter=lambda rows, seed=seed: rows["voter"] + f" {seed}")
            for seed in range(6)
        ]
    )
    chart(votes, ax=ax)
    names = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    assert len(names) == 20
    assert "29 others" in names


@pytest.mark.parametrize("by", [None, "topic"])
@pytest.mark.parametrize("n", telling([0, 1, 2, 30], "0", "30"))
def test_it_draws_whatever_comes(ax, by, n):
    history = panels(n)
    history.votes["voter"] = "$\\foo$ \x00\n" + history.votes["voter"] * 500
    chart(history, by=by, ax=ax)
    ax.figure.draw_without_rendering()
    assert ax.get_title(loc="left").startswith("Voters")
    assert not math.isnan(ax.get_xlim()[0])
