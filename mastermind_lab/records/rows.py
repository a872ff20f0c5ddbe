"""The rows of a table that are votes, with what their columns mean, and those that are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..frames import IS_TEXT, schema
from .ballots import Ballots, ballots_of, check_choices
from .columns import (
    A_MOMENT,
    ENDLESS,
    EXACT_WHOLE,
    TEXT,
    WHOLE,
    Checked,
    Column,
    Fault,
    Flags,
    columns_of,
    comma_advice,
    is_given,
    moments,
    numbers,
    of_values,
    texts,
    texts_in,
    time_advice,
    within,
)
from .reading import Records
from .roles import KINDS, Roles, names_in

_SHOWN = 80  # characters of a value that a reject repeats


@dataclass(frozen=True)
class Rows:
    """Votes.

    Attributes
    ----------
    keys
        The columns that tell decisions apart.
    key_marks
        The marks of texts among these.
    named
        Values by what they mean.
    others
        All other columns, by their names; the times' own among them.
    ballots
        What votes say beyond a choice, by its name in the frame.
    time
        The name of that one.
    numbers
        The number of each row where it came from.
    said
        What else is to be said of them.
    """

    keys: list[Column]
    key_marks: list[Column]
    named: dict[str, pa.Array]
    others: dict[str, Column]
    ballots: dict[str, Column]
    time: str | None
    numbers: NDArray[np.int64]
    said: str

    def map(self, change: Callable[[pa.Array], pa.Array]) -> Rows:
        """Put the rows in another order, or leave some out; keys, their marks and ``numbers`` stay."""

        def changed(columns: dict[str, Column]) -> dict[str, Column]:
            return {name: (described, change(column)) for name, (described, column) in columns.items()}

        named = {name: change(column) for name, column in self.named.items()}
        return replace(self, named=named, others=changed(self.others), ballots=changed(self.ballots))


def rows_of(records: Records, roles: Roles) -> tuple[Rows, pa.Table]:
    """Tell votes from other rows, which become rejects."""
    n, columns = records.table.num_rows, columns_of(records.table)
    keys = [columns[name] for name in roles.decision]
    marks = [columns[name + IS_TEXT] for name in roles.decision if name + IS_TEXT in columns]
    ballots = ballots_of(columns, roles, n)
    named, faults = _checked(columns, roles, ballots)
    shown = {*roles.all} - {roles.time}
    others = {name: one for name, one in columns.items() if name.removesuffix(IS_TEXT) not in shown}
    numbers = np.arange(1, n + 1) if records.numbers is None else np.asarray(records.numbers, np.int64)
    rows = Rows(keys, marks, named, others, ballots.columns, roles.time, numbers, ballots.said)
    wrong = np.zeros(n, bool)
    for fault in faults:
        wrong |= fault.wrong
    rejects = _rejects(records, faults, wrong, numbers)
    if not wrong.any():
        return rows, rejects
    kept = pa.array(~wrong)
    keys, marks = ([(one, column.filter(kept)) for one, column in some] for some in (keys, marks))
    rows = rows.map(lambda column: column.filter(kept))
    rows = replace(rows, keys=keys, key_marks=marks, numbers=numbers[~wrong])
    return rows, rejects


def _checked(
    columns: dict[str, Column], roles: Roles, ballots: Ballots
) -> tuple[dict[str, pa.Array], list[Fault]]:
    """Read the columns that are named, and say what is wrong in which rows."""
    faults = [
        Fault("no_decision", name, "a value that tells the decision", ~is_given(columns[name][1]))
        for name in roles.decision
    ]
    voter = texts_in(columns, roles.voter)
    faults.append(Fault("no_voter", roles.voter, "who voted", ~is_given(voter.values)))
    faults.append(Fault("invalid", roles.voter, "one name", voter.wrong))
    faults += ballots.faults
    named = {"voter": voter.values}
    if roles.choice is None:
        first = next(name for role in KINDS for name in names_in(getattr(roles, role)))
        named["choice"] = ballots.best
        faults.append(Fault("no_choice", first, "a ranking, scores or probabilities", ~ballots.given))
    else:
        choice = texts_in(columns, roles.choice)
        faults.append(Fault("invalid", roles.choice, "one choice, not several", choice.wrong))
        named |= _choices(choice, roles)
        check_choices(roles, named["choice"])
        there = is_given(named["choice"])
        if "abstained" in named:
            there |= _valid(named["abstained"])
        faults.append(Fault("no_choice", roles.choice, "a choice, or a value that abstain= names", ~there))
    for role, (read, expected) in _READ.items():
        name = getattr(roles, role)
        if name is not None:
            found = read(columns, name)
            named[role] = found.values
            faults.append(Fault("invalid", name, expected, found.wrong))
    if "round" in named:
        named["round"] = named["round"].cast(WHOLE, safe=False)
    return named, faults


def _choices(choice: Checked, roles: Roles) -> dict[str, pa.Array]:
    """Tell choices from what stands for none: ``abstained`` has that value, or an empty text."""
    if not roles.abstain:
        return {"choice": choice.values}
    spelled = [texts(*of_values("", [one])[0]).values.cast(TEXT) for one in roles.abstain if one is not None]
    is_abstention = pc.fill_null(
        pc.is_in(choice.values, pa.concat_arrays([pa.array([], TEXT), *spelled])), False
    )
    abstained = pc.if_else(is_abstention, choice.values, pa.scalar(None, TEXT))
    if None in roles.abstain:
        abstained = pc.if_else(pa.array(is_given(choice.values)), abstained, pa.scalar("", TEXT))
    chosen = pc.if_else(pc.is_valid(abstained), pa.scalar(None, TEXT), choice.values)
    return {"choice": chosen, "abstained": abstained}


def _confidence(columns: Mapping[str, Column], name: str) -> Checked:
    return within(numbers(columns[name][1]), 0, 1)


def _weight(columns: Mapping[str, Column], name: str) -> Checked:
    return within(numbers(columns[name][1]), 0, ENDLESS)


def _round(columns: Mapping[str, Column], name: str) -> Checked:
    return within(numbers(columns[name][1]), -EXACT_WHOLE, EXACT_WHOLE, whole=True)


def _time(columns: Mapping[str, Column], name: str) -> Checked:
    return moments(columns[name][1])


_READ: dict[str, tuple[Callable[[Mapping[str, Column], str], Checked], str]] = {
    "confidence": (_confidence, "a number from 0 to 1 (of percent, divide the column by 100)"),
    "weight": (_weight, "a number of 0 or more"),
    "rationale": (texts_in, "a text"),
    "round": (_round, "a whole number"),
    "recommendation": (texts_in, "one choice"),
    "time": (_time, A_MOMENT),
}


def _valid(column: pa.Array) -> Flags:
    found: Flags = pc.is_valid(column).to_numpy(zero_copy_only=False)
    return found


def _rejects(records: Records, faults: Sequence[Fault], wrong: Flags, numbers: Any) -> pa.Table:
    """Return the frame of what is no vote: rows, and what was no row."""
    rows = [
        *((f"0-{number}", *rest) for number, *rest in told(records, faults, wrong, numbers)),
        *_unread(records),
    ]
    columns = zip(*rows, strict=True) if rows else [()] * 4
    described = schema("rejects")
    return pa.table(
        [pa.array(one, kind.type) for one, kind in zip(columns, described, strict=True)], described
    )


def told(records: Records, faults: Sequence[Fault], wrong: Flags, numbers: Any) -> Iterator[tuple[Any, ...]]:
    """Say of each wrong row its number, the reason, what was expected, and the row."""
    if not wrong.any():
        return
    some = records.table.filter(pa.array(wrong))
    of_row = [fault.wrong[wrong] for fault in faults]
    for place, number in enumerate(numbers[wrong]):
        fault = next(fault for fault, there in zip(faults, of_row, strict=True) if there[place])
        value = some[fault.column][place].as_py()
        said = "nothing" if value is None else repr(value)[:_SHOWN]
        said += comma_advice(value) if "number" in fault.expected else ""
        said += time_advice(value) if fault.expected == A_MOMENT else ""
        detail = f"{fault.column[:_SHOWN]}: expected {fault.expected}, there is {said}"
        yield number, fault.reason, detail, records.as_json(some, place)


def _unread(records: Records) -> Iterator[tuple[Any, ...]]:
    for number, *rest in records.rejects:
        yield f"0-{number}", *rest
