"""Declared columns, rows into the five frames, cuts of them, and the account of what they cover.

Between a batch of rows and a DataFrame stands an Arrow table a frame (:data:`Tables`): batches become Arrow
once each, tables merge without loss, and DataFrames are made once, at the end.
"""

from .bounds import Bound, Limits, milliseconds
from .changed import changed_entries, check_joined, ids_of, table_of
from .coverage import Account, Coverage, least_sure, shared, total, united
from .cuts import apply_limits, between, edge, newest, only, only_of, times_of
from .declared import ARROW, COVERAGE, DECLARED, FRAMES, PAYLOADS, TEXT, check_names, is_open, schema
from .envelopes import rebuild
from .ids import id_key, id_parts, is_id, order, sort_keys
from .lazy import LazyTables
from .schema_union import SchemaUnion
from .tables import (
    Tables,
    combine_chunks,
    concat,
    decoded,
    entry_ids,
    ids_in_order,
    json_columns,
    oldest_first,
    renumber,
    stacked,
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
    "TEXT",
    "Account",
    "Bound",
    "Coverage",
    "LazyTables",
    "Limits",
    "SchemaUnion",
    "Tables",
    "apply_limits",
    "between",
    "changed_entries",
    "check_joined",
    "check_names",
    "combine_chunks",
    "concat",
    "decoded",
    "edge",
    "entry_ids",
    "id_key",
    "id_parts",
    "ids_in_order",
    "ids_of",
    "is_id",
    "is_open",
    "json_columns",
    "least_sure",
    "milliseconds",
    "newest",
    "oldest_first",
    "only",
    "only_of",
    "order",
    "rebuild",
    "renumber",
    "schema",
    "shared",
    "sort_keys",
    "stacked",
    "table_of",
    "tables",
    "times_of",
    "to_pandas",
    "total",
    "union",
    "united",
]
