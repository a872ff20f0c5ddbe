"""What stopped writers leave, and a compaction makes needless."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from os import PathLike

from ..errors import SourceError
from ..storage import HALF, Folder
from ..storage import folder as folder_of
from .names import Name, sibling
from .parts import DamageError
from .ranges import Range, read_facts, survey


def sweep(folder: str | PathLike[str]) -> list[str]:
    """Remove what nothing reads: half-written files, parts that were compacted, children never committed.

    Only who holds the folder's lock may call it, for a half-written file of another looks the same. Children
    go only where all their entries are committed in other parts, as they are once an archiver that was
    stopped has gone on. Damaged and foreign files stay.

    Returns
    -------
    list of str
        The files that are gone.

    Raises
    ------
    SourceError
        The folder cannot be listed, is no snapshot, or a file cannot be removed.
    """
    target = folder_of(folder)
    found = survey(target)
    paths = target.paths()
    gone = [path for path in paths if _is_half(path)]
    if not found.faults:
        named = {one.place for one in (*found.committed, *found.replaced, *found.unsealed)}
        gone += [path for path in paths if _is_orphan(target, path, named, found.committed)]
        # The part that commits goes last: until then a range that is half removed is known to be replaced.
        # One that replaced others, and says so, goes after them.
        smallest = sorted(found.replaced, key=lambda one: one.rows + one.rejects)
        gone += [path for one in smallest for path in _parts(one)]
    for path in gone:
        try:
            target.remove(path)
        except OSError as error:
            raise SourceError(
                f"cannot remove {target.name}/{path}: {error.strerror or error}. Nothing reads it."
            ) from error
    return gone


def _parts(one: Range) -> Iterator[str]:
    yield from (sibling(one.place, table) for table in one.siblings)
    yield one.place


def _is_half(path: str) -> bool:
    place, _, name = path.rpartition("/")
    is_ours = name.startswith(".") and name.endswith(HALF)
    return is_ours and Name.of(f"{place}/{name[1 : -len(HALF)]}") is not None


def _is_orphan(target: Folder, path: str, named: set[str], committed: Sequence[Range]) -> bool:
    name = Name.of(path)
    if name is None or name.table == "decisions" or sibling(path, "decisions") in named:
        return False
    try:
        is_ours = "format" in read_facts(target, path)
    except (OSError, DamageError):
        return False
    return is_ours and _is_needless(name, [one for one in committed if one.first_id])


def _is_needless(name: Name, committed: Sequence[Range]) -> bool:
    """Tell whether all its entries are committed in other parts."""
    first, last = (name.epoch, *name.first), (name.epoch, *name.last)
    over = [one for one in committed if first <= one.key[1] and one.key[0] <= last]
    if not over or first < over[0].key[0] or over[-1].key[1] < last:
        return False
    if (first, last) == (over[0].key[0], over[-1].key[1]):
        return True  # a compaction of just these was stopped
    return all(after.facts.get("after") == before.last_id for before, after in pairwise(over))
