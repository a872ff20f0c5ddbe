"""How wrong usage is said: with the options as they are written on the command line."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable
from typing import Any

import typer
from typer.core import TyperCommand

from ..errors import OptionError
from .console import nothing_decoded
from .options import NOTHING_DECODED


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
            with nothing_decoded() as said:
                result = super().invoke(ctx)
        except OptionError as error:
            words = worded(str(error), self.params)
            if words.startswith("--"):
                raise typer.BadParameter(words, ctx=ctx) from None
            raise OptionError(words) from error
        if said:
            raise typer.Exit(NOTHING_DECODED)
        return result


def worded(text: str, params: Iterable[Any]) -> str:
    """Word what the library says with some options of the command line."""
    # A name that is a word of Python's own ends in a line here, and in none in what the library says.
    flags = {one.name.rstrip("_"): one.opts[0] for one in params if one.opts[0].startswith("--")}

    def flag(found: re.Match[str]) -> str:
        name, is_switch = found.groups()
        return found[0] if name not in flags else flags[name] + (" " if is_switch is None else "")

    return re.sub(r"\b([a-z_]+)=(True\b|(?=[\s,:]|$))?", flag, text)
