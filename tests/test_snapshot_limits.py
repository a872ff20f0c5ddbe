"""No room, no permission, odd names: what cannot be written says so, and harms nothing."""

import json
import os
import stat
import subprocess
import sys

import pytest
from histories import sample
from refused import nobody

import mastermind_lab as lab
from mastermind_lab import snapshot

pytestmark = pytest.mark.once

NO_ROOM = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
NOBODY = "import os; os.setuid(65534)"
WRITE = {
    "save": "lab.sample(last=9).save(folder + '/new')",
    "overwrite": "lab.sample(last=9).save(folder + '/snap', overwrite=True)",
    "commit": "snapshot.commit(folder + '/snap', lab.sample(last=9).tables(), {})",
    "compact": "lab.compact(folder + '/snap')",
    "ndjson": "lab.sample(last=9).to_ndjson(folder + '/new.ndjson')",
}
as_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become nobody"
)


def run(limit, actions, folder):
    """What is said to each of some actions, in a process of its own."""
    code = f"""
import filelock, sys, mastermind_lab as lab
from mastermind_lab import snapshot
folder = {str(folder)!r}
lab.sample(last=9).decisions  # loads what is loaded late, while it may be read
{limit}
for action in {[*actions]!r}:
    try:
        exec(action)
        print("done")
    except lab.SourceError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def folder(tmp_path):
    for first in (0, 5):
        rows = {
            name: table.filter([first <= int(one.split("-")[1]) - 1991 < first + 5 for one in ids])
            for name, table in sample(10).tables().items()
            if (ids := table["stream_id"].to_pylist()) is not None
            if name != "rejects"
        }
        rows["rejects"] = sample(1).tables()["rejects"]
        snapshot.commit(tmp_path / "snap", rows, {})
    return tmp_path


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("limit", "said"),
    [(NO_ROOM, "File too large"), pytest.param(NOBODY, "Permission denied", marks=as_root)],
    ids=["no room", "no permission"],
)
def test_says_what_and_where_and_harms_nothing(folder, limit, said):
    folder.chmod(0o755)
    (folder / "snap").chmod(0o755)
    for one in list(folder.parents)[:2]:
        one.chmod(one.stat().st_mode | 0o055)  # pytest's own folders are for their owner alone
    before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    told = dict(zip(WRITE, run(limit, WRITE.values(), folder), strict=True))
    for line in told.values():
        assert said in line, told
        assert str(folder) in line, told
    assert {path: path.read_bytes() for path in folder.rglob("*.parquet")} == before
    assert {path.name for path in folder.iterdir()} == {"snap"}
    assert lab.verify(folder / "snap")["kind"].tolist() == []
    assert len(lab.read(folder / "snap")) == 10


@as_root
def test_a_folder_that_may_not_be_read(folder):
    (folder / "snap").chmod(0o700)
    with nobody(folder / "snap"):
        assert "Permission denied" in lab.verify(folder / "snap")["detail"][0]
        with pytest.raises(lab.SourceError, match="Permission denied"):
            lab.read(folder / "snap")


@pytest.mark.parametrize("name", ["../../x", "a\0b", "n" * 300, "con", "ü/%2e"])
def test_a_streams_name_is_in_no_file_name(tmp_path, name):
    rows = sample(3).tables()
    committed = snapshot.commit(tmp_path / "in", rows, {"stream": name, "coverage": [{"stream": name}]})
    assert committed.metadata["stream"] == name
    [again] = snapshot.ranges(tmp_path / "in")
    assert again == committed
    assert again.metadata["stream"] == name
    assert lab.read(tmp_path / "in").coverage["stream"].tolist() == [name]
    assert [one.name for one in tmp_path.iterdir()] == ["in"]
    assert {path.name for path in tmp_path.rglob("*.parquet")} == {"part-0-0-1998-0-2000.parquet"}


def test_ids_that_are_no_ids_are_refused(tmp_path):
    rows = sample(1).tables()
    odd = rows["decisions"].set_column(0, "stream_id", [["../../../x-1"]])
    with pytest.raises(ValueError, match="is no id of an entry"):
        snapshot.commit(tmp_path / "in", rows | {"decisions": odd}, {})
    assert list(tmp_path.iterdir()) == []


def test_raw_payloads_stay_private_over_a_half_file_left_open_to_others(tmp_path):
    rows = sample(3, payloads=True).tables()
    place = "payloads/date=__HIVE_DEFAULT_PARTITION__/.part-0-0-1998-0-2000.parquet.half"
    half = tmp_path / place
    half.parent.mkdir(parents=True)
    half.touch(mode=0o644)
    snapshot.commit(tmp_path, rows, {})
    [path] = (tmp_path / "payloads").rglob("*.parquet")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_facts_are_text_or_json(tmp_path):
    metadata = {"stream": "s", "gaps": [{"missing": 3}], "last_ordinal": 7}
    committed = snapshot.commit(tmp_path, sample(3).tables(), metadata)
    assert committed.metadata["stream"] == "s"
    assert json.loads(committed.metadata["gaps"]) == [{"missing": 3}]
    assert committed.metadata["last_ordinal"] == "7"
