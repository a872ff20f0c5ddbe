"""How long each summary takes, against one ``groupby`` on the same frame: one command, one table.

    python tests/benchmarks/summaries.py                  # 1,000,000 votes, a minute or two
    python tests/benchmarks/summaries.py --votes 100000
    python tests/benchmarks/summaries.py --json           # for machines: one document a row

A row shows the median time of ``Summary.of(history)`` in seconds over some rounds, and its ratio to the
``groupby`` that stands above it: ``votes.groupby("stream_id")["confidence"].mean()``, measured in the same
rounds. ``table`` is what reading the numbers off takes. Nothing here fails on a slow machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from mastermind_lab import stats

SIZE = 7  # votes of a panel
CHOICES = np.array(["approve", "approve with changes", "reject", "defer"], dtype=object)
MODELS = np.array(["atlas-1", "atlas-2", "borealis"], dtype=object)
WORDS = [f"a claim of some length that is made now and then, number {number}" for number in range(500)]


def panels(votes: int, seed: int = 0) -> Any:
    """Make decisions of seven votes, two citations and five arguments each, with outcomes."""
    random, n = np.random.default_rng(seed), votes // SIZE
    ids = pd.Series([f"{1_772_442_000_000 + 1_000 * row}-0" for row in range(n)], dtype="str")
    right = random.integers(0, 4, n)
    return SimpleNamespace(
        decisions=_decisions(random, ids, right),
        votes=_votes(random, ids, right),
        citations=_rows(
            ids, 2, source=random.choice([f"https://example.org/{k}" for k in range(5_000)], 2 * n)
        ),
        arguments=_arguments(random, ids),
    )


def _decisions(random: np.random.Generator, ids: pd.Series, right: Any) -> pd.DataFrame:
    n = len(ids)
    rounds = [json.dumps([{"confidence": c / 100}, {"confidence": c / 90}]) for c in range(90)]
    return pd.DataFrame(
        {
            "stream_id": ids,
            "streamed_at": pd.date_range("2026-03-01", periods=n, freq="7s", tz="UTC").as_unit("us"),
            "published_at": pd.date_range("2026-03-01", periods=n, freq="7s", tz="UTC").as_unit("us"),
            "question": pd.Series(random.integers(0, n // 2 + 1, n)).astype("str"),
            "recommendation": CHOICES[np.where(random.random(n) < 0.7, right, random.integers(0, 4, n))],
            "confidence": random.beta(6, 3, n).round(3),
            "correct_choice": CHOICES[right],
            "n_citations": 2,
            "n_arguments": 5,
            "meta.model": random.choice(MODELS, n),
            "meta.debate.rounds": random.choice(np.array(rounds, dtype=object), n),
            **{f"meta.timings.{leaf}": random.gamma(2, 3, n) for leaf in ("research", "debate", "vote")},
        }
    ).astype(dict.fromkeys(("recommendation", "correct_choice", "meta.model", "meta.debate.rounds"), "str"))


def _rows(ids: pd.Series, each: int, **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"stream_id": ids.loc[ids.index.repeat(each)].array, **columns})
    texts = [name for name in columns if frame[name].dtype == object or frame[name].dtype.kind == "U"]
    return frame.astype(dict.fromkeys(texts, "str"))


def _votes(random: np.random.Generator, ids: pd.Series, right: Any) -> pd.DataFrame:
    n = SIZE * len(ids)
    voters = np.argsort(random.random((len(ids), 12)), axis=1)[:, :SIZE].ravel()
    choice = np.where(random.random(n) < 0.6, np.repeat(right, SIZE), random.integers(0, 4, n))
    return _rows(
        ids,
        SIZE,
        position=np.tile(np.arange(SIZE), len(ids)),
        voter=np.array([f"agent-{place}" for place in range(12)], dtype=object)[voters],
        choice=CHOICES[choice],
        confidence=random.beta(6, 3, n).round(3),
        weight=random.choice([0.5, 1.0, 2.0], n),
    )


def _arguments(random: np.random.Generator, ids: pd.Series) -> pd.DataFrame:
    n = 5 * len(ids)
    return _rows(
        ids,
        5,
        node=np.tile(np.arange(5), len(ids)),
        parent=pd.array(np.tile([0, 0, 0, 1, 1], len(ids)), dtype="Int64"),
        depth=np.tile([0, 1, 1, 2, 2], len(ids)),
        claim=random.choice(np.array(WORDS, dtype=object), n),
        stance=random.choice(np.array(["pro", "con"], dtype=object), n),
        strength=random.random(n).round(2),
    )


def one_groupby(history: Any) -> pd.Series:
    return history.votes.groupby("stream_id")["confidence"].mean()


SUBJECTS: dict[str, Callable[[Any], Any]] = {
    "one groupby": one_groupby,
    "Confidence": lambda history: stats.Confidence.of(history, by="meta.model"),
    "ConfidenceOverTime": lambda history: stats.ConfidenceOverTime.of(history, by="meta.model"),
    "Votes": stats.Votes.of,
    "Margin": stats.Margin.of,
    "Agreement": stats.Agreement.of,
    "Voters": stats.Voters.of,
    "Pivotal": stats.Pivotal.of,
    "Rules": stats.Rules.of,
    "Calibration, panels": stats.Calibration.of,
    "Calibration, voters": lambda history: stats.Calibration.of(history, unit="voters", by="voter"),
    "Conformity": stats.Conformity.of,
    "Stability": stats.Stability.of,
    "Arguments": stats.Arguments.of,
    "Citations": stats.Citations.of,
    "Timing": stats.Timing.of,
    "Regimes": stats.Regimes.of,
    "Drift": stats.Drift.of,
}


def rows(votes: int, rounds: int) -> Iterator[dict[str, Any]]:
    history = panels(votes)
    groupby = [_timed(one_groupby, history)[0] for _ in range(rounds)]
    for subject, of in SUBJECTS.items():
        spent, tables = [], []
        for _ in range(rounds):
            groupby.append(_timed(one_groupby, history)[0])
            seconds, summary = _timed(of, history)
            spent.append(seconds)
            tables.append(_timed(lambda one: getattr(one, "table", lambda: None)(), summary)[0])
        yield {
            "subject": subject,
            "votes": len(history.votes),
            "seconds": round(median(spent), 3),
            "ratio": round(median(spent) / median(groupby), 1),
            "table_seconds": round(median(tables), 3),
        }


def _timed(work: Callable[[Any], Any], given: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work(given)
    return time.perf_counter() - began, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON document a line instead of a table")
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if not asked.json:
        sys.stdout.write(f"{'subject':<22}{'votes':>10}{'seconds':>10}{'ratio':>8}{'table':>8}\n")
    for row in rows(asked.votes, asked.rounds):
        line = "{subject:<22}{votes:>10,}{seconds:>10.2f}{ratio:>8.1f}{table_seconds:>8.2f}".format(**row)
        sys.stdout.write((json.dumps(row) if asked.json else line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
