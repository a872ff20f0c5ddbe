import math
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from panels import close_panels as panels
from panels import part
from telling import telling
from voting import RULES, votes_of, winner

from mastermind_lab import from_votes, with_outcomes
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import Margin
from mastermind_lab.stats.rules import Rules

pytestmark = pytest.mark.once

BUILT_IN = ["plurality", "majority", "two-thirds", "unanimity", "confidence-weighted", "weight-weighted"]


def tiny(texts, said=None, truth=None, **columns):
    """A text a decision; each voter is a place in it, and a blank is no vote."""
    votes = votes_of(texts).assign(**columns)
    decisions = pd.DataFrame(
        {
            "stream_id": [f"{row}-0" for row in range(len(texts))],
            "recommendation": list(said or "z" * len(texts)),
        }
    )
    if truth is not None:
        decisions["correct_choice"] = pd.Series(list(truth), dtype="str").replace(" ", pd.NA)
    return SimpleNamespace(decisions=decisions, votes=votes)


def first_voter(votes):
    return votes.groupby("stream_id")["choice"].first()


@pytest.mark.parametrize(
    "other",
    [
        {"tie": "first"},
        {"fallback": "recommendation"},
        {"rules": {"first voter": first_voter}},
        {"by": "topic"},
    ],
)
def test_different_options_do_not_merge(other):
    history = panels(20)
    with pytest.raises(OptionError, match="do not merge"):
        Rules.of(history) + Rules.of(history, **other)


# The numbers.


@pytest.mark.parametrize("seed", telling(range(4), "0"))
@pytest.mark.further
def test_each_rule_agrees_with_a_plain_loop_in_exact_fractions(seed):
    history = panels(120, seed)
    found = Rules.decisions(history).set_index("stream_id")
    ties = 0
    for name, rows in history.votes.groupby("stream_id"):
        for rule, (column, enough) in RULES.items():
            expected = winner(rows.to_dict("records"), column, enough)
            assert found.loc[name, rule] == expected or (expected is None and pd.isna(found.loc[name, rule]))
            ties += rule == "confidence-weighted" and expected is None
    assert ties > 3
    voteless = ~found.index.isin(history.votes["stream_id"])
    assert voteless.any()
    assert found.loc[voteless, BUILT_IN].isna().all(axis=None)
    assert found["recommendation"].tolist() == history.decisions["recommendation"].tolist()


def test_plurality_is_the_margins_winner():
    history = panels(200)
    winners = Margin.decisions(history)["winner"]
    assert Rules.decisions(history)["plurality"].fillna("-").tolist() == winners.fillna("-").tolist()


def test_the_table_agrees_with_a_plain_loop():
    history = panels(300)
    rows = Rules.decisions(history)
    truth, said = history.decisions["correct_choice"], history.decisions["recommendation"]
    table = Rules.of(history).table().set_index("rule")
    assert list(table.index) == ["recommendation", *BUILT_IN, "best voter"]
    voted = rows["votes"] > 0
    for rule in BUILT_IN:
        decided = voted & rows[rule].notna()
        known = decided & truth.notna()
        row, right, actual = table.loc[rule], (rows[rule] == truth)[known], (said == truth)[known]
        assert (row["n"], row["n_decided"], row["n_known"]) == (voted.sum(), decided.sum(), known.sum())
        assert row["changed"] == pytest.approx((rows[rule] != said)[decided].mean())
        assert row["accuracy"] == pytest.approx(right.mean())
        assert row["difference"] == pytest.approx(right.mean() - actual.mean())
        assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]
    summary = Rules.of(history)
    assert summary.actual.value == pytest.approx((said == truth)[voted & truth.notna()].mean())
    assert summary.without_votes == (~voted).sum() > 0
    assert (
        table.loc["recommendation", ["changed", "difference", "difference_low", "difference_high"]]
        .eq(0)
        .all()
    )


def test_a_paired_difference_is_narrower_than_two_accuracies():
    history = panels(600)
    plurality = Rules.decisions(history)["plurality"]
    said = history.decisions["recommendation"]
    history.decisions["recommendation"] = plurality.where(plurality.notna() & (said.index % 9 > 0), said)
    row = Rules.of(history).table().set_index("rule").loc["plurality"]
    wide = math.hypot(*[row["accuracy_high"] - row["accuracy_low"]] * 2)
    assert row["difference_high"] - row["difference_low"] < 0.5 * wide


