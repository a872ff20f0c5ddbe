"""What a scan costs by the number of parts and of workers: one table, one line a size.

    python tests/benchmarks/growth_workers.py                   # 1,000,000 decisions; 10, 100 and 600 parts
    python tests/benchmarks/growth_workers.py --count 100000 --parts 10 100

``workers`` 0 is this process. Each way runs three times, in turn; ``seconds`` and ``cpu``, the seconds of
all processors, are the least of them. ``speed_up`` is against one process; two workers on two idle processors
have at least 1.6. Where others need them, ``cpu_times`` tells: two workers can be 1.6 times as fast if they
need no more than 1.25 times as much. What Dask's own loops need, some hundredths of each second on the clock
and so the more, the more others disturb, is not in ``cpu``: it is ``loops``. ``exponent`` says how the cost
grew from the line above: 1 is in proportion to the parts.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

from scale import archived, write

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.frames import between, entry_ids

TURNS = 3


def say(**told: Any) -> None:
    shown = {name: round(one, 3) if isinstance(one, float) else one for name, one in told.items()}
    sys.stdout.write(json.dumps(shown) + "\n")
    sys.stdout.flush()


def counted(folder: Path, **options: Any) -> int:
    """Count two summaries, one of which needs the votes."""
    scan = lab.scan(folder, **options)
    confidence = lab.stats.Confidence.of(scan, by="meta.model").table()
    return int(confidence["n"].sum()) + int(lab.stats.Votes.of(scan).table()["n"].sum())


class Cost(NamedTuple):
    """Seconds on the clock, and of all processors: what was computed, and what the loops of Dask took."""

    seconds: float
    cpu: float
    loops: float = 0.0

    def least(self, other: Cost) -> Cost:
        """Take of each the less."""
        return Cost(*map(min, self, other))


Clocks = Callable[[], tuple[float, float]]


def measured(work: Callable[[], Any], clocks: Clocks) -> Cost:
    """Do some work, by clocks that tell the second and the third of its costs."""
    began, before = time.perf_counter(), clocks()
    work()
    seconds, after = time.perf_counter() - began, clocks()
    return Cost(seconds, after[0] - before[0], after[1] - before[1])


def own() -> tuple[float, float]:
    """The clocks of a process that has no loop."""
    return time.process_time(), 0.0


def _with_loop() -> tuple[float, float]:
    """The clocks of one that has a loop, which asks for them."""
    return time.process_time() - time.thread_time(), time.thread_time()


@contextmanager
def workers(number: int, folder: Path) -> Iterator[Clocks]:
    """Start so many workers, and give the clocks of them and this process.

    Each has loaded what a first use loads: a scan of nothing is one task, which one of them gets.
    """
    from distributed import Client, LocalCluster

    options = {"n_workers": number, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(host="127.0.0.1", **options) as cluster, Client(cluster) as client:
        client.run(counted, folder, since="9999")

        def clocks() -> tuple[float, float]:
            loop, here = _with_loop()  # of the scheduler, in another thread here than what waits for it
            computed, loops = zip((here, loop), *client.run(_with_loop).values(), strict=True)
            return sum(computed), sum(loops)

        yield clocks


def scanned_by(decisions: int) -> Iterator[dict[str, Any]]:
    """Write an archive of so many decisions, and yield a row a number of workers."""
    with tempfile.TemporaryDirectory() as name:
        lines, target = Path(name, "lines"), Path(name, "snapshot")
        lines.mkdir()
        write(lines, decisions)
        yield from by_workers(archived(lines, target), decisions)


def by_workers(folder: Path, decisions: int) -> Iterator[dict[str, Any]]:
    """Compare one process with one and with two workers, in turn."""
    least: dict[int, Cost] = {}
    for _ in range(TURNS):
        for number in (0, 1, 2):
            engine: dict[str, Any] = {"engine": "dask"} if number else {}
            with workers(number, folder) if number else nullcontext(own) as clocks:
                counted(folder, since="9999", **engine)  # what is loaded at first use is loaded
                found = measured(lambda options=engine: counted(folder, **options), clocks)
            least[number] = found.least(least.get(number, found))
    for number, cost in least.items():
        times = {"speed_up": least[0].seconds / cost.seconds, "cpu_times": cost.cpu / least[0].cpu}
        yield {"workers": number, "decisions": decisions} | cost._asdict() | times


def by_parts(folder: Path, sizes: list[int]) -> None:
    """Scan folders of more and more parts of one decision each."""
    history = lab.sample(last=max(sizes))
    tables, before = history.tables(), None
    ids = entry_ids(tables)
    for parts in sizes:
        target = folder / str(parts)
        for one in ids[:parts]:
            snapshot.commit(target, between(tables, one, one), {"coverage": [{"source": "s", "entries": 1}]})
        lab.stats.Confidence.of(lab.scan(target)).table()
        found = [
            measured(lambda at=target: lab.stats.Confidence.of(lab.scan(at), by="meta.model"), own)
            for _ in range(TURNS)
        ]
        seconds, cpu, _ = reduce(Cost.least, found)
        partitions = lab.scan(target).partitions
        sent = sum(len(pickle.dumps(one)) for one in partitions) / parts
        told = {"tasks": len(partitions), "bytes_a_part": sent, "ms_a_part": cpu / parts * 1e3}
        if before:
            told["exponent"] = math.log(cpu / before[1]) / math.log(parts / before[0])
        say(parts=parts, seconds=seconds, cpu=cpu, **told)
        before = parts, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--parts", type=int, nargs="*", default=[10, 100, 600])
    asked = parser.parse_args()
    if asked.parts:
        with tempfile.TemporaryDirectory() as name:
            by_parts(Path(name), asked.parts)
    for told in scanned_by(asked.count) if asked.count else ():
        say(**told)


if __name__ == "__main__":
    main()
