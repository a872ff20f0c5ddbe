"""``mastermind-lab archive``: a run of the archiver, told on a terminal or line by line."""

import signal
from typing import TYPE_CHECKING, Annotated

import typer

from ..labels import counted
from ..text import terminal_line
from ..wire import DEFAULT_STREAM_NAME
from .console import progress, say
from .options import BOUND, given
from .signals import notice_interruption
from .usage import worded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.progress import Progress

    from ..archive import Archived


def archive(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="A Redis URL.")],
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="The archive: a folder, or an fsspec URL of one.")
    ],
    stream: Annotated[
        list[str] | None,
        typer.Option(
            help=f"The stream's name; {DEFAULT_STREAM_NAME} if not given. Repeat it to archive several, each "
            "to a folder of its own below FOLDER: arena=NAME."
        ),
    ] = None,
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

    Of several streams, one that is none, or may not be read, does not keep the others; it is said, and the
    exit code is 1. Ctrl-C and SIGTERM end it once what it has read is written; killed at any moment, it loses
    nothing and writes nothing twice.
    """
    from ..archive import Archiving, stopping

    limits = given(since=since, until=until, part_bytes=part_bytes, part_seconds=part_seconds)
    names: str | list[str] = (
        stream if stream and len(stream) > 1 else stream[0] if stream else DEFAULT_STREAM_NAME
    )
    run = Archiving(url, folder, stream=names, follow=follow, payloads=payloads, **limits)
    known: dict[str, Archived] = {}
    notice_interruption()
    with stopping(run, signal.SIGINT, signal.SIGTERM), progress() as shown:
        task = shown.add_task("")
        for now in run:
            _tell(known.get(now.stream), now, shown, several=not isinstance(names, str))
            known[now.stream] = now
            shown.update(task, completed=sum(one.entries + one.waiting for one in known.values()))
            shown.update(task, description=_described(known.values(), shown.tasks[task].speed or 0))
    for done in known.values():
        say(_summary(done, worded(done.limits, ctx.command.params, ctx.params.values())))
    if any(done.refused for done in known.values()):
        raise typer.Exit(1)


def _described(known: "Iterable[Archived]", speed: float) -> str:
    """Say how far all streams are together."""
    entries, parts, waiting = (sum(one[place] for one in map(_counts, known)) for place in range(3))
    faults = next((f" ({one.transient_error})" for one in known if one.transient_error), "")
    so_far = f"{counted(entries, 'entry')} in {counted(parts, 'part')}"
    waits = f", {waiting:,} waiting" if waiting else ""
    return terminal_line(f"{so_far}{waits}, {speed:,.0f} a second{faults}", 400)


def _counts(one: "Archived") -> tuple[int, int, int]:
    return one.entries, one.parts, one.waiting


def _tell(before: "Archived | None", now: "Archived", shown: "Progress", *, several: bool) -> None:
    """Say what is worth a line: parts where nobody watches, and anywhere what went wrong."""
    name = f"{terminal_line(now.stream, 100)}: " if several else ""
    if now.parts > (before.parts if before else 0) and shown.disable:
        so_far = counted(now.entries, "entry")
        say(f"{name}part {now.parts:,}: {so_far} so far, safe up to {now.last_id}")
    for gap in now.gaps[len(before.gaps) if before else 0 :]:
        certain = "" if gap.certainty == "exact" else f" ({gap.certainty})"
        say(f"{name}{counted(gap.missing, 'entry')} gone before reading{certain}, after {gap.after}")
    if now.resets > (before.resets if before else 0):
        say(f"{name}the stream began again: what follows is kept apart from what was there before")
    if now.transient_error and not (before and before.transient_error):
        say(f"waiting: {now.transient_error}", error=True)
    if now.refused and not (before and before.refused):
        say(f"not archived: {now.refused}", error=True)


def _summary(done: "Archived", limits: str) -> str:
    ends = f"it ends at {done.last_id}" if done.last_id else "it is empty"
    cut = "an unknown number" if done.left_out is None else f"{done.left_out:,}"
    left_out = f"; {cut} were left out ({limits})" if limits else ""
    entries, rejects = counted(done.entries, "entry"), counted(done.rejects, "reject")
    went = f"{entries} ({rejects}) in {counted(done.parts, 'part')} went to {done.folder}"
    return f"{went}; {ends}{left_out}"
