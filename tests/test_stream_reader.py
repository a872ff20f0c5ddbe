import os
import signal
import threading
import time
from contextlib import contextmanager

import pytest
import redis
from streams import answering
from waiting import blocked

import mastermind_lab as lab
from mastermind_lab.stream import Cursor, StreamReader
from mastermind_lab.stream.pages import Pages

S = "s"


def add(raw, *ids, text="x", stream=S):
    for one in ids:
        raw.xadd(stream, {"data": text}, f"{one}-0" if isinstance(one, int) else one)


@contextmanager
def following(source, *, streams=(S,), **options):
    reader = StreamReader(source, streams, **options)
    try:
        yield reader, iter(reader)
    finally:
        reader.close()


def collect(updates, enough, seconds=40):
    """Collect updates until there are enough."""
    found, end = [], time.monotonic() + seconds
    for update in updates:
        found.append(update)
        if enough(found):
            return found
        assert time.monotonic() < end, found
    return found


def ids(found):
    return [entry_id for one in found for entry_id, _ in one.entries]


def entries(count):
    return lambda found: len(ids(found)) >= count


class TestBeginning:
    @pytest.mark.parametrize(("backfill", "first"), [(0, 4), (2, 2), (3, 1), (99, 1)])
    def test_the_latest_and_then_on(self, raw, redis_url, backfill, first):
        add(raw, 1, 2, 3)
        with following(redis_url, backfill=backfill) as (_, updates):
            begun = collect(updates, lambda found: found[-1].account)
            add(raw, 4)
            found = begun + collect(updates, entries(1))
        assert ids(found) == [f"{n}-0" for n in range(first, 5)]
        assert begun[-1].account.left_out == first - 1

    def test_a_stream_that_is_not_there_yet(self, raw, redis_url):
        with following(redis_url, backfill=5) as (_, updates):
            collect(updates, lambda found: found[-1].account)
            add(raw, "0-1")
            assert ids(collect(updates, entries(1))) == ["0-1"]

    def test_a_stream_that_begins_just_after_it_was_looked_for(self, raw, redis_url, monkeypatch):
        info = Pages._info

        def info_then_begin(pages, client):
            found = info(pages, client)
            if not raw.exists(S):
                add(raw, *range(1, 51))
            return found

        monkeypatch.setattr(Pages, "_info", info_then_begin)
        with following(redis_url, backfill=5) as (_, updates):
            found = collect(updates, entries(50))
        assert ids(found) == [f"{number}-0" for number in range(1, 51)]

    def test_an_emptied_stream_that_goes_on(self, raw, redis_url):
        add(raw, 1, 2)
        raw.xtrim(S, maxlen=0)
        with following(redis_url, backfill=5) as (_, updates):
            begun = collect(updates, lambda found: found[-1].account)
            assert begun[-1].account.missing == 2
            add(raw, 3)
            found = collect(updates, entries(1))
        assert ids(found) == ["3-0"]
        assert not any(one.reset or (one.gap and one.gap.missing) for one in found)

    def test_stopped_within_its_backfill_it_goes_on_behind_what_it_gave(self, raw, redis_url, monkeypatch):
        monkeypatch.setattr("mastermind_lab.decode.batch._BATCH_BYTES", 100)
        add(raw, *range(1, 11), text="x" * 60)
        with following(redis_url, backfill=10) as (reader, updates):
            found = [next(updates), next(updates)]
            reader.close()
            updates.close()
            add(raw, 11)
            found += collect(iter(reader), lambda more: "11-0" in ids(more))
        assert ids(found) == [f"{number}-0" for number in range(1, 12)]
        assert not any(one.gap or one.reset for one in found)
        assert reader.cursors[S].ordinal == 11

    def test_several_streams(self, raw, redis_url):
        add(raw, 1, 2, stream="a")
        with following(redis_url, streams=("a", "b"), backfill=5) as (_, updates):
            collect(updates, lambda found: sum(one.account is not None for one in found) == 2)
            add(raw, 3, stream="b")
            add(raw, 3, stream="a")
            found = collect(updates, entries(2))
        assert {(one.stream, *ids([one])) for one in found if one.entries} == {("a", "3-0"), ("b", "3-0")}

    def test_going_on_from_a_cursor(self, raw, redis_url):
        add(raw, 1, 2, 3)
        with following(redis_url, cursors={S: Cursor("1-0@2", ordinal=1)}) as (_, updates):
            assert ids(collect(updates, entries(2))) == ["2-0@2", "3-0@2"]


