"""Nothing that only Unix has is asked for where it is not: all is imported, saved and locked without it."""

import json
import os
import subprocess
import sys

import mastermind_lab as lab
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.storage import LOCK, Lock
from mastermind_lab.stream import publish_payloads

VALID = json.dumps({"decision": {"recommendation": "ship", "confidence": 0.5}}).encode()

MISSING = {
    "os": [
        "pwrite", "pread", "fork", "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC", "geteuid",
        "getuid", "fchmod", "chown", "getpgid", "killpg", "setsid", "sched_getaffinity", "mkfifo", "uname",
    ],
    "signal": ["SIGKILL", "SIGHUP", "SIGUSR1", "SIGPIPE", "SIGCHLD", "SIGALRM", "SIGWINCH"],
}  # fmt: skip

# What the libraries below ask of Unix is theirs, so they are loaded before it goes; so is the lock's own
# library, whose other half can't run here.
CHILD = """
import asyncio, importlib, os, pkgutil, signal, subprocess, sys, tempfile
import filelock, ipywidgets, matplotlib.pyplot, pandas, pyarrow.parquet, redis.asyncio, rich.live, typer

missing, url, folder = {missing!r}, {url!r}, {folder!r}
for module, names in missing.items():
    for name in names:
        if hasattr(sys.modules[module], name):
            delattr(sys.modules[module], name)
for name in ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty"):
    sys.modules[name] = None

import mastermind_lab as lab
for found in pkgutil.walk_packages(lab.__path__, "mastermind_lab."):
    if not found.name.endswith(("__main__", "fallback_server")):
        importlib.import_module(found.name)

history = lab.read(url, payloads=True)
history.save(folder + "/saved")
history.save(folder + "/saved", overwrite=True)
history.to_ndjson(folder + "/lines.ndjson.gz")
for _ in range(2):
    print(lab.archive(url, folder + "/archive").entries)
print(lab.compact(folder + "/archive"))
for source in ("saved", "lines.ndjson.gz", "archive"):
    print(len(lab.read(folder + "/" + source)))
print(len(lab.verify(folder + "/saved")), len(lab.verify(folder + "/archive")))
from mastermind_lab.storage import folder as folder_of
with folder_of(folder + "/archive").lock("one"):
    try:
        lab.compact(folder + "/archive")
    except lab.SourceError as error:
        print(error)
"""


def test_import_save_and_archive_without_what_only_unix_has(redis_url, tmp_path):
    list(publish_payloads(redis_url, STREAM, [VALID] * 3))
    code = CHILD.format(missing=MISSING, url=redis_url, folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *lines, refused = done.stdout.splitlines()
    assert lines == ["3", "0", "Compaction(before=1, after=1)", "3", "3", "3", "0 0"]
    assert "is being written by one (process" in refused
    assert (tmp_path / "archive" / LOCK).read_bytes().startswith(b" {")
    assert len(lab.read(tmp_path / "archive")) == 3


def test_a_dead_holders_lock_is_taken_over(tmp_path):
    """Whoever is killed holds nothing any more; what it wrote into the file is only for people."""
    code = f"""
import os, pathlib
from mastermind_lab.storage import Lock
lock = Lock(pathlib.Path({str(tmp_path)!r}), "one that is killed")
print("held", flush=True)
input()
"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    try:
        Lock(tmp_path, "another")
    except lab.SourceError as error:
        said = str(error)
    assert f"one that is killed (process {holder.pid} on" in said
    holder.kill()
    holder.communicate()
    with Lock(tmp_path, "the next") as lock:
        assert f'"pid": {os.getpid()}' in lock.path.read_text()
    assert json.loads((tmp_path / LOCK).read_text())["work"] == "the next"
