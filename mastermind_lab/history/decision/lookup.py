"""Which decision is meant by an id, and what to say where it is none or several."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import OptionError
from ...frames import id_key, is_id
from ...text import brief, visible

if TYPE_CHECKING:
    from ..history import History

IDS = ("stream_id", "decision_id", "correlation_id")
"""Columns of ``decisions`` that hold ids, in the order in which they are looked at."""

_MOST = 5  # candidates that are named
_ACCEPTED = "Give a stream_id of decisions, or a decision_id or correlation_id that only one decision has"


def stream_id_of(history: History, wanted: Any) -> str:
    """Return the ``stream_id`` of the decision that is meant.

    Raises
    ------
    OptionError
        There is none, or there are several.
    """
    if not isinstance(wanted, str):
        raise OptionError(f"decision({wanted!r:.60}): an id is a text. {_ACCEPTED}")
    there = [name for name in IDS if name in history.columns("decisions")]
    ids = history.select("decisions", there)
    if rows := _places(ids, "stream_id", wanted):
        return _only(wanted, {wanted: "stream_id"}, rows)
    found = {place: name for name in there[1:] for place in _places(ids, name, wanted)}
    if not found:
        raise _unknown(history, ids, wanted)
    named = {str(ids["stream_id"][place]): name for place, name in sorted(found.items())}
    return _only(wanted, named, sorted(found))


def _places(ids: pa.Table, name: str, wanted: str) -> list[int]:
    there = pc.fill_null(pc.equal(ids[name], wanted), fill_value=False)
    # By numpy: pyarrow's own way crashes on a column of no chunks in its lowest version.
    places: list[int] = np.flatnonzero(there.to_numpy()).tolist()
    return places


def _only(wanted: str, named: dict[str, str], rows: list[int]) -> str:
    if len(rows) == 1:
        return next(iter(named))
    what = " and ".join(dict.fromkeys(named.values()))
    said = "take one of these stream_ids: " + _listed(named) if len(named) > 1 else "drop all rows but one"
    raise OptionError(f"decision({wanted!r:.80}): {len(rows):,} decisions have this {what}: {said}")


def _shown(ids: Iterable[str]) -> list[str]:
    return [repr(brief(one, 80, visible)) for one in ids]


def _listed(ids: Iterable[str]) -> str:
    shown = _shown(ids)
    more = f" and {len(shown) - _MOST:,} more" if len(shown) > _MOST else ""
    return ", ".join(shown[:_MOST]) + more


def _unknown(history: History, ids: pa.Table, wanted: str) -> OptionError:
    """Say that there is no such decision, what the id is of, or which ones are nearest to it."""
    begins = f"there is no decision {wanted!r:.80} here"
    if not len(ids):
        return OptionError(f"{begins}: this history has no decisions")
    rejects = history.select("rejects", ["stream_id", "reason"])
    if refused := _places(rejects, "stream_id", wanted):
        reason = str(rejects["reason"][refused[0]])
        return OptionError(f"{begins}: this entry could not be decoded ({reason:.60}), see history.rejects")
    if near := _nearest(wanted, ids):
        return OptionError(f"{begins}: did you mean {' or '.join(_shown(near))}? {_ACCEPTED}")
    ends = _shown([str(ids["stream_id"][0]), str(ids["stream_id"][-1])])
    return OptionError(f"{begins}, and none like it; stream_ids run from {' to '.join(ends)}. {_ACCEPTED}")


def _nearest(wanted: str, ids: pa.Table) -> list[str]:
    """Name the ids that are most like one: those of a stream by number, others by their letters."""
    streamed = [one for one in ids["stream_id"].to_pylist() if one is not None]
    if is_id(wanted):
        return _beside(wanted, sorted(filter(is_id, streamed), key=id_key), id_key)
    texts = {*streamed, *(one for name in ids.column_names[1:] for one in ids[name].to_pylist() if one)}
    backwards = [one[::-1] for one in _beside(wanted[::-1], sorted(one[::-1] for one in texts), str)]
    some = [*dict.fromkeys([*_beside(wanted, sorted(texts), str), *backwards])]
    return get_close_matches(wanted[:200], some, n=2, cutoff=0.6)


def _beside(wanted: str, ordered: list[str], key: Any, most: int = 1) -> list[str]:
    """Return those before and behind a place in an order."""
    place = bisect(ordered, key(wanted), key=key)
    return ordered[max(place - most, 0) : place + most]
