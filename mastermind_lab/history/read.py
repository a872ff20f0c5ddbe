"""The reader: which source is this? Whatever it is, its entries become one History."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from .. import files, snapshot
from ..decode import Batch, Column, check_columns
from ..envelope import STREAM, Reject
from ..errors import OptionError
from ..frames import Tables, check_names, coverage_frame, entry_ids, id_key, merge, tables
from ..stream import SCHEMES, Pages
from .history import History
from .limits import Bound, Limits, cut

Source = Any
"""A URL, a redis client, a path, a glob, or an iterable of payloads."""

_BATCH_BYTES = 8 * 2**20


def read(
    source: Source,
    *,
    stream: str = STREAM,
    last: int | None = None,
    since: Bound | None = None,
    until: Bound | None = None,
    columns: Iterable[Column] = (),
    payloads: bool = False,
    progress: bool | None = None,
) -> History:
    """Read a history from wherever it is.

    Parameters
    ----------
    source
        A ``redis://``, ``rediss://`` or ``unix://`` URL; a redis client, sync or asyncio; a file of
        envelopes, one a line (``.ndjson`` or ``.jsonl``, with ``.gz`` or ``.zst`` behind it or not), a folder
        or a glob of them; a snapshot's folder; or an iterable of payloads (str or bytes).
    stream
        The stream's name, for a Redis source.
    last
        At most so many entries, the newest.
    since, until
        Where to begin and end, both inclusive: a stream id, a datetime (without a zone: UTC), or a Unix time
        in seconds or milliseconds. A stream is cut by its ids, lines of a file by ``published_at``.
    columns
        Extra columns of ``decisions``.
    payloads
        Keep each envelope's raw JSON too, as ``history.payloads``.
    progress
        Show a progress bar.

    Returns
    -------
    History
        What could be decoded as rows, what could not as rejects, and in ``coverage`` what was left out.

    Raises
    ------
    SourceError
        The source cannot be read: no server, no file, a wrong password, a key of another type.
    OptionError
        An argument makes no sense.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> envelope = '{"decision": {"recommendation": "ship", "confidence": 0.8}}'
    >>> history = lab.read([envelope, "not an envelope"])
    >>> len(history.decisions), history.rejects["reason"].tolist()
    (1, ['not_json'])
    """
    limits, columns = Limits.of(last, since, until), tuple(columns)
    check_columns(columns)
    check_names(column.name for column in columns)
    reading = _Reading(columns, payloads, limits, bool(progress))
    if hasattr(source, "connection_pool") or (isinstance(source, str) and source.startswith(SCHEMES)):
        return reading.stream(source, stream)
    if isinstance(source, str | os.PathLike):
        return reading.snapshot(source) if snapshot.is_snapshot(source) else reading.files(source)
    if isinstance(source, bytes | bytearray | dict) or not isinstance(source, Iterable):
        raise OptionError(
            f"cannot read from a {type(source).__name__}: give a URL, a redis client, a path, "
            "or an iterable of payloads (one payload alone goes into a list)"
        )
    return reading.payloads_of(source)


async def aread(source: Source, **options: Any) -> History:
    """Read like :func:`read`, without holding up the event loop.

    The reading happens in a thread with a connection of its own, so an asyncio client given as the source
    goes on serving others.
    """
    return await asyncio.to_thread(read, source, **options)


def sample(**options: Any) -> History:
    """Read the sample that comes with the package: 2,000 decisions of a simulated arena.

    ``options`` are those of :func:`read`.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> len(lab.sample(last=10))
    10
    """
    return read(sample_folder() / "arena.ndjson.gz", **options)


def sample_folder() -> Path:
    """Return the folder of the sample's files: beside the package in a checkout, inside it when installed."""
    package = Path(str(resources(__package__.partition(".")[0])))
    inside = package / "data"
    return inside if inside.is_dir() else package.parent / "data"


