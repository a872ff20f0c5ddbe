"""A frame that its user may have changed, back into an Arrow table; what is wrong with it is said."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import OptionError, check_names
from . import open_columns as opened
from .declared import ARROW, DECLARED, is_open, schema
from .hidden import restored, shown
from .ids import is_id
from .tables import Tables, oldest_first
from .values import check_times, first_changed, plain

_TEXT = ARROW["str"]
_SURELY_IDS = "^[0-9]{1,19}-[0-9]{1,19}$"


def table_of(frame: str, data: pd.DataFrame, before: pa.Table) -> pa.Table:
    """Turn a frame, perhaps with columns of a user's own, back into an Arrow table in the order of ids.

    A declared column that was taken away is there, and holds nothing. What neither Parquet nor JSON has a
    word for, periods, intervals or UUIDs, becomes text; lists and dicts of which Arrow would make others, as
    it gives each dict the keys of all, become JSON text.

    Parameters
    ----------
    frame
        Its name.
    data
        The frame.
    before
        The table that it was made from: its schema says which columns hold JSON text or are mixed, and its
        rows what the frame cannot show.

    Raises
    ------
    OptionError
        Names are missing or doubled, a ``stream_id`` is none, or a column cannot be held by Arrow or holds
        what a declared column cannot; the message names it.
    """
    _check_names(frame, data)
    columns = [one for name in data for one in _columns_of(frame, str(name), data[name], before.schema)]
    names = {described.name for described, _ in columns}
    gone = [one for one in schema(frame) if one.name not in names]
    columns += [(one, pa.nulls(len(data), one.type)) for one in gone]
    table = pa.table([array for _, array in columns], pa.schema([described for described, _ in columns]))
    if table.column_names == opened.shown(before.column_names) and table.equals(shown(before)):
        return before
    if not table["stream_id"].equals(before["stream_id"]):
        _check_ids(frame, table["stream_id"])
        table = oldest_first(table)
    return restored(frame, table, before)


def ids_of(frame: str, data: pd.DataFrame) -> pa.Array:
    """Return the ``stream_id`` of each row of a frame, in its order.

    Raises
    ------
    OptionError
        They are missing, or are no ids.
    """
    _check_names(frame, data)
    [(_, ids)] = _columns_of(frame, "stream_id", data["stream_id"], schema(frame))
    _check_ids(frame, pa.chunked_array([ids]))
    return ids


def check_joined(tables: Tables) -> None:
    """Refuse rows of an entry that is gone.

    Raises
    ------
    OptionError
        With the frame and the entry.
    """
    chunks = [*tables["decisions"]["stream_id"].chunks, *tables["rejects"]["stream_id"].chunks]
    entries = pa.chunked_array(chunks, _TEXT).combine_chunks()
    for frame in ("votes", "citations", "arguments"):
        ids = tables[frame]["stream_id"]
        alone = ids.filter(pc.invert(pc.is_in(ids, entries)))
        if len(alone):
            raise OptionError(
                f"{frame} has rows of entry {alone[0].as_py()}, which is not in decisions: take entries out "
                "with history.where(...), which takes all that belongs to them; or leave out what is behind "
                "with history = history.where(history.decisions)"
            )


def recounted(tables: Tables, before: Tables) -> Tables:
    """Let ``n_votes`` and its like follow the rows that were added or dropped.

    Parameters
    ----------
    tables
        All five, as they are now.
    before
        The tables that the changed ones among these were made from.
    """
    decisions = tables["decisions"]
    for frame in before.keys() & {"votes", "citations", "arguments"}:
        ids = tables[frame]["stream_id"]
        moved = _moved(before[frame]["stream_id"], ids)
        if len(moved):
            counts = Counter(ids.filter(pc.is_in(ids, moved)).to_pylist())
            entries, column = decisions["stream_id"].combine_chunks(), f"n_{frame}"
            here, before_it = pc.is_in(entries, moved), decisions[column].combine_chunks()
            fresh = pa.array([counts[one] for one in entries.filter(here).to_pylist()], pa.int64())
            counted = pc.replace_with_mask(before_it, here, fresh)
            decisions = decisions.set_column(
                decisions.column_names.index(column), decisions.field(column), counted
            )
    return {**tables, "decisions": decisions}


def changed_entries(frame: str, before: pa.Table, now: pa.Table) -> pa.Array:
    """Return the ids of the entries whose rows are not what was read, both tables being in order of ids.

    A column that was added changes nothing that was read.
    """
    ids, moved = now["stream_id"].combine_chunks(), pa.array([], _TEXT)
    if not now["stream_id"].equals(before["stream_id"]):
        moved = _moved(before["stream_id"], now["stream_id"])
        before, now = (one.filter(pc.invert(pc.is_in(one["stream_id"], moved))) for one in (before, now))
        ids = now["stream_id"].combine_chunks()
    changed = pa.repeat(False, len(ids))
    for name in before.column_names:
        if name in DECLARED[frame] or is_open(frame, name):
            changed = pc.or_(changed, _differs(before[name], now[name] if name in now.column_names else None))
    return pc.unique(pa.concat_arrays([moved, ids.filter(changed)]))


def _moved(before: pa.ChunkedArray, now: pa.ChunkedArray) -> pa.Array:
    """Return the ids that two columns do not have equally often."""
    counts = [
        dict(zip(*(column.to_pylist() for column in pc.value_counts(ids).flatten()), strict=True))
        for ids in (before, now)
    ]
    return pa.array([one for one, _ in counts[0].items() ^ counts[1].items()], _TEXT)


def _differs(before: pa.ChunkedArray, now: pa.ChunkedArray | None) -> pa.Array:
    """Tell row by row whether a value is another one than it was; missing is one as well."""
    if now is None or (now.type != before.type and pa.types.is_null(now.type)):
        return pc.is_valid(before).combine_chunks()
    if now.type != before.type:
        return pa.repeat(True, len(now))
    unequal = pc.fill_null(pc.not_equal(before, now), False) if not pa.types.is_null(now.type) else False
    return pc.or_(unequal, pc.xor(pc.is_valid(before), pc.is_valid(now))).combine_chunks()


def _check_names(frame: str, data: pd.DataFrame) -> None:
    check_names(frame, data)
    counted = {*map(str, data)}
    lost = [str(name) for name in data.index.names if name is not None and str(name) not in counted]
    if lost and lost != ["stream_id"]:
        raise OptionError(f"the index of {frame} holds its column {lost[0]!r:.80}: put it back (reset_index)")
    if "stream_id" not in counted:
        raise OptionError(
            f"{frame} has no column 'stream_id', which joins the frames: put it back "
            "(reset_index, where it was made the index)"
        )


def _check_ids(frame: str, ids: pa.ChunkedArray) -> None:
    if not len(ids):  # in chunks of nothing, older versions of Arrow crash where they look for places
        return
    usual = pc.fill_null(pc.match_substring_regex(ids, _SURELY_IDS), False)
    unusual = pc.indices_nonzero(pc.invert(usual))
    for place, text in zip(unusual.to_pylist(), ids.take(unusual).to_pylist(), strict=True):
        if text is None or not is_id(text):
            raise OptionError(
                f"row {place:,} of {frame}, counted from 0, has the stream_id {text!r:.80}, which is no id "
                "of an entry: take the row away, or give it one like '1735580000000-0'"
            )


def _columns_of(frame: str, name: str, column: pd.Series, before: pa.Schema) -> opened.Columns:
    try:
        array = _array(column, _type_of(frame, name, column, before))
        check_times(array)
        if name not in DECLARED[frame] and (changed := first_changed(column, array)):
            return _json_column(name, column, array.type, changed)
        if is_open(frame, name) and opened.kind_of_field(pa.field(name, array.type)) is None:
            return _open_column(name, column, array.to_pylist())
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        if is_open(frame, name) and column.dtype == object:
            return _open_column(name, column, column.where(column.notna(), None).tolist())
        kinds = sorted({type(value).__name__ for value in column.dropna()}) if column.dtype == object else []
        why = f"it mixes {', '.join(kinds)}" if len(kinds) > 1 else f"{error!s:.200}"
        raise OptionError(
            f"column {name!r:.80} of {frame} cannot be kept: {why:.200}. "
            "Turn it into numbers or text (astype(str)), or take it away"
        ) from error
    is_text = name in before.names and pa.types.is_large_string(array.type)
    return [(pa.field(name, array.type, metadata=before.field(name).metadata if is_text else None), array)]


def _type_of(frame: str, name: str, column: pd.Series, before: pa.Schema) -> pa.DataType | None:
    """Return the type that a column must have; None where Arrow shall say."""
    if name in DECLARED[frame]:
        return ARROW[DECLARED[frame][name].type]
    own = ARROW.get(str(column.dtype)) if column.dtype != object else None
    if is_open(frame, name) and column.isna().all():
        return own if name in before.names and before.field(name).type == own else pa.null()
    return own


def _array(column: pd.Series, wanted: pa.DataType | None) -> pa.Array:
    if wanted is not None and column.head(1).isna().all() and column.isna().all():
        return pa.nulls(len(column), wanted)
    if column.dtype == object and isinstance(next(iter(column.dropna()), None), UUID):
        return _texts(column)  # older versions of Arrow know none
    array = pa.array(column, wanted, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        # A row added to a column of texts may leave it in chunks of two types of text.
        chunks = [chunk.cast(wanted or array.type) for chunk in array.chunks]
        array = pa.chunked_array(chunks, wanted or array.type).combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()  # categories remember what no row has any more
    return _texts(column) if isinstance(array.type, pa.BaseExtensionType) else array


def _texts(column: pd.Series) -> pa.Array:
    return pa.array(column.astype(object).map(str, na_action="ignore"), _TEXT, from_pandas=True)


def _json_column(name: str, column: pd.Series, kind: pa.DataType, changed: str) -> opened.Columns:
    """Hold lists and dicts of which Arrow would make others as their JSON; of nothing else there is one."""
    if not pa.types.is_nested(kind):
        raise ValueError(changed)
    return _open_column(name, column, [*map(plain, column)])


def _open_column(name: str, column: pd.Series, values: list[Any]) -> opened.Columns:
    """Hold a user's values as if they had come with the envelopes; what JSON has no word for is text."""
    if set(map(type, values)) <= {bool, int, float, str, list, dict, type(None)}:
        return opened.column(name, len(values), range(len(values)), values)
    return [(opened.field(name, "str"), _texts(column))]
