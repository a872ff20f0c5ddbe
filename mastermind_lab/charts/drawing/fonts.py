"""Fonts for text in any script: those that a style names, then whichever installed one has a character.

What no font has is drawn as a square, and a warning says once of which script it is and where fonts are.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any

from matplotlib import font_manager, rcParams
from matplotlib.font_manager import FontEntry, FontProperties
from matplotlib.ft2font import FT2Font

from ...errors import MissingFontWarning, callers_level

NO_GLYPH = "\N{WHITE SQUARE}"

_USUAL, _BOLD = (font_manager.weight_dict[name] for name in ("normal", "bold"))
_BLOCK = 7  # bits of a code point below those that a font's blocks are told by
# Of matplotlib's own: boxes for whole scripts, and parts of formulas under the codes of other characters.
_NO_TEXT = ("Last Resort", "STIXSize", "STIXNonUnicode", "cm", "DejaVu Math")
_EAST_ASIAN = ((0x2E80, 0xA4CF), (0xAC00, 0xD7FF), (0x1100, 0x11FF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF))

_needed: dict[str, int] = {}  # families beside those of a style, and how many characters each has
_warned: set[str] = set()
_collected: ContextVar[list[str] | None] = ContextVar("collected", default=None)


class Plain(Mapping[str, Any]):
    """Keywords for all text from data: no mathematics, no LaTeX, and fonts for what was made drawable."""

    def __getitem__(self, name: str) -> Any:
        if name == "fontfamily" and _needed:
            return families()
        if name in ("parse_math", "usetex"):
            return False
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("parse_math", "usetex", *(["fontfamily"] if _needed else [])))

    def __len__(self) -> int:
        return 3 if _needed else 2


def families() -> list[str]:
    """Name the fonts to draw text from data with: those of the style, then those that it was found to need.

    The largest comes first: a font of formulas has single letters of many scripts.
    """
    needed = sorted(_needed, key=lambda family: -_needed[family])
    return [*dict.fromkeys([*rcParams["font.family"], *needed])]


def bold(text: str) -> dict[str, Any]:
    """Return what makes drawable text bold, which is nothing where one of its fonts has no such letters.

    matplotlib would say in its log that it takes others.
    """
    own = own_fonts()
    others = [entry.name for entry in map(_family_of, _lacking(text, own)) if entry]
    if not all(map(_is_bold_there, [*(font.family_name for font in own), *others])):
        return {}
    return {"weight": "bold", "fontfamily": list(dict.fromkeys([*rcParams["font.family"], *others]))}


def drawable(text: str, own: Sequence[FT2Font]) -> str:
    """Put a square in place of each character that no font has.

    For those that ``own``, the fonts of the style, lack, others are from now on among :func:`families`. A
    script that no font has is warned of once.
    """
    lacking = _lacking(text + NO_GLYPH, own)
    unknown = {one for one in lacking if not _is_found(one)} - {NO_GLYPH}
    _warn(unknown)
    return "".join(NO_GLYPH if one in unknown else one for one in text) if unknown else text


def _lacking(text: str, own: Sequence[FT2Font]) -> set[str]:
    return {one for one in {*text} - {" ", "\n"} if not any(map(_has(one), own))}


def _has(character: str) -> Callable[[FT2Font], bool]:
    code = ord(character)
    return lambda font: font.get_char_index(code) != 0


@contextmanager
def collected() -> Iterator[list[str]]:
    """Collect warnings instead of showing them: for pictures that are drawn where nobody asked for one."""
    said: list[str] = []
    token = _collected.set(said)
    try:
        yield said
    finally:
        _collected.reset(token)


def own_fonts() -> list[FT2Font]:
    """The fonts of the style: one for each family that is installed."""
    paths = []
    for family in rcParams["font.family"]:
        try:
            paths.append(font_manager.findfont(FontProperties(family=[family]), fallback_to_default=False))
        except ValueError:
            continue
    return [font_manager.get_font(path) for path in paths or [font_manager.findfont(FontProperties())]]


def _is_found(character: str) -> bool:
    family = _family_of(character)
    if family is not None:
        _needed[family.name] = _blocks(_file_of(family)).total()
    return family is not None


def _family_of(character: str) -> FontEntry | None:
    return _family_with(ord(character), len(font_manager.fontManager.ttflist))


@lru_cache(maxsize=20_000)
def _family_with(code: int, installed: int) -> FontEntry | None:
    """Return a family that draws a character, the one that has most of its neighbours; None where none does.

    One without letters of the usual weight comes last: matplotlib says in its log that it takes others.
    """

    def merit(entry: FontEntry) -> tuple[bool, int, bool, bool]:
        most = _blocks(entry.fname)[code >> _BLOCK]
        return _weight(entry) == _USUAL, most, entry.name in _needed, "Sans" in entry.name

    having = [entry for entry in _texts(installed) if code >> _BLOCK in _blocks(entry.fname)]
    having.sort(key=merit, reverse=True)
    return next((entry for entry in having if _draws(_file_of(entry), code)), None)


def _file_of(family: FontEntry) -> str:
    """Return the file that matplotlib draws with: of a family there may be several, old ones and new ones."""
    return font_manager.findfont(FontProperties(family=family.name, weight=family.weight))


def _is_bold_there(family: str) -> bool:
    entries = (entry for entry in font_manager.fontManager.ttflist if entry.name == family)
    return any(entry.style == "normal" and _weight(entry) == _BOLD for entry in entries)


@lru_cache(maxsize=1)
def _texts(installed: int) -> list[FontEntry]:
    """Return an upright font of each installed family; where more are ``installed``, it is looked up anew."""
    entries = sorted(font_manager.fontManager.ttflist, key=_oddness, reverse=True)
    regular = {entry.name: entry for entry in entries}
    return [entry for name, entry in regular.items() if not name.startswith(_NO_TEXT)]


def _oddness(entry: FontEntry) -> tuple[bool, int]:
    return entry.style != "normal", abs(_weight(entry) - _USUAL)


def _weight(entry: FontEntry) -> int:
    named = entry.weight
    return named if isinstance(named, int) else font_manager.weight_dict.get(named, _USUAL)


@cache
def _blocks(path: str) -> Counter[int]:
    """Count the characters that a font has of each block."""
    try:
        return Counter(code >> _BLOCK for code in font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):  # damaged, or of a kind that cannot be drawn
        return Counter()


def _draws(path: str, code: int) -> bool:
    """Tell whether a font has an outline for a character: one of coloured pictures has none."""
    try:
        font = font_manager.get_font(path)
        if not font.get_char_index(code):
            return False
        font.load_char(code)
        return len(font.get_path()[0]) > 0
    except (OSError, RuntimeError, ValueError):
        return False


def _warn(characters: Iterable[str]) -> None:
    """Warn of the scripts of characters, each once."""
    examples = {_script(one): one for one in sorted(characters, reverse=True)}
    for (script, font), example in sorted(examples.items()):
        if script in _warned:
            continue
        _warned.add(script)
        words = (
            f"no installed font has {script} ({example}): charts show {NO_GLYPH} there. Install one that "
            f"has, {font} say (https://fonts.google.com/noto), and name its file to matplotlib: "
            "matplotlib.font_manager.fontManager.addfont(path)"
        )
        said = _collected.get()
        if said is not None:
            said.append(words)
        else:
            warnings.warn(words, MissingFontWarning, stacklevel=callers_level())


def _script(character: str) -> tuple[str, str]:
    """Say in words what a character is of, and name a font that is free and has it.

    Examples
    --------
    >>> [_script(one)[0] for one in "\N{THAI CHARACTER KO KAI}\N{SNOWMAN}\N{HANGUL SYLLABLE GA}"]
    ['Thai characters', 'symbols such as emoji', 'Chinese, Japanese or Korean characters']
    """
    code = ord(character)
    if any(first <= code <= last for first, last in _EAST_ASIAN) or 0x20000 <= code < 0x40000:
        return "Chinese, Japanese or Korean characters", "Noto Sans CJK"
    if unicodedata.category(character)[0] not in "LMN":
        return "symbols such as emoji", "Noto Emoji or Noto Sans Symbols 2"
    script = unicodedata.name(character, "other").split()[0].capitalize()
    return f"{script} characters", f"Noto Sans {script}"
