"""A history as one tidy frame: a row a decision, with the votes for each choice beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import OptionError, SourceError, check_names
from ..text import defused

if TYPE_CHECKING:
    from .history import History

_MOST_CHOICES = 1_000

_SIGNED = re.compile(r"[+-](\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def tidy(history: History, voter: str) -> pd.DataFrame:
    """Put the votes that count beside the decisions, a column a choice.

    Raises
    ------
    OptionError
        There are more than 1,000 choices, the decisions have a column of such a name, or there is none that
        tells voters apart so.
    """
    from ..stats.engine.ballots import Ballots  # here, because most histories are not written so
    from ..stats.engine.identity import told_apart_by

    ballots = Ballots.of(told_apart_by(history, voter))
    if len(ballots.choices) > _MOST_CHOICES:
        raise OptionError(
            f"to_frame has a column a choice, and there are {len(ballots.choices):,}, more than "
            f"{_MOST_CHOICES:,}: take some decisions with where, or join history.votes by stream_id"
        )
    panel, choice, count = ballots.counts()
    counts = np.zeros((len(ballots.panels), len(ballots.choices)), np.int64)
    counts[panel, choice] = count
    names = [f"votes.{one}" for one in ballots.choices]
    decisions = history.decisions.reset_index(drop=True)
    check_names("decisions", decisions)
    if taken := sorted({*names} & {*decisions.columns}):
        raise OptionError(f"the decisions have a column {taken[0]!r:.80} already: rename it first")
    votes = pd.DataFrame(counts, pd.Index(ballots.panels, dtype=object), names)
    votes = votes.reindex(decisions["stream_id"], fill_value=0).reset_index(drop=True)
    return pd.concat([decisions, votes], axis=1)


def write_csv(frame: pd.DataFrame, path: str | os.PathLike[str], *, formulas: bool) -> Path:
    """Write a frame as CSV; what a spreadsheet would run is defused unless formulas are asked for.

    Raises
    ------
    SourceError
        It cannot be written.
    """
    try:
        as_csv(frame if formulas else _defused(frame, _defused_unless_number), path)
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror or error}") from error
    return Path(path)


def csv_rows(frame: pd.DataFrame) -> str:
    """Return a frame as the text of a CSV file, without the names of its columns, defused."""
    return str(as_csv(_defused(frame, defused), None, header=False))


def as_csv(frame: pd.DataFrame, path: str | os.PathLike[str] | None, *, header: bool = True) -> str | None:
    """Write a frame as CSV, or return it as text."""
    # With both characters at the ends of lines (RFC 4180) texts that hold one of them are quoted.
    text: str | None = frame.to_csv(path, index=False, lineterminator="\r\n", header=header)
    return text


def _defused(frame: pd.DataFrame, made: Callable[[str], str]) -> pd.DataFrame:
    def cell(value: object) -> object:
        return made(value) if isinstance(value, str) else value

    # A user's own column holds texts in other types, too: categories, those of Arrow.
    may_hold_texts = [name for name in frame if frame[name].dtype.kind not in "biufcmM"]
    safe = frame.copy(deep=False)
    for name in may_hold_texts:
        safe[name] = frame[name].map(cell, na_action="ignore")
    return safe.rename(columns=lambda name: made(str(name)))


def _defused_unless_number(text: str) -> str:
    """Leave plain numbers, which run nowhere: who reads the file takes no apostrophe away."""
    return text if _SIGNED.fullmatch(text) else defused(text)
