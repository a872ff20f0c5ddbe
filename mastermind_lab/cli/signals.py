"""How a command that goes on for ever ends: Ctrl-C, SIGTERM, or a reader that leaves, and all is well."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a reader that leaves (``| head``) end the block quietly."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        # Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        signal.signal(signal.SIGTERM, before)


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


class Screen(Console):
    """Standard output, for text that is shown as it is; it raises when its reader has left."""

    def __init__(self) -> None:
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr] # a real stream: this is a program
        super().__init__(markup=False, emoji=False, highlight=False, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Leave it to :func:`until_interrupted`; rich would end the program as failed."""
        raise BrokenPipeError
