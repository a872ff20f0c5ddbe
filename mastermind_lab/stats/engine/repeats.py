"""Whether many decisions are on a question that was asked before, so that they are not independent."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...labels import counted
from .bootstrap import Hashes
from .distinct import Distinct
from .input import Data, frame_of
from .units import text_hashes

MANY = 0.2
"""The share of decisions on a question asked before from which on it is said."""

QUESTION = "question"


def _distinct(hashed: Hashes) -> Distinct:
    return Distinct.of(np.zeros(len(hashed), dtype=np.intp), hashed)


def _none() -> Distinct:
    return _distinct(np.empty(0, dtype=np.uint64))


@dataclass(frozen=True, eq=False)
class Repeats:
    """How many decisions have a question, and how many questions these are; those of two batches add up.

    Attributes
    ----------
    asked
        Decisions with a question.
    questions
        Their different questions, as one group.
    """

    asked: int = 0
    questions: Distinct = field(default_factory=_none)

    @classmethod
    def of(cls, data: Data) -> Repeats:
        """Look through one batch; a frame without questions has none."""
        frame = frame_of(data, "decisions", ())
        if QUESTION not in frame:
            return cls()
        questions = frame[QUESTION]
        hashed = text_hashes(questions)[questions.notna().to_numpy()]
        return cls(len(hashed), _distinct(hashed))

    def __add__(self, other: Repeats) -> Repeats:
        hashed = np.concatenate([self.questions.hashed, other.questions.hashed])
        return Repeats(self.asked + other.asked, _distinct(hashed))

    def __str__(self) -> str:
        different = int(self.questions.counts(1)[0])
        if self.asked - different < max(MANY * self.asked, 1):
            return ""
        asked = f"{counted(different, 'question')} asked {self.asked:,} times"
        return f"{asked}, taken for independent: see cluster='question'"
