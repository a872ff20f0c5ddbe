"""Several votes of one decision are not as many observations: its voters' seats, or voters put together."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from panels import part
from summaries import same

import mastermind_lab as lab
from mastermind_lab import charts
from mastermind_lab.stats import Agreement, Calibration, Confidence, Pivotal, Rules, Voters, Votes

pytestmark = pytest.mark.once


def seated(n, seats=9, seed=0):
    """Decisions in which one model has so many seats that vote alike, and another has one."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "question": np.repeat([f"q{place}" for place in range(n)], seats + 1),
            "seat": [*range(seats + 1)] * n,
            "model": (["atlas"] * seats + ["borealis"]) * n,
            "answer": np.where(
                np.tile(np.arange(seats + 1), n) < seats,
                np.repeat(random.choice(["yes", "no"], n, p=[0.7, 0.3]), seats + 1),
                random.choice(["yes", "no"], n * (seats + 1)),
            ),
            "sure": 0.6,
        }
    )
    history = lab.from_votes(frame, decision="question", voter="seat", choice="answer", confidence="sure")
    truth = pd.DataFrame({"question": frame["question"].unique(), "correct_choice": "yes"})
    return lab.with_outcomes(history, truth, on="question")


def by_model(summary):
    return summary.table().set_index("voter")


def test_seats_that_vote_alike_are_one_observation_a_decision():
    history = seated(5)
    voters = by_model(Voters.of(history, voter="vote.model"))
    assert voters[["n", "decisions"]].to_numpy().tolist() == [[45, 5], [5, 5]]
    assert voters["small_n"].all()
    # As one seat alone would have it.
    one = by_model(Voters.of(history)).loc["0"]
    ends = ["accuracy_low", "accuracy_high", "confidence_low", "confidence_high"]
    assert voters.loc["atlas", ends].to_numpy(float) == pytest.approx(one[ends].to_numpy(float))
    pivotal = Pivotal.of(history, voter="vote.model").table()
    assert pivotal.loc[
        pivotal["voter"] == "atlas", ["n", "decisions"]
    ].drop_duplicates().to_numpy().tolist() == [[45, 5]]
    assert pivotal["small_n"].all()


def test_seats_have_no_interval_for_many_looks():
    table = by_model(Voters.of(seated(20), voter="vote.model", interval="anytime"))
    assert table["accuracy_method"].tolist() == ["none", "anytime"]


def test_what_is_known_of_few_decisions_counts_these_alone():
    history = seated(12)
    history.decisions["correct_choice"] = history.decisions["correct_choice"].mask(np.arange(12) >= 3)
    table = Voters.of(history, voter="vote.model").ranking(min_n=4).set_index("voter")
    assert table.loc["atlas", "n"] == 27
    assert table["small_n"].all()
    assert not Voters.of(history, voter="vote.model").ranking(min_n=3)["small_n"].any()


def test_few_outcomes_are_few_however_many_voters_are_put_together():
    history = seated(200)
    history.decisions["correct_choice"] = history.decisions["correct_choice"].mask(np.arange(200) >= 6)
    rest = Voters.of(history).lump(2)
    assert rest.behind["n"][-1, 0] == 200
    assert rest.behind["known"][-1, 0] == 6


def test_a_pair_of_voters_with_several_votes_has_no_binomial_interval():
    history = seated(5)
    table = Agreement.of(history, voter="vote.model").table().set_index(["voter", "other"])
    assert table["n"].to_dict() == {
        ("atlas", "atlas"): 180,
        ("atlas", "borealis"): 45,
        ("borealis", "atlas"): 45,
    }
    assert table["decisions"].eq(5).all()
    assert table["small_n"].all()
    assert table[["agreement_low", "kappa_low"]].isna().all(axis=None)
    assert table.loc[("atlas", "atlas"), "agreement"] == 1
    # Nothing else has become of those who have one vote each.
    by_seat = Agreement.of(history).table()
    assert (by_seat["n"] == by_seat["decisions"]).all()
    assert by_seat["agreement_low"].notna().all()


