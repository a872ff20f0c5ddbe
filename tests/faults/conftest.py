"""A line between a follower and its server that can be slow, cut, silent or garbled."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

Spoil = Callable[["Line", bytes], bytes]


class Cut(Exception):
    """The line ends here, after so many bytes of what is being sent."""


class Line:
    """One connection through the wire: its number, and how many bytes of replies it has carried."""

    def __init__(self, number: int, client: socket.socket, server: socket.socket) -> None:
        self.number, self.client, self.server, self.carried = number, client, server, 0

    def end(self) -> None:
        for one in (self.client, self.server):
            with suppress(OSError):  # it has ended already
                one.shutdown(socket.SHUT_RDWR)


class Wire:
    """A TCP proxy on loopback; ``spoil(line, chunk)`` says what becomes of a piece of a reply."""

    def __init__(self, url: str) -> None:
        self.target = urlsplit(url)
        self.spoil: Spoil = lambda line, chunk: chunk
        self.is_silent = False
        self.lines: list[Line] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection((self.target.hostname, self.target.port))
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = Line(len(self.lines), client, server)
            self.lines.append(line)
            self._threads.append(threading.Thread(target=self._carry, args=(line,), daemon=True))
            self._threads[-1].start()

    def _carry(self, line: Line) -> None:
        asking = threading.Thread(target=self._ask, args=(line,), daemon=True)
        asking.start()
        self._answer(line)
        asking.join()
        line.client.close()
        line.server.close()

    def _ask(self, line: Line) -> None:
        try:
            while chunk := line.client.recv(1 << 16):
                if not self.is_silent:
                    line.server.sendall(chunk)
        except OSError:
            pass  # the other side has gone
        line.end()

    def _answer(self, line: Line) -> None:
        try:
            while chunk := line.server.recv(1 << 16):
                if not self.is_silent:
                    line.client.sendall(self.spoil(line, chunk))
                    line.carried += len(chunk)
        except Cut as cut:
            line.client.sendall(cut.args[0])
        except OSError:
            pass
        line.end()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for line in self.lines:
            line.end()
        for thread in self._threads:
            thread.join(10)


def slowly(seconds: float) -> Spoil:
    """Send a byte at a time."""

    def spoil(line: Line, chunk: bytes) -> bytes:
        for place in range(len(chunk)):
            time.sleep(seconds)
            line.client.sendall(chunk[place : place + 1])
        return b""

    return spoil


@pytest.fixture
def wire(redis_url):
    """A line to the shared server."""
    wire = Wire(redis_url)
    yield wire
    wire.close()
