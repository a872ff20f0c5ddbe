"""``mastermind-lab read``: a history in a dozen figures."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..wire import DEFAULT_STREAM_NAME
from .options import DEFAULT_URL, URL_VARIABLES, AsJson, Last, Since, Stream, Until

if TYPE_CHECKING:
    from ..history import History

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        envvar=URL_VARIABLES,
        help="A Redis URL, an NDJSON file, a folder or glob of them, - for standard input, or a snapshot.",
    ),
]


def read(
    source: Source = DEFAULT_URL,
    stream: Stream = DEFAULT_STREAM_NAME,
    last: Last = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Summarise a history: decisions, rejects by reason, mean confidence by model, unanimous share."""
    from .summary import show, summarise

    figures = summarise(load(source, stream, last, since, until))
    if as_json:
        typer.echo(json.dumps(figures, indent=2))  # in ASCII, so that a terminal is safe
    else:
        show(figures, Console())


def load(source: str, stream: str, last: int | None, since: str | None, until: str | None) -> History:
    """Read what the command line names, with a progress bar where somebody watches."""
    from .. import history

    watched = sys.stderr.isatty()
    return history.read(source, stream=stream, last=last, since=since, until=until, progress=watched)
