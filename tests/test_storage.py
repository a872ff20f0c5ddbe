"""Folders, on a disk and elsewhere: what is told to the disk and when, and what is no file."""

import errno
import os
import resource
import stat
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import mastermind_lab as lab
from mastermind_lab import storage
from mastermind_lab.errors import OptionError, SourceError
from mastermind_lab.storage import (
    LargeFileError,
    Lock,
    RemoteFolder,
    local,
    lock,
    most_unpacked,
    remote_files,
)

pytestmark = pytest.mark.once


@pytest.fixture
def folder(tmp_path):
    return local.LocalFolder(str(tmp_path / "new" / "folder"))


@pytest.fixture(params=["disk", "memory"])
def any_folder(request, folder):
    return folder if request.param == "disk" else RemoteFolder(f"memory://{uuid4().hex}/")


@pytest.fixture
def no_mask():
    before = os.umask(0)
    yield
    os.umask(before)


def next_descriptor():
    descriptor = os.open(os.curdir, os.O_RDONLY)
    os.close(descriptor)
    return descriptor


def test_nothing_stays_open(folder, tmp_path):
    free = next_descriptor()
    folder.write("votes/a.parquet", b"abc")
    local.append(tmp_path / "marks" / "a.csv", b"abc")
    assert next_descriptor() == free


def test_what_a_full_disk_cuts_off_is_told(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3, before[1]))
    try:
        with pytest.raises(OSError, match=r"No space left on device: '.*a\.csv'"):
            local.append(tmp_path / "a.csv", b"abcdef")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "a.csv").read_bytes() == b"abc"


def test_a_file_is_synced_then_renamed_then_its_folder_is_synced(folder, monkeypatch, tmp_path):
    done, sync, rename = [], os.fsync, os.replace

    def noted_sync(descriptor):
        done.append("a folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "a file")
        sync(descriptor)

    def noted_rename(one, other):
        done.append("renamed")
        rename(one, other)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_rename)
    folder.write("votes/a.parquet", b"abc")
    assert done == ["a folder"] * 3 + ["a file", "renamed", "a folder"]
    done.clear()
    folder.write("votes/b.parquet", b"abc")
    assert done == ["a file", "renamed", "a folder"]
    assert folder.paths() == ["votes/a.parquet", "votes/b.parquet"]
    assert folder.read("votes/a.parquet") == folder.read("votes/b.parquet") == b"abc"


