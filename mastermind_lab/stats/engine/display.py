"""How a summary shows: a line that says what it is, and the first and last rows of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from html import escape
from typing import Any

import pandas as pd

from ...labels import apart
from ...text import brief, visible

_CLEAN = partial(visible, unfit="\N{WHITE SQUARE}")
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
    return brief(str(value), WIDTH, _CLEAN)


def _apart(values: Iterable[object]) -> list[str]:
    """Make texts that stand side by side fit to show, so that different ones stay different."""
    return apart([str(value) for value in values], WIDTH, _CLEAN)


def _cut(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_axis(_apart(table.columns), axis=1)


def _shorter(column: pd.Series) -> Callable[[object], str]:
    """Return how the values of a column that are shown, the first and the last, are cut."""
    shown = column.iloc[[*range(len(column))[:ROWS], *range(len(column))[-ROWS:]]].astype(object)
    labels = dict(zip(map(str, shown), _apart(shown), strict=True))
    return lambda value: labels.get(str(value)) or cut(value)


def _options(table: pd.DataFrame) -> dict[str, Any]:
    texts = table.select_dtypes(["str", "object", "category"])
    names: dict[Any, str] = dict(zip(table.columns, _apart(table.columns), strict=True))
    return {
        "index": False,
        "max_rows": ROWS,
        "max_cols": COLUMNS,
        "float_format": "{:.4g}".format,
        "formatters": {names[name]: _shorter(column) for name, column in texts.items()},
        "show_dimensions": True,
    }
