"""What is asked of a folder that grows for a year, of many streams, of workers: its cost, and how that grows.

    python tests/benchmarks/growth.py                            # all of the table: half an hour
    python tests/benchmarks/growth.py parts                      # of 10, 300 and 3,180 parts
    python tests/benchmarks/growth.py parts --parts 300 3180 20460 --only open commit last=1000 since
    python tests/benchmarks/growth.py days streams --streams 1 10

A row is printed when it is measured. A part holds 12 decisions of the simulated arena, as a quiet stream
makes one a minute; so of 10 parts there are fewer than ``last=1000`` asks for. ``cpu`` are seconds of the
processor, least of some rounds, which others on a busy machine disturb less; ``requests`` are those to an
object store (fsspec's memory, counted). A day has 1,440 parts, and the newest day is listed to see what is
new: 300, 3,180 and 20,460 parts differ by whole days, so that it has as many each time. ``exponent`` is the
slope in a plot of both logarithms, of the sizes so far: 0 costs the same however much is there, 1 grows with
it. Nothing here fails on a slow machine.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from threading import local
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import uuid4

from growth_folders import DAY, MINUTE, STREAM, grow, sent, stream_id
from growth_streams import idle_bytes, streams
from growth_workers import scanned_by

import mastermind_lab as lab
from mastermind_lab.archive import Archiver
from mastermind_lab.stream import StreamUpdate

REQUESTS = ("cat_file", "pipe_file", "find", "ls", "info", "isfile", "isdir", "size", "exists", "rm_file")
MOST_STORED = 3_200
"""Parts of an object store that is all in memory."""


class Row(NamedTuple):
    """What is asked, of how much, and what it costs in which unit."""

    name: str
    size: int
    cost: float
    unit: str = "cpu"


def least(work: Callable[[], Any], rounds: int) -> float:
    """The least seconds of the processor that some work takes."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


@contextmanager
def requests() -> Iterator[Counter[str]]:
    """Count what an object store is asked."""
    from fsspec.implementations.memory import MemoryFileSystem

    counted: Counter[str] = Counter()
    within = local()  # what it asks itself is no request

    def counting(name: str) -> Any:
        real = getattr(MemoryFileSystem, name)

        def call(*args: Any, **options: Any) -> Any:
            outermost, within.one = not getattr(within, "one", False), True
            counted.update([name] * outermost)
            try:
                return real(*args, **options)
            finally:
                within.one = not outermost

        return call

    with patch.multiple(MemoryFileSystem, **{name: counting(name) for name in REQUESTS}):
        yield counted


class Committing:
    """An archiver of a folder, which commits one part after another behind its end."""

    def __init__(self, folder: str | Path, place: int) -> None:
        self.sink, self.place = Archiver(folder, stream=STREAM, source="x"), place

    def __call__(self) -> None:
        """Commit one."""
        self.place += MINUTE
        entries = [(stream_id(self.place, number), payload) for number, payload in enumerate(sent())]
        self.sink.take(StreamUpdate(STREAM, entries))
        self.sink.flush()


def questions(folder: Path, parts: int, rounds: int) -> dict[str, Callable[[], float]]:
    """List what can be asked of a folder of so many parts; what changes it comes last."""
    end = parts * MINUTE
    since = stream_id(end - 5 * MINUTE)
    several: dict[str, Callable[[], Any]] = {
        "open": lambda: Archiver(folder, stream=STREAM).close(),
        "last=100": lambda: lab.read(folder, last=100).decisions,
        "last=1000": lambda: lab.read(folder, last=1_000).decisions,
        "since": lambda: lab.read(folder, since=since).decisions,
        "where, an id": lambda: lab.read(folder).where([since]).decisions,
        "left out": lambda: lab.read(folder, since=since).coverage,
    }
    once: dict[str, Callable[[], Any]] = {
        "read": lambda: lab.read(folder).decisions,
        "scan": lambda: lab.stats.Confidence.of(lab.scan(folder)).table(),
        "verify": lambda: lab.verify(folder),
    }

    def commit() -> float:
        committing = Committing(folder, end)
        try:
            return least(committing, 3 * rounds)
        finally:
            committing.sink.close()

    return {
        **{name: lambda work=work: least(work, rounds) for name, work in several.items()},
        **{name: lambda work=work: least(work, 1) for name, work in once.items()},
        "commit": commit,
        "compact": lambda: least(lambda: lab.compact(folder), 1),
    }


def of_parts(sizes: Iterable[int], rounds: int, only: list[str]) -> Iterator[Row]:
    """Measure folders of so many parts, on a disk and on an object store."""
    with tempfile.TemporaryDirectory() as base:
        folder, done = Path(base) / "s", 0
        for parts in sorted(sizes):
            grow(folder, range(done * MINUTE, parts * MINUTE, MINUTE))
            done = parts
            copy = Path(shutil.copytree(folder, Path(base) / "copy", copy_function=os.link))
            Archiver(copy, stream=STREAM).close()  # which leaves a checkpoint, as each that ran before has
            for name, ask in questions(copy, parts, rounds).items():
                if not only or name in only:
                    yield Row(name, parts, ask())
            if parts <= MOST_STORED:
                yield from _of_a_store(folder, parts)
            shutil.rmtree(copy)


