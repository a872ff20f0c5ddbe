"""A decision in one line of a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from rich.text import Text

from ..frames import id_key
from ..text import terminal_line

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BAR, _VOTES = 8, 7  # cells
_WIDE = 100  # cells, from which there is room for the date


class Line(NamedTuple):
    """What a line says of a decision."""

    stream_id: str
    recommendation: str
    confidence: float
    choices: Iterable[str]
    question: str

    def drawn(self, width: int) -> Text:
        """Draw it: time, recommendation, confidence, votes, and as much of the question as there is room."""
        drawn = Text(_time(self.stream_id, width), "dim")
        drawn.append_text(Text("  ")).append_text(fitted(self.recommendation, width // 5, "bold"))
        drawn.append(f"  {bar(self.confidence, _BAR)}", "cyan").append(f" {self.confidence:.2f}  ")
        drawn.append_text(fitted(_votes(self.choices), _VOTES)).append("  ")
        room = width - drawn.cell_len
        return drawn.append_text(fitted(self.question, room, "dim")) if room > 0 else _cut(drawn, width)


def fitted(text: str, width: int, style: str = "") -> Text:
    """Cut a hostile text to a number of cells, or fill it up to them."""
    # Not more than twice as many characters as cells: a pile of combining marks takes no room and has no end.
    return _cut(Text(terminal_line(text, width * 2), style, no_wrap=True), width)


def _cut(text: Text, width: int) -> Text:
    text.truncate(max(width, 0), overflow="ellipsis" if width > 0 else "crop", pad=True)
    return text


def bar(share: float, width: int) -> str:
    """Draw a share from 0 to 1 as a bar of so many cells."""
    eighths = round(share * width * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[part] if part else "")).ljust(width)


def _votes(choices: Iterable[str]) -> str:
    """Count votes as cast, the most first: 5:2."""
    return ":".join(str(count) for _, count in Counter(choices).most_common()) or "-"


def _time(stream_id: str, width: int) -> str:
    """Say when the stream took an entry; its id may hold a time beyond all calendars."""
    pattern = "%Y-%m-%d %H:%M:%SZ" if width >= _WIDE else "%H:%M:%SZ"
    try:
        return f"{_EPOCH + timedelta(milliseconds=id_key(stream_id)[1]):{pattern}}"
    except OverflowError:
        return "-".ljust(20 if width >= _WIDE else 9)
