"""What a follower follows: streams and replays, how their entries are decoded, and archived on the way."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial, reduce
from operator import add
from types import MappingProxyType
from typing import Any, Protocol, cast

import pyarrow as pa

from ..archive import Archiver, overfull
from ..decode import Column, SchemaCache, check_columns
from ..errors import OptionError, SourceError
from ..frames import (
    DECLARED,
    Account,
    Tables,
    check_names,
    count,
    decoded,
    entry_ids,
    id_key,
    least_sure,
    one_stream,
    several_streams,
    total,
)
from ..history import is_stream
from ..storage import absolute
from ..stream import PACE, Gap, StreamReader, StreamUpdate


class Source(Protocol):
    """What a follower follows: :class:`mastermind_lab.stream.StreamReader`, or a replay."""

    where: str
    streams: tuple[str, ...]
    numbered: bool

    def __iter__(self) -> Iterator[StreamUpdate]:
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
    streams = (one_stream(stream),) if isinstance(stream, str) else several_streams(stream)
    latest = count("backfill", backfill)
    if is_stream(source):
        return StreamReader(source, streams, backfill=latest, pace=PACE)
    if hasattr(source, "streams") and hasattr(source, "close"):
        return cast(Source, source)
    raise OptionError(
        f"cannot follow a {type(source).__name__}: give a redis:// URL or a client; "
        "a file or a snapshot plays as lab.replay(...)"
    )


class BatchDecoder:
    """Decodes the entries of some streams; what was learned of each one's fields is kept for its next batch.

    Parameters
    ----------
    streams
        Their names. Of several, ``decisions`` and ``rejects`` get a column ``stream``, and the ids a suffix.
    columns
        Extra columns of ``decisions``.
    numbered
        The entries are lines of files: their ids hold no time.
    """

    def __init__(self, streams: tuple[str, ...], columns: Iterable[Column], numbered: bool) -> None:
        self._streams, self._columns, self._numbered = streams, tuple(columns), numbered
        check_columns(self._columns)
        check_names(column.name for column in self._columns)
        self._schema_caches = {name: SchemaCache() for name in streams}

    def tables(self, update: StreamUpdate) -> Tables:
        """Decode the entries of an update."""
        place, streams = self._streams.index(update.stream), len(self._streams)
        entries = (
            (_distinct_id(entry_id, place, streams), payload, None) for entry_id, payload in update.entries
        )
        schema_cache = self._schema_caches[update.stream]
        tables = decoded(entries, columns=self._columns, schema_cache=schema_cache, numbered=self._numbered)
        return _with_stream(tables, update.stream) if streams > 1 else tables


def _distinct_id(entry_id: str, place: int, streams: int) -> str:
    """Give an id of one stream among several an epoch that no other stream has."""
    if streams == 1:
        return entry_id
    plain, _, epoch = entry_id.partition("@")
    number = int(epoch or 0) * streams + place
    return f"{plain}@{number}" if number else plain


def _with_stream(tables: Tables, stream: str) -> Tables:
    named = {}
    for frame in ("decisions", "rejects"):
        table, column = tables[frame], pa.field("stream", pa.large_string())
        names = pa.array([stream] * table.num_rows, pa.large_string())
        named[frame] = table.add_column(len(DECLARED[frame]), column, names)
    return tables | named


Folder = str | os.PathLike[str]


def archivable(folder: Folder | None, source: Source) -> str | None:
    """Return the folder, wherever it is begun, if what is followed can be archived in one.

    Raises
    ------
    OptionError
        It is a replay.
    """
    if folder is not None and not isinstance(source, StreamReader):
        raise OptionError(f"archive={str(folder)!r:.80}: an archive is of streams of a Redis source")
    return None if folder is None else absolute(folder)


class Store:
    """What a follower reads, on its way to the archive of each stream, if there is to be one."""

    def __init__(self, archivers: Mapping[str, Archiver] = MappingProxyType({})) -> None:
        self._archivers = archivers

    def take(self, update: StreamUpdate) -> str | None:
        """Take in an update; return what went wrong in plain words, or None."""
        if not self._archivers:
            return None
        return self._said(partial(self._archivers[update.stream].take, update), self._relieve)

    @property
    def is_full(self) -> bool:
        """Whether there is no room in memory for more that could not be written."""
        archivers = self._archivers.values()
        return any(one.is_full for one in archivers) or overfull(archivers) is not None

    def retry(self) -> str | None:
        """Try once more to write, and return what went wrong."""
        return self._said(*(one.flush for one in self._archivers.values()))

    def _relieve(self) -> None:
        while largest := overfull(self._archivers.values()):
            largest.flush()

    def _said(self, *work: Callable[[], None]) -> str | None:
        try:
            for step in work:
                step()
        except SourceError as error:  # it keeps what it could not write, and tries again
            return f"{error} Following waits; the stream keeps the rest." if self.is_full else str(error)
        return None

    def archived_behind(self, stream: str, last_id: str | None) -> Account | None:
        """Account for what others have archived behind an entry before this begins: it does not come here."""
        archiver = self._archivers.get(stream)
        if archiver is None or last_id is None or not archiver.resume_point:
            return None
        from ..snapshot import Committed, entries_of, ranges

        place = id_key(last_id)
        parts = [one for one in ranges(archiver.folder) if one.last_id and place < one.key[1]]
        if not parts:
            return None
        first, *others = parts
        ids = entry_ids(entries_of([first], ["stream_id"])) if first.key[0] <= place else None
        left_out = first.entries if ids is None else sum(id_key(one) > place for one in ids)
        said = reduce(add, Committed.of(parts).coverage.accounts)
        gaps = json.loads(first.metadata.get("gaps", "[]"))
        if said.missing and any(id_key(one["after"]) < place for one in gaps):  # some of it was read here
            said += Account(certainty="at most", missing=0)
        left_out += sum(one.entries for one in others)
        return replace(said, entries=0, left_out=left_out, last_id=parts[-1].last_id)

    def unread(self, update: StreamUpdate, last_id: str | None) -> StreamUpdate:
        """Leave out what was read before a stop, and was read again because it was not in the archive yet.

        The first of all says what is in the archive already, and not here.
        """
        if not self._archivers or update.transient_error:
            return update
        found, place = self._archivers[update.stream].found, id_key(last_id or "0-0")
        if last_id is None:
            counted = Account(missing=0, certainty="exact")
            here = counted if update.ordinal is not None else Account(certainty="not verified")
            left_out = total((found.entries, found.left_out))
            account = replace(found + here, entries=0, left_out=left_out)
            return update._replace(account=account)
        entries = [one for one in update.entries if id_key(one[0]) > place]
        return update._replace(entries=entries, gap=_behind(update.gap, place))


def _behind(gap: Gap | None, place: tuple[int, int, int]) -> Gap | None:
    """Return what of a gap may lie behind an entry; where it began before, how much is not known."""
    if gap is None or id_key(gap.after) >= place:
        return gap
    if gap.before is not None and id_key(gap.before) <= place:
        return None
    return gap._replace(certainty=least_sure((gap.certainty, "at most")) or gap.certainty)


@contextmanager
def archiving(folder: Folder | None, source: Source) -> Iterator[Store]:
    """Open the archive of each stream, if there are to be any, and have the source begin where they end."""
    if folder is None or not isinstance(source, StreamReader):
        yield Store()
        return
    from ..snapshot import arena_folders  # here, because Parquet takes long to load

    several = source.streams if len(source.streams) > 1 else source.streams[0]
    with ExitStack() as opened:
        archivers = {
            stream: opened.enter_context(Archiver(place, stream=stream, source=source.where))
            for stream, place in arena_folders(folder, several).items()
        }
        source.cursors = {
            name: cursor for one in archivers.values() for name, cursor in one.cursors().items()
        }
        yield Store(archivers)
