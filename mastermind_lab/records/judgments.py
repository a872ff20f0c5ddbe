"""Pairwise judgments: tables of who, of two models' answers to a question, found which the better.

A row has ``judge``, ``question_id``, ``model_a``, ``model_b`` and ``winner``, and often ``turn``, as those of
Chatbot Arena and of the people who judged MT-Bench. The judgments of MT-Bench by a model have two games a
row, with the answers in either order: ``model_1``, ``model_2``, ``g1_winner``, ``g2_winner``.

A decision is a pair of models at a question; the choice is the model that won, or ``tie``. Who judged a pair
in both orders is two voters, ``gpt-4`` and ``gpt-4 (swapped)``, whose agreement tells what the order does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import ndjson
from ..errors import OptionError, SourceError
from ..frames import IS_TEXT, mixed_value
from ..labels import counted
from .columns import TEXT, in_one_piece, texts
from .logs import Log, Tables, first_value
from .reading import Records
from .roles import Roles
from .votes import OWN_NAMES

NAME = "table of pairwise judgments"
_PLAIN = ("judge", "question_id", "model_a", "model_b", "winner")
_GAMES = ("judge", "question_id", "model_1", "model_2", "g1_winner", "g2_winner")
_KEYS = ("question_id", "turn")
_WORDS = {*_PLAIN, *_GAMES, "judgment", "g1_judgment", "g2_judgment", *OWN_NAMES} - {*_KEYS}
_BOTH_BAD = ("both_bad", "bothbad")
Reject = tuple[int, str, str, bytes]
TIE = "tie"
"""The choice of a judge who found neither answer the better, or both bad; ``vote.winner`` has the word."""


def recognises(head: bytes, _: ndjson.File) -> bool:
    """Tell whether a file that begins so is such a table."""
    value = first_value(head)
    if isinstance(value, dict):
        return fits(value)
    first = head.partition(b"\n")[0].decode(errors="replace").strip()
    return any(fits(cell.strip('"') for cell in first.split(one)) for one in ",;\t|")


def fits(columns: Iterable[str]) -> bool:
    """Tell whether a table with these columns is one of judgments."""
    there = {*columns}
    return there.issuperset(_PLAIN) or there.issuperset(_GAMES)


def read(files: Sequence[ndjson.File], _: ndjson.FileLimits, table: Tables) -> Log:
    """Read the judgments of some files."""
    whole, others = None, []
    for file in files:
        try:
            one = _judged(table(file, _WORDS, _KEYS))
        except (SourceError, OptionError) as error:
            others.append(error)
        else:
            whole = one if whole is None else _behind(whole, one)
    if whole is None:
        raise others[0]
    last = _last(whole)
    told = [(last + place, "other_format", str(one), b"") for place, one in enumerate(others, 1)]
    whole = replace(whole, rejects=[*whole.rejects, *told])
    names = whole.table.column_names
    keys = [name for name in (*_KEYS, "pair") if name in names]
    time = "tstamp" if "tstamp" in names else None
    rationale = "judgment" if "judgment" in names else None
    whole = replace(whole, table=_with_voters(whole.table, keys))
    ties = int(pc.sum(pc.equal(whole.table["choice"], TIE)).as_py() or 0)
    said = f"{counted(len(files) - len(others), 'table')} of pairwise judgments, {counted(ties, 'tie')}"
    if "vote.game" in names:
        said += ", two games a row"
    roles = Roles.of(keys, (), voter="voter", choice="choice", time=time, rationale=rationale)
    return Log(whole, roles, said)


def _judged(records: Records) -> Records:
    """Give a table the pair that was judged, and the model that won."""
    table = records.table
    numbers = np.arange(1, table.num_rows + 1) if records.numbers is None else np.asarray(records.numbers)
    if not fits(table.column_names):
        raise OptionError(
            f"{records.source}: no table of pairwise judgments, which has {', '.join(_PLAIN)}, or "
            f"{', '.join(_GAMES)}: lab.from_votes reads any table, with the names of its columns"
        )
    if {*table.column_names}.issuperset(_PLAIN):
        return _with_choices(replace(records, numbers=numbers.tolist()), table, ("model_a", "model_b"))
    games = [_game(table, "g1_", ("model_1", "model_2")), _game(table, "g2_", ("model_2", "model_1"))]
    order = np.arange(2 * table.num_rows).reshape(2, -1).T.ravel()
    both = _concat(games, f"the games of {records.source}").take(pa.array(order))
    twice = np.stack([2 * numbers - 1, 2 * numbers], axis=1).ravel()
    rejects = [_moved(one, one[0]) for one in records.rejects]
    return _with_choices(Records(both, records.source, twice.tolist(), rejects), both, ("model_1", "model_2"))


def _game(table: pa.Table, prefix: str, order: tuple[str, str]) -> pa.Table:
    """Return one of the two games of each row: its own columns, and whose answer stood first."""
    other = {"g1_": "g2_", "g2_": "g1_"}[prefix]
    kept = table.select([name for name in table.column_names if not name.startswith(other)])
    kept = kept.rename_columns([name.removeprefix(prefix) for name in kept.column_names])
    for name, shown in zip(("model_a", "model_b"), order, strict=True):
        kept = kept.append_column(table.schema.field(shown).with_name(name), table[shown])
    return kept.append_column("vote.game", pa.array(np.full(table.num_rows, int(prefix[1]))))


def _with_choices(records: Records, table: pa.Table, sides: tuple[str, str]) -> Records:
    models = {name: _texts(table, name) for name in ("model_a", "model_b", *sides)}
    winner = _texts(table, "winner")
    choice = pc.if_else(_is_tie(winner), pa.scalar(TIE, TEXT), pa.scalar(None, TEXT))
    for name in sides:
        won = pc.or_kleene(pc.equal(winner, name), pc.equal(winner, models[name]))
        choice = pc.if_else(pc.fill_null(won, False), models[name], choice)
    first, second = models["model_a"], models["model_b"]
    ordered = pc.less(first, second)
    low, high = pc.if_else(ordered, first, second), pc.if_else(ordered, second, first)
    pair = pc.binary_join_element_wise(low, high, pa.scalar(" vs ", TEXT))
    own = {"vote.judge": _judges(table), "vote.winner": winner, "vote.model_a": first, "vote.model_b": second}
    dropped = {"judge", "winner", "model_a", "model_b", *sides}
    kept = table.select([name for name in table.column_names if name.removesuffix(IS_TEXT) not in dropped])
    for name, column in {"pair": pair, "choice": choice, **own}.items():
        kept = kept.append_column(pa.field(name, TEXT), column)
    return _without_errors(replace(records, table=kept))


def _without_errors(records: Records) -> Records:
    """Make rejects of rows whose winner is neither a model nor a tie."""
    table, numbers = records.table, records.numbers or ()
    wrong = pc.and_(pc.is_null(table["choice"]), pc.is_valid(table["vote.winner"]))
    places = np.flatnonzero(wrong.to_numpy()).tolist()
    told = [
        (numbers[place], "invalid", "winner: expected a model or tie, there is "
         f"{str(table['vote.winner'][place])[:80]!r}", Records.as_json(table, place))
        for place in places
    ]  # fmt: skip
    kept = np.delete(np.arange(table.num_rows), places)
    return replace(
        records,
        table=table.filter(pc.invert(wrong)),
        numbers=[numbers[place] for place in kept.tolist()],
        rejects=[*records.rejects, *told],
    )


def _with_voters(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Name voters by their judges; in the order of the answers that came second in a decision, apart."""
    frame = table.select([*keys, "vote.judge", "vote.model_a"]).to_pandas()
    first = frame.groupby([*keys, "vote.judge"], dropna=False)["vote.model_a"].transform("first")
    swapped = pa.array((frame["vote.model_a"] != first) & frame["vote.model_a"].notna() & first.notna())
    judge = in_one_piece(table["vote.judge"])
    apart = pc.binary_join_element_wise(judge, pa.scalar(" (swapped)", TEXT), pa.scalar("", TEXT))
    return table.append_column(pa.field("voter", TEXT), pc.if_else(swapped, apart, judge))