def test_the_best_voter_has_one_vote_a_decision_however_many_seats_it_has():
    history = seated(60, seats=3)
    summary = Rules.of(history, voter="vote.model")
    rules = summary.table().set_index("rule")
    assert rules["n"].eq(60).all()
    assert rules.loc["best voter", "voter"] == "atlas"
    # Three alike are plurality, too.
    same = ["accuracy", "n_known", "n_decided"]
    assert rules.loc["best voter", same].tolist() == rules.loc["plurality", same].tolist()
    halves = summary.best_voters()
    assert halves["n"].sum() == halves["n_chosen"].sum() == 60
    # One seat of three is always wrong: what the model says in a decision is two thirds right.
    history.votes["choice"] = history.votes["choice"].mask(history.votes["voter"] == "2", "neither")
    split = Rules.of(history, voter="vote.model").best_voters()
    assert split["accuracy"].to_numpy() == pytest.approx(halves["accuracy"].to_numpy() * 2 / 3)


def alike(n, size=9, seed=0):
    """Votes of panels in which all are equally sure."""
    return pd.DataFrame(
        {
            "stream_id": np.repeat([f"{place}-0" for place in range(1, n + 1)], size),
            "voter": [f"v{place}" for place in range(size)] * n,
            "choice": "yes",
            "confidence": np.repeat(np.random.default_rng(seed).uniform(size=n).round(3), size),
        }
    )


def test_the_confidence_of_votes_has_no_interval_for_many_looks():
    summary = Confidence.of(alike(20), interval="anytime", replicates=40)
    assert summary.mean.method == summary.table()["mean_method"].item() == "none"
    single = alike(20).drop_duplicates("stream_id")
    assert Confidence.of(single, interval="anytime", replicates=40).mean.method == "anytime"


@pytest.mark.parametrize("n", [1, 4, 12])
def test_the_confidence_of_votes_that_are_alike_is_known_as_that_of_one_each(n):
    votes = alike(n)
    every, single = Confidence.of(votes), Confidence.of(votes.drop_duplicates("stream_id"))
    for name in ("mean", "share_below"):
        seen, expected = getattr(every, name), getattr(single, name)
        assert (seen.n, seen.method) == (expected.n, expected.method) == (n, expected.method)
        assert [seen.low, seen.high] == pytest.approx([expected.low, expected.high], nan_ok=True)
    row = every.table().iloc[0]
    assert (row["n"], row["decisions"], row["small_n"]) == (9 * n, n, n < 10)
    # Voters put together are those of the same decisions.
    rest = Confidence.of(votes, by="voter").lump(2).table().iloc[-1]
    assert (rest["group"], rest["n"], rest["decisions"]) == ("8 others", 8 * n, n)


def test_each_voter_has_a_last_round_of_its_own_in_each_decision():
    rows = [
        ("1-0", "Ada", "no", 1),
        ("1-0", "Ada", "yes", 2),
        ("1-0", "Bo", "no", 1),
        ("2-0", "Ada", "no", 1),
    ]
    votes = pd.DataFrame(rows, columns=["stream_id", "voter", "choice", "vote.round"])
    assert Votes.of(votes).table().set_index("choice")["n"].to_dict() == {"no": 2, "yes": 1}


