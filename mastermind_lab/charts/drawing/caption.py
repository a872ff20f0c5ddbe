"""What is said of a picture beside it: one paragraph, kept as long as it is on its Axes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from string import ascii_lowercase
from typing import Any, cast
from weakref import WeakKeyDictionary

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ...errors import OptionError, callers_level
from ...text import visible
from .figures import extent, grow, hidden_figure, lay_out_all
from .ink import STRONG, shade
from .text import PLAIN, clean, small_size, wrapped

_LINE = 1.32  # from one line to the next, by the height of the text
_NO_ROOM = (
    "there is no room for a caption below the Axes, so that it was left out: charts.caption(ax) says it, and "
    "may be written where it can stand"
)
# Sentences, the first of them the title, by the paper of the Axes: cleared ones have another.
_KEPT: WeakKeyDictionary[Artist, list[str]] = WeakKeyDictionary()


def caption(drawn: Axes | Figure | SubFigure) -> str:
    """Say what a chart shows, in a paragraph to paste under it: n, the intervals, and all that was left out.

    Parameters
    ----------
    drawn
        The Axes that a chart returned, or a figure that has some: then each is named (a), (b) and so on, and
        what holds for all of them is said once.

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
    found = [_KEPT[ax.patch] for ax in _told(drawn)]
    if len(found) <= 1:
        return " ".join(sentence for said in found for sentence in said)
    shared = [sentence for sentence in found[0][1:] if all(sentence in said for said in found)]
    parts = [
        letter + "".join(f" {sentence}" for sentence in _KEPT[ax.patch] if sentence not in shared)
        for ax, letter in letters(drawn).items()
    ]
    return " ".join([*parts, *(["In all of them:", *shared] if shared else [])])


def letters(drawn: Axes | Figure | SubFigure) -> dict[Axes, str]:
    """Return what the caption calls each of several Axes by; a single one has no letter."""
    several = _told(drawn)
    return {ax: f"({_letter(place)})" for place, ax in enumerate(several)} if len(several) > 1 else {}


def _letter(place: int) -> str:
    """Return a, b and so on; after z it is aa, ab and so on."""
    before, last = divmod(place, len(ascii_lowercase))
    return (_letter(before - 1) if before else "") + ascii_lowercase[last]


def _told(drawn: Axes | Figure | SubFigure) -> list[Axes]:
    """Return the Axes of which something is said."""
    return [ax for ax in _axes_of(drawn) if ax.patch in _KEPT]


def _axes_of(drawn: Axes | Figure | SubFigure) -> list[Axes]:
    """Return the Axes of a figure, and of its parts, which a part does not tell of by itself."""
    if not isinstance(drawn, Figure | SubFigure):
        return [drawn]
    return list(dict.fromkeys([*drawn.axes, *(ax for part in drawn.subfigs for ax in _axes_of(part))]))


def keep(ax: Axes, sentences: Sequence[str]) -> None:
    """Keep what is said of a picture."""
    _KEPT[ax.patch] = [f"{_capital(visible(sentence))}." for sentence in sentences if sentence]


def add(ax: Axes, sentences: Sequence[str]) -> None:
    """Say more of a picture of which something is said."""
    if said := _KEPT.get(ax.patch):
        keep(ax, sentences)
        _KEPT[ax.patch] = said + _KEPT[ax.patch]


def write_below(ax: Axes) -> None:
    """Write the caption below the Axes, as wide as they are, on a figure that becomes so much higher.

    Where nothing arranges the Axes of a figure that is there already, it is they that become lower.
    """
    lay_out_all(ax)
    size, (width, _) = small_size(), extent(ax)
    whole = ax.get_tightbbox() or ax.bbox
    below = ax.bbox.y0 - whole.y0
    lines = wrapped(clean(caption(ax), 10_000), width / size, most=1_000)
    if not _is_arranged(ax) and not _lower(ax, below + _inches(lines) * ax.figure.dpi):
        warnings.warn(_NO_ROOM, stacklevel=callers_level())
        return
    place = (0, -72 * below / ax.figure.dpi - size)
    ax.annotate(
        "\n".join(lines), (0, 0), place, "axes fraction", "offset points",
        va="top", fontsize=size, color=shade(ax, STRONG), annotation_clip=False, **PLAIN,
    )  # fmt: skip
    grow(ax, 72 * _inches(lines))


