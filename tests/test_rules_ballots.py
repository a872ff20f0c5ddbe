"""Voting rules for ballots that are more than a choice."""

import json
from types import SimpleNamespace

import elections
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from panels import close_panels, part
from summaries import same

import mastermind_lab as lab
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.rules import Rules

pytestmark = pytest.mark.once

RANKED = ["borda", "instant runoff", "condorcet"]
RULES = [*RANKED, "mean score", "soft"]


def history_of(elections, said=None, truth=None):
    """An election is a list of ballots, each the columns of a vote beside the voter."""
    rows = [
        {"stream_id": f"{row}-0", "voter": f"v{place}", "choice": "z"} | ballot
        for row, ballots in enumerate(elections, 1)
        for place, ballot in enumerate(ballots)
    ]
    texts = dict.fromkeys(["stream_id", "voter", "choice"], "str")
    votes = pd.DataFrame(rows or None, columns=None if rows else [*texts]).astype(texts)
    n = len(elections)
    decisions = pd.DataFrame(
        {
            "stream_id": [f"{row}-0" for row in range(1, n + 1)],
            "recommendation": list(said or "z" * n),
            "correct_choice": list(truth or "a" * n),
        },
        dtype="str",
    )
    return SimpleNamespace(decisions=decisions, votes=votes)


def ranked(*rankings, **columns):
    """A text is a ranking of its letters, with those in brackets of equal rank."""
    return [
        {"choice": text.strip("(")[0], "vote.ranking": json.dumps(levels_of(text))} | columns
        for text in rankings
    ]


def levels_of(text):
    levels, inside = [], False
    for letter in text:
        if letter in "()":
            inside = letter == "("
            levels += [[]] if inside else []
        elif inside:
            levels[-1].append(letter)
        else:
            levels.append(letter)
    return levels


def decided(history, rule, **options):
    return Rules.decisions(history, **options)[rule].fillna("-").tolist()


def table_of(history, **options):
    return Rules.of(history, replicates=40, **options).table().set_index("rule")


# What is published.


def test_the_capital_of_tennessee():
    # The example of many textbooks: four cities, each voter would have the capital near.
    rankings = ["MNCK"] * 42 + ["NCKM"] * 26 + ["CKNM"] * 15 + ["KCNM"] * 17
    found = Rules.decisions(history_of([ranked(*rankings)])).iloc[0]
    assert found["plurality"] == "M"
    assert found["borda"] == found["condorcet"] == "N"
    assert found["instant runoff"] == "K"


def test_bordas_own_example():
    # Borda (1784): 21 voters, a leads by single votes and is last of most.
    rankings = ["abc"] * 1 + ["acb"] * 7 + ["bca"] * 7 + ["cba"] * 6
    found = Rules.decisions(history_of([ranked(*rankings)])).iloc[0]
    assert found[["plurality", "borda", "condorcet"]].tolist() == ["a", "c", "c"]


def test_condorcets_paradox_decides_nothing():
    # Condorcet (1785): each beats one and is beaten by the other.
    history = history_of([ranked("abc", "bca", "cab"), ranked("abc", "abc", "cab")])
    assert decided(history, "condorcet", tie="first") == ["-", "a"]
    assert decided(history, "borda") == ["-", "a"]


def test_condorcet_and_borda_may_differ_and_black_asks_both():
    # Condorcet's own objection to Borda: 81 voters, one beats all and has fewer points.
    rankings = ["abc"] * 30 + ["acb"] * 1 + ["bac"] * 29 + ["bca"] * 10 + ["cab"] * 10 + ["cba"] * 1
    history = history_of([ranked(*rankings), ranked("abc", "abc", "bca", "bca", "cab")])
    found = Rules.decisions(history).fillna("-")
    assert found[["condorcet", "borda"]].values.tolist() == [["a", "b"], ["-", "b"]]
    assert decided(history, "condorcet", fallback="borda") == ["a", "b"]


def test_burlington_2009():
    # The mayor's election in which the Condorcet winner fell out second to last (Gierzynski, Hamilton and
    # Smith 2009): ballots that name Wright, Kiss or Montroll.
    counts = {
        "MKW": 1332, "MWK": 767, "M": 455, "KMW": 2043, "KWM": 371, "K": 568,
        "WMK": 1513, "WKM": 495, "W": 1289,
    }  # fmt: skip
    rankings = [text for text, many in counts.items() for _ in range(many)]
    found = Rules.decisions(history_of([ranked(*rankings)])).iloc[0]
    assert found[["plurality", "instant runoff", "condorcet"]].tolist() == ["W", "K", "M"]


