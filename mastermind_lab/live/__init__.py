"""Following a running arena: a thread reads on into a bounded window, and others copy from it.

A :class:`Follower` works without Jupyter. A :class:`Replay` is a source like a stream, on a virtual clock.
"""

from .follower import Follower
from .latest import in_time, newest
from .replay import Replay, replay
from .running import Counting
from .status import Status, duration, gaps, lateness, often
from .window import count_or_duration

__all__ = [
    "Counting",
    "Follower",
    "Replay",
    "Status",
    "count_or_duration",
    "duration",
    "gaps",
    "in_time",
    "lateness",
    "newest",
    "often",
    "replay",
]
