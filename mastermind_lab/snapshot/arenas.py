"""Archives of several streams below one folder: where each of them lies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import quote

from ..errors import OptionError
from ..storage import folder as folder_of
from ..text import brief, visible

ARENA = "arena="


def arena_folders(folder: str | os.PathLike[str], streams: str | Sequence[str]) -> dict[str, str]:
    """Say which folder each stream's archive is: the one that is named, or of several one below it each.

    Raises
    ------
    OptionError
        One stream's archive and those of several would lie in each other.
    """
    root, name = folder_of(folder), os.fspath(folder)
    if isinstance(streams, str):
        if root.has_folder(_below(streams)):
            raise OptionError(
                f"{brief(name, 300, visible)} holds archives of several streams, also of {streams!r:.300}. "
                f"Nothing was changed: give the folder {_below(streams):.300} in it, or another one."
            )
        return {streams: name}
    if root.has_folder("decisions"):
        raise OptionError(
            f"{brief(name, 300, visible)} is an archive of one stream: those of several would lie within it. "
            "Nothing was changed: choose another folder."
        )
    return {stream: f"{name.rstrip('/')}/{_below(stream)}" for stream in streams}


def _below(stream: str) -> str:
    return ARENA + quote(stream, safe="")
