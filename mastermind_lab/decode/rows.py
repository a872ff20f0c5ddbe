"""The rows of the frames as columns, filled column by column from a batch's envelopes.

A comprehension that names the attribute is faster than ``attrgetter``: the interpreter specialises it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .batch import Batch
from .open_columns import OpenColumns, Sparse, limited
from .paths import Path


class Rows(NamedTuple):
    """The rows of one frame.

    ``owners`` says which envelope of the batch each row belongs to. ``declared`` holds columns by name; a
    negative ``parent`` is a missing one, times are spans since 1970.
    """

    owners: Places
    declared: dict[str, Any]
    open: dict[Path, Sparse]


def rows(batch: Batch) -> dict[str, Rows]:
    """Return the rows of the four frames that are made of envelopes."""
    decisions = [one.decision for one in batch.decoded]
    frames = {
        "votes": _votes([one.votes for one in decisions]),
        "citations": _citations([one.citations for one in decisions]),
        "arguments": _arguments([one.argument_tree for one in decisions]),
    }
    counts = {
        f"n_{name}": np.bincount(made.owners, minlength=len(decisions)) for name, made in frames.items()
    }
    frames["decisions"] = _decisions(batch, decisions, counts)
    taken = batch.schema_cache.open_columns
    return {name: made._replace(open=limited(made.open, taken[name])) for name, made in frames.items()}


def _decisions(batch: Batch, decisions: Sequence[Any], counts: dict[str, Any]) -> Rows:
    leaves = OpenColumns()
    leaves.add_extras("decision.", decisions)
    leaves.add_objects("meta.", range(len(decisions)), [one.meta for one in batch.decoded])
    declared = {
        "published_at": [one.published_at for one in batch.decoded],
        "correlation_id": [one.correlation_id for one in batch.decoded],
        "decision_id": [one.decision_id for one in decisions],
        "question": [one.question for one in decisions],
        "recommendation": [one.recommendation for one in decisions],
        "confidence": [one.confidence for one in decisions],
        "rationale": [one.rationale for one in decisions],
        **counts,
    }
    for place, column in enumerate(batch.columns):
        declared[column.name] = [one.extra[place] for one in batch.decoded]
    return Rows(np.arange(len(decisions)), declared, leaves.columns)


def _votes(lists: Sequence[Sequence[Any]]) -> Rows:
    votes, owners, leaves = list(chain.from_iterable(lists)), owners_of(lists), OpenColumns()
    leaves.add_extras("vote.", votes)
    declared = {
        "position": _numbers(owners),
        "voter": [vote.voter for vote in votes],
        "choice": [vote.choice for vote in votes],
        "confidence": [vote.confidence for vote in votes],
        "weight": [vote.weight for vote in votes],
        "rationale": [vote.rationale for vote in votes],
    }
    return Rows(owners, declared, leaves.columns)


def _citations(lists: Sequence[Sequence[Any]]) -> Rows:
    citations, owners, leaves = list(chain.from_iterable(lists)), owners_of(lists), OpenColumns()
    leaves.add_extras("citation.", citations)
    declared = {
        "position": _numbers(owners),
        "source": [cited.source for cited in citations],
        "title": [cited.title for cited in citations],
        "quote": [cited.quote for cited in citations],
        "relevance": [cited.relevance for cited in citations],
    }
    return Rows(owners, declared, leaves.columns)


def _arguments(trees: Sequence[Any]) -> Rows:
    nodes, owners, parents, depths = nodes_of(trees)
    leaves = OpenColumns()
    leaves.add_extras("argument.", nodes)
    numbers = _numbers(owners)
    declared = {
        "node": numbers,
        "parent": np.where(parents < 0, -1, numbers[parents]) if nodes else parents,
        "depth": depths,
        "claim": [node.claim for node in nodes],
        "stance": [node.stance for node in nodes],
        "strength": [node.strength for node in nodes],
        "author": [node.author for node in nodes],
    }
    return Rows(owners, declared, leaves.columns)


def _numbers(owners: Places) -> Places:
    """Number the rows of each owner from 0; owners are in order."""
    counts = np.bincount(owners)
    first = np.cumsum(counts) - counts
    return np.arange(len(owners)) - first[owners]


Places = NDArray[np.int64]


class Nodes(NamedTuple):
    """The nodes of many trees, each tree in reading order: a node, then what hangs below it.

    ``owners`` says which tree a node belongs to, ``parents`` where its parent stands among all nodes (a root
    has -1).
    """

    nodes: list[Any]
    owners: Places
    parents: Places
    depths: Places


def nodes_of(trees: Sequence[Any]) -> Nodes:
    """List the nodes of trees; a tree is None, a root, or a list of roots."""
    found: list[Any] = []
    parents: list[int] = []
    ends = [0]
    for tree in trees:
        if tree:
            _add(tree if isinstance(tree, list) else (tree,), -1, found, parents)
        ends.append(len(found))
    of = np.repeat(np.arange(len(trees)), np.diff(ends))
    above = np.array(parents, np.int64)
    return Nodes(found, of, above, _depths(above))


# No closure: one that calls itself is a cycle, which would hold the nodes until the collector comes.
def _add(nodes: Sequence[Any], parent: int, found: list[Any], parents: list[int]) -> None:
    for node in nodes:
        found.append(node)
        parents.append(parent)
        if node.children:
            _add(node.children, len(found) - 1, found, parents)


def owners_of(lists: Sequence[Sequence[Any]]) -> Places:
    """Say for each member of some lists which list it is from."""
    return np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), np.int64, len(lists)))


def _depths(parents: Places) -> Places:
    """Count the nodes above each node."""
    depths, above = np.zeros(len(parents), np.int64), parents
    while (there := above >= 0).any():
        depths += there
        above = np.where(there, parents[above], -1)
    return depths