# The numbers.

weak_orders = st.permutations("abcd").flatmap(
    lambda order: st.tuples(st.integers(0, 4), st.lists(st.booleans(), min_size=4, max_size=4)).map(
        lambda drawn: elections.grouped(order[: drawn[0]], drawn[1])
    )
)


numbers = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
ballots = st.fixed_dictionaries({"ranking": weak_orders, "score": numbers, "probabilities": numbers})


def as_votes(ballot):
    """Write a ballot as columns; an empty one is none."""
    columns = {"choice": "z"}
    if ballot["ranking"]:
        columns["vote.ranking"] = json.dumps(
            [rank if len(rank) > 1 else rank[0] for rank in ballot["ranking"]]
        )
    for kind in ("score", "probabilities"):
        columns |= {f"vote.{kind}.{one}": value for one, value in ballot[kind].items()}
    return columns


def plainly(rule, election):
    kind = {"mean score": "score", "soft": "probabilities"}.get(rule, "ranking")
    given = [ballot[kind] for ballot in election if ballot[kind]]
    if kind == "ranking":
        given = [[frozenset(rank) for rank in ballot] for ballot in given]
    if kind == "probabilities":
        given = [ballot for ballot in given if sum(ballot.values())]
    return (getattr(elections, rule.replace(" ", "_"))(given) if given else set()), len(given)


def agree_with_a_plain_loop(drawn):
    history = history_of([[as_votes(ballot) for ballot in election] for election in drawn])
    found = {tie: Rules.decisions(history, tie=tie) for tie in ("none", "first", "recommendation")}
    table = table_of(history)
    for rule in RULES:
        expected = [plainly(rule, election) for election in drawn]
        if not any(many for _, many in expected):
            assert rule not in found["none"]
            assert rule not in table.index
            continue
        broken = zip(*(frame[rule].fillna("-") for frame in found.values()), strict=True)
        for (won, _), (alone, first, actual) in zip(expected, broken, strict=True):
            assert alone == (next(iter(won)) if len(won) == 1 else "-"), rule
            assert first in (won or {"-"}), rule
            assert actual == ("z" if len(won) > 1 else alone), rule
        assert table.loc[rule, "n"] == sum(many > 0 for _, many in expected)
        without = sum(len(one) - many for one, (_, many) in zip(drawn, expected, strict=True) if many)
        assert table.loc[rule, "without_ballot"] == without


@pytest.mark.further
def test_each_rule_agrees_with_a_plain_loop_in_exact_fractions():
    random = np.random.default_rng(0)
    agree_with_a_plain_loop(
        [[elections.random_ballot(random) for _ in range(random.integers(0, 7))] for _ in range(150)]
    )


@pytest.mark.thorough
@settings(max_examples=15, deadline=None)
@given(drawn=st.lists(st.lists(ballots, max_size=6), min_size=1, max_size=12))
def test_so_does_each_in_the_smallest_cases(drawn):
    agree_with_a_plain_loop(drawn)


def test_ties_are_broken_as_asked():
    history = history_of([ranked("bac", "abc"), ranked("ab", "ba", "(ab)c")], said="cc")
    for tie, expected in {"none": ["-", "-"], "first": ["b", "a"], "recommendation": ["c", "c"]}.items():
        found = Rules.decisions(history, tie=tie).fillna("-")
        assert found["borda"].tolist() == found["instant runoff"].tolist() == expected
        assert found["condorcet"].tolist() == ["-", "-"]


def test_a_runoff_follows_every_order_of_dropping_out():
    # b, c and d are last alike: whoever goes, a wins. In the second it depends on who goes.
    depends = ranked("ab", "ab", "bc", "cb", "bc", "cb")
    # In the third nobody is left on the ballot that names only who dropped out.
    history = history_of([ranked("ab", "ab", "ba", "ca", "da"), depends, ranked("a", "a", "b", "b", "c")])
    assert decided(history, "instant runoff") == ["a", "-", "-"]


def test_a_runoff_of_too_many_orders_stays_open():
    letters = "abcdefghijklmno"
    rows = [letters[place:] + letters[:place] for place in range(len(letters))]
    history = history_of([ranked(*rows), ranked("ab", "ab", "b")])
    assert decided(history, "instant runoff", tie="first") == ["-", "a"]


