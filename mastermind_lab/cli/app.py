"""The commands, and how they end: 0 done, 1 could not, 2 wrong usage, 130 interrupted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from ..arena import Arena, payloads
from ..envelope import DEFAULT_STREAM_NAME, SCHEMES
from ..errors import LabError
from ..history import read
from ..ndjson import write_lines
from ..snapshot import compact, verify
from ..stream import address, publish_payloads
from .archive import archive
from .options import DEFAULT_URL, URL_VARIABLES, number
from .replay import replay
from .summary import findings_json, show, show_findings, summarise
from .tail import tail
from .watch import watch

_EXIT_CODES = "Exit codes: 0 done; 1 could not, and the message says why; 2 wrong usage; 130 interrupted."


def _epilog(example: str) -> str:
    return f"Example: [bold]{example}[/]\n\n{_EXIT_CODES}"


app = typer.Typer(
    name="mastermind-lab",
    help="Study how panels of AI agents decide.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Url = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        envvar=URL_VARIABLES,
        help="A Redis URL, an NDJSON file, a folder or glob of them, or a snapshot.",
    ),
]
Stream = Annotated[str, typer.Option(help="The stream's name, for a Redis source.")]
Last = Annotated[int | None, typer.Option(min=0, help="Only the latest so many entries.")]
Since = Annotated[str | None, typer.Option(help="Begin at a stream id, a date, or a Unix time.")]
Until = Annotated[str | None, typer.Option(help="End at a stream id, a date, or a Unix time.")]
Seed = Annotated[int, typer.Option(help="Where the arena's randomness starts.")]


@app.command(epilog=_epilog("mastermind-lab demo --headless"))
def demo(
    folder: Annotated[Path, typer.Option(help="Where the charts and the snapshot go.")] = Path(
        "mastermind-demo"
    ),
    headless: Annotated[bool, typer.Option("--headless", help="Stop after the files.")] = False,
) -> None:
    """See the whole thing work: a real Redis, a simulated arena, charts, a snapshot, and JupyterLab.

    The arena publishes 2,000 decisions, one in a hundred of them malformed, and goes on at 20 a second.

    JupyterLab opens on the notebooks, with the stream's address in MASTERMIND_LAB_URL; Ctrl-C ends all of it.
    """
    from .demo import run  # here, because it loads the charts

    run(folder, headless=headless, console=Console(markup=False))


@app.command(name="read", epilog=_epilog("mastermind-lab read data/arena.ndjson.gz --json"))
def read_command(
    source: Url = DEFAULT_URL,
    stream: Stream = DEFAULT_STREAM_NAME,
    last: Last = None,
    since: Since = None,
    until: Until = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
) -> None:
    """Summarise a history: decisions, rejects by reason, mean confidence by model, unanimous share."""
    history = read(
        source, stream=stream, last=last, since=number(since), until=number(until), progress=_watched()
    )
    found = summarise(history)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        show(found, Console())


@app.command(epilog=_epilog("mastermind-lab snapshot redis://localhost:6379 snapshots/run-42"))
def snapshot(
    source: Annotated[str, typer.Argument(help="A Redis URL, an NDJSON file, a folder or glob of them.")],
    folder: Annotated[
        str, typer.Argument(help="The snapshot's folder, or its URL; it must not be there yet.")
    ],
    stream: Stream = DEFAULT_STREAM_NAME,
    last: Last = None,
    since: Since = None,
    until: Until = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the snapshot that is there.")
    ] = False,
) -> None:
    """Keep a history as Parquet files that pandas, DuckDB, Polars and Arrow read."""
    history = read(
        source, stream=stream, last=last, since=number(since), until=number(until), progress=_watched()
    )
    saved = history.save(folder, overwrite=overwrite)
    typer.echo(f"{len(history):,} decisions and {len(history.rejects):,} rejects are in {saved}")


app.command(epilog=_epilog("mastermind-lab archive redis://localhost:6379 archive --follow"))(archive)


Snapshot = Annotated[str, typer.Argument(metavar="FOLDER", help="A snapshot or archive, or its URL.")]


@app.command(name="verify", epilog=_epilog("mastermind-lab verify snapshots/run-42"))
def verify_command(
    folder: Snapshot,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
) -> None:
    """Check every byte and count of a snapshot; nothing is changed. Exit code 1 if anything is wrong."""
    found = verify(folder)
    if as_json:
        typer.echo(findings_json(found))
    else:
        show_findings(found, folder, Console())
    if len(found):
        raise typer.Exit(1)


@app.command(name="compact", epilog=_epilog("mastermind-lab compact archive"))
def compact_command(folder: Snapshot) -> None:
    """Merge a snapshot's small parts, day by day; it may be stopped at any moment.

    While an archiver runs on the folder it is refused.
    """
    before, after = compact(folder)
    typer.echo(f"{before:,} ranges became {after:,} in {folder}")


@app.command(epilog=_epilog("mastermind-lab simulate redis://localhost:6379 --rate 5"))
def simulate(
    target: Annotated[
        str,
        typer.Argument(envvar=URL_VARIABLES, help="A Redis URL, or an .ndjson file to write (.gz, .zst)."),
    ] = DEFAULT_URL,
    stream: Stream = DEFAULT_STREAM_NAME,
    rate: Annotated[float, typer.Option(min=0, help="Decisions a second; 0 for full speed.")] = 20,
    count: Annotated[
        int | None, typer.Option(min=1, help="How many; else for ever, or 2,000 into a file.")
    ] = None,
    seed: Seed = 7,
    malformed: Annotated[float, typer.Option(min=0, max=1, help="The share of malformed entries.")] = 0.0,
) -> None:
    """Let a simulated arena decide: onto a stream at a rate, or into a file at full speed."""
    if not target.startswith(SCHEMES):
        written = write_lines(target, payloads(Arena(seed), count or 2_000, malformed=malformed))
        typer.echo(f"{count or 2_000:,} decisions are in {written}")
        return
    made = payloads(Arena(seed), count, malformed=malformed, clock=lambda: datetime.now(UTC))
    sent = publish_payloads(target, stream, made, rate=rate)
    _count_aloud(sent, f"on {stream} at {address(target)}")


app.command(epilog=_epilog("mastermind-lab replay run.ndjson redis://localhost:6379 --speed 60"))(replay)
app.command(epilog=_epilog("mastermind-lab tail redis://localhost:6379 --grep 'night tram'"))(tail)
app.command(epilog=_epilog("mastermind-lab watch redis://localhost:6379"))(watch)


def _count_aloud(sent: Iterator[int], where: str) -> None:
    """Show the growing number on a terminal; say the last one anywhere."""
    total = 0
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    try:
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("")
            for total in sent:
                progress.update(task, description=f"{total:,} decisions {where}")
    finally:
        if total:
            typer.echo(f"{total:,} decisions {where}")


def _watched() -> bool:
    return sys.stderr.isatty()


def main() -> None:
    """Run the command line; what goes wrong is said in a line or two, without a traceback."""
    try:
        app()
    except LabError as error:
        Console(stderr=True).print("[bold red]error:[/] ", end="")
        typer.echo(str(error), err=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader of our output has left, as in "| head"; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
