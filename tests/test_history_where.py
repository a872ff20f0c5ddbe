"""``where``: all five frames cut alike, and what was left out said."""

import numpy as np
import pandas as pd
import pytest

import mastermind_lab as lab
from mastermind_lab.frames import FRAMES
from mastermind_lab.history import sample_folder

QUERY = "`meta.model` == 'atlas-2' and confidence > 0.6"


@pytest.fixture(scope="module")
def history():
    return lab.sample(last=300, payloads=True)


def wanted(decisions):
    return (decisions["meta.model"] == "atlas-2") & (decisions["confidence"] > 0.6)


@pytest.fixture(scope="module")
def expected(history):
    return history.decisions[wanted(history.decisions)]


CONDITIONS = {
    "a query": lambda history: QUERY,
    "a function": lambda history: wanted,
    "a mask": lambda history: wanted(history.decisions),
    "an array": lambda history: wanted(history.decisions).to_numpy(bool),
    "a list of true and false": lambda history: wanted(history.decisions).tolist(),
    "ids": lambda history: history.decisions["stream_id"][wanted(history.decisions)].tolist(),
    "a series of ids": lambda history: history.decisions["stream_id"][wanted(history.decisions)],
    "some of the decisions": lambda history: history.decisions[wanted(history.decisions)],
}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_all_frames_are_cut_alike(history, expected, condition):
    some = history.where(condition(history))
    ids = expected["stream_id"]
    assert 0 < len(ids) < 300
    assert some.decisions["stream_id"].tolist() == ids.tolist()
    for name in (*FRAMES[1:], "payloads"):
        rows = history[name][history[name]["stream_id"].isin(ids)]
        assert some[name].equals(rows.reset_index(drop=True)), name
    assert (some.coverage["entries"].sum(), some.coverage["left_out"].sum()) == (len(ids), 2_000 - len(ids))
    assert some.coverage["limits"].str.contains("last=300, where ").all()


def test_statistics_follow(history):
    some = history.where(QUERY)
    by_hand = lab.stats.Agreement.of(
        history.votes[history.votes["stream_id"].isin(some.decisions["stream_id"])]
    )
    assert (
        lab.stats.Agreement.of(some).alpha.value
        == by_hand.alpha.value
        != lab.stats.Agreement.of(history).alpha.value
    )


def test_it_can_be_said_again(history):
    assert (
        history.where("confidence > 0.6")
        .where("n_votes > 5")
        .decisions.equals(history.where("confidence > 0.6 and n_votes > 5").decisions)
    )


def test_the_history_stays_as_it_was(history):
    before = {name: history[name].copy() for name in FRAMES}
    some = history.where(QUERY)
    some.decisions["mine"] = 1
    assert all(history[name].equals(before[name]) for name in FRAMES)


def test_a_column_of_ones_own_counts(history):
    some = history.where("confidence > 0.2")
    some.decisions["group"] = np.arange(len(some)) % 3
    third = some.where("group == 1")
    assert third.decisions["group"].eq(1).all()
    assert len(third) == (len(some) + 1) // 3


def test_ids_that_are_not_there_are_said(history):
    some = history.where([history.decisions["stream_id"].iloc[0], "9-9", "8-8"])
    assert len(some) == 1
    assert "2 ids are not there" in some.coverage["limits"].iloc[0]


def test_rejects_are_kept_by_their_ids_alone():
    history = lab.read(['{"decision": {"recommendation": "ship", "confidence": 1}}', "broken"])
    assert len(history.where("confidence > 0").rejects) == 0
    assert history.where(["0-2"]).rejects["reason"].tolist() == ["not_json"]


def test_where_a_mask_does_not_know_the_decision_is_left_out(history):
    mask = wanted(history.decisions).astype("boolean").mask(np.arange(300) % 2 == 0)
    assert len(history.where(mask)) == mask.sum()


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ([True, False], "2 values for 300 decisions"),
        ("confidnce > 0.5", "confidnce"),
        ("meta.model == 'x'", "between backticks"),
        ("confidence >", "cannot be read"),
        ("", "cannot be read"),
        ("confidence", "other values than true and false"),
        ("1 > 0", "no true or false for each decision"),
        (lambda decisions: decisions["nowhere"], "the function given to where failed: KeyError"),
        (lambda decisions: [True], "1 values for 300"),
        ([1.5] * 300, "other values than true and false"),
        (7, "cannot use a int"),
        (pd.Series([True] * 300, index=range(1, 301)), "another index"),
    ],
    ids=range(12),
)
def test_what_makes_no_sense_is_refused(history, condition, said):
    with pytest.raises(lab.OptionError, match=said):
        history.where(condition)


class TestScans:
    @pytest.mark.parametrize("condition", [QUERY, wanted], ids=["a query", "a function"])
    def test_they_are_cut_like_a_history(self, condition):
        whole = lab.sample().where(condition)
        scan = lab.scan(sample_folder() / "arena.ndjson.gz").where(condition)
        ids = [one for batch in scan for one in batch.decisions["stream_id"]]
        assert ids == whole.decisions["stream_id"].tolist()
        assert scan.coverage.equals(whole.coverage)

    def test_a_column_that_a_batch_lacks_is_missing_in_it(self, tmp_path):
        for name, meta in (("a", '{"late": 1}'), ("b", "{}")):
            line = f'{{"decision": {{"recommendation": "x", "confidence": 1}}, "meta": {meta}}}\n'
            (tmp_path / f"{name}.ndjson").write_text(line)
        found = list(lab.scan(tmp_path).where("`meta.late` == 1"))
        assert [len(batch) for batch in found] == [1, 0]


def test_frames_by_name(history):
    assert history["votes"] is history.votes
    with pytest.raises(lab.OptionError, match="no frame 'vote': there are decisions, votes"):
        history["vote"]
