from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import StepPatch
from pictures import words
from summaries import agree

from mastermind_lab.charts.arguments import arguments
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.arguments import Arguments, sides
from mastermind_lab.stats.difference import difference

pytestmark = pytest.mark.once

COLUMNS = ["stream_id", "node", "parent", "depth", "claim", "stance", "strength"]


def trees(*lists, models=None):
    """Decisions whose claims are (parent, claim, stance, strength), in order."""
    ids = [f"{1_772_442_000_000 + row}-0" for row in range(len(lists))]
    rows = []
    for stream_id, claims in zip(ids, lists, strict=True):
        depths = []
        for node, (parent, claim, stance, strength) in enumerate(claims):
            depths.append(0 if parent is None else depths[parent] + 1)
            rows.append((stream_id, node, parent, depths[-1], claim, stance, strength))
    frame = pd.DataFrame(rows, columns=COLUMNS).astype(
        {"stream_id": "str", "claim": "str", "stance": "str", "strength": "float64"}
        | dict.fromkeys(("node", "parent", "depth"), "Int64")
    )
    decisions = pd.DataFrame({"stream_id": pd.Series(ids, dtype="str")})
    decisions["meta.model"] = pd.Series(models or ["atlas"] * len(ids), dtype="str")
    return SimpleNamespace(decisions=decisions, votes=pd.DataFrame({"stream_id": []}), arguments=frame)


def with_missing_columns(random):
    """A tree of none to twelve claims."""
    return [
        (
            int(random.integers(0, node)) if node and random.random() < 0.9 else None,
            f"claim {random.integers(0, 20)}",
            random.choice(["pro", "con", "Supports", "aside", None]),
            None if random.random() < 0.1 else round(random.random(), 2),
        )
        for node in range(random.integers(0, 13))
    ]


def panels(n, seed=0):
    random = np.random.default_rng(seed)
    return trees(
        *[with_missing_columns(random) for _ in range(n)],
        models=list(random.choice(["atlas-1", "atlas-2"], n)),
    )


@pytest.mark.parametrize("other", [{"by": "meta.model"}, {"replicates": 80}, {"weak": 0.4}])
def test_different_options_do_not_merge(other):
    with pytest.raises(OptionError, match="do not merge"):
        Arguments.of(panels(20)) + Arguments.of(panels(20), **other)


# The trees.

TREE = [
    (None, "rise", "pro", 0.8),
    (0, "demand is up", "for", 0.6),
    (0, "supply is up", "attacks", 0.4),
    (1, "orders say so", " In  favour ", 0.2),
    (1, "orders are old", "CON", None),
    (2, "not here", "hm", 0.9),
]


def test_a_tree_worked_by_hand():
    rows = Arguments.decisions(trees(TREE, []))
    tree = rows.iloc[0]
    assert tree[["nodes", "depth", "breadth", "pro", "con", "leaves", "unsupported"]].tolist() == [
        6,
        2,
        3,
        3,
        2,
        3,
        2,
    ]
    assert tree["ratio"] == 1.5
    assert tree["balance"] == pytest.approx((0.8 + 0.6 + 0.2) / (0.8 + 0.6 + 0.2 + 0.4))
    assert rows["nodes"].tolist() == [6, 0]
    assert rows.iloc[1][["depth", "leaves", "balance", "ratio"]].isna().all()


