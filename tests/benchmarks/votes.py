"""How long a table of votes takes to become a history, against one ``groupby``: one command, one table.

    python tests/benchmarks/votes.py                  # 1,000,000 votes, a minute or two
    python tests/benchmarks/votes.py --votes 100000
    python tests/benchmarks/votes.py --json           # for machines: one document a row

A row is an order of the votes: by decision, or shuffled. It shows the least processor time of
``lab.from_votes`` in seconds over some rounds; its ratio to ``frame.groupby(decision).agg("first")`` in the
same rounds (at most 1.5 is wanted); and the most memory that was taken meanwhile, beyond the frame, as a
multiple of the frame's (at most 3 are wanted). Nothing here fails on a slow machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd

import mastermind_lab as lab

SIZE = 7  # votes of a decision
NAMED = {"decision": "question", "voter": "worker", "choice": "answer", "confidence": "sure"}


def votes(many: int, shuffled: bool, seed: int = 0) -> pd.DataFrame:
    """Make votes of 500 workers, with a confidence, a fact about the question and one about the vote."""
    random = np.random.default_rng(seed)
    number = np.arange(many) // SIZE
    frame = pd.DataFrame(
        {
            "question": pd.Series(
                [f"Is picture number {place} one of a cat?" for place in number], dtype="str"
            ),
            "worker": pd.Series(random.integers(0, 500, many)).map("worker-{}".format).astype("str"),
            "answer": pd.Series(random.choice(np.array(["yes", "no", "maybe"], object), many)).astype("str"),
            "sure": random.random(many).round(2),
            "seconds": random.gamma(2, 3, many),
            "difficulty": number % 5,
        }
    )
    return frame.sample(frac=1, random_state=seed, ignore_index=True) if shuffled else frame


def rows(many: int, rounds: int) -> Iterator[dict[str, Any]]:
    for order in ("by decision", "shuffled"):
        frame = votes(many, order == "shuffled")
        spent, others = [], []
        for _ in range(rounds):
            others.append(_timed(_grouped, frame))
            spent.append(_timed(_read, frame))
        size = int(frame.memory_usage(deep=True).sum())
        with get_context("spawn").Pool(1) as pool:
            grown = pool.apply(_grown, (many, order == "shuffled"))
        yield {
            "order": order,
            "votes": many,
            "seconds": round(min(spent), 3),
            "ratio": round(min(spent) / min(others), 2),
            "memory": round(grown / size, 2),
        }


def _grouped(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.groupby("question").agg("first")


def _read(frame: pd.DataFrame) -> lab.History:
    return lab.from_votes(frame, **NAMED)


def _timed(work: Callable[[pd.DataFrame], Any], frame: pd.DataFrame) -> float:
    began = time.process_time()
    work(frame)
    return time.process_time() - began


def _grown(many: int, shuffled: bool) -> int:
    """Return by how many bytes the most memory of a fresh process grew."""
    frame = votes(many, shuffled)
    lab.from_votes(frame.head(10), **NAMED)  # what has to be loaded is
    del frame
    frame = votes(many, shuffled)
    _forget_the_most()
    before = _most()
    history = lab.from_votes(frame, **NAMED)
    return _most() - before + 0 * len(history)


def _forget_the_most() -> None:
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass  # then what making the frame took counts, too


def _most() -> int:
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON document a line instead of a table")
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if not asked.json:
        sys.stdout.write(f"{'order':<14}{'votes':>10}{'seconds':>10}{'ratio':>8}{'memory':>8}\n")
    for row in rows(asked.votes, asked.rounds):
        line = "{order:<14}{votes:>10,}{seconds:>10.2f}{ratio:>8.2f}{memory:>8.2f}".format(**row)
        sys.stdout.write((json.dumps(row) if asked.json else line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
