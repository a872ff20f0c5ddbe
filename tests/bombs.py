"""Parts of a few bytes that stand for gigabytes: Parquet put together by hand, where no writer would."""

import json
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from mastermind_lab import snapshot
from mastermind_lab.snapshot import encoding
from mastermind_lab.snapshot.footer import KEY, METADATA_HASH, OWN_HASH, ZEROS, metadata_hash


def said_of(one: snapshot.Range, **said: object) -> dict[str, str]:
    """Return what a footer says, with its hashes."""
    kept = {name: value for name, value in one.metadata.items() if not name.endswith("sha256")} | said
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in kept.items()}
    return texts | {METADATA_HASH: metadata_hash(texts), OWN_HASH: ZEROS}


def in_place(folder: Path, tables: pa.Table, **said: object) -> None:
    """Put a table in the place of the first ``decisions`` part, written as it is, with hashes that fit."""
    [one, *_] = snapshot.ranges(folder)
    Path(one.path).write_bytes(written(tables, said_of(one, **said)))


def written(table: pa.Table, said: dict[str, str], a_group: int | None = None, **layout: object) -> bytes:
    sink = pa.BufferOutputStream()
    layout = {"use_dictionary": True, "compression": "zstd", "store_schema": False} | layout
    with parquet.ParquetWriter(sink, table.schema, **layout) as writer:
        writer.write_table(table, row_group_size=a_group)
        writer.add_key_value_metadata({KEY + name: value for name, value in said.items()})
    content = sink.getvalue().to_pybytes()
    return encoding._with_hash(content) if said else content
