"""Outcomes: what turned out to be right, joined to a history after the fact."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from .. import records
from ..errors import OptionError, SourceError, column_advice
from ..frames import DECLARED, TEXT, SchemaUnion, is_open, to_pandas
from ..labels import listed
from ..text import brief, harmless
from .history import History
from .outcome_keys import is_text, keys_like, spelled
from .scan import Scan, with_missing_columns
from .tables import all_of, table_of

CHOICE = "correct_choice"

_SAID = "outcomes: "  # how our part of a coverage note begins


Whole = TypeVar("Whole", History, Scan)
Outcomes = Any


@dataclass(frozen=True)
class Join:
    """By which columns outcomes are joined, which one holds what is right, and how that is spelled."""

    on: tuple[str, ...]
    correct: str
    normalize: Callable[[str], str] | None

    @classmethod
    def of(cls, on: Any, correct: Any, normalize: Any) -> Join:
        """Check what a caller gives.

        Raises
        ------
        OptionError
            It makes no sense.
        """
        names = (on,) if isinstance(on, str) else tuple(on) if isinstance(on, Sequence) else ()
        if not names or not all(isinstance(name, str) for name in (*names, correct)):
            raise OptionError(
                f"on={on!r:.80}, correct={correct!r:.80}: expected names of columns"
                f"{records.number_advice(*names, on, correct)}"
            )
        if normalize is not None and not callable(normalize):
            raise OptionError(
                f"normalize={normalize!r:.80}: expected a function of a text, such as str.casefold"
            )
        return cls(names, correct, normalize)

    @property
    def words(self) -> str:
        """The columns in words."""
        return ", ".join(self.on)


def with_outcomes(
    history: Whole,
    outcomes: Outcomes,
    *,
    on: str | Sequence[str] = "correlation_id",
    correct: str = CHOICE,
    normalize: Callable[[str], str] | None = None,
) -> Whole:
    """Join what turned out to be right to the decisions, as the column ``correct_choice``.

    Every decision stays, in its order; ``correct_choice`` is missing where there is no outcome. How many
    matched, on both sides, is said in the ``note`` of the history's coverage, and so are outcomes that are no
    choice anybody voted for, with those that are spelled nearly so. Outcomes that were joined before are
    replaced.

    Parameters
    ----------
    history
        The decisions, or a scan of them: then outcomes are joined batch by batch.
    outcomes
        A frame, a table with ``__arrow_c_stream__``, or the path or URL of a CSV, Parquet or JSON lines file,
        as for :func:`mastermind_lab.from_votes`, with the columns ``on`` and ``correct``. Other columns are
        ignored, rows in which one of these is missing too; rows that say the same twice count once. Of the
        marks that :func:`mastermind_lab.follow` keeps in a file, the last of each decision holds.
    on
        The column, or columns, that both sides share: of text, numbers or truth values in the decisions;
        times join what is text there. ``item`` may be ``decision.item`` in the decisions.
    correct
        The column of the outcomes that holds what was right: the text that a right recommendation or vote
        has. Numbers and truth values are spelled as :func:`mastermind_lab.from_votes` spells choices.
    normalize
        A function of a text, such as ``str.casefold``. An outcome that nobody in its decision voted for, or
        nobody at all, takes the spelling of the choice there for which the function returns the same. If not
        given, spellings are left alone.

    Returns
    -------
    History
        A new one, or a new scan; the given one is as it was.

    Raises
    ------
    SourceError
        The file cannot be read.
    OptionError
        A column is not there, the two sides' columns are of different types, or two rows contradict.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.history.outcomes import with_outcomes
    >>> history = lab.sample(last=2)
    >>> known = history.decisions[["correlation_id"]].assign(truth=history.decisions["recommendation"])
    >>> history = with_outcomes(history, known.head(1), correct="truth")
    >>> history.coverage["note"].iloc[0]
    'outcomes: 1 of 2 decisions matched on correlation_id, 0 of 1 outcomes matched no decision'
    """
    join = Join.of(on, correct, normalize)
    if isinstance(history, Scan):
        return history.map(partial(_joined_if_there, outcomes=_frame(outcomes, join), join=join))
    history = history.with_late_columns(_names(join))
    for name in join.on:
        _in_decisions(history.decisions, name)
    return _joined(history, _frame(outcomes, join), join)


def _joined_if_there(batch: History, outcomes: pd.DataFrame, join: Join) -> History:
    """Join to a batch; one whose entries happen to lack an open column of ``on`` has no outcomes."""
    whole = with_missing_columns(batch, _names(join))
    there = [next((name for name in _either_name(one) if name in whole.decisions), None) for one in join.on]
    if None in there or whole.decisions[there].notna().all(axis=1).any():
        decisions = _joined(_with_texts(whole, outcomes, join), outcomes, join).decisions
    else:
        unknown = pd.Series(np.nan, batch.decisions.index, dtype=TEXT)
        decisions = _with_choices(batch.decisions, unknown)
    # How many matched is no batch's to say.
    note = f"{_SAID}joined on {join.words}, batch by batch"
    return batch.with_frames(decisions=decisions, coverage=batch.account.noted(note, instead_of=_SAID))


def _with_texts(batch: History, outcomes: pd.DataFrame, join: Join) -> History:
    """Spell numbers and truth values as text where the outcomes' ids, and so those of other batches, are."""
    wanted = {}
    for on in join.on:
        ids = outcomes[on].dropna()
        name = _in_decisions(batch.decisions, on)
        is_wider = (
            batch.decisions[name].dtype == "boolean" or pd.to_numeric(ids, errors="coerce").isna().any()
        )
        if is_open("decisions", name) and is_text(ids) and is_wider:
            wanted[name] = frozenset({"mixed"})
    return History(SchemaUnion({"decisions": wanted}).fit(batch.tables()), batch.account) if wanted else batch


