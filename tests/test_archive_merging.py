"""An archiver merges the many parts of days that are over, a few at a step, and may be stopped at any."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from envelopes_in_parts import ENTRIES, add, stream_id

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.archive import Archiver
from mastermind_lab.frames import FRAMES
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
    """Let an archiver look at its stream so often, and nothing come."""
    with Archiver(folder, stream=S, payloads=False) as sink:
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


def test_when_a_day_ends_while_it_runs(made, folder):
    with Archiver(folder, stream=S, payloads=False) as sink:
        for part in range(DAY + 2, DAY + 10):
            sink.take(StreamUpdate(S, [(stream_id(part), PAYLOAD)]))
            sink.flush()
        assert days(folder).count("2026-11-24") == 10
        sink.take(StreamUpdate(S, [(stream_id(2 * DAY), PAYLOAD)]))
        sink.flush()
        for _ in range(9):
            sink._rests_until = 0.0
            sink.take(StreamUpdate(S, []))
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


class StoppedError(BaseException):
    """As a process that is killed: nobody catches it."""


@pytest.mark.thorough
def test_stopped_at_any_operation_nothing_is_lost_or_doubled(tmp_path, monkeypatch):
    monkeypatch.setitem(snapshot.merging.__globals__, "_FEW", 2)
    made = add(tmp_path / "made", [*range(DAY - 3, DAY), DAY])
    number, was_stopped = 0, True
    while was_stopped:
        number += 1
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


def test_a_compaction_beside_it_is_told_that_it_does_so_itself(folder):
    with (
        Archiver(folder, stream=S),
        pytest.raises(lab.SourceError, match="merges the days that are over by itself"),
    ):
        lab.compact(folder)
