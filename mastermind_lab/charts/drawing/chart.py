"""What every chart says and checks before it draws: its parameters, its keywords, the summary's grouping."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import Parameter, Signature, cleandoc, signature
from textwrap import fill, indent
from typing import Any, ParamSpec, TypeVar, cast

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ...errors import OptionError
from ...stats.engine.arithmetic import plain_arithmetic
from ...stats.engine.input import By, Source, names_of
from ...stats.engine.summary import Summary
from .caption import check_wanted, write_below
from .figures import (
    checked_size,
    closed_on_failure,
    follows_rows,
    growing_axes,
    settle,
    shown_figure,
    styled_for,
)
from .picture import label_below, retitle
from .style import check_keywords, check_values
from .text import clean

Options = ParamSpec("Options")
Kind = TypeVar("Kind", bound=Summary)

DOTS: dict[str, type[Artist]] = {"dots": Line2D}

_FRAME = {
    "figsize": (
        "str | tuple[float, float] | None",
        'Of the new figure: ``"column"`` (3.3 inches wide), ``"page"`` (6.5), ``"slide"`` (10 x 5.6), or its '
        "width and height in inches, in which rows and groups that find no room are drawn as one; by default "
        "as wide as the style's, and as high as its rows need.",
    ),
    "title": ("str | None", "Your words for subject and grouping, none where empty; n stays."),
    "xlabel": ("str | None", "Your words along the horizontal axis."),
    "caption": (
        "bool | None",
        "Whether to write :func:`caption` below: Axes that no layout arranges get lower.",
    ),
}
"""What all charts take around the picture: each with its type, and what it is."""

_RAISES = """
Raises
------
OptionError
    If a column is not there, an option or a keyword is unknown, or a summary is grouped by other columns.
"""


def chart(
    kind: type[Summary], data: str, draws: Mapping[str, type[Artist]] = DOTS, *, most: int = 0, **texts: str
) -> Callable[[Callable[Options, Axes]], Callable[Options, Axes]]:
    """Document the parameters of a chart, and let it refuse unknown keywords before anything is counted.

    It draws a summary of ``kind``, or of ``data``, as it says in its own words; ``most`` groups before the
    smallest become one. Other keywords go to the artists that it ``draws``. ``texts`` document what no other
    chart takes.
    """
    artists = "; for the ".join(f"{name}, {_link(artist)}" for name, artist in draws.items())
    texts = {
        "data": f"{data}, a scan, or a summary of it, :class:`~mastermind_lab.stats.{kind.__name__}`.",
        "by": "Column or columns of ``decisions`` to group by; "
        f"above {most} groups the smallest are drawn as one.",
        "voter": 'Column of ``votes`` that tells voters apart, ``"vote.model"`` say; by default their name.',
        "cluster": 'Column or columns of ``decisions``, such as ``"question"``, whose equal values are drawn '
        "together for the intervals.",
        "before": "An earlier run, as data are given: drawn in grey behind, where it has the same groups.",
        "ax": "Where to draw; a new figure by default.",
        "kw": f"For the {artists}.",
    } | texts

    def complete(draw: Callable[Options, Axes]) -> Callable[Options, Axes]:
        whole = _with_frame(signature(draw))
        parameters = whole.parameters

        @wraps(draw)
        @plain_arithmetic
        def checked(*args: Options.args, **options: Options.kwargs) -> Axes:
            keywords = {name: value for name, value in options.items() if name not in parameters}
            check_keywords(keywords, list(draws.values()), *(name for name in parameters if name != "kw"))
            check_values(keywords, list(draws.values()))
            return framed(draw, args, options)

        checked.__signature__ = whole  # type: ignore[attr-defined]
        checked.__doc__ = _documentation(
            draw.__doc__ or "",
            parameters.values(),
            {name: text for name, (_, text) in _FRAME.items()} | texts,
        )
        return checked

    return complete


def _with_frame(own: Signature) -> Signature:
    """Add to the parameters of a chart those that all charts take."""
    *first, last = own.parameters.values()
    frame = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, (kind, _) in _FRAME.items()
    ]
    return own.replace(parameters=[*first, *frame, last])


@closed_on_failure()
def framed(draw: Callable[..., Axes], args: tuple[Any, ...], options: dict[str, Any]) -> Axes:
    """Draw, on a figure of the size that is asked for, and put the caller's words around it."""
    frame = {name: options.pop(name, None) for name in _FRAME}
    ax = options.get("ax")
    if ax is not None and not isinstance(ax, Axes):
        raise OptionError(f"ax takes matplotlib Axes, as figure.subplots() makes, not {type(ax).__name__}")
    _check_words(frame)
    size = new_size(frame["figsize"], ax)
    with styled_for(frame["figsize"]) as large:
        if size is not None:
            grows = follows_rows(frame["figsize"])
            options["ax"] = growing_axes(*size) if grows else shown_figure(*size).subplots()
        drawn = draw(*args, **options)
        large.append(drawn)
        _worded(drawn, **frame)
    settle(drawn)
    return drawn


