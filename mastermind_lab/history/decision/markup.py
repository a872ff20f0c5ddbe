"""HTML of a card: a text from data is escaped, in its own direction, and is nothing else than text."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ...text import brief, harmless, paragraphs

NAME, LINE, WHOLE = 160, 600, 6_000
"""Characters that are shown of a name, a line, a text."""

_OPEN = 140  # characters of a text beside a vote that stand there without being opened


def escaped(value: str) -> str:
    """Escape a text for a page, attributes included."""
    from html import escape  # here, because it loads every named character

    return escape(value)


def inline(value: Any, most: int = NAME, tag: str = "bdi", kind: str = "") -> str:
    """Return a text from data as an element that has its own direction."""
    css = f' class="{kind}"' if kind else ""
    return f'<{tag}{css} dir="auto">{escaped(brief(str(value), most, harmless))}</{tag}>'


def block(value: str, kind: str = "") -> str:
    """Return what somebody wrote at length, with its paragraphs."""
    written = brief(value, WHOLE, lambda part: paragraphs(part, harmless))
    return f'<div class="lines {kind}" dir="auto">{escaped(written)}</div>'


def soft(words: str) -> str:
    """Return words of ours that stay in the background."""
    return f'<span class="soft">{words}</span>'


def soft_line(words: str) -> str:
    """Return such words on a line of their own."""
    return f'<div class="soft small">{words}</div>'


def bar(confidence: float, before: float | None = None) -> str:
    """Draw a share from 0 to 1, with a mark at what it was before."""
    mark = "" if before is None else f'<b style="left:{_percent(before)}"></b>'
    return f'<span class="bar" aria-hidden="true"><i style="width:{_percent(confidence)}"></i>{mark}</span>'


def _percent(share: float) -> str:
    return f"{100 * min(max(share, 0), 1):.0f}%"


def section(title: str, inside: str, more: str = "") -> str:
    """Return a part of a card under its title."""
    return f'<div class="part"><div class="head"><b>{title}</b>{more}</div>{inside}</div>'


def and_more(count: int, most: int) -> str:
    """Say how many are not shown."""
    return soft_line(f"and {count - most:,} more") if count > most else ""


def folded(value: str) -> str:
    """Return a text, the rest of a long one behind its beginning."""
    written = brief(value, WHOLE, lambda part: paragraphs(part, harmless))
    if len(written) <= _OPEN:
        return f'<span class="lines" dir="auto">{escaped(written)}</span>'
    cut = written.rfind(" ", _OPEN // 2, _OPEN)
    cut = _OPEN if cut < 0 else cut
    first, rest = escaped(written[:cut]), escaped(written[cut:].lstrip())
    rest = f'<div class="lines" dir="auto">… {rest}</div>'
    return f'<details><summary dir="auto">{first} …</summary>{rest}</details>'


def link(source: str) -> str:
    """Return an address as a link to what it shows; whatever else a source may be, as text."""
    if not is_address(source):
        return inline(source, LINE)
    address = escaped(source)
    return f'<a class="small" href="{address}" rel="noopener noreferrer" target="_blank">{address}</a>'


def is_address(source: str) -> bool:
    """Tell whether a source is a plain http or https address, which shows where it leads.

    Examples
    --------
    >>> [is_address(one) for one in ("https://a.example/b?c", "javascript:alert(1)", "https://a@b.example")]
    [True, False, False]
    """
    if len(source) > LINE or not source.isascii() or not source.isprintable() or {*source} & {*" \\\"'<>`"}:
        return False
    try:
        parts = urlsplit(source)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
