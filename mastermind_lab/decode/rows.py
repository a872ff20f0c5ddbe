"""The rows of the frames as columns, filled column by column from a batch's envelopes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel

from ..envelope import Argument, Citation, Decision, Vote
from .batch import Batch
from .members import Members
from .open_columns import OpenColumns, Sparse, limited
from .paths import Path
from .trees import Places, nodes_of, number_rows, owners_of

Declared = Mapping[str, Collection[str]]
"""The declared columns of each frame."""


class Rows(NamedTuple):
    """The rows of one frame.

    ``owners`` says which envelope of the batch each row belongs to. ``declared`` holds columns by name; a
    negative ``parent`` is a missing one, times are spans since 1970.
    """

    owners: Places
    declared: dict[str, Any]
    open: dict[Path, Sparse]


def rows(batch: Batch, declared: Declared) -> dict[str, Rows]:
    """Return the rows of the four frames that are made of envelopes.

    Fields of our models are columns where ``declared`` names them; all other fields are open columns.
    """
    decisions = Members([envelope.decision for envelope in batch.decoded])
    frames = {
        "votes": _listed(decisions.field("votes"), "vote.", Vote, declared["votes"]),
        "citations": _listed(decisions.field("citations"), "citation.", Citation, declared["citations"]),
        "arguments": _arguments(decisions.field("argument_tree"), declared["arguments"]),
    }
    counts = {
        f"n_{name}": np.bincount(made.owners, minlength=len(batch.decoded)) for name, made in frames.items()
    }
    frames["decisions"] = _decisions(batch, decisions, counts, declared["decisions"])
    taken = batch.schema_cache.open_columns
    return {name: made._replace(open=limited(made.open, taken[name])) for name, made in frames.items()}


def _columns(
    members: Members, prefix: str, model: type[BaseModel], declared: Collection[str]
) -> tuple[dict[str, Any], OpenColumns]:
    names = [name for name in model.model_fields if name in declared]
    leaves = OpenColumns()
    leaves.add_members(prefix, members, names)
    return {name: members.field(name) for name in names}, leaves


def _decisions(batch: Batch, decisions: Members, counts: dict[str, Any], declared: Collection[str]) -> Rows:
    columns, leaves = _columns(decisions, "decision.", Decision, declared)
    leaves.add_objects("meta.", range(len(batch.decoded)), [envelope.meta for envelope in batch.decoded])
    columns |= counts
    columns["published_at"] = [envelope.published_at for envelope in batch.decoded]
    columns["correlation_id"] = [envelope.correlation_id for envelope in batch.decoded]
    for place, column in enumerate(batch.columns):
        columns[column.name] = [envelope.extra[place] for envelope in batch.decoded]
    return Rows(np.arange(len(batch.decoded)), columns, leaves.columns)


def _listed(
    lists: Sequence[Sequence[Any]], prefix: str, model: type[BaseModel], declared: Collection[str]
) -> Rows:
    owners, members = owners_of(lists), Members(list(chain.from_iterable(lists)))
    columns, leaves = _columns(members, prefix, model, declared)
    return Rows(owners, columns | {"position": number_rows(owners)}, leaves.columns)


def _arguments(trees: Sequence[Any], declared: Collection[str]) -> Rows:
    nodes, owners, parents, depths = nodes_of(trees)
    columns, leaves = _columns(Members(nodes), "argument.", Argument, declared)
    numbers = number_rows(owners)
    columns["node"] = numbers
    columns["parent"] = np.where(parents < 0, -1, numbers[parents]) if nodes else parents
    columns["depth"] = depths
    return Rows(owners, columns, leaves.columns)
