"""Levels of measurement, and agreement beyond chance by Cohen and Gwet."""

import math
from functools import partial
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from panels import part
from summaries import same
from voting import votes_of

from mastermind_lab import charts
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import Agreement
from mastermind_lab.stats.engine import pairs

pytestmark = pytest.mark.once

LEVELS = ["nominal", "ordinal", "interval"]
# Krippendorff (2011), C: four observers, twelve units, missing values.
EXAMPLE = ["11 1", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", " 555", "  11", "  3 "]


def scores(n, seed=0, values=(1, 2, 4, 7, 11), voters=5):
    """Panels that score; some of one vote, some of none."""
    random = np.random.default_rng(seed)
    ids = [f"17{place:05d}-0" for place in range(n)]
    rows = []
    for stream_id in ids:
        middle = random.integers(0, len(values))
        for voter in random.choice(voters, random.integers(0, voters + 1), replace=False):
            near = int(np.clip(middle + random.integers(-1, 2), 0, len(values) - 1))
            rows.append((stream_id, f"v{voter}", str(values[near])))
    votes = pd.DataFrame(rows, columns=["stream_id", "voter", "choice"]).astype("str")
    decisions = pd.DataFrame({"stream_id": ids, "topic": random.choice(["x", "y"], n)}).astype("str")
    return SimpleNamespace(decisions=decisions, votes=votes)


def alpha_of(votes, level):
    import krippendorff

    counts = votes.groupby(["stream_id", "choice"]).size().unstack(fill_value=0)
    numbers = sorted(counts.columns, key=float)
    table = counts[numbers].to_numpy()
    return krippendorff.alpha(
        value_counts=table, value_domain=[*map(float, numbers)], level_of_measurement=level
    )


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("values", [(1, 2, 3, 4, 5), (-0.5, 0, 2, 10, 100), (1e9, 1e9 + 1, 1e9 + 3)])
def test_alpha_is_that_of_the_krippendorff_package(level, values):
    votes = scores(60, len(values), values).votes
    alpha = Agreement.of(votes, level=level).alpha
    assert alpha.value == pytest.approx(alpha_of(votes, level), abs=1e-9)
    assert alpha.low < alpha.value < alpha.high


@pytest.mark.parametrize(("level", "expected"), [*zip(LEVELS, [0.743, 0.815, 0.849], strict=True)])
def test_alpha_of_krippendorffs_own_example(level, expected):
    assert Agreement.of(votes_of(EXAMPLE), level=level).alpha.value == pytest.approx(expected, abs=5e-4)


def test_ac1_of_the_same_example():
    # Gwet (2014), Handbook of Inter-Rater Reliability: 0.775, in the package irrCAC 0.77544.
    summary = Agreement.of(votes_of(EXAMPLE), level="ordinal")
    assert summary.ac1.value == pytest.approx(0.77544, abs=5e-6)
    assert summary.by_group().loc[0, "ac1"] == summary.ac1.value


def plain_ac1(votes, kinds=0):
    """Gwet (2008), equations for several raters, as they are written."""
    panels = [panel["choice"].tolist() for _, panel in votes.groupby("stream_id")]
    choices = {*votes["choice"]}
    several = [panel for panel in panels if len(panel) > 1]
    alike = np.mean([np.mean([a == b for a, b in combinations(panel, 2)]) for panel in several])
    shares = [np.mean([panel.count(choice) / len(panel) for panel in panels]) for choice in choices]
    chance = sum(share * (1 - share) for share in shares) / (max(len(choices), kinds) - 1)
    return (alike - chance) / (1 - chance)


@pytest.mark.parametrize("seed", range(2))
def test_ac1_agrees_with_a_plain_calculation(seed):
    votes = scores(40, seed).votes
    assert Agreement.of(votes).ac1.value == pytest.approx(plain_ac1(votes), abs=1e-12)
    order = [*sorted({*votes["choice"]}, key=float), "never seen"]
    ordinal = Agreement.of(votes, level="ordinal", order=order)
    assert ordinal.ac1.value == pytest.approx(plain_ac1(votes, 6), abs=1e-12)
    assert ordinal.ac1.low < ordinal.ac1.value < ordinal.ac1.high


@pytest.mark.parametrize("level", LEVELS)
def test_replicates_expect_what_the_votes_do(level):
    # A decision that was drawn twice and met itself would lower what is expected by chance.
    masses = Agreement.of(scores(16, values=(1, 2)), level=level, replicates=2_000)._masses()
    for name in ("alpha", "ac1"):
        expected = masses[name] / masses["n"]
        assert expected[0, 1:].mean() == pytest.approx(expected[0, 0], rel=0.015), name


def test_where_nearly_all_choose_the_same_ac1_is_high_and_alpha_is_not():
    summary = Agreement.of(votes_of(["aaa"] * 38 + ["aab"] * 2))
    assert summary.alpha.value < 0.05 < 0.9 < summary.ac1.value
    one = Agreement.of(votes_of(["aaa"] * 20))
    assert math.isnan(one.ac1.value)
    unanimous = Agreement.of(votes_of(["aaa"] * 10 + ["bbb"] * 10))
    assert (unanimous.ac1.value, unanimous.ac1.high, unanimous.ac1.method) == (1, 1, "exact")
    assert 0.5 < unanimous.ac1.low < 1


@pytest.mark.further
def test_kappa_of_a_pair_is_that_of_scikit_learn():
    from sklearn.metrics import cohen_kappa_score

    votes = scores(60).votes
    table = Agreement.of(votes, replicates=40).table()
    chosen = votes.pivot(index="stream_id", columns="voter", values="choice")
    for row in table.itertuples():
        both = chosen[[row.voter, row.other]].dropna()
        expected = cohen_kappa_score(both[row.voter], both[row.other])
        assert row.kappa == pytest.approx(expected, abs=1e-12)
        assert -1 <= row.kappa_low <= row.kappa <= row.kappa_high <= 1
    assert set(table["kappa_method"]) == {"score"}


def test_pairs_of_which_chance_says_nothing_have_no_kappa():
    same_choice = Agreement.of(votes_of(["aa"] * 5)).table()
    assert same_choice["agreement"].tolist() == [1, 1]
    assert same_choice["kappa"].isna().all()
    opposed = Agreement.of(votes_of(["ab", "ba"] * 6)).table()
    assert opposed["kappa"].tolist() == [-1, -1]
    assert (opposed["kappa_low"] == -1).all()
    seats = votes_of(["aab", "abb", "bba"]).assign(
        model=lambda votes: votes["voter"].map({"A": "x"}).fillna("y")
    )
    table = Agreement.of(seats, voter="model").table()
    itself = table["voter"] == table["other"]
    assert table["kappa"].isna().tolist() == itself.tolist()
    drawn = Agreement.of(scores(30), cluster="topic").table()
    assert drawn["kappa"].notna().all()
    assert drawn["kappa_low"].isna().all()


@pytest.mark.thorough
def test_of_too_many_choices_pairs_have_no_kappa_in_any_split(monkeypatch):
    some, count = scores(60), partial(Agreement.of, replicates=40)
    ids = some.decisions["stream_id"]
    cuts = [part(some, ids.isin(ids[rows])) for rows in (slice(0, 3), slice(3, 50), slice(50, None))]
    rows = len(Agreement.of(some).pair_choices.keys)
    for most, known in ((rows, True), (rows - 1, False), (20, False)):
        monkeypatch.setattr(pairs, "MOST_CHOICES", most)
        whole = count(some)
        assert whole.table()["kappa"].notna().all() == known
        same(whole, sum(map(count, cuts[::-1])))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"level": "interval"}, marks=pytest.mark.thorough),
        pytest.param({"level": "interval", "by": "topic"}, marks=pytest.mark.thorough),
        pytest.param({"level": "ordinal", "by": "topic", "cluster": "topic"}, marks=pytest.mark.thorough),
        {"level": "ordinal", "order": ["11", "1", "2", "7", "4"]},
    ],
)
@pytest.mark.further
def test_any_split_and_any_order_give_the_same(options):
    some, count = scores(50), partial(Agreement.of, replicates=40, **options)
    rows = np.random.default_rng(1).permutation(50)
    parts = [count(part(some, np.isin(np.arange(50), rows[start::3]))) for start in range(3)]
    backwards = count(SimpleNamespace(decisions=some.decisions[::-1], votes=some.votes[::-1]))
    same(count(some), parts[2] + (parts[0] + parts[1]), backwards)


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.further
def test_groups_are_counted_by_themselves_and_alpha_adds_up_their_disagreement(level):
    some = scores(90)
    summary = Agreement.of(some, by="topic", level=level)
    table = summary.by_group()
    for row in table.itertuples():
        alone = Agreement.of(part(some, some.decisions["topic"] == row.topic).votes, level=level)
        assert (row.alpha, row.ac1) == pytest.approx((alone.alpha.value, alone.ac1.value))
        assert row.alpha_low == pytest.approx(alone.alpha.low)
    assert table["alpha"].min() < summary.alpha.value < table["alpha"].max()
    thirds = scores(60).decisions.assign(topic=[f"topic {place // 3}" for place in range(60)]).astype("str")
    small = Agreement.of(SimpleNamespace(decisions=thirds, votes=scores(60).votes), by="topic", level=level)
    assert small.alpha.low < small.alpha.value < small.alpha.high


