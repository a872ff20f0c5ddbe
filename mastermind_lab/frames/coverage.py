"""What was read of each source, what was not, and how sure that is: a value that adds up.

The account of a read is the sum of the accounts of its parts, whoever read them. What nobody counted stays
unknown: a sum with an unknown part is unknown, never a smaller number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..errors import check_names
from .account import Account, Key, known_value, least_sure, total, united
from .declared import COVERAGE, schema
from .ids import id_key, id_parts, sort_keys
from .tables import to_pandas

_LARGEST_LABEL = 10**12  # of the milliseconds of a stream's id, these were reached in 2001


@dataclass(frozen=True)
class Coverage:
    """The accounts of all that was read, one a source.

    Attributes
    ----------
    groups
        The accounts by source, stream and limits. Two under one key are of two reads of one source, which
        never become one: what the first missed, the second may have read.
    """

    groups: dict[Key, tuple[Account, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, *accounts: Account) -> Coverage:
        """Make a coverage of accounts that stand for themselves."""
        groups: dict[Key, tuple[Account, ...]] = {}
        for one in accounts:
            groups[one.key] = (*groups.get(one.key, ()), one)
        return cls(groups)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts of all sources."""
        return tuple(one for group in self.groups.values() for one in group)

    def __add__(self, other: Coverage) -> Coverage:
        """Add up what was read in parts: accounts of one source, stream and limits become one."""
        return self._merged(other, _added)

    def beside(self, other: Coverage, shared: pa.Array) -> Coverage:
        """Put the accounts of two reads side by side.

        Parameters
        ----------
        other
            The second read's.
        shared
            The ids of entries that both have read: they are told as ``repeated`` of the second. An account
            that says nothing new is left out.
        """
        counts, before = map(len, other._parts(shared)), self.accounts
        marked = zip(other.accounts, counts, strict=True)
        new = ((one, n) for one, n in marked if not _is_old(one, n, before))
        told = [replace(one, repeated=total((one.repeated, n))) for one, n in new]
        return self._merged(Coverage.of(*told), add)

    def _merged(self, other: Coverage, merge: Callable[..., tuple[Account, ...]]) -> Coverage:
        groups = dict(self.groups)
        for key, group in other.groups.items():
            groups[key] = merge(groups[key], group) if key in groups else group
        return Coverage(groups)

    def joint(self) -> Coverage:
        """Make one account of those whose ids overlap: which of them an entry is of its id does not tell."""
        groups: list[list[Account]] = []
        for one in sorted((one for one in self.accounts if one.last_id), key=_first):
            if groups and _first(one) <= max(map(_last, groups[-1])):
                groups[-1].append(one)
            else:
                groups.append([one])
        if all(len(group) == 1 for group in groups):
            return self
        empty = [one for one in self.accounts if not one.last_id]
        return Coverage.of(*(reduce(_jointly, group) for group in groups), *empty)

    def narrowed(self, kept: pa.Array, limits: str) -> Coverage:
        """Say that of all entries only some were kept, and by what limits.

        Parameters
        ----------
        kept
            The ids of the entries that are left, oldest first.
        limits
            The limits in words.
        """
        joint = self.joint()
        parts = zip(joint.accounts, joint._parts(kept), strict=True)
        return Coverage.of(*(_narrowed(one, ids, limits) for one, ids in parts))

    def ended(self, limits: str, left_out: int | None) -> Coverage:
        """Say that limits left out some entries behind the newest."""
        newest = max(self.accounts, key=_last, default=None)
        return Coverage.of(
            *(_ended(one, limits, left_out) if one is newest else one for one in self.accounts)
        )

    def share(self, kept: pa.Array, dropped: pa.Array, limits: str) -> Coverage:
        """Account for one batch of all this: with :meth:`rest`, all batches add up to it."""
        parts = zip(self.accounts, self._parts(kept), self._parts(dropped), strict=True)
        return Coverage.of(
            *(
                Account.of_ids(
                    ids, source=one.source, stream=one.stream, left_out=len(gone), limits=_both(one, limits)
                )
                for one, ids, gone in parts
            )
        )

    def around(self, first_id: str, last_id: str) -> Coverage:
        """Return the accounts whose ids reach over any from one to another; '' is none."""
        first, last = id_key(first_id or "0"), id_key(last_id or "0")
        own = (one for one in self.accounts if one.last_id and _first(one) <= last and first <= _last(one))
        return Coverage.of(*own)

    def rest(self, limits: str) -> Coverage:
        """Return what these accounts say beside their entries."""
        bare = (replace(one, entries=0, first_id=None, last_id=None) for one in self.accounts)
        told = (replace(one, repeated=0) if limits else one for one in bare)
        return Coverage.of(*(replace(one, limits=_both(one, limits)) for one in told))

    def without(self, first_ids: pa.Array, entries: NDArray[np.int64], limits: str) -> Coverage:
        """Account for stretches of entries, by their first ids and how many each has: limits left all out."""
        owners = self._owners(first_ids)
        gone = [int(entries[owners == number].sum()) for number in range(len(self.accounts))]
        parts = zip(self.accounts, gone, strict=True)
        return Coverage.of(
            *(
                Account(one.source, one.stream, entries=0, left_out=n, repeated=0, limits=_both(one, limits))
                for one, n in parts
            )
        )

    def _parts(self, ids: pa.Array) -> list[pa.Array]:
        """Split ids by the first account whose own ids reach over them."""
        owners = self._owners(ids)
        return [ids.filter(pa.array(owners == number)) for number in range(len(self.accounts))]

    def _owners(self, ids: pa.Array) -> NDArray[np.int64]:
        keys, owners = sort_keys(id_parts(ids)), np.full(len(ids), -1)
        for number, one in reversed([*enumerate(self.accounts)]):
            if one.first_id and one.last_id:
                first, last = sort_keys(id_parts([one.first_id, one.last_id]))
                owners[(first <= keys) & (keys <= last)] = number
        return owners

    def file_numbers(self, ids: pa.Array, timed: pa.Array) -> frozenset[int]:
        """Return the numbers that files have in the ids of their lines.

        Parameters
        ----------
        ids
            Those of all entries that may be lines. Where no account tells of one any more, it is a line's if
            it looks like one and no stream has had such ids since 2001: an entry too many is seen, one that
            is lost is not.
        timed
            Those of others, which have a stream's time: what tells of them tells of no lines.
        """
        of_streams = {*self._owners(timed).tolist()}
        of_files = (one for place, one in enumerate(self.accounts) if place not in of_streams)
        lines = {id_key(one.first_id)[1] for one in of_files if one.stream is None and one.first_id}
        epochs, numbers, places = id_parts(ids)[self._owners(ids) < 0].T
        untold = numbers[(epochs == 0) & (numbers < _LARGEST_LABEL) & (places > 0)]  # lines count from 1
        return frozenset(lines | ({*np.unique(untold).tolist()} if -1 not in of_streams else set()))

    def renumbered(self, files: Mapping[int, int]) -> Coverage:
        """Give the lines of some files new file numbers."""
        return Coverage.of(*(one if one.stream else _renumbered(one, files) for one in self.accounts))

    def moved(self, ids: Mapping[str, str]) -> Coverage:
        """Account by themselves for entries that got other ids, given by those that they had."""
        parts = zip(self.accounts, self._parts(pa.array([*ids], pa.large_string())), strict=True)
        told = [_moved(one, [ids[before] for before in some.to_pylist()]) for one, some in parts]
        return Coverage.of(*(one for some in told for one in some))

    def noted(self, note: str, instead_of: str = "\0") -> Coverage:
        """Add to the notes of every source, in place of what began with some words."""
        accounts = self.accounts or (Account(entries=None, repeated=None, left_out=None, limits=None),)
        return Coverage.of(*(replace(one, note=_noted(one, note, instead_of)) for one in accounts))

    def frame(self) -> pd.DataFrame:
        """Return the DataFrame that users know, a row a source."""
        table = pa.Table.from_pylist(self.rows(), schema(COVERAGE))
        return to_pandas({COVERAGE: table})[COVERAGE]

    @classmethod
    def of_frame(cls, frame: pd.DataFrame) -> Coverage:
        """Read a frame, perhaps with a user's changes; columns of the user's own are not kept."""
        check_names(COVERAGE, frame)
        return cls.of_rows(json.loads(frame.to_json(orient="records")))

    def rows(self) -> list[dict[str, Any]]:
        """Return the accounts as plain dicts, ready for JSON."""
        return [asdict(one) for one in self.accounts]

    @classmethod
    def of_rows(cls, rows: Iterable[Any]) -> Coverage:
        """Read plain dicts, perhaps a stranger's: what is not said, or makes no sense, is unknown."""
        names = [one.name for one in fields(Account)]
        known = (
            {name: known_value(name, row.get(name)) for name in names}
            for row in rows
            if isinstance(row, dict)
        )
        return cls.of(*(_plausible(Account(**row)) for row in known))


