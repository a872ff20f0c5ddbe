"""Who sits on the simulated panels, what they are asked, and which models they run on.

Skills and difficulties add up: an agent looks at the truth through noise of standard deviation 1, and they
are how far the truth stands out. A tilt pushes a panel's confidence, in log-odds. The tables are made so that
each common question about panels has an answer to be found: some agents are too sure and some not enough, one
knows medicine better than any panel, a better model arrives, and agreement is not always evidence.
"""

from __future__ import annotations

from typing import NamedTuple

from . import words


class Agent(NamedTuple):
    """A member of the panel.

    ``boldness`` stretches the confidence an agent states: 0.7 or so says what it knows, more is too sure.
    ``conformity`` is the pull of the majority, 0 to 1. ``talent`` names the category it excels in.
    """

    name: str
    skill: float
    boldness: float
    conformity: float
    talent: str = ""


class Category(NamedTuple):
    """A kind of question.

    ``spread`` is how unlike its questions are; ``decoy`` how often a wrong vote falls for the same wrong
    choice; ``tilt`` how far a panel's confidence is pushed up beyond what its votes deserve.
    """

    name: str
    share: int
    difficulty: float
    spread: float
    decoy: float
    tilt: float
    wording: words.Wording


class Model(NamedTuple):
    """A language model: what it adds to a panel's skill and tilt, its pace, its dollars a million tokens."""

    name: str
    skill: float
    tilt: float
    pace: float
    input_price: float
    output_price: float


class Prompt(NamedTuple):
    """A version of the panel's prompt, and what it adds to the tilt."""

    name: str
    tilt: float


AGENTS = (
    Agent("Ada", skill=0.75, boldness=0.75, conformity=0.25),
    Agent("Bruno", skill=0.4, boldness=1.8, conformity=0.3),
    Agent("Chiyo", skill=0.65, boldness=0.3, conformity=0.5),
    Agent("Dmitri", skill=0.15, boldness=1.3, conformity=0.95),
    Agent("Élodie", skill=0.55, boldness=0.85, conformity=0.55),
    Agent("Farid", skill=0.35, boldness=1.4, conformity=0.75),
    Agent("Greta", skill=0.2, boldness=1.3, conformity=0.05, talent="medicine"),
    Agent("Hüseyin", skill=0.55, boldness=0.45, conformity=0.6),
    Agent("Zoë", skill=0.45, boldness=0.65, conformity=0.35),
)

TALENT = 1.5
"""What an agent's talent adds to its skill."""

CATEGORIES = (
    Category("incident", 30, -0.3, 0.7, 0.6, 0.15, words.INCIDENT),
    Category("language", 15, -0.6, 0.5, 0.7, 0.0, words.LANGUAGE),
    Category("policy", 20, -0.05, 0.5, 0.6, -0.55, words.POLICY),
    Category("forecast", 20, 0.25, 0.6, 0.7, 0.5, words.FORECAST),
    Category("medicine", 15, 0.3, 0.7, 0.8, 0.2, words.MEDICINE),
)

STEADY = Model("boreal-mini", skill=-0.2, tilt=0.1, pace=0.6, input_price=0.25, output_price=1.25)
BEFORE = Model("atlas-1", skill=-0.05, tilt=-0.15, pace=1.0, input_price=2.5, output_price=10.0)
AFTER = Model("atlas-2", skill=0.5, tilt=0.4, pace=1.3, input_price=3.0, output_price=15.0)
"""The first model runs all along; half-way the third takes the place of the second."""

PROMPTS = (Prompt("v3", tilt=0.0), Prompt("v4", tilt=-0.2))
"""The second version asks for humility, and gets a little."""
