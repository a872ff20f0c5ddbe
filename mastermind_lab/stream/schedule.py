"""When a stream is looked at: where the doorbell rang, where there is more, and at times all the same.

A stream that was deleted and begun again with lower ids rings no doorbell, so each is looked at once a second
though it does not ring. Its figures bring its first and its last entry with them: where these are large, they
are asked for so much less often, and what rings meanwhile is read without.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from itertools import islice

from .replies import BLOCK, StreamInfo

LOOK = 1.0
"""Seconds between two looks at a stream that does not ring."""

_BYTES = 2**20  # a second: what looking at a stream that does not ring may bring
_LONGEST = 60.0  # seconds between two looks, however large they are
_REFUSED = 5.0  # seconds until a stream that cannot be read is tried again
_MOST_SILENT = 32  # streams a round: the doorbell is not left alone for longer
_TOGETHER = 16  # streams that are asked for in one transaction: one reply must be enough for all
_MOST_FULL = 4  # pages a round of streams that have more: those that ring come in between


class Figures:
    """When a stream's figures are asked for: with each look, or only at times where they are large."""

    def __init__(self) -> None:
        self._every, self._next = LOOK, 0.0

    @property
    def are_due(self) -> bool:
        """Whether it is time to look, though nothing rang."""
        return time.monotonic() >= self._next

    @property
    def are_large(self) -> bool:
        """Whether they bring so much that not every look can be one for figures."""
        return self._every > LOOK

    def asked(self, now: StreamInfo | None) -> None:
        """Take in what they were; the entry at the cursor, which comes with them, is mostly the last one."""
        self._every = min(max(2 * now.size / _BYTES, LOOK), _LONGEST) if now else LOOK
        self._next = time.monotonic() + self._every


class Schedule:
    """Whose turn it is among some streams.

    A round is a wait for the doorbell, and a page each of those that rang, of some that were not looked at
    for a second, and of the first few of those that have more. These go to the end of their line then: none
    waits for longer than a round, however much the others have.
    """

    def __init__(self, streams: Iterable[str]) -> None:
        names = tuple(streams)
        self.figures = {stream: Figures() for stream in names}
        self._due = dict.fromkeys(names, 0.0)
        self._more: dict[str, None] = {}

    def is_quiet(self, stream: str) -> bool:
        """Tell whether the doorbell says if there is anything new."""
        return stream not in self._more

    @property
    def has_more(self) -> bool:
        """Whether any stream has more than came."""
        return bool(self._more)

    def milliseconds(self) -> int:
        """Say how long there is time to wait for the doorbell."""
        if self._more:
            return 0
        next_due = min(self._due.values(), default=0.0) - time.monotonic()
        return int(min(max(next_due * 1_000, 0), BLOCK))

    def turn(self, ringing: Collection[str]) -> list[list[str]]:
        """List the streams of a round, in groups that may be asked for together."""
        now = time.monotonic()
        quiet = [stream for stream in self._due if self.is_quiet(stream)]
        silent = (stream for stream in quiet if self._due[stream] <= now and stream not in ringing)
        turn = [stream for stream in quiet if stream in ringing]
        turn += [*islice(silent, _MOST_SILENT), *islice(self._more, _MOST_FULL)]
        return [turn[place : place + _TOGETHER] for place in range(0, len(turn), _TOGETHER)]

    def looked(self, stream: str, has_more: bool = False) -> None:
        """Note that a stream had its turn, and whether it has more than came."""
        self._more.pop(stream, None)
        self.put_last(stream)
        self._due[stream] = time.monotonic() + LOOK
        if has_more:
            self._more[stream] = None

    def put_last(self, stream: str) -> None:
        """Let the others come first."""
        if stream in self._due:
            self._due[stream] = self._due.pop(stream)
        if stream in self._more:
            self._more[stream] = self._more.pop(stream)

    def refused(self, stream: str) -> None:
        """Note that a stream cannot be read."""
        self.looked(stream)
        self._due[stream] = time.monotonic() + _REFUSED

    def leave(self, stream: str) -> None:
        """Forget a stream."""
        self._more.pop(stream, None)
        self._due.pop(stream, None)
