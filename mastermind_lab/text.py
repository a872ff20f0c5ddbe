"""Text that strangers wrote, made fit to be shown: on one line, cut, and without what steers its reader.

A terminal obeys control characters, a browser and a terminal turn lines around at direction marks, a log is
read line by line. Each way out adds its own last step: a page escapes HTML, a picture leaves out what its
fonts cannot draw, a log writes all but ASCII as escapes.

And numbers as text, one spelling for equal ones.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from itertools import count
from typing import Any

from .wire import URL_VARIABLES

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

# They would turn around what stands behind them.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# All up to the last @, since a password may hold any character; the drive of a Windows path is no user.
_USER = r"(?is)^([a-z][a-z0-9+.-]*:/+)?(?![a-z]:[\\/])[^:@]*:.*@"
_PARAMETER = r"(?i)(?<=[?&#])(\w*(?:pass|pwd|user|auth|secret|token|key)\w*)=[^&]*"

# A password without a host: what stands for the port is none. Several hosts are divided by commas.
_NO_HOST = r"(?is)^([a-z][a-z0-9+.-]*://)[^:/?#@\[\]]*:(?!\d*([,/?#]|$)).*"


def without_password(place: str) -> str:
    """Show a URL, or what was meant for one, without user and password: as it is where there are none.

    Examples
    --------
    >>> without_password("redis://me:p#w@host:6379/0"), without_password("me:pw@host")
    ('redis://…@host:6379/0', '…@host')
    >>> without_password("https://host/data?token=abc&page=2"), without_password("runs/a@b.ndjson")
    ('https://host/data?token=…&page=2', 'runs/a@b.ndjson')
    >>> without_password("redis://me:pw"), without_password("redis://host:6379")
    ('redis://…', 'redis://host:6379')
    """
    user = re.match(_USER, place)
    if user and re.search(_PARAMETER, place):
        return (user[1] or "") + ELLIPSIS  # which of them holds the other cannot be told
    shown = re.sub(_USER, rf"\1{ELLIPSIS}@", place)
    return re.sub(_PARAMETER, rf"\1={ELLIPSIS}", re.sub(_NO_HOST, rf"\1{ELLIPSIS}", shown))


class SecretUrl(str):
    """A URL whose user and password are shown to nobody and sent nowhere: its repr and its pickle lack them.

    Where the pickle is loaded, the environment may have the whole URL: the variables of
    :data:`mastermind_lab.wire.URL_VARIABLES` are looked at. Else it stays without.

    Examples
    --------
    >>> SecretUrl("redis://me:secret@host:6379")
    'redis://…@host:6379'
    """

    __slots__ = ()

    @classmethod
    def of(cls, source: Any) -> Any:
        """Return a text as such a URL, and anything else as it is."""
        return cls(source) if isinstance(source, str) else source

    def __repr__(self) -> str:
        return repr(without_password(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return _loaded, (without_password(self),)


def _loaded(shown: str) -> SecretUrl:
    there = (os.environ.get(name, "") for name in URL_VARIABLES)
    return SecretUrl(next((url for url in there if url and without_password(url) == shown), shown))


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
    tail = most * 3 // 7
    return text if len(text) <= most else text[: most - 1 - tail] + ELLIPSIS + text[-tail:]


_BETWEEN_WORDS = re.compile(r"[\s/_:|,;@-]")  # a dot is part of a version
_MAKER = re.compile(r"^[^\s/.]+/(?=[^/]+$)")  # with a dot it is the host of an address
_MOST_LOOKED_AT = 1_000


def apart(names: Sequence[str], most: int, clean: Callable[[str], str]) -> list[str]:
    """Clean names and cut them to so many characters, so that different ones stay different.

    Of those that are too long is left out the maker of a model, ``maker/model``, then what they share, at
    both ends, then their middle; of those that then are alike, more of what they share, and more between two
    parts of them. What cannot be told apart so has a number behind it, which is longer than ``most`` where
    that is below 8.

    Examples
    --------
    >>> apart(["llama-3.3-70b-instruct", "llama-3.3-70b-instruct-concrete", "Ada"], 16, visible)
    ['…70b-instruct', '…instruct…ncrete', 'Ada']
    >>> apart(["Ada", "Ada\\u200b", "Bo"], 16, lambda text: visible(text, ""))
    ['Ada', 'Ada (2)', 'Bo']
    """
    cleaned = {name: clean(both_ends(name, _MOST_LOOKED_AT)).strip() for name in names}
    shorter = _without_maker({*cleaned.values()}, most)
    cut = _parted(_cut_apart({*shorter.values()}, most), most)
    labels, taken = {}, {*cut.values()}
    first: dict[str, str] = {}
    for name, text in cleaned.items():
        label = labels[name] = cut[shorter[text]]
        if first.setdefault(label, name) != name:
            labels[name] = _numbered(label, most, taken)
            taken.add(labels[name])
    return [labels[name] for name in names]


def _without_maker(texts: Collection[str], most: int) -> dict[str, str]:
    """Leave the maker of a model, ``maker/model``, out of names that are too long, if all stay different."""
    shorter = {text: _MAKER.sub(ELLIPSIS, text) if len(text) > most else text for text in texts}
    return shorter if len({*shorter.values()}) == len(texts) else {text: text for text in texts}


def _cut_apart(texts: Collection[str], most: int) -> dict[str, str]:
    """Cut texts; those that come out alike are cut once more among themselves."""
    labels = {text: text for text in texts if len(text) <= most}
    long = [text for text in texts if len(text) > most]
    for at_words in (True, False):
        start, end = _shared(long, at_words)
        labels |= {text: _around(text, start, len(text) - end, most) for text in long}
        if len({labels[text] for text in long}) > 1:
            break  # else by characters, which at least two of them begin to differ at
    groups: dict[str, list[str]] = {}
    for text in long:
        groups.setdefault(labels[text], []).append(text)
    for alike in groups.values():
        if 1 < len(alike) < len(texts):
            labels |= _cut_apart(alike, most)
    return labels


def _parted(cut: dict[str, str], most: int) -> dict[str, str]:
    """Keep two parts of those that came out alike: the one that was kept, and one that tells them apart."""
    labels, alike = {**cut}, dict[str, list[str]]()
    for text, label in sorted(cut.items()):  # in whatever order a set had them
        alike.setdefault(label, []).append(text)
    taken = {*cut.values()}
    for label, texts in alike.items():
        long = sorted(text for text in texts if len(text) > most)
        if len(texts) > 1 and long:
            labels |= _two_parts(long, max(label.split(ELLIPSIS), key=len), most, taken)
            taken |= {labels[text] for text in long}
    return labels


def _two_parts(texts: Sequence[str], kept: str, most: int, taken: Collection[str]) -> dict[str, str]:
    """Cut texts to two parts so that all differ, also from what is taken; return none if they can't."""
    differ = _shared(texts, at_words=False)[0]
    best = most * 3 // 7
    for room in sorted(range(2, most - 4), key=lambda room: abs(room - best)):
        for at_end in (True, False):
            labels = {}
            for text in texts:
                last = len(text) if at_end else min(differ + room, len(text))
                labels[text] = _two(text, max(text.find(kept), 0), last - room, last, most)
            if len({*labels.values()} - {*taken}) == len(texts):
                return labels
    return {}


