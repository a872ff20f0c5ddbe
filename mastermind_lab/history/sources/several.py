"""Several sources at once: above all an archive, and the stream it is of."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from ...errors import OptionError
from ...frames import Account, Coverage, id_key, ids_in_order, least_sure, total, united
from ...ndjson import ENDINGS
from ...storage import is_url, local_path
from ..history import History
from .reading import Options, Partition, is_numbered, limited
from .streams import is_stream

if TYPE_CHECKING:
    from ...snapshot.resume import ResumePoint
    from ...stream import StreamUpdate


@dataclass(frozen=True)
class Several:
    """Sources that are read one after the other and merged by stream id.

    A stream is read from where an archive of it ends, if one is among them.
    """

    sources: Sequence[Any] = field(repr=False)  # a URL may hold a password
    options: Options
    read_one: Callable[[Any, Options], History]

    def partitions(self) -> Sequence[Partition]:
        """Refuse to be scanned: an entry that two sources have can't be told from two without all ids."""
        raise OptionError("cannot scan several sources at once: scan each, and add the summaries")

    def history(self) -> History:
        """Read all sources, whole, and cut them to limits together."""
        options = self.options.whole()
        stored = [one for one in self.sources if not is_stream(one)]
        # Before they are read: what an archiver adds meanwhile comes twice then, and counts once.
        ends = _ends(stored, options.stream)
        found = [self.read_one(one, options) for one in stored]
        for one in filter(is_stream, self.sources):
            found.append(behind(_last(ends), one, options) if ends else self.read_one(one, options))
        merged, limits = sum(found[1:], found[0]), self.options.limits
        return limited(merged, limits, is_numbered(merged.account)) if limits.said else merged


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
        return one.lower().endswith((*ENDINGS, ".eval")) or (
            len(one) < 4_096 and "\0" not in one and bool(one.strip()) and os.path.exists(local_path(one))
        )
    return True


def _ends(stored: Sequence[Any], stream: str) -> list[ResumePoint | None]:
    """Find where each archive of a stream ends; None for one that has no entry."""
    from ... import snapshot  # here, because Parquet takes long to load
    from ...snapshot.resume import ResumePoint

    opened = [snapshot.opened(one) for one in stored if snapshot.is_snapshot(one)]
    of_it = [one for one in opened if any(account.stream == stream for account in one.coverage.accounts)]
    return [ResumePoint.of(one.committed) for one in of_it]


def _last(ends: Sequence[ResumePoint | None]) -> ResumePoint | None:
    return max(filter(None, ends), key=lambda end: id_key(end.last_id), default=None)


def behind(end: ResumePoint | None, source: Any, options: Options) -> History:
    """Read what a stream holds behind the end of an archive, and say whether the two meet."""
    from ...stream import (  # here, because most of what redis imports goes unused elsewhere
        Cursor,
        StreamReader,
    )

    cursor = Cursor(**end.place()) if end else Cursor()
    reader = StreamReader(source, [options.stream], cursors={options.stream: cursor})
    with closing(reader), options.bar:
        updates = list(reader.up_to_now())
    entries = ((*entry, None) for entry in chain.from_iterable(one.entries for one in updates))
    [tables] = options.tables(iter([list(entries)]), numbered=False)
    account = Account.of_ids(ids_in_order(tables), source=reader.where, stream=options.stream)
    return History(tables, Coverage.of(replace(account, **_gone(end, updates))))


def _gone(end: ResumePoint | None, updates: Sequence[StreamUpdate]) -> dict[str, Any]:
    """Say what is missing between an archive's end and what was read behind it."""
    gaps, gone = [one.gap for one in updates if one.gap], [one.gone for one in updates if one.gone]
    reset = any(one.reset for one in updates)
    note = united([_note(end, gaps, reset), *(one.note for one in gone)]) or ""
    if updates[-1].ordinal is None or (end is not None and end.ordinal is None):
        place = f"the archive's end ({end.last_id})" if end else "the beginning of the stream"
        said = note if gaps or reset else f"read from {place}; whether the two meet is not known"
        return {"missing": None, "certainty": "not verified", "note": said}
    certainty = least_sure(["exact", *(one.certainty for one in gone)])
    return {"missing": total([0, *(one.missing for one in gone)]), "certainty": certainty, "note": note}


def _note(end: ResumePoint | None, gaps: Sequence[Any], reset: bool) -> str:
    place = f"the archive's end ({end.last_id})" if end else "the beginning of the stream"
    if reset:
        return f"the stream began again after {place}; what came then is kept apart"
    if gone := sum(gap.missing for gap in gaps):
        return f"a gap: {gone:,} entries behind {place} were trimmed before they could be read"
    return f"goes on at {place}"