class TestBeginningAtAnId:
    @pytest.mark.parametrize(
        ("since", "first"),
        [
            ("0", "1-0"),
            ("2", "2-0"),
            ("2-0", "2-0"),
            ("2-1", "2-5"),
            ("2-6", "3-0"),
            ("3-1", "4-0"),
            ("9", "4-0"),
        ],
    )
    def test_inclusive_and_then_on(self, raw, redis_url, since, first):
        add(raw, 1, "2-0", "2-5", 3)
        with following(redis_url, since=since, backfill=2) as (_, updates):
            found = [next(updates)]
            add(raw, 4)
            found += collect(updates, lambda more: "4-0" in ids(more))
        assert ids(found) == ids_from(first, ["1-0", "2-0", "2-5", "3-0", "4-0"])
        assert not any(one.reset or one.gap for one in found)

    def test_a_stream_that_is_not_there_yet(self, raw, redis_url):
        with following(redis_url, since="7-0") as (_, updates):
            assert "no stream" in next(updates).account.note
            add(raw, 7)
            assert ids(collect(updates, entries(1))) == ["7-0"]

    def test_what_was_trimmed_since_the_very_beginning_is_counted(self, raw, redis_url):
        add(raw, *range(1, 11))
        raw.xtrim(S, maxlen=4, approximate=False)
        with following(redis_url, since="0") as (_, updates):
            found = collect(updates, entries(4))
        assert [one.gap.missing for one in found if one.gap] == [6]

    def test_many_pages(self, raw, redis_url):
        add(raw, *range(1, 1_001))
        with following(redis_url, since="501") as (_, updates):
            found = collect(updates, entries(500))
        assert ids(found) == [f"{number}-0" for number in range(501, 1_001)]


def ids_from(first, all_ids):
    return all_ids[all_ids.index(first) :]


