"""A writer is killed, fails, or loses its power at every file operation: readers see before or after."""

import errno
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from itertools import product
from pathlib import Path, PurePosixPath
from random import Random

import polars as pl
import pytest

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.snapshot import checkpoint

pytestmark = pytest.mark.thorough

SCRIPT = Path(__file__).with_name("interrupted.py")
BEGAN = 1795392000000
ACTIONS = ["commit", "first commit", "save", "overwrite", "compact", "widen"]
FAULTS = ["ENOSPC", "EMFILE", "EIO", "EACCES"]
HARMLESS = {"uncommitted", "half-written", "replaced"}

WIDE = ["1", "2", "3", "4", *(f"text {n}" for n in (6, 7, 8, 9)), 1, 1, 1, 1]
"""The numbers, then texts, of a column whose kind has changed, and what stands in one that came late."""

BEFORE, ADDED = [f"{BEGAN + n}-0" for n in range(10)], [f"{BEGAN + n}-0" for n in range(10, 15)]
STATES = {
    "commit": ("snap", BEFORE, BEFORE + ADDED),
    "first commit": ("new", [], ADDED),
    "save": ("new", [], ADDED),
    "overwrite": ("snap", BEFORE, ADDED),
    "compact": ("snap", BEFORE, BEFORE),
    "widen": ("uneven", BEFORE, BEFORE),
    "ndjson": ("new.ndjson", [], ["0-1", "0-2", "0-3", "0-4"]),
}


