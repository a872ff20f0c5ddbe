"""One part as it is written: a Parquet file with metadata in its footer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from ..errors import OptionError
from ..frames import to_pandas
from . import stored
from .footer import KEY, METADATA_HASH, OWN_HASH, ZEROS, DamageError, metadata_hash, sha256
from .parts import TYPES, check_table, decoded

_ROWS_A_GROUP = range(2**13, 2**16)
_GROUPS = 6  # where there are rows enough: to read few of them takes less, to read all of them hardly more
_SAMPLED = 1_000  # rows, to tell whether a column repeats itself
_UNIQUE = {"correlation_id", "decision_id", "detail"}

# Measured on simulated decisions: level 6 and wide pages make raw payloads a fifth smaller than level 1, for
# three times the time; the other columns, at level 1, would get only a twentieth smaller.
_LAYOUT: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": {"payload": 6},
    "data_page_size": 2**25,
    "dictionary_pagesize_limit": 2**27,
    "write_page_checksum": True,
}


def encoded(table: pa.Table, metadata: dict[str, str], *, hashed: bool = False) -> bytes:
    """Write a table as Parquet; with ``hashed``, its footer holds hashes of the file and the metadata."""
    table, said = stored.stored(table)
    metadata = {key: value for key, value in metadata.items() if key != stored.KEY} | said
    if hashed:
        metadata = metadata | {METADATA_HASH: metadata_hash(metadata), OWN_HASH: ZEROS}
    ours = {KEY + name: value for name, value in metadata.items()}
    described = table.replace_schema_metadata(_pandas_metadata(table.schema))
    sink = pa.BufferOutputStream()
    with parquet.ParquetWriter(
        sink, described.schema, use_dictionary=_with_dictionary(table), **_LAYOUT
    ) as writer:
        writer.write_table(described, row_group_size=_rows_a_group(table.num_rows))
        writer.add_key_value_metadata(ours)
    content: bytes = sink.getvalue().to_pybytes()
    return _with_hash(content) if hashed else content


def _rows_a_group(rows: int) -> int:
    """Divide rows into groups of one size, of which few are read where few rows are wanted."""
    groups = min(rows // _ROWS_A_GROUP.start, _GROUPS) or 1
    return min(-(-rows // groups) or 1, _ROWS_A_GROUP.stop)


def _with_dictionary(table: pa.Table) -> list[str]:
    """Name the columns worth a dictionary: what is new in each row would be stored twice.

    Of texts their name alone tells, so that all parts have one or none: fastparquet loses texts of a column
    of which some parts have one.
    """
    texts = [one.name for one in table.schema if _is_text(one.type)]
    has_one_row_an_entry = not {"position", "node"} & {*table.column_names}
    unique = {*_UNIQUE, *["stream_id"] * has_one_row_an_entry}
    return [name for name in texts if name not in unique] + _repetitive(table.drop_columns(texts))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string(kind))


def _repetitive(table: pa.Table) -> list[str]:
    likely = [field.name for field in table.schema if not _is_unlikely_to_repeat(field.type)]
    first = table.slice(0, _SAMPLED)
    # In Python: Arrow's count lets go of the interpreter, and after each column would wait for it again.
    return [name for name in likely if len({*first[name].to_pylist()}) <= first.num_rows / 2]


def _is_unlikely_to_repeat(kind: pa.DataType) -> bool:
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_null(held) or pa.types.is_binary(held) or pa.types.is_nested(held))


def _with_hash(content: bytes) -> bytes:
    start = content.rindex(ZEROS.encode(), content.rindex((KEY + OWN_HASH).encode()))
    return content[:start] + sha256(content).encode() + content[start + len(ZEROS) :]


@lru_cache
def _pandas_metadata(schema: pa.Schema) -> dict[bytes, bytes]:
    """Say which dtypes pandas should read the columns as, as pandas itself would."""
    sample = to_pandas({"sample": schema.empty_table()})["sample"]
    made = pa.Table.from_pandas(sample, preserve_index=False)
    return {b"pandas": made.schema.metadata[b"pandas"]}


def check_readable(name: str, table: pa.Table) -> None:
    """Refuse a table that could not be written, or not be read again.

    Raises
    ------
    OptionError
        With the column.
    """
    try:
        check_table(name, table)
    except DamageError as error:
        raise OptionError(f"{name} cannot be saved: {error}") from error
    for one in table.schema:
        if one.type not in TYPES:
            _check_own(name, table.select([one.name]))


def _check_own(name: str, column: pa.Table) -> None:
    """Write and read one row of a user's own column: whether Parquet can hold it, only Parquet can tell."""
    try:
        decoded(encoded(column.slice(0, 1), {}))
    except (DamageError, pa.ArrowException, TypeError) as error:
        raise OptionError(
            f"column {column.column_names[0]!r:.80} of {name} cannot be saved: {error!s:.200}. "
            "Turn it into numbers or text (astype(str)), or take it away"
        ) from error
