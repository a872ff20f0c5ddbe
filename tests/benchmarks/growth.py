"""What a folder costs that grows for a year: what is asked, of how many parts, and how that grows with them.

    python tests/benchmarks/growth.py                  # 10, 300 and 3,000 parts; 50 to 400 days: some minutes
    python tests/benchmarks/growth.py --parts 10 300 3000 20000 --days 50 100

A part holds 12 decisions of the simulated arena, as a quiet stream makes one a minute. ``cpu`` are seconds of
the processor, least of some rounds, which others on a busy machine disturb less; ``requests`` are those to an
object store (fsspec's memory, counted). ``exponent`` is the slope in a plot of both logarithms: 0 costs the
same however much is there, 1 grows with it. Nothing here fails on a slow machine.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import local
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pyarrow as pa

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.archive import Archiver
from mastermind_lab.arena import Arena
from mastermind_lab.arena import payloads as payloads_of
from mastermind_lab.stream import StreamUpdate

BEGAN, MINUTE, DAY = 1_767_225_600_000, 60_000, 86_400_000
ENTRIES = 12
STREAM = "s"
REQUESTS = ("cat_file", "pipe_file", "find", "ls", "info", "isfile", "isdir", "size", "exists", "rm_file")

Measured = dict[tuple[str, str], dict[int, float]]
"""(what is asked, the unit) -> size -> cost."""


@cache
def sent() -> list[bytes]:
    """The envelopes of a part."""
    return list(payloads_of(Arena(7), ENTRIES))


@cache
def tables() -> dict[str, pa.Table]:
    """The same as tables."""
    return lab.read(sent(), payloads=True).tables()


def stream_id(place: int, entry: int = 0) -> str:
    """The id of an entry of the part that begins at a time."""
    return f"{BEGAN + place + entry}-0"


def grow(folder: str | Path, places: Iterable[int]) -> None:
    """Commit parts that begin at some times, as an archiver would."""
    after = ""
    for place in places:
        rows = {name: _with_ids(table, place) for name, table in tables().items()}
        ends = {"first_id": stream_id(place), "last_id": stream_id(place, ENTRIES - 1)}
        account = {"source": "x", "stream": STREAM, "entries": ENTRIES, "missing": 0, "certainty": "exact"}
        metadata = {"stream": STREAM, "source": "x", "after": after, "coverage": [account | ends]}
        after = snapshot.commit(folder, rows, metadata).last_id


def _with_ids(table: pa.Table, place: int) -> pa.Table:
    ids = [stream_id(place, int(one.partition("-")[2]) - 1) for one in table["stream_id"].to_pylist()]
    return table.set_column(0, table.schema.field(0), pa.array(ids, pa.large_string()))


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


def asked(folder: Path, parts: int, rounds: int) -> Iterator[tuple[str, float]]:
    """Yield what a folder of so many parts costs."""
    end = parts * MINUTE
    Archiver(folder, stream=STREAM).close()  # which leaves a checkpoint, as each that ran before has
    yield "open", least(lambda: Archiver(folder, stream=STREAM).close(), rounds)
    yield "last=100", least(lambda: lab.read(folder, last=100).decisions, rounds)
    since = stream_id(end - 5 * MINUTE)
    yield "since", least(lambda: lab.read(folder, since=since).decisions, rounds)
    yield "where, an id", least(lambda: lab.read(folder).where([since]).decisions, 1)
    yield "read", least(lambda: lab.read(folder).decisions, 1)
    yield "scan", least(lambda: lab.stats.Confidence.of(lab.scan(folder)).table(), 1)
    yield "verify", least(lambda: lab.verify(folder), 1)
    committing = Committing(folder, end)
    yield "commit", least(committing, 3 * rounds)
    committing.sink.close()


def of_parts(sizes: Iterable[int], rounds: int) -> Measured:
    """Measure folders of so many parts, on a disk and on an object store."""
    found: Measured = {}
    with tempfile.TemporaryDirectory() as base:
        folder, done = Path(base) / "s", 0
        for parts in sorted(sizes):
            grow(folder, range(done * MINUTE, parts * MINUTE, MINUTE))
            done = parts
            copy = Path(shutil.copytree(folder, Path(base) / "copy"))
            for name, cost in asked(copy, parts, rounds):
                found.setdefault((name, "cpu"), {})[parts] = cost
            compacting = least(lambda: lab.compact(copy), 1)  # noqa: B023 - it is called at once
            found.setdefault(("compact", "cpu"), {})[parts] = compacting
            for name, count in _of_a_store(folder, parts):
                found.setdefault((name, "requests"), {})[parts] = count
            shutil.rmtree(copy)
    return found


def _of_a_store(folder: Path, parts: int) -> Iterator[tuple[str, int]]:
    from fsspec.implementations.memory import MemoryFileSystem

    url, store = f"memory://{uuid4().hex}/s", MemoryFileSystem()
    store.put(str(folder) + "/", url + "/", recursive=True)
    Archiver(url, stream=STREAM).close()
    with requests() as counted:
        committing = Committing(url, parts * MINUTE)
        yield "open", counted.total()
        counted.clear()
        committing()
        yield "commit", counted.total()
        counted.clear()
        lab.read(url, last=100).decisions  # noqa: B018 - it reads
        yield "last=100", counted.total()
    store.rm(url, recursive=True)


def of_days(sizes: Iterable[int]) -> Measured:
    """Measure the compaction of so many days, of two parts each."""
    found: dict[int, float] = {}
    for days in sizes:
        with tempfile.TemporaryDirectory() as folder:
            grow(folder, [day * DAY + part * MINUTE for day in range(days) for part in (0, 1)])
            found[days] = least(lambda: lab.compact(folder), 1)
    return {("compact, days", "cpu"): found}


def exponent(costs: Mapping[int, float]) -> float:
    """Fit the slope of both logarithms."""
    points = [(math.log(size), math.log(max(cost, 1e-9))) for size, cost in costs.items()]
    middle = [sum(values) / len(points) for values in zip(*points, strict=True)]
    spread = sum((x - middle[0]) ** 2 for x, _ in points)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in points) / spread if spread else math.nan


def lines(found: Measured) -> Iterator[str]:
    """Say it in a table: a row a question."""
    for (name, unit), costs in found.items():
        said = "  ".join(f"{size:,}: {cost:,.3f}".removesuffix(".000") for size, cost in costs.items())
        yield f"{name:16} {unit:9} {exponent(costs):6.2f}   {said}"


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=int, nargs="*", default=[10, 300, 3_000])
    parser.add_argument("--days", type=int, nargs="*", default=[50, 100, 200, 400])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON document a row")
    given = parser.parse_args()
    warnings.simplefilter("error")
    found = (of_parts(given.parts, given.rounds) if given.parts else {}) | (
        of_days(given.days) if given.days else {}
    )
    if given.json:
        for (name, unit), costs in found.items():
            row = {"name": name, "unit": unit, "exponent": exponent(costs), "costs": costs}
            sys.stdout.write(json.dumps(row) + "\n")
        return
    sys.stdout.write(f"{'asked':16} {'':9} {'exponent':6}   size: cost\n")
    sys.stdout.writelines(f"{line}\n" for line in lines(found))


if __name__ == "__main__":
    main()
