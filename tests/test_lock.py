"""The lock of a folder that a stranger has made leads nowhere else."""

import os

import pytest
from histories import sample

import mastermind_lab as lab
from mastermind_lab.storage import LOCK, Lock

pytestmark = pytest.mark.once

TEXT = "all of it\n" * 50


def linked(lock, elsewhere):
    lock.symlink_to(elsewhere)


def linked_to_nothing(lock, elsewhere):
    lock.symlink_to(elsewhere.with_name("not there"))


def named_twice(lock, elsewhere):
    os.link(elsewhere, lock)


def a_pipe(lock, elsewhere):
    os.mkfifo(lock)


@pytest.mark.parametrize("make", [linked, linked_to_nothing, named_twice, a_pipe])
def test_refused_and_nothing_is_written(make, tmp_path):
    elsewhere, folder = tmp_path / "precious.txt", tmp_path / "snapshot"
    elsewhere.write_text(TEXT)
    sample(2).save(folder)
    (folder / LOCK).unlink(missing_ok=True)
    make(folder / LOCK, elsewhere)
    for work in (lab.compact, lambda path: Lock(path, "a test")):
        with pytest.raises(lab.SourceError, match="Nothing was changed"):
            work(folder)
    assert lab.verify(folder).values.tolist() == [
        [LOCK, "foreign", "it is no lock but a pipe, a device or a link: nobody can write to this folder"]
    ]
    assert elsewhere.read_text() == TEXT
    assert {one.name for one in tmp_path.iterdir()} == {"precious.txt", "snapshot"}


def test_the_folder_that_is_made_for_it_lasts(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda one: synced.append(os.fstat(one).st_ino))
    with Lock(tmp_path / "new" / "folder", "a test"):
        assert synced == [one.stat().st_ino for one in (tmp_path, tmp_path / "new")]


def test_who_holds_it_is_said(tmp_path):
    with Lock(tmp_path, "a longer work than the next one"):
        pass
    with Lock(tmp_path, "a test"), pytest.raises(lab.SourceError, match=rf"a test \(process {os.getpid()}"):
        Lock(tmp_path, "another")


def test_one_of_a_folder_that_was_replaced_meanwhile_is_none(tmp_path, monkeypatch):
    folder, hold = tmp_path / "snapshot", Lock._hold

    def replaced(lock):
        folder.rename(tmp_path / "former")
        folder.mkdir()
        hold(lock)

    with monkeypatch.context() as patch:
        patch.setattr(Lock, "_hold", replaced)
        with pytest.raises(lab.SourceError, match=r"was replaced just now. Nothing was changed: try again"):
            Lock(folder, "a test")
    with Lock(folder, "a test"), Lock(tmp_path / "former", "another"):
        pass


def test_it_ends_although_a_process_that_was_forked_meanwhile_has_it_open(tmp_path):
    reading, writing = os.pipe()
    with Lock(tmp_path, "a test") as held:
        child = os.fork()
        if not child:
            os.close(writing)
            held.release()  # its own: it is not this process's to give up
            os.read(reading, 1)
            os._exit(0)
        with pytest.raises(lab.SourceError, match="a test"):
            Lock(tmp_path, "another")
    with Lock(tmp_path, "another"):
        os.close(writing)
    os.close(reading)
    os.waitpid(child, 0)


@pytest.mark.parametrize("make", [Lock, lambda folder, _: lab.archive("redis://127.0.0.1:9", folder)])
def test_a_name_that_is_too_long(make, tmp_path):
    with pytest.raises(lab.SourceError, match="too long"):
        make(tmp_path / ("x" * 300), "a test")
