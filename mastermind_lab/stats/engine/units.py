"""What is drawn together: a decision, known by what it says of itself, or a cluster of decisions.

A decision has the same key wherever it is read from and with whom: its number in a file, or in a follower of
several streams, is a label that it happens to have there. So the key is a hash of its own ids
(``correlation_id``, ``decision_id``) and its ``published_at``. Where it has no such id, that on its stream
stands for it; and if there is none either, its line in the file, with all that it says. Decisions that agree
in all of that are drawn as one: above all one that was published, or copied, twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import OptionError
from .bootstrap import Hashes, hashes, mixed
from .input import By, Data, frame_of, key_texts, keys_of, names_of, once_for_texts

_IDS = ("correlation_id", "decision_id")
_SAID = ("question", "recommendation", "confidence", "rationale", "voter", "choice", "source", "claim")
_LABEL = 12  # digits at most of a file's number; the milliseconds of a stream's id have more since 2001
_PLACE = "stream_id"


@dataclass(frozen=True, eq=False)
class Drawn:
    """The key by which each of some rows is drawn.

    Attributes
    ----------
    hashed
        Shape (rows,): equal ones are drawn together.
    is_clustered
        Whether these are clusters of decisions, which are to be counted.
    """

    hashed: Hashes
    is_clustered: bool = False

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Drawn:
        return Drawn(self.hashed[rows], self.is_clustered)

    def __len__(self) -> int:
        return len(self.hashed)

    def again(self, times: int) -> Drawn:
        """Return the rows so many times, one after the other."""
        return Drawn(np.tile(self.hashed, times), self.is_clustered)


@dataclass(frozen=True, eq=False)
class Units:
    """The keys of a batch's decisions, and the clusters they belong to.

    Attributes
    ----------
    ids
        Different ``stream_id``.
    own
        Shape (decisions,): each decision's own key.
    cluster
        That of its cluster, or None where each decision is drawn by itself.
    names
        The columns that make clusters.
    """

    ids: pd.Index
    own: Hashes
    cluster: Hashes | None
    names: tuple[str, ...]

    @classmethod
    def of(cls, data: Data, cluster: By = None) -> Units:
        """Read a history, or one of its frames, which knows no more than it holds.

        Parameters
        ----------
        data
            A history or a frame.
        cluster
            Column or columns of ``decisions``; a decision that lacks one of them is a cluster of its own.

        Raises
        ------
        OptionError
            If a column is unknown, or the frame is not that of the decisions.
        """
        names = names_of(cluster, option="cluster")
        frame = frame_of(data, "decisions", (_PLACE,))
        row, ids = pd.factorize(frame[_PLACE].to_numpy(dtype=object), use_na_sentinel=False)
        own = _own(frame, row, ids)
        if not names:
            return cls(pd.Index(ids, dtype=object), own, None, names)
        if len(ids) < len(frame):
            raise OptionError("cluster needs a history or its decisions: its columns are those of decisions")
        keys = keys_of(frame, names)
        alone = keys.isna().any(axis=1).to_numpy()
        return cls(pd.Index(ids, dtype=object), own, np.where(alone, own, key_hashes(keys)), names)

    def at(self, ids: pd.Series | NDArray[np.object_]) -> Drawn:
        """Say by which key each row of some decisions is drawn, by their ``stream_id``."""
        return Drawn(
            self._of(self.own if self.cluster is None else self.cluster, ids), self.cluster is not None
        )

    def decisions(self, ids: pd.Series | NDArray[np.object_]) -> Hashes:
        """Return the decisions' own keys, whatever is drawn."""
        return self._of(self.own, ids)

    def _of(self, keys: Hashes, ids: pd.Series | NDArray[np.object_]) -> Hashes:
        row, different = pd.factorize(np.asarray(ids, dtype=object), use_na_sentinel=False)
        place = self.ids.get_indexer(pd.Index(different, dtype=object))
        found = np.append(keys, np.uint64(0))[place]
        # Rows of a decision that is not there.
        found[place < 0] = mixed(_places(different[place < 0])[0])
        return found[row]


@once_for_texts
def text_hashes(column: pd.Series) -> Hashes:
    """Hash texts; missing ones are 0."""
    missing, texts = column.isna().to_numpy(), column.to_numpy(dtype=object)
    found = hashes(pd.Series(np.where(missing, "", texts), dtype=object))
    return np.where(missing, np.uint64(0), found)


def _own(frame: pd.DataFrame, row: NDArray[np.intp], ids: NDArray[np.object_]) -> Hashes:
    """Make the key of each decision, of which a frame may have several rows."""
    names = (*_IDS, "published_at")
    total = _said(frame, names, row, len(ids))
    known = np.zeros(len(ids), dtype=bool)
    for name in _IDS:
        if name in frame:
            known[row[frame[name].notna().to_numpy()]] = True
    if known.all():
        return mixed(total)
    unknown = np.flatnonzero(~known)
    places, are_lines = _places(ids[unknown])
    total[unknown] += places
    if are_lines.any():
        some = np.isin(row, unknown[are_lines])
        total += _said(frame[some], _SAID, row[some], len(ids))
    return mixed(total)


def _said(frame: pd.DataFrame, names: Iterable[str], row: NDArray[np.intp], many: int) -> Hashes:
    """Hash what the rows of each decision say; a column that is not there is as one that says nothing."""
    each = np.zeros(len(frame), dtype=np.uint64)
    for name in names:
        if name in frame:
            each += _mixed_but_0(_hashed(frame[name]), _salt(name))
    total = np.zeros(many, dtype=np.uint64)
    np.add.at(total, row, _mixed_but_0(each, each))
    return total


@cache
def _salt(name: str) -> Hashes:
    return hashes(pd.Series([name], dtype=object))


def _mixed_but_0(keys: Hashes, salt: Hashes) -> Hashes:
    return np.where(keys == 0, keys, mixed(keys + salt))


def _hashed(column: pd.Series) -> Hashes:
    """Turn a column into numbers, whatever type it has; missing values are 0."""
    if pd.api.types.is_datetime64_any_dtype(column):
        since = pd.to_datetime(column, utc=True).dt.as_unit("us").astype("int64").to_numpy()
        return np.where(column.isna(), 0, since + 1).astype(np.int64).view(np.uint64)
    if column.dtype.kind == "f":
        values = column.to_numpy(np.float64, na_value=np.nan)
        return np.where(np.isnan(values), np.uint64(0), (values + 1.0).view(np.uint64))
    return text_hashes(column)


def _places(ids: NDArray[np.object_]) -> tuple[Hashes, NDArray[np.bool_]]:
    """Hash ids as they are wherever their entries are read, of a line its number; and say which are lines."""
    lines = [_line(one) for one in ids]
    texts = [line or str(one).partition("@")[0] for line, one in zip(lines, ids, strict=True)]
    return hashes(pd.Series(texts, dtype=object)), np.array([line is not None for line in lines], dtype=bool)


def _line(stream_id: Any) -> str | None:
    """Return the line that a file's entry is labelled with; None where it is an id of a stream."""
    file, _, line = str(stream_id).partition("-")
    return line if len(file) <= _LABEL and line != "0" and line.isdecimal() else None


def key_hashes(keys: pd.DataFrame) -> Hashes:
    """Hash the rows of some key columns, alike whichever types these have in a batch."""
    total = np.zeros(len(keys), dtype=np.uint64)
    for name in keys:
        code, different = pd.factorize(keys[name], use_na_sentinel=False)
        total = mixed(total + text_hashes(key_texts(pd.Series(different)))[code])
    return total
