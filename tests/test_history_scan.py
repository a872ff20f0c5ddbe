"""Scans: a history in batches says what the whole history says."""

import gzip
import json
import pickle
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from histories import OUTCOMES
from pandas.testing import assert_frame_equal
from summaries import SUBJECTS, agree, by_columns

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.frames import concat, entry_ids, to_pandas
from mastermind_lab.history import sample_folder, with_missing_columns
from mastermind_lab.history.sources import files, reading, snapshots
from mastermind_lab.stream import publish_payloads

BENCHMARK = Path(__file__).parent / "benchmarks" / "scale.py"

BY = ["meta.model", "meta.late", "meta.mixed", "meta.half", "meta.large"]
every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: one.__name__)


def lines():
    """The sample, with columns that begin late, end early, or hold values of several kinds."""
    with gzip.open(sample_folder() / "arena.ndjson.gz") as stream:
        documents = [json.loads(line) for line in stream.readlines()[::8]]
    for place, document in enumerate(documents):
        part = place * 5 // len(documents)
        meta = document["meta"]
        meta["mixed"] = [1, "1", True, None, 2.5][part]
        meta["half"] = [1, 1.5, 2, 1, None][part]
        meta["large"] = [2**60 + 1, 1, None, 3, 4][part]
        if part == 3:
            meta["late"] = "begun"
        if part == 4:
            document["decision"]["votes"][0]["mood"] = "calm"
    return [json.dumps(document).encode() + b"\n" for document in documents]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Files of both kinds, one of them empty, with entries that cannot be read."""
    target, whole = tmp_path_factory.mktemp("files"), lines()
    (target / "a.ndjson").write_bytes(b"".join(whole[:90]) + b"broken\n")
    (target / "b.jsonl.gz").write_bytes(gzip.compress(b"".join(whole[90:160])))
    (target / "c.ndjson").write_bytes(b"")
    (target / "d.ndjson").write_bytes(b"\n\nnothing\n" + b"".join(whole[160:]))
    return target


@pytest.fixture(scope="session")
def archive(folder, tmp_path_factory):
    """The same as a snapshot of many ranges, each with the columns that it needs."""
    target = tmp_path_factory.mktemp("archive") / "snapshot"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_SMALL_BYTES", 0)
        partitions = lab.scan(folder, payloads=True).partitions
    for partition in partitions:
        for parts, coverage, _ in partition.batches():
            ids = entry_ids(parts)
            for some in filter(None, [ids[:40], ids[40:]]):
                rows = {
                    name: table.filter(pc.is_in(table["stream_id"], pa.array(some)))
                    for name, table in parts.items()
                }
                [row] = coverage.rows()
                row |= {"first_id": some[0], "last_id": some[-1], "entries": len(some)}
                snapshot.commit(target, rows, {"coverage": [row]})
    return target


@pytest.fixture(scope="session")
def history(folder):
    return lab.with_outcomes(lab.read(folder), OUTCOMES)


@pytest.fixture
def small(monkeypatch):
    """Batches of some 50 entries, of one file each."""
    monkeypatch.setattr(files, "_SMALL_BYTES", 0)
    monkeypatch.setattr(sys.modules["mastermind_lab.decode.batch"], "_BATCH_BYTES", 100_000)
    monkeypatch.setattr(reading, "_BATCHES_AT_ONCE", 2)


@pytest.fixture
def apart(monkeypatch):
    """Every range by itself."""
    monkeypatch.setattr(snapshots, "_SMALL_BYTES", 1)
    monkeypatch.setattr(snapshots, "_TASK_BYTES", range(1, 2))


class TestBatches:
    @pytest.mark.further
    def test_together_they_are_the_history(self, folder, small):
        batches = list(lab.scan(folder))
        assert len(batches) > 5
        whole = concat(batch.tables() for batch in batches)
        for name, frame in to_pandas(whole).items():
            assert_frame_equal(frame, getattr(lab.read(folder), name))

    def test_what_belongs_to_a_decision_is_in_its_batch(self, folder, small):
        for batch in (batches := list(lab.scan(folder))):
            for frame in (batch.votes, batch.citations, batch.arguments):
                assert set(frame["stream_id"]) <= set(batch.decisions["stream_id"])
        assert sum(len(batch.votes) for batch in batches) == len(lab.read(folder).votes) > 1_000

    def test_each_accounts_for_itself(self, folder, small):
        covered = pd.concat([batch.coverage for batch in lab.scan(folder)])
        assert covered["entries"].sum() == 252
        assert covered["source"].nunique() == 4
        ends = covered.dropna(subset="first_id")
        assert all(lab.id_key(one) < lab.id_key(next_) for one, next_ in pairwise(ends["first_id"]))

    def test_it_can_be_read_again(self, folder):
        found = lab.scan(folder)
        assert len(list(found)) == len(list(found)) == 1

    @pytest.mark.parametrize("limits", [{}, {"since": "2026-10-20", "until": "2026-11-10"}, {"since": "9d"}])
    @pytest.mark.further
    def test_small_files_are_one_batch_and_account_for_themselves(
        self, folder, tmp_path, limits, monkeypatch
    ):
        """Also those that hold nothing, end early, or have lines without a time."""
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        packed = (tmp_path / "b.jsonl.gz").read_bytes()
        (tmp_path / "e.jsonl.gz").write_bytes(packed[:-100])
        (tmp_path / "f.ndjson").write_bytes(b"\n" + (tmp_path / "a.ndjson").read_bytes())
        together = lab.scan(tmp_path, **limits)
        [batch] = together
        monkeypatch.setattr(files, "_SMALL_BYTES", 0)
        apart, whole = lab.scan(tmp_path, **limits), lab.read(tmp_path, **limits)
        assert sum(map(len, apart)) == len(batch) == len(whole)
        assert len(together.coverage) == 6
        assert together.coverage["note"].nunique() >= 1
        assert_frame_equal(together.coverage, apart.coverage)
        for name in ("decisions", "votes", "rejects"):
            assert_frame_equal(batch[name], whole[name])

    def test_limits_cut_and_are_said(self, folder, small):
        whole = lab.read(folder, since="2026-10-20", until="2026-11-10")
        batches = list(lab.scan(folder, since="2026-10-20", until="2026-11-10"))
        ids = [one for batch in batches for one in batch.decisions["stream_id"]]
        assert ids == whole.decisions["stream_id"].tolist()
        assert 0 < len(ids) < 250
        left_out = sum(batch.coverage["left_out"].sum() for batch in batches)
        assert left_out == whole.coverage["left_out"].sum()

    def test_lines_are_cut_in_their_batch(self, tmp_path):
        decision = {"recommendation": "a", "confidence": 0.5}
        days = [f"2026-10-0{day}T00:00:00Z" for day in (1, 2, 3)]
        lines = [json.dumps({"decision": decision, "published_at": day}) for day in days]
        (tmp_path / "a.ndjson").write_text("\n".join(lines))
        [batch] = lab.scan(tmp_path / "a.ndjson", since="2026-10-02")
        assert batch.decisions["stream_id"].tolist() == ["0-2", "0-3"]
        assert batch.coverage["left_out"].tolist() == [1]

    def test_extra_columns_and_payloads(self, folder, small):
        column = lab.Column("tries", lambda envelope: len(envelope.decision.votes), "Int64")
        batches = list(lab.scan(folder, columns=[column], payloads=True))
        assert sum(map(len, batches)) == 250
        for batch in batches:
            assert batch.decisions["tries"].equals(batch.decisions["n_votes"].rename("tries"))
            assert len(batch.payloads) == len(batch)

    @pytest.mark.further
    def test_ranges_of_a_snapshot(self, archive, folder, apart, monkeypatch):
        monkeypatch.setattr(snapshots, "_SLICE_BYTES", 200_000)
        batches = list(lab.scan(archive, payloads=True))
        assert len(batches) > 6
        whole, expected = concat(batch.tables() for batch in batches), lab.read(archive, payloads=True)
        for name, frame in to_pandas(whole).items():
            assert_frame_equal(frame, getattr(expected, name))
        covered = pd.concat([batch.coverage for batch in batches])
        held = expected.coverage[expected.coverage["entries"] > 0]
        assert (covered["entries"].sum(), set(covered["source"])) == (252, set(held["source"]))

    def test_ranges_decoded_again_for_extra_columns(self, archive):
        column = lab.Column("tries", lambda envelope: len(envelope.decision.votes), "Int64")
        batches = list(lab.scan(archive, columns=[column]))
        assert sum(batch.decisions["tries"].sum() for batch in batches) == sum(
            len(one.votes) for one in batches
        )

    @pytest.mark.once
    @pytest.mark.further
    def test_a_stream_from_its_newest_page_back(self, redis_url, small):
        assert list(publish_payloads(redis_url, STREAM, lines()))
        batches = list(lab.scan(redis_url))
        assert len(batches) > 2
        newest_first = [batch.decisions["stream_id"].iloc[0] for batch in batches]
        assert newest_first == sorted(newest_first, key=lab.id_key, reverse=True)
        assert sum(len(batch) for batch in batches) == 250
        whole = lab.read(redis_url)
        agree(
            lab.stats.Confidence.of(lab.scan(redis_url), by=BY, replicates=40).table(),
            lab.stats.Confidence.of(whole, by=BY, replicates=40).table(),
        )

    def test_a_password_is_not_shown(self):
        assert "secret" not in repr(lab.scan("redis://:secret@localhost").partitions)

    def test_what_cannot_be_scanned(self, tmp_path):
        with pytest.raises(lab.OptionError, match="for read"):
            lab.scan([b"{}"])
        with pytest.raises(lab.SourceError, match="there is no file"):
            lab.scan(tmp_path / "none.ndjson")
        with pytest.raises(lab.OptionError, match="expected 'dask'"):
            lab.scan(tmp_path, engine="spark")


class TestSummaries:
    @pytest.mark.thorough
    @every_subject
    def test_they_say_what_the_history_says(self, subject, folder, history, small):
        """By columns that some batches lack, or hold values of another kind in."""
        batches = lab.with_outcomes(lab.scan(folder), OUTCOMES)
        found = subject.of(batches, **by_columns(subject, BY), replicates=40)
        agree(found.table(), subject.of(history, **by_columns(subject, BY), replicates=40).table())

    @pytest.mark.further
    def test_over_a_snapshot(self, archive, history, apart):
        assert len(lab.scan(archive).partitions) == 6
        found = lab.scan(archive)
        for subject in (lab.stats.Confidence, lab.stats.Votes, lab.stats.Arguments):
            counted = (subject.of(one, by=BY, replicates=40).table() for one in (found, history))
            agree(*counted)

    @pytest.mark.once
    @pytest.mark.further
    def test_by_columns_of_votes(self, folder, history, small):
        for by in (["vote.mood"], ["voter", "meta.late"]):
            found = lab.stats.Votes.of(lab.scan(folder), by=by, replicates=40)
            agree(found.table(), lab.stats.Votes.of(history, by=by, replicates=40).table())

    @pytest.mark.once
    @every_subject
    def test_they_pickle(self, subject, history):
        found = subject.of(history, replicates=40)
        agree(pickle.loads(pickle.dumps(found)).table(), found.table())

    def test_a_column_that_no_batch_has(self, folder, small):
        with pytest.raises(lab.OptionError, match=r"did you mean 'meta\.late'"):
            lab.stats.Confidence.of(lab.scan(folder), by="meta.latte")
        with pytest.raises(lab.OptionError, match="no column 'modell'"):
            lab.stats.Confidence.of(lab.scan(folder), by="modell")

    @pytest.mark.once
    @pytest.mark.further
    def test_nothing_at_all(self, tmp_path):
        (tmp_path / "none.ndjson").write_bytes(b"")
        found, nothing = lab.scan(tmp_path), lab.read(tmp_path)
        for subject in SUBJECTS:
            columns = subject.of(nothing, **by_columns(subject, "meta.any")).table().columns
            assert subject.of(found, **by_columns(subject, "meta.any")).table().columns.equals(columns)

    def test_the_options_are_those_of_a_history(self, folder):
        with pytest.raises(TypeError):
            lab.stats.Confidence.of(lab.scan(folder), "meta.model")
        with pytest.raises(TypeError):
            lab.stats.Confidence.of(lab.scan(folder), colour="red")

    @pytest.mark.once
    @pytest.mark.further
    def test_outcomes_joined_on_an_open_column(self, folder, small):
        known = pd.DataFrame({"meta.late": ["begun"], "correct_choice": ["approve"]})
        batches = lab.with_outcomes(lab.scan(folder), known, on="meta.late")
        expected = lab.with_outcomes(lab.read(folder), known, on="meta.late")
        agree(lab.stats.Calibration.of(batches).table(), lab.stats.Calibration.of(expected).table())

    @pytest.mark.once
    @pytest.mark.further
    def test_charts_draw_them(self, folder, history, small):
        drawn = [lab.charts.confidence(one, by="meta.model") for one in (lab.scan(folder), history)]
        assert len({ax.get_title(loc="left") for ax in drawn}) == 1


class TestGrown:
    def test_open_columns_are_missing_values(self, history):
        whole = with_missing_columns(history, ["meta.never", "meta.late", "never"])
        assert set(whole.decisions) - set(history.decisions) == {"meta.never"}
        assert whole.decisions["meta.never"].isna().all()
        assert "meta.never" not in history.decisions

    @pytest.mark.further
    def test_a_column_may_come_after_it_was_asked_for(self, small, folder):
        """As a follower counts: no second look at what has passed."""
        total = 0
        for batch in lab.scan(folder):
            total = total + lab.stats.Confidence.of(
                with_missing_columns(batch, ["meta.late"]), by="meta.late"
            )
        agree(total.table(), lab.stats.Confidence.of(lab.read(folder), by="meta.late").table())


@pytest.mark.once
@pytest.mark.further
def test_a_summary_reads_once_unless_spellings_differ(folder, small, monkeypatch):
    read_files = []
    batches = files.Lines.batches
    monkeypatch.setattr(
        files.Lines,
        "batches",
        lambda partition: read_files.extend(partition.files) or batches(partition),
    )
    lab.stats.Confidence.of(lab.scan(folder / "d.ndjson"), by="meta.late")
    assert read_files == [0]
    lab.stats.Confidence.of(lab.scan(folder), by="meta.half")
    assert read_files[1:] == [0, 1, 2, 3] * 2


@pytest.mark.timeout(120)
@pytest.mark.thorough
def test_memory_does_not_grow_with_the_history(tmp_path):
    with gzip.open(sample_folder() / "arena.ndjson.gz") as stream:
        block = stream.read()  # 2,000 envelopes, 8 MB
    peaks = []
    for blocks in (5, 12):
        folder = tmp_path / str(blocks)
        folder.mkdir()
        (folder / "whole.ndjson").write_bytes(block * blocks)
        found = subprocess.check_output([sys.executable, BENCHMARK, "--run", "summary of a scan", folder])
        peaks.append(json.loads(found)["peak_mb"])
    assert peaks[1] - peaks[0] < 40  # read whole, it is twice that