def test_what_matters_at_a_level_and_what_does_not():
    votes = scores(60).votes
    numbers = votes["choice"].astype(float)
    wider = votes.assign(choice=(numbers * 3 - 7).astype(str))
    cubes = votes.assign(choice=(numbers**3).astype(str))
    ordinal, interval = (Agreement.of(votes, level=level).alpha for level in LEVELS[1:])
    assert vars(Agreement.of(wider, level="interval").alpha) == pytest.approx(vars(interval))
    assert Agreement.of(cubes, level="interval").alpha.value != pytest.approx(interval.value, abs=0.01)
    assert vars(Agreement.of(cubes, level="ordinal").alpha) == pytest.approx(vars(ordinal))
    names = dict(zip(["1", "2", "4", "7", "11"], ["none", "few", "some", "many", "all"], strict=True))
    named = Agreement.of(
        votes.assign(choice=votes["choice"].map(names)), level="ordinal", order=iter(names.values())
    )
    assert vars(named.alpha) == pytest.approx(vars(ordinal))
    holes = votes.assign(choice=votes["choice"].where(votes.index % 2 == 0, numbers.astype(str)))
    assert vars(Agreement.of(holes, level="ordinal").alpha) == pytest.approx(vars(ordinal))
    assert Agreement.of(holes, level="ordinal").notes == ()
    assert "taken for different: '1.0' and '1'" in Agreement.of(holes).notes[0]


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.further
def test_full_agreement_is_1_and_nobody_is_none(level):
    votes = votes_of(["111"] * 6 + ["333"] * 6 + ["2"])
    full = Agreement.of(votes, level=level).alpha
    assert (full.value, full.high) == (1, 1)
    assert vars(full) == pytest.approx(vars(Agreement.of(votes).alpha))  # two are as far apart at any level
    assert full.low < 0.7
    assert math.isnan(Agreement.of(votes_of(["11", "11"]), level=level).alpha.value)
    empty = Agreement.of(scores(0), level=level)
    assert (empty.alpha.n, len(empty.table())) == (0, 0)
    same(empty + Agreement.of(scores(9), level=level), Agreement.of(scores(9), level=level))


