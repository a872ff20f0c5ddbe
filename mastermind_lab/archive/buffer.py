"""What will become a part: entries of one epoch that were taken and are not committed yet."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from ..decode import SchemaCache, in_batches
from ..frames import Account, Coverage, Tables, decoded, total

if TYPE_CHECKING:
    from ..stream import Gap, StreamUpdate
    from .extent import Extent

Entry = tuple[str, bytes | None]

_UNKNOWN = Account(certainty="not verified")


@dataclass
class Buffer:
    """What was decoded for one part, and what its footer shall say.

    Attributes
    ----------
    tables
        The rows, a batch each.
    entries, size
        How many entries, and how many bytes their payloads have.
    began
        When the first of them came, on the monotonic clock.
    first_id, last_id
        The ends; '' while there is no entry.
    ordinal
        How many entries the stream had ever taken up to the last one, where that is known.
    max_deleted
        The newest entry that the stream had ever deleted by then, where that is known.
    gaps
        What is missing before or between them.
    gone
        The same in coverage's words, with what a stream took with it that began again.
    left_out
        How many entries came that lie before where the archive begins.
    """

    tables: list[Tables] = field(default_factory=list)
    entries: int = 0
    size: int = 0
    began: float = 0.0
    first_id: str = ""
    last_id: str = ""
    ordinal: int | None = None
    max_deleted: str | None = None
    gaps: list[Gap] = field(default_factory=list)
    gone: list[Account] = field(default_factory=list)
    left_out: int = 0

    def add(
        self, entries: Iterable[Entry], update: StreamUpdate, payloads: bool, schema_cache: SchemaCache
    ) -> None:
        """Decode those entries of an update that are wanted here."""
        self.lose(update)
        # Not known while entries are added: whoever is interrupted there commits no false number.
        self.ordinal = None
        for batch in in_batches(entries):
            self._decode(batch, payloads, schema_cache)
        self.ordinal = update.ordinal
        self.max_deleted = update.max_deleted or self.max_deleted

    def lose(self, update: StreamUpdate) -> None:
        """Note what was gone before an update."""
        gaps = _gaps(update)
        self.gaps += gaps
        self.gone += [update.gone] if update.gone else [gap.account() for gap in gaps]

    def _decode(self, entries: list[Entry], payloads: bool, schema_cache: SchemaCache) -> None:
        tables = decoded(((*entry, None) for entry in entries), payloads=payloads, schema_cache=schema_cache)
        self.began = self.began or time.monotonic()
        self.first_id = self.first_id or entries[0][0]
        self.tables.append(tables)
        self.size += sum(len(payload or b"") for _, payload in entries)
        self.entries += len(entries)
        self.last_id = entries[-1][0]

    def metadata(self, source: str, stream: str, extent: Extent) -> dict[str, Any]:
        """Return what the footer shall say of where the entries come from."""
        gaps = [gap._asdict() for gap in self.gaps]
        place = {"last_ordinal": self.ordinal, "max_deleted": self.max_deleted}
        known = {name: value for name, value in place.items() if value is not None}
        coverage = Coverage.of(self._account(source, stream, extent.since_said)).rows()
        said = {"source": source, "stream": stream, "gaps": gaps, "coverage": coverage}
        return said | known | extent.metadata()

    def _account(self, source: str, stream: str, limits: str) -> Account:
        """Account for the entries; what the server counts nothing of is not verified."""
        nothing = Account(missing=0, certainty="exact") if self.ordinal is not None else _UNKNOWN
        gone = reduce(add, self.gone, nothing)
        return replace(
            gone,
            source=source,
            stream=stream,
            first_id=self.first_id,
            last_id=self.last_id,
            entries=self.entries,
            left_out=total((gone.left_out, self.left_out)),
            limits=limits,
        )


def _gaps(update: StreamUpdate) -> list[Gap]:
    """List what is missing before an update; what a reader left out at its beginning is missing here."""
    from ..stream import Gap

    if update.gap:
        return [update.gap] if update.gap.missing else []
    account = update.account or Account()
    missing = (account.left_out or 0) + (account.missing or 0)
    return [Gap("0-0", None, missing, account.certainty or "not verified")] if missing else []
