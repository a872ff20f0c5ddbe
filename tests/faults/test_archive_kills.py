"""The archiver is killed, at every file operation and at random moments, and nothing is lost or doubled."""

import json
import shutil
import sys
import threading
from collections import Counter
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import polars as pl
import pytest
import redis
from killed_archivers import Archivers

import mastermind_lab as lab
from mastermind_lab.frames import entry_ids
from mastermind_lab.snapshot import ranges

pytestmark = pytest.mark.thorough

S = "s"
PATIENCE = 600  # a busy machine takes ten times as long as one that is not


class Publisher(threading.Thread):
    """Publishes numbered entries for ever, through restarts of the server; every tenth is malformed."""

    def __init__(self, url):
        super().__init__()
        self.url, self.number, self.is_over = url, 0, threading.Event()
        self.sent = set()

    def run(self):
        while not self.is_over.wait(0.005):
            try:
                with redis.Redis.from_url(self.url) as client:
                    while not self.is_over.wait(0.005):
                        client.xadd(S, {"data": self.next()})
            except redis.RedisError:
                pass  # it is being restarted

    def next(self):
        self.number += 1
        made = payload(self.number)
        self.sent.add(made)
        return made

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()


def payload(number):
    """An envelope; every dozen brings new columns, and old ones hold a number or a text."""
    if number % 10 == 0:
        return b"broken %d" % number
    dozen = (number - 1) // 12
    votes = [{"voter": "a", "choice": "b", f"late{dozen % 7}": dozen}, {"voter": "c", "choice": "d"}]
    decision = {"recommendation": "x", "confidence": 0.5, "votes": votes}
    meta = {"number": number if dozen % 2 else str(number), f"late{dozen % 5}": dozen}
    return json.dumps({"decision": decision, "meta": meta}).encode()


def archived(folder):
    """All entries of an archive, in the order in which its frames and payloads have them."""
    history = lab.read(folder, payloads=True)
    found = [*history.payloads.itertuples(index=False, name=None)]
    found += history.rejects[["stream_id", "payload"]].itertuples(index=False, name=None)
    assert len(found) == len(entry_ids(history.tables())) == len(dict(found))
    assert (history.votes["stream_id"].value_counts() == 2).all()
    assert history.votes["stream_id"].nunique() == len(history.decisions)
    for table in ("decisions", "votes"):  # as Polars reads them: it refuses parts that differ
        assert len(pl.read_parquet(folder / table)) == len(history[table])
    return sorted(found, key=lambda entry: lab.id_key(entry[0]))


def streamed(url):
    with redis.Redis.from_url(url) as client:
        return [(one.decode(), fields[b"data"]) for one, fields in client.xrange(S)]


@pytest.fixture
def place():
    """A folder in memory where there is one: what is killed loses nothing that was written, synced or not."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


@pytest.mark.timeout(PATIENCE)
def test_killed_at_every_file_operation(redis_url, place, capsys, effort):
    """Operations of a run that makes a folder and writes a first part, and of one that goes on.

    Each second one, the odd ones of the former and the even ones of the latter; with --effort every one.
    """
    folder, kept = place / "archive", place / "kept"
    with redis.Redis.from_url(redis_url) as client, Archivers(stream=S) as archivers:
        for first, start in enumerate((1, 13), 1):
            for number in range(start, start + 12):
                client.xadd(S, {"data": payload(number)})
            for operation in count(first, 2) if effort == 1 else count(1):
                was_killed = archivers.run(redis_url, folder, operation=operation)
                assert [one.rows + one.rejects for one in ranges(folder)] in ([12] * n for n in range(3))
                lab.archive(redis_url, folder, stream=S)
                assert archived(folder) == streamed(redis_url)
                assert lab.verify(folder).empty
                if not was_killed:
                    break
                shutil.rmtree(folder)
                if kept.exists():
                    shutil.copytree(kept, folder)
            assert operation > 30
            shutil.copytree(folder, kept, dirs_exist_ok=True)
    report(archivers, capsys)


def report(archivers, capsys):
    with capsys.disabled():
        phases = ", ".join(f"{n} {phase}" for phase, n in archivers.phases.most_common())
        sys.stdout.write(f"\n{archivers.phases.total()} kills: {phases}\n")


@pytest.mark.timeout(PATIENCE)
def test_kills_while_a_publisher_goes_on(make_server, place, capsys, effort):
    dice = Random(7)
    (place / "redis").mkdir()
    server = make_server(
        "--dir", str(place / "redis"), "--appendonly", "yes", "--appendfsync", "always"
    )  # fmt: skip
    # Some parts are full and written beside the next one, others are old.
    often = {"follow": True, "part_seconds": 0.05, "part_bytes": 700}
    with Publisher(server.url) as publisher, Archivers(stream=S) as archivers:
        while archivers.phases.total() < 30 * effort:
            if archivers.phases.total() % 10 == 9:
                server.start()  # killed and begun again, with what it had
            at = (
                {"operation": dice.randint(1, 150)}
                if dice.random() < 0.5
                else {"after": dice.uniform(0, 0.3)}
            )
            archivers.run(server.url, place / "archive", options=often, opening=dice.random() < 0.1, **at)
        publisher.is_over.set()
        publisher.join()
        assert not archivers.run(server.url, place / "archive")
    report(archivers, capsys)
    entries = streamed(server.url)
    assert len(entries) > 150
    assert archived(place / "archive") == entries
    assert lab.verify(place / "archive").empty
    assert lab.read(place / "archive").coverage["missing"].tolist() == [0]


@pytest.mark.timeout(PATIENCE)
def test_a_server_that_comes_back_from_an_older_dump(make_server, place, capsys, effort):
    """What it has forgotten stays in the archive; what it has is there once; nothing else is."""
    dice = Random(11)
    (place / "redis").mkdir()
    server = make_server("--dir", str(place / "redis"))
    often = {"follow": True, "part_seconds": 0.05}
    with Publisher(server.url) as publisher, Archivers(stream=S) as archivers:
        for _ in range(2 * effort):
            with redis.Redis.from_url(server.url) as client:
                client.save()
            for _ in range(3):
                archivers.run(server.url, place / "archive", options=often, after=dice.uniform(0, 0.3))
            archivers.run(
                server.url, place / "archive"
            )  # so that something is there that the dump does not hold
            server.start()
            for _ in range(3):
                archivers.run(server.url, place / "archive", options=often, after=dice.uniform(0, 0.3))
        publisher.is_over.set()
        publisher.join()
        assert not archivers.run(server.url, place / "archive")
    report(archivers, capsys)
    found, there = archived(place / "archive"), streamed(server.url)
    bare = Counter((one.partition("@")[0], content) for one, content in found)
    assert set(bare.values()) == {1}
    assert set(there) <= set(bare)
    assert {content for _, content in found} <= publisher.sent
    assert {lab.id_key(one)[0] for one, _ in found} == {*range(2 * effort + 1)}
