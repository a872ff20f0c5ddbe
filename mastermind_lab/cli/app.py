"""The commands put together, and how they end: see :data:`mastermind_lab.cli.options.EXIT_CODES`."""

import gc
import os
import sys
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from .. import __version__
from ..errors import LabError
from .archive import archive
from .compact import compact
from .console import say
from .demo import demo
from .import_ import import_
from .options import EXIT_CODES, epilog
from .read import read
from .replay import replay
from .signals import interruptions_kept, silence
from .simulate import simulate
from .snapshot import snapshot
from .tail import tail
from .usage import Command, Commands
from .verify import verify
from .watch import watch

_EXAMPLES: dict[Callable[..., None], str] = {
    demo: "demo --headless",
    read: "read data/arena.ndjson.gz --json",
    snapshot: "snapshot redis://localhost:6379 snapshots/run-42",
    import_: "import votes.csv snapshots/votes --decision question --voter worker --choice answer",
    archive: "archive redis://localhost:6379 archive --follow",
    verify: "verify snapshots/run-42",
    compact: "compact archive",
    simulate: "simulate redis://localhost:6379 --rate 5",
    replay: "replay run.ndjson redis://localhost:6379 --speed 60",
    tail: "tail redis://localhost:6379 --grep 'night tram'",
    watch: "watch redis://localhost:6379",
}
"""Each command, in the order of the help, with the example that ends its own.

Their annotations are no texts: typer would evaluate each several times, even for ``--version``.
"""

app = typer.Typer(
    cls=Commands,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command, example in _EXAMPLES.items():
    name = command.__name__.rstrip("_")  # "import" is a word of Python's own
    paragraphs = (command.__doc__ or "").split("\n\n")  # of any width: their lines are those of the code
    said = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    app.command(name, cls=Command, help=said, epilog=epilog(f"mastermind-lab {example}"))(command)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _all_commands(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Study how panels of AI agents decide."""


def main() -> None:
    """Run the command line; what goes wrong is said in a line or two, without a traceback."""
    # If it is closed, or what is opened next takes its place.
    sys.stderr = sys.stderr or open(os.devnull, "w", errors="replace")  # noqa: SIM115
    if sys.stdout is None:
        _end("standard output is closed: give it somewhere to go, if only /dev/null")
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr] # a real stream: this is a program
    gc.disable()  # until a command runs: there is little to collect, and looking for it is felt
    try:
        with interruptions_kept():
            try:
                app()
            finally:
                gc.enable()
                sys.stdout.flush()
    except LabError as error:
        _end(str(error))
    except (BrokenPipeError, SystemExit) as end:
        # The reader of our output has left, as in "| head": typer and rich end with 1 then, without a word.
        if not isinstance(end, BrokenPipeError) and not isinstance(end.__context__, BrokenPipeError):
            raise
        silence(sys.stdout)
        raise SystemExit(0) from None
    except OSError as error:
        # What is wrong with a source or a folder is a LabError.
        silence(sys.stdout)
        said = error.strerror or error
        _end(f"{error.filename}: {said}" if error.filename else f"cannot write the output: {said}")


def _end(message: str) -> NoReturn:
    try:
        Console(stderr=True).print("[bold red]error:[/] ", end="")
        say(message, error=True)
        sys.stderr.flush()
    except OSError:  # messages have nowhere to go either: the exit code says it
        silence(sys.stderr)
    raise SystemExit(1) from None
