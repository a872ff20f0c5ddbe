"""The tables of committed ranges, whole or the rows that are wanted; every byte is compared with its hash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import pyarrow as pa

from ..errors import SourceError
from ..frames import FRAMES, Tables
from ..storage import Folder
from ..storage import folder as folder_of
from .footer import DamageError, check_hash, sha256
from .ids import check_ids, check_ids_together
from .layout import child_path
from .parts import EVERYTHING, Selection, check_rows, check_table, decoded, decoded_together
from .ranges import Range, range_of, read_metadata, reason
from .together import parallel_map, side_by_side
from .unfolded import FREE


def read_range(
    committed: Range, tables: Iterable[str] | None = None, wanted: Selection = EVERYTHING
) -> Tables:
    """Read the tables of one range; every byte is compared with the hashes that were committed.

    Parameters
    ----------
    committed
        One of :func:`ranges`.
    tables
        The names of some tables; else the five frames, without the raw payloads.
    wanted
        The entries and the columns to decode; the bytes of the others are compared, too.

    Raises
    ------
    OptionError
        The range has no such table: it was saved without payloads.
    SourceError
        A part is missing or damaged.
    """
    source = folder_of(committed.folder)
    read = FRAMES if tables is None else tuple(tables)
    committed.check_has(read)
    return parallel_map(partial(_table, source, committed, wanted), read, committed.rows_of)


def _table(source: Folder, committed: Range, wanted: Selection, name: str) -> pa.Table:
    path = child_path(committed.place, name)
    try:
        table = table_of(committed, name, read_part(source, committed, name), wanted)
    except (OSError, DamageError) as error:
        raise SourceError(
            f"{source.name}/{path} cannot be read: {reason(error)}. "
            "Nothing was changed; verify lists all that is wrong."
        ) from error
    return table


def read_together(committed: Sequence[Range], name: str, wanted: Selection = EVERYTHING) -> list[pa.Table]:
    """Read what small ranges that follow each other have of a table; what each would cost is spent once.

    The checks are those of :func:`read_range`. Where they find anything, each range is read by itself, which
    tells in which.

    Raises
    ------
    SourceError
        A part is missing or damaged.
    """
    source, most = folder_of(committed[0].folder), committed[0].max_unpacked_bytes
    rows = [one.rows_of(name) for one in committed]
    try:
        contents = side_by_side(lambda one: read_part(source, one, name), committed, source.at_once)
        tables = decoded_together(contents, most, rows, wanted.columns)
        for table in tables:
            check_table(name, table, wanted.columns)
        ids = pa.chunked_array([chunk for table in tables for chunk in table["stream_id"].chunks])
        ends = ((one.first_id, one.last_id) for one in committed)
        check_ids_together(name, ids, [(*end, count) for end, count in zip(ends, rows, strict=True)])
    except (OSError, DamageError):
        return [read_range(one, [name], wanted)[name] for one in committed]
    return tables


def table_of(committed: Range, name: str, content: bytes, wanted: Selection = EVERYTHING) -> pa.Table:
    """Decode a range's part in a table, or what is wanted of it, and check its rows and their ids.

    Raises
    ------
    DamageError
        It is damaged, or was edited.
    """

    def check(ids: pa.ChunkedArray, rows: int) -> None:
        check_ids(name, ids, committed.first_id, committed.last_id)
        check_rows(rows, committed.rows_of(name))

    table = decoded(content, committed.max_unpacked_bytes, check, wanted)
    check_table(name, table, wanted.columns)
    return table


def read_part(source: Folder, committed: Range, name: str) -> bytes:
    """Read the bytes of a range's part in a table, and compare them with the hash that was committed.

    Raises
    ------
    OSError
        It cannot be read.
    DamageError
        They differ; but not where the range was given more columns since it was listed.
    """
    path = child_path(committed.place, name)
    content = source.read(path, committed.max_unpacked_bytes or FREE)
    try:
        _check_content(committed, name, content)
    except DamageError:
        now = range_of(source, committed.place, read_metadata(source, committed.place))
        if now == committed or now.origin != committed.origin:
            raise
        return read_part(source, now, name)
    return content


def _check_content(committed: Range, name: str, content: bytes) -> None:
    if name != "decisions":
        noted = committed.child_tables[name]
        if sha256(content) not in (noted["sha256"], *noted.get("next", ())):
            raise DamageError("its bytes are not those that were committed (SHA-256)")
    elif committed.metadata["format"] != "1":
        check_hash(content, committed.metadata)
