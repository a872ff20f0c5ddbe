"""Several streams archived by one process, each to a folder of its own."""

import threading
from functools import partial
from urllib.parse import quote

import duckdb
import pytest
import redis
from command_line import run
from killed_archivers import Archivers
from waiting import until

import mastermind_lab as lab
from mastermind_lab.archive import Archiver, Archiving
from mastermind_lab.frames import entry_ids
from mastermind_lab.stream import StreamReader

pytestmark = pytest.mark.once

A, B, C = "maf:arena:a", "maf:arena:b", "c/..#?%=*"
PAYLOAD = '{"decision": {"recommendation": "ship", "confidence": 0.8}, "meta": {"n": %d}}'


def add(raw, stream, *numbers):
    for number in numbers:
        raw.xadd(stream, {"data": PAYLOAD % number}, f"{number}-0")


def names(*numbers):
    return [f"{number}-0" for number in numbers]


def ids(root, stream):
    return entry_ids(lab.read(root / f"arena={quote(stream, safe='')}").tables())


@pytest.fixture
def root(tmp_path):
    return tmp_path / "fleet"


def test_each_goes_to_a_folder_of_its_own_and_goes_on_there(raw, redis_url, root):
    for stream in (A, B, C):
        add(raw, stream, 1, 2)
    done = lab.archive(redis_url, root, stream=[A, B, C])
    assert [(one.stream, one.entries, one.last_id) for one in done.values()] == [
        (A, 2, "2-0"), (B, 2, "2-0"), (C, 2, "2-0"),
    ]  # fmt: skip
    assert sorted(one.name for one in root.iterdir()) == [
        "arena=c%2F..%23%3F%25%3D%2A", "arena=maf%3Aarena%3Aa", "arena=maf%3Aarena%3Ab",
    ]  # fmt: skip
    add(raw, B, 3)
    done = lab.archive(redis_url, root, stream=(B, A))
    assert [(name, one.resumed_from, one.entries) for name, one in done.items()] == [
        (B, "2-0", 1), (A, "2-0", 0),
    ]  # fmt: skip
    assert (ids(root, A), ids(root, B), ids(root, C)) == (names(1, 2), names(1, 2, 3), names(1, 2))
    for folder in root.iterdir():
        assert lab.verify(folder).empty
        assert lab.read(folder).coverage["certainty"].tolist() == ["exact"]


def test_one_in_a_list_lies_where_it_lies_among_others(raw, redis_url, root):
    add(raw, A, 1)
    assert lab.archive(redis_url, root, stream=[A])[A].entries == 1
    assert lab.archive(redis_url, root, stream=[A, B])[A].entries == 0


def test_other_programs_read_the_name_as_a_partition(raw, redis_url, root):
    add(raw, A, 1, 2)
    add(raw, B, 3)
    lab.archive(redis_url, root, stream=[A, B])
    found = duckdb.sql(
        f"SELECT arena, count(*) FROM read_parquet('{root}/*/decisions/*/*.parquet', hive_partitioning=true) "
        "GROUP BY arena ORDER BY arena"
    ).fetchall()
    assert found == [(A, 2), (B, 1)]


def test_bounds_hold_for_each(raw, redis_url, root):
    add(raw, A, *range(1, 10))
    add(raw, B, 4)
    done = lab.archive(redis_url, root, stream=[A, B], since="3-0", until="5-0")
    assert (ids(root, A), ids(root, B)) == (names(3, 4, 5), names(4))
    assert (done[A].left_out, done[B].left_out) == (6, 0)


def test_following_ends_where_all_have_passed_the_end(raw, redis_url, root):
    add(raw, A, 1)
    run = Archiving(redis_url, root, stream=[A, B], follow=True, until="5-0")
    working = threading.Thread(target=lambda: list(run))
    working.start()
    add(raw, A, 5, 6)
    until(lambda: working.is_alive())
    add(raw, B, 7)
    working.join(30)
    assert not working.is_alive()
    assert ids(root, A) == names(1, 5)


def test_one_that_has_passed_the_end_is_not_read_on(raw, redis_url, root, monkeypatch):
    left, leave = [], StreamReader.leave
    monkeypatch.setattr(StreamReader, "leave", lambda reader, name: left.append(name) or leave(reader, name))
    add(raw, A, 6)
    run = Archiving(redis_url, root, stream=[A, B], follow=True, until="5-0")
    for progress in run:
        if progress.stream == A and not raw.exists(B):
            add(raw, B, 7)
    assert left == [A]


