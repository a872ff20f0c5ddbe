import io
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from panels import part
from pictures import words
from summaries import same

from mastermind_lab.charts.citations import citations
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import citations as citations_module
from mastermind_lab.stats.citations import Citations
from mastermind_lab.stats.engine.intervals import Intervals

pytestmark = pytest.mark.once


def cited(*sets, models=None):
    """Decisions that cite these sources."""
    ids = [f"{1_772_442_000_000 + row}-0" for row in range(len(sets))]
    decisions = pd.DataFrame({"stream_id": pd.Series(ids, dtype="str")})
    decisions["meta.model"] = pd.Series(models or ["atlas"] * len(sets), dtype="str")
    rows = [(stream_id, source) for stream_id, sources in zip(ids, sets, strict=True) for source in sources]
    return SimpleNamespace(
        decisions=decisions,
        votes=pd.DataFrame({"stream_id": []}),
        citations=pd.DataFrame(rows, columns=["stream_id", "source"]).astype("str"),
    )


def panels(n, seed=0, kinds=30):
    """Decisions that cite none to five of some sources, the first of them often."""
    random = np.random.default_rng(seed)
    chance = 1 / np.arange(1, kinds + 1)
    sets = [
        [
            f"https://s.example/{place}"
            for place in random.choice(kinds, random.integers(0, 6), p=chance / chance.sum())
        ]
        for _ in range(n)
    ]
    return cited(*sets, models=list(random.choice(["atlas-1", "atlas-2", "borealis"], n)))


def row(history, **options):
    return Citations.of(history, **options).table().iloc[0]


