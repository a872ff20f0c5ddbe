"""What columns tables have beside the declared ones, and of what kinds: known, it makes batches alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pyarrow as pa

from . import open_columns as opened
from .declared import DECLARED
from .tables import Tables, concat

Kind: TypeAlias = str | Any
"""A kind of open column, or the Arrow type of a column of a user's own."""

Kinds = dict[str, frozenset[Kind]]

_LARGE = "large"  # whole numbers that a float64 cannot hold
_NOTED = {*opened.KINDS, _LARGE} - {"null"}
_TEXTS = {"str", "json", "mixed"}


@dataclass(frozen=True)
class SchemaUnion:
    """The kinds that each column beside the declared ones was seen with; two add up with ``+``.

    Attributes
    ----------
    kinds
        Frame name -> column -> the kinds it has in some batch.
    """

    kinds: dict[str, Kinds] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Mapping[str, pa.Table]) -> SchemaUnion:
        """Look at one batch."""
        return cls({frame: _kinds(frame, table) for frame, table in parts.items()})

    def __add__(self, other: SchemaUnion) -> SchemaUnion:
        frames = dict.fromkeys([*self.kinds, *other.kinds])
        return SchemaUnion(
            {name: _united(self.kinds.get(name, {}), other.kinds.get(name, {})) for name in frames}
        )

    @classmethod
    def of_noted(cls, noted: Mapping[str, Mapping[str, str]]) -> SchemaUnion:
        """Read what :meth:`noted` gave; another kind than it knows is a ValueError."""
        unknown = {kind for columns in noted.values() for kind in columns.values()} - _NOTED
        if unknown:
            raise ValueError(f"kinds of columns that are not known: {sorted(unknown)}")
        return cls(
            {
                frame: {name: frozenset([kind]) for name, kind in columns.items()}
                for frame, columns in noted.items()
            }
        )

    def noted(self) -> dict[str, dict[str, str]]:
        """Say, for JSON, of what kind each open column of one batch is, but for those that hold nothing."""
        return {
            frame: {name: kind for name, (kind,) in columns.items() if kind in _NOTED}
            for frame, columns in self.kinds.items()
        }

    @property
    def types(self) -> dict[tuple[str, str], pa.DataType]:
        """The types that :meth:`fit` gives the columns that hold anything, by frame and column."""
        types = {
            (frame, name): _field(name, _widest(kinds)).type
            for frame, columns in self.kinds.items()
            for name, kinds in columns.items()
        }
        return {column: kind for column, kind in types.items() if not pa.types.is_null(kind)}

    @property
    def is_mixed(self) -> bool:
        """Whether values of some column are spelled otherwise in one batch than in all of them together.

        So where numbers become text because of what other batches hold. A whole number that becomes a float
        is the same number, and a text stays as it is.
        """
        found = [kinds for columns in self.kinds.values() for kinds in columns.values()]
        return any(kinds - _TEXTS - {"null"} and _widest(kinds) in _TEXTS for kinds in found)

    def fit(self, parts: Tables) -> Tables:
        """Give tables all columns, each of the narrowest kind that holds it in every batch."""
        empty = {frame: self._empty(frame, table) for frame, table in parts.items()}
        return concat([empty, parts])

    def _empty(self, frame: str, table: pa.Table) -> pa.Table:
        kinds = self.kinds.get(frame, {})
        declared = [table.schema.field(name) for name in DECLARED[frame]]
        others = [_field(name, _widest(kinds[name])) for name in kinds]
        return pa.schema([*declared, *others]).empty_table()


def _united(some: Kinds, others: Kinds) -> Kinds:
    nothing: frozenset[Kind] = frozenset()
    names = dict.fromkeys([*some, *others])
    return {name: some.get(name, nothing) | others.get(name, nothing) for name in names}


def _kinds(frame: str, table: pa.Table) -> Kinds:
    beside = [name for name in opened.shown(table.column_names) if name not in DECLARED[frame]]
    return {name: frozenset([_kind(table.schema.field(name), table[name])]) for name in beside}


def _kind(described: pa.Field, column: pa.ChunkedArray) -> Kind:
    kind = opened.kind_of_field(described) or described.type
    return _LARGE if kind == "Int64" and not opened.are_floats(column) else kind


def _field(name: str, kind: Kind) -> pa.Field:
    return opened.field(name, kind) if isinstance(kind, str) else pa.field(name, kind)


def _widest(kinds: frozenset[Kind]) -> Kind:
    some = kinds - {"null"}
    own = [kind for kind in some if not isinstance(kind, str)]
    if own:
        return own[0]
    if len(some) > 1:
        text = "mixed" if some & {"str", "mixed"} else "json"
        return {frozenset({"Int64", _LARGE}): "Int64", frozenset({"Int64", "float64"}): "float64"}.get(
            some, text
        )
    return "Int64" if some == {_LARGE} else next(iter(some), "null")
