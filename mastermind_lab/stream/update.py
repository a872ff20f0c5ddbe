"""What a reader of streams says: what came, what was gone before it could be read, and what is wrong."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import SourceError
from ..frames import Account
from .cursor import BEGUN_AGAIN, Gap
from .replies import Entry


class Behind(NamedTuple):
    """How far the reading is behind what was published: entries that wait, and the time between their ends.

    Either is None where it is not known.
    """

    entries: int | None = None
    seconds: float | None = None


class StreamUpdate(NamedTuple):
    """What happened on a stream: entries, oldest first, perhaps none; or a passing fault.

    ``account`` comes when a stream is begun at its latest entries: what of it was left out or missing; once
    more when a stream that was not there has begun.
    ``rewound`` comes from a replay only: what came before it no longer counts.
    ``ordinal`` is how many entries the stream ever took up to the last one here, where that is known, and
    ``max_deleted`` the newest that was ever deleted.
    ``behind`` is said where it is known anew.
    ``refused`` says why a stream cannot be read for now, while others of the same reader are.
    """

    stream: str
    entries: list[Entry]
    gap: Gap | None = None
    reset: bool = False
    transient_error: SourceError | None = None
    account: Account | None = None
    rewound: bool = False
    ordinal: int | None = None
    max_deleted: str | None = None
    behind: Behind | None = None
    refused: SourceError | None = None

    @property
    def gone(self) -> Account | None:
        """What was gone before it could be read, in coverage's words; None where nothing was."""
        return BEGUN_AGAIN if self.reset else self.gap.account() if self.gap else None
