"""``mastermind-lab tail``: a line a decision, as they come; or a JSON object a line, for pipes."""

from typing import Annotated

import typer

from ..wire import DEFAULT_STREAM_NAME
from .options import BOUND, DEFAULT_URL, Running, Streams


def tail(
    source: Running = DEFAULT_URL,
    stream: Streams = [DEFAULT_STREAM_NAME],  # noqa: B006 - typer reads it and copies it
    last: Annotated[int, typer.Option(min=0, help="Begin with the latest so many entries.")] = 10,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help=f"Begin there instead of with the latest: {BOUND}. A time back is from now."
        ),
    ] = None,
    grep: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Only decisions whose question, recommendation or rationale match; (?i) ignores case.",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print a JSON object a line: an envelope, or the reason of a reject. Numbers that JSON does "
            "not have, infinite ones say, are null.",
        ),
    ] = False,
) -> None:
    """Follow a stream, a line a decision: time (UTC), recommendation, confidence, votes, question.

    Votes are counted as cast, the most first: 5:2. Said on standard error: rejects, reconnecting, entries
    that were gone before they could be read, a stream that began again. Ctrl-C ends it, with exit code 0.
    """
    from .following import follow

    follow(source, stream, last=last, since=since, grep=grep, as_json=as_json)
