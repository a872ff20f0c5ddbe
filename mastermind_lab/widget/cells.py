"""The notebook's cells: which view belongs to which, and whether one is running.

A cell that runs again ends the views of its last run.
"""

from __future__ import annotations

import math
import sys
import time
from typing import Any, Protocol


class Closeable(Protocol):
    """Something that ends."""

    def close(self) -> None:
        """End, and leave nothing behind on the page's side."""


_RUNS: dict[str, tuple[str, list[Closeable]]] = {}
_ENDED: list[float] = []  # when the last cell ended; none while one runs


def enter(view: Closeable) -> None:
    """Note that a cell's present run made a view; end those of its earlier runs and of deleted cells."""
    parent = _parent()
    if parent is None:
        return
    meta = parent.get("metadata", {})
    cell = meta.get("cellId") or str(hash(parent.get("content", {}).get("code")))
    run = parent.get("header", {}).get("msg_id", "")
    for deleted in meta.get("deletedCells") or ():
        _end(deleted)
    if cell in _RUNS and _RUNS[cell][0] != run:
        _end(cell)
    _RUNS.setdefault(cell, (run, []))[1].append(view)


def _end(cell: str) -> None:
    for view in _RUNS.pop(cell, ("", []))[1]:
        view.close()


def idle_for() -> float:
    """Say for how many seconds no cell has been running; what the page sends is only read meanwhile."""
    return time.monotonic() - _ENDED[0] if _ENDED else 0.0 if _shell() is not None else math.inf


def _began(*_: object) -> None:
    _ENDED.clear()


def _ended(*_: object) -> None:
    _ENDED[:] = [time.monotonic()]


def _shell() -> Any:
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()


def _parent() -> dict[str, Any] | None:
    """Return the message that runs this cell; None outside of a notebook."""
    shell = _shell()
    find = getattr(shell, "get_parent", None)
    if find is None:
        return None
    for event, callback in (("pre_run_cell", _began), ("post_run_cell", _ended)):
        shell.events.register(event, callback)  # once, however often it is asked
    parent: dict[str, Any] = find()
    return parent
