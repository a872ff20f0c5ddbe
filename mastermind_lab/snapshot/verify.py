"""Verification: everything that is wrong with a snapshot, in a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import SourceError
from ..frames import TEXT, Tables, entry_ids
from ..storage import HALF, LOCK, NO_LOCK, Folder
from ..storage import folder as folder_of
from .checkpoint import CHECKPOINT, listed
from .coverage import discontinuities
from .footer import DamageError
from .layout import Name, child_path
from .ranges import Fault, Range
from .reading import read_part, table_of
from .surveys import Survey, survey


def verify(folder: str | PathLike[str], *, max_unpacked_bytes: int | None = None) -> pd.DataFrame:
    """Check every byte and every count of a snapshot, and list what is wrong; nothing is changed.

    Parameters
    ----------
    folder
        A snapshot's folder, or its URL.
    max_unpacked_bytes
        A part that has more bytes, or unpacks to more, is a finding; if not given, it may have 1 GiB and
        unpack to that, or to 20 times its own bytes.

    Returns
    -------
    DataFrame
        A row a finding, none where all is well: ``part``, the file's path in the folder; ``kind``, one of
        ``unreadable`` (or not what was written), ``newer format``, ``missing``, ``rows``, ``order``,
        ``overlap``, ``hole``, ``uncommitted``, ``replaced``, ``half-written`` and ``foreign``; ``detail``.
        Readers take no notice of the last four; programs that read the files directly do.

        Where nothing can be told of the files, that is the one finding, with an empty ``part``.

    Raises
    ------
    SourceError
        There is nothing: no such folder, or an empty one.
    OptionError
        ``max_unpacked_bytes`` is no number of bytes.

    Examples
    --------
    >>> import tempfile, mastermind_lab as lab
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = lab.sample(last=10).save(f"{folder}/snapshot")
    ...     len(lab.verify(saved))
    0
    """
    target = folder_of(folder)
    try:
        surveyed, faults = _looked_through(target, max_unpacked_bytes)
    except SourceError as error:  # nothing can be told of its files
        return _table([Fault("", "unreadable", str(error))])
    if not faults and not any(surveyed):
        raise SourceError(f"{target.name} is no snapshot: there is nothing")
    faults = [*surveyed.faults, *_of_neighbours(surveyed), *faults, *_of_files(surveyed)]
    return _table([*faults, *_of_checkpoint(target, surveyed), *_of_lock(target)])


def _looked_through(target: Folder, most: int | None) -> tuple[Survey, list[Fault]]:
    """Check committed ranges; one with a fault again, for it may just have been compacted into another."""
    checked = dict[Range, list[Fault]]()
    while True:
        surveyed = survey(target, most)
        paths, again = {*surveyed.paths}, {one for one, faults in checked.items() if faults}
        for one in surveyed.committed:
            if one not in checked or one in again:
                checked[one] = [*_whatever_happens(one.place, _of_range(target, one, paths))]
        if all(not checked[one] or one in again for one in surveyed.committed):
            faulty = [one for one in checked if checked[one] and not _is_merged(one, surveyed.committed)]
            return surveyed, [fault for one in faulty for fault in checked[one]]


def _is_merged(one: Range, committed: Sequence[Range]) -> bool:
    """Tell whether a range was compacted into another."""
    (begin, end), others = one.key, (other for other in committed if other != one and other.replaces)
    return any(other.key[0] <= begin and end <= other.key[1] for other in others)


def _table(faults: Iterable[Fault]) -> pd.DataFrame:
    """Make the table of findings; what is no text in a name, for a disk keeps any bytes, becomes escapes."""
    rows = [[text.encode(errors="backslashreplace").decode() for text in fault] for fault in faults]
    return pd.DataFrame(sorted(rows), columns=list(Fault._fields), dtype=TEXT)


def _of_neighbours(surveyed: Survey) -> Iterator[Fault]:
    for discontinuity in discontinuities(surveyed.committed):
        yield Fault(discontinuity.committed.place, discontinuity.kind, discontinuity.detail)


def _whatever_happens(path: str, faults: Iterator[Fault]) -> Iterator[Fault]:
    """Pass on findings; that there is no telling what else is wrong is one, too."""
    try:
        yield from faults
    except Exception as error:  # noqa: BLE001 - what a stranger's file makes a library raise can't be known
        yield Fault(path, "unreadable", f"{type(error).__name__}: {error!s:.200}")


def _of_range(target: Folder, committed: Range, paths: set[str]) -> Iterator[Fault]:
    ids: Tables = {}
    for table in ("decisions", *committed.child_tables):
        path = child_path(committed.place, table)
        if path not in paths:
            yield Fault(path, "missing", f"{committed.place} names it")
            continue
        try:
            rows = table_of(committed, table, read_part(target, committed, table))
        except (OSError, DamageError) as error:
            yield Fault.of(path, error)
        else:
            ids[table] = rows.select(["stream_id"])
    yield from (Fault(committed.place, "order", detail) for detail in _of_ids(committed, ids))


def _of_ids(committed: Range, ids: Tables) -> Iterator[str]:
    """Say where the ids of tables do not fit together, or are not those of the range."""
    if not {"decisions", "rejects"} <= ids.keys():
        return
    entries = entry_ids(ids)
    if len(set(entries)) < len(entries):
        yield "an id stands for two entries"
    if entries and (entries[0], entries[-1]) != (committed.first_id, committed.last_id):
        named = f"{committed.first_id} to {committed.last_id}"
        yield f"its entries are {entries[0]} to {entries[-1]}, not {named}"
    ids_there = pa.array(entries, pa.large_string())
    for table, rows in ids.items():
        if not pc.all(pc.is_in(rows["stream_id"], ids_there), min_count=0).as_py():
            yield f"{table} has rows of entries that are not in decisions"


def _of_files(surveyed: Survey) -> Iterator[Fault]:
    for one in surveyed.replaced:
        yield Fault(one.place, "replaced", "compacted into another part; compact removes it")
    for one in surveyed.unfinished:
        yield Fault(one.place, "uncommitted", "of a save that was not brought to its end")
    named = {one.place for one in (*surveyed.committed, *surveyed.replaced, *surveyed.unfinished)}
    named |= {fault.part for fault in surveyed.faults}
    for path in surveyed.paths:
        name = Name.of(path)
        if name is None:
            yield from _of_stranger(path)
        elif child_path(path, "decisions") not in named:
            yield Fault(path, "uncommitted", "no part of decisions names it")


def _of_checkpoint(target: Folder, surveyed: Survey) -> Iterator[Fault]:
    """Tell where the checkpoint cannot be used, says otherwise than a part, or lacks one before its end."""
    if CHECKPOINT not in surveyed.paths:
        return
    try:
        known = listed(target)
    except FileNotFoundError:
        return  # a compaction has removed it meanwhile
    except (OSError, DamageError) as error:
        yield Fault.of(CHECKPOINT, error)
        return
    there = {one.place: one for one in surveyed.committed}
    others = [place for place, one in known.items() if there.get(place) != one]
    if others:
        yield Fault(CHECKPOINT, "unreadable", f"it says of {others[0]} what is not so")
    end = max(one.key for one in known.values())
    lacking = [one.place for one in surveyed.committed if one.key < end and one.place not in known]
    if lacking:
        yield Fault(CHECKPOINT, "unreadable", f"it lacks {lacking[0]}, before its end: remove it")


def _of_lock(target: Folder) -> Iterator[Fault]:
    if not target.can_be_locked():
        yield Fault(LOCK, "foreign", f"it is {NO_LOCK}: nobody can write to this folder")


def _of_stranger(path: str) -> Iterator[Fault]:
    if path.endswith(HALF):
        yield Fault(path, "half-written", "its writer was stopped; nothing reads it")
    elif not path.rpartition("/")[2].startswith("."):
        yield Fault(path, "foreign", "no name of a part; nothing reads it")
