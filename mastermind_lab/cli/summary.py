"""A history in a dozen figures: as one JSON object, or as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..history import History
from ..labels import apart
from ..stats import Confidence, Estimate, Margin
from ..text import terminal_line

MODEL = "meta.model"
_NAME = 80  # characters of a model
_MOST = 1_000  # characters of a figure; a note says what to do at its end


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


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return _plain({"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": int(estimate.n)})


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Write what is missing as None: JSON has no NaN."""
    missing = {name for name, value in row.items() if value is None or value != value or str(value) == "<NA>"}
    return {str(name): None if name in missing else value for name, value in row.items()}


def show(figures: dict[str, Any], console: Console) -> None:
    """Print the figures as a table; text from the source is shown as text, never as markup."""
    table = Table(title="History", title_justify="left", show_header=False)
    for column in ("name", "value"):
        table.add_column(column, overflow="fold")  # an ellipsis would make different names alike
    for name, value in _lines(figures):
        table.add_row(Text(name), Text(terminal_line(value, _MOST)))
    console.print(table)


def _lines(figures: dict[str, Any]) -> list[tuple[str, str]]:
    rejects = dict(figures["rejects"])
    lines = [("decisions", f"{figures['decisions']:,}"), ("rejects", f"{rejects.pop('total'):,}")]
    lines += [(f"  {reason}", f"{n:,}") for reason, n in rejects.items()]
    if figures["published"]:
        first, last = (moment[:16].replace("T", " ") for moment in figures["published"])
        lines.append(("published (UTC)", f"{first} to {last}"))
    lines.append(("mean confidence", _figure(figures["mean_confidence"])))
    models = figures["mean_confidence_by_model"]
    names = apart([*models], _NAME, terminal_line)
    lines += [(f"  {name}", _figure(one)) for name, one in zip(names, models.values(), strict=True)]
    lines.append(("unanimous share", _figure(figures["unanimous_share"])))
    return lines + [line for row in figures["coverage"] for line in _coverage(row)]


def _figure(estimate: dict[str, Any]) -> str:
    if estimate["value"] is None:
        return "none"
    interval = (
        f" (95% interval {estimate['low']:.3f} to {estimate['high']:.3f})"
        if estimate["low"] is not None
        else ""
    )
    return f"{estimate['value']:.3f}{interval}, n = {estimate['n']:,}"


def _coverage(row: dict[str, Any]) -> list[tuple[str, str]]:
    said = [("source", row["source"] or "")]
    if row["left_out"]:
        said.append(("  left out", f"{row['left_out']:,} ({row['limits']})"))
    if row["missing"]:
        said.append(("  gone before reading", f"{row['missing']:,} ({row['certainty']})"))
    if row["note"]:
        said.append(("  note", row["note"]))
    return said