def test_three_lucky_votes_are_no_record():
    texts = ["a " * 1 + ("a" if row < 3 else " ") for row in range(40)]
    history = tiny(texts, truth=["a"] * 3 + ["a"] * 35 + ["b"] * 2)
    assert Rules.of(history).table().iloc[-1]["voter"] == "v0"


@pytest.mark.further
def test_groups_have_best_voters_of_their_own():
    history = panels(400)
    table = Rules.of(history, by="topic").table()
    assert set(table["topic"].dropna()) == {"x", "y"}
    for topic, rows in table.groupby("topic"):
        alone = Rules.of(part(history, history.decisions["topic"] == topic)).table()
        assert_frame_equal(rows.drop(columns="topic").reset_index(drop=True), alone)


# Ties and fallbacks.


def test_ties_are_broken_as_asked_and_never_silently():
    history = tiny(["ba", "abab", "bbaa", "aab", "abc", ""], said="accazz")
    plain = Rules.decisions(history)["plurality"].fillna("-").tolist()
    first = Rules.decisions(history, tie="first")["plurality"].fillna("-").tolist()
    actual = Rules.decisions(history, tie="recommendation")["plurality"].fillna("-").tolist()
    assert plain == ["-", "-", "-", "a", "-", "-"]
    assert first == ["b", "a", "b", "a", "a", "-"]
    assert actual == ["a", "c", "c", "a", "z", "-"]
    assert Rules.decisions(history, tie="recommendation")["majority"].fillna("-").tolist() == list("---a--")


def test_the_sums_of_a_tie_may_carry_rounding():
    history = tiny(["aab"], confidence=[0.1, 0.2, 0.3])
    assert 0.1 + 0.2 != 0.3
    assert Rules.decisions(history)["confidence-weighted"].isna().all()


def test_a_fallback_decides_what_a_threshold_leaves_open():
    history = tiny(["aab", "aaa", "aabc", "aabb"], said="bbbb")
    found = Rules.decisions(history, fallback="recommendation")
    assert found["unanimity"].tolist() == ["b", "a", "b", "b"]
    assert found["two-thirds"].tolist() == ["a", "a", "b", "b"]
    assert found["majority"].tolist() == ["a", "a", "b", "b"]
    assert found["plurality"].fillna("-").tolist() == ["a", "a", "a", "-"]
    own = {"reject": lambda votes: pd.Series("r", index=votes["stream_id"].unique())}
    found = Rules.decisions(history, rules=own, fallback="reject")
    assert found["unanimity"].tolist() == ["r", "a", "r", "r"]
    assert found["reject"].tolist() == ["r"] * 4


def test_a_callable_sees_one_vote_a_voter_and_may_leave_decisions_open():
    history = tiny(["aab", "bba"], said="ab")
    history.votes = pd.concat([history.votes, history.votes.iloc[[0, 3]].assign(choice=["a", "c"])])
    seen = []

    def strict(votes):
        seen.append(votes)
        return pd.Series({"0-0": "x"})

    table = Rules.of(history, rules={"strict": strict}).table().set_index("rule")
    assert len(seen[0]) == 5
    assert table.loc["strict", ["n", "n_decided", "changed"]].tolist() == [2, 1, 1]
    assert Rules.of(history).repeated == 2


