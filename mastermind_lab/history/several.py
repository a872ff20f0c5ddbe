"""Several sources at once: above all an archive, and the stream it is of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..envelope import SCHEMES
from ..errors import OptionError
from ..frames import Tables, coverage_frame, entry_ids
from ..storage import is_url
from .history import History
from .limits import Limits, apply_limits

if TYPE_CHECKING:
    from ..snapshot.resume import ResumePoint

_CERTAINTIES = ("exact", "at most", "not verified")

Decode = Callable[[Iterable[tuple[str, Any]]], Tables]


def is_stream(source: Any) -> bool:
    """Tell whether a source is a Redis URL or a client."""
    return hasattr(source, "connection_pool") or (isinstance(source, str) and source.startswith(SCHEMES))


def are_several(source: Any) -> bool:
    """Tell a list of sources from a list of payloads: no item looks like JSON, and one is surely a source."""
    if not isinstance(source, list | tuple):
        return False
    return all(map(_may_be_source, source)) and any(map(_is_source, source))


def _may_be_source(one: Any) -> bool:
    if isinstance(one, str):
        return not one.lstrip().startswith(("{", "["))
    return isinstance(one, os.PathLike) or is_stream(one)


def _is_source(one: Any) -> bool:
    if isinstance(one, str) and not is_url(one):
        # A path is short and holds no NUL; whatever else is asked for, the system says no in its own words.
        return len(one) < 4_096 and "\0" not in one and os.path.exists(one)
    return True


def read_several(
    sources: Sequence[Any], stream: str, limits: Limits, read_one: Callable[[Any], History], decode: Decode
) -> History:
    """Read sources and merge them by stream id; a stream is read from where an archive of it ends.

    Parameters
    ----------
    sources
        Paths, URLs and clients.
    stream
        The stream's name, for Redis sources.
    limits
        What to keep of all of them together.
    read_one, decode
        Read one source whole; make tables of entries of a stream.
    """
    from .. import snapshot  # here, because Parquet takes long to load

    stored = [one for one in sources if not is_stream(one)]
    archives = [one for one in stored if snapshot.is_snapshot(one) and stream in _streams(one)]
    found = [read_one(one) for one in stored]
    for one in filter(is_stream, sources):
        found.append(_behind(archives[-1], one, stream, decode) if archives else read_one(one))
    total = sum(found[1:], found[0])
    return _cut(total, limits) if limits.said else total


def _streams(folder: Any) -> set[str]:
    from .. import snapshot

    return set(snapshot.coverage_of(snapshot.ranges(folder))["stream"].dropna())


def _behind(folder: Any, source: Any, stream: str, decode: Decode) -> History:
    """Read what a stream holds behind the end of an archive, and say whether the two meet."""
    from .. import snapshot
    from ..snapshot.resume import ResumePoint
    from ..stream import (  # here, because most of what redis imports goes unused elsewhere
        Cursor,
        StreamReader,
    )

    end = ResumePoint.of(snapshot.ranges(folder))
    cursor = Cursor(end.last_id, end.ordinal, end.newest(), end.older()) if end else Cursor()
    tail = StreamReader(source, [stream], cursors={stream: cursor})
    with closing(tail):
        news = list(tail.up_to_now())
    parts = decode(chain.from_iterable(one.entries for one in news))
    ids = entry_ids(parts)
    gaps = [one.gap for one in news if one.gap]
    is_counted = news[-1].ordinal is not None and (end is None or end.ordinal is not None)
    certainties = [gap.certainty for gap in gaps] or ["exact"]
    row = {
        "source": tail.where,
        "stream": stream,
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "entries": len(ids),
        "left_out": 0,
        "limits": "",
        "missing": sum(gap.missing for gap in gaps) if is_counted else None,
        "certainty": max(certainties, key=_CERTAINTIES.index) if is_counted else "not verified",
        "note": _said(end, gaps, is_counted, any(one.reset for one in news)),
    }
    return History.of(parts, coverage_frame([row]))


def _said(end: ResumePoint | None, gaps: Sequence[Any], is_counted: bool, reset: bool) -> str:
    place = f"the archive's end ({end.last_id})" if end else "the beginning of the stream"
    if reset:
        return f"the stream began again after {place}; what came then is kept apart"
    if gaps:
        gone = sum(gap.missing for gap in gaps)
        return f"a gap: {gone:,} entries behind {place} were trimmed before they could be read"
    return f"goes on at {place}" if is_counted else f"read from {place}; whether the two meet is not known"


def _cut(history: History, limits: Limits) -> History:
    """Cut a merged history to limits, with one row of coverage for all of it."""
    parts, whole = history.tables(), history.coverage
    if len(set(whole["stream"].isna())) > 1:
        raise OptionError(
            "last, since and until need one order: streams are cut by their ids and files by published_at. "
            "Read the two by themselves, and add the histories."
        )
    streams = list(whole["stream"].dropna().unique())
    kept = apply_limits(parts, limits, numbered=not streams)
    before, ids = entry_ids(parts), entry_ids(kept)
    certainties = [one for one in _CERTAINTIES if (whole["certainty"] == one).any()]
    row = {
        "source": "; ".join(whole["source"].dropna().unique()),
        "stream": ", ".join(streams) or None,
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "entries": len(ids),
        "left_out": len(before) - len(ids) + int(whole["left_out"].sum()),
        "limits": limits.said,
        "missing": int(whole["missing"].sum()) if whole["missing"].notna().any() else None,
        "certainty": certainties[-1] if certainties else None,
        "note": "; ".join(note for note in whole["note"].dropna().unique() if note),
    }
    return History.of(kept, coverage_frame([row]))
