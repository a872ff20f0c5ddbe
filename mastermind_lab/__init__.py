"""Study how panels of AI agents decide."""

from importlib import import_module
from sys import modules
from typing import TYPE_CHECKING, Any

from .archive import Archived, Archiver, archive
from .decode import Column
from .envelope import (
    Argument,
    Citation,
    Decision,
    DecisionEnvelope,
    Vote,
    decode_envelope,
)
from .errors import LabError, OptionError, SourceError
from .frames import id_key
from .history import History, aread, dictionary, read, redecode, sample, with_outcomes

__version__ = "0.1.0"

__all__ = [
    "Archived",
    "Archiver",
    "Argument",
    "Citation",
    "Column",
    "Decision",
    "DecisionEnvelope",
    "Follower",
    "History",
    "LabError",
    "LiveView",
    "OptionError",
    "SourceError",
    "Vote",
    "archive",
    "aread",
    "charts",
    "compact",
    "decode_envelope",
    "dictionary",
    "follow",
    "follow_envelopes",
    "id_key",
    "publish_envelope",
    "read",
    "read_envelopes",
    "redecode",
    "replay",
    "sample",
    "scan",
    "stats",
    "verify",
    "with_outcomes",
]


if TYPE_CHECKING:
    from . import charts, stats
    from .live import Follower
    from .live.replay import replay
    from .scale import scan
    from .snapshot import compact, verify
    from .stream import follow_envelopes, publish_envelope, read_envelopes
    from .widget import LiveView, follow

_LATER = {
    "Follower": "live",
    "LiveView": "widget",
    "compact": "snapshot",
    "follow": "widget",
    "follow_envelopes": "stream",
    "publish_envelope": "stream",
    "read_envelopes": "stream",
    "replay": "live",
    "scan": "scale",
    "verify": "snapshot",
}
"""Names from rooms with heavy libraries -> the room."""


def __getattr__(name: str) -> Any:
    """Load the rooms with heavy libraries when they, or names from them, are first asked for."""
    if name in ("charts", "stats"):
        return import_module(f"{__name__}.{name}")
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    # With both named, Python suggests what was meant.
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=modules[__name__])


def __dir__() -> list[str]:
    """List the public names, those not yet loaded too: what a notebook completes."""
    return [*__all__, "__version__"]
