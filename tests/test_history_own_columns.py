"""Histories whose frames a user has changed: what is kept is right, and what cannot be kept is named."""

import numpy as np
import pandas as pd
import pytest

import mastermind_lab as lab
from mastermind_lab.frames import FRAMES, id_parts, order


@pytest.fixture
def history():
    return lab.sample(last=60)


def acts(history, folder):
    """All that turns a frame into a table."""
    return {
        "repr": lambda: repr(history),
        "save": lambda: history.save(folder / "s", overwrite=True),
        "+": lambda: history + lab.sample(last=10),
        "where": lambda: history.where("confidence > 0.5"),
        "to_ndjson": lambda: history.to_ndjson(folder / "s.ndjson"),
    }


def is_in_order(frame):
    return bool((np.diff(order(id_parts(frame["stream_id"]))) == 1).all())


class TestFramesInAnotherOrder:
    @pytest.mark.parametrize("frame", FRAMES)
    def test_are_saved_in_the_order_of_ids(self, tmp_path, frame):
        history = lab.sample(last=200)
        shuffled = history[frame].sample(frac=1, random_state=1, ignore_index=True)
        folder = history.with_frames(**{frame: shuffled}).save(tmp_path / "s")
        last, since = lab.read(folder, last=10), lab.read(folder, since="0-1900")
        assert (len(last), len(since)) == (10, 101)
        assert set(last.votes["stream_id"]) == set(last.decisions["stream_id"])
        assert is_in_order(lab.read(folder)[frame])
        assert lab.verify(folder).empty

    def test_sorted_in_place_too(self, history, tmp_path):
        expected = lab.read(history.save(tmp_path / "before"), last=10)
        in_order = history.decisions.sort_values("confidence", ignore_index=True)
        for name in in_order:
            history.decisions[name] = in_order[name]
        history.decisions["mine"] = range(len(history))
        saved = lab.read(history.save(tmp_path / "s"), last=10)
        assert saved.decisions["stream_id"].tolist() == expected.decisions["stream_id"].tolist()
        mine = history.decisions.set_index("stream_id")["mine"]
        assert saved.decisions["mine"].tolist() == mine[saved.decisions["stream_id"]].tolist()

    def test_rows_of_one_entry_stay_as_they_were_put(self, history):
        votes = history.votes.sort_values("confidence", ignore_index=True)
        table = history.with_frames(votes=votes).table("votes").to_pandas()
        for stream_id, rows in table.groupby("stream_id"):
            put = votes.loc[votes["stream_id"] == stream_id, "voter"]
            assert rows["voter"].tolist() == put.tolist()

    def test_what_nobody_changed_is_the_table_itself(self, history):
        assert history.table("votes") is history.table("votes")


class TestMissingValues:
    @pytest.mark.parametrize("nothing", [np.nan, None, pd.NA])
    @pytest.mark.parametrize("column", ["rationale", "question", "published_at", "n_votes"])
    def test_a_declared_column_may_hold_none(self, history, tmp_path, column, nothing):
        history.decisions[column] = nothing
        for act in acts(history, tmp_path).values():
            act()
        assert lab.read(tmp_path / "s").decisions[column].isna().all()
        assert len(lab.read(tmp_path / "s.ndjson")) == len(history)

    def test_a_row_may_be_added_where_a_text_is_missing(self, history, tmp_path):
        number = len(history)
        history.decisions.loc[0, "rationale"] = None
        history.decisions.loc[number] = history.decisions.loc[0]
        history.decisions.loc[number, "stream_id"] = "9999999999999-0"
        for act in acts(history, tmp_path).values():
            act()
        assert len(lab.read(tmp_path / "s")) == number + 1