def _behind(one: Records, other: Records) -> Records:
    """Put the rows of one table behind those of another."""
    last = _last(one)
    both = _concat([one.table, other.table], f"{one.source} and {other.source}")
    numbers = [*(one.numbers or ()), *(number + last for number in other.numbers or ())]
    rejects = [*one.rejects, *(_moved(reject, last) for reject in other.rejects)]
    return Records(both, f"{one.source}, {other.source}"[:200], numbers, rejects)


def _concat(tables: list[pa.Table], both: str) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise OptionError(f"{both} have columns of one name and different types: {error!s:.200}") from error


def _moved(reject: Reject, by: int) -> Reject:
    return reject[0] + by, *reject[1:]


def _last(records: Records) -> int:
    return max([0, *(records.numbers or ()), *(reject[0] for reject in records.rejects)])


def _is_tie(winner: pa.Array) -> pa.Array:
    return pc.fill_null(
        pc.or_(pc.starts_with(winner, TIE), pc.is_in(winner, pa.array(_BOTH_BAD, TEXT))), False
    )


def _texts(table: pa.Table, name: str) -> pa.Array:
    return texts(table.schema.field(name), in_one_piece(table[name])).values.cast(TEXT)


def _judges(table: pa.Table) -> pa.Array:
    """Return who judged: of a list, as of a model and its prompt, the first."""
    told = pd.Series(_texts(table, "judge").to_pandas(), dtype=object)
    values = {text: mixed_value(text) for text in told.dropna().unique()}
    firsts = {text: one[0] for text, one in values.items() if isinstance(one, list) and one}
    return pa.array([firsts.get(text, text) for text in told], TEXT, from_pandas=True)
