from math import comb
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from histories import sample
from matplotlib.collections import LineCollection
from matplotlib.dates import date2num
from pandas.testing import assert_frame_equal
from panels import START, part
from pictures import words
from summaries import agree
from telling import telling

from mastermind_lab.charts.regimes import regimes
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import Confidence, Margin
from mastermind_lab.stats.engine.first_last_seen import MOST_VALUES
from mastermind_lab.stats.engine.stretches import absence
from mastermind_lab.stats.regimes import Regimes

pytestmark = pytest.mark.once


def stream(n, seed=0, minutes=10):
    """A model replaced at half, a prompt that begins at three quarters beside the old one, a late field."""
    random = np.random.default_rng(seed)
    place = np.arange(n)
    late = place >= 3 * n // 4
    decisions = pd.DataFrame(
        {
            "stream_id": [f"{1_772_442_000_000 + 60_000 * row}-0" for row in place],
            "published_at": (START + pd.to_timedelta(place * minutes, unit="min")).as_unit("us"),
            "confidence": random.beta(6, 3, n).round(3),
            "recommendation": "yes",
            "meta.model": np.where(place < n // 2, "atlas-1", "atlas-2"),
            "meta.prompt": np.where(late & (random.random(n) < 0.5), "v4", "v3"),
            "meta.cost": pd.array(np.where(late, random.random(n), np.nan), dtype="float64"),
            "meta.fast": pd.array(random.random(n) < 0.5, dtype="boolean"),
            "meta.level": random.choice([0.0, 0.5, 1.0], n),
        }
    ).astype({"stream_id": "str", "recommendation": "str", "meta.model": "str", "meta.prompt": "str"})
    voted = np.repeat(decisions["stream_id"].to_numpy(), 5)
    choice = np.where(random.random(5 * n) < 0.7, "yes", "no")
    voter = np.tile(list("abcde"), n)
    votes = pd.DataFrame({"stream_id": voted, "voter": voter, "choice": choice}).astype("str")
    return SimpleNamespace(decisions=decisions, votes=votes)


def same(left, *others):
    for other in others:
        agree(other.table(), left.table())
        agree(other.values(), left.values())
        assert (left.n, left.undated, left.left_out) == (other.n, other.undated, other.left_out)


def found(summary, *names):
    return summary.table()[list(names)].to_numpy().tolist()


@pytest.mark.thorough
def test_order_and_index_of_the_rows_do_not_matter():
    history = stream(300)
    shuffled = history.decisions.sample(frac=1, random_state=1).set_index(np.zeros(300, dtype=int))
    same(Regimes.of(history), Regimes.of(SimpleNamespace(decisions=shuffled, votes=history.votes)))


@pytest.mark.parametrize("other", [{"watch": "meta.model"}, {"p_value": 0.05}, {"replicates": 80}])
def test_different_options_do_not_merge(other):
    with pytest.raises(OptionError, match="do not merge"):
        Regimes.of(stream(20)) + Regimes.of(stream(20), **other)


@pytest.mark.further
def test_batches_in_which_a_column_has_another_type_add_up_to_the_whole():
    history = stream(240)
    first, second = (
        part(history, history.decisions.index < 120),
        part(history, history.decisions.index >= 120),
    )
    whole = history.decisions["meta.level"].where(history.decisions.index >= 120, 1.0)
    first.decisions = first.decisions.assign(**{"meta.level": pd.array([1] * 120, dtype="Int64")})
    history.decisions["meta.level"] = whole
    same(Regimes.of(history), Regimes.of(first) + Regimes.of(second))


# What is found.


def test_begins_and_ends_are_found_and_alternation_is_not():
    events = found(Regimes.of(stream(400)), "change", "column", "value", "event")
    assert events == [
        [1, "meta.model", "atlas-1", "end"],
        [1, "meta.model", "atlas-2", "begin"],
        [2, "fields", "meta.cost", "begin"],
        [2, "meta.prompt", "v4", "begin"],
    ]


def test_a_field_that_nobody_fills_is_not_seen():
    empty = stream(40).decisions.assign(**{"meta.cost": np.nan})
    assert "meta.cost" not in Regimes.of(empty, watch="fields").values()["value"].tolist()


def test_the_effect_is_the_difference_between_neighbouring_changes():
    history = stream(400)
    table = Regimes.of(history, watch=["meta.model", "fields"]).table().drop_duplicates("change")
    rows = history.decisions["confidence"], Margin.decisions(history)["margin"]
    edges = [slice(0, 200), slice(200, 300), slice(300, 400)]
    assert table[["before", "after"]].to_numpy().tolist() == [[200, 100], [100, 100]]
    for name, values in zip(("confidence", "margin"), rows, strict=True):
        means = [values[edge].mean() for edge in edges]
        assert table[f"{name}_before"].tolist() == pytest.approx(means[:2])
        assert table[f"{name}_after"].tolist() == pytest.approx(means[1:])
        assert table[f"{name}_difference"].tolist() == pytest.approx(np.diff(means).tolist())
        for figure in ("before", "after", "difference"):
            low, value, high = (table[f"{name}_{figure}{end}"] for end in ("_low", "", "_high"))
            assert ((low < value) & (value < high)).all()
    assert not table["small_n"].any()
    few = Regimes.of(stream(36), watch="meta.model", p_value=0.5).table()
    assert few["small_n"].tolist() == (few[["before", "after"]].min(axis=1) < 10).tolist()


def test_the_interval_is_as_wide_as_welchs():
    history = stream(2_000)
    row = Regimes.of(history, watch="meta.model").table().iloc[0]
    one, two = (history.decisions["confidence"][rows] for rows in (slice(0, 1_000), slice(1_000, 2_000)))
    error = np.sqrt(one.var() / 1_000 + two.var() / 1_000)
    assert row["confidence_difference_high"] - row["confidence_difference_low"] == pytest.approx(
        2 * 1.96 * error, rel=0.15
    )


@pytest.mark.thorough
def test_intervals_of_a_difference_cover_the_truth():
    hits = []
    for seed in range(40):
        row = Regimes.of(stream(80, seed).decisions, watch="meta.model").table().iloc[0]
        hits.append(row["confidence_difference_low"] <= 0 <= row["confidence_difference_high"])
    assert np.mean(hits) >= 0.88


def test_a_cluster_that_goes_on_over_a_change_is_counted_once():
    decisions = stream(400).decisions.assign(question=np.arange(400) % 20)
    decisions.loc[390:, "question"] = np.arange(390, 400)
    table = Regimes.of(decisions, watch="meta.model", cluster="question", replicates=40).table()
    assert table[["before", "after", "clusters"]].to_numpy().tolist() == [[200, 200, 30]] * 2


def test_chance_is_the_share_of_orders_in_which_a_value_is_as_late():
    assert absence(3, 2, 5) == pytest.approx(comb(2, 2) / comb(5, 2))
    assert absence(0, 4, 9) == 1
    assert absence(500_000, 40, 1_000_000) == pytest.approx(comb(500_000, 40) / comb(1_000_000, 40), rel=1e-6)
    # What is ordered is blocks: a has 3 and b 4; the last absence of a is 3 of its 7 decisions.
    frame = stream(12).decisions
    frame["meta.model"] = pd.Series(list("baabbabaabbb"), dtype="str")
    values = Regimes.of(frame, watch="meta.model").values().set_index("value")
    assert values[["blocks", "other_blocks"]].to_numpy().tolist() == [[3, 4], [4, 3]]
    assert values.loc["a", "ends"] == pytest.approx(min(1, 4 * absence(4 * 3 / 7, 3, 7)))
    assert values.loc["b", "ends"] == 1


def simulated(kind, random, n=1_000):
    """The models of a stream in which nothing changes, one by one or in blocks."""
    if kind == "one by one":
        return random.choice(list("abcd"), n)
    sizes = np.full(n // 50, 50) if kind == "blocks" else random.geometric(1 / 30, n)
    chosen = random.choice(list("abcd"), len(sizes))
    if kind == "staying":  # one model stays longer than the others
        sizes = np.where(chosen == "a", sizes * 2, sizes)
    return np.repeat(chosen, sizes)[:n]


def share_with_a_change(make, streams, n=1_000):
    found = []
    for seed in range(streams):
        frame = stream(n).decisions.assign(**{"meta.model": make(np.random.default_rng(seed), n)})
        frame = frame.astype({"meta.model": "str"})
        found.append(len(Regimes.of(frame, watch="meta.model", p_value=0.05, replicates=40).table()) > 0)
    return np.mean(found)


KINDS = ["one by one", "blocks", "random blocks", "staying"]


@pytest.mark.parametrize("kind", telling(KINDS, "random blocks", "staying"))
def test_blocks_are_no_change(kind):
    assert share_with_a_change(lambda random, n: simulated(kind, random, n), 3) == 0


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_a_change_is_found_in_blocks_as_seldom_as_is_said(kind):
    assert share_with_a_change(lambda random, n: simulated(kind, random, n), 40) <= 0.1


@pytest.mark.parametrize("size", [1, 20])
def test_a_change_in_the_midst_of_blocks_is_found(size):
    def replaced(random, n):
        chosen = np.repeat(random.choice(list("abcd"), n // size), size)
        return np.where((np.arange(n) >= n // 2) & (chosen == "a"), "new", chosen)

    assert share_with_a_change(replaced, 3, 60 * size + 800) == 1


def test_a_single_block_in_the_midst_of_others_is_no_change():
    frame = stream(300).decisions
    frame["meta.model"] = np.where(frame.index // 100 == 1, "passing", "staying")
    summary = Regimes.of(frame, watch="meta.model")
    assert summary.table().empty
    assert summary.values().set_index("value")["blocks"].to_dict() == {"passing": 1, "staying": 2}


def test_of_values_that_never_come_back_the_order_says_nothing():
    table = Regimes.of(stream(400), watch=["meta.model", "fields"]).table()
    assert table["p_value"].isna().all()
    assert Regimes.of(stream(400), watch=["meta.model", "fields"]).values()["begins"].isna().all()
    frame = stream(400).decisions
    frame["meta.model"] = pd.Series(list("ab") * 200, dtype="str")
    assert Regimes.of(frame, watch="meta.model").values()["begins"].tolist() == [1, 1]


def test_what_takes_the_place_of_those_that_end_is_named_with_them():
    frame = stream(400).decisions
    frame["meta.model"] = np.where(frame.index < 300, np.tile(["a", "b"], 200), "new")
    table = Regimes.of(frame.astype({"meta.model": "str"}), watch="meta.model").table()
    assert table[["change", "value", "event"]].to_numpy().tolist() == [
        [1, "a", "end"], [1, "b", "end"], [1, "new", "begin"],
    ]  # fmt: skip


def test_a_value_that_is_missing_here_and_there_still_ends():
    frame = stream(400).decisions
    model = np.where(frame.index < 200, "old", "new").astype(object)
    model[::3] = None
    events = Regimes.of(frame.assign(**{"meta.model": pd.Series(model, dtype="str")}), watch="meta.model")
    assert events.table()[["value", "event"]].to_numpy().tolist() == [["old", "end"], ["new", "begin"]]
    assert (events.table()["p_value"] < 1e-6).all()


def test_two_runs_with_a_gap_between_them_are_one_change():
    history = stream(100, minutes=0)
    second = history.decisions.index >= 50
    history.decisions["published_at"] += pd.to_timedelta(np.where(second, 60, 0), unit="D")
    table = Regimes.of(history, watch="meta.model").table()
    assert table["change"].tolist() == [1, 1]
    assert table[["before", "after"]].iloc[0].tolist() == [50, 50]


def test_a_value_that_comes_and_goes_begins_and_ends():
    frame = stream(300).decisions
    passing = (frame.index // 100 == 1) & (frame.index % 2 == 0)
    frame["meta.model"] = np.where(passing, "passing", "staying")
    events = found(Regimes.of(frame, watch="meta.model"), "value", "event", "stream_id", "n")
    ids = frame["stream_id"]
    assert events == [["passing", "begin", ids[100], 50], ["passing", "end", ids[198], 50]]


def test_a_bin_in_which_both_sides_meet_belongs_to_neither():
    frame = stream(5_120).decisions
    frame["meta.model"] = np.where(frame.index < 2_005, "old", "new")
    table = Regimes.of(frame, watch="meta.model").table()
    assert table["change"].tolist() == [1, 1]
    before, after = table[["before", "after"]].iloc[0]
    assert before <= 2_005
    assert after <= 5_120 - 2_005
    assert 5_120 - 40 <= before + after < 5_120


def test_renaming_the_values_renames_the_events():
    history = stream(400)
    expected = Regimes.of(history, watch="meta.model").table()
    names = {"atlas-1": "x", "atlas-2": "y"}
    history.decisions["meta.model"] = history.decisions["meta.model"].map(names).astype("str")
    renamed = Regimes.of(history, watch="meta.model").table()
    assert_frame_equal(renamed, expected.assign(value=expected["value"].map(names).astype("str")))


# Bad input.


@pytest.mark.further
def test_columns_with_too_many_values_are_left_out_and_named():
    history = stream(400)
    history.decisions["meta.run"] = history.decisions["stream_id"]
    assert Regimes.of(history, replicates=40).left_out == ("meta.run",)
    halves = [part(history, history.decisions.index % 5 == place) for place in range(5)]
    counted = [Regimes.of(half, replicates=40) for half in halves]
    assert all(one.left_out == () for one in counted)
    merged = sum(counted)
    assert merged.left_out == ("meta.run",)
    assert 80 < MOST_VALUES < 400


def test_a_bare_frame_has_no_margins():
    table = Regimes.of(stream(200).decisions).table()
    assert table["margin_difference"].isna().all()
    assert table["confidence_difference"].notna().all()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_decisions_show_no_change(n):
    summary = Regimes.of(stream(n))
    assert len(summary.table()) == 0
    assert summary.n == n


def test_without_any_time_or_confidence():
    history = stream(200)
    nowhen = pd.Series(pd.NaT, index=range(200), dtype="datetime64[us, UTC]")
    undated = Regimes.of(history.decisions.assign(published_at=nowhen))
    assert (undated.n, undated.undated, len(undated.table())) == (0, 200, 0)
    unsure = Regimes.of(history.decisions.assign(confidence=np.nan)).table()
    assert len(unsure) == 4
    assert unsure["confidence_difference"].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"watch": "meta.modle"}, "did you mean 'meta.model'"),
        ({"p_value": 0}, "p_value must be above 0"),
        ({"p_value": 1}, "p_value must be above 0"),
        ({"replicates": 3}, "replicates"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Regimes.of(stream(10), **options)


# The chart.


@pytest.mark.further
def test_the_chart_draws_the_table():
    summary = Regimes.of(stream(400))
    changes = summary.table().drop_duplicates("change")
    ax = regimes(summary)
    bars = [artist for artist in ax.get_children() if type(artist) is LineCollection]
    for line, bar, name in zip(ax.lines, bars, ("confidence", "margin"), strict=False):
        assert list(line.get_xdata()) == changes[f"{name}_difference"].tolist()
        ends = np.array([segment[:, 0] for segment in bar.get_segments()])
        assert (
            ends.tolist()
            == changes[[f"{name}_difference_low", f"{name}_difference_high"]].to_numpy().tolist()
        )
    assert "model: atlas-1 \N{RIGHTWARDS ARROW} atlas-2" in words(ax).replace("\n", " ")
    assert "n = 200 | 100" in words(ax)
    assert "n = 400 decisions" in words(ax)
    ax.figure.draw_without_rendering()


def test_the_strip_of_means_is_as_long_as_what_it_shows():
    history = stream(400)
    [strip] = regimes(history).child_axes
    times = history.decisions["published_at"]
    first, last = date2num([times.min(), times.max()])
    assert strip.get_xlim() == pytest.approx((first, last), abs=0.01 * (last - first))


@pytest.mark.further
def test_hostile_values_are_drawn_as_they_read():
    history = stream(200)
    history.decisions["meta.model"] = np.where(history.decisions.index < 100, "$\\foo$\x00", "x" * 10_000)
    ax = regimes(history)
    assert not any(label.get_parse_math() for label in ax.get_yticklabels())
    assert max(map(len, words(ax).splitlines()[:-1])) < 80  # behind them stands the caption
    ax.figure.draw_without_rendering()


@pytest.mark.parametrize("n", [0, 1, 30])
def test_nothing_to_draw_is_said(n):
    history = stream(n)
    history.decisions["meta.model"] = "same"
    ax = regimes(history, watch="meta.model")
    assert ("no change found" if n else "no decisions") in words(ax)
    ax.figure.draw_without_rendering()


def test_a_summary_that_looked_elsewhere_is_refused():
    with pytest.raises(OptionError, match="count it again"):
        regimes(Regimes.of(stream(10)), watch="meta.model")
    with pytest.raises(OptionError, match="history or its decisions frame"):
        regimes(Confidence.of(stream(10)))


def test_a_number_and_its_text_are_one_value():
    history = sample(60)
    history.decisions["meta.x"] = pd.Series([1, "1", "2"] * 20, dtype=object).to_numpy()
    mixed = Regimes.of(history, watch="meta.x")
    history.decisions["meta.x"] = ["1", "1", "2"] * 20
    pd.testing.assert_frame_equal(mixed.values(), Regimes.of(history, watch="meta.x").values())
    assert mixed.values()["n"].tolist() == [40, 20]
