"""Argument trees, and lists of lists, as rows that say what they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    levels, parents = _levels([tree if isinstance(tree, list) else (tree,) if tree else () for tree in trees])
    sizes = _sizes(parents)
    place, first, owner = np.full(len(trees), -1), np.zeros(len(trees), np.int64), np.arange(len(trees))
    found = []
    for depth, (above, size) in enumerate(zip(parents, sizes, strict=True)):
        owner, parent = owner[above], place[above]
        # Behind the parent, and behind what hangs below its elder children.
        place = parent + 1 + _before(size) - first[above]
        first = _before(size - 1)
        found.append((place, owner, parent, np.full(len(place), depth)))
    places, *rows = map(np.concatenate, zip(*found, strict=True)) if found else [np.empty(0, np.int64)] * 4
    order = np.argsort(places)
    nodes = map(list(chain.from_iterable(levels)).__getitem__, order.tolist())
    return Nodes(list(nodes), *(row[order] for row in rows))


def _levels(lists: Sequence[Sequence[Any]]) -> tuple[list[list[Any]], list[Places]]:
    """List the nodes of each depth, and where in the depth above the parent of each stands."""
    levels, parents = [], []
    while nodes := list(chain.from_iterable(lists)):
        levels.append(nodes)
        parents.append(owners_of(lists))
        lists = [node.children for node in nodes]
    return levels, parents


def _sizes(parents: Sequence[Places]) -> list[Places]:
    """Count for each node of each depth the node and all that hangs below it."""
    sizes = [np.ones(len(above), np.int64) for above in parents]
    for depth in range(len(sizes) - 1, 0, -1):
        np.add.at(sizes[depth - 1], parents[depth], sizes[depth])
    return sizes


def _before(counts: Places) -> Places:
    """Sum what stands before each place."""
    return np.cumsum(counts) - counts


def number_rows(owners: Places) -> Places:
    """Number the rows of each owner from 0; owners are in order."""
    return np.arange(len(owners)) - _before(np.bincount(owners))[owners]


def owners_of(lists: Sequence[Sequence[Any]]) -> Places:
    """Say for each member of some lists which list it is from."""
    return np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), np.int64, len(lists)))