def _plausible(account: Account) -> Account:
    """Be not sure of a number that is not known."""
    is_unknown = account.missing is None and account.certainty is not None
    return replace(account, certainty="not verified") if is_unknown else account


def _added(mine: tuple[Account, ...], theirs: tuple[Account, ...]) -> tuple[Account, ...]:
    both = [one + other for one, other in zip(mine, theirs, strict=False)]
    return (*both, *mine[len(both) :], *theirs[len(both) :])


def _is_old(one: Account, repeated: int, before: tuple[Account, ...]) -> bool:
    """Tell whether an account was given before, and all of its entries with it."""
    return one in before and one.entries == total((one.repeated, repeated))


def _first(one: Account) -> tuple[int, int, int]:
    return id_key(one.first_id or "0")


def _last(one: Account) -> tuple[int, int, int]:
    return id_key(one.last_id or "0")


def _jointly(one: Account, other: Account) -> Account:
    """Account for the entries of two reads together.

    Of one stream, what one read has left out the other may have read, and what both have missed counts twice.
    """
    same = (one.source, one.stream) == (other.source, other.stream)
    both = one + other
    return replace(
        both,
        source="; ".join(dict.fromkeys(part.source for part in (one, other) if part.source)) or None,
        stream="; ".join(dict.fromkeys(part.stream for part in (one, other) if part.stream)) or None,
        entries=total(map(_own, (one, other))),
        repeated=0,
        left_out=None if same and both.left_out else both.left_out,
        limits="; ".join(dict.fromkeys(part.limits for part in (one, other) if part.limits)),
        certainty=least_sure((both.certainty, "at most" if same and both.missing else None)),
    )


