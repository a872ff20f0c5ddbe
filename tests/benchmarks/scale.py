"""How much memory a history larger than memory takes: one command, one line a way.

    python tests/benchmarks/scale.py                    # 1,000,000 small envelopes, 0.6 KB each
    python tests/benchmarks/scale.py --count 100000
    python tests/benchmarks/scale.py --against          # against reading them whole

Each way runs in a process of its own. ``peak_mb`` is the most memory that it ever had, Python and its
libraries included; ``base_mb`` is what these alone take. More than 700 MB for a scan is an error.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from envelopes import envelopes

MOST_MB = 700
DIFFERENT = 50_000
"""Envelopes of their own; a longer file has them again, under other ids."""

WAYS = ("summary of a scan", "the same, of a snapshot")
AGAINST = "summary of a history"


def write(folder: Path, count: int) -> None:
    """Write files of at most 250,000 envelopes each."""
    block = [one + b"\n" for one in envelopes(min(count, DIFFERENT), "small", False)]
    for number, start in enumerate(range(0, count, 5 * DIFFERENT)):
        left = min(count - start, 5 * DIFFERENT)
        with (folder / f"{number:02}.ndjson").open("wb") as file:
            while left > 0:
                file.write(b"".join(block[:left]))
                left -= len(block)


def measured(way: str, folder: Path) -> dict[str, Any]:
    """Run one way in a process of its own."""
    command = [sys.executable, __file__, "--run", way, str(folder)]
    return json.loads(subprocess.check_output(command))


def run(way: str, folder: str) -> dict[str, Any]:
    """Summarise, and say what it took."""
    import mastermind_lab as lab

    base, began = _peak(), time.perf_counter()
    data = lab.read(folder) if way == AGAINST else lab.scan(folder)
    confidence = lab.stats.Confidence.of(data, by="meta.model").table()
    votes = lab.stats.Votes.of(data, by="meta.model").table()
    spent = time.perf_counter() - began
    counted = {"decisions": int(confidence["n"].sum()), "votes": int(votes["n"].sum())}
    return counted | {"seconds": round(spent, 1), "base_mb": base, "peak_mb": _peak()}


def _peak() -> int:
    # Linux alone says it. ru_maxrss would begin with what the parent had: a new process inherits it.
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024


def archived(source: Path, target: Path) -> Path:
    """Save a scan range by range."""
    import mastermind_lab as lab
    from mastermind_lab import snapshot

    for batch in lab.scan(source):
        snapshot.commit(
            target, batch.tables(), {"coverage": json.loads(batch.coverage.to_json(orient="records"))}
        )
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--against", action="store_true", help="read the whole history, too")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        sys.stdout.write(json.dumps(run(*asked.run)))
        return
    with tempfile.TemporaryDirectory() as name:
        lines, target = Path(name, "lines"), Path(name, "snapshot")
        lines.mkdir()
        write(lines, asked.count)
        sources = dict(zip(WAYS, (lines, archived(lines, target)), strict=True))
        for way, source in (sources | ({AGAINST: lines} if asked.against else {})).items():
            found = measured(way, source)
            sys.stdout.write(f"{way:<26} {json.dumps(found)}\n")
            sys.stdout.flush()
            if way in WAYS and found["peak_mb"] > MOST_MB:
                sys.exit(f"{way}: more than {MOST_MB} MB")


if __name__ == "__main__":
    main()
