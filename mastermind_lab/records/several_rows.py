"""Ballots of several rows, each with the rank, score or probability of one choice, become one row each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import OptionError
from ..frames import IS_TEXT, open_column, shown_columns
from .ballots import AS_LISTS, LIMITS, in_order, is_of_numbers, plain_ranking
from .columns import Checked, Fault, in_one_piece, is_given, numbers, texts_in, with_marks, within
from .grouping import codes_of
from .reading import Records
from .roles import Roles
from .rows import told

_ONCE = "each choice once on a ballot"


def one_row_a_ballot(records: Records, roles: Roles) -> tuple[Records, Roles]:
    """Put the rows of a ballot, which say one thing of one choice each, into one.

    That of its best choice is kept, with what the others say as a list or an object in it. So the choice is
    no longer named by a column: it is what is best.

    Raises
    ------
    OptionError
        Every ballot has one probability only, or there are choices that are to be none.
    """
    numbered = _numbered(records.table, roles)
    if not numbered or roles.choice is None:
        return records, roles
    choice = texts_in(with_marks(records.table, roles.choice), roles.choice)
    faults = _faults(records, roles, choice, numbered)
    seat = [*roles.decision, roles.voter, *([roles.round] if roles.round else [])]
    codes = codes_of([_column(records, name) for name in seat]).codes
    rows = pd.DataFrame({"ballot": codes, "choice": choice.values.to_pylist()})
    for role, read in numbered.items():
        rows[role] = read.values.to_numpy(zero_copy_only=False)
    good = ~np.any([fault.wrong for fault in faults], axis=0)
    if len(rows) and not rows[good]["ballot"].duplicated().any() and "ranking" not in numbered:
        if "probabilities" in numbered:
            raise OptionError(
                f"probabilities={roles.probabilities!r:.80} is one number a voter: name it with confidence=, "
                "or have a row, or a column, for each choice"
            )
        return records, roles
    if roles.abstain:
        raise OptionError(
            "abstain= says which votes are none, and these are ballots of a row for each choice: leave such "
            "rows out"
        )
    twice = rows[good].duplicated(["ballot", "choice"])
    again = rows["ballot"].isin(rows["ballot"][good][twice]).to_numpy() & good
    faults.append(Fault("invalid", roles.choice, _ONCE, again))
    return _joined(records, roles, rows[good & ~again], faults), replace(roles, choice=None)


def _numbered(table: pa.Table, roles: Roles) -> dict[str, Checked]:
    """Read the columns that hold one number of one choice a row."""
    named = {role: getattr(roles, role) for role in LIMITS if isinstance(getattr(roles, role), str)}
    return {
        role: within(numbers(in_one_piece(table[name])), *LIMITS[role], whole=role == "ranking")
        for role, name in named.items()
        if is_of_numbers(table[name])
    }


def _column(records: Records, name: str) -> pa.Array:
    return in_one_piece(records.table[name])


def _faults(records: Records, roles: Roles, choice: Checked, numbered: Mapping[str, Checked]) -> list[Fault]:
    keys = [(name, "no_decision", "a value that tells the decision") for name in roles.decision]
    faults = [
        Fault(reason, name, expected, ~is_given(_column(records, name)))
        for name, reason, expected in [*keys, (roles.voter, "no_voter", "who voted")]
    ]
    faults.append(Fault("invalid", str(roles.choice), "one choice, not several", choice.wrong))
    faults.append(Fault("no_choice", str(roles.choice), "a choice", ~is_given(choice.values)))
    expected = {
        "ranking": "a rank, a whole number" + (f" ({AS_LISTS})" if _are_few(numbered.get("ranking")) else ""),
        "score": "a finite number",
        "probabilities": "a number from 0 to 1",
    }
    return faults + [
        Fault("invalid", getattr(roles, role), expected[role], read.wrong) for role, read in numbered.items()
    ]


def _are_few(ranks: Checked | None) -> bool:
    """Tell whether most of a column that is to hold ranks is something else."""
    return ranks is not None and bool(2 * ranks.wrong.sum() > len(ranks.wrong))


def _joined(records: Records, roles: Roles, rows: pd.DataFrame, faults: list[Fault]) -> Records:
    """Keep one row of each ballot, with what all of its rows say."""
    roles_there = [role for role in LIMITS if role in rows]
    order = rows.sort_values(
        ["ballot", roles_there[0]], ascending=[True, roles_there[0] == "ranking"], kind="stable"
    )
    kept = order.index[~order["ballot"].duplicated()].to_numpy()
    table = records.table
    for role in roles_there:
        said = list(_of_ballots(order, role))
        name = getattr(roles, role)
        dense = pd.Series(said, kept, dtype=object).reindex(range(len(table)))
        table = _with(table, name, [one if isinstance(one, list | dict) else None for one in dense])
    kept = np.sort(kept)
    wrong = np.any([fault.wrong for fault in faults], axis=0)
    number = np.arange(1, len(table) + 1) if records.numbers is None else np.asarray(records.numbers)
    rejected = [(int(number), *rest) for number, *rest in told(records, faults, wrong, number)]
    names = {roles.choice, *(getattr(roles, role) for role in roles_there)}
    varying = _varying(records.table, rows) - names
    return Records(
        table.drop_columns(
            [name for name in table.column_names if name.removesuffix(IS_TEXT) == roles.choice]
        ).take(pa.array(kept)),
        records.source,
        number[kept].tolist(),
        [*records.rejects, *rejected],
        len(rows) - len(kept),
        f"of {', '.join(sorted(varying))} that of each ballot's best choice" if varying else "",
    )


def _of_ballots(order: pd.DataFrame, role: str) -> Iterator[list[Any] | dict[str, float] | None]:
    """Say what each ballot does: a list of choices, best first, or an object of numbers."""
    known = order[order[role].notna()]
    pairs: dict[int, list[tuple[str, float]]] = {ballot: [] for ballot in order["ballot"].unique().tolist()}
    for ballot, choice, value in zip(
        *(known[name].tolist() for name in ("ballot", "choice", role)), strict=True
    ):
        pairs[ballot].append((choice, value))
    for some in pairs.values():
        yield (plain_ranking(in_order(some)) if role == "ranking" else dict(some)) if some else None


def _with(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    described, column = open_column(name, len(values), range(len(values)), values)[0]
    return table.set_column(table.column_names.index(name), described, column)


def _varying(table: pa.Table, rows: pd.DataFrame) -> set[str]:
    """Name the columns that say different things in the rows of a ballot."""
    places, ballots = pa.array(rows.index.to_numpy()), rows["ballot"].to_numpy()
    several = pd.Series(ballots).duplicated(keep=False).to_numpy()
    found = set()
    for name in shown_columns(table.column_names):
        codes = codes_of([in_one_piece(table[name].take(places))]).codes
        found |= (
            {name} if (pd.Series(codes[several]).groupby(ballots[several]).nunique() > 1).any() else set()
        )
    return found
