"""What the view shows as HTML; whatever comes from an envelope is text in it, and nothing else."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from html import escape
from typing import Any

import pandas as pd

from ..history import History
from ..live import Status, duration, lateness
from ..text import apart, brief, harmless

_BRIEF, _WHOLE = 160, 2_000  # characters
_MOST_ROWS = 60  # of votes, and of arguments, in an opened decision

Record = dict[str, Any]

_STYLE = "border-collapse:collapse;font-size:12px;line-height:1.35"
_CELL = "padding:2px 8px;text-align:left;vertical-align:top;border-bottom:1px solid #ddd"


def shown(value: Any, most: int = _BRIEF) -> str:
    """Return any value as HTML text: escaped, cut, on one line, in its own direction."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return ""
    return f"<bdi>{escape(brief(str(value), most, harmless))}</bdi>"


def status_line(status: Status, where: str, streams: tuple[str, ...], more: str) -> str:
    """Say how the following is going, in one line, and the last fault below it."""
    items = [
        f"<b>{status.state}</b>",
        shown(", ".join(streams)) + " at " + shown(where),
        f"{status.received:,} received",
        f"{status.rate:.1f} a second",
        f"lag {duration(status.lag)}" if status.lag is not None else "",
        lateness(status.behind),
        f"{status.rejected:,} rejects",
        f"{status.trimmed:,} trimmed unseen" if status.trimmed else "no gaps",
        f"began again {status.resets} times" if status.resets else "",
        more,
    ]
    line = " &middot; ".join(item for item in items if item)
    fault = f'<br><span style="color:#882255">{shown(status.error, 300)}</span>' if status.error else ""
    return f'<div style="line-height:1.4">{line}{fault}</div>'


def decisions_table(history: History, most: int = 10) -> str:
    """List the newest decisions; each opens to its question, votes and argument tree."""
    newest = history.decisions.tail(most).iloc[::-1]
    if newest.empty:
        return "<p>no decisions yet</p>"
    votes, arguments = (_by_id(frame, newest["stream_id"]) for frame in (history.votes, history.arguments))
    rows = [_row(row, votes[row["stream_id"]], arguments[row["stream_id"]]) for row in _records(newest)]
    return _table("Latest decisions", ("published (UTC)", "recommendation", "confidence", "votes"), rows)


def _by_id(frame: pd.DataFrame, ids: pd.Series) -> dict[str, list[Record]]:
    """Return the rows of each of some decisions; those without any have none."""
    rows: dict[str, list[Record]] = {entry_id: [] for entry_id in ids}
    for row in _records(frame[frame["stream_id"].isin(ids)]):
        rows[row["stream_id"]].append(row)
    return rows


def _records(frame: pd.DataFrame) -> list[Record]:
    records: list[Record] = frame.to_dict("records")  # type: ignore[assignment] # str keys
    return records


def _row(row: Record, votes: list[Record], arguments: list[Record]) -> list[str]:
    when = row["published_at"] if row["published_at"] is not pd.NaT else row["streamed_at"]
    return [
        f"{when:%Y-%m-%d %H:%M:%S}" if when is not pd.NaT else "",
        _folded(shown(row["recommendation"]), _detail(row, votes, arguments)),
        f"{row['confidence']:.2f}",
        _vote_counts(votes),
    ]


def _folded(summary: str, detail: str) -> str:
    return f'<details style="overflow-wrap:anywhere"><summary>{summary}</summary>{detail}</details>'


def _vote_counts(votes: list[Record]) -> str:
    counts = Counter(vote["choice"] for vote in votes)
    first = counts.most_common(4)
    names = apart([str(choice) for choice, _ in first], 40, harmless)
    named = "; ".join(f"{shown(name)} {n}" for name, (_, n) in zip(names, first, strict=True))
    return named + (f"; {len(counts) - 4} more" if len(counts) > 4 else "")


def _detail(row: Record, votes: list[Record], arguments: list[Record]) -> str:
    blocks = [
        f"<p>{title}: {shown(row[name], _WHOLE)}</p>"
        for name, title in (
            ("question", "Question"),
            ("recommendation", "Recommendation"),
            ("rationale", "Rationale"),
        )
        if shown(row[name])
    ]
    if votes:
        columns = ("voter", "choice", "confidence")
        lines = [[shown(vote[name]) for name in columns] for vote in votes[:_MOST_ROWS]]
        blocks.append(_table("Votes", columns, lines) + _more(len(votes)))
    if arguments:
        blocks.append(
            "<p>Arguments</p>" + "".join(map(_node, arguments[:_MOST_ROWS])) + _more(len(arguments))
        )
    return "".join(blocks)


def _node(argument: Record) -> str:
    """Show an argument, moved in by its depth."""
    return (
        f'<div style="margin-left:{min(int(argument["depth"]), 20) * 1.2:.1f}em">'
        f"{shown(argument['stance'], 20) or '-'}: {shown(argument['claim'], 300)}</div>"
    )


def _more(count: int) -> str:
    return f"<p>and {count - _MOST_ROWS:,} more</p>" if count > _MOST_ROWS else ""


def rejects_table(rejects: pd.DataFrame, total: int) -> str:
    """List the newest entries that could not be decoded, with the reason and how they begin."""
    if rejects.empty:
        return ""
    rows = [
        [
            shown(row["stream_id"]),
            shown(row["reason"]),
            shown(row["detail"]),
            shown(_head(row["payload"]), 80),
        ]
        for row in _records(rejects.iloc[::-1])
    ]
    return _table(f"Rejects ({total:,} in all)", ("id", "reason", "detail", "begins"), rows)


def _head(payload: Any) -> str:
    return payload[:200].decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _table(caption: str, columns: tuple[str, ...], rows: list[list[str]]) -> str:
    """Lay out cells, which are HTML, under plain headings."""
    head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in row) + "</tr>" for row in rows
    )
    title = f'<caption style="text-align:left;font-weight:bold;caption-side:top">{caption}</caption>'
    return f'<table style="{_STYLE}">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def picture(png: bytes, title: str) -> str:
    """Embed a picture."""
    return f'<img alt="{escape(title)}" src="data:image/png;base64,{b64encode(png).decode()}">'
