"""Many things in one table: those of few observations do not come first, and the mark says against what."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from equal_voters import judged
from panels import part
from summaries import agree

from mastermind_lab import charts
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import Agreement, Voters
from mastermind_lab.stats.engine.ranking import shrunk

pytestmark = pytest.mark.once


def court(n=400, seed=0):
    """Nine who agree in 70 to 80% of their decisions, and one who sat in 16, always with the first."""
    random = np.random.default_rng(seed)
    history = judged([0.85, 0.8, 0.9, 0.75, 0.9, 0.85, 0.8, 0.8, 0.85], n, seed=seed)
    first = history.votes[history.votes["voter"] == "v00"]
    guest = first[first["stream_id"].isin(random.choice(first["stream_id"], 16, replace=False))]
    votes = pd.concat([history.votes, guest.assign(voter="guest")], ignore_index=True)
    return SimpleNamespace(decisions=history.decisions, votes=votes)


# Who has few observations does not come first.


def test_a_pair_that_met_sixteen_times_is_not_the_one_that_agrees_most():
    table = Agreement.of(court(), replicates=40).table()
    raw = table.sort_values("agreement", ascending=False).iloc[0]
    assert raw["n"] == 16  # as it was seen: the highest of 45 shares
    first = table.iloc[0]
    assert first["n"] == 400
    assert {first["voter"], first["other"]} == {"v02", "v04"}
    assert table["agreement_shrunk"].is_monotonic_decreasing


@pytest.mark.parametrize("turnout", [2, 5, 9])
def test_a_voter_who_was_right_a_few_times_is_not_the_best(turnout):
    history = judged([1.0, 0.8, 0.85, 0.7, 0.75], 300, turnout=[turnout, 300, 300, 300, 300])
    table = Voters.of(history, replicates=40).ranking()
    lucky = table.iloc[-1]
    assert (lucky["voter"], lucky["accuracy"]) == ("v00", 1)
    assert lucky["accuracy_shrunk"] < lucky["accuracy"]
    assert (lucky["rank_low"], lucky["rank_high"]) == (1, 5)


@pytest.mark.parametrize("n", [1, 3])
def test_who_was_always_right_in_a_few_decisions_is_not_told_from_who_was_always_wrong(n):
    table = Voters.of(judged([1.0, 0.0], n), replicates=40).ranking()
    assert table[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 2], [1, 2]]


def test_on_a_chart_the_highest_lower_end_is_on_top(ax):
    history = judged([1.0, 0.8, 0.85], 200, turnout=[3, 200, 200])
    charts.voters(history, ax=ax)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["v02", "v01", "v00"]


# The mark, and against what.


def test_the_mark_says_against_what_and_marked_rows_stand_last():
    summary = Agreement.of(court(), replicates=40)
    table = summary.table()
    assert table["min_n"].eq(10).all()
    assert not table["small_n"].any()
    assert not summary.table(min_n=int(table["n"].min()))["small_n"].any()
    strict = summary.table(min_n=50)
    assert strict["min_n"].eq(50).all()
    assert (strict["small_n"] == (strict["n"] < 50)).all()
    assert strict["small_n"].is_monotonic_increasing
    assert len(strict) == len(table)
    ranking = Voters.of(court(), replicates=40).ranking(min_n=17)
    assert ranking["voter"].iloc[-1] == "guest"
    assert ranking["small_n"].tolist() == [False] * 9 + [True]


@pytest.mark.parametrize("min_n", [-1, 2.5, True, "10", None])
def test_a_senseless_bound_is_refused(min_n):
    with pytest.raises(OptionError, match="min_n must be a whole number from 0"):
        Agreement.of(court(20), replicates=40).table(min_n=min_n)


def test_a_figure_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(OptionError, match=r"figure is one of dissent, pivotal, .*, not 'acuracy'"):
        Voters.of(court(20), replicates=40).ranking("acuracy")


def test_a_summary_that_is_shown_says_below_what_n_is_small():
    assert "small_n: fewer than 10" in repr(Voters.of(judged([0.7, 0.8], 6), replicates=40))
    assert "small_n: fewer" not in repr(Voters.of(judged([0.7, 0.8], 60), replicates=40))


def test_what_counts_what_is_in_its_name():
    table = Voters.of(court(20), replicates=40).table()
    counts = [name for name in table if table[name].dtype == "int64"]
    assert all(name in ("n", "decisions", "repeated") or name.startswith("n_") for name in counts)


# Shrinkage.


def test_it_is_that_of_dersimonian_and_laird():
    random = np.random.default_rng(2)
    n = random.integers(5, 200, 30).astype(float)
    value = random.normal(0.7, 0.1, 30) + random.normal(0, 0.5, 30) / np.sqrt(n)
    own = (n * 0.25).sum() / (n - 1).sum() / n  # one variance within, pooled
    weights = 1 / own
    fixed = (weights * value).sum() / weights.sum()
    q = (weights * (value - fixed) ** 2).sum()
    between = (q - 29) / (weights.sum() - (weights**2).sum() / weights.sum())
    mean = (value / (between + own)).sum() / (1 / (between + own)).sum()
    expected = mean + between / (between + own) * (value - mean)
    assert between > 0
    assert shrunk(value, n, 0.25 / n, np.zeros(30, dtype=int)) == pytest.approx(expected)


def test_it_is_nearer_to_the_truth_and_between_figure_and_mean():
    random = np.random.default_rng(3)
    truth = random.beta(14, 6, 200)
    n = random.integers(3, 60, 200).astype(float)
    value = random.binomial(n.astype(int), truth) / n
    found = shrunk(value, n, value * (1 - value) / n, np.zeros(200, dtype=int))
    assert ((found - truth) ** 2).mean() < 0.6 * ((value - truth) ** 2).mean()
    mean = np.average(value, weights=n)
    assert ((found - value) * (found - mean) <= 1e-3).all()


def test_little_is_left_as_it_is():
    group = np.array([0, 0, 1])
    few, n = np.array([0.2, 0.9, 1.0]), np.array([5.0, 8.0, 2.0])
    assert shrunk(few, n, few * (1 - few) / n, group).tolist() == few.tolist()
    alike = np.full(5, 1.0)
    assert shrunk(alike, np.full(5, 3.0), np.zeros(5), np.zeros(5, dtype=int)).tolist() == [1.0] * 5


# Ranks.


def test_ranks_of_equal_voters_are_open_and_those_of_unequal_ones_known():
    equal = Voters.of(judged([0.7] * 8, 200)).ranking()
    assert equal["rank_low"].le(2).all()
    assert equal["rank_high"].ge(7).all()
    apart = Voters.of(judged([0.5, 0.7, 0.9], 800)).ranking()
    assert apart[["voter", "rank", "rank_low", "rank_high"]].to_numpy().tolist() == [
        ["v02", 1, 1, 1],
        ["v01", 2, 2, 2],
        ["v00", 3, 3, 3],
    ]


def test_always_right_twice_is_not_told_apart_from_anybody():
    table = Voters.of(judged([1.0, 0.0, 0.5, 0.6], 100, turnout=[2, 2, 100, 100]), replicates=40).ranking()
    few = table[table["n"] == 2]
    assert few["rank_low"].eq(1).all()
    assert few["rank_high"].eq(4).all()


def test_who_was_never_judged_has_no_rank_and_a_family_of_one_the_first():
    history = judged([0.7], 30)
    assert Voters.of(history.votes, replicates=40).ranking().empty
    row = Voters.of(history, replicates=40).ranking().iloc[0]
    assert row[["rank", "rank_low", "rank_high"]].tolist() == [1, 1, 1]
    assert row["accuracy_shrunk"] == row["accuracy"]
    assert Voters.of(judged([0.7], 0), replicates=40).ranking().empty


@pytest.mark.thorough
def test_intervals_of_ranks_cover_the_true_ranks():
    accuracy = np.array([0.6, 0.65, 0.7, 0.75, 0.8])
    table = Voters.of(judged(accuracy, 100, runs=300, seed=8), by="run").ranking()
    true = 5 - table["voter"].str[1:].astype(int)
    covered = table["rank_low"].le(true) & table["rank_high"].ge(true)
    assert covered.groupby(table["voter"]).mean().min() >= 0.93
    assert (table["rank_high"] - table["rank_low"]).mean() < 3.9


# The law.


def test_rankings_are_the_same_in_any_split():
    history = court(60)
    place = np.random.default_rng(1).integers(0, 3, 60)
    for kind, method in ((Voters, "ranking"), (Agreement, "table")):
        parts = [kind.of(part(history, place == one), replicates=40) for one in (2, 0, 1)]
        agree(getattr(sum(parts), method)(), getattr(kind.of(history, replicates=40), method)(), method)
