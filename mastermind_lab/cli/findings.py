"""What is wrong with a snapshot, as a table or as JSON."""

from __future__ import annotations

import json

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .line import printable


def show_findings(found: pd.DataFrame, folder: str, console: Console) -> None:
    """Print what verify found, as a table; names of files are shown as text, never as markup."""
    if found.empty:
        console.print(Text(f"{printable(folder)}: all is well"))
        return
    table = Table(title=f"{len(found):,} findings", title_justify="left")
    for name in found:
        table.add_column(str(name), overflow="fold")
    for row in found.itertuples(index=False):
        table.add_row(*(Text(printable(str(cell), 200)) for cell in row))
    console.print(table)


def findings_json(found: pd.DataFrame) -> str:
    """Return what verify found as one JSON object."""
    return json.dumps({"findings": found.to_dict(orient="records")}, ensure_ascii=False, indent=2)
