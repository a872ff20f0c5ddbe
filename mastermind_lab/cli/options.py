"""The words that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

URL_VARIABLES = ["MASTERMIND_LAB_URL", "REDIS_URL"]
DEFAULT_URL = "redis://localhost:6379"

Running = Annotated[str, typer.Argument(metavar="URL", envvar=URL_VARIABLES, help="A Redis URL.")]
Streams = Annotated[list[str], typer.Option("--stream", help="A stream's name; repeat it to follow several.")]


def number(bound: str | None) -> Any:
    """Read a bound that is a plain number as a Unix time, like the Python function does."""
    try:
        return float(bound) if bound is not None else None
    except ValueError:
        return bound
