"""A checkpoint sums up what is committed: it saves reading, and nothing depends on it."""

import json
import os
import shutil
from collections import Counter
from uuid import uuid4

import pyarrow as pa
import pytest
from envelopes_in_parts import ENTRIES, add, stream_id
from fsspec.implementations.memory import MemoryFileSystem
from telling import telling

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.archive import Archiver
from mastermind_lab.errors import CheckpointWarning
from mastermind_lab.snapshot import checkpoint
from mastermind_lab.snapshot.checkpoint import CHECKPOINT
from mastermind_lab.snapshot.encoding import encoded
from mastermind_lab.snapshot.footer import metadata_of, tail_length
from mastermind_lab.snapshot.parts import decoded
from mastermind_lab.storage import LocalFolder
from mastermind_lab.stream import StreamUpdate

pytestmark = pytest.mark.once

KNOWN, NEW = 12, 3
S = "s"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of parts that a checkpoint knows, and of some that came later."""
    folder = add(tmp_path_factory.mktemp("made") / "s", range(KNOWN))
    noted(folder)
    return add(folder, range(KNOWN, KNOWN + NEW))


def noted(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "WORTH", 2)
        snapshot.note(folder, snapshot.opened(folder))


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "s")


@pytest.fixture
def read(monkeypatch):
    """How often a part's end is read, or all of it."""
    counted = Counter()
    for name in ("tail", "read"):
        monkeypatch.setattr(LocalFolder, name, _counting(getattr(LocalFolder, name), counted))
    return counted


def _counting(real, counted):
    return lambda folder, path, *args: counted.update([path]) or real(folder, path, *args)


def known(folder):
    """All that is told of a folder, however it is found out."""
    found = snapshot.opened(folder).committed
    said = found.last, found.reaches, found.coverage, found.columns, found.is_narrow, found.ranges
    return said, snapshot.ranges(folder), lab.read(folder, last=3).coverage.to_dict("records")


def without(folder):
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return known(folder)


def test_only_what_came_since_is_read(folder, read):
    found = snapshot.opened(folder)
    assert found.committed.ranges == KNOWN + NEW
    assert read.total() == 1 + 1 + NEW  # the checkpoint, the last part that it knows, and those behind it
    read.clear()
    assert len(snapshot.ranges(folder)) == KNOWN + NEW
    assert read.total() == 1 + 1 + NEW


def test_the_same_is_told_with_it_and_without(folder):
    assert known(folder) == without(folder)


def test_a_stream_that_began_again_on_an_earlier_day_is_found(folder):
    """What is new is looked for from the last day on: who commits to an earlier one takes it away."""
    payload = b'{"decision": {"recommendation": "x", "confidence": 1}}'
    noted(folder)
    with Archiver(folder, stream=S) as sink:
        sink.take(StreamUpdate(S, [(f"{stream_id(-40)}@1", payload)], reset=True))
        sink.take(StreamUpdate(S, [(f"{stream_id(60)}@1", payload)]))
    assert not (folder / CHECKPOINT).exists()
    noted(folder)
    told = known(folder)
    assert told[0][1] == stream_id(KNOWN + NEW - 1, ENTRIES - 1)
    assert told == without(folder)


