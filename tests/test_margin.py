"""Margins, against plain Python."""

import math
from collections import Counter

import pandas as pd
import pytest
from panels import panels

import mastermind_lab as lab
from mastermind_lab.stats import Margin


def plain_margin(choices, recommendation):
    counts = Counter(choices).most_common()
    top, second = counts[0][1], counts[1][1] if len(counts) > 1 else 0
    tie = top == second
    chances = [count / len(choices) for _, count in counts]
    return {
        "votes": len(choices),
        "winner": None if tie else counts[0][0],
        "dissenters": None if tie else len(choices) - top,
        "margin": (top - second) / len(choices),
        "entropy": -sum(chance * math.log2(chance) for chance in chances),
        "unanimous": top == len(choices),
        "tie": tie,
        "follows": None if tie else counts[0][0] == recommendation,
    }


def test_the_margin_of_each_decision_agrees_with_a_plain_loop():
    history = panels(300)
    found = Margin.decisions(history)
    assert found["stream_id"].tolist() == history.decisions["stream_id"].tolist()
    voted = found["votes"] > 0
    assert 0 < (~voted).sum() < 300
    assert found[~voted].drop(columns=["stream_id", "votes", "repeated"]).isna().all(axis=None)
    by_panel = history.votes.groupby("stream_id")["choice"].agg(list)
    said = history.decisions.set_index("stream_id")["recommendation"]
    for row in found[voted].itertuples():
        expected = plain_margin(by_panel[row.stream_id], said[row.stream_id])
        assert row.entropy == pytest.approx(expected.pop("entropy"))
        assert row.margin == pytest.approx(expected.pop("margin"))
        for name, value in expected.items():
            actual = getattr(row, name)
            assert pd.isna(actual) if value is None else actual == value, name
    assert found["tie"].sum() > 0
    assert found["unanimous"].sum() > 0


def test_margins_worked_by_hand():
    panel = {"a-0": "xxxxx", "b-0": "xxxyy", "c-0": "xxyy", "d-0": "x", "e-0": "xxyz"}
    votes = pd.DataFrame(
        [(key, f"v{place}", choice) for key, text in panel.items() for place, choice in enumerate(text)],
        columns=["stream_id", "voter", "choice"],
    )
    rows = Margin.decisions(votes).set_index("stream_id")
    assert rows["margin"].to_dict() == pytest.approx({"a-0": 1, "b-0": 0.2, "c-0": 0, "d-0": 1, "e-0": 0.25})
    assert rows["entropy"]["c-0"] == 1
    assert rows["entropy"]["e-0"] == 1.5
    assert rows["winner"].fillna("none").tolist() == ["x", "x", "none", "x", "x"]
    assert rows["follows"].isna().all()


def test_the_summary_of_margins_agrees_with_its_decisions():
    history = panels(500)
    table = Margin.of(history, by="meta.model").table().fillna({"meta.model": "?"})
    rows = Margin.decisions(history).assign(model=history.decisions["meta.model"].fillna("?"))
    for found in table.itertuples():
        ours = rows[rows["model"] == found[1]]
        voted = ours[ours["votes"] > 0]
        assert (found.n, found.without_votes) == (len(voted), len(ours) - len(voted))
        assert found.decided == voted["follows"].count()
        means = voted[["margin", "entropy", "unanimous", "tie", "follows"]].astype("Float64").mean()
        assert [found.mean, found.entropy, found.unanimous, found.tie, found.follows] == pytest.approx(
            list(means)
        )
    whole = Margin.of(history)
    voted = rows[rows["votes"] > 0]
    assert whole.mean.value == pytest.approx(voted["margin"].mean())
    assert whole.unanimous.value == pytest.approx(voted["unanimous"].mean())
    assert whole.follows.n == voted["follows"].count()
    assert whole.histogram()["n"].sum() == len(voted)


def test_every_figure_has_its_interval():
    table = Margin.of(panels(600), by="meta.model").table()
    for name in ("entropy", "unanimous", "tie", "follows"):
        inside = table[f"{name}_low"].le(table[name]) & table[name].le(table[f"{name}_high"])
        assert inside.all(), name
    rows = Margin.decisions(panels(600))
    entropy = rows["entropy"][rows["votes"] > 0].astype("float64")
    whole = Margin.of(panels(600)).table().iloc[0]
    width = 2 * 1.96 * entropy.std() / math.sqrt(len(entropy))
    assert whole["entropy_high"] - whole["entropy_low"] == pytest.approx(width, rel=0.15)


def test_a_lone_vote_is_unanimous_and_can_be_left_out():
    rows = [(n, who, "no" if n < 3 and who == "C" else "yes") for n in range(6) for who in "ABC"]
    lone = [(f"lone {n}", "A", "yes") for n in range(4)] + [("silent", "A", "yes"), ("silent", "B", "unsure")]
    votes = pd.DataFrame([*rows, *lone], columns=["question", "worker", "answer"])
    named = {"decision": "question", "voter": "worker", "choice": "answer"}
    history = lab.from_votes(votes, **named, abstain="unsure")
    assert Margin.of(history).unanimous.value == (3 + 5) / 11
    assert Margin.of(history.where(Margin.decisions(history)["votes"] > 1)).unanimous.value == 3 / 6
