"""A history in a dozen figures: as one JSON object, or as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..history import History
from ..stats import Confidence, Estimate, Margin
from .row_format import printable

MODEL = "meta.model"


def summarise(history: History) -> dict[str, Any]:
    """Count a history: plain numbers, ready for JSON; shares and means with 95% intervals."""
    margin = Margin.of(history)
    when = history.decisions["published_at"].dropna()
    return {
        "decisions": len(history.decisions),
        "rejects": {"total": len(history.rejects)} | _counts(history),
        "published": [when.min().isoformat(), when.max().isoformat()] if len(when) else None,
        "mean_confidence": _estimate(Confidence.of(history).mean),
        "mean_confidence_by_model": _by_model(history),
        "unanimous_share": _estimate(margin.unanimous),
        "votes": len(history.votes),
        "coverage": [_plain(row) for row in history.coverage.to_dict(orient="records")],
    }


def _counts(history: History) -> dict[str, int]:
    return {str(reason): int(n) for reason, n in history.rejects["reason"].value_counts().items()}


def _by_model(history: History) -> dict[str, Any]:
    if MODEL not in history.decisions:
        return {}
    table = Confidence.of(history, by=MODEL).lump().table()
    return {
        str(row["group"]): _estimate(Estimate(row["mean"], row["mean_low"], row["mean_high"], row["n"]))
        for row in table.to_dict(orient="records")
    }


def _estimate(figure: Estimate) -> dict[str, Any]:
    return _plain({"value": figure.value, "low": figure.low, "high": figure.high, "n": int(figure.n)})


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Write what is missing as None: JSON has no NaN."""
    missing = {name for name, value in row.items() if value is None or value != value or str(value) == "<NA>"}
    return {str(name): None if name in missing else value for name, value in row.items()}


def show(found: dict[str, Any], console: Console) -> None:
    """Print the figures as a table; text from the source is shown as text, never as markup."""
    table = Table(title="History", title_justify="left", show_header=False)
    for name, value in _lines(found):
        table.add_row(Text(name), Text(printable(value)))
    console.print(table)


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    rejects = dict(found["rejects"])
    lines = [("decisions", f"{found['decisions']:,}"), ("rejects", f"{rejects.pop('total'):,}")]
    lines += [(f"  {reason}", f"{n:,}") for reason, n in rejects.items()]
    if found["published"]:
        first, last = (moment[:16].replace("T", " ") for moment in found["published"])
        lines.append(("published (UTC)", f"{first} to {last}"))
    lines.append(("mean confidence", _figure(found["mean_confidence"])))
    lines += [
        (f"  {printable(model)}", _figure(one)) for model, one in found["mean_confidence_by_model"].items()
    ]
    lines.append(("unanimous share", _figure(found["unanimous_share"])))
    return lines + [line for row in found["coverage"] for line in _coverage(row)]


def _figure(one: dict[str, Any]) -> str:
    if one["value"] is None:
        return "none"
    interval = f" (95% interval {one['low']:.3f} to {one['high']:.3f})" if one["low"] is not None else ""
    return f"{one['value']:.3f}{interval}, n = {one['n']:,}"


def _coverage(row: dict[str, Any]) -> list[tuple[str, str]]:
    said = [("source", row["source"] or "")]
    if row["left_out"]:
        said.append(("  left out", f"{row['left_out']:,} ({row['limits']})"))
    if row["missing"]:
        said.append(("  gone before reading", f"{row['missing']:,} ({row['certainty']})"))
    if row["note"]:
        said.append(("  note", row["note"]))
    return said


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
