"""How a simulated panel comes to its decision: private opinions, rounds of debate, votes, confidence."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from random import Random
from typing import NamedTuple

from .world import TALENT, Agent, Category, Model


class Question(NamedTuple):
    """A question and its truth; asked again, it is as hard as the first time."""

    category: Category
    text: str
    subject: str
    correct: str
    decoy: str
    difficulty: float


@dataclass(slots=True)
class Opinion:
    """What an agent held at first and holds now; ``sureness`` is confidence in log-odds."""

    agent: Agent
    first: str
    choice: str
    sureness: float

    @property
    def confidence(self) -> float:
        """How sure the agent says it is, 0 to 1."""
        return sigmoid(self.sureness)

    @property
    def moved(self) -> bool:
        """Whether the debate changed the agent's mind."""
        return self.choice != self.first


class Round(NamedTuple):
    """Where the panel stands at the end of a round."""

    leader: str
    leader_share: float
    confidence: float


class Debate(NamedTuple):
    """A finished debate: the last opinions, each round, and how often someone changed their mind."""

    opinions: list[Opinion]
    rounds: list[Round]
    switches: int


def sigmoid(log_odds: float) -> float:
    """Turn log-odds into a probability."""
    return 1 / (1 + exp(-log_odds))


def hold_debate(
    question: Question, panel: list[Agent], model: Model, evidence: float, random: Random
) -> Debate:
    """Let a panel argue until it agrees or the rounds run out.

    Parameters
    ----------
    evidence
        What the research found this time, added to every skill: it helps, or misleads, all alike.
    """
    help_ = model.skill + evidence - question.difficulty
    opinions = [_form_opinion(agent, question, help_, random) for agent in panel]
    rounds = [_stand(opinions)]
    switches = 0
    for _ in range(random.choice((1, 1, 2, 2, 3, 4))):
        switches += _debate_once(opinions, rounds[-1], random)
        rounds.append(_stand(opinions))
        if rounds[-1].leader_share == 1:
            break
    return Debate(opinions, rounds, switches)


def _form_opinion(agent: Agent, question: Question, help_: float, random: Random) -> Opinion:
    talent = TALENT if agent.talent == question.category.name else 0.0
    # One noisy look at the truth: its sign decides, its size is how clear the matter seems.
    signal = random.gauss(agent.skill + talent + help_, 1.0)
    choice = question.correct if signal > 0 else _wrong_choice(question, random)
    return Opinion(agent, choice, choice, agent.boldness * (1.2 * abs(signal) - 0.1))


def _wrong_choice(question: Question, random: Random) -> str:
    if random.random() < question.category.decoy:
        return question.decoy
    return random.choice([c for c in question.category.wording.choices if c != question.correct])


def _stand(opinions: list[Opinion]) -> Round:
    held = [opinion.choice for opinion in opinions]
    # Of equals the first spoken for leads.
    leader = max(dict.fromkeys(held), key=held.count)
    confidence = sum(opinion.confidence for opinion in opinions) / len(opinions)
    return Round(leader, held.count(leader) / len(held), confidence)


def _debate_once(opinions: list[Opinion], last: Round, random: Random) -> int:
    """Let the majority work on each agent once; return how many changed their mind."""
    switches = 0
    for opinion in opinions:
        pull = opinion.agent.conformity * last.leader_share
        if opinion.choice == last.leader:
            # Hearing one's own view from others is taken for evidence, which it is not.
            opinion.sureness += opinion.agent.boldness * (0.15 + 0.6 * pull)
        elif random.random() < pull * (1.3 - opinion.confidence):
            opinion.choice, opinion.sureness = last.leader, 0.2 + 0.5 * pull
            switches += 1
        else:
            opinion.sureness -= 0.15
    return switches


def panel_confidence(debate: Debate, share: float, tilt: float) -> float:
    """Say how sure the panel is: sensible, and not quite deserved.

    Parameters
    ----------
    share
        The share of the votes that the recommendation got, 0 to 1.
    tilt
        What pushes the confidence up or down beyond what the votes say, in log-odds.
    """
    mean = sum(opinion.sureness for opinion in debate.opinions) / len(debate.opinions)
    return min(0.995, sigmoid(0.5 * mean + 3.2 * (share - 0.68) + tilt))