def test_choices_may_be_days():
    votes, days = scores(20).votes, pd.date_range("2027-03-01", periods=12)
    dated = votes.assign(choice=days[votes["choice"].astype(int)])
    found = Agreement.of(dated, level="ordinal", order=days).alpha
    assert vars(found) == pytest.approx(vars(Agreement.of(votes, level="ordinal").alpha))


REFUSED = [
    ({"level": "ratio"}, "level is one of nominal, ordinal, interval, not 'ratio'"),
    ({"level": "ordinal", "order": ["1", "2", "4", "7"]}, "order lacks choices that were voted for: '11'$"),
    ({"level": "ordinal", "order": ["1", "2", "2", "7"]}, "order names a choice twice: '2'"),
    ({"level": "ordinal", "order": [1, 2.0, 4, 2, 7, 11]}, "order names a choice twice: '2'"),
    ({"level": "ordinal", "order": ["1"]}, "order names two choices or more, not 1"),
    ({"level": "ordinal", "order": "12"}, "order is a list of choices from the lowest to the highest"),
    ({"level": "ordinal", "order": 7}, "order is a list of choices"),
    ({"level": "interval", "order": ["1", "2"]}, "order= is for level=\"ordinal\", not for 'interval'"),
    ({"order": ["1", "2"]}, "order= is for level=\"ordinal\", not for 'nominal'"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_what_makes_no_sense_is_refused(options, said):
    with pytest.raises(OptionError, match=said):
        Agreement.of(scores(20), **options)


@pytest.mark.parametrize("text", ["maybe", "1_0", "nan", "inf", "1e200", "0x10"])
@pytest.mark.parametrize("level", LEVELS[1:])
def test_texts_that_are_no_numbers_are_refused(text, level):
    votes = votes_of(["12", "21"]).replace({"choice": {"2": text}})
    advice = ": give their order, from the lowest to the highest" if level == "ordinal" else ""
    with pytest.raises(OptionError, match=f"measures numbers, which '{text}' is not{advice}$"):
        Agreement.of(votes, level=level)
    if level == "ordinal":
        assert Agreement.of(votes, level=level, order=["1", text]).alpha.value == pytest.approx(-0.5)


def test_summaries_of_different_levels_do_not_merge():
    some = scores(9)
    with pytest.raises(OptionError, match="level='nominal' and 'ordinal' do not merge"):
        Agreement.of(some) + Agreement.of(some, level="ordinal")
    orders = [
        Agreement.of(some, level="ordinal", order=["1", "2", "4", "7", "11"][::step]) for step in (1, -1)
    ]
    with pytest.raises(OptionError, match="do not merge"):
        orders[0] + orders[1]


def test_a_picture_says_the_level():
    summary = Agreement.of(scores(40), level="ordinal")
    assert f"Krippendorff's alpha {summary.alpha:.2f}, ordinal." in charts.caption(charts.agreement(summary))
    grouped = charts.agreement(Agreement.of(scores(40), by="topic", level="interval"))
    assert grouped.get_xlabel() == "Krippendorff's alpha, interval (0: chance, 1: full)"
