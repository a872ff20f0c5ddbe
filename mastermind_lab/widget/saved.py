"""A view as a page for somebody who has no notebook: what it shows at this moment, in one file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import report
from ..history import History, with_missing_columns
from ..live import newest
from .rows import short

if TYPE_CHECKING:
    from .view import LiveView

_MOST = 300  # decisions with all there is to read, as many as a page of the view keeps
_HOW = "Point at a picture; click a point to open its decision, drag to list a part; Escape goes back."


def save(view: LiveView, path: str | os.PathLike[str]) -> Path | str:
    """Write what a view shows as one page; what goes wrong is as in :func:`report.write_page`."""
    target = report.check_name(path)
    window = view._contents.choices.chosen.window
    status, there = view.follower.status, newest(view.follower.history(last=window), _MOST)
    bound = f"the newest {len(there):,} decisions" if len(there) < status.received - status.rejected else ""
    facts, numbers = view._contents.round(at_once=True)  # the status says what was then found
    lists = {**view._contents.lists(there), "rows": _rows(view, there)}
    told = [(_status(view), []), ({"kind": "round", **facts}, numbers), ({"kind": "list", **lists}, [])]
    page = report.Page(
        title=short(Path(str(target)).stem) or "decisions",
        about=_about(bound, status.received),
        facts=view.page_facts | {"bound": bound, "marks": False},
        told=told,
        script=view._esm,
        style=view._css,
        still=view._contents.still(view.status),
    )
    return report.write_page(path, page)


def _rows(view: LiveView, history: History) -> list[dict[str, Any]]:
    """Return what the page shows of each decision, with the small picture that it is in."""
    place: dict[str, Any] = {}
    for panel in view._contents.panels:
        for part, group in panel.groups.items():
            whole = with_missing_columns(history, [group.column])
            ids = whole.where(group.condition).select("decisions", ["stream_id"])["stream_id"]
            place |= dict.fromkeys(ids.to_pylist(), part)
    return [row | {"part": place.get(row["id"])} for row in view._contents.judged.rows(history)]


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
