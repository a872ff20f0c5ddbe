"""Files that are read or written at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

Item = TypeVar("Item", bound=Hashable)
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item], at_once: int) -> Iterator[Result]:
    """Yield what the work of each item returns, in their order, so many under way at once.

    What takes its time on the way need not wait for what went before.
    """
    if at_once == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(at_once) as threads:
        yield from threads.map(work, items)


def parallel_map(
    work: Callable[[Item], Result], items: Iterable[Item], size: Callable[[Item], int]
) -> dict[Item, Result]:
    """Do the work of each item, the largest first, so that none is left to run alone at the end.

    Parquet's work needs no Python, so two processors do it at once.

    Returns
    -------
    dict
        Item -> what its work returned, in the order of ``items``. Where several fail, the first is raised,
        when all have ended.
    """
    in_order = list(items)
    if len(in_order) == 1:
        return {item: work(item) for item in in_order}
    largest_first = sorted(in_order, key=size, reverse=True)
    with ThreadPoolExecutor(pa.cpu_count()) as threads:
        done = dict(zip(largest_first, threads.map(work, largest_first), strict=True))
    return {item: done[item] for item in in_order}
