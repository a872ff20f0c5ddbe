"""The archive that a follower keeps beside its window."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from ..archive import Archiver
from ..errors import OptionError, SourceError
from ..stream import News, Tail
from .source import Source

Folder = str | os.PathLike[str]
Keep = Callable[[News], str | None]
"""Takes in news; returns what went wrong in plain words, or None."""


def checked(folder: Folder | None, source: Source) -> Folder | None:
    """Return the folder, if what is followed can be archived in one.

    Raises
    ------
    OptionError
        It is a replay, or several streams.
    """
    if folder is not None and not (isinstance(source, Tail) and len(source.streams) == 1):
        raise OptionError(f"archive={str(folder)!r:.80}: an archive is of one stream of a Redis source")
    return folder


@contextmanager
def archiving(folder: Folder | None, source: Source) -> Iterator[Keep]:
    """Open the archive, if there is to be one, and have the source begin where it ends."""
    if folder is None or not isinstance(source, Tail):
        yield lambda news: None
        return
    with Archiver(folder, stream=source.streams[0], source=source.where) as archiver:
        source.cursors = archiver.cursors()
        yield partial(_keep, archiver)


def _keep(archiver: Archiver, news: News) -> str | None:
    try:
        archiver.take(news)
    except SourceError as error:  # it keeps what it could not write, and tries again
        return str(error)
    return None
