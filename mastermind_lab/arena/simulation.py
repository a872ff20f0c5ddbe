"""The simulated arena: decisions for ever, each with its truth, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count as endless
from math import cos, pi, sin
from random import Random
from typing import NamedTuple

from ..envelope import DecisionEnvelope
from .case import Case, hex_id
from .debate import Question
from .world import AFTER, AGENTS, BEFORE, CATEGORIES, PROMPTS, STEADY, Model, Prompt

SEED = 7
START = datetime(2026, 10, 26, tzinfo=UTC)
UPGRADE_AT = 1_000

STANDING = 40
"""How many of the first questions are put again and again, to see whether panels stay with their word."""

SEASON = 2_500
"""How many decisions it takes for the arena's confidence to drift up, down and back."""

PER_HOUR = 7.0
"""How many decisions are published in the busiest hour."""


class Outcome(NamedTuple):
    """The truth about one decision."""

    correlation_id: str
    correct_choice: str


class Arena:
    """A simulated arena that decides for ever; the same seed gives the same decisions, byte for byte.

    Parameters
    ----------
    seed
        Where the randomness starts.
    start
        The moment the arena opens; published_at moves on from here with the rhythm of day and night.
    upgrade_at
        The number of decisions after which a better model takes the place of one of the two in use. The
        prompt changes after half as many more.

    Examples
    --------
    >>> envelope, outcome = Arena(seed=7).decide()
    >>> envelope.correlation_id == outcome.correlation_id
    True
    """

    def __init__(self, seed: int = SEED, *, start: datetime = START, upgrade_at: int = UPGRADE_AT) -> None:
        self.seed = seed
        self.upgrade_at = upgrade_at
        self.decided = 0
        self._random = dice("decisions", seed)
        # Their own: the decisions are the same whoever tells the time.
        self._arrivals = dice("arrivals", seed)
        self._time = start
        self._asked: dict[str, Question] = {}
        self._standing: list[Question] = []

    def decisions(
        self, count: int | None = None, *, clock: Callable[[], datetime] | None = None
    ) -> Iterator[tuple[DecisionEnvelope, Outcome]]:
        """Decide ``count`` times, or for ever.

        Parameters
        ----------
        count
            How many decisions; None for no end.
        clock
            Tells the moment of publication; left out, the arena's own time moves on.
        """
        for _ in endless() if count is None else range(count):
            yield self.decide(clock() if clock else None)

    def decide(self, published_at: datetime | None = None) -> tuple[DecisionEnvelope, Outcome]:
        """Hold one debate and return its envelope and the truth.

        Parameters
        ----------
        published_at
            The moment of publication; left out, the arena's own time moves on to the next arrival.
        """
        self._time = published_at or _next_arrival(self._time, self._arrivals)
        question = self._next_question()
        panel = self._random.sample(AGENTS, self._random.randint(5, 9))
        case = Case(question, panel, self._model(), self._prompt(), self._drift(), self._random)
        self.decided += 1
        outcome = Outcome(hex_id(self._random), question.correct)
        envelope = DecisionEnvelope(
            decision=case.decision(self._time),
            published_at=self._time,
            correlation_id=outcome.correlation_id,
            meta=case.meta(),
        )
        return envelope, outcome

    def _next_question(self) -> Question:
        if len(self._standing) == STANDING and self._random.random() < 0.12:
            return self._random.choice(self._standing)
        drawn = _draw_question(self._random)
        # The catalogue is finite: a question that was drawn before keeps its truth.
        question = self._asked.setdefault(drawn.text, drawn)
        if len(self._standing) < STANDING:
            self._standing.append(question)
        return question

    def _model(self) -> Model:
        if self._random.random() < 0.4:
            return STEADY
        return BEFORE if self.decided < self.upgrade_at else AFTER

    def _prompt(self) -> Prompt:
        return PROMPTS[self.decided >= self.upgrade_at * 3 // 2]

    def _drift(self) -> float:
        """How far confidence has drifted by now, in log-odds."""
        return 0.2 * sin(2 * pi * self.decided / SEASON)


def dice(purpose: str, seed: int) -> Random:
    """Return the randomness for one purpose, the same for the same seed."""
    return Random(f"{purpose} {seed}")  # noqa: S311 - to be repeated, not secret


def _draw_question(random: Random) -> Question:
    category = random.choices(CATEGORIES, [category.share for category in CATEGORIES])[0]
    wording = category.wording
    subject = random.choice(wording.subjects)
    text = wording.template.format(
        subject=subject, place=random.choice(wording.places), detail=random.choice(wording.details)
    )
    # A category's first choices are the more often right: base rates, for those who look for them.
    correct = random.choices(wording.choices, range(len(wording.choices) + 1, 1, -1))[0]
    decoy = random.choice([choice for choice in wording.choices if choice != correct])
    difficulty = random.gauss(category.difficulty, category.spread)
    return Question(category, text, subject, correct, decoy, difficulty)


def _next_arrival(time: datetime, random: Random) -> datetime:
    """Move on to the next arrival: thinned from a steady flow, so that night and weekend are quiet."""
    while True:
        time += timedelta(milliseconds=round(random.expovariate(PER_HOUR) * 3_600_000))
        if random.random() < _bustle(time):
            return time


def _bustle(time: datetime) -> float:
    """How busy a moment is, 0 to 1: most at two in the afternoon, half as much at the weekend."""
    hour = time.hour + time.minute / 60
    by_day = 0.1 + 0.9 * (1 - cos(2 * pi * (hour - 2) / 24)) / 2
    return by_day * (0.5 if time.weekday() >= 5 else 1.0)


def opening(count: int, end: datetime, *, seed: int = SEED) -> datetime:
    """Return when an arena must open for its first ``count`` decisions to reach up to ``end``.

    Examples
    --------
    >>> end = datetime(2027, 1, 1, tzinfo=UTC)
    >>> *_, (last, _) = Arena(start=opening(100, end)).decisions(100)
    >>> timedelta() <= end - last.published_at < timedelta(days=3)
    True
    """
    start = end
    while (late := _last_arrival(start, count, seed) - end) > timedelta():
        # Nights and weekends fall elsewhere after each move, so it takes a few.
        start -= late
    return start


def _last_arrival(time: datetime, count: int, seed: int) -> datetime:
    random = dice("arrivals", seed)
    for _ in range(count):
        time = _next_arrival(time, random)
    return time
