"""``mastermind-lab watch``: what a running arena decides, summed up on a full screen."""

from typing import Annotated

import typer

from ..wire import DEFAULT_STREAM_NAME
from .options import DEFAULT_URL, Running, Streams


def watch(
    source: Running = DEFAULT_URL,
    stream: Streams = [DEFAULT_STREAM_NAME],  # noqa: B006 - typer reads it and copies it
    last: Annotated[int, typer.Option(min=0, help="Begin with the latest so many entries.")] = 1_000,
) -> None:
    """Watch a running arena on a full screen: how it goes, confidence, choices, unanimity, latest decisions.

    The figures are of all decisions it has seen, with 95% intervals, the choices of the latest 1,000. Ctrl-C
    ends it, with exit code 0.
    """
    from .dashboard import run

    run(source, stream, last)
