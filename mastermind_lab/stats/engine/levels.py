"""Levels of measurement (Stevens 1946): how far apart two choices are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from ...errors import OptionError
from .ballots import Ballots
from .bootstrap import Floats
from .input import key_text
from .vocabulary import shown

Level = Literal["nominal", "ordinal", "interval"]
Order = Iterable[str | int | float] | None

NOMINAL, ORDINAL, INTERVAL = LEVELS = ("nominal", "ordinal", "interval")

_LARGEST = 1e100  # so that the square of a distance stays a number
_NAMED = 3


@dataclass(frozen=True)
class Scale:
    """The level of some choices, and for ordinal ones that are no numbers their order.

    Attributes
    ----------
    level
        ``"nominal"``: alike or not. ``"ordinal"``: by how many votes lie between. ``"interval"``: numbers.
    order
        The choices from the lowest to the highest; none where they are numbers.
    """

    level: str = NOMINAL
    order: tuple[str, ...] = ()

    @classmethod
    def of(cls, level: str, order: Order = None) -> Scale:
        """Check what was asked for.

        Raises
        ------
        OptionError
            There is no such level, or the order is of another level, has less than 2 choices or one twice.
        """
        if level not in LEVELS:
            raise OptionError(f"level is one of {', '.join(LEVELS)}, not {level!r:.60}")
        if order is None:
            return cls(level)
        if level != ORDINAL:
            raise OptionError(f'order= is for level="ordinal", not for {level!r}')
        if isinstance(order, str) or not isinstance(order, Iterable):
            raise OptionError(f"order is a list of choices from the lowest to the highest, not {order!r:.60}")
        texts = [key_text(one) for one in order]
        if doubled := [text for text in dict.fromkeys(texts) if texts.count(text) > 1]:
            raise OptionError(f"order names a choice twice: {_named(doubled)}")
        if len(texts) < 2:
            raise OptionError(f"order names two choices or more, not {len(texts)}")
        return cls(level, tuple(texts))

    def measured(self, ballots: Ballots) -> Ballots:
        """Check that all choices can be measured so, and spell equal numbers alike.

        Raises
        ------
        OptionError
            A choice is not in the order, or should be a number and is none.
        """
        if self.level == NOMINAL:
            return ballots
        choices = [str(choice) for choice in ballots.choices]
        if self.order:
            if lacking := sorted({*choices} - {*self.order}):
                raise OptionError(f"order lacks choices that were voted for: {_named(lacking)}")
            return ballots
        numbers = [_number(choice) for choice in choices]
        if none := [text for text, number in zip(choices, numbers, strict=True) if number is None]:
            advice = ": give their order, from the lowest to the highest" if self.level == ORDINAL else ""
            raise OptionError(f"level={self.level!r} measures numbers, which {_named(none)} is not{advice}")
        code, different = pd.factorize(np.array([*map(key_text, numbers)], dtype=object), sort=True)
        named = np.asarray(different, dtype=object)
        return replace(ballots, choice=code.astype(np.intp)[ballots.choice], choices=named)

    def places(self, choices: pd.Series) -> Floats:
        """Say where each choice stands: its number, or its place in the order."""
        place: dict[str, float] = {text: number for number, text in enumerate(self.order)}
        return np.array([place[text] if self.order else float(text) for text in choices], dtype=np.float64)


def _number(text: str) -> float | None:
    """Read a number; None where a text is none, or one whose squares could not be added up."""
    try:
        number = None if "_" in text else float(text)
    except ValueError:
        return None
    return number if number is not None and abs(number) <= _LARGEST else None


def _named(texts: list[str]) -> str:
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(map(shown, texts[:_NAMED])) + more
