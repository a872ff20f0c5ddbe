"""The arguments and options that several commands share, and how their help ends."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..wire import URL_VARIABLES

DEFAULT_URL = "redis://localhost:6379"
EXIT_CODES = (
    "Exit codes: 0 done; 1 could not, and the message says why; 2 wrong usage; 3 done, and nothing of the "
    "source could be decoded; 130 interrupted."
)
NOTHING_DECODED = 3

Running = Annotated[str, typer.Argument(metavar="URL", envvar=[*URL_VARIABLES], help="A Redis URL.")]
Stream = Annotated[str, typer.Option(help="The stream's name, for a Redis source.")]
Streams = Annotated[list[str], typer.Option("--stream", help="A stream's name; repeat it to follow several.")]
Last = Annotated[int | None, typer.Option(min=0, help="Only so many entries, the latest.")]
BOUND = (
    "'2026', '2026Q4', '2026-11', '2026-11-01', '2026-11-01 10:30' or '2026-11-01T10:30+01:00', whole at "
    "either end, UTC without a zone; a time back from the newest entry, '90s', '30m', '1h', '3d' or '2w'; a "
    "stream id, '1735580000000-0', or the 13 digits of its milliseconds; Unix time in seconds, 1735580000"
)
Since = Annotated[str | None, typer.Option(metavar="WHEN", help=f"Begin there: {BOUND}.")]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="End there: written like --since.")]
NewSnapshot = Annotated[
    str, typer.Argument(metavar="FOLDER", help="The snapshot's folder, or its URL; it must not be there yet.")
]

Snapshot = Annotated[str, typer.Argument(metavar="FOLDER", help="A snapshot or archive, or its URL.")]
MaxLineBytes = Annotated[
    int | None,
    typer.Option(metavar="BYTES", help="Keep only the head of a longer line of a file; 64 MiB if not given."),
]
MaxUnpackedBytes = Annotated[
    int | None,
    typer.Option(
        metavar="BYTES",
        help="End a compressed file where it unpacks to more; 256 MiB or 200 times its size if not given.",
    ),
]
MaxPartBytes = Annotated[
    int | None,
    typer.Option(
        "--max-unpacked-bytes",
        metavar="BYTES",
        help="Refuse a part that unpacks to more; 1 GiB or 20 times its size if not given.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


def given(**options: Any) -> dict[str, Any]:
    """Leave out the options that were not given: their defaults are the library's."""
    return {name: value for name, value in options.items() if value is not None}


def epilog(example: str) -> str:
    """End a command's help with an example and the exit codes."""
    return f"Example: [bold]{example}[/]\n\n{EXIT_CODES}"
