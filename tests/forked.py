"""Commands in processes of their own, forked from one that has loaded what they load: quick to start.

A command has its own pipes or terminal, signals, environment and end, as if it had been typed. What is about
the start itself (closed streams, a shell's pipes, what is loaded) begins a process from nothing instead.
"""

import atexit
import gc
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from importlib import import_module
from pathlib import Path


@cache
def parent():
    """The process that has loaded everything, and the line on which it is asked."""
    line, its_line = socket.socketpair()
    with its_line:
        # No stream may be a file, in which there is a place: pipes and terminals take over.
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), its_line)
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        process = subprocess.Popen([sys.executable, Path(__file__)], env=variables, **streams)
    atexit.register(process.wait)
    atexit.register(line.shutdown, socket.SHUT_RDWR)
    return line, line.makefile("r")


def ask(files=(), **asked):
    line, answers = parent()
    socket.send_fds(line, [json.dumps(asked).encode()], files)
    return json.loads(answers.readline())


def piped(path):
    """Return our end of a pipe and that of a command; of a path only the latter."""
    if path:
        return None, os.open(path, os.O_WRONLY)
    ours, its = os.pipe()
    return os.fdopen(ours, "rb", buffering=0), its


class Forked:
    """A running command, with what is used of ``subprocess.Popen``; a terminal is the path of one.

    So are ``into``, where its output goes instead of a pipe, and ``errors``.
    """

    def __init__(self, words, environment, terminal=None, into=None, errors=None):
        self.returncode = None
        self.stderr, its_error = piped(errors)
        its_files = [its_error]
        self.stdout = None
        if not terminal:
            self.stdout, its_out = piped(into)
            its_files.append(its_out)
        words = ["mastermind-lab", *map(str, words)]
        self.pid = ask(its_files, words=words, environment=dict(environment), terminal=terminal)
        for file in its_files:
            os.close(file)

    def poll(self):
        if self.returncode is None:
            self.returncode = ask(ended=self.pid)
        return self.returncode

    def wait(self, seconds=90):
        end = time.monotonic() + seconds
        while self.poll() is None:
            assert time.monotonic() < end, "it does not end"
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def load(*rooms):
    """Import all modules of some rooms, and what else each forked one would import anew."""
    for room in rooms:
        module = import_module(f"mastermind_lab.{room}")
        for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
            import_module(found.name)
    for name in (
        "filelock",
        "pyarrow.fs",
        "pyarrow.pandas_compat",
        "pyarrow.parquet",
        "pydantic.type_adapter",
    ):
        import_module(name)
    gc.freeze()  # what is there already is not looked through, and copied by that, in each forked one


def serve(line):
    """Fork a command for each that is asked for; returns in the forked one, to what it should be."""
    while True:
        said, files, *_ = socket.recv_fds(line, 1 << 20, 2)
        if not said:
            os._exit(0)  # who asked is gone
        asked = json.loads(said)
        if "ended" in asked:
            pid, status = os.waitpid(asked["ended"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        elif not (answer := os.fork()):
            return asked, files
        for file in files:
            os.close(file)
        line.sendall(json.dumps(answer).encode() + b"\n")


def become(asked, files):
    """Take the streams, the terminal, the environment and the words that were asked for."""
    os.setsid()
    if asked["terminal"]:  # opened first in a session, it becomes the controlling one: Ctrl-C is a signal
        files.append(os.open(asked["terminal"], os.O_RDWR))
    error, out = files
    for file, number in (
        (out if asked["terminal"] else os.open(os.devnull, os.O_RDONLY), 0),
        (out, 1),
        (error, 2),
    ):
        os.dup2(file, number)
    os.closerange(3, 64)
    os.environ.clear()
    os.environ.update(asked["environment"])
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    sys.stdout.reconfigure(encoding=encoding, line_buffering=bool(asked["terminal"]))
    sys.stderr.reconfigure(encoding=encoding)
    sys.argv = asked["words"]


def leave_at_once(code):
    """End with a command's own code: taking down what its parent's threads had begun can crash."""
    if isinstance(code.get("code"), int):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code["code"] & 0xFF)


if __name__ == "__main__":
    end = {}
    atexit.register(leave_at_once, end)  # the first one: it runs behind all others
    from mastermind_lab.cli import main

    load("archive", "cli", "history", "ndjson", "snapshot", "stats", "stream")
    for name in ("rich._emoji_codes", "rich._spinners", "rich.progress"):
        import_module(name)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in the foreground, wherever it was started
    line = socket.socket(fileno=os.dup(0))
    wanted = serve(line)
    line.detach()  # closed with all else that is not the command's
    become(*wanted)
    try:
        main()
    except SystemExit as left:
        end["code"] = left.code or 0
        raise