class TestFaults:
    @contextmanager
    def begun(self, url, raw, *first):
        add(raw, *first)
        with following(url, backfill=100) as (reader, updates):
            collect(updates, lambda found: found[-1].account)
            yield reader, updates

    def test_a_killed_connection_loses_nothing(self, raw, redis_url):
        with self.begun(redis_url, raw, 1) as (_, updates):
            next(updates)
            with raw.pipeline(transaction=True) as both:
                both.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                both.xadd(S, {"data": "x"}, "2-0")
                both.execute()
            assert ids(collect(updates, entries(1))) == ["2-0"]

    def test_a_killed_server_shows_within_a_second_and_is_waited_for(self, make_server, tmp_path):
        # It keeps its data: one that came back empty would be a stream that began again.
        server = make_server("--dir", str(tmp_path), "--appendonly", "yes", "--appendfsync", "always")
        with redis.Redis.from_url(server.url) as raw, self.begun(server.url, raw, 1) as (_, updates):
            next(updates)
            os.kill(server.pid, signal.SIGKILL)
            began = time.monotonic()
            [*_, last] = collect(updates, lambda found: found[-1].transient_error)
            assert time.monotonic() - began < 1
            assert "no Redis answers" in str(last.transient_error)
            server.start()
            add(raw, 2)
            found = collect(updates, entries(1))
        assert [one.reset for one in found].count(True) == 0
        assert ids(found) == ["2-0"]

    def test_a_frozen_server_shows_and_nothing_is_doubled(self, server):
        with redis.Redis.from_url(server.url) as raw, self.begun(server.url, raw, 1) as (_, updates):
            os.kill(server.pid, signal.SIGSTOP)
            began = time.monotonic()
            collect(updates, lambda found: found[-1].transient_error)
            shown = time.monotonic() - began
            os.kill(server.pid, signal.SIGCONT)
            add(raw, 2)
            assert ids(collect(updates, entries(1))) == ["2-0"]
        assert shown < 3.5

    def test_no_server_at_first(self, server):
        server.stop()
        with following(server.url, backfill=5) as (_, updates):
            assert next(updates).transient_error
            server.start()
            with redis.Redis.from_url(server.url) as raw:
                add(raw, 1)
                assert ids(collect(updates, entries(1))) == ["1-0"]

    @pytest.mark.parametrize("reply", ["TIMEOUT", "ERROR"])
    def test_being_unblocked_is_no_fault(self, raw, redis_url, reply):
        with self.begun(redis_url, raw, 1) as (_, updates):
            waiting = threading.Thread(target=lambda: collect(updates, entries(1)))
            waiting.start()
            blocked(raw)
            for client in raw.client_list(_type="normal"):
                if client["cmd"] == "xread":
                    raw.client_unblock(client["id"], error=reply == "ERROR")
            add(raw, 2)
            waiting.join(40)
            assert not waiting.is_alive()

    def test_a_server_that_becomes_a_replica(self, server):
        """It has nowhere to copy from, and shows what it had; back as a master it goes on."""
        with redis.Redis.from_url(server.url) as raw, self.begun(server.url, raw, 1) as (_, updates):
            waiting = threading.Thread(target=lambda: collect(updates, entries(1)))
            waiting.start()
            blocked(raw)
            raw.replicaof("127.0.0.1", "1")
            raw.replicaof("NO", "ONE")
            add(raw, 2)
            waiting.join(40)
            assert not waiting.is_alive()

    def test_a_line_that_was_closed_while_nobody_read(self, raw, redis_url):
        with self.begun(redis_url, raw, 1) as (_, updates):
            raw.client_kill_filter(_type="normal", skipme=True)
            add(raw, 2)
            assert ids(collect(updates, entries(1))) == ["2-0"]

    @pytest.mark.parametrize(
        ("said", "shown"),
        [
            ("LOADING Redis is loading the dataset in memory", "still loading"),
            ("MASTERDOWN Link with MASTER is down", "MASTER is down"),
            ("ERR max number of clients reached", "max number of clients"),
        ],
    )
    def test_a_server_that_is_not_ready_is_waited_for(self, said, shown):
        with answering(f"-{said}\r\n".encode()) as url, following(url) as (_, updates):
            found = [str(one.transient_error) for one, _ in zip(updates, range(2), strict=False)]
        assert all(shown in one for one in found), found

    def test_a_wrong_password_is_lasting(self, make_server):
        server = make_server("--requirepass", "right")
        with (
            following(server.url.replace("//", "//:canary@"), backfill=1) as (_, updates),
            pytest.raises(lab.SourceError, match="password") as caught,
        ):
            list(updates)
        assert "canary" not in str(caught.value)

    def test_a_user_deleted_while_reading_is_lasting(self, server):
        with redis.Redis.from_url(server.url) as raw:
            raw.acl_setuser("me", enabled=True, passwords=["+p"], keys=["*"], commands=["+@all"])
            with self.begun(server.url.replace("//", "//me:p@"), raw, 1) as (_, updates):
                raw.acl_deluser("me")
                with pytest.raises(lab.SourceError, match="password"):
                    collect(updates, lambda _: False)

    @pytest.mark.parametrize("backfill", [0, 5])
    def test_a_key_of_another_type_is_lasting(self, raw, redis_url, backfill):
        raw.set(S, "text")
        with (
            following(redis_url, backfill=backfill) as (_, updates),
            pytest.raises(lab.SourceError, match="is not a stream"),
        ):
            list(updates)

    def test_a_key_that_becomes_another_type(self, raw, redis_url):
        with self.begun(redis_url, raw, 1) as (_, updates):
            raw.set(S, "text")
            with pytest.raises(lab.SourceError, match="is not a stream"):
                collect(updates, lambda _: False)

    def test_too_many_clients_are_waited_out(self, server):
        with redis.Redis.from_url(server.url) as raw:
            add(raw, 1)
            raw.config_set("maxclients", 1)
            with following(server.url, backfill=5) as (_, updates):
                assert "max number of clients" in str(next(updates).transient_error)
                raw.config_set("maxclients", 100)
                assert ids(collect(updates, entries(1))) == ["1-0"]

    def test_a_hundred_reconnects_leave_nothing(self, raw, redis_url):
        with self.begun(redis_url, raw, 1) as (_, updates):
            files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
            for number in range(2, 102):
                raw.client_kill_filter(_type="normal", skipme=True)
                add(raw, number)
                collect(updates, entries(1))
            assert len(os.listdir("/proc/self/fd")) <= files + 1
            assert threading.active_count() <= threads

    def test_closing_ends_a_waiting_read_at_once(self, raw, redis_url):
        with self.begun(redis_url, raw, 1) as (reader, updates):
            waiting = threading.Thread(target=lambda: list(updates))
            waiting.start()
            blocked(raw)
            began = time.monotonic()
            reader.close()
            waiting.join(5)
            assert time.monotonic() - began < 0.9
        while len(raw.client_list()) > 1:  # the server may hear of it a moment later
            time.sleep(0.01)

    def test_without_the_right_to_multi_and_xinfo(self, server):
        with redis.Redis.from_url(server.url) as raw:
            raw.acl_setuser(
                "poor", enabled=True, passwords=["+p"], keys=["*"],
                commands=["+xread", "+xrange", "+xrevrange"],
            )  # fmt: skip
            with self.begun(server.url.replace("//", "//poor:p@"), raw, 1) as (reader, updates):
                add(raw, 2)
                assert ids(collect(updates, entries(1))) == ["2-0"]
                assert not reader.cursors[S].is_verified


