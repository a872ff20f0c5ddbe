"""``mastermind-lab replay``: a kept history onto a stream, at the pace it had or faster."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from .. import live
from ..envelope import DEFAULT_STREAM_NAME, SCHEMES
from ..errors import OptionError
from ..stream import address, publish_batches
from .options import URL_VARIABLES

_COLUMNS = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))


def _speed(text: str) -> float:
    try:
        speed = math.inf if text == "max" else float(text) or math.inf
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise typer.BadParameter(f"{text!r} is no speed: a number above 0, or max (or 0) for full speed")
    return speed


def replay(
    source: Annotated[str, typer.Argument(help="An NDJSON file, a folder or glob of them, or a snapshot.")],
    target: Annotated[str, typer.Argument(metavar="URL", envvar=URL_VARIABLES, help="A Redis URL.")],
    speed: Annotated[
        float,
        typer.Option(parser=_speed, metavar="FACTOR", help="How many times faster, or max."),
    ] = "10",  # type: ignore[assignment] # what the parser is given
    stream: Annotated[str, typer.Option(help="The stream's name.")] = DEFAULT_STREAM_NAME,
) -> None:
    """Publish a history once more, as if it were happening: each entry when its time has come.

    Raw payloads go out as they were kept, rejects included; a snapshot that has none is published from its
    frames.
    """
    if source.startswith(SCHEMES):
        raise OptionError(f"{address(source)} is a stream; replay a file, or a snapshot that was taken of it")
    played = _played(source, speed)
    where = f"on {stream} at {address(target)}"
    _tell(played, publish_batches(target, stream, _batches(played)), where)


def _played(source: str, speed: float) -> live.Replay:
    try:
        return live.replay(source, speed=speed, payloads=True)
    except OptionError:  # a snapshot that was saved without them
        return live.replay(source, speed=speed)


def _batches(played: live.Replay) -> Iterator[list[bytes]]:
    for news in played:
        # An entry without a payload comes out as an empty one: a reject as before.
        yield [payload or b"" for _, payload in news.entries]


def _tell(played: live.Replay, all_sent: Iterator[int], where: str) -> None:
    """Show on a terminal how far it is, and the moment that is being played; say the number anywhere."""
    console, sent = Console(stderr=True), 0
    try:
        with Progress(
            *_COLUMNS, console=console, transient=True, disable=not console.is_terminal
        ) as progress:
            task = progress.add_task("", total=played.total)
            for sent in all_sent:
                progress.update(task, completed=sent, description=f"{played.now:%Y-%m-%d %H:%M:%S}Z")
    finally:
        typer.echo(f"{sent:,} of {played.total:,} entries {where}")
