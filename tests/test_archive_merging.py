"""An archiver merges the many parts of days that are over, a few at a step, and may be stopped at any."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from envelopes_in_parts import ENTRIES, add, stream_id

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.archive import Archiver
from mastermind_lab.frames import FRAMES
from mastermind_lab.snapshot.resume import ResumePoint
from mastermind_lab.storage import LocalFolder, Lock
from mastermind_lab.storage import folder as folder_of
from mastermind_lab.stream import StreamUpdate

pytestmark = pytest.mark.once

S, DAY = "s", 36  # parts
PAYLOAD = json.dumps({"decision": {"recommendation": "x", "confidence": 1}}).encode()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Twelve parts of a day, and two of the next."""
    return add(tmp_path_factory.mktemp("made") / "s", [*range(DAY - 12, DAY), DAY, DAY + 1])


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "s")


def archived(folder, steps=30):
    with Archiver(folder, stream=S, payloads=False) as sink:
        look(sink, steps)


def look(sink, steps):
    """Let an archiver look at its stream so often, and nothing come."""
    for _ in range(steps):
        sink._rests_until = 0.0
        sink.take(StreamUpdate(S, []))


def days(folder):
    return [one.date for one in snapshot.ranges(folder)]


def same(folder, other):
    mine, theirs = lab.read(folder), lab.read(other)
    for name in FRAMES:
        pd.testing.assert_frame_equal(mine[name], theirs[name])
    pd.testing.assert_frame_equal(mine.coverage, theirs.coverage)
    assert set(lab.verify(folder)["kind"]) <= {"hole"}  # before the first


def test_a_day_that_is_over_becomes_one_part_and_the_open_one_stays(made, folder):
    archived(folder)
    assert days(folder) == ["2026-11-23", "2026-11-24", "2026-11-24"]
    same(folder, made)


