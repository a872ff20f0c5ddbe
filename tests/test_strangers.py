"""A folder that a stranger has made, or edited: nothing outside of it is read, changed or removed."""

import json
import os
import shutil

import pyarrow as pa
import pytest
from histories import sample
from strangers import contents, edited, forged, in_two_ranges, restored

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.frames import FRAMES
from mastermind_lab.storage import LocalFolder, RemoteFolder

pytestmark = pytest.mark.once

VALID = {
    "decision": {"recommendation": "ship", "confidence": 0.5, "votes": [{"voter": "a", "choice": "b"}] * 2}
}
HASH = "0" * 64
LONG = f"decisions/date=2026-11-23/part-{'1' * 5_000}--.parquet"
CHILD = {"rows": 0, "sha256": HASH, "bytes": 1}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two snapshots of two ranges, with parts of the very same names."""
    sent = [json.dumps(VALID | {"meta": {"n": n}}) for n in range(8)]
    folder = tmp_path_factory.mktemp("made")
    for name in ("mine", "theirs"):
        in_two_ranges(folder / name, lab.read(sent, payloads=True).tables())
    return folder


@pytest.fixture
def theirs(made, tmp_path):
    return shutil.copytree(made / "theirs", tmp_path / "theirs")


@pytest.fixture
def mine(made, tmp_path):
    return shutil.copytree(made / "mine", tmp_path / "mine")


def every_way(folder, source="redis://localhost:1"):
    """What is done with a stranger's folder: each raises an error of ours or does it."""
    return {
        "read": lambda: lab.read(folder, payloads=True).tables(),
        "scan": lambda: [batch.tables() for batch in lab.scan(folder)],
        "redecode": lambda: lab.redecode(folder).tables(),
        "compact": lambda: lab.compact(folder),
        "cleanup": lambda: snapshot.cleanup(folder),
        "widen": lambda: list(snapshot.widened(folder)),
        "archive": lambda: lab.archive(source, folder, stream="s"),
        "verify": lambda: lab.verify(folder),
        "overwrite": lambda: sample(1).save(folder, overwrite=True),
    }


def tried(folder):
    """Do all of it, and return what was said."""
    said = {}
    for name, do in every_way(folder).items():
        try:
            said[name] = do()
        except lab.LabError as error:
            said[name] = str(error)
    return said


def children(folder):
    return snapshot.ranges(folder)[0].child_tables


CLIMBING = [
    "../../mine/votes", "../mine/decisions", "votes/../../mine/votes", "{mine}", "votes\0", "vo\ntes", "",
    ".", "decisions", "..\\mine\\votes", "C:\\mine", "letters", "VOTES", "votes ", "v" * 300, "\ud800",
]  # fmt: skip


def test_tables_are_those_we_know(theirs, mine):
    before, whole, known = contents(mine), contents(theirs), children(theirs)
    for table in CLIMBING:
        name = str(mine / "votes") if table == "{mine}" else table
        forged(theirs, 0, siblings=known | {name: CHILD})
        with pytest.raises(lab.SourceError, match="siblings"):
            lab.read(theirs)
        restored(whole)
    assert contents(mine) == before


def test_a_range_that_would_be_swept_names_another_folders_parts(theirs, mine):
    """Whatever is then done with the folder, nothing of the other one is touched."""
    before, merged = contents(mine), shutil.copytree(theirs, theirs.with_name("merged"))
    lab.compact(merged)
    forged(theirs, 0, siblings=children(theirs) | {"../../mine/votes": CHILD, "../mine/decisions": CHILD})
    shutil.copytree(merged, theirs, dirs_exist_ok=True)
    for name, said in tried(theirs).items():
        assert isinstance(said, str) or name in ("verify", "cleanup", "overwrite"), name
    assert contents(mine) == before
    assert len(lab.read(mine)) == 8