@pytest.mark.parametrize(
    ("said", "spelled"),
    [
        ([3.0, 4.0], ["3", "4"]),
        ([3, 4], ["3", "4"]),
        ([0.5, np.nan], ["0.5", None]),
        ([True, False], ["true", "false"]),
        (pd.array([True, None], "boolean"), ["true", None]),
        (pd.Categorical([3.0, 1e22]), ["3", str(10**22)]),
        ([1, True], ["1", "true"]),
        ([-0.0, Decimal("2.50")], ["0", "2.5"]),
        (["3.0", None], ["3.0", None]),
        (pd.to_datetime(["2026-01-02", None]), ["2026-01-02", None]),
    ],
)
def test_what_a_rule_returns_is_spelled_as_votes_are(said, spelled):
    votes = pd.DataFrame({"q": ["s", "t"], "who": "v", "says": pd.Series(said)})
    history = from_votes(votes.dropna(), decision="q", voter="who", choice="says")
    assert history.votes["choice"].tolist() == [one for one in spelled if one is not None]
    truth = pd.DataFrame(
        {"stream_id": history.decisions["stream_id"], "correct_choice": spelled[: len(history)]}
    )
    history = with_outcomes(history, truth, on="stream_id")
    ids = history.decisions["stream_id"].tolist()

    def same(votes):
        return pd.Series(said, [*ids, "left out"][: len(said)]).dropna()

    found = Rules.decisions(history, rules={"same": same})["same"]
    assert found.tolist() == history.votes["choice"].tolist()
    assert Rules.of(history, rules={"same": same}).table().set_index("rule").loc["same", "accuracy"] == 1


def test_a_rule_may_name_more_decisions_where_it_decides_nothing():
    history = tiny(["aab", "bba", ""], said="abz")
    all_ids = history.decisions["stream_id"]
    found = Rules.decisions(history, rules={"mine": lambda votes: first_voter(votes).reindex(all_ids)})
    assert found["mine"].fillna("-").tolist() == ["a", "b", "-"]
    for nothing in pd.Series(dtype="str"), pd.Series([None, None]):
        found = Rules.decisions(history, rules={"mine": lambda votes, nothing=nothing: nothing})
        assert found["mine"].isna().all()


# What does not matter.


@pytest.mark.thorough
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_doubles_do_not_matter(seed):
    history = panels(40, seed)
    expected = Rules.of(history, replicates=40).table()
    double = history.votes.assign(voter=history.votes["voter"] + " again")
    doubled = SimpleNamespace(decisions=history.decisions, votes=pd.concat([history.votes, double]))
    table = Rules.of(doubled, replicates=40).table()
    assert_frame_equal(table[table["rule"] != "best voter"], expected[expected["rule"] != "best voter"])


@pytest.mark.thorough
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_one_more_unanimous_decision_counts_alike_for_all(seed):
    history, one = panels(40, seed), tiny(["bbb"], said="b", truth="b", confidence=0.5, weight=1.0)
    one.decisions["stream_id"], one.votes["stream_id"] = "9-9", "9-9"
    more = SimpleNamespace(
        decisions=pd.concat([history.decisions, one.decisions]), votes=pd.concat([history.votes, one.votes])
    )
    before, after = (
        Rules.of(some, replicates=40).table().set_index("rule").loc[BUILT_IN] for some in (history, more)
    )
    assert (after["n_decided"] - before["n_decided"]).eq(1).all()
    assert (after["n_known"] - before["n_known"]).eq(1).all()
    assert np.allclose(
        after["changed"] * after["n_decided"], (before["changed"] * before["n_decided"]).fillna(0)
    )
    assert np.allclose(
        after["difference"] * after["n_known"], (before["difference"] * before["n_known"]).fillna(0)
    )


# What the intervals are worth.


@pytest.mark.thorough
@pytest.mark.parametrize(("n", "right"), [(40, 0.65), (80, 0.55)])
def test_intervals_of_differences_cover_them(n, right):
    from scipy.stats import binom

    # Five voters, each right alike; the first one's choice is the recommendation. Condorcet (1785).
    random, runs = np.random.default_rng(11), 1_000
    ids = np.array([f"11-{place}" for place in range(runs * n)], dtype=object)
    choice = np.where(random.random(5 * runs * n) < right, "right", "wrong")
    votes = pd.DataFrame(
        {"stream_id": np.repeat(ids, 5), "voter": list("pqrst") * (runs * n), "choice": choice}
    )
    decisions = pd.DataFrame(
        {
            "stream_id": ids,
            "recommendation": choice[::5],
            "correct_choice": "right",
            "run": np.arange(runs * n) // n,
        }
    )
    table = Rules.of(SimpleNamespace(decisions=decisions, votes=votes), by="run").table()
    found, expected = table[table["rule"] == "majority"], binom.sf(2, 5, right)
    for figure, truth in {"difference": expected - right, "accuracy": expected}.items():
        inside = found[f"{figure}_low"].le(truth) & found[f"{figure}_high"].ge(truth)
        assert 0.93 <= inside.mean() <= 0.97, figure


