"""How a command that goes on for ever ends: Ctrl-C, SIGTERM, or a reader that leaves, and all is well."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a reader that leaves (``| head``) end the block quietly."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        silence()
    finally:
        signal.signal(signal.SIGTERM, before)


def silence() -> None:
    """Let standard output go nowhere: Python would complain of it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def notice_leaving() -> None:
    """Raise where nobody reads our output any more: a quiet stream would not let us find out by writing.

    Raises
    ------
    BrokenPipeError
        The reader has left.
    """
    if not hasattr(select, "poll"):  # Windows
        return
    watched = select.poll()
    watched.register(sys.stdout.fileno(), 0)
    if any(event & (select.POLLERR | select.POLLHUP) for _, event in watched.poll(0)):
        raise BrokenPipeError
