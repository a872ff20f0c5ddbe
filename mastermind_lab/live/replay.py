"""A history played once more, on a virtual clock, as if it were happening."""

from __future__ import annotations

import math
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Condition
from typing import Any, cast

import numpy as np
import pandas as pd

from ..errors import OptionError
from ..frames import ACCEPTED, Bound, bound, id_key
from ..history import History, read, with_options_of, without_undecided
from ..stats.engine.timebins import main_part
from ..stream import PACE, StreamUpdate

_LAST = 253_402_300_799.0  # seconds since 1970, the year 9999: there is no later moment
_PAGE = 2_000
_LONGEST_WAIT = 0.5  # seconds


@with_options_of(read)
def replay(
    source: Any, *, speed: float = 10.0, derive: str | None = None, voter: str = "voter", **options: Any
) -> Replay:
    """Play a history once more, as a source to follow.

    Parameters
    ----------
    source
        What :func:`mastermind_lab.read` takes, or a history. It is held in memory.
    speed
        How many times faster than it happened, above 0; ``math.inf`` for as fast as possible.
    derive
        The rule by which a recommendation and a confidence are derived where there is none, as for
        :meth:`mastermind_lab.History.to_ndjson`. Decisions that the rule leaves open, ties say, are not
        played; ``left_out`` of the replay says how many.
    voter
        Column of ``votes`` that tells voters apart where something is derived.
    **options
        Those of :func:`mastermind_lab.read`.

    Examples
    --------
    >>> import math
    >>> import mastermind_lab as lab
    >>> follower = lab.Follower(lab.replay(lab.sample(last=100), speed=math.inf))
    >>> for update in follower.source:
    ...     follower.take(update)
    >>> len(follower.history())
    100
    """
    history = source if isinstance(source, History) else read(source, **options)
    return Replay(history, speed, derive, voter)