@pytest.mark.parametrize("follow", [False, True])
def test_one_that_cannot_be_read_keeps_none_of_the_others(raw, redis_url, root, follow):
    add(raw, A, 1, 2)
    raw.set("text", "no stream")
    known = {}
    run = Archiving(redis_url, root, stream=["text", A, "later"], follow=follow, since="1-0")
    for now in run:
        known[now.stream] = now
        if now.stream == A and now.waiting == 2:
            add(raw, "later", 1)
        if follow and known.keys() == {"text", A, "later"} and known["later"].waiting:
            run.stop()
    assert (known[A].entries, known["later"].entries) == (2, int(follow))
    assert "'text' is not a stream" in known["text"].refused
    assert known[A].refused is None


def test_none_of_them_can_be_read(raw, redis_url, root):
    raw.set("text", "no stream")
    raw.set("more", "no stream")
    with pytest.raises(lab.SourceError, match="is not a stream"):
        lab.archive(redis_url, root, stream=["text", "more"])


def test_two_archivers_that_share_one(raw, redis_url, root):
    """The second says who has it, and lets go of what it held: nothing is doubled."""
    for stream in (A, B):
        add(raw, stream, 1)
    first = Archiving(redis_url, root, stream=[A, B], follow=True)
    updates = iter(first)
    assert [next(updates).stream, next(updates).stream] == [A, B]
    with pytest.raises(
        lab.SourceError, match=r"arena=maf%3Aarena%3Ab is being written by an archiver \(proc"
    ):
        lab.archive(redis_url, root, stream=["other", B])
    assert lab.archive(redis_url, root, stream=["other"])["other"].entries == 0
    first.stop()
    list(updates)
    assert lab.archive(redis_url, root, stream=[B, "other"])[B].entries == 0
    assert ids(root, B) == names(1)


def test_a_follower_of_several_archives_each_and_goes_on_there(raw, redis_url, root):
    for upto in (2, 4):
        for stream in (A, B):
            add(raw, stream, *range(upto - 1, upto + 1))
        with lab.Follower(redis_url, stream=[A, B], archive=root) as follower:
            until(lambda: follower.status.received == 4)
            decisions, coverage = follower.history().decisions, follower.history().coverage
        assert decisions.groupby("stream").size().to_dict() == {A: 2, B: 2}
        assert coverage["left_out"].tolist() == [upto - 2] * 2
        assert coverage["certainty"].tolist() == ["exact"] * 2
    assert (ids(root, A), ids(root, B)) == (names(1, 2, 3, 4), names(1, 2, 3, 4))
    assert lab.archive(redis_url, root, stream=[A, B])[B].entries == 0


def test_a_follower_begun_again_shows_each_entry_of_each_stream_once(raw, redis_url, root):
    """What was not in an archive yet is read again: each stream by itself knows how far it was."""
    add(raw, B, 2, 3)
    follower = lab.Follower(redis_url, stream=[A, B], archive=root)
    with follower:
        until(lambda: follower.status.received == 2)
        add(raw, A, 1, 9)
        until(lambda: follower.status.received == 4)
    add(raw, B, 5)
    with follower:
        until(lambda: follower.status.received == 5)
    found = follower.history().decisions.groupby("stream")["meta.n"].agg(sorted).to_dict()
    assert found == {A: [1, 9], B: [2, 3, 5]}


@pytest.mark.further
def test_what_waits_for_several_together_is_what_may_wait_for_one(raw, redis_url, root, monkeypatch):
    few = [f"stream:{number}" for number in range(8)]
    monkeypatch.setattr("mastermind_lab.live.source.Archiver", partial(Archiver, part_bytes=1_000))
    held, real = [], Archiver.take
    monkeypatch.setattr(Archiver, "take", lambda sink, update: held.append(sink) or real(sink, update))
    for stream in few:
        add(raw, stream, *range(1, 9))
    with lab.Follower(redis_url, stream=few, archive=root) as follower:
        until(lambda: follower.status.received == 64)
        assert sum(one.size for one in {*held}) <= 4_000
    assert [ids(root, stream) for stream in few] == [names(*range(1, 9))] * 8


def test_an_archive_of_one_and_those_of_several_are_not_mixed(raw, redis_url, root, tmp_path):
    add(raw, A, 1)
    lab.archive(redis_url, root, stream=[A, B])
    with pytest.raises(lab.OptionError, match=r"give the folder arena=maf%3Aarena%3Aa in it"):
        lab.archive(redis_url, root, stream=A)
    lab.archive(redis_url, tmp_path / "one", stream=A)
    with pytest.raises(lab.OptionError, match="is an archive of one stream"):
        lab.archive(redis_url, tmp_path / "one", stream=[A, B])
    assert lab.archive(redis_url, root / "arena=maf%3Aarena%3Aa", stream=A).entries == 0


