"""Small promises of several rooms that no other test looks at."""

import gzip
import json
import os
import threading
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pictures import caption
from redis.exceptions import InvalidResponse

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
from mastermind_lab.records.logs import Gathering
from mastermind_lab.storage.local import LocalFolder
from mastermind_lab.storage.lock import Lock
from mastermind_lab.stream import StreamReader, StreamUpdate
from mastermind_lab.stream.replies import _check_order
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


def test_batches_that_are_read_together_lie_in_one_piece(monkeypatch):
    monkeypatch.setattr("mastermind_lab.decode.batch._BATCH_BYTES", 1)
    history = lab.read([b'{"decision": {"recommendation": "a", "confidence": 0.5}}'] * 3)
    assert {column.num_chunks for column in history.tables()["decisions"].columns} == {1}


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


def test_columns_of_ones_own_that_do_not_go_together_are_named():
    listed, said = (lab.read([b'{"decision": {"recommendation": "a", "confidence": 0.5}}']) for _ in range(2))
    listed.decisions["own"], said.decisions["own"] = [[1]], ["x"]
    with pytest.raises(lab.OptionError, match=r"column 'own' is of types .* together: large_string, list<"):
        listed + said


def test_what_is_rejected_keeps_what_it_was():
    gathering = Gathering()
    for payload in ({"a": 1}, None):
        gathering.reject("failed", "it did", payload)
    assert [one[3] for one in gathering.rejects] == [b'{"a":1}', b""]


def test_the_dashboards_bars_are_as_tall_as_they_are_frequent():
    one = b'{"decision": {"recommendation": "a", "confidence": %s}}'
    confidence = lab.stats.Confidence.of(lab.read([one % b"0.97"] * 9 + [one % b"0.02"] * 3))
    _, *rows, scale = [line.plain for line in _confidence(confidence, 60, 3)]
    assert [bool(row.strip()) for row in rows] == [True] * 3
    assert [bool(row[: len(row) // 2].strip()) for row in rows] == [False, False, True]
    assert (scale[0], scale[-1], len(scale)) == ("0", "1", len(rows[0]))


def test_nobody_but_the_owner_may_write_a_file_and_nobody_may_run_it(tmp_path):
    folder = LocalFolder(str(tmp_path))
    folder.write("a/b", b"x")
    folder.write("c", b"x", private=True)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o133 == 0
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o600


def test_a_server_that_is_not_there_is_asked_less_and_less_often(monkeypatch):
    waited = []

    def delay(failures):
        waited.append(failures)
        return 0.001

    monkeypatch.setattr("mastermind_lab.stream.reader.backoff_delay", delay)
    found = [*islice(StreamReader("redis://localhost:1", ("s",)), 4)]
    assert all(update.transient_error for update in found)
    assert waited == [1, 2, 3, 4]


def test_the_limits_are_said_once():
    one = b'{"decision": {"recommendation": "a", "confidence": 0.5}}'
    [row] = lab.read([one] * 5, last=2).coverage.to_dict("records")
    assert (row["entries"], row["left_out"], row["limits"]) == (2, 3, "last=2")


def test_a_panel_of_many_voters_has_shades_and_a_scale_beside_them(ax):
    votes = [{"voter": f"v{n}", "choice": "ab"[n % 2]} for n in range(24)]
    decision = {"recommendation": "a", "confidence": 0.5, "votes": votes}
    lab.charts.agreement(lab.read([json.dumps({"decision": decision})] * 6), ax=ax)
    assert len(ax.figure.axes) == 2 or ax.child_axes


def test_decisions_without_votes_are_counted_beside_the_margin(ax):
    voted = {"recommendation": "a", "confidence": 0.5, "votes": [{"voter": "v", "choice": "a"}]}
    bare = {"recommendation": "a", "confidence": 0.5}
    decided = [json.dumps({"decision": one}) for one in (voted, voted, bare)]
    lab.charts.margin(lab.read(decided), ax=ax)
    assert "1 without votes" in caption(ax)


def test_entries_out_of_order_are_noticed_whatever_the_length_of_their_ids():
    for ids in (["1-0", "10-0", "5-0"], ["5-0", "4-0"], ["5-0", "5-0"], ["9-0", "100-0", "10-0"]):
        with pytest.raises(InvalidResponse, match="not in order"):
            _check_order([(one, b"") for one in ids], "0-0", None)
    _check_order([(one, b"") for one in ("5-0", "9-9", "10-0", "100-1")], "5-0", None)


def test_a_whole_number_that_no_float_holds_is_read_as_it_is():
    one = b'{"decision": {"recommendation": "a", "confidence": 0.5}, "meta": {"n": %d}}'
    assert lab.read([one % (2**53 + 1), one % 3]).decisions["meta.n"].tolist() == [2**53 + 1, 3]
