"""Outcomes: what turned out to be right, joined to a history after the fact."""

from __future__ import annotations

import os
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from ..errors import OptionError, SourceError, column_advice
from ..frames import DECLARED, TEXT, SchemaUnion, is_open
from .history import History
from .scan import Scan, with_missing_columns

CHOICE = "correct_choice"

_SAID = "outcomes: "  # how our part of a coverage note begins


Whole = TypeVar("Whole", History, Scan)


def with_outcomes(
    history: Whole, outcomes: pd.DataFrame | str | os.PathLike[str], *, on: str = "correlation_id"
) -> Whole:
    """Join what turned out to be right to the decisions, as the column ``correct_choice``.

    Every decision stays, in its order; ``correct_choice`` is missing where there is no outcome. How many
    matched, on both sides, is said in the ``note`` of the history's coverage. Outcomes that were joined
    before are replaced.

    Parameters
    ----------
    history
        The decisions, or a scan of them: then outcomes are joined batch by batch.
    outcomes
        A frame, or a CSV file (UTF-8, compressed or not), with the column ``on`` and ``correct_choice``: the
        text that a right recommendation or vote has. Other columns are ignored, rows in which one of the two
        is missing too; rows that say the same twice count once.
    on
        The column that both sides share: of text, or of whole numbers.

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
    >>> known = history.decisions[["correlation_id"]].head(1).assign(correct_choice="approve")
    >>> history = with_outcomes(history, known)
    >>> history.coverage["note"].iloc[0]
    'outcomes: 1 of 2 decisions matched on correlation_id, 0 of 1 outcomes matched no decision'
    """
    if isinstance(history, Scan):
        return history.map(partial(_joined_if_there, outcomes=_frame(outcomes, on), on=on))
    return _joined(history, outcomes, on)


def _joined_if_there(batch: History, outcomes: pd.DataFrame, on: str) -> History:
    """Join to a batch; one whose entries happen to lack the open column ``on`` has no outcomes."""
    whole = with_missing_columns(batch, [on])
    ids = whole.decisions.get(on)
    if ids is None or ids.notna().any():
        decisions = _joined(_with_texts(whole, outcomes, on), outcomes, on).decisions
    else:
        unknown = pd.Series(np.nan, batch.decisions.index, dtype=TEXT)
        decisions = _with_choices(batch.decisions, unknown)
    # How many matched is no batch's to say.
    note = f"{_SAID}joined on {on}, batch by batch"
    return batch.with_frames(decisions=decisions, coverage=batch.account.noted(note, instead_of=_SAID))


def _with_texts(batch: History, outcomes: pd.DataFrame, on: str) -> History:
    """Spell a column of numbers as text where the outcomes' ids, and so those of other batches, are texts."""
    ids = outcomes[on].dropna()
    if not is_open("decisions", on) or not _is_text(ids) or pd.to_numeric(ids, errors="coerce").notna().all():
        return batch
    return History(SchemaUnion({"decisions": {on: frozenset({"mixed"})}}).fit(batch.tables()), batch.account)


def _joined(history: History, outcomes: pd.DataFrame | str | os.PathLike[str], on: str) -> History:
    decisions = history.with_late_columns([on]).decisions
    if on not in decisions.columns:
        hint = f": {advice}" if (advice := column_advice(on, decisions.columns)) else ""
        raise OptionError(f"on={on!r:.80}: the decisions have no such column{hint}")
    rows = _frame(outcomes, on)
    known = pd.DataFrame({on: _keys(rows[on], decisions[on].dtype, on), CHOICE: _texts(rows[CHOICE])}).dropna(
        ignore_index=True
    )
    choices = _one_each(known, on)
    decisions = _with_choices(decisions, decisions[on].map(choices).astype(TEXT))
    note = _note(decisions, choices, on, len(rows) - len(known))
    return history.with_frames(decisions=decisions, coverage=history.account.noted(note, instead_of=_SAID))


def _with_choices(decisions: pd.DataFrame, choices: pd.Series) -> pd.DataFrame:
    whole = decisions.drop(columns=CHOICE, errors="ignore")
    whole.insert(len(DECLARED["decisions"]), CHOICE, choices)
    return whole


def _frame(outcomes: pd.DataFrame | str | os.PathLike[str], on: str) -> pd.DataFrame:
    """Return the outcomes as a frame that has both columns."""
    if not isinstance(outcomes, pd.DataFrame | str | os.PathLike):
        raise OptionError(
            f"outcomes are a DataFrame or the path of a CSV file, not {type(outcomes).__name__}"
        )
    frame = outcomes if isinstance(outcomes, pd.DataFrame) else _read(outcomes)
    missing = [name for name in (on, CHOICE) if name not in frame.columns]
    if missing:
        there = ", ".join(str(name)[:40] for name in frame.columns[:12])
        raise OptionError(f"the outcomes have no column {', '.join(missing)}: there are {there or 'none'}")
    return frame


def _read(path: str | os.PathLike[str]) -> pd.DataFrame:
    try:
        # As text: "007" stays an id, "NA" and "None" stay choices; only an empty field is missing.
        return pd.read_csv(path, dtype=TEXT, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(f"cannot read outcomes from {path}: {error.strerror or error}") from error
    except (UnicodeError, ValueError) as error:  # a parser's error is a ValueError
        raise SourceError(f"outcomes in {path} are no CSV in UTF-8: {error!s:.200}") from error


def _keys(column: pd.Series, wanted: object, on: str) -> pd.Series:
    """Turn the outcomes' ids into the type that the decisions have."""
    if wanted == "str":
        if _is_text(column):
            return column.astype(TEXT)
        raise OptionError(
            f"{on} is text in the decisions and {column.dtype} in the outcomes, where leading zeros and long "
            f"ids may be lost already: read them with dtype={{{on!r}: str}}, or give the path of the CSV file"
        )
    if wanted != pd.Int64Dtype():
        raise OptionError(
            f"on={on!r:.80} is {wanted} in the decisions: outcomes join on text or whole numbers"
        )
    try:
        return pd.to_numeric(column.astype(TEXT)).astype("Int64")
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"{on} holds whole numbers in the decisions, the outcomes' do not: {error}"
        ) from error


def _texts(column: pd.Series) -> pd.Series:
    if not _is_text(column) and not pd.api.types.is_integer_dtype(column.dtype):
        raise OptionError(
            f"{CHOICE} is the text of a choice, not {column.dtype}: make it text, spelled as voted"
        )
    return column.astype(TEXT)


def _is_text(column: pd.Series) -> bool:
    """Tell whether all that is there is text; a column of nothing is."""
    return all(isinstance(value, str) for value in column.dropna().unique())


def _one_each(known: pd.DataFrame, on: str) -> pd.Series:
    """Return the choice under each id, once."""
    once = known.drop_duplicates()
    twice = once.loc[once[on].duplicated(), on].unique()
    if len(twice):
        named = ", ".join(str(one)[:60] for one in twice[:3])
        raise OptionError(f"the outcomes give {len(twice):,} of {on} more than one {CHOICE}, like {named}")
    return once.set_index(on)[CHOICE]


def _note(decisions: pd.DataFrame, choices: pd.Series, on: str, incomplete: int) -> str:
    matched = decisions[CHOICE].notna().sum()
    unused = (~choices.index.isin(decisions[on].dropna())).sum()
    left_out = f", {incomplete:,} without id or choice" if incomplete else ""
    return (
        f"{_SAID}{matched:,} of {len(decisions):,} decisions matched on {on}, "
        f"{unused:,} of {len(choices):,} outcomes matched no decision{left_out}"
    )
