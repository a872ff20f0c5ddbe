"""Anybody's tables, wherever they are."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from .. import records
from ..errors import SourceError
from ..ndjson import File, FileLimits
from ..text import harmless


def table_of(
    given: Any,
    name: str,
    words: Collection[str],
    names: Collection[str] = (),
    limits: FileLimits | None = None,
) -> records.Records:
    """Read a table in memory, or that of a path or URL.

    Parameters
    ----------
    given
        The table, or where it is.
    name
        What the caller calls it.
    words
        Columns that stay text, whatever their values look like.
    names
        Columns of what names something: rows in which one has no spelling are rejects, and of texts that
        look like numbers two that are spelled otherwise stay two.
    limits
        How much of a file is read.
    """
    if not isinstance(given, str | os.PathLike):
        return records.in_memory(given, name, names)
    return table_in(records.only_file(given), name, words, names, limits)


def all_of(read: records.Records, name: str) -> records.Records:
    """Return a table of which no row may be lost: what is joined has no rejects.

    Raises
    ------
    SourceError
        A row could not be read.
    """
    if read.rejects:
        number, reason, detail, _ = read.rejects[0]
        # Of cells, it has the number already.
        where = "" if reason == "cells" else f"row {number}: " if reason == "invalid" else f"line {number}: "
        raise SourceError(
            f"{read.source}: {where}{detail} ({len(read.rejects):,} such of the {name}: mend them, or leave "
            "them out)"
        )
    return read


def table_in(
    file: File,
    name: str,
    words: Collection[str],
    names: Collection[str],
    limits: FileLimits | None = None,
) -> records.Records:
    """Read the table in a file: Parquet, JSON lines or CSV."""
    if not records.is_parquet(file):
        return records.read_file(file, name, words, names, limits)
    from .. import snapshot  # here, because Parquet takes long to load

    try:
        with records.opened(file) as stream:
            table = snapshot.foreign_table(stream, limits.unpacked_bytes if limits else None)
            read = records.in_memory(table, name)
    except snapshot.DamageError as error:
        raise SourceError(f"{file}: {error}") from error
    return records.Records(read.table, harmless(str(file)))
