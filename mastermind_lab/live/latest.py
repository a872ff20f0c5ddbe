"""Which decisions of a history came last: of several streams it lists one behind the other."""

from __future__ import annotations

from typing import cast

from ..history import History


def in_time(history: History) -> list[str]:
    """List the ids of decisions as they came."""
    if "stream" not in history.columns("decisions"):
        return cast(list[str], history.select("decisions", ["stream_id"])["stream_id"].to_pylist())
    table = history.select("decisions", ["stream_id", "streamed_at"]).sort_by("streamed_at")
    return cast(list[str], table["stream_id"].to_pylist())


def newest(history: History, most: int) -> History:
    """Return so many decisions, those that came last."""
    ids = in_time(history)
    return history.where(ids[-most:]) if len(ids) > most else history
