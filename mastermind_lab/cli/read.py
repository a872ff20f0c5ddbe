"""``mastermind-lab read``: a history in a dozen figures."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ..wire import DEFAULT_STREAM_NAME, URL_VARIABLES
from .console import print_json
from .options import (
    DEFAULT_URL,
    AsJson,
    Last,
    MaxLineBytes,
    MaxUnpackedBytes,
    Since,
    Stream,
    Until,
    given,
)

if TYPE_CHECKING:
    from ..history import History

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        envvar=[*URL_VARIABLES],
        help="A Redis URL, an NDJSON file, another tool's log, a folder or glob of them, - for standard "
        "input, or a snapshot.",
    ),
]


def read(
    source: Source = DEFAULT_URL,
    stream: Stream = DEFAULT_STREAM_NAME,
    last: Last = None,
    since: Since = None,
    until: Until = None,
    max_line_bytes: MaxLineBytes = None,
    max_unpacked_bytes: MaxUnpackedBytes = None,
    as_json: AsJson = False,
) -> None:
    """Summarise a history: decisions, rejects by reason, mean confidence by model, unanimous share."""
    from .summary import show, summarise

    limits = {"max_line_bytes": max_line_bytes, "max_unpacked_bytes": max_unpacked_bytes}
    history = load(source, stream=stream, last=last, since=since, until=until, **limits)
    figures = summarise(history)
    if as_json:
        print_json(figures)
    else:
        show(figures, Console())


def load(source: str, **options: Any) -> "History":
    """Read what the command line names, with a progress bar where somebody watches."""
    from .. import history

    return history.read(source, progress=sys.stderr.isatty(), **given(**options))
