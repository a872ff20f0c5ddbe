"""Snapshots and NDJSON files where fsspec finds them: in memory, and behind a real S3 API."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from itertools import count
from uuid import uuid4

import fsspec
import pandas as pd
import pyarrow as pa
import pytest
from busy_store import busy_store
from fsspec.implementations.local import LocalFileSystem
from histories import same, sample
from telling import telling

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.archive import Archiver
from mastermind_lab.ndjson import write_lines
from mastermind_lab.storage import RemoteFolder
from mastermind_lab.stream import StreamUpdate

VALID = json.dumps({"decision": {"recommendation": "ship", "confidence": 0.5}}).encode()


@pytest.fixture(scope="module")
def s3():
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        fsspec.filesystem("s3").mkdir("bucket")
        yield "s3://bucket"
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(params=["memory", "s3"])
def url(request):
    root = request.getfixturevalue("s3") if request.param == "s3" else "memory://bucket"
    return f"{root}/{uuid4().hex}"


@pytest.mark.further
def test_saved_loaded_verified_and_overwritten(url):
    history = sample(30, payloads=True)
    assert history.save(f"{url}/snap") == f"{url}/snap"
    same(lab.read(f"{url}/snap"), history)
    assert lab.read(f"{url}/snap", payloads=True).payloads.equals(history.payloads)
    assert lab.verify(f"{url}/snap").empty
    with pytest.raises(lab.OptionError, match="overwrite=True"):
        lab.read([]).save(f"{url}/snap")
    lab.read([VALID]).save(f"{url}/snap", overwrite=True)
    assert len(lab.read(f"{url}/snap")) == 1


@pytest.mark.once
def test_what_another_has_written_meanwhile_is_there(s3):
    ours = RemoteFolder(f"{s3}/{uuid4().hex}")
    ours.write("a/1", b"x")
    assert ours.paths() == ["a/1"]
    assert not ours.exists("a/2")
    fsspec.filesystem("s3", skip_instance_cache=True).pipe_file(f"{ours.name}/a/2", b"y")
    assert ours.exists("a/2")


@pytest.mark.thorough
def test_committed_and_compacted(url):
    history = sample(15)
    for third in range(3):
        snapshot.commit(url, _third(history.tables(), third), {"stream": "s"})
    assert [one.rows for one in snapshot.ranges(url)] == [5, 5, 5]
    before = lab.read(url)
    pd.testing.assert_frame_equal(before.votes, history.votes)
    assert lab.compact(url) == (3, 1)
    same(lab.read(url), before)
    assert lab.verify(url).empty


def _third(tables, third):
    """Five of the entries 0-1986 to 0-2000."""
    made = {}
    for name, table in tables.items():
        places = [int(one.partition("-")[2]) - 1986 for one in table["stream_id"].to_pylist()]
        made[name] = table.filter(pa.array([place // 5 == third for place in places], pa.bool_()))
    return made


@contextmanager
def gone_after(most, method):
    """A store that goes away behind so many calls of a method."""
    call, calls = getattr(RemoteFolder, method), count()

    def some(*args, **options):
        if next(calls) >= most:
            raise OSError("gone")
        call(*args, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(RemoteFolder, method, some)
        yield


@pytest.mark.further
def test_a_save_that_is_cut_off_at_any_file_counts_for_nothing(monkeypatch):
    """There is no rename: several ranges of one save count once the last of them is there."""
    monkeypatch.setattr(sys.modules["mastermind_lab.snapshot.save"], "_ENTRIES_A_RANGE", 4)
    history = sample(10)
    for most in range(16):
        url = f"memory://cut/{uuid4().hex}"
        with gone_after(most, "write"):
            if most == 15:
                history.save(url)
                break
            with pytest.raises(lab.SourceError, match="gone"):
                history.save(url)
        assert snapshot.ranges(url) == []
    same(lab.read(url), history)


def test_entries_larger_than_a_range_should_be_have_one_each(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["mastermind_lab.snapshot.save"], "_BYTES_A_RANGE", 1)
    assert len(snapshot.ranges(sample(3).save(tmp_path / "s"))) == 3


def test_one_that_is_overwritten_is_there_whole_or_not_at_all(monkeypatch):
    monkeypatch.setattr(sys.modules["mastermind_lab.snapshot.save"], "_ENTRIES_A_RANGE", 1)
    url, said = f"memory://cut/{uuid4().hex}", r"gone\. Save it again: what was there before, if"
    sample(2).save(url)
    for most, ranges in ((1, 2), (2, 0)):  # one of the files only lists the others
        with gone_after(most, "remove"), pytest.raises(lab.SourceError, match=said):
            lab.read([VALID]).save(url, overwrite=True)
        assert len(snapshot.ranges(url)) == ranges


@pytest.mark.parametrize("ending", telling([".ndjson", ".ndjson.gz", ".jsonl.zst"], ".ndjson.gz"))
@pytest.mark.further
def test_ndjson(url, ending, tmp_path):
    history = sample(5, payloads=True)
    for name in ("a", "b"):
        assert history.to_ndjson(f"{url}/files/{name}{ending}") == f"{url}/files/{name}{ending}"
    with fsspec.open(f"{url}/files/notes.txt", "wb") as stream:
        stream.write(b"notes")
    for source, times in ((f"{url}/files/a{ending}", 1), (f"{url}/files", 2), (f"{url}/files/*{ending}", 2)):
        found = lab.read(source)
        assert found.decisions["question"].tolist() == history.decisions["question"].tolist() * times
        assert found.coverage["source"].iloc[0] == f"{url}/files/a{ending}"
        assert sum(len(part) for part in lab.scan(source)) == len(found)


def test_an_interrupted_export_leaves_nothing(url):
    def interrupted():
        yield VALID
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_lines(f"{url}/a.ndjson", interrupted())
    with pytest.raises(lab.SourceError, match="there is no file"):
        lab.read(f"{url}/a.ndjson")


def test_where_there_is_only_rename_a_file_is_written_beside(tmp_path, monkeypatch):
    """fsspec's own local file system, by another name, stands for those that take a file bit by bit."""

    class Elsewhere(LocalFileSystem):
        protocol = "elsewhere"

        @classmethod
        def _strip_protocol(cls, path):
            return super()._strip_protocol(path.removeprefix("elsewhere://"))

    fsspec.register_implementation("elsewhere", Elsewhere, clobber=True)
    url, seen = f"elsewhere://{tmp_path}/deep/a.ndjson", []
    real = LocalFileSystem.mv

    def watched(*args, **options):
        seen.append([one.name for one in (tmp_path / "deep").iterdir()])
        real(*args, **options)

    monkeypatch.setattr(LocalFileSystem, "mv", watched)
    sample(3).to_ndjson(url)
    assert seen == [[".a.ndjson.half"]]
    assert len(lab.read(tmp_path / "deep" / "a.ndjson")) == 3


