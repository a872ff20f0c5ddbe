"""Snapshots: a history as a folder of Parquet tables that pandas, DuckDB, Polars and Arrow read directly.

A folder a table, parts by range: ``decisions/date=2026-11-23/part-<epoch>-<first id>-<last id>.parquet`` and
the like, zstd, page checksums written and verified. The other tables' parts of a range are written first; the
``decisions`` part commits it: its footer names them, with rows and SHA-256, and holds a SHA-256 of the part
itself and one of what the footer says. Each file is written beside, synced, renamed, its folder synced. A
reader sees committed ranges only, so a writer may be killed at any moment; the last committed id is where it
goes on. Names and boundaries come from ids, never from a clock.

A range may lie within a day or not: its parts stand under the day of its first id or, where the lines of a
file are numbered, of their first ``published_at``, or ``unknown`` if none of the folder has one. All
parts of a table have the same columns of the same types, since other programs take the first part's for all;
a column with nothing in it has no type yet, and is not written. In a growing folder a column may come late:
then older parts get it when a day is over, at the end of the archiver's run, or by compaction.

A range counts unless another one that counts says that it replaces it (compaction), or it waits for its
commit marker, the last range of the same save, that never came.
"""

from .arenas import arena_folders
from .checkpoint import Committed, forget
from .commits import commit
from .compact import Compaction, asked_for, cleanup, compact, merging
from .coverage import coverage_of
from .footer import DamageError
from .foreign import foreign_table
from .layout import date_of
from .load import entries_of, files, is_begun, is_snapshot, newest_of, readable, still_there, tables_of
from .names import Names
from .neighbours import Neighbours, neighbours, size_of
from .opening import Opened, newest_id, note, opened, tidy
from .ranges import FORMAT, Range
from .reading import read_range
from .save import save
from .surveys import ranges
from .unread import summed_up, unread
from .verify import verify
from .widen import columns_of, narrow, widened

__all__ = [
    "FORMAT",
    "Committed",
    "Compaction",
    "DamageError",
    "Names",
    "Neighbours",
    "Opened",
    "Range",
    "arena_folders",
    "asked_for",
    "cleanup",
    "columns_of",
    "commit",
    "compact",
    "coverage_of",
    "date_of",
    "entries_of",
    "files",
    "foreign_table",
    "forget",
    "is_begun",
    "is_snapshot",
    "merging",
    "narrow",
    "neighbours",
    "newest_id",
    "newest_of",
    "note",
    "opened",
    "ranges",
    "read_range",
    "readable",
    "save",
    "size_of",
    "still_there",
    "summed_up",
    "tables_of",
    "tidy",
    "unread",
    "verify",
    "widened",
]
