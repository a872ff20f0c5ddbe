"""Streams on a real server, and servers that are none."""

import socket
import threading
from contextlib import contextmanager, suppress

from mastermind_lab.envelope import DEFAULT_STREAM_NAME


def publish(raw, entries, stream=DEFAULT_STREAM_NAME):
    """Add entries in one go: payloads, or pairs of an id and a payload."""
    with raw.pipeline(transaction=False) as pipe:
        for one in entries:
            entry_id, payload = one if isinstance(one, tuple) else ("*", one)
            pipe.xadd(stream, {"data": payload}, entry_id)
        pipe.execute()


@contextmanager
def answering(answer):
    """Start a server that gives each command the same answer; its URL is what is given."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, answer), daemon=True).start()
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def _serve(listening, answer):
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_converse, args=(connection, answer), daemon=True).start()


def _converse(connection, answer):
    with connection, suppress(OSError):
        while asked := connection.recv(1 << 16):
            connection.sendall(answer * (asked.count(b"\r\n*") + 1))
