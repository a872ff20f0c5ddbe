"""Declared columns, rows into the five frames, cuts of them, and the account of what they cover.

Between a batch of rows and a DataFrame stands an Arrow table a frame (:data:`Tables`): batches become Arrow
once each, tables merge without loss, and DataFrames are made once, at the end.
"""

from .account import Account, least_sure, total, united
from .bounds import ACCEPTED, Bound, bound, read_duration
from .changed import changed_entries, check_joined, ids_of, recounted, table_of
from .coverage import Coverage, shared
from .cuts import (
    apply_limits,
    between,
    edge,
    has_undated,
    last_moment,
    newest,
    newest_time,
    only,
    only_of,
    rows_between,
    times_of,
)
from .declared import (
    ARROW,
    COVERAGE,
    DECLARED,
    FRAMES,
    MEMORY,
    PAYLOADS,
    TEXT,
    check_names,
    is_open,
    known,
    schema,
)
from .envelopes import rebuild
from .ids import edge_key, id_key, id_parts, is_id, order, sort_keys
from .lazy import LazyCoverage, LazyTables
from .limits import Key, Limits, count, milliseconds, moments_of, one_stream, several_streams
from .open_columns import IS_TEXT, kind_of_field, with_plain_texts
from .open_columns import column as open_column
from .open_columns import shown as shown_columns
from .open_columns import value_of as mixed_value
from .schema_union import SchemaUnion
from .shared_columns import with_own_columns
from .tables import (
    Tables,
    columns_of_kind,
    combine_chunks,
    concat,
    decoded,
    entry_ids,
    ids_in_order,
    oldest_first,
    renumber,
    stacked,
    tables,
    to_pandas,
    union,
)
from .values import check_times, first_changed

__all__ = [
    "ACCEPTED",
    "ARROW",
    "COVERAGE",
    "DECLARED",
    "FRAMES",
    "IS_TEXT",
    "MEMORY",
    "PAYLOADS",
    "TEXT",
    "Account",
    "Bound",
    "Coverage",
    "Key",
    "LazyCoverage",
    "LazyTables",
    "Limits",
    "SchemaUnion",
    "Tables",
    "apply_limits",
    "between",
    "bound",
    "changed_entries",
    "check_joined",
    "check_names",
    "check_times",
    "columns_of_kind",
    "combine_chunks",
    "concat",
    "count",
    "decoded",
    "edge",
    "edge_key",
    "entry_ids",
    "first_changed",
    "has_undated",
    "id_key",
    "id_parts",
    "ids_in_order",
    "ids_of",
    "is_id",
    "is_open",
    "kind_of_field",
    "known",
    "last_moment",
    "least_sure",
    "milliseconds",
    "mixed_value",
    "moments_of",
    "newest",
    "newest_time",
    "oldest_first",
    "one_stream",
    "only",
    "only_of",
    "open_column",
    "order",
    "read_duration",
    "rebuild",
    "recounted",
    "renumber",
    "rows_between",
    "schema",
    "several_streams",
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
    "with_own_columns",
    "with_plain_texts",
]
