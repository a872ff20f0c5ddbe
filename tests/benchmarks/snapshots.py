"""What a snapshot saves: its loading against decoding the same envelopes again, its size against gzip.

The five frames are made wherever one is read, as they are not before they are looked at.

    python tests/benchmarks/snapshots.py             # 200,000 decisions, a few minutes
    python tests/benchmarks/snapshots.py --count 20000
    python tests/benchmarks/snapshots.py --json      # for machines: one document a row

A row is a kind of envelope, with raw payloads kept or not: the simulated arena's, or those of random words
that the other benchmarks use (``--size small``, ``typical``, ``large``), which hardly compress. ``ratio`` is
the time to decode the payloads over the time to load the snapshot, each the median of some rounds taken in
turn in one process, both to the same history; ``cpu_ratio`` is the same of the processor's time, which others
on a busy machine disturb less. ``last`` is the processor's time to load the newest 1,000 decisions over that
to load all, each the least of the rounds. ``gzip`` is the snapshot's size over that of the raw NDJSON,
gzipped. Nothing here fails on a slow machine.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from envelopes import SIZES, envelopes, with_frames

import mastermind_lab as lab
from mastermind_lab.arena import Arena
from mastermind_lab.arena import payloads as payloads_of

COLUMNS = {
    "size": "<8", "payloads": "<8", "count": ">8,", "decode_s": ">9.2f", "save_s": ">8.2f", "load_s": ">8.2f",
    "ratio": ">7.1f", "cpu_ratio": ">10.1f", "last": ">6.2f", "ndjson_mb": ">10.1f", "gzip_mb": ">8.1f",
    "snapshot_mb": ">12.1f", "gzip": ">6.2f",
}  # fmt: skip
"""The table's columns and how their values are written."""


def rows(size: str, count: int, rounds: int) -> list[dict[str, Any]]:
    """Measure one size of envelope, without payloads and with them."""
    sent = list(payloads_of(Arena(7), count) if size == "arena" else envelopes(count, size, False))
    raw = b"\n".join(sent)
    known = {
        "size": size,
        "count": count,
        "ndjson_mb": len(raw) / 1e6,
        "gzip_mb": len(gzip.compress(raw)) / 1e6,
    }
    del raw
    return [known | _measured(sent, payloads, rounds, known["gzip_mb"]) for payloads in (False, True)]


def _measured(sent: list[bytes], payloads: bool, rounds: int, gzip_mb: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        history = lab.read(sent, payloads=payloads)
        save_s, saved = _timed(partial(history.save, f"{folder}/snapshot"))
        del history
        decoding, loading, newest = [], [], []
        for _ in range(rounds):
            loading.append(_timed(lambda: with_frames(lab.read(saved, payloads=payloads)))[0])
            newest.append(_timed(lambda: with_frames(lab.read(saved, payloads=payloads, last=1_000)))[0])
            decoding.append(_timed(lambda: with_frames(lab.read(sent, payloads=payloads)))[0])
        size = sum(path.stat().st_size for path in Path(saved).rglob("*.parquet")) / 1e6
    decode_s, decode_cpu = map(median, zip(*decoding, strict=True))
    load_s, load_cpu = map(median, zip(*loading, strict=True))
    return {
        "payloads": "kept" if payloads else "none",
        "decode_s": decode_s, "save_s": save_s[0], "load_s": load_s, "ratio": decode_s / load_s,
        "cpu_ratio": decode_cpu / load_cpu,
        "last": min(cpu for _, cpu in newest) / min(cpu for _, cpu in loading),
        "snapshot_mb": size, "gzip": size / gzip_mb,
    }  # fmt: skip


def _timed(do: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Return the seconds on the clock and on the processor, and the result."""
    gc.collect()
    began, busy = time.perf_counter(), time.process_time()
    result = do()
    return (time.perf_counter() - began, time.process_time() - busy), result


def _line(row: dict[str, Any]) -> str:
    return " ".join(format(row[name], form) for name, form in COLUMNS.items())


def _head() -> str:
    return " ".join(format(name, form.strip(",f").partition(".")[0]) for name, form in COLUMNS.items())


def main() -> None:
    """Measure, and print a row a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", choices=["arena", *SIZES], action="append", help="arena unless said")
    parser.add_argument("--json", action="store_true", help="one JSON document a line instead of a table")
    asked = parser.parse_args()
    if not asked.json:
        sys.stdout.write(_head() + "\n")
    for size in asked.size or ["arena"]:
        for row in rows(size, asked.count, asked.rounds):
            sys.stdout.write((json.dumps(row) if asked.json else _line(row)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
