"""What commands print: text that cannot steer a terminal, and progress where somebody watches."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from ..errors import CheckpointWarning, MissingFontWarning, NothingDecodedWarning
from ..text import terminal_line

if TYPE_CHECKING:
    from rich.progress import Progress

_MOST = 2_000  # characters of a message
_OURS = (NothingDecodedWarning, CheckpointWarning, MissingFontWarning)


def say(text: str, *, error: bool = False, dim: bool = False) -> None:
    """Print a line, on standard output or as a message on standard error."""
    typer.echo(typer.style(terminal_line(text, _MOST), dim=dim or None), err=error)


def json_line(text: str) -> str:
    """Escape the one control character that JSON in ASCII leaves as it is, DEL; only texts can hold it."""
    return text.replace("\x7f", "\\u007f")


def print_json(found: dict[str, Any]) -> None:
    """Print a JSON object, in ASCII, so that a terminal is safe."""
    import json

    typer.echo(json_line(json.dumps(found, indent=2)))


@contextmanager
def warnings_said() -> Iterator[list[str]]:
    """Say the package's warnings in a line each, once, and yield those that nothing could be decoded."""
    said: set[str] = set()
    nothing: list[str] = []

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if not issubclass(category, _OURS):
            show_others(message, category, *where, **more)
            return
        text = str(message)
        if issubclass(category, NothingDecodedWarning):
            nothing.append(text)
        if text not in said:
            said.add(text)
            say(f"warning: {text}", error=True)

    with warnings.catch_warnings():
        for ours in _OURS:
            warnings.simplefilter("always", ours)
        show_others = warnings.showwarning
        warnings.showwarning = show
        yield nothing


@contextmanager
def progress(*, is_total_known: bool = False) -> Iterator[Progress]:
    """Show progress on standard error, if that is a terminal, until the block ends."""
    from rich import progress as shows

    begin = (shows.BarColumn(), shows.MofNCompleteColumn()) if is_total_known else (shows.SpinnerColumn(),)
    columns = (*begin, shows.TextColumn("{task.description}", markup=False))
    console = Console(stderr=True)
    with shows.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        yield shown


class Screen(Console):
    """Standard output, for text that is shown as it is; it raises when its reader has left."""

    def __init__(self) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Leave it to :func:`until_interrupted`; rich would end the program as failed."""
        raise BrokenPipeError
