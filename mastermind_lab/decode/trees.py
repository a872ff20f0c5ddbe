"""Argument trees in reading order, level by level instead of node by node."""

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


def nodes(trees: Sequence[Any]) -> Nodes:
    """List the nodes of trees; a tree is None, a root, or a list of roots."""
    tops = [tree if isinstance(tree, list) else () if tree is None else (tree,) for tree in trees]
    levels, parents = [list(chain.from_iterable(tops))], [owners(tops)]
    while any(below := [node.children for node in levels[-1]]):
        parents.append(owners(below))
        levels.append(list(chain.from_iterable(below)))
    places = _places(parents)
    count = sum(map(len, levels))
    order = np.empty(count, np.int64)
    order[np.concatenate(places)] = np.arange(count)
    every = list(chain.from_iterable(levels))
    of, above = [parents[0]], [np.full(len(parents[0]), -1)]
    for parent, place in zip(parents[1:], places, strict=False):
        of.append(of[-1][parent])
        above.append(place[parent])
    depths = np.repeat(np.arange(len(levels)), [len(level) for level in levels])
    return Nodes(
        list(map(every.__getitem__, order.tolist())),
        np.concatenate(of)[order],
        np.concatenate(above)[order],
        depths[order],
    )


def owners(lists: Sequence[Sequence[Any]]) -> Places:
    """Say for each member of some lists which list it is from."""
    return np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), np.int64, len(lists)))


def _places(parents: Sequence[Places]) -> list[Places]:
    """Say for the nodes of each level where they stand in reading order."""
    sizes = [np.ones(len(parents[-1]), np.int64)]
    for level in range(len(parents) - 2, -1, -1):
        below = np.bincount(parents[level + 1], sizes[0], minlength=len(parents[level]))
        sizes.insert(0, 1 + below.astype(np.int64))
    places = [np.cumsum(sizes[0]) - sizes[0]]
    for parent, size in zip(parents[1:], sizes[1:], strict=True):
        before = np.cumsum(size) - size
        first = np.searchsorted(parent, parent)
        # Behind its parent, and behind the siblings (with all below them) that come before it.
        places.append(places[-1][parent] + 1 + before - before[first])
    return places
