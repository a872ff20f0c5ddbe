"""``mastermind-lab watch``: what a running arena decides, summed up on a full screen."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.live import Live

from ..envelope import DEFAULT_STREAM_NAME
from ..errors import LabError, OptionError
from ..live import Follower
from .dashboard import ask, picture
from .options import DEFAULT_URL, Running, Streams
from .signals import Screen, until_interrupted

_PAUSE = 0.25  # seconds between two redraws, at least
_REST = 4  # times as long as a redraw took: a fifth of a core is enough for looking
_KEPT = 1_000  # entries: only the latest are shown, and the totals need none


def watch(
    source: Running = DEFAULT_URL,
    stream: Streams = [DEFAULT_STREAM_NAME],  # noqa: B006 - typer reads it and copies it
    last: Annotated[int, typer.Option(min=0, help="Begin with the latest so many entries.")] = 1_000,
) -> None:
    """Watch a running arena on a full screen: how it goes, confidence, choices, unanimity, latest decisions.

    The figures are of all decisions it has seen, with 95% intervals, the choices of the latest 1,000. Ctrl-C
    ends it, with exit code 0.
    """
    screen = Screen()
    if not screen.is_terminal or screen.is_dumb_terminal:
        raise OptionError(
            "watch fills a terminal, and this is none; for pipes there is mastermind-lab tail --json"
        )
    follower = Follower(source, stream=stream, backfill=last, keep=_KEPT)
    ask(follower)
    with until_interrupted(), follower:
        with Live(console=screen, screen=True, auto_refresh=False) as live:
            _draw(follower, screen, live)
        raise LabError(follower.status.error or "the follower has failed")


def _draw(follower: Follower, screen: Screen, live: Live) -> None:
    """Redraw where something has changed, until the follower fails."""
    shown = None
    while follower.status.state != "failed":
        began = time.thread_time()
        now = follower.status, screen.size
        if now != shown:
            live.update(picture(follower, *screen.size), refresh=True)
            shown = now
        time.sleep(max(_PAUSE, _REST * (time.thread_time() - began)))
