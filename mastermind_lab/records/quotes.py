"""Quoted cells of CSV (RFC 4180): each ends with a quote that a delimiter or the end of its line follows."""

from __future__ import annotations

import re

import numpy as np

from ..errors import SourceError
from ..text import brief, harmless

_QUOTE, _SHOWN = ord('"'), 40


def check_quotes(content: bytes, delimiter: str, file: str) -> None:
    """Refuse a quoted cell with something behind its closing quote, or without one: it swallows rows.

    Raises
    ------
    SourceError
        With the lines in which the first such cell begins and ends.
    """
    if b'"' not in content or _are_pairs(content, delimiter):
        return
    # A quote within a cell that begins with none is only a character.
    ends = re.escape(delimiter.encode()) + rb"\r\n"
    quoted = rb'"[^"]*+(?:""[^"]*+)*+'
    cells = re.compile(rb'(?:%b"(?=[%b]|\Z)|[^"%b][^%b]*+|[%b])*+' % (quoted, *[ends] * 4)).match(content)
    begin = cells.end() if cells else 0
    fault = re.compile(quoted).match(content, begin)
    if not fault:
        return
    first, last = (content.count(b"\n", 0, place) + 1 for place in (begin, fault.end()))
    rest = [*content[fault.end() + 1 : fault.end() + 4 * _SHOWN].splitlines(), b""][0]
    shown = brief(rest.decode(errors="replace"), _SHOWN, harmless)
    is_closed = fault.end() < len(content)
    said = f"closes in line {last} before {shown!r}" if is_closed else "is never closed"
    raise SourceError(
        f'{file}: the quoted cell that begins in line {first} {said}: a cell ends with its closing "; '
        'a " in a quoted cell is written twice'
    )


def _are_pairs(content: bytes, delimiter: str) -> bool:
    """Tell whether quotes open and close by turns, each where a cell begins or ends, or beside another."""
    data = np.frombuffer(content, np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    if len(quotes) % 2:
        return False
    border = np.zeros(256, bool)
    border[[*f'{delimiter}\r\n"'.encode()]] = True
    before, behind = quotes[::2] - 1, quotes[1::2] + 1
    before, behind = before[before >= 0], behind[behind < len(data)]
    return bool(border[data[before]].all() and border[data[behind]].all())