@pytest.fixture
def base(monkeypatch):
    """A folder in memory where there is one: thousands of syncs of a real disk take their time."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        base = Path(name)
        monkeypatch.setattr(checkpoint, "WORTH", 1)  # as it is in the script
        script().start(base / "start")
        yield base


@cache
def script():
    spec = importlib.util.spec_from_file_location("interrupted", SCRIPT)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def run(action, fault, base, every=1):
    words = [action, fault, base, str(every)]
    done = subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def read(folder):
    """What a reader sees: nothing, where nothing is there."""
    if folder.suffix == ".ndjson":
        return lab.read(folder if folder.exists() else [])
    if not snapshot.ranges(folder):
        return lab.read([])
    known = snapshot.opened(folder)
    assert known.committed.ranges == len(snapshot.ranges(folder))
    assert known.committed.last == snapshot.ranges(folder)[-1]
    history = lab.read(folder, payloads=True)
    assert len(history.payloads) == len(history.decisions) == len(history.votes)
    assert set(lab.verify(folder)["kind"]) <= HARMLESS
    return history


def check(folder, action):
    """See that a reader sees all entries of before or of after, in order and once; tell whether of after."""
    name, before, after = STATES[action]
    history = read(folder / name)
    found = [*history.decisions["stream_id"], *history.rejects["stream_id"]]
    found.sort(key=lab.id_key)
    assert found in (before, after)
    if action == "widen":
        assert [*history.decisions["meta.n"], *history.votes["vote.round"].dropna()] == WIDE
    return found == after


class Checked(dict):
    """Folders that were checked, by what they hold: what a fault leaves is often the same."""

    def done(self, folder, action):
        held = tuple(
            (
                str(path.relative_to(folder)),
                path.stat().st_mode,
                path.read_bytes() if path.is_file() else None,
            )
            for path in sorted(folder.rglob("*"))
        )
        if held not in self:
            self[held] = check(folder, action)
        return self[held]


def again(folder, action):
    """Do it once more, undisturbed."""
    script().ACTIONS[action](folder)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("action", ACTIONS)
def test_killed_at_every_operation(base, action):
    told = run(action, "kill", base)
    assert len(told) > 15  # those that change something; a commit has fewest
    assert all(one["killed"] for one in told[:-1])
    checked = Checked()
    done = [checked.done(base / str(one["number"]), action) for one in told]
    assert done == sorted(done)  # once it is done it stays done
    assert done[-1]
    for one in told[::7]:
        folder = base / str(one["number"])
        if action != "save" or not done[one["number"] - 1]:
            again(folder, action)
        assert check(folder, action)
        if action == "widen":
            assert len(pl.read_parquet(folder / "uneven/decisions")) == len(
                pl.read_parquet(folder / "uneven/votes")
            )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("action", [*ACTIONS, "ndjson"])
def test_an_error_at_every_operation(base, action, effort):
    """At each second one of them, with one fault; with --effort at every one, with several."""
    first = [*STATES].index(action)
    for fault in {FAULTS[(first + other) % len(FAULTS)] for other in range(effort)}:
        shutil.copytree(base / "start", base / fault / "start")
        check_errors(base / fault, action, fault, every=2 if effort == 1 else 1)


def check_errors(base, action, fault, every):
    told, reason, checked = run(action, fault, base, every), os.strerror(getattr(errno, fault)), Checked()
    assert every * sum(one["at"] >= one["number"] for one in told) > (3 if action == "ndjson" else 30)
    for one in told:
        folder = base / str(one["number"])
        done = checked.done(folder, action)
        if one["at"] >= one["number"]:
            assert "UNEXPECTED" not in one["error"], one
            # Only a fault in clearing up may go unsaid, when all is done already.
            assert done or (f"{folder}/" in one["error"] and reason in one["error"]), one
        if one["number"] % 5 == 0 and not (action == "save" and done):
            again(folder, action)
            assert check(folder, action)
        leftovers = [path.name for path in folder.rglob(".*") if path.is_file()]
        assert len(leftovers) <= 6


class Disk:
    """What a disk holds when the power fails: only what was synced is certain.

    A folder has names, and those that are synced; a file has data, and what is synced of it.
    """

    def __init__(self, folder):
        self.root = self.loaded(folder)

    def loaded(self, path):
        if path.is_file():
            return {"data": path.read_bytes(), "synced": path.read_bytes()}
        names = {one.name: self.loaded(one) for one in path.iterdir()}
        return {"names": names, "synced": dict(names)}

    def at(self, path):
        here = self.root
        for step in PurePosixPath(path).parts:
            here = here["names"][step]
        return here

    def names(self, path):
        return self.at(PurePosixPath(path).parent)["names"], PurePosixPath(path).name

    def do(self, entry):
        names, name = self.names(entry["path"])
        match entry["do"]:
            case "open" if entry["made"]:
                file = names.setdefault(name, {"data": b"", "synced": b""})
                file["data"] = b"" if entry["emptied"] else file["data"]
            case "write":
                names[name]["data"] += bytes.fromhex(entry["bytes"])
            case "mkdir":
                names.setdefault(name, {"names": {}, "synced": {}})
            case "replace":
                to_names, to_name = self.names(entry["to"])
                to_names[to_name] = names.pop(name)
            case "unlink" | "rmdir":
                names.pop(name, None)
            case "fsync":
                one = self.at(entry["path"])
                one["synced"] = dict(one["names"]) if "names" in one else one["data"]

    def left(self, keep_names, tear, path=".", node=None):
        """What is left of folders (None) and files: synced names or all, and of other data a half or nothing.

        Whether to keep and to tear is asked for each folder and file.
        """
        node = node or self.root
        if "names" in node:
            yield path, None
            for name, one in node["names" if keep_names() else "synced"].items():
                yield from self.left(keep_names, tear, f"{path}/{name}", one)
        else:
            whole, synced = node["data"], node["synced"]
            yield path, whole if whole == synced else whole[: len(whole) // 2] if tear() else synced


def written(state, folder):
    """Put down what is left."""
    for path, content in state:
        (folder / path).mkdir() if content is None else (folder / path).write_bytes(content)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("action", ["commit", "first commit", "save", "compact", "widen"])
def test_the_power_fails_after_every_operation(base, action, effort):
    [entries] = run(action, "journal", base)
    disk, left, dice = Disk(base / "start"), base / "left", Random(effort)
    never, always, now_and_then = (lambda: False), (lambda: True), (lambda: dice.random() < 0.5)
    every = list(product((never, always), repeat=2)) + [(now_and_then, now_and_then)] * (2 * (effort - 1))
    seen, lasts = {}, False
    for entry in [{"do": "nothing", "path": "."}, *entries]:
        disk.do(entry)
        for keep_names, tear in every:
            state = tuple(disk.left(keep_names, tear))
            if state not in seen:
                written(state, left)
                seen[state] = check(left, action)
                shutil.rmtree(left)
            lasts |= seen[state] and keep_names is never
    assert len(seen) > 20
    assert lasts, "what was said to be done must last"
