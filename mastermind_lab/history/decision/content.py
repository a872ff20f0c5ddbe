"""What is said of one decision when it is read: its rows, as far as they go, in reading order.

A page and a terminal show the same. What nobody said is None here, never zero; text is as it came, and
whoever shows it makes it harmless.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

import pandas as pd

from .keys import KEY, keys_of

Row = dict[str, Any]

TRUTH = "correct_choice"
_ROUND, _SEAT, _RANKING = "vote.round", "vote.seat", "vote.ranking"
_FIRST, _FIRST_SURE = "vote.first_choice", "vote.first_confidence"
_ROUNDS = "meta.debate.rounds"


@dataclass(frozen=True)
class Stand:
    """What a voter was for at some time, and how sure."""

    choice: str | None
    confidence: float | None


@dataclass(frozen=True)
class Cast:
    """A voter's last vote, and what it was for before, the first first."""

    voter: str | None
    now: Stand
    before: tuple[Stand, ...]
    rationale: str | None
    marks: tuple[str, ...]

    @property
    def has_changed(self) -> bool:
        """Whether the voter was for something else before."""
        return any(stand.choice not in (None, self.now.choice) for stand in self.before)

    @property
    def told(self) -> tuple[Stand, ...]:
        """What it was before, as far as that is no repetition: without choices where they never changed."""
        if self.has_changed:
            return self.before
        return tuple(Stand(None, one.confidence) for one in self.before if one.confidence is not None)


@dataclass(frozen=True)
class Choice:
    """What some voted for; ``is_right`` is None where that is not known."""

    name: str | None
    casts: tuple[Cast, ...]
    is_chosen: bool
    is_right: bool | None


@dataclass(frozen=True)
class Claim:
    """A node of the argument tree; ``side`` is pro, con or empty."""

    depth: int
    claim: str | None
    side: str
    stance: str | None
    strength: float | None
    author: str | None


@dataclass(frozen=True)
class Content:
    """One decision.

    Attributes
    ----------
    keys
        What tells it apart in a table of votes, beside the question: a name and its value.
    outcome
        What was right, if that is known; ``is_judged`` says whether outcomes were joined at all.
    rounds
        How sure the panel was in each round that says so.
    effort
        Times and use, in words: a name and an amount.
    rest
        Every other leaf that came with the decision: a column and its value.
    """

    stream_id: str
    moment: str
    question: str | None
    keys: tuple[tuple[str, str], ...]
    recommendation: str | None
    confidence: float | None
    rationale: str | None
    is_judged: bool
    outcome: str | None
    rounds: tuple[float, ...]
    choices: tuple[Choice, ...]
    claims: tuple[Claim, ...]
    sources: tuple[Row, ...]
    effort: tuple[tuple[str, str], ...]
    rest: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls, decision: Row, votes: Iterable[Row], citations: Iterable[Row], arguments: Iterable[Row]
    ) -> Content:
        """Put the rows of one decision in reading order."""
        outcome = text(decision.get(TRUTH))
        recommendation = text(decision.get("recommendation"))
        keys = keys_of({name: value for name, value in decision.items() if not is_missing(value)})
        effort, rest = _effort({name: value for name, value in decision.items() if name not in keys})
        return cls(
            stream_id=str(decision["stream_id"]),
            moment=_moment(decision),
            question=text(decision.get("question")),
            keys=tuple((name.removeprefix(KEY), value) for name, value in keys.items()),
            recommendation=recommendation,
            confidence=number(decision.get("confidence")),
            rationale=text(decision.get("rationale")),
            is_judged=TRUTH in decision,
            outcome=outcome,
            rounds=_rounds(decision),
            choices=_choices(_casts(votes), recommendation, outcome),
            claims=_claims(arguments),
            sources=tuple(citations),
            effort=effort,
            rest=rest,
        )

    @property
    def heading(self) -> str | None:
        """The question, or what tells the decision apart, in a line."""
        return self.question or ", ".join(f"{name} {value}" for name, value in self.keys) or None

    @property
    def is_right(self) -> bool | None:
        """Whether the panel was right; None where that is not known."""
        known = self.outcome is not None and self.recommendation is not None
        return self.recommendation == self.outcome if known else None

    @property
    def votes(self) -> list[Cast]:
        """All last votes."""
        return [cast for choice in self.choices for cast in choice.casts]

    @property
    def changed(self) -> int | None:
        """How many voters changed their choice; None where nobody says what it was before."""
        told = [cast for cast in self.votes if any(stand.choice is not None for stand in cast.before)]
        return sum(cast.has_changed for cast in told) if told else None


