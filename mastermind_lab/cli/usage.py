"""How wrong usage is said: with the options as they are written on the command line."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, takewhile
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from ..errors import OptionError
from ..wire import without_password
from .console import warnings_said
from .options import NOTHING_DECODED

_UsageError: Any = typer.BadParameter.__base__  # typer has its own, or that of click


class Commands(TyperGroup):
    """All commands: what is said of wrong usage shows no password, wherever on the line it was given."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Read the options before the command."""
        with _passwords_hidden():
            return super().make_context(*args, **more)

    def invoke(self, ctx: Any) -> Any:
        """Find the command, and run it."""
        with _passwords_hidden():
            return super().invoke(ctx)


@contextmanager
def _passwords_hidden() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        for given in sys.argv[1:]:
            for text in (given, given.partition("=")[2]):
                error.message = _hidden(error.message, text)
        raise


def _hidden(message: str, text: str) -> str:
    """Hide the password of a text in a message, in which the text may be cut short."""
    shown = without_password(text)
    for told in (text, repr(text)[1:-1]) if shown != text else ():
        is_safe = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(told, shown, strict=False)))
        cuts = (told[:length] for length in range(len(told), is_safe, -1))
        if cut := next((cut for cut in cuts if cut in message), ""):
            message = message.replace(cut, shown)
    return message


class Command(TyperCommand):
    """A command that words what the library says of its arguments: ``since='soon'`` is ``--since 'soon'``."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises
        ------
        typer.Exit
            Nothing of a source could be decoded: it has an exit code of its own.
        typer.BadParameter
            An option makes no sense: exit code 2, like the options that typer itself checks.
        OptionError
            Anything else that the library refuses, such as a folder that holds something else.
        """
        gc.enable()
        try:
            with warnings_said() as has_nothing:
                result = super().invoke(ctx)
        except OptionError as error:
            words = worded(str(error), self.params, ctx.params.values())
            if words.startswith("--"):
                raise typer.BadParameter(words, ctx=ctx) from None
            raise OptionError(words) from error
        if has_nothing:
            raise typer.Exit(NOTHING_DECODED)
        return result


def worded(text: str, params: Iterable[Any], given: Iterable[Any]) -> str:
    """Word what the library says with some options of the command line; what was given stays as it is."""
    # A name that is a word of Python's own ends in a line here, and in none in what the library says.
    flags = {one.name.rstrip("_"): one.opts[0] for one in params if one.opts[0].startswith("--")}

    def flag(found: re.Match[str]) -> str:
        name, is_switch = found.groups()
        return found[0] if name not in flags else flags[name] + (" " if is_switch is None else "")

    each = chain.from_iterable(one if isinstance(one, list | tuple) else [one] for one in given)
    as_given = sorted({str(one) for one in each if "=" in str(one)}, key=len, reverse=True)
    kept = "".join(f"{re.escape(one)}|" for one in as_given)
    return re.sub(kept + r"\b([a-z_]+)=(True\b|(?=[\s,:]|$))?", flag, text)
