"""The full screen: a follower's status, its running totals, its latest decisions, redrawn as they come."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator

import pandas as pd
from rich.cells import cell_len
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..errors import LabError, OptionError
from ..history import History
from ..labels import apart
from ..live import Follower, Status, duration, gaps, in_time, lateness, newest
from ..stats import Confidence, Estimate, Margin, Votes
from ..text import terminal_line
from .console import Screen
from .row_format import Line, bar, fitted
from .signals import notice_interruption, until_interrupted

_STEPS = " ▁▂▃▄▅▆▇█"
_BINS = (50, 40, 25, 20)  # they divide the 2,000 steps of the fine histogram, and fit half a screen
_STYLES = {"live": "green", "failed": "red", "reconnecting": "yellow"}
_FEWEST = 40  # replicates: of choices no intervals are shown
_PAUSE = 0.25  # seconds between two redraws, at least
_REST = 4  # times as long as a redraw took: a fifth of a core is enough for looking
_KEPT = 1_000  # entries: only the latest are shown, and the totals need none
_HEAD, _AROUND = 3, 5  # lines above the figures; and beside histogram and latest decisions


def run(source: str, streams: list[str], last: int) -> None:
    """Follow streams on a full screen until Ctrl-C.

    Raises
    ------
    OptionError
        There is no terminal to fill.
    LabError
        The follower has failed.
    """
    screen = Screen()
    if not screen.is_terminal or screen.is_dumb_terminal:
        raise OptionError(
            "watch fills a terminal, and this is none; for pipes there is mastermind-lab tail --json"
        )
    follower = Follower(source, stream=streams, backfill=last, keep=_KEPT)
    ask(follower)
    with until_interrupted(), follower:
        with Live(console=screen, screen=True, auto_refresh=False) as live:
            _redraw(follower, screen, live)
        raise LabError(follower.status.error or "the follower has failed")


def _redraw(follower: Follower, screen: Screen, live: Live) -> None:
    """Redraw where something has changed, until the follower fails."""
    shown = None
    while follower.status.state != "failed":
        notice_interruption()
        began = time.thread_time()
        now = follower.status, screen.size
        if now != shown:
            live.update(picture(follower, *screen.size), refresh=True)
            shown = now
        time.sleep(max(_PAUSE, _REST * (time.thread_time() - began)))


def ask(follower: Follower) -> tuple[Confidence, Margin]:
    """Return the running totals; asked for before anything has come, they count everything."""
    return follower.summary(Confidence), follower.summary(Margin)


def picture(follower: Follower, width: int, height: int) -> Group:
    """Draw all of it for a terminal of so many cells."""
    (confidence, margin), history = ask(follower), follower.history()
    tall = max((height - 12) // 3, 3)
    left = width * 5 // 9
    figures = Table.grid(padding=(0, 2, 0, 0))
    figures.add_column(width=left)
    figures.add_row(
        Group(*_confidence(confidence, left, tall), _figure("Unanimous", margin.unanimous, left)),
        Group(*_choices(history, width - left - 2, tall + 3)),
    )
    rest = max(height - _HEAD - tall - _AROUND, 1)
    latest = _latest(history, width, rest)
    return Group(*_head(follower, width), figures, Text(), Text("Latest decisions", "bold"), *latest)


def _head(follower: Follower, width: int) -> Iterator[Text]:
    status = follower.status
    state = Text(f"● {status.state}  ", f"bold {_STYLES.get(status.state, '')}")
    where = f"{', '.join(follower.source.streams)} at {follower.source.where}"
    yield state.append_text(fitted(where, width - state.cell_len - 14)).append("  Ctrl-C ends", "dim")
    yield fitted(" · ".join(_facts(status)), width)
    is_away = status.state not in ("live", "paused") and status.error
    yield fitted(status.error if is_away and status.error else "", width, "yellow")


def _facts(status: Status) -> Iterator[str]:
    yield f"received {status.received:,}"
    yield f"{status.rate:,.1f}/s"
    yield "lag -" if status.lag is None else f"lag {duration(status.lag)}"
    if late := lateness(status.behind):
        yield late
    yield f"rejects {status.rejected:,}"
    yield gaps(status)
    yield f"resets {status.resets:,}"


def _figure(name: str, estimate: Estimate, width: int) -> Text:
    between = "" if math.isnan(estimate.low) else f" ({estimate.low:.3f} to {estimate.high:.3f})"
    said = "nothing yet" if math.isnan(estimate.value) else f"{estimate.value:.3f}{between} n {estimate.n:,}"
    return Text(f"{name}  ", "bold").append_text(fitted(said, width - len(name) - 2, "not bold"))


def _confidence(confidence: Confidence, width: int, tall: int) -> Iterator[Text]:
    yield _figure("Confidence", confidence.mean, width)
    bins = next((one for one in _BINS if one <= width), _BINS[-1])
    counts = confidence.histogram(bins)["n"].tolist() or [0] * bins
    for row in reversed(range(tall)):
        yield Text("".join(_step(count, max(counts), tall, row) for count in counts), "cyan")
    yield Text(f"0{'0.5':^{bins - 2}}1", "dim")


def _step(count: int, most: int, tall: int, row: int) -> str:
    """Draw a row's part of a column; the smallest count is still to be seen."""
    eighths = math.ceil(count / most * tall * 8) if most else 0
    return _STEPS[min(max(eighths - row * 8, 0), 8)]


def _choices(history: History, width: int, rows: int) -> Iterator[Text]:
    """Draw the most voted of what is kept; the last row is for all others.

    Free-text choices know no end: a total of all that were ever voted for would grow and grow.
    """
    about = f"  share of votes, latest {len(history):,}"
    yield Text("Choices", "bold", no_wrap=True, overflow="ellipsis").append(about, "not bold dim")
    shares = Votes.of(history, replicates=_FEWEST).table().set_index("choice")["share"]
    top = shares if len(shares) < rows else shares[: rows - 2]
    name = width // 2
    for label, share in zip(_names(top.index, name), top, strict=True):
        drawn = fitted(label, name)
        yield drawn.append(f" {bar(share, width - name - 8)}", "cyan").append(f" {share:6.1%}")
    if len(top) < len(shares):
        yield fitted(f"{len(shares) - len(top):,} others", width - 7, "dim").append(f" {1 - top.sum():6.1%}")


def _names(choices: Iterable[object], width: int) -> list[str]:
    """Cut choices so that they stay apart, if some of their characters take two cells, too."""
    texts = [str(choice) for choice in choices]
    labels = apart(texts, width, terminal_line)
    return (
        labels if max(map(cell_len, labels), default=0) <= width else apart(texts, width // 2, terminal_line)
    )


def _latest(history: History, width: int, rows: int) -> Iterator[Text]:
    """Draw the latest decisions, the newest first."""
    latest = newest(history, rows)
    columns = ["recommendation", "confidence", "question"]
    decisions = latest.decisions.set_index("stream_id").loc[in_time(latest)[::-1], columns]
    choices = latest.votes.groupby("stream_id")["choice"].agg(list)
    for entry_id, recommendation, confidence, question in decisions.itertuples():
        asked = "" if pd.isna(question) else question
        yield Line(entry_id, recommendation, confidence, choices.get(entry_id, []), asked).drawn(width)
