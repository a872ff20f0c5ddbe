"""A table of votes, one row a vote, gathered by decision: the five frames, a column at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..decode import json_text, step
from ..errors import OptionError, doubled
from ..frames import IS_TEXT, MEMORY, Tables, is_open, oldest_first, schema, shown_columns
from .columns import FLOAT, TEXT, Column, as_open, taken_out, texts
from .grouping import Codes, are_as_before, codes_of, first_of, last_moment, order_of, taken
from .note import said_of
from .reading import Records
from .roles import KINDS, Roles
from .rows import Rows, rows_of
from .several_rows import one_row_a_ballot

IDS = ("decision_id", "correlation_id")
OWN_NAMES = frozenset({"question", *IDS})
"""What tells decisions apart and has a declared column, of text."""

_PREFIX = {"decisions": "decision.", "votes": "vote."}
_MEANT = frozenset({"round", "abstained", *KINDS})
"""What means something as ``vote.<name>``, and so stands there only where a caller named a column of it."""


@dataclass(frozen=True)
class Gathered:
    """Votes by decision, and what became of the rows.

    Attributes
    ----------
    keys
        The columns that tell decisions apart, a row a decision.
    decisions, votes
        The columns of these frames by name; the votes' ``stream_id`` is made of the next two.
    ids
        ``stream_id`` of each decision.
    owner
        Shape (votes,): the place of each vote's decision, ascending.
    rejects
        The frame.
    said
        What became of the rows, in words.
    arguments
        The frame, where something was said before the votes.
    """

    keys: list[Column]
    decisions: dict[str, Column]
    votes: dict[str, Column]
    ids: pa.Array
    owner: Codes
    rejects: pa.Table
    said: str
    arguments: pa.Table | None = None

    def tables(self) -> Tables:
        """Return the five frames."""
        ids = pc.take(self.ids, pa.array(self.owner), memory_pool=MEMORY)
        return {
            "decisions": _frame("decisions", self.decisions | _ids(self.keys, self.decisions)),
            "votes": _frame("votes", {"stream_id": (pa.field("stream_id", TEXT), ids)} | self.votes),
            "citations": schema("citations").empty_table(),
            "arguments": schema("arguments").empty_table() if self.arguments is None else self.arguments,
            "rejects": self.rejects,
        }

    def having(self, frame: str, columns: dict[str, Column], said: str) -> Gathered:
        """Return it with columns of another table in one of its frames.

        Raises
        ------
        OptionError
            The frame has something under one of the names.
        """
        there: dict[str, Column] = getattr(self, frame)
        for name in there.keys() & columns.keys():
            if there[name][1].null_count < len(there[name][1]):
                raise OptionError(
                    f"{name!r:.80} of {frame} would come from two tables: leave it out of one of them"
                )
        changed: dict[str, Any] = {frame: there | columns}
        return replace(self, said=f"{self.said}; {said}", **changed)


def gather(records: Records, roles: Roles) -> Gathered:
    """Gather votes by decision.

    Parameters
    ----------
    records
        The rows, with the columns that are named.
    roles
        Which column means what.

    Raises
    ------
    OptionError
        A decision has two recommendations, or two columns would have one name.
    """
    records, roles = one_row_a_ballot(records, roles)
    rows, faults = rows_of(records, roles)
    codes, first, different = codes_of([column for _, column in rows.keys])
    places, starts, ordered = rows.numbers[first], first, order_of(codes)
    marks = [(described, column.take(pa.array(first))) for described, column in rows.key_marks]
    if ordered:
        order, codes = ordered
        rows = rows.map(lambda column: taken(column, order))
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
    keys = [(described, column) for (described, _), column in zip(rows.keys, different, strict=True)]
    ids = ids_of(places)
    decisions, votes = _split(rows, codes, starts)
    cast, told = _votes(rows, codes, starts) | rows.ballots, _named_keys([*keys, *marks])
    _check_apart("votes", [*cast, *votes])
    _check_apart("decisions", [*told, *decisions])
    decisions = told | decisions | _facts(rows, roles, codes, starts, ids)
    said = ", ".join([said_of(records, rows, codes, starts, faults), *_unnamed(rows, votes)])
    return Gathered(keys, decisions, cast | votes, ids, codes, oldest_first(faults), said)


def ids_of(numbers: Sequence[int] | Codes) -> pa.Array:
    """Number entries by their rows."""
    return pc.binary_replace_slice(pa.array(numbers, pa.int64()).cast(TEXT), 0, 0, "0-")


def open_name(frame: str, name: str) -> str:
    """Return what a column of a table is called in a frame."""
    if is_open(frame, name):
        return name
    return _PREFIX[frame] + step(f"{name}_" if frame == "votes" and name in _MEANT else name)


def named(frame: str, columns: Mapping[str, Column]) -> dict[str, Column]:
    """Name the columns of a table as those of a frame; marks stay beside their columns.

    Raises
    ------
    OptionError
        Two would have one name.
    """
    shown = shown_columns(columns)
    names = {name: open_name(frame, name) for name in shown}
    names |= {name: names[name.removesuffix(IS_TEXT)] + IS_TEXT for name in columns.keys() - {*shown}}
    _check_apart(frame, names.values())
    return {names[name]: as_open(names[name], *columns[name]) for name in columns}


def _check_apart(frame: str, names: Iterable[str]) -> None:
    if (name := doubled(names)) is not None:
        raise OptionError(f"two columns would be {name!r:.80} of {frame}: rename one of them")


def _frame(frame: str, columns: Mapping[str, Column]) -> pa.Table:
    rows = len(columns["stream_id"][1])
    declared = [(one, columns.get(one.name)) for one in schema(frame)]
    found = [(one, held[1] if held else pa.nulls(rows, one.type)) for one, held in declared]
    names = {one.name for one, _ in found}
    found += [columns[name] for name in sorted(columns.keys() - names)]
    return pa.table([array for _, array in found], pa.schema([described for described, _ in found]))


def _split(rows: Rows, codes: Codes, starts: Codes) -> tuple[dict[str, Column], dict[str, Column]]:
    """Tell columns that say one thing of each decision from those that do not."""
    same = np.ones(max(len(codes) - 1, 0), bool)
    same[starts[1:] - 1] = False
    constant = {
        name for name in shown_columns(rows.others)
        if not name.startswith(_PREFIX["votes"]) and all(
            _is_constant(rows.others[one][1], same) for one in (name, name + IS_TEXT) if one in rows.others
        )
    }  # fmt: skip
    first = pa.array(starts)
    of_decisions, of_votes = {}, {}
    for name, (described, column) in rows.others.items():
        if name in constant or name.removesuffix(IS_TEXT) in constant:
            of_decisions[name] = (described, column.take(first))
        else:
            of_votes[name] = (described, column)
    for name in constant & {rows.time}:  # it is published_at
        taken_out(of_decisions, name)
    own = OWN_NAMES & of_decisions.keys() - {described.name for described, _ in rows.keys}
    said = _named_keys([taken_out(of_decisions, name) for name in own])
    return said | named("decisions", of_decisions), named("votes", of_votes)


def _is_constant(column: pa.Array, same: NDArray[np.bool_]) -> bool:
    """Tell whether each row says what the one before it of the same decision says."""
    if column.null_count == len(column):
        return True
    for least in (10_000, len(column)):  # most that are not constant show it soon
        equal = are_as_before(column.slice(0, least))
        if not (equal | ~same[: len(equal)]).all():
            return False
    return True


def _ids(keys: Sequence[Column], decisions: Mapping[str, Column]) -> dict[str, Column]:
    """Make what tells decisions apart their id where they have none: rows are numbered anew in each table."""
    if any(decisions[name][1].null_count < len(decisions[name][1]) for name in IDS if name in decisions):
        return {}
    spelled = [texts(one, column).values for one, column in keys]
    several = len(spelled) > 1
    ids = (
        pa.array(map(json_text, zip(*(one.to_pylist() for one in spelled), strict=True)), TEXT)
        if several
        else spelled[0]
    )
    return {"decision_id": (schema("decisions").field("decision_id"), ids)}


def _named_keys(keys: Sequence[Column]) -> dict[str, Column]:
    """Name what tells decisions apart, as declared where it is, else as an open column."""
    own = {one.name: (pa.field(one.name, TEXT), texts(one, column).values)
           for one, column in keys if one.name in OWN_NAMES}  # fmt: skip
    others = {one.name: (one, column) for one, column in keys if one.name.removesuffix(IS_TEXT) not in own}
    return own | named("decisions", others)


def _facts(rows: Rows, roles: Roles, codes: Codes, starts: Codes, ids: pa.Array) -> dict[str, Column]:
    """Return the declared columns of ``decisions`` that the votes tell."""
    found = {
        "stream_id": ids,
        "n_votes": pa.array(np.diff(starts, append=len(codes))),
        "confidence": pa.nulls(len(starts), FLOAT),
    }
    if "time" in rows.named:
        found["published_at"] = last_moment(rows.named["time"], starts)
    if "recommendation" in rows.named:
        found["recommendation"], twice = first_of(rows.named["recommendation"], codes, starts)
        if len(twice):
            raise OptionError(
                f"recommendation={roles.recommendation!r:.80} says more than one thing of {len(twice):,} "
                f"decisions, the first in row {int(str(ids[int(twice[0])]).partition('-')[2]):,}: it is what "
                "the panel decided, the same in all rows of a decision"
            )
    return {name: (schema("decisions").field(name), column) for name, column in found.items()}


def _votes(rows: Rows, codes: Codes, starts: Codes) -> dict[str, Column]:
    """Return the columns of ``votes`` that were named."""
    n = len(codes)
    position = np.arange(n)
    position -= np.repeat(starts, np.diff(starts, append=n))  # in its place, which saves touching new memory
    found = {
        "position": pa.array(position, memory_pool=MEMORY),
        "weight": pa.array(np.ones(n), memory_pool=MEMORY),
    }
    found |= {name: rows.named[name] for name in _OF_VOTES if name in rows.named}
    if "weight" in rows.named:  # as on the wire
        found["weight"] = pc.fill_null(found["weight"], 1.0)
    declared = {name: (schema("votes").field(name), column) for name, column in found.items()}
    known = {f"vote.{name}": rows.named[name] for name in ("round", "abstained") if name in rows.named}
    known = {name: column for name, column in known.items() if column.null_count < n}
    return declared | {name: (pa.field(name, column.type), column) for name, column in known.items()}


_OF_VOTES = ("voter", "choice", "confidence", "weight", "rationale")


def _unnamed(rows: Rows, votes: Mapping[str, Column]) -> list[str]:
    """Say which columns would have meant something, had they been named."""
    there = sorted(name for name in _MEANT & rows.others.keys() if open_name("votes", name) in votes)
    options = {name: "abstain=" if name == "abstained" else f'{name}="{name}"' for name in there}
    return [f"{one} kept as {open_name('votes', one)} ({options[one]} gives it a meaning)" for one in there]
