"""Histories whose frames a user has changed: what is kept is right, and what cannot be kept is named."""

import datetime
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from histories import sample
from telling import telling

import mastermind_lab as lab
from mastermind_lab.frames import FRAMES, changed, id_parts, order


@pytest.fixture
def history():
    return sample(60)


def acts(history, folder):
    """All that turns a frame into a table."""
    return {
        "repr": lambda: repr(history),
        "save": lambda: history.save(folder / "s", overwrite=True),
        "+": lambda: history + sample(10),
        "where": lambda: history.where("confidence > 0.5"),
        "to_ndjson": lambda: history.to_ndjson(folder / "s.ndjson"),
    }


def is_in_order(frame):
    return bool((np.diff(order(id_parts(frame["stream_id"]))) == 1).all())


class TestFramesInAnotherOrder:
    @pytest.mark.parametrize("frame", FRAMES)
    @pytest.mark.further
    def test_are_saved_in_the_order_of_ids(self, tmp_path, frame):
        history = sample(200)
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
        assert len(table) == len(votes) > 0
        for stream_id, rows in table.groupby("stream_id"):
            put = votes.loc[votes["stream_id"] == stream_id, "voter"]
            assert rows["voter"].tolist() == put.tolist()

    def test_what_nobody_changed_is_the_table_itself(self, history):
        assert history.table("votes") is history.table("votes")


