"""Clocks that jump, time zones, daylight saving: names of files and the order of rows stay what they are."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from envelopes import CORE
from histories import same
from streams import publish

import mastermind_lab as lab

pytestmark = pytest.mark.once

# In each of these zones the clock repeats an hour, or leaves one out, or the day is another one than in UTC.
ZONES = ["America/New_York", "Pacific/Kiritimati", "Australia/Lord_Howe"]
CHANGES = [
    datetime(2026, 11, 1, 5, tzinfo=UTC),  # New York repeats an hour
    datetime(2026, 3, 8, 6, 30, tzinfo=UTC),  # and leaves one out
    datetime(2026, 4, 4, 14, 45, tzinfo=UTC),  # Lord Howe repeats half of one
]


@pytest.fixture(params=ZONES)
def zone(request, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


def sent():
    """Entries around each change, a quarter of an hour apart, whose own clock jumps to and fro."""
    payloads = []
    for number, change in enumerate(sorted(CHANGES)):
        for quarter in range(10):
            at = change + timedelta(minutes=15 * quarter)
            told = at + timedelta(days=(-400, 0, 300)[quarter % 3])
            vote = {"voter": "a", "choice": "b"}
            decision = CORE | {"decision_id": f"{number}-{quarter}", "votes": [vote]}
            payload = {"decision": decision, "published_at": told.isoformat(), "correlation_id": "c"}
            payloads.append((f"{int(at.timestamp() * 1_000)}-0", json.dumps(payload).encode()))
    return payloads


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What comes of them where the clock says UTC: frames, and files with all their bytes."""
    follower = lab.Follower("redis://localhost:1")
    follower.feed(sent())
    folder = tmp_path_factory.mktemp("plain") / "saved"
    return follower.history(), files(follower.history().save(folder))


def test_frames_and_names_of_files_are_the_same_in_every_zone(zone, plain, tmp_path):
    follower = lab.Follower("redis://localhost:1")
    follower.feed(sent())
    same(follower.history(), plain[0])
    assert files(follower.history().save(tmp_path / "saved")) == plain[1]
    same(lab.read(tmp_path / "saved"), plain[0])
    lines = [payload for _, payload in sent()]
    ids = [json.loads(line)["decision"]["decision_id"] for line in lines]
    assert lab.read(lines).decisions["decision_id"].tolist() == ids


def test_an_archive_keeps_the_order_of_the_stream(zone, raw, redis_url, tmp_path):
    entries = sent()
    publish(raw, entries[:12])
    lab.archive(redis_url, tmp_path / "archive")
    publish(raw, entries[12:])
    lab.archive(redis_url, tmp_path / "archive")
    kept = lab.read(tmp_path / "archive")
    assert kept.decisions["stream_id"].tolist() == [entry_id for entry_id, _ in entries]
    days = {datetime.fromtimestamp(int(one.partition("-")[0]) / 1_000, UTC).date() for one, _ in entries}
    assert {path.name for path in (tmp_path / "archive" / "decisions").iterdir()} >= {f"date={min(days)}"}
    assert lab.verify(tmp_path / "archive").empty


@pytest.mark.parametrize("jump", [timedelta(days=-3_000), timedelta(days=3_000)])
def test_a_clock_that_jumps_between_two_runs(jump, raw, redis_url, tmp_path, monkeypatch):
    """Ours does; the server's ids are its own business, and never go back."""
    real = time.time
    publish(raw, sent()[:5])
    lab.archive(redis_url, tmp_path / "archive")
    monkeypatch.setattr(time, "time", lambda: real() + jump.total_seconds())
    monkeypatch.setattr("mastermind_lab.envelope.now", lambda: datetime.now(UTC) + jump)
    publish(raw, sent()[5:])
    lab.archive(redis_url, tmp_path / "archive")
    same(lab.read(tmp_path / "archive"), lab.read(redis_url))
    assert lab.verify(tmp_path / "archive").empty
