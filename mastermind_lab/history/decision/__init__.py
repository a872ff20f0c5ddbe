"""One decision to read: a card in a notebook, text in a terminal, from a history of it alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from ...errors import OptionError
from .content import Content
from .lookup import stream_id_of
from .page import card_box, card_page, cards_page
from .plain import card_text, cards_text
from .style import CLASS, CSS

if TYPE_CHECKING:
    from ..history import History

__all__ = [
    "CLASS",
    "CSS",
    "Content",
    "DecisionCard",
    "DecisionCards",
    "card_box",
    "card_of",
    "card_page",
    "cards_of",
    "contents",
]

MOST = 100
"""Cards that one page may have."""


@dataclass(frozen=True, eq=False, repr=False)
class DecisionCard:
    """One decision: shows as a card in a notebook, and as text in a terminal.

    Attributes
    ----------
    history
        The decision with all that belongs to it, as a history: ``card.history.votes`` are its votes.
    """

    history: History

    @property
    def content(self) -> Content:
        """What the card says."""
        return contents(self.history)[0]

    def __repr__(self) -> str:
        return card_text(self.content)

    def _repr_html_(self) -> str:
        return card_page(self.content)


@dataclass(frozen=True, eq=False, repr=False)
class DecisionCards:
    """Several decisions to read one after the other: a line each, that opens to the whole card.

    Attributes
    ----------
    history
        The decisions that are shown, as a history.
    total
        How many there are, those that are not shown included.
    """

    history: History
    total: int

    def __repr__(self) -> str:
        return cards_text(contents(self.history), self.total)

    def _repr_html_(self) -> str:
        return cards_page(contents(self.history), self.total)


def card_of(history: History, wanted: Any) -> DecisionCard:
    """Return the card of the decision that an id names.

    Raises
    ------
    OptionError
        There is none, or there are several.
    """
    return DecisionCard(_only(history, [stream_id_of(history, wanted)]))


def cards_of(history: History, most: Any) -> DecisionCards:
    """Return the cards of the first so many decisions.

    Raises
    ------
    OptionError
        It is no number from 1 to 100.
    """
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST:
        raise OptionError(f"cards({most!r:.60}): expected how many to show, from 1 to {MOST}")
    ids = history.select("decisions", ["stream_id"])["stream_id"][:most].to_pylist()
    return DecisionCards(_only(history, ids), len(history))


def _only(history: History, ids: list[str]) -> History:
    named = ids[0] if len(ids) == 1 else f"the first {len(ids):,}"
    return history.cut(history.among(pa.array(ids, pa.large_string())), f"decision {named}")


def contents(history: History) -> list[Content]:
    """Return what there is to say of each decision of a small history."""
    of_each = [_rows_by_id(frame) for frame in (history.votes, history.citations, history.arguments)]
    decisions: list[dict[str, Any]] = history.decisions.to_dict("records")  # type: ignore[assignment]
    return [Content.of(row, *(rows.get(row["stream_id"], []) for rows in of_each)) for row in decisions]


def _rows_by_id(frame: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in frame.to_dict("records"):
        rows.setdefault(row["stream_id"], []).append(row)  # type: ignore[arg-type]
    return rows