def test_never_different_is_not_certainty():
    few, many = (
        Rules.of(tiny(["aaa"] * n, said="a" * n, truth="a" * n)).table().set_index("rule").loc["plurality"]
        for n in (10, 1_000)
    )
    assert few["difference"] == many["difference"] == 0
    assert few["difference_low"] == -few["difference_high"] < -0.2
    assert -0.01 < many["difference_low"] < 0
    one = Rules.of(tiny(["aaa"], said="a", truth="a")).table().set_index("rule").loc["plurality"]
    assert one[["difference_low", "changed_low", "accuracy_high"]].isna().all()


# What cannot be.


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tie": "coin"}, "tie is one of none, first, recommendation, not 'coin'"),
        ({"fallback": "chair"}, "fallback is none or a rule"),
        ({"rules": {"plurality": first_voter}}, "new names"),
        *(({"rules": {name: first_voter}}, "new names") for name in ("votes", "correct", "stream_id")),
        ({"rules": {"mine": "plurality"}}, "functions"),
        ({"rules": {"mine": lambda votes: "a"}}, "must return a Series of choices with one row a stream_id"),
        (
            {"rules": {"mine": lambda votes: votes.set_index("stream_id")["choice"]}},
            r"one row a stream_id, but '.*-0' has more than one: votes\.groupby",
        ),
        (
            {"rules": {"mine": lambda votes: first_voter(votes).reset_index(drop=True)}},
            r"indexed by it, but none of the \d+ in its index are of the votes .*: 0 is not",
        ),
        (
            {"rules": {"mine": lambda votes: pd.concat([first_voter(votes), pd.Series({"zzz": "a"})])}},
            r"but (\d+) of the \d+ in its index are of the votes that it was given: 'zzz' is not",
        ),
        (
            {"rules": {"mine": lambda votes: votes.groupby(["stream_id", "voter"])["choice"].first()}},
            r"but none of the \d+ in its index .*: \('.*', '.*'\) is not",
        ),
        (
            {"rules": {"mine": lambda votes: votes.groupby("stream_id")["choice"].agg(list)}},
            r"'mine' must return a Series of choices: \['.*\] is a list or an object",
        ),
        ({"by": "topik"}, "did you mean 'topic'"),
        ({"by": "rule"}, "'rule'"),
        ({"replicates": 3}, "replicates"),
    ],
)
def test_a_senseless_option_is_refused(options, said):
    with pytest.raises(OptionError, match=said):
        Rules.of(panels(20), **options)


def test_senseless_data_are_refused():
    history = panels(20)
    with pytest.raises(OptionError, match="need a history"):
        Rules.of(history.votes)
    with pytest.raises(OptionError, match="no column choice: expected a history's votes frame"):
        Rules.of(SimpleNamespace(decisions=history.decisions, votes=history.votes.drop(columns="choice")))
    with pytest.raises(OptionError, match="no column recommendation: expected a history's decisions frame"):
        Rules.of(
            SimpleNamespace(decisions=history.decisions.drop(columns="recommendation"), votes=history.votes)
        )
    with pytest.raises(OptionError, match="weight"):
        Rules.of(SimpleNamespace(decisions=history.decisions, votes=history.votes.assign(weight=-1.0)))


@pytest.mark.parametrize("truth", ["dropped", "missing", "of no choice"])
def test_without_outcomes_only_changes_are_known(truth):
    history = panels(60)
    changes = {"missing": None, "of no choice": "nobody's"}
    history.decisions = (
        history.decisions.drop(columns="correct_choice")
        if truth == "dropped"
        else history.decisions.assign(correct_choice=pd.Series([changes[truth]] * 60, dtype="str"))
    )
    table = Rules.of(history).table()
    assert table["changed"].notna().all()
    if truth == "of no choice":
        assert (table["accuracy"] == 0).all()
    else:
        assert table["n_known"].eq(0).all()
        unknown = ["accuracy", "difference", "difference_of_all"]
        ends = [f"{name}_{end}" for name in unknown for end in ("low", "high")]
        assert table[[*unknown, *ends]].isna().all(axis=None)
        assert (table[[f"{name}_method" for name in unknown]] == "none").all(axis=None)
        assert table.set_index("rule").loc["recommendation", "changed_method"] == "definition"
        assert "best voter" not in set(table["rule"])