SAID = {
    "no tables": {"siblings": []},
    "a table less": {"siblings": {"rejects": CHILD}},
    "no rows": {"siblings": {name: {"sha256": HASH} for name in FRAMES[1:]}},
    "rows below none of a child": {"siblings": {name: CHILD | {"rows": -1} for name in FRAMES[1:]}},
    "rows of a child that are none": {"siblings": {name: CHILD | {"rows": True} for name in FRAMES[1:]}},
    "rows of a child in words": {"siblings": {name: CHILD | {"rows": "1"} for name in FRAMES[1:]}},
    "bytes of a child without end": {"siblings": {name: CHILD | {"bytes": 2**63} for name in FRAMES[1:]}},
    "a hash to come that is none": {"siblings": {name: CHILD | {"next": [HASH, "x"]} for name in FRAMES[1:]}},
    "a hash of another length": {"siblings": {name: CHILD | {"sha256": "00"} for name in FRAMES[1:]}},
    "no JSON": {"siblings": "{"},
    "deep JSON": {"siblings": "[" * 100_000},
    "deep gaps": {"gaps": "[" * 100_000},
    "gaps of texts": {"gaps": ["x"]},
    "gaps of nothing": {"gaps": [{"missing": "many"}]},
    "coverage of numbers": {"coverage": 7},
    "replaces a path": {"replaces": ["../mine/decisions/date=2026-11-23/part-0-1-0-2-0.parquet"]},
    "replaces lists": {"replaces": [["x"]]},
    "replaces votes": {"replaces": ["votes/date=unknown/part-0-0-1-0-2.parquet"]},
    "a seal elsewhere": {"seal": "/etc/passwd"},
    "seals elsewhere": {"seals": ["../x"]},
    "rows below none": {"rows": "-1"},
    "rows without end": {"rows": "9" * 30},
    "rows without a length": {"rows": str(2**63)},
    "rejects without a length": {"rejects": str(2**63 - 1)},
    "rows in words": {"rows": "many"},
    "a size in words": {"size": "large"},
    "an ordinal in words": {"last_ordinal": "last"},
    "an epoch in words": {"epoch": "now"},
    "a date that climbs": {"date": "../../mine"},
    "an id that climbs": {"first_id": "../../../x-1"},
    "an id in other digits": {"first_id": "\u0660-\u0661"},
    "no id": {"last_id": ""},
    "after what is none": {"after": "yesterday"},
    "kinds of a stranger": {"kinds": {"decisions": {"meta.a": "pickle"}}},
    "kinds in a list": {"kinds": ["meta.a"]},
    "no children": {"siblings": None},
    "an origin in words": {"origin": "a b"},
    "a number of hashes to come": {"siblings": {name: CHILD | {"next": 5} for name in FRAMES[1:]}},
    "a seal of thousands of digits": {"seal": LONG},
    "replaces thousands of digits": {"replaces": [LONG]},
    "half a character in kinds": {"kinds": {"decisions": {"\ud800": "str"}}},
    "half a character in coverage": {"coverage": [{"source": "\udcff"}]},
}  # fmt: skip


@pytest.mark.further
def test_what_a_footer_may_say(theirs):
    whole = contents(theirs)
    for what, said in SAID.items():
        forged(theirs, **said)
        with pytest.raises(lab.SourceError, match="/theirs/decisions/date="):
            lab.read(theirs)
        assert lab.verify(theirs)["kind"].eq("unreadable").any(), what
        with pytest.raises(lab.SourceError, match="Nothing was changed"):
            lab.compact(theirs)
        assert contents(theirs).keys() == whole.keys()
        restored(whole)
    assert lab.verify(theirs).empty


def test_more_than_a_column_holds_is_unknown(theirs):
    """Each number alone could be; their sum is what nobody has counted."""
    for number in (0, 1):
        forged(theirs, number, coverage=[{"entries": 2**62, "missing": 2**62, "certainty": "exact"}])
    for history in (lab.read(theirs), lab.read(theirs, last=1)):
        assert history.coverage["missing"].isna().all()


def test_a_range_replaces_only_what_it_can_hold(theirs):
    """Else a few bytes would let compaction remove what nothing else holds."""
    before = lab.read(theirs).decisions
    first, second = (one.place for one in snapshot.ranges(theirs))
    whole = contents(theirs)
    for number, places in ((0, [second]), (0, [first]), (1, [first, second])):
        forged(theirs, number, replaces=places)
        snapshot.cleanup(theirs)
        for do in (lab.compact, lab.read):
            with pytest.raises(lab.SourceError, match="it says it replaces"):
                do(theirs)
        assert "unreadable" in lab.verify(theirs)["kind"].tolist()
        assert contents(theirs).keys() == whole.keys()
        restored(whole)
    assert lab.read(theirs).decisions.equals(before)


def odd_ids(rows):
    """Ids as no part of ours has them, of rows in order."""
    ids = rows["stream_id"].to_pylist()
    yield "out of order", ids[::-1]
    yield "doubled", [ids[0], *ids[:-1]]
    yield "of another range", ["0-0", *ids[1:]]
    yield "beyond the end", [*ids[:-1], "9-0"]
    yield "none", [*ids[:-1], "../../x"]
    yield "missing", [*ids[:-1], None]
    yield "hexadecimal", ["0x7-0", *ids[1:]]
    yield "of another epoch", [*ids[:-1], ids[-1] + "@1"]
    yield "beyond 64 bits", [*ids[:-1], f"0-{2**70}"]


