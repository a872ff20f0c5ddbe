"""The declared columns: one table that feeds the DataFrames, the Parquet schema and the dictionary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import OptionError

ARROW = {
    "str": pa.large_string(),
    "float64": pa.float64(),
    "Int64": pa.int64(),
    "boolean": pa.bool_(),
    "datetime64[us, UTC]": pa.timestamp("us", "UTC"),
    "object": pa.binary(),
}
"""The Arrow type that stands for each column type, as pandas keeps it; ``object`` holds bytes."""

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
"""The column type ``str``, whatever pandas is told to take that word for."""

MEMORY = pa.system_memory_pool()
"""Where arrays are made: Arrow's own pool keeps what a batch left there, more than a small result needs."""


class Declared(NamedTuple):
    """One declared column of one frame."""

    frame: str
    column: str
    type: str
    unit: str
    meaning: str


_ID = ("stream_id", "str", "", "the entry's id on the stream; joins the frames")
_POSITION = ("position", "Int64", "", "place within the decision, from 0")

_COLUMNS = {
    "decisions": [
        _ID,
        ("streamed_at", "datetime64[us, UTC]", "time", "when the stream took the entry: its id's own time"),
        ("published_at", "datetime64[us, UTC]", "time", "when the arena says it published the decision"),
        ("correlation_id", "str", "", "the arena's id of the run; joins outcomes"),
        (
            "decision_id",
            "str",
            "",
            "the arena's id of the decision; of a table of votes, what tells decisions apart",
        ),
        ("question", "str", "", "what was asked"),
        ("recommendation", "str", "", "what the panel decided"),
        ("confidence", "float64", "0-1", "how sure the panel was"),
        ("rationale", "str", "", "why, in the panel's words"),
        ("n_votes", "Int64", "votes", "rows in votes"),
        ("n_citations", "Int64", "citations", "rows in citations; missing where not told"),
        ("n_arguments", "Int64", "nodes", "rows in arguments; missing where not told"),
    ],
    "votes": [
        _ID,
        _POSITION,
        ("voter", "str", "", "who voted"),
        ("choice", "str", "", "what for"),
        ("confidence", "float64", "0-1", "how sure the voter was"),
        ("weight", "float64", ">= 0", "how much the vote counts; 1 unless said"),
        ("rationale", "str", "", "why, in the voter's words"),
    ],
    "citations": [
        _ID,
        _POSITION,
        ("source", "str", "", "what was cited: an address or a name"),
        ("title", "str", "", "the source's title"),
        ("quote", "str", "", "the words quoted"),
        ("relevance", "float64", "", "how relevant the arena found it"),
    ],
    "arguments": [
        _ID,
        ("node", "Int64", "", "number within the decision's tree, in reading order from 0"),
        ("parent", "Int64", "", "the parent's node; <NA> for a root"),
        ("depth", "Int64", "levels", "0 for a root"),
        ("claim", "str", "", "what is claimed"),
        ("stance", "str", "", "for or against, in the arena's word"),
        ("strength", "float64", "", "how strong the arena found it"),
        ("author", "str", "", "who argued"),
    ],
    "rejects": [
        _ID,
        ("reason", "str", "", "a short code: not_json, version, invalid, no_data, damaged, ..."),
        ("detail", "str", "", "field path and message"),
        ("payload", "object", "bytes", "the entry as it came"),
    ],
    "payloads": [
        _ID,
        ("payload", "object", "bytes", "the envelope's JSON as it came"),
    ],
    "coverage": [
        ("source", "str", "", "where the entries came from, without a password"),
        ("stream", "str", "", "the stream's name; <NA> for a source without ids"),
        ("first_id", "str", "", "the oldest entry read"),
        ("last_id", "str", "", "the newest entry read"),
        ("entries", "Int64", "entries", "entries read, rejects included"),
        ("repeated", "Int64", "entries", "of these, entries that a source before it had too: counted once"),
        ("left_out", "Int64", "entries", "entries the source holds that the limits cut off"),
        ("limits", "str", "", "the limits that were asked for"),
        ("missing", "Int64", "entries", "entries once added and gone before they could be read"),
        ("certainty", "str", "", "of missing: exact, at most, or not verified"),
        ("note", "str", "", "anything else worth knowing"),
    ],
}

FRAMES = ("decisions", "votes", "citations", "arguments", "rejects")
"""The five frames of a history, in reading order."""

PAYLOADS = "payloads"
"""The sixth table, there only where raw payloads were asked for."""

COVERAGE = "coverage"
"""What was read and what was not, a row a source."""

DECLARED: dict[str, dict[str, Declared]] = {
    frame: {name: Declared(frame, name, kind, unit, meaning) for name, kind, unit, meaning in columns}
    for frame, columns in _COLUMNS.items()
}
"""Every declared column: frame name -> column name -> declaration."""

KNOWN = {
    "vote.round": ("", "the round it was cast in: a voter's last one in a decision counts"),
    "vote.abstained": ("", "what was said that is no vote"),
    "vote.ranking": ("", "choices, best first, as a JSON list; a list in it: of equal rank"),
    "vote.score": ("", "how good the voter found what it voted for; higher is better"),
    "vote.score.": ("", "how good the voter found this choice; higher is better"),
    "vote.probabilities.": ("0-1", "how probable the voter found this choice"),
}
"""Unit and meaning of open columns that have one; a name that ends with a dot has a column a choice."""


def known(column: str) -> tuple[str, str] | None:
    """Return unit and meaning of an open column, if it has them."""
    above = column[: column.find(".", len("vote.")) + 1]
    return KNOWN.get(column) or KNOWN.get(above)


OPEN = {
    "decisions": ("decision.", "meta."),
    "votes": ("vote.",),
    "citations": ("citation.",),
    "arguments": ("argument.",),
}
"""How the open columns of a frame begin."""


def is_open(frame: str, column: str) -> bool:
    """Tell whether a column of a frame is an open one, whatever came with the envelopes."""
    return column.startswith(OPEN.get(frame, ("\0",)))


def schema(frame: str) -> pa.Schema:
    """Return the Arrow schema of a frame's declared columns."""
    return pa.schema([(column.column, ARROW[column.type]) for column in DECLARED[frame].values()])


def check_names(names: Iterable[str]) -> None:
    """Refuse extra columns of ``decisions`` whose names are taken, by a declared or an open column or twice.

    Raises
    ------
    OptionError
        With the name.
    """
    seen = set(DECLARED["decisions"])
    for name in names:
        if name in seen:
            raise OptionError(f"column {name!r} is there already: give the extra one another name")
        if name.startswith(OPEN["decisions"]):
            raise OptionError(
                f"column {name!r}: names with {OPEN['decisions']} in front are open columns' own"
            )
        seen.add(name)
