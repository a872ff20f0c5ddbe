"""The command ``archive``: a run of the archiver, told on a terminal or line by line."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from ..archive import PART_BYTES, PART_SECONDS, Archived, Archiving, stopping
from ..envelope import DEFAULT_STREAM_NAME


def archive(
    url: Annotated[str, typer.Argument(help="A Redis URL.")],
    folder: Annotated[str, typer.Argument(help="The archive: a folder, or an fsspec URL of one.")],
    stream: Annotated[str, typer.Option(help="The stream's name.")] = DEFAULT_STREAM_NAME,
    follow: Annotated[bool, typer.Option("--follow", help="Go on for ever.")] = False,
    payloads: Annotated[bool, typer.Option(help="Keep each envelope's raw JSON too.")] = True,
    part_bytes: Annotated[int, typer.Option(min=1, help="Write a part at so many bytes.")] = PART_BYTES,
    part_seconds: Annotated[
        float, typer.Option(help="Write a part when its oldest entry has waited so long.")
    ] = PART_SECONDS,
) -> None:
    """Archive a stream in committed Parquet parts, each entry once, going on where the folder ends.

    Ctrl-C and SIGTERM end it after its last part; killed at any moment, it loses and doubles nothing.
    """
    run = Archiving(
        url, folder, stream=stream, follow=follow,
        payloads=payloads, part_bytes=part_bytes, part_seconds=part_seconds,
    )  # fmt: skip
    told: Archived | None = None
    with stopping(run, signal.SIGINT, signal.SIGTERM), _progress() as progress:
        task = progress.add_task("")
        for now in run:
            _tell(told, now, progress)
            progress.update(task, completed=now.entries + now.waiting)
            speed = progress.tasks[task].speed or 0
            progress.update(task, description=_described(now, speed))
            told = now
    if told:
        typer.echo(_summary(told))


@contextmanager
def _progress() -> Iterator[Progress]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def _described(now: Archived, speed: float) -> str:
    waiting = f", {now.waiting:,} waiting" if now.waiting else ""
    transient_error = f" ({now.transient_error})" if now.transient_error else ""
    return f"{now.entries:,} entries in {now.parts:,} parts{waiting}, {speed:,.0f} a second{transient_error}"


def _tell(told: Archived | None, now: Archived, progress: Progress) -> None:
    """Say what is worth a line: parts where nobody watches, and anywhere what went wrong."""
    if now.parts > (told.parts if told else 0) and progress.disable:
        typer.echo(f"part {now.parts:,}: {now.entries:,} entries so far, safe up to {now.last_id}")
    for gap in now.gaps[len(told.gaps) if told else 0 :]:
        certain = "" if gap.certainty == "exact" else f" ({gap.certainty})"
        typer.echo(f"{gap.missing:,} entries were gone before they could be read{certain}, after {gap.after}")
    if now.reset > (told.reset if told else 0):
        typer.echo("the stream began again: what follows is kept apart from what was there before")
    if now.transient_error and not (told and told.transient_error):
        typer.echo(f"waiting: {now.transient_error}", err=True)


def _summary(done: Archived) -> str:
    parts = f"{done.parts:,} part" + "s" * (done.parts != 1)
    ends = f"it ends at {done.last_id}" if done.last_id else "it is empty"
    return f"{done.entries:,} entries ({done.rejects:,} rejects) in {parts} went to {done.folder}; {ends}"
