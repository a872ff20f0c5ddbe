"""How long archiving takes against reading to frames, and how much memory: one command, one table.

    python tests/benchmarks/archiving.py            # a few minutes; ends with a million small envelopes
    python tests/benchmarks/archiving.py --json     # for machines: one document a row

The envelopes are those of the simulated arena, and of random words in three sizes, which hardly compress.
Both ways read the same stream of the same server in turn, several rounds in one process; a row shows the
medians in microseconds an envelope, and the archiver's ratio to reading: of the time on the clock, and of
this process' time on the processor, which others on a busy machine disturb less. The aim is 1.5 at most. The
last row archives a million small envelopes in a process of its own; its whole peak memory should stay below
700 MB. The archive lies in memory where there is a folder for that, so that no disk is measured. Nothing here
fails on a slow machine. It needs Linux for the memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from envelopes import envelopes

import mastermind_lab as lab
from mastermind_lab.arena import Arena
from mastermind_lab.arena import payloads as payloads_of
from mastermind_lab.arena.server import Server
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.stream import publish_payloads

MEMORY = Path("/dev/shm")
CASES = {"arena": 20_000, "small": 100_000, "typical": 20_000, "large": 1_000}
MANY = 1_000_000


def archive(url: str) -> None:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        lab.archive(url, folder)


WAYS: dict[str, Callable[[str], Any]] = {"read": lab.read, "archive": archive}


def ratios(size: str, count: int, rounds: int) -> Iterator[dict[str, Any]]:
    with Server() as server:
        publish(server.url, size, count)
        spent: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, work in WAYS.items():
                spent[way].append(timed(work, server.url))
    for way, times in spent.items():
        row: dict[str, Any] = {"size": size, "count": count, "way": way}
        for name, clock in (("us", 0), ("cpu", 1)):
            mine, reading = (median(one[clock] for one in found) for found in (times, spent["read"]))
            row |= {f"{name}_each": round(mine / count * 1e6, 1), f"{name}_ratio": round(mine / reading, 2)}
        yield row


def publish(url: str, size: str, count: int) -> None:
    sent = payloads_of(Arena(7), count) if size == "arena" else envelopes(count, size, False)
    for _ in publish_payloads(url, STREAM, sent):
        pass


def timed(work: Callable[[str], Any], url: str) -> tuple[float, float]:
    gc.collect()
    began, busy = time.perf_counter(), time.process_time()
    result = work(url)
    spent = time.perf_counter() - began, time.process_time() - busy
    del result
    return spent


def peak(count: int) -> dict[str, Any]:
    with Server() as server:
        publish(server.url, "small", count)
        done = subprocess.run([sys.executable, __file__, "--peak-of", server.url], capture_output=True)
    return {"size": "small", "count": count, "way": "archive"} | json.loads(done.stdout)


def peak_of(url: str) -> dict[str, Any]:
    began, busy = time.perf_counter(), time.process_time()
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        entries = lab.archive(url, folder).entries
    spent, on_cpu = time.perf_counter() - began, time.process_time() - busy
    lines = Path("/proc/self/status").read_text().splitlines()
    most = int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024
    each = {"us_each": round(spent / entries * 1e6, 1), "cpu_each": round(on_cpu / entries * 1e6, 1)}
    return each | {"peak_mb": round(most, 1)}


COLUMNS = {
    "size": "<8", "count": ">9,", "way": "<8", "us_each": ">8", "us_ratio": ">9", "cpu_each": ">9",
    "cpu_ratio": ">10", "peak_mb": ">8",
}  # fmt: skip
"""The table's columns and how their values are written."""


def line(row: dict[str, Any]) -> str:
    cells = [(row[name], form) if name in row else ("-", form.rstrip(",")) for name, form in COLUMNS.items()]
    return " ".join(format(value, form) for value, form in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON document a line instead of a table")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--many", type=int, default=MANY, help="how many envelopes for the memory")
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peak_of:
        sys.stdout.write(json.dumps(peak_of(asked.peak_of)))
        return

    def show(row: dict[str, Any]) -> None:
        sys.stdout.write((json.dumps(row) if asked.json else line(row)) + "\n")
        sys.stdout.flush()

    if not asked.json:
        sys.stdout.write(" ".join(format(name, form.rstrip(",")) for name, form in COLUMNS.items()) + "\n")
    for size, count in CASES.items():
        for row in ratios(size, count, asked.rounds):
            show(row)
    show(peak(asked.many))


if __name__ == "__main__":
    main()