def _either_name(name: str) -> tuple[str, ...]:
    """Return the names that a column may have: its own, that of the decisions, and what that is made of."""
    return (name, records.open_name("decisions", name), name.removeprefix("decision."))


def _names(join: Join) -> list[str]:
    return [name for one in join.on for name in _either_name(one)]


def _in_decisions(decisions: pd.DataFrame, name: str) -> str:
    """Return the name that a column of the outcomes has in the decisions."""
    for one in _either_name(name):
        if one in decisions.columns:
            return one
    hint = f": {advice}" if (advice := column_advice(name, decisions.columns)) else ""
    raise OptionError(f"on={name!r:.80}: the decisions have no such column{hint}")


def _joined(history: History, outcomes: pd.DataFrame, join: Join) -> History:
    from .spellings import respelled, unknown_choices  # here, because most histories have no outcomes

    decisions = history.decisions
    names = [_in_decisions(decisions, on) for on in join.on]
    ours = pd.DataFrame(
        {name: spelled(decisions[name], outcomes[on]) for on, name in zip(join.on, names, strict=True)}
    )
    keys = {on: keys_like(outcomes[on], decisions[name], on) for on, name in zip(join.on, names, strict=True)}
    known = pd.DataFrame(keys | {CHOICE: _texts(outcomes[join.correct], join.correct)}).dropna(
        ignore_index=True
    )
    choices = _one_each(known, join)
    places = _index(choices[[*join.on]]).get_indexer(_index(ours))
    found = pd.Series(np.nan, decisions.index, dtype=TEXT)
    found[places >= 0] = choices[CHOICE].array[places[places >= 0]]
    said = []
    if join.normalize:
        found, changed = respelled(history, found, join.normalize)
        said = [f"{changed:,} spelled as voted"]
    decisions = _with_choices(decisions, found)
    said = [
        _note(found, places, choices, join, len(outcomes) - len(known)),
        *([] if (places >= 0).any() else _firsts(ours.dropna(), choices[[*join.on]])),
        *said,
        *unknown_choices(history, found),
    ]
    coverage = history.account.noted(_SAID + ", ".join(said), instead_of=_SAID)
    return history.with_frames(decisions=decisions, coverage=coverage)


def _firsts(ours: pd.DataFrame, theirs: pd.DataFrame) -> Iterable[str]:
    """Say what keys look like of which none matches."""
    if len(ours) and len(theirs):
        one, other = (brief(", ".join(map(str, keys.iloc[0])), 40, harmless) for keys in (ours, theirs))
        yield f"the decisions have {one!r} and the outcomes {other!r}"


