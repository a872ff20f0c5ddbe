"""What following many streams costs as their number grows, and what looking at large entries costs.

    python tests/benchmarks/growth_streams.py                    # 1, 10, 50 and 200 streams: two minutes
    python tests/benchmarks/growth_streams.py --sizes 1 10       # fewer
    python tests/benchmarks/growth_streams.py --json             # for machines: one document a row

One follower follows all streams of a real server. ``start`` is how long it takes until the entry that each
stream holds has come; ``latency`` the median from XADD to a callback, while twenty entries a second come on
streams in turn; ``behind`` how many entries wait, and for how long the oldest has waited, after some seconds
in which one stream took 2,000 a second and the others twenty together. The exponent is that of a power law
fitted to the sizes: 1 is a cost in proportion. The last row is what an idle follower has sent to it each
second beside one entry of 20 MB.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import redis

import mastermind_lab as lab
from mastermind_lab.arena.server import Server

SIZES = (1, 10, 50, 200)
COSTS = ("start_ms", "latency_ms")
PAYLOAD = '{"decision": {"recommendation": "ship", "confidence": 0.8}, "meta": {"n": %d}}'
LARGE = 20_000_000
BUSY = 2_000  # entries a second


class Load:
    """Publishes numbered entries in a thread, at a pace, and notes when each was added."""

    def __init__(self, url: str, names: Sequence[str], rate: float, seconds: float) -> None:
        self.url, self.names, self.rate, self.seconds = url, names, rate, seconds
        self.added: list[float] = []
        self.thread = threading.Thread(target=self._publish)
        self.thread.start()

    def _publish(self) -> None:
        began, at_once = time.monotonic(), max(1, int(self.rate / 50))
        with redis.Redis.from_url(self.url) as client:
            while len(self.added) < self.rate * self.seconds:
                with client.pipeline(transaction=False) as pipe:
                    for number in range(len(self.added), len(self.added) + at_once):
                        pipe.xadd(self.names[number % len(self.names)], {"data": PAYLOAD % number})
                    pipe.execute()
                self.added += [time.monotonic()] * at_once
                time.sleep(max(0.0, began + len(self.added) / self.rate - time.monotonic()))


def streams(sizes: Sequence[int] = SIZES, seconds: float = 5.0) -> Iterator[dict[str, Any]]:
    """Yield a row a size, and one of the fitted exponents."""
    rows: list[dict[str, Any]] = []
    lab.Follower("redis://localhost:1").feed([("1-0", PAYLOAD % 0)])  # loads what is loaded late
    for size in sizes:
        with Server() as server:
            rows.append(row(server.url, size, seconds))
        yield rows[-1]
    if len(rows) > 1:
        yield {"streams": "exponent"} | {name: exponent(rows, name) for name in COSTS}


def row(url: str, size: int, seconds: float) -> dict[str, Any]:
    names = [f"arena:{number}" for number in range(size)]
    with redis.Redis.from_url(url) as client:
        for name in names:
            client.xadd(name, {"data": PAYLOAD % 0})
    began = time.monotonic()
    with lab.Follower(url, stream=names, backfill=1, keep=100) as follower:
        until(lambda: follower.status.received == size)
        start = time.monotonic() - began
        time.sleep(0.5)
        found = latency(follower, Load(url, names, 20, seconds))
        entries, waited = behind(
            follower, Load(url, names[-1:], BUSY, seconds), Load(url, names, 20, seconds)
        )
    return {
        "streams": size, "start_ms": round(1e3 * start), "latency_ms": round(1e3 * found, 1),
        "behind_entries": entries, "behind_ms": round(1e3 * waited),
    }  # fmt: skip


def latency(follower: lab.Follower, load: Load) -> float:
    came: dict[int, float] = {}
    leave = follower.on_batch(lambda batch: came.update(numbers(batch)))
    load.thread.join()
    until(lambda: len(came) == len(load.added))
    leave()
    return statistics.median(came[number] - added for number, added in enumerate(load.added))


def numbers(batch: lab.History) -> dict[int, float]:
    return dict.fromkeys(batch.tables()["decisions"]["meta.n"].to_pylist(), time.monotonic())


def behind(follower: lab.Follower, busy: Load, others: Load) -> tuple[int, float]:
    """Say how many entries wait, and since when the oldest of them does, when a load ends."""
    before = follower.status.received
    busy.thread.join()
    now, taken = time.monotonic(), follower.status.received - before
    added = sorted(busy.added + others.added)
    others.thread.join()
    waiting = max(len(added) - taken, 0)
    return waiting, now - added[taken] if waiting else 0.0


def idle_bytes(seconds: float = 10.0) -> dict[str, Any]:
    """Say how many bytes a second an idle follower has sent to it beside one large entry."""
    with Server() as server, redis.Redis.from_url(server.url) as client:
        client.xadd("s", {"data": PAYLOAD.replace("ship", "x" * LARGE) % 0})
        with lab.Follower(server.url, stream="s", backfill=1) as follower:
            until(lambda: follower.status.received == 1)
            time.sleep(3)
            before = sent(client)
            time.sleep(seconds)
            return {"idle beside 20 MB, bytes a second": round((sent(client) - before) / seconds)}


def sent(client: redis.Redis) -> int:
    return int(client.info("stats")["total_net_output_bytes"])


def until(true: Any, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing came for {seconds:g} s")
        time.sleep(0.002)


def exponent(rows: Sequence[dict[str, Any]], name: str) -> float:
    """Fit a power of the number of streams."""
    sizes, costs = ([max(row[key], 1e-3) for row in rows] for key in ("streams", name))
    return round(float(np.polyfit(np.log(sizes), np.log(costs), 1)[0]), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each load lasts")
    parser.add_argument("--json", action="store_true", help="one JSON document a line instead of a table")
    asked = parser.parse_args()

    def show(found: dict[str, Any]) -> None:
        cells = " ".join(f"{value!s:>14}" for value in found.values())
        sys.stdout.write((json.dumps(found) if asked.json else cells) + "\n")
        sys.stdout.flush()

    if not asked.json:
        names = ("streams", *COSTS, "behind_entries", "behind_ms")
        sys.stdout.write(" ".join(f"{name:>14}" for name in names) + "\n")
    for found in streams(asked.sizes, asked.seconds):
        show(found)
    show(idle_bytes())


if __name__ == "__main__":
    main()
