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
from .shape import Shape
from .tables import (
    Tables,
    coverage_frame,
    decoded,
    entry_ids,
    from_pandas,
    ids_in_order,
    in_one_piece,
    join,
    json_columns,
    merge,
    renumber,
    tables,
    to_pandas,
)

__all__ = [
    "ARROW",
    "COVERAGE",
    "DECLARED",
    "FRAMES",
    "PAYLOADS",
    "Shape",
    "Tables",
    "check_names",
    "coverage_frame",
    "decoded",
    "dictionary",
    "entry_ids",
    "from_pandas",
    "id_key",
    "id_parts",
    "ids_in_order",
    "in_one_piece",
    "is_open",
    "join",
    "json_columns",
    "merge",
    "order",
    "rebuild",
    "renumber",
    "schema",
    "tables",
    "to_pandas",
]
