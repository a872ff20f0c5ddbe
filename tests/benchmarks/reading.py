"""How long a history takes, against other ways and against the floor: one command, one table.

    python tests/benchmarks/reading.py            # a few minutes
    python tests/benchmarks/reading.py --all      # every size, both kinds of names, up to 200,000 envelopes
    python tests/benchmarks/reading.py --json     # for machines: one document a row

The ways of a case are measured in turn, several rounds in one process; a row shows microseconds an envelope,
and their ratios to ours: ``us``, the medians of the time on the clock, and ``cpu``, the least time on the
processor, of this process and of the Redis server that it reads from, which a busy machine disturbs least.
Ours is :func:`mastermind_lab.read` and the five frames, which are else made when they are looked at. Peak
memory comes from a process of its own a way: ``peak`` is what it grew by, result included; ``result`` is what
the frames say they hold. Nothing here fails on a slow machine. It needs the packages polars, orjson and
pysimdjson, and Linux for the memory.

What the other ways make of payloads differs. "normalize" is one call of ``json_normalize``: one frame, in
which votes, citations and arguments are still lists of dicts. "all frames" is what it takes to have what ours
has, typed or not: that frame, one more of votes and one of citations (``record_path``), and one of the
arguments, whose trees are walked in Python. polars gives one column of nested structs; orjson and simdjson
give nothing. The first rows are of fresh processes that import ours, or pandas and pydantic, and end. Every
way runs with the cyclic collector as it finds it: on, which costs those most that make the most dicts; what
ours compiles once for a stream's names, some 20 ms, falls into the first round. Cases of more than a gigabyte
of payloads (200,000 large envelopes) are left out.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import orjson
import pandas as pd
import polars as pl
import redis
import simdjson
from envelopes import SIZES, envelopes, with_frames

import mastermind_lab as lab
from mastermind_lab.arena.server import Server
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.stream import publish_payloads

MOST_BYTES = 2**30  # of payloads in one case
OURS = "ours"


class Case(NamedTuple):
    size: str
    own_names: bool
    count: int

    def payloads(self) -> list[bytes]:
        return list(envelopes(self.count, self.size, self.own_names))


def five_frames(source: Any) -> lab.History:
    return with_frames(lab.read(source))


def validate_and_normalize(payloads: list[bytes]) -> Any:
    return pd.json_normalize([lab.DecisionEnvelope.model_validate_json(one).model_dump() for one in payloads])


def loads_and_normalize(payloads: list[bytes]) -> Any:
    return pd.json_normalize([json.loads(one) for one in payloads])


def validate_all_frames(payloads: list[bytes]) -> Any:
    return _all_frames([lab.DecisionEnvelope.model_validate_json(one).model_dump() for one in payloads])


def loads_all_frames(payloads: list[bytes]) -> Any:
    return _all_frames([json.loads(one) for one in payloads])


def _all_frames(documents: list[dict[str, Any]]) -> list[pd.DataFrame]:
    frames = [pd.json_normalize(documents)]
    for part in ("votes", "citations"):
        frames.append(pd.json_normalize(documents, ["decision", part], "correlation_id"))
    return [*frames, pd.DataFrame([node for one in documents for node in _nodes(one)])]


def _nodes(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    decision = document["decision"]
    waiting = [(0, decision.get("argument_tree") or decision["arguments"])]
    while waiting:
        depth, node = waiting.pop()
        below = node.pop("children", None) or node.pop("replies", [])
        waiting += [(depth + 1, one) for one in below]
        yield {"correlation_id": document["correlation_id"], "depth": depth} | node


def polars_decode(payloads: list[bytes]) -> Any:
    texts = pl.Series([one.decode() for one in payloads])
    first = pl.Series([orjson.loads(one) for one in payloads[:200]])
    return texts.str.json_decode(first.dtype)


def orjson_only(payloads: list[bytes]) -> None:
    for one in payloads:
        orjson.loads(one)


def simdjson_only(payloads: list[bytes]) -> None:
    parser = simdjson.Parser()
    for one in payloads:
        parser.parse(one)


def xrange_only(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        last = "-"
        while page := client.xrange(STREAM, last, "+", count=1_000):
            last = "(" + page[-1][0].decode()


FROM_PAYLOADS: dict[str, Callable[[Any], Any]] = {
    OURS: five_frames,
    "validate, normalize": validate_and_normalize,
    "validate, all frames": validate_all_frames,
    "json.loads, normalize": loads_and_normalize,
    "json.loads, all frames": loads_all_frames,
    "polars json_decode": polars_decode,
    "orjson, thrown away": orjson_only,
    "simdjson, thrown away": simdjson_only,
}
IMPORTS = {OURS: "import mastermind_lab", "pandas, pydantic": "import pandas, pydantic"}
FROM_REDIS: dict[str, Callable[[Any], Any]] = {OURS: five_frames, "XRANGE, thrown away": xrange_only}


# Time --------------------------------------------------------------------------------------------------


def imports(rounds: int) -> Iterator[dict[str, Any]]:
    """Import in fresh processes, of modules that are compiled already."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    spent: dict[str, list[tuple[float, float]]] = {way: [] for way in IMPORTS}
    for _ in range(rounds + 1):
        for way, code in IMPORTS.items():
            began, busy = time.perf_counter(), _of_children()
            subprocess.run([sys.executable, "-c", code], env=environment, check=True)
            spent[way].append((time.perf_counter() - began, _of_children() - busy))
    every = {way: times[1:] for way, times in spent.items()}  # the first may have compiled
    for way in IMPORTS:
        described = {"source": "import", "way": way, "size": "-", "own_names": False, "count": 1}
        yield described | _compared(every, way, 1) | {"peak_mb": None, "result_mb": None}


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rows(case: Case, rounds: int) -> Iterator[dict[str, Any]]:
    payloads = case.payloads()
    yield from _rows(case, "payloads", FROM_PAYLOADS, payloads, rounds)
    with Server() as server:
        for _ in publish_payloads(server.url, STREAM, payloads):
            pass
        del payloads
        with redis.Redis.from_url(server.url) as client:
            yield from _rows(case, "redis", FROM_REDIS, server.url, rounds, lambda: _of_server(client))


