"""Streams that were lost, restored, rolled back and begun again: nothing is read twice or left out."""

import asyncio
from random import Random

import pytest
import redis
from lineages import Reading, Stream
from redis import asyncio as aio
from streams import Stopped, publish

import mastermind_lab as lab
from mastermind_lab.archive import Archiver
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.frames import entry_ids, id_key
from mastermind_lab.stream import StreamReader, follow_envelopes

# What happens, and how often: a reader that never reads meanwhile finds nothing out.
WEIGHTS = {
    "add": 6, "read": 6, "step": 3, "peek": 3, "dump": 3, "restore": 3,
    "trim": 2, "delete": 2, "flush": 2, "restart": 2, "add again": 1,
}  # fmt: skip


class World:
    """A stream that all sorts of things happen to, its dumps, and a reader that is held to account."""

    def __init__(self, page):
        self.stream, self.dumps, self.reading = Stream(), [], Reading(page)
        self.clock, self.accounted, self.was_imitated = 0, set(), False

    def do(self, operation, number):
        getattr(self, "_" + operation.replace(" ", "_"))(number)

    def _add(self, number):
        for _ in range(number):
            self.clock += 1
            self.stream.add(self.clock, b"%d" % self.clock)

    def _trim(self, number):
        self.stream.trim(number)

    def _delete(self, number):
        self.stream.delete(number)

    def _flush(self, _):
        self.stream = Stream()

    def _dump(self, _):
        self.dumps.append(self.stream.dump())

    def _restore(self, number):
        if self.dumps:
            self.stream = self.dumps[-1 - number % len(self.dumps)].dump()

    def _add_again(self, number):
        """Begin again with what a dump holds: entry by entry, so that the figures are new."""
        old = self.dumps[-1 - number % len(self.dumps)] if self.dumps else Stream()
        self.stream = Stream()
        self.was_imitated = True
        self.accounted |= old.path - set(old.entries)
        for entry_id, payload in old.entries:
            self.stream.add(id_key(entry_id)[1], payload)

    def _step(self, _):
        self.accounted |= self.stream.path - set(self.stream.entries) - set(self.reading.contents())
        return self.reading.step(self.stream)

    def _peek(self, _):
        self.accounted |= self.stream.path - set(self.stream.entries) - set(self.reading.contents())
        self.reading.peek(self.stream)

    def _restart(self, number):
        self.reading.restart(number + 1)

    def _read(self, _):
        for _ in range(1_000):
            if not self._step(0):
                break
        else:
            raise AssertionError("it never comes to an end")
        self._check()

    def _check(self):
        given = self.reading.contents()
        assert len(set(given)) == len(given), "given twice"
        ids = [id_key(entry_id) for entry_id, _ in self.reading.given]
        assert ids == sorted(set(ids)), "out of order"
        if not self.reading.is_untold():
            assert set(self.stream.entries) <= set(given) | self.accounted, "left out"
        # Of a stream that holds the very entries that were read nothing tells that it has others before them.
        if self.reading.certainty() in ("exact", "at most") and not self.was_imitated:
            assert set(given) <= self.stream.path, "a new beginning, or a rollback, was not noticed"
            unread = len(self.stream.path - set(given))
            assert unread <= self.reading.missing()
            assert unread == self.reading.missing() or self.reading.certainty() == "at most"


def happens(seed, length=40):
    random = Random(seed)
    names = random.choices([*WEIGHTS], [*WEIGHTS.values()], k=length)
    operations = [*((name, random.randint(1, 8)) for name in names), ("read", 0)]
    world = World(page=random.randint(1, 5))
    try:
        for operation, number in operations:
            world.do(operation, number)
    except AssertionError as error:
        raise AssertionError(f"{error}: seed {seed}, {operations}") from error


class TestWhateverHappens:
    @pytest.mark.once
    def test_each_entry_once_or_accounted_for(self):
        for seed in range(500):
            happens(seed)

    @pytest.mark.thorough
    def test_each_entry_once_or_accounted_for_many_times(self, effort):
        for seed in range(500, 500 + 2_000 * effort):
            happens(seed)


def add(raw, *numbers, text="x"):
    payload = '{"decision":{"recommendation":"%s","confidence":0.5},"meta":{"number":%d}}'
    publish(raw, [(f"{number}-0", payload % (text, number)) for number in numbers])


def names(*numbers, epoch=0):
    return [f"{number}-0" + (f"@{epoch}" if epoch else "") for number in numbers]


@pytest.fixture
def dumped(raw):
    """A stream of ten, and what brings it back as it was then."""
    add(raw, *range(1, 11))
    dump = raw.dump(STREAM)
    return lambda: raw.restore(STREAM, 0, dump, replace=True)


@pytest.fixture
def _no_waiting(monkeypatch):
    monkeypatch.setattr("mastermind_lab.stream.schedule.LOOK", 0.01)


