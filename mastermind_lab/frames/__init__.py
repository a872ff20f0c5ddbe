"""Declared columns, rows into the five frames, cuts of them, and the account of what they cover.

Between a batch of rows and a DataFrame stands an Arrow table a frame (:data:`Tables`): batches become Arrow
once each, tables merge without loss, and DataFrames are made once, at the end.
"""

from .bounds import Bound, Limits, milliseconds
from .changed import table_of
from .coverage import Account, Coverage, least_sure, shared, total, united
from .cuts import apply_limits, between, edge, newest, only, only_of, times_of
from .declared import ARROW, COVERAGE, DECLARED, FRAMES, PAYLOADS, check_names, is_open, schema
from .envelopes import rebuild
from .ids import id_key, id_parts, is_id, order, sort_keys
from .lazy import LazyTables
from .open_columns import shown as shown_columns
from .open_columns import with_plain_texts
from .schema_union import SchemaUnion
from .tables import (
    Tables,
    columns_of_kind,
    combine_chunks,
    concat,
    decoded,
    entry_ids,
    ids_in_order,
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
    "Account",
    "Bound",
    "Coverage",
    "LazyTables",
    "Limits",
    "SchemaUnion",
    "Tables",
    "apply_limits",
    "between",
    "check_names",
    "columns_of_kind",
    "combine_chunks",
    "concat",
    "decoded",
    "edge",
    "entry_ids",
    "id_key",
    "id_parts",
    "ids_in_order",
    "is_id",
    "is_open",
    "least_sure",
    "milliseconds",
    "newest",
    "only",
    "only_of",
    "order",
    "rebuild",
    "renumber",
    "schema",
    "shared",
    "shown_columns",
    "sort_keys",
    "stacked",
    "table_of",
    "tables",
    "times_of",
    "to_pandas",
    "total",
    "union",
    "united",
    "with_plain_texts",
]