class TestTheStreamItself:
    """What trimming, deleting, restarting and setting ids does to a cursor that has read 1 to 10."""

    @pytest.fixture
    def read(self, raw, redis_url):
        add(raw, *range(1, 11))
        with following(redis_url, backfill=100) as (_, updates):
            collect(updates, lambda found: found[-1].account)
            collect(updates, lambda found: True)
            # The reader waits at its doorbell only when asked on: what is done now happens unseen.
            yield updates

    def gaps(self, found):
        return [one.gap[:4] for one in found if one.gap]

    def test_trimmed_past_the_cursor(self, raw, read):
        with raw.pipeline(transaction=True) as both:
            for number in range(11, 21):
                both.xadd(S, {"data": "x"}, f"{number}-0")
            both.xtrim(S, maxlen=3, approximate=False)
            both.execute()
        found = collect(read, entries(3))
        assert self.gaps(found) == [("10-0", "18-0", 7, "at most")]
        assert ids(found) == ["18-0", "19-0", "20-0"]

    def test_emptied(self, raw, read):
        with raw.pipeline(transaction=True) as both:
            both.xadd(S, {"data": "x"}, "11-0")
            both.xtrim(S, maxlen=0)
            both.execute()
        found = collect(read, lambda found: self.gaps(found))
        add(raw, 12)
        found += collect(read, entries(1))
        assert self.gaps(found) == [("10-0", None, 1, "at most"), ("11-0", "12-0", 0, "at most")]
        assert ids(found) == ["12-0"]

    def test_deleted_in_the_middle_is_no_false_alarm(self, raw, read):
        raw.xdel(S, "5-0", "10-0")
        add(raw, 11, 12)
        raw.xdel(S, "11-0")
        found = collect(read, entries(1))
        assert ids(found) == ["12-0"]
        assert self.gaps(found) == [("10-0", None, 1, "at most")]
        assert not any(one.reset for one in found)

    def test_deleted_and_trimmed_is_at_most(self, raw, read):
        add(raw, 11, 12, 13)
        raw.xdel(S, "12-0")
        raw.xtrim(S, minid="11-0", approximate=False)
        found = collect(read, entries(2))
        assert self.gaps(found) == [("10-0", "11-0", 1, "at most")]

    def test_a_last_id_set_forward_is_no_rollback(self, raw, read):
        raw.execute_command("XSETID", S, "50-0")
        add(raw, 51)
        found = collect(read, entries(1))
        assert ids(found) == ["51-0"]
        assert not any(one.gap or one.reset for one in found)

    @pytest.mark.parametrize("numbers", [(3, 4), (11, 12, 13), range(1, 11), range(1, 16)])
    def test_begun_again(self, raw, read, numbers):
        with raw.pipeline(transaction=True) as both:
            both.delete(S)
            for number in numbers:
                both.xadd(S, {"data": "new"}, f"{number}-0")
            both.execute()
        found = collect(read, entries(len(numbers)))
        assert ids(found) == [f"{number}-0@1" for number in numbers]
        assert [one.reset for one in found].count(True) == 1

    def test_deleted_is_said_and_waited_for(self, raw, read):
        raw.delete(S)
        collect(read, lambda found: found[-1].reset)
        add(raw, 2, text="new")
        assert ids(collect(read, entries(1))) == ["2-0@1"]

    @pytest.mark.parametrize("added", [(), (9,), (11,), (8, 9, 10, 11), range(11, 30)])
    def test_rolled_back_by_a_restart_from_an_old_dump(self, raw, read, added):
        """The dump holds 1 to 7; what is written after the restart may or may not pass the cursor."""
        dump = [(one, fields) for one, fields in raw.xrange(S, "-", "7-0")]
        with raw.pipeline(transaction=True) as both:
            both.delete(S)
            for one, fields in dump:
                both.xadd(S, fields, one)
            for number in added:
                both.xadd(S, {"data": "new"}, f"{number}-0")
            both.execute()
        found = collect(read, lambda found: found[-1].reset)
        found += collect(read, entries(len(added))) if added else []
        assert ids(found) == [f"{number}-0@1" for number in added]