def _two(text: str, first: int, second: int, last: int, most: int) -> str:
    """Cut a text to what begins at a first place, and what is between a second and a last one."""
    right = ELLIPSIS * (last < len(text))
    room = most - len(right) - (first > 0) - 1 - (last - second)
    if first + room >= second:
        return ELLIPSIS + text[max(last - (most - len(right) - 1), 1) : last] + right
    return ELLIPSIS * (first > 0) + text[first : first + room] + ELLIPSIS + text[second:last] + right


def _shared(texts: Sequence[str], at_words: bool) -> tuple[int, int]:
    """Say how many characters texts share at their beginning, and at their end behind that."""
    start = _same(texts, at_words)
    return start, _same([text[start:][::-1] for text in texts], at_words)


def _same(texts: Sequence[str], at_words: bool) -> int:
    """Count the characters that several texts begin with, up to the last end of a word if so asked."""
    if len(texts) < 2:
        return 0
    pairs = enumerate(zip(min(texts), max(texts), strict=False))
    same = next((place for place, (one, other) in pairs if one != other), min(map(len, texts)))
    ends = (between.end() for between in _BETWEEN_WORDS.finditer(texts[0][:same]))
    return max(ends, default=0) if at_words else same


def _around(text: str, start: int, end: int, most: int) -> str:
    """Cut a text to one part of it, with what stands behind it, then words before it, if there is room."""
    room = most - 2 - (end - start)
    if room < 0:
        left, right = ELLIPSIS * (start > 0), ELLIPSIS * (end < len(text))
        return left + both_ends(text[start:end], most - len(left) - len(right)) + right
    last = min(len(text), end + room)
    first = max(0, start - (room - (last - end)) - (last == len(text)))
    if first:  # half of a word that all share tells nobody anything
        first = min(
            (between.end() for between in _BETWEEN_WORDS.finditer(text[:start], first - 1)), default=first
        )
    return ELLIPSIS * (first > 0) + text[first:last] + ELLIPSIS * (last < len(text))


def _numbered(label: str, most: int, taken: Collection[str]) -> str:
    """Put a number behind a label, the first one that makes it different from all others."""
    numbered = ((label, f" ({number})") for number in count(2))
    fitting = (text[: max(most - len(mark), 0)] + mark for text, mark in numbered)
    return next(text for text in fitting if text not in taken)


def listed(names: Sequence[str], most: int = 25) -> str:
    """List names in a message, cleaned and cut so that different ones stay different; the rest is counted.

    Examples
    --------
    >>> listed(["model", "voter", "stance"], most=2), listed([])
    ('model, voter and 1 more', 'none')
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(apart(names[:most], 80, harmless)) + more or "none"


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


_LARGE = 10**21  # from here on JavaScript, too, writes an exponent


def one_spelling(value: Any) -> Any:
    """Spell equal numbers alike: a float64 column forgets whether 1 or 1.0 was said.

    So JSON text is the same whichever batch a value came in: whole numbers below 1e21 without a fraction,
    larger ones as floats where a float holds them.
    """
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) < _LARGE and str(value) != "-0.0" else value
    if type(value) is int and is_spelled_short(value):
        return float(value)
    return value


def is_spelled_short(value: int) -> bool:
    """Tell whether a whole number is spelled as the float that it is, with an exponent."""
    return abs(value) >= _LARGE and is_float(value)


def is_float(value: int) -> bool:
    """Tell whether a float holds a whole number exactly."""
    try:
        return float(value) == value
    except OverflowError:
        return False
