"""Study how panels of AI agents decide."""

from importlib import import_module
from types import ModuleType

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
from .frames import dictionary, id_key
from .history import History, aread, read, sample, with_outcomes
from .stream import follow_envelopes, publish_envelope, read_envelopes

__version__ = "0.1.0"

__all__ = [
    "Argument",
    "Citation",
    "Column",
    "Decision",
    "DecisionEnvelope",
    "History",
    "LabError",
    "OptionError",
    "SourceError",
    "Vote",
    "aread",
    "charts",
    "decode_envelope",
    "dictionary",
    "follow_envelopes",
    "id_key",
    "publish_envelope",
    "read",
    "read_envelopes",
    "sample",
    "stats",
    "with_outcomes",
]


def __getattr__(name: str) -> ModuleType:
    """Load the rooms with heavy libraries when they are first asked for."""
    if name in ("charts", "stats"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