class Replay:
    """A history's entries, each when its time has come; it can be paused, moved and sped up meanwhile.

    Entries come in the order of the stream. An entry's time is when the stream took it, or else when it was
    published; one without a time, or far from all the others in time as
    :class:`~mastermind_lab.stats.ConfidenceOverTime` says, comes with the one before it. With raw payloads
    these are played, without them the envelopes are rebuilt from the frames. It ends behind its last entry.
    ``left_out`` says how many decisions are not played, because the rule that was to derive something of them
    leaves them open.
    """

    streams = ("replay",)

    def __init__(
        self, history: History, speed: float = 1.0, derive: str | None = None, voter: str = "voter"
    ) -> None:
        if not history.coverage["source"].empty:
            self.where = f"replay of {', '.join(history.coverage['source'].dropna().unique())}"
        else:
            self.where = "replay"
        self.numbered = bool(history.decisions["streamed_at"].isna().all())
        played = history if derive is None else without_undecided(history, derive, voter)
        self.left_out = len(history) - len(played)
        self._entries = _entries(played.encoded(derive=derive, voter=voter), history.rejects)
        self._times = _times(history, [entry_id for entry_id, _ in self._entries])
        self._next = 0
        self._closed, self._rewound, self._paused = False, False, False
        self._changed = Condition()
        self._speed = _checked(speed)
        self._from = self._times[0] if self._times else 0.0
        self._since = time.monotonic()

    def __iter__(self) -> Iterator[StreamUpdate]:
        """Yield what has become due, from where the last iteration left off."""
        self._closed = False
        while not self._closed and (self._rewound or self._next < len(self._entries)):
            update = self._due()
            yield update
            if len(update.entries) < _PAGE:
                self._rest()

    def _rest(self) -> None:
        with self._changed:
            if not self._closed and not self._rewound and self._next < len(self._entries):
                self._changed.wait(PACE)

    def _due(self) -> StreamUpdate:
        with self._changed:
            rewound, self._rewound = self._rewound, False
            due = bisect_right(self._times, self._clock())
            first, self._next = self._next, min(max(due, self._next), self._next + _PAGE)
            if first == self._next and not rewound:
                self._changed.wait(self._until_next())
            return StreamUpdate(self.streams[0], self._entries[first : self._next], rewound=rewound)

    def _until_next(self) -> float:
        if self._paused or self._speed == math.inf:
            return _LONGEST_WAIT
        return min(max((self._times[self._next] - self._clock()) / self._speed, 0.0), _LONGEST_WAIT)

    def close(self) -> None:
        """End the iteration, from any thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def pause(self) -> None:
        """Stop the clock."""
        with self._changed:
            self._set_clock(self._clock())
            self._paused = True

    def resume(self) -> None:
        """Let the clock go on."""
        with self._changed:
            self._set_clock(self._clock())
            self._paused = False
            self._changed.notify_all()

    @property
    def total(self) -> int:
        """How many entries it plays."""
        return len(self._entries)

    @property
    def speed(self) -> float:
        """How many times faster than it happened; it can be set at any time."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        with self._changed:
            self._set_clock(self._clock())
            self._speed = _checked(speed)
            self._changed.notify_all()

    @property
    def now(self) -> datetime | None:
        """The moment that is being played, None before the first time."""
        moment = min(self._clock(), self._times[-1], _LAST) if self._times else 0.0
        return datetime.fromtimestamp(moment, UTC) if moment else None

    def seek(self, moment: Bound) -> None:
        """Go to a moment or an entry's id: what lies before it is played at once, what lies behind is undone.

        A follower that has come to the end is stopped: its ``start()`` goes on from there.

        Parameters
        ----------
        moment
            Written like ``since`` of :func:`mastermind_lab.read`.

        Raises
        ------
        OptionError
            It is written in no way that is accepted.
        """
        target = self._target(moment)
        with self._changed:
            self._set_clock(target)
            if bisect_right(self._times, target) < self._next:
                self._next, self._rewound = 0, True
            self._changed.notify_all()

    def _target(self, moment: Bound) -> float:
        place = bound("moment", moment, is_lower=True)
        if place is None:
            raise OptionError(f"moment={moment!r}: {ACCEPTED}")
        if isinstance(place, int):
            return place / 1_000_000  # divided as the entries' times are: it must be the very one
        if not self._times:
            return 0.0
        if isinstance(place, timedelta):
            return round(self._times[-1] - place.total_seconds(), 6)
        number = bisect_left(self._entries, id_key(place), key=lambda entry: id_key(entry[0]))
        return self._times[min(number, len(self._times) - 1)]

    def _clock(self) -> float:
        if self._paused:
            return self._from
        if self._speed == math.inf:
            return math.inf
        return self._from + (time.monotonic() - self._since) * self._speed

    def _set_clock(self, moment: float) -> None:
        if moment < math.inf:
            self._from = moment
        self._since = time.monotonic()


def _checked(speed: float) -> float:
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not speed > 0:
        raise OptionError(f"speed={speed!r}: expected a number above 0, such as 10")
    return float(speed)


def _entries(valid: Iterable[tuple[str, bytes]], rejects: pd.DataFrame) -> list[tuple[str, bytes | None]]:
    """List valid envelopes and rejects, oldest first."""
    others = [
        (entry_id, payload if isinstance(payload, bytes) else None)
        for entry_id, payload in zip(rejects["stream_id"], rejects["payload"], strict=True)
    ]
    return sorted([*valid, *others], key=lambda entry: id_key(entry[0]))


def _times(history: History, ids: list[str]) -> list[float]:
    """Say when each entry is due, in seconds since 1970."""
    decisions = history.decisions.set_index("stream_id")
    times = decisions["streamed_at"].fillna(decisions["published_at"]).reindex(ids)
    places = times.dropna().dt.as_unit("us").astype("int64")
    if places.empty:
        return [0.0] * len(ids)
    first, last = main_part(places.to_numpy(), np.ones(len(places)))
    seconds = (places[places.between(first, last)] / 1_000_000).reindex(ids).ffill().bfill()
    return cast(list[float], np.maximum.accumulate(seconds.to_numpy(float)).tolist())
