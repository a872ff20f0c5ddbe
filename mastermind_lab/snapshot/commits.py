"""Commits: of a range the child tables are written first; its ``decisions`` part, last, commits it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from os import PathLike
from typing import Any

import pyarrow as pa

from ..errors import SourceError
from ..frames import SchemaUnion, Tables, id_key, times_of
from ..storage import Folder
from ..storage import folder as folder_of
from .encoding import encoded
from .footer import DamageError, metadata_of, sha256
from .layout import UNKNOWN, child_path, date_of, has_date, place_of
from .ranges import FORMAT, Range, range_of, read_metadata
from .together import parallel_map


def commit(folder: str | PathLike[str], rows: Tables, metadata: Mapping[str, Any]) -> Range:
    """Write one range so that a reader sees all of it or nothing, whenever the writer is killed.

    Parameters
    ----------
    folder
        A snapshot's folder, or its URL; it is made where it is not there.
    rows
        The tables of the range, in order of ids and of one epoch; ``payloads`` may be among them.
    metadata
        What the footer shall say beside our own account: text as it is, anything else as JSON. Readers know
        ``source`` (without a password), ``stream``; ``coverage``, a list of rows of that frame; ``after``,
        the last id of the range before ('' for none); ``last_ordinal``, of its last entry among all that the
        stream ever took, from 1; ``max_deleted``, the newest entry that it had ever deleted; ``gaps``, a list
        of ``{"after", "before", "missing", "certainty", "note"}``; ``since``, the id with which an archive
        begins late; and ``until``, a row of ``coverage`` with ``limits`` and ``left_out``: where its writer
        was to end, which counts only while no range follows.

    Returns
    -------
    Range
        What was committed. Where a range of the same first and last id is there already, it is returned
        as it is, and nothing is written.

    Raises
    ------
    SourceError
        It cannot be written, or a damaged part has its place; what was committed before is as it was.
    """
    target = folder_of(folder)
    ends = ends_of(rows)
    date = date_of(ends[0]) if metadata.get("stream") and ends[0] else day_of(rows, ends[0]) or UNKNOWN
    where = f"{target.name}/decisions/{place_of(*ends, date)}"
    try:
        return write_range(target, rows, metadata, date)
    except DamageError as error:
        raise SourceError(
            f"{where} is there already and damaged: {error}. Nothing was changed: move it away to write "
            "the range again."
        ) from error
    except OSError as error:
        raise SourceError(
            f"cannot write {where}: {error.strerror or error}. "
            "What was committed before is safe; this range is not in yet and can be written again."
        ) from error


def ends_of(rows: Tables) -> tuple[str, str]:
    """Return the first and last id of all entries of tables in order; '' where there is none."""
    columns = [rows[name]["stream_id"] for name in ("decisions", "rejects") if rows[name].num_rows]
    ends = sorted((ids[place].as_py() for ids in columns for place in (0, -1)), key=id_key)
    return (ends[0], ends[-1]) if ends else ("", "")


def day_of(rows: Tables, first_id: str) -> str | None:
    """Return the day on which a range begins: its first id's, or else that of the first time known."""
    if has_date(first_id):
        return date_of(first_id)
    known = times_of(rows).drop_null()
    return known[0].as_py().date().isoformat() if len(known) else None


def write_range(target: Folder, rows: Tables, metadata: Mapping[str, Any], date: str) -> Range:
    """Do what :func:`commit` says, under a day.

    Raises
    ------
    OSError
        A file cannot be written.
    DamageError
        A part is there already, and damaged.
    """
    ends = ends_of(rows)
    path = "decisions/" + place_of(*ends, date)
    if target.exists(path):
        return range_of(target, path, read_metadata(target, path))
    child_tables = parallel_map(
        lambda name: write_child(target, path, name, encoded_child(rows[name]), rows[name]),
        (name for name in rows if name != "decisions"),
        lambda name: rows[name].nbytes,
    )
    own = _own_metadata(rows, ends) | {"date": date, "siblings": child_tables}
    return write_decisions(target, path, rows["decisions"], {**metadata, **own})


def _own_metadata(rows: Tables, ends: tuple[str, str]) -> dict[str, Any]:
    return {
        "epoch": id_key(ends[0])[0] if ends[0] else 0,
        "first_id": ends[0],
        "last_id": ends[1],
        "rows": rows["decisions"].num_rows,
        "rejects": rows["rejects"].num_rows,
        "size": sum(table.nbytes for table in rows.values()),
        "kinds": SchemaUnion.of(rows).noted(),
    }


def encoded_child(rows: pa.Table) -> bytes:
    """Return the bytes of a part that the ``decisions`` part names."""
    return encoded(rows, {"format": str(FORMAT)})


def write_child(target: Folder, path: str, table: str, content: bytes, rows: pa.Table) -> dict[str, Any]:
    """Write such a part, and return what the ``decisions`` part says of it."""
    private = "payload" in rows.column_names and rows.num_rows > 0
    target.write(child_path(path, table), content, private=private)
    return {"rows": rows.num_rows, "sha256": sha256(content), "bytes": len(content)}


def write_decisions(target: Folder, path: str, rows: pa.Table, metadata: Mapping[str, Any]) -> Range:
    """Write the part that commits a range."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()}
    texts |= {"format": str(FORMAT), "version": version("mastermind_lab")}
    content = encoded(rows, texts, hashed=True)
    target.write(path, content)
    return range_of(target, path, metadata_of(content))
