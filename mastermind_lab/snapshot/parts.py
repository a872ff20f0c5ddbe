"""One part as it is read: a Parquet file with metadata in its footer, checked page by page."""

from __future__ import annotations

import json
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from ..frames import ARROW, DECLARED, Key, check_times, id_key, is_open, rows_between, with_plain_texts
from . import stored
from .footer import KEY, DamageError, parquet_footer
from .unfolded import TEXTS, check_unfolded, check_writer, chunks_of, is_nested, to_read_as_dictionary

_OF_OTHERS = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, zlib.error)
TYPES = {*ARROW.values(), pa.null()}
_TEXT = ARROW["str"]
_FEW = 2**10  # rows, whose texts take longer to be read as places in a dictionary than as they are


class Selection(NamedTuple):
    """What is wanted of a part; None is no limit.

    Attributes
    ----------
    first, last : str or None
        The ids of the first and the last entry whose rows are wanted.
    columns : tuple of str or None
        The columns, ``stream_id`` among them.
    newest : int or None
        How many rows, at its end.
    """

    first: str | None = None
    last: str | None = None
    columns: tuple[str, ...] | None = None
    newest: int | None = None

    @property
    def cuts_rows(self) -> bool:
        """Whether not all rows are wanted."""
        return (self.first, self.last, self.newest) != (None, None, None)

    def rows(self, table: pa.Table) -> range:
        """Say which rows of a table are wanted."""
        if self.newest is not None:
            return range(max(table.num_rows - self.newest, 0), table.num_rows)
        return rows_between(table["stream_id"], self.first, self.last)

    def within(self, first: str, last: str) -> Selection:
        """Take no more than what lies between two ids; '' is no bound."""
        return self._replace(first=self.first or first or None, last=self.last or last or None)

    def touches(self, first: str, last: str) -> bool:
        """Tell whether a part from one id to another may have wanted rows; '' where it has none."""
        begins_late = self.last is not None and id_key(self.last) < id_key(first or "0")
        ends_early = self.first is not None and id_key(last or "0") < id_key(self.first)
        return not (begins_late or ends_early)

    def of(self, first: str, last: str) -> Selection:
        """Leave out the bounds that cut nothing off a part from one id to another; '' where it has none."""
        cuts_first = first and self.first and id_key(first) < id_key(self.first)
        cuts_last = last and self.last and id_key(self.last) < id_key(last)
        return self._replace(first=self.first if cuts_first else None, last=self.last if cuts_last else None)


EVERYTHING = Selection()


def decoded(
    content: bytes,
    most: int | None = None,
    check: Callable[[pa.ChunkedArray, int], None] | None = None,
    wanted: Selection = EVERYTHING,
) -> pa.Table:
    """Read a part's table, or what is wanted of it; the checksum of every page that is read is verified.

    Parameters
    ----------
    content
        The part.
    most
        How many bytes it may unpack to; None for the larger of 1 GiB and 20 times its own.
    check
        What has to be passed by its column ``stream_id``, as far as it is read, which is quick to look at
        while it is a dictionary, and by how many rows there are.
    wanted
        Which rows and columns.

    Raises
    ------
    DamageError
        It is no Parquet file, or a damaged one, or it unpacks to more.
    """
    try:
        part = _Part.of(content, most)
        groups, read = part.around(wanted)
        start = part.rows(range(groups.start))
        if check:
            check(read["stream_id"], read.num_rows + part.footer.num_rows - part.rows(groups))
        if wanted.cuts_rows:
            rows = wanted.rows(read)
            # Copied, or what is kept of a few rows would be as large as the groups that they are in.
            read, start = read.take(pa.array(rows, pa.int64())), start + rows.start
        return _Read(read, part.said_of(wanted.columns)).table(start)
    except (*_OF_OTHERS, pa.ArrowException) as error:
        raise DamageError(f"no readable Parquet: {error!s:.200}") from error