@pytest.mark.thorough
@pytest.mark.parametrize("by", [None, "meta.model"])
@settings(max_examples=4, deadline=None)
@given(
    st.integers(0, 60).flatmap(
        lambda n: st.tuples(st.integers(0, 99), st.lists(st.integers(0, 2), min_size=n, max_size=n))
    )
)
def test_parts_of_which_some_are_compared_add_up_to_the_whole_in_any_order(by, split):
    seed, places = split
    history, places = panels(len(places), seed), np.array(places, dtype=int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(citations_module, "COMPARED", 7)
        a, b, c = (Citations.of(part(history, places == place), by=by, replicates=40) for place in range(3))
        whole = Citations.of(history, by=by, replicates=40)
    same(whole, (a + b) + c, a + (b + c), sum([c, b, a]))


@pytest.mark.parametrize("other", [{"by": "meta.model"}, {"replicates": 80}])
def test_different_options_do_not_merge(other):
    with pytest.raises(OptionError, match="do not merge"):
        Citations.of(panels(20)) + Citations.of(panels(20), **other)


# The numbers.


def test_decisions_worked_by_hand():
    history = cited("aab", "a", "", "abc")
    rows = Citations.decisions(history)
    assert rows["citations"].tolist() == [3, 1, 0, 3]
    assert rows["sources"].tolist() == [2, 1, 0, 3]
    assert rows["single"].fillna(False).tolist() == [False, True, False, False]
    assert rows["single"].isna().tolist() == [False, False, True, False]
    found = row(history)
    assert found[["n", "cited", "citations", "sources", "compared"]].tolist() == [4, 3, 6, 3, 3]
    # a is cited by three, b by two, c by one.
    assert found["hhi"] == pytest.approx((3**2 + 2**2 + 1**2) / 6**2)
    assert found["effective"] == pytest.approx(36 / 14)
    assert found["single"] == pytest.approx(1 / 3)
    assert found["overlap"] == pytest.approx((1 / 2 + 2 / 3 + 1 / 3) / 3)
    used = Citations.of(history).sources()
    assert used[["source", "n"]].to_numpy().tolist() == [["a", 3], ["b", 2], ["c", 1]]
    assert used["share"].tolist() == pytest.approx([1, 2 / 3, 1 / 3])


def test_overlap_is_the_mean_over_all_pairs():
    history = panels(90)
    sets = history.citations.groupby("stream_id")["source"].agg(set)
    pairs = [len(one & two) / len(one | two) for one, two in combinations(sets, 2)]
    found = Citations.of(history).overlap
    assert found.value == pytest.approx(np.mean(pairs))
    assert found.low < found.value < found.high
    assert found.n == len(sets)


def test_many_sources_are_compared_in_parts(monkeypatch):
    history = panels(60, kinds=200)
    expected = row(history)
    monkeypatch.setattr("mastermind_lab.stats.engine.concentration._CHUNK", 7)
    assert row(history)["overlap"] == pytest.approx(expected["overlap"])


def test_a_sample_is_compared_where_there_are_many(monkeypatch):
    history = panels(600)
    whole = Citations.of(history).overlap
    monkeypatch.setattr(citations_module, "COMPARED", 200)
    some = Citations.of(history).overlap
    assert some.n == 200
    assert some.low < whole.value < some.high
    assert some.high - some.low > 1.3 * (whole.high - whole.low)


def test_scores_intervals_are_wilsons():
    # Newcombe (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    _, low, high, _ = Intervals().binomial(np.array([81, 15, 0, 1]), np.array([263.0, 148, 20, 29]))
    assert low == pytest.approx([0.2553, 0.0624, 0, 0.0513 / 29], abs=5e-4)  # the last: Brown et al. (2001)
    assert high == pytest.approx([0.3662, 0.1605, 0.1611, 0.1718], abs=5e-5)


@pytest.mark.thorough
def test_intervals_of_concentration_and_overlap_cover_the_truth():
    truth = Citations.of(panels(6_000, seed=999, kinds=12)).concentration.value
    overlap = np.mean([Citations.of(panels(700, seed, kinds=12)).overlap.value for seed in range(900, 903)])
    hits = np.zeros(2)
    for seed in range(25):
        found = row(panels(80, seed, kinds=12), replicates=200)
        hits += (
            found["hhi_low"] <= truth <= found["hhi_high"],
            found["overlap_low"] <= overlap <= found["overlap_high"],
        )
    assert (hits >= 20).all(), hits


def test_the_interval_of_concentration_is_that_of_the_jackknife():
    history = panels(120)
    ids = history.citations["stream_id"].unique()
    pairs = history.citations.drop_duplicates()
    without = []
    for stream_id in ids:
        shares = pairs["source"][pairs["stream_id"] != stream_id].value_counts(normalize=True)
        without.append((shares**2).sum())
    error = np.sqrt((len(ids) - 1) / len(ids) * np.sum((without - np.mean(without)) ** 2))
    found = Citations.of(history).concentration
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_neither_order_nor_names_nor_doubled_citations_matter():
    history = panels(120)
    expected = row(history)
    history.citations = history.citations.sample(frac=2, replace=True, random_state=1)
    doubled = pd.concat([history.citations, panels(120).citations], ignore_index=True)
    history.citations = doubled.assign(source="renamed " + doubled["source"])
    pd.testing.assert_series_equal(row(history), expected)


def test_one_more_decision_on_one_source_raises_single():
    one, two = cited("ab", "c"), cited("ab", "c", "d")
    assert Citations.of(two).single.value > Citations.of(one).single.value


# More sources than are counted one by one.


@pytest.fixture
def few_compared(monkeypatch):
    """Overlaps of few decisions, which take the most time."""
    monkeypatch.setattr(citations_module, "COMPARED", 10)


@pytest.mark.thorough
def test_no_count_is_too_high_and_none_too_low_by_more_than_is_said(monkeypatch, few_compared):
    history, most = panels(150, kinds=150), 25
    exact = Citations.of(history, by="meta.model", replicates=40)
    monkeypatch.setattr(citations_module, "COUNTED", most)
    place = np.arange(150) % 4
    a, b, c, d = (
        Citations.of(part(history, place == one), by="meta.model", replicates=40) for one in range(4)
    )
    for found in (a + b + c + d, d + ((c + b) + a)):
        assert len(found.cited.values().cells) <= most * len(found.panels.cells)
        compare_with_all(found, exact, most)
        assert f"more than {most} sources: a count may lack " in repr(found)
    compare_with_all(found.lump(2), exact.lump(2), most)
    estimate, known = found.concentration, exact.concentration
    assert estimate.low <= known.value <= estimate.high


def compare_with_all(found, exact, most):
    table, whole = found.table(), exact.table()
    assert (table["uncounted"] > 0).all()
    assert (table["uncounted"] <= table["citations"] / (most + 1)).all()
    same_columns = [*found.by, "n", "cited", "citations", "sources", "single", "overlap"]
    pd.testing.assert_frame_equal(table[same_columns], whole[same_columns])
    most_too_low = 2 * table["uncounted"] / table["citations"]
    assert (table["hhi"] <= whole["hhi"]).all()
    assert (table["hhi"] + most_too_low >= whole["hhi"]).all()
    counted = found.sources(most).merge(
        exact.sources(10_000), on=[*found.by, "source"], suffixes=("", "_all")
    )
    assert len(counted) > most / 4
    assert (counted["n"] <= counted["n_all"]).all()
    assert (counted["n"] + counted["uncounted"] >= counted["n_all"]).all()
    assert counted["source"].iloc[0] == exact.sources(1)["source"].iloc[0]


def test_as_many_as_are_counted_stay_exact(monkeypatch, few_compared):
    history = panels(60)
    exact = Citations.of(history, by="meta.model", replicates=40)
    most = exact.table()["sources"].max()
    monkeypatch.setattr(citations_module, "COUNTED", most)
    pd.testing.assert_frame_equal(
        Citations.of(history, by="meta.model", replicates=40).table(), exact.table()
    )
    assert (exact.table()["uncounted"] == 0).all()
    monkeypatch.setattr(citations_module, "COUNTED", most - 1)
    assert (Citations.of(history, by="meta.model").table()["uncounted"] > 0).any()


def test_where_no_source_is_cited_more_often_than_a_count_may_lack_concentration_is_unknown(monkeypatch):
    monkeypatch.setattr(citations_module, "COUNTED", 25)
    found = Citations.of(cited(*[[f"https://s.example/{one}"] for one in range(26)]), replicates=40)
    row = found.table().iloc[0]
    assert row["uncounted"] == 1
    assert row[["hhi", "hhi_low", "hhi_high", "effective"]].isna().all()
    assert row["sources"] >= 26
    assert row["single"] == 1


def test_what_is_kept_does_not_grow_with_what_is_cited(monkeypatch, few_compared):
    monkeypatch.setattr(citations_module, "COUNTED", 50)
    total = sum(
        Citations.of(cited(*[[f"{number}-{row}", "often"] for row in range(60)]), replicates=40)
        for number in range(5)
    )
    assert len(total.cited.cells) <= 51
    assert total.table()[["citations", "sources"]].to_numpy().tolist() == [[600, 301]]
    assert total.sources(1)[["source", "n", "uncounted"]].to_numpy().tolist() == [["often", 295, 5]]


# Bad input.


def test_all_the_same_and_none():
    alike = row(cited(*["x"] * 30))
    assert alike[["hhi", "single", "overlap"]].tolist() == [1, 1, 1]
    assert alike["single_low"] < 1
    none = row(cited(*[""] * 5))
    assert none[["n", "cited", "sources", "compared"]].tolist() == [5, 0, 0, 0]
    assert none[["hhi", "single", "overlap"]].isna().all()
    assert Citations.of(cited()).overlap.n == 0


def test_one_decision_has_no_interval():
    found = row(cited("ab"))
    assert found["hhi"] == 0.5
    assert found[["hhi_low", "single_low", "overlap", "overlap_low"]].isna().all()


def test_a_bare_frame_knows_cited_decisions_only():
    history = panels(100)
    found = row(history.citations)
    assert found["n"] == found["cited"] == row(history)["cited"]
    with pytest.raises(OptionError, match="needs a history"):
        Citations.of(history.citations, by="meta.model")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "meta.modle"}, "did you mean"),
        ({"by": "source"}, "has a column"),
        ({"replicates": 1}, "replic"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Citations.of(panels(5), **options)
    with pytest.raises(OptionError, match="citations frame"):
        Citations.of(panels(5).decisions)


# The chart.


@pytest.mark.further
def test_the_chart_draws_the_table():
    summary = Citations.of(panels(300), by="meta.model")
    ax = citations(summary)
    used, bars = summary.sources(8), [part for part in ax.get_children() if type(part) is LineCollection]
    for (_, rows), line, bar in zip(used.groupby("meta.model"), ax.lines, bars, strict=True):
        assert line.get_xdata().tolist() == rows["share"].tolist()
        assert (
            np.array(bar.get_segments())[:, :, 0].tolist()
            == rows[["share_low", "share_high"]].to_numpy().tolist()
        )
    assert [text.get_text() for text in ax.texts] == [name[8:] for name in used["source"].unique()]
    assert f"n = {summary.table()['cited'].sum()} decisions" in words(ax)
    assert "without sources left out" in words(ax).replace("\n", " ")


@pytest.mark.further
def test_single_figures_stand_in_the_heading():
    summary = Citations.of(panels(300))
    shown = words(citations(summary)).replace("\n", " ")
    found = summary.concentration
    assert f"HHI {found.value:.3f} ({found.low:.3f} to {found.high:.3f})" in shown
    single = summary.single
    assert f"{single.value:.0%} ({single.low:.0%} to {single.high:.0%}) on one source" in shown


@pytest.mark.parametrize("sources", ["abcabc", "abcde" * 3])
def test_sources_that_are_used_alike_have_a_concentration_and_no_interval(sources):
    frame = pd.DataFrame({"stream_id": [f"0-{row + 1}" for row in range(len(sources))], "source": [*sources]})
    row = Citations.of(frame).table().iloc[0]
    assert row["hhi"] == pytest.approx(1 / len(set(sources)))
    assert np.isnan(row["hhi_low"])
    assert row["hhi_method"] == "none"


@pytest.mark.further
def test_hostile_and_many_sources_are_drawn():
    ax = citations(
        cited(
            *[[f"$\\x{place // 2}\x00", "y" * 100_000, "\N{RIGHT-TO-LEFT OVERRIDE}"] for place in range(40)]
        )
    )
    assert len(ax.texts) == 8
    assert not any(text.get_parse_math() for text in ax.texts)
    assert max(map(len, words(ax).splitlines()[:-1])) < 100  # behind them stands the caption
    ax.figure.savefig(io.BytesIO())


@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("by", [None, "meta.model"])
def test_few_decisions_are_drawn(n, by):
    ax = citations(cited(*["ab"] * n), by=by)
    assert ("n = " if n else "no decisions") in words(ax)
    ax.figure.savefig(io.BytesIO())


def test_negative_zero_is_in_the_group_of_zero_also_where_groups_are_put_together():
    history = cited([], *[["s1", "s2"], ["s2"], ["s3"]] * 10)
    history.decisions["meta.k"] = [-0.0, *[0.0, 1.5, 2.5] * 10]
    whole = Citations.of(history, by="meta.k")
    assert str(whole.table()["meta.k"][0]) == "0.0"
    for summary in (whole, whole.lump(2)):
        assert summary.concentration.value == whole.concentration.value
        assert summary.table()["compared"].sum() == 30
