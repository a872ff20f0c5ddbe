"""Decisions and rejects as facts for a page: short texts made harmless, which it shows as text only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pandas as pd

from ..frames import id_key
from ..history import History, marks
from ..history.decision import Content, card_box, contents
from ..labels import apart
from ..live import in_time
from ..text import brief, harmless

Row = dict[str, Any]

LISTED = 12
"""Decisions in a list."""

_NAMED = 4  # choices of a decision
_SHORT = 160  # characters


def points_of(history: History, most: int) -> list[list[Any]]:
    """Return id, time in days since 1970, and confidence of the newest decisions that have both."""
    table = history.select("decisions", ["stream_id", "published_at", "streamed_at", "confidence"])
    rows = table.slice(max(len(table) - most, 0)).to_pylist()
    points = (
        (row["stream_id"], row["published_at"] or row["streamed_at"], row["confidence"]) for row in rows
    )
    return [[id_, _days(when), sure] for id_, when, sure in points if None not in (when, sure)]


def rows_of(history: History, notes: Mapping[str, str] = MappingProxyType({})) -> list[Row]:
    """Return what a page shows of each decision, the newest first, its whole card included.

    With it stand its outcome, and the note of who marked it, by ``correlation_id``.
    """
    frame = history.decisions
    times = frame["published_at"].fillna(frame["streamed_at"])
    marked = [notes.get(one, "") for one in frame["correlation_id"]]
    rows = (_row(*one) for one in zip(contents(history), times, marked, strict=True))
    known = {row["id"]: row for row in rows}
    return [known[id_] for id_ in in_time(history)[::-1]]


def _row(content: Content, when: Any, note: str) -> Row:
    is_dated = when is not pd.NaT
    return {
        "id": content.stream_id,
        "time": _days(when) if is_dated else None,
        "when": f"{when:%Y-%m-%d %H:%M:%S}" if is_dated else "",
        "recommendation": short(content.recommendation),
        "confidence": content.confidence,
        "question": short(content.heading),
        "votes": votes_in_short(content),
        "card": card_box(content),
        "others": apart(marks.others(content), 80, harmless),
        "was": marks.was(content),
        "note": note,
    }


def votes_in_short(content: Content) -> str:
    """Name the most frequent choices, and say how many voted for each."""
    counts = Counter({choice.name: len(choice.casts) for choice in content.choices if choice.name})
    first = counts.most_common(_NAMED)
    names = apart([name for name, _ in first], 40, harmless)
    named = [f"{name} {count}" for name, (_, count) in zip(names, first, strict=True)]
    return "; ".join([*named, *([f"{len(counts) - _NAMED} more"] if len(counts) > _NAMED else [])])


def rejects_of(rejects: pd.DataFrame, most: int) -> list[list[str]]:
    """Return id, reason, detail and beginning of entries that could not be decoded, the newest first."""
    if "stream" in rejects:  # one stream lies behind the other
        rejects = rejects.sort_values("stream_id", key=lambda ids: ids.map(lambda id_: id_key(id_)[1:]))
    shown = zip(*(rejects[name] for name in ("stream_id", "reason", "detail", "payload")), strict=True)
    rows = [
        [short(id_), short(reason), short(detail), _head(payload)] for id_, reason, detail, payload in shown
    ]
    return rows[: -most - 1 : -1]


def short(value: Any, most: int = _SHORT) -> str:
    """Return any value as a short text on one line; nothing where it is missing."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return ""
    return brief(str(value), most, harmless)


def _head(payload: Any) -> str:
    return short(payload[:200].decode("utf-8", "replace"), 80) if isinstance(payload, bytes) else ""


def _days(when: datetime) -> float:
    return when.timestamp() / 86_400
