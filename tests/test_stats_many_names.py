"""10,000 voters, choices and sources: seconds, bounded memory, a picture of the largest and the rest."""

import re
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mastermind_lab import charts, stats
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.engine import pairs as pairs_module
from mastermind_lab.stats.engine import sums as sums_module

pytestmark = pytest.mark.once

MANY = 10_000
SUBJECTS = {
    "agreement": stats.Agreement,
    "citations": stats.Citations,
    "conformity": stats.Conformity,
    "margin": stats.Margin,
    "pivotal": stats.Pivotal,
    "rules": stats.Rules,
    "stability": stats.Stability,
    "voters": stats.Voters,
    "votes": stats.Votes,
}


@pytest.fixture(scope="module")
def history():
    """10,000 panels of three, in which 10,000 voters chose among 10,000 choices."""
    random = np.random.default_rng(0)
    ids, names = (np.array([f"{kind}{row}" for row in range(MANY)], dtype=object) for kind in ("0-", "name "))
    decisions = pd.DataFrame(
        {
            "stream_id": ids,
            "question": names,
            "recommendation": names,
            "correct_choice": names,
            "confidence": random.random(MANY).round(2),
            "n_citations": 1,
            "n_arguments": 1,
        }
    )
    voter = (np.arange(MANY)[:, None] + [0, 1, 7]).ravel() % MANY
    choice = np.where(
        random.random(3 * MANY) < 0.5, np.repeat(np.arange(MANY), 3), random.integers(0, MANY, 3 * MANY)
    )
    votes = pd.DataFrame({"stream_id": np.repeat(ids, 3), "voter": names[voter], "choice": names[choice]})
    sources = pd.DataFrame({"stream_id": ids, "source": names})
    texts = {"stream_id": "str", "recommendation": "str", "question": "str", "correct_choice": "str"}
    return SimpleNamespace(
        decisions=decisions.astype(texts), votes=votes.astype("str"), citations=sources.astype("str")
    )


@pytest.mark.thorough
@pytest.mark.parametrize("subject", SUBJECTS)
def test_ten_thousand_names_are_counted_and_drawn(history, subject):
    tracemalloc.start()
    summary = SUBJECTS[subject].of(history, replicates=40)
    merged = summary + summary
    figure = Figure(figsize=(3.3, 2.8))
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    getattr(charts, subject)(merged, ax=ax)
    figure.draw_without_rendering()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 330e6
    assert len(ax.get_yticklabels()) <= 25
    said = " ".join([charts.caption(ax), *(text.get_text() for text in ax.get_yticklabels())])
    said = " ".join(said.split())
    rest = {
        "agreement": "voters not drawn: those with most votes are",
        "votes": " others",
        "voters": r"9,\d+ others",
        "pivotal": r"9,\d+ others",
    }
    assert re.search(rest.get(subject, ""), said)


def test_too_many_pairs_of_voters_are_refused_when_counted_and_when_merged(history, monkeypatch):
    one_panel = history.votes.drop_duplicates("voter").assign(stream_id="0-1")
    with pytest.raises(OptionError, match="at most 500,000 pairs of voters, here are at least"):
        stats.Agreement.of(one_panel)
    monkeypatch.setattr(pairs_module, "MOST_PAIRS", 20)
    ten, other = (history.votes.iloc[rows] for rows in (slice(0, 15), slice(3_000, 3_015)))
    with pytest.raises(OptionError, match="at most 20 pairs"):
        stats.Agreement.of(ten) + stats.Agreement.of(other)
    with pytest.raises(OptionError, match="such as their role"):
        stats.Agreement.of(pd.concat([ten, other]))


def test_pairs_are_added_up_on_the_way(monkeypatch):
    random = np.random.default_rng(0)
    rows = [(f"{row}-0", f"v{voter}") for row in range(40) for voter in random.permutation(12)[:9]]
    votes = pd.DataFrame(rows, columns=["stream_id", "voter"]).assign(choice="x").astype("str")
    expected = stats.Agreement.of(votes).table()
    monkeypatch.setattr(pairs_module, "MOST_PAIRS", 66)
    pd.testing.assert_frame_equal(stats.Agreement.of(votes).table(), expected)


def test_replicates_that_would_fill_the_memory_are_refused(history, monkeypatch):
    monkeypatch.setattr(sums_module, "MOST_CELLS", 1_000_000)
    with pytest.raises(OptionError, match=r"'voter' makes 10,000 groups.*fewer replicates"):
        stats.Voters.of(history)
