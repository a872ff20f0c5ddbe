"""Scans of many small ranges: what is read is what is asked for, few at a time, wherever it lies by now."""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from histories import sample
from summaries import agree

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.frames import between
from mastermind_lab.history.sources import reading, snapshots

pytestmark = pytest.mark.once

BEGAN = 1795392000000
EACH = 3


def committed(folder, ranges):
    """Ranges of a stream's entries, from one minute to another each."""
    ids = [f"{BEGAN + 60_000 * n}-0" for n in range(40)]
    history = sample(40)
    tables = {
        name: history.table(name) for name in ("decisions", "votes", "citations", "arguments", "rejects")
    }
    own = dict(zip(tables["decisions"]["stream_id"].to_pylist(), ids, strict=True))
    moved = {name: renamed(table, own) for name, table in tables.items()}
    for first, last in ranges:
        said = {"source": "redis://here", "stream": "s", "first_id": ids[first], "last_id": ids[last]}
        said |= {"entries": last - first + 1, "missing": 0, "certainty": "exact"}
        said |= {"repeated": 0, "left_out": 0, "limits": ""}
        snapshot.commit(folder, between(moved, ids[first], ids[last]), {"coverage": [said]})
    return folder


def renamed(table, own):
    place = table.column_names.index("stream_id")
    ids = pa.array([own[one] for one in table["stream_id"].to_pylist()], pa.large_string())
    return table.set_column(place, "stream_id", ids)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    ranges = [(n, n + EACH - 1) for n in range(0, 36, EACH)]
    return committed(tmp_path_factory.mktemp("kept") / "archive", ranges)


@pytest.fixture
def folder(kept, tmp_path):
    return shutil.copytree(kept, tmp_path / "archive")


def counted(scan, **options):
    return lab.stats.Votes.of(scan, by="meta.model", replicates=40, **options).table()


@pytest.mark.further
def test_small_neighbours_are_one_batch_and_one_task(folder, monkeypatch):
    assert len(lab.scan(folder).partitions) == 1
    assert [len(batch) for batch in lab.scan(folder)] == [36]
    agree(counted(lab.scan(folder)), counted(lab.read(folder)))
    monkeypatch.setattr(snapshots, "_SMALL_BYTES", 60_000)
    assert 2 < len([*lab.scan(folder)]) < 12
    assert len(lab.scan(folder).partitions) == 1
    agree(counted(lab.scan(folder)), counted(lab.read(folder)))


def test_a_range_that_does_not_tell_its_size_takes_more_than_its_parts_do(folder):
    one = snapshot.ranges(folder)[0]
    untold = replace(one, metadata={name: said for name, said in one.metadata.items() if name != "size"})
    assert snapshot.size_of(untold) > sum(child["bytes"] for child in one.child_tables.values())


def test_tables_that_nobody_looks_at_are_not_opened(folder):
    expected = lab.stats.Confidence.of(lab.read(folder), by="meta.model").table()
    for name in ("votes", "citations", "arguments"):
        for path in Path(folder, name).rglob("*.parquet"):
            path.write_bytes(b"damaged")
    scan = lab.scan(folder)
    assert lab.stats.Confidence.of(scan.where("n_votes >= 0"), by="meta.model").table().equals(expected)
    with pytest.raises(lab.SourceError, match=r"votes/.*cannot be read"):
        counted(scan)


@pytest.mark.parametrize("bounds", [{"since": "2026-11-23T00:07"}, {"until": "2026-11-23T00:20"}])
def test_limits_cut_within_a_batch_and_are_said(folder, bounds):
    scan, whole = lab.scan(folder, **bounds), lab.read(folder, **bounds)
    agree(counted(scan), counted(whole))
    assert scan.coverage.equals(whole.coverage)
    assert 0 < whole.coverage["left_out"].item() < 36


@pytest.mark.further
def test_entries_that_two_ranges_share_are_counted_once(tmp_path):
    folder = committed(tmp_path / "archive", [(0, 3), (2, 8), (5, 6), (9, 10), (11, 12)])
    assert len(lab.read(folder)) == 13
    for most in (snapshots._SMALL_BYTES, 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(snapshots, "_SMALL_BYTES", most)
            patch.setattr(snapshots, "_TASK_BYTES", range(most, most + 1))
            agree(counted(lab.scan(folder)), counted(lab.read(folder)))


def test_a_task_carries_names_and_not_what_the_footers_say(folder):
    [one, *_] = snapshot.ranges(folder)
    many = [numbered(one, n) for n in range(2_000)]
    source = snapshots.Snapshot(folder, reading.Options())
    vars(source)["ranges"] = many
    parts = source.partitions()
    assert 4 < len(parts) < 100
    assert sum(len(pickle.dumps(part)) for part in parts) < 60 * len(many)
    assert len(pickle.dumps(many[0])) > 1_000


def numbered(one, n):
    """The range as if it were another of its folder."""
    first, last = f"{BEGAN + n * 60_000}-0", f"{BEGAN + n * 60_000 + 9}-0"
    path = f"{one.folder}/decisions/{snapshot.layout.place_of(first, last, one.date)}"
    return replace(
        one, path=path, first_id=first, last_id=last, metadata=one.metadata | {"origin": f"{n * 2**200:x}"}
    )


class TestElsewhere:
    """A partition that was sent away is read later, and there."""

    @pytest.mark.further
    def test_it_reads_the_same(self, folder):
        scan = lab.scan(folder, since="2026-11-23T00:07")
        sent = pickle.loads(pickle.dumps(scan.partitions))
        agree(counted(lab.history.Scan(sent)), counted(scan))
        agree(counted(lab.history.Scan(pickle.loads(pickle.dumps(sent)))), counted(scan))

    @pytest.mark.parametrize("where", ["here", "elsewhere"])
    @pytest.mark.further
    def test_what_was_compacted_meanwhile_is_read_where_it_is_now(self, folder, where, monkeypatch):
        monkeypatch.setattr(snapshots, "_TASK_BYTES", range(60_000, 60_001))
        scan, expected = lab.scan(folder), counted(lab.read(folder))
        assert len(scan.partitions) > 2
        if where == "elsewhere":
            scan = lab.history.Scan(pickle.loads(pickle.dumps(scan.partitions)))
        lab.compact(folder)
        assert len(snapshot.ranges(folder)) == 1
        agree(counted(scan), expected)
        assert sum(map(len, scan)) == 36

    def test_another_history_in_its_place_is_an_error(self, folder):
        sent = pickle.loads(pickle.dumps(lab.scan(folder).partitions))
        lab.read(folder).where("n_votes > 5").save(folder, overwrite=True)
        with pytest.raises(lab.SourceError, match="scan it again"):
            counted(lab.history.Scan(sent))

    def test_payloads_are_decoded_again(self, tmp_path):
        column = lab.Column("model", "meta.model")
        sample(8, payloads=True).save(tmp_path / "saved")
        sent = pickle.loads(pickle.dumps(lab.scan(tmp_path / "saved", columns=[column]).partitions))
        [batch] = lab.history.Scan(sent)
        assert batch.decisions["model"].equals(batch.decisions["meta.model"].rename("model"))
