"""The best voter is chosen on one half of the decisions and judged on the other; what rules leave open."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from equal_voters import judged
from panels import close_panels, part
from summaries import agree

from mastermind_lab.stats import Rules, Voters
from mastermind_lab.stats.engine.best_voter import HALF, widening
from mastermind_lab.stats.engine.folds import fold_of
from mastermind_lab.stats.engine.sums import GroupedSums
from mastermind_lab.stats.engine.units import Units

pytestmark = pytest.mark.once


def best_of(history, **options):
    table = Rules.of(history, **options).table()
    return table[table["rule"] == "best voter"]


# Equal voters: nobody is better, and whoever looks so must not be credited with it.


@pytest.mark.parametrize(("accuracy", "n"), [([0.7] * 20, 60), ([0.5] * 40, 40), ([0.8] * 8, 60)])
def test_of_equal_voters_none_is_better_than_they_all_are(accuracy, n):
    table = best_of(judged(accuracy, n, runs=25), by="run", replicates=40)
    assert table["accuracy"].mean() == pytest.approx(accuracy[0], abs=0.03)
    assert table["accuracy_low"].gt(accuracy[0]).mean() < 0.25


@pytest.mark.thorough
def test_the_interval_of_the_best_voter_covers_what_such_a_choice_is_worth():
    table = best_of(judged([0.7] * 20, 200, runs=300, seed=4), by="run")
    inside = table["accuracy_low"].le(0.7) & table["accuracy_high"].ge(0.7)
    assert 0.92 <= inside.mean() <= 0.98


def test_who_is_better_is_found_and_named():
    table = best_of(judged([0.6, 0.9, 0.6, 0.6], 200), replicates=40)
    assert table["voter"].item() == "v01"
    assert table["accuracy"].item() == pytest.approx(0.9, abs=0.06)


# By hand.


def test_the_row_is_what_each_half_chose_in_the_other_half():
    history = close_panels(200)
    truth = history.decisions.set_index("stream_id")["correct_choice"]
    ids = history.decisions["stream_id"]
    fold = pd.Series(fold_of(Units.of(history).at(ids).hashed), ids)
    votes = history.votes.assign(
        truth=history.votes["stream_id"].map(truth), fold=history.votes["stream_id"].map(fold)
    )
    known = votes.dropna(subset="truth").assign(right=lambda rows: rows["choice"] == rows["truth"])
    chosen = Rules.of(history, replicates=40).best_voters().set_index("half")
    counts = []
    for half in (0, 1):
        theirs, others = (known[known["fold"] == one] for one in (half, 1 - half))
        voter = chosen.loc[half + 1, "voter"]
        record = theirs[theirs["voter"] == voter]
        judged_by = others[others["voter"] == voter]
        row = chosen.loc[half + 1]
        assert (row["n_chosen"], row["accuracy_chosen"]) == (
            len(record),
            pytest.approx(record["right"].mean()),
        )
        assert (row["n"], row["accuracy"]) == (len(judged_by), pytest.approx(judged_by["right"].mean()))
        counts.append(
            (
                len(judged_by),
                judged_by["right"].sum(),
                len(votes[(votes["voter"] == voter) & (votes["fold"] == 1 - half)]),
            )
        )
    n, right, cast = np.sum(counts, axis=0)
    row = best_of(history, replicates=40).iloc[0]
    assert (row["n"], row["n_decided"], row["n_known"]) == (cast, cast, n)
    assert row["accuracy"] == row["accuracy_of_all"] == pytest.approx(right / n)
    assert row["difference"] == pytest.approx(row["difference_of_all"])


def test_whole_clusters_are_in_one_half():
    history = judged([0.6, 0.8, 0.7], 120)
    history.decisions["question"] = [f"q{row % 12}" for row in range(120)]
    summary = Rules.of(history, cluster="question", replicates=40)
    halves = summary.best_voters()
    assert halves["clusters"].sum() == 12
    assert (halves["n"] % 10 == 0).all()


@pytest.mark.further
def test_who_differs_between_the_halves_has_no_one_name():
    tables = [best_of(judged([0.7] * 20, 40, seed=seed), replicates=40) for seed in range(4)]
    named = [table["voter"].notna().item() for table in tables]
    assert not all(named)
    for seed, alike in enumerate(named):
        halves = Rules.of(judged([0.7] * 20, 40, seed=seed), replicates=40).best_voters()
        assert (halves["voter"].nunique() == 1) == alike


# Little or nothing to choose from.


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_an_empty_half_chooses_and_judges_nobody(n):
    summary = Rules.of(judged([0.5], n), replicates=40)
    halves, table = summary.best_voters(), summary.table()
    assert (halves["n_chosen"] >= 2).all()
    assert ("best voter" in set(table["rule"])) == (halves["n"].sum() > 0)


def test_a_family_of_one_voter_is_that_voter():
    history = judged([0.6], 100)
    table = Rules.of(history, replicates=40).table().set_index("rule")
    best, plurality = table.loc["best voter"], table.loc["plurality"]
    assert best["voter"] == "v00"
    names = ["n", "accuracy", "accuracy_low", "difference"]
    assert best[names].tolist() == pytest.approx(plurality[names].tolist())


# The law.


@pytest.mark.thorough
@pytest.mark.parametrize("cluster", [None, "topic"])
def test_halves_are_the_same_in_any_split(cluster):
    history, options = close_panels(40), {"replicates": 40, "cluster": cluster}
    place = np.random.default_rng(1).integers(0, 3, 40)
    parts = [Rules.of(part(history, place == one), **options) for one in (2, 0, 1)]
    whole = Rules.of(history, **options)
    for method in ("table", "best_voters"):
        agree(getattr(sum(parts), method)(), getattr(whole, method)(), method)


# What a rule leaves open.


def open_panels():
    """Two-thirds decides the easy half and is right there; plurality is right in the others too, mostly."""
    texts = ["aaa"] * 6 + ["aab"] * 4 + ["abb"] * 2 + ["abc"] * 3
    rows = [
        (f"{row + 1}-0", f"v{place}", choice)
        for row, text in enumerate(texts)
        for place, choice in enumerate(text)
    ]
    votes = pd.DataFrame(rows, columns=["stream_id", "voter", "choice"])
    ids = [f"{row + 1}-0" for row in range(len(texts))]
    decisions = pd.DataFrame({"stream_id": ids, "recommendation": "a", "correct_choice": "a"})
    return SimpleNamespace(decisions=decisions, votes=votes)


def test_what_a_rule_leaves_open_is_said_and_counts_as_wrong_of_all():
    table = Rules.of(open_panels(), replicates=40).table().set_index("rule")
    assert table.loc["unanimity", ["n", "n_decided", "n_known", "n_with_outcome"]].tolist() == [15, 6, 6, 15]
    assert table.loc["unanimity", "open"] == pytest.approx(9 / 15)
    assert table.loc["unanimity", ["accuracy", "difference"]].tolist() == [1, 0]
    assert table.loc["unanimity", "accuracy_of_all"] == pytest.approx(6 / 15)
    assert table.loc["unanimity", "difference_of_all"] == pytest.approx(-9 / 15)
    assert table.loc["plurality", "open"] == pytest.approx(3 / 15)
    assert table.loc["plurality", "difference_of_all"] == pytest.approx(-5 / 15)
    assert table.loc["recommendation", ["open", "difference_of_all", "difference_of_all_low"]].tolist() == [
        0,
        0,
        0,
    ]


def test_with_a_fallback_nothing_is_open_and_all_are_compared_in_the_same_decisions():
    history = open_panels()
    table = Rules.of(history, replicates=40, tie="recommendation", fallback="recommendation").table()
    table = table[table["rule"] != "best voter"]
    assert table["open"].eq(0).all() or table.loc[table["open"] > 0, "rule"].tolist() == [
        "confidence-weighted"
    ]
    decided = table[table["open"] == 0]
    for end in ("", "_low", "_high"):
        assert decided[f"difference_of_all{end}"].tolist() == decided[f"difference{end}"].tolist()


def test_the_same_decisions_are_those_with_outcome_recommendation_and_something_to_decide_from():
    history = close_panels(150)
    history.decisions.loc[::7, "recommendation"] = None
    rows = Rules.decisions(history)
    truth, said = history.decisions["correct_choice"], history.decisions["recommendation"]
    table = Rules.of(history, replicates=40).table().set_index("rule")
    for rule in ("plurality", "two-thirds", "unanimity"):
        both = (rows["votes"] > 0) & truth.notna() & said.notna()
        expected = (rows[rule] == truth)[both].mean() - (said == truth)[both].mean()
        assert table.loc[rule, "difference_of_all"] == pytest.approx(expected)


# How much wider the interval of two halves is that choose for each other.


@pytest.mark.parametrize("many", [1, 2, 5, 20])
def test_intervals_are_wider_as_far_as_equal_voters_make_the_halves_agree(many):
    random, runs = np.random.default_rng(3), 20_000
    halves = random.normal(size=(2, runs, many))
    first, second = halves.argmax(axis=2)
    row = np.arange(runs)
    found = (halves[1][row, first] + halves[0][row, second]).std() / 2**0.5
    voters = GroupedSums.of(
        pd.DataFrame({"voter": [f"v{one}" for one in range(many)] * 2, HALF: [0] * many + [1] * many}),
        {"n": np.ones(2 * many)},
    )
    wider = widening(voters, (), np.zeros(2 * many), np.array([0, many]))
    assert wider == pytest.approx([found], abs=0.025)


def test_the_row_has_that_width():
    history = judged([0.2, 0.6], 400)  # both halves choose the second one
    row = Rules.of(history).table().set_index("rule").loc["best voter"]
    alone = Voters.of(history).table().iloc[1]
    assert row["voter"] == "v01"
    assert row["accuracy"] == alone["accuracy"]
    for end in ("accuracy_low", "accuracy_high"):
        assert (row[end] - row["accuracy"]) / (alone[end] - alone["accuracy"]) == pytest.approx(
            1.16, abs=0.01
        )