@pytest.mark.parametrize("several", [[], [A, A], [A, 5], [A, ""], {A: "0"}, b"a", None])
def test_what_is_no_list_of_streams(several, root):
    with pytest.raises(lab.OptionError, match=r"expected a stream's name|named twice"):
        lab.archive("redis://localhost:1", root, stream=several)
    assert not root.exists()


@pytest.mark.parametrize("name", ["\udcff", ["a", "\udcff"]])
def test_a_name_that_no_server_can_be_told(name, root):
    url = "redis://localhost:1"
    for act in (
        lambda: lab.archive(url, root, stream=name),
        lambda: lab.Follower(url, stream=name),
        lambda: lab.read(url, stream="\udcff"),
        lambda: lab.scan(url, stream="\udcff"),
    ):
        with pytest.raises(lab.OptionError, match=r"stream='\\udcff': it has letters"):
            act()
    assert not root.exists()


def test_memory_is_that_of_some_parts_however_many_streams(raw, redis_url, root, monkeypatch):
    streams, most = [f"arena:{number}" for number in range(8)], []
    for stream in streams:
        add(raw, stream, *range(1, 21))
    size = Archiver.size
    open_ones = []
    made = Archiver.__init__

    def noted(archiver, *arguments, **options):
        made(archiver, *arguments, **options)
        open_ones.append(archiver)

    monkeypatch.setattr(Archiver, "__init__", noted)
    for _ in Archiving(redis_url, root, stream=streams, part_bytes=2_000):
        most.append(sum(size.fget(one) for one in open_ones))
    assert max(most) < 4 * 2_000 + 2_000
    assert len(ids(root, streams[-1])) == 20


@pytest.mark.thorough
def test_killed_again_and_again_each_has_every_entry_once(redis_url, raw, root):
    streams, published = [A, B], 0
    with Archivers(stream=streams) as archivers:
        for operation in (3, 17, 38, 60, 90):
            for stream in streams:
                add(raw, stream, published + 1, published + 2)
            published += 2
            archivers.run(redis_url, root, operation=operation)
        archivers.run(redis_url, root)
        assert archivers.phases.total() >= 4
    for stream in streams:
        assert ids(root, stream) == names(*range(1, published + 1))
    for folder in root.iterdir():
        assert lab.verify(folder).empty
        assert lab.read(folder).coverage["certainty"].tolist() == ["exact"]


@pytest.mark.thorough
def test_killed_at_file_operations_of_either(redis_url, raw, root):
    """Of a run that makes two folders and writes to both; the next one has them in another order."""
    for stream in (A, B):
        add(raw, stream, 1, 2, 3)
    with Archivers(stream=[A, B]) as archivers:
        for operation in range(5, 200, 11):
            folder = root / str(operation)
            was_killed = archivers.run(redis_url, folder, operation=operation)
            lab.archive(redis_url, folder, stream=[B, A])
            assert (ids(folder, A), ids(folder, B)) == (names(1, 2, 3), names(1, 2, 3))
            if not was_killed:
                break
    assert operation > 80


def test_on_the_command_line(raw, redis_url, root):
    add(raw, A, 1, 2)
    add(raw, B, 3)
    raw.set("text", "no stream")
    arguments = "archive", redis_url, str(root), "--stream", A, "--stream", B
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert "2 entries (no rejects) in 1 part went to" in done.stdout + done.stderr
    assert f"{A}: part 1" in done.stdout + done.stderr
    done = run(*arguments, "--stream", "text")
    assert done.returncode == 1
    assert "not archived: " in done.stdout + done.stderr
    assert "'text' is not a stream" in done.stdout + done.stderr
    assert ids(root, A) == names(1, 2)
    assert run("archive", redis_url, str(root / "one"), "--stream", A).returncode == 0
    assert entry_ids(lab.read(root / "one").tables()) == names(1, 2)


def test_an_unreachable_server_is_no_matter_of_one_stream(root):
    with pytest.raises(lab.SourceError, match="no Redis answers"):
        lab.archive("redis://localhost:1", root, stream=[A, B])


def test_one_that_may_not_be_read(server, root):
    with redis.Redis.from_url(server.url) as raw:
        add(raw, A, 1)
        add(raw, "secret", 1)
        raw.acl_setuser("me", enabled=True, passwords=["+p"], keys=["maf*"], commands=["+@all"])
        done = lab.archive(server.url.replace("//", "//me:p@"), root, stream=["secret", A])
    assert done[A].entries == 1
    assert "may not read the stream 'secret'" in done["secret"].refused