@pytest.mark.parametrize("table", ["decisions", "votes", "payloads"])
@pytest.mark.further
def test_edited_ids_are_named_and_never_data(theirs, table):
    [one, *_] = snapshot.ranges(theirs)
    rows, whole = snapshot.read_range(one, [table])[table], contents(theirs)
    tried_ids = dict(odd_ids(rows))
    if table == "votes":  # of which an entry has several
        del tried_ids["doubled"]
    for what, ids in tried_ids.items():
        edited(theirs, table, rows.set_column(0, "stream_id", pa.array(ids, pa.large_string())))
        with pytest.raises(lab.SourceError, match=f"theirs/{table}/date=") as caught:
            lab.read(theirs, payloads=True).tables()
        assert "id" in str(caught.value), what
        found = lab.verify(theirs)
        at = found[found["part"].str.startswith(f"{table}/")]
        assert at["kind"].tolist() == ["order"], what
        restored(whole)
    assert lab.verify(theirs).empty


class TestLinks:
    """A folder's own name may be a link; what lies in it leads nowhere else."""

    @pytest.mark.parametrize("table", ["decisions", "votes"])
    @pytest.mark.parametrize("level", ["table", "day", "part"])
    def test_nothing_is_reached_through_one(self, theirs, mine, table, level):
        before = contents(mine)
        [part, *_] = sorted((theirs / table).rglob("*.parquet"))
        place = {"table": theirs / table, "day": part.parent, "part": part}[level]
        place.rename(theirs.with_name("moved"))
        place.symlink_to(mine / place.relative_to(theirs))
        told = tried(theirs)
        named = place.relative_to(theirs).as_posix()
        assert any(named in path for path in told["verify"]["part"]), told["verify"]
        for way in ("read", "scan", "compact"):
            assert isinstance(told[way], str), told
        assert contents(mine) == before

    def test_a_part_is_never_written_through_one(self, theirs, mine):
        """An archiver would go on in a folder whose tables lead into another."""
        before, rows = contents(mine), lab.read([json.dumps(VALID)] * 9).tables()
        (theirs / "votes").rename(theirs / ".votes")
        (theirs / "votes").symlink_to(mine / "votes")
        with pytest.raises(lab.SourceError, match="link"):
            snapshot.commit(theirs, rows, {"stream": "s"})
        assert contents(mine) == before

    @pytest.mark.parametrize("scheme", ["file", "local", "LOCAL"])
    def test_nor_by_a_url_of_this_machine(self, theirs, mine, scheme):
        before = contents(mine)
        (theirs / "votes").rename(theirs / ".votes")
        (theirs / "votes").symlink_to(mine / "votes")
        with pytest.raises(lab.SourceError, match="link"):
            lab.compact(f"{scheme}://{theirs}")
        assert contents(mine) == before

    def test_nor_is_a_half_written_one(self, tmp_path):
        """What lies where it is written is taken away, not written to."""
        precious = tmp_path / "precious.txt"
        precious.write_text("all of it")
        day = tmp_path / "folder/votes"
        day.mkdir(parents=True)
        for make in (os.symlink, os.link, lambda _, half: os.mkfifo(half)):
            make(precious, day / ".part.parquet.half")
            LocalFolder(str(tmp_path / "folder")).write("votes/part.parquet", b"new", private=True)
            assert (day / "part.parquet").read_bytes() == b"new"
            assert precious.read_text() == "all of it"
            assert [path.name for path in day.iterdir()] == ["part.parquet"]

    def test_the_folder_itself_may_be_one(self, theirs):
        (link := theirs.with_name("link")).symlink_to(theirs)
        assert len(lab.read(link)) == 8
        assert lab.verify(link).empty


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "a//b", "a\0b", "..\\x", "c:x", ".", ""]
)
@pytest.mark.parametrize(
    "make", [lambda path: LocalFolder(str(path)), lambda path: RemoteFolder("memory://x/y")]
)
def test_no_storage_leads_out_of_a_folder(tmp_path, make, name):
    folder = make(tmp_path / "folder")
    for do in (folder.read, folder.remove, folder.exists, folder.open, lambda one: folder.write(one, b"")):
        with pytest.raises(OSError, match="leads out of the folder"):
            do(name)
    assert list(tmp_path.iterdir()) == []
