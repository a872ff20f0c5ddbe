"""How a summary shows: a line that says what it is, and the first and last rows of its table."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import pandas as pd

from ...text import brief, visible

ROWS, COLUMNS, WIDTH = 12, 10, 28
"""Rows, columns, and characters of a text, that are shown at most."""


def as_text(title: str, table: pd.DataFrame) -> str:
    """Show a table as plain text."""
    rows = _cut(table).to_string(**_options(table)) if len(table) else "no rows"
    return f"{title}\n{rows}"


def as_html(title: str, table: pd.DataFrame) -> str:
    """Show a table as HTML; text from data is escaped, and is no mathematics."""
    with pd.option_context("display.html.use_mathjax", False):
        rows = _cut(table).to_html(**_options(table), border=0) if len(table) else "<p>no rows</p>"
    return f"<p>{escape(title)}</p>\n{rows}"


def cut(value: object) -> str:
    """Make a text from data fit to show: cut, and a square for what would move the cursor."""
    return brief(str(value), WIDTH, partial(visible, unfit="\N{WHITE SQUARE}"))


def _cut(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_axis([cut(name) for name in table.columns], axis=1)


def _options(table: pd.DataFrame) -> dict[str, Any]:
    texts = table.select_dtypes(["str", "object", "category"]).columns
    return {
        "index": False,
        "max_rows": ROWS,
        "max_cols": COLUMNS,
        "float_format": "{:.4g}".format,
        "formatters": {cut(name): cut for name in texts},
        "show_dimensions": True,
    }
