"""Shares of the votes, against plain pandas."""

import pandas as pd
import pytest
from panels import agree, panels

from mastermind_lab.stats import Votes


def test_votes_agree_with_pandas():
    history = panels(400)
    table = Votes.of(history, by="meta.model").table()
    model = history.decisions.set_index("stream_id")["meta.model"]
    votes = history.votes.assign(model=history.votes["stream_id"].map(model))
    for name, rows in table.groupby("meta.model", dropna=False):
        ours = votes[votes["model"].isna() if pd.isna(name) else votes["model"] == name]
        counts = ours["choice"].value_counts()
        weights = ours.groupby("choice")["weight"].sum() / ours["weight"].sum()
        assert rows.set_index("choice")["n"].to_dict() == counts.to_dict()
        assert rows["n"].is_monotonic_decreasing
        assert rows["decisions"].unique().tolist() == [ours["stream_id"].nunique()]
        assert rows["share"].tolist() == pytest.approx((rows["n"] / len(ours)).tolist())
        assert rows["weighted_share"].tolist() == pytest.approx(weights[rows["choice"]].tolist())
    assert (table["share_low"] < table["share"]).all()
    assert (table["weighted_share"] < table["weighted_share_high"]).all()


def test_a_panel_is_drawn_as_one():
    ids = [f"{row}-0" for row in range(200)]
    frame = pd.DataFrame({"stream_id": ids, "voter": "0", "choice": ["yes", "no"] * 100})
    ninefold = pd.concat([frame.assign(voter=str(place)) for place in range(9)])
    once, often = (Votes.of(votes).table() for votes in (frame, ninefold))
    assert often["n"].tolist() == [900, 900]
    agree(often.drop(columns="n"), once.drop(columns="n"))


def test_votes_of_a_bare_frame_and_by_its_own_columns():
    votes = panels(200).votes
    table = Votes.of(votes, by="voter").table()
    expected = votes.groupby(["voter", "choice"]).size()
    assert table.set_index(["voter", "choice"])["n"].sort_index().tolist() == expected.tolist()
    panels_of = votes.groupby("voter")["stream_id"].nunique()
    assert table.drop_duplicates("voter").set_index("voter")["decisions"].to_dict() == panels_of.to_dict()
    unweighted = Votes.of(votes.drop(columns="weight")).table()
    assert unweighted["weighted_share"].tolist() == unweighted["share"].tolist()
    gaps = votes.assign(weight=votes["weight"].where(votes["position"] > 0))
    filled = votes.assign(weight=votes["weight"].where(votes["position"] > 0, 1.0))
    agree(Votes.of(gaps).table(), Votes.of(filled).table())