def test_scores_of_the_votes_own_choices():
    scored = [
        [("a", 3), ("b", 5), ("a", 4)],
        [("a", 1e308), ("b", 1e308), ("b", 1.2e308)],
        [("a", -2), ("b", -3)],
    ]
    history = history_of([[{"choice": one, "vote.score": score} for one, score in some] for some in scored])
    assert decided(history, "mean score") == ["b", "b", "a"]
    assert 0.1 + 0.2 != 0.3
    tied = [{"vote.score.a": 0.1, "vote.score.b": 0.3}, {"vote.score.a": 0.2, "vote.score.b": 0.0}]
    assert decided(history_of([tied]), "mean score") == ["-"]


# Who has a ballot.


NO_RANKINGS = [
    '["a", "a"]', "[]", '["a", []]', '["a", ["b", "a"]]', '"a"', "a > b", '{"a": 1}', '["a", null]',
    '[["a", ["b"]]]', "[" * 5000,
]  # fmt: skip


def test_a_bad_ranking_is_none_and_harms_nobody():
    good = ranked("ba", "ba", "ab")
    bad = [[{"choice": "a", "vote.ranking": wrong}] * 3 for wrong in NO_RANKINGS]
    history = history_of([*(good + some for some in bad), *bad, good])
    found = Rules.decisions(history)
    for rule in RANKED:
        assert found[rule].fillna("-").tolist() == ["b"] * len(bad) + ["-"] * len(bad) + ["b"]
    table = table_of(history)
    expected = [len(bad) + 1, len(bad) + 1, 3 * len(bad)]
    assert table.loc["borda", ["n", "n_decided", "without_ballot"]].tolist() == expected
    assert table.loc["plurality", ["n", "without_ballot"]].tolist() == [2 * len(bad) + 1, 0]
    assert "borda" not in Rules.decisions(history_of(bad))


@pytest.mark.parametrize(
    ("kind", "rule", "wrong"),
    [
        ("score", "mean score", [np.inf, -np.inf]),
        ("score", "mean score", ["much", True]),
        ("probabilities", "soft", [1.5, -0.1]),
        ("probabilities", "soft", ["likely", False]),
    ],
)
def test_a_bad_number_is_none_and_harms_nobody(kind, rule, wrong):
    good = [{f"vote.{kind}.a": 0.25, f"vote.{kind}.b": 0.75}] * 2
    bad = [[{f"vote.{kind}.a": 0.9, f"vote.{kind}.b": 0.1, f"vote.{kind}.c": one}] * 3 for one in wrong]
    history = history_of([*(good + some for some in bad), *bad])
    assert decided(history, rule) == ["b", "b", "-", "-"]
    assert table_of(history).loc[rule, ["n", "without_ballot"]].tolist() == [2, 6]


def test_probabilities_are_divided_by_their_sum():
    sure = {"vote.probabilities.a": 0.2, "vote.probabilities.b": 0.0}
    torn = {"vote.probabilities.a": 0.4, "vote.probabilities.b": 0.6}
    nothing = {"vote.probabilities.a": 0.0, "vote.probabilities.b": 0.0}
    history = history_of([[sure, torn, nothing]])
    assert decided(history, "soft") == ["a"]
    assert table_of(history).loc["soft", "without_ballot"] == 1


def test_the_last_round_counts_and_who_contradicts_himself_has_none():
    first, last = ({"vote.round": number} for number in (1, 2))
    votes = ranked("ab", **first) + ranked("ba", **last)
    changed = [vote | {"voter": "Ada"} for vote in votes]
    history = history_of([[*changed, *ranked("ba", **first)]])
    assert decided(history, "borda") == ["b"]
    taken_back = [*changed, {"voter": "Ada", "choice": "b", "vote.round": 3}]
    found = table_of(history_of([[*taken_back, *ranked("ab", **first)]]))
    assert found.loc["borda", ["n", "without_ballot"]].tolist() == [1, 1]
    for doubt in (ranked("ab", "ac"), ranked("ab", "ba"), [*ranked("ab"), {"choice": "b"}]):
        twice = [vote | {"voter": "Ada"} for vote in doubt]
        assert decided(history_of([[*twice, *ranked("ba")]]), "borda") == ["b"]
    again = [vote | {"voter": "Ada"} for vote in ranked("ab", "ab")]
    assert decided(history_of([[*again, *ranked("ba")]]), "borda") == ["-"]


