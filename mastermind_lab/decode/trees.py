"""Argument trees, and lists of lists, as rows that say what they belong to."""

from __future__ import annotations

from collections.abc import Sequence
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
    nodes: list[Any] = []
    parents: list[int] = []
    ends = [0]
    for tree in trees:
        if tree:
            _add(tree if isinstance(tree, list) else (tree,), -1, nodes, parents)
        ends.append(len(nodes))
    above = np.array(parents, np.int64)
    return Nodes(nodes, np.repeat(np.arange(len(trees)), np.diff(ends)), above, _depths(above))


# No closure: one that calls itself is a cycle, which would hold the nodes until the collector comes.
def _add(children: Sequence[Any], parent: int, nodes: list[Any], parents: list[int]) -> None:
    for node in children:
        nodes.append(node)
        parents.append(parent)
        if node.children:
            _add(node.children, len(nodes) - 1, nodes, parents)


def _depths(parents: Places) -> Places:
    """Count the nodes above each node."""
    depths, above = np.zeros(len(parents), np.int64), parents
    while (below_another := above >= 0).any():
        depths += below_another
        above = np.where(below_another, parents[above], -1)
    return depths


def number_rows(owners: Places) -> Places:
    """Number the rows of each owner from 0; owners are in order."""
    counts = np.bincount(owners)
    first = np.cumsum(counts) - counts
    return np.arange(len(owners)) - first[owners]


def owners_of(lists: Sequence[Sequence[Any]]) -> Places:
    """Say for each member of some lists which list it is from."""
    return np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), np.int64, len(lists)))
