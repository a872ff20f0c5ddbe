import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from panels import part
from telling import telling
from voting import RULES, votes_of, winner

from mastermind_lab.charts import caption
from mastermind_lab.charts.pivotal import pivotal as chart
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.pivotal import Pivotal

pytestmark = pytest.mark.once


def panels(n, seed=0, size=6):
    """Panels of none to six, often close."""
    random = np.random.default_rng(seed)
    ids = [f"{17_000 + place}-0" for place in range(n)]
    rows = [
        (
            one,
            f"agent-{who}",
            "aabcd"[random.integers(0, 5)],
            random.choice([0.1, 0.2, 0.3, np.nan]),
            random.choice([0, 0.5, 1, 2.0]),
        )
        for one in ids
        for who in random.choice(8, random.integers(0, size + 1), replace=False)
    ]
    votes = pd.DataFrame(rows, columns=["stream_id", "voter", "choice", "confidence", "weight"])
    types = {
        "stream_id": "str",
        "voter": "str",
        "choice": "str",
        "confidence": "float64",
        "weight": "float64",
    }
    topic = pd.Series(random.choice(np.array(["x", "y", None], dtype=object), n), dtype="str")
    decisions = pd.DataFrame({"stream_id": pd.Series(ids, dtype="str"), "topic": topic})
    return SimpleNamespace(decisions=decisions, votes=votes.astype(types))


# The numbers.


@pytest.mark.parametrize("seed", telling(range(3), "0"))
def test_each_vote_agrees_with_counting_again_without_it(seed):
    history = panels(60, seed)
    found = Pivotal.votes(history)
    assert found[["stream_id", "voter", "choice"]].equals(history.votes[["stream_id", "voter", "choice"]])
    seen = Counter()
    for _, votes in history.votes.groupby("stream_id"):
        rows, places = votes.to_dict("records"), votes.index
        for rule, (column, enough) in RULES.items():
            actual = winner(rows, column, enough)
            for number, place in enumerate(places):
                expected = winner(rows[:number] + rows[number + 1 :], column, enough) != actual
                assert found.loc[place, rule] == expected, (rule, votes, place)
                seen[rule, expected] += 1
    assert min(seen.values()) > 5
    assert len(seen) == 12


def test_panels_worked_by_hand():
    found = Pivotal.decisions(votes_of(["aab", "aaab", "ab", "aabb", "aabbc", "a", "abc", "aaa", "aaaab"]))
    assert found["votes"].tolist() == [3, 4, 2, 4, 5, 1, 3, 3, 5]
    # aab: without an a it is a tie. ab, aabb: without any vote a side wins. aabbc: c does not matter.
    assert found["plurality"].tolist() == [2, 0, 2, 4, 4, 1, 0, 0, 0]
    # aaab: without an a two of three are still more than a half.
    assert found["majority"].tolist() == [2, 0, 2, 4, 0, 1, 0, 0, 0]
    assert found["two-thirds"].tolist()[:2] == [2, 0]
    # Without the only other one all agree.
    assert found["unanimity"].tolist() == [1, 1, 2, 0, 0, 1, 0, 0, 1]


def test_the_tables_agree_with_the_votes():
    history = panels(200)
    votes, decisions = Pivotal.votes(history), Pivotal.decisions(history)
    table = Pivotal.of(history).table().set_index(["voter", "rule"])
    assert list(table.index.get_level_values("rule")[:6]) == list(RULES)
    for voter, rows in votes.groupby("voter"):
        for rule in RULES:
            row = table.loc[(voter, rule)]
            assert row["n"] == len(rows)
            assert row["pivotal"] == pytest.approx(rows[rule].mean())
            assert row["pivotal_low"] <= row["pivotal"] <= row["pivotal_high"]
    assert decisions["stream_id"].tolist() == history.decisions["stream_id"].tolist()
    voted = decisions[decisions["votes"] > 0]
    assert len(voted) < len(decisions)
    by_rule = Pivotal.of(history).by_rule().set_index("rule")
    for rule in RULES:
        assert by_rule.loc[rule, "n"] == len(voted)
        assert by_rule.loc[rule, "pivotal"] == pytest.approx((voted[rule] > 0).mean())
    assert Pivotal.of(history).share.value == by_rule.loc["plurality", "pivotal"]


def test_groups_are_counted_by_themselves():
    history = panels(150)
    table = Pivotal.of(history, by="topic").table()
    assert set(table["topic"].dropna()) == {"x", "y"}
    for topic, rows in table.groupby("topic"):
        alone = Pivotal.of(part(history, history.decisions["topic"] == topic)).table()
        assert_frame_equal(rows.drop(columns="topic").reset_index(drop=True), alone)


