"""Text on a chart: text from data made fit to draw and measured, figures and counts spelled out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache

import pandas as pd
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import text_to_path

from ...labels import apart, counted
from ...stats.engine.estimate import Estimate
from ...stats.engine.identity import VOTER
from ...text import ELLIPSIS, brief, visible, without_markup
from .fonts import NO_GLYPH, Plain, drawable, families, own_fonts

PLAIN = Plain()
"""For every text from data: neither mathematics nor LaTeX, in fonts that have it. Make it drawable first."""

CHARACTER = 0.55
"""How wide a character is on average, by the height of its text."""

HINTED = 0.94
"""The share of a width that letters may take: they are wider than measured where they stand on whole dots."""

LEGEND = 24
"""Characters of a name in a legend."""

LEAST = 6.0
"""The smallest type in points; what needs smaller is folded, or cut."""

LOOKED_AT = 4_000
"""Characters of a long text that are looked at."""

_NARROWEST = 0.25  # how wide a letter is at least

_LEAST = 8  # characters of a name, in which there is room for a number that tells it from others


def clean(value: object, most: int = 40) -> str:
    """Make text from data fit to draw: one line, no control or direction marks, cut, no missing glyphs.

    Characters that no installed font has are shown as a square, and a warning says so.
    """
    own = own_fonts()
    return brief(str(value), most, lambda text: _drawable(text, own)) or "(empty)"


def names_apart(values: Iterable[object], most: int) -> list[str]:
    """Make names that stand side by side fit to draw; where they are cut, different ones stay different."""
    own = own_fonts()
    return apart([str(one) for one in values], most, lambda text: _drawable(text, own).strip() or "(empty)")


def fitted_apart(values: Collection[object] | pd.Series, width: float) -> list[str]:
    """Make names that stand side by side fit to draw, cut to a width in heights of the text."""
    return cut_by_kind(values, width, _cut_alike)


def cut_by_kind(
    names: Iterable[object], width: float, cut: Callable[[list[object], float], list[str]]
) -> list[str]:
    """Cut names to a width in heights of the text; those of wide characters to fewer of them.

    Who is short enough is not cut because others are wide.
    """
    names = list(names)
    looked_at = [clean(name, 40) for name in names]
    wide = [text_width(text) > 0.8 * len(text) for text in looked_at]
    texts = [""] * len(names)
    for kind in (True, False):
        places = [place for place, one in enumerate(wide) if one is kind]
        for place, text in zip(places, cut([names[place] for place in places], width), strict=True):
            texts[place] = text
    widest = max([width, *(text_width(line) for text in texts for line in text.splitlines())])
    return [
        one if ELLIPSIS in text and ELLIPSIS not in one and text_width(one) <= widest else text
        for one, text in zip(looked_at, texts, strict=True)
    ]


def _cut_alike(names: Sequence[object], width: float) -> list[str]:
    most = max(_LEAST, int(width / 0.35))
    texts = names_apart(names, most)
    while most > _LEAST and (drawn := max(map(text_width, texts), default=0)) > width:
        most = max(_LEAST, min(most - 1, int(most * width / drawn)))
        texts = names_apart(names, most)
    return texts


def fitted(value: object, width: float) -> str:
    """Make text from data fit to draw, cut to a width in heights of the text."""
    text = clean(value, max(2, int(width / 0.35)))
    while len(text) > 2 and (drawn := text_width(text)) > width:
        text = clean(value, max(2, min(len(text) - 1, int(len(text) * width / drawn))))
    return text


def wrapped(text: str, width: float, most: int = 3) -> list[str]:
    """Break a text into lines of a width in heights of the text; the last of so many is cut."""
    width = max(0.0, width)  # of Axes that have no room it is no number
    lines, many = [""], int(width / _NARROWEST) + 1
    for word in (piece for long in text.split() for piece in _pieces(long, width, many)):
        longer = f"{lines[-1]} {word}".strip()
        if len(lines) == most or not lines[-1] or text_width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
        if len(lines) == most and len(lines[-1]) > many:
            break  # what is cut anyway need not be read to its end
    return [fitted(line, width) for line in lines]


def _pieces(word: str, width: float, many: int) -> Iterator[str]:
    """Break a word that is wider than a line of so many letters at most, as a sentence in Chinese is."""
    while len(word) > 1 and (drawn := text_width(word[:many])) > width:
        place = max(1, int(len(word[:many]) * width / drawn))
        while place > 1 and text_width(word[:place]) > width:
            place -= 1
        yield word[:place]
        word = word[place:]
    if word:
        yield word


def unmarked(value: object) -> str:
    """Return the beginning of what somebody wrote at length, without HTML."""
    return without_markup(str(value)[:LOOKED_AT])


def text_width(text: str) -> float:
    """Return how wide a line is, by the height of its text."""
    return _width(text, tuple(families()))


@lru_cache(maxsize=1_000)
def _width(text: str, fonts: tuple[str, ...]) -> float:
    font = FontProperties(family=list(fonts), size=1)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def small_size() -> float:
    """Return the height of small text in points: what the charts write with."""
    return FontProperties(size="small").get_size_in_points()


def tiny_size() -> float:
    """Return the height of the smallest text in points: figures in squares, names of panels' ticks."""
    return max(min(LEAST, small_size()), 0.8 * small_size())


def _drawable(text: str, own: Sequence[FT2Font]) -> str:
    return drawable(visible(text, NO_GLYPH), own)


def estimate_in(row: pd.Series, figure: str) -> Estimate:
    """Return a figure of a table's row with its interval."""
    value, low, high = (float(row[figure + end]) for end in ("", "_low", "_high"))
    return Estimate(value, low, high, 0)


def format_n(n: float, what: str, **left_out: float) -> list[str]:
    """Write n, and how many were left out and why, for a heading."""
    counts = {reason.replace("_", " "): int(count) for reason, count in left_out.items() if count}
    named = re.sub(r"\b(decision|node|vote)s\b", r"\1", what) if int(n) == 1 else what
    first = f"n = {int(n):,} {named}" if n else f"no {what}"
    return [first, *(f"{count:,} {reason} left out" for reason, count in counts.items())]


def format_voters(voter: str, repeated: int) -> list[str]:
    """Write what tells voters apart if not their name, and how often one voted more than once."""
    told_apart = [] if voter == VOTER else [f"voters: {clean(voter)}"]
    return told_apart + ([counted(repeated, "repeated vote")] if repeated else [])
