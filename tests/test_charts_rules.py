"""The chart of the voting rules."""

import pandas as pd
import pytest
from panels import close_panels as panels
from panels import without_outcomes
from pictures import caption, intervals, title
from telling import telling

from mastermind_lab.charts.rules import rules as chart
from mastermind_lab.stats.rules import Rules

pytestmark = pytest.mark.once


@pytest.mark.parametrize("outcomes", [True, False])
def test_the_chart_is_the_table(ax, outcomes):
    summary = Rules.of(panels(200) if outcomes else without_outcomes(panels(200)))
    chart(summary, ax=ax)
    table = summary.table().iloc[1:]
    figure, n = ("difference", "n_judged") if outcomes else ("changed", "n_compared")
    dots = ax.lines[0]
    assert list(dots.get_xdata()) == table[figure].tolist()
    assert list(dots.get_ydata()) == [-row for row in range(len(table))]
    assert intervals(ax) == list(zip(table[f"{figure}_low"], table[f"{figure}_high"], strict=True))
    # What a rule leaves open may be the hard ones: it stands beside its n.
    left = [f" ({share:.0%})" if share else "" for share in table["open"]]
    beside = [f"{count:,}{share}" for count, share in zip(table[n], left, strict=True)]
    assert [text.get_text() for text in ax.texts] == [*beside, "n (open)"]
    names = [" ".join(label.get_text().split()) for label in ax.get_yticklabels()]
    assert names[0] == "plurality"
    if outcomes:
        voter = table.iloc[-1]["voter"]
        assert names[-1] == ("best voter" if pd.isna(voter) else f"best voter: {voter}")
        assert f"Actual: {summary.actual.value:.0%} ({summary.actual.low:.0%} to" in caption(ax)
    assert "95% interval" in caption(ax)


def test_groups_have_lanes_and_a_legend(ax):
    summary = Rules.of(panels(200), by="topic")
    chart(summary, ax=ax)
    table = summary.table()
    for line, (_, rows) in zip(ax.lines, table.groupby("topic", dropna=False), strict=False):
        assert list(line.get_xdata()) == rows["difference"].tolist()[1:]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [label.split(" ")[0] for label in labels] == ["x", "y", "(missing)"]


@pytest.mark.parametrize("by", [None, "topic"])
@pytest.mark.parametrize("n", telling([0, 1, 2, 30], "0", "30"))
def test_it_draws_whatever_comes(ax, by, n):
    history = panels(n)
    history.votes["voter"] = "$\\foo$ \x00\n" + history.votes["voter"] * 500
    chart(history, by=by, ax=ax)
    ax.figure.draw_without_rendering()
    assert title(ax).startswith("Voting rules")


def test_without_a_recommendation_the_dots_are_accuracies(ax):
    history = panels(60)
    history.decisions = history.decisions.assign(recommendation=None)
    summary = Rules.of(history)
    chart(summary, ax=ax)
    assert list(ax.lines[0].get_xdata()) == summary.table().iloc[1:]["accuracy"].tolist()
    assert ax.get_xlabel() == "accuracy (0-1)"
    assert f"n = {summary.table()['n_with_outcome'].max()} decisions with outcome" in caption(ax)
    assert "Actual" not in caption(ax)


@pytest.mark.further
def test_votes_without_a_ranking_are_said(ax):
    history = panels(60)
    assert "without" not in title(chart(history))
    ranking = ['["a", "b"]', '["b", "c", "a"]', None]
    history.votes["vote.ranking"] = [ranking[row % 3] for row in range(len(history.votes))]
    summary = Rules.of(history)
    table = summary.table().set_index("rule")
    chart(summary, ax=ax)
    names = [" ".join(label.get_text().split()) for label in ax.get_yticklabels()]
    assert names[-4:-1] == ["borda", "instant runoff", "condorcet"]
    assert f"{table.loc['borda', 'without_ballot']:,} votes without ranking" in caption(ax)


def test_all_decisions_with_an_outcome_are_counted_where_nothing_was_recommended(ax):
    history = panels(30)
    history.decisions["recommendation"] = None
    chart(history, ax=ax)
    many = Rules.of(history).table().set_index("rule").loc["plurality", "n_with_outcome"]
    assert f"n = {many} decisions with outcome" in caption(ax)


@pytest.mark.parametrize("outcomes", [True, False])
def test_n_is_of_the_decisions_in_which_rules_are_compared(ax, outcomes):
    history = panels(100) if outcomes else without_outcomes(panels(100))
    history.decisions["recommendation"] = history.decisions["recommendation"].where(
        lambda said: said.index < 30
    )
    table = Rules.of(history).table().set_index("rule")
    n, there = ("n_judged", "n_with_outcome") if outcomes else ("n_compared", "n")
    compared = table.loc["recommendation", n]
    assert compared < 30 < table.loc["plurality", "n_known" if outcomes else "n_decided"]
    chart(history, ax=ax)
    assert ax.texts[0].get_text().split()[0] == f"{table.loc['plurality', n]}"
    without = table.loc["plurality", there] - compared
    assert f"n = {compared} decisions" in title(ax)
    assert f"{without} without recommendation left out." in caption(ax)
    assert (f"{table.loc['plurality', 'n'] - without - compared} without outcome" in caption(ax)) is outcomes


def test_where_nothing_was_recommended_nothing_is_changed(ax):
    history = without_outcomes(panels(20))
    history.decisions["recommendation"] = None
    chart(history, ax=ax)
    assert ax.texts[0].get_text() == "no decisions, 20 without recommendation left out"