def _index(keys: pd.DataFrame) -> pd.Index:
    return pd.MultiIndex.from_frame(keys) if keys.shape[1] > 1 else pd.Index(keys.iloc[:, 0])


def _with_choices(decisions: pd.DataFrame, choices: pd.Series) -> pd.DataFrame:
    whole = decisions.drop(columns=CHOICE, errors="ignore")
    whole.insert(len(DECLARED["decisions"]), CHOICE, choices)
    return whole


def _frame(outcomes: Outcomes, join: Join) -> pd.DataFrame:
    """Return the outcomes as a frame that has all columns under the names that were given."""
    from .marks import marks_in  # here, because it joins outcomes itself

    if isinstance(outcomes, pd.DataFrame):
        frame = records.with_index(outcomes).rename(columns=str)
    elif isinstance(outcomes, str | os.PathLike):
        marked = marks_in(outcomes)
        frame = _read(outcomes, join) if marked is None else marked
    elif hasattr(outcomes, "__arrow_c_stream__"):
        frame = _of_table(records.in_memory(outcomes, "outcomes"), join)
    else:
        raise OptionError(
            "outcomes are a DataFrame, a table of Polars, DuckDB or Arrow, or the path of a CSV, Parquet or "
            f"JSON lines file, not {type(outcomes).__name__}"
        )
    for name in join.on:
        others = [one for one in _either_name(name) if one in frame.columns]
        if name not in frame.columns and others:
            frame = frame.rename(columns={others[0]: name})
    for name in (*join.on, join.correct):
        if list(frame.columns).count(name) > 1:
            raise OptionError(f"the outcomes have several columns {name!r:.80}: leave one")
    missing = [name for name in (*join.on, join.correct) if name not in frame.columns]
    if missing:
        there = list(map(str, frame.columns))
        hint = f"; {advice}" if (advice := column_advice(missing[-1], there)) else ""
        raise OptionError(
            f"the outcomes have no column {', '.join(missing)}: there are {listed(there, 12)}{hint}"
        )
    return frame


def _read(path: str | os.PathLike[str], join: Join) -> pd.DataFrame:
    # As text where there are no types: "007" stays an id, "NA" and "None" stay choices.
    try:
        read = all_of(table_of(path, "outcomes", {*_names(join), join.correct}), "outcomes")
    except SourceError as error:
        raise SourceError(f"cannot read outcomes: {error}") from error
    return _of_table(read, join)


def _of_table(read: records.Records, join: Join) -> pd.DataFrame:
    # Of lists and objects a frame has the JSON, which would pass for a choice.
    if join.correct in read.table.column_names:
        records.check_texts(read.table, join.correct)
    return to_pandas({"": read.table})[""]


def _texts(column: pd.Series, name: str) -> pd.Series:
    """Spell what is right as choices are."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if not is_text(column) and column.dtype.kind not in "biufO":
        raise OptionError(
            f"{name} is the text of a choice, not {column.dtype}: make it text, spelled as voted"
        )
    texts = pd.Series(records.as_texts(column, name), column.index, TEXT)
    return texts.mask(texts.str.strip() == "")


def _one_each(known: pd.DataFrame, join: Join) -> pd.DataFrame:
    """Return the choice under each id, once."""
    once = known.drop_duplicates(ignore_index=True)
    twice = once.loc[once.duplicated([*join.on]), [*join.on]].drop_duplicates()
    if len(twice):
        named = ", ".join(" ".join(map(str, row))[:60] for row in twice.head(3).itertuples(index=False))
        raise OptionError(
            f"the outcomes give {len(twice):,} of {join.words} more than one {join.correct}, like {named}"
        )
    return once


def _note(found: pd.Series, places: Any, choices: pd.DataFrame, join: Join, incomplete: int) -> str:
    unused = len(choices) - len(np.unique(places[places >= 0]))
    left_out = f", {incomplete:,} without id or choice" if incomplete else ""
    return (
        f"{found.notna().sum():,} of {len(found):,} decisions matched on {join.words}, "
        f"{unused:,} of {len(choices):,} outcomes matched no decision{left_out}"
    )