def decoded_together(
    contents: Iterable[bytes], most: int | None, rows: Iterable[int], columns: tuple[str, ...] | None = None
) -> list[pa.Table]:
    """Read the tables of small parts that follow each other, those that are stored alike as one.

    Parameters
    ----------
    contents, most
        As for :func:`decoded`.
    rows
        How many each has.
    columns
        Which of their columns; None for all.

    Raises
    ------
    DamageError
        One of them is damaged, unpacks to more, or has other rows.
    """
    runs: list[list[_Read]] = []
    try:
        for content, noted in zip(contents, rows, strict=True):
            part = _Part.of(content, most)
            read = _Read(part.read(range(part.footer.num_row_groups), columns), part.said_of(columns))
            check_rows(read.stored.num_rows, noted)
            if runs and runs[-1][0].is_like(read):
                runs[-1].append(read)
            else:
                runs.append([read])
        return [_Read(pa.concat_tables([one.stored for one in run]), run[0].said).table() for run in runs]
    except (*_OF_OTHERS, pa.ArrowException) as error:
        raise DamageError(f"no readable Parquet: {error!s:.200}") from error


class _Read(NamedTuple):
    """What a part holds, as it is stored, and what its footer says of the columns."""

    stored: pa.Table
    said: list[Any] | None

    def is_like(self, other: _Read) -> bool:
        """Tell whether the two can be taken for one: marks are each part's own."""
        has_marks = any(isinstance(there, list) for _, there in self.said or ())
        is_same = self.said == other.said and not has_marks
        return is_same and bool(self.stored.schema.equals(other.stored.schema, check_metadata=True))

    def table(self, start: int = 0) -> pa.Table:
        """Return the table that was stored, or its rows from one on."""
        return with_plain_texts(stored.restored(_spelled_out(self.stored), self.said, start))


