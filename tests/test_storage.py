"""Folders on a disk: what is told to the disk and when, who may read it, and what is no file."""

import errno
import os
import stat

import pytest

from mastermind_lab.errors import SourceError
from mastermind_lab.storage import Lock, local, lock

pytestmark = pytest.mark.once


@pytest.fixture
def folder(tmp_path):
    return local.LocalFolder(str(tmp_path / "new" / "folder"))


@pytest.fixture
def no_mask():
    before = os.umask(0)
    yield
    os.umask(before)


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
    assert (folder.read("votes/a.parquet"), folder.size("votes/b.parquet")) == (b"abc", 3)


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
def test_the_end_of_a_file(folder, most):
    folder.write("a", b"abc")
    assert folder.tail("a", most) == b"abc"[3 - min(most, 3) :]


@pytest.mark.parametrize("path", ["", ".", "..", "../a", "a/../b", "a//b", "/a", "a/", "a\\b", "c:a", "a\0"])
def test_a_name_leads_nowhere_else(folder, path):
    for use in (folder.read, folder.size, folder.remove, lambda name: folder.write(name, b"")):
        with pytest.raises(OSError, match="leads out of the folder"):
            use(path)


def test_what_is_not_there(folder, tmp_path):
    assert folder.is_empty()
    assert folder.paths() == []
    assert not folder.exists("a")
    folder.write("a", b"")
    assert (folder.is_empty(), folder.exists("a"), folder.has_folder("a")) == (False, True, False)
    folder.remove("a")
    folder.remove("a")
    assert folder.is_empty()


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
