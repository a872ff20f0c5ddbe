"""verify and compact: what is wrong with a snapshot, and many parts made few."""

import json
import random
import shutil
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from histories import sample
from telling import telling

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.frames import FRAMES, concat

BEGAN = 1795392000000  # 2026-11-23
VALID = {"decision": {"recommendation": "ship", "confidence": 0.5, "votes": [{"voter": "a", "choice": "b"}]}}


def rows(first, count, epoch="", **meta):
    """The tables of a few entries of a stream, one in five of them broken."""
    sent = [json.dumps(VALID | {"meta": meta}) if n % 5 else "broken" for n in range(first, first + count)]
    made = {}
    for name, table in lab.read(sent, payloads=True).tables().items():
        numbers = [int(one.partition("-")[2]) - 1 for one in table["stream_id"].to_pylist()]
        ids = pa.array([f"{BEGAN + first + n}-0{epoch}" for n in numbers], pa.large_string())
        made[name] = table.set_column(0, table.schema.field(0), ids)
    return made


def archived(folder, parts=4, each=5, **metadata):
    """An archive of a few ranges with all that is known of their places."""
    last = ""
    for number in range(parts):
        first = number * each
        known = {"stream": "s", "after": last, "last_ordinal": first + each}
        committed = snapshot.commit(folder, rows(first, each, **{f"m{number}": number}), known | metadata)
        last = committed.last_id
    return folder


@pytest.fixture
def folder(tmp_path):
    return archived(tmp_path / "archive")


def kinds(folder):
    return lab.verify(folder)["kind"].tolist()


def part(folder, table, number=0):
    return sorted((folder / table).rglob("*.parquet"))[number]


