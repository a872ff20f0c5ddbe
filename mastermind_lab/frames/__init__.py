"""Declared columns, and rows into the five frames.

Between a batch of rows and a DataFrame stands an Arrow table a frame (:data:`Tables`): batches become Arrow
once each, tables merge without loss, and DataFrames are made once, at the end.
"""

from .declared import (
    ARROW,
    COVERAGE,
    DECLARED,
    FRAMES,
    PAYLOADS,
    check_names,
    dictionary,
    is_open,
    schema,
)
from .envelopes import rebuild
from .ids import id_key, id_parts, order
from .schema_union import SchemaUnion
from .tables import (
    Tables,
    combine_chunks,
    concat,
    coverage_frame,
    decoded,
    entry_ids,
    from_pandas,
    ids_in_order,
    json_columns,
    renumber,
    tables,
    to_pandas,
    union,
)

__all__ = [
    "ARROW",
    "COVERAGE",
    "DECLARED",
    "FRAMES",
    "PAYLOADS",
    "SchemaUnion",
    "Tables",
    "check_names",
    "combine_chunks",
    "concat",
    "coverage_frame",
    "decoded",
    "dictionary",
    "entry_ids",
    "from_pandas",
    "id_key",
    "id_parts",
    "ids_in_order",
    "is_open",
    "json_columns",
    "order",
    "rebuild",
    "renumber",
    "schema",
    "tables",
    "to_pandas",
    "union",
]
