"""``mastermind-lab simulate``: a simulated arena that decides onto a stream, or into a file."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from ..labels import counted
from ..wire import DEFAULT_STREAM_NAME, URL_VARIABLES, is_redis_url
from .console import progress, say
from .options import DEFAULT_URL
from .signals import whole

_INTO_A_FILE = 2_000


def simulate(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            envvar=[*URL_VARIABLES],
            help="A Redis URL, or an .ndjson file to write (.gz, .bz2, .xz, .zst).",
        ),
    ] = DEFAULT_URL,
    stream: Annotated[str, typer.Option(help="The stream's name.")] = DEFAULT_STREAM_NAME,
    rate: Annotated[float, typer.Option(min=0, help="Decisions a second; 0 for full speed.")] = 20,
    count: Annotated[
        int | None,
        typer.Option(min=1, help=f"How many decisions; else for ever, or {_INTO_A_FILE:,} into a file."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The random seed: the same decisions each time.")] = 7,
    malformed: Annotated[float, typer.Option(min=0, max=1, help="The share of malformed entries.")] = 0.0,
) -> None:
    """Let a simulated arena decide: onto a stream at a rate, or into a file at full speed."""
    from ..arena import Arena, payloads

    if is_redis_url(target):
        _publish(
            target,
            stream,
            payloads(Arena(seed), count, malformed=malformed, clock=lambda: datetime.now(UTC)),
            rate,
        )
    else:
        from ..ndjson import write_lines

        count = count or _INTO_A_FILE
        written = write_lines(target, payloads(Arena(seed), count, malformed=malformed))
        say(f"{counted(count, 'decision')} in {written}")


def _publish(url: str, stream: str, decided: Iterator[bytes], rate: float) -> None:
    """Publish, and show the growing number on a terminal; say the last one anywhere."""
    from ..frames import one_stream
    from ..stream import address, paced, publish_batches

    one_stream(stream)
    sent, where = 0, f"on {stream} at {address(url)}"
    try:
        with progress() as shown:
            task = shown.add_task("")
            for sent in publish_batches(url, stream, whole(paced(decided, rate))):
                shown.update(task, description=f"{counted(sent, 'decision')} {where}")
    finally:
        if sent:
            say(f"{counted(sent, 'decision')} {where}")
