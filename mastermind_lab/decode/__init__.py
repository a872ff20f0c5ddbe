"""Many payloads become rows and rejects, fast.

A :class:`Batch` takes entries one by one; :func:`rows` makes columns of them. It never touches pandas.
Structs, made from the models of ``envelope.py``, say yes quickly, and only where ``envelope.validate`` says
yes with the same values and types; they never say no. Every other payload goes to ``envelope.validate``,
whose word is final. One payload, one decode: payloads are never joined, and one entry never costs another.
"""

from .batch import Batch, collector_paused, in_batches
from .columns import Column, check_columns
from .open_columns import MOST_OPEN, is_shared, shared_column
from .paths import json_text, json_texts, leaves, step, steps
from .rows import Rows, rows
from .schema_cache import SchemaCache

__all__ = [
    "MOST_OPEN",
    "Batch",
    "Column",
    "Rows",
    "SchemaCache",
    "check_columns",
    "collector_paused",
    "in_batches",
    "is_shared",
    "json_text",
    "json_texts",
    "leaves",
    "rows",
    "shared_column",
    "step",
    "steps",
]