class _Reading:
    """One call of read: its options, and a way for each kind of source."""

    def __init__(self, columns: tuple[Column, ...], payloads: bool, limits: Limits, progress: bool) -> None:
        self.columns, self.payloads, self.limits, self.progress = columns, payloads, limits, progress

    def stream(self, source: Source, name: str) -> History:
        pages = Pages(source, name, last=self.limits.last, **self.limits.ids())
        found: list[Tables] = []
        with self._bar() as bar:
            for page in pages:
                batch = self._batch()
                for stream_id, payload in page:
                    batch.add(stream_id, payload)
                found.append(tables(batch))
                bar.total = pages.total
                bar.update(len(page))
        parts = merge(reversed(found), self.columns)
        row = {"source": pages.where, "stream": name, "limits": self.limits.said}
        return History.of(parts, coverage_frame([row | _extent(entry_ids(parts)) | pages.account()]))

    def files(self, source: str | os.PathLike[str]) -> History:
        paths = files.find(source)
        with self._bar() as bar:
            parts = [self._numbered(files.lines(path, number), bar) for number, path in enumerate(paths)]
        return self._cut(merge(parts, self.columns), [str(path) for path in paths])

    def payloads_of(self, source: Iterable[Any]) -> History:
        lines = ((f"0-{number}", payload, None) for number, payload in enumerate(source, 1))
        with self._bar() as bar:
            return self._cut(self._numbered(lines, bar), ["payloads"])

    def snapshot(self, folder: str | os.PathLike[str]) -> History:
        if self.columns:
            raise OptionError(
                "extra columns are filled while envelopes are decoded, and a snapshot holds none: "
                "read the stream or the NDJSON files with columns=..., and save that"
            )
        parts, coverage = snapshot.load(folder)
        if not self.limits.said:
            return History.of(parts, coverage)
        streams = coverage["stream"].dropna()
        kept = cut(parts, self.limits, numbered=streams.empty)
        row = {"source": str(folder), "stream": None if streams.empty else streams.iloc[0]}
        gone = len(entry_ids(parts)) - len(entry_ids(kept))
        row |= {"left_out": gone, "limits": self.limits.said} | _extent(entry_ids(kept))
        return History.of(kept, coverage_frame([row]))

    def _batch(self) -> Batch:
        return Batch(self.columns, self.payloads)

    def _bar(self) -> Any:
        from tqdm.auto import tqdm  # here, because it loads notebook widgets

        return tqdm(unit=" entries", disable=not self.progress)

    def _numbered(self, lines: Iterable[tuple[str, Any, Reject | None]], bar: Any) -> Tables:
        found, batch, size = [], self._batch(), 0
        for line_id, payload, fault in lines:
            if fault:
                batch.reject(line_id, fault, payload)
            else:
                batch.add(line_id, payload)
            bar.update()
            size += len(payload) if isinstance(payload, str | bytes) else 0
            if size > _BATCH_BYTES:
                found.append(tables(batch, numbered=True))
                batch, size = self._batch(), 0
        return merge([*found, tables(batch, numbered=True)], self.columns)

    def _cut(self, parts: Tables, sources: list[str]) -> History:
        """Cut numbered entries to the limits, and say for each source what was kept."""
        kept = cut(parts, self.limits, numbered=True)
        whole, left = _per_file(entry_ids(parts)), _per_file(entry_ids(kept))
        rows = []
        for number, source in enumerate(sources):
            ids = left.get(number, [])
            gone = len(whole.get(number, [])) - len(ids)
            rows.append({"source": source, "left_out": gone, "limits": self.limits.said} | _extent(ids))
        return History.of(kept, coverage_frame(rows))


def _extent(ids: list[str]) -> dict[str, Any]:
    return {"entries": len(ids), "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}


def _per_file(ids: list[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for one in ids:
        found.setdefault(id_key(one)[1], []).append(one)
    return found
