"""How a follower is doing, and what became of every entry."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ..frames import Account, Tables, id_key, least_sure, total, united
from ..stream import Behind, StreamUpdate

State = Literal["starting", "live", "paused", "reconnecting", "stopped", "failed"]

_RATE_OVER = 10.0  # seconds
_UNKNOWN = Account(left_out=None, certainty="not verified")
_UNSEEN = Behind()
_NOTHING, _UNSURE = Account(), Account(certainty="not verified")
_MOST_LOSSES = 100  # that are told apart, of each stream


@dataclass(frozen=True)
class Status:
    """How a follower is doing.

    Attributes
    ----------
    state
        ``starting``, ``live``, ``paused``, ``reconnecting``, ``stopped`` or ``failed``.
    received, rejected
        Entries so far, and how many of them could not be decoded.
    rate
        Entries a second, over the last 10 s.
    lag
        Seconds from an entry's ``published_at`` to its ``streamed_at``, of the newest decision that has both.
    behind
        How many entries wait on the streams that can be read, and for how many seconds of publishing, as far
        as the last look tells; either is None where that is not known.
    trimmed
        Entries that were gone before they could be read.
    certainty
        How sure that is, in the words of coverage: "exact", "at most" or "not verified".
    resets
        How often the stream was deleted, rolled back or begun again.
    last_id
        The newest entry.
    error
        The last fault, in plain words; it stays when it has passed. One of several streams that cannot be
        read is said here, too, while the others are followed.
    """

    state: State = "starting"
    received: int = 0
    rejected: int = 0
    rate: float = 0.0
    lag: float | None = None
    behind: Behind = _UNSEEN
    trimmed: int = 0
    certainty: str = "exact"
    resets: int = 0
    last_id: str | None = None
    error: str | None = None


def duration(seconds: float) -> str:
    """Say how long something took, in the unit that reads best.

    Examples
    --------
    >>> duration(0.3), duration(7_500)
    ('0.30 s', '2 h')
    """
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.2f} s"


def gaps(status: Status) -> str:
    """Say how many entries were gone unread; a server that cannot tell has said nothing of it."""
    if not status.trimmed:
        return "gaps not known" if status.certainty == "not verified" else "no gaps"
    said = f"{status.trimmed:,} trimmed unseen"
    more = {"at most": f"at most {said}", "not verified": f"{said}, perhaps more"}
    return more.get(status.certainty, said)


def lateness(behind: Behind) -> str:
    """Say how far behind a follower is; nothing where it is not, as far as is known.

    Examples
    --------
    >>> lateness(Behind(12_000, 3.5)), lateness(Behind(None, 7_500.0)), lateness(Behind(0, 0.0))
    ('12,000 entries (3.50 s) behind', '2 h behind', '')
    """
    count = f"{behind.entries:,} entries" if behind.entries else ""
    time = duration(behind.seconds) if behind.seconds else ""
    said = f"{count} ({time})" if count and time else count or time
    return said and f"{said} behind"


def often(count: int) -> str:
    """Say how often something was.

    Examples
    --------
    >>> often(1), often(1_200)
    ('once', '1,200 times')
    """
    return "once" if count == 1 else f"{count:,} times"


class StatusTracker:
    """Counts what happened on a follower's streams: for its status, and for the coverage of its histories."""

    def __init__(self, streams: Iterable[str]) -> None:
        self.status = Status()
        self._streams = {name: _StreamRecord() for name in streams}
        self._arrivals: deque[tuple[float, int]] = deque()

    def set(self, **changes: Any) -> None:
        """Change the status."""
        self.status = replace(self.status, **changes)

    def now(self) -> Status:
        """Return the status, with the rate of this moment."""
        end = time.monotonic() - _RATE_OVER
        recent = sum(count for when, count in self._arrivals if when > end)
        said = least_sure(one for record in self._streams.values() for one in record.certainties())
        certainty = said or self.status.certainty
        return replace(self.status, rate=recent / _RATE_OVER, behind=self._behind(), certainty=certainty)

    def _behind(self) -> Behind:
        """Add up what waits on the streams that can be read; the oldest of it says how long."""
        found = [record.behind for record in self._streams.values() if not record.refused]
        seconds = [one.seconds for one in found]
        known = [one for one in seconds if one is not None]
        return Behind(total(one.entries for one in found), max(known) if len(known) == len(found) else None)

    def add(self, update: StreamUpdate, batch: Tables | None) -> None:
        """Count an update, and the batch its entries were decoded to."""
        now = self.status
        self._streams[update.stream].add(update)
        self.set(
            received=now.received + len(update.entries),
            rejected=now.rejected + (batch["rejects"].num_rows if batch else 0),
            trimmed=now.trimmed + (update.gap.missing if update.gap else 0),
            resets=now.resets + update.reset,
            lag=_lag(batch, now.lag),
            last_id=update.entries[-1][0] if update.entries else now.last_id,
            error=next((str(one) for one in (update.transient_error, update.refused) if one), now.error),
        )
        if update.account is not None:
            self._arrivals.clear()  # what was there at the start did not arrive at a rate
        elif update.entries:
            self._arrivals.append((time.monotonic(), len(update.entries)))
            while self._arrivals[0][0] < self._arrivals[-1][0] - _RATE_OVER:
                self._arrivals.popleft()

    def last_id(self, stream: str) -> str | None:
        """Return the last id that came on a stream; None where none has."""
        return self._streams[stream].last_id

    def leave_out(self, stream: str, account: Account) -> None:
        """Count what lies behind the last entry that came, and does not come."""
        self._streams[stream].leave_out(account)

    def clear(self) -> None:
        """Forget all but the state."""
        state = self.status.state
        self.__init__(self._streams)  # type: ignore[misc] # one without a past is a new one
        self.set(state=state)

    def account(self, stream: str, ids: pa.Array, left_out: int, as_of: str | None) -> Account:
        """Account for the entries of a stream: kept, left out, gone."""
        record = self._streams[stream]
        gone = reduce(add, (loss.then(as_of) for loss in record.losses), record.first)
        kept = Account.of_ids(ids)
        if record.refused:  # for now: what it holds is not known
            gone += replace(_UNSURE, note=record.refused)
        note = f"began again {often(record.resets)}" if record.resets else None
        return replace(
            gone,
            stream=stream,
            first_id=kept.first_id,
            last_id=kept.last_id,
            entries=kept.entries,
            left_out=total((gone.left_out, left_out)),
            note=united([gone.note, note]),
        )


