"""What comes in, decoded: a batch of entries into tables."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from ..decode import Column, Learned, check_columns
from ..frames import DECLARED, Tables, check_names, decoded
from ..stream import News


class Incoming:
    """Decodes the entries of some streams; what each has taught is kept for its next batch.

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
        self._learned = {name: Learned() for name in streams}

    def tables(self, news: News) -> Tables:
        """Decode the entries of one piece of news."""
        place, several = self._streams.index(news.stream), len(self._streams)
        entries = (
            (_told_apart(entry_id, place, several), payload, None) for entry_id, payload in news.entries
        )
        learned = self._learned[news.stream]
        parts = decoded(entries, columns=self._columns, learned=learned, numbered=self._numbered)
        return _of_stream(parts, news.stream) if several > 1 else parts


def _told_apart(entry_id: str, place: int, several: int) -> str:
    """Give an id of one stream among several an epoch that no other stream has."""
    if several == 1:
        return entry_id
    plain, _, epoch = entry_id.partition("@")
    number = int(epoch or 0) * several + place
    return f"{plain}@{number}" if number else plain


def _of_stream(parts: Tables, stream: str) -> Tables:
    named = {}
    for frame in ("decisions", "rejects"):
        table, column = parts[frame], pa.field("stream", pa.large_string())
        names = pa.array([stream] * table.num_rows, pa.large_string())
        named[frame] = table.add_column(len(DECLARED[frame]), column, names)
    return parts | named
