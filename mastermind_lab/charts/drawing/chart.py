"""What every chart says and checks before it draws: its parameters, its keywords, the summary's grouping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, cleandoc, signature
from textwrap import fill, indent
from typing import Any, ParamSpec, TypeVar, cast

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from ...errors import OptionError
from ...stats.engine.input import By, Source, names_of
from ...stats.engine.summary import Summary
from .style import check_keywords

Options = ParamSpec("Options")
Kind = TypeVar("Kind", bound=Summary)

_RAISES = """
Raises
------
OptionError
    If a column or a keyword is unknown, or a summary was counted by another column.
"""


def chart(
    kind: type[Summary], data: str, draws: Mapping[str, type[Artist]], most: int = 0, **texts: str
) -> Callable[[Callable[Options, Axes]], Callable[Options, Axes]]:
    """Document the parameters of a chart, and let it refuse unknown keywords before anything is counted.

    Parameters
    ----------
    kind
        The summary that the chart draws.
    data
        What it draws beside that, as its documentation says it.
    draws
        The artists that other keywords go to, by what they are in the picture, such as ``dots``.
    most
        How many groups are drawn before the smallest become one; 0 where ``texts`` says it.
    **texts
        Documentation of the chart's own parameters.
    """
    texts = {
        "data": f"{data}, a scan, or a :class:`~mastermind_lab.stats.{kind.__name__}` with any options.",
        "by": "Column or columns of ``decisions`` to group by; "
        f"above {most} groups the smallest are drawn as one.",
        "ax": "Where to draw; a new figure by default.",
        "kw": "For the " + "; for the ".join(f"{name}, {_reference(it)}" for name, it in draws.items()) + ".",
        **texts,
    }

    def documented(draw: Callable[Options, Axes]) -> Callable[Options, Axes]:
        parameters = signature(draw).parameters

        @wraps(draw)
        def checked(*args: Options.args, **options: Options.kwargs) -> Axes:
            keywords = [name for name in options if name not in parameters]
            check_keywords(keywords, list(draws.values()), *(name for name in parameters if name != "kw"))
            return draw(*args, **options)

        says, examples, code = cleandoc(draw.__doc__ or "").partition("Examples\n--------\n")
        entries = [_entry(parameter, texts[name]) for name, parameter in parameters.items()]
        described = "\n".join(["Parameters\n----------", *entries, _RAISES])
        checked.__doc__ = f"{says}{described}\n{examples}{code}"
        return checked

    return documented


def summary_of(kind: type[Kind], data: Source | Kind, by: By) -> Kind:
    """Count what a chart draws; a summary is taken as it is.

    Raises
    ------
    OptionError
        If a summary was counted by something else than is asked for.
    """
    if not isinstance(data, kind):
        return cast(Any, kind).of(data, by=by)
    if by is not None and names_of(by) != data.by:
        raise OptionError(
            f"the summary was counted by {data.by or None}: count it again to draw it by {by!r}"
        )
    return data


def _reference(kind: type[Artist]) -> str:
    return f":class:`{kind.__module__}.{kind.__name__}`"


def _entry(parameter: Parameter, text: str) -> str:
    name = f"**{parameter.name}" if parameter.kind is Parameter.VAR_KEYWORD else parameter.name
    return f"{name}\n{indent(fill(text, 100, break_long_words=False, break_on_hyphens=False), '    ')}"
