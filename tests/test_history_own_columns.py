"""Histories whose frames a user has changed: what is kept is right, and what cannot be kept is named."""

import datetime
import uuid

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


TEXTS = {
    "periods": lambda n: pd.period_range("2026-01", periods=n, freq="M"),
    "intervals": lambda n: pd.interval_range(0, n),
    "categories that are intervals": lambda n: pd.cut(np.arange(n), 5),
    "UUIDs": lambda n: [uuid.UUID(int=number) for number in range(n)],
}
FOREIGN = {
    "a moment": lambda n: pd.Timestamp("2026-01-01"),
    "a date": lambda n: [datetime.date(2026, 1, 1)] * n,
    "a short number": lambda n: np.float32(0.5),
    "a short whole number": lambda n: np.int32(3),
    "a number without a sign": lambda n: np.uint64(2**64 - 1),
    "lists": lambda n: [[1, 2]] * n,
    "categories": lambda n: pd.Categorical(["a", "b"] * (n // 2)),
}
UNKEPT = {
    "complex numbers": lambda n: 1j,
    "mixed": lambda n: ["text", 1] * (n // 2),
    "objects without a field": lambda n: [{}] * n,
    "calendar spans": lambda n: [pd.DateOffset(months=1)] * n,
    "categories that are lists": lambda n: pd.Categorical([(1, 2)] * n),
}


def read_whole(folder):
    history = lab.read(folder)
    for frame in FRAMES:
        history[frame]  # a frame is loaded when it is looked at
    assert lab.verify(folder).empty
    return history


class TestWhatIsSavedCanBeRead:
    @pytest.mark.parametrize("values", TEXTS.values(), ids=TEXTS)
    @pytest.mark.parametrize("frame", FRAMES[:4])
    def test_values_that_parquet_has_no_word_for_are_text(self, history, tmp_path, frame, values):
        history[frame]["mine"] = values(len(history[frame]))
        for act in acts(history, tmp_path).values():
            act()
        saved, expected = read_whole(tmp_path / "s")[frame], history[frame]["mine"].astype(str)
        assert saved["mine"].tolist() == expected.tolist()

    @pytest.mark.parametrize("values", [*TEXTS.values(), *FOREIGN.values()], ids=[*TEXTS, *FOREIGN])
    @pytest.mark.parametrize("name", ["meta.mine", "decision.mine"])
    def test_an_open_column_holds_what_an_envelope_would(self, history, tmp_path, name, values):
        history.decisions[name] = values(len(history))
        for act in acts(history, tmp_path).values():
            act()
        saved, exported = read_whole(tmp_path / "s"), lab.read(tmp_path / "s.ndjson")
        assert saved.decisions[name].notna().all()
        assert exported.decisions[name].tolist() == saved.decisions[name].tolist()

    @pytest.mark.parametrize("column", ["rationale", "confidence", "published_at", "n_votes"])
    def test_a_declared_column_that_was_taken_away_holds_nothing(self, history, tmp_path, column):
        fewer = history.with_frames(decisions=history.decisions.drop(columns=column))
        saved = read_whole(fewer.save(tmp_path / "s")).decisions[column]
        assert saved.isna().all()
        assert saved.dtype == history.decisions[column].dtype
        (fewer + fewer).save(tmp_path / "both")
        assert read_whole(tmp_path / "both").decisions[column].isna().all()

    @pytest.mark.parametrize("values", UNKEPT.values(), ids=UNKEPT)
    def test_what_cannot_be_kept_is_named(self, history, tmp_path, values):
        history.decisions["mine"] = values(len(history))
        for save in (lambda: history.save(tmp_path / "s"), lambda: (history + history).save(tmp_path / "s")):
            with pytest.raises(lab.OptionError, match="column 'mine' of decisions cannot be"):
                save()
        assert not (tmp_path / "s").exists()

    def test_two_rows_of_one_entry_are_named(self, history, tmp_path):
        doubled = pd.concat([history.decisions, history.decisions.tail(1)], ignore_index=True)
        with pytest.raises(lab.OptionError, match="entry 0-2000 has two rows"):
            history.with_frames(decisions=doubled).save(tmp_path / "s")