@pytest.mark.further
def test_a_few_at_a_step(made, folder, monkeypatch):
    monkeypatch.setitem(snapshot.merging.__globals__, "_AT_ONCE", 5)
    steps = snapshot.merging(folder, "2026-11-24")
    assert [one.entries // ENTRIES for one in steps] == [5, 5, 2, 12]
    same(folder, made)


def test_a_day_of_few_parts_is_left_alone_and_one_that_is_not_over(folder):
    assert list(snapshot.merging(folder, "2026-11-23")) == []
    shutil.rmtree(folder)
    add(folder, [*range(3), DAY])
    archived(folder)
    assert len(days(folder)) == 4


@pytest.mark.further
def test_when_a_day_ends_while_it_runs(made, folder):
    with Archiver(folder, stream=S, payloads=False) as sink:
        for part in range(DAY + 2, DAY + 10):
            sink.take(StreamUpdate(S, [(stream_id(part), PAYLOAD)]))
            sink.flush()
        assert days(folder).count("2026-11-24") == 10
        sink.take(StreamUpdate(S, [(stream_id(2 * DAY), PAYLOAD)]))
        sink.flush()
        look(sink, 9)
    assert days(folder) == ["2026-11-23", "2026-11-24", "2026-11-25"]
    assert set(lab.verify(folder)["kind"]) <= {"hole"}


def test_it_takes_no_more_than_half_of_the_time(folder):
    with Archiver(folder, stream=S) as sink:
        for _ in range(3):
            sink.take(StreamUpdate(S, []))
        merged = len(days(folder))
        sink._rests_until = float("inf")
        sink.take(StreamUpdate(S, []))
        assert len(days(folder)) == merged


@pytest.mark.parametrize("is_asked", [False, True])
def test_what_could_not_be_removed_does_not_come_back(made, folder, monkeypatch, is_asked):
    """A file that another program holds open, say: who merges again begins with it."""
    for name, most in (("_FEW", 2), ("_AT_ONCE", 5)):
        monkeypatch.setitem(snapshot.merging.__globals__, name, most)
    first, is_held, unlink = Path(snapshot.ranges(folder)[0].path), True, Path.unlink

    def held(path, **options):
        if path == first and is_held:
            raise PermissionError(13, "Permission denied")
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", held)
    with Archiver(folder, stream=S, payloads=False) as sink:
        for is_held in (True, True, False):
            if is_asked:
                (folder / REQUEST).write_text("please")
            else:
                sink._merging = sink._merge()  # as on another day
            look(sink, 9)
            assert first.exists() == is_held
            assert len(lab.read(folder).votes) == len(lab.read(made).votes)
    assert days(folder).count("2026-11-23") == 1
    same(folder, made)


def test_what_was_read_before_is_found_in_what_was_merged_of_merged_ones(folder, monkeypatch):
    monkeypatch.setitem(snapshot.merging.__globals__, "_AT_ONCE", 5)
    before, scanned = lab.read(folder), lab.scan(folder)
    handed_on = pickle.dumps(scanned.partitions)  # as to another process
    list(snapshot.merging(folder, "2026-11-24"))
    assert days(folder).count("2026-11-23") == 1
    votes = len(lab.read(folder).votes)
    assert len(before.votes) == sum(len(batch.votes) for batch in scanned) == votes
    runs = pickle.loads(handed_on)
    assert sum(batch.tables["votes"].num_rows for run in runs for batch in run.batches()) == votes


def test_what_lies_within_a_merged_one_and_is_not_in_it_is_missed(folder):
    before, merged = lab.read(folder), snapshot.ranges(folder)[:5]
    lost = merged.pop(2)
    for path in (*lost.child_tables, "decisions"):
        (folder / path / lost.place.partition("/")[2]).unlink()
    snapshot.merging.__globals__["_merge"](folder_of(folder), merged, lost.date)
    with pytest.raises(lab.SourceError, match="was changed since it was read"):
        len(before.votes)


class StoppedError(BaseException):
    """As a process that is killed: nobody catches it."""


@pytest.mark.thorough
def test_stopped_at_any_operation_nothing_is_lost_or_doubled(tmp_path, monkeypatch, effort):
    """At each second one; with --effort at every one."""
    monkeypatch.setitem(snapshot.merging.__globals__, "_FEW", 2)
    made = add(tmp_path / "made", [*range(DAY - 3, DAY), DAY])
    number, was_stopped = 0, True
    while was_stopped:
        number += 2 if effort == 1 else 1
        stopped = shutil.copytree(made, tmp_path / str(number))
        with monkeypatch.context() as patch:
            strike = Strike(number)
            patch.setattr(os, "replace", strike.before(os.replace))
            patch.setattr(Path, "unlink", strike.before(Path.unlink))
            was_stopped = _is_stopped(snapshot.merging(stopped, "2026-11-24"))
        assert len(lab.read(stopped).votes) == len(lab.read(made).votes)
        archived(stopped, steps=5)
        assert days(stopped) == ["2026-11-23", "2026-11-24"]
        same(stopped, made)
    assert number > 20


class Strike:
    """Stops a process at one of its operations."""

    def __init__(self, number):
        self.left = number

    def before(self, real):
        def call(*args, **options):
            self.left -= 1
            if not self.left:
                raise StoppedError
            return real(*args, **options)

        return call


def _is_stopped(steps):
    try:
        for _ in steps:
            pass
    except StoppedError:
        return True
    return False


REQUEST = ".archive.request"


@contextmanager
def at_work(folder, step=lambda sink: look(sink, 1)):
    """Let an archiver do one thing again and again in a thread: look at its stream, and nothing come."""
    is_over = threading.Event()

    def at_it(sink):
        while not is_over.wait(0.002):
            step(sink)

    with Archiver(folder, stream=S, payloads=False) as sink:
        thread = threading.Thread(target=at_it, args=[sink])
        thread.start()
        try:
            yield sink
        finally:
            is_over.set()
            thread.join()


@pytest.mark.further
def test_a_compaction_beside_it_asks_it(made, folder):
    with at_work(folder):
        assert lab.compact(folder).after == 3
        assert not (folder / REQUEST).exists()
        same(folder, made)
    add(folder, [DAY + 2])
    with at_work(folder):
        lab.compact(folder)
        assert days(folder) == ["2026-11-23", "2026-11-24", "2026-11-24"]  # of the open day all but the last
        assert set(lab.verify(folder)["kind"]) <= {"hole"}


def test_one_that_does_not_answer_is_no_longer_asked(folder):
    with Archiver(folder, stream=S):
        with pytest.raises(lab.SourceError, match=r"an archiver .* was asked .* within 0\.2 s.* withdrawn"):
            lab.compact(folder, wait=0.2)
        assert not (folder / REQUEST).exists()
        assert len(days(folder)) == 14


def test_only_an_archiver_is_asked_wherever_the_folder_lies(folder, tmp_path, monkeypatch):
    other = shutil.copytree(folder, tmp_path / "an archiver's")
    compact = import_module("mastermind_lab.snapshot.compact")  # not the function
    monkeypatch.setattr(compact, "ask", lambda *_: pytest.fail("it was asked"))
    for work in ("a compaction", "a save for an archiver"):
        with Lock(other, work), pytest.raises(lab.SourceError, match=f"is being written by {work}"):
            lab.compact(other, wait=0)


def test_who_is_interrupted_withdraws(folder, monkeypatch):
    def interrupted(_):
        assert (folder / REQUEST).exists()
        raise KeyboardInterrupt

    with Archiver(folder, stream=S):
        monkeypatch.setattr(snapshot.compact.__globals__["ask"].__globals__["time"], "sleep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lab.compact(folder)
    assert not (folder / REQUEST).exists()


def test_what_an_archiver_cannot_merge_is_said(folder):
    part = Path(snapshot.ranges(folder)[3].path)
    part.with_name(part.name).parents[2].joinpath("votes", *part.parts[-2:]).write_bytes(b"")
    with Archiver(folder, stream=S, payloads=False) as sink:
        sink._merging = sink._answer()
        thread = threading.Thread(target=lambda: [sink._keep_up() or time.sleep(0.01) for _ in range(100)])
        thread.start()
        with pytest.raises(lab.SourceError, match="could not merge all"):
            lab.compact(folder)
        thread.join()


@pytest.mark.further
def test_an_old_request_is_harmless_and_a_link_is_none(made, folder, tmp_path):
    (folder / REQUEST).write_text("left by a process that is gone")
    assert set(lab.verify(folder)["kind"]) <= {"hole"}
    same(folder, made)
    archived(folder)
    assert not (folder / REQUEST).exists()
    theirs = tmp_path / "theirs"
    theirs.write_text("mine")
    (folder / REQUEST).symlink_to(theirs)
    archived(folder)
    with Archiver(folder, stream=S), pytest.raises(lab.SourceError, match=r"cannot be asked .* link"):
        lab.compact(folder)
    assert theirs.read_text() == "mine"


PROCESS = """
import sys, time
from mastermind_lab.archive import Archiver
from mastermind_lab.stream import StreamUpdate
with Archiver(sys.argv[1], stream="s", payloads=False) as sink:
    print("opened", flush=True)
    while True:
        time.sleep(float(sys.argv[2]))
        sink._rests_until = 0.0
        sink.take(StreamUpdate("s", []))
"""


@pytest.mark.thorough
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_process_that_is_asked_and_may_be_killed_meanwhile(made, folder, is_killed):
    words = [sys.executable, "-c", PROCESS, folder, "600" if is_killed else "0.01"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "opened\n"
            if is_killed:
                threading.Timer(0.5, process.kill).start()
            found = lab.compact(folder, wait=60)
        finally:
            process.kill()
    assert found == (14, 2 if is_killed else 3)  # who has the folder to itself merges the newest, too
    assert not (folder / REQUEST).exists()
    same(folder, made)


def test_what_is_left_goes_when_a_compaction_is_asked_for_and_nothing_is_due(made, folder):
    replaced = Path(snapshot.ranges(folder)[0].path).relative_to(folder).parts[1:]
    archived(folder)
    with at_work(folder):
        shutil.copy(made.joinpath("decisions", *replaced), left := folder.joinpath("decisions", *replaced))
        lab.compact(folder)
        assert not left.exists()
    same(folder, made)


class MergedMeanwhile:
    """A folder that is merged whenever the first of its parts that goes is about to be read."""

    def __init__(self, folder, monkeypatch, operation):
        real, self.is_done = getattr(LocalFolder, operation), False

        def call(target, path, *most):
            if not self.is_done and target.name == str(folder) and "date=2026-11-23" in path:
                self.is_done = True
                list(snapshot.merging(folder, "2026-11-24"))
            return real(target, path, *most)

        monkeypatch.setattr(LocalFolder, operation, call)


LOOKS = {
    "files": lambda folder: all(Path(one).exists() for one in snapshot.files(folder)),
    "read": lambda folder: len(lab.read(folder).votes),
    "since": lambda folder: len(lab.read(folder, since=stream_id(DAY - 9)).votes),
    "last": lambda folder: len(lab.read(folder, last=30).votes),
    "verify": lambda folder: {*lab.verify(folder)["kind"]} <= {"hole", "replaced"},
}


@pytest.mark.parametrize("operation", ["tail", "read"])
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_who_reads_while_parts_are_merged_reads_what_they_became(made, folder, monkeypatch, look, operation):
    expected = look(made)
    MergedMeanwhile(folder, monkeypatch, operation)
    assert look(folder) == expected


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_listing_that_missed_what_came_and_what_went_is_not_all_that_is_there(
    made, folder, monkeypatch, look
):
    real, missed = LocalFolder._paths, []

    def paths(target, *options):
        before = real(target, *options)
        if target.name == str(folder) and any("date=2026-11-23" in path for path in before) and not missed:
            missed.append(True)  # as many files are listed while these change
            list(snapshot.merging(folder, "2026-11-24"))
            return sorted({*before} & {*real(target, *options)})
        return before

    expected = look(made)
    monkeypatch.setitem(LocalFolder.paths.__globals__, "_IN_ONE_STEP", -1)
    monkeypatch.setattr(LocalFolder, "_paths", paths)
    assert look(folder) == expected
    assert missed


def test_older_entries_are_read_though_they_are_merged_meanwhile(folder):
    committed = snapshot.ranges(folder)
    older = ResumePoint.of(snapshot.Committed.of(committed)).older()
    found = [next(older)]
    list(snapshot.merging(folder, "2026-11-24"))
    assert len([*found, *older]) == (len(committed) - 1) * ENTRIES


def test_a_part_that_stays_away_is_named_after_a_second_look(folder):
    part = Path(snapshot.ranges(folder)[3].path)
    part.unlink()
    part.symlink_to("nowhere")
    with pytest.raises(lab.SourceError, match=part.name):
        snapshot.ranges(folder)


@contextmanager
def busy(folder):
    """Let an archiver commit an entry a part all the time, and merge them at once; how many are in."""
    committed = []

    def commit_and_merge(sink):
        for _ in range(8):
            sink.take(StreamUpdate(S, [(stream_id(4 * len(committed)), PAYLOAD)]))
            sink.flush()
            committed.append(1)
        sink._merging = sink._merge()
        look(sink, 20)

    with at_work(folder, commit_and_merge):
        while len(committed) < 9:
            time.sleep(0.01)
        yield committed


@pytest.mark.further
def test_who_reads_beside_it_sees_all_that_was_committed(tmp_path, monkeypatch):
    for name, most in (("_FEW", 2), ("_AT_ONCE", 4)):
        monkeypatch.setitem(snapshot.merging.__globals__, name, most)
    with busy(tmp_path / "s") as committed:
        for _ in range(20):
            there = len(committed)
            history = lab.read(tmp_path / "s")
            time.sleep(0.02)
            assert len(history.decisions) >= there
            assert len(lab.read(tmp_path / "s", last=7).decisions) == 7
            assert sum(len(batch.decisions) for batch in lab.scan(tmp_path / "s")) >= there
            found = lab.verify(tmp_path / "s")["kind"]
            assert {*found} <= {"hole", "replaced", "half-written", "uncommitted"}
