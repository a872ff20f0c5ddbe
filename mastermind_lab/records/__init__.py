"""Other people's records become the five frames: one file a format.

What was not said stays missing: a table of votes has no recommendation and mostly no confidence, and none is
invented. What was dropped is counted: a row that is no vote is a reject with its reason, and the note of the
coverage says how many rows there were, and what became of them. A file's format is told by its content.

A table is read into Arrow (``reading``, ``files``), its columns are brought to the types that frames have
(``columns``), rows that are no votes set aside (``rows``) and the others gathered by decision (``votes``),
all of it a column at a time; tables of facts are joined then (``facts``). Rankings, scores and probabilities
are brought to one form (``ballots``), those of several rows to one row first (``several_rows``). Logs of
other tools (``formats``) are brought to such a table first.
"""

from __future__ import annotations

from .facts import TOLD_IN_TEXT, with_decisions, with_voters
from .files import is_parquet, only_file, opened, read_file
from .formats import Format, format_of
from .logs import Log, with_answers
from .reading import Records, as_texts, check_texts, in_memory, with_index
from .roles import Roles, check_columns, number_advice
from .votes import OWN_NAMES, Gathered, gather, open_name

__all__ = [
    "OWN_NAMES",
    "TOLD_IN_TEXT",
    "Format",
    "Gathered",
    "Log",
    "Records",
    "Roles",
    "as_texts",
    "check_columns",
    "check_texts",
    "format_of",
    "gather",
    "in_memory",
    "is_parquet",
    "number_advice",
    "only_file",
    "open_name",
    "opened",
    "read_file",
    "with_answers",
    "with_decisions",
    "with_index",
    "with_voters",
]