def _check_words(frame: Mapping[str, Any]) -> None:
    """Refuse what is not taken around a picture, before it is counted and drawn."""
    for name in ("title", "xlabel"):
        if not isinstance(frame[name], str | None):
            raise OptionError(f"{name} takes text, not {frame[name]!r:.40}")
    check_wanted(frame["caption"])


def new_size(figsize: Any, there: object) -> tuple[float, float] | None:
    """Return the size that is asked for, as numbers; that of a figure which is there already is its own.

    Raises
    ------
    OptionError
        If it is no size, or there is a figure already.
    """
    if figsize is None:
        return None
    if there is not None:
        raise OptionError("figsize is for a new figure, and there is one already: leave out either")
    return checked_size(figsize)


def _worded(ax: Axes, title: str | None, xlabel: str | None, caption: bool | None, **_: Any) -> None:
    """Put the caller's words around a picture."""
    if title is not None:
        retitle(ax, title)
    if xlabel is not None:
        label_below(ax, clean(xlabel, 200))
    if caption:
        write_below(ax)


def summary_of(kind: type[Kind], data: Source | Kind, by: By, cluster: By, voter: str | None = None) -> Kind:
    """Count what a chart draws; a summary is taken as it is.

    Raises
    ------
    OptionError
        If a summary is grouped, or tells voters apart, by other columns, or has other clusters, than is asked
        for.
    """
    if not isinstance(data, kind):
        named = {} if voter is None else {"voter": voter}
        counted: Kind = cast(Any, kind).of(data, by=by, cluster=cluster, **named)
        return counted
    check_clusters(data, cluster)
    if voter is not None and voter != (there := cast(Any, data).voter):
        raise OptionError(f"this summary tells voters apart by {there}: count it again with {voter!r:.80}")
    if by is not None and names_of(by) != data.by:
        grouping = f"is grouped by {', '.join(data.by)}" if data.by else "is not grouped"
        raise OptionError(f"this summary {grouping}: count it again to draw it by {by!r}")
    return data


def check_clusters(summary: Summary, cluster: By) -> None:
    """Refuse a summary with other clusters than a chart is asked for.

    Raises
    ------
    OptionError
        Always then.
    """
    if cluster is not None and names_of(cluster, option="cluster") != summary.cluster:
        drawn = f"by {', '.join(summary.cluster)}" if summary.cluster else "decision by decision"
        raise OptionError(f"this summary is drawn {drawn}: count it again with cluster={cluster!r:.60}")


def _documentation(written: str, parameters: Iterable[Parameter], texts: Mapping[str, str]) -> str:
    """Add to what a chart tells of its picture what all charts have in common, before the example."""
    tells, title, example = cleandoc(written).partition("Examples\n--------\n")
    entries = "\n".join(_entry(parameter, texts[parameter.name]) for parameter in parameters)
    return f"{tells}Parameters\n----------\n{entries}\n{_RAISES}\n{title}{example}"


def _entry(parameter: Parameter, text: str) -> str:
    name = f"**{parameter.name}" if parameter.kind is Parameter.VAR_KEYWORD else parameter.name
    return f"{name}\n{indent(fill(text, 100, break_long_words=False, break_on_hyphens=False), '    ')}"


def _link(artist: type[Artist]) -> str:
    return f":class:`{artist.__module__}.{artist.__name__}`"
