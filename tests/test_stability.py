import io
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from pictures import words
from summaries import agree

from mastermind_lab.charts.stability import stability
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import stability as stability_module
from mastermind_lab.stats.stability import Stability

pytestmark = pytest.mark.once


def asked(*rows):
    """Decisions from (question, recommendation, confidence)."""
    frame = pd.DataFrame(rows, columns=["question", "recommendation", "confidence"])
    frame.insert(0, "stream_id", [f"{1_772_442_000_000 + row}-0" for row in range(len(frame))])
    return frame.astype(
        dict.fromkeys(("stream_id", "question", "recommendation"), "str") | {"confidence": "float64"}
    )


def decisions(n, seed=0, kinds=None):
    """Questions with an answer of their own, given with probability 0.8."""
    random = np.random.default_rng(seed)
    question = random.integers(0, kinds or max(n // 3, 1), n)
    answer = np.where(random.random(n) < 0.8, question % 3, 3)
    confidence = np.clip(0.5 + (question % 5) / 20 + random.normal(0, 0.1, n), 0, 1).round(3)
    frame = asked(*zip(question, answer, confidence, strict=True))
    frame.loc[frame.index % 19 == 7, "confidence"] = np.nan
    frame.loc[frame.index % 23 == 5, "question"] = None
    frame["meta.model"] = pd.Series(random.choice(["atlas-1", "atlas-2", "borealis"], n), dtype="str")
    return frame


@pytest.mark.thorough
@pytest.mark.parametrize("by", [None, "meta.model"])
@settings(max_examples=4, deadline=None)
@given(
    st.integers(0, 60).flatmap(
        lambda n: st.tuples(st.integers(0, 99), st.lists(st.integers(0, 2), min_size=n, max_size=n))
    )
)
def test_parts_of_which_some_are_kept_add_up_to_the_whole_in_any_order(by, split):
    seed, places = split
    frame, places = decisions(len(places), seed), np.array(places, dtype=int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stability_module, "QUESTIONS", 5)
        a, b, c = (Stability.of(frame[places == place], by=by, replicates=40) for place in range(3))
        whole = Stability.of(frame, by=by, replicates=40)
    for other in ((a + b) + c, a + (b + c), sum([c, b, a])):
        agree(other.table(), whole.table())
        agree(other.lump(2).table(), whole.lump(2).table())


@pytest.mark.parametrize("other", [{"by": "meta.model"}, {"replicates": 80}])
def test_different_options_do_not_merge(other):
    with pytest.raises(OptionError, match="do not merge"):
        Stability.of(decisions(20)) + Stability.of(decisions(20), **other)


# The numbers.


def test_questions_worked_by_hand():
    frame = asked(
        *[("a", "yes", 0.5), ("a", "yes", 0.7), ("a", "no", 0.9)],
        *[("b", "yes", 0.6), ("b", "yes", 0.6), ("b", "yes", None)],
        *[("c", "yes", 0.1), ("c", "no", 0.3)],
        *[("d", "yes", 0.2), (None, "yes", 0.2), ("e", None, 0.2)],
    )
    table = Stability.of(frame).table().iloc[0]
    assert table[["n", "questions", "again", "askings", "missing"]].tolist() == [9, 4, 3, 8, 2]
    assert table["flip"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert table["unstable"] == pytest.approx(2 / 3)
    assert table["spread"] == pytest.approx(np.sqrt((0.08 + 0 + 0.02) / (2 + 1 + 1)))
    rows = Stability.questions(frame).set_index("question")
    assert rows.index.tolist() == ["a", "b", "c"]
    assert rows["commonest"].fillna("tie").tolist() == ["yes", "yes", "tie"]
    assert rows["share"].tolist() == pytest.approx([2 / 3, 1, 1 / 2])
    assert rows["flip"].tolist() == pytest.approx([2 / 3, 0, 1])
    assert rows.loc["a", "spread"] == pytest.approx(0.2)


def test_flips_are_the_pairs_that_differ():
    frame = decisions(200).dropna(subset="question")
    flips, unstable = [], []
    for _, rows in frame.groupby("question"):
        if len(rows) > 1:
            pairs = [one != two for one, two in combinations(rows["recommendation"], 2)]
            flips.append(np.mean(pairs))
            unstable.append(any(pairs))
    found = Stability.of(frame)
    assert found.flip.value == pytest.approx(np.mean(flips))
    assert found.unstable.value == pytest.approx(np.mean(unstable))
    assert found.flip.n == len(flips)
    assert Stability.questions(frame)["flip"].mean() == pytest.approx(np.mean(flips))


def test_the_spread_is_the_residual_deviation_of_an_analysis_of_variance():
    frame = decisions(300).dropna()
    within = frame["confidence"] - frame.groupby("question")["confidence"].transform("mean")
    freedom = len(frame) - frame["question"].nunique()
    assert Stability.of(frame).spread.value == pytest.approx(np.sqrt((within**2).sum() / freedom))


@pytest.mark.parametrize("confidence", [0.7, 0.3, 0.1, 1 / 3])
def test_equal_confidences_do_not_spread(confidence):
    spread = Stability.of(asked(*[(row % 20, "a", confidence) for row in range(60)]), replicates=40).spread
    assert (spread.value, spread.low, spread.method) == (0, 0, "exact")


def test_a_small_spread_is_one():
    frame = asked(*[(row % 20, "a", 0.7 + 1e-6 * (row < 20)) for row in range(60)])
    assert Stability.of(frame, replicates=40).spread.value == pytest.approx(1e-6 / np.sqrt(3), rel=1e-3)


def test_a_spread_of_one_question_has_no_interval():
    frame = asked(*[(place // 2, "a", np.nan) for place in range(60)])
    frame.loc[:1, "confidence"] = [0.2, 0.8]
    spread = Stability.of(frame, replicates=40).spread
    assert (spread.value, spread.n, spread.method) == (pytest.approx(0.6 / np.sqrt(2)), 1, "none")
    row = Stability.of(frame, replicates=40).table().iloc[0]
    assert (row["again"], row["with_spread"], row["spread_method"]) == (30, 1, "none")
    frame.loc[2:3, "confidence"] = [0.5, 0.6]
    two = Stability.of(frame, replicates=40).spread
    assert (two.n, two.method) == (2, "Student")


@pytest.mark.thorough
def test_intervals_cover_the_truth():
    # 0.8 of the time the answer is the question's own, else another: two askings differ in 0.32 of the pairs.
    hits = np.zeros(2)
    for seed in range(40):
        found = Stability.of(decisions(240, seed, kinds=60), replicates=200)
        hits += found.flip.low <= 0.32 <= found.flip.high, found.spread.low <= 0.1 <= found.spread.high
    assert (hits >= 34).all(), hits


def test_neither_order_nor_names_matter():
    frame = decisions(150)
    expected = Stability.of(frame).table()
    other = frame.sample(frac=1, random_state=1)
    other["recommendation"] = "choice " + other["recommendation"]
    agree(Stability.of(other).table(), expected)
    other["question"] = "ask " + other["question"]
    exact = ["n", "questions", "again", "askings", "flip", "unstable", "spread"]
    agree(Stability.of(other).table()[exact], expected[exact])


def test_groups_are_counted_apart():
    frame = decisions(200)
    table = Stability.of(frame, by="meta.model").table()
    for model, part in frame.groupby("meta.model"):
        ours = table[table["meta.model"] == model].drop(columns="meta.model").reset_index(drop=True)
        agree(ours, Stability.of(part).table())


def test_many_questions_are_sampled(monkeypatch):
    frame = decisions(3_000, kinds=900)
    whole = Stability.of(frame)
    monkeypatch.setattr(stability_module, "QUESTIONS", 300)
    some = Stability.of(frame)
    assert not whole.table()["sampled"].any()
    assert some.table()["sampled"].all()
    assert some.table()["questions"].tolist() == [300]
    assert len(some.answers.keys) <= 300 * 4
    assert some.flip.low < whole.flip.value < some.flip.high


# Bad input.


def test_few_questions_and_none():
    once = Stability.of(asked(("a", "yes", 0.5), ("b", "no", 0.5))).table().iloc[0]
    assert once[["n", "again", "askings"]].tolist() == [2, 0, 0]
    assert once[["flip", "unstable", "spread"]].isna().all()
    one = Stability.of(asked(("a", "yes", 0.5), ("a", "yes", None)))
    assert (one.flip.value, one.flip.n) == (0, 1)
    assert np.isnan(one.flip.low)
    assert np.isnan(one.spread.value)
    none = Stability.of(asked((None, "yes", 0.5)))
    assert none.table()["missing"].tolist() == [1]
    assert none.spread.n == 0
    assert Stability.of(asked()).spread.n == 0


def test_all_the_same_is_no_certainty():
    found = Stability.of(asked(*[(str(row // 2), "yes", 0.5) for row in range(20)]))
    assert (found.flip.value, found.unstable.value, found.spread.value) == (0, 0, 0)
    assert found.unstable.high == pytest.approx(1 - 0.025 ** (1 / 10))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "meta.modle"}, "did you mean"),
        ({"by": "question"}, "has a column"),
        ({"replicates": 1}, "replic"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Stability.of(decisions(5), **options)
    with pytest.raises(OptionError, match="decisions frame"):
        Stability.of(decisions(5).drop(columns="question"))


# The chart.


def test_the_chart_draws_the_table():
    summary = Stability.of(decisions(300), by="meta.model")
    ax, table = stability(summary), summary.table()
    bars = [part for part in ax.get_children() if type(part) is LineCollection]
    for name, line, bar in zip(("flip", "unstable", "spread"), ax.lines, bars, strict=False):
        assert line.get_xdata().tolist() == table[name].tolist()
        ends = table[[f"{name}_low", f"{name}_high"]].to_numpy().tolist()
        assert np.array(bar.get_segments())[:, :, 0].tolist() == ends
    assert f"n = {table['again'].sum()} questions asked again" in words(ax).replace("\n", " ")
    assert f"borealis\nn = {table['again'].iloc[-1]}" in words(ax)


@pytest.mark.further
def test_hostile_groups_and_a_sample_are_said(monkeypatch):
    monkeypatch.setattr(stability_module, "QUESTIONS", 20)
    frame = decisions(200)
    frame["meta.model"] = np.where(frame.index % 2, "$\\x\x00", "y" * 100_000)
    ax = stability(frame, by="meta.model")
    assert "Sample of the questions" in words(ax).replace("\n", " ")
    assert max(map(len, words(ax).splitlines()[:-1])) < 100  # behind them stands the caption
    ax.figure.savefig(io.BytesIO())


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_decisions_are_drawn(n):
    ax = stability(asked(*[("a", "yes", 0.5)] * n))
    assert ("n = 1" if n == 2 else "no questions asked again") in words(ax)
    ax.figure.savefig(io.BytesIO())