def plain(claims, weak):
    """The same figures, one tree at a time."""
    depths, answered = [], {parent for parent, *_ in claims}
    for parent, *_ in claims:
        depths.append(0 if parent is None else depths[parent] + 1)
    side = [{"pro": 1, "Supports": 1, "con": -1}.get(stance, 0) for _, _, stance, _ in claims]
    strength = [0 if claim[3] is None else claim[3] for claim in claims]
    leaves = [claim for node, claim in enumerate(claims) if node not in answered]
    pro = sum(s for s, where in zip(strength, side, strict=True) if where == 1)
    con = sum(s for s, where in zip(strength, side, strict=True) if where == -1)
    return {
        "nodes": len(claims),
        "depth": max(depths),
        "breadth": max(map(depths.count, depths)),
        "pro": side.count(1),
        "con": side.count(-1),
        "leaves": len(leaves),
        "unsupported": sum(claim[3] is None or claim[3] < weak for claim in leaves),
        "balance": pro / (pro + con) if pro + con else np.nan,
    }


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9_999), st.sampled_from([0.0, 0.3, 1.0]))
@pytest.mark.further
def test_trees_are_what_one_finds_claim_by_claim(seed, weak):
    random = np.random.default_rng(seed)
    lists = [with_missing_columns(random) for _ in range(8)]
    rows = Arguments.decisions(trees(*lists), weak=weak)
    for found, claims in zip(rows.to_dict("records"), lists, strict=True):
        if claims:
            expected = plain(claims, weak)
            assert {name: found[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_neither_order_nor_the_numbers_of_nodes_matter():
    history = panels(30)
    expected = Arguments.decisions(history)
    frame = history.arguments.assign(
        node=history.arguments["node"] * 7 + 3, parent=history.arguments["parent"] * 7 + 3
    )
    history.arguments = frame.sample(frac=1, random_state=2)
    agree(Arguments.decisions(history), expected)


def test_words_for_a_stance():
    words = ["pro", "CON", " Against", "supports", "in favor", "+", "-", "", "neutral", None, "profound"]
    expected = ["pro", "con", "con", "pro", "pro", "pro", "con", "", "", "", ""]
    assert sides(pd.Series(words, dtype="str")).tolist() == expected
    assert sides(pd.Series([], dtype="str")).tolist() == []


def test_turning_every_stance_turns_the_balance():
    history = trees(TREE, TREE[:3])
    one = Arguments.decisions(history)
    turn = {"pro": "con", "con": "pro", "": "none"}
    history.arguments["stance"] = [turn[side] for side in sides(history.arguments["stance"])]
    two = Arguments.decisions(history)
    assert two["balance"].tolist() == pytest.approx((1 - one["balance"]).tolist())
    assert two["pro"].tolist() == one["con"].tolist()


# The summary.


def test_the_table_holds_means_over_trees_and_pooled_shares():
    history = panels(200)
    rows, table = Arguments.decisions(history), Arguments.of(history, by="meta.model").table()
    for model, found in table.set_index("meta.model").iterrows():
        mine = rows[(history.decisions["meta.model"] == model) & (rows["nodes"] > 0)]
        assert found["argued"] == len(mine)
        for name in ("nodes", "depth", "breadth", "balance"):
            assert found[name] == pytest.approx(mine[name].mean())
            assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]
        assert found["ratio"] == pytest.approx(mine["pro"].sum() / mine["con"].sum())
        assert found["unsupported"] == pytest.approx(mine["unsupported"].sum() / mine["leaves"].sum())
    whole = Arguments.of(history)
    assert whole.unsupported.n == whole.nodes.n == (rows["nodes"] > 0).sum()


def test_the_interval_of_the_balance_is_as_wide_as_the_normal_one():
    history = panels(1_500)
    balance = Arguments.decisions(history)["balance"]
    found = Arguments.of(history).balance
    assert found.value == pytest.approx(balance.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * balance.sem(), rel=0.15)


def test_few_trees_and_none():
    none = Arguments.of(trees([], [])).table().iloc[0]
    assert none[["n", "argued", "balanced"]].tolist() == [2, 0, 0]
    assert none[["nodes", "balance", "unsupported"]].isna().all()
    one = Arguments.of(trees(TREE)).table().iloc[0]
    assert one["nodes"] == 6
    assert one[["nodes_low", "balance_low", "unsupported_low"]].isna().all()
    assert Arguments.of(trees(TREE).arguments).nodes.value == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [({"by": "meta.modle"}, "did you mean"), ({"weak": 2}, "weak must be"), ({"replicates": 1}, "replic")],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Arguments.of(panels(5), **options)


def test_bad_frames_are_refused():
    history = panels(5)
    with pytest.raises(OptionError, match="arguments frame"):
        Arguments.of(history.decisions)
    with pytest.raises(OptionError, match="needs a history"):
        Arguments.of(history.arguments, by="meta.model")
    history.arguments["strength"] = 1.5
    with pytest.raises(OptionError, match="strength runs from 0 to 1"):
        Arguments.of(history)


# The difference between two trees.


def test_a_difference_worked_by_hand():
    other = [
        (None, "rise", "pro", 0.8),
        (0, "supply is up", "attacks", 0.5),
        (1, "orders say so", " In  favour ", 0.2),
        (1, "not here", "hm", 0.9),
        (0, "fuel is cheap", "pro", None),
    ]
    history = trees(TREE, other)
    ids = history.decisions["stream_id"]
    rows = difference(history, *ids)
    assert rows[["change", "claim"]].to_numpy().tolist() == [
        ["removed", "demand is up"],
        ["changed", "supply is up"],
        ["moved", "orders say so"],
        ["removed", "orders are old"],
        ["added", "fuel is cheap"],
    ]
    changed, moved = rows.iloc[1], rows.iloc[2]
    assert changed[["strength_a", "strength_b", "node_a", "node_b"]].tolist() == [0.4, 0.5, 2, 1]
    assert moved[["parent_a", "parent_b"]].tolist() == ["demand is up", "supply is up"]


@pytest.mark.thorough
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 9_999))
def test_a_difference_accounts_for_every_claim(seed):
    random = np.random.default_rng(seed)
    history = trees(with_missing_columns(random), with_missing_columns(random))
    ids = history.decisions["stream_id"]
    sizes = [int((history.arguments["stream_id"] == stream_id).sum()) for stream_id in ids]
    rows = difference(history, *ids)
    only = rows["change"].value_counts()
    assert sizes[0] - only.get("removed", 0) == sizes[1] - only.get("added", 0)
    assert rows["node_a"].dropna().is_unique
    assert rows["node_b"].dropna().is_unique
    back = difference(history, ids[1], ids[0])["change"].replace({"added": "removed", "removed": "added"})
    assert sorted(back) == sorted(rows["change"])
    assert len(difference(history, ids[0], ids[0])) == 0


