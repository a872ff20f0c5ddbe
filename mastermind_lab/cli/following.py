"""What ``tail`` prints: a line a decision or a JSON object a line, and what happens beside the decisions."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from rich.text import Text

from ..envelope import DecisionEnvelope, Reject, validate
from ..errors import OptionError
from ..frames import Limits, id_key, several_streams
from ..labels import apart, counted
from ..stream import StreamReader, StreamUpdate
from ..text import terminal_line
from .console import Screen, json_line, say
from .row_format import Line, fitted
from .signals import notice_interruption, notice_leaving, until_interrupted

_MISSING = Reject("no_data", "no field 'data'")
_dumps = json.JSONEncoder(separators=(",", ":")).encode  # as terse as pydantic
_NAME = 12  # cells for a stream's name


def follow(
    source: str, streams: list[str], *, last: int, since: str | None, grep: str | None, as_json: bool
) -> None:
    """Print what comes on some streams until Ctrl-C; the command's help says how."""
    wanted = _matcher(grep)
    first = Limits.of(since=since).back_from(time.time_ns() // 1_000, "now").ids()["since"]
    several_streams(streams)
    show = _show_json if as_json else _shown_on(Screen(), streams)
    events = Events(streams)
    with until_interrupted(), closing(StreamReader(source, streams, backfill=last, since=first)) as reader:
        for update in reader:
            notice_interruption()
            notice_leaving()
            events.tell(update)
            for entry_id, verdict in _validated(update, first):
                if isinstance(verdict, Reject) or wanted(verdict):
                    show(update.stream, entry_id, verdict)


def _matcher(pattern: str | None) -> Callable[[DecisionEnvelope], bool]:
    try:
        search = re.compile(pattern or "").search
    except re.error as error:
        raise OptionError(f"grep={pattern!r}: expected a regular expression ({error})") from None

    def matches(envelope: DecisionEnvelope) -> bool:
        one = envelope.decision
        return any(search(text or "") for text in (one.question, one.recommendation, one.rationale))

    return matches


def _validated(update: StreamUpdate, first: str | None) -> Iterator[tuple[str, DecisionEnvelope | Reject]]:
    for entry_id, payload in update.entries:
        # Not earlier than wanted: a beginning may lie in the future.
        if first is None or id_key(entry_id) >= id_key(first):
            yield entry_id, _MISSING if payload is None else validate(payload)


def _show_json(stream: str, entry_id: str, verdict: DecisionEnvelope | Reject) -> None:
    """Write one object in a line; all but ASCII is escaped, so that a terminal is safe too."""
    facts = _dumps({"stream": stream, "stream_id": entry_id})
    if isinstance(verdict, Reject):
        more = _dumps(verdict._asdict())
    else:
        # What the payload did not say is left out: the models' defaults would invent a time and an id.
        more = verdict.model_dump_json(exclude_unset=True, ensure_ascii=True)
    sys.stdout.write(json_line(f"{facts[:-1]},{more[1:]}\n"))
    sys.stdout.flush()


def _shown_on(
    screen: Screen, streams: Sequence[str]
) -> Callable[[str, str, DecisionEnvelope | Reject], None]:
    several = len(streams) > 1
    names = dict(zip(streams, apart(streams, _NAME, terminal_line), strict=True))

    def show(stream: str, entry_id: str, verdict: DecisionEnvelope | Reject) -> None:
        if isinstance(verdict, Reject):
            prefix = f"{stream}: " if several else ""
            _news(f"{prefix}rejected {entry_id}: {verdict.reason} ({verdict.detail})")
        else:
            width = screen.width
            name = fitted(names[stream], _NAME + 2, "dim") if several else Text()
            screen.print(name.append_text(_line(entry_id, verdict).drawn(width - name.cell_len)))

    return show


def _line(entry_id: str, verdict: DecisionEnvelope) -> Line:
    one = verdict.decision
    choices = [vote.choice for vote in one.votes]
    return Line(entry_id, one.recommendation, one.confidence, choices, one.question or "")


class Events:
    """Says what happens beside the decisions, on standard error, each change in one line."""

    def __init__(self, streams: Sequence[str]) -> None:
        self._prefixes = {name: f"{name}: " if len(streams) > 1 else "" for name in streams}
        self._met, self._away = False, False

    def tell(self, update: StreamUpdate) -> None:
        """Say what is new in this, a line each; a fault that goes on is said once."""
        for text in self._connection(update):
            _news(text)
        for text in _of_stream(update):
            _news(self._prefixes[update.stream] + text)

    def _connection(self, update: StreamUpdate) -> Iterator[str]:
        if update.transient_error and not self._away:
            yield f"{'reconnecting' if self._met else 'waiting'}: {update.transient_error}"
        elif self._away and not update.transient_error:
            yield "connected again; nothing is shown twice" if self._met else "connected"
        self._away = bool(update.transient_error)
        self._met = self._met or not self._away


def _of_stream(update: StreamUpdate) -> Iterator[str]:
    if update.refused:
        yield f"not read: {update.refused}"
    if update.account and update.account.note:
        yield update.account.note
    if update.gap and update.gap.missing:
        about = "" if update.gap.certainty == "exact" else f"{update.gap.certainty} "
        gone = counted(update.gap.missing, "entry")
        yield f"gap: {about}{gone} behind {update.gap.after}, gone before reading"
    if update.reset:
        yield (
            "begun again (deleted, or rolled back to an earlier state); from here on its ids "
            "carry another @number"
        )


def _news(text: str) -> None:
    say(text, error=True, dim=True)
