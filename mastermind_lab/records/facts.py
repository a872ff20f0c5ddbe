"""Tables of facts joined to votes: about decisions, and about voters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import OptionError
from ..frames import DECLARED, IS_TEXT, schema
from ..text import brief, harmless
from .columns import (
    A_MOMENT,
    Checked,
    Column,
    comma_advice,
    in_one_piece,
    is_given,
    moments,
    numbers,
    taken_out,
    texts,
    texts_in,
    time_advice,
    within,
)
from .grouping import Codes, codes_of
from .reading import Records
from .roles import Roles
from .votes import Gathered, named

_FILLED = (
    "question",
    "decision_id",
    "correlation_id",
    "recommendation",
    "rationale",
    "confidence",
    "published_at",
)
"""The declared columns of ``decisions`` that a table of facts may fill, under their names."""
TOLD_IN_TEXT = frozenset(name for name in _FILLED if DECLARED["decisions"][name].type == "str")
"""Those of text."""


def with_decisions(gathered: Gathered, facts: Records, roles: Roles) -> Gathered:
    """Put facts about decisions beside them, matched by the columns that tell decisions apart.

    Raises
    ------
    OptionError
        No row matches, two rows are of one decision, or a column holds what it cannot.
    """
    places, unused = _matched("decisions", gathered.keys, _picked(facts, roles.decision))
    columns = _taken(facts, roles.decision, places)
    declared = {name: _declared(columns, name) for name in _FILLED if name in columns}
    found = len(places) - places.null_count
    said = (
        f"decisions: {found:,} of {len(places):,} are in the table of facts, "
        f"{unused:,} of {facts.table.num_rows:,} of its rows match none"
    )
    return gathered.having("decisions", declared | named("decisions", columns), said)


def with_voters(gathered: Gathered, facts: Records, roles: Roles) -> Gathered:
    """Put facts about voters beside their votes, as ``vote.*``.

    Raises
    ------
    OptionError
        No row matches, or two rows are of one voter.
    """
    encoded = pc.dictionary_encode(gathered.votes["voter"][1])
    voters: list[Column] = [(pa.field(roles.voter, encoded.dictionary.type), encoded.dictionary)]
    places, unused = _matched("voters", voters, _picked(facts, (roles.voter,)))
    columns = _taken(facts, (roles.voter,), places.take(encoded.indices))
    found = len(places) - places.null_count
    said = (
        f"voters: {found:,} of {len(places):,} are in the table of facts, "
        f"{unused:,} of {facts.table.num_rows:,} of its rows match none"
    )
    return gathered.having("votes", named("votes", columns), said)


def _picked(facts: Records, names: Sequence[str]) -> list[Column]:
    table = facts.table
    return [(table.schema.field(name), in_one_piece(table[name])) for name in names]


def _matched(role: str, ours: Sequence[Column], theirs: Sequence[Column]) -> tuple[pa.Array, int]:
    """Say which row of a table of facts is about each of ours, and how many of its rows about none.

    Ours are all different, so that both numbered together have the numbers of ours first.
    """
    mine, others = ([texts(*column).values for column in columns] for columns in (ours, theirs))
    n = len(mine[0])
    codes = codes_of([pa.concat_arrays([*pair]) for pair in zip(mine, others, strict=True)]).codes[n:]
    given = np.logical_and.reduce([is_given(column) for column in others])
    known = np.flatnonzero((codes < n) & given)
    _check_once(role, codes[known], mine, theirs)
    if n and len(codes) and not len(known):
        one, other = (
            ", ".join(brief(str(column[0]), 40, harmless) for column in some) for some in (mine, others)
        )
        raise OptionError(
            f"{role}=: no row of this table is about any of the votes, by "
            f"{', '.join(key.name for key, _ in theirs)}: they have {one!r}, and it has {other!r}"
        )
    places = np.full(n, -1)
    places[codes[known]] = known
    return pa.array(places, mask=places < 0), len(codes) - len(known)


def _check_once(role: str, codes: Codes, mine: Sequence[pa.Array], theirs: Sequence[Column]) -> None:
    different, times = np.unique(codes, return_counts=True)
    twice = different[times > 1]
    if len(twice):
        who = ", ".join(brief(str(column[int(twice[0])]), 40, harmless) for column in mine)
        raise OptionError(
            f"{role}= has several rows about {len(twice):,} of them, like {who!r}: leave one a row by "
            f"{', '.join(key.name for key, _ in theirs)}"
        )


def _taken(facts: Records, keys: Sequence[str], places: pa.Array) -> dict[str, Column]:
    columns = zip(facts.table.schema, facts.table.columns, strict=True)
    return {
        one.name: (one, in_one_piece(column).take(places))
        for one, column in columns
        if one.name.removesuffix(IS_TEXT) not in keys
    }


def _declared(columns: dict[str, Column], name: str) -> Column:
    """Take a column out that is a declared one of ``decisions``.

    Raises
    ------
    OptionError
        It holds something else.
    """
    kind = DECLARED["decisions"][name].type
    checked = _read(kind, columns, name)
    _, values = taken_out(columns, name)
    if checked.wrong.any():
        first = values[int(np.flatnonzero(checked.wrong)[0])].as_py()
        advice = _ADVICE[kind](first) if kind in _ADVICE else ""
        raise OptionError(
            f"decisions=: {name} holds {str(first)[:60]!r}{advice}, and "
            f"{int(checked.wrong.sum()):,} such: expected {_EXPECTED[kind]}"
        )
    return schema("decisions").field(name), checked.values


def _read(kind: str, columns: Mapping[str, Column], name: str) -> Checked:
    if kind == "str":
        return texts_in(columns, name)
    values = columns[name][1]
    return within(numbers(values), 0, 1) if kind == "float64" else moments(values)


_ADVICE = {"float64": comma_advice, "datetime64[us, UTC]": time_advice}
_EXPECTED = {"str": "one text", "float64": "numbers from 0 to 1", "datetime64[us, UTC]": A_MOMENT}