def test_what_is_added_to_a_file_is_synced(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(os, "fsync", lambda one: done.append(stat.S_ISDIR(os.fstat(one).st_mode)))
    for _ in range(2):
        local.append(tmp_path / "added", b"abc")
    assert done == [False, True, False]  # the file; its folder, which it is new in; the file


def test_a_folder_that_another_makes_first_will_do(folder, monkeypatch):
    make = Path.mkdir
    monkeypatch.setattr(Path, "mkdir", lambda path, **options: os.mkdir(path) or make(path, **options))
    folder.write("votes/a.parquet", b"abc")
    assert folder.paths() == ["votes/a.parquet"]


@pytest.mark.parametrize(("packed", "most", "allowed"), [(10, None, 100), (30, None, 150), (30, 7, 7)])
def test_how_much_a_file_may_unpack_to(packed, most, allowed):
    assert most_unpacked(packed, most, free=100, times=5) == allowed


@pytest.mark.parametrize(("number", "matters"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_that_syncs_no_folders_will_do_and_a_fault_will_not(
    folder, monkeypatch, number, matters, tmp_path
):
    sync = os.fsync

    def failing(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    (tmp_path / "new" / "folder").mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", failing)
    if matters:
        with pytest.raises(OSError, match=os.strerror(number)):
            folder.write("a", b"abc")
    else:
        folder.write("a", b"abc")
    assert folder.read("a") == b"abc"


def test_a_file_that_cannot_be_synced_is_not_there(folder, monkeypatch):
    folder.write("a", b"before")

    def failing(descriptor):
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="no"):
        folder.write("a", b"after")
    assert (folder.read("a"), folder.paths()) == (b"before", ["a"])


@pytest.mark.parametrize(("private", "mode"), [(False, 0o666), (True, 0o600)])
def test_who_may_read_it(folder, no_mask, tmp_path, private, mode):
    folder.write("a", b"", private=private)
    assert stat.S_IMODE((tmp_path / "new" / "folder" / "a").stat().st_mode) == mode


def test_what_was_not_written_to_its_end_is_made_anew(folder, tmp_path):
    folder.write("a", b"")
    half = tmp_path / "new" / "folder" / f".a{local.HALF}"
    half.symlink_to(tmp_path / "elsewhere")
    folder.write("a", b"abc")
    assert (folder.read("a"), folder.paths()) == (b"abc", ["a"])
    assert not (tmp_path / "elsewhere").exists()


def test_a_pipe_is_refused_and_not_waited_for(folder, tmp_path):
    folder.write("a", b"")
    os.mkfifo(path := tmp_path / "new" / "folder" / "pipe")
    held = os.open(path, os.O_RDWR)  # or opening it would wait, were it opened
    try:
        with pytest.raises(OSError, match="no regular file"):
            folder.open("pipe")
    finally:
        os.close(held)


@pytest.mark.parametrize("most", [0, 2, 3, 4])
def test_the_end_of_a_file(any_folder, most):
    any_folder.write("a", b"abc")
    any_folder.write("empty", b"")
    assert any_folder.tail("a", most) == b"abc"[3 - min(most, 3) :]
    assert any_folder.tail("empty", most) == b""


def test_a_file_with_more_bytes_than_may_be_read(any_folder):
    any_folder.write("a", b"abc")
    assert any_folder.read("a", 3) == b"abc"
    with pytest.raises(LargeFileError, match="it has 3 bytes, more than 2"):
        any_folder.read("a", 2)


def test_no_more_is_asked_of_a_store_than_may_be_read(monkeypatch):
    folder, asked, read = RemoteFolder(f"memory://{uuid4().hex}/"), [], MemoryFileSystem.cat_file
    monkeypatch.setattr(
        MemoryFileSystem, "cat_file", lambda *at, **part: asked.append(found := read(*at, **part)) or found
    )
    folder.write("a", b"abcdef")
    with pytest.raises(LargeFileError, match="more than 2"):
        folder.read("a", 2)
    assert asked == [b"abc"]


@pytest.mark.parametrize("path", ["", ".", "..", "../a", "a/../b", "a//b", "/a", "a/", "a\\b", "c:a", "a\0"])
def test_a_name_leads_nowhere_else(any_folder, path):
    uses = any_folder.read, any_folder.remove, any_folder.exists, any_folder.open
    for use in (*uses, lambda name: any_folder.write(name, b""), lambda name: any_folder.tail(name, 1)):
        with pytest.raises(OSError, match="leads out of the folder"):
            use(path)


def test_what_is_not_there_and_what_is(any_folder):
    assert any_folder.is_empty()
    assert any_folder.paths() == []
    assert not any_folder.exists("a")
    any_folder.write("a", b"abc")
    any_folder.write("b/c", b"d")
    assert (any_folder.is_empty(), any_folder.exists("a"), any_folder.has_folder("a")) == (False, True, False)
    assert (any_folder.exists("b"), any_folder.has_folder("b"), any_folder.paths()) == (
        False,
        True,
        ["a", "b/c"],
    )
    with any_folder.open("a") as stream:
        assert (stream.read(1), stream.read(), any_folder.read("b/c")) == (b"a", b"bc", b"d")
    any_folder.remove("b/c")
    assert any_folder.paths() == ["a"]
    for use in (any_folder.read, any_folder.open):
        with pytest.raises(OSError, match="c"):
            use("b/c")


def test_a_file_that_is_gone_may_be_removed(any_folder):
    any_folder.write("a", b"")
    for _ in range(2):
        any_folder.remove("a")


def test_a_file_that_is_removed_for_good_stays_away(folder, monkeypatch):
    folder.write("votes/a.parquet", b"abc")
    synced = []
    monkeypatch.setattr(os, "fsync", lambda one: synced.append(os.fstat(one).st_ino))
    folder.remove("votes/a.parquet")
    assert synced == []
    folder.remove("votes/a.parquet", for_good=True)
    assert synced == [(Path(folder.name) / "votes").stat().st_ino]


def test_a_file_that_has_come_since_it_was_listed_is_found():
    class Remembering(MemoryFileSystem):
        protocol, store, pseudo_dirs = "remembering", {}, [""]

        def ls(self, path, detail=True, **options):
            if path not in self.dircache:
                self.dircache[path] = super().ls(path, **options)
            return [one if detail else one["name"] for one in self.dircache[path]]

        def invalidate_cache(self, path=None):
            self.dircache.clear()

    fsspec.register_implementation("remembering", Remembering, clobber=True)
    for name in ("a", "b"):
        Remembering().pipe_file(f"remembering://x/{name}.ndjson", b"")
        found = remote_files("remembering://x", (".ndjson",))
    assert [one.name for one in found] == ["a.ndjson", "b.ndjson"]


def test_files_of_a_url():
    folder = RemoteFolder(f"memory://{uuid4().hex}")
    for name in ("b.ndjson", "A.NDJSON", "c.txt", "d.ndjson/e"):
        folder.write(name, name.encode())
    found = remote_files(folder.name, (".ndjson",))
    assert [one.name for one in found] == ["A.NDJSON", "b.ndjson"]
    assert [str(one) for one in found] == [f"{folder.name}/A.NDJSON", f"{folder.name}/b.ndjson"]
    with found[1].open() as stream:
        assert (stream.read(2), stream.seek(1), stream.read()) == (b"b.", 1, b".ndjson")
    assert [one.name for one in remote_files(f"{folder.name}/c.txt", (".ndjson",))] == ["c.txt"]
    assert [one.name for one in remote_files(f"{folder.name}/*", ())] == ["A.NDJSON", "b.ndjson", "c.txt"]
    assert remote_files(f"{folder.name}/none", (".ndjson",)) == []


def test_a_file_of_this_machine_by_its_url(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(b"all of it")
    (found,) = remote_files(tmp_path.as_uri(), (".ndjson",))
    with found.open() as stream:
        assert stream.read() == b"all of it"
    with pytest.raises(OSError, match="closed"):
        stream.read()


@pytest.mark.parametrize("scheme", ["file", "local", "FILE", "Local"])
def test_a_folder_of_this_machine_by_its_url_is_locked_like_any(scheme, tmp_path):
    with storage.folder(f"{scheme}://{tmp_path}/snap%20shot").lock("a test"):
        assert [one.name for one in tmp_path.iterdir()] == ["snap%20shot"]
        with pytest.raises(SourceError, match="is being written by a test"):
            Lock(tmp_path / "snap%20shot", "another")


class Hosts(MemoryFileSystem):
    """A path does not tell the host, as it does with SFTP."""

    protocol, store, pseudo_dirs = "hosts", {}, [""]

    @classmethod
    def _strip_protocol(cls, path):
        return "/" + path.removeprefix("hosts://here").strip("/")


class Pages(MemoryFileSystem):
    """A path is the whole URL, as it is with HTTP."""

    protocol, store, pseudo_dirs = "pages", {}, [""]

    @classmethod
    def _strip_protocol(cls, path):
        return path.rstrip("/")


@pytest.mark.parametrize(("kind", "url"), [(Hosts, "hosts://here/a"), (Pages, "pages://here/a")])
@pytest.mark.parametrize("asked", ["", "/", "/*.ndjson", "/b.ndjson"])
def test_the_url_of_a_file_is_whole(kind, url, asked):
    fsspec.register_implementation(kind.protocol, kind, clobber=True)
    kind().pipe_file(f"{url}/b.ndjson", b"abc")
    [found] = remote_files(url + asked, (".ndjson",))
    assert (found.name, str(found)) == ("b.ndjson", f"{url}/b.ndjson")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://host", "is a Redis server"),
        ("s3://me:secret@bucket/a", "holds a password"),
        ("nothing://a", "nothing://a: "),
    ],
)
def test_urls_of_no_folder(url, said):
    with pytest.raises(OptionError, match=said) as refused:
        RemoteFolder(url)
    assert "secret" not in str(refused.value)


def test_what_a_library_raises_is_an_os_error(monkeypatch):
    folder = RemoteFolder("memory://a")

    def failing(*_, **__):
        raise KeyError("none of ours")

    monkeypatch.setattr(folder, "_fs", folder._fs.__class__())
    monkeypatch.setattr(type(folder._fs), "cat_file", failing)
    with pytest.raises(OSError, match="KeyError: 'none of ours'"):
        folder.read("a")


@pytest.mark.parametrize(("in_one_step", "looks"), [(2, 1), (1, 2)])
def test_a_folder_of_many_files_is_looked_at_once_more(monkeypatch, tmp_path, in_one_step, looks):
    real, seen = local.LocalFolder._paths, []
    monkeypatch.setattr(local, "_IN_ONE_STEP", in_one_step)
    monkeypatch.setattr(local.LocalFolder, "_paths", lambda *asked: (seen.append(1), real(*asked))[1])
    for name in "ab":
        (tmp_path / f"{name}.parquet").touch()
    assert local.LocalFolder(str(tmp_path)).paths() == ["a.parquet", "b.parquet"]
    assert len(seen) == looks


def test_a_folder_in_which_somebody_writes_all_the_time_is_listed_all_the_same(monkeypatch, tmp_path):
    real, number = local.LocalFolder._paths, iter(range(100))

    def paths(folder, *options):
        (tmp_path / f"{next(number)}.parquet").touch()
        return real(folder, *options)

    monkeypatch.setattr(local, "_IN_ONE_STEP", 0)
    monkeypatch.setattr(local.LocalFolder, "_paths", paths)
    assert len(local.LocalFolder(str(tmp_path)).paths()) == 5


def test_a_folder_that_cannot_be_looked_at_is_a_fault(monkeypatch, tmp_path):
    def broken(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(Path, "is_dir", broken)
    with pytest.raises(OSError, match="Input/output"):
        local.LocalFolder(str(tmp_path)).has_folder("decisions")


def test_a_folder_that_cannot_be_listed_is_a_fault_or_noted(folder, monkeypatch):
    folder.write("open/a", b"")
    folder.write("closed/b", b"")
    scan = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "not for you", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    faults = {}
    assert (folder.paths(faults), faults) == (["open/a"], {"closed": "not for you"})
    with pytest.raises(PermissionError):
        folder.paths()


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def failing(file):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_locked", failing)
    with pytest.raises(SourceError, match=r"cannot lock .*: No locks available. Nothing was changed"):
        Lock(tmp_path, "a test")


def test_a_lock_goes_with_its_holder(tmp_path):
    with Lock(tmp_path, "a test"), pytest.raises(SourceError, match="is being written by"):
        Lock(tmp_path, "another")
    files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(3):
        with Lock(tmp_path, "a test"):
            pass
    assert not files or len(os.listdir("/proc/self/fd")) == files


@pytest.mark.parametrize(
    "use", [lab.read, lab.scan, lab.verify, lab.compact, lambda name: lab.sample(last=2).save(name)]
)
def test_a_name_that_no_disk_has_is_refused(use):
    with pytest.raises(OptionError, match=r"'run\\x0042' is no path: no name on a disk has a NUL in it"):
        use("run\x0042")


def test_a_folder_on_a_drive_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "is_dir", lambda path: False)
    with pytest.raises(SourceError, match="cannot write"):
        storage.Lock(tmp_path / "x", "an archiver")
