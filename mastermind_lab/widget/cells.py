"""Which view belongs to which notebook cell: a cell that runs again ends the views of its last run."""

from __future__ import annotations

import sys
from typing import Any, Protocol


class Ending(Protocol):
    """Something that ends."""

    def stop(self) -> None:
        """End."""


_RUNS: dict[str, tuple[str, list[Ending]]] = {}


def enter(view: Ending) -> None:
    """Note that a cell's present run made a view; end those of its earlier runs and of deleted cells."""
    parent = _parent()
    if parent is None:
        return
    meta = parent.get("metadata", {})
    cell = meta.get("cellId") or str(hash(parent.get("content", {}).get("code")))
    run = parent.get("header", {}).get("msg_id", "")
    for gone in meta.get("deletedCells") or ():
        _end(gone)
    if cell in _RUNS and _RUNS[cell][0] != run:
        _end(cell)
    _RUNS.setdefault(cell, (run, []))[1].append(view)


def _end(cell: str) -> None:
    for view in _RUNS.pop(cell, ("", []))[1]:
        view.stop()


def _parent() -> dict[str, Any] | None:
    """Return the message that runs this cell; None outside of a notebook."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    find = getattr(get_ipython(), "get_parent", None)
    return find() if find is not None else None