def torn(content):
    return content[: len(content) // 2]


def flipped(place):
    return lambda content: content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def facts(content):
    return {name: one for name, one in metadata_of(content).items() if not name.endswith("sha256")}


def said(**other):
    """Let a checkpoint say something else, with hashes that fit."""

    return lambda content: encoded(decoded(content), facts(content) | other, hashed=True)


def one_row_less(content):
    return encoded(decoded(content).slice(0, KNOWN - 1), facts(content), hashed=True)


def rows(change):
    """Let it say something else of its first range."""

    def changed(content):
        places, said = (column.to_pylist() for column in decoded(content).columns)
        places[0], said[0] = change(places[0], said[0])
        columns = [pa.array(column, pa.large_string()) for column in (places, said)]
        return encoded(pa.table(columns, ["place", "said"]), facts(content), hashed=True)

    return changed


BAD = {
    "torn": torn,
    "empty": lambda _: b"",
    "a bit of its rows": flipped(30),
    "a bit of its sum": flipped(-200),
    "no Parquet": lambda _: b"x" * 1000,
    "a footer that claims gigabytes": lambda content: content[:-8] + b"\xff\xff\xff\x7fPAR1",
    "a sum of something else": said(coverage="7"),
    "no kinds": said(columns_of='["x"]'),
    "half a character": said(coverage='[{"source": "\\ud800"}]'),
    "half a character in kinds": said(columns_of=json.dumps(['{"decisions": {"\\ud800": "str"}}'])),
    "no id": said(reaches="../x"),
    "a day of no id": said(days='[["../x", "1-0"]]'),
    "days that are none": said(days="7"),
    "no range": said(last="decisions/../../x", said="{}"),
    "a part that is not there": said(last="decisions/date=2026-11-23/part-0-1-0-2-0.parquet"),
}
BAD_ROWS = {
    "other days": said(days=f'[["{stream_id(0)}", "{stream_id(1)}"]]'),
    "a place elsewhere": rows(lambda place, fact: ("decisions/../../x.parquet", fact)),
    "tables nobody knows": rows(lambda place, fact: (place, fact.replace('citations', 'secrets'))),
    "no object": rows(lambda place, fact: (place, "[1]")),
    "no text": rows(lambda place, fact: (place, '{"rows": 1}')),
    "other columns": lambda content: encoded(pa.table({"a": [1] * KNOWN}), facts(content), hashed=True),
}  # fmt: skip


@pytest.mark.parametrize(
    "bad", telling(BAD | BAD_ROWS, "torn", "no range", "a place elsewhere", "other columns")
)
def test_one_that_cannot_be_used_is_told_and_every_part_is_read(folder, bad):
    path = folder / CHECKPOINT
    path.write_bytes(bad(path.read_bytes()))
    with pytest.warns(CheckpointWarning, match=CHECKPOINT):
        found = known(folder)
    [finding] = lab.verify(folder).to_dict("records")
    assert (finding["part"], finding["kind"]) == (CHECKPOINT, "unreadable")
    assert found == without(folder)


def test_one_of_another_folder_is_not_used(folder, tmp_path):
    other = add(tmp_path / "other", range(KNOWN), text="other")
    noted(other)
    shutil.copy(other / CHECKPOINT, folder)
    with pytest.warns(CheckpointWarning, match="is not the part that it knows"):
        found = known(folder)
    assert found == without(folder)


def test_a_link_is_not_followed(folder, tmp_path):
    shutil.move(folder / CHECKPOINT, tmp_path / "elsewhere")
    (folder / CHECKPOINT).symlink_to(tmp_path / "elsewhere")
    with pytest.warns(CheckpointWarning, match="it is a link"):
        snapshot.opened(folder)


def test_an_archiver_writes_it_anew_where_it_pays_and_takes_a_useless_one_away(folder, monkeypatch):
    path, payload = folder / CHECKPOINT, b'{"decision": {"recommendation": "x", "confidence": 1}}'
    path.write_bytes(b"x")
    with pytest.warns(CheckpointWarning), Archiver(folder, stream=S):
        pass
    assert not path.exists()
    monkeypatch.setattr(checkpoint, "WORTH", KNOWN + NEW)
    with Archiver(folder, stream=S) as sink:
        sink.take(StreamUpdate(S, [(stream_id(99), payload)]))
    assert snapshot.opened(folder).before is not None
    assert known(folder) == without(folder)


@pytest.mark.parametrize("bad", [flipped(30), rows(lambda place, fact: (place, "[1]"))])
def test_one_that_cannot_tell_of_each_part_is_written_anew_of_all(folder, bad):
    """Its sum may be whole, by which an archiver goes on."""
    path = folder / CHECKPOINT
    path.write_bytes(bad(path.read_bytes()))
    with pytest.warns(CheckpointWarning, match="Every part is read instead"):
        noted(folder)
    assert len(checkpoint.listed(LocalFolder(str(folder)))) == KNOWN + NEW
    assert [*lab.verify(folder)["kind"]] == []
    assert known(folder) == without(folder)


def test_one_that_lacks_parts_before_its_end_is_a_finding(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "WORTH", 2)
        checkpoint.write_checkpoint(LocalFolder(str(folder)), snapshot.ranges(folder)[KNOWN:])
    [finding] = lab.verify(folder).to_dict("records")
    assert (finding["part"], finding["kind"]) == (CHECKPOINT, "unreadable")
    assert finding["detail"].startswith(f"it lacks {snapshot.ranges(folder)[0].place}, before its end")


@pytest.mark.parametrize("bad", [said(rows=str(KNOWN - 1)), one_row_less])
def test_one_whose_sum_is_not_of_its_ranges_is_a_finding(folder, bad):
    path = folder / CHECKPOINT
    path.write_bytes(bad(path.read_bytes()))
    assert "its sum is not of its ranges" in [*lab.verify(folder)["detail"]]


def test_one_that_would_be_too_large_to_be_read_again_is_not_written(folder, monkeypatch):
    (folder / CHECKPOINT).unlink()
    monkeypatch.setattr(checkpoint, "FREE", 2**10)
    noted(folder)
    assert not (folder / CHECKPOINT).exists()


@pytest.mark.further
def test_compaction_writes_one(folder, monkeypatch):
    monkeypatch.setattr(checkpoint, "WORTH", 2)
    add(folder, [36 * day for day in range(1, 4)])
    assert lab.compact(folder).after == 4
    assert len(checkpoint.listed(LocalFolder(str(folder)))) == 4
    assert {*lab.verify(folder)["kind"]} == {"hole"}  # between the days
    assert known(folder) == without(folder)


def test_as_many_bytes_as_a_part_says_hold_its_footer(folder):
    for path in (folder / "votes").rglob("*.parquet"):
        content = path.read_bytes()
        assert 12 < tail_length(content[-8:]) < len(content)
        assert metadata_of(content[-tail_length(content[-8:]) :]) == metadata_of(content)


def test_it_is_gone_for_good_before_a_part_is_changed(folder, monkeypatch):
    synced, root = [], folder.stat().st_ino
    is_there = (folder / CHECKPOINT).exists
    monkeypatch.setattr(os, "fsync", lambda one: synced.append((os.fstat(one).st_ino == root, is_there())))
    checkpoint.forget(LocalFolder(str(folder)))
    assert synced == [(True, False)]


def test_what_an_older_version_did_meanwhile_is_found(folder, tmp_path):
    """It knows of no checkpoint, and leaves that of the parts that it merges."""
    kept = shutil.copy(folder / CHECKPOINT, tmp_path / "kept")
    lab.compact(folder)
    shutil.copy(kept, folder / CHECKPOINT)
    with pytest.warns(CheckpointWarning, match="which is not there"):
        found = known(folder)
    assert found == without(folder)


def test_what_an_older_version_merged_with_what_came_later_is_found(folder, tmp_path):
    """Also while what it replaces is not swept yet."""
    merged = shutil.copytree(folder, tmp_path / "merged")
    lab.compact(merged)
    shutil.copytree(merged, folder, dirs_exist_ok=True)
    with pytest.warns(CheckpointWarning, match="begins before its end"):
        assert snapshot.opened(folder).committed.ranges == 1


def test_a_snapshot_that_is_saved_over_it_takes_it_away(made):
    url = f"memory://{uuid4().hex}/s"
    add(url, range(4))
    noted(url)
    lab.read(url).save(url, overwrite=True)
    assert not MemoryFileSystem().exists(f"{url}/{CHECKPOINT}")


@pytest.mark.further
def test_an_object_store_is_asked_as_often_for_a_commit_at_ten_parts_as_at_forty(monkeypatch):
    """And to open: requests of any kind, as each takes its time on the way."""
    asked, url, found = Counter(), f"memory://{uuid4().hex}/s", []
    for parts in (range(10), range(10, 30)):
        add(url, parts)
        noted(url)
        with monkeypatch.context() as patch:
            for name in ("cat_file", "pipe_file", "find", "ls", "info", "isfile", "size", "exists"):
                patch.setattr(MemoryFileSystem, name, _asking(getattr(MemoryFileSystem, name), asked))
            asked.clear()
            sink = Archiver(url, stream=S)
            opening = asked.total()
            asked.clear()
            sink.take(StreamUpdate(S, [(stream_id(parts.stop), json.dumps({}).encode())]))
            sink.flush()
            found.append((opening, asked.total()))
            sink.close()
    assert found[0] == found[1]


def _asking(real, asked):
    return lambda *args, **options: asked.update([real.__name__]) or real(*args, **options)


def test_somebody_else_who_commits_to_an_object_store_is_noticed():
    url, entry = f"memory://{uuid4().hex}/s", json.dumps({}).encode()
    add(url, range(3))
    sink = Archiver(url, stream=S)
    add(url, [3])
    sink.take(StreamUpdate(S, [(stream_id(4), entry)]))
    with pytest.raises(lab.SourceError, match="somebody else has written there"):
        sink.flush()
    assert lab.read(url).coverage["entries"].tolist() == [4 * ENTRIES]