def test_one_voter_has_one_confidence_in_a_decision_the_last_rounds():
    rows = [
        ("1-0", "Ada", "no", 0.1, 1), ("1-0", "Ada", "yes", 0.9, 2),  # an earlier round
        ("1-0", "Bo", "yes", 0.5, 1), ("1-0", "Bo", "yes", 0.7, 1),  # twice the same
        ("1-0", "Chi", "yes", 0.2, 1), ("1-0", "Chi", "no", 0.2, 1),  # contradicts herself
        ("2-0", "Ada", "yes", None, 1), ("2-0", "Dan", None, 0.3, 1),
    ]  # fmt: skip
    votes = pd.DataFrame(rows, columns=["stream_id", "voter", "choice", "confidence", "vote.round"])
    summary = Confidence.of(votes, replicates=40)
    row = summary.table().iloc[0]
    assert (row["n"], row["mean"], row["missing"], summary.repeated) == (2, 0.7, 1, 2)
    assert (row["q05"], row["q95"]) == pytest.approx((0.52, 0.88))
    assert summary.histogram(2)["n"].tolist() == [0, 2]
    assert "n = 2 votes; 2 repeated" in repr(summary)
    assert charts.caption(charts.confidence(votes)).count("repeated") == 1
    rounds = Confidence.of(votes, by="vote.round", replicates=40).table()
    assert rounds[["vote.round", "n", "mean"]].to_numpy().tolist() == [[1, 2, 0.3], [2, 1, 0.9]]
    by = Confidence.of(votes, by="voter", replicates=40).table().set_index("voter")
    assert by[["n", "missing"]].to_numpy().tolist() == [[1, 1], [1, 0], [0, 0]]
    # As it is for what the voters' own statistics count.
    ids = pd.DataFrame({"stream_id": ["1-0", "2-0"], "recommendation": "yes", "confidence": 0.5})
    voters = Voters.of(SimpleNamespace(decisions=ids, votes=votes), replicates=40).table().set_index("voter")
    assert voters.loc["Ada", "confidence"] == by.loc["Ada", "mean"] == 0.9


def put_together(kind, **options):
    """Everybody but one voter, as the last row of a table."""
    most = [2] if options else [8, 2]
    return lambda some: kind.of(some, **options).lump(*most).table().iloc[-1]


MANY = {
    "Calibration": put_together(Calibration, unit="voters", by="voter"),
    "Pivotal": put_together(Pivotal),
    "Voters": put_together(Voters),
    "Votes": put_together(Votes, by="voter"),
}


@pytest.mark.parametrize("rest_of", MANY.values(), ids=MANY)
def test_voters_put_together_have_the_decisions_that_any_of_them_voted_in(rest_of):
    rest = rest_of(seated(6))
    assert "9 others" in rest.tolist()
    assert (rest["decisions"], rest["small_n"]) == (6, True)
    # Guests who never met are not taken for one.
    history = seated(30, seats=1)
    row = np.arange(len(history.votes))
    history.votes["voter"] = np.where(row % 2, np.array([f"guest {one}" for one in row // 2]), "host")
    rest = rest_of(history)
    assert "30 others" in rest.tolist()
    assert (rest["decisions"], rest["small_n"]) == (30, False)


@pytest.mark.parametrize("kind", [Agreement, Pivotal, Rules, Voters, Votes])
def test_parts_of_decisions_with_several_votes_add_up(kind):
    history = seated(12, seats=3)
    parts = [range(0, 5), range(5, 6), range(6, 12)]
    a, b, c = (kind.of(part(history, some), voter="vote.model", replicates=40) for some in parts)
    same(kind.of(part(history, range(12)), voter="vote.model", replicates=40), (a + b) + c, a + (c + b))


def test_more_voters_put_together_are_no_surer_of_their_calibration():
    summary = Calibration.of(seated(20), unit="voters", by="voter")
    one, rest = summary.table().iloc[0], summary.lump(2).table().iloc[-1]
    assert rest["n"] == 180
    assert rest["ece_noise"] == pytest.approx(one["ece_noise"], abs=0.03)
    bars = summary.lump(2).diagram().iloc[-1]
    assert bars["calibrated_high"] - bars["calibrated_low"] > 0.3


def test_who_contradicted_itself_everywhere_does_not_stand_before_the_others():
    votes = seated(4, seats=1).votes
    twice = votes.iloc[:1].assign(voter="-")
    votes = pd.concat([twice, twice.assign(choice="neither"), votes], ignore_index=True)
    table = Votes.of(votes, by="voter").table()
    assert table["voter"].unique().tolist() == ["0", "1"]
    assert table["decisions"].eq(4).all()
