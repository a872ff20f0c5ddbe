"""A still of the view as HTML; whatever comes from an envelope is text in it, and nothing else."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from ..labels import counted
from ..live import Status, duration, gaps, lateness, often
from .rows import short

_STYLE = "border-collapse:collapse;font-size:12px;line-height:1.35"
_DARK = ('[data-jp-theme-light="false"]', '[data-vscode-theme-kind="vscode-dark"]')
# A notebook is saved with one picture for both themes: turned round, its paper is dark, its hues the same.
STYLE = (
    f"<style>:is({', '.join(_DARK)}) img.mastermind-still "
    "{ filter: invert(.93) hue-rotate(180deg); }</style>"
)
_CELL = "padding:2px 8px;text-align:left;vertical-align:top;border-bottom:1px solid #8888"


def shown(value: object, most: int = 160) -> str:
    """Return any value as HTML text: escaped, cut, on one line, in its own direction."""
    text = short(value, most)
    return f"<bdi>{escape(text)}</bdi>" if text else ""


def status_items(status: Status, where: str, streams: tuple[str, ...], *more: str) -> list[str]:
    """Say how the following is going, in a few words each."""
    items = [
        f"{short(', '.join(streams))} at {short(where)}",
        f"{status.received:,} received",
        f"{status.rate:.1f} a second",
        f"lag {duration(status.lag)}" if status.lag is not None else "",
        lateness(status.behind),
        counted(status.rejected, "reject"),
        gaps(status),
        f"began again {often(status.resets)}" if status.resets else "",
        *more,
    ]
    return [item for item in items if item]


def status_line(status: Status, items: Sequence[str]) -> str:
    """Say how the following is going, in one line, and the last fault below it."""
    line = " &middot; ".join([f"<b>{status.state}</b>", *map(escape, items)])
    fault = f"<br><b>{shown(status.error, 300)}</b>" if status.error else ""
    return f'<div style="line-height:1.4">{line}{fault}</div>'


def rejects_table(rows: Sequence[Sequence[str]], total: int) -> str:
    """List the newest entries that could not be decoded, with the reason and how they begin."""
    if not rows:
        return ""
    cells = [[shown(cell) for cell in row] for row in rows]
    return _table(f"Rejects ({total:,} in all)", ("id", "reason", "detail", "begins"), cells)


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
    source = f"data:image/png;base64,{b64encode(png).decode()}"
    return f'<img class="mastermind-still" alt="{escape(title)}" src="{source}">'