def test_a_decision_in_which_all_contradict_themselves_harms_no_other():
    doubt = {"voter": "Ada", "vote.probabilities.a": 0.5, "vote.score": 1}
    other = {"voter": "Ada", "vote.probabilities.a": 0.4, "vote.score": 2}
    twice = [one | some for one, some in zip(ranked("abc", "acb"), (doubt, other), strict=True)]
    sure = [vote | {"vote.score": 3, "vote.probabilities.b": 1} for vote in ranked("bac", "bca")]
    history = history_of([twice, sure, twice, sure])
    for rule in RULES:
        assert decided(history, rule) == ["-", "b", "-", "b"]
        assert table_of(history).loc[rule, ["n", "n_decided"]].tolist() == [2, 2]


def test_a_model_in_several_seats_has_several_ballots():
    seats = [
        vote | {"voter": "llama", "vote.seat": place} for place, vote in enumerate(ranked("ab", "ab", "ba"))
    ]
    history = history_of([seats])
    assert "borda" not in table_of(history).index  # a voter's two rankings contradict
    table = table_of(history, voter="vote.seat")
    assert table.loc["borda", ["n", "n_decided", "without_ballot"]].tolist() == [1, 1, 0]


def test_ballots_without_a_choice_are_ballots():
    history = history_of([[{**vote, "choice": None} for vote in ranked("(ab)c", "(ab)c", "bca")]])
    found = table_of(history)
    assert found.loc["borda", ["n", "n_decided"]].tolist() == [1, 1]
    assert found.loc["plurality", "n"] == 0
    assert decided(history, "condorcet") == ["b"]
    open_one = history_of(
        [[{**vote, "choice": None} for vote in ranked("(ab)c", "(bc)a", "(ca)b")]], said="c"
    )
    assert decided(open_one, "condorcet") == ["-"]
    assert decided(open_one, "condorcet", fallback="recommendation") == ["c"]
    row = table_of(open_one, fallback="recommendation").loc["condorcet"]
    assert row[["n", "n_decided", "open", "changed"]].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("fallback", ["none", "recommendation", "plurality", "borda"])
def test_nothing_stands_in_for_a_rule_that_has_nothing_to_count(fallback):
    only_ranked = [{**vote, "choice": None} for vote in ranked("abc", "bca", "bca")]
    twice = [{"voter": "Ada", "choice": choice} for choice in "ab"]
    history = history_of([only_ranked, [{"choice": "a"}, {"choice": "b"}], twice, ranked("ab", "ba")])
    found = Rules.decisions(history, fallback=fallback)
    assert found.loc[[0, 2], ["majority", "two-thirds", "unanimity"]].isna().all(axis=None)
    assert found.loc[[1, 2], "condorcet"].isna().all()
    table = table_of(history, fallback=fallback)
    rules = table.index.drop(["recommendation", "best voter"], errors="ignore")
    assert found[rules].notna().sum().tolist() == table.loc[rules, "n_decided"].tolist()


# What the summaries are.


@pytest.mark.parametrize(
    "votes",
    [
        pytest.param([{"vote.probabilities.a": 0.0}], id="probabilities of nothing"),
        pytest.param([vote | {"voter": "Ada"} for vote in ranked("abc", "acb")], id="a contradiction"),
        pytest.param(None, id="votes alone"),
    ],
)
def test_rules_without_ballots_are_not_in_the_tables(votes):
    history = history_of([votes]) if votes else close_panels(20)
    assert not set(RULES) & {*Rules.decisions(history), *table_of(history).index}


@pytest.mark.further
def test_batches_with_and_without_ballots_merge():
    with_some = history_of([ranked("ab", "ba", "ab"), [{"choice": "b"}, *ranked("ba")]], truth="ab")
    without = history_of([[{"choice": "b"}], [{"choice": "a"}, {"choice": "a"}]])
    scored = history_of([[{"choice": "b", "vote.score": 3}]])
    every = [with_some, without, scored]
    for place, one in enumerate(every):
        for frame in (one.decisions, one.votes):
            frame["stream_id"] = f"{place}" + frame["stream_id"]
    whole = SimpleNamespace(
        **{name: pd.concat([getattr(one, name) for one in every]) for name in ("decisions", "votes")}
    )
    a, b, c = (Rules.of(one, replicates=40) for one in every)
    same(Rules.of(whole, replicates=40), a + b + c, c + (b + a))
    found = (a + b + c).table().set_index("rule")
    assert found.loc["borda", ["n", "without_ballot"]].tolist() == [2, 1]
    assert found.loc["mean score", "n"] == 1


