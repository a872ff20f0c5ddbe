"""Following a running arena: a thread reads on into a bounded window, and others copy from it.

A :class:`Follower` knows no Jupyter. A :class:`Replay` is a source like a stream, on a virtual clock. A
:class:`Pulse` is the one other thread there is: it draws, and is built here so that threads have one home.
"""

from .follower import Follower
from .playback import Replay, replay
from .pulse import Pulse
from .status import Status, duration

__all__ = ["Follower", "Pulse", "Replay", "Status", "duration", "replay"]