def test_who_votes_twice_is_counted_once_or_not_at_all():
    votes = votes_of(["aab", "abb"])
    again = pd.concat([votes, votes.iloc[[0]], votes.iloc[[3]].assign(choice="b")])
    summary = Pivotal.of(again)
    assert summary.repeated == 2
    assert Pivotal.decisions(again)["votes"].tolist() == [3, 2]
    assert Pivotal.decisions(again)["plurality"].tolist() == [2, 0]
    # Only a contradiction was cast: no vote counts.
    contradiction = Pivotal.decisions(pd.concat([votes_of(["a"]), votes_of(["b"])]))
    assert contradiction.iloc[0].tolist() == ["0-0", 0, 0, 0, 0, 0, 0, 0]


# What does not matter.


@pytest.mark.thorough
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_nobody_is_pivotal_in_one_more_unanimous_decision(seed):
    votes = panels(40, seed).votes
    more = pd.concat([votes, votes_of(["bbb"]).assign(stream_id="9-9", confidence=0.5, weight=1.0)])
    before, after = (Pivotal.of(some, replicates=40).by_rule() for some in (votes, more))
    assert (after["n"] - before["n"]).eq(1).all()
    assert np.allclose(after["pivotal"] * after["n"], before["pivotal"] * before["n"])


# What cannot be.


def test_what_is_missing_is_named():
    history = panels(10)
    with pytest.raises(OptionError, match="no column voter: expected a history's votes frame"):
        Pivotal.of(history.votes.drop(columns="voter"))
    with pytest.raises(OptionError, match="needs a history"):
        Pivotal.of(history.votes, by="topic")
    with pytest.raises(OptionError, match="'rule'"):
        Pivotal.of(history, by="rule")


def test_one_vote_and_none():
    one = Pivotal.of(votes_of(["a"])).table()
    assert one["pivotal"].tolist()[:4] == [1, 1, 1, 1]
    assert one[["pivotal_low", "pivotal_high"]].isna().all(axis=None)
    nothing = Pivotal.of(votes_of([]))
    assert len(nothing.table()) == len(nothing.by_rule()) == nothing.share.n == 0
    assert math.isnan(nothing.share.value)


@pytest.mark.further
def test_ten_thousand_choices_and_voters():
    random = np.random.default_rng(0)
    votes = pd.DataFrame(
        {
            "stream_id": np.repeat([f"{place}-0" for place in range(4_000)], 5),
            "voter": [f"v{one}" for one in random.integers(0, 10_000, 20_000)],
            "choice": [f"option {one}" for one in random.integers(0, 10_000, 20_000)],
        }
    )
    summary = Pivotal.of(votes, replicates=40)
    assert summary.lump().table()["voter"].nunique() == 20
    assert summary.by_rule()["n"].eq(4_000).all()


# The chart.


def test_the_chart_is_the_table(ax):
    summary = Pivotal.of(panels(200))
    chart(summary, ax=ax)
    table = summary.table().set_index("voter")
    names = [label.get_text() for label in ax.get_yticklabels()]
    for line, lines, rule in zip(
        ax.lines, ax.collections, ["plurality", "majority", "two-thirds"], strict=True
    ):
        rows = table[table["rule"] == rule].loc[names]
        assert list(line.get_xdata()) == rows["pivotal"].tolist()
        assert [tuple(one[:, 0]) for one in lines.get_segments()] == list(
            zip(rows["pivotal_low"], rows["pivotal_high"], strict=True)
        )
    assert table[table["rule"] == "plurality"].loc[names]["pivotal_low"].is_monotonic_decreasing
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "plurality",
        "majority",
        "two-thirds",
    ]
    assert [text.get_text() for text in ax.texts] == [*(f"{n}" for n in rows["n"]), "n"]
    said = caption(ax)
    assert f"n = {summary.share.n} decisions. {summary.share.value:.1%} (" in said
    assert f"{summary.share.high:.1%}) hang on one voter" in said


@pytest.mark.parametrize("by", [None, "topic"])
@pytest.mark.parametrize("n", telling([0, 1, 30], "0", "30"))
def test_it_draws_whatever_comes(ax, by, n):
    history = panels(n)
    history.votes["voter"] = "$\\foo$ \x00\n" + history.votes["voter"] * 500
    chart(history, by=by, ax=ax)
    ax.figure.draw_without_rendering()
    assert ax.get_title(loc="left").startswith("Pivotal votes")
