import io
import json
from functools import cache
from math import comb
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from histories import sample
from matplotlib.collections import LineCollection
from panels import part
from pictures import caption, words
from summaries import agree

import mastermind_lab as lab
from mastermind_lab.charts.conformity import conformity
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.conformity import Conformity
from mastermind_lab.stats.engine.debate_rounds import MOST_ROUNDS

pytestmark = pytest.mark.once


def voted(*rows, models=None):
    """Decisions from (votes, citations, arguments, confidences of the rounds or any text)."""
    ids = [f"{1_772_442_000_000 + row}-0" for row in range(len(rows))]
    decisions = pd.DataFrame(
        {
            "stream_id": pd.Series(ids, dtype="str"),
            "recommendation": pd.Series([votes[:1] for votes, *_ in rows], dtype="str"),
            "n_citations": pd.array([row[1] for row in rows], dtype="Int64"),
            "n_arguments": pd.array([row[2] for row in rows], dtype="Int64"),
            "meta.debate.rounds": pd.Series([told(row[3]) for row in rows], dtype="str"),
            "meta.model": pd.Series(models or ["atlas"] * len(rows), dtype="str"),
        }
    )
    cast = [
        (stream_id, f"v{place}", vote)
        for stream_id, (votes, *_) in zip(ids, rows, strict=True)
        for place, vote in enumerate(votes)
    ]
    votes = pd.DataFrame(cast, columns=["stream_id", "voter", "choice"]).astype("str")
    return SimpleNamespace(decisions=decisions, votes=votes)


def told(rounds):
    if isinstance(rounds, str | None):
        return rounds
    return json.dumps([{"confidence": confidence, "leader_share": 0.5} for confidence in rounds])


