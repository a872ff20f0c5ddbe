"""Saving a whole history at once, as a snapshot that is there whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import OptionError, SourceError
from ..frames import FRAMES, PAYLOADS, Coverage, Tables, id_parts, ids_in_order, sort_keys
from ..storage import Folder, LocalFolder, make, sync
from ..storage import folder as folder_of
from .checkpoint import CHECKPOINT
from .commits import day_of, ends_of, write_range
from .encoding import check_readable
from .layout import DATED, UNKNOWN, Name, place_of
from .load import is_snapshot

_ENTRIES_A_RANGE = 50_000
_BYTES_A_RANGE = 2**28  # of its tables: far from what a part may unpack to where it is read
_DAY = 86_400_000  # ms


def save(
    tables: Tables,
    coverage: Coverage,
    folder: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> str:
    """Write a history as a snapshot, all of it or nothing: a range a day, of at most 50,000 entries.

    A folder on a disk appears under its name only when it is whole. Elsewhere a range counts only when the
    last of them is there; a snapshot that is overwritten is taken away first. A folder that is overwritten on
    a disk is locked meanwhile, so that nobody goes on writing to what is no longer there. Where two folders
    can't change names in one step, as on macOS and Windows, who is killed between two steps leaves the old
    one beside, as ``.<name>-<letters>-old``.

    Raises
    ------
    OptionError
        The folder is there already and ``overwrite`` was not asked for, or it is no snapshot; a table holds
        what could not be read again, or two rows of one entry.
    SourceError
        It cannot be written, or another writes to what is to be overwritten; that is untouched.
    """
    target = folder_of(folder)
    try:
        _refuse(target, overwrite)
        for name, table in tables.items():
            check_readable(name, table)
        ranges = list(_split(tables))
        if isinstance(target, LocalFolder):
            _save_beside(ranges, coverage, Path(target.name).resolve())  # where a link leads, not the link
        else:
            _take_away(target)
            _commit_all(ranges, coverage, target)
    except OSError as error:
        raise SourceError(
            f"cannot write {target.name}: {error.strerror or error}. "
            + (
                "It is as it was."
                if isinstance(target, LocalFolder)
                else "Save it again: what was there before, if anything, may be lost."
            )
        ) from error
    return target.name


def _refuse(target: Folder, overwrite: bool) -> None:
    if target.is_empty():
        return
    if not is_snapshot(target.name):
        raise OptionError(f"{target.name} is there already and is no snapshot: choose another folder")
    if not overwrite:
        raise OptionError(
            f"{target.name} holds a snapshot already: choose another folder, or pass overwrite=True"
        )
    foreign = [path for path in target.paths() if Name.of(path) is None and not _is_hidden(path)]
    if foreign:
        raise OptionError(
            f"{target.name} holds {foreign[0]!r:.80}, which is no part of a snapshot and would be lost: "
            "move it, or choose another folder"
        )


def _is_hidden(path: str) -> bool:
    return any(name.startswith(".") for name in path.split("/"))


def _save_beside(ranges: Sequence[Tables], coverage: Coverage, target: Path) -> None:
    make(target.absolute().parent)
    there = LocalFolder(str(target))
    with nullcontext() if there.is_empty() else there.lock("a save") as lock:
        # Not a temporary one, which would be for its owner alone: a snapshot is shared like any other file.
        fresh = target.with_name(f".{target.name}-{token_hex(4)}")
        fresh.mkdir()
        try:
            _commit_all(ranges, coverage, LocalFolder(str(fresh)))
            if lock and os.name == "nt":
                lock.release()  # Windows renames no folder of which a file is open, not for others either
            _put_in_place(fresh, target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _put_in_place(fresh: Path, target: Path) -> None:
    if not target.exists():
        os.replace(fresh, target)
    elif not _exchanged(fresh, target):
        _put_instead(fresh, target)
    try:
        sync(target.absolute().parent)
    except OSError as error:
        raise SourceError(
            f"{target} is saved, but may be as it was after a loss of power: {error.strerror or error}"
        ) from error


def _put_instead(fresh: Path, target: Path) -> None:
    """Let a folder take the place of another in two steps."""
    old = fresh.with_name(fresh.name + "-old")
    os.replace(target, old)
    try:
        os.replace(fresh, target)
    except BaseException:
        _put_back(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _put_back(old: Path, target: Path) -> None:
    try:
        os.replace(old, target)
    except OSError as error:
        raise SourceError(
            f"cannot write {target}: {error.strerror or error}. What was there before is whole, but is "
            f"{old} now: move it back."
        ) from error


def _exchanged(fresh: Path, target: Path) -> bool:
    """Let two folders change names in one step, where the system can."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if call is None:
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    if call(here, os.fsencode(fresh), here, os.fsencode(target), exchange) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL):  # an old kernel, or a file system that cannot
        return False
    raise OSError(number, os.strerror(number), str(target))