def test_a_difference_needs_two_decisions():
    history = trees(TREE, [])
    first, second = history.decisions["stream_id"]
    assert difference(history, first, second)["change"].tolist() == ["removed"] * 6
    assert difference(history, second, first)["change"].tolist() == ["added"] * 6
    with pytest.raises(OptionError, match="no decision has the id '9-9'"):
        difference(history, first, "9-9")


# The chart.


def test_the_chart_draws_the_table():
    summary = Arguments.of(panels(300), by="meta.model")
    ax, table, bins = arguments(summary), summary.table(), summary.histogram()
    low, high, mean = (line.get_xdata().tolist() for line in ax.lines)
    assert [low, mean, high] == [table[name].tolist() for name in ("balance_low", "balance", "balance_high")]
    outlines = [part for part in ax.get_children() if type(part) is StepPatch]
    for place, outline in enumerate(outlines):
        heights = outline.get_data().values + place
        expected = bins["share"].to_numpy().reshape(2, -1)[place]
        assert heights / heights.max() == pytest.approx(expected / expected.max())
    assert [text.get_text() for text in ax.texts] == [*(f"{nodes:.1f}" for nodes in table["nodes"]), "claims"]
    assert f"n = {table['balanced'].sum()} decisions" in words(ax)
    assert "without arguments left out" in words(ax).replace("\n", " ")


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_decisions_are_drawn(n):
    ax = arguments(trees(*[TREE] * n))
    assert ("n = " if n else "no decisions") in words(ax)
    ax.figure.draw_without_rendering()
    arguments(trees(*[[]] * n)).figure.draw_without_rendering()
