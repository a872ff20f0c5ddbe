"""The rows of the frames as columns, filled column by column from a batch's envelopes.

A comprehension that names the attribute is faster than ``attrgetter``: the interpreter specialises it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from .batch import Batch
from .leaves import Leaves, Sparse, limited
from .paths import Path
from .trees import Places
from .trees import nodes as listed_nodes
from .trees import owners as owners_of


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
    taken = batch.learned.open_columns
    return {name: made._replace(open=limited(made.open, taken[name])) for name, made in frames.items()}


def _decisions(batch: Batch, decisions: Sequence[Any], counts: dict[str, Any]) -> Rows:
    leaves = Leaves()
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
    votes, owners, leaves = list(chain.from_iterable(lists)), owners_of(lists), Leaves()
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
    citations, owners, leaves = list(chain.from_iterable(lists)), owners_of(lists), Leaves()
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
    nodes, owners, parents, depths = listed_nodes(trees)
    leaves = Leaves()
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
