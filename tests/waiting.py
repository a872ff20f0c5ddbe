"""Waiting for what other threads and processes do, and the threads that are ours."""

import threading
import time


def until(true, seconds=30):
    """Wait until something is so; it fails after so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def blocked(raw, readers=1):
    """Wait until so many clients wait in a blocking read of the server for what comes next."""
    until(lambda: raw.info("clients")["blocked_clients"] >= readers)


def our_threads():
    """Name the threads of followers and redraws, whatever else this process runs."""
    return sorted(one.name for one in threading.enumerate() if one.name.startswith("mastermind"))