def test_an_old_server_is_not_verified(old_server):
    with redis.Redis.from_url(old_server.url) as raw:
        add(raw, 1)
        with following(old_server.url, backfill=5) as (reader, updates):
            collect(updates, lambda found: found[-1].account)
            add(raw, 2)
            assert ids(collect(updates, entries(1))) == ["2-0"]
            assert not reader.cursors[S].is_verified


@pytest.mark.parametrize("count", [2_500, pytest.param(100_000, marks=pytest.mark.thorough)])
def test_many_entries_in_one_millisecond(raw, redis_url, count):
    """Their order is that of both numbers: as text, 10 comes before 9."""
    script = "for n = 1, ARGV[1] do redis.call('XADD', KEYS[1], '7-' .. n, 'data', 'x') end"
    raw.eval(script, 1, S, count)
    with following(redis_url, since="0") as (_, updates):
        found = ids(collect(updates, entries(count), 150))
    assert found == [f"7-{number}" for number in range(1, count + 1)]
    assert [one for page in reversed([*Pages(redis_url, S)]) for one, _ in page] == found


def test_ids_at_the_limits(raw, redis_url):
    with following(redis_url, backfill=5) as (_, updates):
        collect(updates, lambda found: found[-1].account)
        sent = ["0-1", "9-18446744073709551615", "10-0", "18446744073709551615-18446744073709551615"]
        add(raw, *sent)
        assert ids(collect(updates, entries(4))) == sent
