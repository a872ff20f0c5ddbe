"""``mastermind-lab snapshot``: a history kept as Parquet files."""

from typing import Annotated

import typer

from ..labels import counted
from ..wire import DEFAULT_STREAM_NAME
from .console import say
from .options import Last, MaxLineBytes, MaxUnpackedBytes, NewSnapshot, Since, Stream, Until
from .read import load


def snapshot(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A Redis URL, an NDJSON file, another tool's log, a folder or glob of them.",
        ),
    ],
    folder: NewSnapshot,
    stream: Stream = DEFAULT_STREAM_NAME,
    last: Last = None,
    since: Since = None,
    until: Until = None,
    max_line_bytes: MaxLineBytes = None,
    max_unpacked_bytes: MaxUnpackedBytes = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the snapshot that is there, hidden files included.")
    ] = False,
) -> None:
    """Keep a history as Parquet files that pandas, DuckDB, Polars and Arrow read."""
    limits = {"max_line_bytes": max_line_bytes, "max_unpacked_bytes": max_unpacked_bytes}
    history = load(source, stream=stream, last=last, since=since, until=until, **limits)
    saved = history.save(folder, overwrite=overwrite)
    say(f"{counted(len(history), 'decision')} and {counted(len(history.rejects), 'reject')} are in {saved}")
