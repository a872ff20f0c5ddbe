"""What compaction sweeps: what nothing reads and others hold, in an order that loses nothing."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from strangers import forged

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.snapshot.footer import sha256
from mastermind_lab.snapshot.layout import place_of
from mastermind_lab.storage import LocalFolder

pytestmark = pytest.mark.once

BEGAN = 1795392000000  # 2026-11-23
VALID = {"decision": {"recommendation": "ship", "confidence": 0.5, "votes": [{"voter": "a", "choice": "b"}]}}


def stream_id(number):
    return f"{BEGAN + number}-0"


def rows(first, count):
    made = lab.read([json.dumps(VALID)] * count, payloads=True).tables()
    for name, table in made.items():
        ids = [stream_id(first + int(one.partition("-")[2]) - 1) for one in table["stream_id"].to_pylist()]
        made[name] = table.set_column(0, "stream_id", pa.array(ids, pa.large_string()))
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Entries 10 to 14 and 15 to 19, and, behind a hole, 30 to 34."""
    folder = tmp_path_factory.mktemp("made") / "archive"
    last = snapshot.commit(folder, rows(10, 5), {"stream": "s", "after": ""}).last_id
    snapshot.commit(folder, rows(15, 5), {"stream": "s", "after": last})
    snapshot.commit(folder, rows(30, 5), {"stream": "s", "after": stream_id(29)})
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "archive")


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("first", "last", "goes"),
    [
        (10, 19, True),  # a compaction that was stopped
        (11, 13, True),  # within one range
        (12, 18, True),  # within two that follow each other
        (9, 14, False),  # an entry before all others
        (15, 20, False),  # an entry behind, that nobody else holds
        (16, 34, False),  # over the hole
        (15, 34, True),  # all of two ranges, whatever is between them
        (21, 29, False),  # in the hole
        (0, 5, False),
        (40, 45, False),
    ],
)
def test_a_child_without_its_commit_goes_only_where_others_hold_its_entries(folder, first, last, goes):
    part = next((folder / "votes").rglob("*.parquet"))
    orphan = folder / "votes" / place_of(stream_id(first), stream_id(last), "2026-11-23")
    shutil.copy(part, orphan)
    before = names(folder)
    place = orphan.relative_to(folder).as_posix()
    assert snapshot.cleanup(folder) == [place] * goes
    assert names(folder) == before - {place} if goes else names(folder) == before


def test_what_is_not_ours_stays(folder):
    day = next((folder / "votes").iterdir())
    orphan = day / place_of(stream_id(11), stream_id(13), "2026-11-23").rpartition("/")[2]
    pq.write_table(pa.table({"stream_id": ["mine"]}), orphan)
    for name in (
        ".notes.half",
        "part-0-1-0-2-0.parquet.half",
        ".part-0-1-0-2-0.parquet",
        "..half",
        "x.half",
        ".",
    ):
        if name != ".":
            (day / name).write_bytes(b"precious")
    (folder / ".part-0-1-0-2-0.parquet.half").write_bytes(b"not beside a part")
    (half := day / ".part-0-1-0-2-0.parquet.half").write_bytes(b"half")
    before = names(folder)
    assert snapshot.cleanup(folder) == [half.relative_to(folder).as_posix()]
    assert names(folder) == before - {half.relative_to(folder).as_posix()}


def test_a_damaged_commit_is_not_written_over(folder):
    part = sorted((folder / "decisions").rglob("*.parquet"))[-1]
    part.write_bytes(damaged := part.read_bytes()[:-20])
    with pytest.raises(lab.SourceError, match=r"is there already and damaged: .* move it away to write"):
        snapshot.commit(folder, rows(30, 5), {"stream": "s", "after": stream_id(29)})
    assert part.read_bytes() == damaged


def test_beside_a_damaged_commit_only_halves_go(folder):
    """What it would say of the others is not known."""
    merged = shutil.copytree(folder, folder.with_name("merged"))
    lab.compact(merged)
    shutil.copytree(merged, folder, dirs_exist_ok=True)
    part = sorted((folder / "decisions").rglob("*.parquet"))[-1]
    part.write_bytes(part.read_bytes()[:-20])
    (half := next((folder / "votes").iterdir()) / ".part-0-1-0-2-0.parquet.half").touch()
    before = names(folder)
    assert snapshot.cleanup(folder) == [half.relative_to(folder).as_posix()]
    assert names(folder) == before - {half.relative_to(folder).as_posix()}


@pytest.mark.further
def test_the_part_that_commits_goes_last(folder, monkeypatch):
    """Stopped anywhere, no entry is read twice: what is half removed is still known to be replaced."""
    merged, expected = shutil.copytree(folder, folder.with_name("merged")), lab.read(folder).decisions
    lab.compact(merged)
    shutil.copytree(merged, folder, dirs_exist_ok=True)
    removed, remove = [], LocalFolder.remove

    def watched(target, path):
        remove(target, path)
        removed.append(path)
        assert lab.read(folder).decisions.equals(expected)
        assert set(lab.verify(folder)["kind"]) <= {"replaced", "hole", "uncommitted"}

    monkeypatch.setattr(LocalFolder, "remove", watched)
    snapshot.cleanup(folder)
    assert len(removed) == 12
    for place in {path.partition("/")[2] for path in removed}:
        [*others, last] = [path for path in removed if path.endswith(place)]
        assert last == f"decisions/{place}"
        assert len(others) == 5


def unnoticed_flip(content):
    """Flip a bit that unpacking does not notice: what is read differs, and nothing else says so."""
    whole = pq.read_table(pa.BufferReader(content))
    for place in range(4, len(content)):
        flipped = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        try:
            if not pq.read_table(pa.BufferReader(flipped)).equals(whole):
                return flipped
        except (OSError, pa.ArrowException):
            continue
    raise AssertionError("every flip is noticed")


def test_a_damaged_page_is_an_error_whatever_the_hashes_say(folder):
    """Who edits a part may hash it again; the page has a checksum of its own."""
    [one, *_] = snapshot.ranges(folder)
    path = folder / "votes" / Path(one.path).relative_to(folder / "decisions")
    content = unnoticed_flip(path.read_bytes())
    path.write_bytes(content)
    children = one.child_tables
    forged(folder, siblings=children | {"votes": children["votes"] | {"sha256": sha256(content)}})
    with pytest.raises(lab.SourceError, match=r"votes/date=.* cannot be read: "):
        lab.read(folder).tables()
    with pytest.raises(lab.SourceError, match="votes/date="):
        snapshot.read_range(snapshot.ranges(folder)[0])
    assert lab.verify(folder)["kind"].tolist() == ["hole", "unreadable"]
