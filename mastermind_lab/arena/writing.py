"""How a simulated decision is put into words: rationales, argument trees and citations."""

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import NamedTuple

from ..envelope import Argument, Citation
from . import words

BRANCHES = ((2, 2, 3), (0, 1, 2, 2), (0, 0, 1, 2), (0, 0, 1, 1), (0, 0, 1), (0,))
"""How many replies an argument may get, by its depth: the last depth, 5, gets none."""

LONG_TAIL = 0.2
"""The share of citations whose source is hardly ever seen again."""

# Zipf: the n-th most used source is cited in proportion to 1/n.
_SOURCE_WEIGHTS = list(accumulate(1 / rank for rank in range(1, len(words.SOURCES) + 1)))


class Sides(NamedTuple):
    """A decision as its arguments see it: what it is about, and who is for and against the choice."""

    subject: str
    choice: str
    pro: list[str]
    con: list[str]


def rationale(sides: Sides, rounds: int, random: Random) -> str:
    """Word the panel's reason."""
    text = random.choice(words.RATIONALES).format(
        choice=sides.choice,
        subject=sides.subject,
        for_=len(sides.pro),
        of=len(sides.pro) + len(sides.con),
        rounds=rounds,
    )
    return text[0].upper() + text[1:]


def reason(subject: str, choice: str, moved: bool, random: Random) -> str:
    """Word one voter's reason; who was moved by the debate says so."""
    return random.choice(words.CONVERSIONS if moved else words.REASONS).format(subject=subject, choice=choice)


def argue(sides: Sides, random: Random, depth: int = 0, for_: bool = True) -> Argument:
    """Grow an argument tree from its root claim down."""
    children = [
        # Near the root replies mostly back what they answer, further down they mostly attack it.
        argue(sides, random, depth + 1, for_ == (random.random() < 0.7 - 0.08 * depth))
        for _ in range(random.choice(BRANCHES[depth]))
    ]
    # Where nobody voted against, one who voted for it argues the other side.
    authors = sides.pro if for_ or not sides.con else sides.con
    strength = random.betavariate(5, 3) if for_ else random.betavariate(4, 4)
    return Argument(
        claim=_claim(sides, depth, for_, random),
        stance="pro" if for_ else "con",
        strength=round(strength, 2),
        author=random.choice(authors),
        children=children,
    )


def _claim(sides: Sides, depth: int, for_: bool, random: Random) -> str:
    if depth == 0 and for_:
        return f"The best answer on {sides.subject} is: {sides.choice}."
    text = random.choice(words.PRO if for_ else words.CON).format(subject=sides.subject, choice=sides.choice)
    return text[0].upper() + text[1:]


def cite(random: Random) -> Citation:
    """Cite one source; a title or a quote is missing now and then."""
    if random.random() < LONG_TAIL:
        number = random.randrange(10**6)
        source, title = f"https://doi.example/10.{4000 + number % 97}/{number}", f"Short report no. {number}"
    else:
        source, title = random.choices(words.SOURCES, cum_weights=_SOURCE_WEIGHTS)[0]
    return Citation(
        source=source,
        title=title if random.random() < 0.95 else None,
        quote=random.choice(words.QUOTES) if random.random() < 0.7 else None,
        relevance=round(random.betavariate(4, 2), 2),
    )
