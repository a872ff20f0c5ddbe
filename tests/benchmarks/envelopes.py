"""Envelopes to measure with: of three sizes, with the contract's first names or with a stream's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from mastermind_lab import History
from mastermind_lab.frames import FRAMES


class Size(NamedTuple):
    votes: int
    citations: int
    branches: tuple[int, ...]  # replies to an argument, by its depth
    leaves: int
    words: int  # of a rationale


SIZES = {
    "small": Size(votes=1, citations=0, branches=(0,), leaves=3, words=3),
    "typical": Size(votes=7, citations=4, branches=(2, 3, 0), leaves=12, words=16),
    "large": Size(votes=30, citations=30, branches=(4, 4, 3, 0), leaves=40, words=50),
}
"""About 0.6, 3.9 and 40 KB."""

_OTHER = {
    "voter": "agent", "choice": "vote", "source": "url", "claim": "text", "children": "replies",
    "question": "topic", "argument_tree": "arguments",
}  # fmt: skip
_WORDS = "the panel weighed cost risk and evidence before it settled on what most sources support".split()  # noqa: SIM905


def with_frames(history: History) -> History:
    """Make the five frames of a history, which are else made when they are first looked at."""
    for name in FRAMES:
        history[name]
    return history


def envelopes(count: int, size: str, own_names: bool, seed: int = 1) -> Iterator[bytes]:
    """Write envelopes; with ``own_names`` every part has an alias and an unknown field."""
    writer = _Writer(Random(seed), SIZES[size], own_names)
    return (writer.envelope() for _ in range(count))


class _Writer:
    def __init__(self, dice: Random, size: Size, own_names: bool) -> None:
        self.dice, self.size, self.own_names = dice, size, own_names

    def envelope(self) -> bytes:
        decision = self.part(
            "consensus", recommendation="ship it", confidence=self.share(), decision_id=self.key(),
            question=self.text(12), rationale=self.text(self.size.words), argument_tree=self.argument(0),
            votes=[self.vote(n) for n in range(self.size.votes)],
            citations=[self.citation() for _ in range(self.size.citations)],
        )  # fmt: skip
        document = {
            "schema_version": "1", "arena": "mastermind", "decision": decision, "correlation_id": self.key(),
            "published_at": f"2026-11-23T10:11:12.{self.dice.randrange(10**6):06}Z", "meta": self.meta(),
        }  # fmt: skip
        return json.dumps(document, separators=(",", ":")).encode()

    def vote(self, number: int) -> dict[str, Any]:
        choice = self.dice.choice(["ship it", "wait"])
        return self.part(
            "latency_s", voter=f"agent-{number}", choice=choice, confidence=self.share(), weight=1.0,
            rationale=self.text(self.size.words),
        )  # fmt: skip

    def citation(self) -> dict[str, Any]:
        source = f"https://example.org/papers/{self.dice.randrange(10**6)}"
        return self.part(
            "rank",
            source=source,
            title=self.text(6),
            quote=self.text(self.size.words),
            relevance=self.share(),
        )

    def argument(self, depth: int) -> dict[str, Any]:
        children = [self.argument(depth + 1) for _ in range(self.size.branches[depth])]
        return self.part(
            "round", claim=self.text(self.size.words // 2), stance=self.dice.choice(["pro", "con"]),
            strength=self.share(), author=f"agent-{self.dice.randrange(9)}", children=children,
        )  # fmt: skip

    def meta(self) -> dict[str, Any]:
        third = self.size.leaves // 3
        return {
            "model": self.dice.choice(["atlas-1", "boreal-2"]),
            **{f"setting_{n}": self.dice.randrange(100) for n in range(third - 1)},
            "usage": {f"tokens_{n}": self.dice.randrange(10_000) for n in range(third)},
            "timings": {f"phase_{n}": self.share() for n in range(third)},
        }

    def part(self, unknown: str, **fields: Any) -> dict[str, Any]:
        if not self.own_names:
            return fields
        return {_OTHER.get(name, name): value for name, value in fields.items()} | {unknown: self.share()}

    def text(self, words: int) -> str:
        return " ".join(self.dice.choices(_WORDS, k=words))

    def share(self) -> float:
        return round(self.dice.random(), 3)

    def key(self) -> str:
        return f"{self.dice.getrandbits(128):032x}"
