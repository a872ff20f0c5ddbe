"""How a command that goes on for ever ends: Ctrl-C, SIGTERM, or a reader that leaves, and all is well."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO, TypeVar

_Step = TypeVar("_Step")

_interruptions: list[int] = []
"""Signals that asked for the end, and that nobody has met yet."""


_is_held = False
"""Whether what is under way ends first; who presses Ctrl-C again does not wait for it."""


def _interrupt(number: int, _: FrameType | None) -> None:
    _interruptions.append(number)
    if not _is_held or len(_interruptions) > 1:
        raise KeyboardInterrupt


@contextmanager
def interruptions_kept() -> Iterator[None]:
    """Remember within the block that Ctrl-C was pressed, for :func:`notice_interruption`."""
    global _is_held
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # and we are no background job
    _interruptions.clear()
    _is_held = False
    if is_heard:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        if is_heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def notice_interruption() -> None:
    """Raise where an interruption was asked for and got lost.

    Python drops an exception that comes while an object is cleaned up or a module's lock is let go.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C was pressed, or SIGTERM has come.
    """
    if _interruptions:
        raise KeyboardInterrupt


def whole(steps: Iterable[_Step]) -> Iterator[_Step]:
    """Let Ctrl-C come while the next step is waited for, and not before what is done with it has ended."""
    global _is_held
    waiting = iter(steps)
    try:
        while True:
            _is_held = False
            notice_interruption()
            step = next(waiting, None)
            _is_held = True
            if step is None:
                return
            yield step
    finally:
        _is_held = False


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a reader that leaves (``| head``) end the block quietly."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        silence(sys.stdout)
    finally:
        signal.signal(signal.SIGTERM, before)


def silence(stream: TextIO) -> None:
    """Let what is left for a stream go nowhere: Python would complain of it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


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
