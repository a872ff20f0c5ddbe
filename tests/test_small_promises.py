"""Small promises of several rooms that no other test looks at."""

import gzip
import os
import threading
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import mastermind_lab as lab
from mastermind_lab.archive.buffer import _gaps
from mastermind_lab.arena import Arena
from mastermind_lab.arena.samples import HISTORY, OUTCOMES
from mastermind_lab.cli.dashboard import _confidence, _head
from mastermind_lab.cli.following import _matcher
from mastermind_lab.decode.batch import in_batches
from mastermind_lab.envelope import DecisionEnvelope
from mastermind_lab.frames import Account
from mastermind_lab.history import sample_folder
from mastermind_lab.records.columns import known_type, moments, numbers, texts
from mastermind_lab.storage.local import LocalFolder
from mastermind_lab.storage.lock import Lock
from mastermind_lab.stream import StreamUpdate
from mastermind_lab.text import brief, harmless


def test_the_sample_begins_as_the_arena_begins_today():
    decided = [*Arena().decisions(60)]
    with gzip.open(sample_folder() / HISTORY, "rt", encoding="utf-8") as lines:
        assert [envelope.model_dump_json() + "\n" for envelope, _ in decided] == [
            next(lines) for _ in decided
        ]
    outcomes = (sample_folder() / OUTCOMES).read_text(encoding="utf-8").splitlines()
    assert outcomes[1:61] == [",".join(outcome) for _, outcome in decided]


@pytest.mark.parametrize("where", ["question", "recommendation", "rationale"])
def test_a_pattern_is_looked_for_in_each_text_of_a_decision(where):
    decision = {"recommendation": "a", "confidence": 0.5} | {where: "to ship or not"}
    envelope = DecisionEnvelope.model_validate({"decision": decision})
    assert _matcher("ship")(envelope)
    assert not _matcher("never")(envelope)
    with pytest.raises(lab.OptionError, match="expected a regular expression"):
        _matcher("(")


def test_the_dashboard_shows_an_error_only_while_it_lasts():
    source = SimpleNamespace(streams=("s",), where="here")
    for state, shown in (("live", False), ("paused", False), ("reconnecting", True), ("failed", True)):
        status = lab.live.Status(state=state, error="no answer")
        lines = [line.plain for line in _head(SimpleNamespace(status=status, source=source), 80)]
        assert ("no answer" in lines[-1]) == shown
    status = lab.live.Status(state="reconnecting")
    assert [*_head(SimpleNamespace(status=status, source=source), 80)][-1].plain.strip() == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "part")
    refused = []

    def read():
        try:
            LocalFolder(str(tmp_path)).open("part")
        except OSError as error:
            refused.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert len(refused) == 1


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def locked(file):
        raise OSError(95, "not supported")

    monkeypatch.setattr("mastermind_lab.storage.lock._locked", locked)
    with pytest.raises(lab.SourceError, match=r"cannot lock .*not supported"):
        Lock(tmp_path / "lock", "archive")


def test_a_text_that_is_cut_is_no_longer_than_it_may_be():
    for most in (5, 20, 160):
        assert len(brief("x" * 500, most, harmless)) == most
        assert brief("x" * most, most, harmless) == "x" * most


class TestOtherPeoplesColumns:
    def test_times_of_several_zones_are_one(self):
        given = ["2026-03-02T09:00:00+02:00", "2026-03-02T09:00:00", None, "soon"]
        read = moments(pa.array(given, pa.large_string()))
        expected = [pd.Timestamp("2026-03-02T07:00Z"), pd.Timestamp("2026-03-02T09:00Z"), None, None]
        assert [one and pd.Timestamp(one) for one in read.values.to_pylist()] == expected
        assert read.wrong.tolist() == [False, False, False, True]

    def test_numbers_that_no_float_holds_are_read_as_the_nearest(self):
        read = numbers(pa.array([2**53 + 1, 5, None], pa.int64()))
        assert read.values.to_pylist() == [2.0**53, 5.0, None]
        assert not np.any(read.wrong)

    def test_a_column_of_nothing_is_a_text_of_nothing(self):
        read = texts(pa.field("a", pa.null()), pa.nulls(2))
        assert (read.values.to_pylist(), read.values.type) == ([None, None], pa.large_string())

    def test_bytes_that_are_no_text_are_named(self):
        with pytest.raises(lab.OptionError, match="column 'a' of type binary cannot be read"):
            known_type("a", pa.chunked_array([pa.array([b"\xff"], pa.binary())]))


def test_payloads_come_in_batches_of_some_bytes(monkeypatch):
    monkeypatch.setattr("mastermind_lab.decode.batch._BATCH_BYTES", 10)
    entries = [(f"{number}-0", b"x" * size, None) for number, size in enumerate([4, 4, 4, 20, 1])]
    assert [len(batch) for batch in in_batches(entries)] == [3, 1, 1]


def test_what_a_reader_left_out_is_missing_as_surely_as_it_says():
    for certainty in ("exact", "at most"):
        account = Account(left_out=2, missing=1, certainty=certainty)
        [gap] = _gaps(StreamUpdate("s", [], account=account))
        assert (gap.missing, gap.certainty) == (3, certainty)
    [gap] = _gaps(StreamUpdate("s", [], account=Account(left_out=2, certainty=None)))
    assert gap.certainty == "not verified"
    assert _gaps(StreamUpdate("s", [])) == []


def test_a_column_of_ones_own_may_hold_anything_and_nothing():
    history = lab.read([b'{"decision": {"recommendation": "a", "confidence": 0.5}}'] * 3)
    history.decisions["meta.when"] = [pd.Timestamp("2026-03-02"), float("nan"), None]
    history.decisions["meta.cost"] = [1, 2.5, None]
    table = history.tables()["decisions"]
    assert table["meta.when"].to_pylist() == ["2026-03-02 00:00:00", None, None]
    assert table["meta.cost"].to_pylist() == [1.0, 2.5, None]


def test_the_dashboards_bars_are_as_tall_as_they_are_frequent():
    one = b'{"decision": {"recommendation": "a", "confidence": %s}}'
    confidence = lab.stats.Confidence.of(lab.read([one % b"0.97"] * 9 + [one % b"0.02"] * 3))
    _, *rows, scale = [line.plain for line in _confidence(confidence, 60, 3)]
    assert [bool(row.strip()) for row in rows] == [True] * 3
    assert [bool(row[: len(row) // 2].strip()) for row in rows] == [False, False, True]
    assert (scale[0], scale[-1], len(scale)) == ("0", "1", len(rows[0]))
