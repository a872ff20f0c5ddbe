"""The arguments and options that several commands share, and how their help ends."""

from __future__ import annotations

from typing import Annotated, Any

import typer

URL_VARIABLES = ["MASTERMIND_LAB_URL", "REDIS_URL"]
DEFAULT_URL = "redis://localhost:6379"
EXIT_CODES = (
    "Exit codes: 0 done; 1 could not, and the message says why; 2 wrong usage; 3 done, and nothing of the "
    "source could be decoded; 130 interrupted."
)
NOTHING_DECODED = 3

Running = Annotated[str, typer.Argument(metavar="URL", envvar=URL_VARIABLES, help="A Redis URL.")]
Stream = Annotated[str, typer.Option(help="The stream's name, for a Redis source.")]
Streams = Annotated[list[str], typer.Option("--stream", help="A stream's name; repeat it to follow several.")]
Last = Annotated[int | None, typer.Option(min=0, help="Only so many entries, the latest.")]
Since = Annotated[str | None, typer.Option(help="Begin at a stream id, a date, or a Unix time.")]
Until = Annotated[str | None, typer.Option(help="End at a stream id, a date, or a Unix time.")]
Snapshot = Annotated[str, typer.Argument(metavar="FOLDER", help="A snapshot or archive, or its URL.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


def epilog(example: str) -> str:
    """End a command's help with an example and the exit codes."""
    return f"Example: [bold]{example}[/]\n\n{EXIT_CODES}"


def number(bound: str | None) -> Any:
    """Read a bound that is a plain number as a Unix time, like the Python function does."""
    try:
        return float(bound) if bound is not None else None
    except ValueError:
        return bound