def test_without_confidence_or_weight():
    history = panels(60)
    bare = SimpleNamespace(
        decisions=history.decisions, votes=history.votes.drop(columns=["confidence", "weight"])
    )
    found = Rules.decisions(bare)
    assert found["confidence-weighted"].isna().all()
    assert found["weight-weighted"].fillna("-").tolist() == found["plurality"].fillna("-").tolist()


def test_without_a_recommendation_rules_are_judged_by_the_outcomes_alone():
    history = tiny(["aab", "abb", "ab ", "bb "], said=[None] * 4, truth=["a", "a", "a", "b"])
    table = Rules.of(history).table().set_index("rule")
    assert table["n"].drop("best voter").tolist() == [4] * 7
    plurality = table.loc["plurality"]
    assert plurality[["n_decided", "n_known", "n_with_outcome"]].tolist() == [3, 3, 4]
    assert (plurality["accuracy"], plurality["accuracy_of_all"]) == (2 / 3, 2 / 4)
    assert table.loc["recommendation", ["n_decided", "n_known"]].tolist() == [0, 0]
    assert table[["changed", "changed_low", "difference", "difference_high"]].isna().all(axis=None)
    assert Rules.of(history).without_votes == 0
    assert Rules.of(history).n == 4


def test_each_figure_has_the_n_that_it_is_of():
    history = tiny(["aab", "aab", "aa ", "ab "], said=["a", None, "b", "a"], truth="aa a")
    row = Rules.of(history).table().set_index("rule").loc["plurality"]
    assert row[["n", "n_decided", "n_compared", "n_known", "n_judged"]].tolist() == [4, 3, 2, 2, 1]
    assert (row["changed"], row["difference"]) == (1 / 2, 0)


def outcomes(summary, rule):
    row = summary.table().set_index("rule").loc[rule]
    return row[["n_with_outcome", "accuracy_of_all"]].tolist(), bool(
        row.filter(regex="^accuracy_of_all_(low|high)").notna().any()
    )


def test_who_has_nothing_to_decide_from_is_not_wrong():
    history = tiny(["aab", "abb", "ab ", "bb "], said=[None] * 4, truth=["a", "a", "a", "b"])
    history.votes["confidence"] = np.nan
    for rule in ("recommendation", "confidence-weighted"):
        (many, share), interval = outcomes(Rules.of(history), rule)
        assert (many, interval) == (0, False)
        assert math.isnan(share)
    assert outcomes(Rules.of(history), "weight-weighted")[0] == [4, 2 / 4]


@pytest.mark.further
def test_where_it_has_something_an_open_decision_is_wrong():
    history = tiny(["ab", "aa", "bb", "ab"], said=["a", None, "a", None], truth="aaba")
    history.votes["confidence"] = [0.5, 0.5, 0.9, np.nan, np.nan, np.nan, 0.0, np.nan]
    summary = Rules.of(history)
    assert outcomes(summary, "recommendation")[0] == [2, 1 / 2]
    assert outcomes(summary, "confidence-weighted")[0] == [3, 1 / 3]  # a tie; a; nothing said; 0 is said
    halves = [
        SimpleNamespace(decisions=history.decisions[ids], votes=history.votes[rows])
        for ids, rows in ((slice(0, 2), slice(0, 4)), (slice(2, 4), slice(4, 8)))
    ]
    both = Rules.of(halves[0]) + Rules.of(halves[1])
    pd.testing.assert_frame_equal(both.table(), summary.table())


def test_a_recommendation_here_and_there_is_compared_with_where_it_is():
    history = tiny(["aab", "abb", "aaa"], said=["b", None, "a"], truth=["a", "b", "a"])
    plurality = Rules.of(history).table().set_index("rule").loc["plurality"]
    assert (plurality["changed"], plurality["difference"], plurality["accuracy"]) == (1 / 2, 1 / 2, 1)
