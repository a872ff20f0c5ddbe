"""What was voted for, recommended and right: texts that match nothing, and near-equal spellings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...labels import apart
from ...text import brief, harmless
from .bootstrap import Floats, Hashes
from .input import TEXT, Data, frame_of, key_text
from .sums import Codes
from .units import text_hashes

MOST = 1_000
"""Different texts that are looked at: of more those with the smallest hashes, each with all its counts."""

CHOICE, RECOMMENDATION, OUTCOME = COMPARED = ("choice", "recommendation", "correct_choice")
"""The columns that say what was voted for, what was recommended, and what was right."""

_WORDS = {RECOMMENDATION: "recommendations", OUTCOME: "outcomes"}
_NAMED = 3  # spellings
_LONG = 200  # characters: prose is not spelled nearly alike


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """How often each text was voted for, recommended and right; those of two batches add up.

    Attributes
    ----------
    hashed
        Shape (texts,), rising.
    texts
        Shape (texts,).
    counts
        Shape (texts, 3): votes for it, decisions that recommend it, decisions it was right in.
    """

    hashed: Hashes
    texts: NDArray[np.object_]
    counts: Floats

    @classmethod
    def of(cls, data: Data, columns: Iterable[str] = ()) -> Vocabulary:
        """Look through some of the columns of one batch: those that it has."""
        parts = [cls(np.empty(0, np.uint64), np.empty(0, object), np.empty((0, len(COMPARED))))]
        for name in columns:
            frame = frame_of(data, "votes" if name == CHOICE else "decisions", ())
            if name in frame:
                parts.append(cls._of_column(frame[name].dropna().astype(TEXT), COMPARED.index(name)))
        return cls._united(parts) if len(parts) > 1 else parts[0]

    @classmethod
    def _of_column(cls, texts: pd.Series, place: int) -> Vocabulary:
        code, different = pd.factorize(texts)
        counts = np.zeros((len(different), len(COMPARED)))
        counts[:, place] = np.bincount(code, minlength=len(different))
        return cls(text_hashes(pd.Series(different)), np.asarray(different, dtype=object), counts)

    @classmethod
    def _united(cls, parts: list[Vocabulary]) -> Vocabulary:
        hashed, first, same = np.unique(
            np.concatenate([part.hashed for part in parts]), return_index=True, return_inverse=True
        )
        counts = np.zeros((len(hashed), len(COMPARED)))
        np.add.at(counts, same, np.concatenate([part.counts for part in parts]))
        texts = np.concatenate([part.texts for part in parts])[first]
        return cls(hashed[:MOST], texts[:MOST], counts[:MOST])

    def __add__(self, other: Vocabulary) -> Vocabulary:
        return self._united([self, other]) if len(other.hashed) else self

    @property
    def known(self) -> str:
        """What the others are compared with: choices that somebody voted for, or else recommendations."""
        return CHOICE if self.counts[:, 0].any() else RECOMMENDATION

    def unmatched(self) -> pd.DataFrame:
        """Return one row for each text that matches nothing: :meth:`Summary.unmatched` says the columns."""
        rows = [row for name, texts in self._unmatched().items() for row in self._near(name, texts)]
        table = pd.DataFrame(rows, columns=["column", "text", "n", "near"])
        return table.astype({"column": TEXT, "text": TEXT, "n": "int64", "near": TEXT})

    def notes(self) -> Iterator[str]:
        """Say what matches nothing, and what is taken for different though it is spelled nearly alike."""
        unmatched, least = self._unmatched(), "at least " if len(self.texts) == MOST else ""
        for name, places in unmatched.items():
            if len(places):
                pairs = [(text, near) for _, text, _, near in self._near(name, places) if near]
                named = near_ones(pairs, f"where {self.known}s say")
                near = f" ({named})" if named else ""
                n = int(self.counts[places, COMPARED.index(name)].sum())
                yield f"{least}{n:,} {_WORDS[name]} match no {self.known}{near}"
        rest = sorted(np.delete(self.texts, np.concatenate([*unmatched.values()])))
        if alike := list(nearly_alike(rest, rest)):
            yield f"taken for different: {near_ones(alike, 'and')}"

    def _unmatched(self) -> dict[str, Codes]:
        """Say where the texts of a column are that match nothing."""
        voted, recommended, right = (self.counts > 0).T
        found = {
            RECOMMENDATION: recommended & ~voted & voted.any(),
            OUTCOME: right & ~voted & ~recommended & (voted | recommended).any(),
        }
        return {name: np.flatnonzero(rows) for name, rows in found.items()}

    def _near(self, name: str, places: Codes) -> list[tuple[str, str, int, str | None]]:
        """Describe texts of a column, the most frequent first: column, text, n, the known one near to it."""
        known = self.texts[self.counts[:, COMPARED.index(self.known)] > 0]
        near = dict(nearly_alike(self.texts[places], known)) if len(places) else {}
        n = self.counts[places, COMPARED.index(name)].astype(int).tolist()
        rows = [(name, text, n, near.get(text)) for text, n in zip(self.texts[places], n, strict=True)]
        return sorted(rows, key=lambda row: (-row[2], row[1]))


def nearly_alike(texts: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Find texts that are spelled nearly as a known one is, each with that one."""
    near = {_folded(one): one for one in sorted(known, reverse=True)}
    for text in texts:
        if (other := near.get(_folded(text), text)) != text:
            yield text, other


def near_ones(pairs: list[tuple[str, str]], between: str) -> str:
    """Name the first of some pairs of spellings; nothing where there are none."""
    named = ", ".join(f"{one} {between} {other}" for one, other in map(_both_shown, pairs[:_NAMED]))
    return named + (f" and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else "")


_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d*)?")


def _folded(text: str) -> str:
    """Spell alike what differs in case, width, white space, quotes, a full stop, or the form of a number."""
    if len(text) > _LONG:
        return text
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    plain = plain.strip(" .,;:!?'\"*`\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}") or plain
    return key_text(float(plain)) if _NUMBER.fullmatch(plain) else plain


def _both_shown(pair: tuple[str, str]) -> tuple[str, str]:
    """Show two spellings so that they stay apart where they are cut."""
    if any(text != text.strip() for text in pair):
        return shown(pair[0]), shown(pair[1])
    one, other = apart(pair, 40, harmless)
    return repr(one), repr(other)


def shown(text: str) -> str:
    """Show a text that may begin or end with white space."""
    return repr(brief(text, 40, harmless) if text == text.strip() else harmless(text[:40]))
