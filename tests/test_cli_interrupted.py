"""Ctrl-C at the worst moments: where Python drops an exception, and while a thread connects."""

import shutil
import signal
import sys
import threading
import time

import pytest
import redis
from command_line import run
from envelopes import envelope
from streams import answering, publish
from waiting import until

import mastermind_lab as lab
from mastermind_lab.cli import archive as _archive  # noqa: F401 - or a patch would meet its loading
from mastermind_lab.cli import demonstration, following, signals, simulate
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM

pytestmark = pytest.mark.once


class Cleaned:
    """An object that is cleaned up just when Ctrl-C is pressed: Python drops the exception."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def pressed(monkeypatch):
    """Has Ctrl-C pressed, and lost, each time some function is called; says how often."""
    lost = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: lost.append(dropped.exc_type))

    def press_in(owner, name):
        called = getattr(owner, name)

        def wrapped(*arguments, **options):
            Cleaned()
            return called(*arguments, **options)

        monkeypatch.setattr(owner, name, wrapped)
        return lost

    return press_in


@pytest.mark.parametrize(
    "place", ["_matcher", "StreamReader", "_validated"]
)  # while it loads, begins, and goes on
def test_tail_ends_where_ctrl_c_was_lost(redis_url, raw, pressed, place, monkeypatch):
    monkeypatch.setattr(following, "notice_leaving", lambda: None)  # nobody has a pipe here
    publish(raw, [envelope()])
    lost = pressed(following, place)
    began = time.monotonic()
    assert run("tail", redis_url).returncode == 0
    assert lost[:1] == [KeyboardInterrupt]
    assert time.monotonic() - began < 20


def test_simulate_ends_where_ctrl_c_was_lost(redis_url, pressed):
    lost = pressed(simulate, "progress")
    assert run("simulate", redis_url).returncode == 130
    assert lost == [KeyboardInterrupt]


def test_archive_ends_where_ctrl_c_was_lost(redis_url, pressed, tmp_path):
    lost = pressed(sys.modules["mastermind_lab.cli.archive"], "given")
    assert run("archive", redis_url, tmp_path / "a", "--follow").returncode == 130
    assert lost == [KeyboardInterrupt]


def test_who_called_has_the_handlers_back(redis_url):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run("read", redis_url)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_background_job_stays_deaf():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with signals.interruptions_kept():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_a_connection_is_made(monkeypatch):
    """The thread that fetches has no connection to shut yet: it is shut once it is there."""
    began, connect = threading.Event(), redis.Connection._connect

    def slow(self):
        sock = connect(self)
        if threading.current_thread().name == "mastermind-pages":
            began.set()
            time.sleep(0.3)
        return sock

    monkeypatch.setattr(redis.Connection, "_connect", slow)
    with answering(b"") as silent:
        pages = lab.stream.Pages(silent, STREAM)
        monkeypatch.setattr(pages, "_info", lambda client: None)
        pressing = threading.Thread(
            target=lambda: (began.wait(30), signal.pthread_kill(threading.main_thread().ident, signal.SIGINT))
        )
        pressing.start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            list(pages)
        assert time.monotonic() - started < 10  # and not after twenty seconds of silence
        pressing.join()
    until(lambda: "mastermind-pages" not in [one.name for one in threading.enumerate()])


def test_what_is_said_to_be_published_is_what_is_on_the_stream(redis_url, raw, monkeypatch, tmp_path):
    """Ctrl-C comes when entries have arrived, and nobody has counted them yet."""
    execute, sent = redis.client.Pipeline.execute, []

    def pressed(self, *arguments, **options):
        replies = execute(self, *arguments, **options)
        sent.extend(replies)
        if len(sent) > 3:
            signal.raise_signal(signal.SIGINT)
        return replies

    lab.sample(last=600).to_ndjson(tmp_path / "a.ndjson")
    monkeypatch.setattr(redis.client.Pipeline, "execute", pressed)
    found = run("simulate", redis_url, "--rate", 1000)
    assert (found.returncode, found.stdout.split()[0]) == (130, str(raw.xlen(STREAM)))
    raw.delete(STREAM)
    found = run("replay", tmp_path / "a.ndjson", redis_url, "--speed", "max")
    assert (found.returncode, found.stdout.split()[0]) == (130, str(raw.xlen(STREAM)))


def test_who_presses_ctrl_c_again_does_not_wait():
    with signals.interruptions_kept():
        steps = signals.whole([1, 2])
        next(steps)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


class Pressed:
    """Ctrl-C, while a module is found."""

    def find_spec(self, name, *_):
        if name == "mastermind_lab.cli.app":
            raise KeyboardInterrupt


def test_ctrl_c_while_the_libraries_are_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "mastermind_lab.cli.app")
    monkeypatch.setattr(sys, "meta_path", [Pressed(), *sys.meta_path])
    found = run("--version")
    assert (found.returncode, found.stdout, found.stderr) == (130, "", "")


def test_notebooks_that_were_copied_in_part_are_copied_again(tmp_path, monkeypatch):
    copied = shutil.copytree

    def pressed(source, target, **_):
        target.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copytree", pressed)
    with pytest.raises(KeyboardInterrupt):
        demonstration._notebooks(tmp_path)
    monkeypatch.setattr(shutil, "copytree", copied)
    assert len([*demonstration._notebooks(tmp_path).glob("*.ipynb")]) > 3
    assert [one.name for one in tmp_path.iterdir()] == ["notebooks"]
