"""The tables of a range side by side: Parquet's work needs no Python, so two processors do it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

T = TypeVar("T")


def side_by_side(work: Callable[[str], T], tables: Iterable[str], size: Callable[[str], int]) -> dict[str, T]:
    """Do the work of each table, the largest first, so that none is left to run alone at the end.

    Returns
    -------
    dict
        Table -> what its work returned, in the order of ``tables``. Where several fail, the first is raised,
        when all have ended.
    """
    asked = list(tables)
    largest_first = sorted(asked, key=size, reverse=True)
    with ThreadPoolExecutor(pa.cpu_count()) as threads:
        done = dict(zip(largest_first, threads.map(work, largest_first), strict=True))
    return {table: done[table] for table in asked}