def test_groups_have_the_rules_of_their_ballots():
    history = history_of([ranked("ab"), [{"choice": "b"}], ranked("ba")])
    history.decisions["topic"] = ["x", "y", "x"]
    table = Rules.of(history, by="topic", replicates=40).table().set_index("topic")
    alone = Rules.of(part(history, [0, 2]), replicates=40).table()
    assert_frame_equal(table.loc["x"].reset_index(drop=True), alone)
    assert "borda" not in table.loc["y", "rule"].tolist()


def test_order_names_doubles_and_weights_do_not_matter():
    random = np.random.default_rng(5)
    texts = [
        ["".join(random.permutation(list("abcd"))[: random.integers(1, 5)]) for _ in range(5)]
        for _ in range(30)
    ]
    rows = [
        [vote | {f"vote.{kind}.{one}": float(number) for kind in ("score", "probabilities")
                 for one, number in zip("abcd", random.choice([0.0, 0.25, 0.5], 4), strict=True)}
         for vote in ranked(*some)]
        for some in texts
    ]  # fmt: skip
    history = history_of(rows)
    expected = Rules.decisions(history)[RULES].fillna("-")
    assert (expected.nunique() > 3).all()

    def with_votes(votes):
        return Rules.decisions(SimpleNamespace(decisions=history.decisions, votes=votes))[RULES].fillna("-")

    assert_frame_equal(with_votes(history.votes.sample(frac=1, random_state=1)), expected)
    double = history.votes.assign(voter=history.votes["voter"] + " again")
    assert_frame_equal(with_votes(pd.concat([history.votes, double])), expected)
    assert_frame_equal(with_votes(history.votes.assign(weight=random.random(150))), expected)
    names = dict(zip("abcd", ["d.e", 'q"t', "*", "ä"], strict=True))
    renamed = history.votes.assign(
        **{"vote.ranking": [
            json.dumps([names[one] for one in json.loads(text)]) for text in history.votes["vote.ranking"]
        ]}
    ).rename(columns={f"vote.{kind}.{one}": f"vote.{kind}.{json.dumps(name, ensure_ascii=False)}"
                      for kind in ("score", "probabilities") for one, name in names.items()})  # fmt: skip
    assert_frame_equal(with_votes(renamed), expected.replace(names))


def test_unanimous_ballots_decide_alike():
    one = ranked("bac", **{"vote.score.b": 2.0, "vote.score.a": 1.0, "vote.probabilities.b": 0.6})
    found = Rules.decisions(history_of([one * 5])).iloc[0]
    assert set(found[[*RULES, "unanimity"]]) == {"b"}


def test_a_rule_of_ones_own_sees_rankings_scores_and_probabilities():
    history = history_of([ranked("bac", "abc", **{"vote.score.c": 2, "vote.probabilities.a": 0.5})])
    seen = []

    def second(votes):
        seen.append(votes)
        return votes.groupby("stream_id")["vote.ranking"].first().map(lambda text: json.loads(text)[1])

    assert decided(history, "second", rules={"second": second}) == ["a"]
    assert {"vote.ranking", "vote.score.c", "vote.probabilities.a"} <= {*seen[0]}
    with pytest.raises(OptionError, match="new names"):
        Rules.of(history, rules={"borda": second})


@pytest.mark.further
def test_ballots_come_from_the_wire_and_stay_in_snapshots(tmp_path):
    votes = [
        {"voter": "Ada", "choice": "a", "ranking": ["a", ["b", "c.d"]],
         "probabilities": {"a": 0.9, "c.d": 0.1}},
        {"voter": "Bo", "choice": "c.d", "ranking": ["c.d", "a"], "score": 4},
        {"voter": "Chi", "choice": "a", "ranking": ["a", "c.d"], "score": {"a": 1, "c.d": 4.5}},
    ]  # fmt: skip
    decision = {"recommendation": "c.d", "confidence": 0.5, "votes": votes}
    envelope = {"schema_version": "1", "decision": decision, "correlation_id": "1" * 32}
    plain = {**envelope, "decision": {**decision, "votes": [{"voter": "Ada", "choice": "a"}]}}
    history = lab.read([json.dumps(envelope), json.dumps(plain)])
    assert history.votes["vote.ranking"].tolist()[0] == '["a",["b","c.d"]]'
    found = Rules.decisions(history)
    assert found.loc[0, RULES].tolist() == ["a", "a", "a", "c.d", "a"]
    table = Rules.of(history, replicates=40).table()
    assert_frame_equal(Rules.of(lab.scan(history.save(tmp_path / "kept")), replicates=40).table(), table)
