"""Streams on a real server, and servers that are none."""

import socket
import threading
from contextlib import contextmanager, suppress

import pandas as pd

import mastermind_lab as lab
from mastermind_lab.envelope import DEFAULT_STREAM_NAME
from mastermind_lab.stream import StreamReader


def publish(raw, entries, stream=DEFAULT_STREAM_NAME):
    """Add entries in one go: payloads, or pairs of an id and a payload."""
    with raw.pipeline(transaction=False) as pipe:
        for one in entries:
            entry_id, payload = one if isinstance(one, tuple) else ("*", one)
            pipe.xadd(stream, {"data": payload}, entry_id)
        pipe.execute()


class Stopped:
    """A follower or an archiver that reads only when it is asked to, up to where the stream ends."""

    def __init__(self, kind, url, folder):
        self.kind, self.url, self.folder = kind, url, folder
        self.follower, self.source = (
            lab.Follower(url),
            StreamReader(url, (DEFAULT_STREAM_NAME,), backfill=1_000),
        )

    def note(self):
        """Return what is noted beside the figures."""
        [note] = (lab.read(self.folder) if self.kind == "archive" else self.follower.history()).coverage[
            "note"
        ]
        return None if pd.isna(note) else note

    def reads(self):
        if self.kind == "archive":
            lab.archive(self.url, self.folder)
            return lab.read(self.folder)
        place = None
        for update in self.source:
            self.follower.take(update)
            before, place = place, self.source.cursors[DEFAULT_STREAM_NAME].place
            if place == before and not (update.entries or update.gone or update.account):
                break
        self.source.close()
        return self.follower.history()


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
