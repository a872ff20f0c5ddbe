"""The live view of one follower in a notebook, made of core ipywidgets.

It sets traits only, from a thread of its own, at most some times a second, only when something changed, and
only while it is displayed. Text from an envelope is hostile and escaped everywhere. A cell that runs again
ends the view of its last run.
"""

from .view import LiveView, follow

__all__ = ["LiveView", "follow"]