class TestRefusals:
    def test_nothing_there(self, url):
        with pytest.raises(lab.SourceError, match="there is no file"):
            lab.read(f"{url}/nothing")
        with pytest.raises(lab.SourceError, match="is no snapshot"):
            lab.verify(f"{url}/nothing")

    def test_an_unknown_file_system(self):
        with pytest.raises(lab.OptionError, match="gopher://x/y"):
            lab.read("gopher://x/y")

    def test_a_password_in_a_url(self):
        with pytest.raises(lab.OptionError, match="ftp://") as caught:
            lab.read("ftp://me:canary@host/x")
        assert "canary" not in str(caught.value)

    def test_no_such_bucket(self, s3):
        history = sample(3)
        for write, name in ((history.save, "snap"), (history.to_ndjson, "a.ndjson")):
            with pytest.raises(lab.SourceError, match="nowhere"):
                write(f"s3://nowhere/{name}")

    def test_without_fsspec(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "fsspec.core", None)
        with pytest.raises(lab.OptionError, match=r"pip install 'mastermind_lab\[scale\]'"):
            lab.read("memory://bucket/x")

    @pytest.mark.thorough
    def test_without_the_packages(self):
        code = (
            "import sys; sys.modules['fsspec'] = sys.modules['fsspec.core'] = None\n"
            "import mastermind_lab as lab\n"
            "try: lab.read('s3://bucket/x')\n"
            "except lab.OptionError as error: print(error)"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "pip install 'mastermind_lab[scale]'" in said.stdout, said.stderr


@pytest.fixture
def busy(s3, monkeypatch):
    """A store that can refuse, and the URL of a folder in it."""
    import s3fs

    with busy_store(os.environ["AWS_ENDPOINT_URL"], refuses=10**9, seconds=0.02) as store:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{store.server_port}")
        s3fs.S3FileSystem.clear_instance_cache()
        yield store, f"{s3}/{uuid4().hex}"
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.thorough
def test_a_slow_store_that_refuses_each_third_request(busy):
    store, folder = busy
    store.refuses = 3
    for number in range(2):
        with Archiver(folder, stream="s") as sink:
            sink.take(StreamUpdate("s", [(f"{1795392000000 + number}-0", VALID)]))
    found = lab.read(folder)
    assert found.decisions["stream_id"].tolist() == [f"{1795392000000 + number}-0" for number in range(2)]
    assert lab.verify(folder).empty
    assert store.requests > 30


@pytest.mark.thorough
def test_a_store_that_refuses_for_good_is_named_and_what_is_there_stays(busy, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # of boto: s3fs alone tries five times
    store, folder = busy
    with Archiver(folder, stream="s") as sink:
        sink.take(StreamUpdate("s", [("1795392000000-0", VALID)]))
        sink.flush()
        sink.take(StreamUpdate("s", [("1795392000001-0", VALID)]))
        store.refuses, before = 1, store.requests
        with pytest.raises(lab.SourceError, match=r"s3://.*(reduce your request rate|Service Unavailable)"):
            sink.flush()
        with pytest.raises(lab.SourceError, match=r"s3://.*(reduce your request rate|Service Unavailable)"):
            lab.read(folder)
        assert store.requests - before < 60
        store.refuses = 10**9
    assert lab.read(folder).decisions["stream_id"].tolist() == ["1795392000000-0", "1795392000001-0"]
