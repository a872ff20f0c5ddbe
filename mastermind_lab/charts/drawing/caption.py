"""What is said of a picture beside it: one paragraph, kept as long as its Axes."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from weakref import WeakKeyDictionary

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from ...errors import OptionError
from ...text import visible
from .figures import extent, grow, lay_out_all
from .ink import STRONG, shade
from .text import PLAIN, clean, small_size, wrapped

_LINE = 1.25  # from one line to the next, by the height of the text
_KEPT: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()


def caption(drawn: Axes | Figure | SubFigure) -> str:
    """Say what a chart shows, in a paragraph to paste under it: n, the intervals, and all that was left out.

    Parameters
    ----------
    drawn
        The Axes that a chart returned, or a figure that has some: then each is named (a), (b) and so on.

    Raises
    ------
    OptionError
        If no chart of this package was drawn there.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.caption(lab.charts.stability(lab.sample(), by="meta.category"))[:53]
    'Stability by category. n = 300 questions asked again.'
    """
    if text := said_of(drawn):
        return text
    raise OptionError("no chart of mastermind_lab was drawn there, so that there is no caption")


def said_of(drawn: Axes | Figure | SubFigure) -> str:
    """Return the caption, empty where there is none."""
    found = [_KEPT[ax] for ax in _axes_of(drawn) if ax in _KEPT]
    if len(found) <= 1:
        return "".join(found)
    return " ".join(f"({letter}) {text}" for letter, text in zip(ascii_lowercase, found, strict=False))


def _axes_of(drawn: Axes | Figure | SubFigure) -> list[Axes]:
    """Return the Axes of a figure, and of its parts, which a part does not tell of by itself."""
    if not isinstance(drawn, Figure | SubFigure):
        return [drawn]
    return list(dict.fromkeys([*drawn.axes, *(ax for part in drawn.subfigs for ax in _axes_of(part))]))


def keep(ax: Axes, sentences: Sequence[str]) -> None:
    """Keep what is said of a picture."""
    _KEPT[ax] = " ".join(f"{_capital(visible(sentence))}." for sentence in sentences if sentence)


def add(ax: Axes, sentences: Sequence[str]) -> None:
    """Say more of a picture of which something is said."""
    if ax in _KEPT:
        said = _KEPT[ax]
        keep(ax, sentences)
        _KEPT[ax] = f"{said} {_KEPT[ax]}".strip()


def write_below(ax: Axes) -> None:
    """Write the caption below the Axes, as wide as they are, on a figure that becomes so much higher."""
    lay_out_all(ax)
    size, (width, _) = small_size(), extent(ax)
    whole = ax.get_tightbbox() or ax.bbox
    below = ax.bbox.y0 - whole.y0
    lines = wrapped(clean(caption(ax), 10_000), width / size, most=1_000)
    place = (0, -72 * below / ax.figure.dpi - size)
    ax.annotate(
        "\n".join(lines), (0, 0), place, "axes fraction", "offset points",
        va="top", fontsize=size, color=shade(ax, STRONG), annotation_clip=False, **PLAIN,
    )  # fmt: skip
    grow(ax, size * (1 + _LINE * len(lines)))


def _capital(sentence: str) -> str:
    """Begin with a capital, but for a symbol such as n."""
    return sentence if sentence.startswith("n = ") else sentence[:1].upper() + sentence[1:]