def is_missing(value: Any) -> bool:
    """Tell whether nothing is said, in whichever way a frame says that."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def text(value: Any) -> str | None:
    """Return a value as text, None where there is none."""
    return None if is_missing(value) else str(value)


def number(value: Any) -> float | None:
    """Return a value as a number, None where there is none."""
    try:
        return None if is_missing(value) else float(value)
    except (TypeError, ValueError):
        return None


def _moment(decision: Row) -> str:
    times = (decision.get(name) for name in ("published_at", "streamed_at"))
    when = next((time for time in times if isinstance(time, pd.Timestamp)), None)
    return "" if when is None else f"{when:%Y-%m-%d %H:%M} UTC"


def _casts(votes: Iterable[Row]) -> list[Cast]:
    """Return a vote for each voter and seat: of those who voted in several rounds the last, with the others.

    Two votes of one voter in the last round are two, as they are in the frame.
    """
    seats: dict[Hashable, list[Row]] = {}
    for place, row in enumerate(votes):
        voter, seat = text(row.get("voter")), text(row.get(_SEAT))
        seats.setdefault((voter, seat) if voter is not None else place, []).append(row)
    return [cast for rows in seats.values() for cast in _of_seat(rows)]


def _of_seat(rows: list[Row]) -> list[Cast]:
    """Return the votes of the last round, with those before it, as is one without a round."""
    in_order = sorted(rows, key=_round)
    last = _round(in_order[-1])
    before = tuple(_stand(row) for row in in_order if _round(row) < last)
    return [_cast(row, before or _first(row)) for row in rows if _round(row) == last]


def _round(row: Row) -> float:
    found = number(row.get(_ROUND))
    return -inf if found is None else found


def _stand(row: Row) -> Stand:
    return Stand(text(row.get("choice")), number(row.get("confidence")))


def _first(row: Row) -> tuple[Stand, ...]:
    """Return what a vote says of itself that it was before."""
    stand = Stand(text(row.get(_FIRST)), number(row.get(_FIRST_SURE)))
    return () if stand == Stand(None, None) else (stand,)


def _cast(row: Row, before: tuple[Stand, ...]) -> Cast:
    marks = [f"seat {row[_SEAT]}"] if not is_missing(row.get(_SEAT)) else []
    weight = number(row.get("weight"))
    marks += [f"weight {weight:g}"] if weight not in (None, 1) else []
    marks += ["ranks " + ranking] if (ranking := _ranking(row.get(_RANKING))) else []
    return Cast(text(row.get("voter")), _stand(row), before, text(row.get("rationale")), tuple(marks))


def _ranking(value: Any) -> str:
    """Write a ranking as a line, best first; choices of equal rank stand side by side."""
    try:
        ranks = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return ""
    if not isinstance(ranks, list):
        return ""
    return " > ".join(" = ".join(map(str, one)) if isinstance(one, list) else str(one) for one in ranks)


def _choices(casts: list[Cast], recommendation: str | None, outcome: str | None) -> tuple[Choice, ...]:
    """Group votes by what they are for: the most chosen first, the surest voters first, no choice last."""
    sizes = Counter(cast.now.choice for cast in casts)
    names = sorted(sizes, key=lambda name: (name is None, -sizes[name], name or ""))
    return tuple(
        Choice(
            name,
            tuple(sorted((cast for cast in casts if cast.now.choice == name), key=_sureness)),
            is_chosen=name is not None and name == recommendation,
            is_right=None if name is None or outcome is None else name == outcome,
        )
        for name in names
    )


def _sureness(cast: Cast) -> float:
    return 1.0 if cast.now.confidence is None else -cast.now.confidence


def _claims(arguments: Iterable[Row]) -> tuple[Claim, ...]:
    from ...stats.arguments import side_of  # here, because who only loads a history needs no statistics

    rows = sorted(arguments, key=lambda row: number(row.get("node")) or 0)
    return tuple(
        Claim(
            depth=int(number(row.get("depth")) or 0),
            claim=text(row.get("claim")),
            side=side_of(row.get("stance")),
            stance=text(row.get("stance")),
            strength=number(row.get("strength")),
            author=text(row.get("author")),
        )
        for row in rows
    )


def _rounds(decision: Row) -> tuple[float, ...]:
    from ...stats.engine.debate_rounds import confidences

    return tuple(sure for sure in confidences(decision.get(_ROUNDS)) if not is_missing(sure))


def _effort(decision: Row) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Tell times and use, in words, from every other open column; the total time comes first."""
    from ...stats.timing import TIMINGS, TOTAL, USAGE

    leaves = {name: value for name, value in decision.items() if _is_open(name) and not is_missing(value)}
    amounts = {name: size for name in leaves if (size := number(leaves[name])) is not None}
    timings = sorted((name for name in amounts if name.startswith(TIMINGS)), key=lambda name: name != TOTAL)
    used = [name for name in amounts if name.startswith(USAGE)]
    effort = [(_words(name, TIMINGS), f"{amounts[name]:,.3g} s") for name in timings]
    effort += [_amount(_words(name, USAGE), amounts[name]) for name in used]
    told = {*timings, *used, _ROUNDS}
    rest = [(name, str(value)) for name, value in leaves.items() if name not in told]
    ids = [(name, str(decision[name])) for name in _IDS if not is_missing(decision.get(name))]
    return tuple(effort), (*ids, *rest)


_IDS = ("decision_id", "correlation_id")


def _is_open(name: str) -> bool:
    return name.startswith(("decision.", "meta."))


def _words(name: str, before: str) -> str:
    return name.removeprefix(before).replace("_", " ").replace(".", " ")


def _amount(words: str, size: float) -> tuple[str, str]:
    if words.endswith("usd"):
        return words.removesuffix("usd").strip() or "cost", f"${size:,.2f}" if size >= 1 else f"${size:.3g}"
    return words, f"{size:,.10g}"
