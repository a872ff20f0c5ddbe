"""``mastermind-lab verify``: what is wrong with a snapshot, if anything."""

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..labels import counted
from ..text import terminal_line
from .console import print_json, say
from .options import AsJson, MaxPartBytes, Snapshot

if TYPE_CHECKING:
    import pandas as pd


def verify(folder: Snapshot, as_json: AsJson = False, max_unpacked_bytes: MaxPartBytes = None) -> None:
    """Check every byte and count of a snapshot; nothing is changed. Exit code 1 if anything is wrong."""
    from .. import snapshot

    findings = snapshot.verify(folder, max_unpacked_bytes=max_unpacked_bytes)
    if as_json:
        print_json({"findings": findings.to_dict(orient="records")})
    elif findings.empty:
        say(f"{folder}: all is well")
    else:
        _show(findings)
    if len(findings):
        raise typer.Exit(1)


def _show(findings: "pd.DataFrame") -> None:
    """Print findings as a table; names of files are shown as text, never as markup."""
    table = Table(title=counted(len(findings), "finding"), title_justify="left")
    for name in findings:
        table.add_column(str(name), overflow="fold")
    for row in findings.itertuples(index=False):
        table.add_row(*(Text(terminal_line(str(cell), 200)) for cell in row))
    Console().print(table)
