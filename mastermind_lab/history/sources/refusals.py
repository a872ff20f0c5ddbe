"""What is given as a source and is none: what it is, and what to give instead."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Iterable
from inspect import GEN_CLOSED, getgeneratorstate, isgenerator
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json

from ...errors import OptionError
from ...storage import is_remote, local_path
from ..history import History
from .streams import is_client

_LONGEST_NAME = 4_096
_GIVE = (
    "give a URL, a redis client, a path, or an iterable of payloads, each the JSON text of one envelope (one "
    "payload alone goes into a list)"
)


def checked(source: Any) -> Any:
    """Return a source, a name of something on this machine as its path, or refuse what can be none.

    Raises
    ------
    OptionError
        It can't be read; the message says what it is, and what to give.
    """
    advice = _advice(source)
    if advice:
        raise OptionError(f"cannot read from a {type(source).__name__}: {advice}")
    is_name = isinstance(source, str | bytes | os.PathLike) and source != "-" and not is_remote(source)
    return local_path(source) if is_name else source


def _advice(source: Any) -> str | None:
    if isinstance(source, str | bytes | bytearray):
        return _instead_of_text(source)
    if isinstance(source, History):
        return "it has been read already; what it holds is in its frames, such as history.decisions"
    if isinstance(source, dict | BaseModel):
        text = "source.model_dump_json()" if isinstance(source, BaseModel) else "json.dumps(source)"
        return f"it is an object, and what is read is JSON text: give [{text}]"
    if hasattr(type(source), "columns"):
        return (
            "a table has no envelopes in it, only a column may: give that column, source['...'], of JSON "
            "texts; and of a snapshot's Parquet files, the folder that holds 'decisions'"
        )
    if isgenerator(source) and getgeneratorstate(source) == GEN_CLOSED:
        return "it has been used up, and gives nothing any more: make a new one, or give a list"
    is_any = isinstance(source, Iterable | os.PathLike) or is_client(source)
    return None if is_any else _GIVE


def _instead_of_text(source: str | bytes | bytearray) -> str | None:
    given = source.encode(errors="replace") if isinstance(source, str) else source
    text = given.removeprefix(BOM_UTF8).strip()
    if text.startswith((b"{", b"[")):
        try:
            from_json(text)
        except ValueError:
            pass
        else:
            return f"it is JSON itself, and the name of nothing: {_GIVE}"
        if len(text.splitlines()) > 1:
            lines = "source.encode().splitlines()" if isinstance(source, str) else "source.splitlines()"
            return f"it is text of several lines, and the name of nothing: give a list of them, {lines}"
    if len(source) > _LONGEST_NAME:
        return f"it has {len(source):,} characters, more than a name may have: {_GIVE}"
    return _GIVE if isinstance(source, bytearray) else None
