"""``mastermind-lab demo``: everything once, with one command."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[Path, typer.Option(help="Where the charts and the snapshot go.")] = Path(
        "mastermind-demo"
    ),
    headless: Annotated[
        bool, typer.Option("--headless", help="Only write the files, without JupyterLab.")
    ] = False,
) -> None:
    """See the whole thing work: a Redis of its own, a simulated arena, charts, a snapshot, and JupyterLab.

    The arena publishes 2,000 decisions, one in a hundred of them malformed, and goes on at 20 a second.

    JupyterLab opens on the notebooks, with the stream's address in MASTERMIND_LAB_URL; Ctrl-C ends all of it.
    """
    from ..storage import local_path
    from .demonstration import run

    run(local_path(folder), headless=headless)