def _take_away(target: Folder) -> None:
    """Remove a snapshot's files: what commits them first, the last range's before those that need it."""
    target.remove(CHECKPOINT)
    ours = {*FRAMES, PAYLOADS}
    paths = [path for path in target.paths() if path.partition("/")[0] in ours]
    names = ((path, Name.of(path)) for path in paths)
    commits = {path: name.ends for path, name in names if name and name.table == "decisions"}
    for path in sorted(paths, key=lambda path: commits.get(path, ()), reverse=True):
        target.remove(path)


def _commit_all(ranges: Sequence[Tables], coverage: Coverage, target: Folder) -> None:
    dates = _dates(ranges)
    commit_marker = "decisions/" + place_of(*ends_of(ranges[-1]), dates[-1])
    after = ""
    for number, (rows, date) in enumerate(zip(ranges, dates, strict=True)):
        metadata: dict[str, Any] = {"seal": commit_marker, "after": after}
        metadata |= {"coverage": coverage.rows()} if number == 0 else {}
        after = write_range(target, rows, metadata, date).last_id


def _dates(ranges: Sequence[Tables]) -> list[str]:
    """Give each range its day; one that tells none has that of the one before it, the first that of the next.

    No program opens every folder of which only some parts stand under a day.
    """
    known = [day_of(rows, ends_of(rows)[0]) for rows in ranges]
    last = next(filter(None, known), UNKNOWN)
    return [last := one or last for one in known]


def _split(tables: Tables) -> Iterator[Tables]:
    """Split tables by epoch, day and number of entries, oldest first; an empty history is one range."""
    ids = ids_in_order(tables)
    keys = id_parts(ids)
    _refuse_doubled(ids, keys)
    size = sum(table.nbytes for table in tables.values())
    starts = _starts(keys, min(_ENTRIES_A_RANGE, max(len(keys) * _BYTES_A_RANGE // max(size, 1), 1)))
    if len(starts) < 2:
        yield tables
        return
    numbers = {name: _range_numbers(table, starts) for name, table in tables.items()}
    for number in range(len(starts)):
        yield {name: table.filter(pa.array(numbers[name] == number)) for name, table in tables.items()}


def _refuse_doubled(ids: pa.Array, keys: NDArray[np.uint64]) -> None:
    doubled = np.flatnonzero((keys[1:] == keys[:-1]).all(axis=1))
    if len(doubled):
        raise OptionError(
            f"entry {ids[int(doubled[0])].as_py()} has two rows in decisions and rejects: take one of them "
            "away, or give it a stream_id of its own"
        )


def _starts(keys: NDArray[np.uint64], most: int) -> NDArray[Any]:
    """Return the keys at which ranges begin."""
    is_dated = (keys[:, 1] >= DATED.start) & (keys[:, 1] < DATED.stop)
    days = np.where(is_dated, keys[:, 1] // _DAY, 0)
    new = np.ones(len(keys), bool)
    new[1:] = (days[1:] != days[:-1]) | (keys[1:, 0] != keys[:-1, 0])
    runs = np.flatnonzero(new)
    place = np.arange(len(keys))
    new |= (place - runs[np.searchsorted(runs, place, side="right") - 1]) % most == 0
    return sort_keys(keys[new])


def _range_numbers(table: pa.Table, starts: NDArray[Any]) -> NDArray[np.intp]:
    """Say which range each row belongs to."""
    keys = sort_keys(id_parts(table["stream_id"]))
    return np.maximum(np.searchsorted(starts, keys, side="right") - 1, 0)
