"""The archive: a stream in committed parts, each entry once, whatever happens to it and to the folder."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pytest
import redis
from command_line import environment, run
from forked import Forked
from refused import no_room, nobody
from rich.progress import Progress
from waiting import until

import mastermind_lab as lab
from mastermind_lab import storage
from mastermind_lab.archive import Archived, Archiver, Archiving, stopping
from mastermind_lab.frames import Account, entry_ids
from mastermind_lab.snapshot import opened, ranges
from mastermind_lab.snapshot.resume import ResumePoint
from mastermind_lab.storage import LOCK
from mastermind_lab.stream import Gap, StreamUpdate

S = "s"
DAY = 1_795_392_000_000  # 2026-11-23


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "archive"


def payload(number, text="x"):
    return json.dumps(
        {"decision": {"recommendation": text, "confidence": 0.5}, "meta": {"number": number}}
    ).encode()


def add(raw, *numbers, text="x"):
    """Add entries; every tenth is malformed."""
    for one in numbers:
        raw.xadd(S, {"data": b"broken" if one % 10 == 0 else payload(one, text)}, f"{DAY + one}-0")


def name(number, epoch=0):
    return f"{DAY + number}-0" + (f"@{epoch}" if epoch else "")


def names(*numbers, epoch=0):
    return [name(number, epoch) for number in numbers]


def put(source, folder, **options):
    return lab.archive(source, folder, stream=S, **options)


def ids(folder):
    return entry_ids(lab.read(folder).tables())


def contents(folder):
    """All payloads by id, valid or not."""
    history = lab.read(folder, payloads=True)
    found = [*history.payloads.itertuples(index=False)]
    found += history.rejects[["stream_id", "payload"]].itertuples(index=False)
    assert len({one for one, _ in found}) == len(found)
    return dict(map(tuple, found))


def missing(folder):
    [row] = lab.read(folder).coverage[["missing", "certainty"]].itertuples(index=False)
    return tuple(row)


class TestARun:
    def test_every_entry_once_byte_for_byte(self, raw, redis_url, folder):
        add(raw, *range(1, 31))
        done = put(redis_url, folder)
        assert (done.entries, done.rejects, done.parts) == (30, 3, 1)
        assert (done.resumed_from, done.last_id) == (None, name(30))
        assert contents(folder) == {one.decode(): fields[b"data"] for one, fields in raw.xrange(S)}

    def test_it_goes_on_where_the_folder_ends(self, raw, redis_url, folder):
        add(raw, *range(1, 11))
        put(redis_url, folder)
        add(raw, *range(11, 16))
        done = put(redis_url, folder)
        assert (done.entries, done.resumed_from) == (5, name(10))
        assert put(redis_url, folder).entries == 0
        assert ids(folder) == names(*range(1, 16))

    def test_a_client_is_a_source_too(self, raw, folder):
        add(raw, 1)
        assert put(raw, folder).entries == 1

    def test_the_same_history_as_reading_the_stream(self, raw, redis_url, folder):
        add(raw, *range(1, 31))
        put(redis_url, folder)
        archived, read = lab.read(folder), lab.read(redis_url, stream=S)
        assert archived.decisions.equals(read.decisions)
        assert archived.rejects.equals(read.rejects)
        assert archived.coverage.equals(read.coverage)

    def test_nothing_yet(self, redis_url, folder):
        done = put(redis_url, folder)
        assert (done.entries, done.parts, done.last_id) == (0, 0, None)

    @pytest.mark.parametrize("limits", [{}, {"last": 3}, {"since": "1h"}])
    def test_what_has_nothing_in_it_yet_is_an_empty_history_that_says_so(
        self, raw, redis_url, folder, limits
    ):
        put(redis_url, folder)
        (folder / "votes").mkdir()
        (folder / "votes/.part.half").write_bytes(b"of a first commit")
        history = lab.read(folder, **limits)
        assert {len(history.decisions), len(history.rejects)} == {0}
        [told] = history.coverage.itertuples()
        assert (told.source, told.entries, told.certainty) == (str(folder), 0, "not verified")
        assert told.note == "an archive with nothing in it yet"
        assert (limits or {"": ""}).keys() == {told.limits.split("=")[0]}
        assert told.limits.count("since") == ("since" in limits)
        assert lab.verify(folder)["kind"].tolist() == ["half-written"]
        with pytest.raises(lab.SourceError, match="an archive with nothing in it yet"):
            lab.compact(folder)
        add(raw, 1, 2)
        both = lab.read([folder, redis_url], stream=S, **limits)
        assert both.decisions["stream_id"].tolist() == names(1, 2)
        assert both.coverage["entries"].tolist() == [0, 2]

    def test_files_beside_a_lock_are_read_as_files(self, redis_url, folder):
        put(redis_url, folder)
        assert [len(one) for one in lab.scan(folder)] == [0]
        (folder / "run.ndjson").write_bytes(payload(1))
        assert len(lab.read(folder)) == 1
        (folder / "run.ndjson").rename(folder / "run.txt")
        with pytest.raises(lab.SourceError, match="holds no envelopes"):
            lab.read(folder)

    def test_without_payloads(self, raw, redis_url, folder):
        add(raw, *range(1, 6))
        put(redis_url, folder, payloads=False)
        assert not (folder / "payloads").exists()
        add(raw, 6)
        assert put(redis_url, folder, payloads=False).entries == 1

    def test_parts_by_size(self, raw, redis_url, folder):
        add(raw, *range(1, 1_001))
        done = put(redis_url, folder, part_bytes=4_000)
        assert done.parts == len(ranges(folder)) == 3
        assert ids(folder) == names(*range(1, 1_001))
        after = [one.metadata["after"] for one in ranges(folder)]
        assert after == ["", *(one.last_id for one in ranges(folder)[:-1])]

    @pytest.mark.further
    def test_it_ends_where_the_stream_ended_at_the_start(self, raw, redis_url, folder):
        add(raw, *range(1, 200))
        run = iter(Archiving(redis_url, folder, stream=S))
        next(run)
        add(raw, *range(200, 3_000))
        *_, done = run
        assert 199 <= done.entries < 2_999

    def test_no_server(self, server, folder):
        server.stop()
        with pytest.raises(lab.SourceError, match="no Redis answers"):
            put(server.url, folder)

    @pytest.mark.parametrize("options", [{"part_bytes": 0}, {"part_seconds": 0}])
    def test_options_that_make_no_sense(self, redis_url, folder, options):
        with pytest.raises(lab.OptionError, match="above 0"):
            put(redis_url, folder, **options)

    def test_payloads_are_for_the_owner_alone(self, raw, redis_url, folder):
        add(raw, *range(1, 11))
        put(redis_url, folder)
        for frame in ("payloads", "rejects"):
            [part] = (folder / frame).rglob("*.parquet")
            assert stat.S_IMODE(part.stat().st_mode) == 0o600

    @pytest.mark.parametrize("stream", ["../../x", "a\0b", "n" * 300, "\x1b[31m", "{tag}:ü"])
    def test_names_of_streams_never_reach_the_file_system(self, raw, redis_url, folder, stream):
        raw.xadd(stream, {"data": payload(1)}, name(1))
        lab.archive(redis_url, folder, stream=stream)
        assert lab.read(folder).coverage["stream"].tolist() == [stream]
        assert [one.name for one in folder.parent.iterdir()] == ["archive"]
        parts = [one.name for one in folder.rglob("*.parquet")]
        assert set(parts) == {f"part-0-{name(1)}-{name(1)}.parquet"}


@pytest.mark.thorough
@pytest.mark.timeout(180)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is told by Linux")
def test_memory_is_that_of_a_part_however_long_the_stream(raw, redis_url, tmp_path):
    """Three times the entries, the same peak: to hold them all would take 90 MB more."""
    code = (
        "import sys, mastermind_lab as lab; lab.archive(*sys.argv[1:3], stream='s', part_bytes=2**21)\n"
        "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    peaks = []
    for number, count in enumerate((45_000, 90_000)):
        with raw.pipeline(transaction=False) as pipe:
            for _ in range(count):
                pipe.xadd(S, {"data": payload(1, "x" * 1_000)})
            pipe.execute()
        done = subprocess.check_output([sys.executable, "-c", code, redis_url, tmp_path / str(number)])
        peaks.append(int(done) / 1024)
    assert peaks[1] - peaks[0] < 30


class TestFollowing:
    @pytest.fixture
    def following(self, redis_url, folder):
        """Starts a run in a thread; gives the run, and a way to wait for a state of it."""
        runs = []

        def start(**options):
            run = Archiving(options.pop("source", redis_url), folder, stream=S, follow=True, **options)
            said, faults = [], []

            def work():
                try:
                    for one in run:
                        said.append(one)
                except lab.LabError as error:
                    faults.append(error)

            thread = threading.Thread(target=work)
            thread.start()
            runs.append((run, thread))

            def until(enough, seconds=60):
                end = time.monotonic() + seconds
                while not (said and enough(said[-1])):
                    assert time.monotonic() < end, said[-1:]
                    assert thread.is_alive(), faults
                    time.sleep(0.005)
                return said[-1]

            def ended():
                run.stop()
                thread.join(60)
                assert not thread.is_alive()
                return said[-1]

            return until, ended

        yield start
        for one, thread in runs:
            one.stop()
            thread.join(60)

    def test_what_is_added_later_and_the_last_part_at_the_end(self, raw, following, folder):
        add(raw, 1, 2)
        until, ended = following()
        until(lambda now: now.waiting == 2)
        add(raw, 3)
        until(lambda now: now.waiting == 3)
        assert ranges(folder) == []
        assert ended().parts == 1
        assert ids(folder) == names(1, 2, 3)

    def test_an_old_part_is_written_though_nothing_comes(self, raw, following):
        add(raw, 1, 2)
        until, _ = following(part_seconds=0.5)
        until(lambda now: now.parts == 1 and now.entries == 2)

    def test_a_stream_that_begins_again_is_kept_apart(self, raw, following, folder):
        add(raw, 1, 2, 3)
        until, ended = following()
        until(lambda now: now.waiting == 3)
        with raw.pipeline(transaction=True) as both:
            both.delete(S)
            for number in (2, 3, 4):
                both.xadd(S, {"data": payload(number, "new")}, name(number))
            both.execute()
        until(lambda now: now.resets == 1 and now.entries + now.waiting == 6)
        assert ended().parts == 2
        assert ids(folder) == names(1, 2, 3) + names(2, 3, 4, epoch=1)
        assert [one.epoch for one in ranges(folder)] == [0, 1]
        history = lab.read(folder)
        assert history.decisions["recommendation"].tolist() == ["x"] * 3 + ["new"] * 3

    def test_a_killed_server_is_waited_for(self, make_server, following, folder, tmp_path):
        # It keeps its data: one that came back empty would be a stream that began again.
        server = make_server("--dir", str(tmp_path), "--appendonly", "yes", "--appendfsync", "always")
        with redis.Redis.from_url(server.url) as raw:
            add(raw, 1)
            until, ended = following(source=server.url)
            until(lambda now: now.waiting == 1)
            os.kill(server.pid, signal.SIGKILL)
            assert "no Redis answers" in until(lambda now: now.transient_error).transient_error
            server.start()
            add(raw, 2)
            until(lambda now: now.waiting == 2)
            ended()
        assert ids(folder) == names(1, 2)


@contextmanager
def interrupting(code, line):
    """Let Ctrl-C come once, before a line of some code; say when it did."""
    struck = []

    def trace(frame, event, _):
        if event == "line" and frame.f_lineno == line and not struck:
            struck.append(line)
            raise KeyboardInterrupt
        return trace if frame.f_code is code else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield struck
    finally:
        sys.settrace(before)


class TestInterrupted:
    """As a cell of a notebook is: Ctrl-C comes to the main thread of a process that goes on."""

    def test_it_ends_after_its_last_part_and_the_next_interruption_is_the_users(self, raw, redis_url, folder):
        add(raw, 1, 2)
        before = signal.getsignal(signal.SIGINT)

        def interrupt():
            until(lambda: ranges(folder))  # the first part is there, so that it follows on
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        try:
            done = put(redis_url, folder, follow=True, part_seconds=0.05)
        except KeyboardInterrupt:
            pytest.fail("the interruption was not taken for an end")
        finally:
            thread.join()
        assert (done.entries, done.last_id, done.waiting) == (2, name(2), 0)
        assert signal.getsignal(signal.SIGINT) is before
        add(raw, 3)
        assert put(redis_url, folder).entries == 1

    def test_a_second_interruption_is_not_held_back(self, redis_url, folder):
        before, run = signal.getsignal(signal.SIGINT), Archiving(redis_url, folder, stream=S)
        with stopping(run, signal.SIGINT):
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is before

    @pytest.mark.parametrize("method", ["_begin", "_settle", "_committed"])
    def test_between_any_two_lines_of_a_commit_nothing_is_lost_or_doubled(self, tmp_path, method):
        code, struck = getattr(Archiver, method).__code__, []
        for number, line in enumerate(sorted({line for *_, line in code.co_lines() if line})):
            with Archiver(tmp_path / str(number), stream=S, part_seconds=1000, part_bytes=1) as sink:
                for entry in (1, 2, 3):
                    with suppress(KeyboardInterrupt), interrupting(code, line) as struck_here:
                        sink.take(StreamUpdate(S, [(name(entry), payload(entry))], ordinal=entry))
                    struck += struck_here
            assert (sink.parts, sink.entries, sink.waiting) == (len(ranges(sink.folder)), 3, 0)
            assert ids(sink.folder) == names(1, 2, 3)
            assert lab.verify(sink.folder).empty
        assert len({*struck}) > 1

    def test_in_another_thread_it_runs_all_the_same(self, raw, redis_url, folder):
        add(raw, 1, 2)
        done = []
        thread = threading.Thread(target=lambda: done.append(put(redis_url, folder)))
        thread.start()
        thread.join(30)
        assert done[0].entries == 2


class TestTheStreamMeanwhile:
    """What happened to the stream between two runs."""

    @pytest.fixture(params=[True, False], ids=["payloads", "without"])
    def kept(self, request):
        return request.param

    @pytest.fixture
    def again(self, kept, raw, redis_url, folder):
        add(raw, *range(1, 11))
        put(redis_url, folder, payloads=kept)
        return lambda: put(redis_url, folder, payloads=kept)

    def test_a_new_archive_counts_what_was_gone_before_it(self, raw, redis_url, folder):
        add(raw, *range(1, 11))
        raw.xtrim(S, maxlen=4, approximate=False)
        done = put(redis_url, folder)
        assert done.gaps == (Gap("0-0", name(7), 6, "exact"),)
        assert ids(folder) == names(7, 8, 9, 10)
        assert missing(folder) == (6, "exact")

    def test_stopped_longer_than_the_stream_keeps(self, raw, again, folder):
        add(raw, *range(11, 31))
        raw.xtrim(S, maxlen=5, approximate=False)
        [gap] = again().gaps
        assert gap[:4] == (name(10), name(26), 15, "at most")
        assert missing(folder) == (15, "at most")
        assert ids(folder) == names(*range(1, 11), *range(26, 31))
        assert json.loads(ranges(folder)[-1].metadata["gaps"]) == [gap._asdict()]

    def test_emptied_and_filled_again(self, raw, again, folder):
        add(raw, 11, 12)
        raw.xtrim(S, maxlen=0)
        assert [one.missing for one in again().gaps] == [2]
        add(raw, 13)
        assert [one.missing for one in again().gaps] == [2]
        assert missing(folder) == (2, "at most")
        assert ids(folder)[-1] == name(13)

    def test_deleted_entries_make_it_at_most(self, raw, again, folder):
        add(raw, *range(11, 21))
        raw.xdel(S, name(19))
        raw.xtrim(S, minid=name(18), approximate=False)
        again()
        assert missing(folder)[1] == "at most"

    def test_trimmed_only_what_was_archived(self, raw, again, folder):
        add(raw, 11)
        raw.xtrim(S, maxlen=2, approximate=False)
        assert again().gaps == ()
        assert missing(folder) == (0, "exact")

    def test_trimmed_all_that_was_archived(self, raw, again, folder):
        """A stream begun again, and trimmed as far, would look the same."""
        add(raw, 11)
        raw.xtrim(S, maxlen=1, approximate=False)
        assert again().gaps == ()
        assert missing(folder) == (0, "at most")

    @pytest.mark.once
    @pytest.mark.parametrize("added", [(), (8, 9), (11, 12)])
    def test_rolled_back_to_an_old_dump(self, raw, again, folder, kept, added):
        dump = raw.xrange(S, "-", name(7))
        raw.delete(S)
        for one, fields in dump:
            raw.xadd(S, fields, one)
        add(raw, *added, text="new")
        assert again().resets == 1
        # Without payloads, entries under the very ids that were there cannot be told from them.
        fresh = [one for one in added if kept or one > 10]
        assert ids(folder) == names(*range(1, 11)) + names(*fresh, epoch=1)
        assert again().entries == 0
        add(raw, 20)
        assert again().entries == 1
        assert ids(folder) == names(*range(1, 11)) + names(*fresh, 20, epoch=1)

    @pytest.mark.parametrize(
        "second",
        [pytest.param([*range(1, 8), 11, 12], id="into"), pytest.param(range(1, 6), id="before")],
    )
    def test_rolled_back_twice(self, raw, again, folder, second):
        """What the first rollback took lies between what both dumps hold and what came after the first."""

        def roll_back(*numbers):
            dump = [(one, fields) for one, fields in raw.xrange(S) if one.decode() in names(*numbers)]
            raw.delete(S)
            for one, fields in dump:
                raw.xadd(S, fields, one)

        roll_back(*range(1, 8))
        add(raw, 11, 12, 13)
        again()
        roll_back(*second)
        add(raw, 14)
        again()
        assert ids(folder) == names(*range(1, 11)) + names(11, 12, 13, epoch=1) + names(14, epoch=2)

    def test_begun_again_with_other_entries(self, raw, again, folder):
        raw.delete(S)
        add(raw, 21, 22, text="new")
        again()
        assert ids(folder) == names(*range(1, 11)) + names(21, 22, epoch=1)

    def test_a_source_that_lies_wholly_before_the_end(self, raw, again, folder):
        """A replica that lags, say: what it has is known."""
        raw.delete(S)
        add(raw, *range(1, 8))
        assert again().entries == 0
        assert ids(folder) == names(*range(1, 11))

    def test_deleted_and_not_there(self, raw, again, folder):
        raw.delete(S)
        assert again().entries == 0
        assert ids(folder) == names(*range(1, 11))

    def test_deleted_and_begun_again_after_a_run_that_saw_it_empty(self, raw, again, redis_url, folder):
        add(raw, 11)
        following = Archiving(redis_url, folder, stream=S, follow=True)
        for now in following:
            if now.waiting:
                raw.delete(S)
            if now.resets:
                following.stop()
        add(raw, *range(21, 30))
        raw.xtrim(S, maxlen=5, approximate=False)
        assert again().resets == 1
        assert ids(folder) == names(*range(1, 12)) + names(*range(25, 30), epoch=1)


def test_an_old_server_is_not_verified(old_server, folder):
    with redis.Redis.from_url(old_server.url) as raw:
        add(raw, *range(1, 6))
        put(old_server.url, folder)
        add(raw, 6)
        assert put(old_server.url, folder).entries == 1
    row = lab.read(folder).coverage.iloc[0]
    assert row["certainty"] == "not verified"
    assert pd.isna(row["missing"])
    assert ids(folder) == names(*range(1, 7))


class TestTheFolder:
    """Folders that are refused, untouched."""

    def listing(self, folder):
        return {
            one.relative_to(folder): one.read_bytes() if one.is_file() else None for one in folder.rglob("*")
        }

    @pytest.fixture
    def refused(self, redis_url, folder):
        def refuse(error, match, **options):
            before = self.listing(folder)
            with pytest.raises(error, match=match):
                put(redis_url, folder, **options)
            assert self.listing(folder) == before

        return refuse

    def test_something_else(self, raw, folder, refused):
        add(raw, 1)
        folder.mkdir()
        (folder / "thesis.tex").write_text("x")
        refused(lab.SourceError, r"thesis\.tex")

    def test_a_file(self, folder, redis_url):
        folder.write_text("x")
        with pytest.raises(lab.SourceError, match=str(folder)):
            put(redis_url, folder)
        assert folder.read_text() == "x"

    def test_a_snapshot_saved_at_once(self, raw, redis_url, folder, refused):
        add(raw, 1)
        lab.read(redis_url, stream=S).save(folder)
        refused(lab.OptionError, "no archive")

    def test_another_streams_archive(self, raw, redis_url, folder):
        add(raw, 1)
        put(redis_url, folder)
        with pytest.raises(lab.OptionError, match=r"stream 's', not of 'other'"):
            lab.archive(redis_url, folder, stream="other")

    def test_a_newer_format(self, raw, redis_url, folder, refused):
        from pyarrow import parquet

        add(raw, 1)
        put(redis_url, folder)
        [part] = (folder / "decisions").rglob("*.parquet")
        table = parquet.read_table(part)
        metadata = {**table.schema.metadata, b"mastermind_lab.format": b"99"}
        parquet.write_table(table.replace_schema_metadata(metadata), part)
        add(raw, 2)
        refused(lab.SourceError, "newer")

    def test_no_permission(self, raw, redis_url, folder):
        add(raw, 1)
        folder.mkdir(mode=0o555)
        with nobody(folder), pytest.raises(lab.SourceError, match=f"{folder}.*Permission denied"):
            put(redis_url, folder)

    def test_no_room(self, raw, redis_url, folder):
        add(raw, *range(1, 10))
        with no_room(), pytest.raises(lab.SourceError, match=f"{folder}.* is safe"):
            put(redis_url, folder)
        assert ranges(folder) == []
        assert put(redis_url, folder).entries == 9
        assert not list(folder.rglob("*.half"))

    def test_leftovers_are_never_read(self, raw, redis_url, folder):
        """Torn, empty, foreign and half-written files, each under a name that could be taken for a part."""
        add(raw, *range(1, 6))
        put(redis_url, folder)
        [part] = (folder / "votes").rglob("*.parquet")
        (part.parent / f".{part.name}.half").write_bytes(part.read_bytes()[:100])
        (part.parent / f"part-0-{name(6)}-{name(9)}.parquet").write_bytes(part.read_bytes())
        (part.parent / f"part-0-{name(6)}-{name(8)}.parquet").write_bytes(b"")
        (folder / "notes.txt").write_text("mine")
        add(raw, *range(6, 10))
        assert put(redis_url, folder).entries == 4
        assert ids(folder) == names(*range(1, 10))

    @pytest.mark.parametrize("content", [b"", b"PAR1 torn"])
    def test_a_torn_commit_is_named_and_nothing_is_built_on_it(self, raw, redis_url, folder, content):
        add(raw, *range(1, 6))
        put(redis_url, folder)
        [part] = (folder / "decisions").rglob("*.parquet")
        torn = part.with_name(f"part-0-{name(6)}-{name(9)}.parquet")
        torn.write_bytes(content)
        with pytest.raises(lab.SourceError, match=torn.name):
            put(redis_url, folder)

    def test_a_folder_in_memory(self, raw, redis_url):
        url = "memory://archive-of-tests"
        try:
            add(raw, *range(1, 6))
            put(redis_url, url)
            add(raw, 6)
            assert put(redis_url, url).entries == 1
            assert [one.last_id for one in ranges(url)] == names(5, 6)
        finally:
            storage.folder(url)._fs.rm("/archive-of-tests", recursive=True)


class TestTwoArchivers:
    def test_the_second_says_who_the_first_is(self, redis_url, folder):
        said = f"{folder}.*process {os.getpid()} on {os.uname().nodename}, since 20"
        with Archiver(folder, stream=S), pytest.raises(lab.SourceError, match=said):
            put(redis_url, folder)

    def test_afterwards_it_is_free(self, raw, redis_url, folder):
        add(raw, 1)
        with Archiver(folder, stream=S):
            pass
        assert put(redis_url, folder).entries == 1

    def test_what_another_committed_while_the_lock_was_waited_for_is_seen(
        self, raw, redis_url, folder, monkeypatch
    ):
        add(raw, 1)
        lock = storage.LocalFolder.lock

        def waited_for(place, work):
            monkeypatch.undo()
            put(redis_url, folder)
            return lock(place, work)

        monkeypatch.setattr(storage.LocalFolder, "lock", waited_for)
        assert put(redis_url, folder).entries == 0
        assert ids(folder) == names(1)

    def test_one_that_is_refused_with_the_lock_in_its_hand_gives_it_back(
        self, raw, redis_url, folder, monkeypatch
    ):
        lock = storage.LocalFolder.lock
        raw.xadd("other", {"data": payload(1)})

        def waited_for(place, work):
            monkeypatch.undo()
            lab.archive(redis_url, folder, stream="other")
            return lock(place, work)

        monkeypatch.setattr(storage.LocalFolder, "lock", waited_for)
        with pytest.raises(lab.OptionError, match="stream 'other', not of 's'"):
            put(redis_url, folder)
        with storage.Lock(folder, "a test"):
            pass

    @pytest.mark.once
    @pytest.mark.further
    def test_a_dead_ones_lock_is_taken_over(self, raw, redis_url, folder):
        held = subprocess.Popen(
            [sys.executable, "-c",
             "import sys, mastermind_lab as lab\n"
             "held = lab.Archiver(sys.argv[1], stream='s'); print('held', flush=True); sys.stdin.read()",
             str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with held:
            assert held.stdout.readline() == "held\n"
            with pytest.raises(lab.SourceError, match=f"process {held.pid} "):
                put(redis_url, folder)
            held.kill()
        assert str(held.pid) in (folder / LOCK).read_text()
        add(raw, 1)
        assert put(redis_url, folder).entries == 1

    def test_a_compaction_is_refused_while_one_runs(self, raw, redis_url, folder):
        for number in (1, 2):
            add(raw, number)
            put(redis_url, folder)
        said = rf"{folder} is being written by an archiver \(process {os.getpid()} on"
        with Archiver(folder, stream=S), pytest.raises(lab.SourceError, match=said):
            lab.compact(folder, wait=0)
        assert lab.compact(f"file://{folder}") == (2, 1)
        assert put(redis_url, folder).entries == 0

    def test_it_is_refused_while_a_compaction_runs(self, raw, redis_url, folder):
        add(raw, 1)
        put(redis_url, folder)
        with storage.folder(folder).lock("a compaction"):
            for source in (folder, f"file://{folder}"):
                with pytest.raises(lab.SourceError, match="written by a compaction"):
                    put(redis_url, source)

    def test_where_there_are_no_locks_the_second_is_noticed(self):
        url = "memory://archive-of-two"
        try:
            first, second = Archiver(url, stream=S), Archiver(url, stream=S)
            for one in (first, second):
                one.take(StreamUpdate(S, [(name(1), payload(1))]))
            second.close()
            with pytest.raises(lab.SourceError, match="somebody else"):
                first.close()
        finally:
            storage.folder(url)._fs.rm("/archive-of-two", recursive=True)


class TestASink:
    def test_what_is_there_already_is_left_out(self, folder):
        with Archiver(folder, stream=S) as sink:
            sink.take(StreamUpdate(S, [(name(1), payload(1)), (name(2), payload(2))], ordinal=2))
            sink.flush()
            sink.take(StreamUpdate(S, [(name(2), payload(2)), (name(3), payload(3))], ordinal=3))
            assert sink.waiting == 1
        assert ids(folder) == names(1, 2, 3)

    def test_what_comes_bit_by_bit_is_one_part(self, folder):
        with Archiver(folder, stream=S) as sink:
            for number in range(1, 4):
                sink.take(StreamUpdate(S, [(name(number), payload(number))], ordinal=number))
        assert [one.rows for one in ranges(folder)] == [3]

    def test_who_may_not_ask_for_the_newest_entry_archives_all_the_same(self, server, folder):
        with redis.Redis.from_url(server.url) as raw:
            add(raw, *range(1, 3_001))
            rights = {"categories": ["+@all"], "commands": ["-xrevrange"], "keys": ["*"]}
            raw.acl_setuser("poor", enabled=True, passwords=["+p"], **rights)
            found = lab.archive(server.url.replace("//", "//poor:p@"), folder, stream=S, follow=False)
            raw.acl_deluser("poor")
        assert found.entries == len(ids(folder)) == 3_000

    def test_what_is_left_half_done_goes_when_it_is_closed(self, folder):
        with Archiver(folder, stream=S) as sink:
            sink.take(StreamUpdate(S, [(name(1), payload(1))], ordinal=1))
            sink.flush()
            [part] = (folder / "decisions").rglob("*.parquet")
            left = part.with_name(f".{part.name}.half")
            left.touch()
        assert not left.exists()

    def test_once_closed_it_leaves_its_folder_to_others(self, folder):
        with Archiver(folder, stream=S) as sink:
            sink.take(StreamUpdate(S, [(name(1), payload(1))], ordinal=1))
        [part] = (folder / "decisions").rglob("*.parquet")
        begun = part.with_name(f".{part.name}.half")
        begun.touch()  # by another one
        sink.close()
        assert begun.exists()

    def test_it_stays_in_its_folder_wherever_the_process_goes(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with Archiver("archive", stream=S) as sink:
            sink.take(StreamUpdate(S, [(name(1), payload(1))], ordinal=1))
            sink.flush()
            (elsewhere := tmp_path / "elsewhere").mkdir()
            monkeypatch.chdir(elsewhere)
            sink.take(StreamUpdate(S, [(name(2), payload(2))], ordinal=2))
        assert ids(tmp_path / "archive") == names(1, 2)
        assert not any(elsewhere.iterdir())

    def test_so_does_one_that_is_begun_elsewhere(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        run = Archiving("redis://127.0.0.1:1", "archive")
        follower = lab.Follower("redis://127.0.0.1:1", archive="archive")
        monkeypatch.chdir("/")
        assert [run.folder, follower._archive] == [str(tmp_path / "archive")] * 2

    def test_an_update_of_another_stream(self, folder):
        with Archiver(folder, stream=S) as sink, pytest.raises(lab.OptionError, match="other"):
            sink.take(StreamUpdate("other", []))

    def test_an_epoch_that_changes_while_nothing_can_be_written(self, folder):
        with Archiver(folder, stream=S) as sink:
            with no_room():
                sink.take(StreamUpdate(S, [(name(5), payload(1))], ordinal=1))
                for update in (
                    StreamUpdate(S, [], reset=True),
                    StreamUpdate(S, [(name(2, epoch=1), payload(2))], ordinal=1),
                ):
                    with pytest.raises(lab.SourceError, match="File too large"):
                        sink.take(update)
            sink.take(StreamUpdate(S, [(name(3, epoch=1), payload(3))], ordinal=2))
        assert ids(folder) == [name(5), name(2, epoch=1), name(3, epoch=1)]

    def test_a_stream_that_begins_again_empty_takes_nothing_from_what_is_known_of_the_part_before(
        self, folder
    ):
        with Archiver(folder, stream=S) as sink:
            sink.take(StreamUpdate(S, [(name(1), payload(1))], ordinal=7, max_deleted=name(0)))
            sink.take(StreamUpdate(S, [], ordinal=0, max_deleted="0-0", reset=True))
            sink.take(StreamUpdate(S, [], ordinal=0, max_deleted="0-0"))
        said = ranges(folder)[-1].metadata
        assert (said["last_ordinal"], said["max_deleted"]) == ("7", name(0))
        assert json.loads(said["gaps"]) == []
        row = lab.read(folder).coverage.iloc[0]
        assert row["certainty"] == "not verified"
        assert row["note"] == "what it held unread before it began again is not known"

    def test_a_full_part_that_cannot_be_written_is_kept_while_the_next_one_fills(self, folder):
        before = {*threading.enumerate()}
        with Archiver(folder, stream=S, part_bytes=100) as sink:
            with no_room():
                sink.take(StreamUpdate(S, [(name(1), payload(1, "x" * 100))], ordinal=1))
                with pytest.raises(lab.SourceError, match="File too large"):
                    sink.take(StreamUpdate(S, [(name(2), payload(2, "x" * 100))], ordinal=2))
                assert (sink.waiting, sink.parts) == (2, 0)
            sink.take(StreamUpdate(S, [(name(3), payload(3))], ordinal=3))
        assert ids(folder) == names(1, 2, 3)
        assert [one.rows for one in ranges(folder)] == [1, 2]
        assert {*threading.enumerate()} <= before

    def test_a_backfill_says_what_it_left_out(self, folder):
        with Archiver(folder, stream=S) as sink:
            sink.take(StreamUpdate(S, [(name(5), payload(5))]))
            account = Account(left_out=3, missing=1, certainty="exact")
            sink.take(StreamUpdate(S, [], account=account, ordinal=5))
        assert missing(folder) == (4, "exact")

    @pytest.mark.parametrize(("old", "new"), [("began_again", "resets"), ("trouble", "transient_error")])
    def test_an_old_name_works_and_says_what_it_is_called_now(self, old, new):
        done = Archived("archive", S, None, 1, 0, 1, "1-0", 0, (), 3, "no room")
        with pytest.warns(FutureWarning, match=rf"Archived\.{old} is now called {new}") as caught:
            assert getattr(done, old) == getattr(done, new)
        assert [one.filename for one in caught] == [__file__]

    def test_closing_twice(self, folder):
        sink = Archiver(folder, stream=S)
        sink.close()
        sink.close()

    def test_the_resume_point_knows_what_the_stream_held(self, folder):
        with Archiver(folder, stream=S) as sink:
            sink.take(
                StreamUpdate(S, [(name(n), payload(n) if n % 2 else None) for n in range(1, 9)], ordinal=8)
            )
            sink.take(StreamUpdate(S, [], reset=True))
            sink.take(StreamUpdate(S, [(name(n, epoch=1), payload(n)) for n in (6, 7)]))
        point = ResumePoint.of(opened(folder).committed)
        assert (point.last_id, point.ordinal) == (name(7, epoch=1), None)
        assert list(point.newest()) == [(name(6), payload(6)), (name(7), payload(7))]
        assert list(point.older()) == [(name(n), payload(n) if n % 2 else None) for n in range(1, 9)]


@pytest.mark.once
class TestTheCommand:
    @contextmanager
    def follow(self, url, folder):
        words = ["archive", url, folder, "--stream", S, "--follow", "--part-seconds", "0.2"]
        process = Forked(words, environment())
        with process.stdout, process.stderr:
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_the_last_part_is_written_and_all_is_well(self, raw, redis_url, folder, number):
        add(raw, 1, 2)
        with self.follow(redis_url, folder) as process:
            assert b"2 entries" in process.stdout.readline()
            process.send_signal(signal.SIGSTOP)
            add(raw, 3)
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            out, err = process.stdout.read().decode(), process.stderr.read()
            assert (process.wait(), err) == (0, b"")
        there = ids(folder)
        assert there in (names(1, 2), names(1, 2, 3))
        assert f"it ends at {there[-1]}" in out

    def test_the_speed_is_that_of_what_was_read(self, raw, redis_url, folder, monkeypatch):
        counted = []

        class Watched(Progress):
            def update(self, task, *, completed=None, **said):
                counted.append(completed)
                super().update(task, completed=completed, **said)

        monkeypatch.setattr("rich.progress.Progress", Watched)
        add(raw, 1, 2)
        run("archive", redis_url, folder, "--stream", S)
        assert {*counted} == {2, None}

    def test_no_room_is_waited_out(self, raw, redis_url, folder):
        add(raw, 1, 2)
        with self.follow(redis_url, folder) as process:
            process.stdout.readline()
            unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            add(raw, 3)
            said = process.stderr.readline().decode()
            assert said.startswith("waiting: cannot write ")
            assert str(folder) in said
            assert "is safe" in said
            assert ids(folder) == names(1, 2)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
            assert b"part 2: 3 entries" in process.stdout.readline()
        assert ids(folder) == names(1, 2, 3)

    def test_to_the_end(self, raw, redis_url, folder):
        add(raw, *range(1, 11))
        raw.xtrim(S, maxlen=8, approximate=False)
        done = run("archive", redis_url, folder, "--stream", S)
        assert done.returncode == 0
        assert done.stdout.splitlines() == [
            "2 entries gone before reading, after 0-0",
            f"part 1: 8 entries so far, safe up to {name(10)}",
            f"8 entries (1 reject) in 1 part went to {folder}; it ends at {name(10)}",
        ]

    def test_a_refusal_is_said_without_a_traceback(self, redis_url, folder):
        folder.mkdir()
        Path(folder, "thesis.tex").touch()
        done = run("archive", redis_url, folder)
        assert done.returncode == 1
        assert "thesis.tex" in done.stderr
        assert "Traceback" not in done.stderr
