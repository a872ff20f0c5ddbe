"""Text that strangers wrote, made fit to be shown: on one line, cut, and without what steers its reader.

A terminal obeys control characters, a browser and a terminal turn lines around at direction marks, a log is
read line by line. Each way out adds its own last step: a page escapes HTML, a picture leaves out what its
fonts cannot draw, a log writes all but ASCII as escapes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

# They would turn around what stands behind them.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: str, unfit: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """Put text on one line and replace whatever cannot be seen: for a terminal, or a picture.

    Controls (ESC, C1 and NUL among them), direction marks, lone surrogates, characters without width and
    those that mean nothing yet are replaced; white space of any kind becomes a space.

    Examples
    --------
    >>> visible("a\\x1b[31m\\nb\\u200bc")
    'a�[31m b�c'
    """
    return text if text.isprintable() else _replaced(text, str.isprintable, unfit)


def harmless(text: str, unfit: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """Put text on one line and replace only what steers its reader: for HTML, whose fonts show all scripts.

    Unlike :func:`visible` it leaves joiners alone, which Persian words and family emoji are made with.
    """
    return text if text.isprintable() else _replaced(text, _is_harmless, unfit)


def _is_harmless(character: str) -> bool:
    return character not in _DIRECTION and unicodedata.category(character) not in ("Cc", "Cs")


def _replaced(text: str, fits: Callable[[str], bool], unfit: str) -> str:
    return "".join(" " if one.isspace() else one if fits(one) else unfit for one in text)


_BLOCKS = "p|br|div|li|ul|ol|dl|dt|dd|h[1-6]|pre|blockquote|table|thead|tbody|tr|hr|section|article"
_INLINE = "b|i|em|strong|u|s|span|code|tt|kbd|sub|sup|small|mark|font|td|th|q|cite"
_MARKUP = rf"(?i)</?(?:({_BLOCKS})|{_INLINE})(?:\s[^<>]*)?/?>"


def without_markup(text: str) -> str:
    """Return what somebody wrote as HTML without the tags that format it: a block begins a line.

    A text without such tags stays as it is; no other tag is touched, so that it can be seen.

    Examples
    --------
    >>> without_markup("<p>Is 1 &lt; 2,<br/>and <b>why</b>?</p>"), without_markup("a < b &amp; c > <script>")
    ('Is 1 < 2,\\nand why?', 'a < b &amp; c > <script>')
    """
    plain, tags = re.subn(_MARKUP, lambda tag: "\n" if tag[1] else "", text)
    if not tags:
        return text
    from html import unescape  # here, because it loads every named character

    return unescape(plain).strip()


_ROOTS = ("meta.", "decision.", "vote.", "citation.", "argument.")
_QUOTED_STEP = r'(?:(?<=^)|(?<=\.))"(?:[^"\\]|\\.)*"(?=\.|$)'


def column_label(column: str) -> str:
    """Name a column to a reader: without what all open ones begin with, and without the quotes of its keys.

    Examples
    --------
    >>> column_label('meta.tokens."gpt-4.1"'), column_label("confidence")
    ('tokens.gpt-4.1', 'confidence')
    """
    short = next((column.removeprefix(root) for root in _ROOTS if column.startswith(root)), column)
    return re.sub(_QUOTED_STEP, _key, short)


def _key(step: re.Match[str]) -> str:
    import json  # here, because no command waits for it that only shows help

    try:
        return str(json.loads(step[0]))
    except ValueError:
        return step[0]


def paragraphs(text: str, clean: Callable[[str], str]) -> str:
    """Clean what somebody wrote at length, line by line; its paragraphs stay, what formats HTML goes.

    Examples
    --------
    >>> paragraphs("<p>one</p><p>two\\x07</p>", visible)
    'one\\n\\ntwo�'
    """
    lines = [clean(line).strip() for line in without_markup(text).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def brief(text: str, most: int, clean: Callable[[str], str]) -> str:
    """Clean a text and cut it to so many characters; the last is an ellipsis where something is left out.

    Only its beginning is looked at, so a text of any length costs the same.

    Examples
    --------
    >>> brief("one\\ntwo three", 8, visible)
    'one two…'
    """
    looked_at = text[: most * 4]
    cleaned = clean(looked_at).strip() + (ELLIPSIS if len(text) > len(looked_at) else "")
    return cleaned if len(cleaned) <= most else cleaned[: most - 1].rstrip() + ELLIPSIS


def both_ends(text: str, most: int) -> str:
    """Cut a name in its middle: names that begin alike, such as addresses, stay apart by their ends.

    Examples
    --------
    >>> both_ends("example.org/papers/2026/tram", 16)
    'example.o…6/tram'
    """
    if len(text) <= most:
        return text
    tail = most * 3 // 7
    return text[: max(most - 1 - tail, 0)] + ELLIPSIS + text[len(text) - tail :]


def terminal_line(text: str, most: int = 80) -> str:
    """Make text fit for a line of a terminal: :func:`visible`, each gap one space, cut.

    Examples
    --------
    >>> terminal_line("a\\x1b[31m\\n  b")
    'a�[31m b'
    """
    return brief(text, most, lambda part: " ".join(visible(part).split()))


_FORMULA = tuple("=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\uff20")


def defused(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula.

    One that begins so already gets another, so that :func:`undefused` finds each as it was.

    Examples
    --------
    >>> defused("=1+1"), defused("1+1"), defused("'=1+1")
    ("'=1+1", '1+1', "''=1+1")
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def undefused(text: str) -> str:
    """Take away the apostrophe that :func:`defused` has put there.

    Examples
    --------
    >>> [undefused(defused(one)) for one in ("=1+1", "1+1", "'=1+1", "'tis")]
    ['=1+1', '1+1', "'=1+1", "'tis"]
    """
    return text.removeprefix("'") if text.lstrip("'").startswith(_FORMULA) else text