def _is_arranged(ax: Axes) -> bool:
    figure = ax.get_figure(root=True)
    return figure is not None and figure.get_layout_engine() is not None and ax.get_subplotspec() is not None


def _lower(ax: Axes, below: float) -> bool:
    """Leave so many dots below the Axes on the figure, or above what stands below them.

    Not where they would lose more than half of their height.
    """
    place, whole = ax.get_position(), ax.get_position(original=True)
    bottom = _floor(ax) + below / ax.figure.bbox.height
    if whole.y1 - bottom < whole.height / 2:
        return False
    if bottom > place.y0:
        ax.set_position((whole.x0, bottom, whole.width, whole.y1 - bottom))
    return True


def _floor(ax: Axes) -> float:
    """Return where the place of the Axes ends, as a share of the figure: above the heading of those below."""
    spec = ax.get_subplotspec()
    if spec is None or spec.is_last_row():
        return 0.0
    _, tops, _, _ = spec.get_gridspec().get_grid_positions(cast(Any, ax.figure))
    heading = 3 * small_size() * ax.figure.dpi / 72
    return float(tops[spec.rowspan.stop]) + heading / ax.figure.bbox.height


def gather(into: Axes, others: Sequence[Axes]) -> None:
    """Say of Axes what is said of others, too: together they are one picture."""
    _KEPT[into.patch] = [sentence for ax in (into, *others) for sentence in _KEPT.pop(ax.patch, [])]


def check_wanted(caption: object, figure: Figure | SubFigure | None = None) -> None:
    """Refuse a caption below a figure that is there already, where nothing makes room for it.

    Raises
    ------
    OptionError
        Then, and if ``caption`` is neither True nor False.
    """
    if not isinstance(caption, bool | None):
        raise OptionError(f"caption is True or False, whether to write it below, not {caption!r:.40}")
    if caption and figure is not None and _layout_of(figure) is None:
        raise OptionError(
            "a caption has room below a new figure, or one with layout='constrained', as a whole: "
            "leave out caption, and write charts.caption(figure) where it may stand"
        )


def make_room_below(figure: Figure | SubFigure, draw: Callable[[Figure], object]) -> None:
    """Make a figure lower, by what the caption of all that is drawn on it will take."""
    if isinstance(figure, Figure):
        tried = hidden_figure((figure.get_figwidth(), figure.get_figheight()))
        draw(tried)
        figure.set_figheight(figure.get_figheight() - _inches(_lines_below(tried)))


def write_below_all(figure: Figure | SubFigure) -> None:
    """Write the caption below a whole figure, which becomes so much higher."""
    if isinstance(figure, SubFigure) or (layout := _layout_of(figure)) is None:
        return
    lines, size = _lines_below(figure), small_size() / 72
    tall = _inches(lines)
    figure.set_figheight(figure.get_figheight() + tall)
    wide, high = figure.get_size_inches()
    layout.set(rect=(0, tall / high, 1, 1 - tall / high))
    font: dict[str, Any] = {"va": "top", "fontsize": "small", "color": shade(figure.axes[0], STRONG)}
    figure.text(size / wide, (tall - size / 2) / high, "\n".join(lines), in_layout=False, **font, **PLAIN)


def _layout_of(figure: Figure | SubFigure) -> ConstrainedLayoutEngine | None:
    engine = None if isinstance(figure, SubFigure) else figure.get_layout_engine()
    return engine if isinstance(engine, ConstrainedLayoutEngine) else None


def _lines_below(figure: Figure) -> list[str]:
    room = 0.96 * (72 * figure.get_figwidth() / small_size() - 2)  # drawn letters stand on whole dots
    return wrapped(clean(caption(figure), 20_000), room, most=1_000)


def _inches(lines: Sequence[str]) -> float:
    return small_size() * (1 + _LINE * len(lines)) / 72


def _capital(sentence: str) -> str:
    """Begin with a capital, but for a symbol such as n."""
    return sentence if sentence.startswith("n ") else sentence[:1].upper() + sentence[1:]