def panels(n, seed=0, follow=0.3, kinds=3):
    """Panels of one to five voters, some of which follow the first."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        size = int(random.choice([1, 2, 3, 5]))
        votes = random.choice(list("abcdefgh")[:kinds], size)
        rounds = np.round(
            np.clip(0.5 + 0.05 * np.arange(random.integers(0, 5)) + random.normal(0, 0.05), 0, 1), 3
        )
        rows.append(
            (
                "".join(votes[:1]) * size if random.random() < follow else "".join(votes),
                int(random.integers(0, 4)),
                int(random.integers(0, 8)),
                rounds.tolist(),
            )
        )
    return voted(*rows, models=list(random.choice(["atlas-1", "atlas-2"], n)))


def row(history, **options):
    return Conformity.of(history, **options).table().iloc[0]


@pytest.mark.parametrize(
    "other",
    [
        {"by": "meta.model"},
        {"replicates": 80},
        {"agreement": 0.9},
        {"citations": 0},
        {"rounds": "meta.model"},
    ],
)
def test_different_options_do_not_merge(other):
    with pytest.raises(OptionError, match="do not merge"):
        of_twenty() + Conformity.of(panels(20), **other)


@cache
def of_twenty():
    return Conformity.of(panels(20))


# The numbers.


def test_decisions_worked_by_hand():
    history = voted(
        ("aaaab", 1, 3, [0.5, 0.6, 0.9]),
        ("aaaab", 2, 0, [0.5]),
        ("bbb", 0, 0, [0.8, 0.7]),
        ("ab", 0, 0, None),
        ("a", 0, 0, None),
    )
    rows = Conformity.decisions(history)
    assert rows["agreement"].tolist() == pytest.approx([0.8, 0.8, 1, np.nan, np.nan], nan_ok=True)
    assert rows["hollow"].fillna(False).tolist() == [True, False, True, False, False]
    assert rows["hollow"].isna().tolist() == [False, False, False, False, True]
    assert rows["n_rounds"].tolist() == [3, 1, 2, 0, 0]
    assert rows["inflation"].tolist() == pytest.approx([0.4, np.nan, -0.1, np.nan, np.nan], nan_ok=True)
    found = row(history)
    assert found[["n", "too_small", "debated"]].tolist() == [4, 1, 2]
    assert found["unanimous"] == 1 / 4
    assert found["consensus"] == 3 / 4
    assert found["hollow"] == 2 / 4
    assert found["inflation"] == pytest.approx(0.15)
    # Of the votes in panels of two and more 9 are for a and 6 for b.
    chances = [(comb(9, m) + comb(6, m)) / comb(15, m) for m in (5, 5, 3, 2)]
    assert found["expected"] == pytest.approx(np.mean(chances))
    assert found["excess"] == pytest.approx(1 / 4 - np.mean(chances))


@pytest.mark.thorough
def test_independent_voters_have_no_excess_and_intervals_cover_it():
    hits, excess = 0, []
    for seed in range(40):
        found = row(panels(200, seed, follow=0.0), replicates=200)
        hits += found["excess_low"] <= 0 <= found["excess_high"]
        excess.append(found["excess"])
    assert hits >= 34
    assert abs(np.mean(excess)) < 0.01


@pytest.mark.further
def test_followers_show_as_excess():
    # 0.4 of the panels follow: they are unanimous where they would have been by chance only.
    found = row(panels(3_000, follow=0.4))
    assert found["excess"] == pytest.approx(0.4 * (1 - found["expected"]), abs=0.03)
    assert found["excess_low"] > 0.2


def test_voters_who_lean_differently_are_unanimous_even_less():
    random = np.random.default_rng(1)
    rows = []
    for _ in range(2_000):
        votes = "".join("a" if random.random() < lean else "b" for lean in (0.9, 0.5, 0.1))
        rows.append((votes, 1, 1, None))
    found = row(voted(*rows))
    assert found["unanimous"] == pytest.approx(2 * 0.9 * 0.5 * 0.1, abs=0.02)
    assert found["excess_high"] < 0


def test_the_excess_of_all_keeps_the_groups_apart():
    history = voted(*[("aaa", 1, 1, None)] * 30, *[("bbb", 1, 1, None)] * 30, models=["x"] * 30 + ["y"] * 30)
    assert Conformity.of(history).excess.value == pytest.approx(1 - 2 * comb(90, 3) / comb(180, 3))
    assert Conformity.of(history, by="meta.model").excess.value == pytest.approx(0)


@pytest.mark.parametrize("each", [4, 40])
def test_groups_put_together_keep_what_is_expected_of_each(each):
    random = np.random.default_rng(each)
    kinds = [letter for letter in "abcdef" for _ in range(each)]
    votes = ["".join(random.choice([kind, "z"], 3, p=[0.8, 0.2])) for kind in kinds]
    summary = Conformity.of(voted(*[(one, 1, 1, None) for one in votes], models=kinds), by="meta.model")
    table, lumped = summary.table(), summary.lump(3)
    rest = lumped.table().iloc[-1]
    assert (rest["group"], rest["n"]) == ("4 others", 4 * each)
    for name in ("unanimous", "expected", "excess"):
        assert rest[name] == pytest.approx(table[name].iloc[2:].mean())
        assert rest[f"{name}_low"] <= rest[name] <= rest[f"{name}_high"]
    assert lumped.excess.value == pytest.approx(summary.excess.value)
    again = lumped.lump(2).table()
    assert np.average(again["expected"], weights=again["n"]) == pytest.approx(table["expected"].mean())


def test_rounds_are_compared_with_the_first_of_the_same_decisions():
    history = voted(("aa", 1, 1, [0.2, 0.4]), ("aa", 1, 1, [0.6, 0.7, 0.9]), ("aa", 1, 1, [0.5]))
    table = Conformity.of(history).by_round()
    assert table["round"].tolist() == [1, 2, 3]
    assert table["n"].tolist() == [3, 2, 1]
    assert table["confidence"].tolist() == pytest.approx([1.3 / 3, 0.55, 0.9])
    assert table["change"].tolist() == pytest.approx([0, 0.15, 0.3])
    assert table["change_low"].isna().tolist() == [False, False, True]
    assert table["confidence_low"].isna().tolist() == [False, False, True]
    assert table["small_n"].all()
    many = voted(("aa", 1, 1, [0.5] * 1_000))
    assert len(Conformity.of(many).by_round()) == MOST_ROUNDS
    assert Conformity.decisions(many)["n_rounds"].tolist() == [1_000]


@pytest.mark.parametrize(
    "rounds",
    [
        "not json",
        "7",
        '{"confidence": 1}',
        "[1, 2]",
        "[" * 100_000,
        '[{"confidence": "0.5"}, {"confidence": true}, {"confidence": 7}, {"confidence": null}, {}]',
        '[{"confidence": NaN}, {"confidence": 1e999}]',
    ],
)
def test_rounds_that_are_something_else_are_none(rounds):
    history = voted(("aa", 1, 1, rounds), ("aa", 1, 1, [0.25, 0.5]))
    found = Conformity.of(history)
    assert (found.inflation.n, found.inflation.value) == (1, 0.25)
    assert Conformity.decisions(history)["n_rounds"].tolist() == [0, 2]


def test_neither_order_nor_names_matter():
    history = panels(150)
    expected = Conformity.of(history).table()
    history.decisions = history.decisions.sample(frac=1, random_state=1)
    history.votes = history.votes.sample(frac=1, random_state=2)
    history.votes["choice"] = "choice " + history.votes["choice"]
    agree(Conformity.of(history).table(), expected)


def test_one_more_unanimous_panel_raises_unanimity():
    rows = [("ab", 1, 1, None), ("aa", 1, 1, None)]
    assert row(voted(*rows, ("aa", 1, 1, None)))["unanimous"] > row(voted(*rows))["unanimous"]


# Bad input.


def test_all_alike_have_no_excess():
    found = row(voted(*[("aaa", 9, 9, None)] * 20))
    assert found[["unanimous", "expected", "excess", "hollow"]].tolist() == [1, 1, 0, 0]
    assert found["unanimous_low"] < 1
    assert np.isnan(found["inflation"])


def test_where_nobody_told_of_evidence_no_consensus_is_hollow():
    untold = voted(*[("aaa", 0, 0, None)] * 12)
    summary = Conformity.of(untold)
    assert np.isnan(summary.hollow.value)
    assert summary.table()[["hollow", "hollow_low"]].isna().all(axis=None)
    assert summary.table()["hollow_method"].tolist() == ["none"]
    assert (summary.table()["consensus"] == 1).all()
    assert Conformity.decisions(untold)["hollow"].isna().all()
    ax = conformity(summary)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["unanimous", "if independent"]
    assert "Hollow consensus not known: citations or arguments not counted." in caption(ax)


def test_evidence_in_one_part_is_known_of_both():
    rows = [("aaa", 0, 0, None)] * 12 + [("aab", 3, 0, None)] * 4
    history = voted(*rows)
    untold, told = part(history, range(12)), part(history, range(12, 16))
    whole = Conformity.of(history)
    agree((Conformity.of(untold) + Conformity.of(told)).table(), whole.table())
    assert whole.hollow.value == 12 / 16
    assert np.isnan(Conformity.of(untold).hollow.value)
    assert Conformity.of(history, by="n_citations").table()["hollow"].tolist() == [1, 0]


def test_a_table_of_votes_beside_others_is_not_hollow():
    told = sample(50)
    votes = pd.DataFrame({"q": 1, "who": [*"xyz"], "says": "yes"})
    table = lab.from_votes(votes, decision="q", voter="who", choice="says")
    assert table.decisions[["n_citations", "n_arguments"]].isna().all(axis=None)
    both = Conformity.of(told + table)
    assert (both.hollow.value, both.hollow.n) == (Conformity.of(told).hollow.value, 50)
    assert "Hollow consensus not known" in caption(conformity(table))


def test_evidence_that_was_not_counted_is_not_none():
    history = voted(*[("aaa", 0, 0, None)] * 2, *[("aab", 3, 5, None)] * 2, *[("aaa", 5, 5, None)] * 2)
    history.decisions["n_citations"] = pd.array([None, 0, 3, 3, None, 5], "Int64")
    history.decisions["n_arguments"] = pd.array([0, 0, 5, None, 5, 5], "Int64")
    rows = Conformity.decisions(history)
    assert rows["hollow"].tolist() == [pd.NA, True, False, pd.NA, pd.NA, False]
    summary, found = Conformity.of(history), row(history)
    assert found[["n", "n_told", "unanimous"]].tolist() == [6, 3, 4 / 6]
    assert (summary.hollow.value, summary.hollow.n) == (1 / 3, 3)
    assert found["hollow"] == 1 / 3
    agree(sum(Conformity.of(part(history, [one])) for one in range(6)).table(), summary.table())
    assert "Hollow: of the 3 whose citations and arguments were counted." in caption(conformity(summary))


def test_few_panels_and_none():
    none = row(voted(("a", 0, 0, None), ("", 0, 0, None)))
    assert none[["n", "too_small"]].tolist() == [0, 2]
    assert none[["unanimous", "expected", "excess", "hollow"]].isna().all()
    one = row(voted(("ab", 0, 0, None)))
    assert one[["unanimous_low", "expected_low", "excess_low"]].isna().all()


def test_without_rounds_in_meta():
    history = panels(20)
    history.decisions = history.decisions.drop(columns="meta.debate.rounds")
    summary = Conformity.of(history)
    assert summary.inflation.n == 0
    assert len(summary.by_round()) == 0


@pytest.mark.parametrize("first", [True, False])
def test_rounds_that_only_some_batches_have_are_those_of_the_whole(first, tmp_path):
    for name, there in (("a", first), ("b", not first)):
        meta = {"steps": [{"confidence": 0.25}, {"confidence": 0.75}]} if there else {}
        payload = json.dumps({"decision": {"recommendation": "a", "confidence": 0.5}, "meta": meta})
        (tmp_path / f"{name}.ndjson").write_text(f"{payload}\n" * 3)
    for source in (lab.read(tmp_path), lab.scan(tmp_path)):
        inflation = Conformity.of(source, rounds="meta.steps", replicates=40).inflation
        assert (inflation.n, inflation.value) == (3, 0.5)
        with pytest.raises(OptionError, match=r"no column 'meta\.stepz'.* there are .*meta\.steps"):
            Conformity.of(source, rounds="meta.stepz")


def test_ten_thousand_choices():
    history = voted(*[("ab", 1, 1, None)] * 5_000)
    history.votes["choice"] = [f"choice {place}" for place in range(10_000)]
    found = row(history, replicates=40)
    assert found["unanimous"] == 0
    assert found["expected"] == 0  # no two votes are for one choice


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "meta.modle"}, "did you mean"),
        ({"by": "choice"}, "has a column"),
        ({"agreement": 0.5}, "agreement must be above 0.5"),
        ({"citations": -1}, "citations must be a whole number"),
        ({"arguments": 1.5}, "arguments must be a whole number"),
        ({"replicates": 1}, "replic"),
        ({"rounds": "meta.debate.round"}, r"no column 'meta.debate.round': did you mean"),
        ({"rounds": ["meta.debate.rounds"]}, "rounds=.*: expected the name of a column"),
        ({"rounds": None}, "rounds=None: expected the name of a column"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Conformity.of(panels(5), **options)


def test_a_bare_frame_is_refused():
    with pytest.raises(OptionError, match="needs a history"):
        Conformity.of(panels(5).decisions)


# The chart.


def test_the_chart_draws_the_table():
    summary = Conformity.of(panels(300), by="meta.model")
    ax, table = conformity(summary), summary.table()
    bars = [part for part in ax.get_children() if type(part) is LineCollection]
    for name, line, bar in zip(("unanimous", "expected", "hollow"), ax.lines, bars, strict=False):
        assert line.get_xdata().tolist() == table[name].tolist()
        ends = table[[f"{name}_low", f"{name}_high"]].to_numpy().tolist()
        assert np.array(bar.get_segments())[:, :, 0].tolist() == ends
    growth = [f"{value:+.3f}" for value in table["inflation"]]
    assert [text.get_text() for text in ax.texts] == [*growth, "growth"]
    assert f"n = {table['n'].sum()} decisions" in words(ax)
    assert "with fewer than 2 votes left out" in words(ax).replace("\n", " ")
    assert "95% interval (bootstrap" in " ".join(words(ax).split())


@pytest.mark.further
def test_hostile_groups_are_drawn():
    history = panels(50)
    history.decisions["meta.model"] = np.where(history.decisions.index % 2, "$\\x\x00", "y" * 100_000)
    ax = conformity(history, by="meta.model")
    assert max(map(len, words(ax).splitlines()[:-1])) < 100  # behind them stands the caption
    ax.figure.savefig(io.BytesIO())


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_decisions_are_drawn(n):
    ax = conformity(voted(*[("ab", 1, 1, None)] * n))
    assert ("n = " if n else "no decisions") in words(ax)
    ax.figure.savefig(io.BytesIO())
