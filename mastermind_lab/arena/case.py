"""One case before a simulated panel: the debate, then everything an arena publishes about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log
from random import Random
from typing import Any

from ..envelope import Argument, Citation, Decision, Vote
from . import writing
from .debate import Debate, Opinion, Question, hold_debate, panel_confidence
from .world import Agent, Model, Prompt

OVERRIDDEN = 0.06
"""How often a split panel's runner-up is recommended all the same."""

TWO_ROOTS = 0.05
"""How often the other side argues in a tree of its own."""

# How often an optional part is missing.
NO_RATIONALE = 0.04
NO_TREE = 0.08
NO_USAGE = 0.07
NO_CONFIDENCE = 0.05
NO_REASON = 0.15


@dataclass(slots=True)
class Case:
    """One question before one panel; what is not given is drawn in this order, once.

    ``drift`` is how far the arena's confidence has drifted by now, in log-odds.
    """

    question: Question
    panel: list[Agent]
    model: Model
    prompt: Prompt
    drift: float
    random: Random
    evidence: float = field(init=False)
    debate: Debate = field(init=False)
    recommendation: str = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = self.random.gauss(0, 0.6)
        self.debate = hold_debate(self.question, self.panel, self.model, self.evidence, self.random)
        self.recommendation = self._recommend()

    def decision(self, at: datetime) -> Decision:
        """Write the decision that is published at a moment."""
        sides = self._sides()
        rounds = len(self.debate.rounds)
        return Decision(
            decision_id=hex_id(self.random),
            question=self.question.text,
            recommendation=self.recommendation,
            confidence=self._confidence(),
            rationale=None if self._chance(NO_RATIONALE) else writing.rationale(sides, rounds, self.random),
            argument_tree=None if self._chance(NO_TREE) else self._tree(sides),
            votes=[self._vote(opinion) for opinion in self.debate.opinions],
            citations=self._citations(),
            **self._extras(at),
        )

    def meta(self) -> dict[str, Any]:
        """Write what else is known: the category, model and prompt, the debate, timings and usage."""
        meta = {
            "category": self.question.category.name,
            "model": self.model.name,
            "prompt_version": self.prompt.name,
            "temperature": self.random.choice((0.2, 0.7, 0.7, 1.0)),
            "debate": self._debate_summary(),
            "timings": self._timings(),
        }
        return meta if self._chance(NO_USAGE) else meta | {"usage": self._usage()}

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _recommend(self) -> str:
        leader = self.debate.rounds[-1].leader
        others = [opinion.choice for opinion in self.debate.opinions if opinion.choice != leader]
        if others and self._chance(OVERRIDDEN):
            return max(dict.fromkeys(others), key=others.count)
        return leader

    def _sides(self) -> writing.Sides:
        pro: list[str] = []
        con: list[str] = []
        for opinion in self.debate.opinions:
            (pro if opinion.choice == self.recommendation else con).append(opinion.agent.name)
        return writing.Sides(self.question.subject, self.recommendation, pro, con)

    def _tree(self, sides: writing.Sides) -> Argument | list[Argument]:
        root = writing.argue(sides, self.random)
        return [root, writing.argue(sides, self.random, for_=False)] if self._chance(TWO_ROOTS) else root

    def _confidence(self) -> float:
        share = len(self._sides().pro) / len(self.panel)
        tilt = self.question.category.tilt + self.model.tilt + self.prompt.tilt + self.drift
        sure = panel_confidence(self.debate, share, tilt + self.random.gauss(0, 0.2))
        return round(sure, 3)

    def _vote(self, opinion: Opinion) -> Vote:
        category = self.question.category
        expert = opinion.agent.talent == category.name
        reason = writing.reason(self.question.subject, opinion.choice, opinion.moved, self.random)
        return Vote(
            voter=opinion.agent.name,
            choice=opinion.choice,
            confidence=None if self._chance(NO_CONFIDENCE) else round(opinion.confidence, 2),
            weight=1.5 if expert and self._chance(0.5) else 1.0,
            rationale=None if self._chance(NO_REASON) else reason,
            **{"first_choice": opinion.first, "latency_s": self._seconds(2.5 * self.model.pace)},
        )

    def _citations(self) -> list[Citation]:
        # Good research finds more, so that agreement without sources is worth less.
        count = round(3.4 + 1.8 * self.evidence + self.random.gauss(0, 1))
        cited = [writing.cite(self.random) for _ in range(max(0, count))]
        return list({citation.source: citation for citation in cited}.values())

    def _extras(self, at: datetime) -> dict[str, Any]:
        """Add what only some decisions carry."""
        if self._chance(0.8):
            return {}
        deadline = (at + timedelta(days=self.random.randint(1, 14))).date()
        return {"deadline": deadline.isoformat(), "stakes": self.random.choice(("low", "medium", "high"))}

    def _debate_summary(self) -> dict[str, Any]:
        rounds = [
            {"confidence": round(stand.confidence, 3), "leader_share": round(stand.leader_share, 3)}
            for stand in self.debate.rounds
        ]
        return {"n_rounds": len(rounds), "switches": self.debate.switches, "rounds": rounds}

    def _seconds(self, median: float, spread: float = 0.5) -> float:
        return round(self.random.lognormvariate(log(median), spread), 2)

    def _timings(self) -> dict[str, float]:
        pace = self.model.pace
        timings = {
            "research": self._seconds(38 * pace, 0.6),
            "debate": self._seconds(9 * pace * len(self.debate.rounds)),
            "vote": self._seconds(3.5 * pace, 0.4),
        }
        return timings | {"total": round(sum(timings.values()) + self._seconds(0.8), 2)}

    def _usage(self) -> dict[str, float]:
        turns = len(self.panel) * len(self.debate.rounds)
        read = int(turns * self.random.lognormvariate(log(1800), 0.3))
        written = int(turns * self.random.lognormvariate(log(260), 0.3))
        dollars = (read * self.model.input_price + written * self.model.output_price) / 1e6
        return {"input_tokens": read, "output_tokens": written, "cost_usd": round(dollars, 6)}


def hex_id(random: Random) -> str:
    """Draw an id, 32 hexadecimal characters."""
    return f"{random.getrandbits(128):032x}"