def _of_server(client: redis.Redis) -> float:
    used = client.info("cpu")
    return used["used_cpu_user"] + used["used_cpu_sys"]


def _rows(
    case: Case, source: str, ways: dict[str, Any], given: Any, rounds: int,
    elsewhere: Callable[[], float] = float,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    spent = _measured(ways, given, rounds, elsewhere)
    for way in ways:
        described = {"source": source, "way": way} | case._asdict() | _compared(spent, way, case.count)
        yield described | _memory(case, way, given if source == "redis" else "")


def _compared(spent: dict[str, list[tuple[float, float]]], way: str, count: int) -> dict[str, float]:
    found = {}
    for name, clock, typical in (("us", 0, median), ("cpu", 1, min)):
        mine, ours = (typical(times[clock] for times in spent[one]) for one in (way, OURS))
        found |= {f"{name}_each": round(mine / count * 1e6, 2), f"{name}_ratio": round(mine / ours, 2)}
    return found


def _measured(
    ways: dict[str, Any], given: Any, rounds: int, elsewhere: Callable[[], float]
) -> dict[str, list[tuple[float, float]]]:
    spent: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, read in ways.items():
            gc.collect()
            began, busy = time.perf_counter(), time.process_time() + elsewhere()
            result = read(given)
            spent[way].append((time.perf_counter() - began, time.process_time() + elsewhere() - busy))
            del result
    return spent


# Memory ------------------------------------------------------------------------------------------------


def _memory(case: Case, way: str, url: str) -> dict[str, Any]:
    asked = json.dumps([*case, way, url])
    done = subprocess.run([sys.executable, __file__, "--memory-of", asked], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {"peak_mb": None, "result_mb": None}


def memory_of(asked: str) -> dict[str, Any]:
    """Read once in this process, and say by how much its peak grew."""
    *described, way, url = json.loads(asked)
    given = url or Case(*described).payloads()
    read = (FROM_REDIS if url else FROM_PAYLOADS)[way]
    lab.read(list(envelopes(5, "small", False)))  # what is loaded and compiled once is no part of the result
    gc.collect()
    before = _restarted_peak()
    result = read(given)
    return {"peak_mb": round(_peak() - before, 1), "result_mb": _size(result)}


def _restarted_peak() -> float:
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def _size(result: Any) -> float | None:
    if not isinstance(result, lab.History):
        return None
    frames = [getattr(result, name) for name in ("decisions", "votes", "citations", "arguments", "rejects")]
    return round(sum(int(frame.memory_usage(deep=True).sum()) for frame in frames) / 2**20, 1)


# The table ---------------------------------------------------------------------------------------------

SHORT = [
    Case("typical", False, 1_000), Case("typical", False, 20_000), Case("typical", True, 20_000),
    Case("small", False, 20_000), Case("large", False, 1_000),
]  # fmt: skip
ALL = [
    Case(size, own, count) for size in SIZES for own in (False, True) for count in (1_000, 20_000, 200_000)
]


def _fits(case: Case) -> bool:
    return len(next(envelopes(1, case.size, case.own_names))) * case.count <= MOST_BYTES


COLUMNS = {
    "size": "<8", "names": "<6", "count": ">8,", "source": "<9", "way": "<22", "us_each": ">10.1f",
    "us_ratio": ">9.2f",
    "cpu_each": ">9.1f", "cpu_ratio": ">10.2f", "peak_mb": ">8.1f", "result_mb": ">10.1f",
}  # fmt: skip
"""The table's columns and how their values are written."""


def _line(row: dict[str, Any]) -> str:
    shown = row | {"names": "own" if row["own_names"] else "clean"}
    return " ".join(_cell(shown[name], form) for name, form in COLUMNS.items())


def _cell(value: Any, form: str) -> str:
    width = form.strip("<>,f").partition(".")[0]
    return format("-", f">{width}") if value is None else format(value, form)


def _head() -> str:
    widths = {name: form.strip(",f").partition(".")[0] for name, form in COLUMNS.items()}
    return " ".join(format(name, width) for name, width in widths.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--all", action="store_true", help="the whole matrix")
    parser.add_argument("--json", action="store_true", help="one JSON document a line instead of a table")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.memory_of:
        sys.stdout.write(json.dumps(memory_of(asked.memory_of)))
        return
    if not asked.json:
        sys.stdout.write(_head() + "\n")
    cases = filter(_fits, ALL if asked.all else SHORT)
    measured = (rows(case, asked.rounds if case.count <= 20_000 else 3) for case in cases)
    for row in chain(imports(2 * asked.rounds), chain.from_iterable(measured)):
        sys.stdout.write((json.dumps(row) if asked.json else _line(row)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