class _Loss(NamedTuple):
    """What was gone unread behind an entry; or of several losses behind entries from one to another."""

    first: str
    last: str
    account: Account

    def then(self, as_of: str | None) -> Account:
        """Account for what was gone when an entry was the newest; how much of several it was is not known."""
        if as_of is None or id_key(self.last) < id_key(as_of):
            return self.account
        return _NOTHING if id_key(self.first) >= id_key(as_of) else _UNSURE


@dataclass
class _StreamRecord:
    """What is known of one stream: what was left out and missing at the start, and since, behind what."""

    first: Account = _UNKNOWN
    losses: list[_Loss] = field(default_factory=list)
    resets: int = 0
    last_id: str | None = None
    behind: Behind = _UNSEEN
    refused: str = ""

    def add(self, update: StreamUpdate) -> None:
        if not update.transient_error:
            self.refused = str(update.refused or "")
            self.behind = update.behind or self.behind
        self.first = update.account or self.first
        if update.gone:
            self._lose(update.gap.after if update.gap else self.last_id or "0-0", update.gone)
        self.resets += update.reset
        self.last_id = update.entries[-1][0] if update.entries else self.last_id

    def certainties(self) -> Iterator[str | None]:
        """Say how sure each part is of what is gone."""
        yield self.first.certainty
        yield from (loss.account.certainty for loss in self.losses)
        yield _UNSURE.certainty if self.refused else None

    def leave_out(self, account: Account) -> None:
        self._lose(self.last_id or "0-0", account)
        self.last_id = account.last_id or self.last_id

    def _lose(self, after: str, gone: Account) -> None:
        """Note a loss; of very many the older half becomes one, or each history would add up all of them."""
        self.losses.append(_Loss(after, after, gone))
        if len(self.losses) > _MOST_LOSSES:
            half = _MOST_LOSSES // 2
            self.losses = [_together(self.losses[:half]), *self.losses[half:]]


def _together(losses: list[_Loss]) -> _Loss:
    account = reduce(add, (loss.account for loss in losses))
    return _Loss(losses[0].first, losses[-1].last, account)


def _lag(batch: Tables | None, before: float | None) -> float | None:
    if batch is None:
        return before
    decisions = batch["decisions"]
    lags = pc.subtract(decisions["streamed_at"], decisions["published_at"]).drop_null()
    return lags[-1].as_py().total_seconds() if len(lags) else before