class TestVerify:
    def test_all_is_well(self, folder, tmp_path):
        assert kinds(folder) == []
        assert kinds(sample().save(tmp_path / "sample")) == []
        assert kinds(lab.read([]).save(tmp_path / "empty")) == []
        assert lab.verify(folder).columns.tolist() == ["part", "kind", "detail"]

    @pytest.mark.parametrize("table", FRAMES)
    def test_a_missing_part(self, folder, table):
        part(folder, table, 1).unlink()
        found = lab.verify(folder)
        if table == "decisions":
            assert found["kind"].value_counts().to_dict() == {"uncommitted": 5, "hole": 1}
        else:
            assert (found["kind"].tolist(), found["part"][0].split("/")[0]) == (["missing"], table)

    @pytest.mark.parametrize(
        "damage",
        {
            "truncated": lambda content: content[:-100],
            "zeroed": lambda content: bytes(len(content)),
            "empty": lambda content: b"",
            "foreign": lambda content: b"PAR1 but no more PAR1",
        }.items(),
        ids=lambda damage: damage[0],
    )
    @pytest.mark.parametrize("table", telling(["decisions", "votes", "payloads"], "votes"))
    def test_damaged_parts(self, folder, damage, table):
        path = part(folder, table, 2)
        path.write_bytes(damage[1](path.read_bytes()))
        found = lab.verify(folder)
        at = found[found["part"] == path.relative_to(folder).as_posix()]
        assert at["kind"].tolist() == ["unreadable"]
        tables = ["payloads"] if table == "payloads" else FRAMES
        with pytest.raises(lab.SourceError, match="verify"):
            [snapshot.read_range(one, tables) for one in snapshot.ranges(folder)]

    def test_another_parquet_file_in_a_parts_place(self, folder):
        pq.write_table(pa.table({"a": [1]}), part(folder, "decisions", 1))
        assert "unreadable" in kinds(folder)
        with pytest.raises(lab.SourceError, match="something else"):
            lab.read(folder)

    def test_a_part_under_anothers_name(self, folder):
        shutil.copy(part(folder, "decisions", 0), part(folder, "decisions", 1))
        assert "unreadable" in kinds(folder)
        with pytest.raises(lab.SourceError, match="another part's"):
            lab.read(folder)

    @pytest.mark.further
    def test_strangers_are_named_and_never_read(self, folder):
        before = lab.read(folder)
        day = part(folder, "decisions").parent
        (day / "notes.txt").write_text("hello")
        (day / "part-x.parquet").write_bytes(part(folder, "decisions").read_bytes())
        (day / ".part-0-1-0-2-0.parquet.half").write_bytes(b"PAR1")
        (folder / ".lock").touch()
        assert sorted(kinds(folder)) == ["foreign", "foreign", "half-written"]
        for frame in FRAMES:
            pd.testing.assert_frame_equal(getattr(lab.read(folder), frame), getattr(before, frame))

    def test_a_lost_range(self, folder):
        for path in folder.rglob(part(folder, "decisions", 1).name):
            path.unlink()
        assert kinds(folder) == ["hole"]

    def test_the_first_range_lost(self, folder):
        for path in folder.rglob(part(folder, "decisions", 0).name):
            path.unlink()
        assert kinds(folder) == ["hole"]

    def test_overlaps(self, tmp_path):
        snapshot.commit(tmp_path, rows(0, 6), {})
        snapshot.commit(tmp_path, rows(4, 6), {})
        assert kinds(tmp_path) == ["overlap"]
        ids = lab.read(tmp_path).decisions["stream_id"]
        assert ids.is_unique
        assert len(ids) == 8

    def test_ids_out_of_order(self, tmp_path):
        made = rows(0, 8)
        made["votes"] = made["votes"].take([1, 0, 2, 3, 4, 5])
        snapshot.commit(tmp_path, made, {})
        assert kinds(tmp_path) == ["order"]
        with pytest.raises(lab.SourceError, match="the ids of votes are out of order"):
            lab.read(tmp_path).tables()

    def test_no_snapshot(self, tmp_path):
        (tmp_path / "letters").mkdir()
        for folder in (tmp_path, tmp_path / "nowhere"):
            with pytest.raises(lab.SourceError, match="is no snapshot"):
                lab.verify(folder)
        (tmp_path / "letters" / "dear.txt").write_text("dear")
        [finding] = lab.verify(tmp_path).itertuples(index=False)
        assert (finding.part, finding.kind) == ("", "unreadable")
        assert "is no snapshot" in finding.detail
        with pytest.raises(lab.SourceError, match="is no snapshot"):
            snapshot.ranges(tmp_path)

    @pytest.mark.once
    @pytest.mark.parametrize("flips", [50, pytest.param(500, marks=pytest.mark.thorough)])
    def test_no_flipped_bit_goes_unseen(self, tmp_path, flips, effort):
        flip_bits(archived(tmp_path / "archive", parts=1, each=30), flips * effort)


@pytest.mark.further
def test_a_footer_alone_is_trusted_only_as_it_was_written(tmp_path):
    """Who reads no more of a part, as an archiver does where it goes on, sees every bit that matters."""
    folder = archived(tmp_path / "archive", parts=1)
    [path], [before] = (folder / "decisions").rglob("*.parquet"), snapshot.ranges(folder)
    whole, dice, found = path.read_bytes(), random.Random(5), 0
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    for place in range(len(whole) - footer, len(whole), 17):
        content = bytearray(whole)
        content[place] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
        try:
            [one] = snapshot.ranges(folder)
        except lab.SourceError:
            found += 1
        else:
            names = before.metadata.keys() - {"facts_sha256", "sha256"}
            assert {name: one.metadata[name] for name in names} == {
                name: before.metadata[name] for name in names
            }
    assert found > 100


def flip_bits(folder, flips):
    """Flip single bits anywhere: every one is an error of the reader and a finding of verify, never a row."""
    dice = random.Random(flips)
    paths = [path for path in sorted(folder.rglob("*.parquet")) if path.parts[-3] != "payloads"]
    sizes = [path.stat().st_size for path in paths]
    for _ in range(flips):
        path = dice.choices(paths, sizes)[0]
        content = bytearray(whole := path.read_bytes())
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
        with pytest.raises(lab.SourceError, match=str(folder)):
            lab.read(folder).tables()
        assert len(lab.verify(folder)) > 0
        path.write_bytes(whole)
    lab.read(folder)