class _Part(NamedTuple):
    content: bytes
    most: int | None
    footer: parquet.FileMetaData
    said: Any  # of its columns

    @classmethod
    def of(cls, content: bytes, most: int | None) -> _Part:
        footer = parquet_footer(content)
        said = json.loads((footer.metadata or {}).get((KEY + stored.KEY).encode(), "null"))
        return cls(content, most, footer, said)

    def read(self, groups: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
        """Read some groups of rows, texts as places in a dictionary where they are stored so."""
        # Of all groups, read or not: marks of a row stand behind those of all rows before it.
        made = len(self.said or ()) * self.rows(range(self.footer.num_row_groups))
        is_small = self.footer.num_rows <= _FEW
        texts = [] if is_small else _stored_with_dictionary(self.footer)
        check_writer(self.footer)
        chunks = chunks_of(self.footer, groups, columns)
        as_places = to_read_as_dictionary(self.content, self.footer, self.most, texts, chunks, made)
        # One file, not a dataset: the date in the folder's name is no column of ours.
        file = parquet.ParquetFile(
            pa.BufferReader(self.content),
            metadata=self.footer,
            read_dictionary=[*as_places],
            page_checksum_verification=True,
        )
        table = file.read_row_groups(groups, columns, use_threads=columns is None and not is_small)
        if as_places:
            check_unfolded(table, len(self.content), self.most)
        return table.replace_schema_metadata(None)

    def said_of(self, columns: Collection[str] | None) -> list[Any] | None:
        """Return what is said of some columns; None where each is what its part has under its name."""
        said: list[Any] | None = self.said
        return said if columns is None or said is None else [one for one in said if one[0] in columns]

    def rows(self, groups: Iterable[int]) -> int:
        """Say how many rows some groups have together."""
        return sum(self.footer.row_group(group).num_rows for group in groups)

    def around(self, wanted: Selection) -> tuple[range, pa.Table]:
        """Find and read the groups of rows that are wanted; once, where that is the last, as mostly."""
        last = range(self.footer.num_row_groups)[-1:]
        if last.start and wanted.first is not None and wanted.last is None:
            read = self.read(last, wanted.columns)
            if _first_key(read) < id_key(wanted.first):
                return last, read
        groups = self.groups(wanted)
        return groups, self.read(groups, wanted.columns)

    def groups(self, wanted: Selection) -> range:
        """Find the groups of rows that are wanted by the first ids of some: they are in order.

        The rows of one entry may lie in two of them.
        """

        @cache
        def first(group: int) -> Key:
            return _first_key(self.read([group], ["stream_id"]))

        every, start = range(self.footer.num_row_groups), 0
        stop = len(every)
        if wanted.newest is not None:
            start = sum(self.rows(every[group:]) >= wanted.newest for group in every[1:])
        elif wanted.first is not None:
            start = bisect_left(every, id_key(wanted.first), 1, key=first) - 1
        if wanted.last is not None:
            stop = min(bisect_right(every, id_key(wanted.last), 1, key=first), stop)
        return range(start, stop)


def _first_key(table: pa.Table) -> Key:
    return id_key(table["stream_id"][0].as_py())


def _stored_with_dictionary(footer: parquet.FileMetaData) -> list[str]:
    """Name the columns of texts that are stored as places in a dictionary."""
    if not footer.num_row_groups:
        return []
    described = (footer.schema.column(n) for n in range(len(footer.schema)))
    texts = [(n, one) for n, one in enumerate(described) if one.logical_type.type == "STRING"]
    group = footer.row_group(0)
    return [one.path for n, one in texts if not is_nested(one) and _repeats(group.column(n))]


def _repeats(column: parquet.ColumnChunkMetaData) -> bool:
    """Tell whether texts have a dictionary that is worth it: not most of what is stored."""
    if not column.has_dictionary_page:
        return False
    size = column.data_page_offset - column.dictionary_page_offset
    return bool(size < column.total_compressed_size * 0.75)


def _spelled_out(table: pa.Table) -> pa.Table:
    """Put the texts where the places in a dictionary stand: faster than to let Parquet add text by text."""
    columns = [_plain_texts(column) for column in table.columns]
    fields = [field.with_type(column.type) for field, column in zip(table.schema, columns, strict=True)]
    return pa.table(columns, pa.schema(fields))


def _plain_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type == pa.string():  # as older parts have it
        return column.cast(_TEXT)
    plain = TEXTS.get(column.type.value_type) if pa.types.is_dictionary(column.type) else None
    if plain is None:
        return column
    return pa.chunked_array([one.dictionary.cast(plain).take(one.indices) for one in column.chunks], plain)


class TableError(DamageError):
    """A part whose table has other rows or columns than it should have."""

    kind = "rows"


def check_rows(rows: int, noted: int) -> None:
    """Refuse a part of another length than was noted.

    Raises
    ------
    TableError
        With both.
    """
    if rows != noted:
        raise TableError(f"it holds {rows:,} rows, not {noted:,}")


def check_table(name: str, table: pa.Table, columns: Collection[str] | None = None) -> None:
    """Refuse a table without a declared column, or one of those asked for, or with one of a foreign type.

    So is one with times that Python, and so a frame, has no word for.

    Raises
    ------
    TableError
        With what is wrong.
    """
    types = {field.name: field.type for field in table.schema}
    if len(types) < table.num_columns:
        raise TableError("two of its columns have one name")
    declared = {column: one for column, one in DECLARED[name].items() if columns is None or column in columns}
    wrong = [column for column, one in declared.items() if types.get(column) != ARROW[one.type]]
    wrong += [column for column, kind in types.items() if not _is_allowed(name, column, kind)]
    if wrong:
        raise TableError(f"column {wrong[0]!r:.80} is {types.get(wrong[0], 'missing')}")
    for column, held in zip(types, table.columns, strict=True):
        try:
            check_times(held)
        except ValueError as error:
            raise TableError(f"column {column!r:.80}: {error}") from error


def _is_allowed(frame: str, column: str, kind: pa.DataType) -> bool:
    """Tell whether a column may be of a type: a user's own may be of any but a stranger's extension."""
    return kind in TYPES or not (is_open(frame, column) or isinstance(kind, pa.BaseExtensionType))
