"""Whatever happens to a stream, in any order: nothing is doubled or made up, and no loss goes unsaid."""

import json
import tempfile
from contextlib import suppress

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from killed_archivers import Archivers

import mastermind_lab as lab
from mastermind_lab.arena.server import Server
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.snapshot import ranges
from mastermind_lab.stream import StreamReader


def number_in(payload):
    """Every entry that was ever published has a number of its own; every fifth cannot be decoded."""
    return int(payload[1:] if payload.startswith(b"-") else json.loads(payload)["decision"]["decision_id"])


def payload_of(number):
    if number % 5 == 0:
        return b"-%d" % number
    decision = {"recommendation": "a", "confidence": 0.5, "decision_id": str(number)}
    return json.dumps({"decision": decision}).encode()


def entries_of(history):
    """Return the ids and numbers of a history, decisions and rejects, in its own order of ids."""
    decided = history.decisions[["stream_id", "decision_id"]].values
    broken = history.rejects[["stream_id", "payload"]].values
    found = [(entry_id, int(number)) for entry_id, number in decided]
    found += [(entry_id, number_in(payload)) for entry_id, payload in broken]
    return sorted(found, key=lambda one: lab.id_key(one[0]))


class Stream(RuleBasedStateMachine):
    """A stream with a follower from its first moment, and an archive that is brought up to date at times."""

    def __init__(self, place, archivers):
        super().__init__()
        self.place, self.archivers = place, archivers
        self.published = 0
        self.next_id = 1
        self.ever = []  # the numbers of all entries that the stream of now ever held
        self.dumps = []  # with what was so then

    @initialize()
    def begin(self):
        self.server = Server("--dir", self.place_for("redis"))
        self.server.start()
        self.connect()
        self.archive = self.place_for("archive")
        self.follower = lab.Follower(self.server.url)
        self.reader = StreamReader(self.server.url, (STREAM,), backfill=100_000)

    def place_for(self, name):
        return tempfile.mkdtemp(prefix=name, dir=self.place)

    def connect(self):
        self.client = redis.Redis.from_url(self.server.url)

    # What happens to the stream

    @rule(count=st.integers(1, 9), step=st.integers(1, 3))
    def add(self, count, step):
        for _ in range(count):
            self.published += 1
            self.client.xadd(STREAM, {"data": payload_of(self.published)}, f"{self.next_id}-0")
            self.ever.append(self.published)
            self.next_id += step

    @rule(kept=st.integers(0, 9))
    def trim(self, kept):
        self.client.xtrim(STREAM, maxlen=kept, approximate=False)

    @rule(places=st.sets(st.integers(0, 9), min_size=1, max_size=3))
    def delete(self, places):
        there = [one for one, _ in self.client.xrevrange(STREAM, count=10)]
        if doomed := [there[place] for place in places if place < len(there)]:
            self.client.xdel(STREAM, *doomed)

    @rule(at=st.sampled_from(["the same ids", "higher ids"]), count=st.integers(0, 30))
    def begin_again(self, at, count):
        self.client.delete(STREAM)
        self.ever = []
        self.next_id = 1 if at == "the same ids" else self.next_id + 3
        if count:
            self.add(count, 1)

    @rule()
    def dump(self):
        if dumped := self.client.dump(STREAM):
            self.dumps.append((dumped, self.next_id, [*self.ever]))

    @precondition(lambda self: self.dumps)
    @rule(which=st.integers(0, 9), flushed=st.booleans())
    def restore(self, which, flushed):
        dumped, self.next_id, ever = self.dumps[which % len(self.dumps)]
        self.ever = [*ever]
        if flushed:
            self.client.flushall()
            self.follow()
        self.client.restore(STREAM, 0, dumped, replace=True)

    @rule()
    def restart(self):
        with suppress(redis.ConnectionError):
            self.client.save()
        self.server.start()
        self.connect()

    # What is read of it

    @rule()
    def follow(self):
        for update in self.reader:
            self.follower.take(update)
            if not (update.entries or update.gone or update.account or update.transient_error):
                break
        self.check(self.follower.history(), self.ever)

    @rule()
    def bring_the_archive_up_to_date(self):
        lab.archive(self.server.url, self.archive)
        if ranges(self.archive):
            history = lab.read(self.archive)
            read = {number for _, number in entries_of(history)}
            # What is gone stands in a part with the entry that follows.
            ever = [number for number in self.ever if number <= max(read)]
            self.check(history, ever, is_told=not read.isdisjoint(self.ever))
            # What a killed one left unnamed is only removed once its entries are committed.
            assert set(lab.verify(self.archive)["kind"]) <= {"uncommitted", "half-written"}

    @rule(operation=st.integers(1, 80))
    def kill_an_archiver(self, operation):
        self.archivers.run(self.server.url, folder=self.archive, operation=operation)

    @rule()
    def cut_the_lines(self):
        self.client.client_kill_filter(_type="normal", skipme=True)

    @rule()
    def compact(self):
        if ranges(self.archive):
            before = entries_of(lab.read(self.archive))
            lab.compact(self.archive)
            assert entries_of(lab.read(self.archive)) == before

    @rule()
    def save(self):
        history = self.follower.history()
        history.save(f"{self.archive}-saved", overwrite=True)
        assert entries_of(lab.read(f"{self.archive}-saved")) == entries_of(history)

    def check(self, history, ever, is_told=True):
        found, [row] = entries_of(history), history.coverage.to_dict("records")
        numbers = [number for _, number in found]
        assert len(set(numbers)) == len(numbers), "an entry is there twice"
        assert len({one for one, _ in found}) == len(found), "an id is there twice"
        there = {number_in(fields[b"data"]) for _, fields in self.client.xrange(STREAM)}
        assert there <= set(numbers), "an entry of the stream was left out"
        assert set(numbers) <= set(range(1, self.published + 1)), "an entry was made up"
        if not is_told:
            return
        unseen = set(ever) - set(numbers)
        if row["certainty"] in ("exact", "at most"):
            assert row["missing"] >= len(unseen), f"more is missing than is said: {sorted(unseen)}"
        if row["certainty"] == "exact":
            assert row["missing"] == len(unseen), f"not exact: {sorted(unseen)} are missing"
            assert set(numbers) <= set(self.ever), "of a stream that is gone nobody knows what it held"

    def teardown(self):
        self.reader.close()
        self.client.close()
        self.server.stop()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("mastermind_lab.stream.schedule.LOOK", 0.01)


@pytest.mark.once
@pytest.mark.parametrize("times", [4, pytest.param(12, marks=pytest.mark.thorough)])
def test_whatever_happens(tmp_path, times, effort):
    always_the_same = effort == 1
    with Archivers(stream=STREAM) as archivers:
        run_state_machine_as_test(
            lambda: Stream(tmp_path, archivers),
            settings=settings(
                max_examples=times * effort,
                stateful_step_count=15,
                derandomize=always_the_same,
                phases=[Phase.generate],  # fifteen steps are read sooner than made fewer
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
