"""What can be followed: streams, and replays of histories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, cast

from ..errors import OptionError
from ..history import is_stream
from ..stream import News, Tail


class Source(Protocol):
    """What a follower follows: :class:`mastermind_lab.stream.Tail`, or a replay."""

    where: str
    streams: tuple[str, ...]
    numbered: bool

    def __iter__(self) -> Iterator[News]:
        """Yield what is new, at least once a second something."""

    def close(self) -> None:
        """End the iteration, from any thread."""


def source_of(source: Any, stream: str | Sequence[str], backfill: int) -> Source:
    """Find out what a source is.

    Raises
    ------
    OptionError
        It cannot be followed, or an option makes no sense.
    """
    streams = (stream,) if isinstance(stream, str) else tuple(stream)
    if not streams or not all(isinstance(name, str) for name in streams):
        raise OptionError(f"stream={streams!r:.80}: expected a stream's name, or several")
    if isinstance(backfill, bool) or not isinstance(backfill, int) or backfill < 0:
        raise OptionError(f"backfill={backfill!r}: expected a number of entries, 0 or more")
    if is_stream(source):
        return Tail(source, streams, backfill=backfill)
    if hasattr(source, "streams") and hasattr(source, "close"):
        return cast(Source, source)
    raise OptionError(
        f"cannot follow a {type(source).__name__}: give a redis:// URL or a client; "
        "a file or a snapshot plays as lab.replay(...)"
    )
