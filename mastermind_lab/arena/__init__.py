"""A simulated arena: panels of agents that argue and vote, seeded, and with the truth known.

An :class:`Arena` decides for ever; :func:`payloads` writes what it decides as a stream carries it, malformed
entries included; :func:`write_sample` builds the sample data; a :class:`Server` is a Redis to publish to.
"""

from .faults import FAULTS, payloads, spoil
from .samples import write_sample
from .server import Server
from .simulation import Arena, Outcome, opening

__all__ = ["FAULTS", "Arena", "Outcome", "Server", "opening", "payloads", "spoil", "write_sample"]
