"""``mastermind-lab tail``: a line a decision, as they come; or a JSON object a line, for pipes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Annotated

import typer
from rich.text import Text

from ..envelope import DEFAULT_STREAM_NAME, DecisionEnvelope, Reject, validate
from ..errors import OptionError
from ..frames import Limits, id_key
from ..stream import StreamReader, StreamUpdate
from .options import DEFAULT_URL, Running, Streams, number
from .row_format import Line, fitted, printable
from .signals import Screen, notice_leaving, until_interrupted

_MISSING = Reject("no_data", "no field 'data'")
_dumps = json.JSONEncoder(separators=(",", ":")).encode  # as terse as pydantic
_SAID = 400  # characters of a message
_NAME = 12  # cells for a stream's name: its end, since what several share is the beginning


def tail(
    source: Running = DEFAULT_URL,
    stream: Streams = [DEFAULT_STREAM_NAME],  # noqa: B006 - typer reads it and copies it
    last: Annotated[int, typer.Option(min=0, help="Begin with the latest so many entries.")] = 10,
    since: Annotated[
        str | None,
        typer.Option(help="Begin at a stream id, a date, or a Unix time, instead of with the latest."),
    ] = None,
    grep: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Only decisions whose question, recommendation or rationale match; (?i) ignores case.",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print a JSON object a line: an envelope, or the reason of a reject."),
    ] = False,
) -> None:
    """Follow a stream, a line a decision: time (UTC), recommendation, confidence, votes, question.

    Votes are counted as cast, the most first: 5:2. Said on standard error: rejects, reconnecting, entries
    that were gone before they could be read, a stream that began again. Ctrl-C ends it, with exit code 0.
    """
    wanted, first = _matcher(grep), Limits.of(since=number(since)).ids()["since"]
    show = _show_json if as_json else _shown_on(Screen(), several=len(stream) > 1)
    events = Events(stream)
    with until_interrupted(), closing(StreamReader(source, stream, backfill=last, since=first)) as followed:
        for news in followed:
            notice_leaving()
            events.tell(news)
            for entry_id, found in _judged(news, first):
                if isinstance(found, Reject) or wanted(found):
                    show(news.stream, entry_id, found)


def _matcher(pattern: str | None) -> Callable[[DecisionEnvelope], bool]:
    try:
        search = re.compile(pattern or "").search
    except re.error as error:
        raise OptionError(f"--grep {pattern!r} is no regular expression: {error}") from None

    def matches(envelope: DecisionEnvelope) -> bool:
        one = envelope.decision
        return any(search(text or "") for text in (one.question, one.recommendation, one.rationale))

    return matches


def _judged(news: StreamUpdate, first: str | None) -> Iterator[tuple[str, DecisionEnvelope | Reject]]:
    for entry_id, payload in news.entries:
        # Not earlier than wanted: a beginning may lie in the future.
        if first is None or id_key(entry_id) >= id_key(first):
            yield entry_id, _MISSING if payload is None else validate(payload)


def _show_json(stream: str, entry_id: str, found: DecisionEnvelope | Reject) -> None:
    """Write one object in a line; all but ASCII is escaped, so that a terminal is safe too."""
    facts = _dumps({"stream": stream, "stream_id": entry_id})
    if isinstance(found, Reject):
        more = _dumps(found._asdict())
    else:
        # What the payload did not say is left out: the models' defaults would invent a time and an id.
        more = found.model_dump_json(exclude_unset=True, ensure_ascii=True)
    sys.stdout.write(f"{facts[:-1]},{more[1:]}\n")
    sys.stdout.flush()


def _shown_on(screen: Screen, *, several: bool) -> Callable[[str, str, DecisionEnvelope | Reject], None]:
    def show(stream: str, entry_id: str, found: DecisionEnvelope | Reject) -> None:
        if isinstance(found, Reject):
            say(f"{f'{stream}: ' if several else ''}rejected {entry_id}: {found.reason} ({found.detail})")
        else:
            width = screen.width
            name = fitted(stream[-_NAME:], _NAME + 2, "dim") if several else Text()
            screen.print(name.append_text(_line(entry_id, found).drawn(width - name.cell_len)))

    return show


def _line(entry_id: str, found: DecisionEnvelope) -> Line:
    one = found.decision
    choices = [vote.choice for vote in one.votes]
    return Line(entry_id, one.recommendation, one.confidence, choices, one.question or "")


class Events:
    """Says what happens beside the decisions, on standard error, each change in one line."""

    def __init__(self, streams: Sequence[str]) -> None:
        self._prefixes = {name: f"{name}: " if len(streams) > 1 else "" for name in streams}
        self._met, self._away = False, False

    def tell(self, news: StreamUpdate) -> None:
        """Say what is new in this; of a fault that goes on only the first time is news."""
        for text in self._connection(news):
            say(text)
        for text in _of_stream(news):
            say(self._prefixes[news.stream] + text)

    def _connection(self, news: StreamUpdate) -> Iterator[str]:
        if news.transient_error and not self._away:
            yield f"{'reconnecting' if self._met else 'waiting'}: {news.transient_error}"
        elif self._away and not news.transient_error:
            yield "connected again; nothing is shown twice" if self._met else "connected"
        self._away = bool(news.transient_error)
        self._met = self._met or not self._away


def _of_stream(news: StreamUpdate) -> Iterator[str]:
    if news.account and news.account.note:
        yield news.account.note
    if news.gap:
        about = "" if news.gap.certainty == "exact" else f"{news.gap.certainty} "
        yield (
            f"gap: {about}{news.gap.missing:,} entries behind {news.gap.after} "
            "were gone before they could be read"
        )
    if news.reset:
        yield (
            "begun again (deleted, or rolled back to an earlier state); from here on its ids "
            "carry another @number"
        )


def say(text: str) -> None:
    """Put a line on standard error."""
    typer.echo(typer.style(printable(text, _SAID), dim=True), err=True)