@pytest.mark.once
@pytest.mark.usefixtures("_no_waiting")
class TestRestored:
    """Ten were read, and the stream is lost; a dump brings it back. What the reader sees meanwhile varies."""

    @pytest.fixture(params=["follower", "archive"])
    def reader(self, request, redis_url, tmp_path, dumped):
        reader = Stopped(request.param, redis_url, tmp_path / "a")
        reader.reads()
        return reader

    def ids(self, reader):
        return entry_ids(reader.reads().tables())

    @pytest.mark.parametrize("seen", [True, False])
    def test_at_once(self, raw, reader, dumped, seen):
        raw.delete(STREAM)
        if seen:
            assert self.ids(reader) == names(*range(1, 11))
        dumped()
        assert self.ids(reader) == names(*range(1, 11))
        add(raw, 11)
        # A run of the archiver that finds nothing writes nothing down: to the next one nothing has happened.
        epoch = int(seen and reader.kind == "follower")
        assert self.ids(reader) == names(*range(1, 11)) + names(11, epoch=epoch)

    @pytest.mark.parametrize("new", [(11, 12), (5, 12), (1, 2)], ids=["above", "around", "below"])
    def test_when_others_were_read(self, raw, reader, dumped, new):
        raw.delete(STREAM)
        add(raw, *new, text="new")
        self.ids(reader)
        dumped()
        add(raw, 13)
        assert self.ids(reader) == names(*range(1, 11)) + names(*new, epoch=1) + names(13, epoch=2)

    def test_trimmed_so_that_only_its_entries_tell(self, raw, reader):
        raw.xtrim(STREAM, maxlen=3, approximate=False)
        dump = raw.dump(STREAM)
        raw.delete(STREAM)
        add(raw, 1, 2, text="new")
        self.ids(reader)
        raw.restore(STREAM, 0, dump, replace=True)
        add(raw, 13)
        assert self.ids(reader) == names(*range(1, 11)) + names(1, 2, epoch=1) + names(13, epoch=2)

    def test_rolled_back_behind_a_deletion(self, raw, reader):
        """That fewer were ever added than were read is all that tells it from a hole."""
        raw.xdel(STREAM, "3-0")
        dump = raw.dump(STREAM)
        add(raw, 11, 12)
        self.ids(reader)
        raw.restore(STREAM, 0, dump, replace=True)
        add(raw, 13)
        assert self.ids(reader) == names(*range(1, 13)) + names(13, epoch=1)

    def test_back_and_forth(self, raw, reader, dumped):
        raw.delete(STREAM)
        add(raw, 11, 12, text="new")
        self.ids(reader)
        other = raw.dump(STREAM)
        for _ in range(2):
            dumped()
            self.ids(reader)
            raw.restore(STREAM, 0, other, replace=True)
            self.ids(reader)
        add(raw, 13)
        assert [one.partition("@")[0] for one in self.ids(reader)] == names(*range(1, 14))

    def test_entry_by_entry(self, raw, reader):
        raw.delete(STREAM)
        add(raw, *range(1, 6))
        self.ids(reader)
        add(raw, *range(6, 13))
        # For an archiver that wrote nothing down meanwhile it is the stream that it knows.
        epoch = int(reader.kind == "follower")
        assert self.ids(reader) == names(*range(1, 11)) + names(11, 12, epoch=epoch)

    def test_with_deletions_and_unread_entries(self, raw, reader):
        """Only that the last entry read is gone shows what has happened; nothing was trimmed."""
        raw.xdel(STREAM, "3-0")
        add(raw, 11, 12)
        dump = raw.dump(STREAM)
        raw.delete(STREAM)
        add(raw, *range(21, 24))
        self.ids(reader)
        raw.restore(STREAM, 0, dump, replace=True)
        add(raw, 31, 32, 33)
        assert self.ids(reader)[-5:] == names(11, 12, 31, 32, 33, epoch=2)


@pytest.mark.usefixtures("_no_waiting")
def test_one_archiver_through_it_all(raw, redis_url, dumped, tmp_path):
    """It commits nothing of the new beginning, and knows of it all the same."""
    with Archiver(tmp_path / "a") as archiver:
        reader = StreamReader(redis_url, (STREAM,), cursors=archiver.cursors())
        updates = iter(reader)

        def take(enough):
            for update in updates:
                archiver.take(update)
                if enough(update):
                    return

        take(lambda update: update.entries[-1:] and update.entries[-1][0] == "10-0")
        raw.delete(STREAM)
        take(lambda update: update.reset)
        take(lambda update: not update.reset)
        dumped()
        add(raw, 11)
        take(lambda update: update.entries)
        reader.close()
    history = lab.read(tmp_path / "a")
    assert entry_ids(history.tables()) == [*names(*range(1, 11)), "11-0@1"]
    assert history.coverage["certainty"].tolist() == ["not verified"]


def test_rolled_back_on_a_server_that_counts_nothing(old_server, tmp_path):
    with redis.Redis.from_url(old_server.url) as raw:
        add(raw, *range(1, 8))
        dump = raw.dump(STREAM)
        add(raw, 8, 9)
        lab.archive(old_server.url, tmp_path / "a")
        raw.restore(STREAM, 0, dump, replace=True)
        assert lab.archive(old_server.url, tmp_path / "a").resets == 1


async def test_asyncio_code_gets_none_twice(raw, redis_url, dumped, caplog):
    found = []

    async def follow():
        async with aio.from_url(redis_url) as client:
            async for entry_id, _ in follow_envelopes(client, STREAM, last_id="$", block_ms=10):
                found.append(entry_id)

    following = asyncio.create_task(follow())
    while not raw.client_list(_type="normal") or not any(
        one["cmd"].startswith("xread") for one in raw.client_list()
    ):
        await asyncio.sleep(0.01)
    raw.delete(STREAM)
    while "began again" not in caplog.text:
        await asyncio.sleep(0.01)
    dumped()
    add(raw, 11)
    while not found:
        await asyncio.sleep(0.01)
    following.cancel()
    assert found == ["11-0"]
    assert caplog.text.count("began again") == 1
