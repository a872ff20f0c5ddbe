"""Waiting for what other threads and processes do, the threads that are ours, and a disk without room."""

import resource
import threading
import time
from contextlib import contextmanager


def until(true, seconds=30):
    """Wait until something is so; it fails after so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def our_threads():
    """Name the threads of followers and redraws, whatever else this process runs."""
    return sorted(one.name for one in threading.enumerate() if one.name.startswith("mastermind"))


@contextmanager
def no_room():
    """The kernel lets no file grow; nothing must be printed meanwhile, since pytest keeps that in files."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
