"""What commands print: text that cannot steer a terminal, and progress where somebody watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import Progress, ProgressColumn

from ..text import terminal_line

_MOST = 2_000  # characters of a message


def say(text: str, *, error: bool = False, dim: bool = False) -> None:
    """Print a line, on standard output or as a message on standard error."""
    typer.echo(typer.style(terminal_line(text, _MOST), dim=dim or None), err=error)


@contextmanager
def progress(*columns: ProgressColumn) -> Iterator[Progress]:
    """Show progress on standard error, if that is a terminal, until the block ends."""
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        yield shown


class Screen(Console):
    """Standard output, for text that is shown as it is; it raises when its reader has left."""

    def __init__(self) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Leave it to :func:`until_interrupted`; rich would end the program as failed."""
        raise BrokenPipeError
