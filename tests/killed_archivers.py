"""Archivers that are killed: forked from a warm process that lines drive, and that answers in lines of JSON.

``{"folder": ..., "url": ..., "operation": 7}`` kills at the seventh file operation: before it is done, and a
write, which counts as two, also half way; to open what is there already is none. ``"after": 0.2`` kills so
many seconds after the archiver has opened its folder (``"opening": true``: has begun to). Without either it
runs to its end.
"""

import json
import mmap
import os
import signal
import subprocess
import sys
import time
from collections import Counter

from forked import load

from mastermind_lab.archive import Archiver, Archiving
from mastermind_lab.snapshot import checkpoint

PHASES = (
    "opening the folder", "reading the stream", "in a temporary file", "a file synced", "a file renamed",
    "between child tables", "range committed",
)  # fmt: skip
OPENING, READING, TEMPORARY, SYNCED, RENAMED, CHILD_TABLES, COMMITTED = range(len(PHASES))

phase = mmap.mmap(-1, 1)  # shared with the forked ones: how far the last of them came


class Archivers:
    """Archivers that run one after the other, forked from one process that has everything loaded."""

    def __init__(self, **options):
        self.options, self.phases = options, Counter()
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, url, folder, **asked):
        """Run one to its end, or to its death; says whether it was killed."""
        options = self.options | asked.pop("options", {})
        asked |= {"url": url, "folder": str(folder), "options": options}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        assert said["killed"] or said["status"] == 0, said
        if said["killed"]:
            self.phases[said["phase"]] += 1
        return said["killed"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()


def main():
    load("archive", "frames", "ndjson", "snapshot", "stream")
    checkpoint.WORTH = 2  # so that there is one from the start
    for line in sys.stdin:
        asked = json.loads(line)
        phase[0] = OPENING
        child = os.fork()
        if not child:
            run(asked)
        if "after" in asked:
            kill_later(child, asked)
        status = os.waitpid(child, 0)[1]
        said = {"killed": os.WIFSIGNALED(status), "status": status, "phase": PHASES[phase[0]]}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def kill_later(child, asked):
    while phase[0] == OPENING and not asked.get("opening") and not os.waitid(
        os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT
    ):  # fmt: skip
        time.sleep(0.001)
    time.sleep(asked["after"])
    os.kill(child, signal.SIGKILL)


def run(asked):
    """Archive in this process, and never return."""
    try:
        Watched(asked.get("operation")).install()
        *_, _ = Archiving(asked["url"], asked["folder"], **asked["options"])
    except BaseException:  # noqa: BLE001 - a forked process must not go on as its parent
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


class Watched:
    """The file operations of this process, counted, with death at one of them."""

    def __init__(self, deadly):
        self.deadly, self.count, self.writing, self.table = deadly, 0, None, ""

    def install(self):
        opened, write, fsync, replace, mkdir = os.open, os.write, os.fsync, os.replace, os.mkdir
        cursors = Archiver.cursors

        def watched_open(path, flags, *more, **named):
            if flags & os.O_CREAT:  # before any other it would leave what it leaves at the next operation
                self.step()
            descriptor = opened(path, flags, *more, **named)
            if str(path).endswith(".half"):
                phase[0], self.writing = TEMPORARY, descriptor
            return descriptor

        def watched_write(descriptor, content):
            self.step()
            half = len(content) // 2
            written = write(descriptor, content[:half])
            self.step()
            return written + write(descriptor, content[half:])

        def watched_fsync(descriptor):
            self.step()
            fsync(descriptor)
            if descriptor == self.writing:
                phase[0], self.writing = SYNCED, None
            elif phase[0] == RENAMED:
                phase[0] = COMMITTED if self.table == "decisions" else CHILD_TABLES

        def watched_replace(source, target):
            self.step()
            replace(source, target)
            phase[0], self.table = RENAMED, str(target).split("/")[-3]

        def watched_mkdir(*arguments, **named):
            self.step()
            mkdir(*arguments, **named)

        def watched_cursors(archiver):
            found = cursors(archiver)
            phase[0] = READING
            return found

        os.open, os.write, os.fsync, os.replace, os.mkdir = (
            watched_open, watched_write, watched_fsync, watched_replace, watched_mkdir,
        )  # fmt: skip
        Archiver.cursors = watched_cursors

    def step(self):
        self.count += 1
        if self.count == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