def _of_a_store(folder: Path, parts: int) -> Iterator[Row]:
    from fsspec.implementations.memory import MemoryFileSystem

    url, store = f"memory://{uuid4().hex}/s", MemoryFileSystem()
    store.put(str(folder) + "/", url + "/", recursive=True)
    Archiver(url, stream=STREAM).close()
    with requests() as counted:
        committing = Committing(url, parts * MINUTE)
        yield Row("open", parts, counted.total(), "requests")
        counted.clear()
        committing()
        yield Row("commit", parts, counted.total(), "requests")
        since = stream_id(parts * MINUTE - 5 * MINUTE)
        asked: dict[str, Callable[[], Any]] = {
            "last=100": lambda: lab.read(url, last=100).decisions,
            "since": lambda: lab.read(url, since=since).decisions,
            "where, an id": lambda: lab.read(url).where([since]).decisions,
        }
        for name, work in asked.items():
            counted.clear()
            work()
            yield Row(name, parts, counted.total(), "requests")
    MemoryFileSystem.store.clear()  # which file by file takes longer than all that was measured


def of_days(sizes: Iterable[int]) -> Iterator[Row]:
    """Measure the compaction of so many days, of two parts each."""
    for days in sizes:
        with tempfile.TemporaryDirectory() as folder:
            grow(folder, [day * DAY + part * MINUTE for day in range(days) for part in (0, 1)])
            yield Row("compact, days", days, least(lambda at=folder: lab.compact(at), 1))


def of_streams(sizes: list[int]) -> Iterator[Row]:
    """Measure one follower of so many streams."""
    for found in streams(sizes):
        costs = {name: cost for name, cost in found.items() if found["streams"] != "exponent"}
        size = costs.pop("streams", 0)
        for name, cost in costs.items():
            what, _, unit = name.partition("_")
            yield Row(f"streams, {what}", size, cost, unit)
    yield Row("an idle follower beside an entry", 20_000_000, *idle_bytes().values(), "bytes/s")


def of_workers(decisions: int) -> Iterator[Row]:
    """Measure a scan by so many workers; 0 is this process."""
    for found in scanned_by(decisions):
        for unit in ("seconds", "cpu", "loops", "speed_up"):
            yield Row("scan, workers", found["workers"], found[unit], unit)


def exponent(costs: Mapping[int, float]) -> float:
    """Fit the slope of both logarithms."""
    points = [(math.log(size), math.log(cost)) for size, cost in costs.items() if size and cost]
    middle = [sum(values) / len(points) for values in zip(*points, strict=True)] or [0.0, 0.0]
    spread = sum((x - middle[0]) ** 2 for x, _ in points)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in points) / spread if spread else math.nan


def show(rows: Iterable[Row], *, as_json: bool) -> None:
    """Print each row as it comes, with the exponent of its question so far."""
    costs: dict[tuple[str, str], dict[int, float]] = {}
    if not as_json:
        sys.stdout.write(f"{'asked':34} {'size':>10} {'cost':>12} {'unit':10} {'exponent':>8}\n")
    for row in rows:
        asked = costs.setdefault((row.name, row.unit), {})
        asked[row.size] = row.cost
        slope = exponent(asked)
        said = "" if math.isnan(slope) else f"{slope:8.2f}"
        line = f"{row.name:34} {row.size:10,} {row.cost:12,.4g} {row.unit:10} {said}".rstrip()
        if as_json:
            line = json.dumps(row._asdict() | {"exponent": None if math.isnan(slope) else slope})
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


KINDS = ("parts", "days", "streams", "workers")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="kind", help=f"of {', '.join(KINDS)}; else all")
    parser.add_argument("--parts", type=int, nargs="+", default=[10, 300, 3_180])
    parser.add_argument("--only", nargs="+", default=[], help="some of what is asked of parts")
    parser.add_argument("--days", type=int, nargs="+", default=[50, 100, 200, 400])
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 10, 50, 200])
    parser.add_argument("--decisions", type=int, default=1_000_000, help="that workers scan")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON document a row")
    given = parser.parse_args()
    if unknown := {*given.kinds} - {*KINDS}:
        parser.error(f"{', '.join(sorted(unknown))}: expected {', '.join(KINDS)}")
    warnings.simplefilter("error")
    rows = {
        "parts": of_parts(given.parts, given.rounds, given.only),
        "days": of_days(given.days),
        "streams": of_streams(given.streams),
        "workers": of_workers(given.decisions),
    }
    show(chain.from_iterable(rows[kind] for kind in given.kinds or KINDS), as_json=given.json)


if __name__ == "__main__":
    main()
