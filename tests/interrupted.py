"""A writer of snapshots that is stopped at every file operation, as a process of its own.

    python tests/interrupted.py ACTION FAULT FOLDER EVERY

makes ``FOLDER/<n>`` for n = 1, 1 + EVERY, ... until the action is through: each time from ``FOLDER/start``,
and with the fault at the n-th operation: ``kill`` (SIGKILL, a write half done) or the name of an errno. It
writes a JSON object a line: the operation, and how the action ended. ``journal`` writes down all operations.
"""

import errno
import json
import os
import shutil
import signal
import sys
from functools import cache
from itertools import count
from pathlib import Path

import pyarrow as pa
from forked import load

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.snapshot import checkpoint

BEGAN = 1795392000000  # 2026-11-23
VALID = {"decision": {"recommendation": "ship", "confidence": 0.5, "votes": [{"voter": "a", "choice": "b"}]}}
WATCHED = ("open", "write", "fsync", "replace", "mkdir", "unlink", "rmdir", "chmod")
CHANGING = {*WATCHED} - {"open", "fsync"}


@cache
def rows(first, count, wide=False):
    """The tables of a few entries of a stream, one in five of them broken."""
    vote = {"voter": "a", "choice": "b"} | ({"round": 1} if wide else {})
    valid = {"decision": VALID["decision"] | {"votes": [vote]}}
    sent = [
        json.dumps(valid | {"meta": {"n": f"text {n}" if wide else n}}) if n % 5 else "broken"
        for n in range(first, first + count)
    ]
    made = {}
    for name, table in lab.read(sent, payloads=True).tables().items():
        numbers = [int(one.partition("-")[2]) - 1 for one in table["stream_id"].to_pylist()]
        ids = pa.array([f"{BEGAN + first + n}-0" for n in numbers], pa.large_string())
        made[name] = table.set_column(0, table.schema.field(0), ids)
    return made


@cache
def history(first, count):
    return lab.History(rows(first, count), lab.read([]).account)


def commit(folder, first, count, wide=False):
    ends = {"first_id": f"{BEGAN + first}-0", "last_id": f"{BEGAN + first + count - 1}-0"}
    account = {"stream": "s", "entries": count, "missing": 0, "certainty": "exact"} | ends
    return snapshot.commit(folder, rows(first, count, wide), {"stream": "s", "coverage": [account]})


def start(folder):
    """What is there before: snapshots of ten entries in ranges, one whose columns have changed.

    Each with a checkpoint, which few ranges are not worth elsewhere.
    """
    checkpoint.WORTH = 1
    for name, ranges in (("snap", [(0, 5), (5, 5)]), ("uneven", [(0, 3), (3, 2), (5, 5, True)])):
        for some in ranges:
            commit(folder / name, *some)
        snapshot.note(folder / name, snapshot.opened(folder / name))


ACTIONS = {
    "commit": lambda folder: commit(folder / "snap", 10, 5),
    "first commit": lambda folder: commit(folder / "new", 10, 5),
    "save": lambda folder: history(10, 5).save(folder / "new"),
    "overwrite": lambda folder: history(10, 5).save(folder / "snap", overwrite=True),
    "compact": lambda folder: lab.compact(folder / "snap"),
    "widen": lambda folder: lab.compact(folder / "uneven", size=1),
    "ndjson": lambda folder: history(10, 5).to_ndjson(folder / "new.ndjson"),
}


class Watch:
    """Counts the operations on files below a folder, and strikes at one of them.

    Who is killed leaves at one that changes nothing what is left at the next that does: it may pass.
    """

    def __init__(self, folder, strike, passing=False):
        self.folder, self.strike, self.count, self.last = str(folder), strike, 0, ""
        self.passing = passing
        self.paths = {}
        for name in WATCHED:
            setattr(os, name, self.watched(name, getattr(os, name)))

    def watched(self, name, real):
        def call(first, *args, **options):
            path = self.paths.get(first) if isinstance(first, int) else os.fspath(first)
            if not str(path).startswith(self.folder):
                return real(first, *args, **options)
            makes = name == "open" and args and args[0] & os.O_CREAT
            if not self.passing or makes or name in CHANGING:
                self.count += 1
                self.last = f"{name} {os.path.relpath(path, self.folder)}"
                self.strike(self, name, real, first, args)
            found = real(first, *args, **options)
            if name == "open":
                self.paths[found] = path
            return found

        return call


def kill_at(number):
    def strike(watch, name, real, first, args):
        if watch.count == number:
            if name == "write":
                real(first, bytes(args[0])[: len(args[0]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    return strike


def fail_at(number, code):
    def strike(watch, name, real, first, args):
        if watch.count == number:
            path = watch.paths.get(first) if isinstance(first, int) else first
            raise OSError(code, os.strerror(code), str(path))

    return strike


def journal(folder, action):
    """Do it once, and note each operation with what a disk would be told."""
    noted = []

    def strike(watch, name, real, first, args):
        path = watch.paths.get(first) if isinstance(first, int) else os.fspath(first)
        entry = {"do": name, "path": os.path.relpath(path, folder)}
        if name == "write":
            entry["bytes"] = bytes(args[0]).hex()
        elif name == "replace":
            entry["to"] = os.path.relpath(args[0], folder)
        elif name == "open":
            flags = args[0] if args else 0
            entry |= {"made": bool(flags & os.O_CREAT), "emptied": bool(flags & os.O_TRUNC)}
        noted.append(entry)

    Watch(folder, strike)
    ACTIONS[action](folder)
    return noted


def in_a_child(folder, action, strike, passing):
    """Fork, so that what is killed is a whole process; nothing here has threads of its own yet."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        watch, said = Watch(folder, strike, passing), ""
        try:
            ACTIONS[action](folder)
        except lab.LabError as error:
            said = str(error)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test must hear of it
            said = f"UNEXPECTED {error!r}"
        os.write(writing, json.dumps({"at": watch.count, "error": said}).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return (json.loads(told) if told else {"at": None, "error": ""}) | {"killed": os.WIFSIGNALED(status)}


def prepared(base, number):
    folder = base / str(number)
    shutil.copytree(base / "start", folder)
    return folder


def main():
    action, fault, base, every = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    checkpoint.WORTH = 1
    pa.set_cpu_count(1)  # one file after another, so that the same number is the same operation each time
    if fault == "journal":
        sys.stdout.write(json.dumps(journal(prepared(base, "journal"), action)) + "\n")
        return
    load("history", "ndjson", "snapshot")
    history(10, 5)  # made before, as it reads and writes no files
    for number in count(1, every):
        strike = kill_at(number) if fault == "kill" else fail_at(number, getattr(errno, fault))
        told = in_a_child(prepared(base, number), action, strike, passing=fault == "kill")
        sys.stdout.write(json.dumps({"number": number} | told) + "\n")
        if not told["killed"] and told["at"] is not None and told["at"] < number:
            return


if __name__ == "__main__":
    main()
