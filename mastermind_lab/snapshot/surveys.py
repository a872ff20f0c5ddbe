"""Surveys: which ranges of a folder count, by what their parts say and how they lie together."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from os import PathLike
from typing import NamedTuple

from ..errors import SourceError
from ..frames import FRAMES, PAYLOADS
from ..storage import Folder, check_bytes
from ..storage import folder as folder_of
from .checkpoint import CHECKPOINT, known_ranges
from .ranges import Fault, Range, is_commit, read_ranges

_OURS = {"decisions", *FRAMES, PAYLOADS}


class Survey(NamedTuple):
    """What the ``decisions`` parts of a folder say."""

    committed: list[Range]
    replaced: list[Range]  # compacted into another one
    unfinished: list[Range]  # of a save that was not brought to its end
    faults: list[Fault]
    paths: list[str]  # all that lies there


def ranges(folder: str | PathLike[str], max_unpacked_bytes: int | None = None) -> list[Range]:
    """List the committed ranges of a folder by epoch and first id; only footers are read.

    The last one is where an archiver goes on. A folder that is not there, or empty, has none.

    Raises
    ------
    SourceError
        A ``decisions`` part cannot be read or is of a newer format, or the folder holds something else.
    """
    return survey_of(folder, max_unpacked_bytes).committed


def survey_of(folder: str | PathLike[str], max_unpacked_bytes: int | None = None) -> Survey:
    """Survey a folder, and refuse one in which something is wrong with a ``decisions`` part; see ranges.

    What the checkpoint knows of is not read again.
    """
    target = folder_of(folder)
    return checked(target, _survey(target, max_unpacked_bytes, known_ranges))


def survey(target: Folder, max_unpacked_bytes: int | None = None) -> Survey:
    """Read the footers of all ``decisions`` parts, and tell what is committed.

    Raises
    ------
    OptionError
        ``max_unpacked_bytes`` is no number of bytes.
    SourceError
        The folder cannot be listed, or holds something else.
    """
    return _survey(target, max_unpacked_bytes, lambda *_: {})


def checked(target: Folder, surveyed: Survey) -> Survey:
    """Refuse what was surveyed where something is wrong with a part.

    Raises
    ------
    SourceError
        With what is wrong with the first.
    """
    if surveyed.faults:
        part, kind, detail = surveyed.faults[0]
        advice = " Move the part away to read the others." if kind == "unreadable" else ""
        raise SourceError(
            f"{target.name}/{part}: {kind}, {detail}. Nothing was changed; verify lists all that is wrong."
            + advice
        )
    return surveyed


def _survey(
    target: Folder, most: int | None, knowing: Callable[[Folder, int | None], Mapping[str, Range]]
) -> Survey:
    check_bytes("max_unpacked_bytes", most)
    read, wrong = dict[str, Range](), set[str]()
    while True:
        paths, unlisted = _listed(target)
        commits = [*filter(is_commit, paths)]
        known = {**(knowing(target, most) if CHECKPOINT in paths else {}), **read}
        found, faults = read_ranges(target, [path for path in commits if path not in known], most)
        read |= {one.place: one for one in found}
        again, wrong = wrong, {fault.part for fault in faults}
        if wrong <= again:
            break  # or it may have been compacted into another since it was listed
    named = [*found, *(known[path] for path in commits if path in known)]
    return sorted_out(named, [*unlisted, *faults], paths)


def _listed(target: Folder) -> tuple[list[str], list[Fault]]:
    """List all that lies in a folder, and say what of it cannot be listed."""
    unlisted: dict[str, str] = {}
    try:
        paths = target.paths(unlisted)
    except OSError as error:
        raise SourceError(f"cannot list {target.name}: {error.strerror or error}") from error
    if "." in unlisted:
        raise SourceError(f"cannot list {target.name}: {unlisted['.']}")
    _check_ours(target, [*paths, *unlisted])
    return paths, [Fault(path, "unreadable", detail) for path, detail in unlisted.items()]


def _check_ours(target: Folder, paths: Collection[str]) -> None:
    """Refuse a folder of something else; a first commit may have been cut off before its ``decisions``."""
    if not are_ours(paths):
        raise SourceError(
            f"{target.name} is no snapshot: it holds {min(_tops(paths))!r:.80} and no folder 'decisions'. "
            "Nothing was changed; choose another folder."
        )


def are_ours(paths: Iterable[str]) -> bool:
    """Tell whether what lies in a folder may be a snapshot's; nothing may, too."""
    tops = _tops(paths)
    return bool(tops & _OURS) or all(top.startswith(".") for top in tops)


def _tops(paths: Iterable[str]) -> set[str]:
    return {path.partition("/")[0] for path in paths}


def sorted_out(named: list[Range], faults: list[Fault], paths: list[str]) -> Survey:
    """Tell which ranges count, of those that are there: all of them, or all that overlap."""
    by_place = {one.place: one for one in named}
    faults += [fault for one in named for fault in _false_claims(one, by_place)]
    replaced = set().union(*(one.replaces for one in named))
    commit_markers = {one.place for one in named} | {
        name for one in named for name in json.loads(one.metadata.get("seals", "[]"))
    }
    surveyed = Survey([], [], [], faults, paths)
    for one in sorted(named, key=lambda one: one.key):
        if one.place in replaced:
            surveyed.replaced.append(one)
        elif one.metadata.get("seal", one.place) not in commit_markers:
            surveyed.unfinished.append(one)
        else:
            surveyed.committed.append(one)
    return surveyed


def _false_claims(one: Range, by_place: Mapping[str, Range]) -> Iterator[Fault]:
    """Tell where a range says that it replaces one that it can't hold: it would be lost."""
    for other in filter(None, map(by_place.get, sorted(one.replaces))):
        is_within = one.key[0] <= other.key[0] and other.key[1] <= one.key[1]
        if not is_within or one.place in other.replaces:
            yield Fault(one.place, "unreadable", f"it says it replaces {other.place}, which it can't hold")
