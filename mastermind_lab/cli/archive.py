"""``mastermind-lab archive``: a run of the archiver, told on a terminal or line by line."""

import signal
from typing import TYPE_CHECKING, Annotated

import typer

from ..text import terminal_line
from ..wire import DEFAULT_STREAM_NAME
from .console import progress, say
from .options import BOUND, given
from .signals import notice_interruption

if TYPE_CHECKING:
    from rich.progress import Progress

    from ..archive import Archived


def archive(
    url: Annotated[str, typer.Argument(metavar="URL", help="A Redis URL.")],
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="The archive: a folder, or an fsspec URL of one.")
    ],
    stream: Annotated[str, typer.Option(help="The stream's name.")] = DEFAULT_STREAM_NAME,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until Ctrl-C, and wait for what comes.")
    ] = False,
    payloads: Annotated[bool, typer.Option(help="Keep each envelope's raw JSON too.")] = True,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help=f"Begin a new archive there: {BOUND}. A time back is from now."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="End once the stream has passed this: as --since.")
    ] = None,
    part_bytes: Annotated[
        int | None, typer.Option(help="Write a Parquet part when it has so many bytes; 24 MiB if not given.")
    ] = None,
    part_seconds: Annotated[
        float | None,
        typer.Option(help="Write a part when its oldest entry has waited so many seconds; 60 if not given."),
    ] = None,
) -> None:
    """Copy a stream into Parquet files, each entry once; run again, it goes on where the folder ends.

    Ctrl-C and SIGTERM end it once what it has read is written; killed at any moment, it loses nothing and
    writes nothing twice.
    """
    from ..archive import Archiving, stopping

    limits = given(since=since, until=until, part_bytes=part_bytes, part_seconds=part_seconds)
    run = Archiving(url, folder, stream=stream, follow=follow, payloads=payloads, **limits)
    before: Archived | None = None
    notice_interruption()
    with stopping(run, signal.SIGINT, signal.SIGTERM), progress() as shown:
        task = shown.add_task("")
        for now in run:
            _tell(before, now, shown)
            shown.update(task, completed=now.entries + now.waiting)
            shown.update(task, description=_described(now, shown.tasks[task].speed or 0))
            before = now
    if before:
        say(_summary(before))


def _described(now: "Archived", speed: float) -> str:
    waiting = f", {now.waiting:,} waiting" if now.waiting else ""
    fault = f" ({now.transient_error})" if now.transient_error else ""
    return terminal_line(
        f"{now.entries:,} entries in {now.parts:,} parts{waiting}, {speed:,.0f} a second{fault}", 400
    )


def _tell(before: "Archived | None", now: "Archived", shown: "Progress") -> None:
    """Say what is worth a line: parts where nobody watches, and anywhere what went wrong."""
    if now.parts > (before.parts if before else 0) and shown.disable:
        say(f"part {now.parts:,}: {now.entries:,} entries so far, safe up to {now.last_id}")
    for gap in now.gaps[len(before.gaps) if before else 0 :]:
        certain = "" if gap.certainty == "exact" else f" ({gap.certainty})"
        say(f"{gap.missing:,} entries were gone before they could be read{certain}, after {gap.after}")
    if now.resets > (before.resets if before else 0):
        say("the stream began again: what follows is kept apart from what was there before")
    if now.transient_error and not (before and before.transient_error):
        say(f"waiting: {now.transient_error}", error=True)


def _summary(done: "Archived") -> str:
    parts = f"{done.parts:,} part" + "s" * (done.parts != 1)
    ends = f"it ends at {done.last_id}" if done.last_id else "it is empty"
    cut = "an unknown number" if done.left_out is None else f"{done.left_out:,}"
    left_out = f"; {cut} were left out ({done.limits})" if done.limits else ""
    went = f"{done.entries:,} entries ({done.rejects:,} rejects) in {parts} went to {done.folder}"
    return f"{went}; {ends}{left_out}"