class TestMissingValues:
    @pytest.mark.parametrize("nothing", [np.nan, None, pd.NA])
    @pytest.mark.further
    def test_declared_columns_may_hold_none(self, history, tmp_path, nothing):
        columns = ["rationale", "question", "published_at", "n_votes"]
        for column in columns:
            history.decisions[column] = nothing
        for act in acts(history, tmp_path).values():
            act()
        assert lab.read(tmp_path / "s").decisions[columns].isna().all(axis=None)
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
    "categories that are lists": lambda n: pd.Categorical([(1, 2)] * n),
}
UNKEPT = {
    "complex numbers": lambda n: 1j,
    "mixed": lambda n: ["text", 1] * (n // 2),
    "objects without a field": lambda n: [{}] * n,
    "calendar spans": lambda n: [pd.DateOffset(months=1)] * n,
}


def read_whole(folder):
    history = lab.read(folder)
    for frame in FRAMES:
        history[frame]  # a frame is loaded when it is looked at
    assert lab.verify(folder).empty
    return history


class TestWhatIsSavedCanBeRead:
    @pytest.mark.parametrize("values", telling(TEXTS, "intervals", "categories that are intervals"))
    def test_values_that_parquet_has_no_word_for_are_text(self, history, tmp_path, values):
        for frame in FRAMES[:4]:
            history[frame]["mine"] = values(len(history[frame]))
        for act in acts(history, tmp_path).values():
            act()
        saved = read_whole(tmp_path / "s")
        for frame in FRAMES[:4]:
            expected = history[frame]["mine"].astype(str)
            assert saved[frame]["mine"].tolist() == expected.tolist()

    @pytest.mark.parametrize(
        "values",
        telling(TEXTS | FOREIGN, "periods", "UUIDs", "a moment", "lists", "categories that are lists"),
    )
    def test_an_open_column_holds_what_an_envelope_would(self, history, tmp_path, values):
        names = ["meta.mine", "decision.mine"]
        for name in names:
            history.decisions[name] = values(len(history))
        for act in acts(history, tmp_path).values():
            act()
        saved, exported = read_whole(tmp_path / "s"), lab.read(tmp_path / "s.ndjson")
        for name in names:
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

    @pytest.mark.parametrize(("frame", "column"), [("decisions", "confidence"), ("votes", "choice")])
    def test_a_column_that_was_made_the_index_is_named(self, history, tmp_path, frame, column):
        indexed = history[frame].set_index(column)
        with pytest.raises(lab.OptionError, match=f"the index of {frame} holds its column '{column}'"):
            history.with_frames(**{frame: indexed}).save(tmp_path / "s")

    def test_texts_and_numbers_in_an_open_column_are_mixed(self, history, tmp_path):
        history.decisions["meta.mine"] = ["a", 1, None] * 20
        saved = read_whole(history.save(tmp_path / "s"))
        assert saved.decisions["meta.mine"].dropna().tolist() == ["a", "1"] * 20
        assert saved.mixed_columns == {"meta.mine"}

    def test_two_rows_of_one_entry_are_named(self, history, tmp_path):
        doubled = pd.concat([history.decisions, history.decisions.tail(1)], ignore_index=True)
        with pytest.raises(lab.OptionError, match="entry 0-2000 has two rows"):
            history.with_frames(decisions=doubled).save(tmp_path / "s")


def put(frame, name, values):
    """A change: a column of one's own, or other values in one that was there."""

    def change(history):
        history[frame][name] = values(len(history[frame])) if callable(values) else values

    return change


def change_cell(frame, row, name, value):
    def change(history):
        history[frame].loc[row, name] = value

    return change


def drop_roots(history):
    return history.with_frames(arguments=history.arguments.dropna(subset="parent"))


def drop(frame, name):
    return lambda history: history.with_frames(**{frame: history[frame].drop(columns=name)})


def name_twice(history):
    history.decisions.insert(0, "question", "again", allow_duplicates=True)


def name_alike(history):
    history.decisions[7], history.decisions["7"] = 1, 2


NO_TABLE = {
    "no ids": (drop("decisions", "stream_id"), "decisions has no column 'stream_id'"),
    "no ids of votes": (drop("votes", "stream_id"), "votes has no column 'stream_id'"),
    "ids as the index": (
        lambda history: history.with_frames(decisions=history.decisions.set_index("stream_id")),
        "reset_index",
    ),
    "a foreign id": (change_cell("decisions", 3, "stream_id", "my-row"), "row 3 of decisions.*'my-row'"),
    "no id": (change_cell("votes", 3, "stream_id", None), "row 3 of votes.*None"),
    "an id too large": (
        change_cell("decisions", 3, "stream_id", f"{2**64}-0"),
        f"row 3 of decisions.*'{2**64}-0'",
    ),
    "one name twice": (name_twice, "more than one column named 'question'"),
    "names written alike": (name_alike, "more than one column named '7'"),
}
NO_ENVELOPE = {
    "a share above 1": (change_cell("decisions", 3, "confidence", 2.0), "entry 0-1944 .*confidence"),
    "no recommendation": (
        change_cell("decisions", 3, "recommendation", None),
        "entry 0-1944 .*recommend",
    ),
    "a vote for nothing": (change_cell("votes", 0, "choice", None), "entry 0-1941 .*choice"),
    "another name's value": (put("decisions", "summary", 0.5), "'rationale' and 'summary' of decisions"),
    "a name of a frame": (put("decisions", "votes", "x"), "'the frame votes' and 'votes' of decisions"),
    "another name of one": (put("decisions", "arguments", 3), "'arguments' and 'the frame arguments'"),
    "an open name of one": (put("decisions", "decision.citations", 3), "'decision.citations' and 'the frame"),
    "another name of a question": (put("decisions", "prompt", "x"), "'prompt' and 'question' of decisions"),
    "an open column's name": (put("decisions", "decision.topic", "x"), "'decision.topic' and 'question'"),
    "an agent": (put("votes", "agent", "x"), "'agent' and 'voter' of votes"),
    "a link": (put("citations", "url", "x"), "'source' and 'url' of citations"),
    "children": (put("arguments", "replies", 2), "'replies' and 'the nodes below' of arguments"),
    "below a value": (put("decisions", "meta.model.x", 1), "'meta.model' and 'meta.model.x' of decisions"),
    "above a value": (put("decisions", "meta.usage", "x"), "'meta.usage' and 'meta.usage.\\w+' of decisions"),
    "infinity": (put("decisions", "mine", float("inf")), "'mine' of decisions holds an infinite"),
    "infinities": (put("votes", "mine", lambda n: [[-np.inf]] * n), "'mine' of votes holds an infinite"),
    "nodes without parents": (drop_roots, "entry 0-19.. in arguments hangs below node 0"),
}


@pytest.mark.parametrize(("change", "message"), NO_TABLE.values(), ids=NO_TABLE)
def test_a_frame_that_no_table_can_hold_says_what_is_wrong(history, tmp_path, change, message):
    history = change(history) or history
    for act in ("save", "+", "to_ndjson"):
        with pytest.raises(lab.OptionError, match=message):
            acts(history, tmp_path)[act]()


@pytest.mark.parametrize("frame", ["votes", "citations"])
def test_ids_that_are_gone_are_named_where_another_frame_is_cut(history, frame):
    del history[frame]["stream_id"]
    with pytest.raises(lab.OptionError, match=f"{frame} has no column 'stream_id', which joins"):
        history.with_frames(decisions=history.decisions.iloc[:3])


ASKED = {
    "dictionary": ("votes", "choice", lambda history, path: lab.dictionary(history)),
    "to_csv": ("decisions", "meta.model", lambda history, path: history.to_csv(path / "s.csv")),
    "to_csv of votes": ("votes", "choice", lambda history, path: history.to_csv(path / "s.csv")),
    "a statistic": ("votes", "choice", lambda history, path: lab.stats.Agreement.of(history)),
    "by": ("decisions", "meta.model", lambda history, path: lab.stats.Votes.of(history, by="meta.model")),
    "of a frame": ("arguments", "claim", lambda history, path: lab.stats.Arguments.of(history.arguments)),
    "a query": ("decisions", "confidence", lambda history, path: history.where("confidence > 0.5")),
    "outcomes": ("votes", "choice", lambda history, path: lab.with_outcomes(history, "data/outcomes.csv")),
    "the card": ("rejects", "reason", lambda history, path: history._repr_html_()),
    "coverage": ("coverage", "entries", lambda history, path: history.account),
}


@pytest.mark.parametrize(("frame", "name", "act"), ASKED.values(), ids=ASKED)
def test_two_columns_of_one_name_are_named_whoever_asks(history, tmp_path, frame, name, act):
    changed = getattr(history, frame)
    changed.insert(0, name, changed[name].array, allow_duplicates=True)
    with pytest.raises(lab.OptionError, match=f" has more than one column named '{name}': rename one"):
        act(history, tmp_path)


def test_a_frame_with_two_columns_of_one_name_is_not_taken(history):
    doubled = history.votes[["stream_id", "choice", "choice"]]
    with pytest.raises(lab.OptionError, match="votes has more than one column named 'choice'"):
        history.with_frames(votes=doubled)


@pytest.mark.parametrize("stream_id", ["x", "0-1@", None])
def test_an_id_that_is_none_is_named_with_its_row(history, tmp_path, stream_id):
    history.votes.loc[3, "stream_id"] = stream_id
    with pytest.raises(lab.OptionError, match=rf"row 3 of votes, .* has the stream_id {stream_id!r}, which"):
        history.save(tmp_path / "s")


def test_what_is_no_frame_is_refused(history):
    with pytest.raises(lab.OptionError, match="votes must be a DataFrame, this is a list"):
        history.with_frames(votes=[1])


@pytest.mark.parametrize(("change", "message"), NO_ENVELOPE.values(), ids=NO_ENVELOPE)
def test_what_an_envelope_cannot_hold_is_named(history, tmp_path, change, message):
    history = change(history) or history
    with pytest.raises(lab.OptionError, match=message):
        history.to_ndjson(tmp_path / "s.ndjson")
    assert not (tmp_path / "s.ndjson").exists()
    history.save(tmp_path / "s")
    read_whole(tmp_path / "s")


class TestNdjson:
    def test_keeps_two_columns_of_one_field_that_no_row_has_both(self, history, tmp_path):
        history.decisions["prompt"] = None
        history.decisions.loc[0, ["question", "prompt"]] = [None, "what else"]
        read = lab.read(history.to_ndjson(tmp_path / "s.ndjson"))
        assert read.decisions.loc[0, "question"] == "what else"

    def test_keeps_a_column_named_like_one_of_another_frame(self, history, tmp_path):
        for name in ("position", "node", "depth", "parent"):
            history.decisions[name] = 7
        read = lab.read(history.to_ndjson(tmp_path / "s.ndjson"))
        for name in ("position", "node", "depth", "parent"):
            assert read.decisions[f"decision.{name}"].tolist() == [7] * len(history)

    @pytest.mark.parametrize("frame", ["votes", "citations", "arguments"])
    def test_keeps_the_places_in_a_decision_of_a_sorted_frame(self, history, tmp_path, frame):
        expected = lab.read(history.to_ndjson(tmp_path / "before.ndjson"))
        shuffled = history[frame].sample(frac=1, random_state=1)
        again = lab.read(history.with_frames(**{frame: shuffled}).to_ndjson(tmp_path / "s.ndjson"))
        pd.testing.assert_frame_equal(again[frame], expected[frame])

    def test_names_an_entry_whose_json_text_is_none(self, history, tmp_path):
        history.decisions["meta.mine"] = [[1]] * len(history)
        read = lab.read(history.save(tmp_path / "s"))
        read.decisions.loc[1, "meta.mine"] = "no JSON"
        with pytest.raises(lab.OptionError, match=r"'meta\.mine' holds JSON text, and that of entry 0-1942"):
            read.to_ndjson(tmp_path / "s.ndjson")


def test_files_are_merged_wherever_a_column_was_put(history, tmp_path):
    one, other = (lab.read(history.to_ndjson(tmp_path / f"{name}.ndjson")) for name in "ab")
    one.decisions.insert(0, "mine", 1)
    assert len(other + one) == 2 * len(history)
    assert (other + one).decisions["mine"].notna().sum() == len(history)


def test_what_is_missing_before_and_after_has_not_changed():
    before, now = pa.chunked_array([[1, None]]), pa.chunked_array([pa.nulls(2)])
    assert changed._differs(before, now).to_pylist() == [True, False]
