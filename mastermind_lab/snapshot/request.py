"""A compaction that is asked for: a file in a folder, which the archiver that holds its lock looks for.

It removes the file when it has merged. What is in the file is for people only, and one that was left by a
process that is gone lets an archiver merge once more than somebody waits for.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress

from ..errors import SourceError
from ..storage import Folder, Lock
from .ranges import reason

REQUEST = ".archive.request"

_LOOKS = 0.1  # seconds between two


def is_asked(target: Folder) -> bool:
    """Tell whether somebody waits; a link or anything else that is no file is no request of ours."""
    try:
        return target.exists(REQUEST)
    except OSError:
        return False


def answer(target: Folder) -> None:
    """Tell who waits that it is done."""
    with suppress(OSError):
        target.remove(REQUEST)


def ask(target: Folder, refused: SourceError, wait: float) -> Lock | None:
    """Ask the archiver that holds the lock to merge, and wait until it has.

    Returns
    -------
    Lock or None
        The lock, if the archiver has ended meanwhile; None when it has answered.

    Raises
    ------
    SourceError
        It has not answered in time, or cannot be asked; the request is withdrawn.
    """
    end = time.monotonic() + wait
    try:
        target.write(REQUEST, json.dumps({"pid": os.getpid()}).encode())
        while time.monotonic() < end:
            with suppress(SourceError):
                return target.lock("a compaction")
            if not target.exists(REQUEST):
                return None
            time.sleep(_LOOKS)
    except OSError as error:
        raise SourceError(f"{refused} It cannot be asked to compact: {reason(error)}.") from error
    finally:
        answer(target)
    raise SourceError(
        f"{refused} It was asked to compact, and has not said within {wait:g} s that it did; the request is "
        "withdrawn. What it has merged stays merged, and days that are over it merges by itself."
    )
