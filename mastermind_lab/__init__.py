"""Study how panels of AI agents decide.

    import mastermind_lab as lab

    history = lab.sample()                            # or lab.read("redis://localhost:6379"), or of a file
    history.decisions                                 # a DataFrame, one row a decision; and four more
    lab.dictionary(history)                           # what each column means
    history.where("confidence > 0.9")                 # some decisions, with all that belongs to them
    lab.stats.Margin.of(history, by="meta.model")     # figures with n and 95% intervals
    lab.charts.margin(history, by="meta.model")       # the same, drawn
    history.save("snapshots/run-42")                  # Parquet, for lab.read
    lab.follow("redis://localhost:6379")              # a running arena, live in a notebook

``lab.stats`` has a class for each statistic and ``lab.charts`` a function for each chart. What is wrong with
an argument is an :class:`OptionError`, with a source a :class:`SourceError`; both are a :class:`LabError`.
"""

import sys
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_STREAM_NAME",
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
    "MissingFontWarning",
    "NothingDecodedWarning",
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
    "from_votes",
    "id_key",
    "publish_envelope",
    "read",
    "read_envelopes",
    "recalibrated",
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
    from .archive import Archived, Archiver, archive
    from .decode import Column
    from .envelope import (
        DEFAULT_STREAM_NAME,
        Argument,
        Citation,
        Decision,
        DecisionEnvelope,
        Vote,
        decode_envelope,
    )
    from .errors import LabError, MissingFontWarning, NothingDecodedWarning, OptionError, SourceError
    from .frames import id_key
    from .history import History, with_outcomes
    from .history.dictionary import dictionary
    from .history.from_votes import from_votes
    from .history.read import aread, read, redecode, sample
    from .history.recalibrated import recalibrated
    from .live import Follower
    from .live.replay import replay
    from .scale import scan
    from .snapshot import compact, verify
    from .stream import follow_envelopes, publish_envelope, read_envelopes
    from .widget import LiveView, follow

_LISTED = {
    "Column": "decode",
    "Follower": "live",
    "History": "history",
    "archive": "archive",
    "compact": "snapshot",
    "dictionary": "history",
    "follow": "widget",
    "from_votes": "history",
    "read": "history",
    "redecode": "history",
    "replay": "live",
    "sample": "history",
    "scan": "scale",
    "verify": "snapshot",
    "with_outcomes": "history",
}
"""Names that a notebook completes -> the module they are loaded from when first asked for."""

_UNLISTED = {
    "DEFAULT_STREAM_NAME": "envelope",
    "Archived": "archive",
    "Archiver": "archive",
    "Argument": "envelope",
    "Citation": "envelope",
    "Decision": "envelope",
    "DecisionEnvelope": "envelope",
    "LabError": "errors",
    "LiveView": "widget",
    "MissingFontWarning": "errors",
    "NothingDecodedWarning": "errors",
    "OptionError": "errors",
    "SourceError": "errors",
    "Vote": "envelope",
    "aread": "history",
    "decode_envelope": "envelope",
    "follow_envelopes": "stream",
    "id_key": "frames",
    "publish_envelope": "stream",
    "read_envelopes": "stream",
    "recalibrated": "history",
}
"""Errors, models and the names other programs use -> their module."""

_MODULES = (
    "charts", "stats",
    "decode", "envelope", "errors", "frames", "history", "ndjson", "storage", "stream",
)  # fmt: skip
"""Modules that need no import of their own; a notebook completes the first two."""


def __getattr__(name: str) -> Any:
    """Load a name when it is first asked for, so that nobody waits for libraries they do not use."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if home := _LISTED.get(name) or _UNLISTED.get(name):
        return getattr(import_module(f"{__name__}.{home}"), name)
    # Of these names Python suggests the one that was meant.
    names = SimpleNamespace(**dict.fromkeys(__all__))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=names)


def __dir__() -> list[str]:
    """List what a notebook completes, whether it is loaded or not."""
    return [*_LISTED, *_MODULES[:2], "__version__"]


class _Package(ModuleType):
    """Keeps ``archive`` the function: importing the folder of that name would put the folder in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name == "archive" and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Let functions that name the package travel to Dask's workers, as with a plain module."""
        return import_module, (self.__name__,)


sys.modules[__name__].__class__ = _Package
