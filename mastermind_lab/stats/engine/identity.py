"""What tells voters apart: their name, or another column of their votes, such as a seat or a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from ...errors import OptionError
from .input import TEXT, Data, History, frame_of, key_texts, unknown
from .sums import Codes

VOTER = "voter"

_SEAT = "voter as it was named"


@dataclass(frozen=True)
class _ToldApart:
    """A history with other voters' names in its votes."""

    history: History
    votes: pd.DataFrame

    @property
    def decisions(self) -> pd.DataFrame:
        """One row a decision."""
        return self.history.decisions


def told_apart_by(data: Data, voter: str) -> Data:
    """Name voters by a column of ``votes``.

    Two votes of one decision are of one voter only if this column and ``voter`` both say so: a model in nine
    seats has nine votes, whichever of the two columns names it.

    Raises
    ------
    OptionError
        There is no such column.
    """
    if not isinstance(voter, str):
        raise OptionError(f"voter={voter!r:.60}: expected the name of a column of votes")
    if voter == VOTER:
        return data
    votes = frame_of(data, "votes", ("stream_id", VOTER, "choice"))
    if voter not in votes.columns:
        if len(votes):
            raise unknown(voter, votes.columns)
        return data
    named = votes.assign(**{_SEAT: votes[VOTER], VOTER: _texts(votes[voter])})
    if isinstance(data, pd.DataFrame):
        return named
    return cast(Data, _ToldApart(data, named))


def is_told_apart(votes: pd.DataFrame) -> bool:
    """Tell whether voters were named by another column."""
    return _SEAT in votes.columns


def persons_of(votes: pd.DataFrame) -> Codes:
    """Number the different voters, -1 where none is named."""
    voter = pd.factorize(votes[VOTER])[0].astype(np.intp)
    if not is_told_apart(votes):
        return voter
    seat = pd.factorize(votes[_SEAT], use_na_sentinel=False)[0].astype(np.intp)
    return np.where(voter < 0, -1, voter * (seat.max(initial=0) + 1) + seat)


def as_cast(votes: pd.DataFrame) -> pd.DataFrame:
    """Return votes without what told them apart."""
    return votes.drop(columns=_SEAT, errors="ignore")


def _texts(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.StringDtype):
        return values
    codes, different = pd.factorize(values)
    texts = key_texts(pd.Series(different)).to_numpy(dtype=object)
    return pd.Series(np.append(texts, [None])[codes], values.index, TEXT)
