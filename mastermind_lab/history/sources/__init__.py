"""What a history can be read from: one file a kind of source, and one line in :data:`KINDS`.

A source falls into partitions, which can be read alone; a partition yields batches: tables of some decisions
with all that belongs to them, and a coverage. The coverages of all batches add up to that of the source. A
bad entry is a :class:`~mastermind_lab.envelope.Reject` in the place of what is wrong with it (see
:data:`mastermind_lab.envelope.Entry`): it becomes a row of ``rejects``, and costs no other entry anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...wire import SecretUrl
from ..history import History
from .begun import BegunArchive
from .files import Files
from .logs import Logs
from .payloads import Payloads
from .reading import Batch, NoBar, Options, Partition, Source
from .refusals import checked
from .several import Several, are_several
from .snapshots import Snapshot
from .streams import Stream, is_stream

KINDS = (Stream, BegunArchive, Snapshot, Logs, Files, Payloads)
"""The kinds of sources, in the order in which they are asked whether something is one of theirs."""

__all__ = [
    "KINDS", "Batch", "NoBar", "Options", "Partition", "Snapshot", "Source", "Stream", "find", "is_stream",
]  # fmt: skip


def find(source: Any, options: Options) -> Source:
    """Find out what a source is.

    Raises
    ------
    OptionError
        It is nothing that can be read.
    """
    if are_several(source):
        if logs := Logs.of_all(source, options):
            return logs
        return Several([*map(SecretUrl.of, source)], options, _read_one)
    given = checked(source)
    found: Iterator[Source | None] = (kind.of(given, options) for kind in KINDS)
    return next(filter(None, found))


def _read_one(source: Any, options: Options) -> History:
    return find(source, options).history()
