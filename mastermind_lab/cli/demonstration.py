"""The demonstration: everything once, on a Redis of its own, with one command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from .. import charts
from ..arena import Arena, Server, opening, payloads
from ..envelope import DEFAULT_STREAM_NAME
from ..errors import LabError, SourceError
from ..history import History, read, sample_folder
from ..stream import paced, publish_batches, publish_payloads
from .console import say
from .signals import whole
from .summary import show, summarise

COUNT, MALFORMED, RATE = 2_000, 0.01, 20.0

CHARTS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "confidence": (charts.confidence, {"by": "meta.model"}),
    "confidence_over_time": (charts.confidence_over_time, {}),
    "votes": (charts.votes, {}),
    "margin": (charts.margin, {"by": "meta.category"}),
}
"""The pictures the demonstration draws, by file name."""


def run(folder: Path, *, headless: bool) -> None:
    """Run the demonstration.

    Parameters
    ----------
    folder
        Where the charts and the snapshot go.
    headless
        Stop once the files are written, instead of opening JupyterLab.
    """
    with _said_where(folder):  # before anything is waited for
        folder.mkdir(parents=True, exist_ok=True)
    with _ended_by_signals(), Server() as server:
        if server.note:
            say(server.note)
        arena = Arena(start=opening(COUNT, datetime.now(UTC)))
        for _ in publish_payloads(
            server.url, DEFAULT_STREAM_NAME, payloads(arena, COUNT, malformed=MALFORMED)
        ):
            pass
        say(f"A simulated arena has published {COUNT:,} decisions on {server.url}")
        history = read(server.url)
        show(summarise(history), Console())
        _write(history, folder)
        if not headless:
            _go_on(server.url, arena, folder)


def _write(history: History, folder: Path) -> None:
    with _said_where(folder):
        for name, (chart, options) in CHARTS.items():
            charts.save(folder / f"{name}.png", chart, history, **options)
    history.save(folder / "snapshot", overwrite=True)
    say(f"{len(CHARTS)} charts and a snapshot are in {folder}{os.sep}")


@contextmanager
def _said_where(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(f"cannot write to {folder}: {error.strerror or error}") from error


def _go_on(url: str, arena: Arena, folder: Path) -> None:
    """Let the arena go on for as long as JupyterLab is open on the notebooks."""
    say(f"The arena goes on at {RATE:.0f} decisions a second; Ctrl-C ends it.")
    with suppress(KeyboardInterrupt), _jupyter(url, _notebooks(folder)) as lab:
        live = payloads(arena, malformed=MALFORMED, clock=lambda: datetime.now(UTC))
        for _ in publish_batches(url, DEFAULT_STREAM_NAME, whole(paced(live, RATE))):
            if lab.poll() is not None:
                break
        if lab.returncode:
            raise LabError(f"JupyterLab ended with code {lab.returncode}; the files in {folder} are whole")


@contextmanager
def _jupyter(url: str, notebooks: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run JupyterLab, and end it with the block."""
    command = [sys.executable, "-m", "jupyterlab", str(notebooks)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        command.append("--no-browser")
    # A session of its own: Ctrl-C is ours to handle, and Jupyter would stop to ask.
    lab = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
        command, env=os.environ | {"MASTERMIND_LAB_URL": url}, start_new_session=True
    )
    try:
        yield lab
    finally:
        lab.terminate()
        lab.wait()


def _notebooks(folder: Path) -> Path:
    """Copy the notebooks, so that what is run and saved there leaves the originals as they are."""
    copy, half = folder / "notebooks", folder / ".notebooks.half"
    if not copy.exists():  # it is there only when it is whole
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(sample_folder().with_name("notebooks"), half)
        half.rename(copy)
    return copy


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the demonstration as tidily as Ctrl-C does."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    known = [signal.SIGTERM, *[signal.SIGHUP] * hasattr(signal, "SIGHUP")]  # Windows has no terminal to lose
    before = {one: signal.signal(one, end) for one in known}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