class TestCompact:
    def test_the_same_rows_in_fewer_parts(self, folder):
        before = lab.read(folder, payloads=True)
        assert lab.compact(folder) == (4, 1)
        after = lab.read(folder, payloads=True)
        for frame in (*FRAMES, "payloads", "coverage"):
            pd.testing.assert_frame_equal(getattr(after, frame), getattr(before, frame))
        assert kinds(folder) == []
        assert len(list(folder.rglob("*.parquet"))) == 6

    def test_the_archiver_goes_on_from_it(self, folder):
        last = snapshot.ranges(folder)[-1]
        lab.compact(folder)
        [one] = snapshot.ranges(folder)
        assert (one.last_id, one.metadata["last_ordinal"]) == (last.last_id, "20")
        known = {"after": one.last_id, "last_ordinal": 25, "stream": "s"}
        snapshot.commit(folder, rows(20, 5), known)
        assert kinds(folder) == []
        assert lab.compact(folder) == (2, 1)
        assert len(lab.read(folder)) == 20

    def test_committing_a_replaced_range_again_is_harmless(self, folder):
        before = lab.read(folder)
        lab.compact(folder)
        snapshot.commit(folder, rows(5, 5, m1=1), {})
        pd.testing.assert_frame_equal(lab.read(folder).decisions, before.decisions)
        assert set(kinds(folder)) == {"replaced"}
        lab.compact(folder)
        assert kinds(folder) == []

    def test_large_parts_stay(self, folder):
        assert lab.compact(folder, size=1) == (4, 4)

    def test_days_epochs_streams_and_holes_stay_apart(self, tmp_path):
        snapshot.commit(tmp_path, rows(0, 5), {"stream": "s"})
        snapshot.commit(tmp_path, rows(86_400_000, 5), {"stream": "s"})
        snapshot.commit(tmp_path, rows(86_400_005, 5), {"stream": "t"})
        snapshot.commit(tmp_path, rows(86_400_020, 5), {"stream": "t", "after": f"{BEGAN + 86_400_015}-0"})
        snapshot.commit(tmp_path, rows(86_400_020, 5, epoch="@1"), {"stream": "t"})
        assert lab.compact(tmp_path) == (5, 5)

    def test_a_saved_history(self, tmp_path):
        both = concat([rows(0, 5), rows(86_400_000, 5)])
        folder = tmp_path / "snap"
        lab.History(both, lab.read([]).account).save(folder)
        snapshot.commit(folder, rows(86_400_005, 5), {})
        assert lab.compact(folder) == (3, 3)  # they tell of different sources
        assert len(lab.read(folder)) == 12

    def test_a_save_whose_seal_is_compacted(self, tmp_path, monkeypatch):
        monkeypatch.setattr(sys.modules["mastermind_lab.snapshot.save"], "_ENTRIES_A_RANGE", 2)
        history = lab.History(concat([rows(0, 5), rows(86_400_000, 5)]), lab.read([]).account)
        folder = history.save(tmp_path / "snap")
        assert lab.compact(folder) == (6, 2)
        pd.testing.assert_frame_equal(lab.read(folder).decisions, history.decisions)
        assert kinds(folder) == []

    def test_orphans_go_once_their_entries_are_committed(self, tmp_path):
        folder = archived(tmp_path / "archive", parts=1)
        last = snapshot.ranges(folder)[-1].last_id
        aside = snapshot.commit(tmp_path / "aside", rows(5, 5), {})
        day = part(folder, "votes").parent
        shutil.copy(part(tmp_path / "aside", "votes"), day)
        assert kinds(folder) == ["uncommitted"]
        assert snapshot.cleanup(folder) == []
        snapshot.commit(folder, rows(5, 7), {"after": last})
        [gone] = snapshot.cleanup(folder)
        assert gone.endswith(aside.place.rpartition("/")[2])
        assert kinds(folder) == []
