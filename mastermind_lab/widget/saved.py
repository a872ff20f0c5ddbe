"""A view as a page for somebody who has no notebook: what it shows at this moment, in one file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import report
from ..history import History
from .rows import short

if TYPE_CHECKING:
    from .view import LiveView

_MOST = 300  # decisions with all there is to read, as many as a page of the view keeps
_HOW = "Point at a picture; click a point to open its decision, drag to list a part; Escape goes back."


def save(view: LiveView, path: str | os.PathLike[str]) -> Path | str:
    """Write what a view shows as one page; what goes wrong is as in :func:`report.write_page`."""
    target = report.check_name(path)
    status, newest = view.follower.status, _newest(view.history)
    bound = f"the newest {len(newest):,} decisions" if len(newest) < status.received - status.rejected else ""
    facts, numbers = view._contents.round(at_once=True)  # the status says what was then found
    lists = {"rows": view._contents.judged.rows(newest), **view._contents.lists(newest)}
    told = [(_status(view), []), ({"kind": "round", **facts}, numbers), ({"kind": "list", **lists}, [])]
    page = report.Page(
        title=short(Path(str(target)).stem) or "decisions",
        about=_about(bound, status.received),
        facts=view.page_facts | {"bound": bound, "marks": False},
        told=told,
        script=view._esm,
        style=view._css,
        still=view._contents.still(),
    )
    return report.write_page(path, page)


def _newest(history: History) -> History:
    ids = history.select("decisions", ["stream_id"])["stream_id"].to_pylist()
    return history.where(ids[-_MOST:]) if len(ids) > _MOST else history


def _about(bound: str, received: int) -> str:
    there = f" Of {received:,} entries only {bound} can be opened and listed here." if bound else ""
    by = f"mastermind_lab {version('mastermind_lab')}"
    return f"Saved {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by {by}. {_HOW}{there}"


def _status(view: LiveView) -> dict[str, Any]:
    contents, status = view._contents, view.follower.status
    chosen = contents.choices.told()
    items = contents.items(status)
    items += [f"shown: {chosen['window']}", *([f"coloured by {short(chosen['by'])}"] if chosen["by"] else [])]
    return {
        "kind": "status", "state": "saved", "items": items, "received": status.received,
        "error": short(status.error, 300), "note": "",
    }  # fmt: skip
