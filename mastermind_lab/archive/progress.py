"""How far a run of the archiver is with one stream."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..errors import SourceError
from .archiver import Archiver

if TYPE_CHECKING:
    from ..stream import Gap, StreamUpdate

Value = TypeVar("Value")


class Archived(NamedTuple):
    """What a run of the archiver has done so far.

    Attributes
    ----------
    folder, stream
        Where to, and what.
    resumed_from
        The last id that was there before; None for a new archive.
    entries, rejects, parts
        What this run has committed; rejects are among the entries.
    last_id
        The last id that is safe now; None while the archive is empty.
    waiting
        Entries that were taken and are not committed yet.
    gaps
        What was trimmed before it could be read, in this run.
    resets
        How often the stream was deleted, rolled back or begun again in this run: its entries are kept apart,
        by epoch.
    transient_error
        The passing fault that the run is waiting out now, in words; else None.
    limits
        The bounds of this archive, as they were given: '' for none.
    left_out
        How many entries they have left out in this run; None where that is not known.
    refused
        Why this one of several streams could not be read, in words; else None.
    """

    folder: str
    stream: str
    resumed_from: str | None
    entries: int
    rejects: int
    parts: int
    last_id: str | None
    waiting: int
    gaps: tuple[Gap, ...]
    resets: int
    transient_error: str | None
    limits: str = ""
    left_out: int | None = 0
    refused: str | None = None

    @property
    def began_again(self) -> int:
        """The old name of ``resets``."""
        return _renamed("began_again", "resets", self.resets)

    @property
    def trouble(self) -> str | None:
        """The old name of ``transient_error``."""
        return _renamed("trouble", "transient_error", self.transient_error)


def _renamed(old: str, new: str, value: Value) -> Value:
    message = f"Archived.{old} is now called {new}: the old name will go"
    warnings.warn(message, FutureWarning, stacklevel=3)
    return value


class StreamRun:
    """An archiver at work, and what has happened on its stream meanwhile."""

    def __init__(self, sink: Archiver) -> None:
        self.sink = sink
        self._resumed_from = sink.resume_point.last_id if sink.resume_point else None
        self._gaps: tuple[Gap, ...] = ()
        self._resets = 0
        self._refused: SourceError | None = None

    @property
    def is_past(self) -> bool:
        """Whether the stream has passed the end of what is wanted."""
        return self.sink.extent.is_past

    def note(self, update: StreamUpdate) -> None:
        """Count what an update says beside its entries."""
        self._gaps += (update.gap,) if update.gap and update.gap.missing else ()
        self._resets += update.reset
        if update.transient_error is None:
            self._refused = update.refused

    def progress(self, fault: SourceError | None = None) -> Archived:
        """Say how far it is."""
        sink = self.sink
        return Archived(
            folder=str(sink.folder),
            stream=sink.stream,
            resumed_from=self._resumed_from,
            entries=sink.entries,
            rejects=sink.rejects,
            parts=sink.parts,
            last_id=sink.resume_point.last_id if sink.resume_point else None,
            waiting=sink.waiting,
            gaps=self._gaps,
            resets=self._resets,
            transient_error=str(fault) if fault else None,
            limits=sink.extent.said,
            left_out=sink.extent.left_out,
            refused=str(self._refused) if self._refused else None,
        )