def _narrowed(one: Account, ids: pa.Array, limits: str) -> Account:
    ends = Account.of_ids(ids)
    # Older snapshots do not count what is repeated: in an account that no other one overlaps, nothing is.
    gone = None if one.entries is None else one.entries - (one.repeated or 0) - len(ids)
    return replace(
        one,
        first_id=ends.first_id,
        last_id=ends.last_id,
        entries=ends.entries,
        repeated=0,
        left_out=total((one.left_out, gone)),
        limits=_both(one, limits),
    )


def _ended(one: Account, limits: str, left_out: int | None) -> Account:
    return replace(one, left_out=total((one.left_out, left_out)), limits=_both(one, limits))


def _own(one: Account) -> int | None:
    """Count the entries that no account before this one has; None where nobody did."""
    return None if one.entries is None or one.repeated is None else one.entries - one.repeated


def _both(one: Account, limits: str) -> str | None:
    return ", ".join(part for part in (one.limits, limits) if part) or one.limits


def _renumbered(one: Account, files: Mapping[int, int]) -> Account:
    def moved(stream_id: str | None) -> str | None:
        file, _, line = (stream_id or "").partition("-")
        return stream_id and f"{files.get(int(file), int(file))}-{line}"

    return replace(one, first_id=moved(one.first_id), last_id=moved(one.last_id))


def _moved(one: Account, ids: list[str]) -> list[Account]:
    if not ids:
        return [one]
    said = f"{len(ids):,} with an id that a source before it has for another decision, marked @"
    now = pa.array(sorted(ids, key=id_key), pa.large_string())
    apart = Account.of_ids(now, source=one.source, stream=one.stream, limits=one.limits, note=said)
    return [replace(one, entries=total((one.entries, -len(ids)))), apart]


def _noted(one: Account, note: str, instead_of: str) -> str | None:
    parts = (one.note or "").split("; ")
    return united([*(part for part in parts if not part.startswith(instead_of)), note])


def shared(left: pa.Array, right: pa.Array) -> pa.Array:
    """Return the ids of the right that the left has too."""
    return right.filter(pc.is_in(right, left))
